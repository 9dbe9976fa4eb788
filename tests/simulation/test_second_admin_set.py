"""Another admin changes the permission set that a run made, at every call of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from .second_admin import ACTIONS, explore

pytestmark = pytest.mark.xdist_group("second-admin-set")


def test_whatever_happens_to_our_set_stands(tmp_path: Path) -> None:
    names = [each.name for each in ACTIONS if "our-set" in each.name]
    assert len(names) == 9, names
    tally = explore(tmp_path, names, every=18)
    assert tally.violations == []
    assert tally.cases >= 230, tally
    assert tally.ends["as before but for what was left alone"] > 0, tally
