"""The explorer in a browser, and what PyTorch makes of the same settings."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import BrowserContext, Locator, Page
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled.explorer.settings import DEFAULTS

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}
BUNDLE = Path(__file__).parents[2] / "unrolled" / "explorer" / "static" / "unrolled.js"

# Each kind of picture: every module, one and more layers and directions, both layouts, samples that end early.
PICTURES: dict[str, dict[str, Any]] = {
    "seed": {},
    "layers": {"num_layers": 3, "input": "sin"},
    "directions": {"num_layers": 2, "bidirectional": True, "input": "sin", "batch_first": False},
    "gru": {"module": "GRU", "hidden_size": 3, "input_size": 2, "N": 3, "input": "sin", "bias": False, "seed": 7},
    "lengths": {"bidirectional": True, "N": 3, "L": 4, "lengths": [4, 2, 3], "sample": 1, "input": "sin"},
    "lstm": {
        "module": "LSTM",
        "num_layers": 2,
        "bidirectional": True,
        "proj_size": 2,
        "input": "sin",
        "L": 4,
        "lengths": [2, 4],
    },
    "unbatched": {"batched": False, "nonlinearity": "relu", "input": "sin", "h_0": {"shape": [1, 5]}},
    "states": {"module": "LSTM", "input": "sin", "h_0": {"shape": [1, 2, 5]}, "c_0": {"shape": [1, 2, 5]}, "sample": 1},
}
each_picture = pytest.mark.parametrize("name", PICTURES)


@dataclass
class Watched:
    """A page with an explorer, and every error that it did not catch."""

    page: Page
    errors: list[str] = field(default_factory=list)

    @property
    def explorer(self) -> Locator:
        return self.page.locator("rnn-explorer").first

    def settings(self) -> dict[str, Any]:
        return self.explorer.evaluate("explorer => explorer.settings")

    def set(self, **settings: Any) -> None:
        self.explorer.evaluate(
            "(explorer, settings) => { explorer.settings = settings; return explorer.updateComplete; }", settings
        )

    def entries(self, selector: str = "") -> list[dict[str, Any]]:
        """What is drawn: each entry's name, classes and place."""
        script = """(explorer, selector) => [...explorer.shadowRoot.querySelectorAll('.entry' + selector)].map(
            entry => ({
                name: entry.ariaLabel,
                classes: entry.className,
                label: entry.innerText.trim(),
                index: entry.dataset.index,
                box: entry.getBoundingClientRect().toJSON(),
            })
        )"""
        return self.explorer.evaluate(script, selector)

    def readout(self) -> dict[str, Any]:
        """What is written under the stage: slices, numbers, and words."""

        def text(selector: str) -> list[str]:
            return self.explorer.locator(f".readout {selector}").all_inner_texts()

        return {
            "slices": text(".slices code"),
            "numbers": [float(number.replace("−", "-")) for number in text(".numbers :is(span, button)")],
            "words": " ".join(text("p")),
        }

    def entry(self, index: int | str) -> Locator:
        return self.explorer.locator(f'[data-index="{index}"]')


def watch(context: BrowserContext, address: str) -> Watched:
    page = context.new_page()
    watched = Watched(page)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("console", lambda message: watched.errors.append(message.text) if message.type == "error" else None)
    page.goto(address)
    watched.explorer.evaluate(
        "explorer => customElements.whenDefined('rnn-explorer').then(() => explorer.updateComplete)"
    )
    return watched


def bare_page(folder: Path, name: str, body: str) -> str:
    """Write a page that has nothing but `body` and the bundle beside it; return its file name."""
    folder.mkdir(exist_ok=True)
    (folder / "unrolled.js").write_bytes(BUNDLE.read_bytes())
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Bare</title>'
    page = f'<!doctype html><html lang="en">{head}<link rel="icon" href="data:,"><body>{body}'
    (folder / f"{name}.html").write_text(page + '<script type="module" src="unrolled.js"></script>', encoding="utf-8")
    return f"{name}.html"


def tag(settings: dict[str, Any], attributes: str = "") -> str:
    return f'<rnn-explorer settings="{html.escape(json.dumps(settings))}" {attributes}></rnn-explorer>'


def operate(control: Locator) -> str:
    """Give the control another value, as a hand would; return what it is called."""
    handle = control.element_handle()  # what is typed may disable the button beside it, and a locator counts anew
    kind = handle.evaluate("c => c.tagName === 'SELECT' ? 'select' : c.type")
    name = handle.evaluate("c => c.ariaLabel || c.id || c.closest('label')?.innerText || c.type")
    if kind == "select":
        handle.select_option(index=handle.evaluate("c => (c.selectedIndex + 1) % c.options.length"))
    elif kind == "radio":
        group = handle.evaluate_handle(
            "c => [...c.closest('fieldset').querySelectorAll('input')].find(other => !other.checked) ?? c"
        )  # one sample alone stays checked
        group.as_element().check(force=True)
    elif kind == "checkbox":
        handle.set_checked(not handle.is_checked())
    elif kind == "number":
        handle.fill(str(int(float(handle.input_value())) - 1 or 2) if handle.get_attribute("min") != "0" else "1")
        handle.press("Enter")
    elif kind == "range":
        handle.fill("1")
    elif kind == "text":
        handle.fill("(2, 3, 3)")
        handle.press("Enter")
    else:
        handle.click()
    return name


def build(settings: dict[str, Any]) -> nn.RNNBase:
    """The module of these settings, as `torch.manual_seed` makes it."""
    full = {**DEFAULTS, **settings}
    names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional"]
    names += {"RNN": ["nonlinearity"], "LSTM": ["proj_size"], "GRU": []}[full["module"]]
    torch.manual_seed(full["seed"])
    return getattr(nn, full["module"])(**{name: full[name] for name in names})


@torch.no_grad()
def tensors(settings: dict[str, Any], num_layers: int | None = None) -> dict[str, Tensor]:
    """x, h0, output, hn (c0, cn) as PyTorch computes them.

    The weights of a layer do not depend on how many layers come after it: with a smaller `num_layers`, `output` holds
    the states of a layer in between.
    """
    full = {**DEFAULTS, **settings}
    module = build({**full, "num_layers": num_layers or full["num_layers"]})
    N, L, H_in = full["N"], full["L"], full["input_size"]
    x = (
        torch.arange(float(N * L * H_in)).reshape(N, L, H_in)
        if full["batched"]
        else torch.arange(float(L * H_in)).reshape(L, H_in)
    )
    if full["input"] == "sin":
        x = x.sin()
    if full["batched"] and not full["batch_first"]:
        x = x.transpose(0, 1)
    rows = module.num_layers * (1 + module.bidirectional)
    made = {"x": x}
    for name, width in (("h0", module.proj_size or module.hidden_size), ("c0", module.hidden_size)):
        given = full["h_0" if name == "h0" else "c_0"]
        shape = (rows, N, width) if full["batched"] else (rows, width)
        size = torch.Size(shape).numel()
        made[name] = torch.arange(float(size)).reshape(given["shape"]) / size if given else torch.zeros(shape)
    hx = (made["h0"], made["c0"]) if full["module"] == "LSTM" else made["h0"]
    if full["lengths"]:
        packed, last = module(pack_padded_sequence(x, full["lengths"], module.batch_first, enforce_sorted=False), hx)
        made["output"], _ = pad_packed_sequence(packed, module.batch_first, total_length=L)
    else:
        made["output"], last = module(x, hx)
    made |= dict(zip(("hn", "cn"), last, strict=True)) if isinstance(last, tuple) else {"hn": last}
    return made
