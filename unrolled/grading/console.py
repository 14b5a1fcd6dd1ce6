"""What the command says on the terminal.

Names of files are strangers' text: what a terminal would obey is printed as its number.
"""

from __future__ import annotations

import sys
import unicodedata


def printable(text: object) -> str:
    r"""The text with control characters as numbers.

    >>> printable("a\x1b[1mb")
    'a\\x1b[1mb'
    """
    return "".join(
        character if character == "\n" or unicodedata.category(character)[0] != "C" else f"\\x{ord(character):02x}"
        for character in str(text)
    )


def warn(text: object) -> None:
    """Say it on standard error."""
    print(printable(text), file=sys.stderr)


def say(text: object) -> None:
    """Say it on standard output."""
    print(printable(text))
