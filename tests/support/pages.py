"""What a built page has to be, as functions that return the complaints about it."""

import gzip
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup
from playwright.sync_api import Browser, BrowserContext, Page, Response

BUDGET = 150_000  # bytes, gzipped, for everything that one page loads


def pages(site: Path) -> list[str]:
    """The names of the site's pages, such as `index.html`."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)


def one_page_of_each_kind(site: Path) -> list[str]:
    """The largest chapter, the largest set of exercises, and every page that is like no other."""

    def kind(name: str) -> str:
        is_notebook = (site / "_sources" / name).with_suffix(".ipynb").exists()
        return f"notebook in {Path(name).parent}" if is_notebook else name

    largest: dict[str, str] = {}
    for name in sorted(pages(site), key=lambda name: (site / name).stat().st_size):
        largest[kind(name)] = name
    return sorted(largest.values())


def text_of(site: Path, name: str) -> str:
    return (site / name).read_text(encoding="utf-8")


def parsed(site: Path, name: str) -> BeautifulSoup:
    return soup_of(text_of(site, name))


def soup_of(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


def link_complaints(site: Path) -> list[str]:
    """Links of any page to a file of the site, or to an anchor in one, that is not there."""
    read = {name: links_and_anchors(text_of(site, name)) for name in pages(site)}
    found = []
    for name, (links, _) in read.items():
        for link in links:
            target, anchor = urldefrag(urljoin(f"http://site/{name}", link))
            if urlsplit(link).scheme:
                continue
            path = unquote(urlsplit(target).path).lstrip("/") or "index.html"
            if not (site / path).is_file():
                found.append(f"{name}: {link} leads nowhere")
            elif path == "explorer.html" and "=" in anchor:
                continue  # settings for the explorer, which tests/explorer reads
            elif anchor and path in read and unquote(anchor) not in read[path][1]:
                found.append(f"{name}: {link} names an anchor that {path} does not have")
    return found


@cache  # the tests of the tests look at the same pages again, but for one that they damage
def links_and_anchors(text: str) -> tuple[list[str], set[str]]:
    soup = soup_of(text)
    links = [tag[attribute] for attribute in ("href", "src") for tag in soup.find_all(attrs={attribute: True})]
    return links, {tag["id"] for tag in soup.find_all(id=True)}


def image_complaints(site: Path) -> list[str]:
    """Images without a text that says what they show."""
    return [f"{name}: {complaint}" for name in pages(site) for complaint in image_complaints_of(text_of(site, name))]


@cache
def image_complaints_of(text: str) -> list[str]:
    soup, found = soup_of(text), []
    for image in soup.find_all("img"):
        said = image.get("alt", "").strip()
        if not said or said == Path(image["src"]).name or said.endswith((".svg", ".png")):
            found.append(f"the image {image['src']} has the alt text {said!r}")
    for drawing in soup.find_all("svg"):
        labelled = drawing.get("role") == "img" and len(drawing.get("aria-label", "")) > 20
        if not labelled and drawing.get("aria-hidden") != "true":
            found.append("a drawing has no label and is not hidden from screen readers")
    return found


@dataclass
class Visit:
    """One page in a browser, and all it did that a reader would not want."""

    page: Page
    host: str
    complaints: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on(
            "console", lambda m: m.type in ("error", "warning") and self.complaints.append(f"console: {m.text}")
        )
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("request", lambda request: self.note_request(request.url))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.on("response", self.note_response)

    def note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.complaints.append(f"another host: {url}")

    def note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")
        elif not response.url.startswith(("data:", "blob:")):
            self.responses.append(response)

    @property
    def bytes_gzipped(self) -> int:
        return sum(len(gzip.compress(response.body(), 9)) for response in self.responses)


def visit(context: Browser | BrowserContext, url: str) -> Visit:
    """Load the page at `url` in a new tab and wait until it is quiet."""
    made = Visit(context.new_page(), urlsplit(url).netloc)
    made.watch()
    made.page.goto(url, wait_until="networkidle")
    return made
