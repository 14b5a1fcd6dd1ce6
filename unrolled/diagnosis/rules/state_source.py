"""Where the initial states of a call come from: zeros, another layer, a computation; and what the frames say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from unrolled.diagnosis.traceback.autograd_graph import layer_above, transposes_above, views_above
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.diagnosis.traceback.results import belongs
from unrolled.diagnosis.values import is_dense, is_tensor
from unrolled.shapes import Layer


@dataclass(frozen=True, kw_only=True)
class StateSource:
    """Where states come from, as far as their values and the frames around the call show it."""

    is_zeros: bool
    """Nothing computed them: they are zeros, and no gradient goes through them."""
    layer: Layer | None = None
    """The recurrent layer that returned them."""
    layer_name: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Whole numbers that your code names around the call, such as `beam_size`."""
    cell_state: str = ""
    """What your code calls the c that belongs to a lone h, `"cn"` or `"hidden[1]"`."""
    is_transposed: bool | None = None
    """Whether the graph shows that N is in front of the layers; None where it does not show the way."""
    is_one_layer: bool = False
    """Whether the graph shows that one of the layers was chosen, and the axis of layers is gone."""
    whole: int = 0
    """The samples of the batch that the input is a part of; 0 where it is none."""
    first: int = 0
    """Which of them is the input's first."""

    def count_name(self, number: int) -> str:
        """What your code calls this number, where the name says that it counts something: `"beam_size"`."""
        words = ("beam", "num", "n_", "size", "device", "sample", "width", "repeat", "times", "k")
        names = [name for name, value in self.counts.items() if value == number and name.lower().startswith(words)]
        names += [name for name, value in self.counts.items() if value == number and any(w in name for w in words[:5])]
        return names[0] if names else ""


def source_of_states(
    states: Sequence[Any], trace: Traceback | None, module: torch.nn.Module | None = None
) -> StateSource:
    """Where `states`, given to `module`, come from."""
    tensors = [state for state in states if is_tensor(state)]
    zeros = all(_are_zeros(state) for state in tensors)
    if trace is None or not tensors:
        return StateSource(is_zeros=zeros)
    others = [other for other in trace.recurrent_layers if other is not module]
    maker, node = None, None
    for state in tensors:
        if state.grad_fn is not None and maker is None:
            maker, node = layer_above(state.grad_fn, trace.recurrent_layers), state.grad_fn
    chosen = [view for view in views_above(node) if view.operation in ("Select", "Squeeze")] if maker else []
    is_transposed = bool(transposes_above(node) % 2) if maker else None
    if maker is None and not zeros and all(state.grad_fn is None for state in tensors):
        fitting = [other for other in others if _returns(Layer.of(other), tensors)]
        maker = fitting[0] if len({Layer.of(other) for other in fitting}) == 1 else None
    return StateSource(
        is_zeros=zeros,
        layer=None if maker is None else Layer.of(maker),
        layer_name="" if maker is None else trace.name_of(maker, ""),
        counts=_counts(trace),
        cell_state=_cell_state(tensors[0], trace) if len(tensors) == 1 else "",
        is_transposed=is_transposed,
        is_one_layer=any(view.axis == view.transposes % 2 for view in chosen),
    )


def part_of_batch(data: torch.Tensor, batch_axis: int) -> tuple[int, int]:
    """How many samples the batch has that `data` was cut out of, and which is its first: (0, 0) for a whole batch."""
    base = data._base if is_dense(data) else None
    if base is None or base.dim() != data.dim() or base.stride() != data.stride() or 0 in data.shape:
        return 0, 0
    step = data.stride(batch_axis)
    skipped = data.storage_offset() - base.storage_offset()
    others = [axis for axis in range(data.dim()) if axis != batch_axis]
    if step == 0 or skipped % step or any(base.shape[axis] != data.shape[axis] for axis in others):
        return 0, 0
    return base.shape[batch_axis], skipped // step


def _are_zeros(state: torch.Tensor) -> bool:
    """Whether nothing computed a state: numbers that cannot be read may have been."""
    return not state.requires_grad and is_dense(state) and not bool(state.any())


def _returns(layer: Layer, states: Sequence[torch.Tensor]) -> bool:
    """Whether `layer` returns states of these sizes."""
    rows, h = layer.D * layer.num_layers, states[0]
    if layer.is_cell or h.dim() not in (2, 3) or h.shape[0] != rows or h.shape[-1] != layer.H_out:
        return False
    return len(states) == 1 or (layer.has_cell_state and states[1].shape[-1] == layer.hidden_size)


def _counts(trace: Traceback) -> dict[str, int]:
    """The whole numbers above 1 that your frames name, `self`'s attributes included, innermost first."""
    counts: dict[str, int] = {}
    for frame in trace.own_frames:
        names = dict(frame.f_locals)
        own = getattr(names.get("self"), "__dict__", {})
        for name, value in [*names.items(), *((f"self.{key}", item) for key, item in own.items())]:
            if isinstance(value, int) and not isinstance(value, bool) and value > 1:
                counts.setdefault(name, value)
            elif name.endswith("device_ids") and isinstance(value, list | tuple):
                counts.setdefault(f"len({name})", len(value))
    return counts


def _cell_state(h: torch.Tensor, trace: Traceback) -> str:
    """What your code calls the c that was returned with `h`: h is c's tanh, times a gate between 0 and 1."""
    if not is_dense(h):
        return ""
    for name, value in trace.names():
        if value is not h and is_dense(value) and belongs(h, value) and bool(h.any()):
            return name
    return ""
