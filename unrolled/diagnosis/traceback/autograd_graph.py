"""What autograd's graph shows: the calls of a recurrent layer, and which layer made a tensor."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_NODES = 20_000
"""Nodes of a graph that are read: PyTorch 2.13 ends the process when it frees a chain of some 70,000 read ones."""

MAX_HEAD_NODES = 200
"""Nodes that are read between a loss and the result of the layer: a head is small."""


@dataclass(frozen=True, kw_only=True)
class GraphCalls:
    """The calls of one layer that a graph holds."""

    calls: int
    fresh: int | None
    """How many of them start from a state of no other call; None where the graph does not show the steps."""

    @property
    def carried(self) -> bool | None:
        """Whether the hx of one call comes from the result of another; None where it cannot be told."""
        return None if self.fresh is None else self.fresh < self.calls


def calls_in_graph(nodes: Sequence[Any], module: Any) -> GraphCalls:
    """The calls of the layer `module` in the graph above `nodes`.

    weight_ih_l0 is used once in each call, weight_hh_l0 once in each of its steps. The first step of a call that
    is given no other call's state is the only one that does not come from any use of weight_ih_l0.
    """
    below: dict[Any, list[Any]] = {node: [] for node in nodes}
    waiting, calls, steps = deque(nodes), [], []
    while waiting and len(below) < MAX_NODES:
        node = waiting.popleft()
        for above, _ in node.next_functions:
            if above is None:
                continue
            variable = getattr(above, "variable", None)
            calls += [node] * (variable is module.weight_ih_l0)
            steps += [node] * (variable is module.weight_hh_l0)
            if above not in below:
                below[above] = []
                waiting.append(above)
            below[above].append(node)
    unread, from_calls, waiting = bool(waiting), set(calls), deque(calls)
    while waiting:
        new = [node for node in below[waiting.pop()] if node not in from_calls]
        from_calls.update(new)
        waiting += new
    if unread or not steps or len(set(calls)) < len(calls):
        return GraphCalls(calls=len(calls), fresh=None)
    fresh, weights = 0, set(map(id, module.parameters()))
    for step in steps:
        if step in calls:  # one node is the whole call: its state comes after its weights
            edges = [above for above, _ in step.next_functions]
            last = max(index for index, above in enumerate(edges) if id(getattr(above, "variable", None)) in weights)
            fresh += from_calls.isdisjoint(edges[last + 1 :])
        else:  # a transposed weight, used by the product of this step
            products = below[step]
            fresh += all(
                above is step or above not in from_calls for node in products for above, _ in node.next_functions
            )
    return GraphCalls(calls=len(calls), fresh=fresh)


def cell_calls(nodes: Sequence[Any], module: Any) -> list[Any]:
    """The operations of the graph above `nodes` that multiply with the hidden weights of the cell `module`."""
    met, waiting, users = set(nodes), deque(nodes), []
    while waiting and len(met) < MAX_NODES:
        node = waiting.popleft()
        for above, _ in node.next_functions:
            if above is None:
                continue
            further = [other for other, _ in above.next_functions] if above.name().startswith("TBackward") else []
            if any(getattr(other, "variable", None) is module.weight_hh for other in (above, *further) if other):
                users.append(node)
            if above not in met:
                met.add(above)
                waiting.append(above)
    return [node for node in users if not node.name().startswith("TBackward")]


def nodes_above(nodes: Sequence[Any]) -> list[Any]:
    """The operations of the graph above `nodes`, nearest first."""
    met, waiting = dict.fromkeys(nodes), deque(nodes)
    while waiting and len(met) < MAX_NODES:
        new = [above for above, _ in waiting.popleft().next_functions if above is not None and above not in met]
        met |= dict.fromkeys(new)
        waiting += new
    return list(met)


def nearest(node: Any, modules: Iterable[Any]) -> Any:
    """Of the recurrent layers `modules`, the one whose weights are nearest above `node`; None without any."""
    owners = {id(weight): module for module in modules for weight in module.parameters()}
    met, waiting = {node}, deque([node])
    while waiting and len(met) < MAX_NODES:
        for above, _ in waiting.popleft().next_functions:
            module = owners.get(id(getattr(above, "variable", None)))
            if module is not None:
                return module
            if above is not None and above not in met:
                met.add(above)
                waiting.append(above)
    return None


@dataclass(frozen=True, kw_only=True)
class View:
    """An operation that took a part of a 3-D tensor, or merged two of its axes."""

    operation: str
    """Autograd's name for it: `"Select"` for `x[-1]` and `x[:, -1]`, `"Squeeze"`, `"View"`, …."""
    sizes: tuple[int, ...]
    """The sizes of the tensor before it."""
    axis: int | None
    index: int | None
    transposes: int
    """How often two axes were exchanged between the layer's steps and here."""


def views_above(node: Any) -> Iterator[View]:
    """The views of 3-D tensors above `node`, nearest first."""
    for above in _head(node):
        sizes = tuple(getattr(above, "_saved_self_sym_sizes", ()))
        if len(sizes) == 3:
            axis, index = (_signed(getattr(above, f"_saved_{name}", None)) for name in ("dim", "index"))
            yield View(
                operation=above.name().split("Backward")[0],
                sizes=sizes,
                axis=None if axis is None else axis % 3,
                index=index,
                transposes=transposes_above(above),
            )


def transposes_above(node: Any) -> int:
    """How many times axes were exchanged between a layer's states and the tensor of `node`."""
    return sum("Transpose" in above.name() or "Permute" in above.name() for above in _head(node))


def _head(node: Any) -> Iterator[Any]:
    """`node` and those above it, nearest first, as far as those that put a layer's steps together."""
    met, waiting = {node}, deque([node])
    while waiting and len(met) < MAX_HEAD_NODES:
        node = waiting.popleft()
        yield node
        if not any(word in node.name() for word in ("Stack", "Rnn", "PackedSequence")):
            above = [above for above, _ in node.next_functions if above is not None and above not in met]
            met.update(above)
            waiting += above


def _signed(number: Any) -> int | None:
    """A number as it was written: the graph holds -1 as 2**64 - 1."""
    return (number + 2**63) % 2**64 - 2**63 if isinstance(number, int) else None


PRODUCTS = ("Mm", "Addmm", "Addmv", "Mv", "Baddbmm", "Addbmm", "Convolution", "Embedding", "Linear", "ScaledDotProduct")
"""Operations whose result has features of its own: what is above them says nothing of the last axis."""


def layer_above(node: Any, modules: Iterable[Any]) -> Any:
    """Of the recurrent layers `modules`, the one whose features the tensor of `node` still has; None without any.

    The way to it may hold views, elementwise operations, dropout, normalisations, pooling over other axes and products
    from the left (attention), but no other map of its features, and nothing beside them on the last axis.
    """
    owners = {id(weight): module for module in modules for weight in module.parameters()}
    return _layer_above(node, owners) if owners else None


def joined_layers(node: Any, modules: Iterable[Any]) -> list[Any]:
    """Of the recurrent layers `modules`, those whose features are beside others on the last axis of `node`'s tensor.

    What joins them is the nearest concatenation above, with no map of the features in between.
    """
    owners = {id(weight): module for module in modules for weight in module.parameters()}
    met, waiting = {node}, deque([node])
    while owners and waiting and len(met) < MAX_HEAD_NODES:
        node = waiting.popleft()
        above = [other for other, _ in node.next_functions if other is not None]
        name = node.name().removesuffix("0").split("Backward")[0]
        if name == "Cat" and _joins_features(node):
            return [module for module in (_layer_above(other, owners) for other in above) if module is not None]
        if name in PRODUCTS or name.startswith(("Convolution", "ScaledDotProduct", "Embedding", "Bmm")):
            continue
        new = [other for other in above if other not in met]
        met.update(new)
        waiting += new
    return []


def _layer_above(node: Any, owners: dict[int, Any]) -> Any:
    waiting = deque([node])
    met = {node}
    while waiting and len(met) < MAX_NODES:
        node = waiting.popleft()
        module = _owner(node, owners)
        if module is not None:
            return module
        name = node.name().removesuffix("0").split("Backward")[0]
        above = [other for other, _ in node.next_functions if other is not None]
        if name == "Bmm":
            above = [other for other, _ in node.next_functions[1:2] if other is not None]
        elif name in PRODUCTS or name.startswith(("Convolution", "ScaledDotProduct", "Embedding")):
            continue
        elif name == "Cat" and _joins_features(node):
            modules = {_layer_above(other, owners) for other in above}
            if len(modules) == 1 and len(above) == len(node.next_functions):
                return modules.pop()
            continue
        new = [other for other in above if other not in met]
        met.update(new)
        waiting += new
    return None


def _owner(node: Any, owners: dict[int, Any]) -> Any:
    """The layer whose weights this operation uses, as they are or transposed."""
    for above, _ in node.next_functions:
        if above is None:
            continue
        own = [above, *(further for further, _ in above.next_functions if above.name().startswith("TBackward"))]
        for weight in own:
            module = owners.get(id(getattr(weight, "variable", None)))
            if module is not None:
                return module
    return None


def _joins_features(node: Any) -> bool:
    """Whether a concatenation is along the last axis, as far as the graph shows it."""
    axis = _signed(getattr(node, "_saved_dim", None))
    metadata = getattr(node, "_input_metadata", None)
    axes = len(metadata[0].shape) if metadata else 3
    return axis is None or axis in (-1, axes - 1)
