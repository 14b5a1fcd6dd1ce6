"""A fix never cuts what the program computed: applied to its program it runs, every input counts, and the answer is right.

A program's `source` is what another layer, an image or an earlier batch gave; after the fix, `result` still depends on it.
"""

import random
import textwrap

import pytest
import torch
from notes import fix_of, note, repaired
from run_size import cases
from torch import nn
from wrong_calls import NAMES

from unrolled.diagnosis.clarify_error import clarify

ENCODER = ["input, source = torch.randn(2, 5, 4), torch.randn(2, 3, 4) + shift"]
CALL = "result, hn = module(input, hx)"


def seq2seq(kind: str, encoder: str, decoder: str) -> list[str]:
    """An encoder whose state starts a decoder, called `module`."""
    start = [
        f"encoder = nn.{kind}(4, {encoder}, batch_first=True)",
        f"module = nn.{kind}(4, {decoder}, batch_first=True)",
    ]
    return [*start, *ENCODER, "_, hx = encoder(source)", CALL]


def state(kind: str, made: str, options: str = "", call: str = CALL) -> list[str]:
    """A state made from `source` by an expression, given to a layer."""
    return [f"module = nn.{kind}(4, 5, batch_first=True{options})", *ENCODER, f"hx = {made}", call]


CELL = ["module = nn.GRUCell(4, 5)", "input, source = torch.randn(4, 4), torch.randn(2, 4) + shift"]

# code, the program, and where one is known the right answer as an expression for hx
FLOWS = {
    # a state of another width
    "wide encoder, GRU": ("state-features", seq2seq("GRU", "16", "8"), ""),
    "wide encoder, LSTM": ("state-features", seq2seq("LSTM", "16", "8"), ""),
    "narrow encoder, RNN": ("state-features", seq2seq("RNN", "3", "8"), ""),
    "directions side by side": (
        "state-features",
        [*seq2seq("GRU", "5, bidirectional=True", "5")[:-1], "hx = torch.cat([hx[:1], hx[1:]], dim=-1)", CALL],
        "",
    ),
    "a cell's state of another width": (
        "state-features",
        [*CELL, "hx = nn.GRUCell(4, 7)(torch.cat([source, source]))", "result = hn = module(input, hx)"],
        "",
    ),
    "h as wide as the cell": (
        "state-projection",
        [*state("LSTM", "encoder(source)[1]", ", proj_size=3")],
        "",
    ),
    # a state of another depth
    "two layers into one": ("state-layers", seq2seq("GRU", "8, num_layers=2", "8"), "old[-1:]"),
    "two layers into one, LSTM": ("state-layers", seq2seq("LSTM", "8, num_layers=2", "8"), "tuple(s[-1:] for s in old)"),
    "three layers into two": ("state-layers", seq2seq("RNN", "8, num_layers=3", "8, num_layers=2"), "old[-2:]"),
    "one layer into two": ("state-layers", seq2seq("GRU", "8", "8, num_layers=2"), "old.repeat(2, 1, 1)"),
    "two directions into one": ("state-layers", seq2seq("GRU", "8, bidirectional=True", "8"), "old.sum(0, keepdim=True)"),
    "two directions into one, LSTM": (
        "state-layers",
        seq2seq("LSTM", "8, bidirectional=True", "8"),
        "tuple(s.sum(0, keepdim=True) for s in old)",
    ),
    "two directions of two layers into one": (
        "state-layers",
        seq2seq("GRU", "8, num_layers=2, bidirectional=True", "8"),
        "(old[0::2] + old[1::2])[-1:]",
    ),
    "one direction into two": (
        "state-layers",
        seq2seq("GRU", "8, num_layers=2", "8, num_layers=2, bidirectional=True"),
        "old.repeat_interleave(2, 0)",
    ),
    "two layers into three": ("state-layers", seq2seq("GRU", "8, num_layers=2", "8, num_layers=3"), ""),
    # a state of another batch
    "one start for all": ("state-batch", state("GRU", "source.mean((0, 1), keepdim=True) @ torch.ones(4, 5)"), "old.expand(1, 2, 5)"),
    "a learned start": (
        "state-batch",
        state("GRU", "nn.Parameter(torch.zeros(1, 1, 5) + shift)"),
        "old.expand(1, 2, 5)",
    ),
    "a learned start, LSTM": (
        "state-batch",
        state("LSTM", "(nn.Parameter(torch.zeros(1, 1, 5) + shift),) * 2"),
        "tuple(s.expand(1, 2, 5) for s in old)",
    ),
    "one start for all, a cell": (
        "state-batch",
        [*CELL, "hx = source.mean(0, keepdim=True) @ torch.ones(4, 5)", "result = hn = module(input, hx)"],
        "old.expand(4, 5)",
    ),
    "a beam": (
        "state-batch",
        ["beam_size = 3", *seq2seq("GRU", "5", "5")[:-1], "input = input.repeat_interleave(beam_size, 0)", CALL],
        "old.repeat_interleave(3, 1)",
    ),
    "a beam, LSTM": (
        "state-batch",
        ["k = 3", *seq2seq("LSTM", "5", "5")[:-1], "input = input.repeat_interleave(k, 0)", CALL],
        "tuple(s.repeat_interleave(3, 1) for s in old)",
    ),
    "several captions for an image": (
        "state-batch",
        [*CELL, "hx = torch.tanh(nn.Linear(4, 5)(source))", "result = hn = module(input, hx)"],
        "old.repeat_interleave(2, 0)",
    ),
    "a smaller last batch": (
        "state-batch",
        [*seq2seq("GRU", "5", "5")[:-1], "hx, input = hx.repeat(1, 2, 1)[:, :3].detach(), input", CALL],
        "old[:, :2]",
    ),
    "a smaller last batch, half": (
        "state-batch",
        [*seq2seq("GRU", "5", "5")[:-1], "hx = torch.cat([hx, hx], dim=1).detach()", CALL],
        "old[:, :2]",
    ),
    "a larger batch": ("state-batch", [*seq2seq("GRU", "5", "5")[:-1], "input = torch.randn(3, 5, 4)", CALL], ""),
    # a state of another number of axes, or of others
    "an image's features": ("state-axes", state("GRU", "nn.Linear(4, 5)(source[:, 0])"), "old.unsqueeze(0)"),
    "an image's features, two layers": (
        "state-axes",
        state("GRU", "nn.Linear(4, 5)(source[:, 0])", ", num_layers=2"),
        "old.expand(2, 2, 5)",
    ),
    "an image's features of another width": ("state-axes", state("GRU", "source[:, 0]"), ""),
    "N in front": ("state-transposed", state("GRU", "nn.Linear(4, 5)(source[:, :1])"), "old.transpose(0, 1)"),
    "N in front, of another width": ("state-sizes", state("GRU", "source[:, :1]"), ""),
    "layers and directions apart": (
        "state-axes",
        [
            *seq2seq("GRU", "8, num_layers=2, bidirectional=True", "8, num_layers=2, bidirectional=True")[:-1],
            "hx = hx.unflatten(0, (2, 2))",
            CALL,
        ],
        "old.flatten(0, 1)",
    ),
    "two layers for a cell": (
        "state-axes",
        [*CELL, "_, hx = nn.GRU(4, 5, num_layers=2)(torch.cat([source, source]).unsqueeze(0))", "result = hn = module(input, hx)"],
        "old[-1]",
    ),
    # h without c
    "h alone": ("state-pair", [*seq2seq("LSTM", "5", "5")[:-1], "h, c = hx", "hx = h", CALL], "(h, c)"),
    "h alone, of a pair": ("state-pair", [*seq2seq("LSTM", "5", "5")[:-1], "hidden = hx", "hx = hidden[0]", CALL], "hidden"),
    "h alone in a tuple": ("state-pair", [*seq2seq("LSTM", "5", "5")[:-1], "h, c = hx", "hx = (h,)", CALL], "(h, c)"),
    "h of a GRU": ("state-pair", [*seq2seq("GRU", "5", "5")[:-1], "module = nn.LSTM(4, 5, batch_first=True)", CALL], "(old, torch.zeros(1, 2, 5))"),
    "three states": ("state-pair", [*seq2seq("LSTM", "5", "5")[:-1], "hx = (*hx, hx[0])", CALL], "old[:2]"),
    "a pair for a GRU": (
        "state-type",
        [*seq2seq("LSTM", "5", "5")[:-1], "module = nn.GRU(4, 5, batch_first=True)", CALL],
        "old[0]",
    ),
}  # fmt: skip


def run(lines: list[str], shift: float, **more) -> dict:
    """The names of a program, run as a function's body (so that no global gives a layer away), seeded."""
    body = textwrap.indent("\n".join([*lines, "return locals()"]), "    ")
    names = NAMES | {"shift": shift} | more
    exec(compile(f"def program(shift):\n{body}", "<program>", "exec"), names)
    torch.manual_seed(0)
    return names["program"](shift)


def error_of(lines: list[str], shift: float = 0.0) -> Exception:
    with pytest.raises(Exception) as caught, clarify():  # noqa: PT011 the test looks at the note
        run(lines, shift)
    return caught.value


def prepared(lines: list[str]) -> list[str]:
    encoder = "encoder = nn.LSTM(4, 5, batch_first=True)"
    return [encoder, *lines] if "encoder(source)" in "".join(lines) and "encoder =" not in "".join(lines) else lines


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", FLOWS)
def test_a_fix_of_a_state_runs_keeps_every_input_and_gives_the_right_answer(name):
    code, lines, right = FLOWS[name]
    lines = prepared(lines)
    error = error_of(lines)
    assert f"[{code}:" in note(error), note(error)
    fix = fix_of(error)
    assert "hx = None" not in fix
    fixed = repaired(lines, fix)
    names, moved = run(fixed, 0.0), run(fixed, 1.0)
    assert not torch.equal(names["result"], moved["result"]), "the source does not count any more"
    if right:
        answer = run([*lines[:-1], "old = hx", f"hx = {right}", lines[-1]], 0.0)
        torch.testing.assert_close(names["result"], answer["result"])
    gradient = run([*lines[:-1].copy(), *fixed[len(lines) - 1 :], "result.sum().backward()"], 0.0)
    for encoder in [value for key, value in gradient.items() if key == "encoder" and "detach" not in "".join(lines)]:
        assert any(weight.grad is not None and weight.grad.any() for weight in encoder.parameters())


ZEROS = {
    "another batch": state("GRU", "torch.zeros(1, 3, 5)"),
    "another batch, LSTM": state("LSTM", "(torch.zeros(1, 7, 5), torch.zeros(1, 7, 5))"),
    "another depth": state("RNN", "torch.zeros(3, 2, 5)"),
    "another width": state("GRU", "torch.zeros(1, 2, 6)"),
    "N in front, two layers": state("GRU", "torch.zeros(7, 2, 5)", ", num_layers=2"),
}


@pytest.mark.parametrize("name", ZEROS)
def test_a_state_of_zeros_made_here_is_left_out(name):
    lines = ZEROS[name]
    fix = fix_of(error_of(lines))
    assert fix == "hx = None"
    torch.testing.assert_close(
        run(repaired(lines, fix), 0.0)["result"], run([*lines[:-1], "result, hn = module(input)"], 0.0)["result"]
    )


STEPS = {
    "GRU": ("hx", ""),
    "RNN": ("hx", ", num_layers=2"),
    "LSTM": ("hx", ""),
    "LSTM, names": ("(h, c)", ""),
}


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("first", [True, False])
def test_a_call_on_no_steps_is_skipped_and_the_state_goes_on(kind, first):
    states, options = STEPS[kind]
    layer = kind.split(",")[0]
    shape, empty = ("2, 3, 4", "2, 0, 4") if first else ("3, 2, 4", "0, 2, 4")
    lines = [
        f"module = nn.{layer}(4, 5, batch_first={first}{options})",
        f"_, {states} = module(torch.randn({shape}) + shift)",
    ]
    given = "hx" if states == "hx" else "(h, c)"
    lines += [f"hx = {given}", "before = hx", f"input = torch.randn({empty})", f"result, {states} = module(input, hx)"]
    error = error_of(lines)
    assert "[input-empty:" in note(error)
    fixed = repaired(lines, fix_of(error))
    assert len(fixed) == len(lines)
    names = run(fixed, 0.0)
    after = names["hx"] if states == "hx" else (names["h"], names["c"])
    pairs = zip(after, names["before"], strict=True) if layer == "LSTM" else [(after, names["before"])]
    assert all(a is b for a, b in pairs)
    assert tuple(names["result"].shape) == ((2, 0, 5) if first else (0, 2, 5))


MODEL = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.module = nn.{kind}(4, 5, batch_first={first}, num_layers={layers})

    def forward(self, input):
        zeros = torch.zeros({layers}, input.size({axis}), 5)
        hx = (zeros, zeros) if isinstance(self.module, nn.LSTM) else zeros
        module = self.module
        output, hn = module(input, hx)
        return output
"""


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_one_sample_given_to_a_model_is_told_to_be_a_batch_of_one_before_it_is_told_to_be_twelve_samples(
    kind, first, layers
):
    source = MODEL.format(kind=kind, first=first, layers=layers, axis=0)
    error = error_of(
        [*source.strip().splitlines(), "model, sample = Model(), torch.randn(12, 4)", "result = model(sample)"]
    )
    told = " ".join(note(error).split())
    batch, steps = (0, 1) if first else (1, 0)
    assert "[batch-as-sequence:" in told
    assert told.index(f"x.unsqueeze({batch})") < told.index(f"input.unsqueeze({steps})")
    fix = fix_of(error)
    call = "        output, hn = module(input, hx)"
    fixed = source.replace(call, f"        {fix}\n{call}").strip().splitlines()
    end = ["torch.manual_seed(1)", "model = Model()", "sample = torch.randn(12, 4)"]
    names = run([*fixed, *end, "result = model(sample)", f"right = model.module(sample.unsqueeze({batch}))[0]"], 0.0)
    torch.testing.assert_close(names["result"], names["right"])


def test_explain_offers_a_batch_of_one_for_one_sample_without_a_state():
    from unrolled import explain

    for first, batch, steps in [(True, 0, 1), (False, 1, 0)]:
        (problem,) = explain(nn.GRU(4, 5, batch_first=first), torch.randn(12, 4)).problems
        assert problem.fix == f"input = input.unsqueeze({batch})"
        assert f"input.unsqueeze({steps})" in problem.why
        assert not problem.likely


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_a_state_divided_along_its_layers_is_told_so_and_gets_no_line(parts, kind):
    lines = [
        f"module = nn.{kind}(4, 5, num_layers={parts}, batch_first=True)",
        f"x, h = torch.randn({2 * parts}, 3, 4), torch.randn({parts}, {2 * parts}, 5)",
    ]
    given = "(part, part)" if kind == "LSTM" else "part"
    lines += [f"for input, part in zip(x.chunk({parts}), h.chunk({parts})):", f"    module(input, {given})"]
    told = " ".join(note(error_of(lines)).split())
    assert f"1/{parts} of the rows and {parts} times the samples" in told
    assert "nn.DataParallel" in told
    assert "fix:" not in told
    whole = [*lines[:2], "h = h.transpose(0, 1)", f"for input, part in zip(x.chunk({parts}), h.chunk({parts})):"]
    run([*whole, "    part = part.transpose(0, 1).contiguous()", f"    module(input, {given})"], 0.0)


@pytest.mark.parametrize(("devices", "N"), [(2, 8), (3, 6), (4, 8)])
def test_a_state_kept_whole_while_its_batch_is_divided_is_told_the_fraction(devices, N):
    lines = ["module = nn.GRU(4, 5, batch_first=True)", f"_, hx = module(torch.randn({N}, 3, 4))", "hx = hx.detach()"]
    lines += [f"input = torch.randn({N}, 3, 4).chunk({devices})[0]", "output, hn = module(input, hx)"]
    told = " ".join(note(error_of(lines)).split())
    assert f"exactly 1/{devices} of it" in told
    assert "nn.DataParallel" in told


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_each_part_of_a_batch_gets_its_own_states(part, first, kind):
    x, axis = ("6, 3, 4", 0) if first else ("3, 6, 4", 1)
    lines = [f"module, whole = nn.{kind}(4, 5, batch_first={first}), torch.randn({x}) + shift", "_, hx = module(whole)"]
    lines += ["hx = hx.detach()" if kind == "GRU" else "hx = tuple(s.detach() for s in hx)"]
    lines += [f"input = whole.chunk(3, dim={axis})[{part}]", CALL]
    fixed = repaired(lines, fix_of(error_of(lines)))
    cut = f"[:, {2 * part}:{2 * part + 2}]"
    right = f"hx = hx{cut}" if kind == "GRU" else f"hx = tuple(s{cut} for s in hx)"
    torch.testing.assert_close(run(fixed, 0.0)["result"], run([*lines[:-1], right, CALL], 0.0)["result"])


DEVICES = {
    "a list in sight": ["device_ids = [0, 1, 2]"],
    "an attribute": ["self = nn.Module()", "self.device_ids = [0, 1, 2]"],
    "a tuple": ["device_ids = (0, 1, 2)"],
}


@pytest.mark.parametrize("name", DEVICES)
def test_devices_that_are_as_many_as_the_fraction_are_named(name):
    called = "len(self.device_ids)" if "attribute" in name else "len(device_ids)"
    lines = ["module = nn.GRU(4, 5, batch_first=True)", *DEVICES[name], "_, hx = module(torch.randn(6, 3, 4))"]
    lines += ["hx = hx.detach()", "input = torch.randn(2, 3, 4)", CALL]
    assert f"among 3 devices ({called})" in " ".join(note(error_of(lines)).split())
    lines[-3:-1] = ["hx = hx[:, :2].detach()", "input = torch.randn(6, 3, 4)"]
    told = " ".join(note(error_of(lines)).split())
    assert f"6 is 3 × 2 ({called})" in told
    assert "beam" not in told
    assert "fix:" not in told


def test_what_the_frame_shows_of_an_encoder_is_named():
    told = " ".join(note(error_of(seq2seq("GRU", "8, num_layers=2", "8"))).split())
    assert "These are the states of nn.GRU(4, 8, num_layers=2, batch_first=True) (encoder)." in told
    assert "num_layers=2 here takes them all" in told
    assert "bidirectional" not in told
    told = " ".join(note(error_of(seq2seq("GRU", "16", "8"))).split())
    assert "The state is that of nn.GRU(4, 16, batch_first=True)." in told
    assert "hidden_size=16 here" in told
    told = " ".join(note(error_of(FLOWS["a beam"][1])).split())
    assert "6 is 3 × 2 (beam_size)" in told
    assert "repeat_interleave(beam_size, dim=1)" in told


WAYS = [*["hx"] * 5, "hx.transpose(0, 1)", "hx[-1]", "hx.unsqueeze(0)", "hx[:1]"]
"""What is done with an encoder's state on its way: mostly nothing."""


def random_program(rng: random.Random) -> tuple[list[str], int]:
    """An encoder's state for another layer, of any size and depth; and the number of its samples."""
    kind, first = rng.choice(["RNN", "LSTM", "GRU"]), rng.choice([True, False])
    width = rng.choice([5, 6])
    widths = rng.choice([width, width, width, 3, 2 * width]), width
    N = rng.choice([2, 3, 4])
    M = rng.choice([N, N, N, 2 * N, 3 * N, 1, N + 1, N - 1])
    shape = "{0}, {1}, 4" if first else "{1}, {0}, 4"
    lines = []
    for name, size in zip(("encoder", "module"), widths, strict=True):
        deep = f"num_layers={rng.choice([1, 1, 2, 3])}, bidirectional={rng.choice([False, False, True])}"
        lines.append(f"{name} = nn.{kind}(4, {size}, batch_first={first}, {deep})")
    lines += [f"input, source = torch.randn({shape.format(M, 5)}), torch.randn({shape.format(N, 3)})"]
    lines += ["source.requires_grad_()", "_, hx = encoder(source)"]
    way = rng.choice(WAYS)
    lines.append(f"hx = {way}" if kind != "LSTM" else f"hx = tuple({way.replace('hx', 'part')} for part in hx)")
    return [*lines, CALL], N


def test_no_fix_of_a_random_encoder_s_state_loses_a_sample_or_mixes_two():
    rng, fixed = random.Random(0), 0
    for _ in range(cases(1000)):
        lines, N = random_program(rng)
        error = None
        try:
            with clarify():
                run(lines, 0.0)
        except Exception as raised:
            error = raised
        if error is None:
            continue
        assert note(error), lines
        if "fix:" not in note(error):
            continue
        fix = fix_of(error)
        assert fix != "hx = None", lines
        names = run(repaired(lines, fix), 0.0)
        axis = 0 if names["module"].batch_first or names["result"].dim() == 2 else 1
        counts = []
        for sample in names["result"].unbind(axis):
            gradient = torch.autograd.grad(sample.sum(), names["source"], retain_graph=True, allow_unused=True)[0]
            counts.append([part.any().item() for part in gradient.unbind(0 if names["module"].batch_first else 1)])
        fixed += 1
        if "layout-swapped" not in fix:
            assert all(sum(row) <= 1 for row in counts), (lines, fix, counts)
            assert len(counts) < N or all(map(any, zip(*counts, strict=True))), (lines, fix, counts)
    assert fixed > cases(1000) / 2
