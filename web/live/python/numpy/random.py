"""The state of random numbers that nobody draws."""


def seed(seed: int) -> None:
    """There is nothing to seed."""


def get_state() -> None:
    """There is no state."""


def set_state(state: None) -> None:
    """There is no state."""
