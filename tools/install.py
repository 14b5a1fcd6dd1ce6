"""Install packages into this environment: `pip install`, done by uv, which takes a quarter of the time.

    python tools/install.py -r requirements-site.txt

The arguments are those of `pip install`. What this machine has set up for pip (`pip config list`: its files and `PIP_*`
variables) counts for uv too. Where uv cannot be had, or pip is set up in a way that uv has no word for, pip installs.

uv checks each package that `requirements.lock` has hashes for. pip cannot: with one hash it wants one for each package,
and torch has none there, since PyTorch's CPU builds are other files under the same version. So pip goes by
`constraints.txt`: the same versions. For an index with other files: UV_NO_VERIFY_HASHES=1.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
UV = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
PIP = [sys.executable, "-m", "pip"]
QUIET = ["--quiet", "--disable-pip-version-check"]

# What uv calls a setting of pip's, and what separates several values there (None: it has one).
NAMES: dict[str, tuple[str, str | None]] = {
    "index-url": ("UV_DEFAULT_INDEX", None),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", None),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "timeout": ("UV_HTTP_TIMEOUT", None),
    "default-timeout": ("UV_HTTP_TIMEOUT", None),
    "retries": ("UV_HTTP_RETRIES", None),
    "proxy": ("ALL_PROXY", None),
    "cert": ("SSL_CERT_FILE", None),
    "client-cert": ("SSL_CLIENT_CERT", None),
    "no-cache-dir": ("UV_NO_CACHE", None),
}
# How pip talks, where it caches and what it compiles makes no difference to what is installed.
WITHOUT_EFFECT = {
    "break-system-packages",
    "cache-dir",
    "compile",
    "disable-pip-version-check",
    "no-color",
    "no-compile",
    "no-input",
    "no-python-version-warning",
    "no-warn-script-location",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "root-user-action",
    "upgrade-strategy",
    "verbose",
}
SWITCHES = {"no-index", "no-cache-dir"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What pip is set up with, in uv's words. `unknown`: the names of the settings that uv has no word for."""

    variables: Mapping[str, str]
    constraints: tuple[str, ...]
    unknown: tuple[str, ...]


def effective_settings(listing: str) -> dict[str, str]:
    r"""The value of each setting that `pip config list` prints: a variable's, or else `install`'s, or else `global`'s.

    Example:
        >>> effective_settings("global.find-links='/a'\n:env:.find-links='/b'")
        {'find-links': '/b'}
    """
    read: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listing.splitlines():
        entry = re.fullmatch(r"(?P<section>global|install|:env:)\.(?P<name>[\w-]+)=(?P<value>['\"].*)", line)
        if entry:
            read[entry["section"]][entry["name"].replace("_", "-")] = ast.literal_eval(entry["value"])
    return {**read["global"], **read["install"], **read[":env:"]}


def for_uv(settings: Mapping[str, str]) -> Settings:
    """What pip is set up with, in uv's words."""
    # As pip does: the best version from wherever it is, not from the first index that knows the name.
    variables = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for name, value in settings.items():
        is_off = name in SWITCHES and value.lower() in ("0", "false", "no", "off")
        if name in NAMES and value.strip() and not is_off:
            variable, separator = NAMES[name]
            variables[variable] = value if separator is None else separator.join(value.split())
    return Settings(
        variables=variables,
        constraints=tuple(settings.get("constraint", "").split()),
        unknown=tuple(sorted(settings.keys() - NAMES.keys() - WITHOUT_EFFECT - {"constraint"})),
    )


def pip_settings() -> Settings:
    """What this machine has set up for pip, in uv's words."""
    listing = subprocess.run([*PIP, "config", "list"], capture_output=True, encoding="utf-8", check=True).stdout
    return for_uv(effective_settings(listing))


def get_uv() -> bool:
    """Get uv at the version that `requirements-site.txt` names, by pip; return whether it is here."""
    pin = re.search(r"^uv==\S+", (ROOT / "requirements-site.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if pin and not UV.exists():
        subprocess.run([*PIP, "install", *QUIET, "--no-deps", pin.group()], capture_output=True, check=False)
    return UV.exists()


def install_packages(arguments: list[str], python: str = sys.executable, *, locked: bool = True) -> int:
    """Install into the environment of `python`, at the locked versions or at others; return the exit status."""
    settings = pip_settings()
    reason = ""
    if settings.unknown:
        reason = f"pip is set up here with {', '.join(settings.unknown)}, which uv does not know"
    elif not get_uv():
        reason = "uv cannot be had here"
    if reason:
        print(f"{reason}: pip installs instead, and takes longer", flush=True)
        return subprocess.run([python, "-m", "pip", "install", *QUIET, *arguments], check=False).returncode
    command: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", python]
    if sys.dont_write_bytecode and python == sys.executable:
        # Elsewhere Python compiles a module when it is first imported. Here it would do so in every process.
        command.append("--compile-bytecode")
    for path in ((str(LOCK),) if locked else ()) + settings.constraints:
        command += ["--constraint", path]
    # A variable of uv's own that is set already was meant for uv.
    return subprocess.run([*command, *arguments], env={**settings.variables, **os.environ}, check=False).returncode


if __name__ == "__main__":
    sys.exit(install_packages(sys.argv[1:]))
