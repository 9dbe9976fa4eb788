"""The page of what is left is what the engine does."""

from __future__ import annotations

import pytest

from .if_it_dies import DOCUMENT, STRATEGIES, section, title


@pytest.mark.parametrize("case", sorted(STRATEGIES))
def test_the_page_tells_what_is_the_case(case: str) -> None:
    page = DOCUMENT.read_text("utf-8")
    part = page[page.index(title(case)) :]
    for text in section(case, every=5):
        assert text in part, f"run `make docs`:\n{text}"


@pytest.mark.parametrize("case", sorted(STRATEGIES))
def test_every_way_on_ends_well(case: str) -> None:
    page = DOCUMENT.read_text("utf-8")
    part = page[page.index(title(case)) :].split("\n## ")[0]
    rollbacks = [line for line in part.splitlines() if "`rehearse rollback`:" in line]
    assert len(rollbacks) == 2 * part.count("\n### ")
    assert all("; passed: " in line for line in rollbacks)
