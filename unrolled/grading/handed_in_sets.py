"""Which exercise sets a class has handed in, as its notebooks show it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from unrolled.exercises.sets import SETS, exercise_set
from unrolled.grading.submissions import MOODLE, Submission, Unreadable, student_name

MANY_DRAFTS = 5  # notebooks of one set: more than every student of a class hands in


def sets_in(notebooks: Mapping[Path, list[str] | Unreadable]) -> list[str]:
    """The sets of which some notebook of this student defines a function."""
    sources = [cell for cells in notebooks.values() if isinstance(cells, list) for cell in cells]
    defined = {name for source in sources for name in re.findall(r"^(?:def +)?(\w+) *[(=]", source, re.MULTILINE)}
    return [name for name in SETS if any(exercise.name in defined for exercise in exercise_set(name).values())]


def folder_of_a_class(
    folder: Path, class_of: Sequence[Submission], code: Mapping[str, Mapping[Path, list[str] | Unreadable]]
) -> str | None:
    """The name of a folder in `folder` that holds a class in place of one student; None in doubt, since a student may hand in several drafts.

    It is certain where Moodle has named its contents after several students. Otherwise there have to be several folders, nothing but
    folders, and in each of them so many notebooks of one set as no whole class hands in drafts.
    """
    for submission in class_of:
        inner = [path.relative_to(folder).parts[:2] for path in submission.paths]
        if len({student_name(parts[1:]) for parts in inner if len(parts) > 1 and MOODLE.fullmatch(parts[1])}) > 1:
            return inner[0][0]
    in_folders = all(path.parent != folder for submission in class_of for path in submission.paths)
    many = all(
        max(Counter(name for path, cells in notebooks.items() for name in sets_in({path: cells})).values(), default=0)
        >= MANY_DRAFTS
        for notebooks in code.values()
    )
    return class_of[0].paths[0].relative_to(folder).parts[0] if len(class_of) > 1 and in_folders and many else None


def _holders(held: Mapping[str, Sequence[str]]) -> Counter[str]:
    """How many submissions hold each set."""
    return Counter(name for own in held.values() for name in own)


def common_sets(held: Mapping[str, Sequence[str]]) -> list[str]:
    """The sets that were set, as far as the submissions show it: at least half as many hold one as hold the one that most do."""
    count = _holders(held)
    return [name for name in SETS if count[name] * 2 >= max(count.values())]


def sets_of_each(
    held: Mapping[str, Sequence[str]], code: Mapping[str, Mapping[Path, list[str] | Unreadable]], common: Sequence[str]
) -> dict[str, list[str]]:
    """Which sets each student is graded on: those that the notebooks hold exercises of.

    A notebook that cannot be read, or in which nothing was found, may have been meant for any of the common sets: those are looked at too.
    """
    unclear = {
        student
        for student, notebooks in code.items()
        if not held[student] or any(isinstance(cells, Unreadable) for cells in notebooks.values())
    }
    return {
        student: [name for name in SETS if name in own or (student in unclear and name in common)]
        for student, own in held.items()
    }


def found_in_few(held: Mapping[str, Sequence[str]]) -> str:
    """Which sets were found in fewer submissions than another, in a sentence; empty where none was."""
    count = _holders(held)
    most = max(count, key=lambda name: count[name])
    few = [f"{name} was found in {count[name]}" for name in SETS if 0 < count[name] < count[most]]
    return f"{', '.join(few)} of {len(held)} submissions; --set {most} grades {most} alone." if few else ""
