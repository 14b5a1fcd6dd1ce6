"""`nn.Module`: parameters, buffers and modules by name, and the call of `forward`."""

from __future__ import annotations

import itertools
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch._tensor import Tensor
from torch.nn.parameter import Parameter


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class Module:
    """The base class of all layers and models."""

    training: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        setter = super().__setattr__
        setter("training", True)
        for name in ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks"):
            setter(name, {})
        setter("_non_persistent_buffers_set", set())

    def forward(self, *_: Any) -> Any:
        """What the module computes."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        for hook in list(self._forward_pre_hooks.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        try:
            result = self.forward(*args, **kwargs)
        except TypeError as error:
            if error.args and isinstance(error.args[0], str):  # Python 3.14 adds a guess to its message
                error.args = (error.args[0].partition(". Did you mean '")[0],)
            raise
        for hook in list(self._forward_hooks.values()):
            changed = hook(self, args, result)
            result = result if changed is None else changed
        return result

    __call__: Callable[..., Any] = _call_impl

    def register_forward_hook(self, hook: Callable[..., Any], **_: Any) -> Any:
        """Call `hook(module, args, output)` after each forward."""
        return _Handle(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any], **_: Any) -> Any:
        """Call `hook(module, args)` before each forward."""
        return _Handle(self._forward_pre_hooks, hook)

    # --- what belongs to it

    def __setattr__(self, name: str, value: Any) -> None:
        members = self.__dict__
        if isinstance(value, (Parameter, Module)) and "_parameters" not in members:
            kind = "parameters" if isinstance(value, Parameter) else "module"
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        kinds = ("_parameters", "_modules", "_buffers")
        if isinstance(value, Parameter):
            self._forget(name)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name)
            self._modules[name] = value
        elif name in members.get("_parameters", ()) and value is not None:
            raise TypeError(
                f"cannot assign '{type(value).__module__}.{type(value).__name__}' as parameter '{name}' "
                "(torch.nn.Parameter or None expected)".replace("torch._tensor.Tensor", "torch.FloatTensor")
            )
        else:
            for kind in kinds:
                if name in members.get(kind, ()):
                    members[kind][name] = value
                    return
            super().__setattr__(name, value)

    def _forget(self, name: str) -> None:
        for members in (self.__dict__, self._buffers, self._modules, self._parameters):
            members.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        for kind in ("_parameters", "_buffers", "_modules"):
            members = self.__dict__.get(kind, {})
            if name in members:
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__[kind]:
                del self.__dict__[kind][name]
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Count `param` among the parameters."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is not learned, and that goes where the module goes."""
        if hasattr(self, name) and name not in self._buffers:
            raise KeyError(f"attribute '{name}' already exists")
        self._buffers[name] = tensor
        if not persistent:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """As `add_module`."""
        self._modules[name] = module

    add_module = register_module

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Itself and all modules in it, by name."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Itself and all modules in it."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are its own, by name."""
        yield from ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        """The modules that are its own."""
        yield from (module for _, module in self.named_children())

    def get_submodule(self, target: str) -> Module:
        """The module of this name, with dots."""
        module = self
        for name in filter(None, target.split(".")):
            module = getattr(module, name)
        return module

    def _named(self, kind: str, prefix: str, recurse: bool, once: bool = True) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, value in getattr(module, kind).items():
                if value is None or id(value) in seen:
                    continue
                if once:
                    seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters, by name."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """All buffers, by name."""
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    # --- what is done with all of it

    def apply(self, fn: Callable[[Module], Any]) -> Any:
        """Call `fn` with each module, the inner ones first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        for module in self.children() if recurse else ():
            module._apply(fn)
        for name, parameter in self._parameters.items():
            if parameter is None:
                continue
            with torch.no_grad():
                changed = fn(parameter)
            if changed.is_meta != parameter.is_meta:
                self._parameters[name] = Parameter(changed, parameter.requires_grad)
                continue
            parameter.data = changed
            if parameter.grad is not None:
                parameter.grad.data = fn(parameter.grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Its floating-point tensors in another dtype, or all tensors on another device."""
        dtype = kwargs.get("dtype", next((each for each in args if isinstance(each, torch.dtype)), None))
        device = kwargs.get("device", next((each for each in args if isinstance(each, (str, torch.device))), None))
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        return self._apply(lambda t: t.to(dtype=dtype if t.is_floating_point() else None, device=device))

    def double(self) -> Any:
        """In float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def float(self) -> Any:
        """In float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def half(self) -> Any:
        """In float16, which is not here."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def cpu(self) -> Any:
        """Itself."""
        return self

    def cuda(self, device: Any = None) -> Any:
        """An error: there is no GPU."""
        return self._apply(lambda t: t.cuda(device))

    def train(self, mode: bool = True) -> Any:
        """Set `training`, here and in all modules in it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """`train(False)`"""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Set it for all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = torch.zeros_like(parameter.grad)

    # --- its state

    def state_dict(self, *_: Any, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """All parameters and buffers by name; they share their memory with the module's."""
        from torch.nn.modules.state import collect

        return collect(self, prefix, keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy the tensors of a state into the module.

        Raises:
            RuntimeError: one is missing, is too many or has another shape.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        from torch.nn.modules.state import load

        state_dict = OrderedDict(state_dict)
        missing_keys, unexpected_keys, error_msgs = load(self, state_dict, assign)
        if strict:
            if unexpected_keys:
                names = ", ".join(f'"{key}"' for key in unexpected_keys)
                error_msgs.insert(0, f"Unexpected key(s) in state_dict: {names}. ")
            if missing_keys:
                names = ", ".join(f'"{key}"' for key in missing_keys)
                error_msgs.insert(0, f"Missing key(s) in state_dict: {names}. ")
        if error_msgs:
            listed = "\n\t".join(error_msgs)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return _IncompatibleKeys(missing_keys, unexpected_keys)

    # --- how it is printed

    def extra_repr(self) -> str:
        """Its arguments, between the parentheses."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        if not children:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join([*extra.split("\n") * bool(extra), *children]) + "\n)"


class _Handle:
    """What a hook is removed with."""

    _numbers = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks, self.id = hooks, next(self._numbers)
        hooks[self.id] = hook

    def remove(self) -> None:
        """Call the hook no more."""
        self._hooks.pop(self.id, None)
