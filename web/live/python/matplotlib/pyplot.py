"""What a cell asks of `plt`."""

from typing import Any

from matplotlib import Anything

_figure = Anything()


def subplots(nrows: int = 1, ncols: int = 1, **keywords: Any) -> tuple[Any, Any]:
    """A figure and its axes, one or as many as there are to be."""
    count = nrows * ncols
    return _figure, Anything() if count == 1 else [Anything() for _ in range(count)]


def show(**keywords: Any) -> "StoredPicture":
    """The page shows the stored picture."""
    return StoredPicture("")


def __getattr__(name: str) -> Any:
    return getattr(_figure, name)


class StoredPicture:
    """Says to the page that its stored picture is to stay."""

    def __init__(self, alt: str) -> None:
        self.alt = alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self) -> dict[str, str]:
        return {"application/x-stored-picture": self.alt}
