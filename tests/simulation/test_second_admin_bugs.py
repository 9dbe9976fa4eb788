"""Bugs that overwrite another admin's work are found: each is planted, and one action shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.migration.undoing import own_things, parts
from harness.migration.writing import writes

from .second_admin import explore

pytestmark = pytest.mark.xdist_group("second-admin-set")

Plant = Callable[[pytest.MonkeyPatch], None]


def _adopts_what_has_our_name(patch: pytest.MonkeyPatch) -> None:
    """A duplicate is looked up by its name alone, and not by our mark."""
    whole = writes._where
    patch.setattr(writes, "_where", lambda write: whole(write).partition(" AND Description")[0])
    patch.setattr(own_things, "made_by_run", lambda *_args, **_more: True)


def _overwrites_whoever_wrote_last(patch: pytest.MonkeyPatch) -> None:
    """A value that is ours is put back, whoever has set it again."""
    patch.setattr(parts, "may_undo", lambda *_args: True)


def _claims_what_was_found(patch: pytest.MonkeyPatch) -> None:
    """What was there already is journaled as made by this run."""
    whole = writes.Write.intent

    def intent(self: Any, rows: int, *, found: bool = False, fenced: bool = False) -> Any:  # noqa: ARG001 - the bug
        return whole(self, rows, found=False, fenced=fenced)

    patch.setattr(writes.Write, "intent", intent)
    patch.setattr(parts, "made_by_run", lambda *_args, **_more: True)


def _deletes_a_set_with_others_work_in_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_things, "others_work", lambda *_args: iter(()))


def _deletes_a_set_that_others_were_given(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_things, "assigned_to_others", lambda *_args: [])


@pytest.mark.parametrize(
    ("plant", "action"),
    [
        (_adopts_what_has_our_name, "make-a-set-of-our-name"),
        (_overwrites_whoever_wrote_last, "freeze-source-anew"),
        (_claims_what_was_found, "license-target"),
        pytest.param(_deletes_a_set_with_others_work_in_it, "add-a-row-to-our-set", marks=pytest.mark.long),
        pytest.param(_deletes_a_set_that_others_were_given, "assign-our-set-to-another", marks=pytest.mark.long),
    ],
    ids=["adopted", "overwritten", "claimed", "others-rows", "others-users"],
)
def test_a_planted_bug_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Plant, action: str) -> None:
    plant(monkeypatch)
    assert explore(tmp_path, [action], every=1 if action == "license-target" else 3).violations
