"""The metadata of a real org, when it is at hand."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.sandbox.source import open_org
from harness.sandbox.source.dx import read_project

REAL_ORG = Path(__file__).parents[4] / "shared" / "orgs" / "gsa-workspace"
pytestmark = pytest.mark.skipif(not REAL_ORG.is_dir(), reason=f"no real org's metadata in {REAL_ORG}")


def test_all_of_its_metadata_is_read() -> None:
    started = time.process_time()
    project = read_project(REAL_ORG)
    seconds = time.process_time() - started
    print(f"read in {seconds:.1f} s of processor time")  # noqa: T201 - a figure that is asked for
    assert len(project.objects) == 303
    assert sum(len(one.fields) for one in project.objects.values()) == 7015
    assert sum(len(one.record_types) for one in project.objects.values()) == 197
    assert (len(project.profiles), len(project.permission_sets)) == (41, 58)
    assert (len(project.public_groups), len(project.queues), len(project.roles), len(project.apps)) == (103, 2, 24, 4)
    assert seconds < 5


def test_it_becomes_an_org_with_every_permission_row() -> None:
    project = read_project(REAL_ORG)
    started = time.process_time()
    org = open_org(REAL_ORG)
    print(f"opened in {time.process_time() - started:.1f} s of processor time")  # noqa: T201 - a figure that is asked for
    try:
        owned = {row["ProfileId"]: row for row in org.rows("PermissionSet", IsOwnedByProfile=True)}
        profile = org.rows("Profile", Name="G-REX Integration")[0]
        own = owned[profile["Id"]]
        held = {name.removeprefix("Permissions") for name, value in own.items() if value is True and "Permis" in name}
        expected = project.profiles["G-REX Integration"]
        assert held == expected.system
        assert len(held) == 66
        assert org.rows("ObjectPermissions", ParentId=own["Id"]) == []
        for name, metadata in project.permission_sets.items():
            plain = name.rpartition("__")[2]
            row = org.rows("PermissionSet", Name=plain)[0]
            fields = {one["Field"] for one in org.rows("FieldPermissions", ParentId=row["Id"])}
            readable = {field for field, (read, _) in metadata.fields.items() if read}
            assert len(fields) == len(readable), name
            assert len(org.rows("ObjectPermissions", ParentId=row["Id"])) == len(metadata.objects), name
        user = org.rows("User", Username="g-rex-integration@gsa-workspace.example")[0]
        assert org.permissions_of(user["Id"]).has("CustomizeApplication")
        bound = org.rows("PermissionSet", Name="GREX_System_User_CRE")[0]
        license_row = org.row("UserLicense", bound["LicenseId"])
        assert license_row is not None
        assert license_row["Name"] == "Salesforce"
    finally:
        org.close()
