"""UserRecordAccess: what one user may do with some rows, worked out when it is asked (Object Reference)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.errors import ApiError
from harness.sandbox.ids import long_id, make_id
from harness.sandbox.objects.sharing import is_shareable
from harness.sandbox.schema import SObject
from harness.sandbox.sharing.levels import is_by_parent
from harness.sandbox.soql import syntax

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

RECORD_ACCESS = "UserRecordAccess"
MOST_RECORDS = 200

_FLAGS = ("HasReadAccess", "HasEditAccess", "HasDeleteAccess", "HasTransferAccess", "HasAllAccess")
_LEVELS = ("Read", "Edit", "Delete", "Transfer", "All")
_SELECTABLE = frozenset(one.lower() for one in ("RecordId", "MaxAccessLevel", *_FLAGS))


class RecordAccess:
    """Fills the table that a query of UserRecordAccess then reads."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org

    def fill(self, query: syntax.Query, access: EffectiveAccess) -> None:
        """Put in the rows that the query asks about. Raises ApiError for a query that the platform refuses."""
        user_id, record_ids = _asked(query)
        sobject = self._org.schema.get(RECORD_ACCESS)
        assert sobject is not None
        with self._org.transaction():
            self._org.store.ensure(sobject)
            self._org.store.execute(f'DELETE FROM "{RECORD_ACCESS}"')  # noqa: S608 - a constant
            for number, (record_id, flags) in enumerate(self._answers(user_id, record_ids, access), start=1):
                highest = max((place for place, flag in enumerate(flags, start=1) if flag), default=0)
                row = {
                    "Id": make_id(sobject.key_prefix, number),
                    "UserId": user_id,
                    "RecordId": record_id,
                    "MaxAccessLevel": ("None", *_LEVELS)[highest],
                }
                self._org.store.insert(sobject, row | {name: int(one) for name, one in zip(_FLAGS, flags, strict=True)})

    def _answers(
        self, user_id: str, record_ids: list[str], asker: EffectiveAccess
    ) -> Iterator[tuple[str, tuple[bool, ...]]]:
        """The rows that the asker sees, each with what the user may do. Others are left out."""
        by_object: dict[str, list[str]] = {}
        for record_id in record_ids:
            by_object.setdefault(record_id[:3], []).append(record_id)
        for prefix, ids in by_object.items():
            sobject = self._org.schema.of_prefix(prefix)
            if sobject is None or not (is_shareable(sobject) or is_by_parent(sobject) or _is_owned(sobject)):
                continue
            present = [row["Id"] for row in self._org.select(sobject, {"Id": ids})]
            if not asker.can(sobject, "read"):
                continue
            seen = self._org.sharing.reached(sobject, present, asker, level="read")
            yield from self._of(sobject, sorted(seen), self._org.permissions_of(user_id))

    def _of(self, sobject: SObject, ids: list[str], access: EffectiveAccess) -> Iterator[tuple[str, tuple[bool, ...]]]:
        sharing = self._org.sharing
        can = {right: access.can(sobject, right) for right in ("read", "edit", "delete")}
        read = sharing.reached(sobject, ids if can["read"] else [], access, level="read")
        edit = sharing.reached(sobject, read if can["edit"] else [], access, level="edit")
        full = sharing.reached(sobject, read, access, level="full")
        for one in ids:
            transfer = one in edit and sharing.transfers(sobject, one, access)
            delete = can["delete"] and one in full
            everything = one in full and one in edit and delete and transfer
            yield one, (one in read, one in edit, delete, transfer, everything)


def _is_owned(sobject: SObject) -> bool:
    return not sobject.setup and sobject.get("OwnerId") is not None


def _asked(query: syntax.Query) -> tuple[str, list[str]]:
    """The user and the records of a query."""
    _check_fields(query)
    user_id, record_ids = None, None
    filtered = False
    for one in _conditions(query.where):
        name = one.operand.text.lower() if isinstance(one.operand, syntax.Path) else ""
        if name == "userid" and isinstance(one, syntax.Comparison) and one.operator == "=":
            user_id = _id(one.value)
        elif name == "recordid":
            record_ids = _record_ids(one)
        elif name.startswith("has"):
            filtered = True
        else:
            raise _refused(f"{name or 'this'} can not be filtered in a query of UserRecordAccess")
    if user_id is None or record_ids is None:
        raise _refused("A query of UserRecordAccess must filter by one UserId and by RecordId")
    if filtered and any(name != "recordid" for name in _selected(query)):
        raise _fields_refused()
    if len(record_ids) > MOST_RECORDS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"Number of records exceeds limit: {MOST_RECORDS}")
    return user_id, record_ids


def _check_fields(query: syntax.Query) -> None:
    names = _selected(query)
    if "count()" in names:
        return
    if "recordid" not in names or any(name not in _SELECTABLE for name in names):
        raise _fields_refused()


def _selected(query: syntax.Query) -> list[str]:
    found = []
    for item in query.select:
        if not isinstance(item, syntax.Selected):
            raise _fields_refused()
        operand = item.operand
        found.append(operand.parts[-1].lower() if isinstance(operand, syntax.Path) else f"{operand.name}()")
    return found


def _conditions(where: syntax.Condition | None) -> Iterator[syntax.Comparison | syntax.Membership]:
    """The conditions that must all be met; there may be no others."""
    if isinstance(where, syntax.Joined) and where.word == "AND":
        for item in where.items:
            yield from _conditions(item)
    elif isinstance(where, (syntax.Comparison, syntax.Membership)):
        yield where
    elif where is not None:
        raise _refused("UserRecordAccess can only be filtered by conditions joined with AND")


def _record_ids(one: syntax.Comparison | syntax.Membership) -> list[str]:
    literals: tuple[syntax.Literal, ...] = ()
    if isinstance(one, syntax.Comparison) and one.operator == "=":
        literals = (one.value,)
    elif isinstance(one, syntax.Membership) and not (one.negated or isinstance(one.members, syntax.Query)):
        literals = one.members
    if not literals:
        raise _refused("RecordId of UserRecordAccess can only be filtered with = and IN")
    return list(dict.fromkeys(_id(literal) for literal in literals))


def _id(literal: syntax.Literal) -> str:
    text = str(literal.value)
    return long_id(text) or text


def _fields_refused() -> ApiError:
    return ApiError(400, "INVALID_FIELD", "Can select only RecordId, a Has*Access field, and MaxAccessLevel")


def _refused(text: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", text)
