"""What is wrong when a loss is given scores of a recurrent layer that count something else than its target does."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from math import prod

from unrolled.diagnosis.problem import Problem
from unrolled.diagnosis.rules.inputs import swapped_axes
from unrolled.diagnosis.traceback.autograd_graph import View
from unrolled.diagnosis.traceback.results import UNKNOWN
from unrolled.shapes import AXES, Dim, Layer, TensorShape

OF_CLASSES = "Expected target size ["
STARTS = (
    "Expected input batch_size (",
    OF_CLASSES,
    "Target size (torch.Size([",
    "Using a target size (torch.Size([",
    "The size of tensor a (",
)
"""How a loss begins to say that its two arguments do not fit."""

BOTH = "last = torch.cat([hn[-2], hn[-1]], dim=-1)"
"""What each of the two directions of the top layer has read last."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A loss that fails: the sizes of its arguments, what your code calls them, and what was raised."""

    scores: tuple[int, ...]
    target: tuple[int, ...]
    scores_name: str
    target_name: str
    raises: Exception

    def shapes(self, code: str) -> list[TensorShape]:
        """The two arguments; the scores need a row for each of the target's, where the problem `code` is that."""
        rows = (
            UNKNOWN[0]
            if code in ("loss-classes", "loss-axis", "loss-steps", "loss-states")
            else Dim("N", AXES["N"], self.target[0])
        )
        scores = TensorShape(self.scores_name, (rows, *UNKNOWN * (len(self.scores) - 1)), self.scores)
        return [scores, TensorShape(self.target_name, (rows, *UNKNOWN * (len(self.target) - 1)), self.target)]


def loss_problem(
    layer: Layer, loss: Loss, views: Iterable[View], in_sight: Container[tuple[int, ...]]
) -> Problem | None:
    """Why `loss` fails, if the way from `layer` to its scores shows it.

    Args:
        layer: the recurrent layer that is nearest above the scores.
        loss: the sizes of both arguments, and what was raised.
        views: those above the scores, see `unrolled.diagnosis.traceback.autograd_graph.views_above`.
        in_sight: the first two sizes of the batches that the failing code can see.
    """
    if len(loss.scores) == 3 and loss.target == loss.scores[:2]:
        if str(loss.raises).startswith(OF_CLASSES):
            return _classes(loss)
        return _axis_of_one(loss) if loss.scores[2] == 1 else None
    if len(loss.scores) == 2 and loss.scores[1] == 1 and loss.target == loss.scores[:1]:
        return _axis_of_one(loss)
    if len(loss.scores) == 3 and len(loss.target) == 1:
        return _third_axis(layer, loss)
    if loss.scores[0] == loss.target[0]:
        return None
    for view in views:
        if view.operation in ("Select", "Squeeze") and view.axis in (0, 1):
            problem = _one_of_an_axis(layer, loss, view, in_sight)
        elif any(word in view.operation for word in ("View", "Reshape", "Clone")):
            problem = _every_step(layer, loss, view)
        else:
            continue
        if problem is not None:
            return problem
    return None


def _classes(loss: Loss) -> Problem:
    """Scores (N, L, C) and a target (N, L)."""
    return Problem(
        code="loss-classes",
        raises=loss.raises,
        message="The scores hold their classes on the last axis; cross_entropy reads them from axis 1, (N, C, L).",
        why="nn.Linear after output makes (N, L, C). Transpose; view would deal the scores out to other steps. "
        "With as many classes as steps nothing is raised.",
        fix=f"{loss.scores_name} = {loss.scores_name}.transpose(1, 2)",
        tensor="output",
        axis="L",
    )


def _axis_of_one(loss: Loss) -> Problem:
    """Scores (N, L, 1) and a target (N, L), or (N, 1) and (N,), for a loss that compares number with number."""
    against = "steps" if len(loss.target) == 2 else "samples"
    return Problem(
        code="loss-axis",
        raises=loss.raises,
        message=f"The scores are {loss.scores}; the target is {loss.target}, without the last axis.",
        why="nn.Linear with one output keeps an axis of 1. Broadcasting sets it against the "
        f"target's {against}, where it does not raise.",
        fix=f"{loss.scores_name} = {loss.scores_name}.squeeze(-1)",
        tensor="output",
        axis="L",
    )


def _third_axis(layer: Layer, loss: Loss) -> Problem | None:
    """Scores of a whole h_n, or of every step of output, and one label for each sample."""
    states, labels = layer.D * layer.num_layers, loss.target[0]
    if loss.scores[:2] == (states, labels):
        return Problem(
            code="loss-states",
            raises=loss.raises,
            message=f"The scores are {loss.scores}: their first axis is h_n's D·num_layers; the target "
            f"has N = {labels}.",
            why="h_n holds the last state of each layer and direction. The top layer's is hn[-1]."
            + (" Of the pair (hn, cn), [-1] is cn." if layer.has_cell_state else ""),
            fix="last = hn[-1]" if layer.D == 1 else BOTH,
            tensor="h_n",
            axis="D·num_layers",
        )
    time, batch = _axes(layer)
    if loss.scores[batch] != labels:
        return None
    return Problem(
        code="loss-steps",
        raises=loss.raises,
        message=f"The scores are {loss.scores}, {loss.scores[time]} for each sample, output's L; the target has one.",
        why="output holds every step. For one answer for each sample, score one step of it.",
        fix=_last(layer, -1),
        tensor="output",
        axis="L",
    )


def _one_of_an_axis(layer: Layer, loss: Loss, view: View, in_sight: Container[tuple[int, ...]]) -> Problem | None:
    """Scores of one index of output's axis 0 or 1, or of one row of h_n."""
    rows, labels = loss.scores[0], loss.target[0]
    time, batch = _axes(layer)
    states = layer.D * layer.num_layers
    if view.axis == 0 and view.sizes == (states, rows, layer.H_out):  # h_n, or output with an axis 0 of that size
        swapped, right = ((rows, labels), (labels, rows))[:: 1 if layer.batch_first else -1]
        if swapped in in_sight:
            return _swapped(layer, loss, "the N of h_n")
        if states > 1 and right not in in_sight:
            return None
    if view.operation != "Select" or view.transposes % 2 != layer.batch_first:
        return None  # transposed by hand after the layer: its axes are not those of output
    L, N = view.sizes[time], view.sizes[batch]
    if view.axis == time and (rows, labels) == (N, L):
        return _swapped(layer, loss, "output's N")
    if view.axis == batch and (rows, labels) == (L, N):
        layout = "(N, L, D·H_out)" if layer.batch_first else "(L, N, D·H_out)"
        taken = f"output[{view.index}]" if batch == 0 else f"output[:, {view.index}]"
        return Problem(
            code="loss-batch",
            raises=loss.raises,
            message=f"The scores have {rows} rows, output's L; the target has {labels}, its N.",
            why=f"output is {layout}: {taken} is one sample at every step. "
            f"One step of every sample is {_step(layer, view.index)}.",
            fix=_last(layer, view.index),
            tensor="output",
            axis="N",
        )
    return None


def _every_step(layer: Layer, loss: Loss, view: View) -> Problem | None:
    """Scores of every step, with N and L merged into one axis."""
    rows, target = loss.scores[0], loss.target
    if len(loss.scores) > 2 or prod(view.sizes[:2]) != rows:
        return None
    if prod(target) == rows:
        transposed = ".transpose(0, 1)" if target == view.sizes[1::-1] and target[0] != target[1] else ""
        return Problem(
            code="loss-steps",
            raises=loss.raises,
            message=f"The scores have {rows} rows, one for each step of each sample; the target is {target}.",
            why="Flatten the target as you flattened the scores: one axis, in the same order.",
            fix=f"{loss.target_name} = {loss.target_name}{transposed}.flatten()",
            tensor="output",
            axis="N",
        )
    if len(target) == 1 and target[0] == view.sizes[_axes(layer)[1]]:
        return Problem(
            code="loss-steps",
            raises=loss.raises,
            message=f"The scores have {rows} rows, output's N·L; the target has {target[0]}, its N.",
            why="output holds every step. For one answer for each sample, score one step of it.",
            fix=_last(layer, -1),
            tensor="output",
            axis="L",
        )
    return None


def _swapped(layer: Layer, loss: Loss, rows: str) -> Problem:
    return Problem(
        code="layout-swapped",
        raises=loss.raises,
        message=f"The scores have {loss.scores[0]} rows, {rows}; the target has {loss.target[0]}, the input's L.",
        why=swapped_axes(layer),
        fix="input = input.transpose(0, 1)",
        tensor="input",
        axis="N",
    )


def _axes(layer: Layer) -> tuple[int, int]:
    """The time axis and the batch axis of output."""
    return (1, 0) if layer.batch_first else (0, 1)


def _step(layer: Layer, index: int | None) -> str:
    return f"output[:, {index}]" if layer.batch_first else f"output[{index}]"


def _last(layer: Layer, index: int | None) -> str:
    """A line that takes one step of every sample; of two directions, the last that each has read."""
    return f"last = {_step(layer, index)}" if layer.D == 1 else BOTH
