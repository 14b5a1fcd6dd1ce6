"""The drill: its questions against torch and against the worksheet's, its judge, and its page in a real browser."""

# ruff: noqa: E501 (a table of cases has one line for each)
from __future__ import annotations

import gzip
import itertools
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from drill_bridge import ask
from engine_bridge import WEB, node
from pages import BUDGET, Visit, parsed, visit
from playwright.sync_api import Locator, Page, expect
from torch import nn
from torch_answers import disagreement

from unrolled.drill.question_maker import Question, question
from unrolled.drill.setting import Setting
from unrolled.drill.wording import KINDS, LEVELS, RULES

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

PROJECT = Path(__file__).parents[2]
BUNDLE = PROJECT / "book" / "_static" / "drill.js"
NARROW = {"width": 360, "height": 740}
each_kind = pytest.mark.parametrize("kind", KINDS)


def every(count: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Levels and seeds."""
    return itertools.product(range(1, LEVELS + 1), range(start, start + count))


def judge(asked: Question, typed: str) -> dict:
    return ask("judge", kind=asked.kind, level=asked.level, seed=asked.seed, typed=typed)


# The questions


def test_the_drill_and_the_worksheet_offer_the_same_kinds():
    assert ask("kinds") == {"kinds": KINDS, "levels": LEVELS}


@each_kind
def test_the_drill_and_the_worksheet_ask_the_same_and_say_the_same(kind):
    for level, seed in every(25):
        ours = json.loads(json.dumps(asdict(question(kind, level, seed))))
        theirs = ask("question", kind=kind, level=level, seed=seed)
        setting, layer = ours.pop("setting"), ours["setting"]["layer"] if "setting" in ours else {}
        layer = setting.pop("layer")
        module = {
            name: layer[name]
            for name in ("input_size", "hidden_size", "num_layers", "batch_first", "bidirectional", "proj_size")
        }
        assert theirs.pop("setting") == {"module": layer["kind"], **module, **setting}
        assert theirs == ours


@pytest.mark.parametrize("maker", [PROJECT / "unrolled" / "drill", WEB / "drill"], ids=["python", "typescript"])
def test_both_makers_use_every_sentence(maker):
    source = "".join(path.read_text(encoding="utf-8") for path in maker.iterdir() if path.suffix in (".py", ".ts"))
    assert [name for name in RULES["sentences"] if f'"{name}"' not in source] == []


@each_kind
def test_torch_gives_every_answer_of_the_drill(kind):
    for level, seed in every(8, start=1000):
        asked = ask("question", kind=kind, level=level, seed=seed)
        assert disagreement(asked) is None, asked


# The judge


@each_kind
def test_every_way_to_write_the_answer_is_right(kind):
    for level, seed in every(15):
        made = question(kind, level, seed)
        for text in (made.answer, *made.also, f"  {made.answer} "):
            assert judge(made, text) == {"verdict": "right"}, text


def test_a_shape_is_judged_by_its_numbers():
    made = find("output-shape", lambda s: s.N and s.layer.D == 2)
    sizes = [int(size) for size in re.findall(r"\d+", made.answer)]
    last = f"2*{sizes[-1] // 2}"
    for text in (
        "{} {} {}", "({}, {}, {})", "[{},{},{}]", "torch.Size([{}, {}, {}])", "{}x{}x{}", "{}×{}×{}", "({},{},{},)", "({} {} {}", "{};{};{}"
    ):  # fmt: skip
        assert judge(made, text.format(*sizes))["verdict"] == "right", text
    assert judge(made, f"({sizes[0]}, {sizes[1]}, {last})")["verdict"] == "right"
    assert judge(made, "{} {} {}".format(*sizes[:2], sizes[2] + 1))["verdict"] == "wrong"
    for text in (
        "hn.shape",
        "three",
        "(3, 7",
        "1.5 2 3",
        "(3, 7, x)",
        "output",
        "",
        "-",
        "((((",
        "<b>3</b>",
        "3 7 output",
    ):
        assert judge(made, text)["verdict"] == ("wrong" if text == "(3, 7" else "unread"), text


def test_an_expression_is_judged_by_its_numbers():
    made = find(
        "final-state", lambda s: s.N and s.layer.D == 2 and s.layer.num_layers == 2, lambda q: q.answer == "hn[3]"
    )
    H, N = made.setting.layer.H_out, made.setting.N
    for text in ("hn[3]", "hn[-1]", "h_n[-1]", f"hn.view(2, 2, {N}, {H})[1, 1]", "hn[3, :, :]", f"hn.reshape(2, 2, {N}, -1)[-1, -1]",
                 made.setting.output_at(0, f"{H}:"), "hn[3:].squeeze(0)", "torch.cat([hn[3]])", "hn[1 + 2]"):  # fmt: skip
        assert judge(made, text)["verdict"] == "right", text
    for text, message in {
        "hn[": "column 4: the expression ends too early",
        "hidden[-1]": "column 1: hidden is not known here; there are x, h0",
        "hn[9]": "index 9 is out of bounds for dimension 0 with size 4",
        "hn[3].numpy()": ".numpy is not known here",
        "hn = 3": "That gives 3. A tensor of shape",
        "hn[3:]": f"The numbers are right, but in shape `(1, {N}, {H})`. Bring them into shape `({N}, {H})`.",
        "hn.shape": f"A tensor of shape `({N}, {H})` is asked for.",
        "3": f"That gives 3. A tensor of shape `({N}, {H})` is asked for.",
        "hn[3] == hn[3]": "That compares.",
        "": "Type an answer first.",
    }.items():
        judged = judge(made, text)
        assert judged["verdict"] == "unread", (text, judged)
        assert message in judged["message"], (text, judged)


def test_a_right_answer_that_a_batch_of_one_would_undo_is_told_so():
    made = find(
        "final-state", lambda s: s.N and s.layer.D == 1 and s.layer.num_layers == 1, lambda q: q.answer == "hn[0]"
    )
    layer = made.setting.layer
    module = getattr(nn, layer.kind)(layer.input_size, layer.hidden_size)
    hn = module(torch.zeros(made.setting.L, 1, layer.input_size))[1]
    hn = hn[0] if isinstance(hn, tuple) else hn
    caution = f"With a batch of one, though, it has shape `{tuple(hn.squeeze().shape)}` and not `{tuple(hn[0].shape)}`."
    assert judge(made, "hn.squeeze()") == {"verdict": "right", "caution": caution}
    for text in ("hn.squeeze(0)", "hn.sum(0)", f"hn[0, :{made.setting.N}]", f"hn.view({made.setting.N}, -1)"):
        assert judge(made, text) == {"verdict": "right"}, text


def test_the_length_of_a_sample_may_stand_in_an_index():
    made = find("last-valid-step", lambda s: s.layer.D == 1)
    index = [str(made.sample), f"lengths[{made.sample}] - 1"]
    assert judge(made, f"output[{', '.join(index if made.setting.layer.batch_first else reversed(index))}]") == {
        "verdict": "right"
    }


def test_yes_and_no_are_words():
    made = find("equality", lambda s: True, lambda q: q.answer == "no")
    assert [judge(made, text)["verdict"] for text in ("no", "No.", "n", "false", "False")] == ["right"] * 5
    assert [judge(made, text)["verdict"] for text in ("yes", "Y", "True")] == ["wrong"] * 3
    assert judge(made, "maybe") == {"verdict": "unread", "message": "Type yes or no."}


def test_steps_are_read_in_any_way_they_are_written():
    made = find("steps-read", lambda s: s.L == 5 and not s.lengths, lambda q: q.answer == "0, 1, 2, 3")
    for text in (
        "0, 1, 2, 3",
        "0 1 2 3",
        "0-3",
        "0–3",
        "0:4",
        "0..3",
        "0 to 3",
        "range(0, 4)",
        "range(4)",
        "[0, 1, 2, 3]",
        "steps 0, 1, 2 and 3",
        "3 2 1 0",
    ):
        assert judge(made, text)["verdict"] == "right", text
    for text in ("all", "0-4", "3", "4", "0:3", "1 2 3 4"):
        assert judge(made, text)["verdict"] == "wrong", text
    for text in ("x", "output[0]", "0.5", "-1", "0-", "step"):
        assert judge(made, text)["verdict"] == "unread", text
    whole = find("steps-read", lambda s: s.L == 5, lambda q: q.answer == "0, 1, 2, 3, 4")
    assert judge(whole, "all")["verdict"] == "right"


# The misconceptions


def find(
    kind: str, setting: Callable[[Setting], object], of: Callable[[Question], object] = lambda made: True
) -> Question:
    """The first question of this kind whose setting, and which itself, is as asked for."""
    made = (question(kind, level, seed) for seed in range(200) for level in range(LEVELS, 0, -1))
    return next(each for each in made if setting(each.setting) and of(each))


def shape(sizes: list[int | None]) -> str:
    return " ".join(str(size) for size in sizes if size is not None)


def batched(s):
    return s.N is not None


def two_ways(s):
    return batched(s) and s.layer.D == 2


def stacked(s):
    return two_ways(s) and s.layer.num_layers > 1


def projected(s):
    return batched(s) and s.layer.proj_size


def backward(q):
    return (
        q.states[0].direction == 1 and q.states[0].tensor == "h" and q.states[0].layer == q.setting.layer.num_layers - 1
    )


def bottom(q):
    return q.states[0].layer == 0 and q.states[0].direction == 0 and q.states[0].tensor == "h"


def first_two(s):
    return [s.N, s.L] if s.layer.batch_first else [s.L, s.N]


SHAPES = {
    "forgot D in output": ("output-shape", two_ways, lambda s: [*first_two(s), s.layer.H_out], "one direction wide"),
    "time and batch swapped": ("output-shape", lambda s: batched(s) and s.layer.batch_first, lambda s: [s.L, s.N, s.layer.D * s.layer.H_out], "puts the batch before time, in `output`"),
    "batch first, unasked": ("output-shape", lambda s: batched(s) and not s.layer.batch_first, lambda s: [s.N, s.L, s.layer.D * s.layer.H_out], "is not set, so time comes before the batch"),
    "hidden_size in place of proj_size": ("output-shape", projected, lambda s: [*first_two(s), s.layer.D * s.layer.hidden_size], "`proj_size` narrows every hidden state"),
    "every layer in output": ("output-shape", stacked, lambda s: [s.layer.num_layers, *first_two(s), 2 * s.layer.H_out], "the top layer alone"),
    "directions stacked in output": ("output-shape", two_ways, lambda s: [2, *first_two(s), s.layer.H_out], "It is `hn` that stacks them"),
    "hn's shape for output": ("output-shape", stacked, lambda s: [s.rows, s.N, s.layer.H_out], "That is the shape of `hn`"),
    "a batch axis, unbatched": ("output-shape", lambda s: s.N is None and not s.layer.batch_first, lambda s: [s.L, 1, s.layer.D * s.layer.H_out], "has no batch axis"),
    "batch first in hn": ("hn-shape", lambda s: batched(s) and s.layer.batch_first, lambda s: [s.N, s.rows, s.layer.H_out], "`batch_first` does not touch `hn`"),
    "forgot D in hn": ("hn-shape", two_ways, lambda s: [s.layer.num_layers, s.N, s.layer.H_out], "2 rows for each layer"),
    "the top layer alone in hn": ("hn-shape", lambda s: two_ways(s) and s.layer.num_layers == 3, lambda s: [2, s.N, s.layer.H_out], "not only the top one"),
    "directions side by side in hn": ("hn-shape", stacked, lambda s: [s.layer.num_layers, s.N, 2 * s.layer.H_out], "It is `output` that puts them side by side"),
    "layers and directions apart": ("hn-shape", stacked, lambda s: [s.layer.num_layers, 2, s.N, s.layer.H_out], "share one axis"),
    "no axis of layers": ("hn-shape", lambda s: batched(s) and s.rows == 1, lambda s: [s.N, s.layer.H_out], "keeps its axis of layers"),
    "time in hn": ("hn-shape", batched, lambda s: [s.rows, s.L, s.layer.H_out], "has no axis of time"),
    "hn not projected": ("hn-shape", projected, lambda s: [s.rows, s.N, s.layer.hidden_size], "`proj_size` narrows every hidden state"),
    "cn projected": ("cn-shape", projected, lambda s: [s.rows, s.N, s.layer.proj_size], "A cell state stays `hidden_size` wide"),
    "two slips at once": ("hn-shape", lambda s: stacked(s) and s.layer.batch_first, lambda s: [s.N, s.layer.num_layers, s.layer.H_out], r"does not touch.* 2 rows for each layer"),
    "h0 with the batch first": ("h0-shape", lambda s: batched(s) and not s.layer.proj_size, lambda s: [s.N, s.rows, s.layer.H_out], r"PyTorch says: `Expected hidden(\[0\])? size \(\d, \d+, \d+\), got \[\d+, \d, \d+\]`"),
    "a gate alone": ("parameter-shape", lambda s: s.layer.kind == "LSTM" and not s.layer.proj_size, lambda s: [s.layer.hidden_size, s.layer.input_size], "stacks its 4 gates"),
    "transposed": ("parameter-shape", lambda s: s.layer.kind == "GRU", lambda s: [s.layer.input_size, 3 * s.layer.hidden_size], "The other way round"),
    "four gates in a GRU": ("parameter-shape", lambda s: s.layer.kind == "GRU", lambda s: [4 * s.layer.hidden_size, s.layer.input_size], "A GRU has 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_misconception_about_a_shape_is_named(name):
    kind, setting, typed, sentence = SHAPES[name]
    made = find(kind, setting, lambda q: kind != "parameter-shape" or q.subject.startswith("weight_ih_l0"))
    judged = judge(made, shape(typed(made.setting)))
    assert judged["verdict"] == "wrong"
    assert re.search(sentence, judged["misconception"]), judged["misconception"]


def test_the_one_wrong_axis_is_named():
    made = find("hn-shape", stacked)
    assert judge(made, f"99 {made.setting.N} {made.setting.layer.H_out}")["misconception"] == "All but axis 0 is right."


def test_misconceptions_about_upper_layers_are_named():
    made = find("parameter-shape", stacked, lambda q: q.subject.startswith("weight_ih_l1"))
    rows, H = int(made.answer[1:].split(",")[0]), made.setting.layer.H_out
    assert "both directions side by side" in judge(made, f"{rows} {H}")["misconception"]
    assert "Only the bottom layer reads `x`" in judge(made, f"{rows} {made.setting.layer.input_size}")["misconception"]
    made = find("parameter-shape", projected, lambda q: q.subject.startswith("weight_hh"))
    assert (
        "`proj_size`"
        in judge(made, f"{4 * made.setting.layer.hidden_size} {made.setting.layer.hidden_size}")["misconception"]
    )


EXPRESSIONS = {
    "the backward half after one step": ("final-state", two_ways, backward, lambda s: s.output_at(-1, s.half(1)), r"^Your backward half has read one step: that is `output\[.*-1.*:\]`\. Its last step is t = 0\.$"),
    "both halves at the last step": ("classifier", two_ways, None, lambda s: s.output_at(-1), "Your backward half has read one step"),
    "one direction for a classifier": ("classifier", two_ways, None, lambda s: "hn[-1]", "backward direction alone"),
    "backward first": ("classifier", two_ways, None, lambda s: "torch.cat([hn[-1], hn[-2]], dim=-1)", "puts backward first"),
    "stacking for concatenation": ("classifier", two_ways, None, lambda s: "torch.stack([hn[-2], hn[-1]])", "Side by side is along the last axis"),
    "concatenation of the batch": ("classifier", two_ways, None, lambda s: "torch.cat([hn[-2], hn[-1]])", "Side by side is along the last axis"),
    "a view that mixes samples": ("classifier", two_ways, None, lambda s: f"hn[-2:].view({s.N}, {2 * s.layer.H_out})", "one row now holds two samples"),
    "the top layer for the bottom": ("final-state", lambda s: batched(s) and s.layer.num_layers == 2 and s.layer.D == 1, bottom, lambda s: "hn[-1]", "That is the top layer. Asked is the bottom layer."),
    "the bottom layer for the top": ("classifier", lambda s: s.layer.num_layers > 1 and s.layer.D == 1, None, lambda s: "hn[0]", "That is the bottom layer. Asked is the top layer."),
    "counted by direction": ("final-state", lambda s: s.layer.num_layers == 2 and s.layer.D == 2, lambda q: q.answer == "hn[1]", lambda s: "hn[2]", "counts direction by direction"),
    "the other direction": ("final-state", lambda s: s.layer.num_layers == 1 and s.layer.D == 2, lambda q: q.answer == "hn[1]", lambda s: "hn[0]", "That is forward. Asked is backward."),
    "the cell state": ("final-state", lambda s: s.layer.kind == "LSTM" and not s.layer.proj_size, bottom, lambda s: "cn[0]", "`cn` holds cell states"),
    "the hidden state": ("final-state", lambda s: s.layer.kind == "LSTM", lambda q: q.states[0].tensor == "c", lambda s: "hn[0]", "The cell states are in `cn`"),
    "batch and time, batch first": ("classifier", lambda s: s.layer.batch_first and s.layer.D == 1, None, lambda s: "output[-1]", "With `batch_first=True` the batch comes first"),
    "batch and time, time first": ("state-at-step", lambda s: batched(s) and not s.layer.batch_first and s.layer.D == 1, None, lambda s: "output[:, -1]", "Time comes first here"),
    "the padding": ("last-valid-step", lambda s: s.layer.D == 1 and s.layer.batch_first, lambda q: q.sample == 0, lambda s: "output[0, -1]", r"^Sample 0 has \d steps. From step \d on, `output` is padding: zeros.$"),
    "both directions": ("state-at-step", two_ways, lambda q: q.answer.startswith(("output[2", "output[:, 2")), lambda s: s.output_at(2), "holds both directions side by side"),
    "the wrong step": ("state-at-step", lambda s: s.layer.D == 1, lambda q: "at step 2" in q.ask, lambda s: s.output_at(1), "That is step 1. Asked is step 2."),
    "the first step": ("classifier", lambda s: s.layer.D == 1, None, lambda s: s.output_at(0), "That is step 0"),
    "the input": ("classifier", batched, None, lambda s: "x", "`x` is what goes in"),
    "the initial state": ("classifier", batched, None, lambda s: "h0[-1]", "an initial state, which goes in"),
    "an average": ("classifier", lambda s: s.layer.batch_first, None, lambda s: "output.mean(1)", "computes something new"),
    "a part": ("classifier", lambda s: s.layer.D == 1, None, lambda s: "hn[-1, :, :5]", "a part of it"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_misconception_about_a_slice_is_named(name):
    kind, setting, of, typed, sentence = EXPRESSIONS[name]
    made = find(kind, setting, of or (lambda made: True))
    judged = judge(made, typed(made.setting))
    assert judged["verdict"] == "wrong", judged
    assert re.search(sentence, judged["misconception"]), judged["misconception"]
    assert judged["places"]


def test_misconceptions_about_steps_are_named():
    def one(s):
        return s.layer.num_layers == 1 and s.layer.D == 2 and s.L == 5 and not s.lengths

    made = find("steps-read", one, lambda q: q.answer == "3, 4")
    assert "Backward begins at the end" in judge(made, "0-3")["misconception"]
    assert "its own step alone" in judge(made, "3")["misconception"]
    assert "counts from 1" in judge(made, "4 5")["misconception"]
    assert "its own step, 3, too" in judge(made, "4")["misconception"]
    assert "There are 5 steps, 0 to 4" in judge(made, "3 9")["misconception"]
    forward = find("steps-read", one, lambda q: q.answer == "0, 1, 2")
    assert "begins at step 0" in judge(forward, "2-4")["misconception"]
    assert "has not come that far: it reads from step 0 on" in judge(forward, "0-3")["misconception"]
    assert "has not come that far: it reads from step 4 down" in judge(made, "1-4")["misconception"]
    upper = find(
        "steps-read",
        stacked,
        lambda q: (
            q.subject.startswith("output") and not q.setting.lengths and not re.search(r"[\[ ]0[,\]]|-1", q.subject)
        ),
    )
    assert "followed one direction" in judge(upper, "0, 1")["misconception"]
    padded = find(
        "steps-read",
        lambda s: s.lengths and min(s.lengths) < s.L - 1,
        lambda q: len(q.answer) == 4 and "hn" in q.subject,
    )
    assert "padding, and the layer never reads it" in judge(padded, "0-2")["misconception"]


@each_kind
def test_the_answers_of_other_questions_are_judged(kind):
    """Each is right, or cannot be read, or is wrong; a wrong slice always gets a sentence."""
    answers = [question(kind, level, seed).answer for level, seed in every(3)]
    for level, seed in every(3):
        made = question(kind, level, seed)
        for answer in answers:
            judged = judge(made, answer)
            assert (
                judged["verdict"] == "right"
                if answer == made.answer
                else judged["verdict"] in ("right", "wrong", "unread")
            )
            if judged["verdict"] == "wrong" and made.form == "expression":
                assert judged["misconception"]


HOSTILE = ["<img src=x onerror=alert(1)>", "`<b>x</b>`", "${1}", "hn" + "[0]" * 60, "((((((((" * 20, "9" * 190, "hn.view(" + "1, " * 60 + ")", "\u202e\u0000\ud83d\ude00",
           "output" * 30, "hn[" + "9" * 150 + "]", "__proto__", "constructor", "hn.constructor", "lengths[99]", "torch.Size([1e9])", "0-999", "1e999", "'", '"', "\\"]  # fmt: skip


@each_kind
def test_hostile_text_is_read_or_refused(kind):
    made = question(kind, 4, 3)
    for text in HOSTILE:
        assert judge(made, text)["verdict"] in ("wrong", "unread"), text


# The bundle


def test_the_bundle_is_what_its_sources_make(tmp_path):
    made = tmp_path / "drill.js"
    subprocess.run([node(), "build.mjs", "drill/index.ts", str(made)], cwd=WEB, check=True)
    assert made.read_bytes() == BUNDLE.read_bytes(), "run `make bundle`"


def test_the_bundle_is_at_most_46_kb_and_evaluates_no_text():
    """It reads the same Python as the explorer's line, whose recipes are right answers here too."""
    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) <= 46_000
    bundle = BUNDLE.read_text(encoding="utf-8")
    assert not re.search(r"\beval\(|new Function|\bFunction\(|unsafeHTML", bundle)
    assert bundle.count("innerHTML") == 1, "lit's own, which makes an element of a template"


# The page


class Drill:
    """The page of the drill in a browser of its own."""

    def __init__(self, seen: Visit) -> None:
        self.seen, self.page = seen, seen.page

    @property
    def field(self) -> Locator:
        return self.page.get_by_role("textbox", name="?").or_(self.page.locator("rnn-drill input"))

    @property
    def verdict(self) -> Locator:
        return self.page.locator("rnn-drill [role=status]")

    def asked(self) -> Question:
        name = self.page.locator("rnn-drill").evaluate(
            "({ question: { kind, level, seed } }) => ({ kind, level, seed })"
        )
        return question(**name)

    def type(self, text: str) -> None:
        """Types the answer with the keyboard, and Enter."""
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Enter")

    def marked(self, kind: str) -> set[str]:
        return set(
            self.page.locator(f"rnn-drill .grid .{kind}").evaluate_all("all => all.map(one => one.dataset.place)")
        )

    def stored(self) -> dict | None:
        return json.loads(self.page.evaluate("localStorage.getItem('unrolled-drill')") or "null")


KEPT = {"level": 3, "streak": 0, "kinds": {kind: {"weight": 1, "right": 1, "asked": 2} for kind in KINDS}}


@pytest.fixture
def drill(browser, address) -> Iterator[Callable[..., Drill]]:
    """A function that opens the drill, at a question where one is given."""
    contexts = []

    def open_page(made: Question | None = None, script: str = "", **options) -> Drill:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))
        if made:
            kept = json.dumps({**KEPT, "asking": {"kind": made.kind, "level": made.level, "seed": made.seed}})
            script += f"if (!localStorage.getItem('unrolled-drill')) localStorage.setItem('unrolled-drill', {json.dumps(kept)});"
        contexts[-1].add_init_script(script)
        return Drill(visit(contexts[-1], f"{address}/drill.html"))

    yield open_page
    for context in contexts:
        context.close()


def reach_the_field(page: Page) -> None:
    """With the Tab key alone."""
    page.evaluate(
        "document.querySelector('.bd-article h1').setAttribute('tabindex', '-1'), document.querySelector('.bd-article h1').focus()"
    )
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.shadowRoot?.activeElement?.localName") == "input":
            return
    raise AssertionError("Tab does not lead to the field")


def test_a_round_by_keyboard_alone(drill):
    opened = drill()
    reach_the_field(opened.page)
    for number in range(1, 13):
        made = opened.asked()
        expect(opened.page.locator("rnn-drill .program")).to_have_text("\n".join(made.code))
        opened.type(made.answer)
        expect(opened.verdict).to_contain_text("Right.")
        expect(opened.verdict).to_contain_text(made.reason.replace("`", ""))
        assert opened.marked("solid") or made.kind == "h0-shape"
        expect(opened.page.locator("rnn-drill .kind")).to_contain_text(f"{number} of {number} right")
        opened.page.keyboard.press("Enter")
        expect(opened.field).to_have_value("")
        assert opened.asked() != made
    assert opened.asked().level == LEVELS
    assert opened.seen.complaints == []


def test_a_wrong_answer_gets_its_sentence_the_answer_and_its_boxes(drill):
    made = find("final-state", lambda s: stacked(s) and s.layer.num_layers == 2, backward)
    opened = drill(made)
    opened.field.focus()
    opened.type(made.setting.output_at(-1, made.setting.half(1)))
    expect(opened.verdict).to_contain_text("Not quite. Your backward half has read one step")
    expect(opened.verdict).to_contain_text("The answer is hn[3], or hn[-1]")
    assert opened.marked("solid") == {"h.3.0"}
    assert opened.marked("dashed") == {f"h.3.{made.setting.L - 1}"}
    name = opened.page.locator("rnn-drill .grid").get_attribute("aria-label")
    assert "Marked as the answer: the top layer, backward, at step 0." in name
    assert f"Marked as yours: the top layer, backward, at step {made.setting.L - 1}." in name


@pytest.mark.parametrize(
    ("kind", "solid"),
    [
        ("output-shape", lambda s: {f"h.{s.rows - d}.{t}" for d in (1, 2) for t in range(s.L)}),
        ("hn-shape", lambda s: {f"h.{row}.{0 if row % 2 else s.L - 1}" for row in range(s.rows)}),
        ("cn-shape", lambda s: {f"c.{row}.{0 if row % 2 else s.L - 1}" for row in range(s.rows)}),
        ("classifier", lambda s: {f"h.{s.rows - 2}.{s.L - 1}", f"h.{s.rows - 1}.0"}),
    ],
)
def test_the_very_boxes_are_lit(drill, kind, solid):
    made = find(kind, stacked)
    opened = drill(made)
    opened.page.get_by_role("button", name="Show me").click()
    expect(opened.verdict).to_contain_text(f"The answer is {made.answer}")
    assert opened.marked("solid") == solid(made.setting)


def test_what_a_state_has_read_is_lit(drill):
    made = find(
        "steps-read",
        lambda s: s.layer.num_layers == 1 and s.layer.D == 2 and s.L == 5 and not s.lengths,
        lambda q: q.answer == "3, 4",
    )
    opened = drill(made)
    opened.field.focus()
    opened.type("0-3")
    assert opened.marked("solid") == {"x.0.3", "x.0.4", "h.1.3"}
    assert opened.marked("dashed") == {f"x.0.{step}" for step in range(4)}


def test_what_cannot_be_read_does_not_count(drill):
    made = find("final-state", batched)
    opened = drill(made)
    opened.field.focus()
    opened.type("hn[")
    expect(opened.verdict).to_have_text("column 4: the expression ends too early")
    assert opened.asked() == made
    assert opened.stored()["kinds"][made.kind] == KEPT["kinds"][made.kind]
    opened.field.fill("")
    opened.type(made.answer)
    expect(opened.verdict).to_contain_text("Right.")


def test_a_caution_stands_beside_the_verdict(drill):
    opened = drill(
        find(
            "final-state",
            batched,
            lambda q: q.answer == "hn[0]" and q.setting.layer.num_layers == q.setting.layer.D == 1,
        )
    )
    opened.field.focus()
    opened.type("hn.squeeze()")
    expect(opened.verdict).to_contain_text("Right. With a batch of one, though, it has shape (")


def test_progress_survives_a_reload_and_an_answer_counts_once(drill):
    made = find("equality", batched)
    opened = drill(made)
    opened.field.focus()
    opened.type(made.answer)
    expect(opened.verdict).to_contain_text("Right.")
    before = opened.stored()
    assert before["kinds"]["equality"] == {"weight": 0.5, "right": 2, "asked": 3}
    opened.page.reload(wait_until="networkidle")
    expect(opened.page.locator("rnn-drill .kind")).to_contain_text("12 of 23 right")
    assert opened.stored()["kinds"] == before["kinds"]
    waiting = opened.asked()
    opened.page.reload(wait_until="networkidle")
    assert opened.asked() == waiting


def test_it_adapts(drill):
    """Wrong doubles a kind's weight, right halves it; three right in a row lead up, two wrong lead down."""
    opened = drill(question("hn-shape", 3, 1))
    opened.field.focus()
    seen = []
    for _ in range(2):
        made = opened.asked()
        seen.append(made.kind)
        opened.page.get_by_role("button", name="Show me").click()
        opened.page.get_by_role("button", name="Next").click()
    assert seen[0] != seen[1]
    assert {opened.stored()["kinds"][kind]["weight"] for kind in seen} == {2}
    assert opened.asked().level == 2
    for _ in range(3):
        made = opened.asked()
        opened.type(made.answer)
        opened.page.keyboard.press("Enter")
    assert opened.asked().level == 3


def test_forgetting_begins_anew(drill):
    opened = drill(question("hn-shape", 3, 1))
    opened.page.get_by_role("button", name="Forget my progress").click()
    assert opened.stored() is None
    expect(opened.page.locator("rnn-drill .kind")).to_contain_text("level 1 of 4")
    assert opened.asked().level == 1


def test_it_works_where_storage_is_denied(drill):
    denied = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });"
    opened = drill(script=denied)
    opened.seen.complaints.clear()  # the theme's own script says that it misses its storage
    expect(opened.page.get_by_text("This browser keeps nothing")).to_be_visible()
    for _ in range(2):
        opened.field.focus()
        opened.type(opened.asked().answer)
        expect(opened.verdict).to_contain_text("Right.")
        opened.page.keyboard.press("Enter")
    opened.page.get_by_role("button", name="Forget my progress").click()
    expect(opened.page.locator("rnn-drill .kind")).to_contain_text("level 1 of 4")
    assert opened.seen.complaints == []


@pytest.mark.parametrize("junk", ["{", "null", "7", '{"level": 99, "streak": 0, "kinds": {}}', json.dumps({**KEPT, "asking": {"kind": "__proto__", "level": 1, "seed": 1}}),
                                  json.dumps({**KEPT, "streak": "<b>"}), json.dumps({**KEPT, "kinds": {**KEPT["kinds"], "equality": {"weight": 1e9, "right": 5, "asked": 1}}})])  # fmt: skip
def test_a_damaged_record_is_a_fresh_start(drill, junk):
    opened = drill(script=f"localStorage.setItem('unrolled-drill', {json.dumps(junk)});")
    assert opened.asked().level in (1, 3)
    assert opened.seen.complaints == []


def test_hostile_text_makes_no_markup(drill):
    opened = drill(find("final-state", batched))
    elements = "rnn-drill => [...rnn-drill.shadowRoot.querySelectorAll('*')].map(one => one.localName)".replace(
        "rnn-drill", "drill"
    )
    for text in ("<img src=x onerror=alert(1)>", "hn[0] `<script>alert(1)</script>`", "<svg onload=alert(1)>"):
        opened.field.fill(text)
        opened.page.keyboard.press("Enter")
        expect(opened.verdict).not_to_be_empty()
        assert not {"img", "script", "b"} & set(opened.page.locator("rnn-drill").evaluate(elements))
    assert opened.seen.complaints == []


def test_on_a_phone(drill):
    """A whole round by touch at 360 px: nothing is wider than the screen, and the keyboard gives way to the reason."""
    widest = find("last-valid-step", lambda s: s.layer.num_layers == 3 and s.layer.D == 2 and s.L == 5)
    opened = drill(widest, viewport=NARROW, has_touch=True, is_mobile=True)
    width = "document.documentElement.scrollWidth"
    assert opened.page.evaluate(width) <= NARROW["width"]
    opened.field.fill("output[0]")
    opened.page.get_by_role("button", name="Check").tap()
    expect(opened.verdict).to_contain_text("Not quite.")
    assert opened.page.evaluate(width) <= NARROW["width"]
    grid = opened.page.locator("rnn-drill .grid").bounding_box()
    form = opened.page.locator("rnn-drill form").bounding_box()
    assert form["x"] <= grid["x"]
    assert grid["x"] + grid["width"] <= form["x"] + form["width"]
    assert opened.page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == "Next"
    opened.page.get_by_role("button", name="Next").tap()
    expect(opened.verdict).not_to_contain_text("Not quite.")


def test_a_screen_reader_is_told_the_question_and_the_verdict(drill):
    made = find("classifier", two_ways)
    opened = drill(made)
    field = opened.page.get_by_role("textbox", name=made.ask.replace("`", ""), exact=True)
    expect(field).to_have_accessible_description(
        re.compile(r"^\w+ = nn\..*An expression over output and hn", re.DOTALL)
    )
    field.focus()
    opened.type("hn[-1]")
    expect(opened.page.get_by_role("status")).to_contain_text("Not quite. That is the backward direction alone.")
    opened.page.keyboard.press("Enter")
    expect(opened.page.get_by_role("status")).to_contain_text(opened.asked().ask.replace("`", ""))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_state(drill, theme):
    def check(made: Question, *answers: str) -> None:
        opened = drill(made, color_scheme=theme, reduced_motion="reduce")
        opened.page.locator("rnn-drill .foot summary").click()
        for typed in answers:
            opened.field.fill(typed)
            opened.page.keyboard.press("Enter")
            expect(opened.verdict).not_to_be_empty()
            result = Axe().run(opened.page)
            assert result.violations_count == 0, result.generate_report()

    check(find("hn-shape", stacked), "1 2 3")
    check(find("last-valid-step", lambda s: s.layer.kind == "LSTM"), "hn[", "hn[0]")


def test_the_theme_is_the_pages(drill):
    opened = drill(color_scheme="dark")
    assert opened.page.locator("rnn-drill").get_attribute("theme") == "dark"
    opened.page.evaluate("document.documentElement.dataset.theme = 'light'")
    expect(opened.page.locator("rnn-drill")).to_have_attribute("theme", "light")


def test_without_scripts_there_are_questions_with_folded_answers(drill):
    opened = drill(java_script_enabled=False)
    assert opened.page.locator("rnn-drill li").count() == 12
    first = opened.page.locator("rnn-drill li").first
    expect(first.locator("p").first).to_be_visible()
    expect(first.locator("details p").first).not_to_be_visible()
    first.locator("summary").click()
    expect(first.locator("details p").first).to_be_visible()


def test_the_script_is_loaded_by_this_page_alone_and_the_page_is_light(site, drill):
    pages = {path.name for path in site.glob("*.html") if "drill.js" in path.read_text(encoding="utf-8")}
    assert pages == {"drill.html"}
    assert "unrolled.js" not in (site / "drill.html").read_text(encoding="utf-8")
    assert drill().seen.bytes_gzipped <= BUDGET


def test_the_fixed_questions_are_of_every_kind(site):
    code = {item.pre.get_text() for item in parsed(site, "drill.html").select("rnn-drill li")}
    assert len(code) == 12
