"""A figure becomes a picture that needs nothing of its page and takes its colours."""

import re
from urllib.parse import unquote

import matplotlib.pyplot as plt
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from unrolled import picture

ALT = 'A line that falls from 1 & "ends" < 0.1 in two steps.'


@pytest.fixture(params=["light", "dark"])
def theme(request) -> str:
    return request.param


def drawn() -> Figure:
    figure, axes = plt.subplots(figsize=(5, 2))
    axes.semilogy([1, 0.1, 0.01], label="falls")
    axes.set_xlabel("steps < 3")
    axes.legend()
    return figure


def test_the_same_figure_gives_the_same_characters():
    assert picture(drawn(), ALT) == picture(drawn(), ALT)


def test_the_figure_is_closed_and_the_text_says_what_it_shows():
    figure = drawn()
    shown = picture(figure, ALT)
    assert not plt.fignum_exists(figure.number)
    assert repr(shown) == shown.alt == ALT
    svg = BeautifulSoup(shown._repr_html_(), "html.parser").svg
    assert (svg["role"], svg["aria-label"]) == ("img", ALT)


def test_a_text_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match="Say in a sentence what the figure shows"):
        picture(drawn(), "A figure")


def test_colour_and_font_are_the_pages_and_text_stays_text():
    svg = BeautifulSoup(picture(drawn(), ALT).svg, "html.parser")
    assert "#000000" not in str(svg)
    assert "font-family" not in str(svg)
    assert svg.find("style") is None, "a rule would hold for the whole page"
    assert {"falls", "steps < 3"} <= {text.get_text() for text in svg.find_all("text")}
    ids = [element["id"] for element in svg.find_all(id=True)]
    used = set(re.findall(r"#(\w+)", " ".join(str(value) for e in svg.find_all() for value in e.attrs.values())))
    assert set(ids) == used - {color for color in used if re.fullmatch("[0-9a-f]{6}", color)}


def test_the_image_for_hosts_without_svg_is_the_same_drawing_with_a_ground_of_its_own():
    shown = picture(drawn(), ALT)
    image = BeautifulSoup(shown._repr_html_(), "html.parser").img
    assert image["alt"] == ALT
    kind, svg = image["src"].split(",", 1)
    assert kind == "data:image/svg+xml"
    image_svg, page_svg = (BeautifulSoup(text, "html.parser").svg for text in (unquote(svg), shown.svg))
    assert "prefers-color-scheme:dark" in image_svg.style.extract().string
    assert image_svg.find_all(True, recursive=False) == page_svg.find_all(True, recursive=False)


@pytest.mark.parametrize("notebook", ["initial-state", "gradients"])
def test_the_site_shows_the_drawing_in_the_pages_colour_and_not_the_image(notebook, address, browser, theme):
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    page.goto(f"{address}/{notebook}.html")
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    figures = page.locator(".cell_output div[hidden]")
    assert figures.count() > 0
    for figure in figures.all():
        assert figure.locator("svg").bounding_box()["width"] > 300
        ink = figure.locator("svg text").first.evaluate("text => getComputedStyle(text).fill")
        assert ink == figure.evaluate("figure => getComputedStyle(figure.closest('.cell_output')).color")
    assert not any(image.is_visible() for image in page.locator(".cell_output div[hidden] + img").all())
    context.close()
