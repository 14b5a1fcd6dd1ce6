"""The built site, as a reader's browser sees it."""

from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import BUDGET, image_complaints, link_complaints, one_page_of_each_kind, pages, parsed, visit
from run_size import is_long

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}


@pytest.fixture(params=["light", "dark"])
def theme(request) -> str:
    return request.param


def test_it_has_its_pages(site):
    assert {"index.html", "three-tensors.html", "search.html"} <= set(pages(site))


def test_every_page_loads_cleanly_and_within_the_budget(site, address, browser, record_property):
    """No console error, no failed request, no other host; and the heaviest page stays under its budget."""
    weights = {}
    for name in pages(site):
        seen = visit(browser, f"{address}/{name}")
        assert seen.complaints == [], name
        weights[name] = seen.bytes_gzipped
        seen.page.close()
    heaviest = max(weights, key=weights.get)
    record_property(
        "figure", f"Heaviest page: {heaviest}, {weights[heaviest] / 1000:.1f} KB gzipped of {BUDGET / 1000:.0f} KB"
    )
    assert weights[heaviest] <= BUDGET


def test_every_link_and_anchor_resolves(site):
    assert link_complaints(site) == []


def test_every_image_says_what_it_shows(site):
    assert image_complaints(site) == []


OPEN_FOLDS = "document.querySelectorAll('article details').forEach(fold => fold.open = true)"


# Of the thousands of coloured tokens on a page, the first of each look stays a token: axe takes most of its time for
# the contrast of all.
ONE_OF_EACH_LOOK = """() => {
    const seen = new Set();
    for (const token of document.querySelectorAll("pre span")) {
        const around = [token, token.parentElement, token.closest("div, details")];
        const look = around.map(element => element.className).join("|");
        if (seen.has(look)) token.replaceWith(...token.childNodes);
        seen.add(look);
    }
}"""


# What a rule finds right is counted and not listed, which would take as long as finding it. On a phone every rule but
# that of contrast, which takes most of axe's time and does not depend on the width.
VIOLATIONS = {"resultTypes": ["violations"]}
LOOKS = [
    (NARROW, "light", {**VIOLATIONS, "rules": {"color-contrast": {"enabled": False}}}),
    (WIDE, "light", VIOLATIONS),
    (WIDE, "dark", VIOLATIONS),
]


def test_every_page_fits_and_axe_finds_no_violation(site, address, browser):
    """With every fold open: loaded on a phone, then on a wide window, then in the dark."""
    context = browser.new_context(viewport=NARROW, color_scheme="light", reduced_motion="reduce")
    found = []
    for name in pages(site) if is_long() else one_page_of_each_kind(site):
        page = visit(context, f"{address}/{name}").page
        page.evaluate(OPEN_FOLDS)
        for viewport, theme, options in LOOKS:
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=theme)
            page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
            if page.evaluate("document.documentElement.scrollWidth") > viewport["width"]:
                found.append(f"{name} is wider than {viewport['width']}")
            page.evaluate(ONE_OF_EACH_LOOK)
            page.evaluate(
                "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )  # an explorer draws itself anew
            result = Axe().run(page, options=options)
            if result.violations_count:
                found.append(f"{name}, {viewport['width']}, {theme}\n{result.generate_report()}")
        page.close()
    context.close()
    assert found == []


def test_the_theme_button_turns_light_into_dark_and_stays(address, browser):
    context = browser.new_context(viewport=WIDE, color_scheme="light")
    page = visit(context, f"{address}/index.html").page
    background = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(background)
    while page.evaluate("document.documentElement.dataset.mode") != "dark":
        page.locator(".theme-switch-button:visible").click()
    dark = page.evaluate(background)
    assert dark != before
    page.goto(f"{address}/three-tensors.html")
    assert page.evaluate(background) == dark
    context.close()


def test_a_drawing_stands_on_the_pages_own_ground(address, browser, theme):
    """The theme would put every HTML output on a light ground in the dark, under light text."""
    context = browser.new_context(color_scheme=theme)
    page = visit(context, f"{address}/three-tensors.html").page
    grounds = page.locator(".grid-diagram").first.evaluate(
        """drawing => {
            const grounds = [];
            for (let element = drawing; element; element = element.parentElement) {
                grounds.push(getComputedStyle(element).backgroundColor);
            }
            return grounds.filter(ground => ground !== "rgba(0, 0, 0, 0)");
        }"""
    )
    assert set(grounds) == {page.evaluate("getComputedStyle(document.body).backgroundColor")}
    context.close()


def test_search_finds_a_chapter(address, browser):
    context = browser.new_context(viewport=WIDE)
    seen = visit(context, f"{address}/index.html")
    seen.page.locator("button.search-button-field").click()
    seen.page.locator("#pst-search-dialog input").fill("saturated")
    seen.page.locator(".search-hits a").first.wait_for()  # leaving sooner would break off the request for the sections
    seen.page.keyboard.press("Enter")
    seen.page.locator("#search-results a[href*='/three-tensors.html']").first.click()
    assert "/three-tensors.html" in seen.page.url
    assert seen.complaints == []
    context.close()


@pytest.mark.parametrize(
    "message",
    [
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (8x128 and 64x3)",
        "RuntimeError: shape '[25, 8, 10]' is invalid for input of size 1600",
        "RuntimeError: view size is not compatible with input tensor's size and stride (at least one dimension spans "
        "across two contiguous subspaces). Use .reshape(...) instead.",
    ],
)
def test_a_message_pasted_with_its_own_numbers_is_found(message, address, browser):
    context = browser.new_context(viewport=WIDE)
    seen = visit(context, f"{address}/search.html?{urlencode({'q': message})}")
    seen.page.locator("#search-results .search > li").first.wait_for()
    hits = seen.page.locator("#search-results .search > li").all()[:3]
    errors = next(hit for hit in hits if "/errors.html#" in hit.locator("a").get_attribute("href"))
    assert errors.locator(".context").inner_text()
    assert "Download" not in errors.inner_text(), "of the page's text, not of its buttons"
    assert seen.complaints == []
    context.close()


def test_a_chapter_is_found_before_its_exercises(address, browser):
    context = browser.new_context(viewport=WIDE)
    subjects = {
        "two directions": "directions",
        "packed lengths": "lengths",
        "gates of an LSTM": "gates",
        "carry the state": "carrying-state",
        "layers stacked": "layers",
    }
    for query, chapter in subjects.items():
        page = visit(context, f"{address}/search.html?{urlencode({'q': query})}").page
        page.locator("#search-results .search > li").first.wait_for()
        links = page.locator("#search-results .search > li > a").evaluate_all("links => links.map(link => link.href)")
        found = [link.removeprefix(f"{address}/").split(".html")[0] for link in links]
        page.close()
        assert chapter in found, query
        exercises = f"exercises/{chapter}"
        assert exercises not in found or found.index(chapter) < found.index(exercises), query
    context.close()


def test_the_menus_open_on_a_phone(address, browser):
    context = browser.new_context(viewport=NARROW, has_touch=True)
    page = visit(context, f"{address}/index.html").page
    page.locator("button.primary-toggle:visible").tap()
    page.locator("#pst-primary-sidebar-modal a", has_text="Three tensors").tap()
    page.wait_for_url("**/three-tensors.html")
    page.locator("button.secondary-toggle:visible").tap()
    page.locator("#pst-secondary-sidebar-modal a", has_text="The layer").tap()
    page.wait_for_url("**/three-tensors.html#the-layer")
    assert not page.locator("#pst-secondary-sidebar-modal").is_visible()
    context.close()


def test_what_is_found_fits_a_phone(address, browser):
    context = browser.new_context(viewport=NARROW)
    page = visit(context, f"{address}/search.html?q=hidden+state").page
    page.locator("#search-results .context").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    context.close()


def test_what_is_wider_than_a_phone_fades_until_it_is_scrolled_to_its_end(address, browser):
    context = browser.new_context(viewport=NARROW)
    page = visit(context, f"{address}/lengths.html").page
    look = """() => [...document.querySelectorAll('.bd-article pre')].filter(pre => pre.checkVisibility())
        .map(pre => [pre.scrollWidth > pre.clientWidth, getComputedStyle(pre).getPropertyValue('--fade')])"""
    before = page.evaluate(look)
    assert {wide for wide, _ in before} == {True, False}
    assert all((fade != "0px") == wide for wide, fade in before)
    page.evaluate("document.querySelectorAll('pre').forEach(pre => { pre.scrollLeft = 9999; })")
    page.wait_for_function(f"() => ({look})().every(([, fade]) => fade === '0px')")
    context.close()


def test_the_text_is_there_without_scripts(address, browser):
    context = browser.new_context(java_script_enabled=False)
    page = visit(context, f"{address}/three-tensors.html").page
    assert page.locator("article h1", has_text="Three tensors").is_visible()
    assert page.locator("svg[role=img]").first.is_visible()
    context.close()


def test_mathematics_is_mathml(site):
    soup = parsed(site, "three-tensors.html")
    assert soup.find("math", display="block")
    assert "\\tanh" not in soup.get_text()


def test_every_notebook_page_has_its_buttons(site):
    for name in pages(site):
        soup = parsed(site, name)
        links = [link["href"] for link in soup.select("a.page-action")]
        if soup.select(".cell_input"):
            slug = name.removesuffix(".html")
            assert any(
                link.startswith("https://colab.research.google.com/") and f"/book/{slug}.ipynb" in link
                for link in links
            ), name
            assert any(
                link.startswith("https://mybinder.org/") and link.endswith(f"book/{slug}.ipynb") for link in links
            ), name
            assert f"{'../' * slug.count('/')}_sources/{slug}.ipynb" in links, name
