"""Create, update, delete and upsert as a user, with every check of the platform and its refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.errors import ApiError, entity_is_deleted, invalid, not_found
from harness.sandbox.ids import long_id
from harness.sandbox.rules.base import Rules
from harness.sandbox.schema import Field, SObject
from harness.sandbox.store import Row
from harness.sandbox.writing.incoming import Incoming, check_complete, check_kept, more_than_one
from harness.sandbox.writing.values import to_column

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Values = dict[str, Any]

_MIXED = frozenset(
    {
        "AuthSession",
        "FieldPermissions",
        "Group",
        "GroupMember",
        "ObjectPermissions",
        "PermissionSet",
        "PermissionSetAssignment",
        "QueueSobject",
        "SetupEntityAccess",
        "User",
        "UserPackageLicense",
        "UserRole",
    }
)
"""May not share a transaction with ordinary objects (Apex guide, "sObjects That Can't Be Used Together")."""
_MIXED_USER_FIELDS = frozenset(
    {"UserRoleId", "IsActive", "ForecastEnabled", "IsPortalEnabled", "Username", "ProfileId"}
)

_GRANTED_UNSEEN = frozenset({"FieldPermissions", "ObjectPermissions"})
"""Whoever may grant a permission may change and take it back, too: queries alone leave out the rows about what the
caller does not see."""


class Dml:
    """Writes to one org. The caller holds the org's lock."""

    def __init__(self, org: SandboxOrg, rules: Mapping[str, Rules]) -> None:
        self._org = org
        self._rules = rules
        self._plain = Rules(org)
        self._incoming = Incoming(org)
        self._kinds: set[str] = set()
        self._setup_objects: set[str] = set()
        self._first = ""
        self._users: list[str] = []

    def use(self, rules: Mapping[str, Rules]) -> None:
        """Use other rules: the schema has changed."""
        self._rules = rules

    def end_transaction(self) -> None:
        """Forget which sorts of objects the transaction wrote."""
        self._kinds.clear()
        self._setup_objects.clear()

    @property
    def acting(self) -> bool:
        """Whether a user's write is under way, and not one of the system."""
        return bool(self._users)

    @property
    def user_id(self) -> str | None:
        """The user whose write is under way."""
        return self._users[-1] if self._users else None

    @contextmanager
    def _transaction(self, access: EffectiveAccess) -> Iterator[None]:
        self._users.append(access.user_id)
        try:
            with self._org.transaction():
                yield
        finally:
            self._users.pop()

    # The four calls

    def create(self, name: str, values: Mapping[str, Any], access: EffectiveAccess) -> str:
        """A new row; its id."""
        sobject = self._object(name, access)
        self._check_right(sobject, "create", access)
        with self._transaction(access):
            columns = self._incoming.columns(sobject, values, access, "create")
            self._org.record_types.fill(sobject, columns, access, new=True)
            rules = self._rules.get(sobject.name, self._plain)
            rules.fill(columns)
            check_complete(sobject, columns)
            self._check_references(sobject, columns, access)
            self._org.sharing_guard.check_create(sobject, columns, access)
            self._check_unique(sobject, columns, None, rules)
            self._check_mixed(sobject, None)
            self._default_owner(sobject, columns, access)
            standing = rules.standing(columns)
            if standing is not None:
                return standing
            rules.before_create(columns)
            self._org.duplicates.check(sobject, columns, access, new=True)
            row = self._org.write_new(sobject, columns, access.user_id)
            rules.after_create(row)
            return str(row["Id"])

    def update(self, name: str, record_id: str, values: Mapping[str, Any], access: EffectiveAccess) -> None:
        """Change fields of a row."""
        sobject = self._object(name, access)
        row = self._row(sobject, record_id, access)
        self._check_right(sobject, "edit", access)
        self._org.sharing_guard.check_reach(sobject, row, access, "edit")
        with self._transaction(access):
            columns = self._incoming.columns(sobject, values, access, "update")
            self._org.record_types.fill(sobject, columns, access, new=False)
            check_kept(sobject, columns)
            self._check_references(sobject, columns, access)
            self._org.sharing_guard.check_update(sobject, row, columns, access)
            rules = self._rules.get(sobject.name, self._plain)
            self._check_unique(sobject, columns, row["Id"], rules)
            self._check_mixed(sobject, columns)
            rules.before_update(row, columns)
            if self._org.duplicates.concerns(sobject, columns):
                self._org.duplicates.check(sobject, {**row, **columns}, access, new=False)
            after = self._org.write_changes(sobject, row, columns, access.user_id)
            rules.after_update(row, after)
            self._org.sharing_guard.owner_changed(sobject, row, after)

    def delete(self, name: str, record_id: str, access: EffectiveAccess) -> None:
        """Delete a row, its details with it."""
        sobject = self._object(name, access)
        row = self._row(sobject, record_id, access)
        self._check_right(sobject, "delete", access)
        self._org.sharing_guard.check_reach(sobject, row, access, "full")
        with self._transaction(access):
            self._check_mixed(sobject, None)
            rules = self._rules.get(sobject.name, self._plain)
            rules.before_delete(row)
            self._org.write_removal(sobject, row)
            rules.after_delete(row)

    def upsert(
        self, name: str, key_field: str, key: str, values: Mapping[str, Any], access: EffectiveAccess
    ) -> tuple[str, bool]:
        """Update the row with that key, or create it; its id, and whether it was created."""
        sobject = self._object(name, access)
        field = sobject.get(key_field)
        if field is None or not (field.external_id or field.name == "Id") or not access.can_read_field(sobject, field):
            text = f"Provided external ID field does not exist or is not accessible: {key_field}"
            raise ApiError(404, "NOT_FOUND", text)
        if any(one.lower() == field.name.lower() for one in values):
            raise ApiError(400, "INVALID_FIELD", f"The {field.name} field should not be specified in the sobject data.")
        found = self._org.select(sobject, {field.name: to_column(field, key)})
        if len(found) > 1:
            raise more_than_one(field, [str(row["Id"]) for row in found])
        if found:
            self.update(name, found[0]["Id"], values, access)
            return found[0]["Id"], False
        if field.name == "Id":
            raise not_found()
        return self.create(name, {**values, field.name: key}, access), True

    # Objects and rows

    def _object(self, name: str, access: EffectiveAccess) -> SObject:
        sobject = self._org.schema.get(name)
        if sobject is None or sobject.tooling or not access.can(sobject, "read"):
            raise not_found()
        return sobject

    def _row(self, sobject: SObject, record_id: str, access: EffectiveAccess) -> Row:
        found = long_id(record_id)
        label = (sobject.get("Id") or Field(name="Id", type="id", label=f"{sobject.label} ID")).label
        if found is None:
            raise invalid("MALFORMED_ID", f"{label}: id value of incorrect type: {record_id}", "Id")
        if sobject.key_prefix and found[:3] not in (sobject.key_prefix, "000"):
            raise invalid("MALFORMED_ID", f"{label}: id value of incorrect type: {record_id}", "Id")
        row = self._org.store.get(sobject, found)
        if row is None:
            raise entity_is_deleted() if self._org.ids.was_given(found) else _no_such_row()
        if sobject.name in _GRANTED_UNSEEN:
            return row
        if not self._org.sharing.reaches(sobject, found, access, level="read"):
            raise self._org.sharing_guard.unseen(found)
        return row

    def _check_right(self, sobject: SObject, right: str, access: EffectiveAccess) -> None:
        if self.may(sobject, right, access):
            return
        of_row = right == "delete" and self._org.switches.delete_refusal == "insufficient-access"
        if _possible(sobject, right) and (sobject.setup or of_row):
            raise self.insufficient_access()
        word = {"create": "inserted", "edit": "updated", "delete": "deleted"}[right]
        text = f"entity type cannot be {word}: {sobject.label}"
        raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text, [])

    def may(self, sobject: SObject, right: str, access: EffectiveAccess) -> bool:
        """Whether the user may create, edit or delete rows of an object at all."""
        if not _possible(sobject, right):
            return False
        if not sobject.setup:
            return access.can(sobject, right)
        needs = self._rules[sobject.name].write_needs if sobject.name in self._rules else ()
        return access.has(*needs) and access.has(*sobject.write_needs_any_of)

    def insufficient_access(self) -> ApiError:
        """The refusal of a row that the user sees and may not write."""
        status = self._org.switches.insufficient_access_status
        return ApiError(status, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [])

    # Fields

    def _default_owner(self, sobject: SObject, columns: Values, access: EffectiveAccess) -> None:
        if sobject.get("OwnerId") and not columns.get("OwnerId"):
            columns["OwnerId"] = access.user_id

    def _check_references(self, sobject: SObject, columns: Values, access: EffectiveAccess) -> None:
        for name, value in columns.items():
            field = sobject.get(name)
            if value is None or field is None or not field.reference_to or field.type != "reference":
                continue
            target = self._org.schema.of_prefix(value[:3])
            if "EntityDefinition" in field.reference_to or (target is None and value[:3] == "01I"):
                continue
            if target is None or target.name not in field.reference_to:
                raise invalid("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", field.name)
            if not self._org.store.exists(target, value):
                raise self._missing(field, value)
            if field.name == "OwnerId" and self._is_shut(value, access):
                text = f"operation performed with inactive user [{value[:15]}] as owner of {sobject.label.lower()}"
                raise invalid("INACTIVE_OWNER_OR_USER", text, "OwnerId")
            if field.name == "RecordTypeId":
                self._org.record_types.check(sobject, value, access)
            elif not (target.setup or self._sees(target, value, access)):
                text = f"insufficient access rights on cross-reference id: {value[:15]}"
                raise ApiError(400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text, [])

    def _missing(self, field: Field, value: str) -> ApiError:
        """The refusal of a reference to a row that is not there, or is deleted."""
        if self._org.ids.was_given(value) and field.name != "RecordTypeId":
            return invalid("ENTITY_IS_DELETED", "entity is deleted")
        return _bad_reference(field, value)

    def _is_shut(self, owner_id: str, access: EffectiveAccess) -> bool:
        """Whether a user may not own rows: an inactive one, but for whoever may update records with inactive owners."""
        return self._org.peek("User", owner_id, "IsActive") == 0 and not access.has("UpdateWithInactiveOwner")

    def _sees(self, sobject: SObject, record_id: str, access: EffectiveAccess) -> bool:
        return access.can(sobject, "read") and self._org.sharing.reaches(sobject, record_id, access, level="read")

    def _check_unique(self, sobject: SObject, columns: Values, own_id: str | None, rules: Rules) -> None:
        for name, value in columns.items():
            field = sobject.get(name)
            if field is None or not field.unique or value is None:
                continue
            others = [
                row["Id"]
                for row in self._org.select(sobject, {field.name: value})
                if row["Id"] != own_id and (not field.case_sensitive or row[field.name] == value)
            ]
            if others:
                raise rules.duplicate(field, others[0])

    # Mixed DML

    def _check_mixed(self, sobject: SObject, changes: Values | None) -> None:
        """Refuse to write setup objects and others together; `changes` are those of an update."""
        kind = self._kind(sobject, changes)
        if kind is None:
            return
        if self._kinds - {kind} and self._org.switches.mixed_dml:
            raise self._mixed(sobject, *(("non-setup", "setup") if kind == "setup" else ("setup", "non-setup")))
        if kind == "setup":
            if self._setup_objects - {sobject.name} and not self._org.switches.setup_objects_together:
                raise self._mixed(sobject, "setup", "setup")
            self._setup_objects.add(sobject.name)
        if not self._kinds:
            self._first = sobject.name
        self._kinds.add(kind)

    def _mixed(self, sobject: SObject, first: str, second: str) -> ApiError:
        """The refusal of an object whose sort the transaction may not write any more."""
        text = (
            f"DML operation on {second} object is not permitted after you have updated a {first} object "
            f"(or vice versa): {sobject.name}, original object: {self._first}"
        )
        return ApiError(400, "MIXED_DML_OPERATION", text, [])

    def _kind(self, sobject: SObject, changes: Values | None) -> str | None:
        if sobject.name not in _MIXED:
            return None if sobject.setup else "ordinary"
        if sobject.name == "User" and changes is not None and _MIXED_USER_FIELDS.isdisjoint(changes):
            return None
        return "setup"


def _possible(sobject: SObject, right: str) -> bool:
    return {"create": sobject.createable, "edit": sobject.updateable, "delete": sobject.deletable}[right]


def _no_such_row() -> ApiError:
    """The refusal of an id that never was (recorded of a delete)."""
    return ApiError(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])


def _bad_reference(field: Field, value: str) -> ApiError:
    if field.name == "RecordTypeId":
        text = f"{field.label}: this ID value isn't valid for the user: {value}"
        return invalid("INVALID_CROSS_REFERENCE_KEY", text, field.name)
    return invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
