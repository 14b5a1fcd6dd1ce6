"""What a call of a recurrent layer is: its tensors axis by axis, its slices, its problems, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unrolled.diagnosis.report import Report
from unrolled.missing_torch import require_torch
from unrolled.shapes import (
    BatchedCall,
    Call,
    Layer,
    PackedCall,
    TensorShape,
    UnbatchedCall,
    UnknownCall,
    slices,
)
from unrolled.text import counted

if TYPE_CHECKING:  # the package is imported where there is no torch
    import torch

    from unrolled.diagnosis.problem import Problem
    from unrolled.diagnosis.traceback.frames import Traceback

__all__ = ["Report", "call_problems", "call_tensors", "explain"]


def explain(module: torch.nn.Module, input: Any, hx: Any = None, lengths: Any = None) -> Report:
    """Report on `module(input, hx)` without running it.

    Args:
        module: an `nn.RNN`, `nn.LSTM`, `nn.GRU` or one of their cells.
        input: (L, N, H_in), (N, L, H_in) with `batch_first=True`, (L, H_in), or a `PackedSequence`;
            for a cell (N, H_in) or (H_in). Anything else becomes a problem, not an exception.
        hx: h_0, or for an LSTM the pair (h_0, c_0).
        lengths: the number of time steps of each sample of a padded input; the report is then about
            packing it (`enforce_sorted=False`), running it, and padding the result back. A
            `PackedSequence` brings its own, and a cell has none.

    Raises:
        TypeError: `module` is not a recurrent layer.
        MissingTorchError: PyTorch is not installed.

    Example:
        >>> explain(nn.GRU(4, 5), torch.zeros(3, 2, 4))
        nn.GRU(4, 5) reads a batch: axis 0 is L = 3 time steps, axis 1 is N = 2 samples (batch_first=False).
        …
    """
    require_torch("explain")
    from torch._C import DisableTorchFunction

    with DisableTorchFunction():  # a subclass may refuse to be asked, and a default device is not that of the layer
        return _report(module, input, hx, lengths)


def _report(module: torch.nn.Module, input: Any, hx: Any, lengths: Any) -> Report:
    from unrolled.diagnosis.rules.inputs import read
    from unrolled.diagnosis.rules.lengths import data_problem, pack_problems

    layer = Layer.of(module)
    call = read(layer, input)
    problems = call_problems(module, input, hx, lengths)
    packs = lengths is not None and isinstance(call, BatchedCall)
    if packs and isinstance(call, BatchedCall):
        wrong = pack_problems(input, lengths, layer.batch_first, enforce_sorted=False)
        problems += wrong or filter(None, [data_problem(call, input, lengths)])
    return Report(
        layer=layer.source(),
        reads=_reads(call),
        code=_code(call, hx is not None, packs),
        tensors=tuple(call_tensors(call, input, hx) + _parameters(layer, module)),
        slices=tuple(slices(call, ragged=packs or isinstance(call, PackedCall))),
        problems=tuple(problems),
    )


def call_problems(
    module: torch.nn.Module, input: Any, hx: Any = None, lengths: Any = None, trace: Traceback | None = None
) -> list[Problem]:
    """What is wrong with `module(input, hx)`: what PyTorch raises, in the order of its checks, then the rest.

    Of `lengths` only their number is looked at: they say that the input is, or should be, a batch. `trace` shows what
    is around a call that failed.
    """
    from unrolled.diagnosis.rules import inputs as rules
    from unrolled.diagnosis.rules.hidden_state import state_problems
    from unrolled.diagnosis.rules.lengths import input_steps, length_list, padding_problem, swapped_padding_problem
    from unrolled.diagnosis.values import features_of

    layer = Layer.of(module)
    call = rules.read(layer, input)
    weight = rules.weight_of(module)
    wrong_axes = rules.input_axes(layer, call, input, hx, weight)
    if wrong_axes:
        return [wrong_axes]
    if isinstance(call, UnknownCall):
        return []
    if isinstance(call, UnbatchedCall) and rules.is_quantised(module):
        return [rules.quantised_axes(layer, call)]
    data = features_of(input)
    states = state_problems(call, input, hx, weight, trace, module)
    features = list(rules.input_features(layer, call, data, alone=hx is None))
    if rules.are_ids(layer, call, data):
        features = []  # the axis H_in comes with the embedding, which the problem of the dtype asks for
    dtype = list(rules.input_dtype(layer, call, data, weight, alone=hx is None))
    if layer.is_cell:
        first = [problem for problem in states if not isinstance(problem.raises, RuntimeError | None)]
        checked = first + features + [problem for problem in states if problem not in first] + dtype
    else:
        first = [problem for problem in states if problem.code in ("state-type", "state-pair", "state-axes")]
        checked = first + dtype + features + [problem for problem in states if problem not in first]
    checked += rules.input_device(data, weight)
    checked += rules.input_layout(layer, call, data)
    checked += input_steps(layer, call, data, hx, "" if trace is None else trace.targets(""))
    padding = swapped_padding_problem(call, data) or (None if lengths is not None else padding_problem(call, data))
    if padding is not None and not any(problem.code == padding.code for problem in checked):
        checked.append(padding)
    samples = None if lengths is None else len(length_list(lengths) or [])
    return checked + list(rules.silent_problems(module, call, hx, samples))


def call_tensors(call: Call, input: Any, hx: Any = None) -> list[TensorShape]:
    """The tensors of a call with the sizes of those that are given."""
    from unrolled.diagnosis.rules.hidden_state import initial_states
    from unrolled.diagnosis.values import features_of, has_sizes

    given = {shape.name: shape.sizes for shape in initial_states(call, hx)}
    if has_sizes(input):
        given["input"] = given["input.data"] = tuple(features_of(input).shape)
    return [TensorShape(shape.name, shape.axes, given.get(shape.name)) for shape in call.tensors()]


def _parameters(layer: Layer, module: torch.nn.Module) -> list[TensorShape]:
    sizes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    return [TensorShape(shape.name, shape.axes, sizes.get(shape.name)) for shape in layer.parameters()]


def _reads(call: Call) -> str:
    if call.layer.is_cell:
        return "reads one time step" + (f" of N = {counted(call.N, 'sample')}." if call.N is not None else ".")
    if isinstance(call, UnbatchedCall):
        return f"reads one sequence: axis 0 is L = {counted(call.L, 'time step')}, and there is no axis N."
    if not isinstance(call, BatchedCall | PackedCall):
        return "reads (N, L, H_in)." if call.layer.batch_first else "reads (L, N, H_in)."
    N, L = f"N = {counted(call.N, 'sample')}", f"L = {counted(call.L, 'time step')}"
    if isinstance(call, PackedCall):
        return f"reads a packed batch: {N}, {L} at most."
    if call.layer.batch_first:
        return f"reads a batch: axis 0 is {N}, axis 1 is {L}."
    return f"reads a batch: axis 0 is {L}, axis 1 is {N} (batch_first=False)."


def _code(call: Call, given: bool, packs: bool) -> str:
    first = ", batch_first=True" if call.layer.batch_first else ""
    results = "output, (hn, cn)" if call.layer.has_cell_state else "output, hn"
    if call.layer.is_cell:
        results = "hn, cn" if call.layer.has_cell_state else "hn"
    source = "packed" if packs else "input"
    lines = [f"{results} = module({source}, hx)" if given else f"{results} = module({source})"]
    if packs:
        lines.insert(0, f"packed = pack_padded_sequence(input, lengths{first}, enforce_sorted=False)")
    if packs or isinstance(call, PackedCall):
        lines.append(f"output, lengths = pad_packed_sequence(output{first}, total_length={call.L})")
    return "\n".join(lines)
