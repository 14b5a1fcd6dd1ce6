"""Three tensors: what stands in `output`, what stands in `hn`, and where they meet."""

import random
from collections.abc import Callable

import torch
from torch import nn

from unrolled.exercises.exercise import ExerciseSet, distinct
from unrolled.exercises.predicates import item_is, shape_of
from unrolled.exercises.results import Result

EXERCISES = ExerciseSet("three-tensors")
KINDS = (nn.RNN, nn.GRU)


@EXERCISES.predict(
    hints=[
        "Go through the axes of each tensor. Which of samples, steps, layers and units does it count, and in which "
        "order?",
        "`output` has a state for each sample and each step, of the top layer alone. `hn` has a state for each layer "
        "and each sample.",
        "`output` is `(N, L, H_out)` with `batch_first=True`. `hn` is `(num_layers, N, H_out)`, with "
        "`batch_first=True` too.",
    ]
)
def top_row_and_last_column():
    output, hn = nn.RNN(6, 8, num_layers=2, batch_first=True)(torch.zeros(3, 7, 6))
    return tuple(output.shape), tuple(hn.shape)


top_row_and_last_column.mistake(
    "`output` is right. The first axis of `hn` counts layers; a 1 there is right for a layer built with "
    "`num_layers=1`.",
    lambda: ((3, 7, 8), (1, 3, 8)),
)
top_row_and_last_column.mistake(
    "`output` is right. `batch_first` does not move the axes of `hn`: layers come first in it, samples second.",
    lambda: ((3, 7, 8), (3, 2, 8)),
)
top_row_and_last_column.mistake(
    "`output` is right. `hn` belongs to one moment, the last step, so 7, the number of steps, is nowhere in it.",
    lambda: ((3, 7, 8), (2, 7, 8)),
)
top_row_and_last_column.mistake(
    "The layers are not side by side in `output`: it shows the top layer alone, and a state is `hidden_size` wide.",
    lambda: ((3, 7, 16), (2, 3, 8)),
    matches=item_is(0, [3, 7, 16]),
)
top_row_and_last_column.mistake(
    "`output` keeps the time axis: it has a state for every step. What you give as its shape is that of its last step.",
    lambda: ((3, 8), (2, 3, 8)),
    matches=item_is(0, [3, 8]),
)
top_row_and_last_column.mistake(
    "`output` is laid out as the input is. With `batch_first=True` both have the samples in front.",
    lambda: ((7, 3, 8), (2, 3, 8)),
    matches=item_is(0, [7, 3, 8]),
)
top_row_and_last_column.mistake(
    "The last axis of both tensors holds a hidden state, so its size is `hidden_size`. You give `input_size`, which "
    "is the input's alone.",
    lambda: ((3, 7, 6), (2, 3, 6)),
)
top_row_and_last_column.mistake(
    "`output` has no axis for the layers: of the picture's rows it shows the top one.",
    lambda: ((2, 3, 7, 8), (2, 3, 8)),
    matches=item_is(0, [2, 3, 7, 8]),
)
top_row_and_last_column.mistake(
    "`output` is right. `hn` has three axes: layers, samples, units. Write down how many there are of each.",
    lambda: ((3, 7, 8), (3, 8)),
    matches=item_is(0, [3, 7, 8]),
)


def _some_line(wrong: Callable[[int, int], bool]) -> Callable[[tuple, Result], bool]:
    """Tells a list of pairs (sample, step), the answer's first part, in which there is a wrong one."""

    def told(_: tuple, result: Result) -> bool:
        lines = result[0] if isinstance(result, list) and result else None
        pairs = isinstance(lines, list) and all(
            isinstance(line, list) and [type(part) for part in line] == [int, int] for line in lines
        )
        return pairs and any(wrong(*line) for line in lines)

    return told


@EXERCISES.predict(
    hints=[
        "Which sample and which step is `x[1, 2]`? Which states of that sample have read this step?",
        "A state reads the state before it, so a change is handed on to the right, up to the last step. It never "
        "crosses to another sample.",
    ]
)
def lines_that_change():
    layer, x = nn.RNN(3, 5, batch_first=True).double(), torch.rand(3, 4, 3, dtype=torch.float64)
    other = x.clone()
    other[1, 2] += 1
    (before, hn_before), (after, hn_after) = layer(x), layer(other)
    lines, samples = (before != after).any(dim=2).nonzero(), (hn_before != hn_after)[0].any(dim=1).nonzero()
    return [tuple(line) for line in lines.tolist()], samples.flatten().tolist()


lines_that_change.mistake(
    "Right for `output`. `hn` holds each sample's state after the last step, and your list for `output` has a line of "
    "the last step in it.",
    lambda: ([(1, 2), (1, 3)], []),
)
lines_that_change.mistake(
    "Right for `output`. Of `hn` the exercise asks which *samples* change; its first axis, of size 1 here, counts the "
    "layers.",
    lambda: ([(1, 2), (1, 3)], [0]),
)
lines_that_change.mistake(
    "Right for `output`. For `hn` give a list too, in brackets.",
    lambda: ([(1, 2), (1, 3)], 1),
    matches=lambda _, result: item_is(0, [[1, 2], [1, 3]])(_, result) and not isinstance(result[1], list),
)
lines_that_change.mistake(
    "The layer hands its state on. What changes at step 2 changes what every later step starts from.",
    lambda: ([(1, 2)], []),
    matches=item_is(0, [[1, 2]]),
)
lines_that_change.mistake(
    "The state of step 2 has read step 2 itself, so it changes too.",
    lambda: ([(1, 3)], [1]),
    matches=item_is(0, [[1, 3]]),
)
lines_that_change.mistake(
    "The right states, with their two numbers exchanged: first the sample, then the step.",
    lambda: ([(2, 1), (3, 1)], [1]),
    matches=item_is(0, [[2, 1], [3, 1]]),
)
lines_that_change.mistake(
    "Right for `output`. `hn` has a state for each sample, and only one sample has read the change: list its number.",
    lambda: ([(1, 2), (1, 3)], [0, 1, 2]),
    matches=item_is(0, [[1, 2], [1, 3]]),
)
lines_that_change.mistake(
    "Those are the steps. A state in `output` has two numbers, its sample and its step: write a pair for each.",
    lambda: ([2, 3], [1]),
    matches=item_is(0, [2, 3]),
)
lines_that_change.mistake(
    "Steps and samples count from 0: the four steps are 0, 1, 2 and 3.",
    lambda: ([(1, 3), (1, 4)], [1]),
    matches=_some_line(lambda _, step: step > 3),
)
lines_that_change.mistake(
    "You read `x[1, 2]` as step 1 of sample 2. With `batch_first=True` the first axis is the samples.",
    lambda: ([(2, 1), (2, 2), (2, 3)], [2]),
    matches=item_is(0, [[2, 1], [2, 2], [2, 3]]),
)
lines_that_change.mistake(
    "No sample sees another. The layer computes each sample as if it were alone, so only states of the sample that "
    "you changed can change.",
    lambda: ([(0, 2), (0, 3), (1, 2), (1, 3), (2, 2), (2, 3)], [0, 1, 2]),
    matches=_some_line(lambda sample, _: sample != 1),
)
lines_that_change.mistake(
    "A state before step 2 has not read step 2 yet. One direction reads from left to right.",
    lambda: ([(1, 0), (1, 1), (1, 2), (1, 3)], [1]),
    matches=_some_line(lambda _, step: step < 2),
)


def _layer(rng: random.Random, num_layers: int = 1) -> tuple[nn.RNNBase, torch.Tensor]:
    """A layer with random sizes, all different, and an input for it."""
    N, L, H_in, H = distinct(rng, 4)
    return rng.choice(KINDS)(H_in, H, num_layers, batch_first=True), torch.randn(N, L, H_in)


def _stack(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor]:
    return _layer(rng, rng.randint(2, 3))


def _output(rng: random.Random) -> tuple[torch.Tensor]:
    layer, x = _layer(rng)
    return (layer(x)[0],)


@EXERCISES.write(
    draw=_output,
    hints=[
        "Which slice of `output` holds the numbers of `hn`? What is its shape, and what is the shape of `hn`?",
        "The slice is `(N, H_out)`. What it lacks is an axis of size 1 in front, for the one layer.",
    ],
)
def hn_from_output(output):
    return torch.stack([sample[-1] for sample in output])[None]


hn_from_output.mistake(
    "The right numbers, but `hn` has an axis for the layers in front, even where there is one layer.",
    lambda output: output[:, -1],
)
hn_from_output.mistake(
    "The right numbers, but your axis of size 1 is where `output` has its time. In `hn` it comes first and "
    "counts the layers.",
    lambda output: output[:, -1:],
)
hn_from_output.mistake(
    "`output[-1]` is the last sample, at all its steps. Time is the second axis.", lambda output: output[-1]
)
hn_from_output.mistake(
    "`output[-1:]` is the last sample, at all its steps. Time is the second axis.", lambda output: output[-1:]
)
hn_from_output.mistake(
    "That is the state after the first step. `hn` is the state after the last one.",
    lambda output: output[:, 0].unsqueeze(0),
)
hn_from_output.mistake(
    "That is the last hidden *unit* at every step: `[:, :, -1]` counts along the features. Time is the second axis.",
    lambda output: output[:, :, -1],
    matches=lambda arguments, result: shape_of(result) in ([*arguments[0].shape[:2]], [1, *arguments[0].shape[:2]]),
)


@EXERCISES.mend(
    draw=_stack,
    cases=10,
    hints=[
        "Print the shape of what the function returns, and of the two tensors that it takes from `layer(x)`. Does "
        "each fit its name?",
        "A layer returns `output` first and `hn` second. What does `hn[:, -1]` select, if the first axis of `hn` "
        "counts layers?",
    ],
)
def sample_states(layer, x):
    return torch.cat([layer(sample[None])[1][-1] for sample in x])


@sample_states.mistake("The two results are exchanged.", given=True)
def _exchanged(layer, x):
    _hn, output = layer(x)
    return output[:, -1]


sample_states.mistake(
    "`hn[0]` is the bottom layer. It is the top one too where `num_layers` is 1, and these layers have more.",
    lambda layer, x: layer(x)[1][0],
)
sample_states.mistake(
    "That is the whole of `hn`, every layer. The exercise asks for the top one.", lambda layer, x: layer(x)[1]
)
sample_states.mistake(
    "`hn[:, 0]` is the first sample, in every layer. The first axis of `hn` is the layers, the second the samples.",
    lambda layer, x: layer(x)[1][:, 0],
)


@sample_states.mistake(
    "A pair `(hn, cn)` is what an LSTM returns. The state of an RNN or GRU is one tensor, and your line takes it "
    "apart by its layers."
)
def _unpacked(layer, x):
    _output, (hn, _cn) = layer(x)
    return hn[-1]


sample_states.mistake(
    "The right numbers with an axis too many: the slice `[-1:]` keeps the axis that it cuts, the index `[-1]` drops "
    "it.",
    lambda layer, x: layer(x)[1][-1:],
)
sample_states.mistake(
    "`output[-1]` is the last sample at all its steps: with `batch_first=True` the first axis of `output` is the "
    "samples.",
    lambda layer, x: layer(x)[0][-1],
)
sample_states.mistake(
    "That is the state of every step. The exercise asks for the last one.", lambda layer, x: layer(x)[0]
)
sample_states.mistake(
    "That is the state after the first step, when the rest is still unread.", lambda layer, x: layer(x)[0][:, 0]
)


@EXERCISES.explain(
    hints=[
        "A layer returns two tensors in a tuple, `output` and `hn`. Which of them is `layer(x)[0]`, and what are the "
        "shapes of both?",
        "`nn.Linear(5, 1)` turns the last axis from 5 to 1 and leaves the others. Which option leaves the samples "
        "alone, and no layers or steps?",
    ]
)
def one_score_each():
    layer, head, x = nn.RNN(4, 5, num_layers=2, batch_first=True), nn.Linear(5, 1), torch.rand(3, 6, 4)
    output, hn = layer(x)
    options = {"a": output, "b": hn, "c": output[-1], "d": hn[-1]}
    return next(letter for letter, states in options.items() if head(states).shape == (3, 1))


one_score_each.mistake(
    "`layer(x)[0]` is `output`: a state for every step, so this gives a score for every step, in a shape (3, 6, 1).",
    lambda: "a",
)
one_score_each.mistake(
    "`layer(x)[1]` is `hn`: a state for every layer, so this gives scores of the bottom layer too, in a shape (2, 3, "
    "1).",
    lambda: "b",
)
one_score_each.mistake(
    "`layer(x)[0]` is `output`, and its first axis is the samples: you score the six steps of the last sample.",
    lambda: "c",
)
one_score_each.mistake(
    "Answer with one of the letters, in quotation marks.",
    lambda: "head(output[:, -1])",
    matches=lambda _, result: not isinstance(result, str) or result.strip().casefold() not in set("abcd"),
)


def _perhaps_in_order(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """`output` and `hn` of a layer, or a pair in which something has gone wrong."""
    num_layers, fault = rng.choice([(1, None), (2, None), (3, "number"), (2, "layers"), (1, "foreign")])
    layer, x = _layer(rng, num_layers)
    output, hn = layer(x)
    if fault == "number":
        output[rng.randrange(len(x)), -1, 0] += 1
    elif fault == "layers":
        hn = hn.flip(dims=[0])
    elif fault == "foreign":
        hn = torch.randn(hn.shape)
    return output, hn


@EXERCISES.mend(
    draw=_perhaps_in_order,
    cases=80,
    hints=[
        "What are the shapes of `output[:, -1]` and `hn`, and what does `==` do with two shapes that differ? Try it "
        "with two layers.",
        "`==` repeats the last step for every layer, so it compares the bottom layer too. Take the one layer out of "
        "`hn` that `output` shows.",
        "`torch.equal` says True where both the shapes and all numbers agree.",
    ],
)
def ends_in_hn(output, hn):
    return all(torch.equal(sample[-1], state) for sample, state in zip(output, hn[-1], strict=True))


ends_in_hn.mistake("`==` compares every layer.", lambda output, hn: bool((output[:, -1] == hn).all()), given=True)
ends_in_hn.mistake(
    "This says False for every layer there is. The last step of `output` has one axis fewer than `hn`, and "
    "`torch.equal` wants equal shapes too.",
    lambda output, hn: torch.equal(output[:, -1], hn),
)
ends_in_hn.mistake(
    "`hn[0]` is the bottom layer. `output` shows the top one.", lambda output, hn: torch.equal(output[:, -1], hn[0])
)
ends_in_hn.mistake(
    "One number that agrees is not enough: `any` says True as soon as there is one, and all have to.",
    lambda output, hn: bool((output[:, -1] == hn).any()),
)
ends_in_hn.mistake(
    "`any` says True as soon as one number agrees, and all have to.",
    lambda output, hn: bool((output[:, -1] == hn[-1]).any()),
)
ends_in_hn.mistake(
    "This says True whatever the numbers are. Equal shapes are not equal numbers.",
    lambda output, hn: output[:, -1].shape == hn[-1].shape,
)
ends_in_hn.mistake(
    "That is an answer for each number. The exercise asks for one: whether all of them agree.",
    lambda output, hn: output[:, -1] == hn[-1],
)


@EXERCISES.write(
    draw=_stack,
    cases=10,
    hints=[
        "`hn` is the last column of the picture. Which sequence has to be read for `hn` to be the column of step 2?",
        "Read the first `t + 1` steps alone, `x[:, : t + 1]`, and `hn` is column `t`. Or read one step at a time, and "
        "hand `hn` on to the next call.",
        "You have `L` columns of shape `(num_layers, N, H_out)`. `torch.stack` puts them together along a new axis: "
        "which one is time to be?",
    ],
)
def every_state(layer, x):
    return torch.stack([layer(x[:, : step + 1])[1] for step in range(x.shape[1])], dim=2)


@every_state.mistake("Each of your columns starts from zeros: the state of the step before is not handed on.")
def _from_zeros(layer, x):
    return torch.stack([layer(step[:, None])[1] for step in x.unbind(1)], dim=2)


@every_state.mistake("Every layer has got the states of the top one: `output` shows the top row alone.")
def _top_everywhere(layer, x):
    return layer(x)[0].expand(layer.num_layers, -1, -1, -1)


every_state.mistake(
    "That is `output`, the top row alone. The rows under it are in no `output`: where does each of them show?",
    lambda layer, x: layer(x)[0],
)


every_state.mistake(
    "That is `hn`, the last column alone. How can the layer be made to stop at another step?",
    lambda layer, x: layer(x)[1],
)


@every_state.mistake(
    "`x[:, t]` has lost its time axis. A 2-D input is one sequence without a batch, so your samples were read as its "
    "steps: keep an axis of size 1.",
    matches=lambda arguments, result: (
        shape_of(result) == [arguments[0].num_layers, arguments[0].hidden_size, arguments[1].shape[1]]
    ),
)
def _without_time(layer, x):
    return torch.stack([layer(step)[1] for step in x.unbind(1)], dim=2)


@every_state.mistake(
    "You kept the `output` of each step, and that is the top layer. The other layers of a step are in what the call "
    "returns beside it.",
    matches=lambda arguments, result: (
        shape_of(result) == [len(arguments[1]), 1, arguments[1].shape[1], arguments[0].hidden_size]
    ),
)
def _outputs_kept(layer, x):
    return layer(x)[0].unsqueeze(1)


@every_state.mistake(
    "`torch.cat` makes an axis longer that is there already, here that of the units. Time has to be an axis of its "
    "own.",
    matches=lambda arguments, result: (
        shape_of(result)
        == [arguments[0].num_layers, len(arguments[1]), arguments[1].shape[1] * arguments[0].hidden_size]
    ),
)
def _joined(layer, x):
    return torch.cat([layer(x[:, : step + 1])[1] for step in range(x.shape[1])], dim=2)


@every_state.mistake("Every step has got the states of the last one: `hn` is the last column alone.")
def _last_everywhere(layer, x):
    return layer(x)[1].unsqueeze(2).expand(-1, -1, x.shape[1], -1)


@every_state.mistake(
    "All states are right, and time is the first axis of your tensor. The exercise wants it third, behind the samples."
)
def _time_in_front(layer, x):
    return torch.stack([layer(x[:, : step + 1])[1] for step in range(x.shape[1])])


@every_state.mistake("All states are right, and time comes before the samples. The exercise wants it after them.")
def _time_second(layer, x):
    return torch.stack([layer(x[:, : step + 1])[1] for step in range(x.shape[1])], dim=1)


@every_state.mistake(
    "A column is missing: a slice ends *before* its second number, so `x[:, :t]` does not hold step `t`."
)
def _one_short(layer, x):
    return torch.stack([layer(x[:, :step])[1] for step in range(1, x.shape[1])], dim=2)


@every_state.mistake(
    "You read from step `t` to the end. The state of step `t` has read from the beginning to step `t`."
)
def _from_here_on(layer, x):
    return torch.stack([layer(x[:, step:])[1] for step in range(x.shape[1])], dim=2)
