"""In place of `unrolled/drawing/figures.py`: there is no matplotlib in the page, so the stored picture stays."""

from typing import Any

from matplotlib.pyplot import StoredPicture as Picture

__all__ = ["Picture", "picture"]


def picture(figure: Any, alt: str) -> Picture:
    """What stays in place of the figure."""
    return Picture(alt)
