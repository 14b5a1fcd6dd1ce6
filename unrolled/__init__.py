"""The course's helpers. Importing this package imports neither torch nor matplotlib: the site is built without them."""

from unrolled.diagram import GridDiagram, draw_grid
from unrolled.figures import Picture, picture

__all__ = ["GridDiagram", "Picture", "draw_grid", "picture"]
