"""Where numbers cannot be read, the sizes speak: explain reports, clarify says less or nothing, neither fails.

Under torch.vmap, torch.func.grad and the like, while torch.export traces, in a fake mode; of meta, sparse, nested and
quantised tensors, of subclasses that refuse to be asked; of quantised layers.
"""

import copy

import pytest
import torch
from notes import fix_of, note
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from unrolled import explain
from unrolled.diagnosis.clarify_error import clarify

pytestmark = [
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage"),
    pytest.mark.filterwarnings("ignore:Sparse"),
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]


class Refusing(torch.Tensor):
    """A subclass that answers nothing, not even its shape."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        raise RuntimeError("this subclass refuses")


def vmapped(ask, x):
    torch.vmap(lambda one: ask(one).sum())(torch.stack([x, x, x]))


def exported(ask, x):
    class Model(nn.Module):
        def forward(self, given):
            return ask(given)

    torch.export.export(Model(), (x,), strict=False)


def faked(ask, x):
    with FakeTensorMode(allow_non_fake_inputs=True):
        ask(torch.empty(x.shape))


def on_meta(ask, x):
    with torch.device("meta"):
        ask(x)


MODES = {
    "vmap": vmapped,
    "vmap of vmap": lambda ask, x: torch.vmap(torch.vmap(lambda b: ask(b).sum()))(x.expand(2, 3, *x.shape)),
    "grad": lambda ask, x: torch.func.grad(lambda one: ask(one).sum())(x),
    "vmap of grad": lambda ask, x: torch.vmap(torch.func.grad(lambda one: ask(one).sum()))(torch.stack([x, x])),
    "jvp": lambda ask, x: torch.func.jvp(ask, (x,), (x,)),
    "functionalize": lambda ask, x: torch.func.functionalize(ask)(x),
    "export": exported,
    "fake": faked,
    "inference": torch.inference_mode()(lambda ask, x: ask(x)),
    "a default device": on_meta,
}  # fmt: skip


CALLS = {  # the sizes of the input and of a state, and what is wrong
    "right": ((2, 3, 4), None, []),
    "right, with a state": ((2, 3, 4), (1, 2, 5), []),
    "a width": ((2, 3, 7), None, ["input-features"]),
    "a batch": ((2, 3, 4), (1, 9, 5), ["state-batch"]),
    "a state's width": ((2, 3, 4), (1, 2, 6), ["state-features"]),
    "a state's axes": ((2, 3, 4), (2, 5), ["state-axes"]),
    "no steps": ((2, 0, 4), None, ["input-empty"]),
    "one sample": ((12, 4), (1, 12, 5), ["batch-as-sequence"]),
}


def states(kind, sizes):
    if sizes is None:
        return None
    return (torch.zeros(sizes), torch.zeros(sizes)) if kind is nn.LSTM else torch.zeros(sizes)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_report_needs_no_numbers(mode, kind):
    for name, (sizes, state, codes) in CALLS.items():
        module, reports = kind(4, 5, batch_first=True), []
        hx = states(kind, state)

        def ask(given, module=module, hx=hx, reports=reports):
            reports.append(explain(module, given, hx))
            reports.append(explain(module, given, hx, lengths=[3, 2]))
            return given

        if not (mode == "vmap of grad" and 0 in sizes):
            MODES[mode](ask, torch.randn(sizes))
            firm = [problem.code for problem in reports[0].problems if problem.likely]
            assert firm == codes, (name, firm)
            assert repr(reports[0])
            assert repr(reports[1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name, (_, _, codes) in CALLS.items() if codes])
def test_a_note_on_a_failing_call_needs_no_numbers_and_where_there_is_one_it_names_the_problem(mode, name):
    sizes, state, codes = CALLS[name]
    module, hx = nn.GRU(4, 5, batch_first=True), states(nn.GRU, state)
    with pytest.raises(Exception) as caught, clarify():  # noqa: PT011 the mode may raise one of its own
        MODES[mode](lambda given: module(given, hx)[0], torch.randn(sizes))
    told = note(caught.value)
    assert not told or "no cause is named" in told or f"[{codes[0]}: raises" in told
    assert "no explanation" not in told
    if mode in ("grad", "functionalize", "inference", "jvp") and name != "no steps":
        assert told


AFTER = {
    "a pair": "head(module(given))",
    "a linear": "wide(module(given)[0])",
    "an index": "module(given)[:, -1]",
    "a loss": "nn.functional.cross_entropy(head(module(given)[0][-1]), torch.zeros(7).long())",
    "attention": "(module(given)[1] * module(given)[0]).sum()",
    "a norm": "nn.BatchNorm1d(5)(module(given)[0])",
    "view": "module(given)[0].view(-1)",
    "a sum": "torch.ones(2, 3) + torch.ones(2, 4)",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", AFTER)
def test_the_line_after_the_layer_fails_without_a_failure_of_ours(mode, name, monkeypatch):
    from unrolled.diagnosis import clarify_error

    names = {"nn": nn, "torch": torch, "head": nn.Linear(5, 2), "wide": nn.Linear(10, 2)}
    names |= {"module": nn.GRU(4, 5, num_layers=2, batch_first=True)}
    defects, original = [], clarify_error._note

    def watched(trace):
        try:
            return original(trace)
        except Exception as defect:
            defects.append(defect)
            raise

    monkeypatch.setattr(clarify_error, "_note", watched)
    with pytest.raises(Exception), clarify():  # noqa: B017, PT011 of the mode or of the line
        MODES[mode](eval(f"lambda given: {AFTER[name]}", names), torch.randn(2, 3, 4))
    assert not defects


TENSORS = {
    "meta": lambda x: x.to("meta"),
    "sparse": lambda x: x.to_sparse(),
    "compressed": lambda x: x.to_sparse_csr(),
    "quantised": lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8),
    "nested": lambda x: torch.nested.nested_tensor(list(x)),
    "jagged": lambda x: torch.nested.nested_tensor(list(x), layout=torch.jagged),
    "a subclass": lambda x: x.as_subclass(Refusing),
    "a parameter": nn.Parameter,
    "conjugate": lambda x: torch.complex(x, x).conj(),
    "expanded": lambda x: x[:1].expand_as(x),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU, nn.LSTMCell])
def test_every_kind_of_tensor_gets_a_report_in_every_place(name, kind):
    make = TENSORS[name]
    cell = kind is nn.LSTMCell
    module = kind(4, 5) if cell else kind(4, 5, batch_first=True)
    x = torch.randn(2, 4) if cell else torch.randn(2, 3, 4)
    h = torch.zeros(2, 5) if cell else torch.zeros(1, 2, 5)
    pair = kind in (nn.LSTM, nn.LSTMCell)
    given = make(h)
    for report in (
        explain(module, make(x)),
        explain(module, make(x), (h, h) if pair else h, lengths=[3, 2]),
        explain(module, x, (given, given) if pair else given),
        explain(module, x, (h, given) if pair else given),
    ):
        assert repr(report)
    numbers = torch.tensor([3.0, 2.0])
    if name not in ("compressed", "nested", "jagged", "conjugate"):
        assert repr(explain(module, x, lengths=make(numbers)))


def test_a_subclass_that_refuses_is_read_by_its_sizes():
    x = torch.randn(2, 3, 4).as_subclass(Refusing)
    assert not explain(nn.GRU(4, 5, batch_first=True), x).problems
    (problem,) = explain(nn.GRU(7, 5, batch_first=True), x).problems
    assert problem.code == "input-features"


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell])
@pytest.mark.parametrize("place", ["input", "input alone", "h", "c"])
def test_quantised_numbers_are_told_to_be_made_floats(kind, place):
    cell, pair = "Cell" in kind.__name__, "LSTM" in kind.__name__
    input, h = (torch.randn(2, 4), torch.zeros(2, 5)) if cell else (torch.randn(3, 2, 4), torch.zeros(1, 2, 5))
    quantise = TENSORS["quantised"]
    hx = {"input alone": None, "h": (quantise(h), quantise(h)), "c": (h, quantise(h))}.get(place, (h, h))
    names = {"module": kind(4, 5), "input": quantise(input) if "input" in place else input}
    names["hx"] = hx[0] if hx and not pair else hx
    if place == "c" and not pair:
        return
    with pytest.raises((RuntimeError, ValueError)) as caught, clarify():
        exec("module(input, hx)", names)
    fix = fix_of(caught.value)
    if place == "c":  # only one of the two is quantised
        assert fix == "hx = (hx[0], hx[1].dequantize())"
    exec(f"{fix}\nmodule(input, hx)", names)


def quantised(kind, **options):
    module = nn.Sequential(kind(4, 5, **options))
    return torch.ao.quantization.quantize_dynamic(module, {kind}, dtype=torch.qint8)[0]


QUANTISED = {
    "a width": ((2, 3, 7), None, "input-features"),
    "a batch": ((2, 3, 4), (1, 9, 5), "state-batch"),
    "a state's width": ((2, 3, 4), (1, 2, 6), "state-features"),
    "one sequence": ((3, 4), None, "input-axes"),
}


@pytest.mark.skipif(not torch.backends.quantized.supported_engines[1:], reason="no engine for quantised layers")
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("name", QUANTISED)
def test_a_quantised_layer_is_explained_as_the_layer_that_it_was_made_of(kind, name):
    sizes, state, code = QUANTISED[name]
    module, x, hx = quantised(kind, batch_first=True), torch.randn(sizes), states(kind, state)
    assert explain(module, x, hx).problems[0].code == code
    with pytest.raises(RuntimeError) as caught, clarify():
        module(x, hx)
    assert f"[{code}: raises RuntimeError]" in note(caught.value)
    module(torch.randn(2, 3, 4), states(kind, (1, 2, 5)))
    assert not explain(module, torch.randn(2, 3, 4), states(kind, (1, 2, 5))).problems
    if name == "one sequence":
        names = {"input": x}
        exec(fix_of(caught.value), names)
        assert module(names["input"])[0].shape == (1, 3, 5)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("change", [copy.deepcopy, torch.jit.script, torch.nn.utils.parametrizations.weight_norm])
def test_what_was_made_of_a_layer_is_explained_or_refused_in_words(kind, change):
    module = kind(4, 5, batch_first=True)
    made = change(module, "weight_ih_l0") if "weight_norm" in change.__name__ else change(module)
    if change is torch.jit.script:
        with pytest.raises(TypeError, match=r"nn\.LSTM"):
            explain(made, torch.randn(2, 3, 7))
    else:
        assert [problem.code for problem in explain(made, torch.randn(2, 3, 7)).problems] == ["input-features"]
