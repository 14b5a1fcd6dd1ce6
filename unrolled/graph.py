"""What autograd's graph shows of the calls of a recurrent layer."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

MOST_NODES = 20_000
"""Nodes of a graph that are read: PyTorch 2.13 ends the process when it frees a chain of some 70,000 read ones."""


def calls_in_graph(nodes: Sequence[Any], weight_ih: Any, weight_hh: Any) -> tuple[int, int | None]:
    """How many calls of a layer the graph above `nodes` holds, and how many of them start from a state of no other.

    weight_ih is used once in each call, weight_hh once in each of its steps. The first step of a call that
    is given no other call's state is the only one that does not come from any use of weight_ih. The second
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
            calls += [node] * (variable is weight_ih)
            steps += [node] * (variable is weight_hh)
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
    fresh = 0
    for step in steps:
        if step in calls:  # one node is the whole call: its state comes after its weights
            edges = [above for above, _ in step.next_functions]
            last = max(index for index, above in enumerate(edges) if hasattr(above, "variable"))
            fresh += made.isdisjoint(edges[last + 1 :])
        else:  # a transposed weight, used by the product of this step
            products = below[step]
            fresh += all(above is step or above not in made for node in products for above, _ in node.next_functions)
    return len(calls), fresh
