"""What a chapter takes, under its title, and what can be done when it is read, at its end.

Both are computed: the minutes from the words, the cells and the questions of the notebook, the links from the table of
contents, the exercises and the setting of the chapter's own explorer. A page says `{{ minutes["axes"] }}` for minutes.
"""

import json
import re
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

from unrolled.text import counted

WORDS_A_MINUTE = 200
SECONDS_A_CELL = 30  # to read its code, and what it printed
SECONDS_A_PREDICTION = 60  # to write one down, and compare
PROMPT = "**Predict first.**"
EXPLORER = re.compile(r"<rnn-explorer[^>]*\bsettings=(?:'([^']*)'|\"([^\"]*)\")")


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What a reader of a notebook has before him."""

    words: int
    cells: int
    predictions: int
    exercises: int
    explorer: str | None  # the settings of its explorer, as the fragment of the explorer page; None: it has none

    @property
    def minutes(self) -> int:
        """To the next five."""
        seconds = (
            self.words / WORDS_A_MINUTE * 60 + self.cells * SECONDS_A_CELL + self.predictions * SECONDS_A_PREDICTION
        )
        return max(5, round(seconds / 300) * 5)


def read_chapter(path: Path) -> Chapter:
    """The chapter in this notebook; its exercises are counted in their master.

    What is in a fold behind “Your turn” is not counted: it is for whoever has worked on the question.
    """
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = re.sub(r"<details>\n<summary>Answer</summary>.*?</details>|<[^>]*>|\]\([^)]*\)", " ", text, flags=re.DOTALL)
    code = [cell for cell in cells if cell.cell_type == "code"]
    master = path.parent / "solutions" / path.name
    tasks = nbformat.read(master, as_version=4).cells if master.is_file() else []
    return Chapter(
        words=len(re.findall(r"\b[^\W\d_]\w*", prose)),
        cells=len(code),
        predictions=text.count(PROMPT),
        exercises=sum(bool(re.fullmatch(r"answer-\d+", cell.id)) for cell in tasks),
        explorer=next((found for found in map(explorer_fragment, code) if found is not None), None),
    )


def explorer_fragment(cell: nbformat.NotebookNode) -> str | None:
    """The settings of the explorer that the cell shows, as a URL's fragment; None where it shows none."""
    for output in cell.outputs:
        if found := EXPLORER.search(output.get("data", {}).get("text/html", "")):
            settings: dict[str, Any] = json.loads(unescape(found[1] or found[2]))
            return urlencode(
                {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}
            )
    return None


def chapters(folder: Path) -> dict[str, Chapter]:
    return {path.stem: read_chapter(path) for path in sorted(folder.glob("*.ipynb"))}


def count_minutes(app: Sphinx, config: Config) -> None:
    minutes = {name: chapter.minutes for name, chapter in chapters(Path(app.srcdir)).items()}
    config.myst_substitutions = {**config.myst_substitutions, "minutes": minutes}


def takes(chapter: Chapter) -> str:
    asked = f", {counted(chapter.predictions, 'question')} to answer before you look" if chapter.predictions else ""
    return f'<p class="takes">About {chapter.minutes} minutes: {counted(chapter.cells, "cell")}{asked}.</p>'


def say_what_it_takes(app: Sphinx, doctree: nodes.document) -> None:
    path = Path(app.srcdir) / f"{app.env.docname}.ipynb"
    title = next(doctree.findall(nodes.title), None)
    if "/" not in app.env.docname and path.is_file() and title is not None:
        app.env.note_dependency(str(path.parent / "solutions" / path.name))  # its exercises are counted
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", takes(read_chapter(path)), format="html"))


def next_page(relations: dict[str, list[str | None]], name: str) -> str | None:
    """The page after a chapter and its exercises."""
    following = relations[name][2]
    return relations[following][2] if following == f"exercises/{name}" else following


def say_what_can_be_done(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    path, builder = Path(app.srcdir) / f"{docname}.ipynb", app.builder
    if "/" in docname or not path.is_file() or not isinstance(builder, StandaloneHTMLBuilder):
        return
    chapter = read_chapter(path)
    if not chapter.exercises:
        return
    links = [
        f'<a href="exercises/{docname}.html">{counted(chapter.exercises, "exercise").capitalize()}</a>: you write the '
        "code, and they say what is right and what was misunderstood.",
        '<a href="drill.html">The drill</a>: shapes and slices, one after the other.',
    ]
    if chapter.explorer is not None:
        address = "explorer.html" + (f"#{escape(chapter.explorer)}" if chapter.explorer else "")
        links.insert(1, f'<a href="{address}">The explorer</a>, set as in this chapter.')
    if following := next_page(builder.relations, docname):
        title = escape(app.env.titles[following].astext())
        links.append(f'Next: <a href="{builder.get_relative_uri(docname, following)}">{title}</a>.')
    html = f"<h2>What you can do now</h2><ul>{''.join(f'<li>{link}</li>' for link in links)}</ul>"
    next(doctree.findall(nodes.section)).append(nodes.raw("", f'<section id="go-on">{html}</section>', format="html"))


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("config-inited", count_minutes, priority=900)  # after `repository`, which sets the substitutions
    app.connect("doctree-read", say_what_it_takes)
    app.connect("doctree-resolved", say_what_can_be_done)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
