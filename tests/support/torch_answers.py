"""What PyTorch answers to a question of the worksheet or the drill: its code is run on weights and input of a seed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Asked = dict[str, Any]
"""A question as JSON has it: `code`, `form`, `answer`, `also`, `subject`, `states`, `sample`, `kind`."""


@contextmanager
def one_thread() -> Iterator[None]:
    """For layers as small as these: several threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def disagreement(asked: Asked) -> str | None:
    """What PyTorch says against a question's answer; None where it agrees."""
    called = call(asked)
    answer = asked["answer"]
    if asked["form"] == "shape":
        found = shape_of(asked, called)
        return None if answer == str(found) else f"the shape is {found}"
    if asked["form"] == "yes or no":
        found = {True: "yes", False: "no"}[eval(asked["subject"], called)]
        return None if answer == found else f"it is {found}"
    if asked["form"] == "steps":
        found = ", ".join(map(str, steps_read(asked["subject"], called)))
        return None if answer == found else f"it has read {found}"
    expected = states_asked(asked, called)
    written = tuple(int(size) for size in re.search(r"shape `\(([\d, ]+)\)`", asked["ask"])[1].strip(",").split(","))
    if written != tuple(expected.shape):
        return f"the shape in the question is {written}, and of the states {tuple(expected.shape)}"
    for expression in [answer, *asked["also"]]:
        value = eval(expression, called)
        if value.shape != expected.shape or not torch.allclose(value, expected, atol=1e-6):
            return f"{expression} is something else"
    return None


def call(asked: Asked) -> dict[str, Any]:
    """The names that the question's code makes. `h0` and `c0` are zeros of the answer's shape: a wrong one raises."""
    torch.manual_seed(asked["seed"])
    names: dict[str, Any] = {
        "torch": torch,
        "nn": nn,
        "pack_padded_sequence": pack_padded_sequence,
        "pad_packed_sequence": pad_packed_sequence,
    }
    made, *rest = asked["code"]
    exec(made, names)
    names["module"] = module = names[made.split(" = ")[0]]
    if rest:
        exec(rest[0], names)
        names["x"].requires_grad_()
        if asked["kind"] == "h0-shape":
            names["h0"] = torch.zeros(eval(asked["answer"]))
            names["c0"] = torch.zeros(*names["h0"].shape[:-1], module.hidden_size)
    for line in rest[1:]:
        exec(line, names)
    return names


def shape_of(asked: Asked, called: dict[str, Any]) -> tuple[int, ...]:
    if asked["kind"] == "parameter-shape":
        return tuple(called["module"].get_parameter(asked["subject"]).shape)
    return tuple(called[{"h0": "hn"}.get(asked["subject"], asked["subject"])].shape)


def steps_read(expression: str, called: dict[str, Any]) -> list[int]:
    """The steps of x on which the expression depends: where its gradient is not 0, in any sample."""
    x, module = called["x"], called["module"]
    (gradient,) = torch.autograd.grad(eval(expression, called).square().sum(), x)
    time = 1 if module.batch_first and x.dim() == 3 else 0
    others = [axis for axis in range(x.dim()) if axis != time]
    return gradient.abs().sum(dim=others).nonzero().flatten().tolist()


def states_asked(asked: Asked, called: dict[str, Any]) -> Tensor:
    """The states that the question is about, side by side; each is made by a layer of its own, of one direction."""
    x, module = called["x"].detach(), called["module"]
    if x.dim() == 2:
        samples = [x]
    else:
        samples = list(x if module.batch_first else x.transpose(0, 1))
        lengths = called.get("lengths", torch.full((len(samples),), len(samples[0])))
        samples = [sample[:length] for sample, length in zip(samples, lengths, strict=True)]
    if asked["sample"] is not None:
        samples = [samples[asked["sample"]]]
    rows = torch.stack([torch.cat([state(module, sample, **which) for which in asked["states"]]) for sample in samples])
    return rows[0] if x.dim() == 2 or asked["sample"] is not None else rows


def state(module: nn.RNNBase, x: Tensor, tensor: str, layer: int, direction: int, step: int | None) -> Tensor:
    """One state of one sample x (L, H_in): h after a step, or the last h or c of a direction."""
    below, directions = x, 2 if module.bidirectional else 1
    for k in range(layer + 1):
        outputs = []
        for d in range(directions):
            single = type(module)(
                below.shape[-1], module.hidden_size, **({"proj_size": module.proj_size} if module.proj_size else {})
            )
            ends = {name: name.replace("_l0", f"_l{k}{'_reverse' * d}") for name in single.state_dict()}
            single.load_state_dict({name: module.state_dict()[own] for name, own in ends.items()})
            with torch.no_grad():
                output, last = single(below.flip(0) if d else below)
            outputs.append(output.flip(0) if d else output)
            if (k, d) == (layer, direction):
                if tensor == "c":
                    return last[1][0]
                if step is None:
                    return (last[0] if isinstance(last, tuple) else last)[0]
                return outputs[-1][step]
        below = torch.cat(outputs, dim=-1)
    raise AssertionError("the module has no such layer")
