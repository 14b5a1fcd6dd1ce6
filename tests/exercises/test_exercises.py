"""The exercise sets: every wrong answer is recognised, every right one is right, and nothing tells an answer."""

import io
import json
import pickle
import random
import re
import subprocess
import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from notebooks import BOOK, complaints, read
from run_size import is_long
from student_notebooks import REGION, blanked, site_page, solution_notebook, student_notebook, write_student_notebooks

from unrolled.exercises import check_answer
from unrolled.exercises.check_answer import check, hint
from unrolled.exercises.comparison import describe
from unrolled.exercises.exercise import DrawnCases, Exercise, ExerciseSet, draw_cases, judge
from unrolled.exercises.results import results_of
from unrolled.exercises.sets import SETS, exercise_set, find_exercise

MASTERS = {name: BOOK / "solutions" / f"{name}.ipynb" for name in SETS}
EXERCISES = [exercise for name in SETS for exercise in exercise_set(name).values()]
SEEDS = range(3 if is_long() else 1)

each_set = pytest.mark.parametrize("name", SETS)
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


@cache
def cases_of(id: str, seed: int) -> DrawnCases:
    """Several tests look at the same cases, and what the wrong answers give on them takes a while."""
    return draw_cases(find_exercise(id), seed)


def run(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Run the cells; what each printed, by the cell's id."""
    namespace: dict = {}
    printed = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            with redirect_stdout(io.StringIO()) as out:
                exec(compile(cell.source, f"<cell {cell.id}>", "exec"), namespace)
            printed[cell.id] = out.getvalue()
    return printed


def answers(notebook: nbformat.NotebookNode) -> list[str]:
    """Every piece of code that a student has to find."""
    return [match["answer"] for cell in notebook.cells for match in REGION.finditer(cell.source)]


def test_there_is_a_master_for_every_set_and_no_other():
    assert sorted(path.stem for path in (BOOK / "solutions").glob("*.ipynb")) == sorted(SETS)
    chapters = [path.stem for path in BOOK.glob("*.ipynb") if path.stem != "errors"]
    assert set(chapters) == set(SETS) - {"classifier", "streaming"}


def test_no_two_exercises_ask_for_a_function_of_the_same_name():
    names = [exercise.name for exercise in EXERCISES]
    assert len(set(names)) == len(names)


@each_set
def test_a_set_has_five_to_eight_exercises_of_all_four_kinds(name):
    kinds = [exercise.kind for exercise in exercise_set(name).values()]
    assert 5 <= len(kinds) <= 8
    assert set(kinds) == {"predict", "write", "mend", "explain"}


@each_exercise
def test_every_misconception_is_recognised_and_the_reference_is_not(exercise: Exercise):
    assert len(exercise.misconceptions) >= 2
    assert len(exercise.hints) >= 2
    for seed in SEEDS:
        drawn = cases_of(exercise.id, seed)
        assert judge(drawn, drawn.expected).status == "right"
        assert not [outcome for outcome in drawn.expected if isinstance(outcome, dict) and "raised" in outcome], (
            "the reference raises"
        )
        for misconception, mistaken in zip(exercise.misconceptions, drawn.mistaken, strict=True):
            verdict = judge(drawn, mistaken)
            assert verdict.misconception == (None if misconception.given else misconception.name), (seed, verdict)
            assert verdict.status == ("not attempted" if misconception.given else "wrong")
            if not misconception.given:
                assert misconception.sentence in verdict.message


@each_exercise
def test_only_code_to_mend_comes_with_code(exercise: Exercise):
    given = [misconception.given for misconception in exercise.misconceptions]
    assert given == [exercise.kind == "mend"] + [False] * (len(given) - 1)


@each_exercise
def test_the_reference_does_not_depend_on_chance(exercise: Exercise):
    """A run of the reference on the same cases with other random numbers is right by the first."""
    drawn = cases_of(exercise.id, 1)
    assert judge(drawn, results_of(exercise.reference, drawn.cases, seed=1)).status == "right"


@pytest.mark.parametrize(
    "number",
    [lambda: torch.randn(3), lambda: float(np.random.rand()), random.random],
    ids=["torch", "numpy", "random"],
)
def test_another_seed_gives_an_answer_other_random_numbers(number):
    """So the test above fails for a reference that draws them."""
    assert results_of(number, [()]) == results_of(number, [()])
    assert results_of(number, [()]) != results_of(number, [()], seed=1)


@each_exercise
def test_no_message_tells_the_answer(exercise: Exercise):
    """Neither the code nor, where a prediction is asked for, what was expected."""
    master = read(MASTERS[exercise.id.rpartition("-")[0]])
    cell = next(cell for cell in master.cells if cell.cell_type == "code" and f'"{exercise.id}"' in cell.source)
    drawn = cases_of(exercise.id, 0)
    wrong = [
        *drawn.mistaken,
        [0] * len(drawn.cases),
        [{"raised": {"type": "E", "message": "m", "notes": "", "place": ""}}] * len(drawn.cases),
    ]
    for got in wrong:
        message = judge(drawn, got).message
        for match in REGION.finditer(cell.source):
            for line in map(str.strip, match["answer"].splitlines()):
                assert len(line) < 12 or line not in message
        if exercise.kind in ("predict", "explain") and exercise.draw is None:
            own = next(
                (
                    misconception.sentence
                    for misconception, mistaken in zip(exercise.misconceptions, drawn.mistaken, strict=True)
                    if mistaken == got
                ),
                "",
            )
            assert describe(drawn.expected[0]) not in message.replace(own, "").replace(describe(got[0]), "")


@each_exercise
def test_its_arguments_travel(exercise: Exercise):
    """They are made of torch and plain Python alone: the process that runs an answer has nothing of the exercise."""
    for arguments in cases_of(exercise.id, 0).cases:
        for module in re.findall(rb"unrolled[\w.]*", pickle.dumps(arguments)):
            pytest.fail(f"an argument needs {module!r}")


@each_set
def test_the_master_is_stored_as_it_ran(name):
    master = read(MASTERS[name])
    assert complaints(master) == []
    assert [cell.id for cell in master.cells if re.fullmatch(r"[0-9a-f]{8}", cell.id)] == []


@each_set
def test_the_solutions_get_full_marks(name):
    printed = "".join(run(solution_notebook(read(MASTERS[name]))).values())
    assert re.findall(r"^(\S+): right", printed, re.MULTILINE) == list(exercise_set(name)), printed


@each_set
def test_the_untouched_notebook_runs_to_its_end(name):
    printed = "".join(run(student_notebook(read(MASTERS[name]))).values())
    assert re.findall(r"^(\S+): not attempted", printed, re.MULTILINE) == list(exercise_set(name)), printed


@each_set
def test_no_answer_is_in_the_students_notebook(name):
    """In no source, output or metadata."""
    master = read(MASTERS[name])
    text = nbformat.writes(student_notebook(master))
    solutions = answers(master)
    assert len(solutions) >= len(exercise_set(name))
    for answer in solutions:
        assert json.dumps(answer)[1:-1] not in text
    student = json.loads(text)
    assert "solution" not in text.replace("/solutions", "")
    assert not [
        cell for cell in student["cells"] if cell["metadata"] or cell.get("outputs") or cell.get("execution_count")
    ]


@each_set
def test_student_and_solution_differ_only_where_blanked(name):
    """Around the blanks every character is the same, and every cell is in both but those that say why."""
    master = read(MASTERS[name])
    blank, solved = student_notebook(master), solution_notebook(master)
    in_both = [cell for cell in solved.cells if "solution" not in cell.metadata.get("tags", [])]
    assert [cell.id for cell in blank.cells] == [cell.id for cell in in_both]
    originals = {cell.id: cell.source for cell in master.cells}
    for one, other in zip(blank.cells, in_both, strict=True):
        kept = REGION.split(originals[one.id])[:: REGION.groups + 1]
        pattern = re.compile("(.*?)".join(map(re.escape, [part.rstrip("\n") for part in kept])), re.DOTALL)
        assert pattern.fullmatch(one.source), one.id
        assert pattern.fullmatch(other.source), one.id
        assert (one.source != other.source) == (len(kept) > 1), one.id


@each_set
def test_the_page_folds_every_answer_away(name):
    master = read(MASTERS[name])
    shown = site_page(master)
    folded = [cell for cell in shown.cells if cell.source.startswith("<details>")]
    assert len(folded) == len(exercise_set(name))
    assert all(": right" in cell.source for cell in folded)
    in_the_open = [cell.source for cell in shown.cells if cell not in folded]
    assert in_the_open == [cell.source for cell in student_notebook(master).cells]


# The machinery, on exercises made for the purpose.


@pytest.fixture
def double() -> Exercise:
    made = ExerciseSet("made")

    @made.write(draw=lambda rng: (torch.randn(rng.randint(1, 5), 3),), hints=["a", "b"])
    def double(x):
        return 2 * x

    double.mistake("You squared.", lambda x: x * x)
    return double


def judged(exercise: Exercise, function) -> str:
    drawn = draw_cases(exercise, 0)
    return judge(drawn, results_of(function, drawn.cases)).message


@pytest.mark.parametrize(
    "answer",
    [
        lambda: (range(3, 5), [*range(4)]),
        lambda: (torch.tensor([3, 4]), torch.arange(4)),
        lambda: (np.array([3, 4]), np.arange(4)),
        lambda: (list(torch.tensor([4, 3])), list(np.arange(4))),
        lambda: ({4, 3}, {0, 1, 2, 3}),
    ],
    ids=["ranges", "tensors", "arrays", "lists of them", "sets"],
)
def test_a_list_of_steps_may_be_written_in_any_way(answer):
    assert judged(exercise_set("directions")["directions-2"], answer) == "right"


def test_what_is_predicted_in_tensors_is_recognised():
    assert (
        judged(
            exercise_set("three-tensors")["three-tensors-2"],
            lambda: (torch.tensor([[1, 2], [1, 3]]), torch.tensor([1])),
        )
        == "right"
    )
    assert (
        judged(exercise_set("layers")["layers-2"], lambda: (range(3), range(3, 5), np.array([1, 2]), range(5)))
        == "right"
    )
    steps = exercise_set("directions")["directions-2"]
    assert "You have the two halves exchanged" in judged(steps, lambda: (torch.arange(4), torch.tensor([3, 4])))
    assert "not two counts" in judged(steps, lambda: (2, torch.tensor(4)))


@pytest.mark.parametrize("answer", [("3, 4", "0, 1, 2, 3"), ({3}, {0}), ([], torch.empty(2, 0)), 2, "34"], ids=range(5))
def test_what_is_no_count_is_not_called_one(answer):
    message = judged(exercise_set("directions")["directions-2"], lambda: answer)
    assert message.startswith("not yet")
    assert "not two counts" not in message


def test_a_misconception_is_recognised_when_it_is_right_elsewhere(double):
    assert "You squared." in judged(double, lambda x: x * x if len(x) > 2 else 2 * x)


def test_what_is_not_recognised_is_shown_at_its_smallest(double):
    message = judged(double, lambda x: 2 * x if len(x) < 3 else x)
    assert "x         (3, 3)" in message
    assert "the shape is right; 9 of 9 numbers differ, first at [0, 0]" in message
    message = judged(double, lambda x: x[:, :2])
    assert "(1, 3)" in message
    assert "axis 1 is 2 in place of 3" in message
    assert "it has 1 axis in place of 2" in judged(double, lambda x: x[0])


def test_an_exception_is_shown_as_the_students_own_with_the_note(double):
    namespace: dict = {}
    exec(
        compile("import torch\ndef double(x):\n    return torch.nn.RNN(4, 5)(x[None])\n", "<cell 3>", "exec"), namespace
    )
    message = judged(double, namespace["double"])
    assert "double raised RuntimeError: input.size(-1) must be equal to input_size. Expected 4, got 3" in message
    assert "unrolled:" in message
    assert "H_in" in message


def test_a_function_without_return_is_named(double):
    assert "double returns nothing: some way through it ends without `return`." in judged(double, lambda x: None)


def test_a_tensor_of_the_notebook_is_named(capsys):
    """It happens to be there, and is not what the function was given."""
    cells = (
        "import torch\nhn = torch.zeros(2, 3, 4)\n"
        "def final_states(output, h):\n    return torch.cat([hn[-2], hn[-1]], dim=1)"
    )
    namespace: dict = {}
    exec(cells, namespace)
    check("directions-3", namespace["final_states"])
    assert "final_states reads hn of the notebook, not of its arguments." in capsys.readouterr().out


def test_what_the_answer_does_to_its_arguments_or_prints_changes_nothing(double, capsys):
    def changing(x):
        print("noise")
        x *= 2
        return x

    assert judged(double, changing).startswith("right")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "value",
    [10**5000, "x" * 10**6, [[[[[[[[1]]]]]]]], object(), torch.zeros(10**6), torch, float("nan"), {1: 2}],
    ids=range(8),
)
def test_any_outcome_can_be_compared_and_described(double, value):
    message = judged(double, lambda x: value)
    assert message.startswith("not yet")
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: check("directions-99", print),
            "There is no exercise directions-99. The set directions has directions-1, ",
        ),
        (lambda: check("nothing-1", print), "There is no exercise set nothing. The sets are three-tensors, "),
        (lambda: hint("nothing"), "There is no exercise set nothing."),
        (lambda: check("directions-3", 5), 'check takes the function itself: check("directions-3", final_states)'),
        (lambda: check("directions-3", lambda hn: hn), "final_states has to take (output, hn); yours takes (hn)."),
    ],
)
def test_a_wrong_call_gets_one_sentence(call, said, capsys):
    call()
    printed = capsys.readouterr().out
    assert said in printed
    assert printed.count("\n") == 1


def test_hints_come_in_steps_and_the_last_one_stays(capsys, monkeypatch):
    monkeypatch.setattr(check_answer, "_hints_given", {})
    for _ in range(4):
        hint("directions-7")
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in lines] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]


def test_importing_the_package_imports_no_torch():
    code = "import sys, unrolled, unrolled.exercises; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("instead", "given"),
    [
        ("", "x = 0\nreturn ...\ny = 2"),
        ("# instead\n", "x = 0\ny = 2"),
        ("# instead\n# x = ...\n", "x = 0\nx = ...\ny = 2"),
    ],
    ids=["a return", "nothing", "code"],
)
def test_what_a_student_is_given_in_place_of_the_answer(instead, given):
    assert blanked(f"x = 0\n# solution\nx = 1\n{instead}# end\ny = 2\n") == given


def test_a_notebook_that_somebody_works_in_is_left_alone(tmp_path: Path):
    (tmp_path / "solutions").mkdir()
    target = tmp_path / "exercises" / "directions.ipynb"
    (tmp_path / "solutions" / "directions.ipynb").write_bytes(MASTERS["directions"].read_bytes())
    assert write_student_notebooks(tmp_path) == []
    fresh = target.read_text(encoding="utf-8")
    opened = nbformat.read(target, as_version=4)
    opened.cells[2].metadata["collapsed"] = True  # a notebook that was only opened is not work
    nbformat.write(opened, target)
    assert write_student_notebooks(tmp_path) == []
    assert target.read_text(encoding="utf-8") == fresh
    opened.cells[3].source += "\n# mine"
    nbformat.write(opened, target)
    assert write_student_notebooks(tmp_path) == [target]
    assert "# mine" in target.read_text(encoding="utf-8")
    target.write_text("{ half a file", encoding="utf-8")
    assert write_student_notebooks(tmp_path) == [target]
    assert target.read_text(encoding="utf-8") == "{ half a file"
