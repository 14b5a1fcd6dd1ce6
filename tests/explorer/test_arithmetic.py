"""A number of a state opens to the sum that made it: PyTorch's numbers, which add up as they are printed."""

from __future__ import annotations

import re

import pytest
import torch
from explorer_pages import NARROW, PICTURES, WIDE, Watched, build, tensors

NUMBER = r"−?\d+\.\d+"


def value(text: str) -> float:
    return float(text.replace("−", "-"))


def rows(shown: Watched, equation: int) -> list[list[float]]:
    """The numbers of each printed line of a sum: weight, input and product, or a bias."""
    lines = shown.explorer.locator(".equation").nth(equation).locator(".row-of-sum").all_inner_texts()
    return [[value(number) for number in re.findall(NUMBER, line)] for line in lines]


def unfold(shown: Watched) -> None:
    """Every equation. A fold's content is drawn once it is open."""
    for fold in shown.explorer.locator("details.equation summary").all():
        if fold.evaluate("summary => !summary.parentElement.open"):
            fold.click()
    shown.page.wait_for_function(
        """() => [...document.querySelector('rnn-explorer').shadowRoot.querySelectorAll('details.equation')]
            .every(fold => fold.querySelector('.total'))"""
    )


@pytest.mark.parametrize(
    ("name", "size"),
    [("layers", WIDE), ("lengths", NARROW), ("gru", WIDE), ("lstm", NARROW), ("unbatched", WIDE)],
    ids=["layers", "lengths", "gru", "lstm", "unbatched"],
)
def test_the_printed_terms_give_the_printed_sum_and_that_the_number(name, size, show):
    """Of some numbers of every kind of state, the printed parameters being torch's."""
    settings = PICTURES[name]
    shown = show(settings, viewport=size)
    parameters = {name: p.detach() for name, p in build(settings).named_parameters()}
    boxes = [entry["index"] for entry in shown.entries(".box")]
    for index in {boxes[0], boxes[len(boxes) // 2], boxes[-1]}:
        shown.entry(index).click()
        numbers = shown.explorer.locator(".numbers button")
        numbers.nth(1).click()
        chosen = value(numbers.nth(1).inner_text())
        assert value(shown.explorer.locator(".equation .total b").first.inner_text()) == chosen
        unfold(shown)
        for equation in range(shown.explorer.locator(".equation").count()):
            lines = rows(shown, equation)
            for line in lines:
                if len(line) == 3:
                    assert line[0] * line[1] == pytest.approx(line[2], abs=1.1e-4)
            if lines:
                text = shown.explorer.locator(".equation").nth(equation).inner_text()
                total = value(re.findall(rf"(?:sum|relu\(|tanh\(|sigmoid\()\s*({NUMBER})", text)[0])
                assert sum(line[-1] for line in lines) == pytest.approx(total, abs=5.1e-5)
        titles = " ".join(shown.explorer.locator(".group p").all_inner_texts())
        for name, row in re.findall(r"(\w+_l\d\w*)\[(\d+)", titles):
            assert int(row) < len(parameters[name])
    assert shown.errors == []


def test_a_gates_rows_are_a_row_of_the_parameter_times_the_input(show):
    settings = {"module": "LSTM", "input": "sin", "selected": "c.0.2.3"}
    shown = show(settings)
    unfold(shown)
    group = shown.explorer.locator(".equation").nth(1).locator(".group").first
    title = group.locator("p").inner_text()
    assert title == "weight_ih_l0[8] @ x[0, 2]", "the forget gate's rows are the second H"
    names = {**tensors(settings), **{name: p.detach() for name, p in build(settings).named_parameters()}}
    lines = [re.findall(NUMBER, line) for line in group.locator(".row-of-sum").all_inner_texts()]
    products = torch.tensor([value(line[-1]) for line in lines])
    torch.testing.assert_close(products.sum(), eval(title, {}, names), atol=1e-4, rtol=0)


def test_a_term_lights_its_box_and_a_box_its_terms(show):
    shown = show({"module": "LSTM", "num_layers": 2, "input": "sin", "selected": "c.1.1.0"})
    shown.explorer.locator(".chip.term").hover()
    [aimed] = shown.entries(".aimed.box")
    assert "step 0" in aimed["name"]
    assert "layer 1" in aimed["name"]
    shown.page.mouse.move(1, 1)
    assert shown.entries(".aimed") == []
    below = next(entry for entry in shown.entries(".box") if "layer 0, step 1" in entry["name"])
    shown.entry(below["index"]).hover()
    assert shown.explorer.locator("summary.lit").count() == 3, "every gate reads the layer below"
    unfold(shown)
    shown.entry(below["index"]).hover()
    assert 3 <= shown.explorer.locator(".row-of-sum.lit").count() <= 15
    assert shown.errors == []


def test_a_term_leads_to_the_arithmetic_of_the_number_it_came_from(show):
    shown = show({"module": "LSTM", "input": "sin", "selected": "c.0.2.2"})
    for step in (1, 0):
        shown.explorer.locator(".chip.term").click()
        assert shown.settings()["selected"] == f"c.0.{step}.2"
    shown.explorer.locator(".chip.term").click()
    assert shown.settings()["selected"] == "c0.0.2"
    assert shown.explorer.locator(".arithmetic").count() == 0, "what goes in was not computed"
    assert shown.explorer.locator(".numbers input.chosen").count() == 1


def test_with_a_finger_the_first_tap_on_a_term_shows_where_it_leads(show):
    shown = show(
        {"module": "LSTM", "input": "sin", "selected": "c.0.2.2"}, viewport=NARROW, has_touch=True, is_mobile=True
    )
    term = shown.explorer.locator(".chip.term")
    term.tap()
    assert len(shown.entries(".aimed")) == 1
    assert shown.settings()["selected"] == "c.0.2.2"
    term.tap()
    assert shown.settings()["selected"] == "c.0.1.2"


def test_the_arithmetic_with_the_keyboard_alone(show):
    shown = show({"num_layers": 2, "input": "sin"})
    shown.entry(shown.entries(".corner")[0]["index"]).focus()
    for key in ("Shift+ArrowRight", "Enter"):
        shown.page.keyboard.press(key)
    assert shown.settings()["selected"] == "h.1.2.0"
    shown.explorer.locator(".row-of-sum.term").first.focus()
    shown.page.keyboard.press("ArrowDown")
    assert shown.explorer.locator(".row-of-sum.term").nth(1).evaluate("term => term.matches(':focus')")
    shown.page.keyboard.press("Enter")
    assert shown.settings()["selected"] == "h.0.2.1", "the second number of the layer below"


def test_a_state_that_time_has_not_reached_has_no_arithmetic(show):
    shown = show({"input": "sin", "selected": "h.0.2.1", "step": 1})
    assert shown.explorer.locator(".arithmetic").count() == 0
    shown.set(input="sin", selected="h.0.2.1", step=3)
    assert shown.explorer.locator(".arithmetic").count() == 1
