"""Random wrong calls of recurrent layers. Each maker returns a module, the arguments, and the code of its problem."""

import random

import torch
from random_calls import random_layer
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled.shapes import Layer

NAMES = {
    "torch": torch,
    "nn": nn,
    "pack_padded_sequence": pack_padded_sequence,
    "pad_packed_sequence": pad_packed_sequence,
}


def run(names: dict, fix: str = "") -> None:
    """Run the call in `names` as a user would, after the fix."""
    names = NAMES | names
    exec(fix, names)
    if "output" in names:  # the fix stands for the call: of an input without steps there is none
        return
    input = names["input"]
    if names.get("lengths") is not None and isinstance(input, torch.Tensor):
        input = pack_padded_sequence(input, names["lengths"], names["module"].batch_first, enforce_sorted=False)
    names["module"](input, names["hx"])


def error_of(call) -> Exception | None:
    """What `call()` raises."""
    try:
        call()
    except Exception as error:
        return error
    return None


def batched(rng: random.Random, state: bool = True, **sizes):
    """A layer with a batch, N and L apart, and states or None."""
    module = random_layer(rng, cells=False)
    layer = Layer.of(module)
    N, L = rng.sample(range(2, 7), 2)
    N, L = sizes.get("N", N), sizes.get("L", L)
    input = torch.randn(*((N, L) if layer.batch_first else (L, N)), layer.input_size)
    return module, layer, input, states(layer, N) if state else None, N, L


def states(layer: Layer, *batch: int, rows: int = 0, h_wide: int = 0, c_wide: int = 0):
    rows = rows or layer.num_layers * layer.D
    h = torch.randn(rows, *batch, h_wide or layer.H_out)
    c = torch.randn(rows, *batch, c_wide or layer.hidden_size)
    return (h, c) if layer.has_cell_state else h


def each(layer: Layer, hx, change):
    return tuple(change(state) for state in hx) if layer.has_cell_state else change(hx)


def wrong_features(rng):
    module, layer, input, hx, N, L = batched(rng, state=rng.random() < 0.5)
    return module, torch.randn(*input.shape[:2], layer.input_size + rng.randint(1, 3)), hx, "input-features"


def four_axes(rng):
    module, layer, input, _, _, _ = batched(rng)
    return module, input.unsqueeze(rng.randint(0, 3)), None, "input-axes"


def one_axis(rng):
    module = random_layer(rng, cells=False)
    return module, torch.randn(rng.randint(1, 6)), None, "input-axes"


def transposed_state(rng):
    module, layer, input, hx, N, L = batched(rng)
    if layer.num_layers * layer.D == N or layer.num_layers * layer.D == L:
        return transposed_state(rng)
    return module, input, each(layer, hx, lambda state: state.transpose(0, 1)), "state-transposed"


def state_of_another_batch(rng):
    module, layer, input, _, N, L = batched(rng)
    other = rng.choice([size for size in range(1, 9) if size not in (N, L)])
    hx = states(layer, other)
    return module, input, hx, "state-batch"


def swapped_layout_with_a_state(rng):
    module, layer, input, hx, N, L = batched(rng)
    return module, input.transpose(0, 1), hx, "layout-swapped"


def state_without_its_first_axis(rng):
    module, layer, input, hx, N, L = batched(rng)
    return module, input, each(layer, hx, lambda state: state[0]), "state-axes"


def batched_state_for_one_sequence(rng):
    module, layer, input, _, _, L = batched(rng)
    return module, input.select(1 - int(not layer.batch_first), 0), states(layer, 1), "state-axes"


def batch_of_single_steps_with_a_state(rng):
    module, layer, _, hx, N, _ = batched(rng)
    return module, torch.randn(N, layer.input_size), hx, "batch-as-sequence"


def batch_of_single_steps(rng):
    module, layer, _, _, N, _ = batched(rng)
    return module, torch.randn(N, layer.input_size), None, "batch-as-sequence"


def state_of_another_depth(rng):
    module, layer, input, _, N, L = batched(rng)
    rows = layer.num_layers * layer.D + rng.randint(1, 2)
    if rows == N:
        return state_of_another_depth(rng)
    return module, input, states(layer, N, rows=rows), "state-layers"


def wide_state(rng):
    module, layer, input, _, N, L = batched(rng)
    if layer.proj_size:
        return wide_state(rng)
    wide = layer.hidden_size + 1
    return module, input, states(layer, N, h_wide=wide, c_wide=wide), "state-features"


def confused_projection(rng):
    H = rng.randint(2, 6)
    module = nn.LSTM(3, H, rng.randint(1, 2), proj_size=rng.randint(1, H - 1), batch_first=rng.random() < 0.5)
    layer = Layer.of(module)
    h, c = rng.choice([(H, H), (layer.proj_size, layer.proj_size), (H, layer.proj_size)])
    return module, torch.randn(4, 4, 3), states(layer, 4, h_wide=h, c_wide=c), "state-projection"


def wrong_dtype(rng):
    module, layer, input, hx, _, _ = batched(rng, state=rng.random() < 0.5)
    return module, input.to(rng.choice([torch.float64, torch.int64, torch.float16])), hx, "input-dtype"


def tuple_for_one_state(rng):
    module, layer, input, hx, _, _ = batched(rng)
    if layer.has_cell_state:
        return tuple_for_one_state(rng)
    return module, input, (hx, hx), "state-type"


def one_state_for_an_lstm(rng):
    module, layer, input, hx, _, _ = batched(rng)
    if not layer.has_cell_state:
        return one_state_for_an_lstm(rng)
    return module, input, rng.choice([hx[0], (hx[0],), (*hx, hx[0])]), "state-pair"


def no_time_steps(rng):
    module, layer, input, _, _, _ = batched(rng, state=False, L=0)
    return module, input, None, "input-empty"


def result_for_an_input(rng):
    module, layer, input, _, N, L = batched(rng)
    below = nn.GRU(2, layer.input_size)
    return module, below(torch.randn(N, L, 2)), None, "input-type"


def cell_mistake(rng):
    kind = rng.choice([nn.RNNCell, nn.LSTMCell, nn.GRUCell])
    module = kind(3, 4)
    pair = kind is nn.LSTMCell
    wrong = rng.choice([(5, 4), (2, 5), (1, 2, 4)])
    h = torch.randn(*wrong)
    if rng.random() < 0.3:
        return module, torch.randn(2, 7), None, "input-features"
    if rng.random() < 0.3:
        return module, torch.randn(5, 2, 3), None, "input-axes"
    code = {(5, 4): "state-batch", (2, 5): "state-features", (1, 2, 4): "state-axes"}[wrong]
    return module, torch.randn(2, 3), (h, h) if pair else h, code


def packed_features(rng):
    module, layer, input, hx, N, L = batched(rng)
    wide = torch.randn(*input.shape[:2], layer.input_size + 1)
    packed = pack_padded_sequence(wide, [rng.randint(1, L) for _ in range(N)], layer.batch_first, False)
    return module, packed, None, "input-features"


def packed_state_of_another_batch(rng):
    module, layer, input, hx, N, L = batched(rng)
    lengths = sorted((rng.randint(1, L) for _ in range(N)), reverse=True)
    packed = pack_padded_sequence(input, lengths, layer.batch_first, enforce_sorted=rng.random() < 0.5)
    rows = layer.num_layers * layer.D
    other = rng.choice([size for size in range(1, 9) if size not in (N, rows)])
    return module, packed, states(layer, other), "state-batch"


def lengths_above_the_input(rng):
    module, layer, input, hx, N, L = batched(rng, state=False)
    lengths = [rng.randint(1, L) for _ in range(N)]
    lengths[rng.randrange(N)] = L + rng.randint(1, 3)
    packed = pack_padded_sequence(input, lengths, layer.batch_first, enforce_sorted=False)
    return module, packed, None, "lengths-above-input", {"padded": input, "lengths": lengths}


MAKERS = [
    wrong_features,
    four_axes,
    one_axis,
    transposed_state,
    state_of_another_batch,
    swapped_layout_with_a_state,
    state_without_its_first_axis,
    batched_state_for_one_sequence,
    batch_of_single_steps_with_a_state,
    batch_of_single_steps,
    state_of_another_depth,
    wide_state,
    confused_projection,
    wrong_dtype,
    tuple_for_one_state,
    one_state_for_an_lstm,
    no_time_steps,
    result_for_an_input,
    cell_mistake,
    packed_features,
    packed_state_of_another_batch,
    lengths_above_the_input,
]


def wrong_calls(count: int, seed: int):
    """Random wrong calls, the makers in turn: module, input, hx, code, and other names of the snippet."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    for index in range(count):
        module, input, hx, code, *more = MAKERS[index % len(MAKERS)](rng)
        yield module, input, hx, code, more[0] if more else {}
