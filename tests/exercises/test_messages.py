"""What `check` prints, word for word, and which cases it draws."""

import linecache
import random

import numpy as np
import pytest
import torch

from unrolled.exercises import check_answer
from unrolled.exercises.check_answer import check
from unrolled.exercises.comparison import agree, describe, difference, tensors_as_lists
from unrolled.exercises.exercise import Exercise, ExerciseSet, Verdict, draw_cases, judge
from unrolled.exercises.results import MAX_CHARACTERS, MAX_NUMBERS, to_json


@pytest.fixture
def double() -> Exercise:
    made = ExerciseSet("made")

    @made.write(draw=lambda rng: (torch.randn(rng.randint(1, 5), 3),), hints=["a", "b"], cases=6)
    def double(x):
        return 2 * x

    double.mistake("You squared.", lambda x: x * x)
    return double


def verdict(exercise: Exercise, function) -> Verdict:
    drawn = draw_cases(exercise, 0)
    return judge(drawn, drawn.task.run(function))


def in_a_cell(source: str, name: str):
    """The function `name` of this source, as a notebook's cell defines it: its lines can be looked up."""
    linecache.cache["<cell 3>"] = (len(source), None, source.splitlines(True), "<cell 3>")
    namespace: dict = {"torch": torch}
    exec(compile(source, "<cell 3>", "exec"), namespace)
    return namespace[name]


def test_a_right_answer_gets_one_line_and_nothing_else(capsys):
    check("directions-3", lambda output, hn: torch.cat([hn[-2], hn[-1]], dim=1))
    assert capsys.readouterr().out == "directions-3: right, on 20 random cases\n"


def test_a_callable_that_is_no_function_gets_one_line_too(capsys):
    class Answer:
        def __call__(self, output, hn):
            return torch.cat([hn[-2], hn[-1]], dim=1)

    check("directions-3", Answer())
    assert capsys.readouterr().out == "directions-3: right, on 20 random cases\n"


def test_every_tensor_of_the_notebook_is_named(capsys):
    source = "a, b = torch.zeros(2), torch.zeros(2)\ndef final_states(output, hn):\n    return a + b\n"
    check("directions-3", in_a_cell(source, "final_states"))
    assert "  final_states reads a, b of the notebook, not of its arguments.\n" in capsys.readouterr().out


def test_a_wrong_answer_ends_with_the_way_to_a_hint_and_no_line_is_too_wide(capsys):
    check("directions-3", lambda output, hn: output[:, -1])
    printed = capsys.readouterr().out
    assert printed.endswith('\n  For a hint: hint("directions-3")\n')
    assert max(map(len, printed.splitlines())) <= check_answer.WIDTH


def test_each_check_draws_new_cases(monkeypatch):
    seeds = []
    monkeypatch.setattr(
        check_answer, "draw_cases", lambda exercise, seed: seeds.append(seed) or draw_cases(exercise, seed)
    )
    for _ in range(3):
        check("axes-1", lambda: None)
    assert len(set(seeds)) == 3
    assert max(seeds) > 1_000_000


def test_a_check_leaves_the_random_numbers_of_the_notebook_alone():
    def states():
        return random.random(), np.random.rand(), torch.rand(1).item()

    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    without = states()
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    check("axes-1", lambda: torch.rand(1))
    assert states() == without


def test_the_line_that_raised_is_shown(double):
    answer = in_a_cell("def double(x):\n    y = 2 * x\n    return y[7]\n", "double")
    lines = verdict(double, answer).message.splitlines()
    assert lines[:3] == [
        "not yet",
        "  double raised IndexError: index 7 is out of bounds for dimension 0 with size 1",
        "  line 3: return y[7]",
    ]
    assert lines[3:] == ["  x         (1, 3)"]


def test_the_smallest_failing_case_is_laid_out(double):
    failing = [x for (x,) in draw_cases(double, 0).cases if len(x) > 2]
    number = failing[0][0, 0].item()
    assert len(failing[0]) < len(failing[-1])
    assert verdict(double, lambda x: x if len(x) > 2 else 2 * x).message.splitlines() == [
        "not yet",
        f"  {len(failing)} of 6 random cases fail; the smallest of them:",
        "  x         (3, 3)",
        "  expected  a tensor (3, 3)",
        "  got       a tensor (3, 3)",
        "  where     the shape is right; 9 of 9 numbers differ, first at [0, 0]: "
        f"{number:.4f} in place of {2 * number:.4f}",
    ]


def test_a_known_wrong_answer_has_its_name_and_no_case(double):
    assert verdict(double, lambda x: x * x) == Verdict(
        status="wrong", message="not yet. You squared.", misconception="double-1"
    )


def test_cases_come_smallest_first_and_are_the_same_for_a_seed(double):
    sizes = [len(arguments[0]) for arguments in draw_cases(double, 0).cases]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 1
    again, other = draw_cases(double, 0).cases, draw_cases(double, 1).cases
    assert all(torch.equal(one[0], two[0]) for one, two in zip(draw_cases(double, 0).cases, again, strict=True))
    assert not all(len(one[0]) == len(two[0]) for one, two in zip(again, other, strict=True))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (3, 1), (2, 1, 3), (1, 1)])
def test_a_tensor_as_lists_is_what_tolist_gives(shape):
    values = torch.arange(torch.Size(shape).numel()).reshape(shape)
    assert tensors_as_lists(to_json(values)) == values.tolist()


def test_where_two_tensors_differ_first_is_an_address():
    one = torch.zeros(2, 3, 4)
    other = one.clone()
    other[1, 0, 2] = 5
    assert difference(to_json(one), to_json(other)) == (
        "the shape is right; 1 of 24 numbers differ, first at [1, 0, 2]: 5.0000 in place of 0.0000"
    )


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        ([1, 2], [1, 2, 3], "3 parts in place of 2"),
        ([1, 2], [1, 3], "part 1: 3 in place of 2"),
        ([1, torch.zeros(2)], [1, torch.zeros(3)], "part 1: axis 0 is 3 in place of 2"),
        (torch.zeros(2, 3), torch.zeros(3, 2), "axis 0 is 3 in place of 2, axis 1 is 2 in place of 3"),
        (torch.zeros(2), torch.zeros(2, 1), "it has 2 axes in place of 1"),
        (torch.zeros(2), 3, ""),
    ],
)
def test_differences_in_words(expected, got, words):
    assert difference(to_json(expected), to_json(got)) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((1,), "(1,)"),
        ((1, 2.5), "(1, 2.5000)"),
        (list(range(200)), "a tuple of 200"),
        ({3, 1}, "{1, 3}"),
        ({"a": 1, "b": 2}, "a dict of a, b"),
        ({}, "a dict of nothing"),
        (set(), "a set"),
        (frozenset("a"), "a frozenset"),
        (object(), "a object"),
        ("x" * (MAX_CHARACTERS + 1), f"a string of {MAX_CHARACTERS + 1} characters"),
        (2**64, "an int of 65 bits"),
        (torch.zeros(MAX_NUMBERS + 1), f"a tensor of {MAX_NUMBERS + 1} numbers"),
        (torch.zeros(2, dtype=torch.complex64), "a tensor of 2 numbers"),
        (None, "None"),
        (True, "True"),
        (torch.zeros(2, 3), "a tensor (2, 3)"),
    ],
)
def test_a_result_in_a_few_words(value, words):
    assert describe(to_json(value)) == words


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        (1.0, 1.000009, True),
        (1.0, 1.00002, False),
        (1000.0, 1000.009, True),
        (1000.0, 1000.02, False),
        (0.0, 0.000009, True),
        (float("nan"), float("nan"), True),
        (float("inf"), float("inf"), True),
        (float("inf"), float("-inf"), False),
        (float("inf"), 1.0, False),
        (" A", "a ", True),
        ("a", "b", False),
        ([1, 2], [1, 2, 3], False),
        ([1, 2], (1, 2), True),
        ([], 0, False),
        ("1", 1, False),
        (torch.tensor(2.0), 2, True),
        (torch.tensor([2.0]), 2, False),
        (torch.zeros(2, 3), torch.zeros(3, 2), False),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64), True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": 1}, False),
        ({1, 2}, {1, 2}, False),
        (object(), object(), False),
    ],
)
def test_what_agrees(one, other, same):
    assert agree(to_json(one), to_json(other)) is same
    assert agree(to_json(other), to_json(one)) is same
