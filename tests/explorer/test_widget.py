"""`unrolled.explore` in Python: what it takes, what its traits hold, what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import traitlets
from explorer_pages import PICTURES, bare_page, build, each_picture, watch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import unrolled
from unrolled.explorer.forward_pass import Place, forward
from unrolled.explorer.settings import Settings


def test_importing_the_package_imports_nothing_heavy():
    names = ("torch", "anywidget", "ipywidgets", "matplotlib", "jinja2")
    heavy = f"import unrolled, sys; print([name for name in {names} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", heavy], capture_output=True, encoding="utf-8", check=True).stdout
        == "[]\n"
    )


def test_explore_shows_the_weights_of_a_real_module(folder, bare, browser):
    torch.manual_seed(3)
    module = nn.GRU(3, 4, 2, bidirectional=True)
    nn.init.orthogonal_(module.weight_hh_l1)
    x = torch.rand(5, 2, 3)
    explorer = unrolled.explore(module, x, expression="hn")
    context = browser.new_context()
    shown = watch(context, f"{bare}/{bare_page(folder, 'module', explorer._repr_mimebundle_()[0]['text/html'])}")
    with torch.no_grad():
        output, hn = module(x)
    shown.explorer.locator(".entry.hn").last.hover()
    readout = shown.readout()
    for text in readout["slices"]:
        torch.testing.assert_close(
            eval(text, {"output": output, "hn": hn}), torch.tensor(readout["numbers"]), atol=6e-5, rtol=0
        )
    assert shown.errors == []
    context.close()
    copy = explorer.module()
    assert all(torch.equal(a, b) for a, b in zip(copy.state_dict().values(), module.state_dict().values(), strict=True))


@each_picture
def test_module_gives_the_shown_module_back(name):
    state = torch.random.get_rng_state()
    given = unrolled.explore(**PICTURES[name]).module()
    assert torch.equal(torch.random.get_rng_state(), state), "the reader's own seed is left alone"
    expected = build(PICTURES[name])
    assert repr(given) == repr(expected)
    assert all(
        torch.equal(a, b) for a, b in zip(given.state_dict().values(), expected.state_dict().values(), strict=True)
    )


def test_a_trait_can_be_observed():
    explorer, seen = unrolled.explore(), []
    explorer.observe(lambda change: seen.append(change["new"]), "num_layers")
    explorer.num_layers = 3
    assert seen == [3]
    assert explorer.module().num_layers == 3


@pytest.mark.parametrize(
    "call",
    [
        lambda: unrolled.explore(layers=2),
        lambda: unrolled.explore(nn.Linear(1, 1)),
        lambda: unrolled.explore(num_layers=0),
        lambda: unrolled.explore("Transformer"),
    ],
)
def test_what_cannot_be_shown_is_refused(call):
    with pytest.raises((TypeError, ValueError, traitlets.TraitError)):
        call()


@pytest.mark.parametrize(
    "input",
    [
        3,
        "cos",
        [None],
        [[1.0, 2.0], [3.0]],
        {"shape": "a"},
        torch.tensor(1.0),
        torch.zeros(2, 3, 4, dtype=torch.complex64),
        torch.zeros(2, 3, 4, device="meta"),
        torch.ones(2, 3, 4).to_sparse(),
        [[10**400]],
    ],
)
def test_what_is_no_tensor_is_refused_in_one_sentence(input):
    for refused in (
        lambda: unrolled.explore(input=input),
        lambda: unrolled.explore("RNN", hx=input),
        lambda: setattr(unrolled.explore(), "h_0", input),
    ):
        with pytest.raises(traitlets.TraitError, match="has to be a dense tensor of real numbers"):
            refused()


def test_a_layer_too_large_to_draw_is_refused_in_one_sentence():
    with pytest.raises(
        traitlets.TraitError,
        match=r"^The explorer takes hidden_size up to 32, and this is 64: a smaller layer has the same axes.$",
    ):
        unrolled.explore(nn.LSTM(10, 64))


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_packed_input_and_a_list_of_states_are_shown_as_the_module_takes_them(batch_first):
    module = nn.LSTM(4, 5, batch_first=batch_first)
    lengths, hx = torch.tensor([2, 3]), [torch.rand(1, 2, 5), torch.rand(1, 2, 5)]
    packed = pack_padded_sequence(
        torch.rand((2, 3, 4) if batch_first else (3, 2, 4)), lengths, batch_first, enforce_sorted=False
    )
    explorer = unrolled.explore(module, packed, hx)
    assert explorer.lengths == unrolled.explore(lengths=lengths).lengths == [2, 3]
    with torch.no_grad():
        _, (hn, cn) = module(packed, hx)
    states = forward(Settings.of(explorer.settings))
    for sample, length in enumerate(lengths.tolist()):
        place = Place(row=0, step=length - 1, sample=sample)
        torch.testing.assert_close(torch.tensor(states.h[place]), hn[0, sample], atol=2e-6, rtol=0)
        torch.testing.assert_close(torch.tensor(states.c[place]), cn[0, sample], atol=2e-6, rtol=0)
