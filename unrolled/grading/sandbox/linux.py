"""Linux's ways to isolate a process, by hand: an empty root, namespaces, no capabilities.

Not by bubblewrap: that starts a program in its box, and here a process that has imported torch already is to go into
one, a new one for each submission, within milliseconds. The steps are those that bubblewrap takes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Memory that no process has mapped (shmget, msgget, semget, memfd_create, memfd_secret), the kernel's own keys, calls
# of which the kernel has had to be mended often (bpf, userfaultfd, perf_event_open, io_uring_setup), and setns.
REFUSED = {
    "x86_64": (29, 68, 64, 319, 447, 248, 249, 250, 321, 323, 298, 425, 308),
    "aarch64": (194, 186, 190, 279, 447, 217, 218, 219, 280, 282, 241, 425, 268),
}
CAPABILITY_VERSION_3 = 0x20080522

HOME = "/home/student"
MOST_FILES = 4096  # in each of these folders: an empty file takes memory too
EMPTY = (HOME, "/tmp", "/dev/shm")  # in memory, to write to
PEOPLE = {
    "etc/passwd": f"student:x:{{user}}:{{group}}::{HOME}:/bin/false\n",
    "etc/group": "student:x:{group}:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
OTHERS = ("/etc/ld.so.cache", "/usr/share/zoneinfo", "/sys/devices/system/cpu", *DEVICES)
LINKS = {"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1"}


class NoIsolationError(OSError):
    """This system does not allow the isolation."""


def die_with_parent() -> None:
    """End this process when the one that started it ends. Elsewhere than on Linux, nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def needed_paths(package: Path) -> list[str]:
    """What Python and its packages need to run, and nothing else: libraries, the interpreter, the environment, this
    package.

    The first of two paths of which one is in the other comes first, and the second not at all.
    """
    python = [sys.executable, os.path.realpath(sys.executable)]
    environment = [
        os.path.join(prefix, name)
        for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix}
        for name in ("lib", "lib64", "pyvenv.cfg")
    ]
    standard = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    packages = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    given = [*LIBRARIES, *OTHERS, *python, *environment, *standard, *packages, str(package)]
    paths = sorted({path for one in given for path in (one, os.path.realpath(one)) if os.path.exists(path)})
    roots: list[str] = []
    for path in paths:
        if not any(Path(path).is_relative_to(root) for root in roots if os.path.isdir(root)):
            roots.append(path)
    return roots


def covered_paths(needed: Sequence[str], hidden: Sequence[str]) -> list[str]:
    """Those of the folders `hidden` that are inside what is needed, and every copy of the exercises there."""
    copies = [
        os.path.join(path, "unrolled", "exercises", "sets")
        for path in sys.path
        if os.path.basename(path) in ("site-packages", "dist-packages")
    ]
    inside = [*hidden, *copies]
    found = {path for one in inside for path in (one, os.path.realpath(one)) if os.path.isdir(path)}
    return sorted(path for path in found if any(Path(path).is_relative_to(root) for root in needed))


def enter_namespaces() -> None:
    """Leave the network, the other processes and the mounts behind. The next process that is forked is the first in
    there.

    Raises:
        OSError: this system does not allow it. The process is then of no use.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _check(libc.unshare(NAMESPACES), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text, encoding="ascii")


def enter_empty_root(root: str, needed: Sequence[str], covered: Sequence[str]) -> None:
    """As the first process of the namespaces: see a new root, made at the folder `root`, with `needed` in it to read.

    `covered`: folders in `needed` that are empty there. It can write to `EMPTY` alone, which is in memory, and is in
    the home there.

    Raises:
        OSError: this system does not allow it. Nothing of a submission must run then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _mount(libc, "none", "/", None, MS_REC | MS_PRIVATE)
    _mount(libc, "tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for folder in EMPTY:  # before what is needed, which may be in there
        os.makedirs(root + folder, exist_ok=True)
        _mount(libc, "tmpfs", root + folder, "tmpfs", MS_NOSUID | MS_NODEV, f"size=16m,nr_inodes={MOST_FILES}")
    for path in needed:
        _bind(libc, root, path)
    for path in covered:
        _mount(libc, "tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k")
    for folder in ("/proc", "/etc", "/old"):
        os.makedirs(root + folder, exist_ok=True)
    for link, target in LINKS.items():
        os.symlink(target, root + link)
    for name, text in PEOPLE.items():
        Path(root, name).write_text(text.format(user=os.getuid(), group=os.getgid()), encoding="ascii")
    # Only where another one is in sight does Linux allow a process list of its own.
    _mount(libc, "proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with suppress(OSError):
        Path(root, "proc/sys/user/max_user_namespaces").write_text("0", encoding="ascii")
    _check(libc.pivot_root(os.fsencode(root), os.fsencode(root + "/old")), "pivot_root")
    os.chdir("/")
    _check(libc.umount2(b"/old", MNT_DETACH), "umount2")
    os.rmdir("/old")
    _set_mount(libc, "/", AT_RECURSIVE, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0)
    for folder in EMPTY:
        _set_mount(libc, folder, 0, 0, MOUNT_ATTR_RDONLY)
    os.chdir(HOME)


def give_up_rights() -> None:
    """Lose every capability, for good: with one, all that was done before could be undone. And lose what `REFUSED`
    lists.

    Raises:
        OSError: this failed. Nothing of a submission must run then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:  # not to be had again by starting another program
        capability += 1
    head, none = struct.pack("<Ii", CAPABILITY_VERSION_3, 0), bytes(24)
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(libc.capset(head, none), "capset")
    _refuse_calls(libc)


def _refuse_calls(libc: ctypes.CDLL) -> None:
    """Let the system calls of `REFUSED` fail, as if this system did not have them."""
    machine = os.uname().machine
    if machine not in ARCHITECTURE:
        return
    load, equal, above, answer = 0x20, 0x15, 0x35, 0x06  # instructions of the filter: see Linux's seccomp_filter
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.ENOSYS
    numbers = REFUSED[machine]
    count = len(numbers)
    program = [
        (load, 0, 0, 4),  # the architecture
        (equal, 0, count + 3, ARCHITECTURE[machine]),
        (load, 0, 0, 0),  # the number of the call
        (above, count + 1, 0, 0x40000000),  # of another set of calls
        *((equal, count - position, 0, number) for position, number in enumerate(numbers)),
        (answer, 0, 0, allow),
        (answer, 0, 0, refuse),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *one) for one in program))
    head = struct.pack("@HxxxxxxP", len(program), ctypes.addressof(code))
    _check(libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(head), 0, 0), "seccomp")


def _bind(libc: ctypes.CDLL, root: str, path: str) -> None:
    """Show what is at `path` under the new root at the same place."""
    place = root + path
    if os.path.isdir(path):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        Path(place).touch()
    _mount(libc, path, place, None, MS_BIND | MS_REC)


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    kind_bytes = None if kind is None else kind.encode()
    _check(
        libc.mount(os.fsencode(source), os.fsencode(target), kind_bytes, flags, options.encode() or None),
        f"mount {target}",
    )


def _set_mount(libc: ctypes.CDLL, path: str, flags: int, added: int, cleared: int) -> None:
    attributes = struct.pack("<QQQQ", added, cleared, 0, 0)
    result = libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), flags, attributes, len(attributes))
    _check(result, f"mount_setattr {path}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise NoIsolationError(number, f"{what}: {os.strerror(number)}")
