"""One line after the layer, in backward, in workers, in checkpoints: where people stumble over what a layer returned.

Each program fails in its last line; its note names the problem, and the fix, before that line or in place of it, runs.
"""

import re
import textwrap

import pytest
import torch
from notes import fix_of, note, repaired
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_sequence
from wrong_calls import NAMES

from unrolled.diagnosis.clarify_error import clarify

ALL = NAMES | {"F": nn.functional, "pack_sequence": pack_sequence, "pad_sequence": pad_sequence}


def run(lines: list[str]) -> dict:
    """The names of a program, run as a function's body, seeded."""
    body = textwrap.indent("\n".join([*lines, "return locals()"]), "    ")
    names = dict(ALL)
    exec(compile(f"def program():\n{body}", "<program>", "exec"), names)
    torch.manual_seed(0)
    return names["program"]()


def failing(lines: list[str]) -> Exception:
    with pytest.raises(Exception) as caught, clarify():  # noqa: PT011 the test looks at the note
        run(lines)
    return caught.value


PACKED = [
    "rnn = nn.GRU(4, 5, batch_first=True)",
    "packed = pack_padded_sequence(torch.randn(2, 3, 4), [3, 2], batch_first=True)",
    "out = pad_packed_sequence(rnn(packed)[0], batch_first=True)",
]
LOADED = ["x = torch.randn(2, 3, 4)", "x[1, 2:] = 0", "batch = (x, torch.tensor([3, 2]))"]
OUTPUT = ["out, hn = rnn(torch.randn(2, 7, 4))"]
TWO = ["rnn = nn.GRU(4, 8, num_layers=2, batch_first=True)", "memory, hidden = rnn(torch.randn(3, 5, 4))"]
PAIR = ["rnn = nn.LSTM(4, 8, num_layers=2, batch_first=True)", "memory, hidden = rnn(torch.randn(3, 5, 4))"]
MAPS = ["Wh, We = nn.Linear(8, 8), nn.Linear(8, 8)"]

# code, the program, and where one is known the right answer of its result
AFTER = {
    # a padded batch and its lengths, given whole
    "a pair, dropout": ("padded-pair", [*PACKED, "result = nn.Dropout(0.0)(out)"], "out[0]"),
    "a pair, indexed": ("padded-pair", [*PACKED, "result = out[:, -1]"], "out[0][:, -1]"),
    "a pair, asked": ("padded-pair", [*PACKED, "result = out.mean(1)"], "out[0].mean(1)"),
    "a pair, a head": ("padded-pair", [*PACKED, "head = nn.Linear(5, 2)", "result = head(out)"], "head(out[0])"),
    "a pair, F.relu": ("padded-pair", [*PACKED, "result = F.relu(out)"], "F.relu(out[0])"),
    "a loader's pair": ("padded-pair", [*PACKED[:1], *LOADED, "result = nn.Dropout(0.0)(batch)"], "x"),
    "a loader's pair, indexed": ("padded-pair", [*PACKED[:1], *LOADED, "result = batch[:, 0]"], "x[:, 0]"),
    "a loader's pair, a head": ("padded-pair", [*PACKED[:1], *LOADED, "head = nn.Linear(4, 4)", "result = head(batch)"], "head(x)"),
    # losses
    "bce, a column": (
        "loss-axis",
        ["rnn, head = nn.GRU(4, 5, batch_first=True), nn.Linear(5, 1)", *OUTPUT, "scores, target = head(hn[-1]), torch.zeros(2)", "result = F.binary_cross_entropy_with_logits(scores, target)"],
        "F.binary_cross_entropy_with_logits(scores.squeeze(-1), target)",
    ),
    "bce, a column of a bidirectional layer": (
        "loss-axis",
        ["rnn, head = nn.LSTM(4, 5, batch_first=True, bidirectional=True), nn.Linear(10, 1)", *OUTPUT, "scores, target = head(out[:, -1]).sigmoid(), torch.zeros(2)", "result = F.binary_cross_entropy(scores, target)"],
        "F.binary_cross_entropy(scores.squeeze(-1), target)",
    ),
    "bce, a column of steps": (
        "loss-axis",
        ["rnn, head = nn.RNN(4, 5, batch_first=True), nn.Linear(5, 1)", *OUTPUT, "scores, target = head(out), torch.zeros(2, 7)", "result = F.binary_cross_entropy_with_logits(scores, target)"],
        "F.binary_cross_entropy_with_logits(scores.squeeze(-1), target)",
    ),
    "ctc": (
        "loss-layout",
        ["rnn, head = nn.GRU(4, 8, batch_first=True), nn.Linear(8, 6)", *OUTPUT, "scores = head(out).log_softmax(-1)", "labels, L, S = torch.ones(2, 3).long(), torch.tensor([7, 7]), torch.tensor([3, 3])", "result = F.ctc_loss(scores, labels, L, S)"],
        "F.ctc_loss(scores.transpose(0, 1), labels, L, S)",
    ),
    "ctc, a module": (
        "loss-layout",
        ["rnn, head = nn.LSTM(4, 8, bidirectional=True, batch_first=True), nn.Linear(16, 6)", *OUTPUT, "scores = F.log_softmax(head(out), dim=2)", "labels, L, S = torch.ones(2, 3).long(), torch.tensor([7, 7]), torch.tensor([3, 3])", "result = nn.CTCLoss()(scores, labels, L, S)"],
        "nn.CTCLoss()(scores.transpose(0, 1), labels, L, S)",
    ),
    # what reads its channels from axis 1
    "batch norm": ("head-channels", ["rnn, norm = nn.GRU(4, 5, batch_first=True), nn.BatchNorm1d(5)", *OUTPUT, "result = norm(out)"], "norm(out.transpose(1, 2)).transpose(1, 2)"),
    "batch norm, two directions": ("head-channels", ["rnn, norm = nn.LSTM(4, 5, batch_first=True, bidirectional=True), nn.BatchNorm1d(10)", *OUTPUT, "result = norm(out)"], "norm(out.transpose(1, 2)).transpose(1, 2)"),
    "batch norm after a relu": ("head-channels", ["rnn, norm = nn.GRU(4, 5, batch_first=True), nn.BatchNorm1d(5)", *OUTPUT, "out = out.relu()", "result = norm(out)"], "norm(out.transpose(1, 2)).transpose(1, 2)"),
    "batch norm, time first": ("head-channels", ["rnn, norm = nn.GRU(4, 5), nn.BatchNorm1d(5)", *OUTPUT, "result = norm(out)"], "norm(out.permute(1, 2, 0)).permute(2, 0, 1)"),
    "convolution": ("head-channels", ["rnn, conv = nn.GRU(4, 5, batch_first=True), nn.Conv1d(5, 3, 3)", *OUTPUT, "result = conv(out)"], "conv(out.transpose(1, 2)).transpose(1, 2)"),
    "group norm": ("head-channels", ["rnn, norm = nn.GRU(4, 6, batch_first=True), nn.GroupNorm(2, 6)", *OUTPUT, "result = norm(out)"], "norm(out.transpose(1, 2)).transpose(1, 2)"),
    # what reads another width
    "layer norm": ("linear-width", ["rnn, norm = nn.GRU(4, 5, batch_first=True, bidirectional=True), nn.LayerNorm(5)", *OUTPUT, "result = norm(out)"], "nn.LayerNorm(10)(out)"),
    "layer norm, a projection": ("linear-width", ["rnn, norm = nn.LSTM(4, 5, batch_first=True, proj_size=3), nn.LayerNorm(5)", *OUTPUT, "result = norm(out)"], "nn.LayerNorm(3)(out)"),
    "layer norm, one direction": ("linear-width", ["rnn, norm = nn.GRU(4, 5, batch_first=True), nn.LayerNorm(10)", *OUTPUT, "result = norm(out)"], "nn.LayerNorm(5)(out)"),
    "attention's width": ("linear-width", ["rnn, attend = nn.GRU(4, 6, batch_first=True, bidirectional=True), nn.MultiheadAttention(6, 2, batch_first=True)", *OUTPUT, "result, _ = attend(out, out, out)"], ""),
    # attention with a state of several layers
    "repeat": ("state-layers-axis", [*TWO, "L = memory.size(1)", "result = hidden.unsqueeze(1).repeat(1, L, 1)"], "hidden[-1].unsqueeze(1).repeat(1, L, 1)"),
    "expand": ("state-layers-axis", [*TWO, "result = hidden.unsqueeze(1).expand(-1, 5, -1)"], "hidden[-1].unsqueeze(1).expand(-1, 5, -1)"),
    "repeat, with the output in the line": ("state-layers-axis", [*TWO, "result = hidden.unsqueeze(1).repeat(1, memory.size(1), 1)"], "hidden[-1].unsqueeze(1).repeat(1, 5, 1)"),
    "repeat, as many samples as layers": ("state-layers-axis", [TWO[0], "memory, hidden = rnn(torch.randn(2, 5, 4))", "result = hidden.unsqueeze(1).repeat(1, memory.size(1), 1)"], "hidden[-1].unsqueeze(1).repeat(1, 5, 1)"),
    "a product, as many samples as layers": ("state-layers-axis", [TWO[0], "memory, hidden = rnn(torch.randn(2, 5, 4))", "result = (hidden * memory).sum(-1)"], "(hidden[-1].unsqueeze(1) * memory).sum(-1)"),
    "a product, as many samples as layers, LSTM": ("state-layers-axis", [PAIR[0], "memory, (hidden, cell) = rnn(torch.randn(2, 5, 4))", "result = (hidden * memory).sum(-1)"], "(hidden[-1].unsqueeze(1) * memory).sum(-1)"),
    "a sum": ("state-layers-axis", [*TWO, *MAPS, "result = Wh(hidden) + We(memory)"], "Wh(hidden[-1]).unsqueeze(1) + We(memory)"),
    "a sum with a pair's h": ("state-layers-axis", [*PAIR, *MAPS, "result = Wh(hidden[0]) + We(memory)"], "Wh(hidden[0][-1]).unsqueeze(1) + We(memory)"),
    "a product": ("state-layers-axis", [*TWO, "result = (hidden * memory).sum(-1)"], "(hidden[-1].unsqueeze(1) * memory).sum(-1)"),
    "a cat": ("state-layers-axis", [*TWO, "h = hidden.permute(1, 0, 2)", "result = torch.cat([h, memory], dim=2)"], "torch.cat([hidden[-1].unsqueeze(1).expand(-1, 5, -1), memory], dim=2)"),
    "a sum, two directions": (
        "state-layers-axis",
        ["rnn = nn.GRU(4, 8, bidirectional=True, batch_first=True)", "memory, hidden = rnn(torch.randn(3, 5, 4))", "result = hidden.unsqueeze(1).repeat(1, 5, 1)"],
        "torch.cat([hidden[-2], hidden[-1]], -1).unsqueeze(1).repeat(1, 5, 1)",
    ),
    # states that are copied
    "deepcopy": ("state-copied", ["import copy", *TWO, "result = copy.deepcopy(hidden)"], "hidden"),
    "deepcopy of a pair": ("state-copied", ["import copy", *PAIR, "pair = copy.deepcopy(hidden)"], ""),
    "deepcopy of a model": ("state-copied", ["import copy", *PAIR, "model = nn.Module()", "model.rnn, model.h = rnn, hidden", "copied = copy.deepcopy(model)"], ""),
    "deepcopy of a model inside": ("state-copied", ["import copy", *TWO, "model, inner = nn.Module(), nn.Module()", "model.inner, inner.h = inner, hidden", "copied = copy.deepcopy(model)"], ""),
    # arguments
    "three arguments": ("call-arguments", ["module, x, h, c = nn.LSTM(4, 5), torch.randn(3, 2, 4), torch.randn(1, 2, 5), torch.randn(1, 2, 5)", "result, _ = module(x, h, c)"], "module(x, (h, c))[0]"),
    "h0=": ("call-arguments", ["module, x, h = nn.GRU(4, 5), torch.randn(3, 2, 4), torch.randn(1, 2, 5)", "result, _ = module(x, h0=h)"], "module(x, h)[0]"),
    "h0= and c0=": ("call-arguments", ["module, x, h, c = nn.LSTM(4, 5), torch.randn(3, 2, 4), torch.randn(1, 2, 5), torch.randn(1, 2, 5)", "result, _ = module(x, h0=h, c0=c)"], "module(x, (h, c))[0]"),
    "three arguments of a cell": ("call-arguments", ["module, x, h, c = nn.LSTMCell(4, 5), torch.randn(2, 4), torch.randn(2, 5), torch.randn(2, 5)", "result, _ = module(x, h, c)"], "module(x, (h, c))[0]"),
    # the constructor
    "dropout=True": ("dropout-no-probability", ["module = nn.LSTM(4, 5, 2, dropout=True)"], ""),
    "dropout=2": ("dropout-no-probability", ["module = nn.GRU(4, 5, 2, dropout=2)"], ""),
    "dropout=50": ("dropout-no-probability", ["module = nn.RNN(4, 5, num_layers=2, dropout=50)"], ""),
    "dropout=-0.1": ("dropout-no-probability", ["module = nn.LSTM(4, 5, 2, dropout=-0.1)"], ""),
    # packing a list
    "pack_sequence": ("lengths-unsorted", ["data = [torch.randn(2, 4), torch.randn(3, 4)]", "packed = pack_sequence(data)"], ""),
    "pack_sequence, collated": ("lengths-unsorted", ["data = [torch.randn(2, 4), torch.randn(3, 4)]", "loader = torch.utils.data.DataLoader(data, batch_size=2, collate_fn=pack_sequence)", "packed = next(iter(loader))"], ""),
    "pack_sequence, an empty one": ("lengths-zero", ["data = [torch.randn(2, 4), torch.randn(0, 4)]", "packed = pack_sequence(data)"], ""),
    "pack_sequence, a worker": ("lengths-unsorted", ["data = [torch.randn(2, 4), torch.randn(3, 4)]", "loader = torch.utils.data.DataLoader(data, batch_size=2, collate_fn=pack_sequence, num_workers=1)", "packed = next(iter(loader))"], ""),
    # checkpoints
    "a whole checkpoint": ("checkpoint-whole", ["net = nn.ModuleDict({'lstm': nn.LSTM(4, 5), 'head': nn.Linear(5, 2)})", "saved = {'state_dict': net.state_dict(), 'epoch': 3}", "net.load_state_dict(saved)"], ""),
    "a whole checkpoint of a layer": ("checkpoint-whole", ["net = nn.GRU(4, 5)", "saved = {'model': net.state_dict(), 'optimizer': {}, 'loss': 0.5}", "net.load_state_dict(saved)"], ""),
    "a renamed layer": ("checkpoint-names", ["old, net = nn.ModuleDict({'lstm': nn.LSTM(4, 5)}), nn.ModuleDict({'rnn': nn.LSTM(4, 5)})", "state_dict = old.state_dict()", "net.load_state_dict(state_dict)"], ""),
    "a renamed layer inside": ("checkpoint-names", ["make = lambda name: nn.ModuleDict({'encoder': nn.ModuleDict({name: nn.GRU(4, 5, 2)}), 'head': nn.Linear(5, 2)})", "net, state_dict = make('gru'), make('rnn').state_dict()", "net.load_state_dict(state_dict)"], ""),
    # nothing to pack
    "no samples to pack": ("input-empty", ["packed = pack_padded_sequence(torch.randn(0, 3, 4), [], batch_first=True)"], ""),
    "no steps to pack": ("input-empty", ["packed = pack_padded_sequence(torch.randn(2, 0, 4), [1, 1], batch_first=True)"], ""),
    "no features to pack": ("input-empty", ["packed = pack_padded_sequence(torch.randn(2, 3, 0), [3, 1], batch_first=True)"], ""),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", AFTER)
def test_the_line_after_the_layer_is_explained_and_its_fix_gives_the_right_answer(name):
    code, lines, right = AFTER[name]
    error = failing(lines)
    told = " ".join(note(error).split())
    assert f"[{code}: raises {type(error).__name__}]" in told, told
    if code == "input-empty":
        assert "fix:" not in told
        return
    names = run(repaired(lines, fix_of(error)))
    if right:
        torch.testing.assert_close(names["result"], run([*lines[:-1], f"result = {right}"])["result"])


@pytest.mark.parametrize("name", [name for name in AFTER if AFTER[name][2] and name != "deepcopy"])
def test_without_gradients_too_where_the_numbers_show_the_layer_or_there_is_no_note(name):
    """Of no_grad there is no graph: a note rests on the numbers then, and it is the same note."""
    code, lines, _ = AFTER[name]
    error = failing(["with torch.no_grad():", *[f"    {line}" for line in lines]])
    assert not note(error) or f"[{code}:" in note(error)


BACKWARD = {
    "LSTMCell": (["cell, head = nn.LSTMCell(4, 5), nn.Linear(5, 1)", "h = c = torch.zeros(2, 5)"], ["h, c = cell(torch.randn(2, 4), (h, c))"]),
    "GRUCell": (["cell, head = nn.GRUCell(4, 5), nn.Linear(5, 1)", "h = torch.zeros(2, 5)"], ["h = cell(torch.randn(2, 4), h)"]),
    "RNNCell, several steps": (["cell, head = nn.RNNCell(4, 5), nn.Linear(5, 1)", "state = torch.zeros(2, 5)"], ["for x in torch.randn(3, 2, 4):", "    state = cell(x, state)", "h = state"]),
    "LSTMCell, one sample": (["cell, head = nn.LSTMCell(4, 5), nn.Linear(5, 1)", "h, c = torch.zeros(5), torch.zeros(5)"], ["h, c = cell(torch.randn(4), (h, c))"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKWARD)
@pytest.mark.parametrize("step", [False, True])
def test_a_cell_s_state_carried_over_a_backward_is_told_to_be_detached(name, step):
    start, body = BACKWARD[name]
    optimizer = ["optimizer = torch.optim.SGD(cell.parameters(), 0.1)"] * step
    ends = ["loss = head(h).mean()", f"loss.backward({'retain_graph=True' * step})", *["optimizer.step()"] * step]
    lines = [*start, *optimizer, "for chunk in range(3):", *[f"    {line}" for line in [*body, *ends]]]
    error = failing(lines)
    assert "[state-carried:" in note(error)
    run(
        [*lines[:-1], lines[-1].replace("retain_graph=True", ""), f"    {fix_of(error)}"]
        if not step
        else [line.replace("retain_graph=True", "") for line in lines] + [f"    {fix_of(error)}"]
    )


def test_a_cell_s_loss_that_goes_backward_twice_is_left_alone():
    start, body = BACKWARD["GRUCell"]
    lines = [*start, *body, *body, "loss = head(h).mean()", "loss.backward()", "loss.backward()"]
    assert not note(failing(lines))
    assert not note(failing([*lines[:-2], "for _ in range(2):", "    loss.backward()"]))


SHARED = {
    "an image": ["image = nn.Linear(10, 4)(torch.randn(2, 3, 10)).relu()"],
    "an embedding": ["image = nn.Embedding(9, 4)(torch.tensor([[1, 2, 3], [4, 5, 6]])) * 2"],
    "a normalisation": ["image = nn.LayerNorm(4)(torch.randn(2, 3, 4))"],
    "another recurrent layer": ["image, _ = nn.GRU(4, 4, batch_first=True)(torch.randn(2, 3, 4))"],
}


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_what_two_graphs_share_before_a_layer_is_named(name, kind):
    lines = [*SHARED[name], f"rnn = nn.{kind}(4, 5, batch_first=True)", "for step in range(2):"]
    body = [
        "near, _ = rnn(image)",
        "far, _ = rnn(image.flip(0))",
        "loss = (near - far).pow(2).mean()",
        "loss.backward()",
    ]
    lines += [f"    {line}" for line in body]
    error = failing(lines)
    assert note(error).splitlines()[1].startswith("image was made once")
    assert fix_of(error) == "loss.backward(retain_graph=True)"
    run([*lines[:-1], f"    {fix_of(error)}"])
    run([lines[1], lines[2], f"    {lines[0]}", *lines[3:]])  # made anew


HOOKS = ["output[:, -1]", "output.shape", "torch.relu(output)", "output.detach()"]


@pytest.mark.parametrize("use", HOOKS)
@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_a_hook_is_told_to_take_its_argument_apart_and_not_to_call_the_layer_again(use, kind):
    lines = [f"module = nn.{kind}(4, 5)", "def hook(module, args, output):", f"    kept = {use}"]
    lines += ["module.register_forward_hook(hook)", "module(torch.randn(3, 2, 4))"]
    error = failing(lines)
    assert fix_of(error) == ("output, (hn, cn) = output" if kind == "LSTM" else "output, hn = output")
    run([*lines[:2], f"    {fix_of(error)}", *lines[2:]])


WRAPPED = {
    "from": ("raise ValueError('bad batch') from error", True),
    "an error of your own": ("raise KeyError('bad batch') from error", True),
    "in an except block": ("raise RuntimeError('bad batch')", True),
    "from None": ("raise ValueError('bad batch') from None", False),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_the_error_that_another_was_raised_from_gets_the_note(name):
    raise_line, shown = WRAPPED[name]
    lines = ["try:", "    nn.GRU(4, 5)(torch.randn(3, 2, 7))", "except RuntimeError as error:", f"    {raise_line}"]
    error = failing(lines)
    inner = error.__cause__ or error.__context__
    assert not note(error)
    assert ("[input-features: raises RuntimeError]" in note(inner)) == shown


WORKERS = {
    "your own collate function": ("lambda batch: pack_sequence(batch)", "pack_sequence(batch"),
    "pack_sequence itself": ("pack_sequence", "collate_fn"),
}


@pytest.mark.parametrize("name", WORKERS)
def test_an_error_out_of_a_worker_is_explained_by_its_text(name):
    collate, words = WORKERS[name]
    lines = ["data = [torch.randn(1, 4), torch.randn(2, 4)]"]
    lines += [f"loader = torch.utils.data.DataLoader(data, batch_size=2, collate_fn={collate}, num_workers=1)"]
    error = failing([*lines, "for batch in loader:", "    pass"])
    assert str(error).startswith("Caught RuntimeError in DataLoader worker process 0.")
    assert "[lengths-unsorted: raises RuntimeError]" in note(error)
    assert words in note(error) or name == "your own collate function"  # its source is not in a file


def test_a_worker_s_error_about_something_else_is_left_alone():
    lines = ["data = [torch.randn(1, 4), torch.randn(2, 4)]"]
    lines += ["loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=1)"]
    assert not note(failing([*lines, "for batch in loader:", "    pass"]))


REPLICA = "Caught RuntimeError in replica 0 on device 0.\nOriginal Traceback (most recent call last):\n" + (
    '  File "/x/torch/nn/parallel/parallel_apply.py", line 1, in _worker\n    output = module(*input, **kwargs)\n'
    '  File "/home/me/model.py", line 7, in forward\n    out, h = self.rnn(x, h)\n'
    '  File "/x/torch/nn/modules/rnn.py", line 2, in check_hidden_size\n    raise RuntimeError(msg)\n'
)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ("(2, 3, 5), got [1, 6, 5]", "1/2 of the rows and 2 times"),
        ("(1, 2, 5), got [1, 6, 5]", "It has 3 times the samples"),
    ],
)
def test_a_replica_s_error_names_how_dataparallel_divides_a_state(sizes, words):
    message = f"{REPLICA}RuntimeError: Expected hidden size {sizes}\n"
    with pytest.raises(RuntimeError) as caught, clarify():
        raise RuntimeError(message)
    assert words in " ".join(note(caught.value).split())
    assert "self.rnn(x, h)" in note(caught.value)
    needs, gives = re.findall(r"\d, \d, \d", sizes)
    assert re.search(rf"h_0 +\(D·num_layers, N, H_out\) +\({gives}\) +<- needs \({needs}\)", note(caught.value))


@pytest.mark.parametrize(("parts", "named"), [(2, True), (3, False)])
def test_a_replica_s_error_names_the_devices_where_they_are_as_many(parts, named):
    lines = ["class Parallel(nn.Module):", "    device_ids = None", "    def forward(self, text):"]
    lines += ["        raise RuntimeError(text)", "model = Parallel()", f"model.device_ids = list(range({parts}))"]
    error = failing([*lines, f"model({REPLICA + 'RuntimeError: Expected hidden size (2, 3, 5), got [1, 6, 5]'!r})"])
    assert ("2 (len(device_ids)) times the samples" in " ".join(note(error).split())) == named


def test_a_collate_function_of_a_fix_reaches_workers_that_are_spawned():
    import pickle

    name = "pack_sequence, a worker"
    names = run(repaired(AFTER[name][1], fix_of(failing(AFTER[name][1]))))
    pickle.dumps(names["loader"].collate_fn)


def test_axes_that_can_be_named_are_and_c_0_has_its_own_width():
    lines = [
        "packed = pack_padded_sequence(torch.randn(2, 3, 4), [3, 2], batch_first=True)",
        "pad_packed_sequence(packed, total_length=0)",
    ]
    assert "(ΣL, features)" in note(failing(lines))
    lines = [
        "module, x = nn.LSTM(4, 5), torch.randn(3, 2, 4)",
        "module(x, (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)))",
    ]
    assert "h_0 and c_0 have H_out and H_cell = 4; this call needs 5." in note(failing(lines))


VMAPPED = {
    "an input of another width": ("gru(x)", "torch.randn(6, 3, 2, 7)", "input-features"),
    "a state of another batch": ("gru(x, torch.zeros(1, 9, 5))", "torch.randn(6, 3, 2, 4)", "state-batch"),
    "a state of another width": ("gru(x, torch.zeros(1, 2, 6))", "torch.randn(6, 3, 2, 4)", "state-features"),
}


@pytest.mark.parametrize("name", VMAPPED)
def test_under_vmap_the_sizes_speak(name):
    call, x, code = VMAPPED[name]
    error = failing(["gru = nn.GRU(4, 5)", f"torch.vmap(lambda x: {call})({x})"])
    assert f"[{code}: raises RuntimeError]" in note(error)


def test_a_module_under_many_names_is_walked_once(monkeypatch):
    from unrolled.diagnosis.traceback.frames import Traceback

    many = nn.ModuleList(nn.Linear(1, 1) for _ in range(600))
    program = "\n".join([f"    m{index} = many" for index in range(1000)])
    names = {"many": many}
    exec(f"def program():\n{program}\n    raise RuntimeError('x')", names)
    with pytest.raises(RuntimeError) as caught:
        names["program"]()
    walked, own = [], nn.Module.named_modules

    def counted(self, *args, **options):
        for pair in own(self, *args, **options):
            walked.append(pair)
            yield pair

    monkeypatch.setattr(nn.Module, "named_modules", counted)
    assert Traceback(caught.value).recurrent_layers == ()
    assert 600 < len(walked) < 1300  # once for itself, and once inside its list
