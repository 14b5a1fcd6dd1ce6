"""Every control: what it changes, what it refuses, and that it stays where it is."""

from __future__ import annotations

import pytest
import torch
from explorer_pages import NARROW, WIDE, build, operate, tensors, watch


def test_a_wrong_initial_state_shows_torchs_error_and_where_the_axes_went(show):
    shown = show()
    shown.explorer.get_by_text("More settings").click()
    shown.explorer.get_by_label("h_0", exact=True).fill("(2, 1, 5)")
    with pytest.raises(RuntimeError) as raised:
        build({})(tensors({})["x"], torch.zeros(2, 1, 5))
    problem = shown.explorer.locator(".problem").inner_text()
    assert str(raised.value) in problem
    assert "D·num_layers and N have changed places" in problem
    shown.explorer.get_by_label("h_0", exact=True).fill("(1, 2, 5)")
    assert shown.explorer.locator(".problem").count() == 0
    assert len(shown.entries(".box")) == 3


@pytest.mark.parametrize(("given", "missing"), [("h_0", "c_0"), ("c_0", "h_0")])
def test_an_lstm_with_one_state_is_told_of_the_other(given, missing, show):
    shown = show({"module": "LSTM", given: {"shape": [1, 2, 5]}})
    assert f"{missing} is missing" in shown.explorer.locator(".problem").inner_text()
    shown.set(module="LSTM", h_0={"shape": [1, 2, 5]}, c_0={"shape": [2, 1, 5]})
    assert "is missing" not in shown.explorer.locator(".problem").inner_text()


@pytest.mark.parametrize(
    ("wrong", "without"),
    [
        ({"h_0": {"shape": [2, 1, 5]}}, "h_0"),
        ({"module": "LSTM", "proj_size": 5}, "proj_size"),
        ({"input": [[[1.0, 2.0]]], "lengths": [9, 9]}, "input, lengths"),
    ],
    ids=["h_0", "proj_size", "x"],
)
def test_a_mistake_leaves_the_picture_faint_under_its_message(wrong, without, show):
    """Those of the settings that can be drawn; the rest of the explorer stays where it was, and usable."""
    shown = show({"num_layers": 2})
    stage = shown.explorer.locator(".stage").bounding_box()
    shown.set(num_layers=2, **wrong)
    assert f"the picture without {without}." in shown.explorer.locator(".problem").inner_text()
    assert len(shown.entries(".box")) == (12 if "module" in wrong else 6)
    assert float(shown.explorer.locator(".stage canvas").evaluate("canvas => getComputedStyle(canvas).opacity")) < 0.5
    problem, faint = shown.explorer.locator(".problem").bounding_box(), shown.explorer.locator(".stage").bounding_box()
    assert stage["y"] < problem["y"] + problem["height"] <= faint["y"] < problem["y"] + problem["height"] + 30
    shown.explorer.locator(".entry.corner").hover()
    assert shown.readout()["slices"]
    assert "Error: " in shown.explorer.locator(".expression pre").inner_text()
    assert shown.errors == []


def test_a_tensor_acts_as_it_is_typed_and_keeps_what_was_typed(show):
    """As the expression does: no Enter, and nothing rewritten under the hand.

    What cannot be read is marked and changes nothing.
    """
    shown = show()
    shown.explorer.get_by_text("More settings").click()
    field = shown.explorer.get_by_label("h_0", exact=True)
    field.press_sequentially("(1,2,5)")
    assert (field.input_value(), shown.settings()["h_0"]) == ("(1,2,5)", {"shape": [1, 2, 5]})
    field.press("Backspace")
    assert (field.input_value(), shown.settings()["h_0"]) == ("(1,2,5", {"shape": [1, 2, 5]})
    assert field.get_attribute("aria-invalid") == "true"
    assert shown.explorer.get_by_text("That is not a shape or values, so h_0 stays as it is.").is_visible()
    field.press("End")
    field.press_sequentially(" )")
    assert field.get_attribute("aria-invalid") == "false"
    assert shown.explorer.get_by_text("stays as it is").count() == 0
    field.press("Tab")
    assert field.input_value() == "(1, 2, 5)"
    count = shown.explorer.get_by_label("hidden_size", exact=True)
    count.fill("7")
    assert shown.settings()["hidden_size"] == 7
    count.fill("")
    count.press("Tab")
    assert (count.input_value(), shown.settings()["hidden_size"]) == ("7", 7)
    count.fill("99")
    count.press("Tab")
    assert (count.input_value(), shown.settings()["hidden_size"]) == ("32", 32)


@pytest.mark.parametrize("place", ["x.1", "h0.1", "c0.1"])
@pytest.mark.parametrize("time_first", [False, True], ids=["batch_first", "time_first"])
def test_one_number_of_what_goes_in_is_changed_where_it_is_read(place, time_first, show):
    settings = {
        "module": "LSTM",
        "num_layers": 2,
        "input": "sin",
        "batch_first": not time_first,
        "sample": 1,
        "selected": place,
    }
    shown = show({**settings, "expression": "hn"})
    field = shown.explorer.locator(".numbers input").nth(3)
    name = field.get_attribute("aria-label")
    field.press("Control+a")
    for typed, half in (("-", True), ("0.", False), ("5", False)):
        field.press_sequentially(typed)
        assert field.get_attribute("aria-invalid") == str(half).lower()
        assert (f"That is not a float32 number, so {name} stays as it is." in shown.readout()["words"]) == half
    corner = shown.explorer.locator(".entry.corner").bounding_box()
    shown.page.mouse.move(corner["x"] + 9, corner["y"] + 9)
    assert field.input_value() == "-0.5", "as it was typed, wherever the pointer rests"
    names = tensors(settings)
    exec(f"{name} = -0.5", names)
    with torch.no_grad():
        _, (hn, _) = build(settings)(names["x"], (names["h0"], names["c0"]))
    torch.testing.assert_close(
        eval(shown.explorer.locator(".expression pre").text_content().split("  #")[0], {"tensor": torch.tensor}),
        hn,
        atol=6e-5,
        rtol=0,
    )
    field.press("Tab")
    assert field.input_value() == "-0.5000"
    again = show(shown.settings())
    assert again.explorer.locator(".numbers input").nth(3).input_value() == "-0.5000"
    assert shown.errors == again.errors == []


def test_a_number_that_float32_does_not_hold_changes_nothing(show):
    shown = show({"selected": "x.0"})
    field = shown.explorer.locator(".numbers input").nth(1)
    field.fill("1e38")
    assert shown.settings()["input"][0][0][1] == pytest.approx(1e38)
    field.fill("1e39")
    assert field.get_attribute("aria-invalid") == "true"
    assert shown.settings()["input"][0][0][1] == pytest.approx(1e38)


def test_a_key_that_is_typed_is_no_shortcut_of_the_page(address, browser):
    """The theme's search listens for a slash, and sees of a shadow root its host alone."""
    context = browser.new_context()
    shown = watch(context, f"{address}/index.html")
    line = shown.explorer.get_by_label("Expression in Python")
    line.fill("")
    line.press_sequentially("hn[0] / 2")
    assert line.input_value() == "hn[0] / 2"
    page = context.new_page()
    page.goto(f"{address}/drill.html")
    field = page.locator("rnn-drill input")
    field.press_sequentially("3 / 2")
    assert field.input_value() == "3 / 2"
    context.close()


def test_what_was_computed_and_what_is_not_selected_cannot_be_changed(show):
    shown = show({"selected": "h.0.1"})
    assert shown.explorer.locator(".numbers input").count() == 0
    shown.explorer.locator(".entry.x").first.hover()
    assert shown.explorer.locator(".numbers input").count() == 0
    assert "Select it" in shown.readout()["words"]


def test_start_over_restores_what_the_page_began_with(address, browser):
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/index.html")
    button = shown.explorer.get_by_role("button", name="Start over")
    place = """button => {
        const { left, top, width, height } = button.getBoundingClientRect();
        return [left + scrollX, top + scrollY, width, height];
    }"""
    before = shown.settings(), shown.explorer.locator(".stage").inner_html(), button.evaluate(place)
    assert button.get_attribute("aria-disabled") == "true"
    shown.explorer.get_by_label("bidirectional").check()
    shown.explorer.get_by_label("Expression in Python").fill("hn")
    shown.explorer.locator(".entry.x").first.click()
    shown.explorer.locator(".numbers input").first.fill("7")
    assert button.get_attribute("aria-disabled") == "false"
    button.click()
    shown.page.mouse.move(1, 1)
    assert (shown.settings(), shown.explorer.locator(".stage").inner_html(), button.evaluate(place)) == before
    assert button.get_attribute("aria-disabled") == "true"
    context.close()


def test_start_over_restores_what_the_link_said(show):
    shown = show(attributes="share", fragment="#num_layers=3&h_0={%22shape%22:[3,2,5]}")
    before = shown.settings()
    shown.explorer.get_by_role("radio", name="LSTM").check()
    shown.explorer.get_by_role("button", name="Start over").click()
    assert shown.settings() == before
    assert before["num_layers"] == 3


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_control_moves_and_the_picture_stays_where_it_begins(size, show):
    """Whatever is done with layers, directions, lengths, the module and time."""
    shown = show({"num_layers": 2, "input": "sin"}, viewport=size)
    shown.explorer.get_by_text("More settings").click()
    script = """explorer => {
        const parts = '.row :is(label, button, input, select), .over, .bar :is(label, button, input), .stage';
        return [...explorer.shadowRoot.querySelectorAll(parts)].map(part => {
            const { left, top } = part.getBoundingClientRect();
            return [part.ariaLabel || part.className, top + scrollY, part.classList.contains('stage') ? 0 : left];
        });
    }"""
    before = shown.explorer.evaluate(script)
    assert len(before) > 40
    explorer = shown.explorer
    for act in (
        explorer.get_by_label("bidirectional").check,
        explorer.get_by_role("button", name="more num_layers").click,
        explorer.get_by_label("lengths", exact=True).check,
        explorer.get_by_role("button", name="less length of sample 0").click,
        explorer.get_by_role("radio", name="LSTM").check,
        explorer.get_by_role("button", name="more hidden_size").click,
        explorer.get_by_role("button", name="Step", exact=True).click,
        explorer.get_by_role("button", name="Start over").click,
    ):
        act()
        assert explorer.evaluate(script) == before


def test_every_control_does_something_visible(show):
    """Each one is operated, in an LSTM or an RNN of two layers, and the stage, its error or the shapes change."""
    untouched = []
    for module in ("RNN", "LSTM"):
        shown = show({"module": module, "num_layers": 2, "input": "sin", "lengths": [3, 2]})
        shown.explorer.get_by_text("More settings").click()
        look = """explorer => [...explorer.shadowRoot.querySelectorAll('.bar, .scroll, .legend, .problem')]
            .map(part => part.innerHTML + (part.querySelector('canvas')?.toDataURL() ?? '')).join()"""
        count = shown.explorer.locator("input:enabled, select:enabled, .stepper button:enabled").count()
        for index in range(count):
            shown.set(**{"module": module, "num_layers": 2, "input": "sin", "lengths": [3, 2]})
            control = shown.explorer.locator("input:enabled, select:enabled, .stepper button:enabled").nth(index)
            before = shown.explorer.evaluate(look)
            name = operate(control)
            if (
                shown.explorer.evaluate("(explorer) => explorer.updateComplete")
                and shown.explorer.evaluate(look) == before
            ):
                untouched.append(f"{module}: {name}")
        assert shown.errors == []
    assert untouched == []
