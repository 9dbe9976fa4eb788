"""Deleted rows: bringing them back, and throwing them away for good (SOAP API guide, undelete(), emptyRecycleBin()).

A row comes back with those of its details that are deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.ids import long_id
from harness.sandbox.schema import SObject
from harness.sandbox.store import Row, soft_deletes

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg


def undelete(org: SandboxOrg, record_id: str, *, as_user: str) -> str:
    """Bring a row back; its id. Raises ApiError: MALFORMED_ID, UNDELETE_FAILED, INSUFFICIENT_ACCESS_OR_READONLY."""
    with org.transaction():
        sobject, row = _deleted(org, record_id, as_user)
        _bring_back(org, sobject, row, as_user)
    return str(row["Id"])


def throw_away(org: SandboxOrg, record_id: str, *, as_user: str) -> str:
    """Take a deleted row out of the recycle bin; its id. Raises the same."""
    with org.transaction():
        sobject, row = _deleted(org, record_id, as_user)
        org.purge(sobject.name, row["Id"])
    return str(row["Id"])


def _deleted(org: SandboxOrg, record_id: str, user_id: str) -> tuple[SObject, Row]:
    known = long_id(record_id)
    sobject = org.schema.of_prefix(record_id[:3])
    if known is None or sobject is None:
        raise ApiError(400, "MALFORMED_ID", f"bad id {record_id}")
    row = org.store.get(sobject, known, deleted=True) if soft_deletes(sobject) else None
    if row is None or not row.get("IsDeleted"):
        raise invalid("UNDELETE_FAILED", "Entity is not in the recycle bin")
    if not org.permissions_of(user_id).can(sobject, "delete"):
        raise org.dml.insufficient_access()
    return sobject, row


def _bring_back(org: SandboxOrg, sobject: SObject, row: Row, user_id: str) -> None:
    org.write_changes(sobject, row, {"IsDeleted": 0}, user_id)
    for child, field in org.relations.referring(sobject):
        for one in org.store.select(child, {field.name: row["Id"]}, deleted=True) if field.master_detail else ():
            if one.get("IsDeleted"):
                _bring_back(org, child, one, user_id)
