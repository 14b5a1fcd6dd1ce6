"""Layers: which one is where, what reaches what, and what dropout drops."""

import random
import warnings

import torch
from torch import nn

from unrolled.exercises.exercise import ExerciseSet, distinct
from unrolled.exercises.predicates import item_is, not_letters_of, text_passes
from unrolled.exercises.results import Result, to_json

EXERCISES = ExerciseSet("layers")


@EXERCISES.predict(
    hints=[
        "What does layer 2 read: the input, or the layer below it? How wide is that?",
        "The first axis of `hn` counts states, one for each layer. Steps do not occur in its shape, and `batch_first` "
        "does not touch it.",
    ]
)
def stack_shapes():
    layer = nn.RNN(6, 8, num_layers=3, batch_first=True)
    return tuple(layer.weight_ih_l2.shape), tuple(layer(torch.zeros(4, 9, 6))[1].shape)


stack_shapes.mistake(
    "`weight_ih_l2` is not six wide: layer 0 alone reads the input. What comes into layer 2 is the state of layer 1.",
    lambda: ((8, 6), (3, 4, 8)),
    matches=item_is(0, (8, 6), (6, 8)),
)
stack_shapes.mistake(
    "A layer reads the one below it, not all of them side by side.",
    lambda: ((8, 16), (3, 4, 8)),
    matches=item_is(0, (8, 16), (8, 24), (16, 8), (24, 8)),
)
stack_shapes.mistake(
    "`hn` has no time axis. Nine steps or ninety, it holds one final state for each layer.",
    lambda: ((8, 8), (9, 4, 8)),
    matches=item_is(1, (9, 4, 8), (4, 9, 8), (3, 9, 8), (3, 4, 9, 8)),
)
stack_shapes.mistake(
    "That would be `hn` of a single sequence without a batch axis. Here four are read.",
    lambda: ((8, 8), (3, 8)),
    matches=item_is(1, (3, 8)),
)
stack_shapes.mistake(
    "`batch_first` does not touch `hn`: the layers come first, then the batch.",
    lambda: ((8, 8), (4, 3, 8)),
    matches=item_is(1, (4, 3, 8)),
)
stack_shapes.mistake(
    "`hn` holds a final state for each layer, the top one's being the last of them.",
    lambda: ((8, 8), (1, 4, 8)),
    matches=item_is(1, (1, 4, 8), (4, 8), (4, 1, 8)),
)


@EXERCISES.predict(
    hints=[
        "A state is made from the layer below at the same step and from its own layer one step earlier. So what "
        "happens to it can go up and to the right.",
        "Entry `k` of `hn` is layer `k` after step 4. `output` is layer 2 at every step. Draw the grid of three by "
        "five and shade what changes.",
    ]
)
def moved_states():
    layer, x = nn.RNN(2, 8, num_layers=3, batch_first=True), torch.rand(1, 5, 2)
    output, hn = layer(x)

    def moved(x, h0=None):
        output_then, hn_then = layer(x, h0)
        entries = [k for k in range(3) if not torch.equal(hn_then[k], hn[k])]
        return entries, [t for t in range(5) if not torch.equal(output_then[:, t], output[:, t])]

    x_then, h0 = x.clone(), torch.zeros(3, 1, 8)
    x_then[:, 3] = -1
    h0[1] = 0.5
    return *moved(x_then), *moved(x, h0)


_MOVED = ([0, 1, 2], [3, 4], [1, 2], [0, 1, 2, 3, 4])


def _but(index: int, value: list[int]):
    """The right answer but for one part."""
    return lambda: (*_MOVED[:index], value, *_MOVED[index + 1 :])


moved_states.mistake(
    "Write four lists of numbers, also where there is one number in it: `[2]`.",
    lambda: (2, 3, 1, 0),
    matches=lambda arguments, result: not isinstance(result, list) or [type(part) for part in result] != [list] * 4,
)
moved_states.mistake(
    "Entries of `hn` are layers, 0 to 2; steps run from 0 to 4. In each pair the entries come first, then the steps.",
    lambda: ([3, 4], [0, 1, 2], [1, 2], [0, 1, 2, 3, 4]),
    matches=lambda arguments, result: any(number not in (0, 1, 2) for part in result[::2] for number in part),
)
moved_states.mistake(
    "`x[:, 3]` does not stop at layer 0: each layer reads what the layer below puts out, at step 3 and after it.",
    _but(0, [0]),
    matches=item_is(0, [0]),
)
moved_states.mistake(
    "Layer 2 is not reached past the others. The change goes through layers 0 and 1 on its way up, and they keep it.",
    _but(0, [2]),
    matches=item_is(0, [2]),
)
moved_states.mistake(
    "Going up takes no step: what is read at step 3 has reached the top layer at step 3.",
    _but(1, [4]),
    matches=item_is(1, [4]),
)
moved_states.mistake(
    "The state of step 3 is what step 4 goes on from, so the change is still there.",
    _but(1, [3]),
    matches=item_is(1, [3]),
)
moved_states.mistake(
    "Steps 0, 1 and 2 were finished before `x[:, 3]` was read, and nothing goes to the left.",
    _but(1, [0, 1, 2, 3, 4]),
    matches=item_is(1, [0, 1, 2, 3, 4]),
)
moved_states.mistake(
    "Layer 2 reads layer 1, at every step. What moves layer 1 moves it as well.", _but(2, [1]), matches=item_is(2, [1])
)
moved_states.mistake(
    "Layer 0 reads the input and its own past. What happens in layer 1 does not come down to it.",
    _but(2, [0, 1, 2]),
    matches=item_is(2, [0, 1, 2]),
)
moved_states.mistake(
    "`output` is the top layer, and the top layer reads layer 1: the start of layer 1 shows in it.",
    _but(3, []),
    matches=item_is(3, []),
)
moved_states.mistake(
    "A start is not forgotten after one step: each state is made from the one before it.",
    _but(3, [0]),
    matches=item_is(3, [0]),
)
moved_states.mistake(
    "Going up takes no step. At step 0 layer 1 is made from `h0[1]`, and layer 2 reads it at that same step.",
    _but(3, [1, 2, 3, 4]),
    matches=item_is(3, [1, 2, 3, 4]),
)
moved_states.mistake(
    "The change has begun at step 0 and is passed on from there; you give the last step alone.",
    _but(3, [4]),
    matches=item_is(3, [4]),
)

LETTERS = "abcdef"


@EXERCISES.predict(
    hints=[
        "Dropout sits on the way up between two layers, in training mode. What in your list does not pass there?",
        "`torch.no_grad()` is about gradients. `eval()` is about modes. A layer that was just built is in training "
        "mode.",
        "The bottom layer's own states are made before anything is dropped.",
    ]
)
def same_twice():
    x, pairs = torch.rand(5, 3, 6), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dropout with one layer
        one_layer = nn.LSTM(6, 8, dropout=0.5)
    layer = nn.LSTM(6, 8, num_layers=2, dropout=0.5)

    def twice(read, layer=layer):
        pairs.append((read(*layer(x)), read(*layer(x))))

    def output(output, state):
        return output

    twice(output)
    with torch.no_grad():
        twice(output)
    twice(output, layer.eval())
    layer.train()
    twice(output, one_layer)
    twice(lambda output, state: state[0][0])
    twice(lambda output, state: state[0][-1])
    return "".join(letter for letter, pair in zip(LETTERS, pairs, strict=True) if torch.equal(*pair))


same_twice.mistake(
    'Write the letters as one string, without anything between them, such as "ab".',
    lambda: "c, d, e",
    matches=not_letters_of(LETTERS),
)
same_twice.mistake(
    "`a` differs. A layer that was just built is in training mode, and `output` is above the dropout.",
    lambda: "acde",
    matches=text_passes(lambda s: "a" in s),
)
same_twice.mistake(
    "`b` differs: `torch.no_grad()` keeps no graph for gradients, and dropout goes on dropping.",
    lambda: "bcde",
    matches=text_passes(lambda s: "b" in s),
)
same_twice.mistake(
    "`f` differs. `hn[-1]` is the top layer, and what comes up to it from layer 0 has been through the dropout.",
    lambda: "cdef",
    matches=text_passes(lambda s: "f" in s),
)
same_twice.mistake(
    "One is missing. Which call turns dropout off?", lambda: "de", matches=text_passes(lambda s: "c" not in s)
)
same_twice.mistake(
    "One is missing. Dropout acts between layers. Look for the layer that has no “between”.",
    lambda: "ce",
    matches=text_passes(lambda s: "d" not in s),
)
same_twice.mistake(
    "One is missing. Look for a tensor that is finished before anything is dropped.",
    lambda: "cd",
    matches=text_passes(lambda s: "e" not in s),
)
same_twice.mistake(
    "The right letters. Put them in alphabetical order, once each.",
    lambda: "dce",
    matches=text_passes(lambda s: set(s) == set("cde")),
)


def _deep(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    layer = rng.choice((nn.RNN, nn.GRU))(H_in, H, rng.randint(2, 4), batch_first=True)
    return layer, torch.randn(N, L, H_in)


def _place(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, int, int]:
    layer, x = _deep(rng)
    return layer, x, rng.randrange(layer.num_layers), rng.randrange(x.shape[1])


@EXERCISES.write(
    draw=_place,
    hints=[
        "`output` has every step of the top layer, `hn` every layer after the last step. What you want can be an "
        "inner box, and is in neither.",
        "The last step is the last step that you give. What is `hn` when the layer has read the steps 0 to `t` and no "
        "more?",
    ],
)
def box_in_the_grid(layer, x, k, t):
    state = None
    for step in range(t + 1):
        _, state = layer(x[:, step : step + 1], state)
    return state[k]


@box_in_the_grid.mistake("Right for the top layer. `output` shows no other.")
def _from_output(layer, x, k, t):
    return layer(x)[0][:, t]


@box_in_the_grid.mistake("The right layer, after the last step of `x`. You want it after step `t`.")
def _at_the_end(layer, x, k, t):
    return layer(x)[1][k]


@box_in_the_grid.mistake("One step too few: `x[:, :t]` ends before step `t`, and for `t = 0` nothing is left to read.")
def _one_too_few(layer, x, k, t):
    return layer(x[:, :t])[1][k]


@box_in_the_grid.mistake(
    "The layer has read step `t` alone, from zeros. The steps before it belong to the state as well."
)
def _without_a_past(layer, x, k, t):
    return layer(x[:, t : t + 1])[1][k]


@box_in_the_grid.mistake(
    "`x[:, t]` has two axes, and the layer takes it for one sequence: your `N` samples were read as `N` steps."
)
def _without_time(layer, x, k, t):
    return layer(x[:, t])[1][k]


@box_in_the_grid.mistake("You count the layers from the top. `hn` has the bottom one first.")
def _from_the_top(layer, x, k, t):
    return layer(x[:, : t + 1])[1][-1 - k]


@box_in_the_grid.mistake(
    "Layers count from 0: layer `k` is entry `k` of `hn`, and `k - 1` is the one below it, or, for `k = 0`, the top "
    "one."
)
def _one_layer_down(layer, x, k, t):
    return layer(x[:, : t + 1])[1][k - 1]


@box_in_the_grid.mistake(
    "With `batch_first=True` the first axis of `x` is the batch: `x[:t + 1]` keeps samples, not steps."
)
def _samples_kept(layer, x, k, t):
    return layer(x[: t + 1])[1][k]


@box_in_the_grid.mistake(
    "`hn` has no time axis: its second axis is the batch, so `hn[k, t]` is layer `k` of sample `t`, after the last "
    "step."
)
def _step_in_hn(layer, x, k, t):
    return layer(x)[1][k, t]


@box_in_the_grid.mistake(
    "One step too few: `range(t)` ends before step `t`, and for `t = 0` the loop does not run at all."
)
def _loop_one_too_few(layer, x, k, t):
    state = None
    for step in range(t):
        _, state = layer(x[:, step : step + 1], state)
    return state[k]


@box_in_the_grid.mistake("`hn` has no time axis: `hn[k]` is `(N, H)`, and its second axis counts units.")
def _unit_in_hn(layer, x, k, t):
    return layer(x)[1][k][:, t]


@box_in_the_grid.mistake(
    "`output` has no layer axis, whatever you index it with: every step in it is the top layer's. Its first axis is "
    "the batch."
)
def _layer_in_output(layer, x, k, t):
    return layer(x)[0][k][:, t]


@box_in_the_grid.mistake("`output` has no layer axis: `output[k, t]` is sample `k` at step `t`, in the top layer.")
def _sample_in_output(layer, x, k, t):
    return layer(x)[0][k, t]


@box_in_the_grid.mistake("The right step, of every layer, `(num_layers, N, H)`. Layer `k` alone is asked for.")
def _every_layer(layer, x, k, t):
    return layer(x[:, : t + 1])[1]


@EXERCISES.explain(
    hints=[
        "Print `hn.shape`, and change the number of steps of `x`. Does the 15 change?",
        "`features` has a row for each sample, and in it the final state of one layer behind that of another. How "
        "many layers, how many units each?",
    ]
)
def width_of_features():
    hn = nn.RNN(4, 5, num_layers=4, batch_first=True)(torch.rand(2, 7, 4))[1]
    return hn.transpose(0, 1).flatten(start_dim=1).shape[1]


width_of_features.mistake(
    "One number is asked for, the one in place of the 15. The 2 in front of it is the batch.",
    lambda: (2, 15),
    matches=lambda arguments, result: not isinstance(result, (int, float)),
)
width_of_features.mistake("The states are five numbers each, not seven: `hidden_size` has not changed.", lambda: 28)
width_of_features.mistake(
    "You count time steps. `hn` has none: in the 15 the 3 is not the three steps, and seven steps do not make it "
    "longer.",
    lambda: 35,
)
width_of_features.mistake(
    "Steps times layers would be every state of the grid. `hn` has the last column of it, one state for each layer.",
    lambda: 140,
)
width_of_features.mistake(
    "Something has changed: the new stack has a layer more, and each row holds a state of every layer.", lambda: 15
)
width_of_features.mistake(
    "That is one state. `flatten` joins those of all layers, and that is why `head` does not fit.", lambda: 5
)
width_of_features.mistake(
    "Samples are still rows: `transpose` brings them to the front, and `flatten(start_dim=1)` leaves that axis alone.",
    lambda: 40,
)
width_of_features.mistake("A layer's state is `hidden_size` wide, not `input_size`.", lambda: 16)


def _cells(rng: random.Random) -> tuple[list[nn.RNNCellBase], torch.Tensor]:
    """Cells that are as wide as the input, so that any of them can read it."""
    N, L, H = distinct(rng, 3)
    kind = rng.choice((nn.RNNCell, nn.GRUCell))
    return [kind(H, H) for _ in range(rng.randint(2, 3))], torch.randn(N, L, H)


@EXERCISES.mend(
    draw=_cells,
    hints=[
        "What does layer 1 of a stack read at step `t`? And what does it read here?",
        "When the inner loop comes to layer `k`, `h[k - 1]` is already the state of step `t` of the layer below. "
        "Layer 0 has none below it.",
    ],
)
def stack_of_cells(cells, x):
    kind = nn.RNN if isinstance(cells[0], nn.RNNCell) else nn.GRU
    layer = kind(x.shape[2], x.shape[2], len(cells), batch_first=True)
    layer.load_state_dict(
        {f"{name}_l{k}": value for k, cell in enumerate(cells) for name, value in cell.state_dict().items()}
    )
    return layer(x)[0]


@stack_of_cells.mistake("Every layer reads x.", given=True)
def _always_x(cells, x):
    h = [None] * len(cells)
    output = []
    for t in range(x.shape[1]):
        for k, cell in enumerate(cells):
            h[k] = cell(x[:, t], h[k])
        output.append(h[-1])
    return torch.stack(output, dim=1)


def _stacked(cells, x, step) -> list[list[torch.Tensor]]:
    """The states of every layer after each step, where `step(cell, k, x_t, before, now)` gives the state of layer k."""
    now, grid = [x.new_zeros(x.shape[0], x.shape[2]) for _ in cells], []
    for t in range(x.shape[1]):
        before, now = now, []
        for k, cell in enumerate(cells):
            now.append(step(cell, k, x[:, t], before, now))
        grid.append(now)
    return grid


@stack_of_cells.mistake(
    "The layer below is read one step late. Going up takes no step: layer `k` reads what the layer below made at this "
    "step."
)
def _below_one_late(cells, x):
    grid = _stacked(cells, x, lambda cell, k, x_t, before, now: cell(x_t if k == 0 else before[k - 1], before[k]))
    return torch.stack([states[-1] for states in grid], dim=1)


@stack_of_cells.mistake(
    "The state of the layer below comes in as the cell's *input*, its first argument. The second is the layer's own "
    "state, one step earlier."
)
def _below_as_state(cells, x):
    grid = _stacked(cells, x, lambda cell, k, x_t, before, now: cell(x_t, before[k] if k == 0 else now[k - 1]))
    return torch.stack([states[-1] for states in grid], dim=1)


@stack_of_cells.mistake(
    "Each layer reads the one below now, and has lost its own past: without a second argument a cell starts from "
    "zeros at every step."
)
def _own_past_lost(cells, x):
    grid = _stacked(cells, x, lambda cell, k, x_t, before, now: cell(x_t if k == 0 else now[k - 1]))
    return torch.stack([states[-1] for states in grid], dim=1)


@stack_of_cells.mistake(
    "For layer 0, `h[k - 1]` is `h[-1]`: Python counts from the end, and that is the top layer. Layer 0 has to read "
    "`x[:, t]`."
)
def _below_layer_0(cells, x):
    h = [None] * len(cells)
    output = []
    for _ in range(x.shape[1]):
        for k, cell in enumerate(cells):
            h[k] = cell(h[k - 1], h[k])
        output.append(h[-1])
    return torch.stack(output, dim=1)


@stack_of_cells.mistake(
    "Two things. The state of the layer below comes in as the cell's *input*, its first argument. And for layer 0, "
    "`h[k - 1]` is `h[-1]`, the top layer."
)
def _below_as_state_from_the_end(cells, x):
    h = [None] * len(cells)
    output = []
    for t in range(x.shape[1]):
        for k, cell in enumerate(cells):
            h[k] = cell(x[:, t], h[k - 1])
        output.append(h[-1])
    return torch.stack(output, dim=1)


@stack_of_cells.mistake(
    "One state goes through all the layers. Each layer needs its own, which stays with it from step to step."
)
def _one_state_for_all(cells, x):
    h, output = None, []
    for t in range(x.shape[1]):
        below = x[:, t]
        for cell in cells:
            h = below = cell(below, h)
        output.append(h)
    return torch.stack(output, dim=1)


@stack_of_cells.mistake("The states are right, and you collect the bottom layer's. `output` is the top row.")
def _bottom_row(cells, x):
    grid = _stacked(cells, x, lambda cell, k, x_t, before, now: cell(x_t if k == 0 else now[k - 1], before[k]))
    return torch.stack([states[0] for states in grid], dim=1)


@stack_of_cells.mistake("Only layer 0 reads `x`. You add it to what the layers above read.")
def _input_added(cells, x):
    h, output = [torch.zeros_like(x[:, 0])] * len(cells), []
    for t in range(x.shape[1]):
        for k, cell in enumerate(cells):
            h[k] = cell(x[:, t] + h[k - 1] if k else x[:, t], h[k])
        output.append(h[-1])
    return torch.stack(output, dim=1)


@stack_of_cells.mistake(
    "Every layer above the first reads layer 0 here. Layer `k` reads the layer right below it, `k - 1`."
)
def _bottom_read_by_all(cells, x):
    h, output = [torch.zeros_like(x[:, 0])] * len(cells), []
    for t in range(x.shape[1]):
        for k, cell in enumerate(cells):
            h[k] = cell(h[0] if k else x[:, t], h[k])
        output.append(h[-1])
    return torch.stack(output, dim=1)


@stack_of_cells.mistake("The states are right, with the steps in front. The exercise asks for `(N, L, H)`.")
def _steps_in_front(cells, x):
    return stack_of_cells.reference(cells, x).transpose(0, 1)


_A_SET = to_json(set())


def _tensors(arguments: tuple, result: Result) -> bool:
    return (
        isinstance(result, list)
        and bool(result)
        and all(isinstance(part, dict) and "tensor" in part for part in result)
    )


def _read_entry(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, int]:
    layer, x = _deep(rng)
    return layer, x, rng.randrange(layer.num_layers)


@EXERCISES.write(
    draw=_read_entry,
    hints=[
        "Make one number of the layer's `hn[k]`, for instance its sum, and call `backward()` on it.",
        "Then go through `layer.named_parameters()`. The gradient of a weight that was not reached is there, and it "
        "is zeros.",
    ],
)
def untaught_weights(layer, x, k):
    return [name for name, _ in layer.named_parameters() if int(name.rpartition("_l")[2]) > k]


@untaught_weights.mistake("`backward()` starts from one number, and `hn[k]` has many. Their sum is one.")
def _not_one_number(layer, x, k):
    layer(x)[1][k].backward()


@untaught_weights.mistake(
    "`==` answers for every number of a gradient, and `if` wants one answer. Ask whether it is so for all of them, or "
    "for any."
)
def _many_answers(layer, x, k):
    layer(x)[1][k].sum().backward()
    return [name for name, weight in layer.named_parameters() if weight.grad == 0]


@untaught_weights.mistake("Names are asked for, such as `weight_ih_l0`. You give the tensors.", matches=_tensors)
def _tensors_themselves(layer, x, k):
    return [weight for name, weight in layer.named_parameters() if int(name.rpartition("_l")[2]) > k]


@untaught_weights.mistake(
    "The names come as a list, in the order of `layer.named_parameters()`. A set has no order.",
    matches=lambda arguments, result: result == _A_SET,
)
def _as_a_set(layer, x, k):
    return {name for name, _ in layer.named_parameters() if int(name.rpartition("_l")[2]) > k}


@untaught_weights.mistake("Those are the ones that the loss does teach. The others are asked for.")
def _taught(layer, x, k):
    return [name for name, _ in layer.named_parameters() if int(name.rpartition("_l")[2]) <= k]


@untaught_weights.mistake(
    "Your list is empty for every `k`. A loss on `output` or on all of `hn` teaches every layer; and the gradient of "
    "a weight that is not reached is a tensor of zeros, not `None`."
)
def _none(layer, x, k):
    return []


@untaught_weights.mistake("The biases are missing. They are parameters too, and they get the same zeros.")
def _weights_alone(layer, x, k):
    return [name for name in untaught_weights.reference(layer, x, k) if name.startswith("weight")]


@untaught_weights.mistake(
    "The layers below `k` are taught as well: layer `k` reads them, so the gradient goes down through them."
)
def _others(layer, x, k):
    return [name for name, _ in layer.named_parameters() if int(name.rpartition("_l")[2]) != k]


@untaught_weights.mistake("Layer `k` itself is taught: `hn[k]` is its own state.")
def _with_k(layer, x, k):
    return [name for name, _ in layer.named_parameters() if int(name.rpartition("_l")[2]) >= k]


def _masked(rng: random.Random) -> tuple[list[nn.RNNBase], torch.Tensor, list[torch.Tensor]]:
    """Single layers, a batch, and a mask of 0s and 2s for each arrow up; many cases have as many samples as steps."""
    N, L, H_in, H = distinct(rng, 4)
    L = rng.choice((L, N))
    kind, count = rng.choice((nn.RNN, nn.GRU)), rng.randint(2, 3)
    layers = [kind(H if k else H_in, H, batch_first=True) for k in range(count)]
    masks = [2 * (torch.rand(N, H) < 0.5).float() for _ in range(count - 1)]
    for mask in masks:
        mask[0, 0], mask[1, 0] = 2, 0  # something is dropped and something is kept, and not alike for all samples
    return layers, torch.randn(N, L, H_in), masks


@EXERCISES.write(
    draw=_masked,
    hints=[
        "Hand each layer the whole `output` of the one before, multiplied by the mask that belongs between them. "
        "Layer `k` is followed by `masks[k]`, the last layer by none.",
        "A sequence is `(N, L, H)` and a mask `(N, H)`. The mask needs an axis of length 1 where the steps are: "
        "`mask[:, None]`.",
        "Each layer returns a final state of shape `(1, N, H)`. Keep them, from the bottom up, and join them along "
        "the first axis.",
    ],
)
def masked_stack(layers, x, masks):
    states, output = [None] * len(layers), []
    for t in range(x.shape[1]):
        below = x[:, t : t + 1]
        for k, layer in enumerate(layers):
            below, states[k] = layer(below, states[k])
            if k < len(masks):
                below = torch.stack([below[:, 0] * masks[k]], dim=1)
        output.append(below[:, 0])
    return torch.stack(output, dim=1), torch.cat(states)


def _chained(layers, x, masks, pass_state=False):
    """The right output, and the final states one by one."""
    sequence, ends, state = x, [], None
    for k, layer in enumerate(layers):
        if k > 0:
            sequence = sequence * masks[k - 1][:, None]
        sequence, state = layer(sequence, state if pass_state else None)
        ends.append(state)
    return sequence, ends


def _sizes_clash(arguments: tuple, result: Result) -> bool:
    """Tells a mask that lies along time by the error of the cases in which it cannot, whatever else is wrong."""
    _, x, _ = arguments
    clash = isinstance(result, dict) and "must match the size of tensor b" in result.get("raised", {}).get(
        "message", ""
    )
    return clash or x.shape[0] == x.shape[1]


@masked_stack.mistake(
    "`(N, L, H)` times `(N, H)` lines the mask's samples up with the *steps*. It raises, or, where there are as many "
    "samples as steps, gives each step a mask of its own.",
    matches=_sizes_clash,
)
def _mask_along_time(layers, x, masks):
    sequence, ends = x, []
    for k, layer in enumerate(layers):
        if k > 0:
            sequence = sequence * masks[k - 1]
        sequence, end = layer(sequence)
        ends.append(end)
    return sequence, torch.cat(ends)


@masked_stack.mistake(
    "The top layer has not run. There is a mask less than there are layers, and `zip` stops with the shorter list."
)
def _without_the_top(layers, x, masks):
    sequence, ends = x, []
    for layer, mask in zip(layers, masks, strict=False):
        sequence, end = layer(sequence)
        sequence = sequence * mask[:, None]
        ends.append(end)
    return sequence, torch.cat(ends)


@masked_stack.mistake(
    "`output` is right. The masks are on the arrows up; `hn` leaves to the right, and nothing is dropped there."
)
def _masked_ends(layers, x, masks):
    output, ends = _chained(layers, x, masks)
    return output, torch.cat([end * mask for end, mask in zip(ends, masks, strict=False)] + ends[len(masks) :])


@masked_stack.mistake(
    "You hand the final state of one layer to the next as its start. Each layer starts from zeros; what goes up is "
    "the sequence."
)
def _state_handed_up(layers, x, masks):
    output, ends = _chained(layers, x, masks, pass_state=True)
    return output, torch.cat(ends)


@masked_stack.mistake(
    "`output` is right. `hn` has the top layer alone; it should have an entry for each layer, from the bottom up."
)
def _top_end_alone(layers, x, masks):
    output, ends = _chained(layers, x, masks)
    return output, ends[-1]


@masked_stack.mistake(
    "`output` is right. Each final state has a layer axis already, so `torch.stack` makes an axis too many."
)
def _axis_too_many(layers, x, masks):
    output, ends = _chained(layers, x, masks)
    return output, torch.stack(ends)


@masked_stack.mistake(
    "`output` is right, and so are the states in `hn`, from the top down. `hn` counts from the bottom."
)
def _ends_top_down(layers, x, masks):
    output, ends = _chained(layers, x, masks)
    return output, torch.cat(ends[::-1])


@masked_stack.mistake("There is no mask above the top layer: what it puts out is `output`.")
def _mask_above_the_top(layers, x, masks):
    for k, layer in enumerate(layers):
        x, _ = layer(x)
        x = x * masks[k][:, None]


@masked_stack.mistake("`output` is right. `hn` is a list of tensors `(1, N, H)`; join them along their first axis.")
def _ends_as_a_list(layers, x, masks):
    return _chained(layers, x, masks)


@masked_stack.mistake(
    "`output` is right. The states lie beside each other along the batch; the layers are the first axis of `hn`."
)
def _ends_along_the_batch(layers, x, masks):
    output, ends = _chained(layers, x, masks)
    return output, torch.cat(ends, dim=1)


@masked_stack.mistake("That is the stack without masks.")
def _unmasked(layers, x, masks):
    output, ends = _chained(layers, x, [torch.ones_like(mask) for mask in masks])
    return output, torch.cat(ends)


@masked_stack.mistake(
    "You use the first mask on every way up. Between `layers[k]` and `layers[k + 1]` it is `masks[k]`."
)
def _first_mask(layers, x, masks):
    sequence, ends = x, []
    for k, layer in enumerate(layers):
        sequence, end = layer(sequence * masks[0][:, None] if k else sequence)
        ends.append(end)
    return sequence, torch.cat(ends)


@masked_stack.mistake(
    "The right numbers are dropped, and those that are kept are not doubled. The mask holds zeros and twos: "
    "multiply by it."
)
def _not_doubled(layers, x, masks):
    sequence, ends = x, []
    for k, layer in enumerate(layers):
        sequence, end = layer(sequence * (masks[k - 1] > 0)[:, None] if k else sequence)
        ends.append(end)
    return sequence, torch.cat(ends)
