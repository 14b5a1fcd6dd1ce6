"""The site's recipes, typed into the expression line: those of the landing page, of the cheat sheet and of Lengths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from engine_bridge import EngineError, ask
from explorer_pages import tensors

BOOK = Path(__file__).parents[2] / "book"
SETTINGS = {"num_layers": 2, "bidirectional": True, "N": 3, "L": 4, "lengths": [4, 2, 3], "input": "sin"}
# What Lengths computes after its layer has run, line by line.
OF_LENGTHS = [
    "output[torch.arange(len(x)), lengths - 1]",
    "index = (lengths - 1).view(-1, 1, 1).expand(-1, 1, output.size(2)); output.gather(1, index).squeeze(1)",
    "mask = torch.arange(output.size(1)) < lengths.unsqueeze(1)",
    "output.sum(dim=1) / lengths.unsqueeze(1)",
    "mask = torch.arange(L) < lengths[:, None]; output.masked_fill(~mask.unsqueeze(2), -torch.inf).amax(dim=1)",
]


def recipes() -> list[str]:
    """The code in the two tables that name final states, and the cheat sheet's lines that need no layer."""
    landing = (BOOK / "index.md").read_text(encoding="utf-8").split("## If you came with a bug")[1].split("## Who")[0]
    sheet = (BOOK / "cheat-sheet.md").read_text(encoding="utf-8")
    table = sheet.split("## Where output and hn meet")[1].split("## The recipes")[0]
    found = [code for code in re.findall(r"`([^`]+)`", landing + table) if re.search(r"(hn|output)\[", code)]
    lines = [line.split("  #")[0] for line in sheet.splitlines() if re.match(r"(last|mean|forward|layers|h0) = ", line)]
    return sorted({*found, *(line for line in lines if "Parameter" not in line), *OF_LENGTHS})


@pytest.mark.parametrize("recipe", recipes())
@torch.no_grad()
def test_a_recipe_runs_in_the_expression_line_as_in_pytorch(recipe):
    given = tensors(SETTINGS)
    spec = {
        "module": "RNN", "input_size": 4, "hidden_size": 5, "num_layers": 2, "bidirectional": True, "batch_first": True,
        "seed": 0, "lengths": SETTINGS["lengths"], "input": given["x"].tolist(),
    }  # fmt: skip
    names = {
        **given, "torch": torch, "lengths": torch.tensor(SETTINGS["lengths"]), "N": 3, "L": 4, "H": 5, "D": 2,
        "num_layers": 2, "cn": given["hn"],
    }  # fmt: skip
    if "cn" in recipe:
        spec["module"] = "LSTM"
    if "state" in recipe:
        pytest.skip("a whole program")
    *before, last = recipe.split("; ")
    for line in before:
        exec(line, names)
    target, _, value = last.partition(" = ")
    try:
        expected = eval(value if re.fullmatch(r"[\w, ]+", target) and value else last, names)
    except RuntimeError as error:  # a recipe for another layer than this one
        with pytest.raises(EngineError, match=re.escape(str(error))):
            ask("evaluateRun", text=recipe, spec=spec)
        return
    answer = ask("evaluateRun", text=recipe, spec=spec)
    if isinstance(expected, torch.Tensor):
        assert answer["shape"] == list(expected.shape)
        assert "cn" in recipe or same_numbers(answer["text"], str(expected))
    else:
        assert len(re.findall(r"tensor\(", answer["text"])) == len(expected)


def same_numbers(ours: str, theirs: str) -> bool:
    """The same words, and numbers that may differ in the last of four digits."""
    split = [re.split(r"(-?\d+\.\d*(?:e[-+]\d+)?)", text) for text in (ours, theirs)]
    assert [part.split() for part in split[0][::2]] == [part.split() for part in split[1][::2]]
    numbers = [list(map(float, part[1::2])) for part in split]
    return numbers[0] == pytest.approx(numbers[1], abs=1.5e-4)
