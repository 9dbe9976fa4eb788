"""Share rows that follow from owners, sharing rules and implicit access, made when somebody queries a share object.

Access itself does not depend on them: it is worked out of the same owners and rules.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.ids import checksum
from harness.sandbox.objects.sharing import DERIVED_CAUSES, level_column, parent_column
from harness.sandbox.schema import SObject
from harness.sandbox.sharing.circles import CHILD_ACCESS, group_name
from harness.sandbox.sharing.levels import organization_level
from harness.sandbox.sharing.rows import CHILDREN, has_own_sharing
from harness.sandbox.store import quote

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Share = tuple[str, str, str, str]
"""The shared row, the user or group, Read, Edit or All, and the RowCause."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_POD = "Rh1"
"""Characters 4 to 6 of the ids: ids in sequence have others."""
_PEOPLE = frozenset({"Group", "GroupMember", "User", "UserRole", "RecordType"})
_ORDER = ("Read", "Edit", "All")


class DerivedShares:
    """Keeps the derived rows in the share objects of one org."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self._versions: dict[str, int] = {}
        self._made: dict[str, tuple[int, ...]] = {}

    def row_changed(self, name: str) -> None:
        """A row of an object was written."""
        self._versions[name] = self._versions.get(name, 0) + 1

    def forget_everything(self) -> None:
        """After a rollback or another state."""
        self._made.clear()

    def refresh(self, share: SObject) -> None:
        """Bring a share object up to date before it is read."""
        shared = self._org.schema.get(share.share_of or "")
        assert shared is not None
        depends_on = sorted({shared.name, "Account", *CHILDREN} | _PEOPLE)
        key = tuple(self._versions.get(one, 0) for one in depends_on)
        if self._made.get(share.name) == key:
            return
        with self._org.transaction():
            self._replace(share, shared)
        self._made[share.name] = key

    def _replace(self, share: SObject, shared: SObject) -> None:
        store = self._org.store
        for one in (share, shared):
            store.ensure(one)
        causes = ", ".join(f"'{one}'" for one in DERIVED_CAUSES)
        store.execute(f'DELETE FROM {quote(share.name)} WHERE "RowCause" IN ({causes})')
        found: dict[tuple[str, str, str], str] = {}
        for row, whom, level, cause in self._shares(shared):
            before = found.get((row, whom, cause))
            if before is None or _ORDER.index(level) > _ORDER.index(before):
                found[row, whom, cause] = level
        same = self._same_for_all(shared)
        for (row, whom, cause), level in found.items():
            columns = {
                parent_column(shared): row,
                "UserOrGroupId": whom,
                "RowCause": cause,
                level_column(shared): level,
            }
            store.insert(share, {"Id": _share_id(share.key_prefix, row, whom, cause), **same, **columns})

    def _same_for_all(self, shared: SObject) -> dict[str, Any]:
        system = self._org.store.execute('SELECT min("Id") FROM "User"').fetchone()[0]
        same = {"LastModifiedDate": wire_datetime(self._org.clock.peek()), "LastModifiedById": system}
        if shared.name == "Account":
            for child in CHILD_ACCESS:
                sobject = self._org.schema.get(child)
                level = organization_level(sobject.sharing) if sobject is not None else "None"
                same[f"{child}AccessLevel"] = {"ReadEditTransfer": "Edit", "ControlledByParent": "Read"}.get(
                    level, level
                )
        return same

    def _shares(self, shared: SObject) -> Iterator[Share]:
        for row, owner in self._query(f'SELECT "Id", "OwnerId" FROM {quote(shared.name)} WHERE "IsDeleted" = 0'):
            if owner:
                yield row, owner, "All", "Owner"
        yield from self._of_rules(shared)
        if shared.name == "Account":
            yield from self._of_children()
        elif shared.name in CHILD_ACCESS and has_own_sharing(shared):
            yield from self._of_accounts(shared)

    def _of_rules(self, shared: SObject) -> Iterator[Share]:
        groups = {group_name(row): str(row["Id"]) for row in self._org.rows("Group")}
        for rule in self._org.schema.sharing_rules.get(shared.name.lower(), ()):
            whom = [groups[one] for one in rule.shared_to if one in groups]
            if whom:
                for row in self._org.sharing.rows_of_rule(shared, rule):
                    yield from ((row, one, rule.level, "Rule") for one in whom)

    def _of_children(self) -> Iterator[Share]:
        """Owners of children, and those with whom children were shared, read the account."""
        for name in CHILDREN:
            child = self._org.schema.get(name)
            if child is None or not has_own_sharing(child):
                continue
            self._org.store.ensure(child)
            rows = self._query(
                'SELECT DISTINCT a."Id", c."OwnerId" FROM "Account" a '
                f'JOIN {quote(name)} c ON c."AccountId" = a."Id" AND c."IsDeleted" = 0 '
                'WHERE a."IsDeleted" = 0 AND c."OwnerId" <> a."OwnerId"'
            )
            yield from ((row, whom, "Read", "ImplicitParent") for row, whom in rows)

    def _of_accounts(self, shared: SObject) -> Iterator[Share]:
        """Owners of accounts have what their role says on the accounts' children."""
        for name in ("Account", "UserRole"):
            sobject = self._org.schema.get(name)
            if sobject is None:
                return
            self._org.store.ensure(sobject)
        column = quote(CHILD_ACCESS[shared.name])
        yield from (
            (row, owner, level, "ImplicitChild")
            for row, owner, level in self._query(
                f'SELECT c."Id", a."OwnerId", r.{column} FROM {quote(shared.name)} c '
                'JOIN "Account" a ON a."Id" = c."AccountId" JOIN "User" u ON u."Id" = a."OwnerId" '
                'JOIN "UserRole" r ON r."Id" = u."UserRoleId" '
                f'WHERE c."IsDeleted" = 0 AND c."OwnerId" <> a."OwnerId" AND r.{column} IN (\'Read\', \'Edit\')'
            )
        )

    def _query(self, sql: str) -> list[Any]:
        return self._org.store.execute(sql).fetchall()


def _share_id(prefix: str, row: str, whom: str, cause: str) -> str:
    """An id that the same share has again when it is made again."""
    number = int.from_bytes(hashlib.blake2b(f"{row}{whom}{cause}".encode(), digest_size=8).digest(), "big")
    digits = ""
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    id15 = f"{prefix}{_POD}{digits}"
    return id15 + checksum(id15)
