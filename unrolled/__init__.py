"""The course's helpers. Importing this package imports neither torch nor matplotlib: the site is built without them."""

from typing import Any

from unrolled.check import check, hint
from unrolled.clarify import clarify, load_ipython_extension, unload_ipython_extension
from unrolled.diagram import GridDiagram, draw_grid
from unrolled.explain import Report, explain
from unrolled.figures import Picture, picture

__all__ = [
    "GridDiagram",
    "Picture",
    "Report",
    "check",
    "clarify",
    "draw_grid",
    "explain",
    "explore",
    "hint",
    "load_ipython_extension",
    "picture",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    """`explore` on first use: it needs anywidget, which building the site does not."""
    if name == "explore":
        from unrolled.explorer import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
