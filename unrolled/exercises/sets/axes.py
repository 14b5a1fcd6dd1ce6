"""Which axis is time: layouts, a reshape that is no transpose, and batches that mix."""

import random
from collections.abc import Callable

import torch
from torch import nn

from unrolled.exercises.exercise import KEEPS_ORDER, ExerciseSet, distinct
from unrolled.exercises.predicates import item_is

EXERCISES = ExerciseSet("axes")
KINDS = (nn.RNN, nn.GRU)


@EXERCISES.predict(
    hints=[
        "The layer was built without `batch_first`. Which axis of the input does it take for time, and which for the "
        "samples?",
        "The layer does not know what you meant: axis 0 is time, so it reads 5 steps of 9 samples.",
    ]
)
def shapes_without_the_flag():
    output, hn = nn.GRU(6, 8, num_layers=2)(torch.zeros(5, 9, 6))
    return tuple(output.shape), tuple(hn.shape)


shapes_without_the_flag.mistake(
    "`output` is right. `hn` has one state for each sample that the *layer* counts, and without `batch_first` it "
    "counts samples along axis 1.",
    lambda: ((5, 9, 8), (2, 5, 8)),
)
shapes_without_the_flag.mistake(
    "The layer does not exchange the axes of its input for you: `output` has its first two axes as the input has them.",
    lambda: ((9, 5, 8), (2, 5, 8)),
    matches=item_is(0, [9, 5, 8]),
)
shapes_without_the_flag.mistake(
    "`output` is right. Two layers make two states for each sample, and the first axis of `hn` counts them.",
    lambda: ((5, 9, 8), (1, 9, 8)),
)
shapes_without_the_flag.mistake(
    "`output` is right. Layers come first in `hn`, whatever `batch_first` says.", lambda: ((5, 9, 8), (9, 2, 8))
)
shapes_without_the_flag.mistake(
    "`output` shows the top layer alone, so it is one state wide, however many layers there are.",
    lambda: ((5, 9, 16), (2, 9, 8)),
    matches=item_is(0, [5, 9, 16]),
)
shapes_without_the_flag.mistake(
    "`output` holds states, so its last axis is `hidden_size`. You give `input_size`.",
    lambda: ((5, 9, 6), (2, 9, 6)),
    matches=item_is(0, [5, 9, 6]),
)
shapes_without_the_flag.mistake(
    "`output` is right. `hn` has three axes: layers, samples, units. Write down how many there are of each, as this "
    "layer counts them.",
    lambda: ((5, 9, 8), (9, 8)),
    matches=item_is(0, [5, 9, 8]),
)


@EXERCISES.predict(
    hints=[
        "`transpose(0, 1)` exchanges the first two numbers of every address. `reshape` keeps the order of all numbers "
        "and counts them anew.",
        "For the transpose: write down where `x[2, 0, 0]` is with its first two numbers exchanged.",
        "For the reshape: 16 is number 16 in the order of memory. In shape (2, 3, 4) a block holds 12 numbers and a "
        "line 4.",
    ]
)
def addresses_of_16():
    x = torch.arange(24).reshape(3, 2, 4)
    return tuple(tuple((moved == 16).nonzero()[0].tolist()) for moved in (x.transpose(0, 1), x.reshape(2, 3, 4)))


addresses_of_16.mistake(
    "A reshape is not a transpose. You have the transpose right; the reshape has the same shape, and 16 is "
    "elsewhere in it.",
    lambda: ((0, 2, 0), (0, 2, 0)),
)
addresses_of_16.mistake(
    "You have the reshape right. A transpose moves numbers: what was step 0 of sample 2 is still step 0 of sample 2, "
    "with the step in front.",
    lambda: ((1, 1, 0), (1, 1, 0)),
)
addresses_of_16.mistake("You have the two exchanged.", lambda: ((1, 1, 0), (0, 2, 0)))
addresses_of_16.mistake(
    "That is where 16 is in `x` itself. In shape (2, 3, 4) the first number of an address is 0 or 1.",
    lambda: ((2, 0, 0), (2, 0, 0)),
)
addresses_of_16.mistake(
    "The transpose is right. In shape (2, 3, 4) the second block begins at 12: how many lines behind it is 16?",
    lambda: ((0, 2, 0), (1, 0, 0)),
    matches=item_is(0, [0, 2, 0]),
)
addresses_of_16.mistake(
    "The reshape is right. `transpose(0, 1)` exchanges the first two numbers of every address and leaves the third.",
    lambda: ((0, 0, 2), (1, 1, 0)),
    matches=item_is(1, [1, 1, 0]),
)


def _kind(rng: random.Random, *sizes: int, **options: bool | int) -> nn.RNNBase:
    return rng.choice(KINDS)(*sizes, **options)


def _single_steps(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor]:
    N, H_in, H = distinct(rng, 3)
    return _kind(rng, H_in, H, batch_first=rng.random() < 0.5), torch.randn(rng.choice([N, N, 1]), H_in)


@EXERCISES.write(
    draw=_single_steps,
    cases=30,
    hints=[
        "A 2-D input is one sequence without a batch, `(L, H_in)`. Which axis of size 1 is missing from `features`, "
        "and where does this layer want it?",
        "Time goes to axis 1 if `layer.batch_first`, to axis 0 if not: `unsqueeze` puts it there.",
        "The state that you return has no time axis. Take it out of `output` by an index, or take the layer out of "
        "`hn`.",
    ],
)
def first_states(layer, features):
    return torch.cat([layer(sample[None])[0] for sample in features])


first_states.mistake(
    "Your samples were read as the steps of one sequence, and each went on from where the one before had stopped. A "
    "2-D input is one sequence; so is a batch whose axis of size 1 is in the wrong place.",
    lambda layer, features: layer(features)[0],
)
first_states.mistake(
    "A 2-D input is one sequence, so your samples were read as its steps, and `hn` is the one state at its end.",
    lambda layer, features: layer(features)[1],
)


@first_states.mistake(
    "A bare `squeeze()` drops every axis of size 1. In a batch of one sample that is the batch as well: say which axis."
)
def _squeezed(layer, features):
    return layer(features.unsqueeze(1 if layer.batch_first else 0))[0].squeeze()


@first_states.mistake(
    "The layer reads the right thing. What it returns has time in front where `layer.batch_first` is false, and there "
    "`[:, 0]` is sample 0."
)
def _indexed_axis_1(layer, features):
    return layer(features.unsqueeze(1 if layer.batch_first else 0))[0][:, 0]


@first_states.mistake("The right states, with the time axis still there. The exercise asks for `(N, H_out)`.")
def _with_time(layer, features):
    return layer(features.unsqueeze(1 if layer.batch_first else 0))[0]


@first_states.mistake("The right states, with the axis of the layers in front. The exercise asks for `(N, H_out)`.")
def _with_layers(layer, features):
    return layer(features.unsqueeze(1 if layer.batch_first else 0))[1]


@first_states.mistake(
    "Right for a layer with `batch_first=True`. Without it a layer takes axis 0 for time, on the way in and on the "
    "way out.",
    matches=lambda arguments, _: not arguments[0].batch_first,
)
def _always_axis_1(layer, features):
    return layer(features.unsqueeze(1))[0].squeeze(1)


@first_states.mistake(
    "Right for a layer without `batch_first`. With it a layer takes axis 1 for time, on the way in and on the way out.",
    matches=lambda arguments, _: arguments[0].batch_first,
)
def _always_axis_0(layer, features):
    return layer(features.unsqueeze(0))[0].squeeze(0)


@first_states.mistake(
    "That is all the layer returns, `output` and `hn`. The exercise asks for the states, `(N, H_out)`."
)
def _whole_result(layer, features):
    return layer(features.unsqueeze(1 if layer.batch_first else 0))


def _images(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor]:
    N, side, H = distinct(rng, 3, low=3)
    return _kind(rng, side, H), torch.rand(rng.choice([N, N, 1]), 1, side, side)


@EXERCISES.mend(
    draw=_images,
    cases=30,
    hints=[
        "Fill image n with the number n and look at `rows[:, 0]`, what the layer takes for the first image. Where do "
        "its rows come from?",
        "The channel axis is to go, and the samples and the rows are to change places. `reshape` does not exchange "
        "axes.",
        "`squeeze(1)` drops the channel alone, and `transpose(0, 1)` brings the rows to the front.",
    ],
)
def read_images(layer, images):
    return torch.cat([layer(image[0])[1] for image in images])


@read_images.mistake("`reshape` mixes images.", given=True, if_changed=KEEPS_ORDER)
def _reshaped(layer, images):
    N, _, height, width = images.shape
    rows = images.reshape(height, N, width)
    output, _ = layer(rows)
    return output[-1]


def _last(layer, rows):
    return layer(rows)[0][-1]


read_images.mistake(
    "A bare `squeeze()` drops every axis of size 1. When the last batch holds one image, that is the batch as well: "
    "say which axis.",
    lambda layer, images: _last(layer, images.squeeze().transpose(0, 1)),
)
read_images.mistake(
    "A bare `squeeze()` drops every axis of size 1. When the last batch holds one image, that is the batch as well: "
    "say which axis.",
    lambda layer, images: _last(layer, images.squeeze().permute(1, 0, 2)),
)
read_images.mistake(
    "Now the images are in front, and this layer takes axis 0 for time: it reads image after image as one sequence.",
    lambda layer, images: _last(layer, images.squeeze(1)),
)
read_images.mistake(
    "Now the images are in front and you read the last row of each. But this layer takes axis 0 for time: it has read "
    "image after image.",
    lambda layer, images: layer(images.squeeze(1))[0][:, -1],
)
read_images.mistake(
    "No two images mix any more, and a step is a *column*: one transpose too many. The exercise wants the rows, from "
    "the top.",
    lambda layer, images: _last(layer, images.squeeze(1).permute(2, 0, 1)),
)
read_images.mistake(
    "The rows are right now. `output` of this layer has time in front, so `output[:, -1]` is the last image at every "
    "step.",
    lambda layer, images: layer(images.squeeze(1).transpose(0, 1))[0][:, -1],
)


@read_images.mistake(
    "You exchanged the rows of an image with its columns. It is samples and rows that have to change places."
)
def _turned_images(layer, images):
    output, _ = layer(images.squeeze(1).transpose(1, 2))
    return output[-1]


@EXERCISES.explain(
    hints=[
        "What are the three axes of `convolved`, and which of them does the layer take for the features of a step?",
        "`nn.Conv1d` gives `(N, channels, time)`. With `batch_first=True` the layer wants `(N, time, channels)`, "
        "every number with its own moment.",
    ]
)
def fifty_moments():
    convolved = torch.arange(50.0).expand(2, 16, 50)
    options = {"b": convolved.transpose(0, 1), "c": convolved.reshape(2, 50, 16), "d": convolved.transpose(1, 2)}
    in_order = {
        letter: moved.shape == (2, 50, 16) and bool((moved[:, 30] == 30).all()) for letter, moved in options.items()
    }
    return next(letter for letter, right in in_order.items() if right)


fifty_moments.mistake(
    "That silences the message and keeps the mistake: the layer reads 16 steps, one per channel, each of them 50 "
    "moments wide.",
    lambda: "a",
)
fifty_moments.mistake(
    "That exchanges the samples and the channels. The last axis is still the 50 moments, and the message comes again.",
    lambda: "b",
)
fifty_moments.mistake(
    "It has the right shape and runs. But `reshape` re-cuts the numbers in their old order: its first step is 16 "
    "moments of one channel.",
    lambda: "c",
)
fifty_moments.mistake(
    "`batch_first` says which of the first two axes is time. The message is about the last one, so it comes again.",
    lambda: "e",
)
fifty_moments.mistake(
    "Answer with one of the letters, in quotation marks.",
    lambda: "c and d",
    matches=lambda _, result: not isinstance(result, str) or result.strip().casefold() not in set("abcde"),
)


def _tokens(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    N, L, C = distinct(rng, 3)
    return torch.randn(L, N, C), torch.randint(C, (N, L))


@EXERCISES.mend(
    draw=_tokens,
    hints=[
        "Which sample and which step is line 1 of the flat scores? And number 1 of the flat targets?",
        "The flat scores run through the samples of step 0 first, the flat targets through the steps of sample 0. "
        "Bring both into one layout before you flatten.",
        "Turn `scores` into `(N, L, C)` or `targets` into `(L, N)`, with `transpose`, and flatten with `reshape` as "
        "before.",
    ],
)
def word_loss(scores, targets):
    chosen = [
        scores[step, sample].log_softmax(-1)[target]
        for sample, row in enumerate(targets)
        for step, target in enumerate(row)
    ]
    return -torch.stack(chosen).mean()


word_loss.mistake(
    "The pairs do not match.",
    lambda scores, targets: nn.functional.cross_entropy(scores.reshape(-1, scores.size(-1)), targets.reshape(-1)),
    given=True,
    if_changed=KEEPS_ORDER,
)
word_loss.mistake(
    "You transposed the scores *and* the targets, so they still have two different layouts. Transpose one of them.",
    lambda scores, targets: nn.functional.cross_entropy(scores.transpose(0, 1).flatten(0, 1), targets.T.flatten()),
)
word_loss.mistake(
    "The pairs match. But `cross_entropy` takes scores and applies the softmax itself; yours has been through two of "
    "them.",
    lambda scores, targets: nn.functional.cross_entropy(scores.softmax(-1).permute(1, 2, 0), targets),
)
word_loss.mistake(
    "The pairs match, and this is the sum of their losses. The exercise asks for the mean.",
    lambda scores, targets: nn.functional.cross_entropy(scores.permute(1, 2, 0), targets, reduction="sum"),
)
word_loss.mistake(
    "A loss for each word. The exercise asks for their mean.",
    lambda scores, targets: nn.functional.cross_entropy(scores.permute(1, 2, 0), targets, reduction="none"),
    matches=lambda _, result: isinstance(result, dict) and bool(result.get("tensor", {}).get("shape")),
)
word_loss.mistake(
    "That is the loss of the last step alone. The exercise asks for the mean over all steps of all samples.",
    lambda scores, targets: nn.functional.cross_entropy(scores[-1], targets[:, -1]),
)


word_loss.mistake(
    "The scores are transposed, and still have three axes. The loss wants a line of `C` scores for each target: "
    "flatten them to `(N * L, C)`.",
    lambda scores, targets: nn.functional.cross_entropy(scores.transpose(0, 1), targets.reshape(-1)),
)
word_loss.mistake(
    "`(N, L, C)` beside `(N, L)`: with three axes the loss takes the second for the classes. Flatten both, or bring "
    "the classes there.",
    lambda scores, targets: nn.functional.cross_entropy(scores.transpose(0, 1), targets),
)
word_loss.mistake(
    "You exchanged samples and classes, so a line of your scores is no longer the scores of one word. It is steps and "
    "samples that have to change places.",
    lambda scores, targets: nn.functional.cross_entropy(
        scores.transpose(1, 2).reshape(-1, scores.size(-1)), targets.reshape(-1)
    ),
)
word_loss.mistake(
    "`view` cannot flatten a transposed tensor: its lines do not lie one after the other in memory. `reshape` "
    "copies them.",
    lambda scores, targets: nn.functional.cross_entropy(
        scores.transpose(0, 1).view(-1, scores.size(-1)), targets.reshape(-1)
    ),
)


def _read_somehow(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, int, int]:
    """A layer of either layout, an input that it takes, meant for it or not, and the address of a state in `output`."""
    N, L, H_in, H = distinct(rng, 4, high=5)
    layer = _kind(
        rng, H_in, H, num_layers=rng.randint(1, 2), batch_first=rng.random() < 0.5, bidirectional=rng.random() < 0.5
    )
    return layer, torch.randn(N, L, H_in), rng.randrange(N), rng.randrange(L)


@EXERCISES.write(
    draw=_read_somehow,
    cases=40,
    hints=[
        "Two ways lead there. Think: along which axis does this layer run, from which ends? Or ask the layer, with "
        "the chapter's dye.",
        "A dye in `x[i, j]` shows in `output[n, t]` or not. That is one number of the map; try every `i` and `j`.",
        "Clone `x`, set `[i, j]` of the clone to `float('nan')`, run the layer, and ask `isnan().any()` of `output[n, "
        "t]`.",
    ],
)
def read_by(layer, x, n, t):
    x = x.requires_grad_()
    return (torch.autograd.grad(layer(x)[0][n, t].sum(), x)[0] != 0).any(dim=2)


def _map(x: torch.Tensor, samples: slice | int, steps: slice | int) -> torch.Tensor:
    read = torch.zeros(x.shape[:2])
    read[samples, steps] = 1
    return read


def _along(layer: nn.RNNBase, x: torch.Tensor, n: int, t: int, past: Callable[[int], slice | int]) -> torch.Tensor:
    """The map of a state that has read `past` of its own place along the layer's time axis."""
    return _map(x, n, past(t)) if layer.batch_first else _map(x, past(n), t)


@read_by.mistake(
    "Right for `batch_first=True` and one direction. Without the flag a layer runs along axis 0, and with two "
    "directions a state has read what comes after as well."
)
def _up_to_the_step(layer, x, n, t):
    return _map(x, n, slice(t + 1))


@read_by.mistake(
    "Everything? A layer runs along one axis alone, the one that it takes for time. Nothing crosses along the other."
)
def _everything(layer, x, n, t):
    return _map(x, slice(None), slice(None))


@read_by.mistake(
    "Every dye has to go into a fresh copy of `x`. In yours the earlier ones are still there, and colour the later "
    "answers."
)
def _not_cloned(layer, x, n, t):
    read = _along(layer, x, n, t, lambda place: slice(None) if layer.bidirectional else slice(place + 1))
    return read.flatten().cummax(dim=0).values.view(read.shape)


@read_by.mistake(
    "That is what `x[n, t]` reaches. The exercise asks the other way: which `x[i, j]` have reached `output[n, t]`."
)
def _reached(layer, x, n, t):
    return _along(layer, x, n, t, lambda place: slice(None) if layer.bidirectional else slice(place, None))


@read_by.mistake("A state has read its own step too.")
def _without_itself(layer, x, n, t):
    read = _along(layer, x, n, t, lambda place: slice(None) if layer.bidirectional else slice(place))
    read[n, t] = 0
    return read


@read_by.mistake("The layer hands its state on: `output[n, t]` has read more than its own step.")
def _itself_alone(layer, x, n, t):
    return _map(x, n, t)


@read_by.mistake(
    "One direction has read up to its own step and nothing after it. Only a bidirectional layer has read the whole "
    "line."
)
def _whole_line(layer, x, n, t):
    return _along(layer, x, n, t, lambda place: slice(None))


@read_by.mistake(
    "Right for one direction. With two, the other half of `output[n, t]` has read what comes after.",
    matches=lambda arguments, _: arguments[0].bidirectional,
)
def _one_direction(layer, x, n, t):
    return _along(layer, x, n, t, lambda place: slice(place + 1))


@read_by.mistake(
    "Right for layers with `batch_first=True`. Without it a layer takes axis 0 for time, so it runs down the batch.",
    matches=lambda arguments, _: not arguments[0].batch_first,
)
def _always_along_steps(layer, x, n, t):
    return _map(x, n, slice(None) if layer.bidirectional else slice(t + 1))


@read_by.mistake(
    "Right for layers without `batch_first`. With `batch_first=True` a layer takes axis 1 for time.",
    matches=lambda arguments, _: arguments[0].batch_first,
)
def _always_down_the_batch(layer, x, n, t):
    return _map(x, slice(None) if layer.bidirectional else slice(n + 1), t)
