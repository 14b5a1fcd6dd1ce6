"""The page of questions: each is asked once, answered shortly, with a link to the cell that proves the answer."""

import re
from collections import Counter
from urllib.parse import urldefrag

import pytest
from bs4 import Tag
from notebooks import BOOK, code_cells, read
from pages import parsed

PAGE = "questions.html"
TOPICS = {
    "Axes",
    "The initial state",
    "hn or output",
    "Layers",
    "Directions",
    "Lengths",
    "Cells and gates",
    "Carrying state",
    "Training",
}
TOPICS |= {"Attention", "Data", "GPUs", "Errors", "Weights", "Other frameworks", "Performance"}


def text(tag: Tag) -> str:
    return " ".join(tag.get_text().replace("#", " ").split())


@pytest.fixture(scope="module")
def topics(site) -> dict[str, list[Tag]]:
    """The sections of the built page's questions, by the topic they stand under."""
    article = parsed(site, PAGE).find("article")
    found = {text(heading): heading.parent.find_all("section", recursive=False) for heading in article.find_all("h2")}
    return {topic: sections for topic, sections in found.items() if sections}


@pytest.fixture(scope="module")
def questions(topics) -> dict[str, Tag]:
    """What stands under each question's heading, heading and all. A question that is asked twice has one entry."""
    return {text(section.find("h3")): section for sections in topics.values() for section in sections}


def proofs(section: Tag) -> list[tuple[str, str]]:
    """The page and the cell of every link to a cell."""
    links = [urldefrag(link["href"]) for link in section.select("a:not(.headerlink)")]
    return [(page, anchor.removeprefix("cell-")) for page, anchor in links if anchor.startswith("cell-")]


def test_every_topic_has_questions(topics):
    assert set(topics) == TOPICS


def test_no_question_is_asked_twice(topics):
    asked = Counter(
        text(section.find("h3")).casefold().rstrip("?") for sections in topics.values() for section in sections
    )
    assert [question for question, times in asked.items() if times > 1] == []
    assert len(asked) > 100


def test_every_question_is_answered_and_the_answer_is_short(questions):
    for question, section in questions.items():
        answer = text(section).removeprefix(text(section.find("h3")))
        words = re.sub(r"Shown in .*", "", answer).split()
        assert 3 <= len(words) <= 48, f"{question} has an answer of {len(words)} words"


def test_every_answer_links_to_the_cell_that_proves_it(site, questions):
    """The built page's link names a page with that anchor, and the anchor a code cell of the notebook behind it."""
    anchors: dict[str, set[str]] = {}
    cells: dict[str, set[str]] = {}
    for question, section in questions.items():
        assert proofs(section), f"{question} is not proved"
        for page, cell in proofs(section):
            if page not in anchors:
                anchors[page] = {tag["id"] for tag in parsed(site, page).find_all(id=True)}
                cells[page] = {c.id for c in code_cells(read(BOOK / page.replace(".html", ".ipynb")))}
            assert f"cell-{cell}" in anchors[page], f"{question}: {page} has no cell {cell}"
            assert cell in cells[page], f"{question}: {cell} is no code cell of {page}"


def test_every_chapter_proves_something(questions):
    used = {page.replace(".html", ".ipynb") for section in questions.values() for page, _ in proofs(section)}
    assert used == {path.name for path in BOOK.glob("*.ipynb")}
