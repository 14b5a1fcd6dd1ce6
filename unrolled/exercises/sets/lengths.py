"""Lengths: what padding does to a result, and how to get at the state that each sample really ended with."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence, pad_sequence

from unrolled.exercises.exercise import PACKING, UNPACKING, Ban, ExerciseSet, distinct

EXERCISES = ExerciseSet("lengths")


def _lengths(rng: random.Random, N: int, L: int) -> torch.Tensor:
    """For two or more samples in a batch of L steps: one sample fills them, one does not, and they are in no order."""
    lengths = [L, rng.randint(1, L - 1), *(rng.randint(1, L) for _ in range(N - 2))]
    rng.shuffle(lengths)
    return torch.tensor(lengths)


@EXERCISES.predict(
    hints=[
        "How wide does `pad_packed_sequence` make the batch, when it is given no `total_length`?",
        "As wide as the longest of the samples. Which samples have a real step at the last index, and what is "
        "there for the others?",
    ]
)
def packed_and_unpacked():
    layer, lengths = nn.GRU(4, 6, batch_first=True), [3, 5, 2]
    packed = pack_padded_sequence(torch.rand(3, 8, 4), lengths, batch_first=True, enforce_sorted=False)
    output, _ = pad_packed_sequence(layer(packed)[0], batch_first=True)
    return tuple(output.shape), [i for i in range(3) if not output[i, -1].any()]


packed_and_unpacked.mistake(
    "Unpacking does not know that the batch was 8 steps wide: the packing has thrown the padding away, and no "
    "`total_length` was given.",
    lambda: ((3, 8, 6), [0, 1, 2]),
)
packed_and_unpacked.mistake(
    "The samples are right. But unpacking does not know that the batch was 8 steps wide: no `total_length` was given.",
    lambda: ((3, 8, 6), [0, 2]),
)
packed_and_unpacked.mistake(
    "Neither the old width nor a short sample's last state is carried on: the packing has thrown the padding away, "
    "and unpacking fills with zeros what it has to fill.",
    lambda: ((3, 8, 6), []),
)
packed_and_unpacked.mistake(
    "The samples are right. `pad_packed_sequence` puts time in front unless told otherwise, and here it is told "
    "otherwise.",
    lambda: ((5, 3, 6), [0, 2]),
)
packed_and_unpacked.mistake(
    "The shape is right. A short sample's last state is not carried on to the edge: unpacking fills what the sample "
    "does not have with zeros.",
    lambda: ((3, 5, 6), []),
)
packed_and_unpacked.mistake(
    "The shape is right, and the samples are the other way round: who is long enough to have a step there?",
    lambda: ((3, 5, 6), [1]),
)
packed_and_unpacked.mistake(
    "The shape is right. With five steps the last index is 4, and one of the samples does have a step 4.",
    lambda: ((3, 5, 6), [0, 1, 2]),
)
packed_and_unpacked.mistake(
    "The samples are right. The last axis of `output` is `hidden_size`, not `input_size`.", lambda: ((3, 5, 4), [0, 2])
)


def _run_with_padding(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    N, L, H = distinct(rng, 3)
    return torch.randn(N, L, H), _lengths(rng, N, L)


@EXERCISES.write(
    draw=_run_with_padding,
    hints=[
        "`torch.arange(L) < lengths.unsqueeze(1)` is `(N, L)`, and True where a step is real.",
        "Put zeros into the padding, `output * mask.unsqueeze(2)`, and add up over time. By how many steps is each "
        "sum to be divided?",
    ],
)
def mean_of_real_steps(output, lengths):
    return torch.stack([sample[:n].mean(dim=0) for sample, n in zip(output, lengths, strict=True)])


def _real(output, lengths):
    return torch.arange(output.shape[1]) < lengths.unsqueeze(1)


@mean_of_real_steps.mistake("That is the mean over all steps, the padding among them.")
def _plain_mean(output, lengths):
    return output.mean(dim=1)


@mean_of_real_steps.mistake(
    "You divide by the lengths, but the sum still has the padding in it. It would be zeros after unpacking; this "
    "`output` was never packed."
)
def _unmasked_sum(output, lengths):
    return output.sum(dim=1) / lengths.unsqueeze(1)


@mean_of_real_steps.mistake(
    "The sums are right: no padding is in them. But you divide each by the width of the batch, not by the sample's "
    "own length."
)
def _divided_by_width(output, lengths):
    return (output * _real(output, lengths).unsqueeze(2)).mean(dim=1)


@mean_of_real_steps.mistake(
    "Your mask lets in one step too many: the last real step of a sample is at index `lengths[i] - 1`."
)
def _one_too_many(output, lengths):
    return (output * _real(output, lengths + 1).unsqueeze(2)).sum(dim=1) / lengths.unsqueeze(1)


@mean_of_real_steps.mistake(
    "That is one mean, over the real steps of all samples together. Each sample is to have its own."
)
def _one_for_all(output, lengths):
    return output[_real(output, lengths)].mean(dim=0)


@mean_of_real_steps.mistake("Your mask is the wrong way round: you have added up the padding.")
def _padding_alone(output, lengths):
    return (output * ~_real(output, lengths).unsqueeze(2)).sum(dim=1) / lengths.unsqueeze(1)


@mean_of_real_steps.mistake(
    "That is each sample's last real step. The exercise asks for the mean over all of its real steps."
)
def _last_real_step(output, lengths):
    return output[torch.arange(len(output)), lengths - 1]


def _time_first(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    output, lengths = _run_with_padding(rng)
    return output.transpose(0, 1).contiguous(), lengths


@EXERCISES.write(
    draw=_time_first,
    hints=[
        "Pick with two indices, one for the steps and one for the samples. In which order do they come here?",
        "The samples are `torch.arange(N)`, with N from `output.shape[1]` or `len(lengths)`; sample i ends at step "
        "`lengths[i] - 1`.",
    ],
)
def last_real_states(output, lengths):
    return torch.stack([output[n - 1, i] for i, n in enumerate(lengths)])


@last_real_states.mistake("That is the last step of the batch. Only the longest samples end there.")
def _edge(output, lengths):
    return output[-1]


@last_real_states.mistake("Your two indices are in the order of `batch_first=True`. This `output` has time in front.")
def _batch_first(output, lengths):
    return output[torch.arange(len(lengths)), lengths - 1]


@last_real_states.mistake(
    "You picked the steps and not the samples: all samples at every one of those steps. A second index has to go "
    "along with the first."
)
def _steps_alone(output, lengths):
    return output[lengths - 1]


@last_real_states.mistake("One step too far: a sample of n steps ends at index n - 1.")
def _one_too_far(output, lengths):
    return output[lengths, torch.arange(len(lengths))]


@last_real_states.mistake("`output[:, -1]` is all steps of the last sample: here time is axis 0.")
def _last_sample(output, lengths):
    return output[:, -1]


@last_real_states.mistake("The right states. `gather` keeps the axis along which it picks, `(1, N, H)`: take it off.")
def _gathered(output, lengths):
    return output.gather(0, (lengths - 1)[None, :, None].expand(1, -1, output.shape[2]))


@last_real_states.mistake(
    "`gather` picks one number for each number of its index, so you have one unit of each sample. Expand the "
    "index along the units."
)
def _one_unit(output, lengths):
    return output.gather(0, (lengths - 1).view(1, -1, 1))


@last_real_states.mistake("The states are right, as `(H, N)`. The exercise asks for a row for each sample.")
def _units_by_samples(output, lengths):
    return output[lengths - 1, torch.arange(len(lengths))].T


@last_real_states.mistake("That is the mean of the real steps. The exercise asks for the last of them.")
def _real_mean(output, lengths):
    return torch.stack([output[:length, sample].mean(dim=0) for sample, length in enumerate(lengths)])


@last_real_states.mistake("The states are right, as a list. Make one tensor of them, with `torch.stack`.")
def _as_list(output, lengths):
    return [output[length - 1, sample] for sample, length in enumerate(lengths)]


@EXERCISES.explain(
    hints=[
        "Where in the shape (4, 6, 5) is the 6 of the message, and what is that axis?",
        "`pack_padded_sequence` cannot see how the layer was built. It has its own idea of which axis is the batch.",
    ]
)
def why_six():
    x, lengths = torch.rand(4, 6, 5), [6, 5, 3, 2]
    return "b" if len(pack_padded_sequence(x, lengths, batch_first=True).batch_sizes) == 6 else "a"


why_six.mistake(
    "Four samples have four lengths, so none is missing. Where does it take the six from? The batch holds no six "
    "samples.",
    lambda: "a",
)
why_six.mistake(
    "6, 5, 3, 2 fall, as `enforce_sorted=True` wants them. About lengths in no order it has another message.",
    lambda: "c",
)
why_six.mistake(
    "The longest has 6 steps, and the batch is 6 steps wide. That fits; look at what the message calls a batch.",
    lambda: "d",
)
why_six.mistake(
    "A list of lengths or a tensor of them, on the CPU: both will do. It read them, since it counted four.", lambda: "e"
)


def _left_padded(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    lengths = _lengths(rng, N, L)
    x = pad_sequence([torch.randn(n, H_in) for n in lengths.tolist()], batch_first=True, padding_side="left")
    return rng.choice((nn.RNN, nn.GRU))(H_in, H, batch_first=True), x, lengths


@EXERCISES.mend(
    draw=_left_padded,
    hints=[
        "Packing keeps the first `lengths[i]` steps of a sample. Which of these are real here?",
        "A sample's real steps are its last n: `x[i, L - n:]`. Make a list of these.",
        "`pad_sequence` makes a batch of that list again, with the padding behind; then the two lines are right.",
    ],
)
def states_of_left_padded(layer, x, lengths):
    return torch.cat([layer(sample[None, -n:])[1][0] for sample, n in zip(x, lengths.tolist(), strict=True)])


def _final(layer, x, lengths):
    return layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))[1][0]


@states_of_left_padded.mistake("Packing takes the first steps.", given=True)
def _as_given(layer, x, lengths):
    return _final(layer, x, lengths)


@states_of_left_padded.mistake(
    "The real steps are in front now, and the last of them comes first: the layer reads each sample from its end."
)
def _flipped(layer, x, lengths):
    return _final(layer, x.flip(dims=[1]), lengths)


@states_of_left_padded.mistake(
    "Now every real step is read, and the padding before it too: zeros are an input, and the state is no longer zero "
    "when the first real step comes."
)
def _not_packed(layer, x, lengths):
    return layer(x)[1][0]


@states_of_left_padded.mistake(
    "All states are right, and they are in the order from the longest sample to the shortest. Put them back into "
    "the batch's own."
)
def _left_sorted(layer, x, lengths):
    order = lengths.argsort(descending=True, stable=True)
    return states_of_left_padded.reference(layer, x[order], lengths[order])


@states_of_left_padded.mistake(
    "You shift every sample by the same number of steps, the gap in front of the shortest one. Each sample has a gap "
    "of its own."
)
def _shifted_alike(layer, x, lengths):
    return _final(layer, x.roll(int(lengths.min()) - x.shape[1], dims=1), lengths)


def _addressed(rng: random.Random) -> tuple[PackedSequence, int, int]:
    N, L, H_in = rng.randint(3, 6), rng.randint(3, 7), rng.randint(2, 4)
    lengths = _lengths(rng, N, L)
    packed = pack_padded_sequence(torch.randn(N, L, H_in), lengths, batch_first=True, enforce_sorted=False)
    return packed, *rng.choice([(i, t) for i, n in enumerate(lengths.tolist()) for t in range(n)])


@EXERCISES.write(
    draw=_addressed,
    hints=[
        "`data` holds step 0 of all samples, then step 1 of those that have one, and so on. How many lines are "
        "before the first line of your step?",
        "`packed.batch_sizes[:step].sum()` lines. Within a step the longest sample is in front; where is yours?",
        "`sorted_indices[place]` is the sample at a place. You have the sample and want the place: that is the other "
        "one.",
    ],
    ban=Ban(
        calls=UNPACKING,
        sentence="The right line, but you have unpacked the batch. Find the line in `packed.data`, with "
        "`batch_sizes` and `unsorted_indices`.",
    ),
)
def step_in_data(packed, sample, step):
    padded, _ = pad_packed_sequence(packed, batch_first=True)
    return padded[sample, step]


def _line(packed, step, place):
    return packed.data[int(packed.batch_sizes[:step].sum()) + int(place)]


@step_in_data.mistake(
    "The step is right, and the sample is taken for its place in the step. There the longest sample comes first."
)
def _unsorted(packed, sample, step):
    return _line(packed, step, sample)


@step_in_data.mistake(
    "`sorted_indices` says which sample is at a place. You know the sample and look for its place, which is the "
    "inverse permutation."
)
def _other_way(packed, sample, step):
    return _line(packed, step, packed.sorted_indices[sample])


@step_in_data.mistake(
    "The place within the step is right. You count the lines of your own step among those before it: stop one step "
    "earlier."
)
def _own_step_counted(packed, sample, step):
    return _line(packed, step + 1, packed.unsorted_indices[sample])


@step_in_data.mistake(
    "You count as if every step had a line for every sample. `data` holds no padding, so later steps have fewer lines."
)
def _rectangular(packed, sample, step):
    return packed.data[step * int(packed.batch_sizes[0]) + int(packed.unsorted_indices[sample])]


@step_in_data.mistake(
    "You look for the samples one after the other. `data` goes step by step: the first steps of all samples come first."
)
def _sample_by_sample(packed, sample, step):
    _, lengths = pad_packed_sequence(packed)
    return packed.data[int(lengths[:sample].sum()) + step]


@step_in_data.mistake(
    "You go on by the size of one step. In front of a step are all the steps before it: add their sizes up."
)
def _one_batch_size(packed, sample, step):
    return packed.data[packed.batch_sizes[step] + packed.unsorted_indices[sample]]


@step_in_data.mistake("You go on by one line for each step. A step has a line for each sample that is still running.")
def _sample_and_step(packed, sample, step):
    return packed.data[packed.unsorted_indices[sample] + step]


@step_in_data.mistake("The right line, with an axis of 1 in front. An index with a number takes the axis off.")
def _axis_kept(packed, sample, step):
    return step_in_data.reference(packed, sample, step)[None]


def _one_ways(rng: random.Random) -> tuple[nn.RNNBase, nn.RNNBase, torch.Tensor, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4, low=3)
    kind, lengths = rng.choice((nn.RNN, nn.GRU)), _lengths(rng, N, L)
    x = pad_sequence([torch.randn(n, H_in) for n in lengths.tolist()], batch_first=True)
    return kind(H_in, H, batch_first=True), kind(H_in, H, batch_first=True), x, lengths


@EXERCISES.write(
    draw=_one_ways,
    cases=10,
    hints=[
        "You may run one sample at a time, cut to its length, and pad what comes out. With the whole batch at once it "
        "is a matter of indices.",
        "`back` needs each sample reversed within its own length, the padding left behind it. Step t of a sample of n "
        "steps goes to n - 1 - t.",
        "What brings the sample into that order brings `back`'s output out of it again. The final states are at "
        "`lengths - 1`, before you do so.",
        "In the end, zeros for the padding: multiply by the mask `torch.arange(L) < lengths.unsqueeze(1)`, with an "
        "axis more.",
    ],
    ban=Ban(
        calls=PACKING,
        sentence="All of it is right, but you have packed. This time the reversed order has to come "
        "from the lengths alone.",
    ),
)
def both_ways_padded(there, back, x, lengths):
    both = type(there)(there.input_size, there.hidden_size, batch_first=True, bidirectional=True)
    both.load_state_dict(there.state_dict() | {f"{name}_reverse": value for name, value in back.state_dict().items()})
    output, hn = both(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(output, batch_first=True)[0], hn


def _pieces(there, back, x, lengths):
    """The two outputs, the backward one in the order in which it was read; the mask; each sample's reversal and end."""
    samples, t = torch.arange(len(x)), torch.arange(x.shape[1])
    real = t < lengths[:, None]
    mirror = samples[:, None], torch.where(real, lengths[:, None] - 1 - t, t)
    return there(x)[0], back(x[mirror])[0], real[:, :, None], mirror, (samples, lengths - 1)


@both_ways_padded.mistake(
    "A flip of the whole batch puts the padding in front, and `back` reads it first. Each sample has to be reversed "
    "within its own length."
)
def _flipped_whole(there, back, x, lengths):
    left, _, real, _, last = _pieces(there, back, x, lengths)
    right, right_end = back(x.flip(dims=[1]))
    return torch.cat([left, right.flip(dims=[1])], dim=2) * real, torch.stack([left[last], right_end[0]])


@both_ways_padded.mistake(
    "You flip the whole batch, so that `back` reads the padding first, and you take the `hn` of `there`, which has "
    "read it last. Both have to keep to the lengths."
)
def _lengths_ignored(there, back, x, lengths):
    real = _pieces(there, back, x, lengths)[2]
    (left, left_end), (right, right_end) = there(x), back(x.flip(dims=[1]))
    return torch.cat([left, right.flip(dims=[1])], dim=2) * real, torch.cat([left_end, right_end])


@both_ways_padded.mistake(
    "`output` is right. The `hn` of both layers has gone on over the padding: take the state of each sample's last "
    "real step."
)
def _ends_after_padding(there, back, x, lengths):
    left, right, real, mirror, _ = _pieces(there, back, x, lengths)
    return torch.cat([left, right[mirror]], dim=2) * real, torch.cat([there(x)[1], back(x[mirror])[1]])


@both_ways_padded.mistake("Everything real is right. The padding of `output` has to be zeros.")
def _padding_left(there, back, x, lengths):
    left, right, _, mirror, last = _pieces(there, back, x, lengths)
    return torch.cat([left, right[mirror]], dim=2), torch.stack([left[last], right[last]])


@both_ways_padded.mistake(
    "`back` has read the right steps, and its states are in the order in which it read them. Bring each back beside "
    "its own step."
)
def _not_mirrored_back(there, back, x, lengths):
    left, right, real, _, last = _pieces(there, back, x, lengths)
    return torch.cat([left, right], dim=2) * real, torch.stack([left[last], right[last]])


@both_ways_padded.mistake(
    "`output` is right. In it the backward direction is finished at step 0; at a sample's last step, where you took "
    "it, it has read one step."
)
def _unfinished(there, back, x, lengths):
    left, right, real, mirror, last = _pieces(there, back, x, lengths)
    return torch.cat([left, right[mirror]], dim=2) * real, torch.stack([left[last], right[mirror][last]])


@both_ways_padded.mistake(
    "`output` is right. In `hn` the directions are stacked along the first axis, not joined along the features."
)
def _joined_ends(there, back, x, lengths):
    left, right, real, mirror, last = _pieces(there, back, x, lengths)
    return torch.cat([left, right[mirror]], dim=2) * real, torch.cat([left[last], right[last]], dim=1)
