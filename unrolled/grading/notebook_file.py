"""The code cells of a notebook's file, whatever else is in it or missing from it, and in a teacher's words why there
are none.

Run as a program, it reads the file of a name, with memory for no more than a notebook takes, and prints the cells or
the reason as JSON. It needs nothing but Python's own library, so that it starts at once.
"""

from __future__ import annotations

import json
import sys

MAX_CODE_CHARACTERS = 1_000_000
MAX_MEMORY = 1_500_000_000  # bytes, for reading one file
DAMAGED = "# This cell is damaged in the file: it has no code that can be read."
NO_NOTEBOOK = "the file is not a notebook"


class Unreadable(Exception):
    """A file that is no notebook; the message says in what way."""


def read_cells(content: bytes) -> list[str]:
    """The sources of the code cells. A cell that is damaged is `DAMAGED`.

    Raises:
        Unreadable: this is not a notebook.
    """
    text = _decoded(content)
    if not text.strip():
        raise Unreadable("the file is empty")
    if other := _what_else(text):
        raise Unreadable(other)
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        how = "it ends in the middle, as after a download that broke off" if cut_off else _where(error)
        raise Unreadable(f"{NO_NOTEBOOK}: {how}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{NO_NOTEBOOK} ({type(error).__name__})") from None
    code = [_source(cell) for cell in _cells(notebook) if not isinstance(cell, dict) or _is_code(cell)]
    if code and all(source == DAMAGED for source in code):
        raise Unreadable(f"{NO_NOTEBOOK}: none of its cells can be read")
    if sum(map(len, code)) > MAX_CODE_CHARACTERS:
        characters = sum(map(len, code))
        raise Unreadable(f"its code has {characters} characters; the most that is read is {MAX_CODE_CHARACTERS}")
    return code


def _decoded(content: bytes) -> str:
    """The text, in whichever encoding an editor has saved it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if content[:200].count(b"\0") > len(content[:200]) // 4:
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _what_else(text: str) -> str | None:
    """What the file is, where its beginning tells that it is something else."""
    beginning = text[:1000].lstrip()
    if beginning.startswith("<") and not beginning.startswith("<<<<<<<"):
        return f"{NO_NOTEBOOK} but a web page, perhaps one that asks to log in: ask for the notebook itself"
    if "\n<<<<<<< " in f"\n{text}" and "\n>>>>>>> " in text:
        marks = "it has the marks of a merge conflict (<<<<<<<). Ask for it with the conflict resolved"
        return f"{NO_NOTEBOOK} as it is: {marks}"
    others = {
        "PK\x03\x04": "a zip file. Unpack it",
        "%PDF": "a PDF. Ask for the notebook itself",
        "version https://git-lfs": "a pointer of Git LFS. Fetch the file itself",
    }
    return next((f"{NO_NOTEBOOK} but {what}" for start, what in others.items() if beginning.startswith(start)), None)


def _where(error: json.JSONDecodeError) -> str:
    return f"from line {error.lineno} on it is not what Jupyter writes (JSONDecodeError)"


def _cells(notebook: object) -> list[object]:
    """The cells of a notebook; format 3 has worksheets of them."""
    sheets = notebook.get("worksheets", [notebook]) if isinstance(notebook, dict) else None
    if not isinstance(sheets, list) or not all(isinstance(sheet, dict) for sheet in sheets):
        raise Unreadable(f"{NO_NOTEBOOK}: it has no cells")
    cells = [sheet.get("cells") for sheet in sheets]
    if not all(isinstance(own, list) for own in cells):
        raise Unreadable(f"{NO_NOTEBOOK}: it has no cells")
    return [cell for own in cells if isinstance(own, list) for cell in own]


def _is_code(cell: dict[str, object]) -> bool:
    """Whether it is a code cell, or so damaged that it may have been one."""
    return cell.get("cell_type") not in ("markdown", "raw", "heading", "html")


def _source(cell: object) -> str:
    source = (
        cell.get("source", cell.get("input")) if isinstance(cell, dict) and cell.get("cell_type") == "code" else None
    )
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return DAMAGED


def main(path: str) -> None:
    """Read a file with limits, and print what is in it."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    except (ImportError, ValueError):
        pass  # elsewhere than on Linux there is no such limit
    try:
        with open(path, "rb") as file:
            answer: dict[str, object] = {"cells": read_cells(file.read())}
    except Unreadable as reason:
        answer = {"reason": str(reason)}
    except MemoryError:
        answer = {
            "reason": f"{NO_NOTEBOOK} that can be read: it would take more than {MAX_MEMORY / 1e6:.0f} MB of memory"
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
