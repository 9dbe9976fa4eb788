"""Every kind of fault at every other call of the rollback, beginning with the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from .storms import see_through

pytestmark = pytest.mark.long


def test_every_fault_is_survived(tmp_path: Path) -> None:
    see_through(tmp_path, "back", share=(1, 2))
