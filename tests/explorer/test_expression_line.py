"""The line of Python: what it prints, what it lights, and the program that prints the same."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
from explorer_pages import NARROW, PICTURES, WIDE, Watched, each_picture, tensors, watch

from unrolled.explorer.settings import DEFAULTS


@each_picture
def test_the_python_code_prints_what_the_explorer_prints(name, show):
    for expression in ("output", "hn", "hn.shape", "x.sum() > h0.sum()"):
        shown = show({**PICTURES[name], "expression": expression})
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(shown.explorer.locator(".program pre").text_content(), {})
        text = shown.explorer.locator(".expression pre").text_content()
        words, values = numbers_in(text.split("  # shape")[0])
        assert words == numbers_in(printed.getvalue().rstrip("\n"))[0]
        assert values == pytest.approx(numbers_in(printed.getvalue())[1], abs=1.5e-4)
        shown.page.close()


def numbers_in(text: str) -> tuple[str, list[float]]:
    """The text without its numbers, and the numbers, which may differ in the last of four digits."""
    number = r"-?\d+\.\d*(?:e[-+]\d+)?"
    return re.sub(" *" + number, "#", text), [float(found) for found in re.findall(number, text)]


def printed(shown: Watched) -> str:
    return shown.explorer.locator(".expression pre").text_content().split("  # shape")[0]


@each_picture
def test_the_untouched_line_says_where_output_and_hn_meet(name, show):
    """Whatever the settings are. Short samples end in padding, and meet hn elsewhere."""
    settings = PICTURES[name]
    shown = show(settings)
    line = shown.explorer.get_by_label("Expression in Python").input_value()
    found = eval(line, {}, tensors(settings))
    assert printed(shown) == str(found)
    assert found.all() or settings.get("lengths")


def test_the_untouched_line_follows_every_control(address, browser):
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/index.html")
    settings = {name: shown.settings()[name] for name in ("num_layers", "input")}
    for control in ("bidirectional", "batch_first"):
        shown.explorer.get_by_label(control).click()
        settings[control] = not DEFAULTS[control]
        found = eval(shown.explorer.get_by_label("Expression in Python").input_value(), {}, tensors(settings))
        assert printed(shown) == str(found)
        assert found.all()
    context.close()


def test_a_line_that_says_the_same_follows_too_and_another_one_stays(show):
    for line, follows in (("output[-1] == hn", True), ("output[-1] == h0", False)):
        shown = show({"batch_first": False, "expression": line})
        shown.explorer.get_by_label("batch_first").check()
        assert (shown.settings()["expression"] is None) == follows
        assert shown.explorer.get_by_label("Expression in Python").input_value() == (
            "output[:, -1, :] == hn" if follows else line
        )


def test_a_line_that_no_longer_fits_is_offered_one_that_does(show):
    shown = show({"num_layers": 2, "input": "sin", "expression": "output[:, -1, :] == hn"})
    offer = shown.explorer.get_by_role("button", name="Where output and hn meet")
    assert offer.count() == 0
    shown.explorer.get_by_label("bidirectional").check()
    with pytest.raises(RuntimeError) as raised:
        eval("output[:, -1, :] == hn", {}, tensors({"num_layers": 2, "input": "sin", "bidirectional": True}))
    assert str(raised.value) in printed(shown)
    offer.click()
    assert "tensor([[True" in printed(shown)
    shown.explorer.get_by_label("Expression in Python").fill("output[")
    assert offer.count() == 0, "half a line is no mistake yet"


def test_what_the_line_reads_looks_unlike_the_same_number_elsewhere(show):
    """Of the entries that are lit, hn is read and has a bar; its box and its part of output have a frame.

    With no colour.
    """
    shown = show({"num_layers": 2, "input": "sin"})
    shown.explorer.get_by_label("Expression in Python").fill("hn[-1]")
    assert {entry["classes"].split()[1] for entry in shown.entries(".addressed.read")} == {"hn"}
    assert {entry["classes"].split()[1] for entry in shown.entries(".addressed:not(.read)")} == {"box", "output"}
    look = """entry => {
        const strip = entry.querySelector('.strip');
        return [getComputedStyle(strip).outlineStyle, strip.querySelector('u')?.offsetHeight ?? 0];
    }"""
    looks = {
        selector: shown.explorer.locator(selector).first.evaluate(look)
        for selector in (".addressed.read", ".box.addressed", ".output.addressed")
    }
    assert looks == {".addressed.read": ["none", 5], ".box.addressed": ["solid", 0], ".output.addressed": ["solid", 0]}
    assert "bar" in shown.readout()["words"]
    assert "frame" in shown.readout()["words"]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_line_of_python_is_clipped(size, show):
    settings = {
        "module": "LSTM",
        "num_layers": 2,
        "bidirectional": True,
        "lengths": [3, 2],
        "expression": "torch.cat([output[:, -1, :5], output[:, 0, 5:]], dim=-1) == torch.cat([hn[-2], hn[-1]], dim=-1)",
    }
    shown = show(settings, viewport=size)
    shown.explorer.get_by_text("Python", exact=True).click()
    for part in (shown.explorer.locator(".program pre"), shown.explorer.get_by_label("Expression in Python")):
        assert part.evaluate(
            "part => [part.scrollWidth - part.clientWidth, part.scrollHeight - part.clientHeight]"
        ) == [0, 0]


def test_the_expression_line_lights_what_it_addresses(show):
    shown = show({"num_layers": 2, "bidirectional": True, "input": "sin"})
    line = shown.explorer.get_by_label("Expression in Python")
    line.fill("hn[2, 0]")
    lit = shown.entries(".addressed")
    assert {entry["classes"].split()[1] for entry in lit} == {"box", "hn", "output"}
    assert all("hn[2, 0]" in entry["name"] for entry in lit)
    line.fill("hn[2, 1, 3]")
    assert shown.entries(".addressed") == []
    assert shown.explorer.locator(".tabs .dot").inner_text() == "1", "the cell is on the other sheet"
    line.fill("hn[9]")
    assert (
        "IndexError: index 9 is out of bounds for dimension 0 with size 4"
        in shown.explorer.locator(".expression pre").inner_text()
    )


def test_the_copy_button_copies_the_program(show):
    shown = show(permissions=["clipboard-read", "clipboard-write"])
    shown.explorer.get_by_text("Python", exact=True).click()
    shown.explorer.get_by_role("button", name="Copy").click()
    shown.explorer.get_by_role("button", name="Copied").wait_for()
    assert (
        shown.page.evaluate("navigator.clipboard.readText()") == shown.explorer.locator(".program pre").text_content()
    )
