"""Which exercise sets a class has handed in, as its notebooks show it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from unrolled.exercises.sets import SETS, exercise_set
from unrolled.grading.notebook_file import Unreadable
from unrolled.grading.platforms import MOODLE
from unrolled.grading.submissions import Submission, student_name

MANY_DRAFTS = 5  # notebooks of one set: more than every student of a class hands in


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a student's notebooks are, without their code: the sets that each has exercises of, a digest of its code,
    whether one uses an optimizer, and whether one cannot be read.
    """

    sets_of_notebook: Mapping[Path, Sequence[str]]
    code_digests: Mapping[Path, str]
    trains: bool
    unreadable: bool

    @property
    def sets(self) -> list[str]:
        """The sets that some notebook has exercises of, in the order of the chapters."""
        return [name for name in SETS if any(name in own for own in self.sets_of_notebook.values())]


def contents(submission: Submission) -> Contents:
    """Read a student's notebooks and look which functions they define."""
    notebooks = submission.read()
    readable = {path: cells for path, cells in notebooks.items() if not isinstance(cells, Unreadable)}
    return Contents(
        sets_of_notebook={path: sets_in(cells) for path, cells in readable.items()},
        code_digests={path: sha256(repr(cells).encode()).hexdigest() for path, cells in readable.items()},
        trains=any("optim" in source for cells in readable.values() for source in cells),
        unreadable=len(readable) < len(notebooks),
    )


def sets_in(cells: Sequence[str]) -> list[str]:
    """The sets of which these cells define a function."""
    defined = {name for source in cells for name in re.findall(r"^(?:def +)?(\w+) *[(=]", source, re.MULTILINE)}
    return [name for name in SETS if any(exercise.name in defined for exercise in exercise_set(name).values())]


def identical_notebooks(
    class_contents: Mapping[str, Contents], answered: Set[tuple[str, str]]
) -> list[tuple[list[str], list[str]]]:
    """The students whose notebooks have the same code, cell for cell, and the sets that these notebooks are of.

    `answered`: student and set, where an exercise was answered, right or wrong. A notebook of which its student has
    answered nothing is as it was handed out, and no wonder.
    """
    owners: dict[str, list[str]] = {}
    sets: dict[str, list[str]] = {}
    for student, own in class_contents.items():
        for path, digest in own.code_digests.items():
            own_sets = list(own.sets_of_notebook[path])
            if any((student, name) in answered for name in own_sets) and student not in owners.get(digest, ()):
                owners.setdefault(digest, []).append(student)
                sets[digest] = own_sets
    return [(students, sets[digest]) for digest, students in owners.items() if len(students) > 1]


def folder_of_a_class(
    folder: Path, submissions: Sequence[Submission], class_contents: Mapping[str, Contents]
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
    many = all(_most_of_one_set(own) >= MANY_DRAFTS for own in class_contents.values())
    if len(submissions) > 1 and in_folders and many:
        return submissions[0].paths[0].relative_to(folder).parts[0]
    return None


def _most_of_one_set(own: Contents) -> int:
    count = Counter(name for sets in own.sets_of_notebook.values() for name in sets)
    return max(count.values(), default=0)


def _submissions_with_each(class_contents: Mapping[str, Contents]) -> Counter[str]:
    return Counter(name for own in class_contents.values() for name in own.sets)


def common_sets(class_contents: Mapping[str, Contents]) -> list[str]:
    """The sets that were set, as far as the submissions show it: at least half as many have one as have the most
    frequent.
    """
    count = _submissions_with_each(class_contents)
    return [name for name in SETS if count[name] * 2 >= max(count.values())]


def sets_to_grade(class_contents: Mapping[str, Contents], common: Sequence[str]) -> dict[str, list[str]]:
    """Which sets each student is graded on: those that the notebooks have exercises of.

    A notebook that cannot be read, or in which nothing was recognised, may have been meant for any of the common sets:
    it is graded on those too.
    """
    return {
        student: [name for name in SETS if name in own.sets or ((own.unreadable or not own.sets) and name in common)]
        for student, own in class_contents.items()
    }


def sets_of_few(class_contents: Mapping[str, Contents]) -> str:
    """Which sets are in fewer submissions than another, in a sentence; empty where none is."""
    count = _submissions_with_each(class_contents)
    most = max(count, key=lambda name: count[name])
    few = [f"{name} was found in {count[name]}" for name in SETS if 0 < count[name] < count[most]]
    if not few:
        return ""
    return f"{', '.join(few)} of {len(class_contents)} submissions; --set {most} grades {most} alone."
