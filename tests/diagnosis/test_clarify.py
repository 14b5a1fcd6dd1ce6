"""`clarify` adds a note to the errors of recurrent layers, and to no others; the notes' fixes work."""

import json
import random
import subprocess
import sys
import traceback
import warnings

import pytest
import torch
from notes import fix_of, note, repaired
from run_size import cases
from torch import nn
from wrong_calls import NAMES, error_of, wrong_calls

from unrolled.diagnosis import errors_in_backward, errors_in_call
from unrolled.diagnosis.clarify_error import add_explanation, clarify, load_ipython_extension, unload_ipython_extension
from unrolled.diagnosis.report_text import WIDTH
from unrolled.diagnosis.traceback.autograd_graph import GraphCalls

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def clarified(call) -> Exception:
    """The error of `call()`, raised inside clarify()."""

    def inside():
        with clarify():
            call()

    error = error_of(inside)
    assert error is not None
    return error


CALL = "output, hn = module(input)"
CALL_WITH = "output, hn = module(input, hx)"
PACK = "packed = pack_padded_sequence(input, lengths, batch_first=True)"


def layer(kind: str, *more: str) -> list[str]:
    return [f"module = nn.{kind}(4, 5, batch_first=True)", "input = torch.randn(2, 3, 4)", *more]


ROWS = {
    "last axis": ("input", "H_in", layer("RNN", "input = torch.randn(2, 3, 7)", CALL)),
    "features before steps": ("input", "H_in", layer("RNN", "input = torch.randn(2, 4, 3)", CALL)),
    "4-D, RNN": ("input", "H_in", layer("RNN", "input = torch.randn(2, 3, 4, 4)", CALL)),
    "4-D, LSTM": ("input", "H_in", layer("LSTM", "input = torch.randn(2, 3, 2, 2)", CALL)),
    "4-D, GRU": ("input", "H_in", layer("GRU", "input = torch.randn(2, 1, 3, 4)", CALL)),
    "4-D, image": ("input", "H_in", layer("GRU", "input = torch.randn(2, 3, 8, 8)", CALL)),
    "h0 batch first": ("h_0", "N", layer("RNN", "hx = torch.randn(2, 1, 5)", CALL_WITH)),
    "h0 batch first, LSTM": ("h_0", "N", layer("LSTM", "hx = (torch.randn(2, 1, 5), torch.randn(1, 2, 5))", CALL_WITH)),
    "c0 batch first": ("c_0", "N", layer("LSTM", "hx = (torch.randn(1, 2, 5), torch.randn(2, 1, 5))", CALL_WITH)),
    "h0 of another batch": ("h_0", "N", layer("RNN", "hx = torch.randn(1, 4, 5)", CALL_WITH)),
    "h0 of L samples": ("h_0", "N", layer("GRU", "hx = torch.randn(1, 3, 5)", CALL_WITH)),
    "h0 of another batch, LSTM": ("h_0", "N", layer("LSTM", "hx = (torch.randn(1, 4, 5),) * 2", CALL_WITH)),
    "h0 without layers": ("h_0", "D·num_layers", layer("GRU", "hx = torch.randn(2, 5)", CALL_WITH)),
    "h0 without layers, LSTM": ("h_0", "D·num_layers", layer("LSTM", "hx = (torch.randn(2, 5),) * 2", CALL_WITH)),
    "3-D h0, 2-D input": ("h_0", "N", layer("RNN", "input, hx = torch.randn(3, 4), torch.randn(1, 2, 5)", CALL_WITH)),
    "3-D h0, batch of steps": ("h_0", "N", layer("RNN", "input, hx = torch.randn(3, 4), torch.randn(1, 3, 5)", CALL_WITH)),
    "float64": ("input", "", layer("RNN", "input = input.double()", CALL)),
    "integers": ("input", "", layer("LSTM", "input = input.long()", CALL)),
    "one tensor for an LSTM": ("c_0", "", layer("LSTM", "hx = torch.randn(1, 2, 5)", CALL_WITH)),
    "one tensor, two layers": ("c_0", "", ["module = nn.LSTM(4, 5, 2)", "input = torch.randn(3, 2, 4)", "hx = torch.randn(2, 2, 5)", CALL_WITH]),
    "one-tuple for an LSTM": ("c_0", "", layer("LSTM", "hx = (torch.randn(1, 2, 5),)", CALL_WITH)),
    "tuple for an RNN": ("h_0", "", layer("RNN", "hx = (torch.randn(1, 2, 5),) * 2", CALL_WITH)),
    "tuple for a GRU": ("h_0", "", layer("GRU", "hx = (torch.randn(1, 2, 5),) * 2", CALL_WITH)),
    "Linear of a tuple": ("output", "", layer("RNN", "output = module(input)", "score = nn.Linear(5, 1)(output)")),
    "Linear of an LSTM's tuple": ("output", "", layer("LSTM", "output = module(input)", "score = nn.Linear(5, 1)(output)")),
    "F.linear of a tuple": ("output", "", layer("GRU", "output = module(input)", "score = nn.functional.linear(output, torch.randn(1, 5))")),
    "Linear of a packed output": ("output", "", layer("RNN", "output, hn = module(pack_padded_sequence(input, [3, 2], True))", "score = nn.Linear(5, 1)(output)")),
    "L = 0": ("input", "L", layer("RNN", "input = torch.randn(2, 0, 4)", CALL)),
    "L = 0, time first": ("input", "L", ["module = nn.LSTM(4, 5)", "input = torch.randn(0, 2, 4)", CALL]),
    "unsorted lengths": ("lengths", "", layer("RNN", "lengths = [2, 3]", PACK)),
    "a length of 0": ("lengths", "L", layer("RNN", "lengths = [3, 0]", PACK)),
    "too many lengths": ("lengths", "N", layer("RNN", "lengths = [3, 2, 2]", PACK)),
    "too many lengths, as many as steps": ("lengths", "N", layer("RNN", "lengths = [2, 2, 1]", PACK)),
    "too few lengths": ("lengths", "N", layer("RNN", "lengths = torch.tensor([3])", PACK)),
    "a length above L": ("lengths", "L", layer("RNN", "padded, lengths = input, [5, 2]", "input = pack_padded_sequence(padded, lengths, True)", CALL)),
    "a length above L, LSTM": ("lengths", "L", layer("LSTM", "padded, lengths = input, [5, 5]", "input = pack_padded_sequence(padded, lengths, True)", CALL)),
    "dropout in one layer": ("output", "", ["module = nn.LSTM(4, 5, dropout=0.5)"]),
    "projection as wide as the cell": ("h_n", "H_out", ["module = nn.LSTM(4, 5, proj_size=5)"]),
    "projection of an RNN": ("h_n", "H_out", ["module = nn.RNN(4, 5, proj_size=3)"]),
    "projection of a GRU": ("h_n", "H_out", ["module = nn.GRU(4, 5, 2, proj_size=3)"]),
    "padding a result": ("output", "", layer("RNN", "input = pack_padded_sequence(input, [3, 2], True)", "output = module(input)", "output, lengths = pad_packed_sequence(output)")),
    "padding a tensor": ("output", "", layer("RNN", "lengths = [3, 2]", CALL, "output, lengths = pad_packed_sequence(output)")),
    "total_length": ("output", "L", layer("RNN", "output = pack_padded_sequence(input, [3, 2], True)", "output, lengths = pad_packed_sequence(output, True, total_length=2)")),
}  # fmt: skip


def execute(lines: list[str], names: dict | None = None) -> None:
    """Run a snippet, inside a function so that no global name gives the layer away; warnings are errors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="dropout option")
        exec("\n".join(lines), NAMES | (names or {}))


@pytest.mark.parametrize("row", ROWS)
def test_the_note_names_the_tensor_and_the_axis_and_its_fix_runs(row):
    tensor, axis, lines = ROWS[row]
    error = clarified(lambda: execute(lines))
    told = note(error)
    story = told[: told.index("  fix: ")]
    assert tensor in story
    assert axis in story
    assert type(error).__name__ in story  # the very error, not another that also holds
    execute(repaired(lines, fix_of(error)))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_second_backward_through_a_carried_state_is_explained_and_detaching_repairs_it(kind):
    state, start = ("(hn, cn)", "hn, cn = None, None") if kind == "LSTM" else ("hn", "hn = None")
    given = "(hn, cn) if hn is not None else None" if kind == "LSTM" else "hn"
    body = [f"    output, {state} = module(input, {given})", "    output.sum().backward()"]
    lines = [*layer(kind), start, "for chunk in range(3):", *body]
    error = clarified(lambda: execute(lines))
    assert "h_n" in note(error).splitlines()[1]
    execute([*lines, f"    {fix_of(error)}"])


SIAMESE = {
    "two inputs": ["near, _ = module(input)", "far, _ = module(torch.randn(2, 6, 4))"],
    "an input with a gradient": ["near, _ = module(input.requires_grad_())", "far, _ = module(input + near.mean())"],
    "a learned start": [
        *[
            "start = torch.zeros(1, 2, 5, requires_grad=True)",
            "hx = (start, start) if isinstance(module, nn.LSTM) else start",
        ],
        *["near, _ = module(input, hx)", "far, _ = module(torch.randn(2, 6, 4), hx)"],
    ],
}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("options", ["", ", num_layers=2, bidirectional=True", ", bias=False"])
@pytest.mark.parametrize("calls", SIAMESE)
def test_two_calls_that_share_no_state_are_not_told_to_detach_one(kind, options, calls):
    rows = "torch.zeros(4, 2, 5" if "bidirectional" in options else "torch.zeros(1, 2, 5"
    calls = [line.replace("torch.zeros(1, 2, 5", rows) for line in SIAMESE[calls]]
    lines = [f"module = nn.{kind}(4, 5{options}, batch_first=True)", "input = torch.randn(2, 3, 4)", *calls]
    lines += ["first_loss, second_loss = (near.mean() - far.mean()) ** 2, near.mean() * far.mean()"]
    error = clarified(lambda: execute([*lines, "first_loss.backward()", "second_loss.backward()"]))
    assert "[graph-freed: raises RuntimeError]" in note(error)
    assert "detach" not in note(error)
    execute([*lines, fix_of(error)])


STARTS = {
    "a parameter": "start",
    "a parameter for one sample": "start[:, :1].expand(-1, 2, -1).contiguous()",
    "a parameter repeated": "start[:, :1].repeat(1, 2, 1)",
    "made by a layer": "nn.Linear(5, 5)(start)",
    "made by another recurrent layer": "nn.GRU(5, 5, batch_first=True)(start)[0]",
    "made from the same input": "start + input.requires_grad_().mean()",
}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("options", ["", ", bidirectional=True", ", num_layers=2"])
@pytest.mark.parametrize("form", ["input", "input[0]", "pack_padded_sequence(input, [3, 2], True)"])
@pytest.mark.parametrize("start", STARTS)
def test_a_learned_start_that_two_calls_share_is_not_a_carried_state(kind, options, form, start):
    rows = 2 if options else 1
    lines = [f"module = nn.{kind}(4, 5{options}, batch_first=True)", "input = torch.randn(2, 3, 4)"]
    lines += [f"start = nn.Parameter(torch.zeros({rows}, 2, 5))", f"hx = {STARTS[start]}"]
    lines += ["hx = hx[:, 0]"] * (form == "input[0]") + ["hx = (hx, hx)"] * (kind == "LSTM")
    lines += [f"near, _ = module({form}, hx)", f"far, _ = module({form}, hx)"]
    lines += ["first_loss, second_loss = (near[0].mean() - far[0].mean()) ** 2, near[0].mean() * far[0].mean()"]
    error = clarified(lambda: execute([*lines, "first_loss.backward()", "second_loss.backward()"]))
    assert "[graph-freed: raises RuntimeError]" in note(error)
    assert "detach" not in note(error)
    execute([*lines, fix_of(error)])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_learned_start_does_not_hide_a_state_that_is_carried_on_from_it(kind):
    lines = [f"module = nn.{kind}(4, 5, batch_first=True)", "input = torch.randn(2, 3, 4)"]
    lines += ["start = nn.Parameter(torch.zeros(1, 2, 5))", "hn = (start, start)" if kind == "LSTM" else "hn = start"]
    lines += ["for chunk in range(3):", "    output, hn = module(input, hn)", "    output.sum().backward()"]
    assert "[state-carried:" in note(clarified(lambda: execute(lines)))


def test_a_carried_h_beside_a_learned_c_is_a_carried_state():
    lines = [*layer("LSTM"), "start = nn.Parameter(torch.zeros(1, 2, 5))", "hn = start", "for chunk in range(3):"]
    lines += ["    output, (hn, cn) = module(input, (hn, start))", "    output.sum().backward()"]
    assert "[state-carried:" in note(clarified(lambda: execute(lines)))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_carried_state_whose_weights_have_changed_is_repaired_by_detaching(kind):
    state, given = ("(hn, cn)", "(hn, cn) if hn is not None else None") if kind == "LSTM" else ("hn", "hn")
    lines = [*layer(kind), "optimizer = torch.optim.SGD(module.parameters(), lr=0.1)", "hn = cn = None"]
    lines += ["for chunk in range(3):", f"    output, {state} = module(input, {given})"]
    body = ["    output.sum().backward(retain_graph=True)", "    optimizer.step()"]
    error = clarified(lambda: execute([*lines, *body]))
    assert "inplace" in str(error)
    assert "[state-carried:" in note(error)
    assert "retain_graph=True" in note(error)
    execute([*lines, body[0].replace("retain_graph=True", ""), body[1], f"    {fix_of(error)}"])


def test_an_in_place_change_that_no_carried_state_explains_is_left_alone():
    lines = [*layer("GRU"), "optimizer = torch.optim.SGD(module.parameters(), lr=0.1)"]
    lines += ["loss = (module(input)[0] * module(2 * input)[0]).sum()", "loss.backward(retain_graph=True)"]
    assert not note(clarified(lambda: execute([*lines, "optimizer.step()", "loss.backward()"])))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("options", ["", ", num_layers=2, bidirectional=True", ", bias=False"])
@pytest.mark.parametrize("between", ["hn", "hn.tanh() if torch.is_tensor(hn) else tuple(s.tanh() for s in hn)"])
def test_a_state_carried_from_call_to_call_is_told_apart_from_two_calls(kind, options, between):
    lines = [f"module = nn.{kind}(4, 5{options}, batch_first=True)", "input = torch.randn(2, 3, 4)", "hn = None"]
    lines += [
        "for chunk in range(3):",
        "    output, hn = module(input, hn)",
        "    output.sum().backward()",
        f"    hn = {between}",
    ]
    assert "[state-carried:" in note(clarified(lambda: execute(lines)))


def test_a_graph_that_does_not_show_its_steps_is_told_with_both_causes(monkeypatch):
    monkeypatch.setattr(errors_in_backward, "calls_in_graph", lambda *_: GraphCalls(calls=2, fresh=None))
    lines = [*layer("GRU"), "loss = module(input)[0].sum()", "loss.backward()", "loss.backward()"]
    told = note(clarified(lambda: execute(lines)))
    assert "more than once in this graph" in told
    assert "add the losses first" in told
    assert "hn.detach()" in told


def test_a_long_graph_is_not_read_to_its_end_which_would_end_the_process():
    lines = [
        "import torch",
        "from torch import nn",
        "from unrolled.diagnosis.clarify_error import clarify",
        "def train():",
    ]
    lines += ["    module, hn = nn.GRU(4, 5), None", "    for chunk in range(30):"]
    lines += ["        output, hn = module(torch.randn(200, 2, 4), hn)", "    loss = output.sum()"]
    lines += ["    loss.backward()", "    loss.backward()", "try:", "    with clarify():", "        train()"]
    lines += ["except RuntimeError as error:", "    print(*error.__notes__)", "print('alive')"]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, encoding="utf-8", check=True)
    assert "graph-freed" in done.stdout
    assert "hn.detach()" in done.stdout
    assert done.stdout.endswith("alive\n")


@pytest.mark.parametrize("lengths", ["[0, 7, 5]", "torch.tensor([5, 0, 7])", "[7, 5, 0]"])
def test_the_index_of_a_length_is_that_of_the_list_that_was_given(lengths):
    lines = ["input = torch.randn(3, 7, 4)", f"lengths = {lengths}"]
    lines += ["packed = pack_padded_sequence(input, lengths, batch_first=True, enforce_sorted=False)"]
    given = [int(length) for length in eval(lengths, NAMES)]
    error = clarified(lambda: execute(lines))
    assert f"lengths[{given.index(0)}] is 0" in note(error)
    execute(repaired(lines, fix_of(error)))


def test_a_second_backward_of_one_loss_is_left_alone():
    def twice():
        module = nn.GRU(4, 5)
        loss = module(torch.randn(3, 2, 4))[0].sum()
        loss.backward()
        loss.backward()

    assert not note(clarified(twice))


def test_every_error_of_a_thousand_random_wrong_calls_is_explained_or_gets_its_axes():
    explained = 0
    for module, input, hx, code, _ in wrong_calls(cases(1000), seed=3):
        if isinstance(module, nn.LSTM) and not isinstance(input, torch.Tensor) and code != "input-type":
            continue  # torch does not check a packed LSTM
        error = error_of(lambda: module(input, hx))
        if error is None:
            continue
        error = clarified(lambda: module(input, hx))
        assert f"[{code}: raises {type(error).__name__}]" in " ".join(note(error).split()), (code, note(error))
        explained += 1
    assert explained > 0.8 * cases(1000)


DTYPES = [(torch.float32, torch.float64), (torch.float64, torch.float32), (torch.float32, torch.int64)]


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell])
@pytest.mark.parametrize("form", ["batched", "unbatched", "packed", "equal lengths"])
@pytest.mark.parametrize(("weights", "dtype"), DTYPES)
def test_a_state_of_another_dtype_is_named(kind, form, weights, dtype):
    cell = issubclass(kind, nn.RNNCellBase)
    if cell and form not in ("batched", "unbatched"):
        return
    module, batch = kind(4, 5).to(weights), [] if form == "unbatched" else [2]
    input = torch.randn(*[] if cell else [3], *batch, 4, dtype=weights)
    h0 = torch.zeros(*[] if cell else [1], *batch, 5, dtype=dtype)
    hx = (h0, h0) if "LSTM" in kind.__name__ else h0
    if form in ("packed", "equal lengths"):
        input = nn.utils.rnn.pack_padded_sequence(input, [3, 2] if form == "packed" else [3, 3])
    error = clarified(lambda: module(input, hx))
    assert "[state-dtype: raises RuntimeError]" in note(error)
    names = {"module": module, "input": input, "hx": hx}
    execute([fix_of(error), CALL_WITH if not cell else "module(input, hx)"], names)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell])
@pytest.mark.parametrize(("weights", "device"), [("cpu", "meta"), ("meta", "cpu")])
@pytest.mark.parametrize("given", [False, True])
def test_an_input_on_another_device_than_the_layer_is_named(kind, weights, device, given):
    cell = issubclass(kind, nn.RNNCellBase)
    module, input = kind(4, 5).to(weights), torch.randn(*[] if cell else [3], 2, 4).to(device)
    h0 = torch.zeros(*[] if cell else [1], 2, 5).to(weights)
    hx = None if not given else (h0, h0) if "LSTM" in kind.__name__ else h0
    told = note(clarified(lambda: module(input, hx)))
    assert told.splitlines()[1].startswith(f"input is on {device}; the weights are on {weights}.")
    error = clarified(lambda: module(input))
    execute([fix_of(error), "module(input)"], {"module": module, "input": input})


@pytest.mark.parametrize(
    ("h", "c"),
    [
        ((1, 3, 5), (1, 3, 5)),
        ((1, 1, 5), (1, 1, 5)),
        ((1, 2, 5), (1, 3, 5)),
        ((2, 2, 5), (2, 2, 5)),
        ((1, 2, 6), (1, 2, 6)),
        ((1, 2, 5), (1, 2, 6)),
        ((2, 5), (2, 5)),
    ],
)
def test_a_state_that_a_packed_lstm_fails_on_without_a_check_is_named(h, c):
    module = nn.LSTM(4, 5, batch_first=True)
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(2, 3, 4), [3, 2], True)
    hx = torch.zeros(h), torch.zeros(c)
    error = clarified(lambda: module(packed, hx))
    assert "h_0" in note(error).splitlines()[1] if h != (1, 2, 5) else "c_0" in note(error).splitlines()[1]
    execute([fix_of(error), CALL_WITH], {"module": module, "input": packed, "hx": hx})


def test_a_list_of_samples_is_padded_and_keeps_its_lengths():
    for first in (True, False):
        for width, samples in [(4, [torch.randn(3, 4), torch.randn(2, 4)]), (1, [torch.randn(3), torch.randn(2)])]:
            names = {"module": nn.GRU(width, 5, batch_first=first), "input": samples}
            error = clarified(lambda: execute([CALL], names))
            execute([fix_of(error), CALL, "assert lengths == [3, 2]", "assert hn.shape == (1, 2, 5)"], names)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_batch_without_the_axis_of_its_one_feature_gets_it(kind):
    lines = [f"module = nn.{kind}(1, 5, batch_first=True)", "input = torch.randn(8, 20)", CALL]
    error = clarified(lambda: execute(lines))
    assert fix_of(error) == "input = input.unsqueeze(-1)"
    assert "(N, L, 1)" in note(error)
    execute([*repaired(lines, fix_of(error)), "assert output.shape == (8, 20, 5)"])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_ids_without_an_embedding_are_told_to_get_one_and_nothing_else(kind):
    lines = [f"module = nn.{kind}(4, 5, batch_first=True)", "input = torch.randint(0, 9, (8, 20))", CALL]
    error = clarified(lambda: execute(lines))
    assert fix_of(error).startswith("input = nn.Embedding(")
    assert "float()" not in note(error)
    execute([*repaired(lines, fix_of(error)), "assert output.shape == (8, 20, 5)"])


@pytest.mark.parametrize("row", ["a length above L", "a length above L, LSTM"])
def test_a_length_above_the_input_is_told_where_it_usually_comes_from(row):
    assert "counted before truncating" in note(clarified(lambda: execute(ROWS[row][2])))


USES = {
    "indexed": "last = output[:, -1]",
    "asked for a method": "more = output.view(2, 3, 5, 1)",
    "asked for its shape": "N = output.shape[0]",
    "torch.relu": "active = torch.relu(output)",
    "F.relu": "active = nn.functional.relu(output)",
    "nn.ReLU": "active = nn.ReLU()(output)",
    "F.dropout": "kept = nn.functional.dropout(output)",
}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("use", USES)
def test_a_result_used_as_if_it_were_output_is_named_one_line_after_the_layer(kind, use):
    lines = layer(kind, "output = module(input)", USES[use])
    error = clarified(lambda: execute(lines))
    assert "[result-tuple:" in note(error)
    assert "(N, L, D·H_out)" in note(error)
    execute([*lines[:-2], fix_of(error), lines[-1]])


UNNAMED = [
    "torch.relu(module(input))",
    "module(input)[:, -1]",
    "module(\n    input\n)[:, -1]",
    "torch.relu(self.rnn(input))",
    "self.rnn(input)[:, -1]",
    "net.model.rnn(input)[:, -1]",
]


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("use", UNNAMED)
def test_a_result_without_a_name_is_known_by_the_layer_and_not_by_another_tuple_in_sight(kind, use):
    others = ["_, state = nn.LSTM(4, 5)(torch.randn(3, 2, 4))", "result = nn.LSTM(4, 5)(torch.randn(3, 2, 4))"]
    start = [
        "self, net = nn.Module(), nn.Module()",
        "self.rnn, net.model = module, self",
        "self.state = nn.LSTM(4, 5)(input)[1]",
    ]
    error = clarified(lambda: execute(layer(kind, *others, *start, f"last = {use}")))
    assert "[result-tuple: raises TypeError]" in note(error)
    states = "(hn, cn)" if kind == "LSTM" else "hn"
    assert fix_of(error) == f"output, {states} = module(input)"


def test_of_two_tuples_the_one_in_the_failing_expression_is_named():
    lines = [
        "lstm = nn.LSTM(4, 5)",
        "result = lstm(torch.randn(3, 2, 4))",
        "output, state = result",
        "first, other = torch.zeros(1), {}",
    ]
    for use, code in [("state", "state-tuple"), ("result", "result-tuple")]:
        assert f"[{code}:" in note(clarified(lambda: execute([*lines, f"first, other = torch.relu({use}), state[0]"])))
        assert f"[{code}:" in note(clarified(lambda: execute([*lines, f"first, other = {use}[:, 0], result[0]"])))


@pytest.mark.parametrize("use", ["pair[:, 0]", "pair.shape", "torch.relu(pair[0])"])
@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
@pytest.mark.parametrize(
    "sizes", [[(3, 7), (1, 3, 7)], [(1, 3, 7), (1, 3, 7)], [(1, 3, 5), (1, 2, 5)], [(2, 3, 5), (2, 3, 5)]]
)
def test_a_tuple_that_no_layer_in_sight_can_have_made_is_left_alone(use, kind, sizes):
    module, pair = kind(4, 5), tuple(map(torch.zeros, sizes))
    error = error_of(lambda: eval(use, {"module": module, "pair": pair, "torch": torch}))
    if error is not None:
        assert not note(clarified(lambda: eval(use, {}, {"module": module, "pair": pair, "torch": torch})))


TO_A_PAIR = ["detach()", "detach_()", "cuda()", "cpu()", "to('cpu')", "data", "float()", "clone()"]


@pytest.mark.parametrize("asked", TO_A_PAIR)
@pytest.mark.parametrize("name", ["hidden", "self.hidden", "net.hidden"])
@pytest.mark.parametrize(
    "options", ["batch_first=True", "batch_first=True, num_layers=2, bidirectional=True, proj_size=3"]
)
def test_what_is_asked_of_an_lstm_s_pair_of_states_is_done_to_each_by_the_fix(asked, name, options, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "cuda", torch.Tensor.clone)  # there may be no GPU
    start = [
        "from types import SimpleNamespace",
        "self, net = SimpleNamespace(), nn.Module()",
        f"module = nn.LSTM(4, 5, {options})",
    ]
    lines = [*start, "input = torch.randn(2, 3, 4)", f"output, {name} = module(input)", f"{name} = {name}.{asked}"]
    error = clarified(lambda: execute(lines))
    assert isinstance(error, AttributeError)
    assert "[state-tuple: raises AttributeError]" in note(error)
    assert f"has no {asked.split('(')[0]}." in note(error)
    assert "h_n" in note(error)
    assert "c_n" in note(error)
    assert f".{asked.split('(')[0].rstrip('_').replace('data', 'detach')}(" in fix_of(error)
    detached = f"assert not any(state.requires_grad for state in {name})" if asked in ("detach()", "data") else ""
    execute([*repaired(lines, fix_of(error)), f"module(input, {name})", detached])


def test_a_pair_that_fits_as_states_and_as_a_result_is_told_apart_by_its_numbers():
    """With one layer, and L = 1 as h_n has it, the sizes are the same; then output is h_n."""
    both = [
        "lstm, rnn = nn.LSTM(4, 5), nn.RNN(4, 5)",
        "_, hidden = lstm(torch.randn(3, 2, 4))",
        "result = rnn(torch.randn(1, 2, 4))",
    ]
    assert "[state-tuple:" in note(clarified(lambda: execute([*both, "hidden.detach()"])))
    assert "[result-tuple:" in note(clarified(lambda: execute([*both, "result.detach()"])))


@pytest.mark.parametrize(
    "use", ["hidden.size(0)", "hidden.view(-1)", "hidden[:, -1]", "nn.Linear(5, 2)(hidden)", "torch.relu(hidden)"]
)
def test_an_lstm_s_pair_of_states_used_as_one_tensor_is_named_and_taken_apart(use):
    lines = layer("LSTM", "output, hidden = module(input)", f"used = {use}")
    error = clarified(lambda: execute(lines))
    assert "[state-tuple:" in note(error)
    assert "result-tuple" not in note(error)
    execute([*lines[:-1], fix_of(error), lines[-1].replace("hidden", "hn")])


HEADS = {
    "both given, one taken": ("nn.GRU(4, 5, bidirectional=True)", "output", "nn.Linear(5, 2)"),
    "both given, one taken, batch": ("nn.LSTM(4, 5, bidirectional=True)", "output[-1]", "nn.Linear(5, 2)"),
    "one given, both taken": ("nn.RNN(4, 5, bidirectional=True)", "hn[-1]", "nn.Linear(10, 2)"),
    "one direction, both taken": ("nn.GRU(4, 5)", "output", "nn.Linear(10, 2)"),
    "a projection": ("nn.LSTM(4, 5, proj_size=3)", "output", "nn.Linear(5, 2)"),
    "one axis, both given": ("nn.GRU(4, 5, bidirectional=True)", "output[-1, 0]", "nn.Linear(5, 2)"),
    "one axis, both taken": ("nn.GRU(4, 5, bidirectional=True)", "hn[-1, 0]", "nn.Linear(10, 2)"),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_linear_of_another_width_than_the_layer_before_it_is_explained(head):
    module, given, linear = HEADS[head]
    results = "output, (hn, cn)" if "LSTM" in module else "output, hn"
    lines = [f"module = {module}", f"{results} = module(torch.randn(3, 2, 4))", f"input, linear = {given}, {linear}"]
    error = clarified(lambda: execute([*lines, "score = linear(input)"]))
    assert "[linear-width: raises RuntimeError]" in " ".join(note(error).split())
    execute([*lines, fix_of(error), "score = linear(input)"])


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("bias", ["", ", torch.randn(2)"])
def test_a_functional_linear_is_explained_as_the_module_is(head, bias):
    module, given, linear = HEADS[head]
    results = "output, (hn, cn)" if "LSTM" in module else "output, hn"
    lines = [
        f"module = {module}",
        f"{results} = module(torch.randn(3, 2, 4))",
        f"input, weight = {given}, {linear}.weight",
    ]
    call = f"score = nn.functional.linear(input, weight{bias})"
    error = clarified(lambda: execute([*lines, call]))
    assert "[linear-width: raises RuntimeError]" in " ".join(note(error).split())
    assert "in_features" in note(error)
    execute([*lines, fix_of(error), call])


def test_a_linear_of_another_width_that_has_nothing_to_do_with_the_layer_is_left_alone():
    module, linear = nn.GRU(4, 5, bidirectional=True), nn.Linear(5, 2)
    for shape in [(2, 7), (7,)]:
        assert not note(clarified(lambda: (module, linear(torch.randn(shape)))))
        assert not note(clarified(lambda: (module, nn.functional.linear(torch.randn(shape), linear.weight))))
    assert not note(clarified(lambda: (module, torch.randn(2, 10) @ torch.randn(5, 2))))


UNPACKED = {
    "RNN": ["output, hn, cn = module(input)", "output, (hn, cn) = module(input)", "hn, cn = module(input)[1]"],
    "LSTM": ["output, hn, cn = module(input)", "(output, hn, cn), more = module(input), 0"],
}
UNPACKED["GRU"] = UNPACKED["RNN"]


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind in UNPACKED for line in UNPACKED[kind]])
@pytest.mark.parametrize("called", ["module", "net.rnn"])
def test_a_result_taken_apart_into_other_names_is_told_what_it_is(kind, line, called):
    lines = layer(kind, "net = nn.Module()", "net.rnn = module", line.replace("module", called))
    error = clarified(lambda: execute(lines))
    assert "[result-unpacked: raises ValueError]" in note(error)
    assert f"nn.{kind} returns two things" in note(error)
    execute([*lines[:-1], fix_of(error), "assert output.shape == (2, 3, 5) and hn.shape == (1, 2, 5)"])


@pytest.mark.parametrize(
    "line", ["a, b, c = 1, len(str(module))", "a, b = [module]", "a, b = nn.GRUCell(4, 5)(input[:, 0])[:1]"]
)
def test_an_unpacking_that_no_layer_fails_is_left_alone(line):
    error = clarified(lambda: execute(layer("GRU", line)))
    assert isinstance(error, ValueError)
    assert not note(error)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_an_output_that_view_cannot_flatten_is_told_how_it_lies_in_memory(kind):
    lines = layer(kind, "output, hn = module(input)", "flat = output.view(-1, 5)")
    error = clarified(lambda: execute(lines))
    assert "[output-strides: raises RuntimeError]" in " ".join(note(error).split())
    execute([*repaired(lines, fix_of(error)), "assert torch.equal(flat[3], output[1, 0])"])
    assert not note(clarified(lambda: execute(layer(kind, "turned = torch.randn(5, 3, 2).T", "turned.view(-1)"))))


@pytest.mark.filterwarnings("ignore:The use of `x.T` on tensors of dimension other than 2")
@pytest.mark.parametrize("rest", ["nn.Linear(5, 2)", "nn.Dropout(0.1)", "nn.Flatten()", "nn.ReLU()"])
def test_a_layer_inside_a_sequential_is_told_to_be_taken_out(rest):
    told = note(clarified(lambda: execute([f"nn.Sequential(nn.GRU(4, 5), {rest})(torch.randn(3, 2, 4))"])))
    assert "[result-tuple:" in told
    assert "nn.Sequential passes on all" in " ".join(told.split())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("first", [True, False])
def test_a_series_without_the_axis_of_its_one_feature_gets_it_with_a_state_too(kind, first):
    hx = "(torch.zeros(1, 8, 5),) * 2" if kind == "LSTM" else "torch.zeros(1, 8, 5)"
    lines = [f"module = nn.{kind}(1, 5, batch_first={first})", "input = torch.randn(8, 20)", f"hx = {hx}", CALL_WITH]
    error = clarified(lambda: execute(lines))
    assert "[batch-as-sequence:" in note(error)
    assert "the one feature is missing" in note(error)
    execute([*repaired(lines, fix_of(error)), f"assert output.shape == {(8, 20, 5) if first else (20, 8, 5)}"])


def test_of_an_encoder_and_a_decoder_the_one_that_made_the_input_of_a_linear_is_named():
    lines = [
        "encoder, decoder = nn.GRU(4, 5, bidirectional=True), nn.GRU(4, 5)",
        "_, hidden = encoder(torch.randn(3, 2, 4))",
    ]
    lines += ["output, hn = decoder(torch.randn(6, 2, 4), hidden[-1:])", "input, linear = output, nn.Linear(10, 2)"]
    error = clarified(lambda: execute([*lines, "score = linear(input)"]))
    assert "one direction. With bidirectional=True" in note(error)
    assert "after nn.GRU(4, 5), is given" in note(error)
    execute([*lines, fix_of(error), "score = linear(input)"])


# Losses


def head_lines(kind: str, first: bool, shape: str, scores: str, target: str, options: str = "") -> list[str]:
    """A classifier of 5 features (10 of two directions) into 7 classes, up to its `scores` and `target`."""
    module = (
        f"module, head = nn.{kind}(4, 5, batch_first={first}{options}), nn.Linear({10 if 'bidir' in options else 5}, 7)"
    )
    states = "(hn, cn)" if kind == "LSTM" else "hn"
    lines = [module, f"input = torch.randn({shape}, 4)", f"output, {states} = module(input)"]
    return [*lines, f"scores, target = {scores}, {target}"]


def scored(kind: str, first: bool, given: str, options: str = "") -> list[str]:
    """Scores of `given` for the last axis of output, and a target for N = 2 samples of L = 3 steps."""
    shape = "2, 3" if first else "3, 2"
    lines = head_lines(kind, first, shape, "head(last)", "torch.tensor([0, 6])", options)
    return [*lines[:-1], f"last = {given}", lines[-1]]


ENDS = {
    "cross_entropy": "loss = nn.functional.cross_entropy(scores, target)",
    "CrossEntropyLoss": "loss = nn.CrossEntropyLoss()(scores, target)",
    "nll_loss": "loss = nn.functional.nll_loss(scores.log_softmax(-1), target)",
    "mse_loss": "loss = nn.functional.mse_loss(scores[:, 0], target.float())",
    "l1_loss": "loss = nn.L1Loss()(scores[:, 0], target.float())",
    "bce": "loss = nn.functional.binary_cross_entropy(scores[:, 0].sigmoid(), target / 6)",
    "bce with logits": "loss = nn.BCEWithLogitsLoss()(scores[:, 0], target / 6)",
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("options", ["", ", num_layers=2", ", num_layers=2, bidirectional=True"])
@pytest.mark.parametrize("end", ENDS)
def test_scores_of_one_sample_at_every_step_are_told_the_axis_that_was_indexed(kind, first, options, end):
    lines = scored(kind, first, "output[-1]" if first else "output[:, -1]", options)
    error = clarified(lambda: execute([*lines, ENDS[end]]))
    told = note(error)
    assert f"[loss-batch: raises {type(error).__name__}]" in " ".join(told.split())
    assert "3 rows, output's L; the target has 2, its N" in told
    assert "needs (2" in told
    last = fix_of(error)
    execute([*lines[:-2], last, lines[-1], ENDS[end], "assert len(scores) == 2"])
    both = "last = torch.cat([hn[-2], hn[-1]], dim=-1)"
    assert last == (both if "bidirectional" in options else "last = output[:, -1]" if first else "last = output[-1]")


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("given", ["output", "hn[-1]", "hn.squeeze(0)", "pooled"])
def test_scores_of_a_swapped_batch_are_told_that_its_axes_are_swapped(kind, first, given):
    taken = {"output": "output[:, -1]" if first else "output[-1]", "pooled": "nn.ReLU()(hn[-1])"}.get(given, given)
    lines = scored(kind, first, taken)
    lines[1] = f"input = torch.randn({'3, 2' if first else '2, 3'}, 4)"
    error = clarified(lambda: execute([*lines, ENDS["cross_entropy"]]))
    assert "[layout-swapped: raises ValueError]" in " ".join(note(error).split())
    assert ("With batch_first=True" in " ".join(note(error).split())) == (not first)
    execute([*lines[:2], fix_of(error), *lines[2:], ENDS["cross_entropy"]])


FLAT = {
    "one label for each sample": ("output.reshape(-1, 5)", "torch.tensor([0, 6])"),
    "a label for each step": ("output.reshape(-1, 5)", "torch.zeros(2, 3).long()"),
    "the scores flattened": ("output", "torch.zeros(2, 3).long()"),
}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("flat", FLAT)
def test_scores_of_every_step_are_told_what_the_target_counts(kind, first, flat):
    given, target = FLAT[flat]
    lines = head_lines(kind, first, "2, 3" if first else "3, 2", "head(last)", target)
    lines = [*lines[:-1], f"last = {given}", lines[-1]]
    end = ["scores = scores.flatten(0, 1)"] * (flat == "the scores flattened") + [ENDS["cross_entropy"]]
    error = clarified(lambda: execute([*lines, *end]))
    assert "[loss-steps: raises ValueError]" in " ".join(note(error).split())
    assert "6 rows" in note(error)
    fix = fix_of(error)
    repair = [*lines[:-2], fix, lines[-1]] if fix.startswith("last") else [*lines, fix]
    execute([*repair, *end])
    if not first and "flatten" in fix:
        assert "transpose(0, 1)" in fix  # scores are (L, N) flattened; labels (N, L)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("options", ["", ", num_layers=2", ", bidirectional=True"])
@pytest.mark.parametrize(("given", "code"), [("hn", "loss-states"), ("output", "loss-steps")])
def test_scores_of_a_whole_result_are_told_to_take_one_state_of_each_sample(kind, first, options, given, code):
    lines = head_lines(kind, first, "4, 3" if first else "3, 4", "head(last)", "torch.tensor([0, 6, 1, 2])", options)
    if "bidirectional" in options and given == "hn":
        given = "torch.cat([hn, hn], dim=-1)"
    lines = [*lines[:-1], f"last = {given}", lines[-1]]
    error = clarified(lambda: execute([*lines, ENDS["cross_entropy"]]))
    assert f"[{code}: raises {type(error).__name__}]" in " ".join(note(error).split())
    assert ("[-1] is cn" in note(error)) == (kind == "LSTM" and code == "loss-states")
    execute([*lines[:-2], fix_of(error), lines[-1], ENDS["cross_entropy"]])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_classes_on_the_last_axis_are_told_to_stand_on_axis_1(kind):
    lines = head_lines(kind, True, "2, 3", "head(output)", "torch.zeros(2, 3).long()")
    error = clarified(lambda: execute([*lines, ENDS["cross_entropy"]]))
    assert "[loss-classes: raises RuntimeError]" in note(error)
    execute([*lines, fix_of(error), ENDS["cross_entropy"]])


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(
    "end", ["mse_loss(scores, target)", "l1_loss(scores, target)", "binary_cross_entropy_with_logits(scores, target)"]
)
def test_predictions_with_an_axis_of_one_are_told_to_drop_it(end):
    lines = [
        "module = nn.GRU(4, 5, batch_first=True)",
        "output, hn = module(torch.randn(2, 3, 4))",
        "scores, target = nn.Linear(5, 1)(output), torch.zeros(2, 3)",
    ]
    loss = f"loss = nn.functional.{end}"
    error = clarified(lambda: execute([*lines, loss]))
    assert f"[loss-axis: raises {type(error).__name__}]" in " ".join(note(error).split())
    execute([*lines, fix_of(error), loss, "assert scores.shape == target.shape"])


class Classifier(nn.Module):
    """A model as it is posted: dropout, an activation and two linear maps after one step of output."""

    def __init__(self, rnn: nn.Module, take) -> None:
        super().__init__()
        self.rnn, self.take = rnn, take
        width = rnn.hidden_size * (2 if rnn.bidirectional else 1)
        self.head = nn.Sequential(nn.Dropout(0.1), nn.LayerNorm(width), nn.Linear(width, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, input):
        output, _ = self.rnn(input)
        return self.head(self.take(output))


def test_every_random_classifier_whose_loss_counts_another_axis_is_explained():
    rng = random.Random(7)
    for index in range(cases(300)):
        kind, first = rng.choice([nn.RNN, nn.LSTM, nn.GRU]), rng.random() < 0.5
        options = {"num_layers": rng.randint(1, 3), "bidirectional": rng.random() < 0.3, "batch_first": first}
        N, L = rng.sample(range(2, 9), 2)
        step, swap = rng.choice([-1, 0, -2, 1]), index % 2 == 0
        axis = int(first) if swap else 1 - int(first)  # a swapped batch is indexed along the right axis
        model = Classifier(kind(4, 5, **options), lambda output: output.select(axis, step))
        input = torch.randn(*((N, L) if first else (L, N)), 4)
        input = input.transpose(0, 1) if swap else input
        target = torch.randint(0, 3, (N,))
        error = clarified(lambda: nn.functional.cross_entropy(model(input), target))
        code = "layout-swapped" if swap else "loss-batch"
        assert f"[{code}: raises ValueError]" in " ".join(note(error).split()), (options, N, L, note(error))
        model.take = lambda output: output.select(int(first), step)
        nn.functional.cross_entropy(model(input.transpose(0, 1) if swap else input), target)


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(
    "scores",
    [
        "nn.Linear(4, 7)(torch.randn(3, 4))",  # no recurrent layer made them
        "nn.Linear(4, 7)(torch.randn(2, 3, 4)[-1])",
        "nn.Linear(4, 7)(torch.randn(3, 2, 4, requires_grad=True).transpose(0, 1)[-1])",
        "nn.Linear(4, 7)(torch.randn(3, 2, 4, requires_grad=True)[:, -1])",
        "head(output[0, :1])",
        "head(output.transpose(0, 1)[:, -1])",  # turned by hand: its axes cannot be told
        "head(output[0]).detach()",
    ],
)
def test_a_loss_whose_scores_do_not_show_their_way_from_the_layer_is_left_alone(scores):
    lines = head_lines(
        "GRU", True, "2, 3", scores, "torch.zeros(4).long() if len(output[0, :1]) == 0 else torch.zeros(2).long()"
    )
    for end in ("cross_entropy", "mse_loss"):
        error = error_of(lambda: execute([*lines, ENDS[end]]))
        assert error is None or not note(clarified(lambda: execute([*lines, ENDS[end]])))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("index", ["output[:, -1]", "output[-1]"])
def test_a_column_of_scores_against_a_row_of_labels_is_a_matter_of_its_axis_of_one_and_not_of_n_and_l(first, index):
    lines = head_lines("GRU", first, "2, 2", f"head({index})[:, :1]", "torch.zeros(2)")  # as many samples as steps
    loss = "loss = nn.BCEWithLogitsLoss()(scores, target)"
    error = clarified(lambda: execute([*lines, loss]))
    assert "[loss-axis: raises ValueError]" in note(error)
    execute([*lines, fix_of(error), loss, "assert scores.shape == target.shape"])


@pytest.mark.parametrize("first", [True, False])
def test_as_many_labels_as_layers_are_not_taken_for_the_axis_that_hn_was_indexed_on(first):
    lines = head_lines(
        "GRU", first, "3, 4" if first else "4, 3", "head(hn[-1])", "torch.tensor([0, 6])", ", num_layers=2"
    )
    assert not note(clarified(lambda: execute([*lines, ENDS["cross_entropy"]])))


# Where the error comes from


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.encoder = nn.LSTM(4, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, tokens, state=None, whole=False):
        encoded = self.encoder(self.embedding(tokens), state)
        return self.head(encoded if whole else encoded[0])


def test_a_layer_inside_your_own_module_is_found_with_its_own_arguments():
    model, tokens = Model(), torch.zeros(2, 3, dtype=torch.int64)
    told = note(clarified(lambda: model(tokens, (torch.zeros(1, 4, 5), torch.zeros(1, 4, 5)))))
    assert "nn.LSTM(4, 5, batch_first=True)" in told
    assert "(2, 3, 4)" in told
    assert "(1, 4, 5)" in told
    assert "needs (1, 2, 5)" in told
    told = note(clarified(lambda: model(tokens, whole=True)))
    assert "result-tuple" in told
    assert "(N, L, D·H_out)" in told


def test_a_direct_call_of_forward_and_a_subclass_are_found():
    class Shifted(nn.GRU):
        def forward(self, input, hx=None):
            return super().forward(input[:, 1:], hx)

    module = nn.GRU(4, 5, batch_first=True)
    for call in [
        lambda: module.forward(torch.randn(3, 4), torch.randn(2, 5)),
        lambda: Shifted(4, 5, batch_first=True)(torch.randn(2, 4, 4), hx=torch.randn(2, 2, 5)),
    ]:
        assert "state-layers" in note(clarified(call))


def test_a_layer_that_is_a_global_name_gives_a_result_its_axes():
    names = NAMES | {"rnn": nn.RNN(4, 5, batch_first=True), "input": torch.randn(2, 3, 4)}
    exec("def score():\n    return nn.Linear(5, 1)(rnn(input))", names)
    assert "(N, L, D·H_out)" in note(clarified(names["score"]))


def test_arguments_given_by_name_are_found():
    module = nn.RNN(4, 5)
    assert "state-batch" in note(clarified(lambda: module(input=torch.randn(3, 2, 4), hx=torch.randn(1, 7, 5))))


def test_a_cell_is_found():
    assert "input-features" in note(clarified(lambda: nn.GRUCell(4, 5)(torch.randn(2, 7))))


def test_it_is_a_decorator_too_and_one_note_is_enough():
    @clarify()
    def step(module, input):
        """Docs."""
        return module(input)

    assert step.__name__ == "step"
    assert step.__doc__ == "Docs."
    assert step(nn.GRU(4, 5), torch.randn(3, 2, 4))[0].shape == (3, 2, 5)
    assert note(clarified(lambda: step(nn.GRU(4, 5), torch.randn(3, 2, 6))))


# What it keeps, and what it leaves alone


def test_type_message_and_traceback_stay():
    module = nn.RNN(4, 5)

    def call():
        module(torch.randn(3, 2, 7))

    plain, told = error_of(call), clarified(call)
    assert type(plain) is type(told)
    assert plain.args == told.args
    frames = [frame.name for frame in traceback.extract_tb(plain.__traceback__)]
    assert [frame.name for frame in traceback.extract_tb(told.__traceback__)][-len(frames) + 1 :] == frames[1:]
    assert told.__cause__ is None
    assert told.__context__ is None
    assert note(told) in "".join(traceback.format_exception(told))


def hooked():
    module = nn.RNN(4, 5)
    module.register_forward_hook(lambda *_: int("not a number"))
    return module


@pytest.mark.parametrize(
    "call",
    [
        lambda: {}["key"],
        lambda: int("x"),
        lambda: torch.randn(2, 3) @ torch.randn(2, 3),
        lambda: nn.Linear(4, 5)(torch.randn(2, 3)),
        lambda: nn.Linear(4, 5)((torch.randn(2, 3),)),
        lambda: nn.Conv1d(4, 5, 1)(torch.randn(2, 3, 3)),
        lambda: hooked()(torch.randn(3, 2, 4)),
        lambda: nn.RNN(4, -5),
        lambda: torch.ones(1).backward(),
        lambda: sys.exit(1),
    ],
)
def test_an_error_that_is_not_about_a_recurrent_layer_is_untouched(call):
    with pytest.raises(BaseException) as raised, clarify():  # noqa: PT011 whatever the call raises passes through
        call()
    assert not hasattr(raised.value, "__notes__")


def test_nothing_is_raised_and_nothing_changes_without_an_error():
    hooks = sys.excepthook, sys.gettrace(), sys.getprofile(), nn.RNN.forward
    with clarify():
        output, hn = nn.RNN(4, 5)(torch.randn(3, 2, 4))
    assert (sys.excepthook, sys.gettrace(), sys.getprofile(), nn.RNN.forward) == hooks
    assert torch.equal(output[-1], hn[-1])


def test_a_defect_of_its_own_neither_hides_the_error_nor_adds_to_it(monkeypatch):
    assert note(clarified(lambda: nn.RNN(4, 5)(torch.randn(3, 2, 7))))
    monkeypatch.setattr(errors_in_call, "failing_call", lambda trace: 1 / 0)
    error = clarified(lambda: nn.RNN(4, 5)(torch.randn(3, 2, 7)))
    assert str(error).startswith("input.size(-1)")
    assert error.__context__ is None
    assert not hasattr(error, "__notes__")


# Other versions of torch

OLDER = [
    (RuntimeError, "Expected hidden[0] size (1, 64, 256), got (64, 256)"),
    (RuntimeError, "Expected hidden size (2, 3, 5), got [4, 3, 5]"),
    (RuntimeError, "input must have 3 dimensions, got 2"),
    (RuntimeError, "expected scalar type Long but found Float"),
    (RuntimeError, "Input batch size 1 doesn't match hidden[0] batch size 512"),
    (RuntimeError, "input.size(-1) must be equal to input_size. Expected 1024, got 768"),
    (RuntimeError, "LSTM: Expected input to be 2D or 3D, got 4D instead"),
    (AttributeError, "'tuple' object has no attribute 'size'"),
    (RuntimeError, "lengths array has to be sorted in decreasing order"),
]  # wordings that people quote: of other versions, or of other calls


@pytest.mark.parametrize(("kind", "text"), OLDER)
@pytest.mark.parametrize("row", ["last axis", "h0 batch first, LSTM", "h0 without layers", "unsorted lengths"])
def test_a_text_of_another_version_gets_the_axes_and_no_guess(kind, text, row):
    """The call fails for real; the text that it fails with is another version's."""

    def call():
        try:
            execute(ROWS[row][2])
        except Exception as error:
            raise kind(text).with_traceback(error.__traceback__) from None

    told = note(clarified_at(call))
    assert "needs" in told or "lengths  (N)" in told
    assert "fix:" not in told
    assert "why:" not in told


def test_running_out_of_memory_is_not_a_matter_of_axes():
    def call():
        error = error_of(lambda: execute(ROWS["last axis"][2]))
        raise torch.OutOfMemoryError("CUDA out of memory").with_traceback(error.__traceback__) from None

    assert not note(clarified_at(call))


def clarified_at(call) -> Exception:
    """The error of `call()` as clarify() sees it where torch raised it: without the frame that re-raises."""
    error = error_of(call)
    trace = error.__traceback__
    while trace.tb_next is not None and trace.tb_frame.f_code.co_name != "execute":
        trace = trace.tb_next

    def again():
        raise error.with_traceback(trace)

    caught = error_of(again)
    add_explanation(caught)
    return caught


def test_no_line_of_a_note_is_wider_than_a_terminal():
    for row in ROWS:
        error = clarified(lambda: execute(ROWS[row][2]))
        assert max(map(len, note(error).splitlines())) <= WIDTH


# IPython


def test_the_extension_explains_every_cell_until_it_is_unloaded(capsys, tmp_path):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell(ipython_dir=str(tmp_path), config=Config(HistoryManager={"enabled": False}))
    shell.run_cell("import torch; from torch import nn")
    load_ipython_extension(shell)
    result = shell.run_cell("nn.RNN(4, 5)(torch.randn(3, 2, 7))")
    shown = capsys.readouterr().out
    assert "input.size(-1) must be equal to input_size. Expected 4, got 7" in shown
    assert "nn.RNN(7, 5)" in shown
    assert "nn.RNN(7, 5)" in note(result.error_in_exec)
    assert not hasattr(shell.run_cell("1 / 0").error_in_exec, "__notes__")
    assert not hasattr(shell.run_cell("int('x')").error_in_exec, "__notes__")
    unload_ipython_extension(shell)
    assert not hasattr(shell.run_cell("nn.RNN(4, 5)(torch.randn(3, 2, 7))").error_in_exec, "__notes__")


def test_the_modules_that_the_package_exports_are_imported_without_torch():
    code = "import sys, json, unrolled.diagnosis.clarify_error, unrolled.diagnosis.explain_call, unrolled.shapes; print(json.dumps('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert json.loads(done.stdout) is False


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_a_mask_given_to_packing_is_shown_as_it_is_and_summed(first, turned, enforce_sorted):
    lines = [f"input = torch.randn({'4, 3' if first else '3, 4'}, 5)", "lengths = torch.tensor([3, 3, 2, 1])"]
    lines += [f"mask = (torch.arange(3) < lengths.unsqueeze(1)){'.T' * turned}", "lengths = mask.long()"]
    call = f"packed = pack_padded_sequence(input, lengths, batch_first={first}, enforce_sorted={enforce_sorted})"
    error = clarified(lambda: execute([*lines, call]))
    assert "looks like a mask" in note(error)
    assert ("(3, 4)" if turned else "(4, 3)") in note(error)
    execute([*lines, fix_of(error), "assert lengths.tolist() == [3, 3, 2, 1]", call])


def test_it_is_a_decorator_without_parentheses_too():
    @clarify
    def step(module, input):
        """Docs."""
        return module(input)

    assert step.__name__ == "step"
    assert step.__doc__ == "Docs."
    assert step(nn.GRU(4, 5), torch.randn(3, 2, 4))[0].shape == (3, 2, 5)
    assert note(error_of(lambda: step(nn.GRU(4, 5), torch.randn(3, 2, 6))))
    with pytest.raises(TypeError, match="clarify takes one function, as a decorator, or nothing; got Tensor"):
        clarify(torch.zeros(1))


# States that are flattened


class Flattener(nn.Module):
    """A classifier that flattens h_n (or c_n) by an expression."""

    def __init__(self, rnn: nn.Module, flatten: str, width: int, middle: nn.Module) -> None:
        super().__init__()
        self.rnn, self.middle, self.head = rnn, middle, nn.Linear(width, 3)
        self.code = compile(flatten, "<flatten>", "eval")

    def forward(self, x):
        output, hn = self.rnn(x)
        if isinstance(hn, tuple):
            hn, cn = hn
        return self.score(x.size(0) if self.rnn.batch_first else x.size(1), hn)

    def score(self, N, hn):
        return self.head(self.middle(eval(self.code)))


STACKED = {
    "two layers": ({"num_layers": 2}, [5]),
    "two directions": ({"bidirectional": True}, [5]),
    "both": ({"num_layers": 2, "bidirectional": True}, [5, 10]),
    "three layers, both directions": ({"num_layers": 3, "bidirectional": True}, [5, 10]),
}


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("stacked", STACKED)
@pytest.mark.parametrize("grad", [True, False])
def test_states_flattened_for_a_head_that_takes_the_top_layer_are_told_which_rows_those_are(kind, first, stacked, grad):
    options, widths = STACKED[stacked]
    module, x = kind(4, 5, batch_first=first, **options), torch.randn(*((2, 3) if first else (3, 2)), 4)
    hn = module(x)[1]
    hn = hn[0] if kind is nn.LSTM else hn
    top = torch.cat([hn[-2], hn[-1]], dim=-1) if module.bidirectional else hn[-1]
    ways = [("hn.view(N, -1)", True), ("hn.reshape(N, -1)", True), ("hn.transpose(0, 1).flatten(1)", False)]
    middles = [nn.Identity()] + [
        nn.Dropout(0.5),
        nn.Tanh(),
    ] * grad  # their numbers are others: the graph shows the states
    for flatten, mixed in ways:
        for width in widths:
            for middle in middles:
                model = Flattener(module, flatten, width, middle)
                with torch.set_grad_enabled(grad):
                    error = clarified(lambda: model(x))
                told = " ".join(note(error).split())
                assert "[state-flattened: raises RuntimeError]" in told, (flatten, width, middle, told)
                assert ("view(N, -1) mixes samples" in told) == mixed
                assert "(D·num_layers, N, H_out)" in told
                assert max(map(len, note(error).splitlines())) <= WIDTH
                names = NAMES | {"hn": hn, "linear": model.head}
                exec(fix_of(error), names)
                assert torch.equal(names["input"], top)
                assert names["linear"](names["input"]).shape == (2, 3)
                if mixed:
                    assert "hn.transpose(0, 1).flatten(1)" in told
                    assert not torch.equal(hn.view(2, -1), hn.transpose(0, 1).flatten(1))


@pytest.mark.parametrize("functional", [True, False])
@pytest.mark.parametrize("width", [5, 10])
def test_flattened_states_are_explained_for_a_functional_linear_too(functional, width):
    lines = ["module = nn.GRU(4, 5, 2, bidirectional=True)", "output, hidden = module(torch.randn(3, 2, 4))"]
    lines += [f"linear = nn.Linear({width}, 3)", "input, weight = hidden.view(2, -1), linear.weight"]
    call = "score = nn.functional.linear(input, weight)" if functional else "score = linear(input)"
    error = clarified(lambda: execute([*lines, call]))
    told = " ".join(note(error).split())
    assert "[state-flattened: raises RuntimeError]" in told
    assert "hidden[-1]" in told
    execute([*lines, fix_of(error), call, "assert input.shape == (2, 10)"])


@pytest.mark.parametrize("flatten", ["view(2, -1)", "transpose(0, 1).flatten(1)", "transpose(0, 1).view(2, -1)"])
@pytest.mark.parametrize("name", ["hidden[0]", "hidden[1]", "cn"])
@pytest.mark.parametrize("proj_size", [0, 3])
def test_the_fix_of_flattened_states_of_an_lstm_names_those_that_are(flatten, name, proj_size):
    width = proj_size if proj_size and name == "hidden[0]" else 5
    lines = [f"module = nn.LSTM(4, 5, 2, proj_size={proj_size})", "output, hidden = module(torch.randn(3, 2, 4))"]
    lines += ["hn, cn = hidden"] * (name == "cn")
    error = clarified(lambda: execute([*lines, f"score = nn.Linear({width}, 3)({name}.{flatten})"]))
    called = name if name == "cn" else "hn"  # which of a pair failed is not looked for
    fix = f"last = {called}.transpose(0, 1).flatten(1)" if "0, 1).view" in flatten else f"input = {name}[-1]"
    assert fix_of(error) == fix
    execute([*lines, f"{called} = {name}", fix])


@pytest.mark.parametrize(
    "given", ["output[:, -1]", "torch.cat([hn[-2], hn[-1]], dim=-1)", "torch.cat([hn[0], torch.ones(2, 5)], dim=-1)"]
)
def test_what_is_as_wide_as_flattened_states_and_no_states_is_not_taken_for_them(given):
    lines = ["module = nn.GRU(4, 5, batch_first=True, bidirectional=True)", "output, hn = module(torch.randn(2, 3, 4))"]
    for grad in ("", ".detach()"):
        error = clarified(lambda: execute([*lines, f"score = nn.Linear(5, 3)({given}{grad})"]))
        alike = given.startswith("torch.cat([hn[-2]")  # the states of one layer, side by side
        assert ("state-flattened" in note(error)) == alike


TURNED = [
    "hn.permute(1, 0, 2).view(N, -1)",
    "hn.transpose(0, 1).view(N, -1)",
    "hn.transpose(0, 1).view(hn.size(1), -1)",
]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("stacked", STACKED)
def test_states_that_view_cannot_flatten_are_told_to_be_copied(kind, first, stacked):
    options, _ = STACKED[stacked]
    module, x = kind(4, 5, batch_first=first, **options), torch.randn(*((2, 3) if first else (3, 2)), 4)
    hn = module(x)[1]
    hn = hn[0] if kind is nn.LSTM else hn
    for flatten in TURNED:
        error = clarified(lambda: Flattener(module, flatten, 5, nn.Identity())(x))
        told = " ".join(note(error).split())
        assert "[state-strides: raises RuntimeError]" in told
        assert "(D·num_layers, N, H_out)" in told
        names = NAMES | {"hn": hn}
        exec(fix_of(error), names)
        assert torch.equal(names["last"], hn.permute(1, 0, 2).reshape(2, -1))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("name", ["turned", "hn"])
def test_states_that_were_turned_a_line_before_are_made_contiguous(first, name):
    lines = [
        f"module, x = nn.GRU(4, 5, 2, batch_first={first}), torch.randn(7, 7, 4)",
        "output, hn = module(x)",
        "before = hn",
    ]
    lines += [f"{name} = hn.permute(1, 0, 2)", f"flat = {name}.view(x.size(0), -1)"]
    error = clarified(lambda: execute(lines))
    assert "[state-strides: raises RuntimeError]" in note(error)
    execute([*lines[:-1], fix_of(error), lines[-1], "assert torch.equal(flat, before.transpose(0, 1).flatten(1))"])


def test_a_view_of_another_tensor_beside_a_state_is_left_alone():
    lines = ["module = nn.GRU(4, 5, 2)", "output, hn = module(torch.randn(3, 2, 4))", "other = torch.randn(3, 4)"]
    assert not note(clarified(lambda: execute([*lines, "other.T.view(hn.size(0), -1)"])))


# Checkpoints

SAVED = {
    "hidden_size": "nn.LSTM(4, 6, batch_first=True)",
    "input_size": "nn.LSTM(3, 5, batch_first=True)",
    "fewer layers": "nn.LSTM(4, 5, batch_first=True)",
    "more layers": "nn.LSTM(4, 5, num_layers=3, batch_first=True, dropout=0.5)",
    "two directions": "nn.LSTM(4, 5, num_layers=2, batch_first=True, dropout=0.5, bidirectional=True)",
    "no bias": "nn.LSTM(4, 5, num_layers=2, bias=False, batch_first=True, dropout=0.5)",
    "a projection": "nn.LSTM(4, 5, num_layers=2, batch_first=True, dropout=0.5, proj_size=3)",
    "a GRU": "nn.GRU(4, 5, num_layers=2, batch_first=True, dropout=0.5)",
    "an RNN": "nn.RNN(4, 5, num_layers=2, batch_first=True, dropout=0.5)",
    "a cell": "nn.LSTMCell(4, 5)",
    "all": "nn.GRU(3, 6, num_layers=3, bias=False, batch_first=True, dropout=0.5, bidirectional=True)",
}
AROUND = {
    "alone": ("{layer}", "net"),
    "in a module": ("nn.ModuleDict({{'encoder': nn.Sequential(nn.Linear(2, 4), {layer})}})", "net.encoder[1]"),
    "first": ("nn.Sequential({layer}, nn.GRU(2, 2))", "net[0]"),
}


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("around", AROUND)
def test_a_checkpoint_of_another_layer_is_told_which_layer_it_is_of(saved, around):
    made, name = AROUND[around]
    present = "nn.LSTM(4, 5, num_layers=2, batch_first=True, dropout=0.5)"
    lines = [f"state_dict = {made.format(layer=SAVED[saved])}.state_dict()", f"net = {made.format(layer=present)}"]
    error = clarified(lambda: execute([*lines, "net.load_state_dict(state_dict)"]))
    told = " ".join(note(error).split())
    assert "[checkpoint-layer: raises RuntimeError]" in told
    assert f"The checkpoint is of {SAVED[saved]}; {name} is {present}." in told
    assert fix_of(error) == f"{name} = {SAVED[saved]}"
    execute([*lines, fix_of(error), "net.load_state_dict(state_dict)"])


def test_the_note_on_a_checkpoint_names_what_differs_and_the_parameters_that_do():
    module, other = nn.LSTM(10, 32), nn.LSTM(10, 64)
    told = " ".join(note(clarified(lambda: module.load_state_dict(other.state_dict()))).split())
    assert "why: hidden_size is 64 there and 32 here. Its weight_ih is (4·hidden_size, input_size)." in told
    assert "weight_hh_l0 (4·H_cell, H_out) (256, 64) <- needs (128, 32)" in told
    relu = nn.RNN(10, 64, nonlinearity="relu")
    error = clarified(lambda: nn.RNN(10, 32, nonlinearity="relu").load_state_dict(relu.state_dict()))
    assert fix_of(error) == "module = nn.RNN(10, 64, nonlinearity='relu')"


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("extra", ["module", "_orig_mod"])
@pytest.mark.parametrize("around", ["{layer}", "nn.ModuleDict({{'encoder': {layer}, 'head': nn.Linear(5, 2)}})"])
def test_a_checkpoint_of_a_module_around_the_layer_loses_the_names_of_the_module_around_it(kind, extra, around):
    net = around.format(layer=f"nn.{kind}(4, 5)")
    lines = [f"net = {net}", f"state_dict = nn.ModuleDict({{'{extra}': {net}}}).state_dict()"]
    error = clarified(lambda: execute([*lines, "net.load_state_dict(state_dict)"]))
    assert "[checkpoint-names: raises RuntimeError]" in " ".join(note(error).split())
    execute([*lines, fix_of(error), "net.load_state_dict(state_dict)"])


def test_a_checkpoint_whose_recurrent_layers_fit_or_show_no_layer_is_left_alone():
    net = nn.Sequential(nn.GRU(4, 5), nn.Linear(5, 2))
    others = [nn.Sequential(nn.GRU(4, 5), nn.Linear(5, 3)), nn.Sequential(nn.Linear(4, 5)), nn.Linear(3, 4)]
    dicts = [other.state_dict() for other in others] + [
        {},
        {"0.weight_ih_l0": torch.zeros(3)},
        {"0.weight_ih_l0": torch.zeros(0, 2), "0.weight_hh_l0": torch.zeros(0, 0)},
    ]
    for state_dict in dicts:
        assert not note(clarified(lambda: net.load_state_dict(state_dict)))
    assert not note(clarified(lambda: nn.Linear(2, 3).load_state_dict(nn.GRU(4, 5).state_dict())))
