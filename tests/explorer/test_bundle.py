"""The explorer's bundle: built from its sources, small, harmless, usable beside its element."""

from __future__ import annotations

import gzip
import re
import subprocess

import torch
from engine_bridge import WEB, node
from explorer_pages import BUNDLE, bare_page, tag, tensors, watch


def test_the_bundle_is_what_its_sources_make(tmp_path):
    made = tmp_path / "unrolled.js"
    subprocess.run([node(), "build.mjs", "view/index.ts", str(made)], cwd=WEB, check=True)
    assert made.read_bytes() == BUNDLE.read_bytes(), "run `make bundle`"


def test_the_bundle_is_at_most_48_kb():
    """With the arithmetic of every number."""
    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) <= 48_000


def test_the_bundle_evaluates_no_text():
    assert not re.search(r"\beval\(|new Function|\bFunction\(|unsafeHTML", BUNDLE.read_text(encoding="utf-8"))


def test_the_engine_is_exported(show):
    shown = show()
    spec = {"module": "RNN", "input_size": 4, "hidden_size": 5, "batch_first": True, "input": tensors({})["x"].tolist()}
    found = shown.page.evaluate("spec => import('./unrolled.js').then(({ run }) => run(spec).h_n)", spec)
    torch.testing.assert_close(torch.tensor(found), tensors({})["hn"], atol=1e-5, rtol=0)


def test_loaded_twice_it_is_registered_once(folder, bare, browser):
    twice = tag({}) + '<script type="module" src="unrolled.js?again"></script>'
    context = browser.new_context()
    assert watch(context, f"{bare}/{bare_page(folder, 'twice', twice)}").errors == []
    context.close()
