"""Training: what the head reads, which shape the loss wants, and what a decoder is fed."""

import random

import torch
from torch import nn
from torch.nn import functional as F

from unrolled.exercises.exercise import KEEPS_ORDER, ExerciseSet, distinct

EXERCISES = ExerciseSet("training")


@EXERCISES.predict(
    hints=[
        "`nn.Linear` looks at the last axis and leaves the others as they are, however many there are.",
        "Write down the shapes of `output`, of `hn` and of `hn[-1]`, and put 3 in place of the last number of each.",
    ]
)
def answers_of_the_head():
    layer, head = nn.GRU(6, 8, num_layers=2, batch_first=True), nn.Linear(8, 3)
    output, hn = layer(torch.zeros(4, 9, 6))
    return tuple(tuple(head(read).shape) for read in (output, hn, hn[-1]))


answers_of_the_head.mistake(
    "The second and the third are right. A head reads a tensor with more axes too: on `output` it answers at every "
    "step.",
    lambda: ((4, 3), (2, 4, 3), (4, 3)),
)
answers_of_the_head.mistake(
    "The first and the third are right. `hn` has an axis for the layers, and the head keeps it: it answers for every "
    "layer's final state.",
    lambda: ((4, 9, 3), (4, 3), (4, 3)),
)
answers_of_the_head.mistake(
    "The first and the third are right. `hn` has two layers, so its first axis is not 1.",
    lambda: ((4, 9, 3), (1, 4, 3), (4, 3)),
)
answers_of_the_head.mistake(
    "The first and the third are right. `batch_first` does not touch `hn`: layers come first in it, then the batch.",
    lambda: ((4, 9, 3), (4, 2, 3), (4, 3)),
)
answers_of_the_head.mistake(
    "Those are the shapes of what the head reads. It answers with 3 numbers where it reads 8.",
    lambda: ((4, 9, 8), (2, 4, 8), (4, 8)),
)
answers_of_the_head.mistake(
    "The first two are right. `hn[-1]` is one layer's state: indexing with a number takes the axis away.",
    lambda: ((4, 9, 3), (2, 4, 3), (1, 4, 3)),
)
answers_of_the_head.mistake(
    "The first two are right. `hn[-1]` is the last of the *layers*, and what is left of its axes is the batch and the "
    "units.",
    lambda: ((4, 9, 3), (2, 4, 3), (2, 3)),
)
answers_of_the_head.mistake(
    "The last two are right. With `batch_first=True` the batch comes first in `output`.",
    lambda: ((9, 4, 3), (2, 4, 3), (4, 3)),
)
answers_of_the_head.mistake(
    "A head flattens nothing. It reads the last axis, and all axes before it stay as they are.",
    lambda: ((36, 3), (8, 3), (4, 3)),
)


def _regression(rng: random.Random) -> tuple[nn.RNNBase, nn.Linear, torch.Tensor, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    layer = rng.choice((nn.RNN, nn.GRU))(H_in, H, rng.randint(2, 3), batch_first=True)
    return layer, nn.Linear(H, 1), torch.randn(N, L, H_in), 3 * torch.randn(N)


@EXERCISES.write(
    draw=_regression,
    hints=[
        "Print the shapes of the prediction and of `target`. What is their difference's shape?",
        "The head answers in shape `(N, 1)`. Drop its last axis, by name, before you subtract: `squeeze(-1)`.",
        "The top layer's final state is `hn[-1]`. Subtract the targets from what the head makes of it, square, and "
        "take the mean.",
    ],
)
def squared_error(layer, head, x, target):
    answers = torch.stack([head(layer(sample[None])[0][0, -1])[0] for sample in x])
    return ((answers - target) ** 2).mean()


@squared_error.mistake(
    "The head answers `(N, 1)`, and minus `(N,)` that is broadcast to `(N, N)`: every prediction is compared with "
    "every target. Give both the same shape."
)
def _broadcast(layer, head, x, target):
    return ((head(layer(x)[0][:, -1]) - target) ** 2).mean()


@squared_error.mistake(
    "The head reads the state of the bottom layer, which knows nothing of the layers above it. The top layer comes "
    "last in `hn`."
)
def _bottom_state(layer, head, x, target):
    return ((head(layer(x)[1][0]).squeeze(-1) - target) ** 2).mean()


@squared_error.mistake(
    "The head answers for every layer, and all these answers are compared with the targets. One answer a sample: take "
    "the top layer's state."
)
def _all_layers(layer, head, x, target):
    return ((head(layer(x)[1]).squeeze(-1) - target) ** 2).mean()


@squared_error.mistake(
    "Two things. The head reads the bottom layer's state, and the top layer comes last in `hn`. And `(N, 1)` minus "
    "`(N,)` is `(N, N)`: give both the same shape."
)
def _bottom_broadcast(layer, head, x, target):
    return ((head(layer(x)[1][0]) - target) ** 2).mean()


@squared_error.mistake(
    "Two things. The head answers for every layer; take the top layer's state alone. And its answers have an axis of "
    "1 behind, so every one is compared with every target."
)
def _all_layers_broadcast(layer, head, x, target):
    return ((head(layer(x)[1]) - target) ** 2).mean()


@squared_error.mistake("That is the sum over the samples. The mean divides by their number.")
def _sum_of_squares(layer, head, x, target):
    return ((head(layer(x)[0][:, -1]).squeeze(-1) - target) ** 2).sum()


@squared_error.mistake("Those are the squared errors of the samples. The exercise asks for their mean.")
def _each_sample(layer, head, x, target):
    return (head(layer(x)[0][:, -1]).squeeze(-1) - target) ** 2


@squared_error.mistake("`output[:, 0]` is the first step. It has read one step of the sequence.")
def _first_step(layer, head, x, target):
    return ((head(layer(x)[0][:, 0]).squeeze(-1) - target) ** 2).mean()


@squared_error.mistake("The head reads the mean of all steps. The exercise asks for the final state of the top layer.")
def _mean_of_steps(layer, head, x, target):
    return ((head(layer(x)[0].mean(dim=1)).squeeze(-1) - target) ** 2).mean()


@squared_error.mistake("That is the mean of the absolute differences. Squared ones are asked for.")
def _absolute(layer, head, x, target):
    return (head(layer(x)[1][-1]).squeeze(-1) - target).abs().mean()


@squared_error.mistake("You compare the target with an answer at every step. The head reads the final state alone.")
def _every_step_compared(layer, head, x, target):
    return ((head(layer(x)[0]).squeeze(-1) - target[:, None]) ** 2).mean()


def _tags(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    N, L, C = distinct(rng, 3)
    return 2 * torch.randn(N, L, C), torch.randint(0, C, (N, L))


@EXERCISES.mend(
    draw=_tags,
    hints=[
        "Feed it a perfect answer, `nn.functional.one_hot(target, C) * 100.0`, and look at the loss. It should be 0.",
        "`view` keeps the numbers in their old order. Which function moves an axis and takes the numbers along?",
    ],
)
def tag_loss(logits, target):
    chosen = logits.log_softmax(dim=-1).gather(-1, target[..., None])
    return -chosen.mean()


@tag_loss.mistake("`view` mixes classes and steps.", given=True, if_changed=KEEPS_ORDER)
def _viewed_classes(logits, target):
    N, L, C = logits.shape
    return F.cross_entropy(logits.view(N, C, L), target)


@tag_loss.mistake(
    "The axes are right, and the loss takes the softmax itself: it wants logits. Taken twice, the softmax leaves a "
    "perfect answer with a loss well above 0."
)
def _softmax_twice(logits, target):
    return F.cross_entropy(logits.softmax(dim=-1).transpose(1, 2), target)


@tag_loss.mistake(
    "Logits and targets are flattened in different orders: the logits sample by sample, the targets step by step. "
    "Flatten both as they are."
)
def _flattened_apart(logits, target):
    return F.cross_entropy(logits.flatten(0, 1), target.T.flatten())


@tag_loss.mistake(
    "What you give the loss has the steps first. The batch belongs there, as in `target`, and the classes are the "
    "second axis."
)
def _steps_first(logits, target):
    return F.cross_entropy(logits.permute(1, 2, 0), target)


@tag_loss.mistake(
    "The logits are flattened now, one row for each step of each sample. The targets are not: the loss wants one for "
    "each row."
)
def _logits_flattened(logits, target):
    return F.cross_entropy(logits.flatten(0, 1), target)


@tag_loss.mistake(
    "The loss takes the second axis for the classes, and with that axis still the steps it looks for targets of "
    "another shape. Move the classes there."
)
def _not_moved(logits, target):
    return F.cross_entropy(logits, target)


@tag_loss.mistake("That is the sum over all steps of all samples. The loss as given is their mean.")
def _summed_tags(logits, target):
    return F.cross_entropy(logits.transpose(1, 2), target, reduction="sum")


@tag_loss.mistake("That is the loss of the last step alone. Every step has a target.")
def _last_tag(logits, target):
    return F.cross_entropy(logits[:, -1], target[:, -1])


@tag_loss.mistake(
    "You have exchanged samples and classes. The batch stays in front, and the classes change places with the steps."
)
def _samples_for_classes(logits, target):
    return F.cross_entropy(logits.transpose(0, 2), target)


@tag_loss.mistake(
    "The classes are in their place. The loss takes logits and applies the softmax itself, over the classes; yours "
    "have been through one over the steps."
)
def _softmax_over_steps(logits, target):
    return F.cross_entropy(logits.softmax(1).transpose(1, 2), target)


@tag_loss.mistake("A loss for each step of each sample. The exercise asks for their mean.")
def _not_averaged(logits, target):
    return F.cross_entropy(logits.transpose(1, 2), target, reduction="none")


@tag_loss.mistake(
    "The classes are in their place. `nll_loss` wants logarithms of probabilities; `cross_entropy` takes the logits."
)
def _logits_as_logarithms(logits, target):
    return F.nll_loss(logits.transpose(1, 2), target)


@tag_loss.mistake("The targets are right as they are, `(N, L)`. Only the logits have to be transposed.")
def _target_turned(logits, target):
    return F.cross_entropy(logits.transpose(1, 2), target.T)


@tag_loss.mistake(
    "Transposed first and flattened afterwards, a row no longer holds the classes of one step. To flatten, leave the "
    "classes last."
)
def _turned_and_flattened(logits, target):
    return F.cross_entropy(logits.transpose(1, 2).reshape(-1, logits.shape[2]), target.reshape(-1))


@tag_loss.mistake(
    "The classes are in their place, and one-hot targets have to have them there too. `target` as it is will do: a "
    "class for every step."
)
def _one_hot_targets(logits, target):
    return F.cross_entropy(logits.transpose(1, 2), F.one_hot(target, logits.shape[2]).float())


@tag_loss.mistake(
    "`nll_loss` wants the *logarithms* of the probabilities. `cross_entropy` takes the logits as they are."
)
def _probabilities_as_logarithms(logits, target):
    return F.nll_loss(logits.softmax(dim=-1).transpose(1, 2), target)


@tag_loss.mistake("That is the share of wrong tags. It has no gradient, so nothing can be learned from it.")
def _share_of_wrong_tags(logits, target):
    return (logits.argmax(dim=-1) != target).float().mean()


@tag_loss.mistake("That is the loss of the first step alone. Every step has a target.")
def _first_tag(logits, target):
    return F.cross_entropy(logits[:, 0], target[:, 0])


@EXERCISES.explain(
    hints=[
        "The loss takes out the axis that it reads as classes, and expects a target of the shape that is left. What "
        "was taken out of (4, 9, 3)?",
        "It expected [4, 3]. So the 9 is gone. Which axis of yours is that?",
    ]
)
def read_as_classes():
    try:
        F.cross_entropy(torch.zeros(4, 9, 3), torch.zeros(4, 9, dtype=torch.long))
    except RuntimeError as error:
        return {"[9, 3]": "N", "[4, 3]": "L", "[4, 9]": "C"}[
            str(error).removeprefix("Expected target size ").split(", got")[0]
        ]
    return ""


read_as_classes.mistake(
    "The first axis is the batch for you and for the loss: its 4 comes first in both shapes of the message. Which "
    "number of (4, 9, 3) is missing from what it expected?",
    lambda: "N",
)
read_as_classes.mistake(
    "There your classes are, and the 3 is in the shape that the loss expected, so it took them for places. Which "
    "number of (4, 9, 3) is missing there?",
    lambda: "C",
)
read_as_classes.mistake("Answer with the name of the axis, not with its size: N, L or C.", lambda: 9)
read_as_classes.mistake("Answer with the name of the axis, not with its place: N, L or C.", lambda: 1)

read_as_classes.mistake(
    "Answer with the name of an axis of `logits`: N, L or C.",
    lambda: "class",
)

read_as_classes.mistake(
    "Answer with the name of the axis, not with its size: N, L or C.",
    lambda: 3,
)


START = 0


def _decoder(rng: random.Random) -> tuple[nn.Embedding, nn.GRU, nn.Linear, torch.Tensor, torch.Tensor]:
    """A decoder with its start token 0, the encoder's state, and a target whose tokens are not the start."""
    N, L, E, H, C = distinct(rng, 5, 3, 9)
    return (
        nn.Embedding(C, E),
        nn.GRU(E, H, batch_first=True),
        nn.Linear(H, C),
        torch.randn(1, N, H),
        torch.randint(1, C, (N, L)),
    )


@EXERCISES.mend(
    draw=_decoder,
    hints=[
        "Write down, for each step, what the decoder reads and what it should say. Where does it read what it should "
        "say?",
        "Put a column of the start token in front of the target and leave its last token off.",
    ],
)
def taught_logits(embed, decoder, head, hn, target):
    state, logits = hn, []
    for t in range(target.shape[1]):
        read = target[:, t - 1] if t else torch.full_like(target[:, 0], START)
        output, state = decoder(embed(read)[:, None], state)
        logits.append(head(output[:, 0]))
    return torch.stack(logits, dim=1)


def _taught(embed, decoder, head, hn, read):
    return head(decoder(embed(read), hn)[0])


def _start(target):
    return torch.full_like(target[:, :1], START)


@taught_logits.mistake("The decoder reads what it has to say.", given=True)
def _not_late(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, target)


@taught_logits.mistake(
    "The start is right, and now the input is one step longer than the target: the last token is never read. Leave it "
    "off."
)
def _one_too_many(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, torch.cat([_start(target), target], dim=1))


@taught_logits.mistake(
    "You moved the target the wrong way: the decoder now reads the token that comes *after* the one it should say."
)
def _one_early(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, torch.cat([target[:, 1:], _start(target)], dim=1))


@taught_logits.mistake(
    "`roll` brings the last token round to the front, so the first step reads the end of what is to be said. The "
    "start token belongs there."
)
def _rolled(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, target.roll(1, dims=1))


@taught_logits.mistake(
    "The first token of the target was overwritten with the start, and nothing was moved: from step 1 on the decoder "
    "reads what it has to say."
)
def _first_overwritten(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, torch.cat([_start(target), target[:, 1:]], dim=1))


@taught_logits.mistake(
    "The decoder reads the start token at every step. After the first step it reads what it should have said at the "
    "step before."
)
def _only_starts(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, torch.full_like(target, START))


@taught_logits.mistake(
    "The last token is left off, and nothing was put in front: the decoder still reads at step 0 what it has to say "
    "there, and one step is missing."
)
def _no_start(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, target[:, :-1])


@taught_logits.mistake(
    "Token ids are integers. `torch.zeros` makes floating-point numbers if it is not told a dtype, and an embedding "
    "cannot look these up."
)
def _floating_start(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, torch.cat([torch.zeros(len(target), 1), target[:, :-1]], dim=1))


@taught_logits.mistake(
    "The input is right. The decoder has to begin from the encoder's state `hn`, and without it it begins from zeros."
)
def _without_encoder(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, None, torch.cat([_start(target), target[:, :-1]], dim=1))


@taught_logits.mistake("Those are the decoder's states. The head makes logits of them.")
def _states_without_head(embed, decoder, head, hn, target):
    return decoder(embed(torch.cat([_start(target), target[:, :-1]], dim=1)), hn)[0]


@taught_logits.mistake("The head reads the decoder's last state. A token is asked for at every step: read `output`.")
def _final_state_alone(embed, decoder, head, hn, target):
    return head(decoder(embed(torch.cat([_start(target), target[:, :-1]], dim=1)), hn)[1])


@taught_logits.mistake("Those are tokens. The loss needs the logits, `(N, L, C)`.")
def _tokens_said(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, torch.cat([_start(target), target[:, :-1]], dim=1)).argmax(dim=-1)


@taught_logits.mistake(
    "The start token is at the end. It belongs in front: the decoder reads it before it says anything."
)
def _start_at_the_end(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, torch.cat([target[:, :-1], _start(target)], dim=1))


@taught_logits.mistake("You reversed the target. The decoder reads it in its order, one step late.")
def _target_reversed(embed, decoder, head, hn, target):
    return _taught(embed, decoder, head, hn, target.flip(1))


def _speaker(rng: random.Random) -> tuple[nn.Embedding, nn.GRU, nn.Linear, torch.Tensor, int]:
    """A decoder with large weights: what it says depends on its state and on what it said last."""
    embed, decoder, head, hn, target = _decoder(rng)
    for module in (embed, decoder, head):
        for weight in module.parameters():
            weight.normal_(std=1.5)
    return embed, decoder, head, hn, target.shape[1]


def _spoken(embed, decoder, head, state, length, *, keeps_state=True, hears_itself=True) -> list[torch.Tensor]:
    """The tokens of each step, `(N,)`, with the loop's mistakes as options."""
    heard, said = torch.full((state.shape[1],), START), []
    for _ in range(length):
        output, after = decoder(embed(heard)[:, None], state)
        said.append(head(output[:, 0]).argmax(dim=-1))
        state = after if keeps_state else state
        heard = said[-1] if hears_itself else heard
    return said


@EXERCISES.write(
    draw=_speaker,
    hints=[
        "A loop of `length` rounds. What does the decoder hear in the first round, and what in the next? Which two "
        "things does a round hand to the next one?",
        "Hold the tokens as `(N, 1)`: `embed` makes `(N, 1, E)` of it, a batch of one step, as the decoder wants it. "
        "Hand its state to the next round.",
        "`head(output).argmax(dim=-1)` is again `(N, 1)`. It goes into a list, and it is what is heard next. "
        "`torch.cat` along the steps joins the list.",
    ],
)
def spoken_alone(embed, decoder, head, hn, length):
    samples = [torch.stack(_spoken(embed, decoder, head, hn[:, [sample]], length)) for sample in range(hn.shape[1])]
    return torch.cat(samples, dim=1).T


@spoken_alone.mistake(
    "The decoder hears the start token in every round. From the second round on it hears what it said in the one "
    "before."
)
def _never_hears_itself(embed, decoder, head, hn, length):
    return torch.stack(_spoken(embed, decoder, head, hn, length, hears_itself=False), dim=1)


@spoken_alone.mistake(
    "Every round begins from the encoder's state `hn`. That is for the first one; the next goes on from the state "
    "that the decoder returned."
)
def _state_dropped(embed, decoder, head, hn, length):
    return torch.stack(_spoken(embed, decoder, head, hn, length, keeps_state=False), dim=1)


@spoken_alone.mistake("The decoder begins from zeros and knows nothing of the encoder: its first state is `hn`.")
def _from_zeros(embed, decoder, head, hn, length):
    return torch.stack(_spoken(embed, decoder, head, torch.zeros_like(hn), length), dim=1)


@spoken_alone.mistake(
    "Your first column is the start token. Nobody said it: the first token that counts is the answer to it."
)
def _start_returned(embed, decoder, head, hn, length):
    return torch.stack([torch.full((hn.shape[1],), START), *_spoken(embed, decoder, head, hn, length)], dim=1)


@spoken_alone.mistake(
    "Your first column is the start token, and the last token is missing for it. Nobody said the start."
)
def _start_instead(embed, decoder, head, hn, length):
    return torch.stack([torch.full((hn.shape[1],), START), *_spoken(embed, decoder, head, hn, length - 1)], dim=1)


@spoken_alone.mistake(
    "The tokens are right, with the steps first. The exercise asks for `(N, length)`, a row for each sample."
)
def _steps_by_samples(embed, decoder, head, hn, length):
    return torch.stack(_spoken(embed, decoder, head, hn, length))


@spoken_alone.mistake(
    "The decoder is given a token for each sample and no time axis, so it takes the samples for the steps of one "
    "sequence. One step is an axis of length 1."
)
def _no_time_axis(embed, decoder, head, hn, length):
    return decoder(embed(torch.full((hn.shape[1],), START)), hn)


@spoken_alone.mistake(
    "`argmax` along axis 1 looks for the largest logit among the *steps*, of which there is one. The classes are the "
    "last axis."
)
def _along_steps(embed, decoder, head, hn, length):
    state, said = hn, []
    heard = torch.full((hn.shape[1], 1), START)
    for _ in range(length):
        output, state = decoder(embed(heard), state)
        heard = head(output).argmax(dim=1)
        said.append(heard)
    return torch.cat(said, dim=1)


@spoken_alone.mistake(
    "The tokens are right, with an axis of 1 behind. Each round's `(N, 1)` has its time axis: join them along it."
)
def _axis_behind(embed, decoder, head, hn, length):
    return torch.stack(_spoken(embed, decoder, head, hn, length), dim=1)[..., None]


@spoken_alone.mistake("The tokens are right, as a list of rounds. Join them along time into one tensor.")
def _list_of_rounds(embed, decoder, head, hn, length):
    return [said[:, None] for said in _spoken(embed, decoder, head, hn, length)]


@spoken_alone.mistake(
    "The start token is there once, and the state has `N` samples: every sample hears a token of its own, so `(N, 1)` "
    "of them."
)
def _one_start(embed, decoder, head, hn, length):
    return decoder(embed(torch.full((1, 1), START)), hn)


@spoken_alone.mistake(
    "Token ids are integers. `torch.zeros` makes floating-point numbers if it is not told a dtype, and an embedding "
    "cannot look these up."
)
def _floating_tokens(embed, decoder, head, hn, length):
    return embed(torch.zeros(hn.shape[1], 1))
