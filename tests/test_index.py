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
    for line in (BOOK / "index.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| your layer"))
]
SETTINGS = {
    "one layer, one direction": {},
    "several layers": {"num_layers": 3},
    "bidirectional": {"num_layers": 2, "bidirectional": True},
    "padded and packed": {"num_layers": 2},
    "padded, not packed": {"num_layers": 2},
    "LSTM": {"num_layers": 2},
}


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def top_layer_final_state(layer: nn.RNNBase, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """(N, D * H): each sample run alone, unpadded; the forward half from its last step, the backward half from its first."""
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
    padded = case.startswith("padded")
    lengths = LENGTHS if padded else torch.full((N,), L)
    if padded:
        x = torch.where(torch.arange(L)[None, :, None] < lengths[:, None, None], x, 0.0)
    names = {"torch": torch, "x": x, "lengths": lengths, "N": N, "lstm": layer}
    if case == "padded and packed":
        packed, names["hn"] = layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        names["output"], _ = pad_packed_sequence(packed, batch_first=True)
    elif case == "LSTM":
        exec(code(right)[1], names)
    else:
        names["output"], names["hn"] = layer(x)

    expected = top_layer_final_state(layer, x, lengths)
    alternatives = [expression for expression in code(right) if "=" not in expression.replace("dim=", "")]
    assert alternatives
    for expression in alternatives:
        assert torch.allclose(eval(expression, names), expected, atol=1e-6), expression
    trap = eval(code(wrong)[0], names)
    assert trap.shape != expected.shape or not torch.allclose(trap, expected, atol=1e-3)
    if case in ("several layers", "bidirectional", "padded and packed", "padded, not packed", "LSTM"):
        assert trap.shape == expected.shape, "the table says the shape is plausible"


def test_every_row_of_the_table_is_known():
    assert {row[0] for row in ROWS} == set(SETTINGS)


def test_the_readme_shows_the_picture():
    assert str(draw_grid(num_layers=2)) in (ROOT / "README.md").read_text()
