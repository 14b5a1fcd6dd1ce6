"""The explorer's settings have one source, `unrolled/explorer/settings.json`, which Python and TypeScript read."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.resources import files

import pytest
from engine_bridge import typescript

from unrolled.explorer.settings import DEFAULTS, Settings
from unrolled.explorer.widget import Explorer
from unrolled.shapes import Layer

SOURCE = json.loads(files("unrolled.explorer").joinpath("settings.json").read_text(encoding="utf-8"))


def test_every_setting_has_a_default_and_a_meaning():
    assert list(SOURCE["meanings"]) == list(SOURCE["defaults"])
    assert set(SOURCE["limits"]) <= set(SOURCE["defaults"])


def test_a_default_is_within_its_limits():
    for name, limits in SOURCE["limits"].items():
        assert limits["min"] <= SOURCE["defaults"][name] <= limits["max"], name


def test_typescript_has_the_source_and_reads_every_default_of_it():
    there = "m => [m.DEFAULTS, m.LIMITS, m.NAMES, m.readSettings(m.DEFAULTS).ignored]"
    wanted = [SOURCE["defaults"], SOURCE["limits"], list(SOURCE["defaults"]), []]
    assert typescript("view/settings.ts", there) == wanted


def test_an_explorer_in_a_page_begins_with_the_defaults(show):
    assert show().settings() == DEFAULTS


def test_python_has_the_source():
    assert SOURCE["defaults"] == DEFAULTS
    assert [field.name for field in fields(Settings)] == list(SOURCE["defaults"])


@pytest.mark.parametrize("name", SOURCE["defaults"])
def test_the_widget_has_the_source(name):
    trait = Explorer.class_traits()["kind" if name == "module" else name]
    assert trait.default() == SOURCE["defaults"][name]
    if name in SOURCE["limits"]:
        assert {"min": trait.min, "max": trait.max} == SOURCE["limits"][name]


def test_typescript_and_python_count_the_same_gates():
    gates = {kind: Layer(kind, input_size=1, hidden_size=1).gates for kind in ("RNN", "LSTM", "GRU")}
    assert typescript("engine/parameters.ts", "m => m.GATES") == gates
