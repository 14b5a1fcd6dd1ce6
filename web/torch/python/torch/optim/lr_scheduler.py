"""Learning rates that change: `StepLR`, `ExponentialLR`, `LambdaLR`."""

from __future__ import annotations

from typing import Any

from torch._missing import missing


class LRScheduler:
    """The base class: `factor(epoch)` is what the first rate is multiplied with."""

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        self.optimizer, self.last_epoch = optimizer, -1
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self.step()

    def factor(self, epoch: int) -> float:
        """What the first rate is multiplied with."""
        raise NotImplementedError

    def step(self) -> None:
        """The next epoch."""
        self.last_epoch += 1
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * self.factor(self.last_epoch)

    def get_last_lr(self) -> list[float]:
        """The rates that are set."""
        return [group["lr"] for group in self.optimizer.param_groups]


class StepLR(LRScheduler):
    """Times gamma every so many epochs."""

    def __init__(self, optimizer: Any, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def factor(self, epoch: int) -> float:
        """gamma, as often as it has been due."""
        return self.gamma ** (epoch // self.step_size)


class ExponentialLR(StepLR):
    """Times gamma every epoch."""

    def __init__(self, optimizer: Any, gamma: float) -> None:
        super().__init__(optimizer, 1, gamma)


class LambdaLR(LRScheduler):
    """Times what a function of the epoch gives."""

    def __init__(self, optimizer: Any, lr_lambda: Any) -> None:
        self.factor = lr_lambda  # type: ignore[method-assign]
        super().__init__(optimizer)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise missing(f"torch.optim.lr_scheduler.{name}")
