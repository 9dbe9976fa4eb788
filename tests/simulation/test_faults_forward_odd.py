"""Every kind of fault at every other call of the migration, beginning with the first."""

from __future__ import annotations

from pathlib import Path

from .storms import see_through


def test_every_fault_is_survived(tmp_path: Path) -> None:
    see_through(tmp_path, "forward", share=(1, 2))
