"""Linux's ways to isolate a process: namespaces, read-only mounts, capabilities."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    *(0x20000, 0x8000000),
    *(0x10000000, 0x20000000, 0x40000000),
)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITY_VERSION_3 = 0x20080522


def die_with_parent() -> None:
    """End this process when the one that started it ends. Elsewhere than on Linux, nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def isolate(folder: str, hidden: Sequence[str]) -> list[str]:
    """Leave the network, the other processes and the other files behind, as far as this system allows; say what was
    left behind.

    `folder` is the only one to write to, and empty; so are, to read, those of `hidden` that exist and hold nothing that
    Python runs from. Linux's namespaces, as of 5.12; without them nothing changes. The next process that is forked is
    the first of its namespace.
    """
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC) != 0:
        return []
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text, encoding="ascii")
    read_only = struct.pack("<QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
    files = libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
    files = files and libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, read_only, len(read_only)) == 0
    needed = [Path(os.path.realpath(path)) for path in (folder, sys.prefix, sys.base_prefix, *sys.path)]
    covered = [path for path in hidden if os.path.isdir(path) and not any(one.is_relative_to(path) for one in needed)]
    for path in (folder, *covered) if files else ():
        files = libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", MS_NOSUID | MS_NODEV, b"size=16m") == 0 and files
    private = files and len(covered) == sum(map(os.path.isdir, hidden))
    return (
        ["no network", "no other process in sight"]
        + ["no file to write but its own"] * files
        + ["no other submission to read"] * private
    )


def give_up_rights() -> None:
    """See this namespace's processes alone, and lose every capability in it: with one, all that `isolate` did could be
    undone.

    Raises:
        OSError: the capabilities could not be given up. Nothing of a submission must run then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, None)
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:  # not to be had again by starting another program
        capability += 1
    head, none = struct.pack("<Ii", CAPABILITY_VERSION_3, 0), bytes(24)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.capset(head, none) != 0:
        raise OSError(ctypes.get_errno(), "the process keeps its capabilities")
