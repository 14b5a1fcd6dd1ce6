"""The page's address holds the explorer's state, and a link shows it again."""

from __future__ import annotations

from explorer_pages import WIDE, watch

from unrolled.explorer.settings import DEFAULTS


def test_the_address_holds_the_state_and_a_link_shows_it(address, browser):
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/explorer.html")
    shown.explorer.get_by_role("radio", name="LSTM").check()
    shown.explorer.get_by_label("bidirectional").check()
    shown.explorer.get_by_label("Expression in Python").fill("hn[0] + '<&%'")
    shown.page.wait_for_function("() => location.hash.includes('expression')")
    again = watch(context, shown.page.url)
    assert again.settings() == shown.settings()
    assert again.settings()["module"] == "LSTM"
    assert shown.errors == again.errors == []
    context.close()


def test_a_chapters_link_opens_its_explorer(address, browser):
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/index.html")
    shown.explorer.get_by_role("button", name="more num_layers").click()
    before = shown.settings()
    shown.explorer.get_by_role("link", name="Open this in the explorer").click()
    shown.page.wait_for_url("**/explorer.html#*")
    shown.explorer.evaluate(
        "explorer => customElements.whenDefined('rnn-explorer').then(() => explorer.updateComplete)"
    )
    assert shown.settings() == before
    context.close()


def test_headings_keep_their_fragment_on_other_pages(address, browser):
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/index.html#who-it-is-for")
    shown.explorer.get_by_label("bidirectional").check()
    shown.page.wait_for_timeout(400)
    assert shown.page.url.endswith("#who-it-is-for")
    context.close()


def test_a_fragment_that_cannot_be_read_falls_back_with_a_notice(show):
    shown = show(
        attributes="share", fragment="#num_layers=2&module=Transformer&<img src=x onerror=alert(1)>=1&L=1e9&h_0=[[["
    )
    assert shown.settings() == {**DEFAULTS, "num_layers": 2}
    notice = shown.explorer.locator(".notice").inner_text()
    assert all(word in notice for word in ("module", "L", "h_0", "<img"))
    assert shown.errors == []
