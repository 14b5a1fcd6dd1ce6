"""The landing page's table and the README's picture, asked of torch and of the code that draws."""

import re

import pytest
import torch
from notebooks import BOOK, ROOT
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled import draw_grid

N, L, H_IN, H = 3, 5, 4, 6
LENGTHS = torch.tensor([5, 2, 3])
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (BOOK / "index.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| your layer", "| chapter", "| ["))
]
SETTINGS = {
    "one layer, one direction": {},
    "several layers, one direction": {"num_layers": 3},
    "bidirectional, any number of layers": {"num_layers": 2, "bidirectional": True},
    "padded and packed, one direction": {"num_layers": 2},
    "padded, not packed, one direction": {"num_layers": 2},
    "padded, bidirectional": {"num_layers": 2, "bidirectional": True},
    "LSTM": {"num_layers": 2},
}


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def top_layer_final_state(layer: nn.RNNBase, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """(N, D * H): each sample run alone, unpadded; the forward half of its last step, the backward of its first."""
    finals = []
    for sample, length in zip(x, lengths, strict=True):
        output, _ = layer(sample[None, :length])
        finals.append(torch.cat([output[0, -1, :H], output[0, 0, H:]]))
    return torch.stack(finals)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_table_of_final_states(row):
    """What the table calls right is each sample's own final state, and what it calls wrong is not."""
    case, right, wrong = row
    torch.manual_seed(1)
    layer = (nn.LSTM if case == "LSTM" else nn.RNN)(H_IN, H, batch_first=True, **SETTINGS[case])
    x = torch.randn(N, L, H_IN)
    lengths = LENGTHS if case.startswith("padded") else torch.full((N,), L)
    x = torch.where(torch.arange(L)[None, :, None] < lengths[:, None, None], x, 0.0)
    plain = {"torch": torch, "x": x, "lengths": lengths, "N": N, "lstm": layer}
    if case == "LSTM":
        exec(code(right)[0], plain)
    else:
        plain["output"], plain["hn"] = layer(x)
    packed = dict(plain)
    if case != "LSTM":
        packed_output, packed["hn"] = layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        packed["output"], _ = pad_packed_sequence(packed_output, batch_first=True)
    reads = packed if "packed" in case and "not packed" not in case else plain

    expected = top_layer_final_state(layer, x, lengths)
    for expression in ["hn[-1]"] if case == "LSTM" else code(right):
        names = packed if right.startswith("pack it") else reads
        assert torch.allclose(eval(expression, names), expected, atol=1e-6), expression
    trap = eval(code(wrong)[0], reads)
    assert trap.shape != expected.shape or not torch.allclose(trap, expected, atol=1e-3)
    if case != "one layer, one direction":
        assert trap.shape == expected.shape, "the table says the shape is plausible"


@pytest.mark.parametrize("half", [0, 1], ids=["forward", "backward"])
def test_both_halves_of_an_unpacked_bidirectional_stack_have_read_the_padding(half):
    torch.manual_seed(1)
    layer = nn.RNN(H_IN, H, num_layers=2, bidirectional=True, batch_first=True)
    x = torch.randn(N, L, H_IN)
    x = torch.where(torch.arange(L)[None, :, None] < LENGTHS[:, None, None], x, 0.0)
    expected = top_layer_final_state(layer, x, LENGTHS)
    _, hn = layer(x)
    assert not torch.allclose(hn[half - 2], expected[:, half * H : (half + 1) * H], atol=1e-3)


def test_every_row_of_the_table_is_known():
    assert {row[0] for row in ROWS} == set(SETTINGS)


def test_the_readme_shows_the_picture():
    assert str(draw_grid(num_layers=2)) in (ROOT / "README.md").read_text(encoding="utf-8")
