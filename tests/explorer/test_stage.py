"""The picture: where it is drawn, in which colours, and how time passes in it."""

from __future__ import annotations

import re

import pytest
from explorer_pages import NARROW, PICTURES, WIDE, Watched, tensors

from unrolled.explorer.forward_pass import forward
from unrolled.explorer.settings import Settings


def test_a_short_sample_ends_early(show):
    shown = show({"L": 4, "lengths": [4, 2], "sample": 1})
    boxes = shown.entries(".box")
    [last] = shown.entries(".hn")
    padded = shown.entries(".output")[2:]
    assert len(boxes) == 2
    assert boxes[1]["box"]["right"] < last["box"]["left"] < padded[1]["box"]["left"]
    bands = shown.explorer.evaluate(
        """explorer => [...explorer.shadowRoot.querySelectorAll('.output.band rect')]
            .map(rect => rect.getBoundingClientRect().toJSON())"""
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


@pytest.mark.parametrize("name", ["seed", "directions", "lengths", "lstm", "gru"])
def test_each_step_says_which_boxes_it_computes_and_from_what(name, show):
    """In the order of the computation: a backward direction from the right, a short sample to its own end."""
    shown = show(PICTURES[name])
    before = len(shown.entries(".box"))
    ticks = int(shown.explorer.get_by_label("Steps computed").get_attribute("max"))
    for _tick in range(ticks):
        shown.explorer.get_by_role("button", name="Step", exact=True).click()
        words = shown.explorer.locator(".words").inner_text()
        now = shown.entries(".now")
        if not now:
            assert "has ended" in words
            continue
        assert len(shown.entries(".later.box")) < before
        before = len(shown.entries(".later.box"))
        said = re.findall(r"layer (\d)(?: (forward|backward))?, step (\d), from ([^;]*)", words)
        assert len(said) == len(now) / (2 if PICTURES[name].get("module") == "LSTM" else 1)
        for layer, way, step, sources in said:
            box = next(e for e in now if f"step {step}" in e["name"] and (way or "step") in e["name"])
            shown.entry(box["index"]).hover()
            inputs = {e["name"].split(";")[0].split(": ")[-1] for e in shown.entries(".source.x")}
            assert all(slice in sources for slice in inputs)
            assert ("the layer below" in sources) == (layer != "0")
    assert shown.entries(".later") == []
    assert len(shown.entries(".now")) > 0 or PICTURES[name].get("lengths")


def test_a_value_travels_to_each_box_that_a_step_computes_but_not_with_reduced_motion(show):
    for motion, travelling in (("no-preference", 4), ("reduce", 0)):
        shown = show({"num_layers": 2, "input": "sin"}, reduced_motion=motion)
        # In one task: a value is gone again once it has arrived.
        count = shown.explorer.evaluate(
            """async explorer => {
                [...explorer.shadowRoot.querySelectorAll('.time button')].at(-1).click();
                await explorer.updateComplete;
                return explorer.shadowRoot.querySelectorAll('.mote').length;
            }"""
        )
        assert count == travelling
        shown.page.wait_for_function("() => !document.querySelector('rnn-explorer').shadowRoot.querySelector('.mote')")


def drawn(shown: Watched, selector: str) -> bool:
    """Whether the first of these has colours."""
    script = """entry => {
        const canvas = entry.closest('.stage').querySelector('canvas');
        const { left, top } = canvas.getBoundingClientRect(), box = entry.getBoundingClientRect();
        const image = canvas.getContext('2d').getImageData(box.left - left, box.top - top, box.width, box.height);
        return image.data.some(value => value > 0);
    }"""
    return shown.explorer.locator(selector).first.evaluate(script)


def test_play_runs_to_the_end(show):
    shown = show()
    shown.explorer.get_by_role("button", name="Play").click()
    assert len(shown.entries(".box.later")) == 3
    shown.explorer.get_by_role("button", name="Play").wait_for(timeout=10_000)
    shown.page.wait_for_timeout(900)
    assert shown.entries(".later") == [], "and stays there"


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
    settings = PICTURES[name]
    shown = show(settings, color_scheme=scheme)
    states = forward(Settings.of(settings))
    names = tensors(settings)
    reach = {"x": names["x"].abs().max().item()}
    for state, computed in (("h", states.h), ("c", states.c)):
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
                const { proj_size, hidden_size } = explorer.settings;
                const count = Number(entry.ariaLabel.startsWith('hn') ? proj_size || hidden_size : hidden_size);
                const alpha = (_, k) => at(left + (k + 0.5) * width / count, top + height / 2);
                return [entry.ariaLabel, Array.from({ length: count }, alpha)];
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
@pytest.mark.parametrize(
    "settings", [*PICTURES.values(), {"bidirectional": True, "hidden_size": 10, "L": 5}], ids=[*PICTURES, "ten"]
)
def test_nothing_on_the_stage_collides(settings, size, show):
    shown = show(settings, viewport=size)
    parts = shown.explorer.evaluate(
        """explorer => [...explorer.shadowRoot.querySelectorAll('.stage :is(text, .strip, .label)')]
            .map(part => part.getBoundingClientRect().toJSON())"""
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
        "() => getComputedStyle(document.querySelector('rnn-explorer')).backgroundColor === 'rgb(255, 255, 255)'"
    )
