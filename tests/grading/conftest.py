"""What the tests of the grader share."""

from collections.abc import Iterator

import pytest
from markupsafe import Markup

from unrolled.grading import class_report


@pytest.fixture(scope="session", autouse=True)
def undrawn_plot() -> Iterator[None]:
    """The report's plot takes half of the time of a small run; `test_large_class.py` runs the command itself, and has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_report, "plot", lambda counts: Markup("<svg></svg>"))
        yield
