"""The course's helpers. Importing this package imports neither torch nor matplotlib: the site is built without them."""

from typing import TYPE_CHECKING, Any

from unrolled.diagnosis.clarify_error import clarify, load_ipython_extension, unload_ipython_extension
from unrolled.diagnosis.explain_call import explain
from unrolled.diagnosis.report import Report
from unrolled.drawing.figures import Picture, picture
from unrolled.drawing.grid_diagram import GridDiagram, draw_grid
from unrolled.exercises.check_answer import check, hint

if TYPE_CHECKING:
    from unrolled.explorer.widget import explore

# The one place of the version: pyproject.toml reads it here, and publishing puts a number behind it.
__version__ = "1.1.0"

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
        from unrolled.explorer.widget import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Every name, `explore` included, which is not here before its first use."""
    return sorted({*globals(), *__all__})
