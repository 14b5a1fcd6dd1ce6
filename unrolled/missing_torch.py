"""What needs PyTorch says so in one sentence where it is missing: no installation of this package brings it along."""

from __future__ import annotations

from importlib import import_module


class MissingTorchError(ModuleNotFoundError):
    """PyTorch is not installed. A notebook shows the sentence alone, without the traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of the error."""
        return [str(self)]


def require_torch(name: str) -> None:
    """Import torch, on behalf of the function or command of this name.

    Raises:
        MissingTorchError: it is not installed. The sentence gives the command that installs it.
    """
    try:
        import_module("torch")
    except ModuleNotFoundError as error:
        if error.name != "torch":  # an installation of torch that is broken says what it lacks
            raise
        raise MissingTorchError(
            f"{name} needs PyTorch, which is not installed here: pip install torch", name="torch"
        ) from None
