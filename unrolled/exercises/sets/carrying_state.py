"""Carrying state: what a call hands to the next one, which rows it belongs to, and where its history is cut."""

import random

import torch
from torch import nn
from torch.nn import functional as F

from unrolled.exercises.exercise import KEEPS_ORDER, ExerciseSet, distinct

EXERCISES = ExerciseSet("carrying-state")
KINDS = (nn.RNN, nn.LSTM, nn.GRU)
State = torch.Tensor | tuple[torch.Tensor, ...]


@EXERCISES.predict(
    hints=[
        "Chunks of different lengths take the same state. Which axis can it not have, then?",
        "`output` has the chunk's own `L`, here 1. The state is one vector for each layer and each sample, layers "
        "first.",
    ]
)
def last_chunk_shapes():
    layer, state = nn.GRU(6, 8, num_layers=2, batch_first=True), None
    for chunk in torch.zeros(4, 9, 6).split(4, dim=1):
        before = state
        output, state = layer(chunk, before)
    return tuple(output.shape), tuple(before.shape)


last_chunk_shapes.mistake(
    "The state is right. A call returns the steps of its own chunk, and the last chunk is one step long: nothing is "
    "added to the earlier ones.",
    lambda: ((4, 9, 8), (2, 4, 8)),
)
last_chunk_shapes.mistake(
    "The state is right. A chunk of one step still has its time axis, and so has its `output`.",
    lambda: ((4, 8), (2, 4, 8)),
)
last_chunk_shapes.mistake(
    "The output is right. `batch_first` does not touch the state: layers come first, the batch second.",
    lambda: ((4, 1, 8), (4, 2, 8)),
)
last_chunk_shapes.mistake(
    "The output is right. The state has a row for each layer, and this stack has two.", lambda: ((4, 1, 8), (1, 4, 8))
)
last_chunk_shapes.mistake(
    "The output is right. A state has three axes, of which the first counts layers.", lambda: ((4, 1, 8), (4, 8))
)
last_chunk_shapes.mistake(
    "The output is right. A state has no time axis: it belongs to one moment. Its second axis is the batch.",
    lambda: ((4, 1, 8), (2, 1, 8)),
)
last_chunk_shapes.mistake(
    "The state is right. With `batch_first=True` the batch comes first in `output`, then time.",
    lambda: ((1, 4, 8), (2, 4, 8)),
)


def _two_pieces(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, torch.Tensor]:
    """A stack and one batch in two pieces, with all sizes different."""
    N, first, second, H_in, H = distinct(rng, 5)
    layer = rng.choice(KINDS)(H_in, H, rng.randint(1, 3), batch_first=True)
    return layer, torch.randn(N, first, H_in), torch.randn(N, second, H_in)


@EXERCISES.write(
    draw=_two_pieces,
    hints=[
        "A layer remembers nothing between two calls. What of the first call has to be handed to the second?",
        "`layer(first)` returns a pair. Its second part is the state, of the kind that this layer takes: hand it on "
        "as it is.",
    ],
)
def second_half(layer, first, second):
    return layer(torch.cat([first, second], dim=1))[0][:, first.shape[1] :]


@second_half.mistake(
    "Without a state this call starts from zeros: the layer has kept nothing of `first`. Hand over what the first "
    "call returned."
)
def _nothing_handed_on(layer, first, second):
    return layer(second)[0]


@second_half.mistake("That is the call's whole result, `output` and the state. The exercise asks for `output`.")
def _whole_result(layer, first, second):
    return layer(second, layer(first)[1])


@second_half.mistake("That is the output of both pieces, laid end to end. The exercise asks for the steps of `second`.")
def _both_pieces(layer, first, second):
    return layer(torch.cat([first, second], dim=1))[0]


@second_half.mistake("That is the state that `second` ends in. The exercise asks for `output`, every step of it.")
def _final_state(layer, first, second):
    return layer(second, layer(first)[1])[1]


@second_half.mistake(
    "You handed on the first part of the first call's result, and that is `output`. The state is the second part, "
    "with a row for each layer."
)
def _output_handed_on(layer, first, second):
    return layer(second, layer(first)[0])[0]


@second_half.mistake(
    "An index, `[0]` or `[-1]`, takes the state apart: what is left is one layer of an RNN or a GRU, and `h` or `c` "
    "of an LSTM. Hand all of it on."
)
def _last_part(layer, first, second):
    return layer(second, layer(first)[1][-1])[0]


@second_half.mistake(
    "The last step of `output` is the top layer's hidden state, and no more. The call has returned a state with every "
    "layer in it."
)
def _last_step_handed_on(layer, first, second):
    return layer(second, layer(first)[0][:, -1][None])[0]


@second_half.mistake(
    "Only an LSTM returns a pair of states. You need not look into the state at all: hand it on as it came."
)
def _unpacked(layer, first, second):
    _, (hn, cn) = layer(first)
    return layer(second, (hn, cn))[0]


@second_half.mistake(
    "An LSTM's state is the pair `(h, c)`, and you hand it on as `(c, h)`. The shapes are the same, so nothing "
    "complains."
)
def _exchanged_pair(layer, first, second):
    _, state = layer(first)
    return layer(second, state[::-1] if isinstance(state, tuple) else state)[0]


@second_half.mistake(
    "Right for an RNN and a GRU. An LSTM carries cell states too, and yours begin the second half as zeros."
)
def _cells_from_zeros(layer, first, second):
    _, state = layer(first)
    return layer(second, (state[0], torch.zeros_like(state[0])) if isinstance(state, tuple) else state)[0]


@second_half.mistake("Right for an RNN and a GRU. An LSTM takes `(h, c)`, and you hand it `h` twice.")
def _hidden_for_cells(layer, first, second):
    _, state = layer(first)
    return layer(second, (state[0], state[0]) if isinstance(state, tuple) else state)[0]


@second_half.mistake("The pieces are exchanged: you read `second` first, and return the steps of `first`.")
def _pieces_exchanged(layer, first, second):
    return layer(first, layer(second)[1])[0]


@EXERCISES.predict(
    hints=[
        "`detach` changes no number. So which input steps can move the *value* of step 7?",
        "On its way back a gradient goes from step to step until it meets the cut. In which chunk does step 7 lie, "
        "and where does that begin?",
    ]
)
def crosses_the_cut():
    layer, x = nn.RNN(2, 4, batch_first=True), torch.rand(1, 9, 2, requires_grad=True)

    def in_chunks(cut):
        state, outputs = None, []
        for chunk in x.split(3, dim=1):
            output, state = layer(chunk, state)
            state = state.detach() if cut else state
            outputs.append(output)
        return torch.cat(outputs, dim=1)

    return tuple(
        torch.autograd.grad(in_chunks(cut)[0, 7].sum(), x)[0].abs().sum(dim=2)[0].nonzero().flatten().tolist()
        for cut in (False, True)
    )


crosses_the_cut.mistake(
    "You have the two lists exchanged: numbers cross the cut, gradients do not.", lambda: ([6, 7], list(range(8)))
)
crosses_the_cut.mistake(
    "The values are right. The gradient of step 7 does not go back through all of them: `detach` ends its way at the "
    "beginning of a chunk.",
    lambda: (list(range(8)), list(range(8))),
)
crosses_the_cut.mistake(
    "The gradients are right. `detach` leaves the state's numbers as they are, and through these the earlier chunks "
    "still act on step 7.",
    lambda: ([6, 7], [6, 7]),
)
crosses_the_cut.mistake(
    "A state at step 7 has not read step 8, though it lies in the same chunk: nothing comes from there, and no "
    "gradient goes there.",
    lambda: (list(range(9)), [6, 7, 8]),
)
crosses_the_cut.mistake(
    "The values are right. Step 8 comes after step 7, so no gradient of step 7 goes there.",
    lambda: (list(range(8)), [6, 7, 8]),
)
crosses_the_cut.mistake(
    "The values are right. Inside its chunk the gradient does go back in time, to the step where the chunk begins.",
    lambda: (list(range(8)), [7]),
)
crosses_the_cut.mistake(
    "The values are right. Chunks of three steps are 0 to 2, 3 to 5 and 6 to 8: look again in which of them step 7 "
    "lies.",
    lambda: (list(range(8)), [5, 6, 7]),
)


crosses_the_cut.mistake(
    "A state at step 7 has read step 7 itself, so that step is in both lists.", lambda: (list(range(7)), [6])
)
crosses_the_cut.mistake(
    "The right steps. Write the lists rising, so that the check can compare them.", lambda: (list(range(8)), [7, 6])
)

crosses_the_cut.mistake(
    "The gradients are right. The state brings the numbers of all earlier steps to step 7.",
    lambda: ([7], [6, 7]),
)

crosses_the_cut.mistake(
    "Steps count from 0 here: the chunk of step 7 begins with step 6.",
    lambda: (list(range(1, 9)), [7, 8]),
)

crosses_the_cut.mistake(
    "The exercise asks for two lists of steps, not for how many there are.",
    lambda: (8, 2),
)


def _text(rng: random.Random) -> tuple[torch.Tensor, int]:
    """Token ids that do not quite fill their columns."""
    steps, rows = distinct(rng, 2, 3, 8)
    return torch.randint(0, 100, (steps * rows + rng.randint(1, rows - 1),)), rows


@EXERCISES.mend(
    draw=_text,
    hints=[
        "Call it with `torch.arange(12)` and 3 columns, and read the first column from top to bottom. What should it "
        "be?",
        "`view` fills row by row. Which shape puts consecutive tokens next to each other in memory, one long run for "
        "each column?",
        "`view(rows, -1)` cuts the text into `rows` long runs, one in each row. They have to be the columns.",
    ],
)
def columns_of_text(tokens, rows):
    steps = len(tokens) // rows
    return torch.stack([tokens[row * steps : (row + 1) * steps] for row in range(rows)], dim=1)


@columns_of_text.mistake("Consecutive tokens lie side by side.", given=True, if_changed=KEEPS_ORDER)
def _side_by_side(tokens, rows):
    return tokens[: len(tokens) // rows * rows].view(-1, rows)


@columns_of_text.mistake(
    "The runs of text are right, and are the rows: this is `(rows, steps)`, batch first. The exercise asks for time "
    "first, so transpose them."
)
def _lying(tokens, rows):
    return tokens[: len(tokens) // rows * rows].view(rows, -1)


@columns_of_text.mistake(
    "Transposed, the given tensor has the same mistake: `view(-1, rows)` has already spread the text across the "
    "columns."
)
def _given_turned(tokens, rows):
    return tokens[: len(tokens) // rows * rows].view(-1, rows).t()


@columns_of_text.mistake(
    "The layout is right. The tokens left over are those at the *end* of the text; you dropped as many from its "
    "beginning."
)
def _front_dropped(tokens, rows):
    return tokens[len(tokens) % rows :].view(rows, -1).t()


@columns_of_text.mistake(
    "The layout is right. Where the tokens do not fill the columns, the last ones have to be left off first."
)
def _nothing_left_off(tokens, rows):
    return tokens.view(rows, -1).t()


@EXERCISES.explain(
    hints=[
        "Follow the second `backward()`. It starts at `total`. Which losses is `total` made of?",
        "After the first pass, `total` is the first loss, and its graph has been freed by then. In the second pass "
        "`total` is that plus the second loss.",
    ]
)
def who_holds_the_graph():
    def fails(detached: bool, summed: bool) -> bool:
        layer, state, total = nn.GRU(4, 5, batch_first=True), None, 0
        try:
            for chunk in torch.rand(3, 8, 4).split(4, dim=1):
                output, state = layer(chunk, state)
                state = state.detach() if detached else state
                total = total + output.sum() if summed else output.sum()
                total.backward()
        except RuntimeError:
            return True
        return False

    return "c" if fails(detached=True, summed=True) and not fails(detached=True, summed=False) else "a"


who_holds_the_graph.mistake(
    "The state is the usual cause, and here it is innocent: `detach()` has cut its history, so no gradient goes from "
    "the second chunk into the first that way.",
    lambda: "a",
)
who_holds_the_graph.mistake(
    "It makes no difference where between two calls the state is detached: what is handed to the second call has no "
    "history.",
    lambda: "b",
)
who_holds_the_graph.mistake(
    "No optimizer runs here, so the weights are as they were. And weights overwritten in place give another message, "
    "of an inplace operation.",
    lambda: "d",
)

who_holds_the_graph.mistake(
    'Answer with the letter of an option, in quotes, such as "a".',
    lambda: "total",
)


def _rows(rng: random.Random) -> tuple[State, list[int]]:
    """A state of five samples or more, and two to four of them: not the first ones, and not in rising order."""
    num_layers, H = distinct(rng, 2, 2, 4)
    N = rng.randint(5, 7)
    rows = rng.sample(range(N), rng.randint(2, 4))
    while rows == sorted(rows) or max(rows) < num_layers or sorted(rows) == list(range(len(rows))):
        rows = rng.sample(range(N), rng.randint(2, 4))
    h, c = torch.randn(2, num_layers, N, H)
    return (h, c) if rng.random() < 0.5 else h, rows


@EXERCISES.write(
    draw=_rows,
    hints=[
        "Which axis of a state is the batch? `h[:, rows]` picks along the second axis, and a list of indices keeps "
        "its order.",
        "An LSTM's state is a tuple: ask with `isinstance(state, tuple)`, and give back a tuple, both parts with the "
        "same rows.",
    ],
)
def rows_that_go_on(state, rows):
    parts = state if isinstance(state, tuple) else (state,)
    picked = [torch.stack([part[:, row] for row in rows], dim=1) for part in parts]
    return tuple(picked) if isinstance(state, tuple) else picked[0]


def _each(state, change):
    return tuple(map(change, state)) if isinstance(state, tuple) else change(state)


@rows_that_go_on.mistake(
    "You pick along the first axis of a state, and that counts layers. The samples are the second axis."
)
def _layers_picked(state, rows):
    return _each(state, lambda part: part[rows])


@rows_that_go_on.mistake("Those are as many rows, and the first ones of the batch. `rows` says which.")
def _first_rows(state, rows):
    return _each(state, lambda part: part[:, : len(rows)])


@rows_that_go_on.mistake(
    "The rows are right, in rising order. Row `i` of the new state belongs to the sequence `rows[i]`: keep the order "
    "of the list."
)
def _sorted_rows(state, rows):
    return _each(state, lambda part: part[:, sorted(rows)])


@rows_that_go_on.mistake(
    "A GRU's state is right. An LSTM's is a tuple of two tensors: its cell state goes with the same rows, and both "
    "are handed on as a tuple."
)
def _h_alone(state, rows):
    return (state[0] if isinstance(state, tuple) else state)[:, rows]


@rows_that_go_on.mistake(
    "A GRU's state is right. Of an LSTM's tuple you picked rows of `h` and left `c` as it was: it still has all of "
    "them."
)
def _c_forgotten(state, rows):
    return (state[0][:, rows], state[1]) if isinstance(state, tuple) else state[:, rows]


@rows_that_go_on.mistake(
    "A tuple is right. Where the state is one tensor, a loop over it goes through its layers, each `(N, H)`."
)
def _layers_for_parts(state, rows):
    return tuple(part[:, rows] for part in state)


@rows_that_go_on.mistake(
    "One tensor is right. An LSTM's state is a tuple, which cannot be indexed as a tensor can: take its two parts one "
    "by one.",
    matches=lambda arguments, result: isinstance(arguments[0], tuple) and "TypeError" in str(result),
)
def _tuple_as_tensor(state, rows):
    return state[:, rows]


@rows_that_go_on.mistake(
    "The rows that have ended are zeros now, and still there. The next batch holds those of `rows` alone, in "
    "that order."
)
def _ended_cleared(state, rows):
    def cleared(part):
        kept = torch.zeros_like(part)
        kept[:, rows] = part[:, rows]
        return kept

    return tuple(map(cleared, state)) if isinstance(state, tuple) else cleared(state)


@rows_that_go_on.mistake("A GRU's state is right. In an LSTM's tuple you exchanged the two: `h` comes first.")
def _halves_exchanged(state, rows):
    return (state[1][:, rows], state[0][:, rows]) if isinstance(state, tuple) else state[:, rows]


def _recording(rng: random.Random) -> tuple[nn.RNNBase, nn.Linear, torch.Tensor, torch.Tensor, int, int]:
    """Two chunks and two epochs. Half of the layers are LSTMs, so that hardly any draw is without one."""
    steps, N, H_in, H = distinct(rng, 4, 2, 5)
    layer = rng.choice((nn.LSTM, nn.LSTM, nn.GRU, nn.RNN))(H_in, H, batch_first=True)
    return layer, nn.Linear(H, 1), torch.randn(N, 2 * steps, H_in), torch.randn(N, 2 * steps), steps, 2


def _detached(state):
    return _each(state, torch.Tensor.detach)


def _trained(
    layer,
    head,
    x,
    y,
    steps,
    epochs,
    *,
    cut=_detached,
    at_epoch=True,
    at_chunk=False,
    zero=True,
    retain=False,
    whole=True,
    squeeze=True,
) -> list[float]:
    """The loop of the last exercise, with its mistakes as options. `cut` detaches a state."""
    optimizer = torch.optim.SGD([*layer.parameters(), *(head.parameters() if whole else ())], lr=0.1)
    losses, state = [], None
    for _ in range(epochs):
        state = None if at_epoch else state
        for chunk, target in zip(x.split(steps, dim=1), y.split(steps, dim=1), strict=True):
            output, state = layer(chunk, None if at_chunk else state)
            state = cut(state)
            loss = F.mse_loss(head(output).squeeze(-1) if squeeze else head(output), target)
            if zero:
                optimizer.zero_grad()
            loss.backward(retain_graph=retain)
            optimizer.step()
            losses.append(loss.item())
    return losses


@EXERCISES.write(
    draw=_recording,
    cases=12,
    hints=[
        "Two loops: over the epochs, and in it over the chunks: `zip(x.split(steps, dim=1), y.split(steps, dim=1))`. "
        "Where in them does the state begin anew?",
        "An epoch begins with `state = None`. After each call the state is detached, an LSTM's in both parts, before "
        "it is handed to the next chunk.",
        "For each chunk: the layer, `head(output).squeeze(-1)`, the loss, `zero_grad`, `backward`, `step`, and "
        "`loss.item()` into a list.",
    ],
)
def losses_of_tracks(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs)


@losses_of_tracks.mistake(
    "The state still holds the graph of the chunk before, and the second `backward()` walks into it. Cut the history, "
    "keep the numbers."
)
def _not_cut(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, cut=lambda state: state)


@losses_of_tracks.mistake(
    "`retain_graph=True` keeps the first chunk's graph, and the optimizer has overwritten the weights that it was "
    "computed with. Cut the history instead."
)
def _retained(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, cut=lambda state: state, retain=True)


@losses_of_tracks.mistake(
    "The RNN and the GRU are right. An LSTM has two states, and the gradient that you stopped in `h` goes on through "
    "`c`."
)
def _half_cut(layer, head, x, y, steps, epochs):
    return _trained(
        layer,
        head,
        x,
        y,
        steps,
        epochs,
        cut=lambda state: (state[0].detach(), state[1]) if isinstance(state, tuple) else state.detach(),
    )


@losses_of_tracks.mistake(
    "Each chunk starts from zeros. The rows go on from chunk to chunk, so their state has to be handed on."
)
def _restarted(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, at_chunk=True)


@losses_of_tracks.mistake(
    "The first epoch is right. The second starts with the state in which the first one ended: the end of the "
    "recording. Its beginning does not come after its end."
)
def _epoch_carried(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, at_epoch=False)


@losses_of_tracks.mistake(
    "The gradients of the earlier chunks are still in `.grad`, and `backward()` adds to them. Empty them before each "
    "one."
)
def _added_up(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, zero=False)


@losses_of_tracks.mistake(
    "The first loss is right. Then the layer has learned and the head has not: the optimizer has to be given the "
    "parameters of both."
)
def _head_left_out(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, whole=False)


@losses_of_tracks.mistake(
    "An LSTM is right. Where the state is one tensor, a loop over it goes through its layers and makes a tuple, which "
    "an RNN or a GRU does not take."
)
def _always_a_tuple(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, cut=lambda state: tuple(part.detach() for part in state))


@losses_of_tracks.mistake(
    "The head answers in shape `(N, steps, 1)`, the targets are `(N, steps)`, and the error compares shape by shape. "
    "Drop the last axis, by name."
)
def _axis_too_many(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs, squeeze=False)


@losses_of_tracks.mistake("You give a loss for each epoch. The exercise asks for one for each chunk.")
def _of_epochs(layer, head, x, y, steps, epochs):
    losses = torch.tensor(_trained(layer, head, x, y, steps, epochs))
    return losses.view(epochs, -1).mean(dim=1).tolist()


@losses_of_tracks.mistake("That is the last loss. The exercise asks for the list of all of them.")
def _last_loss(layer, head, x, y, steps, epochs):
    return _trained(layer, head, x, y, steps, epochs)[-1]


@losses_of_tracks.mistake("The losses are right, as a tensor. The exercise asks for a list of numbers.")
def _as_tensor(layer, head, x, y, steps, epochs):
    return torch.tensor(_trained(layer, head, x, y, steps, epochs))
