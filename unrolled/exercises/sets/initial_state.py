"""The initial state: its shape, whom it reaches, how long it is felt, and how it is learned."""

import random

import torch
from torch import nn

from unrolled.exercises.exercise import KEEPS_ORDER, ExerciseSet, distinct
from unrolled.exercises.predicates import item_is, shape_of
from unrolled.exercises.results import Result

EXERCISES = ExerciseSet("initial-state")
KINDS = (nn.RNN, nn.GRU)


@EXERCISES.predict(
    hints=[
        "Of each input ask: has it a batch axis? If it has, which axis is it, with `batch_first=True`?",
        "A 2-D input is one sequence without a batch, `(L, H_in)`, and its state has no axis for a batch either. `L` "
        "is in no state.",
    ]
)
def three_starts():
    layer = nn.GRU(1, 4, num_layers=2, batch_first=True)
    return tuple(tuple(layer(torch.zeros(shape))[1].shape) for shape in [(9, 1), (9, 1, 1), (1, 9, 1)])


three_starts.mistake(
    "The layer was built with `num_layers=2`: it starts from a state for each.", lambda: ((1, 4), (1, 9, 4), (1, 1, 4))
)
three_starts.mistake(
    "The last axis of a state is `hidden_size` wide. You give `input_size`, which is the input's alone.",
    lambda: ((2, 1), (2, 9, 1), (2, 1, 1)),
)
three_starts.mistake(
    "`batch_first` is about the input and `output`. A state has the layers in front and the samples second, always.",
    lambda: ((2, 4), (9, 2, 4), (1, 2, 4)),
    matches=item_is(1, [9, 2, 4]),
)
three_starts.mistake(
    "You read the second input as 9 steps. The layer was built with `batch_first=True`: which axis counts the samples?",
    lambda: ((2, 4), (2, 1, 4), (2, 9, 4)),
    matches=item_is(1, [2, 1, 4]),
)
three_starts.mistake(
    "The first input has two axes: it is a single sequence without a batch, and 9 is its length. No state has an axis "
    "for that.",
    lambda: ((2, 9, 4), (2, 9, 4), (2, 1, 4)),
    matches=item_is(0, [2, 9, 4]),
)
three_starts.mistake(
    "The first input has two axes: there is no batch in it, and then there is none in the state. PyTorch refuses the "
    "axis of size 1 there.",
    lambda: ((2, 1, 4), (2, 9, 4), (2, 1, 4)),
    matches=item_is(0, [2, 1, 4]),
)
three_starts.mistake(
    "You read the third input as 9 samples. The layer was built with `batch_first=True`: it is one sample of 9 steps.",
    lambda: ((2, 4), (2, 9, 4), (2, 9, 4)),
    matches=item_is(2, [2, 9, 4]),
)
three_starts.mistake(
    "The second and the third are right. The first input has no batch: what is left of `(D * num_layers, N, H_out)` "
    "where there is no `N`?",
    lambda: ((9, 4), (2, 9, 4), (2, 1, 4)),
    matches=lambda _, result: isinstance(result, list) and result[1:] == [[2, 9, 4], [2, 1, 4]],
)


@EXERCISES.predict(
    hints=[
        "The first number of an address in `h0` is the layer, the second the sample. Which layer reads which?",
        "Layer 1 reads the states of layer 0 at every step. Layer 0 reads `x`. No sample reads another.",
    ]
)
def states_that_differ():
    layer, x = nn.RNN(3, 5, num_layers=2, batch_first=True), torch.rand(4, 6, 3)
    changed = []
    for row in (1, 0):
        h0 = torch.zeros(2, 4, 5, requires_grad=True)
        hn = layer(x, h0)[1]
        reach = [
            (k, n)
            for k in range(2)
            for n in range(4)
            if torch.autograd.grad(hn[k, n].sum(), h0, retain_graph=True)[0][row, 2].any()
        ]
        changed.append(reach)
    return tuple(changed)


states_that_differ.mistake(
    "The first list is right. What `h0[0, 2]` changes in layer 0, layer 1 reads at every step.",
    lambda: ([(1, 2)], [(0, 2)]),
)
states_that_differ.mistake(
    "You have the two exchanged: layer 1 reads layer 0, not the other way round.", lambda: ([(0, 2), (1, 2)], [(1, 2)])
)
states_that_differ.mistake(
    "The right states. Write them in rising order, so that the check can compare them.",
    lambda: ([(1, 2)], [(1, 2), (0, 2)]),
)
states_that_differ.mistake(
    "Give a list of pairs, in brackets, even where there is one pair.",
    lambda: ((1, 2), [(0, 2), (1, 2)]),
    matches=lambda _, result: (
        not isinstance(result, list)
        or any(not isinstance(part, list) or (part and not isinstance(part[0], list)) for part in result)
    ),
)
states_that_differ.mistake(
    "Layer 0 reads `x` and its own state. It never learns what layer 1 started from.",
    lambda: ([(0, 2), (1, 2)], [(0, 2), (1, 2)]),
    matches=item_is(0, [[0, 2], [1, 2]]),
)
states_that_differ.mistake(
    "The first axis of a state is the layer, the second the sample: `h0[1, 2]` belongs to sample 2, and there is no "
    "layer 2.",
    lambda: ([(2, 1)], [(2, 0), (2, 1)]),
    matches=item_is(0, [[2, 1]]),
)
states_that_differ.mistake(
    "No sample sees another: what one sample starts from is nothing to the other three.",
    lambda: ([(1, 0), (1, 1), (1, 2), (1, 3)], [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]),
    matches=item_is(0, [[1, 0], [1, 1], [1, 2], [1, 3]]),
)
states_that_differ.mistake(
    "A start fades, but it is not gone after six steps. The question is whether anything changes at all, however "
    "little.",
    lambda: ([], []),
    matches=item_is(0, []),
)


def _some_layer(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor]:
    """A layer of any layout, an input for it, and a state of one sample for each of its layers and directions."""
    N, L, H_in, H = distinct(rng, 4)
    num_layers, both, batch_first = rng.randint(2, 3), rng.random() < 0.5, rng.random() < 0.5
    layer = rng.choice(KINDS)(H_in, H, num_layers, batch_first=batch_first, bidirectional=both)
    return (
        layer,
        torch.randn(N, L, H_in) if batch_first else torch.randn(L, N, H_in),
        torch.randn(num_layers * (1 + both), H),
    )


@EXERCISES.write(
    draw=_some_layer,
    hints=[
        "How many samples does `x` hold? `layer.batch_first` says along which axis. And which axis of `h0` counts "
        "samples?",
        "`start.unsqueeze(1)` is `(D * num_layers, 1, H_out)`. `expand` stretches an axis of size 1; a -1 leaves an "
        "axis as it is.",
    ],
)
def start_for_batch(layer, x, start):
    samples = x.unbind(0 if layer.batch_first else 1)
    return torch.stack([start for _ in samples], dim=1)


start_for_batch.mistake(
    "That is a state for a single sequence without a batch. For a batch the samples have an axis of their own, the "
    "second.",
    lambda layer, x, start: start,
)
start_for_batch.mistake(
    "With three numbers `repeat` puts its new axis in front, so the rows of the layers were repeated, and no axis "
    "counts samples. Make that axis first.",
    lambda layer, x, start: start.repeat(1, x.shape[0 if layer.batch_first else 1], 1),
    matches=lambda arguments, result: len(shape_of(result) or ()) == 3 and shape_of(result)[0] == 1,
)
start_for_batch.mistake(
    "Right for `batch_first=True`. Without it the samples of `x` lie along axis 1, and `x.shape[0]` counts steps.",
    lambda layer, x, start: start.unsqueeze(1).expand(-1, x.shape[0], -1),
)
start_for_batch.mistake(
    "Right for layers without `batch_first`. With it, `x.shape[1]` counts steps.",
    lambda layer, x, start: start.unsqueeze(1).expand(-1, x.shape[1], -1),
)
start_for_batch.mistake(
    "You have the samples in front. `batch_first` does not move the states: theirs is the second axis.",
    lambda layer, x, start: start.expand(x.shape[0 if layer.batch_first else 1], -1, -1),
)


@start_for_batch.mistake(
    "The shape is right, the rows are mixed: `repeat` puts copies of all of `start` one after the other, and `view` or "
    "`reshape` cuts the pile in other places."
)
def _cut_from_a_pile(layer, x, start):
    N = x.shape[0 if layer.batch_first else 1]
    return start.repeat(N, 1).view(len(start), N, -1)


start_for_batch.mistake(
    "A state for one sample. The layer compares shapes exactly and does not broadcast, so every sample needs its own.",
    lambda layer, x, start: start.unsqueeze(1),
)
start_for_batch.mistake(
    "The right shape, all zeros. Every sample is to begin from `start`.",
    lambda layer, x, start: torch.zeros(len(start), x.shape[0 if layer.batch_first else 1], start.shape[1]),
)


@start_for_batch.mistake(
    "The copies of `start` are piled up along its rows. The samples need an axis of their own, the second."
)
def _rows_piled(layer, x, start):
    return start.repeat(x.shape[0 if layer.batch_first else 1], 1)


@start_for_batch.mistake("You counted the steps of `x`. The other one of its first two axes counts samples.")
def _a_state_a_step(layer, x, start):
    return start.unsqueeze(1).expand(-1, x.shape[1 if layer.batch_first else 0], -1)


@start_for_batch.mistake("The samples have become the last axis. They are the second: `(D * num_layers, N, H_out)`.")
def _samples_last(layer, x, start):
    return start.unsqueeze(2).expand(-1, -1, x.shape[0 if layer.batch_first else 1])


def _features(rng: random.Random) -> tuple[torch.Tensor, int]:
    N, num_layers, H = distinct(rng, 3)
    return torch.randn(N, num_layers * H), num_layers


@EXERCISES.mend(
    draw=_features,
    hints=[
        "Fill line `n` of `features` with the number `n` and look at `h0[0]`. Whose features has each sample got?",
        "`view` may take one axis apart, and the axis to take apart is the last: `(N, num_layers, H_out)`. What is "
        "still to be exchanged?",
    ],
)
def decoder_start(features, num_layers):
    return torch.stack(features.chunk(num_layers, dim=1))


@decoder_start.mistake("`view` mixes samples.", given=True, if_changed=KEEPS_ORDER)
def _viewed(features, num_layers):
    return features.view(num_layers, features.shape[0], -1)


decoder_start.mistake(
    "Now each sample has its own features. The samples come first, though, and a state has the layers first.",
    lambda features, num_layers: features.view(len(features), num_layers, -1),
)
decoder_start.mistake(
    "Each sample has its own features, spread over the layers in turn. The first `H_out` of a line belong "
    "to layer 0, together.",
    lambda features, num_layers: features.view(len(features), -1, num_layers).permute(2, 0, 1),
)
decoder_start.mistake(
    "You transposed `features` before cutting, so `view` or `reshape` now runs along the samples: a state gets one "
    "unit of several of them.",
    lambda features, num_layers: features.T.reshape(num_layers, len(features), -1),
)
decoder_start.mistake(
    "Every layer has got the whole line of a sample. Each is to have its own `H_out` of it.",
    lambda features, num_layers: features.expand(num_layers, -1, -1),
)
decoder_start.mistake(
    "The units are in the place of the samples: `(num_layers, H_out, N)`. The exercise asks for `(num_layers, N, "
    "H_out)`.",
    lambda features, num_layers: features.view(len(features), num_layers, -1).permute(1, 2, 0),
)
decoder_start.mistake(
    "Each sample has its own features, from the top layer down. The first `H_out` of a line belong to the bottom "
    "layer, `h0[0]`.",
    lambda features, num_layers: torch.stack(features.chunk(num_layers, dim=1)).flip(dims=[0]),
)


@decoder_start.mistake(
    "`view` has mixed the samples before the axes are exchanged. Take the last axis apart first, `view(N, num_layers, "
    "-1)`."
)
def _exchanged_afterwards(features, num_layers):
    return features.view(num_layers, len(features), -1).transpose(0, 1)


@EXERCISES.explain(
    hints=[
        "`hx` and `cx` are the names for the two states of an LSTM. How many did the call pass?",
        "Python unpacks a tensor along its first axis as it unpacks a tuple. What is `h0[0]`, and how many axes has "
        "it?",
    ]
)
def two_flat_states():
    layer, x, h0 = nn.LSTM(4, 5, num_layers=2, batch_first=True), torch.rand(3, 6, 4), torch.zeros(2, 3, 5)

    def refusal(state: object) -> str:
        try:
            layer(x, state)
        except RuntimeError as error:
            return str(error)
        return ""

    return "c" if refusal(h0) == refusal((h0[0], h0[1])) != "" else ""


two_flat_states.mistake(
    "`batch_first` does not move the states, and `h0` has three axes already. The message speaks of *two* tensors of "
    "two.",
    lambda: "a",
)
two_flat_states.mistake(
    "The message speaks of `hx` and `cx`, a hidden and a cell state. In a single call that is one of each for the "
    "whole stack, not one per layer.",
    lambda: "b",
)
two_flat_states.mistake("The input is not at fault: with no state at all the same call runs.", lambda: "d")
two_flat_states.mistake(
    "Answer with one of the letters, in quotation marks.",
    lambda: ("c", "d"),
    matches=lambda _, result: not isinstance(result, str) or result.strip().casefold() not in set("abcd"),
)


def _two_starts(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor, float]:
    N, H_in, H = distinct(rng, 3, high=5)
    num_layers = rng.randint(1, 2)
    layer = rng.choice(KINDS)(H_in, H, num_layers, batch_first=True)
    return layer, torch.randn(N, rng.randint(8, 12), H_in), torch.randn(num_layers, N, H), rng.choice([0.01, 0.03])


@EXERCISES.write(
    draw=_two_starts,
    cases=16,
    hints=[
        "Run the layer twice, once with `start` and once with nothing. Which of the two results shows every step?",
        "`(a - b).abs() > tolerance` is `(N, L, H_out)`. A step counts if this is true of *any* of its units.",
        "`any(dim=2)` leaves samples and steps. Count along the steps.",
    ],
)
def steps_that_feel(layer, x, start, tolerance):
    apart = (layer(x, start)[0] - layer(x, torch.zeros_like(start))[0]).abs()
    return (apart.amax(dim=2) > tolerance).sum(dim=1)


def _apart(layer: nn.RNNBase, x: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    return layer(x, start)[0] - layer(x)[0]


steps_that_feel.mistake(
    "You count numbers: a step in which four units differ is one step. First ask of each step whether any unit "
    "differs.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start).abs() > tolerance).sum(dim=(1, 2)),
)
steps_that_feel.mistake(
    "You count the steps in which *all* units differ. One is enough.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start).abs() > tolerance).all(dim=2).sum(dim=1),
)
steps_that_feel.mistake(
    "A unit may also be smaller than it was from zeros: compare the size of the difference, without its sign.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start) > tolerance).any(dim=2).sum(dim=1),
)
steps_that_feel.mistake(
    "The norm of a difference can pass the tolerance where no single unit does. Ask every unit by itself.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start).norm(dim=2) > tolerance).sum(dim=1),
)
steps_that_feel.mistake(
    "You add up the differences of all units before you compare. Ask every unit by itself.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start).abs().sum(dim=2) > tolerance).sum(dim=1),
)
steps_that_feel.mistake(
    "You give a number for each step. The exercise asks for one for each sample: count along the time axis.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start).abs() > tolerance).any(dim=2).sum(dim=0),
    matches=lambda arguments, result: shape_of(result) == [arguments[1].shape[1]],
)
steps_that_feel.mistake(
    "One number for the whole batch. Samples forget at different speeds, and the exercise asks for each.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start).abs() > tolerance).any(dim=2).sum(),
    matches=lambda _, result: isinstance(result, int) or shape_of(result) == [],
)
steps_that_feel.mistake(
    "You count the steps that have forgotten. The exercise asks for those that still feel the start.",
    lambda layer, x, start, tolerance: (_apart(layer, x, start).abs() <= tolerance).all(dim=2).sum(dim=1),
)
steps_that_feel.mistake(
    "`hn` is the last step alone, so it can only say whether the start is felt there. Count in `output`.",
    lambda layer, x, start, tolerance: ((layer(x, start)[1] - layer(x)[1]).abs() > tolerance).any(dim=2).sum(dim=0),
)


@steps_that_feel.mistake(
    "That says of each step whether it feels the start. The exercise asks how many of a sample's steps do."
)
def _not_counted(layer, x, start, tolerance):
    return ((layer(x, start)[0] - layer(x)[0]).abs() > tolerance).any(dim=2)


@steps_that_feel.mistake(
    "You count units that feel it at some step. The units are the last axis, and the steps the one before."
)
def _units_counted(layer, x, start, tolerance):
    return ((layer(x, start)[0] - layer(x)[0]).abs() > tolerance).any(dim=1).sum(dim=1)


@steps_that_feel.mistake("You count every difference, however small. Only those above `tolerance` count.")
def _differ_at_all(layer, x, start, tolerance):
    return (layer(x, start)[0] != layer(x)[0]).any(dim=2).sum(dim=1)


@steps_that_feel.mistake("You ask whether the units differ by that much on average. One unit is enough.")
def _average_unit(layer, x, start, tolerance):
    return ((layer(x, start)[0] - layer(x)[0]).abs().mean(dim=2) > tolerance).sum(dim=1)


@steps_that_feel.mistake("That is the share of the steps. The exercise asks how many they are.")
def _share_of_steps(layer, x, start, tolerance):
    return ((layer(x, start)[0] - layer(x)[0]).abs() > tolerance).any(dim=2).float().mean(dim=1)


ENOUGH = 0.05
"""The part of the loss from zeros that a start found by training may leave."""


def _from_unknown(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4, high=5)
    num_layers = rng.randint(1, 2)
    layer, x = rng.choice(KINDS)(H_in, H, num_layers, batch_first=True), torch.randn(N, L, H_in)
    unknown = torch.rand(num_layers, 1, H) * 2 - 1
    return layer, x, layer(x, unknown.expand(-1, N, -1).contiguous())[0]


def _loss(arguments: tuple, start: torch.Tensor) -> torch.Tensor:
    layer, x, target = arguments
    return (layer(x, start.expand(-1, len(x), -1))[0] - target).square().mean()


def _fits(arguments: tuple, result: Result) -> bool:
    layer = arguments[0]
    return shape_of(result) == [layer.num_layers, 1, layer.hidden_size]


def _comes_near(arguments: tuple, result: Result) -> bool:
    if not _fits(arguments, result):
        return False
    start = torch.tensor(result["tensor"]["values"], dtype=torch.float32).reshape(shape_of(result))
    with torch.no_grad():
        return bool(_loss(arguments, start) < ENOUGH * _loss(arguments, torch.zeros_like(start)))


@EXERCISES.write(
    draw=_from_unknown,
    cases=2,
    accepts=_comes_near,
    hints=[
        "Make `start` with `torch.zeros(layer.num_layers, 1, layer.hidden_size, requires_grad=True)` and give it to "
        "an optimizer, alone.",
        "In every round: `zero_grad()`, run the layer from `start.expand(-1, len(x), -1)`, the mean square of `output "
        "- target`, `backward()`, `step()`.",
        "`torch.optim.Adam([start], lr=0.1)` and 100 rounds are enough. Return `start` itself, not the expanded one.",
    ],
)
def find_start(layer, x, target):
    start = torch.zeros(layer.num_layers, 1, layer.hidden_size, requires_grad=True)
    optimizer = torch.optim.LBFGS([start], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        loss = _loss((layer, x, target), start)
        loss.backward()
        return loss

    optimizer.step(loss)
    return start


find_start.mistake(
    "Zeros: your start has not moved. Is the tensor that the optimizer holds the one that you return, and does the "
    "layer start from it?",
    lambda layer, x, target: torch.zeros(layer.num_layers, 1, layer.hidden_size),
    matches=lambda arguments, result: _fits(arguments, result) and not any(result["tensor"]["values"]),
)
find_start.mistake(
    "One start for each place in the batch. The exercise asks for one that all samples share: train a tensor with 1 "
    "in the place of `N` and expand it.",
    lambda layer, x, target: torch.ones(layer.num_layers, len(x), layer.hidden_size),
    matches=lambda arguments, result: (
        shape_of(result) == [arguments[0].num_layers, len(arguments[1]), arguments[0].hidden_size]
    ),
)
find_start.mistake(
    "Keep the axis of the samples, of size 1: the exercise asks for `(num_layers, 1, H_out)`.",
    lambda layer, x, target: torch.ones(layer.num_layers, layer.hidden_size),
    matches=lambda arguments, result: shape_of(result) == [arguments[0].num_layers, arguments[0].hidden_size],
)
find_start.mistake(
    "The shape is right. But from this start the layer, with its weights as given, leaves more than a twentieth of "
    "the loss: look for too few rounds, a missing `zero_grad()`, or an optimizer that moves the weights too.",
    lambda layer, x, target: torch.full((layer.num_layers, 1, layer.hidden_size), 3.0),
    matches=_fits,
)
