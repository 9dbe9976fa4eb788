"""Filling a permission set that is assigned, until the org refuses: what is refused is beyond the user's licenses.

Every object right is written as a row: the org checks each row by itself and names exactly those it refuses (facts
1.6). System permissions are columns of one row, and a refusal names only the first; so they are asked in groups, 25 to
a call, and a group that is refused is split. What was accepted stays, so nothing has to be taken back in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.access.algebra import Atom, Dependencies, requirements, with_atoms
from harness.access.bisecting import refused_of
from harness.access.model import OBJECT_RIGHTS, Access
from harness.access.reading.permission_rows import object_rights
from harness.access.soql import among, equals, select
from harness.errors import OrgUnreachable
from harness.migration.planning import grants
from harness.migration.writing import writes
from harness.migration.writing.writes import Row, Write, WriteRefused
from harness.org.outcome import answer_of, lost, not_sent
from harness.org.reply import Answer

if TYPE_CHECKING:
    from harness.migration.context import Context

AT_ONCE = 25
"""Subrequests of one composite (facts 5.5)."""
_DEPENDS = "depends on permission"
_GOES_WITH_SET = "goes with the permission set"


class AssignedSet:
    """One permission set that is assigned to the user it is tried on."""

    def __init__(
        self, context: Context, set_id: str, masters: Mapping[str, Sequence[str]], dependencies: Dependencies
    ) -> None:
        self._context = context
        self._id = set_id
        self._masters = masters
        self._dependencies = dependencies
        self.answers: dict[Atom, str] = {}
        """The org's own words for each right that it refused."""

    def refused_rights(self, key: str, wanted: Iterable[Atom]) -> set[Atom]:
        """Which rights on objects are refused. What falls because something else is refused is not among them."""
        wanted = set(wanted)
        refused = self._refused_objects(key, wanted)
        self.answers |= {atom: refused[atom.object] for atom in wanted if atom.object in refused}
        reading = {atom for atom in wanted if atom.object in refused and atom.right == "read"}
        narrow = {atom for atom in wanted if atom.object in refused and atom.right != "read"}
        if not narrow:
            return reading
        unread = self._refused_objects(f"{key}/read", reading)
        whole = {atom for atom in wanted if atom.object in unread}
        return whole | self._refused_further(f"{key}/further", sorted(narrow - whole))

    def refused_system(self, key: str, groups: Iterable[Sequence[Atom]]) -> set[Atom]:
        """Which system permissions are refused; a group is what is expected to be accepted or refused together."""

        def asked(group: Sequence[Atom]) -> Row:
            needed = {need for atom in group for need in requirements(atom, self._dependencies)}
            names = sorted(atom.right for atom in {*group, *needed} if not atom.object)
            return {"id": self._id, **{f"Permissions{name}": True for name in names}}

        return self._refused_columns(key, "PermissionSet", groups, asked)

    def _refused_objects(self, key: str, wanted: Iterable[Atom]) -> dict[str, str]:
        """The objects whose row is refused for what it grants itself, each with the org's words."""
        columns = object_rights(self._context.admin)
        rows = grants.object_permissions(with_atoms(Access(), wanted), self._masters, columns)
        if not rows:
            return {}
        write = Write(
            key=key,
            operation="create",
            sobject="ObjectPermissions",
            summary=f"try {len(rows)} ObjectPermissions rows",
            natural_key={"ParentId": self._id},
            after={
                row["SobjectType"]: " ".join(sorted(name for name, on in row.items() if on is True)) for row in rows
            },
            inverse=_GOES_WITH_SET,
        )
        try:
            writes.create(self._context, write, [{"ParentId": self._id, **row} for row in rows])
        except WriteRefused as error:
            refused = [(row, why.message) for row, why in error.refused if _DEPENDS not in why.message]
            return {str(row["SobjectType"]): message for row, message in refused}
        return {}

    def _refused_further(self, key: str, atoms: Sequence[Atom]) -> set[Atom]:
        """Which further rights are refused on objects that may be read."""
        if not atoms:
            return set()
        where = f"{equals('ParentId', self._id)} AND {among('SobjectType', sorted({atom.object for atom in atoms}))}"
        rows = self._context.admin.query(select("ObjectPermissions", ("Id", "SobjectType"), where=where, order="Id"))
        ids = {str(row["SobjectType"]): str(row["Id"]) for row in rows}

        def asked(group: Sequence[Atom]) -> Row:
            [atom] = group
            needed = (need for need in requirements(atom, self._dependencies) if need.object == atom.object)
            return {"id": ids[atom.object], **{OBJECT_RIGHTS[each.right]: True for each in sorted({atom, *needed})}}

        return self._refused_columns(key, "ObjectPermissions", [[atom] for atom in atoms if atom.object in ids], asked)

    def _refused_columns(self, key: str, sobject: str, groups: Iterable[Sequence[Atom]], asked: Any) -> set[Atom]:
        fallen: set[Atom] = set()
        number = 0

        def accepts(some: Sequence[Sequence[Atom]]) -> Sequence[bool]:
            nonlocal number
            number += 1
            refused = self._update_all(f"{key}/{number}", sobject, [asked(group) for group in some])
            for index, message in refused.items():
                if len(some[index]) == 1 and _DEPENDS in message:
                    fallen.add(some[index][0])
                elif len(some[index]) == 1:
                    self.answers[some[index][0]] = message
            return [index not in refused for index in range(len(some))]

        return set(refused_of(groups, accepts, at_once=AT_ONCE)) - fallen

    def _update_all(self, key: str, sobject: str, rows: Sequence[Row]) -> dict[int, str]:
        """Update each row by itself, in one call; the indexes of those that were refused, each with the org's words."""
        names = sorted({name for row in rows for name in row if name != "id"})
        write = Write(
            key=key,
            operation="update",
            sobject=sobject,
            summary=f"try {len(names)} permissions in {len(rows)} groups",
            natural_key={"Id": str(rows[0]["id"])},
            after=dict.fromkeys(names, True),
            inverse=_GOES_WITH_SET,
        )

        def send(some: Sequence[Row]) -> Sequence[Answer]:
            return list(_updated(self._context, sobject, some))

        def look() -> Sequence[str | None]:
            return list(_standing(self._context, sobject, rows))

        try:
            writes.perform(self._context, write, rows, send=send, look=look)
        except WriteRefused as error:
            return {rows.index(row): why.message for row, why in error.refused}
        return {}


def _updated(context: Context, sobject: str, rows: Sequence[Row]) -> Iterator[Answer]:
    subrequests = [
        {
            "method": "PATCH",
            "url": f"sobjects/{sobject}/{row['id']}",
            "body": {name: value for name, value in row.items() if name != "id"},
        }
        for row in rows
    ]
    try:
        replies = context.admin.composite(subrequests, all_or_none=False)
    except OrgUnreachable as error:
        yield from lost(error.message, len(rows)) if error.may_have_happened else not_sent(len(rows))
        return
    for row, reply in zip(rows, replies, strict=True):
        yield answer_of(reply, record_id=str(row["id"]))


def _standing(context: Context, sobject: str, rows: Sequence[Row]) -> Iterator[str | None]:
    """For each row its id, where all that it grants is there."""
    names = sorted({name for row in rows for name in row if name != "id"})
    where = among("Id", sorted({str(row["id"]) for row in rows}))
    found = {str(row["Id"]): row for row in context.admin.query(select(sobject, ("Id", *names), where=where))}
    for row in rows:
        now = found.get(str(row["id"]), {})
        yield str(row["id"]) if all(now.get(name) for name in row if name != "id") else None
