"""The course's exercises, a module for each set: reference answers, random cases, known wrong answers."""

from importlib import import_module

from unrolled.exercises.exercise import Exercise, ExerciseSet

SETS = (
    "three-tensors",
    "axes",
    "one-step",
    "layers",
    "directions",
    "gates",
    "lengths",
    "last-step",
    "initial-state",
    "carrying-state",
    "training",
    "gradients",
    "attention",
    "data",
    "gpu",
    "classifier",
    "streaming",
)
"""The sets in the order of the chapters; the last two are the capstones."""


def exercise_set(name: str) -> ExerciseSet:
    """The set of this name.

    Raises:
        LookupError: there is none; the message says which there are.
    """
    if name not in SETS:
        raise LookupError(f"There is no exercise set {name}. The sets are {', '.join(SETS)}.")
    exercises: ExerciseSet = import_module(f"unrolled.exercises.sets.{name.replace('-', '_')}").EXERCISES
    return exercises


def find_exercise(id: str) -> Exercise:
    """The exercise with this id, such as `directions-2`.

    Raises:
        LookupError: there is none; the message says which there are.
    """
    exercises = exercise_set(id.rpartition("-")[0] or id)
    if id not in exercises:
        raise LookupError(f"There is no exercise {id}. The set {exercises.name} has {', '.join(exercises)}.")
    return exercises[id]
