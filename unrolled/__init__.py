"""The course's helpers. Importing this package imports neither torch nor matplotlib: the site is built without them."""

from unrolled.clarify import clarify, load_ipython_extension, unload_ipython_extension
from unrolled.diagram import GridDiagram, draw_grid
from unrolled.explain import Report, explain
from unrolled.figures import Picture, picture

__all__ = [
    "GridDiagram",
    "Picture",
    "Report",
    "clarify",
    "draw_grid",
    "explain",
    "load_ipython_extension",
    "picture",
    "unload_ipython_extension",
]
