"""The explorer for every hand and eye: keyboard, finger, screen reader, reduced motion."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from explorer_pages import NARROW, PICTURES, WIDE


def test_with_the_keyboard_alone(show):
    shown = show({"num_layers": 2, "input": "sin"})

    def focused() -> str:
        return shown.explorer.evaluate("explorer => explorer.shadowRoot.activeElement?.ariaLabel ?? ''")

    for _ in range(20):
        shown.page.keyboard.press("Tab")
        if "output[0, 2]" in focused():
            break
    assert "output[0, 2]" in focused(), "one Tab stop for the stage: the corner"
    shown.page.keyboard.press("ArrowDown")
    shown.page.keyboard.press("ArrowRight")
    assert "hn[0]" in focused() or "hn[0, 0]" in focused()
    assert shown.readout()["slices"] == ["hn[0, 0]"]
    shown.page.keyboard.press("Shift+ArrowRight")
    assert shown.readout()["slices"] == ["hn[0, 0, 0]"]
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("Tab")
    assert "output[0, 2]" not in focused()
    assert "hn" not in focused()
    assert shown.readout()["slices"] == ["hn[0, 0, 0]"], "the number that was chosen stays lit"
    shown.page.keyboard.press("Shift+Tab")
    shown.page.keyboard.press("Escape")
    shown.page.keyboard.press("Tab")
    assert shown.readout()["slices"] == []


def test_every_control_can_be_reached_with_the_keyboard(show):
    shown = show()
    reached = set()
    for _ in range(40):
        shown.page.keyboard.press("Tab")
        reached.add(
            shown.explorer.evaluate(
                """explorer => {
                    const at = explorer.shadowRoot.activeElement;
                    return at && (at.ariaLabel || at.id || at.className || at.innerText
                        || at.closest('label')?.innerText || at.type);
                }"""
            )
        )
    assert {
        "num_layers",
        "less num_layers",
        "more num_layers",
        "bidirectional",
        "batch_first",
        "Step",
        "Play",
        "expression",
    } - reached <= {"less num_layers"}


def test_with_a_finger(show):
    shown = show({"num_layers": 2, "input": "sin"}, viewport=NARROW, has_touch=True, is_mobile=True)
    shown.explorer.get_by_text("hn[0]", exact=True).tap()
    assert shown.readout()["slices"][0].startswith("hn[0, 0")
    assert shown.settings()["selected"] == "h.0.2"
    shown.explorer.get_by_text("hn[0]", exact=True).tap()
    assert shown.settings()["selected"] is None
    shown.explorer.locator(".entry.corner").tap()
    assert shown.readout()["slices"] == ["output[0, 2, 2]", "hn[1, 0, 2]", "hn[-1, 0, 2]"], "the value under the finger"
    shown.explorer.get_by_role("button", name="more num_layers").tap()
    assert shown.settings()["num_layers"] == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", ["directions", "lstm", "mistake"])
def test_axe_finds_no_violation(name, size, scheme, show):
    settings = (
        {"h_0": {"shape": [2, 1, 5]}}
        if name == "mistake"
        else {**PICTURES[name], "selected": "h.1.0", "expression": "hn[0, 0]"}
    )
    shown = show(
        settings, attributes='page="explorer.html"', viewport=size, color_scheme=scheme, reduced_motion="reduce"
    )
    for fold in shown.explorer.locator("details").all():
        fold.evaluate("fold => fold.open = true")
    # The page around it is the test's own.
    result = Axe().run(shown.page, context="rnn-explorer", options={"rules": {"region": {"enabled": False}}})
    assert result.violations_count == 0, result.generate_report()
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_axe_looks_into_the_shadow_root(show):
    shown = show()
    shown.explorer.evaluate("explorer => explorer.shadowRoot.querySelector('.entry').removeAttribute('aria-label')")
    assert Axe().run(shown.page, context="rnn-explorer").violations_count > 0


def test_reduced_motion_means_no_motion(show):
    shown = show(reduced_motion="reduce")
    assert shown.explorer.get_by_role("button", name="Play").count() == 0
    assert (
        shown.explorer.locator(".strip").first.evaluate("strip => getComputedStyle(strip).transitionDuration") == "0s"
    )
    shown.explorer.get_by_role("button", name="Step", exact=True).click()
    assert len(shown.entries(".box.later")) == 2
