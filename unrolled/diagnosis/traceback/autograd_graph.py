"""What autograd's graph shows of the calls of a recurrent layer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MOST_NODES = 20_000
"""Nodes of a graph that are read: PyTorch 2.13 ends the process when it frees a chain of some 70,000 read ones."""


def calls_in_graph(nodes: Sequence[Any], module: Any) -> tuple[int, int | None]:
    """How many calls of the layer `module` the graph above `nodes` holds, and how many of them start from a state of no other.

    weight_ih_l0 is used once in each call, weight_hh_l0 once in each of its steps. The first step of a call that
    is given no other call's state is the only one that does not come from any use of weight_ih_l0. The second
    number is None where the graph does not show the steps.
    """
    below: dict[Any, list[Any]] = {node: [] for node in nodes}
    waiting, calls, steps = deque(nodes), [], []
    while waiting and len(below) < MOST_NODES:
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
    unread, made, waiting = bool(waiting), set(calls), deque(calls)
    while waiting:
        new = [node for node in below[waiting.pop()] if node not in made]
        made.update(new)
        waiting += new
    if unread or not steps or len(set(calls)) < len(calls):
        return len(calls), None
    fresh, weights = 0, set(map(id, module.parameters()))
    for step in steps:
        if step in calls:  # one node is the whole call: its state comes after its weights
            edges = [above for above, _ in step.next_functions]
            last = max(index for index, above in enumerate(edges) if id(getattr(above, "variable", None)) in weights)
            fresh += made.isdisjoint(edges[last + 1 :])
        else:  # a transposed weight, used by the product of this step
            products = below[step]
            fresh += all(above is step or above not in made for node in products for above, _ in node.next_functions)
    return len(calls), fresh


def nearest(node: Any, modules: Iterable[Any]) -> Any:
    """Of the recurrent layers `modules`, the one whose weights stand nearest above `node`; None without any."""
    owners = {id(weight): module for module in modules for weight in module.parameters()}
    met, waiting = {node}, deque([node])
    while waiting and len(met) < MOST_NODES:
        for above, _ in waiting.popleft().next_functions:
            module = owners.get(id(getattr(above, "variable", None)))
            if module is not None:
                return module
            if above is not None and above not in met:
                met.add(above)
                waiting.append(above)
    return None


NEAR = 200
"""Nodes that are read between a loss and the result of the layer: a head is small."""


@dataclass(frozen=True)
class View:
    """An operation that took a part of a 3-D tensor, or merged two of its axes."""

    operation: str
    """Autograd's name for it: `"Select"` for `x[-1]` and `x[:, -1]`, `"Squeeze"`, `"View"`, …."""
    sizes: tuple[int, ...]
    """The sizes of the tensor before it."""
    axis: int | None
    index: int | None
    turns: int
    """How often two axes were exchanged between the layer's steps and here."""


def views_above(node: Any) -> Iterator[View]:
    """The views of 3-D tensors above `node`, nearest first."""
    for node in _above(node):
        sizes = tuple(getattr(node, "_saved_self_sym_sizes", ()))
        if len(sizes) == 3:
            axis, index = (_signed(getattr(node, f"_saved_{name}", None)) for name in ("dim", "index"))
            turns = sum("Transpose" in above.name() or "Permute" in above.name() for above in _above(node))
            yield View(node.name().split("Backward")[0], sizes, None if axis is None else axis % 3, index, turns)


def _above(node: Any) -> Iterator[Any]:
    """`node` and those above it, nearest first, as far as those that put a layer's steps together."""
    met, waiting = {node}, deque([node])
    while waiting and len(met) < NEAR:
        node = waiting.popleft()
        yield node
        if not any(word in node.name() for word in ("Stack", "Rnn", "PackedSequence")):
            above = [above for above, _ in node.next_functions if above is not None and above not in met]
            met.update(above)
            waiting += above


def _signed(number: Any) -> int | None:
    """A number as it was written: the graph holds -1 as 2**64 - 1."""
    return (number + 2**63) % 2**64 - 2**63 if isinstance(number, int) else None
