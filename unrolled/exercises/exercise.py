"""An exercise: its reference answer, how its inputs are drawn, and the wrong answers that it recognises.

    directions = ExerciseSet("directions")

    @directions.write(draw=..., hints=[...])
    def final_states(output, hn):
        return torch.cat([hn[-2], hn[-1]], dim=1)

    @final_states.mistake("The backward half of `output[:, -1]` has read one step. Its last step is t = 0.")
    def last_step(output, hn):
        return output[:, -1]

A wrong answer is code, so that recognising it is running it: an answer that does what a known wrong answer does, wherever it is
wrong, is told that answer's sentence.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from unrolled.exercises.json_results import (
    Plain,
    agree,
    argument,
    described,
    difference,
    in_lists,
    is_blank,
    one_thread,
    outcomes,
)

Kind = Literal["predict", "write", "mend", "explain"]
Status = Literal["right", "wrong", "not attempted"]
CASES = 20
"""Random cases that an answer is checked on, where an exercise does not say another number."""


@dataclass(frozen=True)
class Misconception:
    """A wrong answer and the sentence that undoes it.

    `given`: it is the code that the student is given to mend. `told_by`: for answers that no two students give alike, such as a
    trained model's predictions, a test of (arguments, outcome) in place of the comparison with what `answer` gives.
    """

    name: str
    sentence: str
    answer: Callable[..., Any]
    given: bool = False
    told_by: Callable[[tuple, Plain], bool] | None = None


@dataclass
class Exercise:
    """One exercise. `id` is its set's name and its number in the set; `name` is the function that answers it.

    `draw(rng)` gives one random case, the tuple of arguments; None where the function takes none. Arguments are tensors,
    modules and classes of torch itself, and plain Python, since they travel to the process that runs the answer.
    `accepts(arguments, outcome)` judges an answer that is right in more than one way; without it, it must agree with the reference's.
    """

    id: str
    kind: Kind
    reference: Callable[..., Any]
    draw: Callable[[random.Random], tuple] | None = None
    hints: Sequence[str] = ()
    cases: int = CASES
    accepts: Callable[[tuple, Plain], bool] | None = None
    misconceptions: list[Misconception] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.reference.__name__

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.reference).parameters)

    def mistake(self, sentence: str, answer: Callable[..., Any] | None = None, **options: Any) -> Any:
        """Add a wrong answer and the sentence that undoes it: `mistake(sentence, lambda …)`, or as a decorator. Options: `Misconception`'s."""

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            name = (
                function.__name__.lstrip("_")
                if function.__name__ != "<lambda>"
                else f"{self.name}-{len(self.misconceptions) + 1}"
            )
            self.misconceptions.append(Misconception(name, sentence, function, **options))
            return function

        return add if answer is None else add(answer)


class ExerciseSet(dict[str, Exercise]):
    """The exercises of a chapter in their order, by id: `directions-1`, `directions-2`, …"""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def _add(self, kind: Kind, **options: Any) -> Callable[[Callable[..., Any]], Exercise]:
        def add(reference: Callable[..., Any]) -> Exercise:
            exercise = Exercise(f"{self.name}-{len(self) + 1}", kind, reference, **options)
            self[exercise.id] = exercise
            return exercise

        return add

    def predict(self, **options: Any) -> Callable[[Callable[..., Any]], Exercise]:
        """A shape, a slice or an equality, answered before it is run. Its check never shows what was expected."""
        return self._add("predict", **options)

    def write(self, **options: Any) -> Callable[[Callable[..., Any]], Exercise]:
        """A function to write."""
        return self._add("write", **options)

    def mend(self, **options: Any) -> Callable[[Callable[..., Any]], Exercise]:
        """A function that runs and is wrong. Its first `mistake`, with `given=True`, is the code as the student gets it."""
        return self._add("mend", **options)

    def explain(self, **options: Any) -> Callable[[Callable[..., Any]], Exercise]:
        """An error to explain. Its check never shows what was expected."""
        return self._add("explain", **options)


def distinct(rng: random.Random, count: int, low: int = 2, high: int = 7) -> list[int]:
    """Sizes that all differ, so that no axis can pass for another."""
    return rng.sample(range(low, high + 1), count)


@dataclass(frozen=True)
class Trial:
    """Random cases of an exercise, smallest first, with what the reference and each wrong answer do on them."""

    exercise: Exercise
    cases: list[tuple]
    expected: list[Plain]
    mistaken: list[list[Plain]]

    def accepts(self, position: int, outcome: Plain) -> bool:
        if self.exercise.accepts is not None:
            return self.exercise.accepts(self.cases[position], outcome)
        return agree(self.expected[position], outcome)


def trial(exercise: Exercise, seed: int) -> Trial:
    """Draw the cases of this seed. The same seed gives the same cases."""
    import torch

    cases: list[tuple] = [()]
    if exercise.draw is not None:
        rng = random.Random(f"{exercise.id} {seed}")
        with one_thread(), torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(rng.getrandbits(32))
            cases = sorted(
                (exercise.draw(rng) for _ in range(exercise.cases)), key=lambda arguments: sum(map(_extent, arguments))
            )
    expected = outcomes(exercise.reference, cases)
    mistaken = [outcomes(misconception.answer, cases) for misconception in exercise.misconceptions]
    return Trial(exercise, cases, expected, mistaken)


def _extent(value: object) -> int:
    """How many numbers there are to look at in an argument."""
    if hasattr(value, "numel"):
        return value.numel()
    if hasattr(value, "parameters"):
        return sum(parameter.numel() for parameter in value.parameters())
    return sum(map(_extent, value)) if isinstance(value, (tuple, list)) else 1


@dataclass(frozen=True)
class Verdict:
    """What the check says of an answer: its status, the message, and which misconception it shows, if it is a known one."""

    status: Status
    message: str
    misconception: str | None = None


def verdict(trial: Trial, got: Sequence[Plain]) -> Verdict:
    """Judge the outcomes of an answer on the trial's cases.

    In this order: a blank, a right answer, a known wrong answer, the smallest case on which it fails.
    """
    exercise = trial.exercise
    if any(map(is_blank, got)):
        return Verdict("not attempted", "not attempted")
    if exercise.kind == "predict":
        got = [in_lists(outcome) for outcome in got]
    failing = [position for position, outcome in enumerate(got) if not trial.accepts(position, outcome)]
    if not failing:
        return Verdict("right", "right" if len(got) == 1 else f"right, on {len(got)} random cases")
    known = _recognised(trial, got, failing)
    if known is not None and known.given:
        said = f"{exercise.name} still does what the code as given does. If you changed it, the change makes no difference where that code is wrong."
        return Verdict("not attempted", f"not attempted: {said}")
    first = failing[0]
    lines = ["not yet"]
    if known is not None:
        lines[0] += f". {known.sentence}"
    elif got[first] is None and trial.expected[first] is not None:
        lines[0] += f". {exercise.name} returns nothing: some way through it ends without `return`."
    if isinstance(got[first], dict) and "raised" in got[first]:
        lines += _exception(trial, first, got)
    elif known is None:
        lines += _smallest(trial, first, got, len(failing))
    return Verdict("wrong", "\n".join(lines), known.name if known else None)


def _recognised(trial: Trial, got: Sequence[Plain], failing: Sequence[int]) -> Misconception | None:
    """The wrong answer that does the same on every case; or else, the same on every case that fails."""
    pairs = list(zip(trial.exercise.misconceptions, trial.mistaken))
    for positions in (range(len(got)), failing):
        for misconception, mistaken in pairs:
            if misconception.told_by is not None:
                if all(misconception.told_by(trial.cases[i], got[i]) for i in failing):
                    return misconception
            elif all(agree(mistaken[i], got[i]) for i in positions):
                return misconception
    return None


def _exception(trial: Trial, position: int, got: Sequence[Plain]) -> list[str]:
    """The student's exception as theirs, with the arguments that it came of."""
    error = got[position]["raised"]
    lines = [f"  {trial.exercise.name} raised {error['type']}: {error['message']}"]
    if error["place"]:
        lines.append(f"  {error['place']}")
    lines += [f"  {line}" for line in error["notes"].splitlines()]
    return lines + _arguments(trial, position)


def _smallest(trial: Trial, position: int, got: Sequence[Plain], failing: int) -> list[str]:
    """The smallest failing case. Where the answer is a prediction, what was expected is not told."""
    if trial.exercise.kind in ("predict", "explain"):
        return [f"  got       {described(got[position])}"]
    head = f"  {failing} of {len(got)} random cases fail; the smallest of them:"
    lines = [head, *_arguments(trial, position)]
    if trial.exercise.accepts is None:
        lines.append(f"  expected  {described(trial.expected[position])}")
    lines.append(f"  got       {described(got[position])}")
    where = difference(trial.expected[position], got[position]) if trial.exercise.accepts is None else ""
    return lines + [f"  where     {where}"] * bool(where)


def _arguments(trial: Trial, position: int) -> list[str]:
    pairs = zip(trial.exercise.parameters, trial.cases[position])
    width = max([len(name) for name in trial.exercise.parameters], default=0)
    return [f"  {name:{max(width, 8)}}  {argument(value)}" for name, value in pairs]
