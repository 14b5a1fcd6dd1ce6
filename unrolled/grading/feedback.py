"""The pages that grading writes: feedback for each student, in the sentences of `check`, and a report on the class for the teacher."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from unrolled.exercises.exercise import Exercise
from unrolled.text import counted

if TYPE_CHECKING:
    from unrolled.grading.grade_log import Grade

# Status, its colour in the plot (told apart by those who do not see red or green) and in the pages.
COLOURS = {"right": "#0072b2", "wrong": "#e69f00", "not attempted": "#bbbbbb", "could not grade": "#777777"}
LONGEST_NAME = 240  # bytes; a file system takes 255, ending included
STYLE = """
:root { color-scheme: light dark; background: Canvas; color: CanvasText; font: 16px/1.55 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .25rem } h2 { font-size: 1.05rem; margin: 2rem 0 .25rem }
code, pre { font: .875em/1.5 ui-monospace, monospace } pre { overflow-x: auto; margin: .5rem 0; padding-left: 1rem; border-left: 2px solid #8888 }
p { margin: .25rem 0 } .status { font-weight: 600 } .quiet { opacity: .75 }
.scroll { overflow-x: auto } table { border-collapse: collapse } th, td { text-align: left; padding: .25rem 1rem .25rem 0; vertical-align: top }
th { font-weight: 600 } th[scope="row"] { white-space: nowrap } td.number { text-align: right; font-variant-numeric: tabular-nums } tr + tr { border-top: 1px solid #8884 }
li { margin: .5rem 0; overflow-wrap: anywhere } summary { cursor: pointer } details { margin: .25rem 0 }
.had { margin: 1rem 0; padding-left: 3rem } .had > b { float: left; margin-left: -3rem; width: 2.25rem; text-align: right; font-variant-numeric: tabular-nums }
@media (max-width: 30rem) { .scroll { font-size: .8125rem } th, td { padding-right: .5rem } .had { padding-left: 2rem } .had > b { margin-left: -2rem; width: 1.5rem } }
@media print { details::details-content { content-visibility: visible } body { margin: 0 } h2 { break-after: avoid } }
"""


def write(
    folder: Path,
    grades: Sequence[Grade],
    exercises: Sequence[Exercise],
    seed: int,
    isolation: Sequence[str] | None,
    left_out: Sequence[str],
    lacking: Mapping[str, Sequence[str]],
    former: Sequence[str],
) -> Path:
    """Write a page for each student and the class report into `folder`; return the report's path.

    `left_out`: what holds no notebook. `lacking`: who was not graded on a set, since the notebooks hold no exercise of it.
    `former`: students who are no longer there, whose pages go.
    """
    by_student: dict[str, list[Grade]] = {}
    for grade in grades:
        by_student.setdefault(grade.student, []).append(grade)
    for student in former:
        (folder / f"{file_name(student)}.html").unlink(missing_ok=True)
    for student, own in by_student.items():
        (folder / f"{file_name(student)}.html").write_text(
            student_page(student, own, exercises), encoding="utf-8", errors="backslashreplace"
        )
    report = folder / "report.html"
    report.write_text(
        class_report(by_student, exercises, seed, isolation, left_out, lacking),
        encoding="utf-8",
        errors="backslashreplace",
    )
    return report


def file_name(student: str) -> str:
    """The student's name as a file's. The class report keeps `report` for itself."""
    if student.rstrip("-") == "report":
        return f"{student}-"
    name = student.encode(errors="surrogateescape")
    return student if len(name) < LONGEST_NAME else f"{student[:40]} {sha256(name).hexdigest()[:12]}"


def student_page(student: str, grades: Sequence[Grade], exercises: Sequence[Exercise]) -> str:
    """One student's feedback: each exercise, its status, and what `check` would have said."""
    names = {exercise.id: exercise.name for exercise in exercises}
    parts = [f"<h1>{escape(student)}</h1><p>{_summary(grades)}</p>"]
    for grade in grades:
        parts.append(f"<h2>{escape(grade.exercise)}: <code>{names[grade.exercise]}</code></h2>{_feedback(grade)}")
    return page(f"Feedback for {student}", "".join(parts))


def _summary(grades: Sequence[Grade]) -> str:
    left = sum(grade.points is None for grade in grades)
    if left == len(grades):
        return "Nothing could be graded. Your teacher will look at it."
    right = f"{sum(grade.status == 'right' for grade in grades)} of {len(grades)} exercises right."
    return (
        f"{right} {counted(left, 'exercise')} could not be graded: your teacher will look at {'it' if left == 1 else 'them'}."
        if left
        else right
    )


def _feedback(grade: Grade) -> str:
    first, *rest = grade.feedback.splitlines() or [""]
    sentence = first.removeprefix("not yet").removeprefix("not attempted").lstrip(".: ")
    if grade.status == "right":
        sentence = first.removeprefix("right").lstrip(", ")
    status = "not yet" if grade.status == "wrong" else grade.status
    shown = f'<p><span class="status">{status}</span>{". " if sentence else ""}{with_code(_capital(sentence))}</p>'
    return shown + (f'<pre tabindex="0">{escape(_dedent(rest))}</pre>' if rest else "")


def _capital(text: str) -> str:
    """With a capital at its beginning, unless that is a name in the code."""
    return text if re.match(r"\w*_", text) else text[:1].upper() + text[1:]


def _dedent(lines: Iterable[str]) -> str:
    return "\n".join(line.removeprefix("  ") for line in lines)


def with_code(text: str) -> str:
    """The text as HTML, `what stands between backticks` as code and *stars* as emphasis."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"(?<![\w*])\*([^*<>]+)\*(?![\w*])", r"<em>\1</em>", text)


def class_report(
    by_student: dict[str, list[Grade]],
    exercises: Sequence[Exercise],
    seed: int,
    isolation: Sequence[str] | None,
    left_out: Sequence[str],
    lacking: Mapping[str, Sequence[str]],
) -> str:
    """What the class knows: each exercise's results, which misconception how many had, and what could not be graded."""
    grades = [grade for own in by_student.values() for grade in own]
    counts = {
        exercise.id: Counter(grade.status for grade in grades if grade.exercise == exercise.id)
        for exercise in exercises
    }
    parts = [
        f"<h1>Report on the class</h1><p>{len(by_student)} students, {len(exercises)} exercises. Seed {seed}. {how_it_ran(isolation)}</p>",
        plot(counts),
        _counts_table(counts),
        _misconceptions(grades, exercises),
        _not_graded(grades, left_out),
        _lacking(lacking),
        _students(by_student),
    ]
    return page("Report on the class", "".join(parts))


def how_it_ran(isolation: Sequence[str] | None) -> str:
    """What the submissions' processes were kept from, in a sentence; none where none ran."""
    if isolation is None:
        return ""
    kept_from = f" and with {', '.join(isolation)}" if isolation else ""
    return f"Each submission ran in a process of its own, with limits{kept_from}."


def plot(counts: dict[str, Counter[str]]) -> str:
    """The results of each exercise as a bar, drawn by matplotlib."""
    from matplotlib.figure import Figure

    from unrolled.drawing.figures import picture

    figure = Figure(figsize=(4.2, 0.6 + 0.3 * len(counts)))
    axes = figure.subplots()
    left = [0] * len(counts)
    for status, colour in COLOURS.items():
        widths = [count[status] for count in counts.values()]
        axes.barh(list(counts), widths, left=left, color=colour, label=status, height=0.7)
        left = [start + width for start, width in zip(left, widths)]
    axes.invert_yaxis()
    axes.set_xlabel("students")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    drawn = picture(
        figure,
        "How many students have each exercise right, wrong, not attempted or not graded; the table below has the numbers.",
    )
    return drawn._repr_html_()


def _counts_table(counts: dict[str, Counter[str]]) -> str:
    head = "".join(f'<th scope="col">{status}</th>' for status in COLOURS)
    rows = [
        f'<tr><th scope="row">{escape(id)}</th>'
        + "".join(f'<td class="number">{count[status]}</td>' for status in COLOURS)
        + "</tr>"
        for id, count in counts.items()
    ]
    return f'<div class="scroll" tabindex="0"><table><tr><th scope="col">exercise</th>{head}</tr>{"".join(rows)}</table></div>'


def _misconceptions(grades: Sequence[Grade], exercises: Sequence[Exercise]) -> str:
    """The most frequent first, with the names of those who have it; what one student alone has comes last, in a fold."""
    sentences = {(exercise.id, m.name): m.sentence for exercise in exercises for m in exercise.misconceptions}
    had: dict[tuple[str, str | None], list[str]] = {}
    for grade in grades:
        if (key := (grade.exercise, grade.misconception)) in sentences:
            had.setdefault(key, []).append(grade.student)
    if not had:
        return "<h2>Misconceptions</h2><p>None that the exercises know.</p>"
    several, single = [], []
    for key, students in sorted(had.items(), key=lambda one: -len(one[1])):
        (several if len(students) > 1 else single).append(
            f'<div class="had"><b>{len(students)}</b>{escape(key[0])}. {with_code(sentences[key])}'
            f"<details><summary>Who: {counted(len(students), 'student')}</summary>{', '.join(map(_link, students))}</details></div>"
        )
    fold = (
        f"<details><summary>{len(single)} more, each of one student</summary>{''.join(single)}</details>"
        if single
        else ""
    )
    unknown = sum(grade.status == "wrong" and grade.misconception is None for grade in grades)
    rest = (
        f'<p class="quiet">{unknown} more answers are wrong in a way of their own: see the students\' pages.</p>'
        if unknown
        else ""
    )
    return (
        f"<h2>Misconceptions: how many students had which, and what they were told</h2>{''.join(several)}{fold}{rest}"
    )


def _not_graded(grades: Sequence[Grade], left_out: Sequence[str]) -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for grade in grades:
        if grade.points is None:
            reasons.setdefault((grade.student, grade.feedback), []).append(grade.exercise)
    items = [
        f"<li>{_link(student)}, {', '.join(ids)}: {escape(reason)}.</li>" for (student, reason), ids in reasons.items()
    ]
    items += [f"<li>{escape(name)}: there is no notebook in it, so it stands in no table.</li>" for name in left_out]
    if not items:
        return "<h2>Could not be graded</h2><p>Nothing.</p>"
    return f"<h2>Could not be graded: look at these yourself</h2><p>They have no points, which is not 0 points.</p><ul>{''.join(items)}</ul>"


def _lacking(lacking: Mapping[str, Sequence[str]]) -> str:
    """The sets that not everybody has rows of, in a fold each: of a set that few hold, these are most of the class."""
    folds = [
        f"<details><summary>{escape(name)}: {counted(len(students), 'student')}</summary>{', '.join(map(_link, students))}</details>"
        for name, students in lacking.items()
    ]
    said = "<h2>Not handed in by everybody</h2><p>There is no exercise of the set in these students' notebooks, and no row of it for them in the table.</p>"
    return said + "".join(folds) if folds else ""


def _link(student: str) -> str:
    """The student's name, which leads to the student's page."""
    return f'<a href="{quote(file_name(student), errors="surrogateescape")}.html">{escape(student)}</a>'


def _students(by_student: dict[str, list[Grade]]) -> str:
    rows = [
        f"<tr><td>{_link(student)}</td>"
        f'<td class="number">{_points(own)}</td><td class="number">{sum(grade.points is None for grade in own) or ""}</td></tr>'
        for student, own in by_student.items()
    ]
    head = '<tr><th scope="col">student</th><th scope="col">points</th><th scope="col">not graded</th></tr>'
    return f"<h2>Students</h2><table>{head}{''.join(rows)}</table>"


def _points(grades: Sequence[Grade]) -> str:
    """Their sum; a dash where there are none to add, which is not 0."""
    points = [grade.points for grade in grades if grade.points is not None]
    return str(sum(points)) if points else "–"


def page(title: str, body: str) -> str:
    """A page that stands alone: it can be mailed, and loads nothing."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><body><main>{body}</main>\n"
    )
