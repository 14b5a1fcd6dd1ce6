"""What is wrong with the use of what a recurrent layer returns: in a head, in a loss, in the next call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch.nn.utils.rnn import PackedSequence

from unrolled.diagnosis.problem import Problem
from unrolled.shapes import Layer

FREED = "Trying to backward through the graph a second time"
CHANGED = "one of the variables needed for gradient computation has been modified by an inplace operation"


def freed_problem(layer: Layer, carried: bool | None) -> Problem:
    """`backward()` a second time through a layer called more than once; `carried`: None when it cannot be told.

    A call is carried when the hx of one call comes from the result of another.
    """
    pair = layer.has_cell_state
    detach = "hn, cn = hn.detach(), cn.detach()" if pair else "hn = hn.detach()"
    if not carried:
        add = "If you call backward() twice on one graph, add the losses first, and call it once."
        state = "h_n and c_n" if pair else "h_n"
        return Problem(
            code="graph-freed",
            raises=RuntimeError(FREED),
            message="This layer was called more than once in this graph, part of which backward() has freed.",
            why=add if carried is False else f"If you pass {state} on to the next call, detach between steps. {add}",
            fix="(first_loss + second_loss).backward()" + ("" if carried is False else f"  # or: {detach}"),
            tensor="output",
            likely=carried is False,
        )
    return Problem(
        code="state-carried",
        raises=RuntimeError(FREED),
        message=f"{'h_n and c_n come' if pair else 'h_n comes'} with the graph of an earlier call, which "
        "backward() has freed.",
        why="You pass the state on to the next call. Cut its graph first, at the end of each step of training.",
        fix=detach,
        tensor="h_n",
    )


def changed_problem(layer: Layer) -> Problem:
    """`backward()` through a carried state whose graph was kept, after `optimizer.step()` has changed the weights."""
    kept = freed_problem(layer, carried=True)
    verb = "come" if layer.has_cell_state else "comes"
    state = "h_n and c_n" if layer.has_cell_state else "h_n"
    return replace(
        kept,
        raises=RuntimeError(CHANGED),
        message=f"{state} {verb} with the graph of an earlier call, whose weights optimizer.step() has changed since.",
        why="retain_graph=True kept that graph; it needs the old weights. Leave it out, and cut the "
        "state's graph instead.",
    )


def detached(names: Sequence[str]) -> str:
    """A line that cuts the graph of the states with these names."""
    return f"{', '.join(names)} = {', '.join(f'{name}.detach()' for name in names)}"


def shared_problem(layer: Layer, name: str, loss: str) -> Problem:
    """A graph that shares with an earlier one, which backward() has freed, what your code calls `name`."""
    what = name or "A tensor that both losses come from"
    problem = freed_problem(layer, carried=False)
    return replace(
        problem,
        message=f"{what} was made once, and both this backward() and an earlier one go through what made it.",
        why="backward() frees the graph that it goes through, and the calls of this layer are not what is freed. "
        f"Compute {name or 'it'} anew for each backward(); or add the losses, and call backward() once; or keep the "
        "graph, as long as no optimizer changes the weights in it.",
        fix=f"{loss}.backward(retain_graph=True)",
        tensor="input",
        likely=True,
    )


def copied_problem(layer: Layer, name: str, value: object, raises: Exception) -> Problem:
    """A state of `layer`, alone or in the tuple `value`, called `name`, that copy.deepcopy meets."""
    fix = f"{name} = {name}.detach()"
    if isinstance(value, tuple | list):
        fix = f"{name} = tuple(state.detach() for state in {name})"
    return Problem(
        code="state-copied",
        raises=raises,
        message=f"{name} is a result of nn.{layer.kind}, with the graph that made it: deepcopy does not copy graphs.",
        why="A state that is kept for the next call, or with a model, is kept for its numbers: cut its graph first.",
        fix=fix,
        tensor="h_n",
    )


def misfit_problem(layer: Layer, width: int, in_features: int, fix: str, taker: str = "nn.Linear") -> Problem | None:
    """A linear map after `layer` that takes one direction, or hidden_size, and is given another width; or the reverse.

    `fix` makes the map as wide as what it is given.
    """
    H, both = layer.H_out, layer.D * layer.H_out
    raises = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    if width == both and in_features in (H, layer.hidden_size) and width != in_features:
        why = "With proj_size, output and h_n are proj_size wide."
        if layer.D == 2:
            why = "The layer is bidirectional: output holds both directions side by side."
        what, name = f"output's last axis, {'D·' * (layer.D == 2)}H_out, is {width}", "output"
    elif layer.D == 2 and width == H and in_features == both:
        what, name = f"The input's last axis is {width}, one direction's H_out", "h_n"
        why = (
            "The layer is bidirectional: hn[-2] is its forward half, hn[-1] its backward half. You probably want both."
        )
        fix = f"input = {_top(layer, 'hn')}"
    elif layer.D == 1 and width == H and in_features == 2 * H:
        what, name = f"output's last axis, H_out, is {width}", "output"
        why = "The layer has one direction. With bidirectional=True it would have two, twice as wide."
    else:
        return None
    return Problem(
        code="linear-width",
        raises=raises,
        message=f"{what}; {taker} takes {in_features}.",
        why=why,
        fix=fix,
        tensor=name,
        axis="H_out",
    )


def joined_misfit_problem(layer: Layer, width: int, in_features: int, fix: str, taker: str) -> Problem:
    """A linear map of features that are joined of several, which lacks room for one direction of `layer`."""
    return Problem(
        code="linear-width",
        raises=RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        message=f"The input's last axis is {width}; {taker} takes {in_features}, which is H_out = {layer.H_out} fewer.",
        why=f"The input is joined of several tensors. One is of {layer.source()}: its output holds two directions side "
        "by side.",
        fix=fix,
        tensor="output",
        axis="H_out",
        likely=False,
    )


def _top(layer: Layer, name: str) -> str:
    """An expression for the top layer's last states among those called `name`."""
    return f"{name}[-1]" if layer.D == 1 else f"torch.cat([{name}[-2], {name}[-1]], dim=-1)"


def flattened_problem(
    layer: Layer, name: str, sizes: tuple[int, ...], mixed: bool, in_features: int, fix: str, taker: str
) -> Problem | None:
    """States of `layer`, called `name`, flattened for a linear map that takes those of one layer, or of one direction.

    `mixed`: the numbers of several samples are in one row. `fix` makes the map as wide as the top layer's states.
    """
    rows, _, H = sizes
    if in_features not in (H, layer.D * H) or in_features == rows * H:
        return None
    why = f"{name} is (D·num_layers, N, …): axis 0 counts layers and directions, so view(N, -1) mixes samples."
    if not mixed:
        why = f"The states of all layers and directions are side by side. {taker} takes fewer: the top layer's."
    top = f"input = {_top(layer, name)}"
    return Problem(
        code="state-flattened",
        raises=RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        message=f"{name}, flattened, has {rows * H} features a sample; {taker} takes {in_features}.",
        why=why + f" (Those of all layers, sample by sample: {name}.transpose(0, 1).flatten(1).)" * mixed,
        fix=top if in_features == layer.D * H else f"{top}; {fix}",
        tensor="h_n",
        axis="N",
    )


def strides_problem(layer: Layer, name: str, transposed: bool, raises: Exception) -> Problem:
    """States of `layer`, called `name`, that `view` cannot flatten after their axes are exchanged.

    `transposed`: those called `name` have them exchanged already.
    """
    return Problem(
        code="state-strides",
        raises=raises,
        message=f"The axes of {name}, exchanged, cannot be merged as its numbers lie in memory: layers "
        "first, then samples.",
        why="transpose and permute turn the axes, not the numbers; flatten and reshape copy these into their order. "
        + ("" if transposed else f"Most heads read the top layer alone: {_top(layer, name)}."),
        fix=f"{name} = {name}.contiguous()" if transposed else f"last = {name}.transpose(0, 1).flatten(1)",
        tensor="h_n",
        axis="N",
    )


def unpacked_problem(layer: Layer, raises: Exception) -> Problem:
    """What `layer` returns, taken apart into another number of names; it raised `raises`."""
    states = "(hn, cn)" if layer.has_cell_state else "hn"
    why = "The two states of an LSTM are a pair of their own." if layer.has_cell_state else "Only an LSTM has a c_n."
    message = f"nn.{layer.kind} returns two things: output, and {states}."
    return Problem(
        code="result-unpacked",
        raises=raises,
        message=message,
        why=why,
        fix=f"output, {states} = module(input)",
        tensor="output",
    )


def viewed_problem(name: str, raises: Exception) -> Problem:
    """An output, called `name`, of a layer with batch_first=True whose axes `view` cannot merge."""
    return Problem(
        code="output-strides",
        raises=raises,
        message="output's axes N and L cannot be merged as they lie in memory, which is time first.",
        why="batch_first=True turns the axes, not the numbers. contiguous() puts these in the order of the axes.",
        fix=f"{name} = {name}.contiguous()",
        tensor="output",
        axis="N",
    )


def result_problem(given: Any, raises: Exception, batch_first: bool, nested: bool = False) -> Problem:
    """What a recurrent layer returned, given whole to something that reads its output; it raised `raises`.

    `nested`: inside an `nn.Sequential`.
    """
    if isinstance(given, PackedSequence):
        return Problem(
            code="result-packed",
            raises=raises,
            message="output is a PackedSequence; one tensor is needed here.",
            why="A packed input makes a packed output. Pad it back first.",
            fix=f"output, lengths = pad_packed_sequence(output{', batch_first=True' if batch_first else ''})",
            tensor="output",
        )
    states = "(hn, cn)" if isinstance(given[1], tuple) else "hn"
    why = "A recurrent layer returns two things. Name both, and pass on output."
    if nested:
        why = "nn.Sequential passes on all that a layer returns. Take the layer out of it, and name both things."
    return Problem(
        code="result-tuple",
        raises=raises,
        message=f"The tuple (output, {states}) is given where output alone is needed.",
        why=why,
        fix=f"output, {states} = module(input)",
        tensor="output",
    )


TO_EACH = {
    **{name: f".{name}()" for name in ("detach", "cuda", "cpu", "float", "double", "half", "clone", "contiguous")},
    "detach_": ".detach()",
    "data": ".detach()",
    "to": ".to(input.device)",
}
"""What people ask of an LSTM's pair of states, and what each of the two has."""


def state_pair_problem(attribute: str, name: str, raises: Exception) -> Problem:
    """An LSTM's (h_n, c_n), called `name`, taken for a tensor: asked for `attribute`, or for "" another thing."""
    what = f"has no {attribute}" if attribute else "is not one tensor"
    fix = f"hn, cn = {name}"
    if attribute in TO_EACH:
        fix = f"{name} = tuple(tensor{TO_EACH[attribute]} for tensor in {name})"
    why = "An LSTM carries two states. Do to each what you would do to one."
    if attribute not in TO_EACH:
        why = "An LSTM carries two states. Name both; hn is the one that output holds too."
    return Problem(
        code="state-tuple", raises=raises, message=f"(h_n, c_n) is a tuple: it {what}.", why=why, fix=fix, tensor="h_n"
    )
