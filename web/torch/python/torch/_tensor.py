"""`torch.Tensor`: a look at memory, and its place in autograd's graph. Its operations are in the files beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import _kernels
from torch import _dtypes
from torch._missing import missing
from torch._size import Size
from torch._storage import Storage, contiguous_strides, full, is_contiguous, text
from torch.autograd.graph import Node, node_class
from torch.autograd.grad_mode import is_grad_enabled


class device:
    """Where a tensor is: the CPU, or `meta`, where it has a shape and no numbers."""

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        kind, _, number = str(getattr(type, "type", type)).partition(":")
        self.type, self.index = kind, int(number) if number else index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


CPU, META = device("cpu"), device("meta")


def as_device(given: Any) -> device:
    """The device that is meant; None is the CPU.

    Raises:
        AssertionError: a GPU, of which there is none; the text is that of a PyTorch without CUDA.
    """
    if given is None:
        return CPU
    kind = device(given)
    if kind.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    if kind.type not in ("cpu", "meta"):
        raise missing(f"device '{kind}'")
    return META if kind.type == "meta" else CPU


class Tensor:
    """A tensor. `_storage` is None on the device `meta`."""

    # long: the fields of a tensor and its properties
    _backward_hooks = None
    is_meta_layout = False
    is_sparse = is_quantized = is_nested = is_mkldnn = is_cuda = is_mps = is_xpu = False
    names: tuple[None, ...] = ()

    def __init__(
        self,
        storage: Storage | None,
        shape: Sequence[int],
        strides: Sequence[int] | None = None,
        offset: int = 0,
        dtype: _dtypes.dtype | None = None,
    ) -> None:
        self._storage = storage
        self.shape = Size(shape)
        self._strides = contiguous_strides(shape) if strides is None else tuple(strides)
        self._offset = offset
        self.dtype = storage.dtype if storage is not None else dtype or _dtypes.default
        self._handle: Any = None
        self._node: Node | None = None
        self._output_number = 0
        self._leaf_requires_grad = False
        self._accumulator: Any = None
        self._base: Tensor | None = None
        self._history = 0
        """How often an operation in place has changed the history; a view compares its base's with what it knows."""
        self._versions = [0]
        self._hooks: list[Callable[..., Any]] | None = None
        self._retains = False
        self.grad: Tensor | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return super().__new__(cls)

    # --- memory

    def view_handle(self) -> Any:
        """What the kernels compute with."""
        if self._handle is None:
            storage = self._storage
            if storage is None:
                raise NotImplementedError("Cannot copy out of meta tensor; no data!")
            same = storage.shape == self.shape and self._strides == contiguous_strides(self.shape)
            if same and self._offset == 0:
                self._handle = storage.handle
            else:
                self._handle = _kernels.strided(storage.handle, self._offset, text(self.shape), text(self._strides))
        return self._handle

    def numbers(self) -> list[float]:
        """The elements row by row, as Python's floats."""
        return _kernels.toList(self.view_handle()).to_py().tolist()

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether its elements, row by row, are a run of the memory."""
        return is_contiguous(self.shape, self._strides)

    def stride(self, dim: int | None = None) -> Any:
        """How far the next element along an axis is."""
        return self._strides if dim is None else self._strides[dim]

    def storage_offset(self) -> int:
        """Where in the memory its first element is."""
        return self._offset

    def untyped_storage(self) -> Any:
        """The memory that it looks at."""
        return self._storage

    def data_ptr(self) -> int:
        """The address of its first element."""
        return 0 if self._storage is None else self._storage.address + self._offset * self.dtype.itemsize

    def element_size(self) -> int:
        """The bytes of one element."""
        return self.dtype.itemsize

    # --- metadata

    @property
    def device(self) -> device:
        """Where it is."""
        return META if self._storage is None else CPU

    @property
    def is_meta(self) -> bool:
        """Whether it has no numbers."""
        return self._storage is None

    @property
    def is_cpu(self) -> bool:
        """Whether it has numbers."""
        return self._storage is not None

    @property
    def layout(self) -> Any:
        """`torch.strided`: there is no other here."""
        import torch

        return torch.strided

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    def dim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    def size(self, dim: int | None = None) -> Any:
        """Its shape, or the length of one axis."""
        from torch._size import wrap_dim

        return self.shape if dim is None else self.shape[wrap_dim(dim, len(self.shape))]

    def numel(self) -> int:
        """How many elements it has."""
        return self.shape.numel()

    nelement = numel

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.numel() * self.dtype.itemsize

    def is_floating_point(self) -> bool:
        """Whether its numbers have fractions."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """False: there are no complex numbers here."""
        return False

    # --- autograd

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are sent through it."""
        return self._leaf_requires_grad or self.grad_fn is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.grad_fn is not None:
            if not value:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                    "in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            return
        if value and not self.dtype.is_floating_point:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self._leaf_requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad`."""
        if requires_grad and not self.dtype.is_floating_point:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The operation that made it; None for a leaf."""
        base = self._base
        if base is not None and base._history != self._history:
            self._history = base._history
            self._node = _as_strided_node(base, self)
            self._output_number = 0
        return self._node

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.grad_fn is None

    @property
    def _version(self) -> int:
        return self._versions[0]

    def detach(self) -> Tensor:
        """The same memory, outside the graph."""
        result = Tensor(self._storage, self.shape, self._strides, self._offset, self.dtype)
        result._versions = self._versions
        return result

    @property
    def data(self) -> Tensor:
        """The same memory, outside the graph, without autograd noticing what changes there."""
        result = self.detach()
        result._versions = [0]
        return result

    @data.setter
    def data(self, other: Tensor) -> None:
        self._storage, self.shape, self.dtype = other._storage, other.shape, other.dtype
        self._strides, self._offset, self._handle = other._strides, other._offset, None

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradients of this tensor to the `.grad` of the leaves that it comes from."""
        from torch import autograd

        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def retain_grad(self) -> None:
        """Keep its gradient in `.grad` although it is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        self._retains = True
        _retain(self)

    @property
    def retains_grad(self) -> bool:
        """Whether it is not a leaf and keeps its gradient."""
        return self._retains and not self.is_leaf

    def register_hook(self, hook: Callable[..., Any]) -> None:
        """Call `hook(gradient)` when its gradient is known; what it returns takes the gradient's place."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        self._hooks = [*(self._hooks or ()), hook]
        _retain(self)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


def _retain(tensor: Tensor) -> None:
    if tensor.grad_fn is not None:
        retained = tensor.grad_fn.__dict__.setdefault("retained", {}).setdefault(tensor._output_number, [])
        if all(tensor is not other for other in retained):
            retained.append(tensor)


def fresh(handle: Any, dtype: _dtypes.dtype, shape: Sequence[int], strides: Sequence[int] | None = None) -> Tensor:
    """The tensor of what a kernel made."""
    return Tensor(Storage(handle, dtype, tuple(shape) if strides is None else (-1,)), shape, strides)


def record(
    result: Tensor, name: str, inputs: Sequence[Any], apply: Callable[..., Any], saved: Sequence[Any] = (), **facts: Any
) -> Tensor:
    """Note in the graph that `result` comes from `inputs`; `apply` turns its gradient into theirs."""
    if is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in inputs):
        node = node_class(name)(inputs, apply, saved, **facts)
        result._node, result._output_number = node, 0
        node.shapes = [result.shape]
    return result


def alias(
    tensor: Tensor,
    shape: Sequence[int],
    strides: Sequence[int],
    offset: int,
    name: str,
    apply: Callable[[Any], Any],
    **facts: Any,
) -> Tensor:
    """Another look at the memory of `tensor`: a view, whose base is that of `tensor`."""
    result = Tensor(tensor._storage, shape, strides, offset, tensor.dtype)
    result._versions = tensor._versions
    result._base = base = tensor if tensor._base is None else tensor._base
    record(result, name, (tensor,), apply, self_sym_sizes=tensor.shape, **facts)
    result._history = base._history
    return result


def _as_strided_node(base: Tensor, view: Tensor) -> Node:
    def apply(gradient: Tensor) -> Tensor:
        result = zeros_like_base(base)
        place = Tensor(result._storage, view.shape, view._strides, view._offset)
        _kernels.copyInto(place.view_handle(), gradient.view_handle())
        return result

    return node_class("AsStridedBackward0")((base,), apply)


def zeros_like_base(base: Tensor) -> Tensor:
    """Zeros whose memory is laid out as the base's."""
    assert base._storage is not None
    return Tensor(full((base._storage.size,), 0, base.dtype), base.shape, base._strides, base._offset)


def write(tensor: Tensor, new: Tensor) -> Tensor:
    """The change in place: `new`, which may be in the graph, goes into the memory and the history of `tensor`."""
    recording = is_grad_enabled() and (tensor.requires_grad or new.requires_grad)
    if is_grad_enabled() and tensor._leaf_requires_grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    base = tensor._base
    if is_grad_enabled() and base is not None and base._leaf_requires_grad:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if tensor._storage is not None:
        _kernels.copyInto(tensor.view_handle(), new.view_handle())
    tensor._versions[0] += 1
    if recording and base is None:
        tensor._node, tensor._output_number = new.grad_fn, new._output_number
        tensor._history += 1
    elif recording and base is not None:
        _copy_slices(base, tensor, new)
    return tensor


def _copy_slices(base: Tensor, view: Tensor, new: Tensor) -> None:
    def apply(gradient: Tensor) -> tuple[Tensor, Tensor]:
        whole = zeros_like_base(base)
        _kernels.copyInto(whole.view_handle(), gradient.view_handle())
        place = Tensor(whole._storage, view.shape, view._strides, view._offset)
        part = place.clone()
        _kernels.fillInto(place.view_handle(), 0)
        return whole, part

    base._node = node_class("CopySlices")((base, new), apply)
    base._output_number = 0
    base._history += 1
