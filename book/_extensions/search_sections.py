"""What the site's search reads: each page's sections with their headings, words and code, as one JSON file.

A hit is a place to read, so the unit is the section: a question, an error, a term of the glossary, an exercise, a
part of a chapter. `search-aliases.yml` adds what people call a thing to the sections about it; the build fails where
it names a section that is not there. `web/search` reads the file in the browser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.util.logging import getLogger
from sphinx.util.typing import ExtensionMetadata

ALIASES = "search-aliases.yml"
FILE = "search.json"
# What is on the page of this name. A page below `exercises` is of exercises, every other notebook is a chapter.
KINDS = {
    "index": "Start",
    "errors": "Error",
    "questions": "Question",
    "cheat-sheet": "Cheat sheet",
    "glossary": "Glossary",
    "explorer": "Explorer",
    "drill": "Drill",
    "teaching": "Teaching",
    "references": "References",
}
WORDS = re.compile(r"[A-Za-z_]{2}")  # a line of a printed tensor has none, and nobody looks for its numbers
logger = getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One place that search can find. `text` is its prose, `code` its code and what that printed."""

    anchor: str
    heading: str
    text: str
    code: str


def sections_of(doctree: nodes.document) -> Iterator[Section]:
    """The sections of a page, outermost first, each without those inside it; and each term of a glossary."""
    for section in doctree.findall(nodes.section):
        title = section.next_node(nodes.title)
        heading = title.astext() if title else ""
        anchor = "" if section.parent is doctree else section["ids"][0]
        yield _section(anchor, heading, [node for node in _explained_in(section) if not isinstance(node, nodes.title)])
    for entry in doctree.findall(nodes.definition_list_item):
        terms = [term for term in entry.findall(nodes.term) if term["ids"]]
        if terms:
            rest = [node for node in entry if node not in terms]
            yield _section(terms[0]["ids"][0], terms[0].astext(), rest)


def _explained_in(section: nodes.section) -> nodes.section:
    """Where headings follow each other, what comes under the last is about all of them."""
    following = section.next_node(nodes.section, descend=False, siblings=True)
    return _explained_in(following) if len(section) == 1 and following is not None else section


def _section(anchor: str, heading: str, parts: list[nodes.Node]) -> Section:
    text: list[str] = []
    code: list[str] = []
    for part in parts:
        _collect(part, text, code)
    return Section(anchor=anchor, heading=heading, text="\n".join(text), code="\n".join(code))


def _collect(node: nodes.Node, text: list[str], code: list[str]) -> None:
    """Sort a node's words into prose and code; what has an entry of its own, and what no reader sees, is left out."""
    if isinstance(node, nodes.section | nodes.raw | nodes.comment | nodes.definition_list_item | nodes.image):
        return
    if isinstance(node, nodes.literal_block):
        code.append("\n".join(filter(WORDS.search, node.astext().splitlines())))
    elif isinstance(node, nodes.TextElement):
        text.append(" ".join(node.astext().split()))
    else:
        for child in node.children:
            _collect(child, text, code)


def kind_of(docname: str) -> str:
    """What a reader calls a page of this name: `"Chapter"`, `"Exercise"`, `"Question"`, …."""
    return "Exercise" if docname.startswith("exercises/") else KINDS.get(docname, "Chapter")


def read_page(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the page's sections with Sphinx's other knowledge of it: a page that has not changed is not read again."""
    app.env.metadata[app.env.docname]["search_sections"] = [asdict(section) for section in sections_of(doctree)]


def aliases_of(env: BuildEnvironment, path: Path) -> dict[str, list[str]]:
    """The words that people use for a place, by its address; a warning for an address that no section has."""
    written: dict[str, list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = {
        f"{docname}#{section['anchor']}".rstrip("#")
        for docname in env.found_docs
        for section in env.metadata[docname].get("search_sections", [])
    }
    for address in written.keys() - known:
        logger.warning("%s names %s, and there is no such section", ALIASES, address, location=str(path))
    return written


def write_file(app: Sphinx, exception: Exception | None) -> None:
    """Write all sections beside the pages."""
    if exception or app.builder.format != "html":
        return
    env, builder = app.env, app.builder
    aliases = aliases_of(env, Path(app.srcdir) / ALIASES)
    pages: list[dict[str, Any]] = []
    for docname in sorted(env.found_docs):
        sections = env.metadata[docname].get("search_sections", [])
        places = [{**one, "aliases": aliases.get(f"{docname}#{one['anchor']}".rstrip("#"), [])} for one in sections]
        title = env.titles[docname].astext()
        pages.append(
            {"url": builder.get_target_uri(docname), "title": title, "kind": kind_of(docname), "sections": places}
        )
    out = Path(app.outdir)
    (out / FILE).write_text(json.dumps(pages, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def leave_out_sphinx_search(app: Sphinx) -> None:
    """Without the index of whole pages that Sphinx writes, and the scripts that read it."""
    if isinstance(app.builder, StandaloneHTMLBuilder):
        app.builder.search = False


def page_of_results(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    yield "search", {}, "search.html"


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("builder-inited", leave_out_sphinx_search)
    app.connect("html-collect-pages", page_of_results)
    app.connect("doctree-read", read_page, priority=900)
    app.connect("build-finished", write_file)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
