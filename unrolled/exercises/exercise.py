"""An exercise: its reference answer, how its inputs are drawn, and the wrong answers that it recognises.

    directions = ExerciseSet("directions")

    @directions.write(draw=..., hints=[...])
    def final_states(output, hn):
        return torch.cat([hn[-2], hn[-1]], dim=1)

    @final_states.mistake("The backward half of `output[:, -1]` has read one step. Its last step is t = 0.")
    def last_step(output, hn):
        return output[:, -1]

A wrong answer is code, so that recognising it is running it: an answer that does what a known wrong answer does,
wherever it is wrong, gets that answer's sentence.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypedDict, Unpack

from unrolled.exercises.comparison import (
    agree,
    describe,
    describe_argument,
    difference,
    forbidden_call,
    is_blank,
    tensors_as_lists,
)
from unrolled.exercises.predicates import Predicate
from unrolled.exercises.results import Arguments, Result, Task, one_thread, results_of

Kind = Literal["predict", "write", "mend", "explain"]
Status = Literal["right", "wrong", "not attempted"]
Draw = Callable[[random.Random], Arguments]
KEEPS_ORDER = (
    "`reshape` and `view` keep the numbers in their order, whatever shape they give them; "
    "to exchange two axes takes `transpose`."
)
"""For whoever writes `reshape` where the code as given has `view`, or the other way round."""
FORBIDDEN = "forbidden-call"
"""The misconception of an answer that is right by a call that its exercise forbids."""
CASES = 20
"""Random cases that an answer is checked on, where an exercise does not say another number."""


@dataclass(frozen=True, kw_only=True)
class Misconception:
    """A wrong answer and the sentence that undoes it.

    `given`: it is the code that the student is given to mend; `if_changed` is then added for whoever changed it, to no
    effect. `matches`: for answers that no two students give alike,
    such as a trained model's predictions, a test of (arguments, result) in place of the comparison with what `answer`
    gives.
    """

    name: str
    sentence: str
    answer: Callable[..., Any]
    given: bool = False
    if_changed: str = ""
    matches: Predicate | None = None


@dataclass(frozen=True, kw_only=True)
class Ban:
    """Functions of torch that an answer must not call, by their names in `torch._VF`; and the sentence if it does."""

    calls: frozenset[str]
    sentence: str


LAYER_CALLS = frozenset({"rnn_tanh", "rnn_relu", "gru", "lstm"})
PACKING = frozenset({"_pack_padded_sequence"})
UNPACKING = frozenset({"_pad_packed_sequence"})


class MistakeOptions(TypedDict, total=False):
    """What `Exercise.mistake` passes on to `Misconception`."""

    given: bool
    if_changed: str
    matches: Predicate


@dataclass(kw_only=True)
class Exercise:
    """One exercise. `id` is its set's name and its number in the set; `name` is the function that answers it.

    `draw(rng)` gives one random case, the tuple of arguments; None where the function takes none. Arguments are
    tensors, modules and classes of torch itself, and Python's own values, since they travel to the process that runs
    the answer. `accepts(arguments, result)` judges an answer that is right in more than one way; without it, it must
    agree with the reference's. What `ban` forbids, an answer may not call; the reference may.
    """

    id: str
    kind: Kind
    reference: Callable[..., Any]
    draw: Draw | None = None
    hints: Sequence[str] = ()
    cases: int = CASES
    accepts: Predicate | None = None
    ban: Ban | None = None
    misconceptions: list[Misconception] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the function that a student writes."""
        return self.reference.__name__

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(inspect.signature(self.reference).parameters)

    def mistake(
        self, sentence: str, answer: Callable[..., Any] | None = None, **options: Unpack[MistakeOptions]
    ) -> Callable[..., Any]:
        """Add a wrong answer and the sentence that undoes it: `mistake(sentence, lambda …)`, or as a decorator.

        Options: `Misconception`'s.
        """

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            number = len(self.misconceptions) + 1
            own = function.__name__.lstrip("_")
            name = own if own != "<lambda>" else f"{self.name}-{number}"
            self.misconceptions.append(Misconception(name=name, sentence=sentence, answer=function, **options))
            return function

        return add if answer is None else add(answer)


class ExerciseOptions(TypedDict, total=False):
    """What the four methods of `ExerciseSet` pass on to `Exercise`."""

    draw: Draw
    hints: Sequence[str]
    cases: int
    accepts: Predicate
    ban: Ban


class ExerciseSet(dict[str, Exercise]):
    """The exercises of a chapter in their order, by id: `directions-1`, `directions-2`, …"""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def _add(self, kind: Kind, options: ExerciseOptions) -> Callable[[Callable[..., Any]], Exercise]:
        def add(reference: Callable[..., Any]) -> Exercise:
            exercise = Exercise(id=f"{self.name}-{len(self) + 1}", kind=kind, reference=reference, **options)
            self[exercise.id] = exercise
            return exercise

        return add

    def predict(self, **options: Unpack[ExerciseOptions]) -> Callable[[Callable[..., Any]], Exercise]:
        """A shape, a slice or an equality, answered before it is run. Its check never shows what was expected."""
        return self._add("predict", options)

    def write(self, **options: Unpack[ExerciseOptions]) -> Callable[[Callable[..., Any]], Exercise]:
        """A function to write."""
        return self._add("write", options)

    def mend(self, **options: Unpack[ExerciseOptions]) -> Callable[[Callable[..., Any]], Exercise]:
        """A function that runs and is wrong.

        Its first `mistake`, with `given=True`, is the code as the student gets it.
        """
        return self._add("mend", options)

    def explain(self, **options: Unpack[ExerciseOptions]) -> Callable[[Callable[..., Any]], Exercise]:
        """An error to explain. Its check never shows what was expected."""
        return self._add("explain", options)


def distinct(rng: random.Random, count: int, low: int = 2, high: int = 7) -> list[int]:
    """Sizes that all differ, so that no axis can pass for another."""
    return rng.sample(range(low, high + 1), count)


@dataclass(frozen=True, kw_only=True)
class DrawnCases:
    """Random cases of an exercise, smallest first. `expected`: what the reference gives on each."""

    exercise: Exercise
    cases: list[Arguments]
    expected: list[Result]

    @property
    def task(self) -> Task:
        """What a process needs that runs an answer."""
        forbidden = self.exercise.ban.calls if self.exercise.ban else frozenset[str]()
        return Task(name=self.exercise.name, cases=self.cases, forbidden=forbidden)

    @cached_property
    def mistaken(self) -> list[list[Result]]:
        """What each misconception of the exercise gives on each case. Nobody asks for it while answers are right."""
        return [results_of(misconception.answer, self.cases) for misconception in self.exercise.misconceptions]

    def accepts(self, position: int, result: Result) -> bool:
        """Whether the result is right for the case at `position`."""
        if self.exercise.accepts is not None:
            return self.exercise.accepts(self.cases[position], result)
        return agree(self.expected[position], result)


def draw_cases(exercise: Exercise, seed: int) -> DrawnCases:
    """Draw the cases of this seed. The same seed gives the same cases."""
    import torch

    cases: list[Arguments] = [()]
    if exercise.draw is not None:
        rng = random.Random(f"{exercise.id} {seed}")
        with one_thread(), torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(rng.getrandbits(32))
            drawn = [exercise.draw(rng) for _ in range(exercise.cases)]
        cases = sorted(drawn, key=lambda arguments: sum(map(_number_count, arguments)))
    return DrawnCases(exercise=exercise, cases=cases, expected=results_of(exercise.reference, cases))


def _number_count(value: object) -> int:
    """How many numbers there are to look at in an argument."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.numel()
    if isinstance(value, torch.nn.Module):
        return sum(parameter.numel() for parameter in value.parameters())
    return sum(map(_number_count, value)) if isinstance(value, (tuple, list)) else 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the check says about an answer: its status, the message, and the name of its misconception, if known."""

    status: Status
    message: str
    misconception: str | None = None


def judge(drawn: DrawnCases, results: Sequence[Result]) -> Verdict:
    """Judge an answer by its results on the drawn cases.

    In this order: a blank; a right answer, or one that is right by a call that the exercise forbids; a known wrong
    answer; the smallest case on which it fails.
    """
    exercise = drawn.exercise
    calls_forbidden = any(map(forbidden_call, results))
    results = [result["result"] if forbidden_call(result) else result for result in results]
    if any(map(is_blank, results)):
        return Verdict(status="not attempted", message="not attempted")
    if exercise.kind == "predict":
        results = [tensors_as_lists(result) for result in results]
    failing = [position for position, result in enumerate(results) if not drawn.accepts(position, result)]
    if not failing and calls_forbidden and exercise.ban is not None:
        return Verdict(status="wrong", message=f"not yet. {exercise.ban.sentence}", misconception=FORBIDDEN)
    if not failing:
        message = "right" if len(results) == 1 else f"right, on {len(results)} random cases"
        return Verdict(status="right", message=message)
    known = _recognise(drawn, results, failing)
    if known is not None and known.given:
        still = (
            f"{exercise.name} still does what the code as given does. "
            "If you changed it, the change makes no difference where that code is wrong."
        )
        return Verdict(status="not attempted", message=f"not attempted: {still} {known.if_changed}".rstrip())
    first = failing[0]
    lines = ["not yet"]
    if known is not None:
        lines[0] += f". {known.sentence}"
    elif results[first] is None and drawn.expected[first] is not None:
        lines[0] += f". {exercise.name} returns nothing: some way through it ends without `return`."
    if isinstance(results[first], dict) and "raised" in results[first]:
        lines += _exception_lines(drawn, first, results)
    elif known is None:
        lines += _failing_case_lines(drawn, first, results, len(failing))
    return Verdict(status="wrong", message="\n".join(lines), misconception=known.name if known else None)


def _recognise(drawn: DrawnCases, results: Sequence[Result], failing: Sequence[int]) -> Misconception | None:
    """The wrong answer that does the same on every case; or else, the same on every case that fails."""
    pairs = list(zip(drawn.exercise.misconceptions, drawn.mistaken, strict=True))
    for positions in (range(len(results)), failing):
        for misconception, mistaken in pairs:
            if misconception.matches is not None:
                if all(misconception.matches(drawn.cases[i], results[i]) for i in failing):
                    return misconception
            elif all(agree(mistaken[i], results[i]) for i in positions):
                return misconception
    return None


def _exception_lines(drawn: DrawnCases, position: int, results: Sequence[Result]) -> list[str]:
    """The student's exception as theirs, with the arguments that it came from."""
    error = results[position]["raised"]
    lines = [f"  {drawn.exercise.name} raised {error['type']}: {error['message']}"]
    if error["place"]:
        lines.append(f"  {error['place']}")
    lines += [f"  {line}" for line in error["notes"].splitlines()]
    return lines + _argument_lines(drawn, position)


def _failing_case_lines(drawn: DrawnCases, position: int, results: Sequence[Result], failing: int) -> list[str]:
    """The smallest failing case. Where the answer is a prediction, what was expected is not shown."""
    got = f"  got       {describe(results[position])}"
    if drawn.exercise.kind in ("predict", "explain"):
        return [got]
    head = f"  {failing} of {len(results)} random cases fail; the smallest of them:"
    lines = [head, *_argument_lines(drawn, position)]
    if drawn.exercise.accepts is not None:
        return [*lines, got]
    lines += [f"  expected  {describe(drawn.expected[position])}", got]
    where = difference(drawn.expected[position], results[position])
    return lines + [f"  where     {where}"] * bool(where)


def _argument_lines(drawn: DrawnCases, position: int) -> list[str]:
    parameters, arguments = drawn.exercise.parameters, drawn.cases[position]
    width = max(8, *map(len, parameters)) if parameters else 8
    pairs = zip(parameters, arguments, strict=True)
    return [f"  {name:{width}}  {describe_argument(value)}" for name, value in pairs]
