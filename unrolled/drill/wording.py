"""What `questions.json` holds: the kinds of question, the choices their settings are drawn from, and every sentence.

The browser's question maker (`web/drill/`) reads the same file. What is not in it is code in both languages: which
sentence fits which setting, and what the answer is. As data, these rules would need an interpreter of their own in each
language; as code, the two makers check each other: the answers come from `unrolled.shapes` here and from the engine
there, and `tests/drill/test_drill.py` compares the questions field by field.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

RULES: dict[str, Any] = json.loads(files(__package__).joinpath("questions.json").read_text(encoding="utf-8"))

KINDS: dict[str, str] = RULES["kinds"]
"""Each kind of question, and what it asks about."""

STACKS: dict[int, list[tuple[int, bool]]] = {
    level: [(stack["num_layers"], stack["bidirectional"]) for stack in stacks]
    for level, stacks in enumerate(RULES["stacks"], start=1)
}
"""(num_layers, bidirectional), by level: one layer and one direction first, then one of them more, then both."""

LEVELS = len(STACKS)


def sentence(name: str, **values: object) -> str:
    """The sentence of this name, or the part of one, with its gaps filled: `sentence("weight_ih_of_x", input_size=10)`.

    Raises:
        KeyError: there is no such sentence, or a gap has no value.
    """
    text: str = RULES["sentences"][name]
    return text.format(**values)
