"""Whether it was this run that wrote a row: by who wrote it last, and by when the journal says that we did.

The clocks of the org and of this machine may be some minutes apart; that much later than our own last write a row may
have been written and still count as written by it, where the org says that it was our user.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.migration.others.three_way import Author
from harness.migration.records import Intent, Outcome, Preflight
from harness.migration.writing.waiting import GIVEN_UP, LATE

if TYPE_CHECKING:
    from harness.migration.context import Context

CLOCKS_APART = timedelta(minutes=5)
"""So far apart may the org's clock and ours be."""


def our_names(context: Context) -> frozenset[str]:
    """The admins that this run writes as, in lower case: this process's, and the one that it began with."""
    begun = context.find(Preflight)
    names = {context.admin.username, begun.admin_username if begun else ""}
    return frozenset(name.lower() for name in names if name)


def is_us(context: Context, author: Author) -> bool:
    """Whether a row was written by an admin that this run writes as."""
    return author.id == context.admin.user_id or (author.username or "").lower() in our_names(context)


def wrote_last(context: Context, author: Author, *names: str) -> bool:
    """Whether nobody wrote a row after this run did, as far as the org tells. `names`: its id, and what else it has."""
    if not is_us(context, author):
        return False
    written = written_until(context, *names)
    return author.at is None or written is None or author.at <= written + CLOCKS_APART


def written_until(context: Context, *names: str) -> datetime | None:
    """Until when this run may have written a row, by our clock; None where the journal knows of no such write."""
    return max(_touches(context, frozenset(names)), default=None)


def _touches(context: Context, names: frozenset[str]) -> Iterator[datetime]:
    keys: set[str] = set()
    open_since: dict[str, datetime] = {}
    for record in context.records():
        if isinstance(record.body, Intent) and names.intersection(map(str, record.body.natural_key.values())):
            keys.add(record.key)
            open_since[record.key] = record.at
        elif isinstance(record.body, Outcome) and (record.key in keys or names.intersection(record.body.ids)):
            if record.body.certainty != "UNKNOWN":
                open_since.pop(record.key, None)
            yield record.at
    yield from (since + GIVEN_UP + LATE for since in open_since.values())


def made_by_run(context: Context, author: Author, *, since: datetime) -> bool:
    """Whether a row was made by an admin of this run, and not before it set out to, as far as the org tells."""
    return is_us(context, author) and (author.at is None or author.at >= since - CLOCKS_APART)


def first_intended(context: Context, key: str) -> datetime:
    """When this run first set out to make a write."""
    times = [record.at for record in context.records(kind="intent", key=key)]
    return min(times, default=context.world.clock.now())
