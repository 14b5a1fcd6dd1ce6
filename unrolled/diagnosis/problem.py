"""The record of one mistake in a call of a recurrent layer, or in the use of what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from unrolled.shapes import TensorShape


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, or probably wrong, with a call."""

    code: str
    """A stable name, such as `"state-transposed"`."""
    raises: Exception | None
    """What PyTorch raises, its text cut where it varies between builds; None where PyTorch checks nothing."""
    message: str
    why: str
    fix: str
    """A line of Python that repairs it, in the names of the call: `module`, `input`, `hx`, `lengths`, ….

    It goes before the line that fails, or in place of it when that line assigns the same name. Empty where no
    line can; then `why` says what is needed.
    """
    tensor: str
    axis: str = ""
    likely: bool = True
    """False when nothing in the call tells a mistake from what you may have meant."""
    also: tuple[str, ...] = ()
    """Other ways that the text of `raises` can begin, where it varies between builds or sizes."""

    def is_raised_as(self, error: BaseException) -> bool:
        """Whether `error` is the exception that this problem raises, in a wording that is known."""
        known = [text for text in (str(self.raises), *self.also) if text]
        return type(error) is type(self.raises) and str(error).startswith(tuple(known))


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What there is to say of an error: which tensors were given to what, and what is wrong with them."""

    heading: str
    """What the tensors are given to, `"nn.GRU(4, 5) is given:"`; empty where there is nothing to show."""
    tensors: tuple[TensorShape, ...]
    problems: tuple[Problem, ...]
