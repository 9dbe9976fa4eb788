"""What the journal says a value in the org should be: as it was at the snapshot, or as this run meant it since.

A write whose answer was lost, or that was refused half-way, leaves two values that are both as meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.migration.others.three_way import Author, Difference
from harness.migration.records import Intent, Outcome

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.migration.journal import Record


@dataclass(frozen=True, slots=True)
class Meant:
    """What a value was at the snapshot, and all that it may be now."""

    before: Any
    ours: tuple[Any, ...]

    def difference(self, what: str, now: Any, author: Author | None = None) -> Difference | None:
        """What somebody else changed, if anybody did."""
        return None if now in self.ours else Difference(what, self.before, self.ours[-1], now, author)


def meant(context: Context, sobject: str, record_id: str, column: str, before: Any) -> Meant:
    """What a column of a row is meant to be, by the writes that this run made of it."""
    settled: tuple[Any, ...] = (before,)
    tried = settled
    for intent, outcome in _writes_of(context.records(), sobject, record_id, column):
        after = (intent.after or {})[column]
        if outcome is None or outcome.certainty == "UNKNOWN":
            tried = (*settled, after)
        elif outcome.certainty == "APPLIED":
            settled = tried = (after,)
        else:
            tried = settled
    return Meant(before, tried)


def _writes_of(
    records: Iterable[Record], sobject: str, record_id: str, column: str
) -> Iterator[tuple[Intent, Outcome | None]]:
    """The writes of a column of a row in their order, each first as intended and then with what became of it."""
    intents: dict[str, Intent] = {}
    for record in records:
        body = record.body
        if isinstance(body, Intent):
            if body.sobject == sobject and column in (body.after or {}):
                intents[record.key] = body
                if body.natural_key.get("Id") == record_id:
                    yield body, None
        elif isinstance(body, Outcome) and record.key in intents:
            intent = intents[record.key]
            if record_id in body.ids or intent.natural_key.get("Id") == record_id:
                yield intent, body


def made(context: Context, key: str) -> str | None:
    """The id of the row that a write made or found, where it is certain and was not undone."""
    ids: tuple[str, ...] = ()
    for record in context.records():
        if isinstance(record.body, Outcome) and record.key == key:
            ids = record.body.ids if record.body.certainty == "APPLIED" else ids
    return ids[0] if ids else None


def intended(context: Context, key: str) -> bool:
    """Whether this run ever set out to make a write."""
    return bool(context.records(kind="intent", key=key))
