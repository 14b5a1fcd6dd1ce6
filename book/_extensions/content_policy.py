"""A content security policy on every page: what runs is the site's own scripts, and nothing is asked of another server.

The few lines of script in a page's text are allowed by their digests. Python runs in a worker out of the browser's
memory (`blob:`), which inherits the page's policy: a worker with an address of its own would have none. So code in a
cell reaches the site's own files at most, and text cannot become script: there is no `unsafe-eval`.
"""

import base64
import hashlib
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
META = '<meta http-equiv="Content-Security-Policy" content="{}" />'
POLICY = {
    "default-src": "'none'",
    "script-src": "'self' blob: 'wasm-unsafe-eval'",
    "worker-src": "blob:",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "style-src": "'self' 'unsafe-inline'",  # elements have styles of their own, the drawings of the course among them
    "font-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'self'",  # of `404.html`, which is shown at any address
}
WRITTEN = re.compile(re.escape(META).replace(re.escape("{}"), '[^"]*') + "\n?")


def policy(page: str) -> str:
    """The policy for this page's text."""
    digests = sorted({f"'sha256-{digest(script)}'" for script in INLINE_SCRIPT.findall(page)})
    parts = {**POLICY, "script-src": " ".join([POLICY["script-src"], *digests])}
    return "; ".join(f"{name} {sources}" for name, sources in parts.items())


def digest(script: str) -> str:
    """The digest by which a browser knows a script in a page's text."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def with_policy(page: str) -> str:
    """The page's text with its policy, before anything that it is for."""
    bare = WRITTEN.sub("", page)  # a page that has not changed has one from an earlier build
    return bare.replace("<head>", f"<head>\n{META.format(policy(bare))}", 1)


def write_policies(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        if "_static" not in path.parts and (changed := with_policy(page)) != page:
            path.write_text(changed, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("build-finished", write_policies, priority=960)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
