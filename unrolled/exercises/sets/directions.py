"""Two directions: which half of what is finished where."""

import random

import torch
from torch import nn

from unrolled.exercises.exercise import KEEPS_ORDER, ExerciseSet, distinct
from unrolled.exercises.predicates import item_is, item_passes, not_letters_of
from unrolled.exercises.results import Result

EXERCISES = ExerciseSet("directions")
KINDS = (nn.RNN, nn.LSTM, nn.GRU)


@EXERCISES.predict(
    hints=[
        "`output` holds the directions side by side. Along which axis is that?",
        "`hn` stacks the states along its first axis: one for each layer and each direction. `batch_first` does not "
        "touch it.",
    ]
)
def both_shapes():
    layer = nn.GRU(6, 8, num_layers=2, batch_first=True, bidirectional=True)
    output, hn = layer(torch.zeros(3, 9, 6))
    return tuple(output.shape), tuple(hn.shape)


both_shapes.mistake(
    "`output` is right for one direction. With two, each step holds both states side by side: its last axis is twice "
    "as wide.",
    lambda: ((3, 9, 8), (4, 3, 8)),
)
both_shapes.mistake(
    "`hn` counts a state for each layer *and* each direction along its first axis.", lambda: ((3, 9, 16), (2, 3, 8))
)
both_shapes.mistake(
    "Those are one direction's shapes, of both tensors. The second direction doubles the last axis of `output` and "
    "the first of `hn`.",
    lambda: ((3, 9, 8), (2, 3, 8)),
)
both_shapes.mistake(
    "`hn` does not concatenate: the directions are stacked along its first axis, and a state stays `hidden_size` wide.",
    lambda: ((3, 9, 16), (2, 3, 16)),
)
both_shapes.mistake(
    "`hn` is right. `output` is laid out as the input is: with `batch_first=True` its batch comes first.",
    lambda: ((9, 3, 16), (4, 3, 8)),
)
both_shapes.mistake(
    "`batch_first` moves the batch of `x` and `output`, never that of `hn`: there the batch is the second axis, "
    "always.",
    lambda: ((3, 9, 16), (3, 4, 8)),
    matches=item_is(1, (3, 4, 8)),
)
both_shapes.mistake(
    "`hn` has no axis for the layers with the directions joined beside it. Each row is the state of one layer in one "
    "direction, for the whole batch.",
    lambda: ((3, 9, 16), (3, 2, 16)),
    matches=item_is(1, (3, 2, 16)),
)
both_shapes.mistake(
    "The three sizes of `hn` are right and their order is not. The states are counted along the first axis, and the "
    "last is how wide a state is.",
    lambda: ((3, 9, 16), (3, 8, 4)),
    matches=item_is(1, (3, 8, 4), (4, 8, 3), (8, 3, 4), (8, 4, 3)),
)
both_shapes.mistake(
    "`hn` has no time axis: it holds final states. `output` is the one with the steps.",
    lambda: ((3, 9, 16), (4, 9, 8)),
    matches=item_passes(1, lambda shape: isinstance(shape, list) and 9 in shape and 16 not in shape),
)
both_shapes.mistake("You have the two exchanged: the layer returns `output` first.", lambda: ((4, 3, 8), (3, 9, 16)))
both_shapes.mistake(
    "`output` holds the top layer alone, so the number of layers does not widen it.",
    lambda: ((3, 9, 32), (4, 3, 8)),
    matches=item_is(0, (3, 9, 32)),
)
both_shapes.mistake(
    "Two shapes are asked for, each a tuple of numbers without quotation marks, such as `(2, 5)`.",
    lambda: ("3, 9, 16", "4, 3, 8"),
    matches=lambda arguments, result: (
        isinstance(result, (str, int))
        or (
            isinstance(result, list)
            and any(not isinstance(shape, list) or any(isinstance(size, str) for size in shape) for shape in result)
        )
    ),
)


def _same_steps(arguments: tuple, result: Result) -> bool:
    """In whatever order, as sets too."""
    parts = (
        [part["set"] if isinstance(part, dict) and "set" in part else part for part in result]
        if isinstance(result, list)
        else []
    )
    return [sorted(steps) if isinstance(steps, list) and all(map(_is_number, steps)) else None for steps in parts] == [
        [3, 4],
        [0, 1, 2, 3],
    ]


def _is_number(step: Result) -> bool:
    return isinstance(step, (int, float))


@EXERCISES.predict(
    accepts=_same_steps,
    hints=[
        "Which half of `output`'s last axis is the backward direction? At which step does it begin?",
        "The backward direction begins at step 4 and walks to the left. The forward one begins at step 0.",
    ],
)
def steps_read():
    layer, x = nn.RNN(2, 8, batch_first=True, bidirectional=True), torch.rand(1, 5, 2, requires_grad=True)
    return tuple(
        torch.autograd.grad(layer(x)[0][0, 3, half].sum(), x)[0].abs().sum(dim=2)[0].nonzero().flatten().tolist()
        for half in (slice(8, None), slice(0, 8))
    )


steps_read.mistake(
    "You have the two halves exchanged: `[8:]`, the second half, is the backward direction.",
    lambda: ([0, 1, 2, 3], [3, 4]),
)
steps_read.mistake(
    "The backward direction has not read everything by step 3. It starts at step 4, so at step 3 it has taken two "
    "steps.",
    lambda: ([0, 1, 2, 3, 4], [0, 1, 2, 3]),
)
steps_read.mistake(
    "Neither half has read everything at step 3: each direction has read from its own beginning to here.",
    lambda: ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
)
steps_read.mistake(
    "You give the forward direction's steps twice. The backward direction starts at step 4 and walks to the left.",
    lambda: ([0, 1, 2, 3], [0, 1, 2, 3]),
)
steps_read.mistake("A state at step 3 has read step 3 itself.", lambda: ([4], [0, 1, 2]))
steps_read.mistake("A state has read every step on the way to here, not step 3 alone.", lambda: ([3], [3]))
steps_read.mistake(
    "Two lists of steps are asked for, not two counts.",
    lambda: (2, 4),
    matches=lambda _, result: isinstance(result, list) and len(result) == 2 and all(map(_is_number, result)),
)


def _layer(rng: random.Random, num_layers: int = 1, batch_first: bool = True) -> tuple[nn.RNNBase, torch.Tensor]:
    """A bidirectional layer with random sizes, all different, and an input for it."""
    N, L, H_in, H = distinct(rng, 4)
    layer = rng.choice(KINDS)(H_in, H, num_layers, batch_first=batch_first, bidirectional=True)
    return layer, torch.randn(N, L, H_in) if batch_first else torch.randn(L, N, H_in)


def _results(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    layer, x = _layer(rng, rng.randint(1, 3))
    output, state = layer(x)
    return output, state[0] if isinstance(state, tuple) else state


@EXERCISES.write(
    draw=_results,
    hints=[
        "Which rows of `hn` belong to the top layer? Count from its end.",
        "Layer first, then direction: the last two rows are the top layer's forward and backward states. Join them "
        "along the features.",
    ],
)
def final_states(output, hn):
    return torch.cat([hn[-2], hn[-1]], dim=1)


@final_states.mistake(
    "Your backward half has read one step: that is `output[:, -1, H:]`. The backward direction is finished at t = 0."
)
def last_output(output, hn):
    return output[:, -1]


@final_states.mistake(
    "Your forward half has read one step: that is `output[:, 0, :H]`. The forward direction is finished at the last "
    "step."
)
def first_output(output, hn):
    return output[:, 0]


@final_states.mistake(
    "Those are the states of the bottom layer. The top layer's are the last two rows of `hn`, not the first two."
)
def bottom_layer(output, hn):
    return torch.cat([hn[0], hn[1]], dim=1)


@final_states.mistake(
    "Both states are there, backward before forward. The exercise asks for forward first, as in `output`."
)
def backward_first(output, hn):
    return torch.cat([hn[-1], hn[-2]], dim=1)


@final_states.mistake(
    "`view` keeps the order in memory, where all samples of one direction come first: your rows mix samples. Join "
    "with `torch.cat`."
)
def viewed(output, hn):
    return hn[-2:].reshape(hn.shape[1], -1)


@final_states.mistake(
    "That is the backward state alone: `hn[-1]` is one direction of the top layer, and the other one is `hn[-2]`."
)
def backward_alone(output, hn):
    return hn[-1]


@final_states.mistake(
    "The two states lie one after the other along the batch: that is `dim=0`. Side by side, along the features, is "
    "the last axis."
)
def along_batch(output, hn):
    return torch.cat([hn[-2], hn[-1]], dim=0)


@EXERCISES.mend(
    draw=_layer,
    hints=[
        "Inside the function, print `hn.shape` and `x.shape`. Which axis of `hn` is the batch?",
        "`hn` has the shape `(D * num_layers, N, H)`, so `hn.view(N, -1)` cuts across samples. Take the two states "
        "and join them.",
    ],
)
def sequence_vectors(layer, x):
    _, state = layer(x)
    hn = state[0] if isinstance(state, tuple) else state
    return torch.cat([hn[0], hn[1]], dim=1)


@sequence_vectors.mistake("`view` mixes samples.", given=True, if_changed=KEEPS_ORDER)
def _viewed(layer, x):
    _, state = layer(x)
    hn = state[0] if isinstance(state, tuple) else state
    return hn.view(x.shape[0], -1)


sequence_vectors.mistake(
    "The rows are right now, and hold the backward state alone: `hn[-1]` is one direction, and `hn[-2]` the other.",
    lambda layer, x: (lambda state: (state[0] if isinstance(state, tuple) else state)[-1])(layer(x)[1]),
)
sequence_vectors.mistake(
    "`.T` reverses all three axes, so that the units come before the directions. Exchange the first two axes alone, "
    "or join the two states.",
    lambda layer, x: (
        lambda state: (state[0] if isinstance(state, tuple) else state).permute(2, 1, 0).reshape(x.shape[0], -1)
    )(layer(x)[1]),
)


@sequence_vectors.mistake(
    "Now the samples stay apart, but the backward half of `output[:, -1]` has read one step. Take it where it is "
    "finished."
)
def _last_output(layer, x):
    return layer(x)[0][:, -1]


def _two_states(layer, x) -> tuple[torch.Tensor, torch.Tensor]:
    _, state = layer(x)
    hn = state[0] if isinstance(state, tuple) else state
    return hn[0], hn[1]


@sequence_vectors.mistake("Both states are there, backward before forward.")
def _backward_in_front(layer, x):
    return torch.cat(_two_states(layer, x)[::-1], dim=1)


@sequence_vectors.mistake(
    "The two directions lie one after the other along the batch: that is `dim=0`. Side by side, along the features, is "
    "`dim=1`."
)
def _one_below_the_other(layer, x):
    return torch.cat(_two_states(layer, x), dim=0)


@sequence_vectors.mistake("You added the two directions up. Both are asked for, side by side: `(N, 2 * H)`.")
def _added(layer, x):
    return sum(_two_states(layer, x))


@sequence_vectors.mistake("You took the mean of the two directions. Both are asked for, side by side: `(N, 2 * H)`.")
def _averaged(layer, x):
    return sum(_two_states(layer, x)) / 2


@sequence_vectors.mistake("That is the forward state alone. The backward one is `hn[1]`.")
def _forward_alone(layer, x):
    return _two_states(layer, x)[0]


@sequence_vectors.mistake("Both halves are the forward state. The backward one is `hn[1]`.")
def _forward_twice(layer, x):
    return torch.cat(_two_states(layer, x)[:1] * 2, dim=1)


@sequence_vectors.mistake(
    "That is `hn` as it is, directions in front: `squeeze` finds no axis of size 1. Join its two entries."
)
def _as_it_is(layer, x):
    return torch.stack(_two_states(layer, x))


@sequence_vectors.mistake(
    "The samples are in front and stay apart. The two directions still have an axis of their own: make one row of them."
)
def _not_joined(layer, x):
    return torch.stack(_two_states(layer, x), dim=1)


@sequence_vectors.mistake(
    "The samples stay apart, but the forward half of `output[:, 0]` has read one step. Take it where it is finished."
)
def _first_output(layer, x):
    return layer(x)[0][:, 0]


@sequence_vectors.mistake(
    "`view` cannot flatten a transposed tensor: its rows do not lie one after the other in memory. `reshape` "
    "copies them."
)
def _transposed_view(layer, x):
    return torch.stack(_two_states(layer, x)).transpose(0, 1).view(len(x), -1)


@sequence_vectors.mistake(
    "Right for an RNN and a GRU. With an LSTM `state` is the pair `(hn, cn)`, and you have joined these two. The line "
    "above takes `hn` out of it."
)
def _pair_joined(layer, x):
    _, state = layer(x)
    return torch.cat([state[-2], state[-1]], dim=1)


@EXERCISES.explain(
    hints=[
        "`D * num_layers` does not say in which order. Which of the two counts faster?",
        "`hn.view(num_layers, D, N, H)` takes the first axis apart: layer first, then direction.",
    ]
)
def four_rows():
    layer = nn.GRU(4, 5, num_layers=2, batch_first=True, bidirectional=True)
    x = torch.rand(3, 6, 4)
    output, hn = layer(x)
    top_is_last = torch.equal(output[:, -1, :5], hn[2]) and torch.equal(output[:, 0, 5:], hn[3])
    return "b" if top_is_last else "a"


four_rows.mistake(
    "That is the order of `hn.view(D, num_layers, N, H)`, which has the same shape here and is wrong. Layers come "
    "first, and within a layer its directions.",
    lambda: "a",
)
four_rows.mistake(
    "`hn` has no time axis: every one of its states is a final state. The steps are in `output`.", lambda: "c"
)
four_rows.mistake("The batch is the second axis of `hn`: three samples, in every row.", lambda: "d")
four_rows.mistake(
    'Answer with one letter in quotation marks, such as `"a"`.', lambda: "x", matches=not_letters_of("abcd")
)


def _states(rng: random.Random) -> tuple[torch.Tensor, int]:
    num_layers, N, H = distinct(rng, 3)
    return torch.randn(2 * num_layers, N, H), num_layers


@EXERCISES.write(
    draw=_states,
    hints=[
        "Take the first axis apart with `view(num_layers, 2, N, H)`.",
        "Then `permute(2, 0, 1, 3)`: samples, layers, directions, units. Which two axes have to become one?",
    ],
)
def by_layer(hn, num_layers):
    rows = [torch.cat([hn[2 * layer], hn[2 * layer + 1]], dim=-1) for layer in range(num_layers)]
    return torch.stack(rows, dim=1)


@by_layer.mistake(
    "You took the first axis apart as direction first, then layer. The shape is the same; the states are in the wrong "
    "places."
)
def _direction_first(hn, num_layers):
    return hn.view(2, num_layers, *hn.shape[1:]).permute(2, 1, 0, 3).flatten(start_dim=2)


@by_layer.mistake(
    "The shape is right, but `view` or `reshape` does not move the samples to the front: it cuts across them. "
    "`permute` moves an axis."
)
def _reshaped(hn, num_layers):
    return hn.reshape(hn.shape[1], num_layers, -1)


@by_layer.mistake("The states are right; the axes are `(num_layers, N, 2 * H)`. The samples come first.")
def _layers_first(hn, num_layers):
    return torch.cat([hn[0::2], hn[1::2]], dim=2)


by_layer.mistake(
    "The samples are in front. Each direction still has a row of its own: the two of a layer have to become one row, "
    "side by side.",
    lambda hn, num_layers: hn.transpose(0, 1),
)
by_layer.mistake(
    "Each sample has one long row now, with every layer in it. The layers keep an axis of their own.",
    lambda hn, num_layers: hn.transpose(0, 1).flatten(start_dim=1),
)
by_layer.mistake(
    "The directions have an axis of their own. The exercise wants their states side by side: make one axis of the "
    "last two.",
    lambda hn, num_layers: hn.view(num_layers, 2, *hn.shape[1:]).permute(2, 0, 1, 3),
)


@by_layer.mistake("The layers are there from the top down; the exercise asks for the bottom layer first.")
def _top_down(hn, num_layers):
    return torch.cat([hn[0::2], hn[1::2]], dim=2).transpose(0, 1).flip(dims=[1])


@by_layer.mistake("In each vector the backward state comes before the forward one.")
def _backward_before_forward(hn, num_layers):
    return torch.cat([hn[1::2], hn[0::2]], dim=2).transpose(0, 1)


@by_layer.mistake(
    "The directions are side by side now, but the layers are still in front, and `reshape` cuts across them. "
    "Bring the samples to the front first."
)
def _samples_second(hn, num_layers):
    _, N, H = hn.shape
    return hn.view(num_layers, 2, N, H).transpose(1, 2).reshape(N, num_layers, 2 * H)


@by_layer.mistake(
    "Forward and backward units alternate in your rows. The direction has to come before the units when you flatten."
)
def _units_alternate(hn, num_layers):
    _, N, H = hn.shape
    return hn.view(num_layers, 2, N, H).permute(2, 0, 3, 1).flatten(start_dim=2)


@by_layer.mistake("You added the two directions up. Side by side they are `2 * H` wide.")
def _directions_added(hn, num_layers):
    _, N, H = hn.shape
    return hn.view(num_layers, 2, N, H).sum(dim=1).transpose(0, 1)


@by_layer.mistake("That is the top layer alone. The exercise asks for every layer, from the bottom up.")
def _top_alone(hn, num_layers):
    return torch.cat([hn[-2], hn[-1]], dim=1)


@by_layer.mistake(
    "Each layer has two rows of `hn`, so the first of layer `k` is `hn[2 * k]`. You go up by one row for each layer."
)
def _one_row_a_layer(hn, num_layers):
    return torch.stack([torch.cat([hn[k], hn[k + 1]], dim=1) for k in range(num_layers)], dim=1)


def _one_ways(rng: random.Random) -> tuple[nn.RNNBase, nn.RNNBase, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    kind = rng.choice((nn.RNN, nn.GRU))
    return kind(H_in, H, batch_first=True), kind(H_in, H, batch_first=True), torch.randn(N, L, H_in)


@EXERCISES.write(
    draw=_one_ways,
    hints=[
        "`x.flip(dims=[1])` is the sequence from its end. What does `back` return for it?",
        "`back` returned its states in its own order: its first is that of the last step. Flip its output once more, "
        "so that step t is at index t.",
        "`output` joins along the features, `hn` along the first axis. A final state needs no flip.",
    ],
)
def two_ways(there, back, x):
    kind = type(there)
    both = kind(there.input_size, there.hidden_size, batch_first=True, bidirectional=True)
    weights = there.state_dict() | {f"{name}_reverse": value for name, value in back.state_dict().items()}
    both.load_state_dict(weights)
    return both(x)


def _put_together(left, right, left_end, right_end):
    return torch.cat([left, right], dim=2), torch.cat([left_end, right_end], dim=0)


@two_ways.mistake(
    "The backward states are right and at the wrong steps: `back` returned its states from the end. Flip its "
    "output along time too."
)
def _not_flipped_back(there, back, x):
    (left, left_end), (right, right_end) = there(x), back(x.flip(dims=[1]))
    return _put_together(left, right, left_end, right_end)


@two_ways.mistake("`back` has read the sequence from its beginning. It has to be given the steps in reverse.")
def _not_flipped(there, back, x):
    (left, left_end), (right, right_end) = there(x), back(x)
    return _put_together(left, right, left_end, right_end)


@two_ways.mistake(
    "Flipping the output of a layer that has read forwards does not make it a backward layer: flip its *input* as well."
)
def _flipped_afterwards(there, back, x):
    (left, left_end), (right, right_end) = there(x), back(x)
    return _put_together(left, right.flip(dims=[1]), left_end, right_end)


@two_ways.mistake("You flipped the batch, not the time: with `batch_first=True` time is axis 1.")
def _flipped_batch(there, back, x):
    (left, left_end), (right, right_end) = there(x), back(x.flip(dims=[0]))
    return _put_together(left, right.flip(dims=[0]), left_end, right_end)


two_ways.mistake(
    "That is `output` alone. The exercise asks for both: `return output, hn`.",
    lambda there, back, x: torch.cat([there(x)[0], back(x.flip(dims=[1]))[0].flip(dims=[1])], dim=2),
)


@two_ways.mistake(
    "`output` is right. In `hn` the directions are stacked along the first axis, not joined along the features."
)
def _joined_hn(there, back, x):
    (left, left_end), (right, right_end) = there(x), back(x.flip(dims=[1]))
    return torch.cat([left, right.flip(dims=[1])], dim=2), torch.cat([left_end, right_end], dim=2)


@two_ways.mistake(
    "`output` is right. The backward final state is what `back` returned as its `hn`; at the last step it has read "
    "one step."
)
def _wrong_final(there, back, x):
    (left, left_end), (right, _) = there(x), back(x.flip(dims=[1]))
    right = right.flip(dims=[1])
    return _put_together(left, right, left_end, right[:, -1][None])


two_ways.mistake(
    "A list can be sliced with a step of -1, a tensor cannot. PyTorch has a method that reverses an axis: `flip`.",
    lambda there, back, x: there(x[:, ::-1]),
)


def _both_ways(there, back, x):
    (left, left_end), (right, right_end) = there(x), back(x.flip(dims=[1]))
    return left, left_end, right.flip(dims=[1]), right_end


@two_ways.mistake("You flipped the features, not the time: with `batch_first=True` time is axis 1.")
def _flipped_features(there, back, x):
    (left, left_end), (right, right_end) = there(x), back(x.flip(dims=[2]))
    return _put_together(left, right.flip(dims=[1]), left_end, right_end)


@two_ways.mistake(
    "`hn` is right. In `output` the two directions are side by side, along the features: you have joined them along "
    "time."
)
def _output_along_time(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([left, right], dim=1), torch.cat([left_end, right_end])


@two_ways.mistake(
    "`hn` is right. In `output` the two directions are side by side, along the features: you have joined them along "
    "the batch."
)
def _output_along_the_batch(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([left, right], dim=0), torch.cat([left_end, right_end])


@two_ways.mistake("`hn` is right. You added the two directions up; in `output` they are side by side.")
def _added_up(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return left + right, torch.cat([left_end, right_end])


@two_ways.mistake(
    "`output` is right. Each final state has an axis for its layer already: `cat` joins along it, `stack` adds one "
    "more."
)
def _stacked_hn(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([left, right], dim=2), torch.stack([left_end, right_end])


@two_ways.mistake("`output` is right. `hn` is one tensor, `(2, N, H)`, and you return its two parts.")
def _hn_in_parts(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([left, right], dim=2), (left_end, right_end)


@two_ways.mistake("`output` is right. In `hn` the forward direction comes first.")
def _hn_backward_first(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([left, right], dim=2), torch.cat([right_end, left_end])


@two_ways.mistake("In `output` the forward half comes first.")
def _output_backward_first(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([right, left], dim=2), torch.cat([left_end, right_end])


@two_ways.mistake(
    "`output` is right. A final state has no time axis: `flip(dims=[1])` has put its samples in the reverse order."
)
def _final_flipped(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([left, right], dim=2), torch.cat([left_end, right_end.flip(dims=[1])])


@two_ways.mistake(
    "`output` is right. The final states have an axis for the layer in front, `(1, N, H)`: join along it, as it is."
)
def _final_squeezed(there, back, x):
    left, left_end, right, right_end = _both_ways(there, back, x)
    return torch.cat([left, right], dim=2), torch.cat([left_end[0], right_end[0]])


@two_ways.mistake("Both directions have the weights of `there`. The backward one is computed by `back`.")
def _one_layer_twice(there, back, x):
    left, left_end, right, right_end = _both_ways(there, there, x)
    return _put_together(left, right, left_end, right_end)


@two_ways.mistake("Each direction starts from zeros. You handed the final state of `there` to `back`.")
def _state_handed_over(there, back, x):
    left, left_end = there(x)
    right, right_end = back(x.flip(dims=[1]), left_end)
    return _put_together(left, right.flip(dims=[1]), left_end, right_end)
