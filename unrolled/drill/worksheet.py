"""`python -m unrolled worksheet`: questions on shapes and slices as one page to print, with its answer key on a page of its own."""

from __future__ import annotations

import argparse
import re
import sys
from html import escape
from pathlib import Path

from unrolled.drill.question_maker import Question, questions
from unrolled.text import code_html, counted

MOST_QUESTIONS = 200
SPACE = {"shape": "A shape", "expression": "An expression", "yes or no": "Yes or no", "steps": "Steps"}

# Black on white, and no page but the key begins before the one above it is full. Sizes are those of A4 with the usual margins.
STYLE = """
:root { color-scheme: light; }
@page { size: A4; margin: 16mm 18mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 12mm 5mm; max-width: 184mm; background: #fff; color: #000; font: 11pt/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: 9pt; }
h1 { margin: 0; font-size: 18pt; line-height: 1.2; }
header { border-bottom: 1pt solid #000; padding-bottom: 3mm; margin-bottom: 5mm; }
header p { margin: 2mm 0 0; }
.name { display: flex; gap: 4mm; margin-top: 5mm; }
.name i, .answer i { flex: 1; border-bottom: 0.5pt solid #000; }
ol { margin: 0; padding: 0 0 0 9mm; }
li { margin: 0 0 6mm; padding-left: 1mm; break-inside: avoid; }
li::marker { font-weight: 700; }
pre { margin: 0 0 1.5mm; padding: 1.5mm 2.5mm; border-left: 1.5pt solid #000; white-space: pre-wrap; overflow-wrap: anywhere; }
li p { margin: 0; }
.answer { display: flex; gap: 3mm; margin-top: 6mm; color: #444; font-size: 9pt; }
.key { break-before: page; }
.key ol { font-size: 9pt; line-height: 1.3; }
.key li { margin-bottom: 1.5mm; }
.key code { font-size: 8pt; }
.key code.right { font-weight: 700; }
@media print { body { padding: 0; max-width: none; } }
@media screen { .key { margin-top: 20mm; } }
""".strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=_seed, default=0, help="a whole number; the same seed gives the same page (default: 0)"
    )
    parser.add_argument("--questions", type=_count, default=20, help=f"how many, 1 to {MOST_QUESTIONS} (default: 20)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the page (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    page = worksheet(arguments.seed, arguments.questions)
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


def worksheet(seed: int, count: int) -> str:
    """The page as HTML that needs nothing else, in ASCII, so that it survives any terminal and any file."""
    asked = list(questions(seed, count))
    body = f"""<header>
<h1>Shapes and slices</h1>
<p>Worksheet {seed}. Write a shape as <code>(3, 7, 10)</code>, a slice as <code>x[0, 1]</code>. Steps, layers and samples count from 0.</p>
<p class="name"><span>Name</span><i></i></p>
</header>
<ol>
{"".join(map(_asked, asked))}</ol>
<section class="key">
<header><h1>Answers</h1><p>Worksheet {seed}, {counted(count, "question")}</p></header>
<ol>
{"".join(map(_answered, asked))}</ol>
</section>"""
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Worksheet {seed}: shapes and slices</title>
<style>
{STYLE}
</style>
</head>
<body>
{body}
</body>
</html>"""
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def answer(question: Question) -> str:
    """The answer and, where there are any, other ways to write it, as HTML."""
    code = lambda text, kind="": f"<code{kind}>{escape(text, quote=False)}</code>"
    also = "".join(f", or {code(text)}" for text in question.also)
    return code(question.answer, ' class="right"') + also


def _asked(question: Question) -> str:
    code = escape("\n".join(question.code), quote=False)
    line = f'<p class="answer"><span>{SPACE[question.form]}</span><i></i></p>'
    return f"<li><pre>{code}</pre><p>{code_html(question.ask)}</p>{line}</li>\n"


def _answered(question: Question) -> str:
    return f"<li><p>{answer(question)}</p><p>{code_html(question.reason)}</p></li>\n"


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,20}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, such as 7.")
    return int(text)


def _seed(text: str) -> int:
    if not 0 <= (seed := _whole(text)) < 2**32:
        raise argparse.ArgumentTypeError(f"{seed} is not a seed; a seed is at least 0 and below 2**32.")
    return seed


def _count(text: str) -> int:
    if not 1 <= (count := _whole(text)) <= MOST_QUESTIONS:
        raise argparse.ArgumentTypeError(f"{count} is not a number of questions; ask for 1 to {MOST_QUESTIONS}.")
    return count
