"""`python -m unrolled COMMAND`: each command is a module with `add_arguments(parser)` and `run(arguments) -> int`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

# Imported only when it is asked for: a command may need torch, and this list does not.
COMMANDS = {
    "grade": ("unrolled.grading.command", "grade a folder of returned notebooks"),
    "worksheet": ("unrolled.drill.worksheet", "print questions on shapes and slices, with their answer key, as a page"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that these arguments name; return the process' exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m unrolled", description="Tools for the classroom.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (place, purpose) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose.capitalize() + ".")
        if name in given[:1]:
            module = import_module(place)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    parsed, unknown = parser.parse_known_args(given)
    if unknown:  # said by the command, with its usage: the whole tool's does not have its options
        option = next((word for word in unknown if word.startswith("-")), None)
        said = f"there is no option {option}" if option else f"there is no place for {unknown[0]}"
        commands.choices[parsed.command].error(f"{said}; --help lists what there is.")
    return parsed.run(parsed)


if __name__ == "__main__":
    sys.exit(main())
