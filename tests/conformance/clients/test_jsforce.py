"""jsforce, the library of JavaScript integrations, unmodified: one session of everything it does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from tests.conformance.clients.node_packages import NodePackages

pytestmark = [pytest.mark.real_client, pytest.mark.xdist_group("salesforce-cli")]

_SCRIPT = Path(__file__).with_name("jsforce_session.mjs")


@pytest.fixture(scope="module")
def steps(packages: NodePackages, org: SandboxOrg, server: SandboxServer) -> dict[str, Any]:
    """What each step of the session gave."""
    with org.transaction():
        for number in range(2100):
            org.insert_row("Lead", {"LastName": f"Lead {number}", "Company": "Acme"})
    admin = server.ready.users["admin"]
    secret = admin["password"] + admin["security_token"]
    who = (server.ready.instance_url, admin["username"], secret, org.clock.peek().isoformat())
    ran = subprocess.run(
        [str(packages.node), str(_SCRIPT), str(packages.modules), *who],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_it_signs_in_by_soap(steps: dict[str, Any], server: SandboxServer) -> None:
    assert steps["login"]["organizationId"] == server.ready.org_id
    assert steps["identity"]["username"] == "admin@acme.example"
    assert steps["logout"] is None


def test_it_queries(steps: dict[str, Any]) -> None:
    assert [row["Name"] for row in steps["query"]["records"]] == ["Blue Harbor Hotels"]
    assert steps["pages"] >= 2100
    assert [row["Name"] for row in steps["find"]] == ["Changed"]
    assert [row["Name"] for row in steps["search"]["searchRecords"]] == ["Granite Mills"]
    assert steps["refused"]["failed"] == "INVALID_FIELD"


def test_it_changes_rows(steps: dict[str, Any]) -> None:
    assert steps["create"]["success"] is True
    assert steps["retrieve"]["Name"] == "From JavaScript"
    assert steps["update"]["success"] is steps["destroy"]["success"] is True
    assert steps["upsert"] == {"id": steps["upsert"]["id"], "success": True, "errors": [], "created": True}
    assert [row["success"] for row in steps["many"]] == [True, False]
    assert steps["many"][1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert steps["create"]["id"] in steps["updated"]["ids"]
    assert [row["id"] for row in steps["deleted"]["deletedRecords"]] == [steps["create"]["id"]]


def test_it_describes(steps: dict[str, Any]) -> None:
    assert steps["describe"] > 40
    assert {"Account", "PermissionSet"} <= set(steps["describeGlobal"])
    assert steps["limits"]["DailyApiRequests"]["Remaining"] > 0
    assert [row["Name"] for row in steps["tooling"]["records"]] == ["AccountLookupApi"]
    assert steps["apex"] == {"Name": "Blue Harbor Hotels"}


def test_it_runs_bulk_jobs_of_both_apis(steps: dict[str, Any]) -> None:
    assert [row["success"] for row in steps["bulkInsert"]] == [True, False]
    assert [row["Name"] for row in steps["bulkQuery"]] == ["Bulk 1"]
    assert [row["Name"] for row in steps["bulk2Insert"]["successfulResults"]] == ["Bulk 2"]
    [failed] = steps["bulk2Insert"]["failedResults"]
    assert failed["sf__Error"].startswith("REQUIRED_FIELD_MISSING")
    assert [row["Name"] for row in steps["bulk2Query"]] == ["Bulk 2"]


def test_it_reads_and_deploys_metadata(steps: dict[str, Any]) -> None:
    assert "Project_Sync" in [one["fullName"] for one in steps["metadataList"]]
    [read] = steps["metadataRead"] if isinstance(steps["metadataRead"], list) else [steps["metadataRead"]]
    assert read["fullName"] == "Project_Sync"
    assert steps["metadataRetrieve"]["success"] is True
    assert steps["metadataDeploy"]["success"] is True
    assert steps["metadataDeploy"]["status"] == "Succeeded"
