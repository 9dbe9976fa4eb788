"""What sharing refuses of a write: rows out of reach, owners that cannot be, shares by those who may not share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.errors import ApiError, invalid, not_found
from harness.sandbox.objects.sharing import MANUAL, parent_column, share_of
from harness.sandbox.schema import SObject
from harness.sandbox.sharing.levels import Level
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg


class SharingGuard:
    """Checks what a user writes in one org. All checks raise ApiError."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org

    def unseen(self, record_id: str) -> ApiError:
        """The refusal of a write to a row that is there, but not for this user: see `Switches`."""
        if self._org.switches.unseen_row_write == "not-found":
            return not_found()
        return cross_reference(record_id)

    def check_create(self, sobject: SObject, columns: Mapping[str, Any], access: EffectiveAccess) -> None:
        """Check a new row: who may own it, and of a share whether the user may share what it shares."""
        if sobject.share_of:
            self._check_sharer(sobject, columns, access)
        owner = columns.get("OwnerId")
        if owner and owner != access.user_id and not sobject.setup:
            self._check_owner(sobject, str(owner))

    def check_update(self, sobject: SObject, row: Row, columns: Mapping[str, Any], access: EffectiveAccess) -> None:
        """Check changes of a row that the user may edit: who is to own it."""
        owner = columns.get("OwnerId")
        if owner and owner != row.get("OwnerId") and not sobject.setup:
            if not self._org.sharing.transfers(sobject, row["Id"], access):
                raise self._org.dml.insufficient_access()
            self._check_owner(sobject, str(owner))

    def owner_changed(self, sobject: SObject, before: Row, after: Row) -> None:
        """Manual shares end with the ownership they came from (Salesforce Help, "Manual Sharing")."""
        share = share_of(self._org.schema, sobject)
        if share is None or before.get("OwnerId") == after.get("OwnerId"):
            return
        for row in self._org.select(share, {parent_column(sobject): after["Id"], "RowCause": MANUAL}):
            self._org.write_removal(share, row)

    def group_removed(self, group_id: str) -> None:
        """What was shared with a group is no longer."""
        for sobject in self._org.schema:
            share = share_of(self._org.schema, sobject)
            if share is not None:
                for row in self._org.select(share, {"UserOrGroupId": group_id}):
                    self._org.write_removal(share, row)

    def check_reach(self, sobject: SObject, row: Row, access: EffectiveAccess, level: Level) -> None:
        """Check that a row which the user sees may be changed (`edit`) or deleted (`full`)."""
        if sobject.setup:
            return
        if sobject.share_of:
            parent, parent_id = self._shared(sobject, row)
            within = row.get("RowCause") == MANUAL and self._org.sharing.reaches(
                parent, parent_id, access, level="full"
            )
        else:
            within = self._org.sharing.reaches(sobject, row["Id"], access, level=level)
        if not within:
            raise self._org.dml.insufficient_access()

    def _check_sharer(self, share: SObject, columns: Mapping[str, Any], access: EffectiveAccess) -> None:
        """Only an owner, somebody above or an administrator may share."""
        parent, parent_id = self._shared(share, columns)
        owner = self._org.peek(parent.name, parent_id, "OwnerId")
        if owner == columns.get("UserOrGroupId") or not self._org.sharing.reaches(
            parent, parent_id, access, level="full"
        ):
            raise cross_reference(parent_id)

    def _shared(self, share: SObject, columns: Mapping[str, Any]) -> tuple[SObject, str]:
        parent = self._org.schema.get(share.share_of or "")
        assert parent is not None
        return parent, str(columns[parent_column(parent)])

    def _check_owner(self, sobject: SObject, owner: str) -> None:
        if owner.startswith("005"):
            if not self._org.permissions_of(owner).can(sobject, "read"):
                raise invalid("TRANSFER_REQUIRES_READ", "The new owner must have read permission", "OwnerId")
        elif self._org.schema.get("QueueSobject") and not self._org.rows(
            "QueueSobject", QueueId=owner, SobjectType=sobject.name
        ):
            raise invalid("INVALID_OPERATION", "Queue not associated with this SObject type", "OwnerId")


def cross_reference(record_id: str) -> ApiError:
    """The refusal of a row that the user may not reach through another, or by its id."""
    text = f"insufficient access rights on cross-reference id: {record_id[:15]}"
    return ApiError(400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text, [])
