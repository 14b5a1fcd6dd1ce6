"""Errors of what comes after a recurrent layer: normalisation, convolution, attention, CTC."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from unrolled.diagnosis.problem import Explanation
from unrolled.diagnosis.rules.heads import channels_problem, ctc_problem, layers_axis_problem
from unrolled.diagnosis.rules.result_use import misfit_problem
from unrolled.diagnosis.traceback.autograd_graph import nearest
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.diagnosis.traceback.results import UNKNOWN, made_by, result_shapes, states_in_sight
from unrolled.diagnosis.values import is_tensor
from unrolled.shapes import Layer, TensorShape

CHANNELS = (
    "running_mean should contain ",
    "weight should contain ",
    "Given groups=",
    "Expected weight to be a vector",
    "Expected number of channels in input",
)
"""How layers that read channels on axis 1 say that there are others."""
WIDTHS = ("Given normalized_shape=", "was expecting embedding dimension of ")
"""How layers that read the last axis say that it is another."""
CTC = ("input_lengths must be of size ", "target_lengths must be of size ", "Expected input_lengths to have value")
ARITHMETIC = (
    "The size of tensor a (",
    "Sizes of tensors must match except in dimension ",
    "Number of dimensions of repeat dims can not be smaller",
    "The expanded size of the tensor (",
    "expand(",
    "Tensors must have same number of dimensions",
    "Expected size for first two dimensions of batch2",
)
"""How arithmetic says that the sizes of its tensors do not fit."""


def channels(trace: Traceback) -> Explanation | None:
    """`nn.BatchNorm1d` or `nn.Conv1d` that is given (N, L, H), a layer's output, and reads (N, H, L)."""
    call = trace.call_of_module()
    if call is None or not trace.text.startswith(CHANNELS):
        return None
    head, given = call.f_locals["self"], next(iter(call.f_locals["args"]), None)
    wanted = getattr(head, "num_features", getattr(head, "in_channels", getattr(head, "num_channels", None)))
    module = made_by(trace, given)
    if module is None or not is_tensor(given) or given.dim() != 3 or given.shape[2] != wanted != given.shape[1]:
        return None
    layer = Layer.of(module)
    problem = channels_problem(
        layer,
        head=type(head).__name__,
        name=trace.name_of(given, "output"),
        head_name=trace.name_of(head, ""),
        targets=trace.targets(""),
        raises=RuntimeError(trace.text),
    )
    shapes = result_shapes(module, given, ())
    return Explanation(
        heading=f"nn.{type(head).__name__}, after {layer.source()}, is given:",
        tensors=tuple(shapes),
        problems=(problem,),
    )


def widths(trace: Traceback) -> Explanation | None:
    """`nn.LayerNorm` or `nn.MultiheadAttention` of another width than the layer before it."""
    call = trace.call_of_module()
    if call is None or not trace.text.startswith(WIDTHS):
        return None
    head, given = call.f_locals["self"], next(iter(call.f_locals["args"]), None)
    module = made_by(trace, given)
    if module is None or not is_tensor(given):
        return None
    width = given.shape[-1]
    name = trace.name_of(head, "head")
    if isinstance(head, nn.LayerNorm) and len(head.normalized_shape) == 1:
        takes, fix = head.normalized_shape[0], f"{name} = nn.LayerNorm({width})"
    elif isinstance(head, nn.MultiheadAttention):
        first = ", batch_first=True" if head.batch_first else ""
        takes, fix = head.embed_dim, f"{name} = nn.MultiheadAttention({width}, {head.num_heads}{first})"
    else:
        return None
    problem = misfit_problem(Layer.of(module), width, takes, fix, f"nn.{type(head).__name__}")
    if problem is None:
        return None
    kind = type(trace.error)
    raises = kind(trace.text) if issubclass(kind, Exception) else None
    shape = TensorShape("input", UNKNOWN * given.dim(), tuple(given.shape))
    return Explanation(
        heading=f"nn.{type(head).__name__}, after {Layer.of(module).source()}, is given:",
        tensors=(shape,),
        problems=(replace(problem, raises=raises),),
    )


def ctc(trace: Traceback) -> Explanation | None:
    """`nn.CTCLoss` of scores with N in front, as a layer with batch_first=True leaves them."""
    frame = trace.frame_of(nn.functional.ctc_loss)
    if frame is None or not trace.text.startswith(CTC):
        return None
    scores, lengths = frame.f_locals["log_probs"], frame.f_locals["input_lengths"]
    module = nearest(scores.grad_fn, trace.recurrent_layers) if scores.grad_fn is not None else None
    if module is None or scores.dim() != 3 or len(lengths) != scores.shape[0]:
        return None
    problem = ctc_problem(tuple(scores.shape), trace.name_of(scores, "log_probs"), RuntimeError(trace.text))
    shape = TensorShape(trace.name_of(scores, "log_probs"), UNKNOWN * 3, tuple(scores.shape))
    return Explanation(
        heading=f"ctc_loss, after {Layer.of(module).source()}, is given:", tensors=(shape,), problems=(problem,)
    )


def layers_axis(trace: Traceback) -> Explanation | None:
    """Arithmetic, as in attention, with states whose first axis counts layers and directions."""
    if not isinstance(trace.error, RuntimeError) or not trace.text.startswith(ARITHMETIC):
        return None
    values = [*trace.values_in_expression(), *trace.values_at_start()]
    operands = [value for value in values if isinstance(value, torch.Tensor)]
    items = [item for value in values if isinstance(value, tuple) for item in value if isinstance(item, torch.Tensor)]
    memories = [value for value in operands if value.dim() == 3]
    for layer, states in states_in_sight(trace):
        given = next((value for value in (*operands, *items) if _shows(value, states)), None)
        if given is None:
            continue
        memory = next(
            (value for value in memories if value is not given and _is_memory(trace, layer, value, states)), None
        )
        alone = trace.text.startswith(("Number of dimensions", "The expanded size", "expand("))
        if memory is None and not alone:
            continue
        pair = next(
            (value for value in values if isinstance(value, tuple) and any(item is given for item in value)), None
        )
        problem = layers_axis_problem(
            layer,
            name=trace.name_of(given if pair is None else pair, "hidden"),
            in_tuple=pair is not None,
            batch_in_front=given.shape[0] == states.shape[1] != states.shape[0],
            steps=None if memory is None or alone else _steps(trace, layer, memory),
            joins=trace.text.startswith("Sizes of tensors"),
            batch_first=layer.batch_first,
            raises=RuntimeError(trace.text),
        )
        shape = TensorShape(trace.name_of(given, "hidden"), _axes(layer, given, states), tuple(given.shape))
        return Explanation(heading=f"{layer.source()} returns:", tensors=(shape,), problems=(problem,))
    return None


def _shows(value: torch.Tensor, states: torch.Tensor) -> bool:
    """Whether `value` is `states`, or a view of them that still has all of their axes."""
    if value is states:
        return True
    same = value.dim() == 3 and value.untyped_storage().data_ptr() == states.untyped_storage().data_ptr()
    return same and sorted(value.shape) == sorted(states.shape)


def _is_memory(trace: Traceback, layer: Layer, value: torch.Tensor, states: torch.Tensor) -> bool:
    """Whether `value` has every step of a recurrent layer's output, for the samples of `states`."""
    module = made_by(trace, value)
    return module is not None and value.shape[0 if Layer.of(module).batch_first else 1] == states.shape[1]


def _steps(trace: Traceback, layer: Layer, memory: torch.Tensor) -> str:
    """An expression for the number of steps of `memory`."""
    return f"{trace.name_of(memory, 'output')}.size({1 if layer.batch_first else 0})"


def _axes(layer: Layer, given: torch.Tensor, states: torch.Tensor) -> Any:
    axes = layer.read(None).state(layer.dim("H_out"))
    return axes if given.shape == states.shape else (axes[1], axes[0], axes[2])


IN_HEADS = (channels, widths, ctc, layers_axis)
