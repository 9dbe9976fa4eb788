"""Another admin changes the old user, at every call of a run: no edit of theirs is overwritten, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from .second_admin import ACTIONS, explore

pytestmark = pytest.mark.xdist_group("second-admin-source")


def test_whatever_happens_to_the_old_user_stands(tmp_path: Path) -> None:
    names = [each.name for each in ACTIONS if each.name.endswith(("-source", "-source-anew", "-of-source"))]
    assert len(names) == 10, names
    tally = explore(tmp_path, names, every=18)
    assert tally.violations == []
    assert tally.cases >= 400, tally
    assert tally.ends["migrated"] > 0, tally
    assert tally.ends["as before"] > 0, tally
