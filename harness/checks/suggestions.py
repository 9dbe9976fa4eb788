"""Which line of a scenario would notice a change of access that its checks do not notice: candidates to be tried. Pure.

A candidate is only suggested when it was tried: green as things are, red with the change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from harness.checks.mutation import Change
from harness.checks.soql import select

Described = Mapping[str, Any]
"""A describe of an object, as the admin sees it."""

_NOT_VISIBLE = "INVALID_TYPE"
_NOT_CREATEABLE = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
_NOT_PERMITTED = "INSUFFICIENT_ACCESS_OR_READONLY"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line for `expect.grants` or `expect.denials`."""

    key: Literal["grants", "denials"]
    item: Mapping[str, Any]

    @property
    def yaml(self) -> str:
        """Ready to be put into the scenario."""
        line = yaml.safe_dump([self.item], default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
        return f"expect.{self.key}: - {line.strip()[1:-1]}"


def candidates(change: Change, describe: Described | None, *, username: str, rows: int | None) -> Iterator[Candidate]:
    """Lines that might notice a change, the plainest first.

    `describe` is that of the object the change is about, as the admin sees it, `username` the target user's, and
    `rows` how many rows of the object it sees as things are.
    """
    if change.kind == "object":
        yield from _of_object(change, describe or {}, rows)
    elif change.kind == "field":
        yield _either(change, {"field": {"name": change.name, "access": change.right}})
    elif change.kind in ("group", "queue"):
        user = select("Id", "User", where=f"Username = '{username}'", limit=1).removesuffix(" LIMIT 1")
        where = f"Group.DeveloperName = '{change.name}' AND UserOrGroupId IN ({user})"
        yield _rows(select("Id", "GroupMember", where=where, limit=1))
    elif change.kind == "role":
        where = f"Username = '{username}' AND UserRole.DeveloperName = '{change.name}'"
        yield _rows(select("Id", "User", where=where, limit=1))
    elif change.kind == "setup" and change.name.startswith("CustomPermission:"):
        yield from ()


def _of_object(change: Change, describe: Described, rows: int | None) -> Iterator[Candidate]:
    name = change.name
    query = {"query": select("Id", name, limit=1)}
    match change.right:
        case "read":
            yield _either(change, query, _NOT_VISIBLE)
        case "create":
            fields = dict(_needed(describe.get("fields", ())))
            yield _either(change, {"insert": {"object": name, "fields": fields}}, _NOT_CREATEABLE)
        case "edit":
            for field in _editable(describe.get("fields", ())):
                yield _either(change, {"update": {"object": name, "fields": dict([field])}}, _NOT_CREATEABLE)
        case "delete":
            yield _either(change, {"delete": {"object": name}}, _NOT_PERMITTED)
        case "view-all" | "modify-all" if rows and change.direction == "removed":
            yield Candidate("grants", {"query": select("Id", name, limit=max(rows, 1)), "at_least": rows})
        case _:
            return


def _either(change: Change, asked: Mapping[str, Any], error: str | None = None) -> Candidate:
    """A grant where something may be taken away, a denial where it may be given."""
    if change.direction == "removed":
        return Candidate("grants", asked)
    return Candidate("denials", {**asked, "error": error} if error else asked)


def _rows(soql: str) -> Candidate:
    return Candidate("grants", {"query": soql, "at_least": 1})


def _needed(fields: Sequence[Described]) -> Iterator[tuple[str, Any]]:
    """A value for each field that a new row must have."""
    for field in fields:
        if field.get("createable") and not field.get("nillable") and not field.get("defaultedOnCreate"):
            yield str(field["name"]), _value(field)


def _editable(fields: Sequence[Described]) -> Iterator[tuple[str, Any]]:
    """A value for fields that anybody may write who may edit the object, those that can hold nothing first."""
    plain = [one for one in fields if one.get("updateable") and not one.get("referenceTo")]
    for field in sorted(plain, key=lambda one: (not one.get("nillable"), str(one["name"])))[:3]:
        yield str(field["name"]), _value(field)


def _value(field: Described) -> Any:
    if field.get("referenceTo"):
        return {"any": str(field["referenceTo"][0])}
    values = [one["value"] for one in field.get("picklistValues") or () if one.get("active", True)]
    if values:
        return values[0]
    by_type: Mapping[str, Any] = {
        "boolean": False,
        "date": "{{today}}",
        "datetime": "{{now}}",
        "email": "{{email}}",
        "phone": "{{phone_number}}",
        "url": "{{url}}",
        **dict.fromkeys(("int", "double", "currency", "percent"), 1),
    }
    return by_type.get(str(field.get("type")), "Probe {{unique}}"[: field.get("length") or None])
