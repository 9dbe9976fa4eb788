"""Which states of org and journal are the same one for a process that starts in them.

A process that starts knows nothing but the org, the journal and the credential file. Two points of a run at which these
three are alike are one state: what happens from there is explored once. Alike is more than equal bytes: left out is
what no process asks for, each with its reason here. `make simulate-long` runs random schedules without merging any, and
the tests a sample of them.

- When something was written, but for whether it is long ago: the only questions asked about time are whether ten
  minutes, an hour or a day have passed.
- Ids: a row counts by its name. Digests, which are over moments, ids and a salt: what they are over counts.
- Of a write that was tried twice, the first try: a process looks at the last try of a write and at the ids of all.
- Of a stage that began twice, all but the first beginning, and all but the last end.
- Of an observation of sign-ins, all but how many of them are somebody else's.
- Of the lock, all but the last record. Only the order of writes says anything.
- Records of `UNASKED` kinds, which are for the report: the tests see to it that nobody asks the journal for them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

UNASKED = frozenset({"note", "check", "probes", "verdict", "side-by-side", "references", "reference", "comparison"})
"""Kinds of records that no process reads to find out what to do."""
_ONLY_LAST = frozenset({"stage.finished", "lock"})
_ONLY_FIRST = frozenset({"stage.started", "run.started"})
_TRIES = frozenset({"intent", "outcome"})
_SAID_OF_OUTCOME = ("certainty",)
_ID = re.compile(r"\b[0-9A-Za-z]{3}Rh[0-9A-Za-z]{13}\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_LONG_AGO = (timedelta(minutes=10), timedelta(hours=1), timedelta(days=1))


class Kept(Protocol):
    """A record as the journal keeps it."""

    @property
    def at(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def body(self) -> str: ...


Said = tuple[str, str, str, str, int]


def journal_digest(rows: Iterable[Kept], now: datetime, names: Mapping[str, str]) -> str:
    """The same for two journals that tell a process the same."""
    told = [_told(row, now, names, ids) for row, ids in _that_count(list(rows))]
    told = [*(one for one in told if one[0] in _TRIES), *sorted(one for one in told if one[0] not in _TRIES)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _that_count(rows: list[Kept]) -> Iterator[tuple[Kept, str]]:
    """The records that a process looks at; with an outcome, the ids of all outcomes of that write."""
    seen: set[tuple[str, str, str]] = set()
    survivors: list[tuple[Kept, str]] = []
    for row in reversed(rows):
        place = (row.kind, row.stage if row.kind.startswith("stage.") else "", row.key)
        if row.kind in UNASKED or (place in seen and row.kind in _ONLY_LAST | _TRIES):
            continue
        if row.kind == "outcome" and ("intent", "", row.key) in seen:
            continue  # of a try before the last
        seen.add(place)
        survivors.append((row, _all_ids(rows, row.key) if row.kind == "outcome" else ""))
    begun: set[tuple[str, str]] = set()
    for row, ids in reversed(survivors):
        if row.kind in _ONLY_FIRST:
            if (row.kind, row.stage) in begun:
                continue
            begun.add((row.kind, row.stage))
        yield row, ids


def _all_ids(rows: list[Kept], key: str) -> str:
    found = {one for row in rows if row.kind == "outcome" and row.key == key for one in json.loads(row.body)["ids"]}
    return " ".join(sorted(found))


def _told(row: Kept, now: datetime, names: Mapping[str, str], ids: str) -> Said:
    body: Any = row.body
    match row.kind:
        case "outcome":
            parts = json.loads(row.body)
            body = " ".join([*(str(parts[name]) for name in _SAID_OF_OUTCOME), ids])
        case "stage.finished":
            body = json.loads(row.body)["result"]
        case "observation":
            body = json.loads(row.body)["old_user_foreign_sign_ins"]
        case "lock":
            body = json.loads(row.body)["state"]
    text = _ID.sub(lambda found: names.get(found[0], "gone"), _DIGEST.sub("digest", _MOMENT.sub("then", str(body))))
    return row.kind, "" if row.kind == "lock" else row.stage, row.key, text, _how_long_ago(row, now)


def _how_long_ago(row: Kept, now: datetime) -> int:
    """How many of ten minutes, an hour and a day have passed; of a settled write, only whether a day has."""
    age = now - datetime.fromisoformat(row.at)
    marks = _LONG_AGO if row.kind in ("intent", "lock") else _LONG_AGO[1:]
    return sum(age >= mark for mark in marks)
