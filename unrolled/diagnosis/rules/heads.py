"""What is wrong where a head reads other axes than a recurrent layer returns."""

from __future__ import annotations

from unrolled.diagnosis.problem import Problem
from unrolled.shapes import Layer


def channels_problem(layer: Layer, *, head: str, name: str, head_name: str, targets: str, raises: Exception) -> Problem:
    """`head`, which reads (N, H, L), given output as it is; the names are those of your code, empty where unknown."""
    layout = "(N, L, H)" if layer.batch_first else "(L, N, H)"
    to, back = ("transpose(1, 2)", "transpose(1, 2)") if layer.batch_first else ("permute(1, 2, 0)", "permute(2, 0, 1)")
    fix = f"{name} = {name}.{to}  # and .{back} after it"
    if head_name and targets.isidentifier():
        fix = f"{targets} = {head_name}({name}.{to}).{back}"
    return Problem(
        code="head-channels",
        raises=raises,
        message=f"nn.{head} reads its channels from axis 1, (N, H, L); {name} is {layout}.",
        why=f"A recurrent layer has its features on the last axis. {to} brings them to axis 1, {back} back.",
        fix=fix,
        tensor="output",
        axis="H_out",
    )


def ctc_problem(sizes: tuple[int, ...], name: str, raises: Exception) -> Problem:
    """Scores (N, L, classes) for a loss that reads (L, N, classes)."""
    return Problem(
        code="loss-layout",
        raises=raises,
        message=f"CTCLoss reads log_probs as (L, N, classes); {name} is {sizes}, with N = {sizes[0]} in front.",
        why="batch_first=True puts N in front of output, and so of the scores; CTCLoss has no batch_first. "
        "With as many samples as steps nothing is raised.",
        fix=f"{name} = {name}.transpose(0, 1)",
        tensor="output",
        axis="N",
    )


def layers_axis_problem(
    layer: Layer,
    *,
    name: str,
    in_tuple: bool,
    batch_in_front: bool,
    steps: str | None,
    joins: bool,
    batch_first: bool,
    raises: Exception,
) -> Problem:
    """States, called `name`, used where those of one layer are wanted.

    Args:
        layer: the layer that returned them.
        name: what your code calls them, or with `in_tuple` the pair that they are in.
        in_tuple: whether they are one of a pair.
        batch_in_front: whether N and the layers' axis are exchanged.
        steps: an expression for L of the output beside them, None without one.
        joins: whether they are joined with that output, and not added to it.
        batch_first: whether that output has N in front.
        raises: what was raised.
    """
    state = "state" if in_tuple else f"{name}.transpose(0, 1)" if batch_in_front else name
    top = f"{state}[-1]" if layer.D == 1 else f"torch.cat([{state}[-2], {state}[-1]], dim=-1)"
    if steps is not None:
        axis = 1 if batch_first else 0
        top = f"{top}.unsqueeze({axis})"
        if joins:
            top += f".expand({f'-1, {steps}, -1' if batch_first else f'{steps}, -1, -1'})"
    fix = f"{name} = tuple({top} for state in {name})" if in_tuple else f"{name} = {top}"
    count = f"{layer.num_layers} layers" if layer.D == 1 else f"{layer.num_layers} × 2 layers and directions"
    return Problem(
        code="state-layers-axis",
        raises=raises,
        message=f"Axis {1 if batch_in_front else 0} of {name}{'[0]' * in_tuple} is D·num_layers: the {count}.",
        why="Attention asks with one state for each sample: the top layer's, hn[-1]. Its axis L is made by unsqueeze, "
        "and expand repeats it for every step.",
        fix=fix,
        tensor="h_n",
        axis="D·num_layers",
    )
