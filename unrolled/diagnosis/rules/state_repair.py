"""Lines that bring initial states to the sizes of a call. None drops what a computation made: it goes on flowing."""

from __future__ import annotations

from collections.abc import Sequence

from unrolled.diagnosis.rules.hidden_state_errors import GivenState
from unrolled.diagnosis.rules.state_source import StateSource
from unrolled.shapes import KnownCall, Layer, PackedCall

NEW_ZEROS = "hx = None"


def batch_source(call: KnownCall) -> str:
    """An expression for N that holds for the next batch too."""
    if isinstance(call, PackedCall):
        return "input.batch_sizes[0]"
    return f"input.size({0 if call.layer.is_cell else call.batch_axis})"


def zeros(call: KnownCall, state: GivenState) -> str:
    """A state of zeros for this call, whose N is read from the input."""
    source = "input.data" if isinstance(call, PackedCall) else "input"
    sizes = [batch_source(call) if axis.name == "N" else str(axis.size) for axis in state.axes]
    return f"{source}.new_zeros({', '.join(sizes)})"


def states_fix(call: KnownCall, states: Sequence[GivenState], source: StateSource) -> str:
    """One line that repairs all states of a call; empty where only dropping a computed state would."""
    names = ["hx[0]", "hx[1]"] if len(states) == 2 else ["hx"]
    if any(parts_along_layers(state, source) for state in states) and not source.is_zeros:
        return ""  # the other rows are in another part
    changes = [_repair(call, state, source) for state in states]
    if None in changes and not source.is_zeros:
        return ""
    if all(change is None or state.wrong for state, change in zip(states, changes, strict=True)) and None in changes:
        return NEW_ZEROS
    if len(states) == 2 and changes[0] == changes[1] and changes[0]:
        return f"hx = tuple({changes[0].format('state')} for state in hx)"
    values = [
        zeros(call, state) if change is None else change.format(name)
        for state, name, change in zip(states, names, changes, strict=True)
    ]
    return f"hx = ({', '.join(values)})" if len(states) == 2 else f"hx = {values[0]}"


def parts_along_layers(state: GivenState, source: StateSource) -> int:
    """Among how many parts a state was divided along its axis of layers, as its sizes show; 0 where it was not."""
    got, needed = state.sizes, state.needed
    if exact_change(state, source) is not None:
        return 0
    if len(got) != 3 or len(needed) != 3 or 0 in got or 0 in needed or got[2] != needed[2] or needed[0] % got[0]:
        return 0
    parts = needed[0] // got[0]
    return parts if parts > 1 and got[1] == parts * needed[1] else 0


def is_width_for_batch(size: int, needed: int, width: int, source: StateSource) -> bool:
    """Whether a batch may have been made as large as the states of `size` samples are wide, where frames are seen."""
    return bool(source.counts) and not source.is_zeros and 0 < size < needed == width and needed % size != 0


def has_batch_in_front(state: GivenState, source: StateSource) -> bool:
    """Whether a state has N in front of its layers: by its graph, its maker or the N of the call."""
    sizes, needed, maker = state.sizes, state.needed, source.layer
    if len(sizes) != 3 or len(needed) != 3:
        return False
    if source.is_transposed is not None:
        return source.is_transposed
    if sizes[0] == sizes[1] or sizes[1] == needed[1]:
        return False
    rows = 0 if maker is None or maker.is_cell else maker.D * maker.num_layers
    if rows in sizes[:2]:
        return sizes[1] == rows
    return sizes[0] == needed[1]


def exact_change(state: GivenState, source: StateSource) -> str | None:
    """The method calls that give a state its needed sizes without new values; None if there are none."""
    sizes = state.sizes
    changed = {"": sizes, ".unsqueeze(0)": (1, *sizes)}
    if len(sizes) >= 1 and not source.is_one_layer:
        changed[".unsqueeze(1)"] = (sizes[0], 1, *sizes[1:])
    if sizes[:1] == (1,):
        changed[".squeeze(0)"] = sizes[1:]
    if sizes[1:2] == (1,):
        changed[".squeeze(1)"] = (sizes[0], *sizes[2:])
    if has_batch_in_front(state, source):
        changed[".transpose(0, 1).contiguous()"] = (sizes[1], sizes[0], sizes[2])
    if len(sizes) == 4:  # states of several samples, stacked
        changed[".transpose(0, 1).flatten(1, 2)"] = (sizes[1], sizes[0] * sizes[2], sizes[3])
    return next((change for change, result in changed.items() if result == state.needed), None)


def _repair(call: KnownCall, state: GivenState, source: StateSource) -> str | None:
    """An expression, with {0} for the state, that has the needed sizes; None where there is none but zeros."""
    exact = exact_change(state, source)
    if exact is not None:
        return "{0}" + exact
    if 0 in state.sizes or (source.is_zeros and not _keeps_zeros(call, state)):
        return None
    axes = _with_axes(state, source)
    if axes is None:
        return None
    expression, sizes = axes
    for axis, (got, needed) in enumerate(zip(sizes[:-1], state.needed[:-1], strict=True)):
        if got != needed:
            fit = _fit_batch if state.axes[axis].name == "N" else _fit_layers
            expression = fit(call, state, expression, axis, got, source)
            if not expression:
                return None
    if sizes[-1] != state.needed[-1]:
        expression = f"nn.Linear({sizes[-1]}, {state.needed[-1]})({expression})"
    return expression


def _keeps_zeros(call: KnownCall, state: GivenState) -> bool:
    """Whether a state of zeros shows what was meant: one sample for all, or the states of two directions."""
    if len(state.sizes) != len(state.needed):
        return False
    wrong = [axis for axis, (a, b) in enumerate(zip(state.sizes, state.needed, strict=True)) if a != b]
    if [state.axes[axis].name for axis in wrong] == ["N"]:
        return state.sizes[wrong[0]] == 1
    return wrong == [0] and of_two_directions(call.layer, state.sizes[0], state.needed[0])


def of_two_directions(layer: Layer, rows: int, needed: int) -> bool:
    """Whether a layer of one direction is given twice the rows that it needs, as a bidirectional one returns them."""
    return layer.D == 1 and not layer.is_cell and rows == 2 * needed


def _with_axes(state: GivenState, source: StateSource) -> tuple[str, tuple[int, ...]] | None:
    """The state with as many axes as it needs, and its sizes then."""
    sizes, needed = state.sizes, state.needed
    if len(sizes) == len(needed):
        if has_batch_in_front(state, source):
            return "{0}.transpose(0, 1).contiguous()", (sizes[1], sizes[0], sizes[2])
        return "{0}", sizes
    if len(sizes) == len(needed) - 1 and sizes:
        fitting = [at for at in range(len(needed) - 1) if (*needed[:at], *needed[at + 1 :])[:-1] == sizes[:-1]]
        at = fitting[0] if fitting and not source.is_one_layer else 0
        return f"{{0}}.unsqueeze({at})", (*sizes[:at], 1, *sizes[at:])
    if len(sizes) == len(needed) + 1:
        ones = [at for at, size in enumerate(sizes[:-1]) if size == 1]
        best = [at for at in ones if (*sizes[:at], *sizes[at + 1 :])[:-1] == needed[:-1]]
        if best or ones:
            at = (best or ones)[0]
            return f"{{0}}.squeeze({at})", (*sizes[:at], *sizes[at + 1 :])
        if len(sizes) == 4:  # (num_layers, D, N, H)
            return "{0}.flatten(0, 1)", (sizes[0] * sizes[1], *sizes[2:])
        if len(sizes) == 3 and len(needed) == 2:  # the states of several layers, for a cell or one sequence
            return "{0}[-1]", sizes[1:]
    return None


def _fit_batch(call: KnownCall, state: GivenState, expression: str, axis: int, got: int, source: StateSource) -> str:
    """As many samples as the input has: one for all, each for its rows, the first ones, or more of zeros."""
    needed, N, before = state.needed[axis], batch_source(call), ":, " * axis
    if got == 1:
        sizes = ["-1"] * len(state.needed)
        sizes[axis] = N
        return f"{expression}.expand({', '.join(sizes)}).contiguous()"
    if needed % got == 0:
        times = source.count_name(needed // got) or str(needed // got)
        if "device" in times:
            return ""  # the other shares' states are not here
        return f"{expression}.repeat_interleave({times}, dim={axis})"
    if got > needed:
        if got == source.whole and source.first:
            return f"{expression}[{before}{source.first}:{source.first} + {N}].contiguous()"
        return f"{expression}[{before}:{N}].contiguous()"
    if is_width_for_batch(got, needed, state.needed[-1], source):
        return ""
    return _with_zeros(expression, axis, needed - got)


def _fit_layers(call: KnownCall, state: GivenState, expression: str, axis: int, got: int, source: StateSource) -> str:
    """As many layers and directions as this layer has."""
    layer, needed = call.layer, state.needed[axis]
    maker = source.layer
    two_directions = of_two_directions(layer, got, needed)
    if maker is not None:
        two_directions = layer.D == 1 and not layer.is_cell and maker.bidirectional and got % 2 == 0
    if two_directions:
        expression, got = f"{expression}.unflatten(0, ({got // 2}, 2)).sum(1)", got // 2
    if got == needed:
        return expression
    if got > needed:
        return f"{expression}[-{needed}:]"
    if layer.D == 2 and got == layer.num_layers:
        return f"{expression}.repeat_interleave(2, dim=0)"
    if needed % got == 0:
        return f"{expression}.repeat({needed // got}, {', '.join('1' for _ in state.needed[1:])})"
    return _with_zeros(expression, axis, needed - got)


def _with_zeros(expression: str, axis: int, count: int) -> str:
    part = f"torch.zeros_like({expression}.narrow({axis}, 0, 1)).repeat_interleave({count}, dim={axis})"
    return f"torch.cat([{expression}, {part}], dim={axis})"
