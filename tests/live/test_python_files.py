"""Python's files on the site: what a page loads on demand, from one plain server; and a site without them."""

import gzip
import json
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import browser_python
import pytest
from engine_bridge import WEB, node
from live_pages import IS_MISSING, context, with_python
from notebooks import ROOT

MOST = 8_000_000
"""Bytes on demand. It is real CPython with its standard library, so that the package runs there as it is."""
READERS = 30


@pytest.fixture(scope="module")
def built(site) -> Path:
    return with_python(site)


def manifest(site: Path) -> dict[str, int]:
    return json.loads((site / "_static/python/manifest.json").read_text(encoding="utf-8"))["files"]


def test_they_are_at_most_8_mb(built, record_property):
    sizes = manifest(built)
    record_property("figure", f"Python in the page: {sum(sizes.values()) / 1e6:.2f} MB on demand: {sizes}")
    assert sum(sizes.values()) <= MOST
    assert {name: (built / "_static/python" / name).stat().st_size for name in sizes} == sizes


@pytest.mark.parametrize(("entry", "bundle"), [("index", "live"), ("worker", "live-worker")])
def test_the_bundles_are_what_their_sources_make(entry, bundle, tmp_path):
    made = tmp_path / "bundle.js"
    subprocess.run([node(), "build.mjs", f"live/{entry}.ts", str(made)], cwd=WEB, check=True)
    assert made.read_bytes() == (ROOT / "book/_static" / f"{bundle}.js").read_bytes(), "run `make bundle`"


def test_the_script_of_an_exercise_page_is_small():
    assert len(gzip.compress((ROOT / "book/_static/live.js").read_bytes(), 9)) <= 8_000


def test_the_archive_of_the_courses_python_is_the_same_each_time():
    assert browser_python.course_zip() == browser_python.course_zip()


def test_answers_of_the_grader_are_not_in_it():
    names = dict(browser_python.course_files())
    assert "unrolled/exercises/check_answer.py" in names
    assert not [name for name in names if "grading" in name or name.endswith(".js")]
    assert b"in the page" in names["unrolled/drawing/figures.py"]


def test_thirty_readers_at_once_are_served_by_pythons_own_server(built):
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", built]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8") as server:
        address = server.stdout.readline().split("(")[1].split("/)")[0]

        def load(_: int) -> int:
            return sum(
                len(urllib.request.urlopen(f"{address}/_static/python/{name}").read()) for name in manifest(built)
            )

        with ThreadPoolExecutor(READERS) as readers:
            loaded = list(readers.map(load, range(READERS)))
        server.terminate()
    assert loaded == [sum(manifest(built).values())] * READERS


def test_a_package_with_another_digest_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="has another digest"):
        browser_python.unpack(b"something else", tmp_path / "pyodide")
    assert not (tmp_path / "pyodide").exists()


def test_a_site_without_them_says_what_is_missing(built, tmp_path, serve_folder, browser):
    """The page is all there; pressed, its button says in one sentence why nothing runs."""
    for name in ("three-tensors.html", "_static", "_sources"):
        (tmp_path / name).symlink_to(built / name) if name != "_static" else (tmp_path / name).mkdir()
    for path in (built / "_static").iterdir():
        if path.name != "python":
            (tmp_path / "_static" / path.name).symlink_to(path)
    browser_python.write_into(tmp_path, tmp_path)
    assert manifest(tmp_path) == {}
    made = context(browser)
    page = made.new_page()
    page.goto(f"{serve_folder(tmp_path)}/three-tensors.html")
    page.locator(".run-here").click()
    page.locator(".live-bar__text", has_text=IS_MISSING).wait_for()
    made.close()
