"""The cheat sheet: every line of code on it, asked of torch, and the sheet of paper it has to fit on."""

import re
import shutil

import cheat_sheet
import pytest
import torch
from notebooks import BOOK
from pages import parsed
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

N, L, H_IN, H, C = 3, 5, 4, 6, 7
LENGTHS = torch.tensor([5, 2, 3])
TEXT = (BOOK / "cheat-sheet.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
RECIPES = dict(re.findall(r"^### (.+?)\n+```python\n(.*?)```", SECTIONS["The recipes"], re.MULTILINE | re.DOTALL))


def rows(section: str) -> list[list[str]]:
    """The cells of every table in the section, without the headings."""
    lines = re.findall(r"^\|.*\|$", SECTIONS[section], re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row, after in zip(cells, [*cells[1:], [""]], strict=True) if not {row[0], after[0]} & {"---"}]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def made(kind: type[nn.RNNBase] = nn.RNN, **settings) -> nn.RNNBase:
    torch.manual_seed(1)
    return kind(H_IN, H, batch_first=settings.pop("batch_first", True), **settings)


def batch() -> torch.Tensor:
    """(N, L, H_in): three samples, of which two end early and are padded with zeros."""
    torch.manual_seed(2)
    return torch.where(torch.arange(L)[None, :, None] < LENGTHS[:, None, None], torch.randn(N, L, H_IN), 0.0)


def pack(x: torch.Tensor) -> nn.utils.rnn.PackedSequence:
    return pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, atol=1e-6)


def final_states(layer: nn.RNNBase, x: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """(N, D * H): each sample read alone and unpadded; the top layer's state after the last step and the first."""
    alone = [layer(sample[:length])[0] for sample, length in zip(x, lengths, strict=True)]
    return torch.stack([torch.cat([output[-1, :H], output[0, H:]]) for output in alone])


# The shapes


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # some processors: a slower path
@pytest.mark.parametrize("proj_size", [0, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layout", ["default", "batch first", "unbatched"])
def test_the_table_of_shapes(layout, bidirectional, proj_size):
    layer = made(
        nn.LSTM, num_layers=3, bidirectional=bidirectional, proj_size=proj_size, batch_first=layout == "batch first"
    )
    x = {"default": torch.zeros(L, N, H_IN), "batch first": torch.zeros(N, L, H_IN), "unbatched": torch.zeros(L, H_IN)}[
        layout
    ]
    output, (hn, cn) = layer(x)
    layer(x, (torch.zeros_like(hn), torch.zeros_like(cn)))
    tensors = {"input": x, "output": output, "h0": hn, "hn": hn, "c0": cn, "cn": cn}
    letters = {
        "N": N,
        "L": L,
        "D": 1 + bidirectional,
        "num_layers": 3,
        "H_in": H_IN,
        "H_out": proj_size or H,
        "H_cell": H,
    }
    seen = []
    for name, time_first, batch_first in [row for row in rows("The shapes") if len(row) == 3]:
        shape = code(batch_first if layout == "batch first" else time_first)[0]
        shape = shape.replace("N, ", "") if layout == "unbatched" else shape
        for tensor in code(name) or [name]:
            assert tensors[tensor].shape == eval(shape, letters), tensor
            seen.append(tensor)
    assert sorted(seen) == sorted(tensors)


@pytest.mark.parametrize(
    ("kind", "gates", "words"),
    [
        (nn.RNN, 1, "once for an RNN"),
        (nn.GRU, 3, "three times for a GRU (r, z, n)"),
        (nn.LSTM, 4, "four times for an LSTM (i, f, g, o)"),
    ],
)
def test_the_table_of_parameters(kind, gates, words):
    assert words in SECTIONS["The shapes"]
    layer = made(kind, num_layers=3, bidirectional=True)
    letters = {"D": 2, "H_in": H_IN, "H_out": H, "H_cell": gates * H}
    known = {}
    for names, shape in [row for row in rows("The shapes") if len(row) == 2]:
        for name in code(names):
            known[name] = eval(code(shape)[0], letters)
    for own_name, parameter in layer.named_parameters():
        name = own_name.removesuffix("_reverse")
        key = name if name in known else re.sub(r"_l\d", "_l1" if name.startswith("weight_ih") else "_l0", name)
        assert parameter.shape == known[key], name


def test_the_projection():
    name, shape = re.search(r"`proj_size` there is `(\w+)`, `([^`]+)`", SECTIONS["The shapes"]).groups()
    layer = made(nn.LSTM, proj_size=2)
    assert getattr(layer, name).shape == eval(shape, {"H_out": 2, "H_cell": H})


# Where output and hn meet

SETTINGS = {
    "one layer": {},
    "several layers": {"num_layers": 3},
    "bidirectional": {"num_layers": 2, "bidirectional": True},
    "packed": {"num_layers": 2},
    "padded, not packed": {"num_layers": 2},
    "LSTM": {"num_layers": 2, "kind": nn.LSTM},
    "time first": {"num_layers": 2, "batch_first": False},
    "unbatched": {"num_layers": 2},
}
MATRIX = rows("Where output and hn meet")


def test_every_row_of_the_matrix_is_known():
    assert [row[0] for row in MATRIX] == list(SETTINGS)


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row[0])
def test_the_matrix(row):
    """They meet where the row says; its final state is each sample's own; what it warns of runs and is not that."""
    case, meet, final, trap = row
    layer, x = made(**SETTINGS[case]), batch()
    names = {"torch": torch, "lengths": LENGTHS, "N": N, "H": H}
    lengths = LENGTHS.tolist() if case in ("packed", "padded, not packed") else [L] * N
    if case == "packed":
        packed, names["hn"] = layer(pack(x))
        names["output"], _ = pad_packed_sequence(packed, batch_first=True)
    elif case == "LSTM":
        names["output"], (names["hn"], names["cn"]) = layer(x)
    else:
        names["output"], names["hn"] = layer({"time first": x.transpose(0, 1), "unbatched": x[0]}.get(case, x))

    for claim in code(meet):
        one, other = (eval(side, names) for side in claim.split(" == "))
        assert same(one, other), claim
    truth = final_states(layer, x, lengths)
    truth = truth[0] if case == "unbatched" else truth
    (expression,) = code(final)
    assert same(eval(expression, names), truth)
    wrong = eval(code(trap)[0], names)
    assert not same(wrong, truth)
    if case in ("several layers", "bidirectional", "packed", "padded, not packed", "LSTM"):
        assert wrong.shape == truth.shape, "it fits"


# The recipes


def after(title: str, **names) -> dict:
    """The names that the recipe leaves behind, having run with these."""
    known = {"torch": torch, "nn": nn, "F": F, "N": N, "L": L, "H": H, "lengths": LENGTHS, "x": batch()}
    known |= {"pack_padded_sequence": pack_padded_sequence, "pad_packed_sequence": pad_packed_sequence} | names
    exec(RECIPES[title], known)
    return known


def last_state():
    lstm = made(nn.LSTM, num_layers=2, bidirectional=True)
    assert same(
        after("Last state of a bidirectional LSTM with lengths", lstm=lstm)["last"],
        final_states(lstm, batch(), LENGTHS),
    )


def steps_and_mean():
    lstm = made(nn.LSTM, bidirectional=True)
    x = batch()[1:]  # the longest sample is away, and total_length brings its width back
    names = {"x": x, "lengths": LENGTHS[1:]}
    packed = after("Last state of a bidirectional LSTM with lengths", lstm=lstm, **names)["packed_output"]
    found = after("Every step back, and the mean of the real ones", packed_output=packed, **names)
    assert found["output"].shape == (2, L, 2 * H)
    for sample, length, output, mean in zip(x, names["lengths"], found["output"], found["mean"], strict=True):
        alone, _ = lstm(sample[:length])
        assert same(output[:length], alone)
        assert not output[length:].any()
        assert same(mean, alone.mean(0))


def apart():
    layer = made(num_layers=3, bidirectional=True)
    output, hn = layer(batch())
    found = after("Directions apart, layers apart", output=output, hn=hn, num_layers=3)
    assert same(found["forward"][:, -1], found["layers"][-1, 0])
    assert same(found["backward"][:, 0], found["layers"][-1, 1])
    bottom = made(num_layers=1, bidirectional=True)
    bottom.load_state_dict({name: weight for name, weight in layer.state_dict().items() if "_l0" in name})
    assert same(found["layers"][0], bottom(batch())[1])


def to_a_decoder():
    encoder, decoder = made(num_layers=2, bidirectional=True), made(num_layers=2)
    _, hn = encoder(batch())
    h0 = after("From a bidirectional encoder to a one-way decoder", hn=hn, num_layers=2)["h0"]
    assert same(h0, torch.stack([hn[0] + hn[1], hn[2] + hn[3]]))
    decoder(batch(), h0)


def carried():
    lstm, x = made(nn.LSTM, num_layers=2), batch()
    whole, _ = lstm(x)
    state, outputs = None, []
    for chunk in x.split(2, dim=1):
        found = after("Carry the state, cut the graph", lstm=lstm, chunk=chunk, state=state)
        state = found["state"]
        found["output"].sum().backward()
        outputs.append(found["output"])
    assert same(torch.cat(outputs, 1), whole)
    assert not any(tensor.requires_grad for tensor in state)


def step_by_step():
    rnn, state, steps = made(num_layers=2), None, []
    for t in range(L):
        found = after("One step at a time", rnn=rnn, t=t, state=state)
        state = found["state"]
        steps.append(found["step"])
    assert steps[0].shape == (N, 1, H)
    assert same(torch.cat(steps, 1), rnn(batch())[0])


def cell_states():
    lstm = made(nn.LSTM, num_layers=2)
    cells = after("The cell state at every step", lstm=lstm, state=None, cells=[])["cells"]
    for t in range(L):
        _, (_, cn) = lstm(batch()[:, : t + 1])
        assert same(cells[t], cn[-1])


def learned():
    rnn = made(num_layers=2)
    found = after("An initial state that is learned", rnn=rnn, num_layers=2, D=1)
    assert same(found["output"], rnn(batch())[0])
    found["hn"].sum().backward()
    assert found["h0"].grad.shape == (2, 1, H)


def labelled():
    logits = torch.randn(N, L, C)
    target = torch.randint(C, (N, L))
    loss = after("A label for every step", head=lambda _: logits, output=None, target=target)["loss"]
    assert same(loss, torch.stack([F.cross_entropy(logits[n], target[n]) for n in range(N)]).mean())


def open_gate():
    lstm, x = made(nn.LSTM), batch()
    for opened in (made(nn.LSTM, proj_size=2), lstm):
        before = opened.bias_hh_l0.detach().clone()
        after("A forget gate that starts open", lstm=opened)
        moved = (opened.bias_hh_l0.detach() - before).view(4, opened.hidden_size)
        assert same(moved, torch.tensor([0.0, 1, 0, 0])[:, None].expand_as(moved))
    lstm.bias_hh_l0.data[H : 2 * H] = 100  # wide open: the cell state is c_0, and what came in
    c0 = torch.ones(1, N, H)
    _, (_, one) = lstm(x[:, :1], (torch.zeros_like(c0), c0))
    _, (_, zero) = lstm(x[:, :1])
    assert same(one - zero, c0)


PROOFS = {
    "Last state of a bidirectional LSTM with lengths": last_state,
    "Every step back, and the mean of the real ones": steps_and_mean,
    "Directions apart, layers apart": apart,
    "From a bidirectional encoder to a one-way decoder": to_a_decoder,
    "Carry the state, cut the graph": carried,
    "One step at a time": step_by_step,
    "The cell state at every step": cell_states,
    "An initial state that is learned": learned,
    "A label for every step": labelled,
    "A forget gate that starts open": open_gate,
}


@pytest.mark.parametrize("title", RECIPES)
def test_the_recipe(title):
    PROOFS[title]()


# What raises nothing


@pytest.mark.parametrize("row", rows("What raises nothing"), ids=lambda row: row[0])
def test_it_raises_nothing_and_is_wrong(row):
    (mistake, *_), x = code(row[0]), batch()
    rnn, deep, lstm = made(), made(num_layers=2), made(nn.LSTM)
    output, hn = deep(x)
    names = {"torch": torch, "N": N, "L": L, "H_in": H_IN, "x": x, "rnn": rnn, "lstm": lstm, "output": output, "hn": hn}
    names |= {"x_time_first": x.transpose(0, 1), "h0": torch.zeros(1, N, H), "c0": torch.ones(1, N, H)}
    names |= {"pack_padded_sequence": pack_padded_sequence, "scores": output @ hn[-1].mean(0)}
    if mistake.startswith("(x != 0)"):
        names["x"] = x.index_fill(1, torch.tensor([1]), 0.0)
    one_sample = mistake == "hn.squeeze()"
    if one_sample:
        names["hn"] = rnn(x[:1])[1]
    found = eval(mistake, names)
    wrong_from = {
        "rnn(x_time_first)": lambda: same(found[0].transpose(0, 1), rnn(x)[0]),
        "x.reshape(L, N, H_in)": lambda: found.shape != (L, N, H_IN) or same(found, eval(code(row[1])[0], names)),
        "rnn(x[:, 0])": lambda: same(found[0], rnn(x[:, :1])[0][:, 0]),
        "hn.view(N, -1)": lambda: same(found, torch.cat(list(hn), 1)),
        "hn.squeeze()": lambda: same(found, rnn(x[:1])[1][-1]),
        "output[:, -1] == hn": lambda: found.shape == output[:, -1].shape or found.all(),
        "scores.softmax(0)": lambda: same(found.sum(1), torch.ones(N)),
        "(x != 0).any(2).sum(1)": lambda: same(found, LENGTHS),
        "lstm(x, (c0, h0))": lambda: same(found[0], lstm(x, (names["h0"], names["c0"]))[0]),
        "pack_padded_sequence(x, [5, 2], True, False)": lambda: rnn(found)[1].shape[1] == N,
    }
    assert not wrong_from[mistake]()


def test_every_line_of_code_is_run():
    """No other section holds code, and every fence is one of the recipes."""
    assert set(SECTIONS) == {
        "The picture",
        "The shapes",
        "Where output and hn meet",
        "The recipes",
        "What raises nothing",
    }
    assert TEXT.count("```python") == len(RECIPES) == len(PROOFS)
    assert max(len(line) for recipe in RECIPES.values() for line in recipe.splitlines()) <= 56, "wider than its column"


# The sheet of paper


@pytest.fixture(scope="module")
def printed(site, browser, tmp_path_factory):
    copy = shutil.copytree(site, tmp_path_factory.mktemp("sheet") / "site")
    return cheat_sheet.write(copy, browser)


def test_it_is_one_page_of_a4(printed):
    pdf = printed.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) == 1
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups())
    assert (width, height) == pytest.approx((210 / 25.4 * 72, 297 / 25.4 * 72), abs=1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_leaves_room_for_another_computers_fonts(printed, browser, theme):
    """5 mm stay free at the foot, no line is cut off at the side, and paper is white."""
    context = browser.new_context(viewport={"width": 718, "height": 900}, color_scheme=theme)  # 190 mm
    page = context.new_page()
    page.goto((printed.parent / cheat_sheet.PAGE).as_uri())
    page.emulate_media(media="print", color_scheme=theme)
    assert (
        page.evaluate("document.querySelector('.bd-article').getBoundingClientRect().bottom") * 25.4 / 96
        <= 297 - 15 - 5
    )
    cut_off = """[...document.querySelectorAll('.bd-article :is(pre, section, table, td)')]
        .filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > 720)
        .map(e => e.textContent)"""
    assert page.evaluate(cut_off) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.bd-article h2')).color") == "rgb(0, 0, 0)"
    context.close()


def test_the_page_offers_it_once(printed, browser):
    cheat_sheet.write(printed.parent, browser)
    links = parsed(printed.parent, cheat_sheet.PAGE).select("article a[download]")
    assert [link["href"] for link in links] == [printed.name]


def test_without_the_page_it_says_what_to_do(tmp_path, browser):
    with pytest.raises(SystemExit, match="make site"):
        cheat_sheet.write(tmp_path, browser)
