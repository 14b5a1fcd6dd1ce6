"""Plain English: the phrases that readers had to read twice are gone from the pages and the messages."""

import pytest
from prose import messages, offences, pages


@pytest.mark.parametrize(("name", "text"), [pytest.param(*page, id=page[0]) for page in pages()])
def test_no_page_has_to_be_read_twice(name, text):
    assert offences(text) == []


def test_no_message_has_to_be_read_twice():
    assert [(place, offence) for place, text in messages() for offence in offences(text)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Some numbers stand in both.",
        "The batch, to be poked.",
        "The size is no business of the layer.",
        "It has two states to complain of.",
        "This is what becomes of you.",
        "A transpose too many raises nothing.",
    ],
)
def test_an_offender_is_found(sentence):
    assert offences(sentence)
