"""Gradients: how they come back through time, clipping, and where a gate starts."""

import random

import torch
from torch import nn

from unrolled.exercises.exercise import ExerciseSet, distinct

EXERCISES = ExerciseSet("gradients")


@EXERCISES.predict(
    hints=[
        "All gradients are taken as one long vector. How long is (3, 4)?",
        "The vector keeps its direction and is shortened to length 1, so each number is divided by the same one. The "
        "function returns the length as it was before.",
    ]
)
def clipped():
    weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    for weight, gradient in zip(weights, (3.0, 4.0), strict=True):
        weight.grad = torch.tensor([gradient])
    length = nn.utils.clip_grad_norm_(weights, max_norm=1.0)
    return round(length.item(), 4), round(weights[0].grad.item(), 4)


clipped.mistake(
    "The gradient is right. What is returned is the length before clipping: that is the number worth logging.",
    lambda: (1, 0.6),
)
clipped.mistake(
    "The length is right. The gradients are shortened together, so that their direction stays; cutting each one off "
    "at 1 is `clip_grad_value_`.",
    lambda: (5, 1),
)
clipped.mistake(
    "The length of a vector is not the sum of its numbers: square them, add, and take the root.", lambda: (7, 3 / 7)
)
clipped.mistake(
    "The length is right. The underscore at the end of the name says that the gradients are changed in place.",
    lambda: (5, 3),
)
clipped.mistake(
    "Neither: each gradient is not clipped on its own, and what is returned is a length before clipping.",
    lambda: (1, 1),
)
clipped.mistake(
    "The gradient is right. The call changes the gradients in place, and beside that it returns a number.",
    lambda: (None, 0.6),
)
clipped.mistake("The length of a vector is the *root* of the sum of its squares.", lambda: (25, 3 / 25))
clipped.mistake(
    "That is the second weight's gradient after clipping. The exercise asks for the first's, which was 3.",
    lambda: (5, 0.8),
)


@EXERCISES.explain(
    hints=[
        "The function clips what the gradients hold at the moment of the call. What do they hold there, in each round?",
        "`zero_grad()` has emptied them, and `backward()` has not filled them yet.",
    ]
)
def called_before_clipping():
    layer = nn.RNN(4, 5, batch_first=True)
    layer(torch.ones(2, 3, 4))[0].sum().backward()
    return "backward" if nn.utils.clip_grad_norm_(layer.parameters(), max_norm=1.0) > 0 else ""


called_before_clipping.mistake(
    "That is where the call is now: directly after `zero_grad()` there is no gradient, so its length is 0.",
    lambda: "zero_grad",
)
called_before_clipping.mistake(
    "After `step()` it is too late: the weights have moved by the gradient as it was.", lambda: "step"
)
called_before_clipping.mistake(
    "Running the layer makes outputs and no gradients. They are made when the loss is sent back.", lambda: "layer"
)
called_before_clipping.mistake(
    "Answer with the name of the call that comes directly before, without dots and brackets.",
    lambda: "backward()",
)
called_before_clipping.mistake(
    "Answer with the name of the call that comes directly before, without dots and brackets.",
    lambda: ".backward()",
)


def _any_layer(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4, 3, 8)
    kind = rng.choice((nn.RNN, nn.GRU))
    return kind(H_in, H, batch_first=True), torch.randn(N, L, H_in)


def _input_gradient(layer, x, pick):
    """The gradient of the sum of what `pick` takes from `output`, with respect to `x`."""
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(pick(layer(x)[0]).sum(), x)
    return gradient


@EXERCISES.write(
    draw=_any_layer,
    hints=[
        "`x.clone().requires_grad_()` is a copy that collects a gradient. Which number do you call `backward()` on?",
        "`output[:, -1].sum().backward()`, and then `x.grad` is `(N, L, H_in)`. The length is taken over the samples "
        "and the features.",
        "`x.grad.norm(dim=(0, 2))` is `(L,)`. Divide it by its own last number.",
    ],
)
def share_arriving(layer, x):
    gradient = torch.stack([_input_gradient(layer, sample[None], lambda out: out[:, -1])[0] for sample in x])
    length = gradient.square().sum(dim=(0, 2)).sqrt()
    return length / length[-1]


@share_arriving.mistake(
    "You sent back the sum over all steps. Then every step has a loss of its own beside it; the exercise asks for the "
    "last output alone."
)
def _all_steps(layer, x):
    length = _input_gradient(layer, x, lambda out: out).norm(dim=(0, 2))
    return length / length[-1]


@share_arriving.mistake("Those are the lengths. As shares of what arrives at the last step, its own number is 1.")
def _lengths_alone(layer, x):
    return _input_gradient(layer, x, lambda out: out[:, -1]).norm(dim=(0, 2))


@share_arriving.mistake("You divided by the first step's. The last one is the measure: nearest to the loss, it is 1.")
def _by_the_first(layer, x):
    length = _input_gradient(layer, x, lambda out: out[:, -1]).norm(dim=(0, 2))
    return length / length[0]


@share_arriving.mistake(
    "You divided by the sum of all steps, so that they add up to 1. The exercise asks for shares of the last step's."
)
def _by_the_sum(layer, x):
    length = _input_gradient(layer, x, lambda out: out[:, -1]).norm(dim=(0, 2))
    return length / length.sum()


@share_arriving.mistake("That has a number for each sample. The length is taken over samples and features together.")
def _each_sample(layer, x):
    length = _input_gradient(layer, x, lambda out: out[:, -1]).norm(dim=2)
    return length / length[:, -1:]


@share_arriving.mistake(
    "You took the sum over samples and features, in which plus and minus cancel. A length is the root of the sum of "
    "the squares."
)
def _summed(layer, x):
    total = _input_gradient(layer, x, lambda out: out[:, -1]).sum(dim=(0, 2))
    return total / total[-1]


@share_arriving.mistake(
    "With `batch_first=True` the steps are the second axis, and `output[-1]` is the last *sample*, at every step."
)
def _last_sample(layer, x):
    length = _input_gradient(layer, x, lambda out: out[-1]).norm(dim=(0, 2))
    return length / length[-1]


def _long_gradients(rng: random.Random) -> tuple[nn.RNN, torch.Tensor, float]:
    N, L, H_in, H = distinct(rng, 4)
    layer, x = nn.RNN(H_in, H, batch_first=True), torch.randn(N, L, H_in)
    with torch.enable_grad():
        gradients = torch.autograd.grad(layer(x)[0].sum(), list(layer.parameters()))
    length = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    return layer, x, length * rng.choice((0.05, 0.1, 0.2, 2.0))


def _clipped_by(layer, x, clip, backward_first=True):
    """All gradients as one vector, after `clip(parameters)`."""
    if not backward_first:
        layer.zero_grad()
        clip(list(layer.parameters()))
    layer(x)[0].sum().backward()
    if backward_first:
        clip(list(layer.parameters()))
    return torch.cat([p.grad.flatten() for p in layer.parameters()])


@EXERCISES.mend(
    draw=_long_gradients,
    hints=[
        "Compare the direction of the result with that of the gradient before: "
        "`nn.functional.cosine_similarity(..., dim=0)` should be 1.",
        "`clip_grad_norm_` takes all parameters at once and shortens them by one common factor.",
    ],
)
def clipped_together(layer, x, max_norm):
    weights = list(layer.parameters())
    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(layer(x)[0].sum(), weights)])
    return gradient * min(1.0, max_norm / (gradient.norm().item() + 1e-6))


@clipped_together.mistake("Each parameter is shortened on its own, so the direction is lost.", given=True)
def _one_by_one(layer, x, max_norm):
    def clip(parameters):
        for parameter in parameters:
            nn.utils.clip_grad_norm_([parameter], max_norm)

    return _clipped_by(layer, x, clip)


@clipped_together.mistake(
    "You cut off each number at `max_norm`. That changes the direction too: the large numbers are cut, and the small "
    "ones stay."
)
def _by_value(layer, x, max_norm):
    return _clipped_by(layer, x, lambda parameters: nn.utils.clip_grad_value_(parameters, max_norm))


@clipped_together.mistake(
    "You clip before `backward()`. There is no gradient yet, and afterwards it is as long as ever."
)
def _too_early(layer, x, max_norm):
    return _clipped_by(
        layer, x, lambda parameters: nn.utils.clip_grad_norm_(parameters, max_norm), backward_first=False
    )


@clipped_together.mistake("You made the gradient `max_norm` long in every case. One that is shorter stays as it is.")
def _always(layer, x, max_norm):
    gradient = _clipped_by(layer, x, lambda parameters: None)
    return gradient / gradient.norm() * max_norm


@clipped_together.mistake(
    "The length is clipped to 1 whatever `max_norm` says. Hand it on: the caller decides how long is too long."
)
def _always_one(layer, x, max_norm):
    return _clipped_by(layer, x, lambda parameters: nn.utils.clip_grad_norm_(parameters, 1.0))


@clipped_together.mistake(
    "You clipped the weights of the products and left the biases out. All parameters go in together."
)
def _without_biases(layer, x, max_norm):
    def clip(parameters):
        nn.utils.clip_grad_norm_([p for p in parameters if p.dim() == 2], max_norm)

    return _clipped_by(layer, x, clip)


def _lstm(rng: random.Random) -> tuple[nn.LSTM, torch.Tensor, float]:
    N, L, H_in, H = distinct(rng, 4)
    value = rng.choice((1.0, 2.0, 3.0, 4.0))
    return nn.LSTM(H_in, H, rng.randint(2, 3), batch_first=True), torch.randn(N, L, H_in), value


def _opened(lstm, x, change, first=1, layers=None):
    """`change(b_ih, b_hh)` on one block of the biases, counted from `first`, of the first `layers` layers."""
    blocks = slice(first * lstm.hidden_size, (first + 1) * lstm.hidden_size)
    with torch.no_grad():
        for _, _, b_ih, b_hh in lstm.all_weights[:layers]:
            change(b_ih[blocks], b_hh[blocks])
    return lstm(x)[0]


@EXERCISES.write(
    draw=_lstm,
    hints=[
        "An LSTM's gates lie in the order i, f, g, o, so the forget gate is the second block of `hidden_size` "
        "numbers. There are two biases, and they add up.",
        "For each layer `k`: the block of `bias_ih_l{k}` becomes `value`, and the same block of `bias_hh_l{k}` "
        "becomes 0.",
        "`lstm.all_weights[k]` is the list `[weight_ih, weight_hh, bias_ih, bias_hh]` of layer k. Write into the "
        "biases inside `with torch.no_grad():`.",
    ],
)
def output_of_open_gates(lstm, x, value):
    H = lstm.hidden_size
    weights = {name: weight.clone() for name, weight in lstm.state_dict().items()}
    for k in range(lstm.num_layers):
        weights[f"bias_ih_l{k}"][H : 2 * H] = value / 2
        weights[f"bias_hh_l{k}"][H : 2 * H] = value / 2
    return torch.func.functional_call(lstm, weights, (x,))[0]


@output_of_open_gates.mistake("You set both biases to `value`. They add up, so the gate gets twice as much.")
def _both_set(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: (b_ih.fill_(value), b_hh.fill_(value)))


@output_of_open_gates.mistake(
    "One of the two biases is as you want it. The other one still holds what it was drawn as, and it is added."
)
def _other_left(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: b_ih.fill_(value))


@output_of_open_gates.mistake(
    "One of the two biases is as you want it. The other one still holds what it was drawn as, and it is added."
)
def _other_left_hh(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: b_hh.fill_(value))


@output_of_open_gates.mistake("You opened the input gate, which is the first block. The order is i, f, g, o.")
def _input_gate(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: (b_ih.fill_(value), b_hh.zero_()), first=0)


@output_of_open_gates.mistake(
    "The third block is g, the new content, which is no gate at all: it goes through a tanh. The order is i, f, g, o."
)
def _content(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: (b_ih.fill_(value), b_hh.zero_()), first=2)


@output_of_open_gates.mistake("Layer 0 is right. The others have biases of their own, `bias_ih_l1` and so on.")
def _first_layer(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: (b_ih.fill_(value), b_hh.zero_()), layers=1)


@output_of_open_gates.mistake(
    "Two things. The two biases of a layer add up, so the gate gets twice as much. And the layers above layer 0 have "
    "biases of their own."
)
def _first_layer_both(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: (b_ih.fill_(value), b_hh.fill_(value)), layers=1)


@output_of_open_gates.mistake(
    "Two things. The other bias of layer 0 still holds what it was drawn as, and it is added. And the layers above "
    "layer 0 have biases of their own."
)
def _first_layer_other_left(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: b_ih.fill_(value), layers=1)


@output_of_open_gates.mistake(
    "You wrote over the biases of all four blocks. Only the forget gate's is to be set: a quarter of them, the second."
)
def _all_blocks(lstm, x, value):
    with torch.no_grad():
        for _, _, b_ih, b_hh in lstm.all_weights:
            b_ih.fill_(value)
            b_hh.zero_()
    return lstm(x)[0]


@output_of_open_gates.mistake(
    "The weights are as they were drawn. `=` on a name gives the name another value and writes nothing into a tensor."
)
def _nothing_written(lstm, x, value):
    return lstm(x)[0]


@output_of_open_gates.mistake(
    "You raised the biases by `value`. The exercise asks that they be `value` in all, whatever they were drawn as."
)
def _raised(lstm, x, value):
    return _opened(lstm, x, lambda b_ih, b_hh: b_ih.add_(value))


@output_of_open_gates.mistake(
    "Autograd guards the weights: it refuses to have a part of a leaf that requires a gradient written over while it "
    "records. Write where it does not record."
)
def _recorded(lstm, x, value):
    lstm.bias_ih_l0[lstm.hidden_size : 2 * lstm.hidden_size] = value


def _states(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """A recurrent matrix large enough for every factor to show, and the states of a run."""
    N, L, H = distinct(rng, 3, 3, 8)
    layer = nn.RNN(4, H, batch_first=True)
    layer.weight_hh_l0.copy_(1.5 * torch.randn(H, H) / H**0.5)
    return layer.weight_hh_l0.detach().clone(), layer(torch.randn(N, L, 4))[0].detach()


def _back(W_hh, output, step, steps=None):
    """`step(g, h)` for the states from the last to the first, or for `steps` instead."""
    g = torch.ones_like(output[:, 0])
    for t in reversed(range(output.shape[1])) if steps is None else steps:
        g = step(g, output[:, t])
    return g


def _right_step(W_hh):
    return lambda g, h: (g * (1 - h**2)) @ W_hh


@EXERCISES.write(
    draw=_states,
    hints=[
        "The loss is the sum of the last states, so its gradient with respect to each of them is 1. How does it go "
        "back over one step?",
        "Over the tanh it is multiplied by the slope, which is 1 minus the square of the state. Over the product it is "
        "multiplied by the matrix.",
        "A loop over the steps from the last to the first. The states of step t are `output[:, t]`; in a batch the "
        "samples are rows, so `W_hh` goes to the right and is not transposed.",
    ],
)
def gradient_at_start(W_hh, output):
    return torch.stack([_back(W_hh, sample[None], _right_step(W_hh))[0] for sample in output])


@gradient_at_start.mistake(
    "The matrix is the wrong way round. Forward, a batch of rows is multiplied by `W_hh.T`; on the way back the "
    "transpose falls away."
)
def _transposed(W_hh, output):
    return _back(W_hh, output, lambda g, h: (g * (1 - h**2)) @ W_hh.T)


@gradient_at_start.mistake(
    "The slope of the tanh is missing. Each step back multiplies by 1 minus the square of the state."
)
def _no_slope(W_hh, output):
    return _back(W_hh, output, lambda g, h: g @ W_hh)


@gradient_at_start.mistake("The slope of a tanh at output h is 1 minus the *square* of h.")
def _not_squared(W_hh, output):
    return _back(W_hh, output, lambda g, h: (g * (1 - h)) @ W_hh)


@gradient_at_start.mistake(
    "`output` holds the states, which have been through the tanh already. You applied it a second time."
)
def _tanh_twice(W_hh, output):
    return _back(W_hh, output, lambda g, h: (g * (1 - torch.tanh(h) ** 2)) @ W_hh)


@gradient_at_start.mistake(
    "The order of the two is wrong. The last thing that a step did was the tanh, so it comes first here."
)
def _product_first(W_hh, output):
    return _back(W_hh, output, lambda g, h: (g @ W_hh) * (1 - h**2))


@gradient_at_start.mistake("You went through the steps from the first to the last. The gradient starts at the last.")
def _forwards(W_hh, output):
    return _back(W_hh, output, _right_step(W_hh), range(output.shape[1]))


@gradient_at_start.mistake(
    "That is the gradient at the state of step 0. One more step leads to $h_0$, the state *before* step 0."
)
def _one_too_few(W_hh, output):
    return _back(W_hh, output, _right_step(W_hh), reversed(range(1, output.shape[1])))


@gradient_at_start.mistake("One product with the matrix is right for one step. It takes one for every step.")
def _once(W_hh, output):
    return _back(W_hh, output, _right_step(W_hh), [output.shape[1] - 1])


@gradient_at_start.mistake("You summed over the samples. Each sample has a start of its own: `(N, H)`.")
def _samples_summed(W_hh, output):
    return _back(W_hh, output, _right_step(W_hh)).sum(dim=0)
