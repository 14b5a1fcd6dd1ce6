"""Public bug reports about recurrent layers, each a small program: its note names the cause and a fix that works.

Where no line of code can be the fix, the note says what to do. The reports are named by the repository and the number.
"""

import linecache
import textwrap

import pytest
import torch
from notes import fix_of, note, repaired
from torch import nn
from wrong_calls import NAMES

from unrolled.diagnosis.clarify_error import clarify

NAMES = NAMES | {"F": nn.functional}


def run(lines: list[str]) -> dict:
    """The names of a program, run as a function's body whose source is at hand, seeded."""
    body = textwrap.indent("\n".join([*lines, "return locals()"]), "    ")
    source = f"def program():\n{body}\n"
    linecache.cache["<report>"] = (len(source), None, source.splitlines(keepends=True), "<report>")
    names = dict(NAMES)
    exec(compile(source, "<report>", "exec"), names)
    torch.manual_seed(0)
    return names["program"]()


def failing(lines: list[str]) -> Exception:
    with pytest.raises(Exception) as caught, clarify():  # noqa: PT011 the test looks at the note
        run(lines)
    return caught.value


# code, words of the note, the program, and the right answer of its result where one is known
REPORTS = {
    "bentrevett/pytorch-seq2seq#47, three arguments that are expressions": (
        "call-arguments",
        "hx is one argument, the pair",
        ["module, x, h, c = nn.LSTM(4, 5), torch.randn(1, 2, 4), torch.randn(2, 5), torch.randn(2, 5)", "result, (hidden, cell) = module(x, h.unsqueeze(0), c.unsqueeze(0))"],
        "module(x, (h.unsqueeze(0), c.unsqueeze(0)))[0]",
    ),
    "clovaai/FocusSeq2Seq#6, a context that is wider than the cell was told": (
        "input-features",
        "is 81; the layer's input_size is 55",
        ["embed, (memory, _) = nn.Embedding(9, 30), nn.GRU(30, 51)(torch.randn(4, 2, 30))", "module = nn.GRUCell(55, 25)", "input = torch.cat([embed(torch.tensor([1, 2])), memory.mean(0)], dim=1)", "result = module(input, torch.zeros(2, 25))"],
        "",
    ),
    "pytorch/pytorch#1255, a batch in the place of the steps": (
        "layout-swapped",
        "hold 7 samples, the input's L; the input's N is 1",
        ["module, sequences = nn.LSTM(4, 5, 2, batch_first=True), torch.randn(7, 4)", "hidden = (torch.randn(2, 7, 5), torch.randn(2, 7, 5))", "input = sequences.view(1, 7, 4)", "result, hidden = module(input, hidden)"],
        "module(sequences.view(7, 1, 4), hidden)[0]",
    ),
    "MITDeepLearning/introtodeeplearning#188, a forgotten batch_first": (
        "layout-swapped",
        "With batch_first=True it would read (N, L, H_in)",
        ["embedding, module = nn.Embedding(83, 4), nn.LSTM(4, 5)", "input = embedding(torch.ones(3, 10).long())", "hx = (torch.zeros(1, input.size(0), 5), torch.zeros(1, input.size(0), 5))", "result, hx = module(input, hx)"],
        "module(input.transpose(0, 1))[0]",
    ),
    "programmerah 39265, a forgotten batch_first of two directions": (
        "layout-swapped",
        "hold 4 samples, the input's L; the input's N is 10",
        ["module, input = nn.LSTM(30, 10, num_layers=2, bidirectional=True), torch.randn(4, 10, 30)", "h0, c0 = torch.randn(4, input.size(0), 10), torch.randn(4, input.size(0), 10)", "hx = (h0, c0)", "result, hx = module(input, hx)"],
        "module(input.transpose(0, 1), (h0, c0))[0]",
    ),
    "ludwig-ai/ludwig#1735, two directions joined with other features": (
        "linear-width",
        "which is H_out = 6 fewer",
        ["module, linear = nn.RNN(4, 6, batch_first=True, bidirectional=True), nn.Linear(13, 1)", "encoded, _ = module(torch.randn(2, 5, 4))", "joined = torch.cat([torch.randn(2, 7), encoded[:, -1]], dim=1)", "result = linear(joined)"],
        "",
    ),
    "lemonhu/NER-BERT-pytorch#31, a head for one direction": (
        "linear-width",
        "is 32; nn.Linear takes 16",
        ["bilstm, linear = nn.LSTM(8, 16, num_layers=2, batch_first=True, bidirectional=True), nn.Linear(16, 31)", "output, _ = bilstm(torch.randn(2, 5, 8))", "result = linear(output)"],
        "",
    ),
    "pytorch/pytorch#15260, the state of one device": (
        "state-batch",
        "64 is 4 × 16 (len(device_ids)): the state is that of one device's share",
        ["module, device_ids = nn.GRU(4, 12, 3, batch_first=True), [0, 1, 2, 3]", "_, hx = module(torch.randn(16, 5, 4))", "hx = hx.detach()", "result, hx = module(torch.randn(64, 5, 4), hx)"],
        None,
    ),
    "noise-field/Russian-ULMFit#3, another width in a checkpoint": (
        "checkpoint-layer",
        "hidden_size is 15 there and 16 here",
        ["make = lambda width: nn.ModuleDict({'rnns': nn.ModuleList([nn.ModuleDict({'module': nn.LSTM(4, width)})])})", "saved, model = make(15).state_dict(), make(16)", "model.load_state_dict(saved)"],
        None,
    ),
    "IBM/pytorch-seq2seq#126, the width counted as samples": (
        "state-batch",
        "perhaps N was read off the state as hidden[0].size(1)",
        ["encoder, module = nn.GRU(4, 16, batch_first=True), nn.GRU(4, 16, batch_first=True)", "_, hx = encoder(torch.randn(3, 6, 4))", "batch_size = hx[0].size(1)", "result, _ = module(torch.zeros(batch_size, 1, 4), hx)"],
        None,
    ),
    "states of a rollout, stacked": (
        "state-axes",
        "have 4 axes, (3, 1, 1, 5)",
        ["module, states, h = nn.LSTM(4, 5), [], (torch.zeros(1, 1, 5), torch.zeros(1, 1, 5))", "for step in torch.randn(3, 1, 1, 4):", "    _, h = module(step, h)", "    states.append(h)", "hx = (torch.stack([h for h, _ in states]), torch.stack([c for _, c in states]))", "input = torch.randn(1, 3, 4)", "result, _ = module(input, hx)"],
        "module(input, tuple(torch.cat(list(s), dim=1) for s in hx))[0]",
    ),
    "pytorch/pytorch#45437, h without c": (
        "state-pair",
        "c_0 is missing",
        ["module, hx = nn.LSTM(hidden_size=10, input_size=1, batch_first=True), torch.zeros(1, 2, 10)", "input = torch.zeros(2, 10, 1)", "result, _ = module(input, hx)"],
        "module(input)[0]",
    ),
    "a loss of a tuple": (
        "result-tuple",
        "The tuple (output, (hn, cn)) is given",
        ["module, input = nn.LSTM(4, 3, batch_first=True), torch.randn(2, 5, 4)", "outputs = module(input)", "result = nn.MSELoss()(outputs, torch.zeros(2, 5, 3))"],
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_the_note_names_the_cause_and_its_fix_gives_the_right_answer(name):
    code, words, lines, right = REPORTS[name]
    error = failing(lines)
    told = " ".join(note(error).split())
    assert f"[{code}: raises {type(error).__name__}]" in told, told
    assert words in told, told
    if right is None:
        return
    names = run(repaired(lines, fix_of(error)))
    if right:
        torch.testing.assert_close(names["result"], run([*lines[:-1], f"result = {right}"])["result"])


@pytest.mark.parametrize("ask", ["size()", "clone()", "dim()"])
def test_a_tool_s_hook_that_asks_every_part_of_a_result_meets_the_pair_of_an_lstm(ask):
    """sksq96/pytorch-summary#56, meta-pytorch/captum#1220."""
    lines = ["module = nn.LSTM(4, 5)", "def hook(module, args, output):", f"    kept = [part.{ask} for part in output]"]
    lines += ["module.register_forward_hook(hook)", "module(torch.randn(3, 2, 4))"]
    assert "(h_n, c_n) is a tuple: it has no " in note(failing(lines))


def test_the_source_of_a_call_is_read_where_it_is_at_hand_and_not_needed_otherwise():
    _, _, lines, _ = REPORTS["bentrevett/pytorch-seq2seq#47, three arguments that are expressions"]
    assert fix_of(failing(lines)) == "result, (hidden, cell) = module(x, (h.unsqueeze(0), c.unsqueeze(0)))"
    source = "\n".join(["import torch", "from torch import nn", *lines])
    with pytest.raises(TypeError) as caught, clarify():
        exec(compile(source, "<nowhere>", "exec"), {})
    assert fix_of(caught.value) == "result, (hidden, cell) = module(x, (h0, c0))"
