"""One step: the line of arithmetic, the shapes that it needs, and the loop around it."""

import random
from itertools import combinations

import torch
from torch import nn

from unrolled.exercises.exercise import LAYER_CALLS, Ban, ExerciseSet, distinct
from unrolled.exercises.predicates import item_is, item_passes, not_letters_of

EXERCISES = ExerciseSet("one-step")


@EXERCISES.predict(
    hints=[
        "A weight's shape says where it leads before it says from where: `(out, in)`.",
        "`weight_ih_l0` leads from six features to four units, `weight_hh_l0` from four units to four units. Two "
        "biases come on top, one number for each unit.",
    ]
)
def weight_shapes():
    layer = nn.RNN(6, 4)
    count = sum(parameter.numel() for parameter in layer.parameters())
    return tuple(layer.weight_ih_l0.shape), tuple(layer.weight_hh_l0.shape), count


def _count_that(test):
    """Tells an answer whose shapes are right by its count."""
    counted = item_passes(2, test)
    return lambda arguments, result: counted(arguments, result) and result[:2] == [[4, 6], [4, 4]]


weight_shapes.mistake(
    "The first shape is the wrong way round: PyTorch stores a weight as `(out, in)`, in a recurrent layer as in "
    "`nn.Linear`.",
    lambda: ((6, 4), (4, 4), 48),
    matches=item_is(0, (6, 4)),
)
weight_shapes.mistake(
    "A weight has two axes, what goes out and what comes in. Neither the batch, nor the steps, nor the layers are "
    "in its shape.",
    lambda: ((1, 4, 6), (1, 4, 4), 48),
    matches=item_passes(0, lambda shape: not isinstance(shape, list) or len(shape) != 2),
)
weight_shapes.mistake(
    "`weight_hh_l0` never meets the features. It leads from the state of one step to the state of the next.",
    lambda: ((4, 6), (6, 6), 48),
    matches=item_is(1, (6, 6), (4, 6), (6, 4)),
)
weight_shapes.mistake(
    "The shapes are right. The layer has two biases, `bias_ih_l0` and `bias_hh_l0`; you counted one.",
    lambda: ((4, 6), (4, 4), 44),
    matches=_count_that(lambda count: count == 44),
)
weight_shapes.mistake(
    "The shapes are right. You counted the two matrices alone; there are biases as well.",
    lambda: ((4, 6), (4, 4), 40),
    matches=_count_that(lambda count: count == 40),
)
weight_shapes.mistake(
    "The shapes are right, and the count is not. Two matrices and two biases: how many numbers are in each?",
    lambda: ((4, 6), (4, 4), 4),
    matches=_count_that(lambda count: True),
)


@EXERCISES.predict(
    hints=[
        "A product fits where the last axis of the left side is as long as the first axis of the right side. Go "
        "through them one by one.",
        "`nn.functional.linear(x_t, W)` is what an `nn.Linear` with this weight does, and `(A @ B).T` equals `B.T @ "
        "A.T`.",
    ]
)
def products_that_fit():
    layer, x_t = nn.RNN(4, 4, bias=False), torch.rand(3, 4)
    W = layer.weight_ih_l0
    products = {
        "a": lambda: W @ x_t,
        "b": lambda: x_t @ W,
        "c": lambda: x_t @ W.T,
        "d": lambda: (W @ x_t.T).T,
        "e": lambda: nn.functional.linear(x_t, W),
    }
    step = layer(x_t[None])[1][0]  # from a state of zeros
    runs, right = "", ""
    for letter, product in products.items():
        try:
            result = product()
        except RuntimeError:
            continue
        runs += letter
        right += letter * torch.allclose(torch.tanh(result), step, atol=1e-6)
    return runs, right


PRODUCTS = "abcde"


def _not_letters(answer) -> bool:
    return not isinstance(answer, str) or answer.casefold() != "".join(
        letter for letter in PRODUCTS if letter in answer.casefold()
    )


def _parts(test):
    """Tells a pair of strings, those that run and those that are right."""
    return lambda arguments, result: (
        isinstance(result, list) and len(result) == 2 and test(*(text.casefold() for text in result))
    )


products_that_fit.mistake(
    'Write two strings, each with its letters in alphabetical order and nothing between them, such as "ab".',
    lambda: ("b, c, d, e", "c, d, e"),
    matches=lambda arguments, result: not isinstance(result, list) or any(map(_not_letters, result)),
)
products_that_fit.mistake(
    "`a` does not run: the four columns of `W` would have to meet the three rows of `x_t`.",
    lambda: ("abcde", "cde"),
    matches=_parts(lambda runs, right: "a" in runs),
)
products_that_fit.mistake(
    "You call one of them right of which you say that it does not run.",
    lambda: ("de", "cde"),
    matches=_parts(lambda runs, right: not set(right) <= set(runs)),
)
products_that_fit.mistake(
    "`b` runs and is not right. A weight is stored as `(out, in)`: in `x_t @ W` each sample meets the columns of `W`, "
    "where it should meet the rows.",
    lambda: ("bcde", "bcde"),
    matches=_parts(lambda runs, right: "b" in right),
)
products_that_fit.mistake(
    "One that is not right runs all the same: `W` is square, so it fits either way round. That is why nobody tells "
    "you.",
    lambda: ("cde", "cde"),
    matches=_parts(lambda runs, right: "b" not in runs),
)
products_that_fit.mistake(
    "There is one more that runs. Write the shapes beside each other, (3, 4) and (4, 4), swapped where there is a "
    "`.T`.",
    lambda: ("bce", "ce"),
    matches=_parts(lambda runs, right: runs != "bcde"),
)
products_that_fit.mistake(
    "Among those that run, one more is right: `nn.functional.linear` takes a weight as it is stored, `(out, in)`, and "
    "turns it itself.",
    lambda: ("bcde", "cd"),
    matches=_parts(lambda runs, right: "e" not in right),
)
products_that_fit.mistake(
    "Among those that run, one more is right: `d` has the samples as columns, as the equation on paper does, and "
    "turns the result back to rows.",
    lambda: ("bcde", "ce"),
    matches=_parts(lambda runs, right: "d" not in right),
)
products_that_fit.mistake(
    "Among those that run, one more is right: samples as rows, the weight transposed.",
    lambda: ("bcde", "de"),
    matches=_parts(lambda runs, right: "c" not in right),
)


def _step(rng: random.Random) -> tuple[nn.RNN, torch.Tensor, torch.Tensor]:
    """A layer, whose two weights are both square in every other case, one step of a batch and the state before it."""
    N, H_in, H = distinct(rng, 3)
    H_in = rng.choice((H_in, H))
    return nn.RNN(H_in, H), torch.randn(N, H_in), torch.randn(N, H)


@EXERCISES.write(
    draw=_step,
    hints=[
        "The layer's four tensors are `layer.weight_ih_l0`, `layer.weight_hh_l0`, `layer.bias_ih_l0` and "
        "`layer.bias_hh_l0`.",
        "Samples are rows, and a weight is stored as `(out, in)`. So a row goes to the left of the weight, and the "
        "weight is transposed.",
        "The sum of four terms, and one `torch.tanh` around all of it: `x_t` by its weight, `h` by its weight, and "
        "both biases.",
    ],
    ban=Ban(
        calls=LAYER_CALLS,
        sentence="The state is right, and a layer has computed it. Compute it from the four tensors, without "
        "calling the layer.",
    ),
)
def state_after(layer, x_t, h):
    return layer(x_t[None], h[None])[1][0]


@state_after.mistake(
    "The `.T` on `weight_hh_l0` is missing. That weight is square, so nothing complains, and each unit reads a column "
    "where it should read its row."
)
def _hh_not_turned(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0 + layer.bias_hh_l0)


@state_after.mistake(
    "`weight_ih_l0` is stored as `(out, in)` and has to be transposed. Where both widths are the same, forgetting it "
    "raises nothing."
)
def _ih_not_turned(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0 + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0)


@state_after.mistake("Neither weight is transposed. Both are stored as `(out, in)`.")
def _neither_turned(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0 + layer.bias_ih_l0 + h @ layer.weight_hh_l0 + layer.bias_hh_l0)


@state_after.mistake("One bias is missing. There are two, and both are added.")
def _one_bias(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T)


@state_after.mistake("Both biases are missing.")
def _no_bias(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0.T + h @ layer.weight_hh_l0.T)


@state_after.mistake(
    "Two things. The `.T` on `weight_hh_l0` is missing; it is square, so nothing complains. And both biases are "
    "missing."
)
def _hh_not_turned_no_bias(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0.T + h @ layer.weight_hh_l0)


@state_after.mistake("That is the sum before the `tanh`.")
def _no_tanh(layer, x_t, h):
    return x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0


@state_after.mistake("The `tanh` goes around the whole sum. Yours closes before the state has been added.")
def _tanh_of_input(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0) + h @ layer.weight_hh_l0.T + layer.bias_hh_l0


@state_after.mistake("`h` is not in it: that is the step from a state of zeros.")
def _from_zeros(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0 + layer.bias_hh_l0)


@state_after.mistake("`h` is added as it is. It has to go through `weight_hh_l0` first.")
def _plain_h(layer, x_t, h):
    return torch.tanh(x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h + layer.bias_hh_l0)


@state_after.mistake(
    "In `W @ x_t` a sample would have to be a column. Here each sample is a row, so it goes to the left, and the "
    "weight is transposed."
)
def _as_on_paper(layer, x_t, h):
    return torch.tanh(layer.weight_ih_l0 @ x_t + layer.bias_ih_l0 + layer.weight_hh_l0 @ h + layer.bias_hh_l0)


@state_after.mistake(
    "The layer takes two axes for one sequence: it has read your `N` samples as `N` steps, and `h` as the states of "
    "`N` layers. Write the line itself."
)
def _called_without_steps(layer, x_t, h):
    return layer(x_t, h)[1]


@state_after.mistake(
    "The layer takes two axes for one sequence: it has read your `N` samples as `N` steps, and `h` not at all."
)
def _samples_as_steps(layer, x_t, h):
    return layer(x_t)[0]


@state_after.mistake("You gave the sum a sigmoid. This layer's nonlinearity is `tanh`.")
def _sigmoid(layer, x_t, h):
    return torch.sigmoid(x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0)


def _cell(rng: random.Random) -> tuple[nn.RNNCellBase, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    return rng.choice((nn.RNNCell, nn.GRUCell))(H_in, H), torch.randn(N, L, H_in)


@EXERCISES.mend(
    draw=_cell,
    hints=[
        "Which line tells step 1 what step 0 left behind?",
        "A cell takes the state as its second argument and keeps none itself. Hold the state in a variable `h`, and "
        "hand it over at each step.",
    ],
)
def states_of_cell(cell, x):
    kind = nn.RNN if isinstance(cell, nn.RNNCell) else nn.GRU
    layer = kind(cell.input_size, cell.hidden_size, batch_first=True)
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    return layer(x)[0]


@states_of_cell.mistake("Each step starts from zeros.", given=True)
def _forgetful(cell, x):
    states = []
    for t in range(x.shape[1]):
        h = cell(x[:, t])
        states.append(h)
    return torch.stack(states, dim=1)


def _walked(cell, x) -> list[torch.Tensor]:
    """The state before the first step, which is zeros, and the one after each step."""
    states = [x.new_zeros(x.shape[0], cell.hidden_size)]
    for t in range(x.shape[1]):
        states.append(cell(x[:, t], states[-1]))
    return states


@states_of_cell.mistake(
    "The state is passed on now. The axes are `(L, N, H)`: the states were stacked along `dim=0`, in front of the "
    "batch."
)
def _steps_in_front(cell, x):
    return torch.stack(_walked(cell, x)[1:], dim=0)


@states_of_cell.mistake(
    "Each state is one step late: your list begins with the zeros from before step 0, and the last state is missing."
)
def _one_late(cell, x):
    return torch.stack(_walked(cell, x)[:-1], dim=1)


@states_of_cell.mistake(
    "The zeros from before step 0 are in your list too, so there is one entry more than there are steps."
)
def _with_zeros(cell, x):
    return torch.stack(_walked(cell, x), dim=1)


@states_of_cell.mistake("That is the state after the last step alone. Every step's is asked for.")
def _last_alone(cell, x):
    return _walked(cell, x)[-1]


@states_of_cell.mistake(
    "`torch.cat` joins along an axis that is there already, and the steps became features. They need an axis of their "
    "own."
)
def _joined(cell, x):
    return torch.cat(_walked(cell, x)[1:], dim=1)


@states_of_cell.mistake(
    "Before step 0 there is no `h` yet. Give it a value before the loop: zeros of `(N, hidden_size)`, or `None`, "
    "which a cell takes for zeros."
)
def _no_start(cell, x):
    states = []
    for t in range(x.shape[1]):
        h = cell(x[:, t], h)  # noqa: F821 this is the mistake
        states.append(h)
    return torch.stack(states, dim=1)


@states_of_cell.mistake(
    "Your list holds zeros: `h` never changes. A cell returns the new state and leaves the old one as it is."
)
def _never_changed(cell, x):
    return x.new_zeros(*x.shape[:2], cell.hidden_size)


@states_of_cell.mistake(
    "A cell returns one tensor, the new state. There is no pair to take apart, as there is with a layer."
)
def _taken_apart(cell, x):
    h, states = None, []
    for t in range(x.shape[1]):
        h, _ = cell(x[:, t], h)
        states.append(h)
    return torch.stack(states, dim=1)


@states_of_cell.mistake("The states are right, as a list of `L` tensors. They have to become one tensor, `(N, L, H)`.")
def _as_a_list(cell, x):
    return _walked(cell, x)[1:]


@states_of_cell.mistake("The loop runs `N` times, once for each sample. Steps are the second axis of `x`.")
def _loop_over_samples(cell, x):
    h, states = None, []
    for t in range(x.shape[0]):
        h = cell(x[:, t], h)
        states.append(h)
    return torch.stack(states, dim=1)


@states_of_cell.mistake("`x[t]` is sample `t`, all of its steps. A step of all samples is `x[:, t]`.")
def _samples_walked(cell, x):
    states, h = [], None
    for t in range(x.shape[1]):
        h = cell(x[t], h)
        states.append(h)
    return torch.stack(states, dim=1)


@EXERCISES.explain(
    hints=[
        "Print `hn.shape`. The cell wants a state with two axes. Which of the three is it that a cell has no use for?",
        "The layer's `hn` is `(num_layers, N, H_out)`. A cell is one line of the loop: it knows samples and units.",
    ]
)
def axis_too_many():
    layer, cell, x = nn.RNN(4, 5, batch_first=True), nn.RNNCell(4, 5), torch.rand(3, 6, 4)
    _, hn = layer(x)
    return "c" if cell(x[:, 0], hn[0]).shape == (3, 5) else "a"


axis_too_many.mistake(
    'Answer with the letter of an option, in quotes, such as "a".', lambda: "N", matches=not_letters_of("abcd")
)
axis_too_many.mistake(
    "A cell does take a batch: `(N, H_in)` and a state for each of the `N` samples. `hn[:, 0]` would throw two of the "
    "three samples away.",
    lambda: "a",
)
axis_too_many.mistake(
    "`hn` has no time axis: it holds final states alone. The axis in front has the length 1, and the sequence has six "
    "steps.",
    lambda: "b",
)
axis_too_many.mistake(
    "The units are what a state is made of: `hidden_size` is 5 in the cell and in the layer, so that axis fits.",
    lambda: "d",
)


def _foreign(rng: random.Random) -> tuple[nn.RNN, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A layer with weights of its own, and those of a framework that stores (in, out)."""
    N, L, H_in, H = distinct(rng, 4)
    return (
        nn.RNN(H_in, H, batch_first=True),
        torch.randn(H_in, H),
        torch.randn(H, H) / H,
        torch.randn(H),
        torch.randn(N, L, H_in),
    )


@EXERCISES.write(
    draw=_foreign,
    hints=[
        "Write into the layer's own tensors under `torch.no_grad()`, each with `copy_`: `layer.weight_ih_l0.copy_(…)`.",
        "Compare `x_t @ kernel` with the layer's `x_t @ W_ih.T`. What has `W_ih` to be?",
        "There is one foreign bias, and the layer has two that are added. What must the other one be?",
    ],
)
def ported_output(layer, kernel, recurrent_kernel, bias, x):
    states = [x.new_zeros(x.shape[0], layer.hidden_size)]
    for t in range(x.shape[1]):
        states.append(torch.tanh(x[:, t] @ kernel + states[-1] @ recurrent_kernel + bias))
    return torch.stack(states[1:], dim=1)


def _output_with(layer, x, W_ih, W_hh, b_ih, b_hh):
    with torch.no_grad():
        for own, new in zip(layer.parameters(), (W_ih, W_hh, b_ih, b_hh), strict=True):
            own.copy_(new)
    return layer(x)[0]


@ported_output.mistake(
    "The recurrent kernel is not transposed. It is square, so it fits either way, and from the second step on every "
    "number is wrong."
)
def _recurrent_as_is(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel.T, recurrent_kernel, bias, 0 * bias)


@ported_output.mistake(
    "Two things. The recurrent kernel is not transposed; it is square, so nothing complains. And the layer's "
    "`bias_hh_l0` still holds its own numbers."
)
def _recurrent_as_is_and_other_bias(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel.T, recurrent_kernel, bias, layer.bias_hh_l0.detach().clone())


@ported_output.mistake(
    "Two things. The recurrent kernel is not transposed; it is square, so nothing complains. And the bias acts twice, "
    "once in each of the layer's two."
)
def _recurrent_as_is_and_bias_twice(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel.T, recurrent_kernel, bias, bias)


@ported_output.mistake("`kernel` is `(in, out)` and `weight_ih_l0` is `(out, in)`: it has to be transposed.")
def _kernel_as_is(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel, recurrent_kernel.T, bias, 0 * bias)


@ported_output.mistake(
    "The kernel has the right shape and its numbers are in the wrong places: `reshape` and `view` keep the order in "
    "memory. They do not transpose."
)
def _reshaped_kernel(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel.reshape(kernel.shape[1], kernel.shape[0]), recurrent_kernel.T, bias, 0 * bias)


@ported_output.mistake(
    "The bias now acts twice. The layer adds `bias_ih_l0` and `bias_hh_l0`, and you put all of it into both."
)
def _bias_twice(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel.T, recurrent_kernel.T, bias, bias)


@ported_output.mistake(
    "One of the layer's two biases still holds the random numbers that the layer was made with, and they are added too."
)
def _other_bias_kept(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel.T, recurrent_kernel.T, bias, layer.bias_hh_l0.detach().clone())


@ported_output.mistake("The bias is not in it: both biases are zeros.")
def _bias_lost(layer, kernel, recurrent_kernel, bias, x):
    return _output_with(layer, x, kernel.T, recurrent_kernel.T, 0 * bias, 0 * bias)


@ported_output.mistake("That is the layer with its own weights: none of the foreign ones have arrived.")
def _nothing_copied(layer, kernel, recurrent_kernel, bias, x):
    return layer(x)[0]


@ported_output.mistake("The numbers are right. A layer returns a pair, and `output` alone is asked for.")
def _the_pair(layer, kernel, recurrent_kernel, bias, x):
    output = _output_with(layer, x, kernel.T, recurrent_kernel.T, bias, 0 * bias)
    return output, output[:, -1][None]


@ported_output.mistake(
    "PyTorch does not let you write into a weight while it records gradients. Do the copying under `torch.no_grad()`."
)
def _while_recording(layer, kernel, recurrent_kernel, bias, x):
    layer.weight_ih_l0.copy_(kernel.T)


@ported_output.mistake(
    "A parameter's name takes a parameter, not a plain tensor. Write the numbers into the parameter that is there, "
    "with `copy_`."
)
def _tensor_for_parameter(layer, kernel, recurrent_kernel, bias, x):
    layer.weight_ih_l0 = kernel.T


def _any_layer(rng: random.Random) -> tuple[nn.RNN, torch.Tensor, torch.Tensor]:
    """A layer of one layer and one direction, in any layout, with either nonlinearity, with biases or without."""
    N, L, H_in, H = distinct(rng, 4)
    batch_first, bias, nonlinearity = rng.random() < 0.5, rng.random() < 0.5, rng.choice(("tanh", "relu"))
    layer = nn.RNN(H_in, H, nonlinearity=nonlinearity, bias=bias, batch_first=batch_first)
    return layer, torch.randn(N, L, H_in) if batch_first else torch.randn(L, N, H_in), torch.randn(1, N, H)


@EXERCISES.write(
    draw=_any_layer,
    hints=[
        "`layer.batch_first`, `layer.nonlinearity` (`'tanh'` or `'relu'`) and `layer.bias` (True or False) say how "
        "the layer was made.",
        "Bring `x` to time first with `x.transpose(0, 1)` where it has to be. Then one loop does for both layouts, "
        "and `output` is transposed back at the end.",
        "Start with `h = h0[0]`, keep every new `h` in a list, stack the list along time. `hn` is the last `h` with "
        "the layer axis in front again.",
    ],
    ban=Ban(
        calls=LAYER_CALLS,
        sentence="`output` and `hn` are right, and a layer has computed them. Write its loop yourself, without "
        "calling it.",
    ),
)
def layer_by_hand(layer, x, h0):
    return layer(x, h0)


def _by_hand(layer, x, h0, *, batch_first=None, nonlinearity=None, bias=None, turned=True):
    """The right answer, except for what is set.

    In the order of the chapter's line, so that what fails there first fails here first.
    """
    batch_first = layer.batch_first if batch_first is None else batch_first
    act = torch.relu if (nonlinearity or layer.nonlinearity) == "relu" else torch.tanh
    W_ih, W_hh = layer.weight_ih_l0.T, layer.weight_hh_l0.T if turned else layer.weight_hh_l0
    h, states = h0[0], []
    for t in range(x.shape[1 if batch_first else 0]):
        x_t = x[:, t] if batch_first else x[t]
        if layer.bias if bias is None else bias:
            h = act(x_t @ W_ih + layer.bias_ih_l0 + h @ W_hh + layer.bias_hh_l0)
        else:
            h = act(x_t @ W_ih + h @ W_hh)
        states.append(h)
    return torch.stack(states, dim=1 if batch_first else 0), h[None]


_LEFT_OUT = {
    "batch_first": (True, "in others time is the first axis of `x`"),
    "nonlinearity": ("tanh", "in others the nonlinearity is `relu`"),
    "bias": (True, "others have no `bias_ih_l0`, since they were made with `bias=False`"),
}


def _leave_out(*names: str) -> None:
    """Add the misconception that a layer is always made in one way, in these respects."""
    differences = "; ".join(_LEFT_OUT[name][1] for name in names)
    sentence = f"Right for some of these layers; {differences}. Ask `layer` how it was made."
    taken = {name: _LEFT_OUT[name][0] for name in names}
    layer_by_hand.mistake(sentence, lambda layer, x, h0: _by_hand(layer, x, h0, **taken))


for _count in (1, 2, 3):
    for _names in combinations(_LEFT_OUT, _count):
        _leave_out(*_names)


@layer_by_hand.mistake(
    "Right for time first, and wrong for layers with `batch_first=True`: there time is the second axis of `x`."
)
def _time_always_first(layer, x, h0):
    return _by_hand(layer, x, h0, batch_first=False)


@layer_by_hand.mistake(
    "Your states are right without biases. Some of these layers have them, and `layer.bias` says which."
)
def _bias_forgotten(layer, x, h0):
    return _by_hand(layer, x, h0, bias=False)


@layer_by_hand.mistake(
    "`h0` has a layer axis in front, and you go on with it, so that `output` has four axes. Take it off before the "
    "loop.",
    matches=item_passes(
        0, lambda output: isinstance(output, dict) and len(output.get("tensor", {}).get("shape", ())) == 4
    ),
)
def _axis_kept(layer, x, h0):
    output, hn = _by_hand(layer, x, h0)
    return output[None], hn


@layer_by_hand.mistake("You start from zeros. The state before the first step is `h0`.")
def _zeros_before(layer, x, h0):
    return _by_hand(layer, x, 0 * h0)


@layer_by_hand.mistake("`output` and `hn` hold the right states. `hn` lacks its first axis, the layer's: `(1, N, H)`.")
def _no_layer_axis(layer, x, h0):
    output, hn = _by_hand(layer, x, h0)
    return output, hn[0]


@layer_by_hand.mistake(
    "`output` is right. In `hn` the layer axis comes first, even with `batch_first=True`: `(1, N, H)`."
)
def _layer_axis_second(layer, x, h0):
    output, hn = _by_hand(layer, x, h0)
    return output, hn.transpose(0, 1)


@layer_by_hand.mistake(
    "The steps of `output` come before the batch in every case. With `batch_first=True` they come second."
)
def _output_time_first(layer, x, h0):
    output, hn = _by_hand(layer, x, h0)
    return output.transpose(0, 1) if layer.batch_first else output, hn


@layer_by_hand.mistake("The `.T` on `weight_hh_l0` is missing. It is square, so nothing complains.")
def _square_forgives(layer, x, h0):
    return _by_hand(layer, x, h0, turned=False)
