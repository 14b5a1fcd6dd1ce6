"""Random recurrent layers and cells, and correct calls of them."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from unrolled.shapes import Layer

KINDS = [nn.RNN, nn.LSTM, nn.GRU]


CELLS = [nn.RNNCell, nn.LSTMCell, nn.GRUCell]


def random_layer(rng: random.Random, cells: bool = True) -> nn.Module:
    """A layer or cell with random arguments."""
    input_size, hidden_size = rng.randint(1, 5), rng.randint(2, 6)
    if cells and rng.random() < 0.2:
        return rng.choice(CELLS)(input_size, hidden_size, bias=rng.random() < 0.5)
    kind = rng.choice(KINDS)
    options = {
        "num_layers": rng.randint(1, 3),
        "bias": rng.random() < 0.8,
        "batch_first": rng.random() < 0.5,
        "bidirectional": rng.random() < 0.5,
    }
    if kind is nn.LSTM and rng.random() < 0.4:
        options["proj_size"] = rng.randint(1, hidden_size - 1)
    if kind is nn.RNN:
        options["nonlinearity"] = rng.choice(["tanh", "relu"])
    return kind(input_size, hidden_size, **options)


def random_call(module: nn.Module, rng: random.Random, form: str | None = None):
    """A correct input of a random form, its lengths (None unless packed), and states or None."""
    layer = Layer.of(module)
    N, L = rng.randint(1, 5), rng.randint(1, 5)
    form = form or rng.choice(["batched", "unbatched", "packed"])
    lengths = None
    if layer.is_cell:
        form = "batched" if form == "packed" else form
        input = torch.randn(*([N] if form == "batched" else []), layer.input_size)
    elif form == "unbatched":
        input = torch.randn(L, layer.input_size)
    else:
        input = torch.randn(*((N, L) if layer.batch_first else (L, N)), layer.input_size)
        if form == "packed":
            lengths = [rng.randint(1, L) for _ in range(N)]
            input = pack_padded_sequence(input, lengths, layer.batch_first, enforce_sorted=False)
    first = [] if layer.is_cell else [layer.num_layers * (2 if layer.bidirectional else 1)]
    batch = [] if form == "unbatched" else [N]
    h = torch.randn(*first, *batch, layer.proj_size or layer.hidden_size)
    c = torch.randn(*first, *batch, layer.hidden_size)
    hx = (h, c) if layer.has_cell_state else h
    return input, lengths, hx if rng.random() < 0.6 else None
