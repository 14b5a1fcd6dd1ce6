"""Pages on which cells run, in a browser: what a reader does there, and what the page answers."""

from pathlib import Path

import browser_python
from playwright.sync_api import Browser, BrowserContext, Locator, Page

# Python starts within seconds; on a machine that does much else, within a minute or two.
PATIENCE_MS = 240_000
WIDE = {"width": 1280, "height": 900}
SAME, OTHER = "The same output as stored", "Not the stored output"
IS_MISSING = "This copy of the site was built without Python"


def with_python(site: Path) -> Path:
    """The site with the Python that its pages run."""
    browser_python.fetch()
    if not (site / "_static" / "python" / "course.zip").is_file():
        browser_python.write_into(site)
    return site


def context(browser: Browser, **settings: object) -> BrowserContext:
    made = browser.new_context(viewport=settings.pop("viewport", WIDE), **settings)
    made.set_default_timeout(PATIENCE_MS)
    return made


def run_here(page: Page, url: str) -> Page:
    """Open a chapter and press the button; return when Python is there."""
    page.goto(url, wait_until="load")
    page.locator(".run-here").click()
    wait_for_python(page)
    return page


def wait_for_python(page: Page) -> None:
    page.locator(".live-bar__text", has_text="Python runs in this page").wait_for()


def cell(page: Page, id: str) -> Locator:
    return page.locator(f"#cell-{id}")


def status(page: Page, id: str) -> Locator:
    return cell(page, id).locator(".live-status")


def wait_for_status(page: Page, id: str, said: str) -> None:
    status(page, id).filter(has_text=said).wait_for()


def write(page: Page, id: str, source: str) -> None:
    cell(page, id).locator(".live-editor textarea").fill(source)


def run(page: Page, id: str, said: str | None = None) -> str:
    """Run a cell, wait for its end and return what its line says."""
    button = cell(page, id).get_by_role("button", name="Run", exact=True)
    button.click()
    page.wait_for_function(
        "id => { const said = document.querySelector(`#cell-${id} .live-status`).textContent;"
        "return said !== '' && !said.startsWith('Running'); }",
        arg=id,
    )
    line = status(page, id).inner_text()
    if said is not None:
        assert said in line
    return line


def output(page: Page, id: str) -> str:
    """What the last run printed, where it is not what is stored."""
    return cell(page, id).locator(".live-output").inner_text()


def door(page: Page, source: str) -> dict[str, str | None]:
    """What `live().run` gives."""
    return page.evaluate("async source => (await window.unrolled.live()).run(source)", source)
