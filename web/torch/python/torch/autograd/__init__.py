"""`torch.autograd`: `backward`, `grad`, and whether operations are recorded."""

from __future__ import annotations

from typing import Any

from torch.autograd import graph
from torch.autograd.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

__all__ = ["backward", "enable_grad", "grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]


def _first_gradients(tensors: Any, given: Any) -> list[Any]:
    import torch

    result = []
    for tensor, gradient in zip(tensors, given, strict=True):
        if gradient is None and tensor.requires_grad:
            if tensor.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            gradient = torch.ones_like(tensor)
        elif gradient is not None and gradient.shape != tensor.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[0] has a shape of {gradient.shape} and output[0] has a shape of "
                f"{tensor.shape}."
            )
        result.append(gradient)
    return result


def _tuple(value: Any, count: int) -> tuple[Any, ...]:
    if value is None:
        return (None,) * count
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves that they come from."""
    tensors = _tuple(tensors, 1)
    gradients = _first_gradients(tensors, _tuple(grad_tensors, len(tensors)))
    keep = create_graph if retain_graph is None else retain_graph
    with set_grad_enabled(create_graph):
        graph.run(tensors, gradients, keep)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
) -> tuple[Any, ...]:
    """The gradients of `outputs` with respect to `inputs`, as a tuple; no `.grad` changes."""
    outputs, inputs = _tuple(outputs, 1), _tuple(inputs, 1)
    gradients = _first_gradients(outputs, _tuple(grad_outputs, len(outputs)))
    for tensor in inputs:
        if not tensor.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    with set_grad_enabled(create_graph):
        captured = graph.run(outputs, gradients, keep, inputs)
    if len(captured) < len(inputs) and not allow_unused:
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
            "this is the desired behavior."
        )
    return tuple(captured.get(place) for place in range(len(inputs)))


def set_detect_anomaly(mode: bool) -> None:
    """Accepted, to no effect."""
