"""Predict first: until the reader asks, nothing gives the answer away; one press reveals all of it.

A prediction is kept in the browser and shown beside the answer.
"""

import copy

import pytest
from bs4 import Tag
from notebooks import NOTEBOOKS, PROMPT, numbers, predictions, prompt_complaints, read
from pages import parsed, visit

ASKING = [path for path in NOTEBOOKS if predictions(read(path))]
CHAPTER = next(path for path in NOTEBOOKS if path.stem == "three-tensors")


def folds(site, name: str) -> dict[str, Tag]:
    return {fold["data-cell"]: fold for fold in parsed(site, f"{name}.html").select("details.prediction")}


def visible_text(fold: Tag) -> str:
    """What a reader sees between the prompt and its fold."""
    words = []
    for node in fold.find_all_previous():
        if node.name == "blockquote" and PROMPT.strip("*") in node.get_text():
            return "\n".join([node.get_text(), *words])
        if node.name == "pre":
            words.append(node.get_text())
    raise AssertionError("there is no prompt before the fold")


def test_the_chapters_ask():
    assert len(ASKING) == len(NOTEBOOKS)
    assert sum(len(predictions(read(path))) for path in NOTEBOOKS) > 70


@pytest.mark.parametrize("path", ASKING, ids=lambda path: path.stem)
def test_one_press_reveals_all_of_it_and_nothing_is_seen_before(site, path):
    """On the built page: the fold holds the output and the words, and the code above it neither."""
    built = folds(site, path.stem)
    for prediction in predictions(read(path)):
        fold = built.pop(f"cell-{prediction.cell.id}")
        assert not fold.has_attr("open")
        assert len(fold.find_all("summary")) == 1, "one press"
        inside = " ".join(fold.get_text().split())
        for number in numbers(prediction.folded):
            assert number in inside, (prediction.cell.id, number)
        before = visible_text(fold)
        assert not numbers(inside) & (numbers(before) - numbers(prediction.prompt)), prediction.cell.id
    assert not built, "a fold that answers no prompt"


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda cell, answer: cell.update(source=cell.source + "\nassert output.shape == (2, 3, 5)"), "asserts"),
        (lambda cell, answer: cell.update(source=cell.source + "   # (2, 3, 5)"), "away"),
        (lambda cell, answer: cell.metadata.pop("jupyter"), "every host"),
        (lambda cell, answer: answer.update(source=answer.source.replace("<details>", "")), "in no fold"),
        (lambda cell, answer: answer.update(source=answer.source.replace("for every sample, at every step", "")), ""),
    ],
    ids=["assert", "comment", "metadata", "open words", "nothing"],
)
def test_what_gives_an_answer_away_is_found(damage, complaint):
    notebook = copy.deepcopy(read(CHAPTER))
    position = next(k for k, cell in enumerate(notebook.cells) if cell.id == "shapes")
    damage(notebook.cells[position], notebook.cells[position + 1])
    found = prompt_complaints(notebook)
    assert any(complaint in each for each in found) if complaint else found == []


@pytest.fixture
def chapter(site, browser, serve_folder):
    context = browser.new_context()
    yield context, f"{serve_folder(site)}/{CHAPTER.stem}.html"
    context.close()


def test_a_prediction_is_kept_and_shown_beside_the_answer(chapter):
    context, address = chapter
    page = visit(context, address).page
    page.get_by_label("Your prediction").first.fill("x[1, 2, 3]")
    assert not page.locator("details.prediction .prediction-written").first.is_visible()
    page.reload()
    assert page.get_by_label("Your prediction").first.input_value() == "x[1, 2, 3]"
    fold = page.locator("details.prediction").first
    fold.locator("summary").click()
    assert fold.locator(".prediction-written").inner_text() == "You wrote: x[1, 2, 3]"
    assert "tensor([[1, 1, 1]])" in fold.inner_text()
    assert not page.get_by_label("Your prediction").first.is_visible()


def test_without_a_prediction_the_fold_opens_all_the_same(chapter):
    context, address = chapter
    page = visit(context, address).page
    fold = page.locator("details.prediction").first
    fold.locator("summary").click()
    assert "tensor([[1, 1, 1]])" in fold.inner_text()
    assert not fold.locator(".prediction-written").is_visible()


def test_without_a_script_the_fold_opens_all_the_same(site, browser, serve_folder):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{serve_folder(site)}/{CHAPTER.stem}.html")
    assert page.get_by_label("Your prediction").count() == 0
    page.locator("details.prediction > summary").first.click()
    assert "tensor([[1, 1, 1]])" in page.locator("details.prediction").first.inner_text()
    context.close()


def test_a_link_to_a_folded_answer_opens_it(chapter):
    context, address = chapter
    page = visit(context, f"{address}#cell-not-equal").page
    assert page.locator('details.prediction[data-cell="cell-not-equal"]').get_attribute("open") is not None
    page.goto(f"{address}#cell-equal")
    assert page.locator("#cell-equal").is_visible()
