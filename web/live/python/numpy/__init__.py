"""In place of NumPy, which is not in the page: its random numbers' state, which `check` looks after, and a sentence."""

from typing import Any

from numpy import random

__all__ = ["random"]


class NotInThisPage(AttributeError, NotImplementedError):
    """What of NumPy the page does not have."""


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise NotInThisPage(f"numpy.{name} is not in this page, which has no NumPy; open the notebook in Colab")
