"""Attention: reading all of `output` with weights over time, and what must not get a share of them."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from unrolled.exercises.exercise import ExerciseSet, distinct

EXERCISES = ExerciseSet("attention")


def _lengths(rng: random.Random, N: int, L: int) -> torch.Tensor:
    """For two or more samples in a batch of L steps: one sample fills them, one does not, and they are in no order."""
    lengths = [L, rng.randint(1, L - 1), *(rng.randint(1, L) for _ in range(N - 2))]
    rng.shuffle(lengths)
    return torch.tensor(lengths)


def _real(L: int, lengths: torch.Tensor) -> torch.Tensor:
    """(N, L): which steps of each sample exist."""
    return torch.arange(L) < lengths.unsqueeze(1)


def _masked(scores: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """(N, L): the scores, with the padding at minus infinity."""
    return scores.masked_fill(~_real(scores.shape[1], lengths), -torch.inf)


def _read(weights: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Weights (N, L) and states (N, L, H) to a summary (N, H)."""
    return (weights.unsqueeze(1) @ output).squeeze(1)


@EXERCISES.predict(
    hints=[
        "`hn` is `(num_layers, N, H)`. What is it after `transpose(0, 1)`, and which of its axes counts queries?",
        "The result has one vector for each query of each sample; the weights have one number for each query and each "
        "step. And `need_weights=True` averages over the heads.",
    ]
)
def attention_shapes():
    layer, x = nn.GRU(4, 6, num_layers=2, batch_first=True), torch.rand(3, 5, 4)
    output, hn = layer(x)
    module = nn.MultiheadAttention(6, num_heads=3, batch_first=True)
    result, weights = module(hn.transpose(0, 1), output, output)
    return tuple(result.shape), tuple(weights.shape)


attention_shapes.mistake(
    "The result is right. The weights that come back are averaged over the heads, unless you ask for "
    "`average_attn_weights=False`.",
    lambda: ((3, 2, 6), (3, 3, 2, 5)),
)
attention_shapes.mistake(
    "That is one query for each step, as in a transformer. Here the queries are the final states of the layers.",
    lambda: ((3, 5, 6), (3, 5, 5)),
)
attention_shapes.mistake(
    "That is one query for each sample, the top layer's. `hn.transpose(0, 1)` has all the layers'.",
    lambda: ((3, 1, 6), (3, 1, 5)),
)
attention_shapes.mistake(
    "Those are the axes of `hn` as it comes. It is transposed before it goes in, and with `batch_first=True` the batch "
    "stays in front.",
    lambda: ((2, 3, 6), (2, 3, 5)),
)
attention_shapes.mistake(
    "The result is right. In the weights the queries come before the steps that they read.",
    lambda: ((3, 2, 6), (3, 5, 2)),
)
attention_shapes.mistake(
    "The weights are right. The heads share the width among them while they work; the result is put together again, "
    "and as wide as a query.",
    lambda: ((3, 2, 2), (3, 2, 5)),
)


def _scores(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    N, L = distinct(rng, 2)
    return 2 * torch.randn(N, L), _lengths(rng, N, L)


@EXERCISES.write(
    draw=_scores,
    hints=[
        "`torch.arange(L) < lengths.unsqueeze(1)` is `(N, L)`, and True where a step is real.",
        "Which score gives a share of exactly 0? It goes in before the softmax: `masked_fill(~real, …)`.",
        "The softmax runs along the axis that counts steps, which is axis 1.",
    ],
)
def attention_weights(scores, lengths):
    weights = torch.zeros_like(scores)
    for i, n in enumerate(lengths.tolist()):
        weights[i, :n] = scores[i, :n].softmax(dim=0)
    return weights


@attention_weights.mistake("The padding has a share: nothing has told the softmax which steps exist.")
def _unmasked(scores, lengths):
    return scores.softmax(dim=1)


@attention_weights.mistake(
    "A score of 0 is a score like any other, since the exponential of 0 is 1. So the padding still has a share."
)
def _zero_before(scores, lengths):
    return (scores * _real(scores.shape[1], lengths)).softmax(dim=1)


@attention_weights.mistake(
    "The padding has no share, and what it had is given to nobody: the weights of a short sample add up to less than 1."
)
def _zero_after(scores, lengths):
    return scores.softmax(dim=1) * _real(scores.shape[1], lengths)


@attention_weights.mistake(
    "The mask is right. The softmax runs along the batch: at each step the samples compete with each other."
)
def _over_batch(scores, lengths):
    return _masked(scores, lengths).softmax(dim=0)


@attention_weights.mistake("Your mask is the wrong way round: you have ignored the real steps.")
def _inverted(scores, lengths):
    return scores.masked_fill(_real(scores.shape[1], lengths), -torch.inf).softmax(dim=1)


@attention_weights.mistake(
    "Your mask lets in one step too many: the last real step of a sample is at index `lengths[i] - 1`."
)
def _one_too_many_steps(scores, lengths):
    return _masked(scores, lengths + 1).softmax(dim=1)


@attention_weights.mistake("That is the mean's weights: every real step has the same. The scores have to decide.")
def _even(scores, lengths):
    return _real(scores.shape[1], lengths) / lengths.unsqueeze(1)


@attention_weights.mistake("The right shares as logarithms. The weights are to be numbers between 0 and 1.")
def _logarithms(scores, lengths):
    return _masked(scores, lengths).log_softmax(dim=1)


def _time_first(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    N, L, H = distinct(rng, 3)
    return torch.randn(L, N, H), 2 * torch.randn(L, N), _lengths(rng, N, L)


@EXERCISES.mend(
    draw=_time_first,
    hints=[
        "Take one sample alone, with N = 1. Which weights does the softmax give it?",
        "`scores` is `(L, N)`. Which of these two axes is to add up to 1?",
    ],
)
def summary_time_first(output, scores, lengths):
    weights = _masked(scores.T, lengths).softmax(dim=1)
    return _read(weights, output.transpose(0, 1))


def _masked_time_first(scores, lengths):
    return scores.masked_fill(torch.arange(len(scores)).unsqueeze(1) >= lengths, -torch.inf)


@summary_time_first.mistake("The softmax runs along the batch.", given=True)
def _axis_one(output, scores, lengths):
    weights = _masked_time_first(scores, lengths).softmax(dim=1)
    return (weights.unsqueeze(2) * output).sum(dim=0)


@summary_time_first.mistake(
    "The softmax is right now. The sum has to run along time as well, and here that is axis 0: you have added up the "
    "samples."
)
def _sum_over_samples(output, scores, lengths):
    weights = _masked_time_first(scores, lengths).softmax(dim=0)
    return (weights.unsqueeze(2) * output).sum(dim=1)


@summary_time_first.mistake("The axes are right. With the change, the mask got lost: the padding has a share again.")
def _mask_lost(output, scores, lengths):
    return (scores.softmax(dim=0).unsqueeze(2) * output).sum(dim=0)


@summary_time_first.mistake(
    "That is a softmax over all the numbers of the batch. Each sample is to have weights that add up to 1."
)
def _over_all(output, scores, lengths):
    weights = _masked_time_first(scores, lengths).flatten().softmax(dim=0).view(scores.shape)
    return (weights.unsqueeze(2) * output).sum(dim=0)


@summary_time_first.mistake(
    "The weights are right. You have taken the mean over time of what they multiply: they add up to 1 already, so sum."
)
def _mean_of_weighted(output, scores, lengths):
    weights = _masked_time_first(scores, lengths).softmax(dim=0)
    return (weights.unsqueeze(2) * output).mean(dim=0)


@EXERCISES.explain(
    hints=[
        "Where does the 12 of the message come from, and where the 6? Print the two shapes.",
        "`output` has both directions side by side, along its last axis. What does `hn[-1]` have?",
    ]
)
def why_twelve():
    output, hn = nn.GRU(4, 6, batch_first=True, bidirectional=True)(torch.rand(3, 5, 4))
    return "c" if output.shape[2] == 2 * hn[-1].shape[1] else "a"


why_twelve.mistake(
    "With `batch_first=True` the batch of `output` is in front, and the states' batch is their second axis, so "
    "`hn[-1]` is `(N, H)`. The 3 of both shapes agrees.",
    lambda: "a",
)
why_twelve.mistake(
    "`unsqueeze(2)` is right: a column for each sample, which the states are multiplied by. The width of that column "
    "is what does not fit.",
    lambda: "b",
)
why_twelve.mistake(
    "There is one layer, and nothing is as many as the layers here. `hn` has two rows because of something else.",
    lambda: "d",
)
why_twelve.mistake(
    "Lengths would change which steps count and no shape. They are missing from the weights, not from this product.",
    lambda: "e",
)


def _states(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`output` and `hn` of a packed batch; as many layers as samples now and then, so that more runs."""
    N, L, H = distinct(rng, 3)
    num_layers, lengths = rng.choice((2, 3, N)), _lengths(rng, N, L)
    layer = rng.choice((nn.RNN, nn.GRU))(4, H, num_layers, batch_first=True)
    x = 3 * torch.randn(N, L, 4)
    packed, hn = layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    # Not unpacked zeros: an answer without a mask has to be wrong.
    output, _ = pad_packed_sequence(packed, batch_first=True)
    real = _real(L, lengths).unsqueeze(2)
    return 3 * torch.where(real, output, torch.rand_like(output) - 0.5), 3 * hn, lengths


@EXERCISES.write(
    draw=_states,
    hints=[
        "Which entry of `hn`'s first axis is the top layer's? It is the query, `(N, H)`.",
        "A step's score is the product of its state and the query: `(output @ query.unsqueeze(2)).squeeze(2)` is "
        "`(N, L)`.",
        "Then as before: minus infinity for the padding, a softmax along time, and the weighted sum of `output`.",
    ],
)
def asked_by_the_top(output, hn, lengths):
    return _dot_attention(output, hn[-1], lengths)


def _dot_attention(output, query, lengths):
    scores = (output * query.unsqueeze(1)).sum(dim=2)
    return _read(_masked(scores, lengths).softmax(dim=1), output)


@asked_by_the_top.mistake("The query is the bottom layer's final state. The top layer is the last entry of `hn`.")
def _bottom(output, hn, lengths):
    return _dot_attention(output, hn[0], lengths)


@asked_by_the_top.mistake(
    "The scores are those of the top layer's states. No padding is masked, so it takes part in the average."
)
def _all_steps(output, hn, lengths):
    return _dot_attention(output, hn[-1], torch.full_like(lengths, output.shape[1]))


@asked_by_the_top.mistake("You have asked with the mean of the layers' states. The query is the top layer's alone.")
def _mean_of_layers(output, hn, lengths):
    return _dot_attention(output, hn.mean(dim=0), lengths)


@asked_by_the_top.mistake(
    "The query is the last sample's states, for all samples: `hn[:, -1]`. The layers are the first axis."
)
def _last_sample_asks(output, hn, lengths):
    return _dot_attention(output, hn[-1, -1].expand_as(hn[-1]), lengths)


@asked_by_the_top.mistake(
    "Everything is there, and the scores are divided by the square root of H. That is a good habit; this exercise asks "
    "for the plain product."
)
def _scaled(output, hn, lengths):
    return _dot_attention(output, hn[-1] / output.shape[2] ** 0.5, lengths)


@asked_by_the_top.mistake("Those are the right weights, `(N, L)`. The exercise asks for the average that they make.")
def _weights_alone(output, hn, lengths):
    return _masked((output * hn[-1].unsqueeze(1)).sum(dim=2), lengths).softmax(dim=1)


@asked_by_the_top.mistake(
    "The right numbers with an axis of length 1 in front of H, the axis of queries. Take it off, by name: `squeeze(1)`."
)
def _axis_of_queries(output, hn, lengths):
    return _dot_attention(output, hn[-1], lengths).unsqueeze(1)


@asked_by_the_top.mistake(
    "The scores are right, and the softmax runs along the batch. It has to run along time, axis 1."
)
def _scores_over_batch(output, hn, lengths):
    scores = (output * hn[-1].unsqueeze(1)).sum(dim=2)
    return _read(_masked(scores, lengths).softmax(dim=0), output)


def _with_module(rng: random.Random) -> tuple[nn.MultiheadAttention, torch.Tensor, torch.Tensor, torch.Tensor]:
    N, L = distinct(rng, 2)
    heads = rng.choice((1, 2))
    H = heads * rng.randint(2, 4)
    module = nn.MultiheadAttention(H, heads, batch_first=True)
    return module, 3 * torch.randn(N, H), 3 * torch.randn(N, L, H), _lengths(rng, N, L)


@EXERCISES.write(
    draw=_with_module,
    hints=[
        "The module wants queries of shape `(N, queries, H)`. You have one query for each sample.",
        "In its `key_padding_mask`, `(N, L)`, True is a step that is ignored.",
        "Both results have the axis of queries, of length 1. `squeeze(1)` takes it off.",
    ],
)
def read_with_module(module, query, output, lengths):
    result, weights = module(
        query.unsqueeze(1), output, output, key_padding_mask=~_real(output.shape[1], lengths), need_weights=True
    )
    return result.squeeze(1), weights.squeeze(1)


@read_with_module.mistake(
    "Your mask says True where a step is real, and this module ignores what is True. A sample that fills the width is "
    "NaN, the others read their padding."
)
def _polarity(module, query, output, lengths):
    result, weights = module(
        query.unsqueeze(1), output, output, key_padding_mask=_real(output.shape[1], lengths), need_weights=True
    )
    return result.squeeze(1), weights.squeeze(1)


@read_with_module.mistake("The padding takes part: the module has been given no `key_padding_mask`.")
def _module_unmasked(module, query, output, lengths):
    result, weights = module(query.unsqueeze(1), output, output)
    return result.squeeze(1), weights.squeeze(1)


@read_with_module.mistake("The right numbers. Both still have the axis of queries, of length 1: take it off.")
def _queries_left(module, query, output, lengths):
    return module(query.unsqueeze(1), output, output, key_padding_mask=~_real(output.shape[1], lengths))


@read_with_module.mistake(
    "The result is right. The weights are None, because you have asked for none: `need_weights=True` is the default."
)
def _no_weights(module, query, output, lengths):
    result, _ = module(
        query.unsqueeze(1), output, output, key_padding_mask=~_real(output.shape[1], lengths), need_weights=False
    )
    return result.squeeze(1), None


@read_with_module.mistake("Your mask ignores one step too few: a sample of n steps has padding from index n on.")
def _late_mask(module, query, output, lengths):
    result, weights = module(
        query.unsqueeze(1), output, output, key_padding_mask=torch.arange(output.shape[1]) > lengths.unsqueeze(1)
    )
    return result.squeeze(1), weights.squeeze(1)


def _with_empty_samples(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A two-way layer, a padded batch in which the longest sample may not fill the width and one sample has no step."""
    N, L, H_in, H = distinct(rng, 4, low=3)
    lengths = [0, L - rng.randint(0, 1), rng.randint(1, L - 2), *(rng.randint(0, L - 1) for _ in range(N - 3))]
    rng.shuffle(lengths)
    kind = rng.choice((nn.RNN, nn.GRU))
    layer = kind(H_in, H, rng.randint(1, 2), batch_first=True, bidirectional=True)
    x = pad_sequence([2 * torch.randn(n, H_in) for n in [*lengths, L]], batch_first=True)[:-1]
    return layer, x, torch.tensor(lengths), 3 * torch.randn(2 * H)


@EXERCISES.write(
    draw=_with_empty_samples,
    cases=10,
    hints=[
        "Two directions: pack. `pack_padded_sequence` refuses a length of 0, so pack with `lengths.clamp(min=1)`.",
        "Unpacked, the batch is as wide as its longest sample, unless you pass `total_length`. The mask is made from "
        "the true lengths, and as wide.",
        "A row whose scores are all minus infinity is NaN. Use the lowest finite number, "
        "`torch.finfo(scores.dtype).min`, and multiply the weights by the mask.",
    ],
)
def summaries_of_all(layer, x, lengths, query):
    summaries = torch.zeros(len(x), len(query))
    for i, n in enumerate(lengths.tolist()):
        if n:
            output, _ = layer(x[i, :n])
            summaries[i] = (output @ query).softmax(dim=0) @ output
    return summaries


def _summaries(layer, x, lengths, query, *, packed=True, mask_lengths=None, finite=True):
    """The solution, with its mistakes as options."""
    if packed:
        states, _ = layer(
            pack_padded_sequence(x, lengths.clamp(min=1), batch_first=True, enforce_sorted=False),
        )
        output, _ = pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])
    else:
        output, _ = layer(x)
    real = _real(x.shape[1], lengths if mask_lengths is None else mask_lengths)
    scores = (output @ query).masked_fill(~real, torch.finfo(output.dtype).min if finite else -torch.inf)
    weights = scores.softmax(dim=1)
    return _read(weights * real if finite else weights, output)


@summaries_of_all.mistake(
    "The weights are right, and the batch was not packed: the backward half has read the padding before the real steps."
)
def _padding_read(layer, x, lengths, query):
    return _summaries(layer, x, lengths, query, packed=False)


@summaries_of_all.mistake(
    "A sample with steps is right. One without is NaN: all of its scores are minus infinity, and their softmax is "
    "0 / 0."
)
def _nan_for_nobody(layer, x, lengths, query):
    return _summaries(layer, x, lengths, query, finite=False)


@summaries_of_all.mistake(
    "You raise the lengths to 1 for the packing, which is right, and for the mask too: a sample without steps gets the "
    "state of its first padding."
)
def _raised_in_mask(layer, x, lengths, query):
    return _summaries(layer, x, lengths, query, mask_lengths=lengths.clamp(min=1))


@summaries_of_all.mistake(
    "Packed, and then averaged without a mask: unpacking fills the padding with zeros, whose score, 0, gets a share."
)
def _no_mask(layer, x, lengths, query):
    return _summaries(layer, x, lengths, query, mask_lengths=torch.full_like(lengths, x.shape[1]))


@summaries_of_all.mistake(
    "Those are the summaries of the samples that have steps. The others belong into the batch as well, as zeros, so "
    "that row i is sample i."
)
def _empty_dropped(layer, x, lengths, query):
    return summaries_of_all.reference(layer, x, lengths, query)[lengths > 0]


@summaries_of_all.mistake(
    "The summaries are right, and in the order from the longest sample to the shortest. Put them back into the batch's."
)
def _left_by_length(layer, x, lengths, query):
    order = lengths.argsort(descending=True, stable=True)
    return summaries_of_all.reference(layer, x[order], lengths[order], query)
