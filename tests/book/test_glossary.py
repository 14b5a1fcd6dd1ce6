"""The glossary: PyTorch's words are PyTorch's, and every term leads to where it is shown."""

import inspect
import re

import pytest
from notebooks import BOOK
from pages import parsed
from torch import nn
from torch.nn.utils import rnn

TEXT = (BOOK / "glossary.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"`(nn\.\w+|pack_padded_sequence|pad_packed_sequence|PackedSequence)`: “([^”]+)”", TEXT)
# Words of torch 2.13's documentation that the page calls misleading; where one is gone, so is the reason to warn of it.
MISLEADING = [
    ("nn.RNN", "the hidden state of the previous layer at time t-1"),
    ("nn.LSTM", "final hidden state for each element in the sequence"),
    ("nn.LSTM", "h_n will contain a concatenation of the final forward and reverse hidden states"),
    ("pack_padded_sequence", "It is an inverse operation to pad_packed_sequence"),
]


def plain(words: str) -> str:
    """The words without the markup of a docstring or of Markdown, on one line."""
    words = re.sub(r":\w+:`~?([^`]*)`", r"\1", words)
    words = words.replace("`", "").replace("**", "").replace("h_{(t-1)}", "h_(t-1)")
    return " ".join(words.split())


def documentation(name: str) -> str:
    documented = getattr(nn, name.removeprefix("nn.")) if name.startswith("nn.") else getattr(rnn, name)
    return plain(inspect.getdoc(documented))


@pytest.fixture(scope="module")
def entries(site) -> dict:
    """Every term of the built page, with its definition."""
    glossary = parsed(site, "glossary.html").select_one("dl.glossary")
    return {term["id"].removeprefix("term-"): term.find_next_sibling("dd") for term in glossary.find_all("dt")}


def test_every_quotation_says_whose_it_is():
    assert len(QUOTES) == TEXT.count("“") == TEXT.count("”") > 20


@pytest.mark.parametrize(("source", "words"), QUOTES, ids=lambda value: value[:30])
def test_pytorch_says_so(source, words):
    assert plain(words).rstrip(".,") in documentation(source)


@pytest.mark.parametrize(("source", "words"), MISLEADING, ids=lambda value: value[:30])
def test_the_misleading_words_are_quoted(source, words):
    assert words in documentation(source)
    assert any(words in plain(quoted) for whose, quoted in QUOTES if whose == source)


def test_every_term_leads_to_a_chapter(entries):
    assert len(entries) > 40
    for term, definition in entries.items():
        links = [link["href"] for link in definition.select("a")]
        assert any("#cell-" in link for link in links), f"{term} is shown nowhere"


def test_every_argument_and_result_has_its_entry(entries):
    """Whatever nn.RNN, nn.LSTM and nn.GRU take, give and hold stands here under its own name."""
    signatures = [inspect.signature(nn.RNN), inspect.signature(nn.RNNBase)]
    arguments = {name for signature in signatures for name in signature.parameters} - {
        "args",
        "kwargs",
        "self",
        "mode",
        "device",
        "dtype",
    }
    # Python 3.13 takes the indentation out of docstrings when it compiles them; getdoc does so on every Python.
    arguments |= set(re.findall(r"^ {4}(\w+): ", inspect.getdoc(nn.RNN).partition("Inputs:")[0], re.MULTILINE))
    assert {"input_size", "nonlinearity", "proj_size"} <= arguments
    parameters = {name for name, _ in nn.LSTM(4, 5, proj_size=3).named_parameters()}
    tensors = {"input", "output", "h_0", "h_n", "c_0", "c_n"}
    axes = {"N", "L", "D", "H_in", "H_out", "H_cell"}
    assert arguments | parameters | tensors | axes <= set(entries)
