"""`torch.utils.data`: data sets and the loader, in one process; batches are drawn as PyTorch draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch._tensor import Tensor


class Dataset:
    """Samples by number."""

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __class_getitem__(cls, _: Any) -> Any:
        return cls


class TensorDataset(Dataset):
    """Tensors side by side: a sample is the tuple of their rows."""

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class Subset(Dataset):
    """Some samples of another set."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[int], generator: Any = None) -> list[Subset]:
    """Sets of these sizes, drawn at random."""
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = torch.randperm(sum(lengths), generator=generator).tolist()
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    return [Subset(dataset, order[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples side by side along a new first axis."""
    first = batch[0]
    if isinstance(first, Tensor):
        return torch.stack(list(batch))
    if isinstance(first, (int, float)):
        return torch.tensor(batch)
    if isinstance(first, str):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([each[key] for each in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        columns = [default_collate(list(column)) for column in zip(*batch, strict=True)]
        return tuple(columns) if isinstance(first, tuple) and hasattr(first, "_fields") else columns
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


class DataLoader:
    """Batches of a set, in order or shuffled."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[..., Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        generator: Any = None,
        **_: Any,
    ) -> None:
        self.dataset, self.batch_size, self.shuffle, self.sampler = dataset, batch_size, bool(shuffle), sampler
        self.batch_sampler, self.drop_last, self.generator = batch_sampler, drop_last, generator
        self.collate_fn = collate_fn or default_collate
        self.num_workers = 0

    def _order(self) -> list[int]:
        if self.sampler is not None:
            return list(self.sampler)
        if not self.shuffle:
            return list(range(len(self.dataset)))
        generator = self.generator
        if generator is None:
            generator = torch.Generator().manual_seed(_seed())
        return torch.randperm(len(self.dataset), generator=generator).tolist()

    def __iter__(self) -> Iterator[Any]:
        if self.generator is None:
            _seed()  # PyTorch draws a seed for its workers, also where there are none
        if self.batch_sampler is not None:
            batches = [list(batch) for batch in self.batch_sampler]
        else:
            order, size = self._order(), self.batch_size or 1
            batches = [order[start : start + size] for start in range(0, len(order), size)]
            if self.drop_last and batches and len(batches[-1]) < size:
                batches.pop()
        for batch in batches:
            yield self.collate_fn([self.dataset[index] for index in batch])

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        count, size = len(self.dataset), self.batch_size or 1
        return count // size if self.drop_last else -(-count // size)


def _seed() -> int:
    """A seed drawn as `torch.empty((), dtype=torch.int64).random_()` draws it: 63 bits."""
    kernel = torch.default_generator._kernel
    high, low = kernel.random(), kernel.random()
    return (int(high) << 32 | int(low)) & (2**63 - 1)
