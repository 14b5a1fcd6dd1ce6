"""An explorer in a bare page, and what torch has to say in every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer_pages import WIDE, Watched, bare_page, tag, watch

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Torch warns of projections on some processors; the numbers are right all the same."""
    for item in items:
        if item.path.is_relative_to(HERE):
            warning = "ignore:LSTM with projections is not supported with oneDNN"
            item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("bare")


@pytest.fixture(scope="session")
def bare(folder, serve_folder) -> str:
    """The address of a folder of pages that hold nothing but an explorer."""
    return serve_folder(folder)


@pytest.fixture
def show(folder, bare, browser) -> Iterator:
    """A function that opens an explorer with these settings in a bare page."""
    contexts = []

    def open_page(settings: dict | None = None, attributes: str = "", fragment: str = "", **context) -> Watched:
        contexts.append(browser.new_context(**{"viewport": WIDE, **context}))
        name = bare_page(folder, f"page{len(contexts)}", tag(settings or {}, attributes))
        return watch(contexts[-1], f"{bare}/{name}{fragment}")

    yield open_page
    for context in contexts:
        context.close()
