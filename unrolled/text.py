"""Words and numbers as text: counts with their nouns, shapes as Python writes them, code between backticks as HTML."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from html import escape

# Signs of the same width for the lines and arrows of a drawing, and for what else cp1252 lacks and this package prints.
_PLAIN = str.maketrans("┌┬┐├┼┤└┴┘─│→←◉−Σ", "+++++++++-|><@-S")


def counted(count: int, noun: str) -> str:
    """A number with its noun: `"1 length"`, `"2 lengths"`, `"3 axes"`."""
    plural = "axes" if noun == "axis" else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def tuple_text(items: Iterable[object]) -> str:
    """Sizes as Python writes a tuple of them: `"(2, 3)"`, `"(5,)"`, `"()"`; names of axes too: `"(N, L, 4)"`."""
    texts = [str(item) for item in items]
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def code_html(text: str) -> str:
    """Escaped text in which what is between backticks is code: ``"`hn[-1]`"`` becomes `"<code>hn[-1]</code>"`.

    Quotes stay as they are: the result is for the content of an element, not for an attribute.
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def printable(text: str) -> str:
    """The text as standard output can write it: with plain signs where a pipe on Windows, for one, would raise.

    Source: `print` raises UnicodeEncodeError for what `sys.stdout.encoding` lacks; cp1252 lacks all lines and arrows.

    Example:
        >>> printable("h0[0] → │")  # on a standard output that takes UTF-8; with cp1252 'h0[0] > |'
        'h0[0] → │'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text
