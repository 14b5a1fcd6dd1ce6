"""`explain` finds what torch raises, and what it does not raise; it says nothing of correct calls."""

import random
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import numpy
import pytest
import tinycss2
import torch
from random_calls import KINDS, random_call, random_layer
from run_size import cases
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from torch.utils._python_dispatch import TorchDispatchMode
from wrong_calls import NAMES, batched, each, error_of, run, states, wrong_calls

from unrolled.diagnosis.explain_call import explain
from unrolled.diagnosis.report_text import WIDTH
from unrolled.shapes import AXES, Layer, recurrent_kind

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def codes(report) -> list[str]:
    return [problem.code for problem in report.problems]


# Correct calls


def test_no_false_alarm_on_a_thousand_random_correct_calls():
    rng = random.Random(0)
    torch.manual_seed(0)
    for _ in range(cases(1000)):
        module = random_layer(rng)
        input, lengths, hx = random_call(module, rng)
        if lengths is not None and rng.random() < 0.5:
            input, _ = pad_packed_sequence(input, module.batch_first)
        else:
            lengths = None
        report = explain(module, input, hx, lengths)
        run({"module": module, "input": input, "hx": hx, "lengths": lengths})
        assert not [problem for problem in report.problems if problem.likely], (module, str(report))
        assert not any(shape.wrong for shape in report.tensors), str(report)
        # the one call that is right or wrong by what you mean, and by nothing in it
        undecidable = isinstance(input, torch.Tensor) and input.dim() == 2 and hx is None and hasattr(module, "mode")
        assert codes(report) == ["batch-as-sequence"] * undecidable, str(report)


def test_an_input_of_zeros_to_try_shapes_is_not_taken_for_padding():
    assert not codes(explain(nn.GRU(3, 4), torch.zeros(5, 2, 3)))


def test_a_sample_that_fills_the_batch_is_not_taken_for_padding_because_of_one_zero_feature():
    input = torch.randn(2, 3, 4)
    input[:, -1, 0] = 0
    assert not codes(explain(nn.GRU(4, 5, batch_first=True), input))


# Wrong calls: each maker returns a module, the arguments, and the code of the problem that it seeded


def test_every_mistake_is_found_raised_as_told_and_repaired_in_a_thousand_random_wrong_calls():
    for module, input, hx, code, more in wrong_calls(cases(1000), seed=3):
        problems = explain(module, input, hx).problems
        case = (module, getattr(input, "shape", type(input)), code, problems)
        assert problems, case
        assert problems[0].code == code, case
        expected = problems[0].raises
        # torch does not check a packed LSTM: where the rules say so, it may fail, or read what it should not
        if expected is not None or not (isinstance(input, PackedSequence) and isinstance(module, nn.LSTM)):
            raised = error_of(lambda: module(input, hx))
            assert type(raised) is type(expected), (case, raised)
            assert str(raised).startswith(str(expected)), (case, raised)
        run({"module": module, "input": input, "hx": hx} | more, problems[0].fix)


def test_of_several_mistakes_the_first_problem_is_the_one_that_torch_raises():
    rng = random.Random(6)
    torch.manual_seed(6)
    for _ in range(cases(300)):
        module, layer, input, hx, N, L = batched(rng)
        if rng.random() < 0.3:
            module = rng.choice([nn.RNNCell, nn.LSTMCell, nn.GRUCell])(layer.input_size, layer.hidden_size)
            layer, input = Layer.of(module), torch.randn(N, layer.input_size)
            hx = states(replace(layer, num_layers=1), N)
            hx = each(layer, hx, lambda state: state[0])
        mistakes = [
            lambda: (torch.cat([input, input[..., :1]], dim=-1), hx),
            lambda: (input.double(), hx),
            lambda: (input, each(layer, hx, lambda state: torch.cat([state, state[..., :1, :]], dim=-2))),
            lambda: (input, each(layer, hx, lambda state: torch.cat([state, state[..., :1]], dim=-1))),
            lambda: (input, each(layer, hx, lambda state: state.unsqueeze(0))),
            lambda: (input, (hx,) if not layer.has_cell_state else hx[0]),
        ]
        rng.shuffle(mistakes)
        for mistake in mistakes[:2]:
            if isinstance(hx, tuple) == layer.has_cell_state:  # the state's type is wrong already: leave it
                input, hx = mistake()
        first = explain(module, input, hx).problems[0].raises
        raised = error_of(lambda: module(input, hx))
        assert type(raised) is type(first), (
            module,
            input.shape,
            hx,
            raised,
            first,
        )
        assert str(raised).startswith(str(first)), (
            module,
            input.shape,
            hx,
            raised,
            first,
        )


# Lengths


def padded(rng: random.Random):
    module, layer, input, _, N, L = batched(rng, state=False)
    return module, input, N, L


def too_few(rng):
    module, input, N, L = padded(rng)
    return module, input, [rng.randint(1, L) for _ in range(rng.randint(1, N - 1))], "lengths-too-few", N, L


def too_many(rng):
    module, input, N, L = padded(rng)
    return module, input, [rng.randint(1, L) for _ in range(N + 1)], "lengths-too-many", N, L


def above(rng):
    module, input, N, L = padded(rng)
    return module, input, [L + 1] + [rng.randint(1, L) for _ in range(N - 1)], "lengths-above-input", N, L


def zero(rng):
    module, input, N, L = padded(rng)
    return module, input, [0] + [rng.randint(1, L) for _ in range(N - 1)], "lengths-zero", N, L


def swapped(rng):
    module, input, N, L = padded(rng)
    lengths = [rng.randint(1, L) for _ in range(N)]
    return module, input.transpose(0, 1), lengths, "layout-swapped", L, N


def test_every_mistake_in_the_lengths_is_found_and_repaired():
    rng = random.Random(2)
    torch.manual_seed(2)
    for index in range(cases(250)):
        module, input, lengths, code, N, L = [too_few, too_many, above, zero, swapped][index % 5](rng)
        if code in ("lengths-too-few", "lengths-too-many") and len(lengths) == L and max(lengths) <= N:
            code = "layout-swapped"  # it looks the same
        if rng.random() < 0.5:
            lengths = torch.tensor(lengths)
        problem = explain(module, input, lengths=lengths).problems[0]
        assert problem.code == code, (module, input.shape, lengths, problem)
        names = {"module": module, "input": input, "lengths": lengths, "hx": None}
        if problem.raises is not None:
            with pytest.raises(type(problem.raises)) as raised:
                pack_padded_sequence(input, lengths, module.batch_first, enforce_sorted=False)
            assert str(raised.value).startswith(str(problem.raises))
        else:
            pack_padded_sequence(input, lengths, module.batch_first, enforce_sorted=False)
        run(names, problem.fix)


def zero_padded(rng: random.Random, least: int = 1):
    """A layer, a batch whose samples end in zeros, and their lengths, not all alike."""
    module, layer, input, _, N, L = batched(rng, state=False)
    lengths = [rng.randint(least, L) for _ in range(N)]
    if len(set(lengths)) == 1:
        return zero_padded(rng, least)
    for sample, length in enumerate(lengths):
        input.select(1 - int(layer.batch_first), sample)[length:] = 0
    return module, input, lengths


def test_lengths_that_the_data_contradicts_are_found_and_read_off_the_data():
    rng = random.Random(8)
    torch.manual_seed(8)
    for index in range(cases(500)):
        module, input, lengths = zero_padded(rng, least=2)
        assert not codes(explain(module, input, lengths=lengths))
        given = list(lengths)
        if index % 2:
            while given == lengths:
                rng.shuffle(given)
        else:
            given[rng.randrange(len(given))] = 1
        report = explain(module, input, lengths=torch.tensor(given) if index % 3 else given)
        (problem,) = report.problems
        code = "lengths-order" if sorted(given) == sorted(lengths) else "lengths-below-data"
        assert (problem.code, problem.raises, problem.likely) == (code, None, code == "lengths-order")
        assert re.match(r"lengths\[(\d+)\] is (\d+); sample \1 has (\d+) steps? of data", problem.message)
        names = {"module": module, "input": input, "lengths": given, "hx": None}
        run(names, problem.fix)
        exec(problem.fix, names)
        assert names["lengths"].tolist() == lengths


def test_lengths_of_a_batch_whose_padding_is_not_zeros_raise_no_alarm():
    """Padding that went through an nn.Embedding is a vector like any other, and a cut batch has none."""
    rng = random.Random(9)
    torch.manual_seed(9)
    for _ in range(cases(300)):
        module, layer, input, _, N, L = batched(rng, state=False)
        lengths = [rng.randint(1, L) for _ in range(N)]
        word = torch.randn(layer.input_size)
        for sample, length in enumerate(lengths):
            input.select(1 - int(layer.batch_first), sample)[length:] = word
        assert not codes(explain(module, input, lengths=lengths))
        assert not codes(explain(module, input))


def test_a_swapped_batch_is_found_by_where_its_padding_stands_as_a_maybe():
    rng = random.Random(10)
    torch.manual_seed(10)
    found = 0
    for _ in range(cases(500)):
        module, input, lengths = zero_padded(rng)
        right, swapped = explain(module, input), explain(module, input.transpose(0, 1))
        assert "layout-swapped" not in codes(right)
        falls_and_rises = lengths != sorted(lengths) and lengths != sorted(lengths, reverse=True)
        if falls_and_rises and len(set(lengths)) > 2:
            found += 1
            (problem,) = swapped.problems
            assert (problem.code, problem.raises, problem.likely) == ("layout-swapped", None, False)
            names = {"module": module, "input": input.transpose(0, 1), "hx": None}
            exec(problem.fix, names)
            assert torch.equal(names["input"], input)
            assert "layout-swapped" in codes(
                explain(module, input.transpose(0, 1), lengths=[1] * input.size(int(module.batch_first)))
            )
    assert found > cases(500) / 5


def test_zeros_inside_a_sample_or_in_front_of_it_are_not_taken_for_a_swapped_batch():
    rng = random.Random(11)
    torch.manual_seed(11)
    for index in range(cases(500)):
        module, layer, input, _, N, L = batched(rng, state=False)
        batch = 1 - int(layer.batch_first)
        lengths = sorted((rng.randint(1, L) for _ in range(N)), reverse=True)
        for sample, length in enumerate(lengths):
            steps = input.select(batch, sample)
            if index % 2:
                steps[: L - length] = 0  # padded in front, longest first
            elif sample:
                steps[rng.randrange(1, L)] = 0  # a rest
        assert "layout-swapped" not in codes(explain(module, input))


def test_a_report_says_which_axis_is_read_as_n_and_which_as_l():
    rng = random.Random(12)
    for _ in range(cases(100)):
        module, layer, input, _, N, L = batched(rng)
        first, second = (f"N = {N} samples", f"L = {L} time steps")[:: 1 if layer.batch_first else -1]
        line = " ".join(str(explain(module, input)).split("\n\n")[0].split())
        assert f"reads a batch: axis 0 is {first}, axis 1 is {second}" in line
        assert line.endswith("(batch_first=False).") == (not layer.batch_first)
    assert "axis 0 is L = 5 time steps, and there is no axis N." in str(explain(nn.GRU(4, 5), torch.randn(5, 4)))


def test_lengths_for_one_sequence_show_that_a_batch_was_meant():
    problem = explain(nn.GRU(4, 5), torch.randn(3, 4), lengths=[1, 1, 1]).problems[0]
    assert (problem.code, problem.likely) == ("batch-as-sequence", True)


# Silent ones that are not about sizes


def test_padding_without_lengths_is_found_and_its_lengths_recovered():
    rng = random.Random(3)
    torch.manual_seed(3)
    for _ in range(cases(100)):
        module, layer, input, _, N, L = batched(rng, state=False)
        lengths = [L] + [rng.randint(1, L) for _ in range(N - 1)]
        for sample, length in enumerate(lengths):
            input.select(1 - int(layer.batch_first), sample)[length:] = 0
        found = [problem for problem in explain(module, input).problems if problem.code == "padding-unpacked"]
        assert bool(found) == (min(lengths) < L)
        for problem in found:
            names = NAMES | {"module": module, "input": input}
            exec(problem.fix, names)
            assert pad_packed_sequence(names["input"])[1].tolist() == lengths
        assert "padding-unpacked" not in codes(explain(module, input, lengths=lengths))


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
def test_dropout_with_one_layer_is_found():
    module, input = nn.LSTM(4, 5, dropout=0.5), torch.randn(3, 2, 4)
    problem = explain(module, input).problems[0]
    assert (problem.code, problem.raises, problem.likely) == ("dropout-one-layer", None, True)
    names = NAMES | {"module": module}
    exec(problem.fix, names)
    assert not codes(explain(names["module"], input))


def test_active_dropout_is_likely_wrong_only_without_gradients():
    module, input = nn.LSTM(4, 5, 2, dropout=0.5), torch.randn(3, 2, 4)
    training = explain(module, input).problems[0]
    with torch.no_grad():
        looking = explain(module, input).problems[0]
    assert (training.code, training.likely) == ("dropout-active", False)
    assert (looking.code, looking.likely) == ("dropout-active", True)
    assert not torch.equal(module(input)[0], module(input)[0])
    assert not codes(explain(module.eval(), input))


def test_a_state_on_another_device_or_of_another_dtype_is_found():
    for module in [nn.RNN(4, 5), nn.LSTM(4, 5), nn.GRU(4, 5)]:
        input, hx = torch.randn(3, 2, 4), states(Layer.of(module), 2)
        for code, move in [("state-device", lambda s: s.to("meta")), ("state-dtype", lambda s: s.double())]:
            moved = each(Layer.of(module), hx, move)
            problem = explain(module, input, moved).problems[0]
            assert problem.code == code
            with pytest.raises(type(problem.raises)) as raised:
                module(input, moved)
            assert str(raised.value).startswith(str(problem.raises))
            if code == "state-dtype":
                run({"module": module, "input": input, "hx": moved}, problem.fix)


def packed_lstm(lengths, enforce_sorted=True, **options):
    module = nn.LSTM(4, 5, batch_first=True, **options)
    return module, pack_padded_sequence(torch.randn(2, 3, 4), lengths, True, enforce_sorted)


@pytest.mark.parametrize(
    ("lengths", "options", "h", "c"),
    [
        ([3, 3], {}, (1, 1, 5), (1, 1, 5)),
        ([3, 3], {}, (1, 1, 5), (1, 2, 5)),
        ([3, 3], {}, (1, 2, 5), (1, 1, 5)),
        ([3, 3], {}, (2, 1, 5), (2, 1, 5)),
        ([3, 3], {}, (1, 2, 6), (1, 2, 6)),
        ([3, 2], {}, (2, 2, 5), (1, 2, 5)),
        ([3, 2], {}, (1, 2, 5), (0, 2, 5)),
        ([3, 3], {"proj_size": 3}, (2, 2, 3), (1, 2, 5)),
    ],
)
def test_a_state_that_takes_a_packed_lstm_out_of_its_memory_is_told_as_that(lengths, options, h, c):
    """Not run: each of these ends the process, or corrupts it."""
    module, packed = packed_lstm(lengths, **options)
    hx = torch.zeros(h), torch.zeros(c)
    for problem in explain(module, packed, hx).problems:
        assert problem.raises is None
        assert "PyTorch does not check this: it reads or writes memory out of bounds." in problem.why
        run({"module": module, "input": packed, "hx": hx}, problem.fix)
    assert explain(module, packed, hx).problems


@pytest.mark.parametrize(
    ("lengths", "enforce_sorted", "h", "c", "becomes"),
    [
        ([3, 3], True, (1, 3, 5), (1, 3, 5), "it ignores what is too much"),
        ([3, 3], True, (2, 2, 5), (2, 2, 5), "it ignores what is too much"),
        ([3, 3], True, (1, 2, 4), (1, 2, 4), "it reads the weights in the wrong places"),
        ([3, 2], True, (1, 2, 5), (2, 2, 5), "it ignores what is too much"),
        ([3, 2], True, (1, 2, 5), (1, 1, 5), "it uses the one state for all samples"),
        ([3, 2], False, (1, 3, 5), (1, 3, 5), "drops those that are too many"),
    ],
)
def test_what_becomes_of_a_state_that_a_packed_lstm_does_not_check(lengths, enforce_sorted, h, c, becomes):
    module, packed = packed_lstm(lengths, enforce_sorted)
    hx = torch.zeros(h), torch.zeros(c)
    module(packed, hx)
    found = explain(module, packed, hx).problems
    assert found
    assert all(problem.raises is None and becomes in problem.why for problem in found)


def test_a_narrow_input_does_not_take_a_packed_lstm_out_of_its_memory_and_a_wide_one_does():
    for width, words in [(3, "wrong places"), (7, "out of bounds")]:
        packed = pack_padded_sequence(torch.randn(2, 3, width), [3, 3], True)
        problem = explain(nn.LSTM(4, 5, batch_first=True), packed).problems[0]
        assert problem.raises is None
        assert words in problem.why


def test_a_packed_lstm_of_float64_is_not_run_by_onednn_and_is_told_what_it_raises():
    module, packed = packed_lstm([3, 3])
    module, packed = module.double(), packed.to(torch.float64)
    hx = (torch.zeros(1, 1, 5).double(),) * 2
    problem = explain(module, packed, hx).problems[0]
    with pytest.raises(RuntimeError) as raised:
        module(packed, hx)
    assert problem.is_raised_as(raised.value)


def test_a_state_of_the_dtype_of_the_weights_is_right_whatever_the_input_is():
    report = explain(nn.GRU(4, 5), torch.ones(3, 2, 4, dtype=torch.int64), torch.zeros(1, 2, 5))
    assert codes(report) == ["input-dtype"]


def test_integers_are_told_apart_into_measurements_and_ids_of_words():
    problem = explain(nn.GRU(4, 5), torch.ones(3, 2, 4, dtype=torch.int64)).problems[0]
    assert "nn.Embedding" in problem.why
    assert "nn.Embedding" in problem.fix
    names = {"input": torch.ones(3, 2, 4, dtype=torch.int64)}
    exec(problem.fix, names)
    assert names["input"].dtype == torch.float32
    assert "Embedding" not in explain(nn.GRU(4, 5), torch.ones(3, 2, 4).double()).problems[0].fix


def test_one_of_a_thing_is_told_in_the_singular():
    module = nn.GRU(4, 5, batch_first=True)
    told = [
        str(explain(module, torch.randn(2, 3, 4), lengths=[3])),
        str(explain(module, torch.randn(4))),
        str(explain(module, torch.randn(2, 3, 4), 0)),
        str(explain(module, 0)),
        str(explain(module, torch.randn(1, 4))),
        str(explain(module, torch.randn(1, 1, 4), torch.zeros(5))),
    ]
    assert "There is 1 length for" in told[0]
    assert "input has 1 axis," in told[1]
    assert "h_0 has 1 axis," in told[5]
    assert "hx is an int;" in told[2]
    assert "input is an int," in told[3]
    for text in told:
        assert not re.search(r"\b1 (lengths|axes|samples|time steps)\b|\ba int\b", text), text


# The report


def test_the_slices_of_a_report_are_true_after_its_code():
    rng = random.Random(4)
    torch.manual_seed(4)
    for _ in range(cases(60)):
        module = random_layer(rng, cells=False)
        input, lengths, hx = random_call(module, rng, "packed")
        longest = max(lengths)
        N, L = len(lengths), longest + 1  # one step more than any sample has
        input = torch.randn(*((N, L) if module.batch_first else (L, N)), module.input_size)
        report = explain(module, input, hx, lengths)
        names = NAMES | {"module": module, "input": input, "hx": hx, "lengths": lengths}
        exec(report.code, names)
        output = next(shape for shape in report.tensors if shape.name == "output")
        assert tuple(names["output"].shape) == output.expected
        assert report.slices
        for item in report.slices:
            value = eval(item.expression, names)
            assert tuple(value.shape) == item.shape
            if item.equals:
                torch.testing.assert_close(value, eval(item.equals, names))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
def test_explain_reports_whatever_it_is_given():
    packed = pack_padded_sequence(torch.randn(3, 2, 4), [3, 2])
    rows, h = [torch.zeros(3, 4), torch.zeros(2, 4)], torch.zeros(1, 2, 5)
    things = [
        *[None, 0, "text", [], [1.0], (), {}, object(), numpy.zeros((3, 2, 4)), nn.RNN(4, 5)],
        *[torch.tensor(1.0), torch.zeros(0), torch.zeros(3, 0, 4), torch.zeros(0, 0, 0), torch.zeros(2, 2, 2, 2, 2)],
        *[torch.zeros(3, 2, 4, dtype=dtype) for dtype in (torch.bool, torch.complex64)],
        *[torch.zeros(3, 2, 4, device="meta"), torch.zeros(3, 2, 4).to_sparse()],
        *[torch.nested.as_nested_tensor(rows, layout=layout) for layout in (torch.jagged, torch.strided)],
        *[packed, packed._replace(data=torch.zeros(5))],
        *[h, (h, None), (None, None), [h], (h,) * 2, (h,) * 3],
    ]
    modules = [kind(4, 5, batch_first=first) for kind in KINDS for first in (True, False)]
    modules += [nn.RNNCell(4, 5), nn.LSTMCell(4, 5), nn.GRUCell(4, 5), nn.LSTM(4, 5, proj_size=3, bidirectional=True)]
    for module in modules:
        for input in [torch.randn(3, 2, 4), torch.randn(2, 4), *things]:
            for hx in things if isinstance(input, (torch.Tensor, PackedSequence)) else [None]:
                report = explain(module, input, hx)
                assert str(report)
                assert report._repr_html_()
        numbers = [torch.tensor(2), torch.tensor([[1, 2]]), numpy.array([1, 2])]
        for lengths in [3, "ab", [], [1], [None], [[1]], {1}, *numbers]:
            assert str(explain(module, torch.randn(2, 2, 4), lengths=lengths))


class Recorder(TorchDispatchMode):
    """Counts the bytes of the new storages that torch's operators make."""

    def __init__(self, *known: torch.Tensor) -> None:
        super().__init__()
        self.known = {tensor.untyped_storage().data_ptr() for tensor in known}
        self.made = 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        result = operator(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().data_ptr() not in self.known:
                self.made += tensor.untyped_storage().nbytes()
        return result


def test_a_large_module_is_explained_without_copying_a_tensor():
    module = nn.LSTM(1024, 4096, batch_first=True, device="meta").to_empty(device="cpu")
    N = 32
    input, hx = torch.randn(N, 50, 1024), (torch.zeros(1, N, 4096), torch.zeros(1, N, 4096))
    begin = time.perf_counter()
    text = str(explain(module, input, hx))
    print(f"explain and print, hidden_size 4096: {1000 * (time.perf_counter() - begin):.1f} ms")
    with Recorder(input, *hx, *module.parameters()) as recorder:
        explain(module, input, hx)
    assert "weight_hh_l0" in text
    # a few flags for each sample, to look for padding: nothing as large as one row of one tensor
    assert recorder.made <= 8 * N < input[0, 0].nbytes


def test_no_line_of_a_report_is_wider_than_a_terminal():
    rng = random.Random(5)
    for _ in range(cases(60)):
        module = random_layer(rng)
        input, lengths, hx = random_call(module, rng)
        assert max(map(len, str(explain(module, input, hx)).splitlines())) <= WIDTH
    wide = nn.LSTM(16384, 65536, 2, batch_first=True, bidirectional=True, proj_size=4096, device="meta")
    for hx in (None, torch.zeros(12345, 12345, 1, device="meta"), (torch.zeros(1, device="meta"),) * 2):
        input = torch.zeros(12345, 12345, 16384, device="meta")
        report = explain(wide, input, hx, lengths=[1, 2, 99999])
        assert max(map(len, str(report).splitlines())) <= WIDTH


class Outline(HTMLParser):
    """The tags of a page in order, its text, and whether every tag is closed in turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.tags, self.spans, self.text, self.nested = [], [], set(), "", True
        self.feed(page)
        self.nested = self.nested and not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)
        if tag == "span":
            self.spans.add(dict(attributes)["class"])

    def handle_endtag(self, tag):
        self.nested = self.nested and self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data + " "


def test_the_html_of_a_report_is_tables_with_coloured_axes_and_says_what_the_text_says():
    module = nn.LSTM(4, 5, bidirectional=True, proj_size=3)
    report = explain(module, torch.randn(3, 2, 4), torch.randn(2, 2, 3))
    page = Outline(report._repr_html_())
    assert page.nested
    assert page.tags.count("table") == page.tags.count("caption") == 3
    assert page.tags.count("ul") == 1
    assert page.spans >= {f"axis axis-{axis}" for axis in ["N", "L", "D", "H_in", "H_cell", "H_out"]}
    for words in [item.expression for item in report.slices] + [problem.fix for problem in report.problems]:
        assert words in page.text


def test_a_prompt_shows_a_report_as_its_text():
    report = explain(nn.GRU(4, 5), torch.randn(3, 2, 4))
    assert repr(report) == str(report)
    assert "weight_hh_l0" in repr(report)


def test_the_html_of_a_report_escapes_what_it_is_given():
    kind = type("<b>&", (), {})
    report = explain(nn.GRU(4, 5), kind())
    for page in [report._repr_html_(), replace(report, layer="<b>&")._repr_html_()]:
        assert "<b>" not in page
        assert "&lt;b&gt;&amp;" in page
        assert Outline(page).nested
    assert "<b>" not in replace(explain(nn.GRU(4, 5), torch.randn(3, 2, 4)), layer="<b>&", code="<b>")._repr_html_()


def test_a_module_that_is_not_recurrent_is_refused():
    with pytest.raises(TypeError, match="got Linear"):
        explain(nn.Linear(2, 3), torch.randn(2, 2))


# The fixes hold for the next batch


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("N", [32, 6, 1])
def test_the_fix_of_a_state_from_another_batch_names_no_size_of_this_batch(kind, first, N):
    module = kind(4, 16, 2, batch_first=first)
    problem = explain(module, torch.randn(*((6, 7) if first else (7, 6)), 4), states(Layer.of(module), 32)).problems[0]
    assert problem.code == "state-batch"
    assert "a batch of 32; this one has 6" in problem.why
    assert "drop_last=True" in problem.why
    hx = states(Layer.of(module), 32)
    run({"module": module, "input": torch.randn(*((N, 7) if first else (7, N)), 4), "hx": hx}, problem.fix)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fix_of_a_state_from_another_depth_names_no_size_of_this_batch(kind):
    module = kind(4, 5, 2, batch_first=True)
    problem = explain(module, torch.randn(3, 7, 4), states(Layer.of(module), 3, rows=1)).problems[0]
    assert problem.code == "state-layers"
    hx = states(Layer.of(module), 6, rows=1)
    run({"module": module, "input": torch.randn(6, 7, 4), "hx": hx}, problem.fix)


@pytest.mark.parametrize(
    "options", [{}, {"batch_first": True}, {"proj_size": 3}, {"proj_size": 3, "batch_first": True}]
)
@pytest.mark.parametrize("form", ["batched", "packed"])
def test_a_missing_cell_state_is_made_for_the_batch_at_hand(options, form):
    module = nn.LSTM(4, 5, 2, **options)

    def given(N):
        input = torch.randn(*((N, 7) if module.batch_first else (7, N)), 4)
        return input if form == "batched" else pack_padded_sequence(input, [7] * N, module.batch_first)

    problem = explain(module, given(3), torch.zeros(2, 3, module.proj_size or 5)).problems[0]
    assert problem.code == "state-pair"
    run({"module": module, "input": given(6), "hx": torch.zeros(2, 6, module.proj_size or 5)}, problem.fix)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_the_state_of_a_bidirectional_encoder_is_combined_for_a_decoder_of_one_direction(kind, num_layers, batch):
    encoder = kind(4, 5, num_layers, bidirectional=True)
    decoder, input = kind(4, 5, num_layers), torch.randn(7, *batch, 4)
    hx = encoder(input)[1]
    problem = explain(decoder, input, hx).problems[0]
    assert problem.code == "state-layers"
    assert "bidirectional" in problem.why
    names = {"hx": hx}
    exec(problem.fix, names)
    decoder(input, names["hx"])
    for combined, state in zip(*((names["hx"], hx) if kind is nn.LSTM else ([names["hx"]], [hx])), strict=True):
        torch.testing.assert_close(combined, state[0::2] + state[1::2])


@pytest.mark.parametrize("name", ["0", "1", "encoder"])
def test_a_module_around_a_layer_is_refused_with_the_way_to_the_layer(name):
    net = nn.Sequential()
    for _ in range(int(name) if name.isdigit() else 0):
        net.append(nn.Linear(4, 4))
    net.add_module(name, nn.LSTM(4, 5))
    path = f"net[{name}]" if name.isdigit() else f"net.{name}"
    with pytest.raises(TypeError, match="got Sequential; pass the layer itself, for example") as raised:
        explain(net, torch.randn(3, 2, 4))
    assert f"explain({path}, x)" in str(raised.value)
    assert recurrent_kind(eval(path, {"net": net})) == "LSTM"


def test_what_may_be_meant_is_headed_maybe_and_what_raises_is_not():
    padded = torch.randn(2, 3, 4)
    padded[1, 2] = 0
    for problem_call in [(nn.GRU(4, 5, batch_first=True), padded), (nn.GRU(4, 5), torch.randn(3, 4))]:
        report = explain(*problem_call)
        assert "\n\nmaybe: " in str(report)
        assert "Maybe:" in report._repr_html_()
    assert "maybe" not in str(explain(nn.GRU(4, 5), torch.randn(3, 2, 7))).lower()


def test_problems_stand_before_the_parameters():
    report = explain(nn.GRU(4, 5), torch.randn(3, 2, 7))
    for text in (str(report), Outline(report._repr_html_()).text):
        assert text.index("input-features") < text.index("weight_ih_l0")


@pytest.mark.parametrize("change", [lambda s: s.transpose(0, 1), lambda s: s[:, :1], lambda s: s[0]])
def test_a_fault_that_both_states_have_is_one_problem(change):
    module, hx = nn.LSTM(4, 5), (torch.zeros(1, 2, 5), torch.zeros(1, 2, 5))
    problems = explain(module, torch.randn(3, 2, 4), tuple(map(change, hx))).problems
    assert len(problems) == 1
    assert problems[0].message.startswith(("h_0 and c_0 have", "h_0 and c_0 are"))
    assert len(explain(module, torch.randn(3, 2, 4), (change(hx[0]), hx[1])).problems) == 1


def qualified_rules(css: str) -> list[str]:
    """The selectors of a style sheet's outermost rules, those inside @media included."""
    selectors = []
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        assert rule.type in ("qualified-rule", "at-rule"), rule
        if rule.type == "at-rule":
            selectors += qualified_rules(tinycss2.serialize(rule.content))
        else:
            selectors += re.split(r",(?![^()]*\))", tinycss2.serialize(rule.prelude))
    return selectors


def style(page: str) -> str:
    return re.search("<style>(.*?)</style>", page, re.S)[1]


def test_the_style_of_a_report_touches_nothing_outside_it():
    css = style(explain(nn.GRU(4, 5), torch.randn(3, 2, 4))._repr_html_())
    selectors = qualified_rules(css)
    assert selectors
    assert all(".unrolled-report" in one for one in selectors), selectors
    assert css.count(".unrolled-report") == len(selectors)
    assert "prefers-color-scheme: dark" in css
    assert css.count("{") == css.count("}") >= 20


def test_the_colours_of_a_report_are_those_of_the_site():
    css = style(explain(nn.GRU(4, 5), torch.randn(3, 2, 4))._repr_html_())
    colours = {name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((.*?), (.*?)\);", css)}
    site = files("unrolled").joinpath("static", "axes.css").read_text(encoding="utf-8")
    both = re.findall(r"--([\w-]+): (#\w+);", site)
    light, dark = dict(both[: len(both) // 2]), dict(both[len(both) // 2 :])
    assert {f"axis-{axis}" for axis in AXES} | {"tensor-output"} == set(colours)
    assert colours == {name: (light[name], dark[name]) for name in colours}


def test_every_table_of_a_report_scrolls_and_what_a_tensor_needs_is_bold():
    page = explain(nn.GRU(4, 5), torch.randn(3, 2, 4), torch.zeros(1, 3, 5))._repr_html_()
    assert page.count("<table>") == page.count('<div class="unrolled-scroll" tabindex="0"><table>')
    assert "overflow-x: auto" in page
    assert "<strong>needs (1, 2, 5)</strong>" in page
    assert "&lt;-" not in page


# What is no tensor

NO_TENSORS = {
    "an array": numpy.zeros,
    "a list of numbers": lambda sizes: torch.zeros(sizes).tolist(),
}


@pytest.mark.parametrize("kind", [*KINDS, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
@pytest.mark.parametrize("made", NO_TENSORS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_input_that_is_no_tensor_is_converted_to_the_dtype_of_the_weights(kind, made, dtype):
    module = kind(4, 5).to(dtype)
    input = NO_TENSORS[made]((2, 4) if hasattr(module, "weight_ih") else (3, 2, 4))
    problem = explain(module, input).problems[0]
    assert problem.code == "input-type"
    assert problem.is_raised_as(error_of(lambda: module(input)))
    run({"module": module, "input": input, "hx": None}, problem.fix)


@pytest.mark.parametrize("thing", [None, "text", {}, print, ["a", "b"]], ids=str)
@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTMCell])
def test_what_can_be_made_no_tensor_gets_no_fix_and_is_told_what_the_layer_reads(kind, thing):
    report = explain(kind(4, 5), thing)
    (problem,) = report.problems
    assert problem.is_raised_as(error_of(lambda: kind(4, 5)(thing)))
    assert problem.fix == ""
    assert "N, H_in)" in problem.why
    assert "fix:" not in str(report)
    assert "Fix:" not in report._repr_html_()


FORMS = {
    "batched": (torch.randn(3, 2, 4), (1, 2, 5)),
    "unbatched": (torch.randn(3, 4), (1, 5)),
    "packed": (pack_padded_sequence(torch.randn(3, 2, 4), [3, 2]), (1, 2, 5)),
    "sorted": (pack_padded_sequence(torch.randn(3, 2, 4), [2, 3], enforce_sorted=False), (1, 2, 5)),
    "a step of a batch": (torch.randn(2, 4), (2, 5)),
    "a step": (torch.randn(4), (5,)),
}


@pytest.mark.parametrize("kind", [*KINDS, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
@pytest.mark.parametrize("form", FORMS)
def test_states_that_are_arrays_are_converted_and_keep_their_numbers(kind, form):
    module, (input, sizes) = kind(4, 5), FORMS[form]
    if hasattr(module, "weight_ih") != form.startswith("a step"):
        return
    h, c = numpy.full(sizes, 0.25), numpy.full(sizes, 0.5)
    right = (torch.full(sizes, 0.25), torch.full(sizes, 0.5))
    pair = "LSTM" in kind.__name__
    for hx in [(h, c), (right[0], c), (h, right[1]), [h, c]] if pair else [h]:
        problem = explain(module, input, hx).problems[0]
        assert problem.is_raised_as(error_of(lambda: module(input, hx))), (problem, error_of(lambda: module(input, hx)))
        names = NAMES | {"module": module, "input": input, "hx": hx}
        exec(problem.fix, names)
        converted, kept = (names["hx"], right) if pair else ([names["hx"]], right[:1])
        assert all(map(torch.equal, converted, kept))
        run(names)
    if pair:
        problem = explain(module, input, h).problems[0]
        assert problem.is_raised_as(error_of(lambda: module(input, h)))
        names = NAMES | {"module": module, "input": input, "hx": h}
        exec(problem.fix, names)
        assert torch.equal(names["hx"][0], right[0])
        run(names)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.LSTMCell])
@pytest.mark.parametrize("form", FORMS)
def test_none_in_the_pair_of_an_lstm_is_said_to_be_no_state(kind, form):
    module, (input, sizes) = kind(4, 5), FORMS[form]
    if hasattr(module, "weight_ih") != form.startswith("a step"):
        return
    h = torch.full(sizes, 0.25)
    for hx, index, name in [((None, None), 0, "h_0"), ((h, None), 1, "c_0"), ([None, h], 0, "h_0")]:
        problem = explain(module, input, hx).problems[0]
        assert problem.is_raised_as(error_of(lambda: module(input, hx))), problem
        assert f"hx[{index}] is None; an LSTM takes the pair (h_0, c_0)." == problem.message
        assert f"None is no state, and {name} is missing." in problem.why
        assert "Leave hx out to start from zeros." in problem.why
        run({"module": module, "input": input, "hx": hx}, problem.fix)


# A sequence for a cell

CELLS = [nn.RNNCell, nn.LSTMCell, nn.GRUCell]


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("width", [4, 3])
@pytest.mark.parametrize(
    ("sizes", "N", "step"),
    [
        ((2, 3), 2, "input[:, 0]"),
        ((3, 2), 2, "input[0]"),
        ((2, 2), 2, None),  # N is L: the state does not tell
        ((2, 3), None, None),
        ((2, 3), 7, None),
    ],
)
def test_a_cell_given_a_sequence_is_given_its_first_step_along_the_axis_that_the_state_leaves(
    kind, width, sizes, N, step
):
    module, input = kind(4, 5), torch.randn(*sizes, width)
    hx = None if N is None else torch.zeros(N, 5)
    hx = (hx, hx) if kind is nn.LSTMCell and N else hx
    problem = explain(module, input, hx).problems[0]
    assert problem.code == "input-axes"
    assert "axis 1 of (N, L, H_in), axis 0 of (L, N, H_in)" in problem.why
    assert ("# step 0 of (N, L, H_in); of (L, N, H_in) it is input[0]" in problem.fix) == (step is None)
    names = NAMES | {"input": input, "module": module}
    exec(problem.fix, names)
    assert torch.equal(names["input"], eval(step or "input[:, 0]", {"input": input}))
    if N != 7:
        names["module"](names["input"], hx)


# One sequence with lengths


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("lengths", [[3], torch.tensor([2]), [1, 1, 1]])
def test_one_length_makes_one_sequence_a_batch_of_one_and_a_length_for_each_row_makes_rows_samples(
    kind, first, lengths
):
    module, input = kind(4, 5, batch_first=first), torch.randn(3, 4)
    problem = explain(module, input, lengths=lengths).problems[0]
    assert problem.code == "batch-as-sequence"
    assert ("the input is one sequence" if len(lengths) == 1 else "each row is a sample of one step") in problem.why
    names = {"module": module, "input": input, "lengths": lengths, "hx": None}
    run(names, problem.fix)
    exec(problem.fix, names)
    assert not codes(explain(module, names["input"], lengths=lengths))


# A mask as lengths

MASKS = {
    "bool": lambda mask: mask,
    "int": lambda mask: mask.long(),
    "float": lambda mask: mask.float(),
    "array": lambda mask: mask.numpy(),
    "list": lambda mask: mask.tolist(),
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("made", MASKS)
@pytest.mark.parametrize(("N", "turned"), [(8, False), (8, True), (5, False), (1, False), (1, True)])
def test_a_mask_given_as_lengths_is_summed_over_its_axis_l(first, made, N, turned):
    """Of as many samples as steps it is taken for (N, L), as masks are."""
    module, input = nn.GRU(4, 5, batch_first=first), torch.randn(*((N, 5) if first else (5, N)), 4)
    right = torch.arange(N) % 5 + 1
    mask = torch.arange(5) < right.unsqueeze(1)
    mask = MASKS[made](mask.T if turned else mask)
    problem = explain(module, input, lengths=mask).problems[0]
    assert problem.code == "lengths-type"
    assert "looks like a mask" in problem.why
    error = error_of(lambda: pack_padded_sequence(input, mask, first, enforce_sorted=False))
    assert problem.is_raised_as(error), error
    names = {"module": module, "input": input, "lengths": mask, "hx": None}
    run(names, problem.fix)
    names |= NAMES
    exec(problem.fix, names)
    assert names["lengths"].tolist() == right.tolist()


@pytest.mark.parametrize("lengths", [torch.randint(2, 9, (8, 5)), torch.zeros(2, 3), [[1, 2]], "ab", [None]])
def test_what_is_neither_lengths_nor_a_mask_is_replaced_by_the_steps_of_the_data(lengths):
    module, input = nn.GRU(4, 5, batch_first=True), torch.randn(8, 5, 4)
    problem = explain(module, input, lengths=lengths).problems[0]
    assert problem.code == "lengths-type"
    assert "mask" not in problem.why
    run({"module": module, "input": input, "lengths": lengths, "hx": None}, problem.fix)


# Dtypes, no features, sparse


@pytest.mark.parametrize("kind", [*KINDS, *CELLS])
@pytest.mark.parametrize("weights", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]
)
def test_only_float64_is_said_to_come_from_numpy_and_only_complex_to_lose_a_part(kind, weights, dtype):
    values = torch.randn(*[3] * (kind in KINDS), 2, 4, dtype=torch.complex64 if dtype.is_complex else torch.float32)
    module, input = kind(4, 5).to(weights), values.to(dtype)
    if dtype == weights:
        return
    problem = explain(module, input).problems[0]
    assert problem.code == "input-dtype"
    assert problem.is_raised_as(error_of(lambda: module(input)))
    assert ("Numpy" in problem.why) == (dtype == torch.float64)
    assert ("drops the imaginary part" in problem.why) == dtype.is_complex
    names = NAMES | {"module": module, "input": input, "hx": None}
    run(names, problem.fix)
    if dtype.is_complex:
        assert torch.view_as_real(input).flatten(-2).shape == (*input.shape[:-1], 8)
        exec(problem.fix, names)
        assert torch.equal(names["input"], input.real.to(weights))


@pytest.mark.parametrize("kind", [*KINDS, *CELLS])
def test_an_input_without_features_gets_no_layer_of_none(kind):
    module = kind(4, 5)
    inputs = [torch.zeros(2, 0), torch.zeros(2, 3, 0), torch.zeros(2, 3, 2, 0)]
    for input in inputs if kind in KINDS else inputs[:2]:
        problem = explain(module, input).problems[0]
        assert problem.is_raised_as(error_of(lambda: module(input)))
        assert problem.fix == ""
        if problem.code == "input-features":
            assert "The input has no features" in problem.why


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("kind", [*KINDS, *CELLS])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_a_sparse_input_is_found_where_torch_raises(kind, first, options):
    cell = kind in CELLS
    if cell and (first or options):
        return
    module = kind(4, 5) if cell else kind(4, 5, batch_first=first, **options)
    dense = torch.randn(3, 4)
    inputs = [dense.to_sparse(), dense.to_sparse_csr(), dense.to_sparse_csc()]
    if not cell:
        batch = torch.randn(3, 2, 4)
        inputs += [batch.to_sparse(), batch.to_sparse(1), batch.to_sparse_csr()]
    for input in inputs:
        found = [problem for problem in explain(module, input).problems if problem.code == "input-sparse"]
        assert len(found) == 1 - cell
        if cell:
            module(input)
        for problem in found:
            assert problem.is_raised_as(error_of(lambda: module(input))), error_of(lambda: module(input))
            run({"module": module, "input": input, "hx": None}, problem.fix)


EMPTY = {
    "no samples": (torch.zeros(0, 3, 4), []),
    "no samples, a tensor of lengths": (torch.zeros(0, 3, 4), torch.zeros(0, dtype=torch.int64)),
    "no steps": (torch.zeros(2, 0, 4), [1, 1]),
    "no features": (torch.zeros(2, 3, 0), [3, 1]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_with_lengths_is_told_what_packing_raises(kind, name):
    x, lengths = EMPTY[name]
    with pytest.raises(RuntimeError, match=r"Cannot pack empty tensors\."):
        pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    module = kind(4, 5, batch_first=True)
    raised = [problem for problem in explain(module, x, lengths=lengths).problems if problem.code == "input-empty"]
    assert "Cannot pack empty tensors." in [str(problem.raises) for problem in raised]
    if len(x) == 0:
        assert not explain(module, x).problems  # unpacked it runs
        module(x)
