"""Words and numbers as text: counts with their nouns, shapes as Python writes them, code between backticks as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape


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
