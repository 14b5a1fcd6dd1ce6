"""HTML pages from templates. A page is whole in itself: it can be mailed, and loads nothing."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from unrolled.text import code_html, counted

HERE = Path(__file__).parent
MAX_NAME_BYTES = 240  # a file system takes 255, ending included


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"with_code": with_code, "page_address": page_address, "counted": counted}
    environment.globals["css"] = Markup((HERE / "static" / "pages.css").read_text(encoding="utf-8"))
    return environment


def write_page(path: Path, template: str, **values: object) -> None:
    """Fill in a template and write the page.

    What UTF-8 does not have, such as half a character, is written as its number.
    """
    text = _environment().get_template(template).render(values)
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def with_code(text: str) -> Markup:
    """The text as HTML, with what is between backticks as code and *stars* as emphasis."""
    return Markup(re.sub(r"(?<![\w*])\*([^*<>]+)\*(?![\w*])", r"<em>\1</em>", code_html(text)))


def file_stem(student: str) -> str:
    """The student's name as a file's. The class report keeps `report` for itself."""
    if student.rstrip("-") == "report":
        return f"{student}-"
    name = student.encode(errors="surrogateescape")
    return student if len(name) < MAX_NAME_BYTES else f"{student[:40]} {sha256(name).hexdigest()[:12]}"


def page_address(student: str) -> str:
    """The address of the student's page, from the class report."""
    return quote(file_stem(student), errors="surrogateescape") + ".html"
