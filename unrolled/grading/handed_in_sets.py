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
    folder: Path, submissions: Sequence[Submission], code: Mapping[str, Mapping[Path, list[str] | Unreadable]]
) -> str | None:
    """The name of a folder in `folder` that has the notebooks of a class, not of one student; None if in doubt.

    A student may hand in several drafts. It is certain where Moodle has named the contents after several students.
    Otherwise there have to be several folders, nothing but folders, and in each of them as many notebooks of one set as
    no whole class hands in drafts.
    """
    for submission in submissions:
        inner = [path.relative_to(folder).parts[:2] for path in submission.paths]
        if len({student_name(parts[1:]) for parts in inner if len(parts) > 1 and MOODLE.fullmatch(parts[1])}) > 1:
            return inner[0][0]
    in_folders = all(path.parent != folder for submission in submissions for path in submission.paths)
    many = all(_most_of_one_set(notebooks) >= MANY_DRAFTS for notebooks in code.values())
    if len(submissions) > 1 and in_folders and many:
        return submissions[0].paths[0].relative_to(folder).parts[0]
    return None


def _most_of_one_set(notebooks: Mapping[Path, list[str] | Unreadable]) -> int:
    count = Counter(name for path, cells in notebooks.items() for name in sets_in({path: cells}))
    return max(count.values(), default=0)


def _submissions_with_each(sets_of_student: Mapping[str, Sequence[str]]) -> Counter[str]:
    return Counter(name for own in sets_of_student.values() for name in own)


def common_sets(sets_of_student: Mapping[str, Sequence[str]]) -> list[str]:
    """The sets that were set, as far as the submissions show it: at least half as many have one as have the most
    frequent.
    """
    count = _submissions_with_each(sets_of_student)
    return [name for name in SETS if count[name] * 2 >= max(count.values())]


def sets_to_grade(
    sets_of_student: Mapping[str, Sequence[str]],
    code: Mapping[str, Mapping[Path, list[str] | Unreadable]],
    common: Sequence[str],
) -> dict[str, list[str]]:
    """Which sets each student is graded on: those that the notebooks have exercises of.

    A notebook that cannot be read, or in which nothing was recognised, may have been meant for any of the common sets:
    it is graded on those too.
    """
    unclear = {
        student
        for student, notebooks in code.items()
        if not sets_of_student[student] or any(isinstance(cells, Unreadable) for cells in notebooks.values())
    }
    return {
        student: [name for name in SETS if name in own or (student in unclear and name in common)]
        for student, own in sets_of_student.items()
    }


def sets_of_few(sets_of_student: Mapping[str, Sequence[str]]) -> str:
    """Which sets are in fewer submissions than another, in a sentence; empty where none is."""
    count = _submissions_with_each(sets_of_student)
    most = max(count, key=lambda name: count[name])
    few = [f"{name} was found in {count[name]}" for name in SETS if 0 < count[name] < count[most]]
    if not few:
        return ""
    return f"{', '.join(few)} of {len(sets_of_student)} submissions; --set {most} grades {most} alone."
