"""The explorer, in a real browser: on the built site, in a bare page, and in a live JupyterLab. Torch says what is right."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import torch
import traitlets
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from engine_bridge import WEB, node
from explorer_pages import BUNDLE, PICTURES, Watched, bare_page, build, tag, tensors, watch
from pages import pages, parsed
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import unrolled
from unrolled.explorer.forward_pass import forward
from unrolled.explorer.html import DEFAULTS, element

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("bare")


@pytest.fixture(scope="session")
def bare(folder, serve_folder) -> str:
    """The address of a folder of pages that hold nothing but an explorer."""
    return serve_folder(folder)


@pytest.fixture
def show(folder, bare, browser) -> Iterator:
    """A function that opens an explorer with these settings in a bare page."""
    contexts = []

    def open_page(settings: dict | None = None, attributes: str = "", fragment: str = "", **context) -> Watched:
        contexts.append(browser.new_context(**{"viewport": WIDE, **context}))
        name = bare_page(folder, f"page{len(contexts)}", tag(settings or {}, attributes))
        return watch(contexts[-1], f"{bare}/{name}{fragment}")

    yield open_page
    for context in contexts:
        context.close()


def picture(name: str) -> dict:
    return PICTURES[name]


each_picture = pytest.mark.parametrize("name", PICTURES)


# The bundle


def test_the_bundle_is_what_its_sources_make(tmp_path):
    made = tmp_path / "unrolled.js"
    subprocess.run([node(), "build.mjs", "view/index.ts", str(made)], cwd=WEB, check=True)
    assert made.read_bytes() == BUNDLE.read_bytes(), "run `make bundle`"


def test_the_bundle_is_at_most_40_kb():
    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) <= 40_000


def test_the_bundle_evaluates_no_text():
    assert not re.search(r"\beval\(|new Function|\bFunction\(|unsafeHTML", BUNDLE.read_text())


def test_the_engine_is_exported(show):
    shown = show()
    spec = {"module": "RNN", "input_size": 4, "hidden_size": 5, "batch_first": True, "input": tensors({})["x"].tolist()}
    found = shown.page.evaluate("spec => import('./unrolled.js').then(({ run }) => run(spec).h_n)", spec)
    torch.testing.assert_close(torch.tensor(found), tensors({})["hn"], atol=1e-5, rtol=0)


def test_loaded_twice_it_is_registered_once(folder, bare, browser):
    twice = tag({}) + '<script type="module" src="unrolled.js?again"></script>'
    context = browser.new_context()
    assert watch(context, f"{bare}/{bare_page(folder, 'twice', twice)}").errors == []
    context.close()


def test_python_and_javascript_have_the_same_settings(show):
    assert show().settings() == DEFAULTS


# The numbers


@each_picture
def test_the_plain_python_table_has_torchs_numbers(name):
    settings = {**DEFAULTS, **picture(name)}
    grid, D = forward(settings), 1 + settings["bidirectional"]
    full = tensors(settings)
    for layer in range(settings["num_layers"]):
        # A short h_0 belongs to every layer's own rows; these pictures give one only where there is one layer.
        output = tensors(settings, layer + 1)["output"]
        output = output if settings["batched"] else output[None]
        output = output if settings["batch_first"] or not settings["batched"] else output.transpose(0, 1)
        for (row, step, sample), h in grid.h.items():
            if row // D == layer:
                half = slice(row % D * len(h), (row % D + 1) * len(h))
                torch.testing.assert_close(torch.tensor(h), output[sample, step, half], atol=2e-6, rtol=0)
    if "cn" in full:
        for (row, step, sample), c in grid.c.items():
            if step == (0 if row % D else grid.lengths[sample] - 1):
                torch.testing.assert_close(torch.tensor(c), full["cn"][row, sample], atol=2e-6, rtol=0)


@each_picture
def test_every_slice_that_the_readout_names_holds_the_numbers_it_shows(name, show):
    """Of every box and every entry of the frame; and every number of the tensors is shown somewhere."""
    settings = picture(name)
    names = tensors(settings)
    shown = show(settings)
    seen = {tensor: torch.zeros(value.shape, dtype=torch.bool) for tensor, value in names.items()}
    samples = settings.get("N", 2) if settings.get("batched", True) else 1
    for sample in range(samples):
        shown.set(**{**settings, "sample": sample})
        for index in range(len(shown.entries())):
            shown.entry(index).evaluate(
                "entry => entry.dispatchEvent(new PointerEvent('pointermove', {bubbles: true, composed: true}))"
            )
            readout = shown.readout()
            assert readout["slices"] or "not return" in readout["words"]
            for text in readout["slices"]:
                torch.testing.assert_close(
                    eval(text, {}, names), torch.tensor(readout["numbers"]), atol=6e-5, rtol=1e-4
                )
                eval(text, {}, seen).fill_(True)
    shown_all = {tensor for tensor, mask in seen.items() if bool(mask.all())}
    assert shown_all == set(names) - (set() if settings.get("module") == "LSTM" else {"c0"})
    assert shown.errors == []


@each_picture
def test_the_python_code_prints_what_the_explorer_prints(name, show):
    for expression in ("output", "hn", "hn.shape", "x.sum() > h0.sum()"):
        shown = show({**picture(name), "expression": expression})
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


# What a student does


def test_a_student_finds_hn_1_of_two_layers_and_two_directions(address, browser):
    """Nothing but the landing page: tick the box, look for the text hn[1], point at it, read."""
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/index.html")
    assert shown.settings()["num_layers"] == 2
    shown.explorer.get_by_label("bidirectional").check()
    shown.explorer.locator(".stage").get_by_text("hn[1]", exact=True).hover()
    readout = shown.readout()
    assert readout["slices"] == ["hn[1, 0]"]
    assert all(word in readout["words"] for word in ("not in output", "layer 0", "backward", "step 0"))
    [frame] = [entry for entry in shown.entries(".same") if entry["label"] == "hn[1]"]
    [box] = [entry for entry in shown.entries(".same") if "box" in entry["classes"]]
    assert frame["box"]["right"] < box["box"]["left"], "a backward row's h_n leaves at the left"
    assert abs(frame["box"]["y"] - box["box"]["y"]) < 10
    assert shown.errors == []
    context.close()


def test_a_second_direction_leaves_the_same_state_selected(address, browser):
    """The landing page selects the top layer's last state; ticking the box must not make that another state."""
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/index.html")
    assert "hn[1, 0]" in shown.readout()["slices"]
    shown.explorer.get_by_label("bidirectional").check()
    assert {"output[0, 2, :5]", "hn[2, 0]"} <= set(shown.readout()["slices"])
    shown.explorer.get_by_label("bidirectional").uncheck()
    assert "hn[1, 0]" in shown.readout()["slices"]
    context.close()


def test_pointing_lights_the_same_value_everywhere_and_where_it_came_from(show):
    shown = show({"num_layers": 2, "input": "sin"})
    shown.explorer.locator(".entry.corner").hover()
    assert sorted(entry["classes"].split()[1] for entry in shown.entries(".same")) == ["box", "hn", "output"]
    sources = {entry["name"].split(";")[0] for entry in shown.entries(".source.box")}
    assert sources == {"h, not returned", "output[0, 1]", "hn[0, 0]"} - {"h, not returned"}
    assert shown.readout()["slices"][1:] in (["hn[1, 0, 2]", "hn[-1, 0, 2]"], ["hn[1, 0]", "hn[-1, 0]"])
    shown.page.mouse.move(1, 1)
    assert shown.entries(".same") == []


def test_a_click_selects_what_it_is_on_wherever_the_focus_was(show):
    """A press moves the focus, and with it what is lit; what is pressed must still be there when it is let go."""
    shown = show({"num_layers": 2, "bidirectional": True})
    selected: list[str] = []
    for entry in shown.entries():
        if entry["index"] in selected:
            continue  # the same place drawn again, which a click would let go
        box = entry["box"]
        shown.page.mouse.move(box["x"] + 9, box["bottom"] - 9)
        for act in (shown.page.mouse.down, shown.page.mouse.up):
            shown.explorer.evaluate("explorer => explorer.updateComplete")
            act()
        shown.page.mouse.move(1, 1)
        selected = [same["index"] for same in shown.entries(".same")]
        assert entry["index"] in selected, entry["name"]


@pytest.mark.parametrize("module", ["RNN", "LSTM"])
def test_the_readout_says_which_of_output_and_hn_a_state_is_not_in(module, show):
    settings = {"module": module, "num_layers": 2, "bidirectional": True, "input": "sin", "hidden_size": 3}
    names = tensors(settings)
    shown = show(settings)
    for entry in shown.entries(".box"):
        shown.entry(entry["index"]).focus()
        numbers = torch.tensor(shown.readout()["numbers"])
        holders = {
            name: names[name].unfold(-1, 3, 3).sub(numbers).abs().amax(-1).min() < 6e-5
            for name in {"output", "hn", "cn"} & names.keys()
        }
        words = shown.readout()["words"]
        assert ("not in output" in words) == ((holders["hn"] or holders.get("cn", False)) and not holders["output"])
        assert ("not in hn" in words) == (holders["output"] and not holders["hn"])
        assert ("in no tensor" in words) == (not any(holders.values()))


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("hidden_size", [5, 16])
def test_the_readout_never_moves_the_page_and_shows_everything(hidden_size, size, show):
    shown = show(
        {"num_layers": 2, "bidirectional": True, "input": "sin", "hidden_size": hidden_size, "L": 2}, viewport=size
    )
    heights = set()
    for index in range(len(shown.entries())):
        shown.entry(index).hover()
        heights.add(shown.explorer.evaluate("explorer => explorer.getBoundingClientRect().height"))
        assert (
            shown.explorer.locator(".readout").evaluate("readout => readout.scrollHeight - readout.clientHeight") <= 0
        )
    for kind in ("x", "h0"):
        shown.explorer.locator(f".entry.{kind}").first.click()
        assert shown.explorer.locator(".numbers input").count() in (4, hidden_size)
        heights.add(shown.explorer.evaluate("explorer => explorer.getBoundingClientRect().height"))
        assert (
            shown.explorer.locator(".readout").evaluate("readout => readout.scrollHeight - readout.clientHeight") <= 0
        )
    shown.page.mouse.move(1, 1)
    heights.add(shown.explorer.evaluate("explorer => explorer.getBoundingClientRect().height"))
    assert len(heights) == 1


def test_a_short_sample_ends_early(show):
    shown = show({"L": 4, "lengths": [4, 2], "sample": 1})
    boxes = shown.entries(".box")
    [last] = [entry for entry in shown.entries(".hn")]
    padded = [entry for entry in shown.entries(".output")][2:]
    assert len(boxes) == 2
    assert boxes[1]["box"]["right"] < last["box"]["left"] < padded[1]["box"]["left"]
    bands = shown.explorer.evaluate(
        "e => [...e.shadowRoot.querySelectorAll('.output.band rect')].map(rect => rect.getBoundingClientRect().toJSON())"
    )
    assert len(bands) == 2
    for band in bands:
        assert band["right"] < last["box"]["left"] or band["bottom"] < last["box"]["top"], (
            "what is not output has not its colour"
        )
    shown.entry(padded[0]["index"]).hover()
    assert set(shown.readout()["numbers"]) == {0.0}


def test_time_unrolls_step_by_step_and_backward_rows_from_the_right(show):
    shown = show({"bidirectional": True})
    step = shown.explorer.get_by_role("button", name="Step", exact=True)
    step.click()
    known = [entry["box"]["x"] for entry in shown.entries(".box:not(.later)")]
    assert known[0] == min(entry["box"]["x"] for entry in shown.entries(".box"))
    assert known[1] == max(entry["box"]["x"] for entry in shown.entries(".box"))
    step.click()
    step.click()
    assert shown.entries(".later") == []


def test_the_first_step_empties_nothing_and_no_number_shows_before_its_time(show):
    shown = show({"num_layers": 2, "input": "sin", "selected": "h.1.2"})
    step = shown.explorer.get_by_role("button", name="Step", exact=True)
    for later in (4, 2):
        step.click()
        assert len(shown.entries(".box.later")) == later
        assert [drawn(shown, ".box.later"), drawn(shown, ".box:not(.later)")] == [False, True]
        assert shown.readout()["numbers"] == []
        assert "not computed yet" in shown.readout()["words"]
    step.click()
    assert shown.readout()["numbers"] == pytest.approx(
        tensors({"num_layers": 2, "input": "sin"})["hn"][1, 0].tolist(), abs=6e-5
    )


def drawn(shown: Watched, selector: str) -> bool:
    """Whether the first of these has colours."""
    script = """entry => {
        const canvas = entry.closest('.stage').querySelector('canvas'), { left, top } = canvas.getBoundingClientRect(), box = entry.getBoundingClientRect();
        return canvas.getContext('2d').getImageData(box.left - left, box.top - top, box.width, box.height).data.some(value => value > 0);
    }"""
    return shown.explorer.locator(selector).first.evaluate(script)


def test_play_runs_to_the_end(show):
    shown = show()
    shown.explorer.get_by_role("button", name="Play").click()
    assert len(shown.entries(".box.later")) == 3
    shown.explorer.get_by_role("button", name="Play").wait_for(timeout=10_000)
    shown.page.wait_for_timeout(900)
    assert shown.entries(".later") == [], "and stays there"


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
    """As the expression does: no Enter, nothing rewritten under the hand, and what cannot be read is marked and changes nothing."""
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


def printed(shown: Watched) -> str:
    return shown.explorer.locator(".expression pre").text_content().split("  # shape")[0]


@each_picture
def test_the_untouched_line_says_where_output_and_hn_meet(name, show):
    """Whatever the settings are. Short samples end in padding, and meet hn elsewhere."""
    settings = picture(name)
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


def test_start_over_restores_what_the_page_began_with(address, browser):
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/index.html")
    button = shown.explorer.get_by_role("button", name="Start over")
    place = "button => { const { left, top, width, height } = button.getBoundingClientRect(); return [left + scrollX, top + scrollY, width, height]; }"
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
    script = """explorer => [...explorer.shadowRoot.querySelectorAll('.row :is(label, button, input, select), .over, .bar :is(label, button, input), .stage')]
        .map(part => [part.ariaLabel || part.className, part.getBoundingClientRect().top + scrollY, part.classList.contains('stage') ? 0 : part.getBoundingClientRect().left])"""
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


def test_what_the_line_reads_looks_unlike_the_same_number_elsewhere(show):
    """Of the entries that are lit, hn is read and has a bar; its box and its part of output have a frame. With no colour."""
    shown = show({"num_layers": 2, "input": "sin"})
    shown.explorer.get_by_label("Expression in Python").fill("hn[-1]")
    assert {entry["classes"].split()[1] for entry in shown.entries(".addressed.read")} == {"hn"}
    assert {entry["classes"].split()[1] for entry in shown.entries(".addressed:not(.read)")} == {"box", "output"}
    look = "entry => { const strip = entry.querySelector('.strip'); return [getComputedStyle(strip).outlineStyle, strip.querySelector('u')?.offsetHeight ?? 0] }"
    looks = {
        selector: shown.explorer.locator(selector).first.evaluate(look)
        for selector in (".addressed.read", ".box.addressed", ".output.addressed")
    }
    assert looks == {".addressed.read": ["none", 5], ".box.addressed": ["solid", 0], ".output.addressed": ["solid", 0]}
    assert "bar" in shown.readout()["words"]
    assert "frame" in shown.readout()["words"]


def test_the_corner_has_a_landmark_and_no_frame(show):
    shown = show({"num_layers": 2})
    border = "entry => getComputedStyle(entry.querySelector('.strip')).border"
    assert shown.explorer.locator(".corner").evaluate(border) == shown.explorer.locator(
        ".box:not(.corner)"
    ).first.evaluate(border)
    pin = "entry => getComputedStyle(entry, '::after').content"
    assert [shown.explorer.locator(kind).first.evaluate(pin) for kind in (".corner", ".box:not(.corner)")] == [
        '""',
        "none",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["lstm", "gru", "states"])
def test_the_colours_reach_as_far_as_the_numbers_and_the_legend_says_how_far(name, scheme, show):
    """Of the largest magnitude the colour is full, and a tenth of it can still be told from 0."""
    settings = picture(name)
    shown = show(settings, color_scheme=scheme)
    grid = forward({**DEFAULTS, **settings})
    names = tensors(settings)
    reach = {"x": names["x"].abs().max().item()}
    for state, computed in (("h", grid.h), ("c", grid.c)):
        given = [names[f"{state}0"].flatten().tolist()] if settings.get(f"{state}_0") else []
        reach[state] = max((abs(value) for vector in [*computed.values(), *given] for value in vector), default=None)
    legend = shown.explorer.locator(".scale").inner_text().replace("−", "-").split()
    assert dict(zip(legend[::3], map(float, legend[2::3]), strict=True)) == {
        name: pytest.approx(most, rel=0.06) for name, most in reach.items() if most
    }
    drawn = shown.explorer.evaluate(
        """explorer => {
            const canvas = explorer.shadowRoot.querySelector('canvas'), stage = canvas.getBoundingClientRect();
            const at = (x, y) => canvas.getContext('2d').getImageData(x - stage.x, y - stage.y, 1, 1).data[3] / 255;
            return [...explorer.shadowRoot.querySelectorAll('.entry.hn, .entry.cn')].map(entry => {
                const { left, top, width, height } = entry.querySelector('.strip').getBoundingClientRect();
                const count = Number(entry.ariaLabel.startsWith('hn') ? explorer.settings.proj_size || explorer.settings.hidden_size : explorer.settings.hidden_size);
                return [entry.ariaLabel, Array.from({ length: count }, (_, k) => at(left + (k + 0.5) * width / count, top + height / 2))];
            });
        }"""
    )
    for label, alphas in drawn:
        values = eval(re.findall(r"[hc]n\[[^]]*\]", label)[-1], {}, names)
        largest = reach[label[0]]
        for value, alpha in zip(values.abs().flatten().tolist(), alphas, strict=True):
            assert alpha == pytest.approx(245 / 255 * (value / largest) ** 0.6, abs=0.02)
            assert value < largest / 10 or alpha > 0.2


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


def test_every_control_does_something_visible(show):
    """Each one is operated, in an LSTM or an RNN of two layers, and the stage, its error or the shapes change."""
    untouched = []
    for module in ("RNN", "LSTM"):
        shown = show({"module": module, "num_layers": 2, "input": "sin", "lengths": [3, 2]})
        shown.explorer.get_by_text("More settings").click()
        look = "explorer => [...explorer.shadowRoot.querySelectorAll('.bar, .scroll, .legend, .problem')].map(part => part.innerHTML + (part.querySelector('canvas')?.toDataURL() ?? '')).join()"
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


def operate(control) -> str:
    """Give the control another value, as a hand would; return what it is called."""
    control = control.element_handle()  # what is typed may disable the button beside it, and a locator counts anew
    kind = control.evaluate("c => c.tagName === 'SELECT' ? 'select' : c.type")
    name = control.evaluate("c => c.ariaLabel || c.id || c.closest('label')?.innerText || c.type")
    if kind == "select":
        control.select_option(index=control.evaluate("c => (c.selectedIndex + 1) % c.options.length"))
    elif kind == "radio":
        group = control.evaluate_handle(
            "c => [...c.closest('fieldset').querySelectorAll('input')].find(other => !other.checked) ?? c"
        )  # one sample alone stays checked
        group.as_element().check(force=True)
    elif kind == "checkbox":
        control.set_checked(not control.is_checked())
    elif kind == "number":
        control.fill(str(int(float(control.input_value())) - 1 or 2) if control.get_attribute("min") != "0" else "1")
        control.press("Enter")
    elif kind == "range":
        control.fill("1")
    elif kind == "text":
        control.fill("(2, 3, 3)")
        control.press("Enter")
    else:
        control.click()
    return name


def test_the_copy_button_copies_the_program(show):
    shown = show(permissions=["clipboard-read", "clipboard-write"])
    shown.explorer.get_by_text("Python", exact=True).click()
    shown.explorer.get_by_role("button", name="Copy").click()
    shown.explorer.get_by_role("button", name="Copied").wait_for()
    assert (
        shown.page.evaluate("navigator.clipboard.readText()") == shown.explorer.locator(".program pre").text_content()
    )


# Hands and eyes


def test_with_the_keyboard_alone(show):
    shown = show({"num_layers": 2, "input": "sin"})
    focused = lambda: shown.explorer.evaluate("explorer => explorer.shadowRoot.activeElement?.ariaLabel ?? ''")
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
    assert shown.readout()["slices"] == ["hn[0, 0]"], "what was chosen stays lit"
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
                "e => { const a = e.shadowRoot.activeElement; return a && (a.ariaLabel || a.id || a.className || a.innerText || a.closest('label')?.innerText || a.type) }"
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
        else {**picture(name), "selected": "h.1.0", "expression": "hn[0, 0]"}
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


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize(
    "settings", [*PICTURES.values(), {"bidirectional": True, "hidden_size": 10, "L": 5}], ids=[*PICTURES, "ten"]
)
def test_nothing_on_the_stage_collides(settings, size, show):
    shown = show(settings, viewport=size)
    parts = shown.explorer.evaluate(
        "e => [...e.shadowRoot.querySelectorAll('.stage :is(text, .strip, .label)')].map(part => part.getBoundingClientRect().toJSON())"
    )
    stage = shown.explorer.locator(".stage").bounding_box()
    for index, a in enumerate(parts):
        assert a["left"] >= stage["x"]
        assert a["right"] <= stage["x"] + stage["width"] + 1
        for b in parts[index + 1 :]:
            apart = (
                a["right"] <= b["left"] + 0.6
                or b["right"] <= a["left"] + 0.6
                or a["bottom"] <= b["top"] + 2.1
                or b["bottom"] <= a["top"] + 2.1
            )
            assert apart, (a, b)


def test_a_short_wide_stage_needs_no_scrolling_on_a_phone(show):
    shown = show({"num_layers": 2, "bidirectional": True}, viewport=NARROW)
    # The bare page has a margin and the explorer a padding; a page of the site is wider inside.
    assert shown.explorer.locator(".scroll").evaluate("scroll => scroll.scrollWidth - scroll.clientWidth") <= 24


def test_dark_and_light_follow_the_page(show):
    paper = "explorer => getComputedStyle(explorer).backgroundColor"
    assert show(color_scheme="light").explorer.evaluate(paper) == "rgb(255, 255, 255)"
    shown = show(color_scheme="dark")
    dark = shown.explorer.evaluate(paper)
    assert dark == "rgb(20, 23, 28)"
    shown.page.evaluate("document.documentElement.dataset.theme = 'light'")
    shown.page.wait_for_function(
        "getComputedStyle(document.querySelector('rnn-explorer')).backgroundColor === 'rgb(255, 255, 255)'"
    )


def test_reduced_motion_means_no_motion(show):
    shown = show(reduced_motion="reduce")
    assert shown.explorer.get_by_role("button", name="Play").count() == 0
    assert (
        shown.explorer.locator(".strip").first.evaluate("strip => getComputedStyle(strip).transitionDuration") == "0s"
    )
    shown.explorer.get_by_role("button", name="Step", exact=True).click()
    assert len(shown.entries(".box.later")) == 2


# The address


def test_the_address_holds_the_state_and_a_link_shows_it(address, browser):
    context = browser.new_context(viewport=WIDE)
    shown = watch(context, f"{address}/explorer.html")
    shown.explorer.get_by_role("radio", name="LSTM").check()
    shown.explorer.get_by_label("bidirectional").check()
    shown.explorer.get_by_label("Expression in Python").fill("hn[0] + '<&%'")
    shown.page.wait_for_function("location.hash.includes('expression')")
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


# Robustness


def state_of(shown: Watched) -> str:
    """What is drawn and written, without what only the past explains: which folds are open, where Tab goes."""
    script = """explorer => [...explorer.shadowRoot.querySelectorAll('.bar, .scroll, .readout, .legend, .expression, .problem, .program pre')]
        .map(part => part.outerHTML.replace(/<!--.*?-->/g, '').replace(/ tabindex="-?\\d"/g, '') + (part.querySelector('canvas')?.toDataURL() ?? '')).join('\\n')"""
    values = "explorer => [...explorer.shadowRoot.querySelectorAll('input, select, textarea')].map(c => c.type === 'checkbox' || c.type === 'radio' ? c.checked : c.value)"
    return shown.explorer.evaluate(script) + json.dumps(shown.explorer.evaluate(values))


@pytest.mark.parametrize("seed", range(2))
def test_a_hundred_random_interactions_end_where_a_fresh_start_would(seed, show):
    chance = random.Random(seed)
    shown = show({"num_layers": 2, "input": "sin"}, reduced_motion="reduce")
    for fold in shown.explorer.locator("details").all():
        fold.evaluate("fold => fold.open = true")
    for _ in range(100):
        kind = chance.random()
        controls = shown.explorer.locator(
            "input:enabled, select:enabled, button:enabled:not(.entry):not(.program button)"
        )
        if kind < 0.6:
            operate(controls.nth(chance.randrange(controls.count())))
        elif kind < 0.9 and (entries := shown.entries()):
            shown.entry(chance.randrange(len(entries))).click(force=True)
        elif shown.explorer.locator("textarea").count():
            shown.explorer.locator("textarea").fill(chance.choice(["hn", "output[0]", "hn[", "x == h0", "hn.shape"]))
    shown.page.mouse.move(1, 1)
    shown.explorer.evaluate(
        "explorer => { explorer.shadowRoot.activeElement?.blur(); explorer.addressing = false; explorer.ignored = []; return explorer.updateComplete; }"
    )
    fresh = show(shown.settings(), reduced_motion="reduce")
    assert fresh.settings() == shown.settings()
    assert state_of(shown) == state_of(fresh)
    assert shown.errors == []


HOSTILE = [
    "<img src=x onerror=boom()>",
    "<script>boom()</script>",
    "\"'><svg onload=boom()>",
    "javascript:boom()",
    "__proto__",
    "constructor",
    "1e999",
    "-" * 60,
    "9" * 400,
    "(" * 900,
    "[" * 900,
    "{}",
    "null",
    "NaN",
    "%",
    "%E0%A4%A",
    "\x00",
    "💥",
    "hn" + "[0]" * 300,
    "x" + ".T" * 300,
    "output @ output",
    "hn.__class__",
    "torch.load('a')",
    "x[...,...,None]" * 9,
]
TOKENS = [
    "x",
    "h0",
    "output",
    "hn",
    "torch",
    ".",
    "equal",
    "cat",
    "(",
    ")",
    "[",
    "]",
    ":",
    ",",
    "-1",
    "0",
    "7",
    "99999999999999999999",
    "...",
    "None",
    "==",
    "+",
    "*",
    "/",
    "view",
    "reshape",
    "transpose",
    "shape",
    "'",
    "\\",
    "#",
    " ",
    "=",
    "dim",
]


def test_a_thousand_hostile_fragments_and_expressions_do_no_harm(show, capsys):
    """Nothing is thrown that is not caught, and no markup is inserted; the worst time is printed."""
    shown = show(attributes="share")
    chance = random.Random(0)
    expressions = HOSTILE + [
        "".join(chance.choices(TOKENS + HOSTILE[:6], k=chance.randint(1, 12))) for _ in range(500 - len(HOSTILE))
    ]
    names = [*DEFAULTS, "onload", "<b>", "__proto__", "toString"]
    values = HOSTILE + [
        "2",
        "true",
        "[1,2]",
        '{"shape":[1,2,5]}',
        '{"shape":[99999,99999]}',
        "-1",
        "3",
        "32",
        "16",
        "RNN",
        "LSTM",
        "sin",
        "[[[1]]]",
        "h.0.0",
        "h.-1.0",
    ]
    fragments = [
        "&".join(f"{chance.choice(names)}={chance.choice(values)}" for _ in range(chance.randint(1, 6)))
        for _ in range(500)
    ]
    found = shown.page.evaluate(
        """async ([expressions, fragments]) => {
            let uncaught = [], worst = [0, ''], inserted = new Set();
            window.boom = () => uncaught.push('boom');
            addEventListener('error', event => uncaught.push(event.message));
            addEventListener('unhandledrejection', event => uncaught.push(String(event.reason)));
            const explorer = document.querySelector('rnn-explorer');
            const known = new Set('CANVAS TEXTAREA DIV P SPAN CODE PRE B I U UL LI BUTTON INPUT SELECT OPTION LABEL FIELDSET LEGEND DETAILS SUMMARY TABLE TBODY TR TH TD CAPTION svg g rect path text A STYLE'.split(' '));
            const settle = async (text, act) => {
                const started = performance.now();
                act();
                await explorer.updateComplete;
                const took = performance.now() - started;
                if (took > worst[0]) worst = [took, text];
                for (const node of explorer.shadowRoot.querySelectorAll('*')) {
                    if (!known.has(node.tagName)) inserted.add(node.tagName);
                    for (const { name } of node.attributes) if (name.startsWith('on')) inserted.add(node.tagName + ' ' + name);
                }
            };
            for (const text of expressions) await settle(text, () => explorer.change({ expression: text }));
            for (const text of fragments) await settle(text, () => {
                history.replaceState(null, '', '#' + text);
                dispatchEvent(new HashChangeEvent('hashchange'));
            });
            await new Promise(resolve => setTimeout(resolve, 100));
            return { uncaught, worst, inserted: [...inserted] };
        }""",
        [expressions, fragments],
    )
    with capsys.disabled():
        print(f"\nWorst of a thousand hostile inputs: {found['worst'][0]:.0f} ms, for {found['worst'][1][:60]!r}")
    assert found["uncaught"] == []
    assert found["inserted"] == []
    assert shown.errors == []


# Without a script, and without a site


def table_numbers(soup: BeautifulSoup) -> dict[str, list[list[float]]]:
    """The table's rows by the slice that their first cell names."""
    rows = soup.select("rnn-explorer tr") or soup.select("table tr")
    return {
        re.search(r"[hc]n\[.*\]", row.th.get_text())[0]: [
            [float(number) for number in cell.get_text().split()] for cell in row.find_all("td")
        ]
        for row in rows
        if row.th and row.th.get("scope") == "row"
    }


def test_the_landing_page_without_javascript(site, address, browser):
    """The drawing and a readable table with torch's numbers."""
    context = browser.new_context(java_script_enabled=False, viewport=NARROW)
    page = context.new_page()
    page.goto(f"{address}/index.html")
    assert page.locator("rnn-explorer svg[role=img]").is_visible()
    assert page.locator("rnn-explorer table").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    context.close()
    settings = json.loads(parsed(site, "index.html").find("rnn-explorer")["settings"])
    numbers, names = table_numbers(parsed(site, "index.html")), tensors(settings)
    for row, sample in [(row, sample) for row in range(2) for sample in range(2)]:
        assert numbers[f"hn[{row}, {sample}]"][-1] == pytest.approx(names["hn"][row, sample].tolist(), abs=6e-5)
    for step in range(3):
        assert numbers["hn[1, 0]"][step] == pytest.approx(names["output"][0, step].tolist(), abs=6e-5)


def test_only_pages_with_an_explorer_load_its_script(site):
    with_script = {name for name in pages(site) if "unrolled.js" in (site / name).read_text()}
    with_explorer = {name for name in pages(site) if "<rnn-explorer" in (site / name).read_text()}
    assert with_script == with_explorer >= {"index.html", "explorer.html"}


def test_a_page_made_by_nbconvert_has_the_numbers_too(tmp_path, browser, serve_folder):
    """From the output that a notebook stores: the HTML and the text, not the widget's view."""
    explorer = unrolled.explore(num_layers=2)
    data, _ = explorer._repr_mimebundle_()
    stored = {kind: value for kind, value in data.items() if kind in ("text/html", "text/plain")}
    assert set(stored) == {"text/html", "text/plain"}
    assert sum(map(len, stored.values())) < 5000, "never the bundle"
    cell = nbformat.v4.new_code_cell("explorer", outputs=[nbformat.v4.new_output("execute_result", stored)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--template", "lab", "a.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    numbers = table_numbers(BeautifulSoup((tmp_path / "a.html").read_text(), "html.parser"))
    assert numbers["hn[1, 0]"][-1] == pytest.approx(tensors({"num_layers": 2})["hn"][1, 0].tolist(), abs=6e-5)
    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
    page.goto(f"{serve_folder(tmp_path)}/a.html", wait_until="domcontentloaded")
    assert page.locator("table", has_text="layer 1 (hn[1, 0])").is_visible()
    context.close()


def test_a_table_that_nobody_would_read_is_cut_short():
    assert len(element({"N": 4, "L": 16, "hidden_size": 16, "num_layers": 3, "bidirectional": True})) < 30_000


# Python


def test_importing_the_package_imports_nothing_heavy():
    heavy = "import unrolled, sys; print([name for name in ('torch', 'anywidget', 'ipywidgets', 'matplotlib') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_explore_shows_the_weights_of_a_real_module(folder, bare, browser):
    torch.manual_seed(3)
    module = nn.GRU(3, 4, 2, bidirectional=True)
    nn.init.orthogonal_(module.weight_hh_l1)
    x = torch.rand(5, 2, 3)
    explorer = unrolled.explore(module, x, expression="hn")
    context = browser.new_context()
    shown = watch(context, f"{bare}/{bare_page(folder, 'module', explorer._repr_mimebundle_()[0]['text/html'])}")
    with torch.no_grad():
        output, hn = module(x)
    shown.explorer.locator(".entry.hn").last.hover()
    readout = shown.readout()
    for text in readout["slices"]:
        torch.testing.assert_close(
            eval(text, {"output": output, "hn": hn}), torch.tensor(readout["numbers"]), atol=6e-5, rtol=0
        )
    assert shown.errors == []
    context.close()
    copy = explorer.module()
    assert all(torch.equal(a, b) for a, b in zip(copy.state_dict().values(), module.state_dict().values(), strict=True))


@each_picture
def test_module_gives_the_shown_module_back(name):
    state = torch.random.get_rng_state()
    given = unrolled.explore(**picture(name)).module()
    assert torch.equal(torch.random.get_rng_state(), state), "the reader's own seed is left alone"
    expected = build(picture(name))
    assert repr(given) == repr(expected)
    assert all(
        torch.equal(a, b) for a, b in zip(given.state_dict().values(), expected.state_dict().values(), strict=True)
    )


def test_a_trait_can_be_observed():
    explorer, seen = unrolled.explore(), []
    explorer.observe(lambda change: seen.append(change["new"]), "num_layers")
    explorer.num_layers = 3
    assert seen == [3]
    assert explorer.module().num_layers == 3


@pytest.mark.parametrize(
    "call",
    [
        lambda: unrolled.explore(layers=2),
        lambda: unrolled.explore(nn.Linear(1, 1)),
        lambda: unrolled.explore(num_layers=0),
        lambda: unrolled.explore("Transformer"),
    ],
)
def test_what_cannot_be_shown_is_refused(call):
    with pytest.raises((TypeError, ValueError, traitlets.TraitError)):
        call()


@pytest.mark.parametrize(
    "input",
    [
        3,
        "cos",
        [None],
        [[1.0, 2.0], [3.0]],
        {"shape": "a"},
        torch.tensor(1.0),
        torch.zeros(2, 3, 4, dtype=torch.complex64),
        torch.zeros(2, 3, 4, device="meta"),
        torch.ones(2, 3, 4).to_sparse(),
        [[10**400]],
    ],
)
def test_what_is_no_tensor_is_refused_in_one_sentence(input):
    for refused in (
        lambda: unrolled.explore(input=input),
        lambda: unrolled.explore("RNN", hx=input),
        lambda: setattr(unrolled.explore(), "h_0", input),
    ):
        with pytest.raises(traitlets.TraitError, match="has to be a dense tensor of real numbers"):
            refused()


def test_a_layer_too_large_to_draw_is_refused_in_one_sentence():
    with pytest.raises(
        traitlets.TraitError,
        match="^The explorer takes hidden_size up to 32, and this is 64: a smaller layer has the same axes.$",
    ):
        unrolled.explore(nn.LSTM(10, 64))


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (4,), (1, 2, 3, 4), (2, 3, 7)])
def test_what_has_no_picture_says_so(shape):
    for shown in (
        unrolled.explore(nn.GRU(4, 5, batch_first=True), torch.ones(shape)),
        unrolled.explore(hx=torch.ones(shape)),
    ):
        assert "There is no picture of these settings. " in shown._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_packed_input_and_a_list_of_states_are_shown_as_the_module_takes_them(batch_first):
    module = nn.LSTM(4, 5, batch_first=batch_first)
    lengths, hx = torch.tensor([2, 3]), [torch.rand(1, 2, 5), torch.rand(1, 2, 5)]
    packed = pack_padded_sequence(
        torch.rand((2, 3, 4) if batch_first else (3, 2, 4)), lengths, batch_first, enforce_sorted=False
    )
    explorer = unrolled.explore(module, packed, hx)
    assert explorer.lengths == unrolled.explore(lengths=lengths).lengths == [2, 3]
    with torch.no_grad():
        output, (hn, cn) = module(packed, hx)
    grid = forward({**DEFAULTS, **explorer.settings})
    for sample, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(torch.tensor(grid.h[0, length - 1, sample]), hn[0, sample], atol=2e-6, rtol=0)
        torch.testing.assert_close(torch.tensor(grid.c[0, length - 1, sample]), cn[0, sample], atol=2e-6, rtol=0)
