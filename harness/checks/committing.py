"""Writing for real on request, and cleaning up: rows that were made are deleted, rows that were changed put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.org.reply import Reply

_HALTED = "PROCESSING_HALTED"


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of the writes: `refused` is the org's refusal, after which nothing stayed; `conflict` what did."""

    status: int | None = None
    refused: Reply | None = None
    conflict: str | None = None


class Diary(Protocol):
    """Where a write is put down before it is sent, so that it can be undone where the check dies in between."""

    def intend(
        self, connection: Connection, writes: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]
    ) -> None:
        """The writes are about to be sent; `before` are the values of the rows that are changed, in order."""

    def refused(self) -> None:
        """The org refused them: nothing stayed."""

    def written(self, ids: Sequence[str]) -> None:
        """They were done, and made these rows."""

    def undone(self) -> None:
        """They were undone."""


class NoDiary:
    """A diary for whoever keeps none."""

    def intend(self, *_: object) -> None:
        """Nothing is put down."""

    def refused(self) -> None:
        """Nothing is put down."""

    def written(self, ids: Sequence[str]) -> None:
        """Nothing is put down."""

    def undone(self) -> None:
        """Nothing is put down."""


def commit(connection: Connection, writes: Sequence[Mapping[str, Any]], cleaner: Connection, diary: Diary) -> Committed:
    """Make the writes, all or none, and undo them as `cleaner`.

    `writes` are subrequests of a composite: POST of new rows, PATCH of rows by their id. What cannot be read before it
    is changed is not changed. Raises OrgUnreachable and GuardRefused.
    """
    changed = [each for each in writes if each["method"] == "PATCH"]
    before = cleaner.composite([_look(each) for each in changed], all_or_none=False) if changed else []
    hidden = next((reply for reply in before if not reply.ok), None)
    if hidden is not None:
        return Committed(refused=hidden)
    diary.intend(connection, writes, [reply.body for reply in before])
    replies = connection.composite(writes, all_or_none=True)
    refused = next((reply for reply in replies if reply.errors and reply.errors[0].code != _HALTED), None)
    if refused is not None:
        diary.refused()
        return Committed(refused=refused)
    diary.written(
        [str(reply.body["id"]) for reply in replies if isinstance(reply.body, Mapping) and "id" in reply.body]
    )
    undone = cleaner.composite(list(_inverse(writes, replies, before)), all_or_none=True)
    kept = next((reply for reply in undone if not reply.ok), None)
    if kept is None:
        diary.undone()
    return Committed(replies[0].status, conflict=_left(writes, replies, kept) if kept is not None else None)


def _look(change: Mapping[str, Any]) -> dict[str, str]:
    """The fields that will be changed, as they are."""
    return {"method": "GET", "url": f"{change['url']}?fields={','.join(change['body'])}"}


def _inverse(
    writes: Sequence[Mapping[str, Any]], replies: Sequence[Reply], before: Sequence[Reply]
) -> Iterator[dict[str, Any]]:
    """Deletes of what was made, the newest first, and the old values of what was changed."""
    values = iter(before)
    undo: list[dict[str, Any]] = []
    for write, reply in zip(writes, replies, strict=True):
        if write["method"] == "POST":
            undo.append({"method": "DELETE", "url": f"{write['url']}/{reply.body['id']}"})
        else:
            row = next(values).body
            undo.append({**write, "body": {name: row.get(name) for name in write["body"]}})
    yield from reversed(undo)


def _left(writes: Sequence[Mapping[str, Any]], replies: Sequence[Reply], kept: Reply) -> str:
    """What stayed in the org, where it would not be undone."""
    ids = [str(reply.body["id"]) for reply in replies if isinstance(reply.body, Mapping) and "id" in reply.body]
    where = ", ".join(ids or [str(write["url"]) for write in writes])
    return f"the write was done and could not be undone ({kept.errors[0]}): look for {where}"
