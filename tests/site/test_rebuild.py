"""A second build makes the pages that have changed, and what it leaves is what a build from nothing makes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import build_site
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebooks import ROOT
from run_notebooks import METADATA


def write_notebook(path: Path, *cells: nbformat.NotebookNode) -> None:
    path.parent.mkdir(exist_ok=True)
    for number, cell in enumerate(cells):
        cell.id = f"cell{number}"
    nbformat.write(new_notebook(cells=list(cells), metadata=METADATA), path)


def write_master(book: Path, answer: str) -> None:
    cells = [
        new_markdown_cell("# Exercises"),
        new_code_cell(f"def f():\n    # solution\n    return {answer}\n    # end"),
    ]
    write_notebook(book / "solutions" / "chapter.ipynb", *cells)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A book of three pages with this book's extensions, templates and styles, built once."""
    root = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "requirements.lock"):
        shutil.copy(ROOT / name, root)
    for name in ("unrolled", "tools", "book/_extensions", "book/_static", "book/_templates"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    book = root / "book"
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nchapters:\n  - file: chapter\n    sections:\n      - file: exercises/chapter\n",
        encoding="utf-8",
    )
    (book / "index.md").write_text("# Start\n\nA word. [A cell](chapter.ipynb#cell-cell1)\n", encoding="utf-8")
    write_notebook(
        book / "chapter.ipynb", new_markdown_cell("# A chapter\n\n[Start](index.md)"), new_code_cell("1 + 1")
    )
    (book / "search-aliases.yml").write_text("{}\n", encoding="utf-8")
    write_master(book, "'first'")
    build_site.build(root)
    return root


def page(root: Path, name: str) -> Path:
    return root / "_build" / "html" / f"{name}.html"


def pages(root: Path) -> dict[str, str]:
    """The text of each page. A stylesheet of MyST's gets a checksum in its address when it is there already."""
    site = root / "_build" / "html"
    return {
        str(path.relative_to(site)): re.sub(r"\.css\?v=\w+", ".css", path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
    }


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_changed_word_is_on_its_page_and_no_other_page_is_made_anew(root):
    before = page(root, "chapter").stat().st_mtime_ns
    replace(root / "book" / "index.md", "A word", "Another word")
    build_site.build(root)
    assert "Another word" in page(root, "index").read_text(encoding="utf-8")
    assert page(root, "chapter").stat().st_mtime_ns == before


def test_an_exercise_page_follows_its_master(root):
    write_master(root / "book", "'second'")
    build_site.build(root)
    text = page(root, "exercises/chapter").read_text(encoding="utf-8")
    assert "second" in text
    assert "first" not in text


def test_a_changed_title_is_in_the_navigation_of_every_page(root):
    replace(root / "book" / "chapter.ipynb", "A chapter", "A new title")
    build_site.build(root)
    assert "A new title" in page(root, "exercises/chapter").read_text(encoding="utf-8")


def test_a_link_that_has_lost_its_target_is_found_each_time_until_it_is_mended(root):
    replace(root / "book" / "chapter.ipynb", '"id": "cell1"', '"id": "cell2"')
    for _ in range(2):
        with pytest.raises(SystemExit, match="cell-cell1"):
            build_site.build(root)
    replace(root / "book" / "chapter.ipynb", '"id": "cell2"', '"id": "cell1"')
    build_site.build(root)


def test_an_alias_of_a_section_that_is_gone_stops_the_build(root):
    aliases = root / "book" / "search-aliases.yml"
    aliases.write_text("chapter#no-such-section: [nothing]\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="chapter#no-such-section"):
        build_site.build(root)
    aliases.write_text("{}\n", encoding="utf-8")


def test_a_changed_style_comes_with_a_build_from_nothing_that_makes_the_same_pages(root):
    replace(root / "book" / "index.md", "Another word", "A third word")
    build_site.build(root)
    before = pages(root)
    style = root / "book" / "_static" / "site.css"
    more = "\nbody{outline:7px dotted}\n.nowhere{outline:8px dotted}\n"
    style.write_text(style.read_text(encoding="utf-8") + more, encoding="utf-8")
    build_site.build(root)
    assert pages(root) == before
    built = (root / "_build" / "html" / "_static" / "site.css").read_text(encoding="utf-8")
    assert "7px dotted" in built
    assert "8px dotted" not in built


def test_a_page_that_sphinx_warns_of_is_not_built(root):
    with (root / "book" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[nowhere](no-such-chapter.ipynb)\n")
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import build_site, pathlib; "
        f"build_site.build(pathlib.Path({str(root)!r}))",
    ]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 1
    assert "no-such-chapter" in result.stderr
