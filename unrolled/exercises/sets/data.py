"""Data: from a dataset to lengths, batches of like length, windows of a series, and the states of streams."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_sequence

from unrolled.exercises.exercise import ExerciseSet, distinct

EXERCISES = ExerciseSet("data")


@EXERCISES.predict(
    hints=[
        "Neither function is given `batch_first`, and `pack_sequence` has no such argument. Which axis does "
        "`pad_sequence` put in front?",
        "The packed data has one line for each real step. `batch_sizes` has one number for each step of the longest.",
    ]
)
def padded_and_packed():
    sequences = [torch.rand(length, 6) for length in (3, 1, 4)]
    packed = pack_sequence(sequences, enforce_sorted=False)
    return tuple(pad_sequence(sequences).shape), tuple(packed.data.shape), packed.batch_sizes.tolist()


padded_and_packed.mistake(
    "The packing is right. `pad_sequence` puts time in front unless you write `batch_first=True`.",
    lambda: ((3, 4, 6), (8, 6), [3, 2, 2, 1]),
)
padded_and_packed.mistake(
    "The padded tensor is right. Packed data has no padding and no batch axis: one line for each real step.",
    lambda: ((4, 3, 6), (3, 4, 6), [3, 2, 2, 1]),
)
padded_and_packed.mistake(
    "The padded tensor is right. Packed data has no padding: one line for each real step, not for each of 12.",
    lambda: ((4, 3, 6), (12, 6), [3, 2, 2, 1]),
)
padded_and_packed.mistake(
    "The shapes are right. `batch_sizes` counts, for each step, the samples that still run; these are the lengths.",
    lambda: ((4, 3, 6), (8, 6), [4, 3, 1]),
)
padded_and_packed.mistake(
    "The shapes are right. `batch_sizes` counts, for each step, the samples that still run; these are the lengths.",
    lambda: ((4, 3, 6), (8, 6), [3, 1, 4]),
)
padded_and_packed.mistake(
    "The shapes are right. The sample of one step has no second, so only two samples are left from there on, and one "
    "at the end.",
    lambda: ((4, 3, 6), (8, 6), [3, 3, 2, 1]),
)


def _samples(rng: random.Random) -> tuple[list[tuple[torch.Tensor, int]]]:
    """Samples in no order of length, all lengths different; in each, the last step and another may be zeros."""
    H_in = rng.randint(2, 4)
    lengths = rng.sample(range(2, 9), rng.randint(3, 5))
    while lengths == sorted(lengths, reverse=True) or lengths == sorted(lengths):
        rng.shuffle(lengths)
    samples = [(torch.randn(length, H_in), label) for label, length in enumerate(lengths, start=3)]
    for sequence, _ in samples[::2]:
        sequence[-1] = 0
    labels = rng.sample(range(10), len(samples))
    return ([(sequence, label) for (sequence, _), label in zip(samples, labels, strict=True)],)


@EXERCISES.write(
    draw=_samples,
    hints=[
        "`sequences, labels = zip(*samples)` takes the pairs apart.",
        "The length of a sequence is `len(sequence)`, before anything is padded.",
        "Three results: `pad_sequence(sequences, batch_first=True)`, and two tensors made with `torch.tensor([...])`.",
    ],
)
def collate(samples):
    lengths = [len(sequence) for sequence, _ in samples]
    x = torch.zeros(len(samples), max(lengths), samples[0][0].shape[1])
    for row, (sequence, _) in zip(x, samples, strict=True):
        row[: len(sequence)] = sequence
    return x, torch.tensor(lengths), torch.tensor([label for _, label in samples])


@collate.mistake("Everything is there, and the batch is time first. `pad_sequence` has a `batch_first` of its own.")
def _time_in_front(samples):
    x, lengths, labels = collate.reference(samples)
    return x.transpose(0, 1), lengths, labels


@collate.mistake(
    "You count the steps that are not zeros. Some of these sequences end in a real step of zeros, and it is gone."
)
def _counted_from_padding(samples):
    x, _, labels = collate.reference(samples)
    return x, (x != 0).any(dim=2).sum(dim=1), labels


@collate.mistake(
    "The sequences are sorted by length, and so are the lengths. The labels are as they came: they now belong to other "
    "sequences."
)
def _labels_left_behind(samples):
    by_length = sorted(samples, key=lambda sample: len(sample[0]), reverse=True)
    x, lengths, _ = collate.reference(by_length)
    return x, lengths, collate.reference(samples)[2]


@collate.mistake(
    "Every sample has its own label and length, in an order by length. Nobody asked for it: keep the samples' order."
)
def _all_sorted(samples):
    return collate.reference(sorted(samples, key=lambda sample: len(sample[0]), reverse=True))


@collate.mistake("That is the width of the batch, for every sample. Each has its own length.")
def _width_for_all(samples):
    x, lengths, labels = collate.reference(samples)
    return x, torch.full_like(lengths, x.shape[1]), labels


@collate.mistake("The lengths and labels are right. The padding is in front of the sequences; it belongs behind them.")
def _padded_on_the_left(samples):
    _, lengths, labels = collate.reference(samples)
    return (
        pad_sequence([sequence for sequence, _ in samples], batch_first=True, padding_side="left"),
        lengths,
        labels,
    )


@collate.mistake("All three are right. Lengths and labels are lists as yet; make tensors of them.")
def _lists(samples):
    x, lengths, labels = collate.reference(samples)
    return x, lengths.tolist(), labels.tolist()


@EXERCISES.mend(
    draw=_samples,
    hints=[
        "Run it on three samples and say, for each row, which label it had before.",
        "Sort the pairs, `sorted(samples, key=lambda sample: len(sample[0]), reverse=True)`, and take them apart "
        "afterwards.",
    ],
)
def sorting_collate(samples):
    return collate.reference(sorted(samples, key=lambda sample: len(sample[0]), reverse=True))


@sorting_collate.mistake("The labels are not sorted with the sequences.", given=True)
def _as_given(samples):
    return _labels_left_behind(samples)


@sorting_collate.mistake("The labels are sorted now, by themselves: from the largest to the smallest label.")
def _labels_by_value(samples):
    x, lengths, labels = sorting_collate.reference(samples)
    return x, lengths, labels.sort(descending=True).values


@sorting_collate.mistake("Every row has its own label, and the shortest sequence comes first. The longest has to.")
def _shortest_first(samples):
    return collate.reference(sorted(samples, key=lambda sample: len(sample[0])))


@sorting_collate.mistake(
    "Nothing is sorted any more. Every row has its label, but whoever calls this packs with `enforce_sorted=True`."
)
def _unsorted(samples):
    return collate.reference(samples)


@sorting_collate.mistake(
    "Rows and labels fit. The lengths are those of the samples as they came, and the packing would cut the wrong rows."
)
def _lengths_left_behind(samples):
    x, _, labels = sorting_collate.reference(samples)
    return x, collate.reference(samples)[1], labels


@EXERCISES.explain(
    hints=[
        "Both loaders have the same dataset. Which samples does the message name, and what are their shapes?",
        "The first loader has printed a batch. How many samples were in it, and how long was each?",
    ]
)
def why_stack():
    from torch.utils.data import DataLoader

    def runs(lengths: list[int]) -> bool:
        try:
            next(iter(DataLoader([torch.rand(length, 3) for length in lengths], batch_size=2)))
        except RuntimeError:
            return False
        return True

    return "b" if runs([4, 4]) and not runs([4, 2]) else "a"


why_stack.mistake(
    "With `drop_last=True` the second batch would be there all the same: it has two samples, as many as the first.",
    lambda: "a",
)
why_stack.mistake(
    "Shuffling changes which samples meet in a batch, and so when it fails. The order is not the reason: a sequence of "
    "four steps and one of two cannot be stacked.",
    lambda: "c",
)
why_stack.mistake(
    "The features of all samples are three: the second number of each shape. Look at the first.", lambda: "d"
)
why_stack.mistake(
    "Whether the layer that comes later is told `batch_first` makes no difference here: no layer has been called yet.",
    lambda: "e",
)


def _series(rng: random.Random) -> tuple[torch.Tensor, int, int]:
    width, horizon, features = distinct(rng, 3, low=2, high=6)
    return torch.randn(width + horizon + rng.randint(3, 8), features), width, horizon


@EXERCISES.write(
    draw=_series,
    hints=[
        "Window i is `series[i:i + width]`. Its last step is i + width - 1. At which step is its target?",
        "The last window is the one whose target is the last step of the series. How many windows are there?",
        "T steps make T - width - horizon + 1 windows. A loop and `torch.stack` will do.",
    ],
)
def windows_and_targets(series, width, horizon):
    starts = range(len(series) - width - horizon + 1)
    windows = torch.stack([series[start : start + width] for start in starts])
    return windows, torch.stack([series[start + width - 1 + horizon] for start in starts])


def _windows(series, width, horizon, shift=0):
    count = len(series) - width - horizon + 1
    starts = torch.arange(count).unsqueeze(1)
    return series[starts + torch.arange(width)], series[torch.arange(count) + width - 1 + horizon + shift]


@windows_and_targets.mistake(
    "The windows are right. The target of a window is `horizon` steps after its *last* step; yours is one step early."
)
def _target_early(series, width, horizon):
    return _windows(series, width, horizon, shift=-1)


@windows_and_targets.mistake(
    "The windows are right. You count the horizon from a window's first step, so that its target lies inside or next "
    "to it."
)
def _from_the_first_step(series, width, horizon):
    return _windows(series, width, horizon, shift=1 - width)


@windows_and_targets.mistake(
    "The targets are all the `horizon` steps after a window. The exercise asks for the last of them alone."
)
def _all_steps_after(series, width, horizon):
    windows, _ = _windows(series, width, horizon)
    return windows, torch.stack([series[i + width : i + width + horizon] for i in range(len(windows))])


@windows_and_targets.mistake(
    "Every pair is right, and one is missing: the last window's target is the last step of the series."
)
def _one_missing(series, width, horizon):
    windows, targets = _windows(series, width, horizon)
    return windows[:-1], targets[:-1]


@windows_and_targets.mistake(
    "The targets are right. `unfold` puts the steps of a window on the last axis, `(windows, features, width)`: "
    "transpose it."
)
def _unfolded(series, width, horizon):
    windows, targets = _windows(series, width, horizon)
    return windows.transpose(1, 2), targets


@windows_and_targets.mistake(
    "Your windows do not overlap. Here one begins at every step; where a split by time keeps them apart, that is fine."
)
def _side_by_side(series, width, horizon):
    windows, targets = _windows(series, width, horizon)
    return windows[::width], targets[::width]


def _lengths_and_size(rng: random.Random) -> tuple[torch.Tensor, int]:
    size = rng.randint(3, 5)
    count = size * rng.randint(2, 3) + rng.randint(2, size - 1)
    lengths = torch.tensor(rng.sample(range(1, 40), count))
    return lengths, size


@EXERCISES.write(
    draw=_lengths_and_size,
    hints=[
        "`lengths.argsort()` is a list of samples, the shortest first. `split(size)` cuts it into batches.",
        "A batch is padded to its longest sample: as many steps as it has samples, times that length. What is real in "
        "it is `lengths[batch].sum()`.",
    ],
)
def padding_in_buckets(lengths, size):
    total = 0
    ordered = sorted(lengths.tolist())
    for start in range(0, len(ordered), size):
        batch = ordered[start : start + size]
        total += len(batch) * batch[-1] - sum(batch)
    return total


def _padding(lengths, batches):
    return sum(int(len(batch) * lengths[batch].max() - lengths[batch].sum()) for batch in batches)


@padding_in_buckets.mistake("That is the padding of the batches as they come, without sorting.")
def _as_they_come(lengths, size):
    return _padding(lengths, torch.arange(len(lengths)).split(size))


@padding_in_buckets.mistake(
    "You pad every batch to the longest of all samples. A batch is as wide as its own longest one."
)
def _to_the_longest_of_all(lengths, size):
    return int(len(lengths) * lengths.max() - lengths.sum())


@padding_in_buckets.mistake("That is how many steps the padded batches have, the real ones among them.")
def _all_steps(lengths, size):
    return padding_in_buckets.reference(lengths, size) + int(lengths.sum())


@padding_in_buckets.mistake(
    "The last batch, which is smaller, is missing. It is padded like the others, to its own longest sample."
)
def _last_dropped(lengths, size):
    return _padding(lengths, [batch for batch in lengths.argsort().split(size) if len(batch) == size])


@padding_in_buckets.mistake(
    "Sorted the longest first, the batches are cut at other places: the small one is then that of the shortest."
)
def _longest_first(lengths, size):
    return _padding(lengths, lengths.argsort(descending=True).split(size))


def _streams(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, list[int], torch.Tensor]:
    """A layer of two or three layers, the states of all streams, and the values of some, in no order."""
    num_layers, H_in, H = rng.choice((2, 3)), *distinct(rng, 2, low=2, high=5)
    streams = rng.randint(num_layers + 2, 7)
    arrived = rng.sample(range(streams), rng.randint(2, streams - 1))
    while arrived == sorted(arrived) or len(arrived) == num_layers:
        arrived = rng.sample(range(streams), rng.randint(2, streams - 1))
    layer = rng.choice((nn.RNN, nn.GRU))(H_in, H, num_layers, batch_first=True)
    return layer, torch.randn(num_layers, streams, H), arrived, torch.randn(len(arrived), H_in)


@EXERCISES.write(
    draw=_streams,
    cases=12,
    hints=[
        "Gather: `states[:, arrived]` are the states of these streams, in the order of the values.",
        "The values are one step of N streams: `(N, 1, H_in)`, that is `values.unsqueeze(1)`.",
        "Scatter: a `clone` of the states, and `new[:, arrived] = hn`. The other streams keep what they have.",
    ],
)
def serve_streams(layer, states, arrived, values):
    new, outputs = states.clone(), []
    for stream, value in zip(arrived, values, strict=True):
        output, hn = layer(value.unsqueeze(0), states[:, stream])
        new[:, stream] = hn
        outputs.append(output[0])
    return torch.stack(outputs), new


def _served(layer, states, arrived, values, rows=None):
    rows = arrived if rows is None else rows
    output, hn = layer(values.unsqueeze(1), states[:, rows].contiguous())
    new = states.clone()
    new[:, rows] = hn
    return output[:, 0], new


@serve_streams.mistake(
    "The outputs are right. The new states have not been written back, so the next value starts from the old ones."
)
def _not_written(layer, states, arrived, values):
    return _served(layer, states, arrived, values)[0], states


@serve_streams.mistake("You take the first streams, as many as have arrived. `arrived` says which, and in which order.")
def _first_streams(layer, states, arrived, values):
    return _served(layer, states, arrived, values, list(range(len(arrived))))


@serve_streams.mistake(
    "The right streams, in rising order. Value i belongs to stream `arrived[i]`: keep the order of the list."
)
def _rising(layer, states, arrived, values):
    return _served(layer, states, arrived, values, sorted(arrived))


@serve_streams.mistake("Every value starts from zeros: the states of the streams have not been passed in.")
def _from_zeros(layer, states, arrived, values):
    return _served(layer, torch.zeros_like(states), arrived, values)[0], _from_zero_states(
        layer, states, arrived, values
    )


def _from_zero_states(layer, states, arrived, values):
    new = states.clone()
    new[:, arrived] = layer(values.unsqueeze(1))[1]
    return new


@serve_streams.mistake(
    "The outputs are right. What comes back has the streams that arrived, alone. The others keep their states, and "
    "stay in the table."
)
def _arrived_alone(layer, states, arrived, values):
    outputs, new = _served(layer, states, arrived, values)
    return outputs, new[:, arrived]


@serve_streams.mistake("The right numbers. The outputs still have an axis of time, of length 1: `output[:, 0]`.")
def _axis_of_time(layer, states, arrived, values):
    outputs, new = _served(layer, states, arrived, values)
    return outputs.unsqueeze(1), new


@serve_streams.mistake(
    "The states are right, and what you return as outputs is all layers' states. The output of a step is the top "
    "layer's."
)
def _states_for_outputs(layer, states, arrived, values):
    _, new = _served(layer, states, arrived, values)
    return new[:, arrived], new
