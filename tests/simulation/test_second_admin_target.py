"""Another admin changes the new user, the app and what is free, at every call of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from .second_admin import ACTIONS, explore

pytestmark = pytest.mark.xdist_group("second-admin-target")


def test_whatever_happens_to_the_new_user_stands(tmp_path: Path) -> None:
    names = [each.name for each in ACTIONS if each.name.endswith(("-target", "-of-target"))]
    assert len(names) == 6, names
    tally = explore(tmp_path, names, every=18)
    assert tally.violations == []
    assert tally.cases >= 140, tally


def test_whatever_happens_to_the_app_and_to_names_and_seats_stands(tmp_path: Path) -> None:
    names = [each.name for each in ACTIONS if "app" in each.name or each.name.startswith(("make-", "take-"))]
    assert len(names) == 6, names
    tally = explore(tmp_path, names, every=18)
    assert tally.violations == []
    assert tally.cases >= 250, tally
