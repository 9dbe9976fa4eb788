"""The `status` command: where each run of a scenario stands. Nothing is asked of the org."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime

import click
from pydantic import BaseModel
from rich.console import Console

from harness.front import check_org
from harness.migration.postponing import Postponement
from harness.migration.records import Observation
from harness.migration.status import Ahead, Status, status
from harness.migration.time_box import STAGE as CUT_OVER
from harness.rehearsal.carrying import mark_of
from harness.rehearsal.options import shown
from harness.rehearsal.rehearsal import Rehearsal
from harness.words import several


def show_status(rehearsal: Rehearsal, *, as_json: bool = False) -> int:
    """Say where each run stands."""
    console = Console(highlight=False)
    try:
        runs = _runs(rehearsal)
    finally:
        rehearsal.finish()
    if as_json:
        found = {"kept_in": str(shown(rehearsal.folder)), "runs": [asdict(one) for one in runs]}
        click.echo(json.dumps(found, default=_plain, indent=1))
        return 0
    if not runs:
        lines = [f"{rehearsal.file.shown}: nothing was run in {rehearsal.options.where} yet"]
    else:
        lines = [line for one in runs for line in lines_of(one)]
        lines += _of_the_folder(rehearsal, runs[-1])
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    return 0


def _runs(rehearsal: Rehearsal) -> list[Status]:
    """Each migration, and a rehearsed rollback that broke off."""
    if not (rehearsal.folder / "journal.db").is_file():
        check_org(rehearsal.options)
        return []
    standing = rehearsal.standing()
    runs = []
    for one in status(rehearsal.journal, _postponed(rehearsal)):
        if one.purpose == "migration":
            runs.append(one)
        elif standing is not None and one.run_id == standing.run_id:
            runs.append(replace(one, next="`rehearse rollback` undoes what this rehearsal left"))
    return runs


def _postponed(rehearsal: Rehearsal) -> Postponement | None:
    return rehearsal.keeping.postponed()


def lines_of(one: Status) -> Iterator[str]:
    """What is said of one run."""
    yield f"run {one.run_id}: {one.stage} {one.result}: {one.message}"
    if one.until is not None:
        yield f"  waits until {one.until:%Y-%m-%d %H:%M} UTC"
    if one.observed is not None:
        yield f"  {seen(one.observed, one.samples)}"
    if one.must_stay_free is not None:
        yield f"  {one.must_stay_free} must stay free: a rollback needs it, and asks for it first"
    for text in one.in_the_way:
        yield f"  in the way: {text}"
    yield f"  next: {one.next}"
    if one.ahead and any(each.writes for each in one.ahead):
        yield f"  still to come: {'; '.join(_of(each) for each in one.ahead)}"


def seen(observed: Observation, samples: int) -> str:
    """What a sample saw, added up."""
    last = f", the last time at {observed.old_user_last:%Y-%m-%d %H:%M} UTC" if observed.old_user_last else ""
    return (
        f"seen at {observed.until:%Y-%m-%d %H:%M} UTC ({several(samples, 'sample')}): the old user signed in "
        f"{several(observed.old_user_sign_ins, 'time')}{last}, {observed.old_user_foreign_sign_ins} of them not by "
        f"this run; the new user {several(observed.new_user_sign_ins, 'time')}"
    )


def _of(ahead: Ahead) -> str:
    return f"{ahead.stage} ({', '.join(ahead.writes)})" if ahead.writes else ahead.stage


def _of_the_folder(rehearsal: Rehearsal, newest: Status) -> Iterator[str]:
    """What must be carried along, and the file that postpones the cut-over; of a run that is not over."""
    if (mark := mark_of(rehearsal.folder)) is not None:
        yield f"in the way: it was carried away at {mark.at:%Y-%m-%d %H:%M} UTC, in {mark.to}, and goes on there"
    if newest.complete or mark is not None:
        return
    command = f"rehearse carry {rehearsal.file.shown}{rehearsal.options.as_typed} --to PACK"
    yield f"kept in {shown(rehearsal.folder)}: to take it up elsewhere, `{command}`"
    if rehearsal.keeping.postponing is not None and any(each.stage == CUT_OVER for each in newest.ahead):
        yield f"the cut-over waits while there is a file {shown(rehearsal.keeping.postponing)}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude={"counted"})
    raise TypeError(f"a status cannot hold a {type(value).__name__}")
