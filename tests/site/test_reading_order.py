"""Pages follow one another as they are read. The tools for practice are first in sight and no step of the course."""

from itertools import pairwise

import yaml
from notebooks import ROOT
from pages import parsed

PARTS = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]


def neighbour(site, page: str, side: str) -> str | None:
    link = parsed(site, f"{page}.html").select_one(f".prev-next-area a.{side}")
    return link and link["href"]


def test_the_front_page_leads_to_the_first_chapter_and_back(site):
    assert neighbour(site, "index", "right-next") == "three-tensors.html"
    assert neighbour(site, "three-tensors", "left-prev") == "index.html"
    assert neighbour(site, "exercises/three-tensors", "right-next") == "../axes.html"


def test_a_tool_is_no_step_of_the_course(site):
    for tool in ("explorer", "drill"):
        assert neighbour(site, tool, "right-next") is neighbour(site, tool, "left-prev") is None


def test_every_part_has_a_name_and_the_tools_come_first(site):
    navigation = parsed(site, "axes.html").select_one("nav.bd-links")
    assert [caption.get_text() for caption in navigation.select(".caption-text")] == [part["caption"] for part in PARTS]
    assert [link["href"] for link in navigation.select("a.reference")][:2] == ["explorer.html", "drill.html"]


def test_a_chapter_says_how_long_it_takes_and_the_front_page_says_the_same(site):
    minutes = {
        link["href"]: link.find_parent("tr").find_all("td")[-1].get_text()
        for link in parsed(site, "index.html").select("td:first-child a")
    }
    assert len(minutes) > 12
    for page, count in minutes.items():
        assert parsed(site, page).select_one(".takes").get_text().startswith(f"About {count} minutes"), page


def test_a_chapter_ends_with_what_can_be_done_and_where_to_go_on(site):
    chapters = [page["file"] for part in PARTS for page in part["chapters"] if "sections" in page]
    for chapter, following in pairwise(chapters):
        page = parsed(site, f"{chapter}.html")
        links = [link["href"] for link in page.select("#go-on a")]
        assert links[0] == f"exercises/{chapter}.html"
        assert "drill.html" in links
        has_explorer = page.select_one("rnn-explorer") is not None
        assert any(link.startswith("explorer.html") for link in links) == has_explorer, chapter
        assert links[-1] in (f"{following}.html", "exercises/classifier.html"), chapter
