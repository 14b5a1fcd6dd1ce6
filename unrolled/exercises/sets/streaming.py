"""The second capstone: a predictor that reads its input as it comes, and says what it would say offline."""

import random
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from unrolled.exercises.comparison import agree
from unrolled.exercises.exercise import ExerciseSet, distinct
from unrolled.exercises.results import Result, results_of

EXERCISES = ExerciseSet("streaming")
KINDS = (nn.RNN, nn.LSTM, nn.GRU)
State = torch.Tensor | tuple[torch.Tensor, torch.Tensor]


def _each(state: State, change) -> State:
    """`change` of a state, or of both parts of an LSTM's."""
    return tuple(map(change, state)) if isinstance(state, tuple) else change(state)


def _layer(rng: random.Random, H_in: int, H: int) -> nn.RNNBase:
    """A stack of a random kind. Half of them are LSTMs, so that hardly any draw is without one."""
    return rng.choice((nn.LSTM, nn.LSTM, nn.GRU, nn.RNN))(H_in, H, rng.randint(1, 3), batch_first=True)


@EXERCISES.predict(
    hints=[
        "What a layer has to be handed is its state. Which of the state's axes belong to one stream?",
        "For one stream there is a vector of `hidden_size` numbers for each layer, and an LSTM has a second such "
        "state beside it.",
    ]
)
def numbers_kept():
    x = torch.zeros(1, 1000, 6)
    _, hn = nn.GRU(6, 8, num_layers=2, batch_first=True)(x)
    _, (h, c) = nn.LSTM(6, 8, num_layers=2, batch_first=True)(x)
    return hn.numel(), h.numel() + c.numel()


numbers_kept.mistake("That is one layer's state. Every layer of the stack goes on from where it was.", lambda: (8, 16))
numbers_kept.mistake(
    "That is what all four streams need together. The question is about each of them.", lambda: (64, 128)
)
numbers_kept.mistake(
    "The GRU is right. An LSTM goes on from two states, and only one of them shows in `output`.", lambda: (16, 16)
)
numbers_kept.mistake(
    "You keep the states of all steps. The next step reads the last one alone, and everything before acts through it.",
    lambda: (16000, 32000),
)
numbers_kept.mistake(
    "You keep the input. What a layer knows of the steps that it has read is in its state.", lambda: (6000, 6000)
)
numbers_kept.mistake("The LSTM is right. A GRU has gates too, and yet a single state.", lambda: (32, 32))
numbers_kept.mistake(
    "Those are shapes. How many numbers are in them, and how many of these belong to one of the four streams?",
    lambda: ((2, 4, 8), (2, 4, 8)),
)


def _cut(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, list[int]]:
    """A batch and lengths of two to four chunks, not all alike, that sum up to its own."""
    N, H_in, H = distinct(rng, 3)
    lengths = [rng.randint(1, 3) for _ in range(rng.randint(2, 4))]
    lengths[0] = lengths[-1] % 3 + 1
    return _layer(rng, H_in, H), torch.randn(N, sum(lengths), H_in), lengths


@EXERCISES.write(
    draw=_cut,
    hints=[
        "`x.split(lengths, dim=1)` gives the chunks. What does each call need from the one before, and what does the "
        "first one need?",
        "Begin with `state = None`, let every call return the next `state`, and collect the outputs in a list.",
    ],
)
def run_in_chunks(layer, x, lengths):
    return layer(x)


def _chunks_run(layer, chunks, handed=lambda first, last: last):
    """The outputs of the chunks and the last state.

    `handed` gets two states: the one after the first chunk and the one after the chunk that was read last.
    """
    outputs, states = [], [None]
    for chunk in chunks:
        output, state = layer(chunk, handed(states[min(1, len(states) - 1)], states[-1]))
        outputs.append(output)
        states.append(state)
    return outputs, states[-1]


@run_in_chunks.mistake(
    "Each chunk starts from zeros: the layer keeps nothing between two calls. Hand it the state of the call before."
)
def _none_handed(layer, x, lengths):
    outputs, state = _chunks_run(layer, x.split(lengths, dim=1), lambda first, last: None)
    return torch.cat(outputs, dim=1), state


@run_in_chunks.mistake(
    "Every chunk goes on from the end of the *first* one. The state has to be the one that the last call returned."
)
def _first_handed(layer, x, lengths):
    outputs, state = _chunks_run(layer, x.split(lengths, dim=1), lambda first, last: first)
    return torch.cat(outputs, dim=1), state


@run_in_chunks.mistake(
    "The state is right, and your output is that of the last chunk. Collect them all, and join them along time."
)
def _last_output(layer, x, lengths):
    outputs, state = _chunks_run(layer, x.split(lengths, dim=1))
    return outputs[-1], state


@run_in_chunks.mistake(
    "The output is right, and it is all you return. Whoever reads on after the last chunk needs the state as well."
)
def _output_alone(layer, x, lengths):
    return torch.cat(_chunks_run(layer, x.split(lengths, dim=1))[0], dim=1)


@run_in_chunks.mistake(
    "`split` cuts along the first axis unless it is told another, and that is the batch here. Time is axis 1."
)
def _batch_split(layer, x, lengths):
    outputs, state = _chunks_run(layer, x.split(lengths))
    return torch.cat(outputs, dim=1), state


@run_in_chunks.mistake(
    "You join the outputs along the first axis, which is the batch. Chunks follow each other in time, so join along "
    "axis 1."
)
def _batch_joined(layer, x, lengths):
    outputs, state = _chunks_run(layer, x.split(lengths, dim=1))
    return torch.cat(outputs), state


@run_in_chunks.mistake(
    "The output is right as a list of chunks. One call of the layer returns one tensor: join them along time."
)
def _list_of_outputs(layer, x, lengths):
    return _chunks_run(layer, x.split(lengths, dim=1))


@run_in_chunks.mistake(
    "The end of a slice is a place in the sequence, not a length: a chunk that begins at `start` ends at `start` plus "
    "its length."
)
def _length_for_end(layer, x, lengths):
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    chunks = (x[:, start:length] for start, length in zip(starts, lengths, strict=True))
    outputs, state = _chunks_run(layer, chunks)
    return torch.cat(outputs, dim=1), state


@run_in_chunks.mistake(
    "The RNN and the GRU are right. An LSTM begins with two states, and you made one tensor of zeros. What do you "
    "hand over if the layer is to make its own?"
)
def _one_tensor_of_zeros(layer, x, lengths):
    zeros = torch.zeros(layer.num_layers, len(x), layer.hidden_size)
    outputs, state = _chunks_run(layer, x.split(lengths, dim=1), lambda first, last: zeros if last is None else last)
    return torch.cat(outputs, dim=1), state


@run_in_chunks.mistake(
    "Each chunk is taken from the beginning of `x`. `x.split(lengths, dim=1)` cuts one after the other."
)
def _from_the_beginning(layer, x, lengths):
    state, outputs = None, []
    for length in lengths:
        output, state = layer(x[:, :length], state)
        outputs.append(output)
    return torch.cat(outputs, dim=1), state


def _batch(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor]:
    N, L, H_in, H = distinct(rng, 4)
    return _layer(rng, H_in, H), torch.randn(N, L, H_in)


@EXERCISES.mend(
    draw=_batch,
    hints=[
        "Print the shape of `x[:, t]`. How does a layer read a tensor with two axes?",
        "`x[:, t:t+1]` keeps the time axis. And `state` is given a value in each round: who reads it?",
        "The step that comes back is `(N, 1, H)`. Take its time axis away before you stack, or join the steps with "
        "`torch.cat`.",
    ],
)
def one_at_a_time(layer, x):
    return layer(x)[0]


@one_at_a_time.mistake("No time axis and no state.", given=True)
def _samples_as_steps(layer, x):
    return torch.stack([layer(x[:, t])[0] for t in range(x.shape[1])], dim=1)


@one_at_a_time.mistake(
    "The state is handed on now, from the last sample of a step to the first of the next one: the layer takes your "
    "samples for the steps of one sequence."
)
def _samples_as_steps_carried(layer, x):
    state, steps = None, []
    for t in range(x.shape[1]):
        step, state = layer(x[:, t], state)
        steps.append(step)
    return torch.stack(steps, dim=1)


@one_at_a_time.mistake(
    "The samples are apart now. But every step starts from zeros: `state` is set in each round, and nobody reads it."
)
def _state_unread(layer, x):
    return torch.cat([layer(x[:, [t]])[0] for t in range(x.shape[1])], dim=1)


@one_at_a_time.mistake(
    "`x[:, t:]` is not one step: it goes from `t` to the end, and so does the state that you hand on."
)
def _to_the_end(layer, x):
    state, steps = None, []
    for t in range(x.shape[1]):
        step, state = layer(x[:, t:], state)
        steps.append(step[:, 0])
    return torch.stack(steps, dim=1)


@one_at_a_time.mistake(
    "The numbers are right, with a time axis of 1 in every step and the axis of `stack` beside it. Join the steps "
    "along the axis that they have."
)
def _stacked(layer, x):
    return layer(x)[0].unsqueeze(2)


@one_at_a_time.mistake(
    "The numbers are right, with time first. The layer has `batch_first=True`, and so should the result."
)
def _time_first(layer, x):
    return layer(x)[0].transpose(0, 1)


@EXERCISES.explain(
    hints=[
        "The backward direction begins at step 7 and walks to the left. Where does it come from when it arrives at "
        "step 3?",
        "Offline its state at step 3 comes from step 4. When the first chunk is read, step 4 has not come.",
    ]
)
def needs_for_backward():
    both, x = nn.GRU(4, 5, batch_first=True, bidirectional=True), torch.rand(3, 8, 4)
    whole = both(x)[0][:, :4]
    from_the_end = both(x[:, 4:])[1]
    future_known = torch.allclose(
        both(x[:, :4], from_the_end * torch.tensor([0.0, 1.0])[:, None, None])[0], whole, atol=1e-6
    )
    from_zeros = torch.allclose(both(x[:, :4])[0], whole, atol=1e-6)
    return "b" if future_known and not from_zeros else "c"


needs_for_backward.mistake(
    "What is carried comes out of the first chunk, too late to change it. And its backward half is what that "
    "direction knew at step 0, in whatever order.",
    lambda: "a",
)
needs_for_backward.mistake(
    "The first chunk had zeros: no state was given to it. They are right where the sequence ends, and there the first "
    "chunk does not end.",
    lambda: "c",
)
needs_for_backward.mistake(
    "Chunks do round differently, and `assert_close` allows for that. Half of these numbers are off by far more.",
    lambda: "d",
)


def _ended(rng: random.Random) -> tuple[State, torch.Tensor]:
    """A state of two layers or more, and some samples, neither none nor all, that begin anew."""
    num_layers, N, H = distinct(rng, 3)
    # With gradients, as before the backward() of the chunk that left it: what writes into it raises.
    h, c = (torch.randn(num_layers, N, H, requires_grad=True) for _ in range(2))
    begins = torch.zeros(N, dtype=torch.bool)
    begins[rng.sample(range(N), rng.randint(1, N - 1))] = True
    return (h, c) if rng.random() < 0.5 else h, begins


@EXERCISES.write(
    draw=_ended,
    hints=[
        "A product with 0 or 1 clears a row or leaves it. Which axis of a state has the rows, and which axes does the "
        "mask lack?",
        "`begins` has to become `(1, N, 1)`: `begins[None, :, None]`. With `~` it says who goes on.",
        "An LSTM's state is a tuple: clear the same rows in both parts, and return a tuple.",
    ],
)
def begin_anew(state, begins):
    def cleared(part):
        rows = [torch.zeros_like(part[:, i]) if begins[i] else part[:, i] for i in range(len(begins))]
        return torch.stack(rows, dim=1)

    return _each(state, cleared)


@begin_anew.mistake("Now everybody begins anew. The samples that go on keep their state.")
def _everybody(state, begins):
    return _each(state, torch.zeros_like)


@begin_anew.mistake("The other way round: you cleared the samples that go on, and kept the state of those that begin.")
def _other_way(state, begins):
    return _each(state, lambda part: part * begins[None, :, None])


@begin_anew.mistake("The mask lies along the first axis, and that counts layers. The samples are the second axis.")
def _along_layers(state, begins):
    return _each(state, lambda part: part * ~begins[:, None, None])


@begin_anew.mistake(
    "A mask `(N,)` is laid along the *last* axis, and that counts units. Give it an axis behind, so that it lies "
    "along the samples."
)
def _along_units(state, begins):
    return _each(state, lambda part: part * ~begins)


@begin_anew.mistake("You picked along the first axis, and that counts layers. The samples are the second axis.")
def _indexed_layers(state, begins):
    def cleared(part):
        part = part.clone()
        part[begins] = 0
        return part

    return _each(state, cleared)


@begin_anew.mistake(
    "A GRU's state is right. In an LSTM's tuple you cleared `h`, and the sample that begins still has the cell state "
    "of somebody else."
)
def _cells_kept(state, begins):
    return (state[0] * ~begins[:, None], state[1]) if isinstance(state, tuple) else state * ~begins[:, None]


@begin_anew.mistake(
    "The samples that begin are gone from the state. They stay in the batch, so each of them keeps its row, full of "
    "zeros."
)
def _left_out(state, begins):
    return _each(state, lambda part: part[:, ~begins])


@begin_anew.mistake(
    "The bottom layer is right. The layers above it have a state as well, and it has to be cleared too."
)
def _bottom_cleared(state, begins):
    def cleared(part):
        part = part.clone()
        part[0, begins] = 0
        return part

    return _each(state, cleared)


@begin_anew.mistake(
    "One tensor is right. An LSTM's state is a tuple, which cannot be multiplied or written into as a tensor can: "
    "take its two parts one by one.",
    matches=lambda arguments, result: isinstance(arguments[0], tuple) and _raised(result).startswith("TypeError"),
)
def _tuple_as_tensor(state, begins):
    return state * ~begins[None, :, None]


@begin_anew.mistake(
    "A tuple is right. Where the state is one tensor, a loop over it goes through its layers, and you return a tuple "
    "of them."
)
def _layers_for_parts(state, begins):
    return tuple(part * ~begins[None, :, None] for part in state)


@begin_anew.mistake(
    "You write into the state that the layer has returned, and the chunk before may still need it for its "
    "`backward()`. Make a new tensor, by a product or with `torch.where`, or write into a `clone()`.",
    matches=lambda arguments, result: "is being used in an in-place operation" in _raised(result),
)
def _written_into(state, begins):
    def cleared(part):
        part[:, begins] = 0
        return part

    return _each(state, cleared)


@begin_anew.mistake(
    "Your function returns nothing, so whoever calls it is handed None. Return the state.",
    matches=lambda arguments, result: (
        result is None or (isinstance(arguments[0], tuple) and _raised(result).startswith("TypeError"))
    ),
)
def _nothing_returned(state, begins):
    return None


def _raised(result: Result) -> str:
    """The exception as `Type: message`; empty where there was none."""
    error = result.get("raised") if isinstance(result, dict) else None
    return f"{error['type']}: {error['message']}" if error else ""


def _training_chunk(rng: random.Random) -> tuple[nn.RNNBase, nn.Linear, torch.Tensor, torch.Tensor, State]:
    N, L, H_in, H, C = distinct(rng, 5)
    layer = _layer(rng, H_in, H)
    _, state = layer(torch.randn(N, 3, H_in))
    return layer, nn.Linear(H, C), torch.randn(N, L, H_in), torch.randn(N, L, C), state


def _with_history(result: Result) -> list[bool] | None:
    """Which parts of the returned state still have a history; None where there is no state to look at."""
    if not (isinstance(result, list) and len(result) == 2):
        return None
    parts = result[1] if isinstance(result[1], list) else [result[1]]
    return [part["tensor"]["requires_grad"] for part in parts if isinstance(part, dict) and "tensor" in part]


def _right_numbers(arguments: tuple, result: Result) -> bool:
    return agree(results_of(trained_chunk.reference, [arguments])[0], result)


def _state_history(*histories: list[bool]):
    def matches(arguments: tuple, result: Result) -> bool:
        return _with_history(result) in histories and _right_numbers(arguments, result)

    return matches


@EXERCISES.write(
    draw=_training_chunk,
    accepts=_state_history([False], [False, False]),
    cases=12,
    hints=[
        "The chunk goes on from `state`. After `backward()` the gradient is at `layer.weight_hh_l0.grad`.",
        "The state that you return still remembers how it was computed. `detach()` gives the same numbers without "
        "that memory.",
        "A tuple has no `detach`: detach each of its two parts and return a tuple.",
    ],
)
def trained_chunk(layer, head, x, y, state):
    return _trained(layer, head, x, y, state, lambda state: _each(state, torch.Tensor.detach))


def _trained(layer, head, x, y, state, end):
    output, state = layer(x, state)
    F.mse_loss(head(output), y).backward()
    return layer.weight_hh_l0.grad, end(state)


@trained_chunk.mistake(
    "The numbers are right. The state that you return holds the graph of this chunk, and the next `backward()` would "
    "walk into it. Cut its history.",
    matches=_state_history([True], [True, True]),
)
def _uncut(layer, head, x, y, state):
    return _trained(layer, head, x, y, state, lambda state: state)


@trained_chunk.mistake(
    "The numbers are right, and one part of the LSTM's state is cut. The other part still holds this chunk's graph.",
    matches=_state_history([True, False], [False, True]),
)
def _half_cut(layer, head, x, y, state):
    return _trained(
        layer,
        head,
        x,
        y,
        state,
        lambda state: (state[0].detach(), state[1]) if isinstance(state, tuple) else state.detach(),
    )


@trained_chunk.mistake(
    "This chunk starts from zeros. It goes on from `state`, which is where the chunk before has ended."
)
def _state_unused(layer, head, x, y, state):
    return _trained(layer, head, x, y, None, lambda state: _each(state, torch.Tensor.detach))


@trained_chunk.mistake(
    "You return the state that you were given. The next chunk goes on from the one that this call returned."
)
def _state_given(layer, head, x, y, state):
    return _trained(layer, head, x, y, state, lambda after: state)


@trained_chunk.mistake("You return zeros for the state. Cutting the history keeps the numbers.")
def _state_zeros(layer, head, x, y, state):
    return _trained(
        layer, head, x, y, state, lambda state: _each(state, lambda part: torch.zeros_like(part, requires_grad=False))
    )


@trained_chunk.mistake("The first thing you return is the loss. The exercise asks for the gradient of `weight_hh_l0`.")
def _loss_returned(layer, head, x, y, state):
    output, state = layer(x, state)
    return F.mse_loss(head(output), y), _each(state, torch.Tensor.detach)


@trained_chunk.mistake(
    "The gradient that you return is None. Either nothing came back into the layer (was `backward()` called, on a "
    "loss that still hangs on the layer?), or you asked another tensor than the weight for its `.grad`.",
    matches=lambda arguments, result: isinstance(result, list) and len(result) == 2 and result[0] is None,
)
def _no_gradient(layer, head, x, y, state):
    output, state = layer(x, state)
    F.mse_loss(head(output.detach()), y).backward()
    return layer.weight_hh_l0.grad, _each(state, torch.Tensor.detach)


@trained_chunk.mistake(
    "The gradient is that of the summed errors. The exercise asks for their mean, which is what `mse_loss` gives."
)
def _summed_errors(layer, head, x, y, state):
    output, state = layer(x, state)
    F.mse_loss(head(output), y, reduction="sum").backward()
    return layer.weight_hh_l0.grad, _each(state, torch.Tensor.detach)


@trained_chunk.mistake(
    "An LSTM is right. Where the state is one tensor, a loop over it goes through its layers, and you return a tuple "
    "of them."
)
def _layers_detached(layer, head, x, y, state):
    return _trained(layer, head, x, y, state, lambda state: tuple(part.detach() for part in state))


def _piece(rng: random.Random) -> tuple[nn.RNNBase, nn.Linear, torch.Tensor, State | None]:
    """A step, a chunk of one step or a longer chunk, at the beginning of the streams or later."""
    N, L, H_in, H, C = distinct(rng, 5)
    layer, state = _layer(rng, H_in, H), None
    if rng.random() < 0.6:
        _, state = layer(torch.randn(N, 3, H_in))
    shape = rng.choice(((N, H_in), (N, 1, H_in), (N, L, H_in)))
    return layer, nn.Linear(H, C), torch.randn(shape), state


@EXERCISES.write(
    draw=_piece,
    hints=[
        "`piece.dim()` tells a step from a chunk. What does a step lack, and where does that axis belong?",
        "`piece.unsqueeze(1)` makes a chunk of a step. The head reads `output`, so it answers at every step of the "
        "chunk.",
        "If it was a step, take the time axis away again: `[:, 0]`. If it was a chunk, it keeps its axis, even when "
        "that is 1 long.",
    ],
)
def predicted_piece(layer, head, piece, state):
    output, after = layer(piece.view(len(piece), -1, piece.shape[-1]), state)
    return head(output).view(*piece.shape[:-1], -1), after


def _as_chunk(piece):
    return piece[:, None] if piece.dim() == 2 else piece


def _as_given(piece, predictions):
    return predictions[:, 0] if piece.dim() == 2 else predictions


@predicted_piece.mistake(
    "A step has two axes, and the layer reads these as one sequence: your samples are its steps. It lacks a time axis "
    "of length 1."
)
def _step_as_sequence(layer, head, piece, state):
    output, after = layer(piece, state)
    return head(output), after


@predicted_piece.mistake(
    "Chunks are right. For a step you return a time axis that it did not have: `(N, C)` is asked for."
)
def _axis_kept(layer, head, piece, state):
    output, after = layer(_as_chunk(piece), state)
    return head(output), after


@predicted_piece.mistake(
    "Steps and longer chunks are right. A chunk of one step, `(N, 1, H_in)`, has a time axis, and `squeeze` took that "
    "away too."
)
def _squeezed(layer, head, piece, state):
    output, after = layer(_as_chunk(piece), state)
    return head(output).squeeze(1), after


@predicted_piece.mistake(
    "That is one prediction for the whole chunk, from its last state. The head reads `output`, and answers at every "
    "step."
)
def _last_prediction(layer, head, piece, state):
    output, after = layer(_as_chunk(piece), state)
    return head(output[:, -1]), after


@predicted_piece.mistake("`state` is not read: every piece begins from zeros.")
def _forgetful(layer, head, piece, state):
    output, after = layer(_as_chunk(piece))
    return _as_given(piece, head(output)), after


@predicted_piece.mistake("The predictions are right. Return the state as well, or nobody can go on from here.")
def _no_state(layer, head, piece, state):
    return _as_given(piece, head(layer(_as_chunk(piece), state)[0]))


@predicted_piece.mistake(
    "The state is right. You return what the layer says, `H` wide. The head makes a prediction of it."
)
def _headless(layer, head, piece, state):
    output, after = layer(_as_chunk(piece), state)
    return _as_given(piece, output), after


@predicted_piece.mistake(
    "A step's time axis went to the front. With `batch_first=True` the batch stays in front and time is axis 1."
)
def _axis_in_front(layer, head, piece, state):
    output, after = layer(piece[None] if piece.dim() == 2 else piece, state)
    return head(output)[0] if piece.dim() == 2 else head(output), after


def _streams(rng: random.Random) -> tuple[nn.RNNBase, nn.Linear, list[torch.Tensor], list[torch.Tensor]]:
    """Four or five pieces, of which the first begins everywhere and at least one later one begins for some."""
    N, H_in, H, C = distinct(rng, 4, 2, 5)
    lengths = [0, rng.randint(1, 3), rng.randint(1, 3), *(rng.randint(0, 3) for _ in range(rng.randint(1, 2)))]
    rng.shuffle(lengths)
    pieces = [torch.randn((N, L, H_in) if L else (N, H_in)) for L in lengths]
    begins = [torch.ones(N, dtype=torch.bool)] + [
        torch.tensor([rng.random() < 0.3 for _ in range(N)]) for _ in pieces[1:]
    ]
    begins[2] = torch.tensor([row == 0 for row in range(N)])
    return _layer(rng, H_in, H), nn.Linear(H, C), pieces, begins


@EXERCISES.write(
    draw=_streams,
    cases=12,
    hints=[
        "Three things happen with each piece, in this order: some rows begin anew, the piece is read, its predictions "
        "go into a list. What is carried from piece to piece?",
        "Before the first piece there is no state to clear: `state = None`. From the second on, `begin_anew(state, "
        "begins)` comes before `predicted_piece`.",
        "The predictions of a step are `(N, C)`. Give them a time axis, so that `torch.cat` can join them with the "
        "others along axis 1.",
    ],
)
def streamed_predictions(layer, head, pieces, begins):
    whole = torch.cat([_as_chunk(piece) for piece in pieces], dim=1)
    at = torch.tensor([0, *(_as_chunk(piece).shape[1] for piece in pieces)]).cumsum(0).tolist()
    rows = []
    for row in range(len(whole)):
        cuts = [start for start, new in zip(at, begins, strict=False) if new[row]] + [at[-1]]
        rows.append(torch.cat([head(layer(whole[row, start:stop])[0]) for start, stop in pairwise(cuts)]))
    return torch.stack(rows)


def _streamed(
    layer, head, pieces, begins, *, before=begin_anew.reference, after=lambda state, begins: state, read=_as_chunk
):
    """The loop of the last exercise. `before` and `after` a piece may change the state."""
    state, predictions = None, []
    for piece, new in zip(pieces, begins, strict=True):
        state = before(state, new) if state is not None else None
        output, state = layer(read(piece), state)
        state = after(state, new)
        predictions.append(head(output))
    return predictions


def _unchanged(state, begins):
    return state


@streamed_predictions.mistake(
    "Nobody ever begins anew: a new sequence goes on from the state of the one that was in its row before."
)
def _never_anew(layer, head, pieces, begins):
    return torch.cat(_streamed(layer, head, pieces, begins, before=_unchanged), dim=1)


@streamed_predictions.mistake(
    "A row is cleared one piece too late. It begins *with* the piece, so clear it before the piece is read."
)
def _cleared_after(layer, head, pieces, begins):
    return torch.cat(_streamed(layer, head, pieces, begins, before=_unchanged, after=begin_anew.reference), dim=1)


@streamed_predictions.mistake("When one row begins, all of them lose their state. The others go on.")
def _all_cleared(layer, head, pieces, begins):
    def cleared(state, begins):
        return _everybody(state, begins) if begins.any() else state

    return torch.cat(_streamed(layer, head, pieces, begins, before=cleared), dim=1)


@streamed_predictions.mistake("No state is carried: every piece begins from zeros, in every row.")
def _nothing_carried(layer, head, pieces, begins):
    return torch.cat(_streamed(layer, head, pieces, begins, before=_everybody), dim=1)


@streamed_predictions.mistake(
    "The RNN and the GRU are right. In an LSTM the rows that begin still have the cell state of the sequence before "
    "them."
)
def _cell_carried(layer, head, pieces, begins):
    return torch.cat(_streamed(layer, head, pieces, begins, before=_cells_kept), dim=1)


@streamed_predictions.mistake(
    "The rows that begin and those that go on are exchanged: `begins` is True where a new sequence begins."
)
def _exchanged(layer, head, pieces, begins):
    return torch.cat(_streamed(layer, head, pieces, begins, before=_other_way), dim=1)


@streamed_predictions.mistake(
    "Those are the predictions of the last piece. The exercise asks for all steps, joined along time."
)
def _last_piece(layer, head, pieces, begins):
    return _streamed(layer, head, pieces, begins)[-1]


@streamed_predictions.mistake(
    "The predictions of a step are `(N, C)`, those of a chunk `(N, L, C)`. They can be joined when a step has a time "
    "axis, of length 1."
)
def _axes_differ(layer, head, pieces, begins):
    predictions = _streamed(layer, head, pieces, begins)
    return torch.cat([_as_given(piece, each) for piece, each in zip(pieces, predictions, strict=True)], dim=1)


@streamed_predictions.mistake(
    "Before the first piece there is no state, and nothing to clear: a call without a state begins from zeros in "
    "every row.",
    matches=lambda arguments, result: "NoneType" in _raised(result),
)
def _nothing_cleared(layer, head, pieces, begins):
    return None * begins[0]
