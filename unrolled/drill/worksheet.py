"""`python -m unrolled worksheet`: questions on shapes and slices as a page to print, with its answer key apart."""

from __future__ import annotations

import argparse
import re
import sys
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from unrolled.drill.question_maker import Form, Question, questions
from unrolled.text import code_html, counted

MAX_QUESTIONS = 200
ANSWER_LABELS: dict[Form, str] = {
    "shape": "A shape",
    "expression": "An expression",
    "yes or no": "Yes or no",
    "steps": "Steps",
}
TEMPLATES = Path(__file__).parent / "templates"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=_seed, default=0, help="a whole number; the same seed gives the same page (default: 0)"
    )
    parser.add_argument("--questions", type=_count, default=20, help=f"how many, 1 to {MAX_QUESTIONS} (default: 20)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the page (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    page = worksheet_page(arguments.seed, arguments.questions)
    if arguments.out is None:
        print(page)
        return 0
    try:
        arguments.out.write_text(page + "\n", encoding="ascii")
    except OSError as error:
        print(
            f"The worksheet was not written to {arguments.out}: {error.strerror}. Name another file after --out.",
            file=sys.stderr,
        )
        return 1
    return 0


def worksheet_page(seed: int, count: int) -> str:
    """The page as HTML that needs nothing else, in ASCII, so that it survives any terminal and any file."""
    css = (TEMPLATES / "worksheet.css").read_text(encoding="utf-8")
    page = (
        _environment()
        .get_template("worksheet.html")
        .render(seed=seed, questions=list(questions(seed, count)), answer_labels=ANSWER_LABELS, css=Markup(css))
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def answer_html(question: Question) -> Markup:
    """The answer and, where there are any, other ways to write it."""
    right = Markup('<code class="right">{}</code>').format(question.answer)
    return right + Markup("").join(Markup(", or <code>{}</code>").format(text) for text in question.also)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"answer_html": answer_html, "counted": counted, "with_code": _with_code}
    return environment


def _with_code(text: str) -> Markup:
    return Markup(code_html(text))


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,20}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, such as 7.")
    return int(text)


def _seed(text: str) -> int:
    if not 0 <= (seed := _whole(text)) < 2**32:
        raise argparse.ArgumentTypeError(f"{seed} is not a seed; a seed is at least 0 and below 2**32.")
    return seed


def _count(text: str) -> int:
    if not 1 <= (count := _whole(text)) <= MAX_QUESTIONS:
        raise argparse.ArgumentTypeError(f"{count} is not a number of questions; ask for 1 to {MAX_QUESTIONS}.")
    return count
