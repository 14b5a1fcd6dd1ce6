"""The text helpers write counts, shapes and code as Python and HTML do."""

import pytest

from unrolled.text import code_html, counted, tuple_text


@pytest.mark.parametrize("sizes", [(), (5,), (2, 3), (2, 3, 5)])
def test_sizes_are_written_as_python_writes_a_tuple(sizes):
    assert tuple_text(sizes) == str(sizes)


def test_names_of_axes_are_written_without_quotes():
    assert tuple_text(["N", None, 4]) == "(N, None, 4)"


def test_a_noun_is_plural_unless_there_is_one():
    assert [counted(count, "axis") for count in (0, 1, 2)] == ["0 axes", "1 axis", "2 axes"]
    assert [counted(count, "length") for count in (0, 1, 2)] == ["0 lengths", "1 length", "2 lengths"]


def test_backticks_become_code_and_everything_else_is_escaped():
    assert code_html('`a < b` & "c"') == '<code>a &lt; b</code> &amp; "c"'
