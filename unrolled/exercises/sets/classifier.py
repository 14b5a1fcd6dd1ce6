"""Capstone: a classifier of padded batches in both directions, step by step, from samples to accuracy."""

import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from unrolled.exercises.exercise import ExerciseSet, distinct
from unrolled.exercises.results import Result

EXERCISES = ExerciseSet("classifier")


def _lengths(rng: random.Random, N: int, longest: int) -> list[int]:
    """Of N samples, two or more: one is the longest, one is shorter, and they are in no order."""
    lengths = [longest, rng.randint(1, longest - 1), *(rng.randint(1, longest) for _ in range(N - 2))]
    rng.shuffle(lengths)
    return lengths


def _samples(rng: random.Random) -> tuple[list[torch.Tensor]]:
    N, longest, H_in = distinct(rng, 3)
    samples = [torch.randn(n, H_in) for n in _lengths(rng, N, longest)]
    samples[rng.randrange(N)][-1] = 0  # a real step of zeros, which no padding is
    return (samples,)


@EXERCISES.write(
    draw=_samples,
    hints=[
        "`pad_sequence` makes one tensor of a list. Time is in front of it unless you say otherwise.",
        "The length of a sample is `len(sample)`, before you pad. `torch.tensor` makes a tensor of a list of them.",
    ],
)
def pad_batch(samples):
    x = torch.zeros(len(samples), max(map(len, samples)), samples[0].shape[1])
    for row, sample in zip(x, samples, strict=True):
        row[: len(sample)] = sample
    return x, torch.tensor([len(sample) for sample in samples])


@pad_batch.mistake(
    "The lengths are right. `pad_sequence` has a `batch_first` of its own, and without it time is in front."
)
def _time_first(samples):
    return pad_sequence(samples), torch.tensor([len(sample) for sample in samples])


@pad_batch.mistake("`x` is right. You took the lengths after padding, when every sample is as long as the longest.")
def _after_padding(samples):
    x = pad_sequence(samples, batch_first=True)
    return x, torch.tensor([len(row) for row in x])


@pad_batch.mistake(
    "`x` is right. You count the steps that are not zero, and a real step may be zeros, like the padding: take the "
    "lengths before you pad."
)
def _not_zero(samples):
    x = pad_sequence(samples, batch_first=True)
    return x, x.any(dim=2).sum(dim=1)


@pad_batch.mistake(
    "You cut every sample down to the shortest. Nothing may be lost: the short ones are filled up with zeros instead."
)
def _cut(samples):
    shortest = min(map(len, samples))
    return torch.stack([sample[:shortest] for sample in samples]), torch.full((len(samples),), shortest)


@pad_batch.mistake(
    "The padding comes before the real steps. Packing, which comes next, keeps the first steps, so it has to come "
    "after them."
)
def _left(samples):
    return pad_sequence(samples, batch_first=True, padding_side="left"), torch.tensor(
        [len(sample) for sample in samples]
    )


@pad_batch.mistake(
    "Right, but for the lengths' being a list. Packing would take it; the step after the next computes with them, so "
    "make a tensor of it."
)
def _list(samples):
    return pad_sequence(samples, batch_first=True), [len(sample) for sample in samples]


@pad_batch.mistake("`x` is right. You give the width of the batch, one number; each sample has a length of its own.")
def _width(samples):
    x = pad_sequence(samples, batch_first=True)
    return x, x.shape[1]


def _batch(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor]:
    """A layer in both directions and a padded batch, often wider than its longest sample."""
    N, longest, H_in, H = distinct(rng, 4)
    lengths = _lengths(rng, N, longest)
    x = pad_sequence([torch.randn(n, H_in) for n in lengths], batch_first=True)
    x = nn.functional.pad(x, (0, 0, 0, rng.randint(0, 3)))
    layer = rng.choice((nn.GRU, nn.LSTM))(H_in, H, rng.randint(1, 2), batch_first=True, bidirectional=True)
    return layer, x, torch.tensor(lengths)


def _hn(state):
    return state[0] if isinstance(state, tuple) else state


def _pack(x, lengths):
    return pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)


def _run_packed(layer, x, lengths, **options):
    packed, state = layer(_pack(x, lengths))
    return pad_packed_sequence(packed, **{"batch_first": True, "total_length": x.shape[1], **options})[0], _hn(state)


@EXERCISES.write(
    draw=_batch,
    cases=8,
    hints=[
        "Pack, run, unpack. The lengths are in no order: what does packing need to be told?",
        "`output` is to be as wide as `x`, which may be wider than the longest sample. An option of "
        "`pad_packed_sequence` sees to that.",
        "An LSTM returns a pair in the place of `hn`: `if isinstance(state, tuple)`, take its first half.",
    ],
)
def run_packed(layer, x, lengths):
    """Sample by sample, each alone: no padding, and no packing either."""
    alone = [layer(sample[None, :n]) for sample, n in zip(x, lengths.tolist(), strict=True)]
    output = torch.cat([nn.functional.pad(states, (0, 0, 0, x.shape[1] - states.shape[1])) for states, _ in alone])
    return output, torch.cat([_hn(state) for _, state in alone], dim=1)


@run_packed.mistake("The layer has read the padding: nothing was packed.")
def _not_packed(layer, x, lengths):
    output, state = layer(x)
    return output, _hn(state)


@run_packed.mistake(
    "Zeros in the padding make `output` look as if it had been packed. But the layer has read the padding, and its "
    "backward direction began with it."
)
def _masked(layer, x, lengths):
    output, state = layer(x)
    return output * (torch.arange(x.shape[1]) < lengths[:, None])[:, :, None], _hn(state)


@run_packed.mistake(
    "The numbers are right. `output` is as wide as the longest sample, and it was to be as wide as `x`: unpacking has "
    "an option for that."
)
def _narrow(layer, x, lengths):
    return _run_packed(layer, x, lengths, total_length=None)


@run_packed.mistake("The numbers are right, with time in front: unpacking has a `batch_first` of its own.")
def _unpacked_time_first(layer, x, lengths):
    return _run_packed(layer, x, lengths, batch_first=False)


@run_packed.mistake(
    "Time is in front, since unpacking has a `batch_first` of its own; and `output` was to be as wide as `x`, which "
    "is an option of unpacking too."
)
def _no_options(layer, x, lengths):
    return _run_packed(layer, x, lengths, batch_first=False, total_length=None)


@run_packed.mistake(
    "Right for a GRU. In the place of `hn` an LSTM returns a pair, `(hn, cn)`, and only its first half is asked for."
)
def _pair(layer, x, lengths):
    return _run_packed(layer, x, lengths)[0], layer(_pack(x, lengths))[1]


@run_packed.mistake("`output` is still packed: what you return is the `PackedSequence` itself.")
def _still_packed(layer, x, lengths):
    packed, state = layer(_pack(x, lengths))
    return packed, _hn(state)


@run_packed.mistake(
    "You sorted the samples and did not put them back. The rows of `output` and of `hn` have to be in the batch's own "
    "order."
)
def _sorted(layer, x, lengths):
    order = lengths.argsort(descending=True)
    return _run_packed(layer, x[order], lengths[order])


@EXERCISES.predict(
    hints=[
        "Which of the four never see the padding? And does a step of zeros leave a state alone?",
        "With two layers, the second layer's forward direction reads both halves of the first, and one of these "
        "halves has come through the padding.",
    ]
)
def changed_by_padding():
    layer, lengths = nn.GRU(4, 5, num_layers=2, batch_first=True, bidirectional=True), torch.tensor([2, 3])
    x = pad_sequence([torch.randn(n, 4) for n in lengths.tolist()], batch_first=True)
    wider = nn.functional.pad(x, (0, 0, 0, 3))
    (before, hn_before), (after, hn_after) = layer(x), layer(wider)

    def differ(one, other):
        return not torch.allclose(one, other, atol=1e-6)

    return (
        differ(_run_packed(layer, x, lengths)[1], _run_packed(layer, wider, lengths)[1]),
        differ(hn_before, hn_after),
        differ(before[0, :2, 5:], after[0, :2, 5:]),
        differ(before[0, :2, :5], after[0, :2, :5]),
    )


def _says(place: int, answer: bool):
    """Whether the prediction says `answer` at this place."""
    return lambda arguments, result: isinstance(result, list) and len(result) == 4 and result[place] is answer


changed_by_padding.mistake(
    "On (a): packing takes out whatever lies behind a sample's length, so with the same lengths the layer reads the "
    "same steps.",
    lambda: (True, True, True, True),
    matches=_says(0, True),
)
changed_by_padding.mistake(
    "On (b): without packing `hn` is the state after the padding, and there is more of it now. A step of zeros is a "
    "step.",
    lambda: (False, False, True, True),
    matches=_says(1, False),
)
changed_by_padding.mistake(
    "On (c): the backward direction begins at the end of the batch and comes through the padding before it meets a "
    "real step.",
    lambda: (False, True, False, False),
    matches=_says(2, False),
)
changed_by_padding.mistake(
    "On (d): that is so with one layer. What does the forward direction of the second layer read?",
    lambda: (False, True, True, False),
    matches=_says(3, False),
)


def _unpacked(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    layer, x, lengths = _batch(rng)
    return _run_packed(layer, x, lengths)[0], lengths


@EXERCISES.write(
    draw=_unpacked,
    hints=[
        "`H = output.shape[2] // 2`; the forward half is `[..., :H]`. At which step is each direction finished?",
        "The backward one at step 0. The forward one of sample i at `lengths[i] - 1`: index with `torch.arange(N)` "
        "and `lengths - 1` as a pair.",
    ],
)
def sample_vectors(output, lengths):
    H = output.shape[2] // 2
    samples = zip(output, lengths, strict=True)
    return torch.stack([torch.cat([sample[n - 1, :H], sample[0, H:]]) for sample, n in samples])


def _at_the_end(output, lengths):
    return output[torch.arange(len(output)), lengths - 1]


@sample_vectors.mistake("That is the last step of the batch. For a sample that ends earlier it is padding, zeros.")
def _edge(output, lengths):
    return output[:, -1]


@sample_vectors.mistake("The forward half is right. Where a sample ends, its backward direction has read one step.")
def _both_at_the_end(output, lengths):
    return _at_the_end(output, lengths)


@sample_vectors.mistake("The backward half is right. At step 0 the forward direction has read one step.")
def _both_at_the_start(output, lengths):
    return output[:, 0]


@sample_vectors.mistake(
    "The backward half is right. The forward half is taken at the edge of the batch, which is padding for a sample "
    "that ends earlier."
)
def _edge_and_start(output, lengths):
    H = output.shape[2] // 2
    return torch.cat([output[:, -1, :H], output[:, 0, H:]], dim=1)


@sample_vectors.mistake("Both states are there, backward before forward. Keep the order of `output`.")
def _backward_first(output, lengths):
    H = output.shape[2] // 2
    return torch.cat([output[:, 0, H:], _at_the_end(output, lengths)[:, :H]], dim=1)


@sample_vectors.mistake(
    "You join two whole steps, `4 * H` wide. Of each only one half is finished: the other has read one step."
)
def _two_steps(output, lengths):
    return torch.cat([_at_the_end(output, lengths), output[:, 0]], dim=1)


@sample_vectors.mistake("You took each half where the other one is finished: these two have read one step each.")
def _exchanged(output, lengths):
    H = output.shape[2] // 2
    return torch.cat([output[:, 0, :H], _at_the_end(output, lengths)[:, H:]], dim=1)


def _model(rng: random.Random) -> tuple[nn.GRU, nn.Linear, torch.Tensor, torch.Tensor]:
    N, longest, H_in, H, C = distinct(rng, 5)
    lengths = _lengths(rng, N, longest)
    x = pad_sequence([torch.randn(n, H_in) for n in lengths], batch_first=True)
    return nn.GRU(H_in, H, 2, batch_first=True, bidirectional=True), nn.Linear(2 * H, C), x, torch.tensor(lengths)


@EXERCISES.mend(
    draw=_model,
    cases=8,
    hints=[
        "In which order are the samples when they go into the layer? Who puts them back?",
        "Either index the result with the inverse of `order`, which is `order.argsort()`, or leave the sorting to the "
        "packing.",
    ],
)
def logits_of(layer, head, x, lengths):
    alone = [layer(sample[None, :n])[1] for sample, n in zip(x, lengths.tolist(), strict=True)]
    return head(torch.cat([torch.cat([hn[-2], hn[-1]], dim=1) for hn in alone]))


def _sorted_logits(layer, head, x, lengths):
    order = lengths.argsort(descending=True)
    _, hn = layer(pack_padded_sequence(x[order], lengths[order], batch_first=True))
    return head(torch.cat([hn[-2], hn[-1]], dim=1)), order


@logits_of.mistake("The rows are sorted.", given=True)
def _as_given(layer, head, x, lengths):
    return _sorted_logits(layer, head, x, lengths)[0]


@logits_of.mistake("Indexing with `order` once more sorts what is sorted. The way back is the inverse permutation.")
def _order_again(layer, head, x, lengths):
    logits, order = _sorted_logits(layer, head, x, lengths)
    return logits[order]


@logits_of.mistake(
    "The rows are in order now, and the layer reads the padding. Keep the packing; it can do without your sorting."
)
def _without_packing(layer, head, x, lengths):
    _, hn = layer(x)
    return head(torch.cat([hn[-2], hn[-1]], dim=1))


@logits_of.mistake(
    "Now the lengths stay in the batch's order and the samples do not, or the other way round: each sample is read "
    "with another one's length."
)
def _lengths_unsorted(layer, head, x, lengths):
    _, hn = layer(_pack(x[lengths.argsort(descending=True)], lengths))
    return head(torch.cat([hn[-2], hn[-1]], dim=1))


@logits_of.mistake(
    "The rows are in order now. But those are the states of the bottom layer; the top layer's are the last two."
)
def _bottom(layer, head, x, lengths):
    _, hn = layer(_pack(x, lengths))
    return head(torch.cat([hn[0], hn[1]], dim=1))


@EXERCISES.explain(
    hints=[
        "Print the shapes of `output` and of `head(output)`. How many answers does a sample get?",
        "`cross_entropy` takes axis 1 for the classes: of (5, 7, 3) it reads 5 samples, 7 classes, 3 places, and "
        "wants a label for each place. How many labels has a sample here?",
    ]
)
def what_to_change():
    layer, head, labels = (
        nn.GRU(6, 8, batch_first=True, bidirectional=True),
        nn.Linear(16, 3),
        torch.tensor([0, 2, 1, 1, 0]),
    )
    output, hn = layer(torch.rand(5, 7, 6))
    loss = nn.functional.cross_entropy(head(torch.cat([hn[-2], hn[-1]], dim=1)), labels)
    return "c" if loss.dim() == 0 and head(output).dim() == 3 else "a"


what_to_change.mistake(
    "`cross_entropy` takes the classes' numbers as they are. One-hot labels would run here, which is worse: the loss "
    "took 7 for the number of classes, and would read your zeros and ones as labels of three places.",
    lambda: "a",
)
what_to_change.mistake(
    "That is right where every step has a label. The logits would be (5, 3, 7) and the loss would want labels (5, 7); "
    "here a sample has one.",
    lambda: "b",
)
what_to_change.mistake(
    "Then the loss would ask for (5, 3) still. One label for each sample, `(N,)`, is what a classifier should have: "
    "look at the other argument.",
    lambda: "d",
)
what_to_change.mistake(
    "`cross_entropy` wants logits and does its own softmax; and a softmax changes no shape.", lambda: "e"
)


def _tokens(rng: random.Random, number: int, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([rng.randint(5, longest) for _ in range(number)])
    return pad_sequence([torch.randint(0, 2, (n, 4)) * 2.0 - 1 for n in lengths.tolist()], batch_first=True), lengths


def _classes(x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """One bit of the second step and one of the last but one: a half that has read one step knows neither."""
    second, last_but_one = x[:, 1], x[torch.arange(len(x)), lengths - 2]
    return 2 * (second[:, 0] > 0).long() + (last_but_one[:, 1] > 0).long()


def _task(rng: random.Random) -> tuple[torch.Tensor, ...]:
    x, lengths = _tokens(rng, 200, 16)
    return x, lengths, _classes(x, lengths), *_tokens(rng, 160, 32)


def _predicted(arguments: tuple, result: Result) -> torch.Tensor | None:
    """The predictions, if there is one for each new sample."""
    if isinstance(result, dict) and "tensor" in result:
        result = result["tensor"]["values"] if result["tensor"]["shape"] == [len(arguments[3])] else None
    if (
        not isinstance(result, list)
        or len(result) != len(arguments[3])
        or not all(isinstance(part, (int, float)) for part in result)
    ):
        return None
    return torch.tensor(result)


def _share(predicted: torch.Tensor, truth: torch.Tensor) -> float:
    return (predicted == truth).float().mean().item()


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The share of predictions that are right; of their bits about the beginning; of those about the end."""

    right: float
    beginning: float
    end: float


def _scores(arguments: tuple, result: Result) -> Scores | None:
    """None where the result is not one prediction for each new sample."""
    predicted = _predicted(arguments, result)
    if predicted is None:
        return None
    truth = _classes(*arguments[3:])
    return Scores(
        right=_share(predicted, truth),
        beginning=_share(predicted.div(2, rounding_mode="floor"), truth.div(2, rounding_mode="floor")),
        end=_share(predicted % 2, truth % 2),
    )


def _accepted(arguments: tuple, result: Result) -> bool:
    scores = _scores(arguments, result)
    return scores is not None and scores.right >= 0.95


@EXERCISES.write(
    draw=_task,
    cases=1,
    accepts=_accepted,
    hints=[
        "Write the model as a function from `(x, lengths)` to logits: your `run_packed`, your `sample_vectors`, and "
        "an `nn.Linear(2 * H, 4)` on them.",
        "Give Adam the parameters of both, `[*layer.parameters(), *head.parameters()]`. Each step: "
        "`cross_entropy(logits, labels)`, `zero_grad`, `backward`, `step`.",
        "After the steps, under `torch.no_grad()`, the logits of the new samples are `(M, 4)`; `argmax(dim=1)` makes "
        "classes of them.",
    ],
)
def train_and_predict(x, lengths, labels, new_x, new_lengths):
    return _classes(new_x, new_lengths)


def _by_length(lengths: torch.Tensor) -> torch.Tensor:
    return lengths.argsort(descending=True, stable=True)


def _are_logits(arguments: tuple, result: Result) -> bool:
    return isinstance(result, dict) and "tensor" in result and result["tensor"]["shape"] == [len(arguments[3]), 4]


def _are_of_the_old(arguments: tuple, result: Result) -> bool:
    return isinstance(result, dict) and "tensor" in result and result["tensor"]["shape"] == [len(arguments[0])]


def _are_sorted(arguments: tuple, result: Result) -> bool:
    predicted = _predicted(arguments, result)
    return predicted is not None and _share(predicted, _classes(*arguments[3:])[_by_length(arguments[4])]) > 0.8


def _are_alike_but_the_longest(arguments: tuple, result: Result) -> bool:
    predicted = _predicted(arguments, result)
    return predicted is not None and len(predicted[arguments[4] < arguments[4].max()].unique()) == 1


def _know_the_beginning(arguments: tuple, result: Result) -> bool:
    scores = _scores(arguments, result)
    return scores is not None and scores.beginning > 0.9 and scores.end < scores.beginning - 0.1


def _know_the_end(arguments: tuple, result: Result) -> bool:
    scores = _scores(arguments, result)
    return scores is not None and scores.end > 0.9 and scores.beginning < scores.end - 0.1


def _are_guesses(arguments: tuple, result: Result) -> bool:
    scores = _scores(arguments, result)
    return scores is not None and scores.right < 0.4


def _are_no_classes(arguments: tuple, result: Result) -> bool:
    return _predicted(arguments, result) is None and not (isinstance(result, dict) and "raised" in result)


def _are_too_few(arguments: tuple, result: Result) -> bool:
    return _predicted(arguments, result) is not None


@train_and_predict.mistake(
    "Those are logits, four for each new sample. The class is the place of the largest.", matches=_are_logits
)
def _logits(x, lengths, labels, new_x, new_lengths):
    return nn.functional.one_hot(_classes(new_x, new_lengths), 4) * 5.0


@train_and_predict.mistake(
    "Those are as many answers as there were samples to train on. Predict the classes of `new_x`.",
    matches=_are_of_the_old,
)
def _of_the_old(x, lengths, labels, new_x, new_lengths):
    return labels


@train_and_predict.mistake(
    "Your model has learned it, and its answers are in the order from the longest sample to the shortest. Put them "
    "back into the order of `new_x`.",
    matches=_are_sorted,
)
def _sorted_predictions(x, lengths, labels, new_x, new_lengths):
    return _classes(new_x, new_lengths)[_by_length(new_lengths)]


@train_and_predict.mistake(
    "Every sample but the longest gets the same class. Your head reads the same vector for all of them: is it "
    "`output[:, -1]`, which is padding there?",
    matches=_are_alike_but_the_longest,
)
def _alike(x, lengths, labels, new_x, new_lengths):
    return torch.zeros(len(new_x))


def _bits(first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    return 2 * first + last


@train_and_predict.mistake(
    "Below 95 %, though your model knows how a sample begins. It does not know how it ends: the forward half of its "
    "vectors is not the state at the last real step. Has it read padding, or one step alone?",
    matches=_know_the_beginning,
)
def _beginnings(x, lengths, labels, new_x, new_lengths):
    truth = _classes(new_x, new_lengths)
    return _bits(truth // 2, torch.arange(len(truth)) % 2)


@train_and_predict.mistake(
    "Below 95 %, though your model knows how a sample ends. It does not know how it begins: the backward half of its "
    "vectors is not the state at step 0. Or is there no backward half?",
    matches=_know_the_end,
)
def _ends(x, lengths, labels, new_x, new_lengths):
    truth = _classes(new_x, new_lengths)
    return _bits(torch.arange(len(truth)) % 2, truth % 2)


@train_and_predict.mistake(
    "Hardly better than guessing one of four. Does row i of the vectors belong to sample i? Has each of its halves "
    "read the whole sample, and no padding? Are the parameters of layer and head both in the optimizer, and has the "
    "loss fallen?",
    matches=_are_guesses,
)
def _guesses(x, lengths, labels, new_x, new_lengths):
    return torch.arange(len(new_x)) % 4


@train_and_predict.mistake(
    "What is asked for is one class for each new sample: a tensor `(M,)` of numbers from 0 to 3.",
    matches=_are_no_classes,
)
def _no_classes(x, lengths, labels, new_x, new_lengths):
    return torch.zeros(len(new_x), 1)


@train_and_predict.mistake(
    "Better than guessing, and below 95 %. Is the loss still falling when you stop? Then take more steps. Or is "
    "padding in your vectors, read by the layer or averaged along?",
    matches=_are_too_few,
)
def _too_few(x, lengths, labels, new_x, new_lengths):
    truth = _classes(new_x, new_lengths)
    return torch.where(torch.arange(len(truth)) % 4 > 0, truth, 3 - truth)
