"""`torch.random`: the generator, and the tensors that are drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import _kernels
from torch import _dtypes
from torch._size import sizes
from torch._storage import Storage, text
from torch._tensor import Tensor, as_device


class Generator:
    """A stream of random numbers: MT19937, as PyTorch's on a CPU."""

    __module__ = "torch._C"

    def __init__(self, device: Any = None) -> None:
        self._kernel = _kernels.generator(0)
        self._seed = 67280421310721

    def manual_seed(self, seed: int) -> Generator:
        """Begin the stream of this seed."""
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = seed % 2**64
        self._kernel.manualSeed(self._seed % 2**32)
        return self

    def initial_seed(self) -> int:
        """The seed of the stream."""
        return self._seed

    def seed(self) -> int:
        """Begin the stream of another seed."""
        import random

        self.manual_seed(random.getrandbits(53))
        return self._seed

    def get_state(self) -> Tensor:
        """Where the stream is: not PyTorch's bytes, but what `set_state` takes."""
        import torch

        return torch.tensor([self._seed // 2**32, *self._kernel.state()], dtype=torch.float64)

    def set_state(self, state: Tensor) -> Generator:
        """Go back to a place in the stream."""
        high, seed, drawn, normal, has_normal = state.tolist()
        self._seed = int(high) * 2**32 + int(seed)
        self._kernel.setState(int(seed), int(drawn), normal, has_normal)
        return self

    def __repr__(self) -> str:
        return f"<torch._C.Generator at {id(self):#x}>"


default_generator = Generator()
default_generator.manual_seed(67280421310721)


def manual_seed(seed: int) -> Generator:
    """Begin the stream of this seed."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Begin the stream of another seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the stream."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Where the stream is."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Go back to a place in the stream."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, *_: Any, **__: Any) -> Iterator[None]:
    """Afterwards the stream goes on where it was before."""
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)


def _tensor(handle: Any, dtype: _dtypes.dtype, shape: Any, device: Any = None, requires_grad: bool = False) -> Tensor:
    if as_device(device).type == "meta":
        result = Tensor(None, shape, dtype=dtype)
    else:
        result = Tensor(Storage(handle, dtype, tuple(shape)), shape)
    if requires_grad:
        result.requires_grad = True
    return result


def _kernel(generator: Generator | None) -> Any:
    return (generator or default_generator)._kernel


def rand(
    *size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers from 0 to below 1."""
    from torch._creation import _lengths

    kind, shape = dtype or _dtypes.default, _lengths("rand", size)
    return _tensor(_kernel(generator).uniform(kind.name, text(shape), 0, 1), kind, shape, device, requires_grad)


def randn(
    *size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers of the normal distribution of mean 0 and variance 1."""
    from torch._creation import _lengths

    kind, shape = dtype or _dtypes.default, _lengths("randn", size)
    return _tensor(_kernel(generator).normal(kind.name, text(shape), 0, 1), kind, shape, device, requires_grad)


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Any = None, dtype: Any = None, device: Any = None
) -> Tensor:
    """Whole numbers from `low` (0) to below `high`."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    kind, shape = dtype or _dtypes.int64, sizes((size,))
    return _tensor(_kernel(generator).integers(kind.name, text(shape), low, high), kind, shape, device)


def randperm(n: int, *, generator: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The numbers from 0 to below n in random order."""
    result = _tensor(_kernel(generator).permutation(n), _dtypes.int64, (n,), device)
    return result if dtype is None else result.to(dtype)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None) -> Tensor:
    """Numbers of a normal distribution."""
    if size is not None:
        shape = sizes((size,))
        return _tensor(_kernel(generator).normal("float32", text(shape), mean, std), _dtypes.float32, shape)
    pattern = mean if isinstance(mean, Tensor) else std
    return randn(pattern.shape, generator=generator) * std + mean


def bernoulli(input: Tensor, p: Any = None, *, generator: Any = None) -> Tensor:
    """1 with the probability that is in each element, or else 0."""
    drawn = rand(input.shape, dtype=_dtypes.float64, generator=generator)
    return (drawn < (input if p is None else p)).to(input.dtype)


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Indices drawn with the probabilities of the last axis."""
    import torch

    rows = input.reshape(-1, input.shape[-1]).tolist()
    drawn = []
    for row in rows:
        chosen: list[int] = []
        for _ in range(num_samples):
            index = _kernel(generator).multinomial(row)
            chosen.append(index)
            if not replacement:
                row[index] = 0.0
        drawn.append(chosen)
    return torch.tensor(drawn).reshape(*input.shape[:-1], num_samples)


def mask(shape: Any, keep: float, dtype: _dtypes.dtype) -> Tensor:
    """1 with the probability `keep`, or else 0: what dropout multiplies with."""
    return _tensor(_kernel(None).bernoulli(dtype.name, text(shape), keep), dtype, shape)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        bernoulli, get_rng_state, initial_seed, manual_seed, multinomial, normal, rand, randint, randn, randperm, seed,
        set_rng_state,
    )
}  # fmt: skip
