"""`python -m unrolled COMMAND`, or `unrolled COMMAND`: the tools for the classroom.

Each command is a module with `add_arguments(parser)` and `run(arguments) -> int`.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from unrolled.missing_torch import MissingTorchError, require_torch


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command: its module, what it is for, and whether it needs torch."""

    module: str
    purpose: str
    needs_torch: bool


# A module is imported only when its command is asked for: it may need torch, and the list of commands does not.
COMMANDS = {
    "grade": Command(
        module="unrolled.grading.command", purpose="grade a folder of returned notebooks", needs_torch=True
    ),
    "worksheet": Command(
        module="unrolled.drill.worksheet",
        purpose="print questions on shapes and slices, with their answer key, as a page",
        needs_torch=False,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that these arguments name; return the process' exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    as_script = Path(sys.argv[0]).stem == "unrolled"
    parser = argparse.ArgumentParser(
        prog="unrolled" if as_script else "python -m unrolled", description="Tools for the classroom."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        described = commands.add_parser(name, help=command.purpose, description=command.purpose.capitalize() + ".")
        if name in given[:1]:
            module = import_module(command.module)
            module.add_arguments(described)
            described.set_defaults(run=module.run)
    parsed, unknown = parser.parse_known_args(given)
    if unknown:  # said by the command, with its usage: the whole tool's does not have its options
        option = next((word for word in unknown if word.startswith("-")), None)
        said = f"there is no option {option}" if option else f"there is no place for {unknown[0]}"
        commands.choices[parsed.command].error(f"{said}; --help lists what there is.")
    if COMMANDS[parsed.command].needs_torch:
        try:
            require_torch(parsed.command)
        except MissingTorchError as error:
            print(error, file=sys.stderr)
            return 2
    status: int = parsed.run(parsed)
    return status


if __name__ == "__main__":
    sys.exit(main())
