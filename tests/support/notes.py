"""The notes that clarify adds: their text, the fix in it, and a program with that fix."""


def note(error: BaseException) -> str:
    notes = getattr(error, "__notes__", [])
    assert len(notes) <= 1
    return notes[0] if notes else ""


def fix_of(error: BaseException) -> str:
    """The line after `fix:`; a long one goes on, indented."""
    lines = note(error).splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith("  fix: "))
    more = [line.strip() for line in lines[begin + 1 :] if line.startswith("    ")]
    return " ".join([lines[begin].removeprefix("  fix: "), *more])


def repaired(lines: list[str], fix: str) -> list[str]:
    """The snippet with the fix before its last line, or in place of it when that assigns the same name."""
    same = fix.split(" = ")[0] == lines[-1].split(" = ")[0]
    return [*lines[:-1], fix] if same else [*lines[:-1], fix, lines[-1]]
