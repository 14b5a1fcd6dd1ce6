"""Find a Chromium for the checks, or get one. `UNROLLED_CHROMIUM` names one yourself.

python tools/chromium.py
"""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import Browser, Playwright, sync_playwright

# As root it starts without its sandbox only; the rest keeps it from asking for anything but the pages.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The shell has no window to draw and opens a page twice as fast.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find() -> str | None:
    """The path of a Chromium on this machine: the one named, Playwright's own, or one on the PATH."""
    if named := os.environ.get("UNROLLED_CHROMIUM"):
        return named
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if os.path.exists(own):
        return own
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, path: str) -> Browser:
    """Start the Chromium at `path`."""
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


def install() -> None:
    """Get a Chromium from Playwright, or as root from the distribution where that cannot be reached."""
    print("Getting Chromium for the checks", flush=True)
    own = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, check=False)
    if own.returncode and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
        for package in NAMES[:2]:
            command = ["apt-get", "install", "-y", "-qq", package]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                break


if __name__ == "__main__":
    if not find():
        install()
    if not find():
        sys.exit(
            "The checks need Chromium, and none could be found or downloaded. Install it with your "
            "system's package manager (on Debian: apt install chromium), or set UNROLLED_CHROMIUM "
            "to the path of one, and run make test again."
        )
