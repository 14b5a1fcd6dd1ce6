"""Errors of `backward()` and `copy.deepcopy` that come from a graph which a recurrent layer's states carry on."""

from __future__ import annotations

from typing import Any

import torch

from unrolled.diagnosis.explain_call import call_tensors
from unrolled.diagnosis.problem import Explanation, Problem
from unrolled.diagnosis.rules.result_use import (
    changed_problem,
    copied_problem,
    detached,
    freed_problem,
    shared_problem,
)
from unrolled.diagnosis.traceback.autograd_graph import calls_in_graph, cell_calls, layer_above, nodes_above
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.shapes import Layer, TensorShape


def second_backward(trace: Traceback) -> Explanation | None:
    """`backward()` through a state that was carried from an earlier call."""
    frame = trace.frame_of(torch.autograd.backward)
    losses = [] if frame is None else [loss for loss in frame.f_locals["tensors"] if loss.grad_fn is not None]
    nodes = [loss.grad_fn for loss in losses]
    for module in trace.recurrent_layers if nodes else ():
        layer = Layer.of(module)
        changed = changed_problem(layer).is_raised_as(trace.error)
        if not (changed or freed_problem(layer, True).is_raised_as(trace.error)):
            continue
        problem = _cell_problem(trace, module, nodes, changed) if layer.is_cell else None
        if not layer.is_cell:
            graph = calls_in_graph(nodes, module)
            if graph.calls > 1 and (graph.carried or not changed):
                problem = changed_problem(layer) if changed else freed_problem(layer, graph.carried)
                if not changed and graph.carried is False:
                    problem = _shared_problem(trace, layer, losses) or problem
        if problem is not None:
            names = ("h_1", "c_1") if layer.is_cell else ("h_n", "c_n")
            tensors = call_tensors(layer.read(None), None)
            return Explanation(
                heading=f"{layer.source()}, called more than once in this graph:",
                tensors=tuple(shape for shape in tensors if shape.name in names),
                problems=(problem,),
            )
    return None


def _cell_problem(trace: Traceback, module: torch.nn.Module, nodes: list[Any], changed: bool) -> Problem | None:
    """A cell's state carried over a `backward()`: the loss is new, and a part of its graph is freed.

    A cell is called once a step, so the number of its calls does not show it.
    """
    layer = Layer.of(module)
    new_loss = any(trace.is_made_anew(name, "backward") for name in _loss_names(trace, nodes))
    if len(cell_calls(nodes, module)) < 2 or not (_names_a_weight(trace.text, module) if changed else new_loss):
        return None
    states = [
        name
        for name, value in trace.names()
        if isinstance(value, torch.Tensor)
        and value.grad_fn is not None
        and value.dim() in (1, 2)
        and value.shape[-1] in (layer.H_out, layer.hidden_size)
        and layer_above(value.grad_fn, [module]) is module
        and name.isidentifier()
    ]
    names = states[: 2 if layer.has_cell_state else 1] or (["h", "c"] if layer.has_cell_state else ["h"])
    problem = changed_problem(layer) if changed else freed_problem(layer, True)
    return Problem(
        code=problem.code,
        raises=problem.raises,
        message=problem.message.replace("h_n and c_n", " and ".join(names)).replace("h_n", names[0]),
        why=problem.why,
        fix=detached(names),
        tensor="h_1",
    )


def _names_a_weight(text: str, module: torch.nn.Module) -> bool:
    """Whether the text shows the sizes of one of the module's weights, as it is or transposed."""
    sizes = [list(weight.shape) for weight in module.parameters()]
    return any(f"[{', '.join(map(str, size))}]" in text for own in sizes for size in (own, own[::-1]))


def _loss_names(trace: Traceback, nodes: list[Any]) -> list[str]:
    return [name for name, value in trace.names() if isinstance(value, torch.Tensor) and value.grad_fn in nodes]


def _shared_problem(trace: Traceback, layer: Layer, losses: list[torch.Tensor]) -> Problem | None:
    """A loss that is new while something that it comes from was computed once, before an earlier `backward()`."""
    nodes = [loss.grad_fn for loss in losses]
    names = [name for name in _loss_names(trace, nodes) if trace.is_made_anew(name, "backward")]
    if not names:
        return None
    place = {node: at for at, node in enumerate(nodes_above(nodes))}
    shared = [
        (place[value.grad_fn], name)
        for name, value in trace.names()
        if isinstance(value, torch.Tensor)
        and value.grad_fn in place
        and name.isidentifier()
        and not trace.is_made_anew(name)
    ]
    return shared_problem(layer, min(shared)[1], names[0]) if shared else None


def deep_copy(trace: Traceback) -> Explanation | None:
    """`copy.deepcopy` of a state, or of a module that keeps one."""
    frame = trace.frame_of(torch.Tensor.__deepcopy__)
    if frame is None or not trace.text.startswith("Only Tensors created explicitly by the user"):
        return None
    tensor = frame.f_locals["self"]
    module = layer_above(tensor.grad_fn, trace.recurrent_layers) if tensor.grad_fn is not None else None
    if module is None:
        return None
    layer = Layer.of(module)
    copied = next((f.f_locals.get("x") for f in trace.frames if f.f_globals.get("__name__") == "copy"), None)
    name, holder = _holder(trace, tensor, copied)
    problem = copied_problem(layer, name, holder, RuntimeError(trace.text))
    axes = tuple(shape.axes for shape in layer.read(None).tensors() if len(shape.axes) == tensor.dim())
    shapes = (TensorShape(name, axes[-1], tuple(tensor.shape)),) if axes else ()
    return Explanation(heading=f"{layer.source()} returned it.", tensors=shapes, problems=(problem,))


def _holder(trace: Traceback, tensor: torch.Tensor, copied: Any) -> tuple[str, Any]:
    """What your code calls the tensor, or the tuple or the module's attribute that holds it; and its value."""
    root = trace.name_of(copied, "model")
    if copied is tensor or (isinstance(copied, tuple | list) and any(item is tensor for item in copied)):
        return (root if root != "model" else "hn"), copied
    if isinstance(copied, torch.nn.Module):
        for path, module in copied.named_modules():
            for name, value in vars(module).items():
                if value is tensor or (isinstance(value, tuple | list) and any(item is tensor for item in value)):
                    return ".".join(filter(None, [root, path, name])), value
    return trace.name_of(tensor, "hn"), tensor


IN_BACKWARD = (second_backward, deep_copy)
