"""The last step: when it is the final state, and how to get at the final state when it is not."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled.exercises.exercise import ExerciseSet, distinct
from unrolled.exercises.predicates import item_is, item_passes, not_letters_of, text_passes

EXERCISES = ExerciseSet("last-step")
KINDS = (nn.RNN, nn.LSTM, nn.GRU)


@EXERCISES.predict(
    hints=[
        "What are the shapes of `output[:, -1]` and of `hn`? Which of them has an axis that the other lacks?",
        "`==` broadcasts: it repeats the smaller tensor along the axis that it lacks. `torch.equal` wants the shapes "
        "to agree before it looks at a number.",
    ]
)
def bare_comparison():
    output, hn = nn.GRU(6, 8, num_layers=2, batch_first=True)(torch.rand(4, 9, 6))
    last = output[:, -1]
    return tuple((last == hn).shape), torch.equal(last, hn), torch.equal(last, hn[-1])


bare_comparison.mistake(
    "`==` compares number by number. What it gives is a tensor, and it has a shape.",
    lambda: (False, False, True),
    matches=item_passes(0, lambda shape: not isinstance(shape, list)),
)
bare_comparison.mistake(
    "`hn` is not (4, 8): it has the states of both layers, along one axis more. `==` repeats the slice along that "
    "axis.",
    lambda: ((4, 8), False, True),
    matches=item_is(0, (4, 8)),
)
bare_comparison.mistake(
    "The first axis would be 1 with one layer. This stack has two.",
    lambda: ((1, 4, 8), False, True),
    matches=item_is(0, (1, 4, 8)),
)
bare_comparison.mistake(
    "`batch_first` does not touch `hn`: the layers come first, then the batch.",
    lambda: ((4, 2, 8), False, True),
    matches=item_is(0, (4, 2, 8)),
)
bare_comparison.mistake(
    "`output[:, -1]` takes one step: the time axis is gone. And `hn` never had one.",
    lambda: ((4, 9, 8), False, True),
    matches=item_is(0, (4, 9, 8), (2, 9, 8), (4, 1, 8)),
)
bare_comparison.mistake(
    "`torch.equal` does not broadcast. Tensors of different shapes are not equal to it.",
    lambda: ((2, 4, 8), True, True),
    matches=item_is(1, True),
)
bare_comparison.mistake(
    "One direction and no padding: the top layer after the last step is in both tensors. Which entry of `hn` is the "
    "top layer?",
    lambda: ((2, 4, 8), False, False),
    matches=item_is(2, False),
)
bare_comparison.mistake(
    "`torch.equal` returns True or False, without quotes.",
    lambda: ((2, 4, 8), "no", "yes"),
    matches=lambda arguments, result: (
        isinstance(result, list) and not all(isinstance(answer, bool) for answer in result[1:])
    ),
)

LETTERS = "abcdef"


@EXERCISES.predict(
    hints=[
        "For each letter ask what the top layer's state is when it has read a sample, all of it and nothing else. Is "
        "that the last entry of axis 1?",
        "With time first, axis 1 is the batch. Of a packed batch, `output` is filled up behind each sample's end. Of "
        "a padded batch, the layer reads the padding.",
        "The number of layers and a projection change what is in `output`, not where: it is the top layer's `h` at "
        "each step.",
    ]
)
def slices_that_hold():
    x, lengths = torch.rand(3, 5, 6), torch.tensor([5, 2, 4])
    for i, length in enumerate(lengths):
        x[i, length:] = 0
    first = {"batch_first": True}
    deep, both, time_first = (
        nn.LSTM(6, 8, num_layers=3, **first),
        nn.GRU(6, 8, bidirectional=True, **first),
        nn.RNN(6, 8),
    )
    plain, narrow = nn.GRU(6, 8, **first), nn.LSTM(6, 8, proj_size=3, **first)
    alone = torch.stack([plain(x[i, :length])[1][-1] for i, length in enumerate(lengths)])
    packed = pad_packed_sequence(plain(pack_padded_sequence(x, lengths, enforce_sorted=False, **first))[0], **first)[0]
    output, (hn, _) = deep(x)
    output_both, hn_both = both(x)
    output_time, hn_time = time_first(x.transpose(0, 1))
    output_narrow, (hn_narrow, _) = narrow(x)
    pairs = [
        (output, hn[-1]),
        (output_both, torch.cat([hn_both[-2], hn_both[-1]], dim=1)),
        (output_time, hn_time[-1]),
        (plain(x)[0], alone),
        (packed, alone),
        (output_narrow, hn_narrow[-1]),
    ]
    holds = [
        output[:, -1].shape == final.shape and torch.allclose(output[:, -1], final, atol=1e-6)
        for output, final in pairs
    ]
    return "".join(letter for letter, is_held in zip(LETTERS, holds, strict=True) if is_held)


slices_that_hold.mistake(
    'Write the letters as one string, without anything between them, such as "bc".',
    lambda: "a, f",
    matches=not_letters_of(LETTERS),
)
slices_that_hold.mistake(
    "`b` does not hold: with two directions the backward half of the last step has read one step.",
    lambda: "abf",
    matches=text_passes(lambda s: "b" in s),
)
slices_that_hold.mistake(
    "`c` does not hold: without `batch_first=True` axis 1 is the batch, so the slice is one sample at every step.",
    lambda: "acf",
    matches=text_passes(lambda s: "c" in s),
)
slices_that_hold.mistake(
    "`d` does not hold: the layer has read the zeros as if they were data, so the last step of a short sample is a "
    "state after its padding.",
    lambda: "adf",
    matches=text_passes(lambda s: "d" in s),
)
slices_that_hold.mistake(
    "`e` does not hold. The layer did stop at each sample's end, and `pad_packed_sequence` filled up what is behind "
    "it: the last step of a short sample is zeros.",
    lambda: "aef",
    matches=text_passes(lambda s: "e" in s),
)
slices_that_hold.mistake(
    "One is missing: a projection makes every `h` narrower, in `output` and in `hn` alike.",
    lambda: "a",
    matches=text_passes(lambda s: "f" not in s),
)
slices_that_hold.mistake(
    "One is missing. However many layers there are, `output` shows the top one.",
    lambda: "f",
    matches=text_passes(lambda s: "a" not in s),
)
slices_that_hold.mistake(
    "The right letters. Put them in alphabetical order, once each.",
    lambda: "fa",
    matches=text_passes(lambda s: set(s) == {"a", "f"}),
)


def _one_way(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    batch_first = rng.random() < 0.5
    layer = rng.choice(KINDS)(H_in, H, rng.randint(1, 3), batch_first=batch_first)
    return layer, torch.randn(N, L, H_in) if batch_first else torch.randn(L, N, H_in)


def _hn(layer, x) -> torch.Tensor:
    state = layer(x)[1]
    return state[0] if isinstance(state, tuple) else state


@EXERCISES.write(
    draw=_one_way,
    hints=[
        "`hn` has no time axis, so the layout does not matter to it. What is different about an LSTM?",
        "An LSTM returns `output, (hn, cn)`. Ask `isinstance(state, tuple)`, and take the entry of `hn` that belongs "
        "to the top layer.",
    ],
)
def top_layer_state(layer, x):
    output = layer(x)[0]
    return output[:, -1] if layer.batch_first else output[-1]


@top_layer_state.mistake(
    "Right for `batch_first=True`. For the other layers axis 1 is the batch, and this is the last sample at every step."
)
def _last_of_axis_1(layer, x):
    return layer(x)[0][:, -1]


@top_layer_state.mistake(
    "Right for layers with time first. With `batch_first=True` this is every step of the last sample."
)
def _last_of_axis_0(layer, x):
    return layer(x)[0][-1]


@top_layer_state.mistake(
    "Right for `nn.RNN` and `nn.GRU`. What an LSTM returns second is the pair `(hn, cn)`, and its last entry is `cn`: "
    "no error, another tensor."
)
def _pair_taken_for_hn(layer, x):
    return layer(x)[1][-1]


@top_layer_state.mistake("For an LSTM you give the cell state. The hidden state is the first of the pair, `(hn, cn)`.")
def _cell_state(layer, x):
    state = layer(x)[1]
    return state[1][-1] if isinstance(state, tuple) else state[-1]


@top_layer_state.mistake("`hn[0]` is the bottom layer. It has the right shape, and with one layer it is the same.")
def _bottom(layer, x):
    return _hn(layer, x)[0]


@top_layer_state.mistake("Those are the states of all layers, `(num_layers, N, H)`. The top one alone is asked for.")
def _all_layers(layer, x):
    return _hn(layer, x)


@top_layer_state.mistake(
    "That is everything the layer returns second: `hn` with all its layers, or an LSTM's pair. The top layer's hidden "
    "state is one entry of it."
)
def _second_result(layer, x):
    return layer(x)[1]


@top_layer_state.mistake(
    "Right for an LSTM. The others return no pair: `hn` comes as it is, and taking it apart takes its layers apart."
)
def _pair_expected(layer, x):
    _, (hn, _) = layer(x)
    return hn[-1]


@top_layer_state.mistake(
    "Right for an LSTM. The others return no pair: there `[0]` is the bottom layer, and `[-1]` of that is a sample."
)
def _first_of_no_pair(layer, x):
    return layer(x)[1][0][-1]


@top_layer_state.mistake(
    "`squeeze(0)` takes off an axis of size 1, and otherwise does nothing: with two layers you keep three axes."
)
def _squeezed_front(layer, x):
    return _hn(layer, x).squeeze(0)


@top_layer_state.mistake("The slice `-1:` keeps the layer axis, with a length of 1. An index, `-1`, takes it off.")
def _sliced_state(layer, x):
    return _hn(layer, x)[-1:]


@top_layer_state.mistake("That is the mean of the layers. The top one alone is asked for.")
def _layers_averaged(layer, x):
    return _hn(layer, x).mean(dim=0)


@top_layer_state.mistake("`hn[:, -1]` is the last *sample*, in every layer. The layers are the first axis.")
def _last_of_batch(layer, x):
    return _hn(layer, x)[:, -1]


def _classifier(rng: random.Random) -> tuple[nn.RNNBase, nn.Linear, torch.Tensor]:
    """A layer, a head and a batch, which in every other case holds a single sample."""
    N, L, H_in, H, classes = distinct(rng, 5)
    layer = rng.choice((nn.RNN, nn.GRU))(H_in, H, rng.randint(1, 3), batch_first=True)
    return layer, nn.Linear(H, classes), torch.randn(rng.choice((1, N)), L, H_in)


@EXERCISES.mend(
    draw=_classifier,
    hints=[
        "What does `squeeze()` do to the `hn` of one sample, (1, 1, H)? And to the `hn` of two layers, (2, N, H)?",
        "Do not take axes off by their size. Say which layer you mean: an index takes off exactly one axis.",
    ],
)
def class_scores(layer, head, x):
    return head(layer(x)[0][:, -1])


@class_scores.mistake("`squeeze()` drops every axis of size 1.", given=True)
def _squeezed(layer, head, x):
    _, hn = layer(x)
    return head(hn.squeeze())


@class_scores.mistake(
    "A batch of one sample is safe now. With two layers there is no axis of size 1 in front, and `squeeze(0)` does "
    "nothing, without a word."
)
def _squeezed_layers(layer, head, x):
    return head(_hn(layer, x).squeeze(0))


@class_scores.mistake(
    "The shape is right now. `hn[0]` is the bottom layer; the layers above it would be there for nothing."
)
def _scores_of_bottom(layer, head, x):
    return head(_hn(layer, x)[0])


@class_scores.mistake("The layer axis is still on: the scores are `(num_layers, N, classes)`.")
def _scores_of_all(layer, head, x):
    return head(_hn(layer, x))


@class_scores.mistake(
    "With two layers or more, each row of this `reshape` is too wide for `head`, and it mixes samples as well."
)
def _reshaped(layer, head, x):
    return head(_hn(layer, x).reshape(x.shape[0], -1))


@class_scores.mistake(
    "The scores have the right shape, and every layer has its say in them. The top layer alone is asked for."
)
def _mean_of_layers(layer, head, x):
    return head(_hn(layer, x).mean(dim=0))


@class_scores.mistake(
    "`squeeze()` after the index still drops the batch, when it holds one sample: the scores are `(classes,)`. The "
    "index has done all there is to do."
)
def _indexed_and_squeezed(layer, head, x):
    return head(_hn(layer, x)[-1].squeeze())


@class_scores.mistake("The slice `-1:` keeps the layer axis, with a length of 1. An index, `-1`, takes it off.")
def _sliced(layer, head, x):
    return head(_hn(layer, x)[-1:])


@class_scores.mistake("Those are scores for every step, `(N, L, classes)`. One row for each sample is asked for.")
def _every_step(layer, head, x):
    return head(layer(x)[0])


@class_scores.mistake("The states of all layers are added up in these scores. The top layer alone is asked for.")
def _layers_summed(layer, head, x):
    return head(_hn(layer, x).sum(dim=0))


@class_scores.mistake("`hn[:, -1]` is the last *sample*, in every layer. The layers are the first axis.")
def _last_sample(layer, head, x):
    return head(_hn(layer, x)[:, -1])


@EXERCISES.explain(
    hints=[
        "Print `scores.shape`. `cross_entropy` takes the first axis for the batch.",
        "`head` works on the last axis and leaves the others as they are, so `scores` begins with what `hn` begins "
        "with.",
    ]
)
def batch_of_one():
    layer, head, target = nn.GRU(4, 5, batch_first=True), nn.Linear(5, 2), torch.tensor([0, 1, 1])
    _, hn = layer(torch.rand(3, 6, 4))
    return (
        "b"
        if nn.functional.cross_entropy(head(hn[-1]), target).shape == () and hn.shape[0] == layer.num_layers == 1
        else "a"
    )


batch_of_one.mistake(
    'Answer with the letter of an option, in quotes, such as "a".', lambda: "N", matches=not_letters_of("abcd")
)
batch_of_one.mistake(
    "`hn` has no time axis at all. With seven steps in place of six the 1 would still be a 1; with two layers it "
    "would be a 2.",
    lambda: "a",
)
batch_of_one.mistake(
    "All three samples are there, along the second axis of `hn`. With `batch_first=True` the layer has read (3, 6, 4) "
    "as three sequences.",
    lambda: "c",
)
batch_of_one.mistake(
    "The target is as `cross_entropy` wants it: one class number for each sample, a batch of 3. The batch of 1 is "
    "what it reads off the scores.",
    lambda: "d",
)


def _padded(rng: random.Random, N: int, L: int, H_in: int, batch_first: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """A padded batch and its lengths: one is L, and the shortest comes first, so that they never fall."""
    short = rng.randint(1, L - 1)
    lengths = torch.tensor([short, *rng.sample([L] + [rng.randint(short, L) for _ in range(N - 2)], N - 1)])
    x = torch.randn(N, L, H_in)
    for i, length in enumerate(lengths):
        x[i, length:] = 0
    return (x if batch_first else x.transpose(0, 1).contiguous()), lengths


def _both_ways(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """What `pad_packed_sequence` gives of a bidirectional layer, and the lengths."""
    N, L, H_in, H = distinct(rng, 4)
    x, lengths = _padded(rng, N, L, H_in, batch_first=True)
    layer = rng.choice(KINDS)(H_in, H, batch_first=True, bidirectional=True)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(layer(packed)[0], batch_first=True)


@EXERCISES.write(
    draw=_both_ways,
    hints=[
        "At which step of sample `i` is the forward direction finished? And the backward one?",
        "With `samples = torch.arange(len(lengths))`, the index `output[samples, lengths - 1]` takes each sample's "
        "own last step.",
        "The first `H` features of that, and the others of step 0. `H` is half of the last axis.",
    ],
)
def ends_of_output(output, lengths):
    H = output.shape[2] // 2
    samples = zip(output, lengths, strict=True)
    return torch.stack([torch.cat([sample[length - 1, :H], sample[0, H:]]) for sample, length in samples])


def _picked(output, forward, backward) -> torch.Tensor:
    """The forward half at the steps `forward`, the backward half at the steps `backward`."""
    samples, H = torch.arange(output.shape[0]), output.shape[2] // 2
    return torch.cat([output[samples, forward, :H], output[samples, backward, H:]], dim=1)


@ends_of_output.mistake("For a short sample that is padding: `pad_packed_sequence` has put zeros behind its end.")
def _last_slice(output, lengths):
    return output[:, -1]


@ends_of_output.mistake(
    "The forward half is right. The backward half *begins* at a sample's last step, so there it has read one step."
)
def _own_last_step(output, lengths):
    return _picked(output, lengths - 1, lengths - 1)


@ends_of_output.mistake(
    "The backward half is right. The forward half of a short sample is padding at `-1`: its own last step comes "
    "earlier."
)
def _forward_from_the_edge(output, lengths):
    return _picked(output, -torch.ones_like(lengths), 0 * lengths)


@ends_of_output.mistake(
    "Both halves are taken where they begin. The forward one is finished at a sample's last step, the backward one at "
    "step 0."
)
def _where_they_begin(output, lengths):
    return _picked(output, 0 * lengths, lengths - 1)


@ends_of_output.mistake("That is step 0. The backward half is finished there; the forward half has read one step.")
def _first_slice(output, lengths):
    return output[:, 0]


@ends_of_output.mistake(
    "Steps count from 0: a sample of three steps ends with step 2. At `lengths` itself is padding, or nothing."
)
def _one_too_far(output, lengths):
    return _picked(output, lengths, 0 * lengths)


@ends_of_output.mistake(
    "A colon in front of `lengths` takes every sample at every one of the lengths, `(N, N, …)`. Give the samples by "
    "number, as many as there are lengths."
)
def _every_sample_at_every_length(output, lengths):
    return output[:, lengths - 1]


@ends_of_output.mistake(
    "A colon in front of `lengths` takes every sample at every one of the lengths. Give the samples by number, and "
    "each meets its own."
)
def _colon_in_the_forward_half(output, lengths):
    H = output.shape[2] // 2
    return torch.cat([output[:, lengths - 1, :H], output[:, 0, H:]], dim=1)


@ends_of_output.mistake(
    "The two states lie one after the other along the batch: that is `dim=0`. Side by side, along the features, is "
    "the last axis."
)
def _along_the_batch(output, lengths):
    return torch.cat(_picked(output, lengths - 1, 0 * lengths).chunk(2, dim=1), dim=0)


@ends_of_output.mistake(
    "Both states are there, backward before forward. The exercise asks for forward first, as in `output`."
)
def _backward_first(output, lengths):
    H = output.shape[2] // 2
    return _picked(output, lengths - 1, 0 * lengths).roll(H, dims=1)


@ends_of_output.mistake(
    "Both of your states are of the forward direction. The backward one is in the features from `H` on."
)
def _forward_twice(output, lengths):
    H = output.shape[2] // 2
    samples = torch.arange(len(lengths))
    return torch.cat([output[samples, lengths - 1, :H], output[:, 0, :H]], dim=1)


@ends_of_output.mistake("You added the two states up. Side by side they make `(N, 2 * H)`.")
def _ends_added(output, lengths):
    forward, backward = _picked(output, lengths - 1, 0 * lengths).chunk(2, dim=1)
    return forward + backward


@ends_of_output.mistake(
    "`torch.stack` makes a new axis for the two states. `torch.cat` puts them side by side, along the features."
)
def _ends_stacked(output, lengths):
    return torch.stack(_picked(output, lengths - 1, 0 * lengths).chunk(2, dim=1), dim=1)


@ends_of_output.mistake(
    "`torch.stack` makes a new axis in front for the two states. `torch.cat` puts them side by side, along the "
    "features."
)
def _ends_stacked_in_front(output, lengths):
    return torch.stack(_picked(output, lengths - 1, 0 * lengths).chunk(2, dim=1))


@ends_of_output.mistake(
    "Those are four halves. Two of them are final: the forward half of the last step, the backward half of step 0."
)
def _four_halves(output, lengths):
    return torch.cat([output[torch.arange(len(lengths)), lengths - 1], output[:, 0]], dim=1)


def _any_batch(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    batch_first, bidirectional = rng.random() < 0.5, rng.random() < 0.5
    layer = rng.choice(KINDS)(H_in, H, rng.randint(1, 2), batch_first=batch_first, bidirectional=bidirectional)
    return layer, *_padded(rng, N, L, H_in, batch_first)


@EXERCISES.write(
    draw=_any_batch,
    hints=[
        "Padding must not be read at all: `torch.nn.utils.rnn.pack_padded_sequence` takes the lengths. "
        "`layer.batch_first` says how `x` lies.",
        "The lengths are not in falling order: `enforce_sorted=False`. PyTorch then sorts the samples and gives `hn` "
        "back in your order.",
        "An LSTM returns a pair. Of `hn`, the last entry belongs to the top layer, or, where `layer.bidirectional`, "
        "the last two: join them along the features.",
    ],
)
def read_as_if_alone(layer, x, lengths):
    alone = []
    for i, length in enumerate(lengths):
        hn = _hn(layer, x[i, :length] if layer.batch_first else x[:length, i])
        alone.append(torch.cat(list(hn[-2:] if layer.bidirectional else hn[-1:])))
    return torch.stack(alone)


def _packed(layer, x, lengths, batch_first=None, enforce_sorted=False):
    batch_first = layer.batch_first if batch_first is None else batch_first
    return pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=enforce_sorted)


def _top(layer, hn) -> torch.Tensor:
    return torch.cat(list(hn[-2:] if layer.bidirectional else hn[-1:]), dim=-1)


@read_as_if_alone.mistake(
    "The layer has read the padding as data: the numbers are right for the longest samples alone. It has to be told "
    "the lengths."
)
def _padding_read(layer, x, lengths):
    return _top(layer, _hn(layer, x))


@read_as_if_alone.mistake(
    "`pack_padded_sequence` has a `batch_first` of its own, and nobody has told it: right for layers with time first."
)
def _packed_time_first(layer, x, lengths):
    return _top(layer, _hn(layer, _packed(layer, x, lengths, batch_first=False)))


@read_as_if_alone.mistake("You pack with `batch_first=True` whatever the layer. Ask `layer.batch_first`.")
def _packed_batch_first(layer, x, lengths):
    return _top(layer, _hn(layer, _packed(layer, x, lengths, batch_first=True)))


@read_as_if_alone.mistake(
    "The lengths are not in falling order, and without `enforce_sorted=False` PyTorch wants them so."
)
def _sorted_expected(layer, x, lengths):
    return _top(layer, _hn(layer, _packed(layer, x, lengths, enforce_sorted=True)))


@read_as_if_alone.mistake(
    "The samples come back in the order of their lengths. Whoever sorts them has to put them back; "
    "`enforce_sorted=False` does both."
)
def _left_sorted(layer, x, lengths):
    order = lengths.argsort(descending=True, stable=True)
    return _top(layer, _hn(layer, _packed(layer, x.index_select(0 if layer.batch_first else 1, order), lengths[order])))


@read_as_if_alone.mistake(
    "Right for one direction. With two, `hn[-1]` is the backward state alone; the forward one is `hn[-2]`."
)
def _one_direction(layer, x, lengths):
    return _hn(layer, _packed(layer, x, lengths))[-1]


@read_as_if_alone.mistake("Right for two directions. With one, `hn[-2]` is the layer below, or is not there at all.")
def _always_two(layer, x, lengths):
    hn = _hn(layer, _packed(layer, x, lengths))
    return torch.cat([hn[-2], hn[-1]], dim=1)


@read_as_if_alone.mistake("Those are the states of the bottom layer. The top layer's are at the end of `hn`.")
def _bottom_states(layer, x, lengths):
    hn = _hn(layer, _packed(layer, x, lengths))
    return torch.cat(list(hn[:2] if layer.bidirectional else hn[:1]), dim=-1)


@read_as_if_alone.mistake("For an LSTM you give the cell state. The hidden state is the first of the pair, `(hn, cn)`.")
def _cell_states(layer, x, lengths):
    state = layer(_packed(layer, x, lengths))[1]
    return _top(layer, state[1] if isinstance(state, tuple) else state)


@read_as_if_alone.mistake(
    "Right for `nn.RNN` and `nn.GRU` with one direction. An LSTM's second result is the pair `(hn, cn)`; and with two "
    "directions `hn[-1]` is the backward state alone."
)
def _pair_and_direction(layer, x, lengths):
    return layer(_packed(layer, x, lengths))[1][-1]


@read_as_if_alone.mistake(
    "Right for an LSTM. The others return no pair: `hn` comes as it is, and `[0]` of it is one layer."
)
def _pair_expected_here(layer, x, lengths):
    hn = layer(_packed(layer, x, lengths))[1][0]
    return torch.cat([hn[-2], hn[-1]], dim=1) if layer.bidirectional else hn[-1]


@read_as_if_alone.mistake(
    "What a packed batch gives is packed: a `PackedSequence` has no axes to index. You do not need it; think of the "
    "other result."
)
def _packed_indexed(layer, x, lengths):
    return layer(_packed(layer, x, lengths))[0][:, -1]


@read_as_if_alone.mistake(
    "With two directions your rows mix samples. `view` and `reshape` keep the order in memory, where one direction of "
    "all samples comes first. Join with `torch.cat`."
)
def _viewed_directions(layer, x, lengths):
    hn = _hn(layer, _packed(layer, x, lengths))
    return hn[-2:].reshape(hn.shape[1], -1) if layer.bidirectional else hn[-1]


@read_as_if_alone.mistake(
    "Right for `nn.RNN` and `nn.GRU`. What an LSTM returns second is the pair `(hn, cn)`, not `hn`."
)
def _pair_not_opened(layer, x, lengths):
    return _top(layer, layer(_packed(layer, x, lengths))[1])


@read_as_if_alone.mistake(
    "Right for one direction. With two, the backward half of a sample's last step has read one step: it is finished "
    "at step 0."
)
def _last_of_each(layer, x, lengths):
    output, _ = pad_packed_sequence(layer(_packed(layer, x, lengths))[0], batch_first=True)
    return output[torch.arange(len(lengths)), lengths - 1]


def _unpacked(layer, x):
    """`output` of the padded batch, batch first."""
    output = layer(x)[0]
    return output if layer.batch_first else output.transpose(0, 1)


def _repacked(layer, x, lengths, batch_first):
    return pad_packed_sequence(layer(_packed(layer, x, lengths))[0], batch_first=batch_first)[0]


@read_as_if_alone.mistake(
    "Right for one direction with `batch_first=True`. Without it, time is the first axis of `output`. And with two "
    "directions, the backward half has read the padding before the sample."
)
def _ends_of_unpacked_batch_first(layer, x, lengths):
    return layer(x)[0][torch.arange(len(lengths)), lengths - 1]


@read_as_if_alone.mistake(
    "Right for one direction. With two, the backward half is finished at step 0, and there it has read the padding "
    "before the sample. Only packing keeps the padding out."
)
def _ends_of_unpacked(layer, x, lengths):
    return _unpacked(layer, x)[torch.arange(len(lengths)), lengths - 1]


@read_as_if_alone.mistake(
    "Right for one direction. With two, step 0 is where the backward half is finished, but it has read the padding on "
    "its way there. Only packing keeps the padding out."
)
def _both_ends_of_unpacked(layer, x, lengths):
    output, H = _unpacked(layer, x), layer.hidden_size
    forward = output[torch.arange(len(lengths)), lengths - 1, :H]
    return torch.cat([forward, output[:, 0, H:]], dim=1) if layer.bidirectional else forward


@read_as_if_alone.mistake(
    "Behind the end of a sample the unpacked `output` is zeros, so `[:, -1]` is right for the longest samples alone, "
    "and even there not for the backward half."
)
def _last_of_repacked(layer, x, lengths):
    return _repacked(layer, x, lengths, batch_first=True)[:, -1]


@read_as_if_alone.mistake(
    "With `batch_first=True` your `[:, -1]` is zeros for every sample but the longest; without it, time comes first "
    "and it is the last sample."
)
def _last_of_repacked_as_it_lies(layer, x, lengths):
    return _repacked(layer, x, lengths, batch_first=layer.batch_first)[:, -1]


@read_as_if_alone.mistake(
    "With `batch_first=True` that is the state after the padding; without it, time comes first and it is the last "
    "sample. The layer has to be told the lengths."
)
def _last_slice(layer, x, lengths):
    return layer(x)[0][:, -1]


@read_as_if_alone.mistake(
    "The layer has read the padding as data. And with two directions `hn[-1]` is the backward state alone."
)
def _padding_read_and_one_direction(layer, x, lengths):
    return _hn(layer, x)[-1]


@read_as_if_alone.mistake("That is `hn` with every layer. Of the top layer's rows make one tensor, `(N, …)`.")
def _every_layer(layer, x, lengths):
    return _hn(layer, _packed(layer, x, lengths))


@read_as_if_alone.mistake("With two directions, the backward state comes before the forward one.")
def _backward_before_forward(layer, x, lengths):
    hn = _hn(layer, _packed(layer, x, lengths))
    return torch.cat([hn[-1], hn[-2]], dim=1) if layer.bidirectional else hn[-1]


@read_as_if_alone.mistake(
    "With two directions, their states lie one after the other along the batch: that is `dim=0`. They belong side by "
    "side, along the features."
)
def _directions_along_the_batch(layer, x, lengths):
    hn = _hn(layer, _packed(layer, x, lengths))
    return torch.cat(list(hn[-2:] if layer.bidirectional else hn[-1:]), dim=0)
