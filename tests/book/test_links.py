"""Links that leave the site: in a form that goes on showing what the text says of it."""

import re

import pytest
from prose import pages

LINK = re.compile(r"\]\((https?://[^)\s]+)\)")
# What moves, and what to link to in its place.
MOVING = {
    r"^http://": "https",
    r"github\.com/[^/]+/[^/]+/(blob|tree)/(main|master|HEAD|dev|devel)/": "a tag or a commit",
    r"//(docs\.)?pytorch\.org/docs/(?!2\.13/)": "the pages of the version that the course is about",
    r"arxiv\.org/(?!abs/)": "the page of the abstract",
    r"[?&]utm_|#:~:text=": "the address alone",
}
LINKS = sorted({(name, link) for name, text in pages() for link in LINK.findall(text)})


def complaint(link: str) -> list[str]:
    return [instead for pattern, instead in MOVING.items() if re.search(pattern, link)]


def test_a_link_leads_to_what_stays():
    assert [(name, link, complaint(link)) for name, link in LINKS if complaint(link)] == []


@pytest.mark.parametrize(
    "link",
    [
        "http://arxiv.org/abs/1406.1078",
        "https://github.com/pytorch/pytorch/blob/main/torch/nn/modules/rnn.py",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html",
        "https://arxiv.org/pdf/1406.1078",
    ],
)
def test_a_link_that_moves_is_found(link):
    assert complaint(link)
