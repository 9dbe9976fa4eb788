"""What it costs to write and to read 500 object and 20,000 field permissions: figures of the report, and promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.access.model import Access
from harness.access.reading.holdings import read_holdings
from harness.migration.planning import grants
from harness.org.connection import Connection
from harness.org.guard import WriteCapability, prove_sandbox
from harness.sandbox.org import SandboxOrg
from tests.bench.wide import USER, open_wide_org, wide_access

from .conftest import Room

ADMIN = "admin@acme.example"
OpenRoom = Callable[[SandboxOrg], Room]


def fill(admin: Connection, access: Access, user_id: str) -> int:
    """A permission set with this access, assigned, as the grant stage writes it; how many writes were refused."""
    row = grants.permission_set(name="Wide", label="Wide", description="Wide", carried=access)
    parent = str(admin.create("PermissionSet", row).id)
    answers = [admin.create("PermissionSetAssignment", {"AssigneeId": user_id, "PermissionSetId": parent})]
    for sobject, rows in (
        ("ObjectPermissions", grants.object_permissions(access, {})),
        ("FieldPermissions", grants.field_permissions(access)),
    ):
        for _, some in grants.numbered(sobject, rows):
            answers += admin.create_many(sobject, [{"ParentId": parent, **one} for one in some])
    return sum(not answer.ok for answer in answers)


@pytest.mark.long
def test_20_500_permission_rows_are_written_in_25_calls_and_read_in_20(open_room: OpenRoom, tmp_path: Path) -> None:
    room = open_room(open_wide_org(tmp_path / "wide"))
    admin, access = room.connect(ADMIN), wide_access()
    assert (len(access.objects), len(access.fields)) == (500, 20_000)
    user = room.user(admin, USER)
    proof = prove_sandbox(admin, admin.site)
    with room.guard.grant(proof, WriteCapability(proof.org_id, "0" * 12, "grant")):
        before = room.calls
        assert fill(admin, access, user.id) == 0
        written = room.calls - before
    assert written <= 25

    reader = room.connect(ADMIN)
    before = room.calls
    found = read_holdings(reader, user)
    read = room.calls - before
    assert found.pages == 11 + (1 if found.setup_ids else 0)
    assert read <= min(found.pages + 5, 20)
    [wide] = [source for source in found.sources if source.name == "Wide"]
    assert wide.access.objects == access.objects
    assert wide.access.fields == access.fields
