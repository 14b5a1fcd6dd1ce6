"""Keep a page small: load what it uses, and ship only the style rules that can apply.

The theme and Jupyter Book's extensions load 1.9 MB for features this book does not have. `UNUSED` names what is left
out; then every style rule is dropped whose selector asks for a class, id or element that occurs nowhere in the built
pages or scripts. That is the method of PurgeCSS, which runs in Node, and the site is built without Node; no package
for Python does it. tinycss2 does what is hard about it, the parsing.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tinycss2
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from tinycss2.ast import AtRule, HashToken, IdentToken, LiteralToken, Node, QualifiedRule

UNUSED = re.compile(r"(?i)thebe|design-tabs|togglebutton|toggle(Hint|Open)|sphinx-design")
NAME = re.compile(r"[\w-]+")
# State that scripts set from outside the site's own files, or that the browser sets: never a reason to drop a rule.
ALWAYS = {"html", "body", "dialog", "open", "math"}


def leave_out_unused(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    for kind in ("css_files", "script_files"):
        context[kind] = [
            file for file in context.get(kind, []) if not UNUSED.search(f"{file.filename} {file.attributes}")
        ]
    for script in context.get("script_files", []):
        # A script without a file runs after the ones before it only as a module.
        if "type" not in script.attributes:
            script.attributes.update({"defer": "defer"} if script.filename else {"type": "module"})


def leave_out_thebe(app: Sphinx, doctree: nodes.document, pagename: str) -> None:
    for node in list(doctree.findall(nodes.raw)):
        if "thebe-config" in node.astext() or "kernelName" in node.astext():
            node.parent.remove(node)


def selector_names(selector: Sequence[Node]) -> set[str]:
    """The classes, ids and elements without which a selector cannot match. Pseudo-classes and :not() ask for none."""
    names: set[str] = set()
    previous = ""
    for token in selector:
        if isinstance(token, HashToken) or (isinstance(token, IdentToken) and previous != ":"):
            names.add(token.value)
        previous = token.value if isinstance(token, LiteralToken) else ""
    return names


def split_on_commas(tokens: Sequence[Node]) -> list[list[Node]]:
    parts: list[list[Node]] = [[]]
    for token in tokens:
        if isinstance(token, LiteralToken) and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def purge(rules: Sequence[Node], names: set[str]) -> str:
    """The stylesheet's rules as text, without those that no page can use."""
    kept = []
    for rule in rules:
        if isinstance(rule, QualifiedRule):
            selectors = [s for s in split_on_commas(rule.prelude) if selector_names(s) <= names]
            if selectors:
                prelude = ",".join(tinycss2.serialize(s).strip() for s in selectors)
                kept.append(f"{prelude}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif not isinstance(rule, AtRule):
            continue
        elif rule.lower_at_keyword in ("media", "supports", "layer") and rule.content:
            inner = purge(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True), names)
            if inner:
                kept.append(f"@{rule.at_keyword} {tinycss2.serialize(rule.prelude).strip()}{{{inner}}}")
        elif rule.lower_at_keyword != "font-face":
            kept.append(tinycss2.serialize([rule]))
    return "".join(kept)


def purged(stylesheet: str, names: set[str], cache: Path) -> str:
    """The stylesheet without the rules that no page can use; from `cache` where an earlier build had the same names.

    Sphinx brings the whole stylesheet back at each build, and parsing takes as long as writing ten pages.
    """
    used = names & set(NAME.findall(stylesheet))
    entry = cache / hashlib.sha256("\0".join([stylesheet, *sorted(used)]).encode()).hexdigest()
    if not entry.is_file():
        cache.mkdir(exist_ok=True)
        rules = tinycss2.parse_stylesheet(stylesheet, skip_comments=True, skip_whitespace=True)
        entry.write_text(purge(rules, used), encoding="utf-8")
    return entry.read_text(encoding="utf-8")


def purge_stylesheets(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir).resolve()
    pages = {path: path.read_text(encoding="utf-8") for path in out.rglob("*.html") if "_static" not in path.parts}
    linked = {
        (path.parent / match).resolve()
        for path, text in pages.items()
        for match in re.findall(r'href="([^"?]+\.css)', text)
    }
    scripts = {
        (path.parent / match).resolve()
        for path, text in pages.items()
        for match in re.findall(r'src="([^"?]+\.js)', text)
    }
    texts = [*pages.values(), *(path.read_text(encoding="utf-8") for path in scripts)]
    names = ALWAYS.union(*map(NAME.findall, texts))
    for path in sorted(linked):
        path.write_text(
            purged(path.read_text(encoding="utf-8"), names, Path(app.doctreedir) / "lean"), encoding="utf-8"
        )
    for path in (out / "_static").rglob("*"):
        unlinked = path.suffix in (".css", ".js", ".map") and path not in linked | scripts
        if unlinked or (path.is_file() and path.suffix in (".woff2", ".ttf", ".eot")):
            path.unlink()


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("doctree-resolved", leave_out_thebe, priority=900)
    app.connect("html-page-context", leave_out_unused, priority=900)
    app.connect("build-finished", purge_stylesheets, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
