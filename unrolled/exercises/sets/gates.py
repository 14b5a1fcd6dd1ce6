"""Gates: the pair, the four blocks of rows, and the cell state that no `output` shows."""

import random
import warnings

import torch
from torch import nn

from unrolled.exercises.exercise import LAYER_CALLS, Ban, ExerciseSet, distinct
from unrolled.exercises.results import Result

EXERCISES = ExerciseSet("gates")


@EXERCISES.predict(
    hints=[
        "How many things does `nn.LSTM` return, and which of them did the name `state` get?",
        "`state` is `(hn, cn)`, so `state[0]` is the whole of `hn`: every layer, every sample.",
    ]
)
def state_of_an_lstm():
    layer = nn.LSTM(6, 8, num_layers=3, batch_first=True)
    _, state = layer(torch.zeros(4, 9, 6))
    return len(state), tuple(state[0].shape)


state_of_an_lstm.mistake(
    "You describe the `hn` of a GRU: a tensor of three layers, whose row 0 is the bottom one. An LSTM returns "
    "something else in its place.",
    lambda: (3, (4, 8)),
)
state_of_an_lstm.mistake(
    "The length is right. But `state[0]` picks from the pair, and not yet a layer: which tensor is the pair's first "
    "half?",
    lambda: (2, (4, 8)),
)
state_of_an_lstm.mistake(
    "There are three tensors in all, and two of them are in `state`. The shape is right.", lambda: (3, (3, 4, 8))
)
state_of_an_lstm.mistake(
    "The length is right. `batch_first` moves the batch of `x` and `output`; in a state the layers come first.",
    lambda: (2, (4, 3, 8)),
)
state_of_an_lstm.mistake(
    "That is the shape of `output`. `state` is the other thing that the layer returned, and has no time axis.",
    lambda: (2, (4, 9, 8)),
)
state_of_an_lstm.mistake(
    "The length is right. The shape is that of one layer; this LSTM has three.", lambda: (2, (1, 4, 8))
)


def _held(i: float, f: float, g: float, o: float, steps: int) -> list[float]:
    """The cell states of an LSTM of one unit whose four gates are held by these biases."""
    layer = nn.LSTM(1, 1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_ih_l0.copy_(torch.tensor([i, f, g, o]))
    return [layer(torch.zeros(steps, 1))[1][1].item() for steps in range(1, steps + 1)]


def _are_its_tanh(arguments: tuple, result: Result) -> bool:
    numbers = (
        isinstance(result, list) and len(result) == 3 and all(isinstance(number, (int, float)) for number in result)
    )
    return numbers and bool((torch.tensor(result) - torch.tensor([1, 1.5, 1.75]).tanh()).abs().max() < 0.01)


@EXERCISES.predict(
    hints=[
        "The new cell state is `f * c + i * g`, with the old one as `c`. Put in the held gates.",
        "Each step halves what is there, and then adds 1. It starts from 0.",
    ]
)
def three_cell_states():
    return tuple(_held(20, 0, 20, 20, steps=3))


three_cell_states.mistake(
    "You halve the sum. The forget gate multiplies the old cell state alone; the new part, `i * g`, is added whole.",
    lambda: (0.5, 0.75, 0.875),
)
three_cell_states.mistake(
    "Those would come of a forget gate at 1: nothing was forgotten. Here each step keeps half of the old cell state.",
    lambda: (1, 2, 3),
)
three_cell_states.mistake(
    "Those would come of a forget gate at 0: nothing was kept. Here each step keeps half of the old cell state.",
    lambda: (1, 1, 1),
)
three_cell_states.mistake(
    "The first is right. After it you forget and add nothing, and `i * g` is 1 at every step.", lambda: (1, 0.5, 0.25)
)
three_cell_states.mistake(
    "You begin with a cell state of 1 and halve it. It begins with 0, and every step adds `i * g` to what is left.",
    lambda: (0.5, 0.25, 0.125),
)
three_cell_states.mistake(
    "You begin with the state before the first step. Asked for are the three states after a step.", lambda: (0, 1, 1.5)
)
three_cell_states.mistake(
    "Those are the hidden states, `o * tanh(c)`. Nothing squeezes `c` itself, which is why it can pass 1.",
    lambda: torch.tensor([1, 1.5, 1.75]).tanh().tolist(),
    matches=_are_its_tanh,
)


def _stacked(rng: random.Random) -> tuple[torch.Tensor]:
    H, H_in = distinct(rng, 2)
    return (torch.randn(4 * H, H_in) if rng.random() < 0.7 else torch.randn(4 * H),)


@EXERCISES.write(
    draw=_stacked,
    hints=[
        "`W.chunk(4)` gives the four blocks of rows. Give each the name of the gate that it is in ONNX.",
        "PyTorch's order is i, f, g, o, and `torch.cat` puts blocks on top of each other.",
    ],
)
def rows_from_onnx(W):
    H = len(W) // 4
    return W[[*range(H), *range(2 * H, 4 * H), *range(H, 2 * H)]]


@rows_from_onnx.mistake(
    "That is the way back, from PyTorch's order to ONNX's. Name the blocks as ONNX stacks them, then put them in "
    "PyTorch's order."
)
def _to_onnx(W):
    i, f, g, o = W.chunk(4)
    return torch.cat([i, o, f, g])


@rows_from_onnx.mistake(
    "You return the rows as they came: its input gate would be right, and its forget gate ONNX's output gate."
)
def _as_it_came(W):
    return W


@rows_from_onnx.mistake(
    "The first two gates are right. The last two are exchanged: which of g and o comes last in PyTorch?"
)
def _ends_in_g(W):
    i, o, f, g = W.chunk(4)
    return torch.cat([i, f, o, g])


@rows_from_onnx.mistake(
    "You read the rows as i, o, f, g of the first unit, then of the second. They are stacked: H rows of one gate, "
    "then H of the next."
)
def _unit_by_unit(W):
    return W.reshape(-1, 4, *W.shape[1:])[:, [0, 2, 3, 1]].reshape(W.shape)


@EXERCISES.explain(
    hints=[
        "The GRU's `state` is a tensor of shape (2, 4, 8). What is the LSTM's?",
        "A tuple of two, so −2 and −1 pick its halves. Each is (2, 4, 8), and joined along axis 1 they are (2, 8, 8): "
        "16 rows of 8.",
    ]
)
def joined_by_cat():
    layer = nn.LSTM(6, 8, batch_first=True, bidirectional=True)
    _, state = layer(torch.rand(4, 9, 6))
    hn, cn = state
    return "c" if state[-2] is hn and state[-1] is cn else "a"


joined_by_cat.mistake(
    "That is what the line joins of a GRU, whose `state` is one tensor. Their shapes, (4, 8) each, would have suited "
    "the head: so what came instead?",
    lambda: "a",
)
joined_by_cat.mistake(
    "Then both would be (4, 8), and the head would have got the 16 columns that it wants. No direction has been "
    "picked yet: count the axes of `state[-1]`.",
    lambda: "b",
)
joined_by_cat.mistake(
    "A state has no time axis: the steps are in `output`. `-2` and `-1` count along something else.", lambda: "d"
)


def _biases(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    H = rng.randint(2, 6)
    return torch.randn(3 * H), torch.randn(3 * H)


@EXERCISES.mend(
    draw=_biases,
    hints=[
        "In which of the three lines for r, z and n are the two biases added to each other, with nothing between them?",
        "In the line for n, r multiplies `b_hn` and leaves `b_in` alone, so `b_hn` has to stay. Which third of the "
        "bias is that?",
    ],
)
def folded_biases(b_ih, b_hh):
    H = len(b_hh) // 3
    stays = torch.cat([torch.zeros(2 * H), torch.ones(H)])
    return b_ih + (1 - stays) * b_hh, stays * b_hh


@folded_biases.mistake("Right for an LSTM.", given=True)
def _all_folded(b_ih, b_hh):
    return b_ih + b_hh, torch.zeros_like(b_hh)


@folded_biases.mistake(
    "Now the layer computes the same, and nothing is folded. Two of the three gates need no second bias."
)
def _none_folded(b_ih, b_hh):
    return b_ih, b_hh


@folded_biases.mistake(
    "You keep the first third, which is the reset gate's own bias. The groups are stacked r, z, n, and it is another "
    "one that r multiplies."
)
def _first_kept(b_ih, b_hh):
    H = len(b_hh) // 3
    kept = torch.cat([b_hh[:H], torch.zeros(2 * H)])
    return b_ih + b_hh - kept, kept


@folded_biases.mistake(
    "You keep the middle third, the update gate's. It is in a plain sum with the other bias; look for the one "
    "that r multiplies."
)
def _middle_kept(b_ih, b_hh):
    H = len(b_hh) // 3
    kept = torch.cat([torch.zeros(H), b_hh[H : 2 * H], torch.zeros(H)])
    return b_ih + b_hh - kept, kept


@folded_biases.mistake(
    "The second bias is right. But what stays in it must not be added to the first as well: now it acts twice."
)
def _kept_and_added(b_ih, b_hh):
    H = len(b_hh) // 3
    return b_ih + b_hh, torch.cat([torch.zeros(2 * H), b_hh[2 * H :]])


@folded_biases.mistake(
    "The first bias is right. What you have added to it has to leave the second one: put zeros there, or it acts twice."
)
def _added_and_kept(b_ih, b_hh):
    H = len(b_hh) // 3
    return b_ih + torch.cat([b_hh[: 2 * H], torch.zeros(H)]), b_hh


def _stack(rng: random.Random) -> tuple[nn.LSTM, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    return nn.LSTM(H_in, H, rng.randint(2, 3), batch_first=True), torch.randn(N, L, H_in)


@EXERCISES.write(
    draw=_stack,
    cases=8,
    hints=[
        "Call the layer on one step at a time, `x[:, t:t+1]`, and pass on the pair that it returns.",
        "After each call the second half of the pair holds the cell states of all layers, `(num_layers, N, H)`. "
        "Collect them in a list.",
        "`torch.stack(cells, dim=…)` makes the time axis. At which place is it in `(num_layers, N, L, H)`?",
    ],
)
def cells_of_every_layer(layer, x):
    prefixes = [x[:, : t + 1] for t in range(x.shape[1])]
    return torch.stack([layer(prefix)[1][1] for prefix in prefixes], dim=2)


def _walk(layer, x, half=1, carry=True):
    """The states after each step: of the pair, the hidden states (0) or the cell states (1)."""
    states, state = [], None
    for t in range(x.shape[1]):
        _, new = layer(x[:, t : t + 1], state)
        states.append(new[half])
        state = new if carry else None
    return states


@cells_of_every_layer.mistake(
    "Each of your steps starts from zeros again. Hand the pair that a call returns to the next call."
)
def _forgetful(layer, x):
    return torch.stack(_walk(layer, x, carry=False), dim=2)


@cells_of_every_layer.mistake(
    "`x[:, t]` has lost its time axis, and the layer reads `(N, H_in)` as one sequence of N steps. A slice, `t:t+1`, "
    "keeps the axis."
)
def _without_time(layer, x):
    states, state = [], None
    for t in range(x.shape[1]):
        _, state = layer(x[:, t], state)
        states.append(state[1])
    return torch.stack(states, dim=2)


@cells_of_every_layer.mistake("Those are the hidden states. In the pair `(hn, cn)` the cell states are the second.")
def _hidden(layer, x):
    return torch.stack(_walk(layer, x, half=0), dim=2)


@cells_of_every_layer.mistake("Those are the cell states of the top layer. The exercise asks for all layers.")
def _top_layer(layer, x):
    return torch.stack(_walk(layer, x), dim=2)[-1]


@cells_of_every_layer.mistake(
    "The states are right. You stacked the steps in front, as `(L, num_layers, N, H)`; time has to be the third axis."
)
def _steps_first(layer, x):
    return torch.stack(_walk(layer, x))


@cells_of_every_layer.mistake(
    "The steps are joined along the batch, so that the batch has become L times as large. `torch.stack` makes a new "
    "axis, `torch.cat` does not."
)
def _joined(layer, x):
    return torch.cat(_walk(layer, x), dim=1)


@cells_of_every_layer.mistake(
    "The states are right, with the batch in front: `(N, num_layers, L, H)`. The layers come first."
)
def _batch_in_front(layer, x):
    return torch.stack(_walk(layer, x), dim=2).transpose(0, 1)


@cells_of_every_layer.mistake(
    "Those are the cell states after the last step alone, which is all that the layer returns of them. You have to "
    "stop at every step."
)
def _last_alone(layer, x):
    return layer(x)[1][1]


@cells_of_every_layer.mistake("That is `output`, the hidden states of the top layer. No cell state is in it.")
def _output(layer, x):
    return layer(x)[0]


@cells_of_every_layer.mistake("The states are right, as `(num_layers, L, N, H)`; time has to be the third axis.")
def _time_second(layer, x):
    return cells_of_every_layer.reference(layer, x).transpose(1, 2)


@cells_of_every_layer.mistake(
    "The states are right, with time as the last axis. It has to be the third, before the units."
)
def _time_last(layer, x):
    return cells_of_every_layer.reference(layer, x).transpose(2, 3)


@cells_of_every_layer.mistake("Those are the cell states of the bottom layer. The exercise asks for all layers.")
def _bottom_alone(layer, x):
    return cells_of_every_layer.reference(layer, x)[0]


def _projected(rng: random.Random) -> tuple[torch.Tensor, ...]:
    N, L, H_in, *widths = distinct(rng, 5)
    p, H = sorted(widths)
    layer = nn.LSTM(H_in, H, proj_size=p)
    return torch.randn(N, L, H_in), *(parameter.detach() for parameter in layer.parameters())


@EXERCISES.write(
    draw=_projected,
    cases=10,
    hints=[
        "Begin with the loop of `lstm_by_hand` in the chapter. Which of `h` and `c` gets narrower, and so with which "
        "widths do the two start?",
        "`W_hh` has as many columns as `h` has numbers, and `W_hr` as many rows. `c` is as wide as `W_hr` has columns.",
        "At the end of each step `h = (o * torch.tanh(c)) @ W_hr.T`, and this `h` goes both into `output` and into "
        "the next step.",
    ],
    ban=Ban(
        calls=LAYER_CALLS,
        sentence="The numbers are right, and `nn.LSTM` has computed them. Write its equations yourself.",
    ),
)
def projected_lstm(x, W_ih, W_hh, b_ih, b_hh, W_hr):
    p, H = W_hr.shape
    layer = nn.LSTM(x.shape[2], H, batch_first=True, proj_size=p)
    layer.load_state_dict(dict(zip(layer.state_dict(), (W_ih, W_hh, b_ih, b_hh, W_hr), strict=True)))
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="LSTM with projections"
        )  # some CPU builds say that they have no fast path
        return layer(x)


def _by_hand(
    x, W_ih, W_hh, b_ih, b_hh, W_hr, order="ifgo", candidate=torch.tanh, squeeze=torch.tanh, h_width=None, c_width=None
):
    """`output`, `h` and `c` by the equations, or by other ones."""
    p, H = W_hr.shape
    h, c, output = torch.zeros(len(x), h_width or p), torch.zeros(len(x), c_width or H), []
    for t in range(x.shape[1]):
        sums = x[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh
        gate = dict(zip(order, sums.chunk(4, dim=1), strict=True))
        c = torch.sigmoid(gate["f"]) * c + torch.sigmoid(gate["i"]) * candidate(gate["g"])
        h = (torch.sigmoid(gate["o"]) * squeeze(c)) @ W_hr.T
        output.append(h)
    return torch.stack(output, dim=1), h, c


def _returned(output, h, c):
    return output, (h[None], c[None])


@projected_lstm.mistake(
    "Third and fourth gate are exchanged: PyTorch's order is i, f, g, o, and g is the one with a tanh."
)
def _another_order(*arguments):
    return _returned(*_by_hand(*arguments, order="ifog"))


@projected_lstm.mistake("A tanh is missing between `c` and `h`: the output gate multiplies `tanh(c)`.")
def _not_squeezed(*arguments):
    return _returned(*_by_hand(*arguments, squeeze=lambda c: c))


@projected_lstm.mistake(
    "You gave g a sigmoid, like the other three. It is no gate but a proposal, which may be negative: it has a tanh."
)
def _sigmoid_proposal(*arguments):
    return _returned(*_by_hand(*arguments, candidate=torch.sigmoid))


@projected_lstm.mistake(
    "The numbers are right. `hn` and `cn` count the layers along their first axis, also where there is one layer: "
    "`(1, N, …)`."
)
def _without_layers(*arguments):
    output, h, c = _by_hand(*arguments)
    return output, (h, c)


@projected_lstm.mistake("Everything is there, the pair in the wrong order: `(hn, cn)`.")
def _pair_exchanged(*arguments):
    output, h, c = _by_hand(*arguments)
    return output, (c[None], h[None])


@projected_lstm.mistake("Everything is there, as three things. An LSTM returns two, and the second is a pair.")
def _three_things(*arguments):
    output, h, c = _by_hand(*arguments)
    return output, h[None], c[None]


@projected_lstm.mistake(
    "You projected `cn` as well. Only what is shown is projected; the cell state stays `hidden_size` wide."
)
def _projected_cell(*arguments):
    output, h, c = _by_hand(*arguments)
    return output, (h[None], (c @ arguments[-1].T)[None])


@projected_lstm.mistake("One of the two biases is missing: both are added, at every step.")
def _one_bias(x, W_ih, W_hh, b_ih, b_hh, W_hr):
    return _returned(*_by_hand(x, W_ih, W_hh, b_ih, torch.zeros_like(b_hh), W_hr))


@projected_lstm.mistake(
    "Your `h` starts as wide as `c`. It is projected before the next step reads it, so it starts as narrow as `W_hh` "
    "has columns."
)
def _wide_start(*arguments):
    return _returned(*_by_hand(*arguments, h_width=arguments[-1].shape[1]))


@projected_lstm.mistake(
    "Your `c` starts as narrow as `h`. It is not projected: it has as many numbers as each of the four groups."
)
def _narrow_start(*arguments):
    return _returned(*_by_hand(*arguments, c_width=arguments[-1].shape[0]))


@projected_lstm.mistake("The numbers are right. Time comes second in `output`, `(N, L, p)`: stack along `dim=1`.")
def _steps_in_front(*arguments):
    output, h, c = _by_hand(*arguments)
    return _returned(output.transpose(0, 1), h, c)


@projected_lstm.mistake("`output` is right, and the pair is missing: return `output, (hn, cn)`.")
def _output_alone(*arguments):
    return _by_hand(*arguments)[0]


@projected_lstm.mistake("`output` and `hn` are right. An LSTM's state is a pair: return `output, (hn, cn)`.")
def _no_cells(*arguments):
    output, h, _ = _by_hand(*arguments)
    return output, h[None]


@projected_lstm.mistake("The numbers are right, as a list of steps. `output` is one tensor, `(N, L, p)`.")
def _list_of_steps(*arguments):
    output, h, c = _by_hand(*arguments)
    return _returned(list(output.unbind(1)), h, c)


@projected_lstm.mistake(
    "`torch.cat` joins along an axis that is there already: your steps lie one after the other. They need an axis of "
    "their own."
)
def _steps_joined(*arguments):
    output, h, c = _by_hand(*arguments)
    return _returned(torch.cat(list(output.unbind(1)), dim=1), h, c)


@projected_lstm.mistake(
    "The numbers are right. `hn` has its axis for the layer in front, and `cn` lacks it: `(1, N, H)`."
)
def _cells_without_layers(*arguments):
    output, h, c = _by_hand(*arguments)
    return output, (h[None], c)


@projected_lstm.mistake("Each step starts from zeros: `h` and `c` have to go on into the next one.")
def _nothing_carried(x, *weights):
    steps = [_by_hand(x[:, t : t + 1], *weights) for t in range(x.shape[1])]
    return _returned(torch.cat([output for output, _, _ in steps], dim=1), *steps[-1][1:])


@projected_lstm.mistake("The biases are not in it: both are added, at every step.")
def _no_bias(x, W_ih, W_hh, b_ih, b_hh, W_hr):
    return _returned(*_by_hand(x, W_ih, W_hh, 0 * b_ih, 0 * b_hh, W_hr))


@projected_lstm.mistake("A weight is stored `(out, in)`, and your samples are rows: transpose it, `x[:, t] @ W_ih.T`.")
def _input_weight_as_is(x, W_ih, W_hh, b_ih, b_hh, W_hr):
    return x[:, 0] @ W_ih


@projected_lstm.mistake(
    "`W_hr` is `(p, H)`, and what it projects has `H` numbers in each row: transpose it, as the other weights."
)
def _projection_as_is(x, W_ih, W_hh, b_ih, b_hh, W_hr):
    return x.new_zeros(len(x), W_hr.shape[1]) @ W_hr
