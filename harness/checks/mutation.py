"""Tests of the tests: which changes of a user's access are tried on a scenario's checks. Pure: data in, changes out.

Each grant that is required is taken away, and each that is forbidden is given, one at a time; a check must notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Literal, cast, get_args

from harness.access.algebra import NEEDS, Atom, walk
from harness.access.model import Access
from harness.checks.results import Mutant
from harness.checks.soql import from_object
from harness.scenario.model import Denial, FieldAccess, InsertRows, UpdateRows, UpsertRows

Kind = Literal[
    "object",
    "field",
    "system",
    "setup",
    "record-type",
    "group",
    "queue",
    "role",
    "permission-set",
    "permission-set-license",
    "user-interface",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What may be taken or given, in the order in which it is tried."""
_FIELD_ERRORS = ("INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE")
_EVERYTHING = ("ViewAllData", "ModifyAllData")


@dataclass(frozen=True, slots=True)
class Change:
    """One grant that is taken away or given. `right` is empty for what is only held or not."""

    direction: Literal["removed", "added"]
    kind: Kind
    name: str
    right: str = ""
    because: str = ""
    """Why it is tried."""

    @property
    def what(self) -> str:
        """As reports name it: `field Account.ERP_Key__c: edit`."""
        return f"{self.kind} {self.name}" + (f": {self.right}" if self.right else "")

    @property
    def atom(self) -> Atom | None:
        """The object right or system permission that it is, if it is one."""
        if self.kind == "object":
            return Atom(self.name, self.right)
        return Atom("", self.name) if self.kind == "system" else None

    @property
    def order(self) -> tuple[bool, int, str, int]:
        """Where it stands among all changes: what is removed first, then by kind and name."""
        rights: list[str] = [*NEEDS]
        place = rights.index(self.right) if self.right in rights else 0
        return self.direction == "added", KINDS.index(self.kind), self.name, place


@dataclass(frozen=True, slots=True)
class Held:
    """What a user holds beside permissions, by name."""

    groups: Sequence[str] = ()
    queues: Sequence[str] = ()
    roles: Sequence[str] = ()
    permission_sets: Sequence[str] = ()
    permission_set_licenses: Sequence[str] = ()

    def named(self) -> Iterator[tuple[Kind, str]]:
        """Each with its kind."""
        kinds: tuple[tuple[Kind, Sequence[str]], ...] = (
            ("group", self.groups),
            ("queue", self.queues),
            ("role", self.roles),
            ("permission-set", self.permission_sets),
            ("permission-set-license", self.permission_set_licenses),
        )
        for kind, names in kinds:
            yield from ((kind, name) for name in names)


def required(carried: Access, held: Held) -> Iterator[Change]:
    """Every single grant that the plan carries, to be taken away."""
    for change in _singly(carried, "carried"):
        yield Change("removed", change.kind, change.name, change.right, change.because)
    for kind, name in held.named():
        yield Change("removed", kind, name, because="carried")


def forbidden_by_losses(lost: Iterable[tuple[str, str, Sequence[str], str]]) -> Iterator[Change]:
    """What the plan leaves behind, as (kind, name, kinds of access, cause), to be given all the same."""
    for kind, name, rights, cause in lost:
        if kind in KINDS:
            for right in rights or ("",):
                yield Change("added", kind, name, right, f"lost: {cause}")


def forbidden_by_denials(denials: Iterable[Denial], apex_class: Callable[[str, str], str | None]) -> Iterator[Change]:
    """What the scenario's denials are about. `apex_class` names the class behind a method and a path, if it knows."""
    for denial in denials:
        for kind, name, right in _meant(denial, apex_class):
            yield Change("added", kind, name, right, "expect.denials")


def neighbours(carried: Access, fields: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    """A sample of what lies next to the grants: one more right and one more field of each object, and everything.

    `fields` are the names of each object's fields that permissions are for.
    """
    for name, rights in carried.objects.items():
        if more := next((right for right in NEEDS if right not in rights), None):
            yield Change("added", "object", name, more, "neighbour")
        if unseen := next((one for one in sorted(fields.get(name, ())) if f"{name}.{one}" not in carried.fields), None):
            yield Change("added", "field", f"{name}.{unseen}", "read", "neighbour")
    for name, field_rights in carried.fields.items():
        if "edit" not in field_rights and name.partition(".")[0] in carried.objects:
            yield Change("added", "field", name, "edit", "neighbour")
    for permission in _EVERYTHING:
        yield Change("added", "system", permission, because="neighbour")


def in_order(changes: Iterable[Change], carried: Access, *, only: str | None = None) -> list[Change]:
    """Each change once, in a fixed order; nothing is given that is carried anyway. `only` is a pattern for `what`."""
    held = {change.what for change in _singly(carried, "")}
    kept: dict[tuple[str, str], Change] = {}
    for change in changes:
        if change.direction == "added" and change.what in held:
            continue
        if only is None or fnmatch(change.what, only) or fnmatch(f"{change.direction} {change.what}", only):
            kept.setdefault((change.direction, change.what), change)
    return sorted(kept.values(), key=lambda change: change.order)


def idle(checks: Sequence[str], mutants: Iterable[Mutant]) -> tuple[str, ...]:
    """The checks that no mutant turned red, in their own order."""
    red = {check for mutant in mutants for check in mutant.own}
    return tuple(check for check in checks if check not in red)


def _singly(access: Access, because: str) -> Iterator[Change]:
    for kind, name, rights in walk(access):
        known = cast("Kind", kind)
        for right in rights or ("",):
            yield Change("added", known, name, right, because)


def _meant(denial: Denial, apex_class: Callable[[str, str], str | None]) -> Iterator[tuple[Kind, str, str]]:
    """The grants that a denial says are not there."""
    match getattr(denial, denial.kind):
        case FieldAccess() as field:
            yield "field", field.name, field.access
        case UpsertRows() | InsertRows() | UpdateRows() as rows if denial.error in _FIELD_ERRORS:
            yield from (("field", f"{rows.object}.{name}", "edit") for name in sorted(rows.fields))
        case UpsertRows() as rows:
            yield "object", rows.object, "create"
            yield "object", rows.object, "edit"
        case str() as text:
            yield from _meant_by_text(denial, text)
        case call if denial.kind == "apex":
            if name := apex_class(call.method, call.path):
                yield "setup", f"ApexClass:{name}", ""
        case rows:
            right = {"insert": "create", "update": "edit", "delete": "delete"}[denial.kind]
            yield "object", rows.object, right


def _meant_by_text(denial: Denial, text: str) -> Iterator[tuple[Kind, str, str]]:
    if denial.kind == "sign_in":
        if text == "ui":
            yield "user-interface", "ApiUserOnly", ""
        return
    sobject = from_object(text) if denial.kind == "query" else text
    if denial.kind == "query" and denial.error in _FIELD_ERRORS:
        yield from (("field", f"{sobject}.{name}", "read") for name in selected(text))
    else:
        yield "object", sobject, "read"


def selected(soql: str) -> list[str]:
    """The plain fields that a query selects: not those of parents, not sub-queries, not what functions give."""
    inner = re.sub(r"\([^()]*\)", "()", soql)
    found = re.match(r"\s*SELECT\s+(.*?)\s+FROM\s", inner, re.IGNORECASE | re.DOTALL)
    names = [part.strip() for part in found[1].split(",")] if found else []
    return [name for name in names if re.fullmatch(r"\w+", name) and name not in ("Id", "Name")]
