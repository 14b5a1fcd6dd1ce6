"""Write every page anew when what other pages show of one has changed: its title, its headings, the targets of links.

Sphinx reads and writes only the pages that have changed themselves. The navigation of all others names them, though,
and a link into one of them may have lost its target, which only shows when the page with the link is written.
"""

import hashlib
from collections.abc import Iterable

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

ATTRIBUTE = "unrolled_outline"  # on the environment, which Sphinx stores from build to build


def outline_of(env: BuildEnvironment) -> str:
    """A digest of all that a page shows of another or links to."""
    parts = [
        (name, env.titles[name].pformat(), env.tocs[name].pformat(), sorted(env.metadata[name].get("myst_slugs", {})))
        for name in sorted(env.found_docs)
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    before, now = getattr(env, ATTRIBUTE, None), outline_of(env)
    setattr(env, ATTRIBUTE, now)
    return [] if before == now else env.found_docs


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("env-updated", pages_to_write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
