"""What rows of the org name a user: teams, territories, manual shares, and the records it owns.

Only what the org has is asked for: the list of all objects says what that is. A query that is refused is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import Rows, try_ask
from harness.access.soql import equals, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

TERRITORIES = "UserTerritory2Association"
TEAMS: Mapping[str, str] = {
    "AccountTeamMember": "UserId",
    "CaseTeamMember": "MemberId",
    "OpportunityTeamMember": "UserId",
    "UserAccountTeamMember": "UserId",
    "UserTeamMember": "UserId",
}
"""The team objects, each with the column that names the member (Object Reference)."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What names the user beside its permissions."""

    teams: Mapping[str, int] = field(default_factory=dict)
    """How many rows of each team object name it."""
    territories: tuple[str, ...] = ()
    """By DeveloperName."""
    unread: tuple[str, ...] = ()


def read_belongings(admin: Connection, user_id: str, there: frozenset[str]) -> Belongings:
    """Read it: two calls at most. `there` are the names of the objects that the org has."""
    teams = [name for name in TEAMS if name in there]
    asked = {name: _count(name, equals(TEAMS[name], user_id)) for name in teams}
    if TERRITORIES in there:
        where = f"{equals('UserId', user_id)} AND IsActive = true"
        asked[TERRITORIES] = select(TERRITORIES, ("Id", "Territory2.DeveloperName"), where=where, order="Id")
    told, unread = _ask_each(admin, asked)
    return Belongings(
        teams={name: count for name in teams if (count := _counted(told.get(name)))},
        territories=tuple(sorted(_parents(told.get(TERRITORIES, []), "Territory2", "DeveloperName"))),
        unread=unread,
    )


def read_shares(
    admin: Connection, user_id: str, objects: Sequence[str], there: frozenset[str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many records of each object are shared with the user by name, and what was not told. Five objects a call.

    By hand, or by Apex for a reason of its own (`Reason__c`): every other cause follows from something else.
    """
    tables = {name: share_of(name) for name in objects if share_of(name) in there}
    told, unread = _ask_each(admin, {name: _shares(table, user_id) for name, table in tables.items()})
    counts = {name: sum(int(row["expr0"]) for row in rows if _by_name(row)) for name, rows in told.items()}
    return {name: count for name, count in counts.items() if count}, unread


def _shares(table: str, user_id: str) -> str:
    where = equals("UserOrGroupId", user_id)
    return f"{select(table, ('RowCause', 'COUNT(Id)'), where=where)} GROUP BY RowCause"


def _by_name(row: Mapping[str, Any]) -> bool:
    return row["RowCause"] == "Manual" or str(row["RowCause"]).endswith("__c")


def read_owned(admin: Connection, user_id: str, objects: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many records of each object the user owns, and what was not told. Five objects a call."""
    told, unread = _ask_each(admin, {name: _count(name, equals("OwnerId", user_id)) for name in objects})
    counts = {name: _counted(rows) for name, rows in told.items()}
    return {name: count for name, count in counts.items() if count}, unread


def share_of(sobject: str) -> str:
    """The share object of an object: `AccountShare`, `Project__Share` (Object Reference)."""
    return f"{sobject.removesuffix('__c')}__Share" if sobject.endswith("__c") else f"{sobject}Share"


def _ask_each(admin: Connection, asked: Mapping[str, str]) -> tuple[dict[str, Rows], tuple[str, ...]]:
    answers = dict(zip(asked, try_ask(admin, list(asked.values())), strict=True))
    told = {name: rows for name, rows in answers.items() if rows is not None}
    refused = (f"the org refused: {asked[name]}" for name, rows in answers.items() if rows is None)
    return told, tuple(refused)


def _count(sobject: str, where: str) -> str:
    return select(sobject, ("COUNT(Id)",), where=where)


def _counted(rows: Sequence[Mapping[str, Any]] | None) -> int:
    return int(rows[0]["expr0"]) if rows else 0


def _parents(rows: Sequence[Mapping[str, Any]], parent: str, column: str) -> Iterator[str]:
    for row in rows:
        name = (row.get(parent) or {}).get(column)
        if name:
            yield str(name)
