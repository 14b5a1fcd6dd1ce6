"""The graph that `backward` goes through: nodes, edges, and the way gradients take."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

_sequence = itertools.count()
_classes: dict[str, type[Node]] = {}

AGAIN = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)
Gradients = Sequence[Any]


class Node:
    """One operation: it turns the gradients of its results into those of its inputs.

    `saved` holds the tensors that this takes, each with its version, so that a change of one is noticed. `facts` are
    what PyTorch's nodes show as `_saved_dim` and the like.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        apply: Callable[..., Any],
        saved: Sequence[Any] = (),
        outputs: int = 1,
        **facts: Any,
    ) -> None:
        self.number = next(_sequence)
        self.next_functions = tuple(edge(tensor) for tensor in inputs)
        self.apply: Callable[..., Any] | None = apply
        self.saved = [(tensor, tensor._version) for tensor in saved]
        self.transposed: set[int] = set()
        """Which of them PyTorch saves transposed, as an error shows."""
        self.uses_saved = bool(saved)
        self.outputs = outputs
        self.shapes: list[Any] = []
        self.hooks: list[Any] = []
        self.__dict__.update({f"_saved_{name}": value for name, value in facts.items()})

    def name(self) -> str:
        """Its operation: `AddBackward0`."""
        return getattr(self, "full_name", type(self).__name__)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    def __call__(self, *gradients: Any) -> Any:
        return self.run(gradients)

    def register_hook(self, hook: Callable[..., Any]) -> None:
        """Call `hook(grad_inputs, grad_outputs)` after each run."""
        self.hooks.append(hook)

    def run(self, gradients: Gradients) -> Sequence[Any]:
        """The gradients of the inputs."""
        if self.apply is None:
            raise RuntimeError(AGAIN)
        for place, (tensor, version) in enumerate(self.saved):
            if tensor._version != version:
                raise RuntimeError(_modified(tensor, version, place in self.transposed))
        result = self.apply(*gradients)
        return result if isinstance(result, tuple) else (result,)

    def free(self) -> None:
        """Let go of what was saved."""
        if self.uses_saved:
            self.saved, self.apply = [], None


def _modified(tensor: Any, version: int, transposed: bool) -> str:
    shape = tensor.shape[::-1] if transposed else tensor.shape
    kind = f"torch.{tensor.dtype.legacy}Tensor {list(shape)}"
    node = tensor.grad_fn
    which = f", which is output {tensor._output_number} of {node.name()}," if node is not None else ""
    if transposed:
        which = ", which is output 0 of AsStrided,"
    return (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{kind}]{which} is at version {tensor._version}; expected version {version} instead. Hint: enable anomaly "
        "detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


class AccumulateGrad(Node):
    """The end of the graph: a leaf, whose gradient is added up in its `.grad`."""

    full_name = "torch::autograd::AccumulateGrad"

    def __init__(self, variable: Any) -> None:
        super().__init__((), self.accumulate)
        self.variable = variable

    def accumulate(self, gradient: Any) -> tuple[()]:
        """Add to `.grad`, which is a tensor of its own."""
        variable = self.variable
        if variable.grad is None:
            variable.grad = gradient.detach().clone() if not gradient.requires_grad else gradient
        elif gradient.requires_grad:
            variable.grad = variable.grad + gradient
        else:
            variable.grad.add_(gradient)
        return ()


def node_class(name: str) -> type[Node]:
    """The class of this name, since `type(grad_fn).__name__` is what is printed."""
    if name not in _classes:
        _classes[name] = type(name, (Node,), {})
    return _classes[name]


def edge(tensor: Any) -> tuple[Node | None, int]:
    """Where the gradient of this input goes."""
    if tensor is None or not tensor.requires_grad:
        return (None, 0)
    if tensor.grad_fn is not None:
        return (tensor.grad_fn, tensor._output_number)
    return (accumulator(tensor), 0)


def accumulator(tensor: Any) -> AccumulateGrad:
    """The node of a leaf: the same one each time."""
    if tensor._accumulator is None:
        tensor._accumulator = AccumulateGrad(tensor)
    return tensor._accumulator


class _Run:
    """One `backward`: the gradients that have come to each node so far."""

    def __init__(self, keep: bool, wanted: Sequence[tuple[Node | None, int]] | None) -> None:
        self.keep, self.wanted = keep, wanted
        self.waiting: dict[Node, list[Any]] = {}
        self.captured: dict[int, Any] = {}
        self.needed: set[Node] | None = None

    def add(self, target: tuple[Node | None, int], gradient: Any) -> None:
        node, place = target
        if node is None or gradient is None:
            return
        slots = self.waiting.setdefault(node, [None] * node.outputs)
        slots[place] = gradient if slots[place] is None else slots[place] + gradient

    def go(self, roots: Sequence[Node]) -> None:
        counts = _dependencies(roots)
        ready = [(-node.number, node) for node in dict.fromkeys(roots) if counts.get(node, 0) == 0]
        heapq.heapify(ready)
        if self.wanted is not None:
            self.needed = _needed(roots, {node for node, _ in self.wanted})
        while ready:
            _, node = heapq.heappop(ready)
            gradients = self.waiting.pop(node, None)
            results = self._step(node, gradients) if gradients is not None else (None,) * len(node.next_functions)
            for target, gradient in itertools.zip_longest(node.next_functions, results):
                if target is None or target[0] is None:
                    continue
                self.add(target, gradient)
                counts[target[0]] -= 1
                if counts[target[0]] == 0:
                    heapq.heappush(ready, (-target[0].number, target[0]))

    def _step(self, node: Node, gradients: list[Any]) -> Sequence[Any]:
        for place, gradient in enumerate(gradients):
            tensors = node.__dict__.get("retained", {}).get(place, ())
            for tensor in tensors:
                for hook in tensor._hooks or ():
                    changed = hook(gradient)
                    gradients[place] = gradient = gradient if changed is None else changed
                if tensor._retains and self.wanted is None:
                    tensor.grad = gradient.clone() if tensor.grad is None else tensor.grad + gradient
        if self.wanted is not None:
            for index, (wanted, place) in enumerate(self.wanted):
                if wanted is node and gradients[place] is not None:
                    self.captured[index] = gradients[place]
            if isinstance(node, AccumulateGrad) or node not in (self.needed or ()):
                return (None,) * len(node.next_functions)
        if isinstance(node, AccumulateGrad):
            for hook in node.variable._hooks or ():
                changed = hook(gradients[0])
                gradients[0] = gradients[0] if changed is None else changed
        result = node.run(gradients)
        if not self.keep:
            node.free()
        return result


def _dependencies(roots: Sequence[Node]) -> dict[Node, int]:
    """How many edges lead to each node from those that `roots` lead to."""
    counts: dict[Node, int] = {}
    met, waiting = set(roots), list(dict.fromkeys(roots))
    while waiting:
        for above, _ in waiting.pop().next_functions:
            if above is None:
                continue
            counts[above] = counts.get(above, 0) + 1
            if above not in met:
                met.add(above)
                waiting.append(above)
    return counts


def _needed(roots: Sequence[Node], wanted: set[Node | None]) -> set[Node]:
    """The nodes from which a wanted one can be reached."""
    needed: set[Node] = set()
    order, met, waiting = [], set(roots), list(dict.fromkeys(roots))
    while waiting:
        node = waiting.pop()
        order.append(node)
        for above, _ in node.next_functions:
            if above is not None and above not in met:
                met.add(above)
                waiting.append(above)
    for node in sorted(order, key=lambda node: node.number):
        if any(above in wanted or above in needed for above, _ in node.next_functions):
            needed.add(node)
    return needed


def run(
    tensors: Sequence[Any], gradients: Sequence[Any], keep: bool, wanted: Sequence[Any] | None = None
) -> dict[int, Any]:
    """Send `gradients` down the graph from `tensors`; what came to `wanted`, by place, where that is asked for."""
    going = _Run(keep, None if wanted is None else [edge(tensor) for tensor in wanted])
    roots = []
    for tensor, gradient in zip(tensors, gradients, strict=True):
        target = edge(tensor)
        if target[0] is None:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        going.add(target, gradient)
        roots.append(target[0])
    going.go(roots)
    return going.captured
