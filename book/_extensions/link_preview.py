"""What a link to a page shows where it is shared, and where a crawler or a lost reader finds the rest.

sphinxext-opengraph writes the description and OpenGraph's tags. Here are the picture they name, 1200 × 630, of the grid
that the page is about; JSON-LD for the course; a sitemap; the icon for a phone's home screen; and `404.html`. Addresses
follow the repository's, which publishing stamps.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import resvg_py
from docutils import nodes
from repository import PLACEHOLDER_ACCOUNT
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

from unrolled import draw_grid
from unrolled.drawing.grid_svg import CELL_STYLE, PADDING_STYLE, STYLE

WIDTH, HEIGHT = 1200, 630
FONT = files("sphinxext.opengraph") / "_static" / "Roboto-Flex.ttf"
SETTINGS = re.compile(r"<rnn-explorer settings='([^']*)'")
# The grid of a page without an explorer; of any other such page, the default.
GRIDS: dict[str, dict[str, Any]] = {"drill": {"num_layers": 2, "bidirectional": True}}
DEFAULT_GRID = {"num_layers": 2, "L": 4}
CARD = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<rect width="100%" height="100%" fill="#fbfaf7"/><rect width="14" height="100%" fill="#f2b705"/>
<g font-family="Roboto Flex" fill="#1b1d21">
<text class="head-line" x="70" y="96" font-size="30" fill-opacity=".75">Unrolled · RNN, LSTM and GRU in PyTorch</text>
{title}</g>
{grid}
</svg>"""


def site_address(repository: str) -> str:
    """Where GitHub Pages serves the repository: `https://owner.github.io/name/`."""
    owner, name = urlsplit(repository).path.strip("/").split("/")
    return f"https://{owner}.github.io/{name}/"


def name_the_root(app: Sphinx, config: Config) -> None:
    """The path of the site on its host, for `404.html`: of a published site its repository's name."""
    address = config.html_theme_options["repository_url"]
    path = "/" if PLACEHOLDER_ACCOUNT.match(address) else urlsplit(site_address(address)).path
    config.html_context["site_path"] = path


def take_the_site_s_address(app: Sphinx, config: Config) -> None:
    config.html_baseurl = config.ogp_site_url = site_address(config.html_theme_options["repository_url"])
    config.ogp_site_name = config.html_title
    config.ogp_social_cards = {"enable": False}  # those would take matplotlib
    config.ogp_description_length = 200
    config.ogp_custom_meta_tags = [
        '<meta property="og:image:width" content="1200" />',
        '<meta property="og:image:height" content="630" />',
        '<meta name="twitter:card" content="summary_large_image" />',
    ]


def card(title: str, settings: dict[str, Any]) -> bytes:
    """The picture of a page as PNG: its title above the grid of these settings of the explorer."""
    lines = textwrap.wrap(title, 38)[:2]
    look = 'class="head-line" x="70" font-size="64" font-weight="700"'
    text = "".join(f'<text {look} y="{178 + 74 * number}">{escape(line)}</text>\n' for number, line in enumerate(lines))
    shown = {**DEFAULT_GRID, **settings}
    lengths = shown.get("lengths")
    drawing = draw_grid(
        min(shown["num_layers"], 3),
        shown.get("bidirectional", False),
        shown["L"],
        length=min(lengths) if lengths else None,
        module=shown.get("module", "RNN"),
    )
    top = 130 + 74 * len(lines)
    size = f'x="70" y="{top}" width="{WIDTH - 140}" height="{HEIGHT - top - 40}"'
    grid = re.sub(r'width="\d+" height="\d+"', f'{size} preserveAspectRatio="xMinYMid"', drawing.svg(), count=1)
    picture = CARD.format(width=WIDTH, height=HEIGHT, title=text, grid=grid)
    style = re.sub(r"var\(--[\w-]+,(?:var\([^,]*,)*([^()]*)\)+", r"\1", STYLE + CELL_STYLE + PADDING_STYLE)
    return resvg_py.svg_to_bytes(
        svg_string=picture,
        style_sheet=style.replace(".grid-diagram ", "") + ".head-line{text-anchor:start;dominant-baseline:auto}",
        font_files=[str(FONT)],
        skip_system_fonts=True,
        font_family="Roboto Flex",
        monospace_family="Roboto Flex",
        sans_serif_family="Roboto Flex",
    )


def describe_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the page's picture and name it; keep of three viewport tags the theme's."""
    context["metatags"] = re.sub(r'<meta name="viewport"[^>]*>\s*', "", context.get("metatags", ""))
    if doctree is None:
        return
    title = unescape(re.sub(r"<[^>]+>", "", context["title"]))
    subject = pagename.removeprefix("exercises/")
    name = f"_static/cards/{subject}.png"
    if subject == pagename or subject not in app.env.found_docs:  # exercises have the picture of their chapter
        found = SETTINGS.search(context["body"])
        settings = json.loads(unescape(found[1])) if found else GRIDS.get(pagename, {})
        path = Path(app.outdir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(card(title, settings))
    context["meta"] = {**(context.get("meta") or {}), "og:image": name, "og:image:alt": f"{title}: the grid of states"}
    about = {
        "@context": "https://schema.org",
        "@type": "LearningResource",
        "name": title,
        "url": urljoin(app.config.html_baseurl, app.builder.get_target_uri(pagename)),
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "teaches": "The tensors of PyTorch's nn.RNN, nn.LSTM and nn.GRU",
        "isPartOf": {"@type": "Course", "name": app.config.html_title, "url": app.config.html_baseurl},
    }
    text = json.dumps(about, ensure_ascii=False).replace("<", "\\u003c")
    context["metatags"] += f'<script type="application/ld+json">{text}</script>\n'


def page_for_lost_readers(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """`404.html`, which hosts serve at every address that is not there, however deep."""
    yield "404", {}, "404.html"


def write_what_crawlers_read(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = sorted(app.env.found_docs)
    sitemap = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for page in pages:
        address = urljoin(app.config.html_baseurl, app.builder.get_target_uri(page))
        ElementTree.SubElement(ElementTree.SubElement(sitemap, "url"), "loc").text = address
    ElementTree.ElementTree(sitemap).write(out / "sitemap.xml", encoding="utf-8", xml_declaration=True)
    (out / "robots.txt").write_text(
        f"User-agent: *\nAllow: /\nSitemap: {app.config.html_baseurl}sitemap.xml\n", encoding="utf-8"
    )
    icon = (out / "_static" / "favicon.svg").read_text(encoding="utf-8")
    for name, size in (("apple-touch-icon.png", 180), ("favicon.png", 48)):
        (out / "_static" / name).write_bytes(
            resvg_py.svg_to_bytes(svg_string=icon, width=size, height=size, background="#ffffff")
        )


def setup(app: Sphinx) -> ExtensionMetadata:
    app.setup_extension("sphinxext.opengraph")
    app.connect("config-inited", name_the_root, priority=100)  # before a clone's origin takes the placeholder's place
    app.connect("config-inited", take_the_site_s_address, priority=900)  # the repository's address is known by then
    app.connect("html-page-context", describe_page, priority=400)  # before sphinxext-opengraph reads the picture's name
    app.connect("html-collect-pages", page_for_lost_readers)
    app.connect("build-finished", write_what_crawlers_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
