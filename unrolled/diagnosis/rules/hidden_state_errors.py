"""What PyTorch raises of an hx that does not fit, and what becomes of one that it does not check.

The exceptions are those of `torch.nn.RNN`, `LSTM`, `GRU` and their cells in PyTorch 2.13 on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from unrolled.diagnosis.rules.inputs import UNLIKE_QUANTISED, in_onednn, mixed_dtypes
from unrolled.diagnosis.values import features_of, is_tensor, method_error
from unrolled.shapes import BatchedStep, Call, Dim, KnownCall, PackedCall, UnbatchedStep

UNCHECKED = "PyTorch does not check this:"


@dataclass(frozen=True, kw_only=True)
class GivenState:
    """A state as it is given, beside the sizes that the call needs."""

    name: str
    axes: tuple[Dim, ...]
    sizes: tuple[int, ...]
    needed: tuple[int, ...]

    @property
    def wrong(self) -> bool:
        return self.sizes != self.needed

    @property
    def is_h(self) -> bool:
        return self.name.startswith("h")


@dataclass(frozen=True, kw_only=True)
class Raised:
    """What PyTorch raises, and how else its text can begin; nothing where it does not look."""

    error: Exception | None
    also: tuple[str, ...] = ()


def is_sorted(input: Any) -> bool:
    """Whether the layer sorts the states first, as the samples of `input` are (`enforce_sorted=False`)."""
    return getattr(input, "sorted_indices", None) is not None


def _sorted_sizes(call: PackedCall, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """A state's sizes after it is sorted with the samples: those that are too many are dropped."""
    return (sizes[0], call.N, *sizes[2:])


def first_method(call: Call, input: Any) -> str:
    """The method of a state that forward calls first."""
    return "index_select" if is_sorted(input) else "size" if isinstance(call, PackedCall) else "dim"


def _reading_raises(hx: Any, cell: bool, method: str) -> Exception | None:
    """What taking the states out of `hx`, and calling `method` on each, raises: a cell takes all, a layer two."""
    try:
        for state in hx if cell else (hx[index] for index in (0, 1)):
            if not is_tensor(state):
                return method_error(state, method)
    except Exception as error:
        return type(error)(*error.args)
    return None


def pair_raises(call: KnownCall, input: Any, hx: Any) -> Exception | None:
    """What LSTM.forward or LSTMCell.forward raises for an hx that is not a pair of tensors."""
    cell, kind, packed = call.layer.is_cell, type(hx).__name__, isinstance(call, PackedCall)
    whole = packed and not is_sorted(input)  # C++ is given hx as it is
    unpacks = not whole and (not call.has_batch_axis or not cell)  # hx[0] and hx[1] are read one by one
    if whole and not isinstance(hx, torch.Tensor):
        if not isinstance(hx, tuple | list):
            return TypeError("lstm")
        return RuntimeError("lstm") if all(map(is_tensor, hx)) else TypeError("expected Tensor as element")
    if not is_tensor(hx):
        raises = _reading_raises(hx, cell, first_method(call, input))
        if raises is None and unpacks and isinstance(hx, tuple | list) and len(hx) < 2:
            return IndexError(f"{kind} index out of range")
        return raises or (RuntimeError("lstm") if call.has_batch_axis and not packed else None)
    axes = hx.dim() - 1
    if axes < 0:
        return TypeError("iteration over a 0-d tensor") if cell else IndexError("invalid index of a 0-dim tensor")
    if cell and axes + 1 not in (2, 3):
        return ValueError(f"LSTMCell: Expected hx[0] to be 1D or 2D, got {axes}D instead")
    if not unpacks:
        return TypeError("lstm")
    if len(hx) < 2:
        return IndexError(f"index {len(hx)} is out of bounds for dimension 0 with size {len(hx)}")
    if packed:
        return IndexError("Dimension ")
    if axes == len(call.state(call.layer.dim("H_out"))):
        return TypeError("lstm() received an invalid combination of arguments")
    return RuntimeError(_axes_text(call, [axes, axes]))


def _axes_text(call: KnownCall, axes: list[int]) -> str:
    """What forward says of states that have `axes` axes each."""
    if call.layer.is_cell:
        return f"{call.layer.kind}: Expected "
    reads, number = ("batched 3-D", 3) if call.has_batch_axis else ("unbatched 2-D", 2)
    if call.layer.has_cell_state:
        got = f"({axes[0]}-D, {axes[1]}-D) tensors"
        return f"For {reads} input, hx and cx should also be {number}-D but got {got}"
    return f"For {reads} input, hx should also be {number}-D but got {axes[0]}-D tensor"


def sizes_raises(call: KnownCall, input: Any, state: GivenState, states: Sequence[GivenState]) -> Exception | None:
    """What forward raises for this state; None where torch does not check it."""
    got, want, layer = state.sizes, state.needed, call.layer
    if isinstance(call, BatchedStep | UnbatchedStep):
        return _cell_raises(call, state)
    if isinstance(call, PackedCall):
        if is_sorted(input):
            if len(got) < 2:
                return IndexError("Dimension out of range")
            if got[1] < call.N:
                return RuntimeError("INDICES element is out of DATA bounds")
            got = _sorted_sizes(call, got)
        if got == want:
            return None
        if layer.has_cell_state:
            return _packed_lstm_raises(call, input.data, state, got, states)
        return RuntimeError(f"Expected hidden size {want}, got {list(got)}")
    if any(len(other.sizes) != len(want) for other in states):
        return RuntimeError(_axes_text(call, [len(other.sizes) for other in states]))
    if not call.has_batch_axis:
        got, want = (got[0], 1, got[1]), (want[0], 1, want[1])
    name = f"hidden[{states.index(state)}]" if layer.has_cell_state else "hidden"
    return RuntimeError(f"Expected {name} size {want}, got {list(got)}")


def _packed_lstm_raises(
    call: PackedCall, data: torch.Tensor, state: GivenState, got: tuple[int, ...], states: Sequence[GivenState]
) -> Exception | None:
    """What C++ raises for a state of sizes `got` that no check looked at; None where it goes on."""
    want, is_h, layer = state.needed, state is states[0], call.layer
    if any(len(other.sizes) < 3 for other in states):
        return IndexError("Dimension ")
    widths = {other.sizes[2] for other in states}
    if (len(widths) == 2) != bool(layer.proj_size):
        return RuntimeError("got an incorrect number of RNN parameters")
    if in_onednn(call, data):
        return IndexError("select(): index") if got[0] < want[0] else None
    if states[1].sizes[0] < states[0].sizes[0]:
        return None
    if got[0] != want[0] and is_h:
        odd = layer.D == 2 and got[0] % 2 == 1
        return RuntimeError("Odd number of params" if odd else "Expected more hidden states in stacked_rnn")
    if len(got) > 3:
        return None
    if got[2] != want[2] and is_h:
        return RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    if got[1:] == want[1:]:
        return None
    if got[1] == 1 and got[2] == want[2]:  # one sample is broadcast, until that fails
        if is_h:
            return RuntimeError("output with shape")
        return RuntimeError("start (") if layer.D == 2 else None
    return RuntimeError("The size of tensor a (")


def _cell_raises(call: BatchedStep | UnbatchedStep, state: GivenState) -> Exception:
    """What a cell raises: it checks axes itself, sizes in C++."""
    layer, got = call.layer, state.sizes
    if len(got) not in (1, 2):
        name = f"hx[{'hc'.index(state.name[0])}]" if layer.has_cell_state else "hidden"
        return ValueError(f"{layer.kind}: Expected {name} to be 1D or 2D, got {len(got)}D instead")
    batch, got = (call.N, got) if isinstance(call, BatchedStep) else (1, (1, *got))
    name = f"hidden{'hc'.index(state.name[0])}"
    if got[0] != batch:
        return RuntimeError(f"Input batch size {batch} doesn't match {name} batch size {got[0]}")
    width = f" has inconsistent hidden_size: got {got[1]}, expected {layer.hidden_size}" if len(got) > 1 else ""
    return RuntimeError(name + width) if width else IndexError()


def dtype_raises(call: KnownCall, data: torch.Tensor, name: str, dtype: torch.dtype, weights: torch.dtype) -> Raised:
    """What a state of another dtype raises."""
    layer = call.layer
    if str(dtype).startswith("torch.q"):
        also = ("promoteTypes with quantized numbers",)
        return Raised(error=RuntimeError(UNLIKE_QUANTISED), also=also)
    if in_onednn(call, data):  # its own words depend on the processor; without it, a matrix product fails
        own = ("get_mkldnn_dtype: unsupported data type", "could not create a primitive")
        return Raised(error=RuntimeError(), also=(*own, mixed_dtypes(dtype, weights)))
    if name == "c_0":  # added to, element by element; what comes out meets the weights one step or layer on
        dtype = torch.promote_types(dtype, weights)
        if layer.proj_size and dtype != weights:
            return Raised(error=RuntimeError("expected m1 and m2 to have the same dtype"))
        if dtype == weights or layer.is_cell or (call.L == 1 and layer.num_layers == 1):
            return Raised(error=None)
    return Raised(error=RuntimeError(mixed_dtypes(dtype, weights)))


def unchecked(call: KnownCall, input: Any, state: GivenState) -> str:
    """What becomes of a state that does not fit and raises nothing."""
    got, want = state.sizes, state.needed
    if isinstance(call, PackedCall) and is_sorted(input):
        got = _sorted_sizes(call, got)
        if got == want:
            return "PyTorch sorts the states with the samples, and drops those that are too many."
    onednn = in_onednn(call, features_of(input))
    if len(got) == 3 and got[2] == want[2]:
        if got[0] >= want[0] and got[1] >= want[1] and (onednn or not state.is_h):
            return f"{UNCHECKED} it ignores what is too much."
        if got[0] >= want[0] and got[1] == 1 and not onednn and not state.is_h:
            return f"{UNCHECKED} it uses the one state for all samples."
    if len(got) == 3 and got[:2] == want[:2] and got[2] < want[2]:
        return f"{UNCHECKED} it reads the weights in the wrong places."
    return f"{UNCHECKED} it reads or writes memory out of bounds."
