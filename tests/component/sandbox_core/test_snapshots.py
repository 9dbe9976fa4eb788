"""Snapshots of a whole org, in memory and in a file, and what a restore brings back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import open_org


@pytest.fixture(params=["memory", "file"])
def org(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SandboxOrg]:
    org = open_org("demo", state=tmp_path / "org.db" if request.param == "file" else None)
    yield org
    org.close()


def admin_of(org: SandboxOrg) -> str:
    return str(next(user for user in org.rows("User") if user["Username"].startswith("admin"))["Id"])


def test_a_restore_brings_back_rows_ids_time_and_sessions(org: SandboxOrg) -> None:
    admin = admin_of(org)
    token = identity.sign_in(org, org.rows("User", Id=admin)[0], identity.Login(type="Test", application="Test")).token
    org.create("Account", {"Name": "Before"}, as_user=admin)
    time, accounts = org.clock.peek(), org.query("SELECT Id, Name FROM Account", as_user=admin).records
    kept = org.snapshot()
    first = org.create("Account", {"Name": "After"}, as_user=admin)
    org.clock.advance(3600)
    identity.end_session(org, token)
    org.restore(kept)
    assert org.query("SELECT Id, Name FROM Account", as_user=admin).records == accounts
    assert org.clock.peek() == time
    assert org.create("Account", {"Name": "After"}, as_user=admin) == first
    assert identity.session_of(org, token) is not None


def test_a_restore_brings_back_permissions(org: SandboxOrg) -> None:
    robot = next(user for user in org.rows("User") if not org.permissions_of(user["Id"]).has("ModifyAllData"))["Id"]
    before = org.permissions_of(robot).system
    kept = org.snapshot()
    profile = org.rows("PermissionSet", ProfileId=org.permissions_of(robot).profile_id)[0]
    org.update_row("PermissionSet", profile["Id"], {"PermissionsModifyAllData": True})
    assert org.permissions_of(robot).system != before
    org.restore(kept)
    assert org.permissions_of(robot).system == before


def test_a_restored_file_is_what_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    org = open_org("demo", state=path)
    kept = org.snapshot()
    org.create("Account", {"Name": "Undone"}, as_user=admin_of(org))
    org.restore(kept)
    org.create("Account", {"Name": "Kept"}, as_user=admin_of(org))
    org.close()
    again = open_org("demo", state=path)
    names = {row["Name"] for row in again.rows("Account")}
    again.close()
    assert "Kept" in names
    assert "Undone" not in names


def test_no_snapshot_inside_a_transaction(org: SandboxOrg) -> None:
    kept = org.snapshot()
    with org.transaction():
        with pytest.raises(RuntimeError, match="transaction"):
            org.store.snapshot()
        with pytest.raises(RuntimeError, match="transaction"):
            org.restore(kept)
