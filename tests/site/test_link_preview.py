"""What a link shows where it is shared, what a crawler finds, and what a lost reader gets."""

import json
import re
import struct
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from pages import pages, parsed, visit

OWN = {"404.html", "search.html", "genindex.html"}  # of no document: nobody shares them


def tags(page: BeautifulSoup) -> dict[str, str]:
    """What the page's `<meta>` elements say, by their name or property. None is there twice."""
    found = [(tag.get("property") or tag.get("name"), tag["content"]) for tag in page.select("meta[content]")]
    names = [name for name, _ in found]
    assert len(names) == len(set(names)), names
    return dict(found)


def size_of_png(path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


@pytest.fixture(scope="module")
def documents(site) -> dict[str, BeautifulSoup]:
    return {name: parsed(site, name) for name in pages(site) if name not in OWN}


def test_a_shared_link_has_a_title_a_sentence_an_address_and_a_picture(site, documents):
    descriptions = set()
    for name, page in documents.items():
        said = tags(page)
        (canonical,) = page.select("link[rel=canonical]")
        assert canonical["href"] == said["og:url"]
        assert said["og:url"].endswith(f"/{name}")
        assert said["og:title"]
        assert 40 < len(said["description"]) <= 203, (name, said["description"])
        assert said["og:description"] == said["description"]
        descriptions.add(said["description"])
        assert said["twitter:card"] == "summary_large_image"
        base = said["og:url"].removesuffix(name)
        assert said["og:image"].startswith(f"{base}_static/cards/")
        assert size_of_png(site / said["og:image"].removeprefix(base)) == (1200, 630)
        assert "viewport" in said
    assert len(descriptions) == len(documents), "two pages have the same description"


def test_pages_of_different_grids_have_different_pictures(site):
    cards = [(site / "_static" / "cards" / f"{name}.png").read_bytes() for name in ("axes", "layers", "directions")]
    assert len(set(cards)) == 3


def test_every_page_is_a_learning_resource_of_the_course(documents):
    for page in documents.values():
        (about,) = page.select('script[type="application/ld+json"]')
        resource = json.loads(about.string)
        assert resource["@type"] == "LearningResource"
        assert resource["url"] == tags(page)["og:url"]
        assert resource["isPartOf"]["name"] == "Unrolled"


def test_the_sitemap_has_every_page_and_robots_names_it(site, documents):
    listed = {entry.text for entry in ElementTree.parse(site / "sitemap.xml").iter() if entry.tag.endswith("loc")}
    assert listed == {tags(page)["og:url"] for page in documents.values()}
    (address,) = re.findall(r"^Sitemap: (\S+)$", (site / "robots.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert address.endswith("/unrolled/sitemap.xml")


def test_a_phone_s_home_screen_gets_an_icon(site):
    assert size_of_png(site / "_static" / "apple-touch-icon.png") == (180, 180)
    assert parsed(site, "lengths.html").select('link[rel="apple-touch-icon"]')


@pytest.mark.parametrize("missing", ["last_step.html", "chapters/old/last-step"])
def test_where_no_page_is_the_words_of_the_address_are_searched(browser, address, missing):
    seen = visit(browser, f"{address}/{missing}")
    assert [line for line in seen.complaints if missing not in line and "404" not in line] == []
    page = seen.page
    page.locator("#search-results li a").first.wait_for()
    assert page.locator("h1").inner_text().startswith("There is no page here")
    assert page.locator("article form input").input_value() == "last step"
    page.locator("#search-results li a", has_text="last step").first.click()
    page.wait_for_url(re.compile(r"last-step\.html"))
    page.close()
