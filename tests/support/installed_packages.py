"""Environments that hold some of the packages that are installed here: as links, which takes no download."""

from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(requirements: Iterable[str], without: Iterable[str] = ()) -> Iterator[Distribution]:
    """The installed distributions that these requirements bring in, and theirs, without those named by `without`."""
    waiting, seen = [Requirement(text) for text in requirements], {canonicalize_name(name) for name in without}
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        found = distribution(name)
        assert requirement.specifier.contains(found.version), requirement
        waiting += [Requirement(text) for text in found.requires or []]
        yield found


def link_packages(distributions: Iterable[Distribution], folder: Path) -> None:
    """Link what each distribution has installed into `folder`, to import from."""
    folder.mkdir(exist_ok=True)
    for found in distributions:
        for name in {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / name).exists():
                (folder / name).symlink_to(Path(str(found.locate_file(name))))
