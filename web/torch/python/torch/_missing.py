"""The sentence of what is not here."""

from __future__ import annotations


class NotInThisPage(AttributeError, NotImplementedError):
    """A part of PyTorch that the page's does not have."""

    name = property(lambda self: None, lambda self, value: None)
    """Nothing, since Python makes a guess of a name at what else was meant."""


def missing(name: str) -> NotInThisPage:
    """The exception that says that `name` is not here, as it is written in a program: `torch.fft`."""
    return NotInThisPage(f"{name} is not in this page's PyTorch; open the notebook in Colab")
