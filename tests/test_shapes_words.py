"""Where `Layer.of` says that a module holds the layer that was meant."""

import pytest
import torch
from torch import nn

from unrolled.shapes import Layer, packing


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 2)
        self.blocks = nn.Sequential(nn.Linear(2, 2), nn.GRU(2, 3))


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (
            nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 3)),
            "got Sequential; pass the layer itself, for example explain(net[1], x)",
        ),
        (Net(), "got Net; pass the layer itself, for example explain(net.blocks[1], x)"),
        (nn.Linear(2, 2), "got Linear"),
        (nn.GRU, "got type"),
        (3, "got int"),
    ],
    ids=["in a list", "in an attribute", "nowhere", "a class", "a number"],
)
def test_what_is_no_layer_is_named_with_the_layer_inside(module, words):
    with pytest.raises(TypeError) as error:
        Layer.of(module)
    assert str(error.value) == f"expected nn.RNN, nn.LSTM, nn.GRU or one of their cells, {words}"


@pytest.mark.parametrize("batch_first", [True, False])
def test_what_packing_takes(batch_first):
    sizes = (2, 5, 3) if batch_first else (5, 2, 3)
    shapes = packing(sizes, batch_first, (5, 4))
    assert [shape.expected for shape in shapes] == [sizes, (2,)]
    assert [shape.wrong for shape in shapes] == [False, True]
    nn.utils.rnn.pack_padded_sequence(torch.zeros(sizes), [5, 4], batch_first=batch_first)


@pytest.mark.parametrize(
    "source",
    [
        "nn.RNN(2, 3)",
        "nn.GRU(2, 3, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)",
        "nn.LSTM(2, 3, proj_size=1)",
        "nn.RNN(2, 3, nonlinearity='relu')",
        "nn.LSTMCell(2, 3)",
    ],
)
def test_the_line_that_makes_a_layer_is_the_line_that_made_it(source):
    assert Layer.of(eval(source, {"nn": nn})).source() == source
