"""The rows of the migration's permission set."""

from __future__ import annotations

from harness.access.model import OBJECT_RIGHTS, Access
from harness.migration.planning.grants import object_permissions


def test_a_column_that_the_org_does_not_have_is_not_sent() -> None:
    access = Access(objects={"Account": frozenset({"read"})})
    [row] = object_permissions(access, {})
    assert row["PermissionsViewAllFields"] is False
    before_63 = {right: column for right, column in OBJECT_RIGHTS.items() if right != "view-all-fields"}
    [row] = object_permissions(access, {}, before_63)
    assert "PermissionsViewAllFields" not in row
    assert row["PermissionsRead"] is True
