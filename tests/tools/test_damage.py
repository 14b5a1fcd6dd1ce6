"""The checks can fail: each is given something that is wrong, and has to say so."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from notebooks import BOOK, ROOT, code_cells, complaints, folded_code, prompt_complaints, read
from pages import image_complaints, link_complaints, visit
from seed_outputs import seed_complaints

CHAPTER = BOOK / "three-tensors.ipynb"


@pytest.fixture
def notebook():
    return read(CHAPTER)


@pytest.fixture
def damaged_site(site, tmp_path):
    return shutil.copytree(site, tmp_path / "site")


def edit(site, name, old, new):
    page = site / name
    text = page.read_text(encoding="utf-8")
    assert old in text
    page.write_text(text.replace(old, new, 1), encoding="utf-8")


def other_digit(match: re.Match) -> str:
    return str((int(match.group()) + 1) % 10)


def stored_texts(cell):
    """Each piece of text that the cell's outputs store: (its holder, its key)."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output, "text"
        else:
            yield from ((output.data, kind) for kind in output.data)


def compared(folder) -> str:
    """What `make test` says of the notebooks in `folder`."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-sanitize-with",
        ROOT / "tests/nbval.cfg",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        [*command, "--rootdir", folder, folder], capture_output=True, encoding="utf-8", check=False
    ).stdout


def test_nbval_passes_the_chapter_as_it_is(tmp_path, kernel):
    shutil.copy(CHAPTER, tmp_path)
    said = compared(tmp_path)
    assert re.search(r"\d+ passed", said)
    assert "failed" not in said


@pytest.mark.parametrize("which", ["first", "last"])
def test_one_digit_changed_in_any_stored_output_fails(tmp_path, notebook, which, kernel):
    """In every output of the chapter at once, one digit differs: exactly those cells fail."""
    damaged = []
    for position, cell in enumerate(code_cells(notebook)):
        for holder, kind in stored_texts(cell):
            without_addresses = re.sub(r"0x[0-9a-f]+", lambda m: "x" * len(m.group()), holder[kind])
            digits = list(re.finditer(r"\d", without_addresses))
            if digits:
                at = digits[0 if which == "first" else -1].start()
                text = holder[kind]
                holder[kind] = text[:at] + re.sub(r"\d", other_digit, text[at]) + text[at + 1 :]
                damaged.append(position)
    assert len(set(damaged)) > 15
    nbformat.write(notebook, tmp_path / CHAPTER.name)
    failed = re.findall(r"^FAILED .*::Cell (\d+)", compared(tmp_path), re.MULTILINE)
    assert sorted(map(int, failed)) == sorted(set(damaged))


def test_a_digit_of_an_address_fails_too(notebook):
    generator = next(cell for cell in code_cells(notebook) if cell.source.startswith("torch.manual_seed"))
    text = generator.outputs[0].data["text/plain"]
    generator.outputs[0].data["text/plain"] = text.replace("0x7", "0x8")
    assert any("address" in complaint for complaint in complaints(notebook))


def test_an_output_that_is_gone_fails(tmp_path, notebook, kernel):
    cell = code_cells(notebook)[-1]
    cell.outputs = []
    assert any("no output is stored" in complaint for complaint in complaints(notebook))
    nbformat.write(notebook, tmp_path / CHAPTER.name)
    assert "1 failed" in compared(tmp_path)


def test_a_cell_that_never_ran_fails(notebook):
    code_cells(notebook)[3].execution_count = None
    assert any("execution count None" in complaint for complaint in complaints(notebook))


def test_counts_out_of_order_fail(notebook):
    cells = code_cells(notebook)
    cells[3].execution_count, cells[4].execution_count = cells[4].execution_count, cells[3].execution_count
    assert len(complaints(notebook)) >= 2


@pytest.mark.parametrize("marker", ["# NBVAL_IGNORE_OUTPUT", "# NBVAL_SKIP"])
def test_looking_away_fails(notebook, marker):
    code_cells(notebook)[3].source += f"\n{marker}"
    assert any("look away" in complaint for complaint in complaints(notebook))


def test_a_tag_that_looks_away_fails(notebook):
    code_cells(notebook)[3].metadata.tags = ["nbval-skip"]
    assert any("look away" in complaint for complaint in complaints(notebook))


def test_an_answer_in_the_open_fails(notebook):
    folded = [cell for cell in code_cells(notebook) if cell.metadata.get("tags") == ["hide-output"]]
    assert len(folded) > 3
    folded[0].metadata.tags = []
    assert any("in the open" in complaint for complaint in prompt_complaints(notebook))


def test_an_output_folded_without_a_prompt_fails(notebook):
    code_cells(notebook)[0].metadata.tags = ["hide-output"]
    assert any("is folded" in complaint for complaint in prompt_complaints(notebook))


def test_another_seed_fails_even_when_run_anew(tmp_path, notebook, kernel):
    """Code and outputs agree, and still it is not the seed's document."""
    for cell in notebook.cells:
        if cell.source == "torch.manual_seed(0)":
            cell.source = "torch.manual_seed(1)"
    path = tmp_path / CHAPTER.name
    nbformat.write(notebook, path)
    subprocess.run([sys.executable, ROOT / "tools/run_notebooks.py", path], check=True, capture_output=True)
    assert "failed" not in compared(tmp_path)
    found = "\n".join(seed_complaints(read(path)))
    assert "manual_seed(0)" in found
    assert "-0.8913" in found


def test_a_wrong_folded_answer_fails(notebook):
    assert folded_code(notebook.cells)
    for cell in notebook.cells:
        cell.source = cell.source.replace("== 0.2649", "== 0.2650")
    assert "0.2650" in "".join(folded_code(notebook.cells))
    namespace: dict = {}
    for cell in code_cells(notebook):
        exec(cell.source, namespace)
    with pytest.raises(AssertionError):
        exec(folded_code(notebook.cells)[0], namespace)


@pytest.mark.parametrize(
    "link",
    ["nowhere.html", "three-tensors.html#nowhere", "#nowhere", "_static/nowhere.svg"],
    ids=["page", "anchor", "own-anchor", "file"],
)
def test_a_dead_link_fails(damaged_site, link):
    edit(damaged_site, "index.html", "</article>", f'<a href="{link}">here</a></article>')
    assert [complaint for complaint in link_complaints(damaged_site) if link in complaint]


@pytest.mark.parametrize("alt", ["", ' alt=""', ' alt="logo.svg"'], ids=["missing", "empty", "file-name"])
def test_an_image_without_a_text_fails(damaged_site, alt):
    edit(damaged_site, "index.html", "</article>", f'<img src="_static/logo.svg"{alt}></article>')
    assert len(image_complaints(damaged_site)) == 1


def test_a_drawing_without_a_text_fails(damaged_site):
    edit(damaged_site, "index.html", 'role="img"', "")
    assert len(image_complaints(damaged_site)) == 1


@pytest.mark.parametrize(
    ("markup", "complaint"),
    [
        ('<script src="https://example.com/remote.js"></script>', "another host: https://example.com/remote.js"),
        ('<img src="https://example.com/pixel.png" alt="A pixel">', "another host"),
        ('<script src="_static/gone.js"></script>', "404"),
        ('<script src="_static/complains.js"></script>', "console: broken"),
        ('<script src="_static/fails.js"></script>', "uncaught"),
        ("<script>document.title = 'run'</script>", "Content Security Policy"),
    ],
    ids=["remote-script", "remote-image", "missing-script", "console-error", "exception", "script-of-nobody"],
)
def test_a_page_that_misbehaves_fails(damaged_site, serve_folder, browser, markup, complaint):
    edit(damaged_site, "index.html", "</article>", f"{markup}</article>")
    (damaged_site / "_static" / "complains.js").write_text("console.error('broken')", encoding="utf-8")
    (damaged_site / "_static" / "fails.js").write_text("nothing.here()", encoding="utf-8")
    seen = visit(browser, f"{serve_folder(damaged_site)}/index.html")
    assert any(complaint in line for line in seen.complaints)
    seen.page.close()


def test_a_heavy_page_weighs_more(damaged_site, serve_folder, browser):
    """The weight on which the budget is asserted counts scripts and images, not the page alone."""
    before = visit(browser, f"{serve_folder(damaged_site)}/index.html").bytes_gzipped
    noise = "".join(chr(33 + (i * i * 7919) % 89) for i in range(200_000))
    (damaged_site / "_static" / "heavy.js").write_text(f"/*{noise}*/", encoding="utf-8")
    edit(damaged_site, "index.html", "</article>", '<script src="_static/heavy.js"></script></article>')
    assert visit(browser, f"{serve_folder(damaged_site)}/index.html").bytes_gzipped > before
