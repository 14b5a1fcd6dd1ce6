"""A page of exercises: answers are checked there, kept in the browser, saved as the student's notebook and opened."""

import json
import re

import classroom
import pytest
from live_pages import cell, context, status, with_python, write
from student_notebooks import student_notebook

from unrolled.exercises.sets import find_exercise

PAGE = "exercises/directions.html"
ANSWER = 'def final_states(output, hn):\n    return {}\n\ncheck("directions-3", final_states)'
RIGHT, WRONG = ANSWER.format("torch.cat([hn[-2], hn[-1]], dim=1)"), ANSWER.format("output[:, -1]")


@pytest.fixture(scope="module")
def home(site, serve_folder) -> str:
    return serve_folder(with_python(site))


@pytest.fixture(scope="module")
def there(home, browser):
    """The page, on which one exercise has been answered: wrong at first, then right."""
    made = context(browser, viewport={"width": 360, "height": 740}, has_touch=True)
    page = made.new_page()
    page.goto(f"{home}/{PAGE}", wait_until="load")
    yield page
    made.close()


def check(page, id: str) -> str:
    """Press *Check* and return the verdict."""
    cell(page, id).get_by_role("button", name="Check").tap()
    status(page, id).filter(has_text=re.compile("Right|Not yet|Not attempted|Error|NotInThisPage")).wait_for()
    return status(page, id).inner_text()


def progress(page) -> str:
    return page.locator(".live-set strong").inner_text()


def test_before_a_check_there_are_editors_and_no_python(there):
    assert there.locator(".cell textarea").count() == there.locator(".cell .cell_input").count()
    assert progress(there) == "0 of 7 right"
    assert there.evaluate("performance.getEntriesByType('resource').every(entry => !entry.name.includes('/python/'))")


def test_a_wrong_answer_gets_the_sentence_that_undoes_it(there):
    write(there, "answer-3", WRONG)
    assert check(there, "answer-3") == "Not yet"
    said = " ".join(cell(there, "answer-3").locator(".live-output").inner_text().split())
    assert any(" ".join(known.sentence.split()) in said for known in find_exercise("directions-3").misconceptions)
    assert progress(there) == "0 of 7 right"


def test_hints_come_in_steps(there):
    hints = find_exercise("directions-3").hints
    for number, hint in enumerate(hints, start=1):
        cell(there, "answer-3").get_by_role("button", name="Hint").tap()
        given = cell(there, "answer-3").locator(".live-hints li").nth(number - 1)
        given.wait_for()
        assert given.inner_text().replace("\n", " ") == f"Hint {number} of {len(hints)}: {hint}".replace("\n", " ")


def test_an_answer_that_is_not_there_is_not_attempted(there):
    assert check(there, "answer-1") == "Not attempted"


def test_a_right_answer_counts_and_stays(there, home):
    write(there, "answer-3", RIGHT)
    assert check(there, "answer-3") == "Right"
    assert progress(there) == "1 of 7 right"
    there.reload(wait_until="load")
    assert progress(there) == "1 of 7 right"
    assert cell(there, "answer-3").locator(".live-editor textarea").input_value() == RIGHT
    shown = there.locator(
        "nav.bd-links a[href$='directions.html'] .set-progress, nav.bd-links a[href='#'] .set-progress"
    )
    assert " 1/7" in shown.all_text_contents()


def test_the_front_page_shows_the_progress(there, home):
    other = there.context.new_page()
    other.goto(f"{home}/index.html")
    assert other.locator(".bd-article .set-progress").inner_text() == "Your exercises: Directions 1 of 7."
    assert other.locator(".bd-article .set-progress a").get_attribute("href").endswith(PAGE)
    other.close()


def saved(page) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a notebook").tap()
    assert download.value.suggested_filename == "directions.ipynb"
    return download.value.path().read_bytes()


def test_what_is_saved_is_the_students_notebook_and_is_graded(there, tmp_path):
    handed_in = saved(there)
    student = student_notebook(classroom.master("directions"))
    notebook = json.loads(handed_in)
    assert [c["id"] for c in notebook["cells"]] == [c.id for c in student.cells]
    by_id = {c["id"]: "".join(c["source"]) for c in notebook["cells"]}
    assert by_id == {c.id: c.source for c in student.cells} | {"answer-3": RIGHT}
    assert json.dumps(notebook, indent=1, ensure_ascii=False) + "\n" == handed_in.decode()  # as nbformat writes it
    assert notebook["metadata"] == student.metadata
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.ipynb").write_bytes(handed_in)
    assert classroom.grade(tmp_path / "class", tmp_path / "grades.csv").returncode == 0
    grades = classroom.table(tmp_path / "grades.csv")
    found = {exercise: row["status"] for (_, exercise), row in grades.items() if exercise.startswith("directions")}
    assert found.pop("directions-3") == "right"
    assert set(found.values()) == {"not attempted"}


def test_a_notebook_is_opened(there, tmp_path):
    notebook = json.loads(saved(there))
    for one in notebook["cells"]:
        one["id"] = f"new-{one['id']}"  # as some hosts do
        if 'check("directions-1"' in "".join(one["source"]):
            one["source"] = 'def both_shapes():\n    return (3, 9, 16), (4, 3, 8)\n\ncheck("directions-1", both_shapes)'
    (tmp_path / "directions.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    there.locator("input[type=file]").set_input_files(tmp_path / "directions.ipynb")
    there.locator(".live-set [role=status]", has_text="Opened directions.ipynb").wait_for()
    assert "(3, 9, 16)" in cell(there, "answer-1").locator(".live-editor textarea").input_value()
    assert check(there, "answer-1") == "Right"
    assert progress(there) == "2 of 7 right"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("nothing", "This file is not a notebook."),
        ('{"cells": []}', "This notebook has none of this page's exercises."),
    ],
)
def test_another_file_is_refused_in_one_sentence(there, tmp_path, content, sentence):
    (tmp_path / "other.ipynb").write_text(content, encoding="utf-8")
    there.locator("input[type=file]").set_input_files(tmp_path / "other.ipynb")
    there.locator(".live-set [role=status]", has_text=sentence).wait_for()


def test_the_page_fits_a_phone(there):
    assert there.evaluate("document.documentElement.scrollWidth") == 360
