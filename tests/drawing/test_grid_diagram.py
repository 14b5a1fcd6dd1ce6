"""The drawing of the grid says of h_n, c_n and output what torch says."""

import re
from html.parser import HTMLParser
from itertools import product

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled import draw_grid

HIDDEN_SIZE = 5
CASES = [(layers, both, steps) for layers in (1, 2, 3) for both in (False, True) for steps in (1, 3, 4)]
MODULES = ("RNN", "LSTM", "GRU")


@pytest.mark.parametrize(("num_layers", "bidirectional", "steps"), CASES)
def test_the_corners_are_where_output_and_h_n_meet(num_layers, bidirectional, steps):
    diagram = draw_grid(num_layers, bidirectional, steps)
    layer = nn.RNN(4, HIDDEN_SIZE, num_layers, batch_first=True, bidirectional=bidirectional)
    output, hn = layer(torch.randn(2, steps, 4))
    assert sorted(row.index for row in diagram.rows) == list(range(len(hn)))
    named = [int(index) for index in re.findall(r"hn\[(\d+)\]", diagram.alt.split("corner")[-1])]
    assert torch.equal(output[:, -1, :HIDDEN_SIZE], hn[named[0]])
    if bidirectional:
        assert torch.equal(output[:, 0, HIDDEN_SIZE:], hn[named[1]])
    assert str(diagram).count("◉") == len(named)
    assert diagram.svg().count('class="corner"') == len(named)


@pytest.mark.parametrize(
    ("module", "num_layers", "bidirectional", "length"), [*product(MODULES, (1, 2), (False, True), (1, 2, 3))]
)
def test_a_short_sample_meets_h_n_where_it_ends(module, num_layers, bidirectional, length):
    steps, i = 4, 1
    diagram = draw_grid(num_layers, bidirectional, steps, length, module)
    layer = getattr(nn, module)(4, HIDDEN_SIZE, num_layers, batch_first=True, bidirectional=bidirectional)
    packed = pack_padded_sequence(torch.randn(2, steps, 4), [steps, length], batch_first=True)
    packed_output, states = layer(packed)
    output, _ = pad_packed_sequence(packed_output, batch_first=True)
    hn = states[0] if module == "LSTM" else states

    (index, step), *backward = zip(
        map(int, re.findall(r"hn\[(\d+), i\]", diagram.alt)),
        map(int, re.findall(r"output\[i, (\d+)\]", diagram.alt)),
        strict=True,
    )
    assert torch.equal(output[i, step, :HIDDEN_SIZE], hn[index, i])
    assert len(backward) == bidirectional
    for index, step in backward:
        assert torch.equal(output[i, step, HIDDEN_SIZE:], hn[index, i])
    padding = output[i, length:]
    assert diagram.svg().count(">0<") == len(padding)
    assert not padding.any()
    assert diagram.svg().count('class="box"') == len(diagram.rows) * length
    assert diagram.svg().count('class="padding"') == num_layers * (steps - length)


@pytest.mark.parametrize(("num_layers", "bidirectional", "length"), [*product((1, 2), (False, True), (None, 2))])
def test_an_lstm_has_a_row_for_every_cell_state_and_its_output_is_hidden_states(num_layers, bidirectional, length):
    diagram = draw_grid(num_layers, bidirectional, sequence_length=4, length=length, module="LSTM")
    hn, cn = nn.LSTM(4, HIDDEN_SIZE, num_layers, bidirectional=bidirectional)(torch.randn(4, 2, 4))[1]
    assert sorted(row.index for row in diagram.rows if row.state == "h") == list(range(len(hn)))
    assert sorted(row.index for row in diagram.rows if row.state == "c") == list(range(len(cn)))
    for name, index in product(("hn", "cn", "h0", "c0"), range(len(cn))):
        assert str(diagram).count(f"{name}[{index}]") == 1
        assert diagram.svg().count(f">{name}[{index}]<") == 1
    assert all(row.state == "h" for row in diagram.rows[: 2 if bidirectional else 1])
    assert "cell state" in diagram.alt


def test_a_backward_row_begins_where_a_short_sample_ends():
    text = str(draw_grid(bidirectional=True, sequence_length=4, length=2))
    forward, backward = (line for line in text.splitlines() if "h0" in line)
    assert re.fullmatch(r" *h0\[0\] → │ +│hn\[0\] ◉ │ +0 +│ +0 +│", forward)
    assert re.fullmatch(r" *hn\[1\] ← │ +◉ +│ +│ +← +│ +← +│ ← h0\[1\]", backward)


def test_a_full_length_and_a_gru_draw_the_plain_grid():
    plain = draw_grid(2, True, 3)
    assert draw_grid(2, True, 3, length=3).svg() == draw_grid(2, True, 3, module="GRU").svg() == plain.svg()


@pytest.mark.parametrize("settings", [{"num_layers": 0}, {"sequence_length": 0}])
def test_an_empty_grid_is_refused_in_one_sentence(settings):
    with pytest.raises(ValueError, match="a grid has at least one"):
        draw_grid(**settings)


@pytest.mark.parametrize("settings", [{"length": 0}, {"length": 4}, {"module": "lstm"}])
def test_a_length_outside_the_sequence_and_an_unknown_module_are_refused(settings):
    with pytest.raises(ValueError, match=r"length is|module is"):
        draw_grid(sequence_length=3, **settings)


class WithoutTags(HTMLParser):
    """The text between tags, but for a style's: what is left of HTML whose tags are taken away."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.elements = "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)

    def handle_endtag(self, tag):
        self.elements.pop()

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_data(self, data):
        if "style" not in self.elements:
            self.text += data
            assert "pre" in self.elements, "spaces and ends of lines count"


@pytest.mark.parametrize(
    ("module", "num_layers", "bidirectional", "length"), [*product(MODULES, (1, 3), (False, True), (None, 1, 11))]
)
def test_without_its_tags_the_drawing_is_the_text_drawing(module, num_layers, bidirectional, length):
    """The rows of boxes are the same ones, with wider boxes; above and below are the labels of the SVG."""
    diagram = draw_grid(num_layers, bidirectional, sequence_length=12, length=length, module=module)
    drawing = WithoutTags(diagram._repr_html_()).text.split("\n")
    text = str(diagram).split("\n")

    def squeezed(lines):
        return [re.sub("─+", "─", line.replace(" ", "")).replace("h◉", "◉") for line in lines]

    assert squeezed(drawing[1:-1]) == squeezed(text[1:-1])
    assert drawing[0].split(maxsplit=1)[0] == "output"
    assert drawing[-1].split(maxsplit=1)[0] == "x"
    rule = drawing[1]
    assert all(len(line) >= len(rule) and line[rule.index("┌")] in "│├└" for line in drawing[2:-1])
    begins = [place for place, character in enumerate(rule[:-1], 1) if character in "┌┬"]
    last = 12 if length is None else length
    for step, (begin, end) in enumerate(zip(begins, [*begins[1:], len(rule)], strict=True)):
        assert drawing[0][begin : end - 1].strip() == f"[:, {step if step < 11 else -1}]"
        assert drawing[-1][begin : end - 1].strip() == (f"[:, {step}]" if step < last else "padding")


@pytest.mark.parametrize(
    ("module", "num_layers", "bidirectional", "length"), [*product(MODULES, (1, 3), (False, True), (None, 2))]
)
def test_each_tensors_ground_holds_its_boxes_and_their_names(module, num_layers, bidirectional, length):
    """As in the explorer: output is its boxes and the slices above them, h_n its boxes and the names beside them."""
    diagram = draw_grid(num_layers, bidirectional, sequence_length=4, length=length, module=module)
    svg = BeautifulSoup(diagram.svg(), "html.parser")

    def is_on(tensor, x, y):
        return any(
            float(ground["x"]) <= x <= float(ground["x"]) + float(ground["width"])
            and float(ground["y"]) <= y <= float(ground["y"]) + float(ground["height"])
            for ground in svg.find_all("rect", class_=tensor)
        )

    names = {text.get_text(): (float(text["x"]), float(text["y"])) for text in reversed(svg.find_all("text"))}
    assert all(is_on("output", *names[name]) for name in ("[:, 0]", "[:, -1]") if name in names)
    for row in diagram.rows:
        assert is_on(f"{row.state}_n", *names[row.final])
        assert not any(is_on(tensor, *names[row.initial]) for tensor in ("output", "h_n", "c_n"))
    pins = [(float(pin["cx"]) - 1, float(pin["cy"]) + 1) for pin in svg.find_all("circle", class_="corner")]
    assert len(pins) == 1 + bidirectional
    assert all(is_on("output", *pin) and is_on("h_n", *pin) for pin in pins)
    ends = [box for box in svg.find_all("rect", class_="box") if is_on("h_n", float(box["x"]) + 1, float(box["y"]) + 1)]
    assert len(ends) == sum(row.state == "h" for row in diagram.rows)
