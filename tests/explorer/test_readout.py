"""What is pointed at: the same value lit everywhere, its slices and its numbers. Torch says what is right."""

from __future__ import annotations

import re

import pytest
import torch
from explorer_pages import NARROW, PICTURES, WIDE, each_picture, tensors, watch


@each_picture
def test_every_slice_that_the_readout_names_holds_the_numbers_it_shows(name, show):
    """Of every box and every entry of the frame; and every number of the tensors is shown somewhere."""
    settings = PICTURES[name]
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
    # So high that nothing of the picture is below the window's edge, where the readout keeps its place.
    shown = show({"num_layers": 2, "bidirectional": True}, viewport={"width": 1280, "height": 1600})
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


LARGEST = {"module": "LSTM", "num_layers": 6, "bidirectional": True, "L": 32, "N": 3, "hidden_size": 16, "input": "sin"}


@pytest.mark.parametrize("size", [{"width": 1280, "height": 800}, NARROW], ids=["wide", "narrow"])
def test_the_readout_of_the_largest_picture_is_in_sight_and_covers_nothing_of_what_it_reads(size, show):
    """Pointed at, focused with the keyboard, and with the arithmetic open."""
    shown = show(LARGEST, viewport=size)
    entries = shown.entries()
    apart = """(explorer, index) => {
        const at = explorer.shadowRoot.querySelector(`[data-index="${index}"]`).getBoundingClientRect();
        const panel = explorer.shadowRoot.querySelector('.panel').getBoundingClientRect();
        const readout = explorer.shadowRoot.querySelector('.readout').getBoundingClientRect();
        return [at.top >= 0, at.bottom <= panel.top || at.top >= panel.bottom, readout.top >= 0,
            readout.bottom <= innerHeight];
    }"""
    for index in range(0, len(entries), len(entries) // 7):
        shown.entry(index).hover()
        assert shown.readout()["slices"] or "not return" in shown.readout()["words"]
        assert shown.explorer.evaluate(apart, index) == [True] * 4
    shown.entry(0).focus()
    for key in ("ArrowDown",) * 20 + ("ArrowRight",) * 4 + ("ArrowUp",) * 9:
        shown.page.keyboard.press(key)
        index = shown.explorer.evaluate("explorer => explorer.shadowRoot.activeElement.dataset.index")
        assert shown.explorer.evaluate(apart, index) == [True] * 4
    for key in ("Shift+ArrowRight", "Enter"):
        shown.page.keyboard.press(key)
    shown.explorer.locator(".arithmetic").wait_for()
    assert shown.explorer.evaluate(apart, index) == [True] * 4


@each_picture
def test_each_row_says_its_layer_and_direction_and_each_column_its_step(name, show):
    shown = show(PICTURES[name])
    texts = shown.explorer.evaluate(
        """explorer => [...explorer.shadowRoot.querySelectorAll('.stage text')].map(text => {
            const { left, right, top, bottom } = text.getBoundingClientRect();
            return { text: text.textContent, left, right, y: (top + bottom) / 2 };
        })"""
    )
    for box in shown.entries(".box"):
        place = box["box"]
        words = box["name"].split("; ")[1]
        layer = next((word for word in words.split(", ") if word.startswith("layer")), "layer 0")
        beside = [text for text in texts if text["right"] < place["left"]]
        rows = PICTURES[name].get("bidirectional", False)
        reach = 20 if rows else 40
        named = {text["text"] for text in beside if abs(text["y"] - place["y"] - place["height"] / 2) < reach}
        assert layer in named
        if rows:
            assert ("backward" if "backward" in words else "forward") in named
        [step] = re.findall(r"step \d+", words)
        middle = place["left"] + place["width"] / 2
        assert any(text["text"] == step and text["left"] < middle < text["right"] for text in texts)
