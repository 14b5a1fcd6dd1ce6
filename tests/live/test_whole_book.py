"""The book and its exercises in the page: every cell prints what is stored, every answer gets the verdict that it gets
in CPython with torch. `make test` looks at one chapter and one set, `make test-long` at all.
"""

import io
import json
from contextlib import redirect_stdout

import browser_python
import pytest
from live_pages import SAME, context, door, run_here, with_python
from notebooks import BOOK, read
from run_size import is_long

# Cells whose output is not the stored one, each with its reason.
EXCEPTIONS = {("layers", "documentation"): "it quotes PyTorch's own docstrings"}
MOST = 0.05
"""The part of the book's cells that may be an exception."""
CHAPTERS = sorted(browser_python.CHAPTERS)


@pytest.fixture(scope="module")
def home(site, serve_folder) -> str:
    return serve_folder(with_python(site))


@pytest.fixture(scope="module")
def reader(browser):
    made = context(browser)
    yield made
    made.close()


RUN_EACH = """async () => {
    const said = {};
    for (const row of document.querySelectorAll(".live-row")) {
        const status = row.querySelector(".live-status");
        row.querySelector(".live-button").click();
        await new Promise(done => setTimeout(function look() {
            status.textContent && !status.textContent.startsWith("Running") ? done() : setTimeout(look, 20);
        }));
        said[row.closest(".cell").id.slice(5)] = status.textContent;
    }
    return said;
}"""


@pytest.mark.parametrize("chapter", CHAPTERS if is_long() else ["three-tensors"])
def test_every_cell_of_a_chapter_prints_what_is_stored(chapter, home, reader):
    page = run_here(reader.new_page(), f"{home}/{chapter}.html")
    said = page.evaluate(RUN_EACH)
    page.close()
    stored = {cell.id: bool(cell.outputs) for cell in read(BOOK / f"{chapter}.ipynb").cells if cell.cell_type == "code"}
    assert said.keys() == stored.keys()
    other = {
        id for id, line in said.items() if line != (SAME if stored[id] else "Done") and "The picture is" not in line
    }
    assert other == {id for name, id in EXCEPTIONS if name == chapter}


def test_the_exceptions_are_few():
    cells = sum(cell.cell_type == "code" for chapter in CHAPTERS for cell in read(BOOK / f"{chapter}.ipynb").cells)
    assert len(EXCEPTIONS) <= MOST * cells


VERDICTS = """
import json
from unrolled.exercises.exercise import draw_cases, judge
from unrolled.exercises.results import results_of
from unrolled.exercises.sets import exercise_set

verdicts = {{}}
for exercise in exercise_set("{name}").values():
    drawn = draw_cases(exercise, 7)
    answers = dict(reference=exercise.reference, **{{known.name: known.answer for known in exercise.misconceptions}})
    for name, answer in answers.items():
        verdict = judge(drawn, results_of(answer, drawn.cases, forbidden=drawn.task.forbidden))
        verdicts[f"{{exercise.id}} {{name}}"] = [verdict.status, verdict.message]
print(json.dumps(verdicts))
"""


@pytest.mark.parametrize("name", sorted(browser_python.SETS) if is_long() else ["directions"])
def test_every_answer_gets_the_verdict_that_it_gets_with_torch(name, home, reader):
    source = VERDICTS.format(name=name)
    with redirect_stdout(io.StringIO()) as printed:
        exec(source, {})
    page = reader.new_page()
    page.goto(f"{home}/index.html")
    answered = door(page, source)
    page.close()
    assert answered["error"] is None
    there, here = json.loads(answered["text"]), json.loads(printed.getvalue())
    assert there.keys() == here.keys()
    assert {id: (there[id], here[id]) for id in here if there[id] != here[id]} == {}
