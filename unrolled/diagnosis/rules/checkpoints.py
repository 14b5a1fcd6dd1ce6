"""What is wrong with a checkpoint that does not fit.

The layer that it was saved from is shown beside the one that is to load it. The names and sizes of its parameters show
that layer, but for batch_first, dropout and the nonlinearity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch

from unrolled.diagnosis.problem import Explanation, Problem
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.shapes import Layer, recurrent_kind

PARAMETER = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)(?:_l(\d+))?(_reverse)?")
KINDS = {1: "RNN", 3: "GRU", 4: "LSTM"}
"""The layers by their gates."""
SHOWN = ("kind", "input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")
"""What the parameters show of their layer."""
FAILED = "Error(s) in loading state_dict for "

Sizes = dict[str, tuple[int, ...]]


def loading(trace: Traceback) -> Explanation | None:
    """`load_state_dict` that fails on a recurrent layer, alone or inside a module."""
    frame = next((frame for frame in trace.inside if frame.f_code is torch.nn.Module.load_state_dict.__code__), None)
    if frame is None or not trace.text.startswith(FAILED):
        return None
    root, state_dict = frame.f_locals["self"], frame.f_locals["state_dict"]
    sizes = {name: tuple(value.shape) for name, value in state_dict.items() if isinstance(value, torch.Tensor)}
    name = trace.name_of(root, "module")
    nested = _nested_problem(root, state_dict, _name_of_dict(trace, state_dict))
    if nested is not None:
        return Explanation(heading="", tensors=(), problems=(nested,))
    for path, layer in _layers(root):
        given = _parameters(sizes, path)
        rules = [replace(shape, sizes=given.get(shape.name)) for shape in layer.parameters()]
        if {rule.name: rule.expected for rule in rules} == given:
            continue
        problem = (
            _moved_problem(sizes, path) or _renamed_problem(root, layer, sizes, path)
            if not given
            else _layer_problem(layer, saved_layer(layer, given), name + path)
        )
        if problem is not None:
            wrong = [rule for rule in rules if rule.wrong]
            heading = f"{layer.source()} is given:" if wrong else f"{name}{path} is {layer.source()}."
            return Explanation(heading=heading, tensors=tuple(wrong), problems=(problem,))
    return None


def _layers(root: torch.nn.Module) -> Iterator[tuple[str, Layer]]:
    """The recurrent layers in `root`, each with the way to it: `""`, `".encoder"`, `".layers[0]"`."""
    for path, module in root.named_modules():
        if recurrent_kind(module):
            names = path.split(".") if path else []
            yield "".join(f"[{name}]" if name.isdigit() else f".{name}" for name in names), Layer.of(module)


def _prefix(path: str) -> str:
    """What the names of the parameters begin with at `path`."""
    return path.replace("[", ".").replace("]", "").removeprefix(".") + "." * bool(path)


def _parameters(sizes: Sizes, path: str) -> Sizes:
    """The sizes of a recurrent layer's parameters at `path`, by the names that the layer gives them."""
    prefix = _prefix(path)
    own = {name.removeprefix(prefix): size for name, size in sizes.items() if name.startswith(prefix)}
    return {name: size for name, size in own.items() if PARAMETER.fullmatch(name)}


def saved_layer(like: Layer, sizes: Mapping[str, tuple[int, ...]]) -> Layer | None:
    """The layer whose parameters have these names and sizes, like `like` in what they do not show; None without any."""
    matches = [match for match in map(PARAMETER.fullmatch, sizes) if match is not None]
    cell = "weight_ih" in sizes
    end = "" if cell else "_l0"
    input, hidden = sizes.get(f"weight_ih{end}", ()), sizes.get(f"weight_hh{end}", ())
    projected = sizes.get(f"weight_hr{end}", (0, *hidden[1:]))
    if (
        not len(input) == len(hidden) == len(projected) == 2
        or 0 in (*hidden, *projected[1:])
        or input[0] // projected[1] not in KINDS
    ):
        return None
    layers = 1 + max(int(match[1] or 0) for match in matches)
    layer = Layer(
        KINDS[input[0] // projected[1]] + "Cell" * cell,
        input[1],
        projected[1],
        layers,
        bias=any(name.startswith("bias") for name in sizes),
        batch_first=like.batch_first and not cell,
        dropout=like.dropout if layers > 1 else 0.0,
        bidirectional=any(match[2] for match in matches),
        proj_size=projected[0],
    )
    if layer.kind == like.kind:
        layer = replace(layer, nonlinearity=like.nonlinearity)
    return layer if {shape.name: shape.expected for shape in layer.parameters()} == dict(sizes) else None


def _layer_problem(layer: Layer, saved: Layer | None, name: str) -> Problem | None:
    """Parameters of the layer `saved`, to be loaded by `layer`, called `name`."""
    if saved is None:
        return None
    there, here = ({field: getattr(one, field) for field in SHOWN} for one in (saved, layer))
    differ = ", ".join(
        f"{field} is {there[field]} there and {here[field]} here" for field in SHOWN if there[field] != here[field]
    )
    gates = "" if saved.gates == 1 else f"{saved.gates}·"
    return Problem(
        code="checkpoint-layer",
        raises=RuntimeError(FAILED),
        message=f"The checkpoint is of {saved.source()}; {name} is {layer.source()}.",
        why=f"{differ}. Its weight_ih is ({gates}hidden_size, input_size). batch_first and dropout "
        "leave no trace in a checkpoint.",
        fix=f"{name} = {saved.source()}",
        tensor="weight_ih",
    )


def _moved_problem(sizes: Sizes, path: str) -> Problem | None:
    """A checkpoint whose names all begin with more than those of the module that loads it, such as `module.`."""
    prefix = _prefix(path)
    first = next((name for name in sizes if re.search(r"(^|\.)weight_ih(_l0)?$", name)), "")
    there = first[: first.rfind(".") + 1]
    extra = there.removesuffix(prefix)
    if not extra or not there.endswith(prefix) or not all(name.startswith(extra) for name in sizes):
        return None
    return Problem(
        code="checkpoint-names",
        raises=RuntimeError(FAILED),
        message=f"Every name in the checkpoint begins with {extra!r}; those of the module do not.",
        why="It was saved from a module around this one, such as nn.DataParallel ('module.') or "
        "torch.compile ('_orig_mod.').",
        fix=f"state_dict = {{name.removeprefix({extra!r}): value for name, value in state_dict.items()}}",
        tensor="weight_ih",
    )


def _name_of_dict(trace: Traceback, state_dict: Mapping[str, object]) -> str:
    """What your code calls the state_dict, of which load_state_dict makes a copy."""
    for name, value in trace.names():
        if isinstance(value, Mapping) and list(value) == list(state_dict):
            return name
    return "state_dict"


def _nested_problem(root: torch.nn.Module, state_dict: Mapping[str, object], name: str) -> Problem | None:
    """A whole training checkpoint, in which the weights are one entry of several."""
    own = set(root.state_dict())
    if not any(PARAMETER.fullmatch(key.rsplit(".", 1)[-1]) for key in own) or own & set(state_dict):
        return None
    for key, value in state_dict.items():
        if isinstance(value, Mapping) and own & set(value):
            return Problem(
                code="checkpoint-whole",
                raises=RuntimeError(FAILED),
                message=f"{name} is a whole checkpoint, with {', '.join(map(repr, state_dict))}; "
                f"the weights are its entry {key!r}.",
                why="load_state_dict takes the weights alone, a name and a tensor each. The other entries are for "
                "going on with the training.",
                fix=f"{name} = {name}[{key!r}]",
                tensor="weight_ih",
            )
    return None


def _renamed_problem(root: torch.nn.Module, layer: Layer, sizes: Sizes, path: str) -> Problem | None:
    """A checkpoint that holds exactly this layer's parameters under another name, that no layer has here."""
    prefix = _prefix(path)
    expected = {rule.name: rule.expected for rule in layer.parameters()}
    here = {_prefix(other) for other, _ in _layers(root)}
    olds = [name.removesuffix(key) for name in sizes for key in ("weight_ih_l0", "weight_ih") if name.endswith(key)]
    fitting = [
        old
        for old in olds
        if old not in here
        and {name.removeprefix(old): size for name, size in sizes.items() if name.startswith(old)} == expected
    ]
    if len(fitting) != 1 or not fitting[0]:
        return None
    (old,) = fitting
    return Problem(
        code="checkpoint-names",
        raises=RuntimeError(FAILED),
        message=f"The checkpoint has this layer as {old.removesuffix('.')!r}; here it is {prefix.removesuffix('.')!r}.",
        why="The parameters are the same, the attribute that holds the layer has another name since.",
        fix=f"state_dict = {{{prefix!r} + name.removeprefix({old!r}) if name.startswith({old!r}) else name: value "
        "for name, value in state_dict.items()}",
        tensor="weight_ih",
    )
