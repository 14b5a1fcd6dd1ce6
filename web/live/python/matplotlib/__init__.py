"""In place of matplotlib, which draws nothing in the page: there the stored picture stays.

A cell that draws runs to its end, so that what else it makes is there: whatever is asked of a figure is accepted.
"""

from typing import Any


class Anything:
    """Takes every call, index and attribute."""

    def __getattr__(self, name: str) -> "Anything":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        """Nothing is kept."""

    def __call__(self, *arguments: Any, **keywords: Any) -> "Anything":
        return self

    def __getitem__(self, key: object) -> "Anything":
        return self

    def __enter__(self) -> "Anything":
        return self

    def __exit__(self, *arguments: object) -> None:
        """Nothing is open."""
