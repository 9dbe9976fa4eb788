"""The cassettes that ship are safe to commit: nothing is found in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.component.inspecting.conftest import cassette

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted(folder.name for folder in (ROOT / "cassettes").iterdir() if folder.is_dir())
QUICK = {"warehouse"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.long) for name in SCENARIOS]
)
def test_nothing_is_found_in_what_ships(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(ROOT)
    verified = cassette("verify", Path("cassettes") / name)
    assert verified.return_value == 0, verified.output
    assert " interactions, 0 findings\n" in verified.output


def test_there_is_what_is_looked_at() -> None:
    assert len(SCENARIOS) == 5
    assert set(SCENARIOS) >= QUICK
