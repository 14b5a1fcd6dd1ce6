"""Pages follow one another as they are read. The tools for practice are first in sight and no step of the course."""

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
