"""Print the built cheat sheet to `cheat-sheet.pdf` beside it, and let the page offer it.

    python tools/cheat_sheet.py

The site itself is built without a browser, so its page has no such link until this has run.
"""

import sys
from pathlib import Path

import chromium
from playwright.sync_api import Browser, sync_playwright

SITE = Path(__file__).parents[1] / "_build" / "html"
PAGE, PDF = "cheat-sheet.html", "cheat-sheet.pdf"
BEFORE = '<p class="sheet">'
LINK = (
    f'<p class="for-screen"><a href="{PDF}" download="unrolled-cheat-sheet.pdf">Download it as a PDF</a>, '
    "one sheet of A4.</p>\n"
)


def write(site: Path, browser: Browser) -> Path:
    """Print the page in `site` to a PDF, link the page to it, and return the PDF's path.

    A second run changes nothing but the PDF.

    Raises:
        SystemExit: the page has not been built, or has no paragraph to set the link before.
    """
    page_path = site / PAGE
    if not page_path.is_file():
        sys.exit(f"There is no {page_path}. Build the site first: make site")
    page = browser.new_page(color_scheme="light")
    page.goto(page_path.as_uri())
    page.pdf(path=site / PDF, prefer_css_page_size=True, print_background=True, tagged=True)
    page.close()
    html = page_path.read_text(encoding="utf-8")
    if LINK not in html:
        if BEFORE not in html:
            sys.exit(f"{PAGE} has no {BEFORE}, so the link to {PDF} has no place.")
        page_path.write_text(html.replace(BEFORE, LINK + BEFORE, 1), encoding="utf-8")
    return site / PDF


def main() -> None:
    path = chromium.find()
    if not path:
        sys.exit("Printing needs Chromium, and none was found: python tools/chromium.py gets one.")
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright, path)
        print(write(SITE, browser))
        browser.close()


if __name__ == "__main__":
    main()
