"""The drawing of the grid says of h_n and output what torch says."""

import re

import pytest
import torch
from torch import nn

from unrolled import draw_grid

CASES = [(layers, both, steps) for layers in (1, 2, 3) for both in (False, True) for steps in (1, 3, 4)]


@pytest.mark.parametrize(("num_layers", "bidirectional", "steps"), CASES)
def test_the_corners_are_where_output_and_h_n_meet(num_layers, bidirectional, steps):
    diagram = draw_grid(num_layers, bidirectional, steps)
    hidden_size = 5
    layer = nn.RNN(4, hidden_size, num_layers, batch_first=True, bidirectional=bidirectional)
    output, hn = layer(torch.randn(2, steps, 4))
    assert sorted(index for index, _ in diagram.rows) == list(range(len(hn)))
    named = [int(index) for index in re.findall(r"hn\[(\d+)\]", diagram.alt.split("corner")[-1])]
    assert torch.equal(output[:, -1, :hidden_size], hn[named[0]])
    if bidirectional:
        assert torch.equal(output[:, 0, hidden_size:], hn[named[1]])
    assert str(diagram).count("◉") == len(named)
    assert diagram.svg().count('class="corner"') == len(named)


@pytest.mark.parametrize("settings", [{"num_layers": 0}, {"sequence_length": 0}])
def test_an_empty_grid_is_refused_in_one_sentence(settings):
    with pytest.raises(ValueError, match="a grid has at least one"):
        draw_grid(**settings)
