"""The Salesforce CLI, unmodified, over loopback: what an administrator types, and what it prints."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.sandbox import apps, identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from tests.conformance.clients.node_packages import NodePackages
from tests.conformance.clients.salesforce_cli import SalesforceCli

pytestmark = [pytest.mark.real_client, pytest.mark.xdist_group("salesforce-cli")]

ADMIN = "admin@acme.example"


@pytest.fixture(scope="module")
def sf(packages: NodePackages, server: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> SalesforceCli:
    """Signed in as the administrator with a JWT, as the default org."""
    cli = SalesforceCli(packages, tmp_path_factory.mktemp("sf"))
    app = server.ready.apps[apps.ADMIN_JWT_APP]
    signed_in = cli(
        *("org", "login", "jwt", "--client-id", app["consumer_key"], "--jwt-key-file", app["private_key_file"]),
        *("--username", ADMIN, "--instance-url", server.ready.instance_url, "--alias", "acme", "--set-default"),
    )
    assert signed_in.code == 0, signed_in.output + signed_in.errors
    assert f"Successfully authorized {ADMIN} with org ID {server.ready.org_id}" in signed_in.output
    return cli


def user_id(org: SandboxOrg, username: str) -> str:
    return str(org.rows("User", Username=username)[0]["Id"])


def test_it_says_why_a_jwt_is_refused(sf: SalesforceCli, server: SandboxServer) -> None:
    app = server.ready.apps[apps.ADMIN_JWT_APP]
    refused = sf(
        *("org", "login", "jwt", "--client-id", app["consumer_key"], "--jwt-key-file", app["private_key_file"]),
        *("--username", "nobody@acme.example", "--instance-url", server.ready.instance_url),
    )
    assert refused.code == 1
    assert "user hasn't approved this consumer" in refused.output + refused.errors


def test_it_signs_in_with_a_token(sf: SalesforceCli, org: SandboxOrg, server: SandboxServer) -> None:
    user = org.rows("User", Username="sam.seller@acme.example")[0]
    token = identity.sign_in(org, user, identity.Login(type="Test", application="Test")).token
    signed_in = sf(
        *("org", "login", "access-token", "--instance-url", server.ready.instance_url),
        *("--alias", "sam", "--no-prompt", "--json"),
        environ={"SF_ACCESS_TOKEN": token},
    )
    assert signed_in.result["username"] == "sam.seller@acme.example"
    refused = sf("data", "query", "-o", "sam", "-q", "SELECT Salary__c FROM Account", "--json")
    assert refused.json["name"] == "INVALID_FIELD"
    assert "No such column 'Salary__c' on entity 'Account'" in refused.json["message"]


def test_it_shows_the_org_the_user_and_the_limits(sf: SalesforceCli, org: SandboxOrg, server: SandboxServer) -> None:
    shown = sf.json("org", "display")
    assert (shown["connectedStatus"], shown["apiVersion"]) == ("Connected", "67.0")
    assert (shown["id"], shown["instanceUrl"]) == (server.ready.org_id, server.ready.instance_url)
    user = sf.json("org", "display", "user")
    assert (user["id"], user["profileName"]) == (user_id(org, ADMIN), "System Administrator")
    limits = {one["name"]: one for one in sf.json("org", "list", "limits")}
    assert limits["DailyApiRequests"]["max"] > limits["DailyApiRequests"]["remaining"] > 0


def test_it_queries_in_every_format(sf: SalesforceCli) -> None:
    soql = "SELECT Name, Owner.Name, (SELECT LastName FROM Contacts) FROM Account WHERE Name = 'Blue Harbor Hotels'"
    human = sf("data", "query", "-q", soql)
    assert "Blue Harbor Hotels" in human.output, human.errors
    assert "Total number of records retrieved: 1." in human.output
    assert "CONTACTS.LASTNAME" in human.output
    rows = csv.DictReader(io.StringIO(sf("data", "query", "-q", soql, "--result-format", "csv").output))
    [row] = [row for row in rows if "Querying" not in str(row)]
    assert "Blue Harbor Hotels" in row.values()
    answer = sf("data", "query", "-q", soql, "--json")
    [record] = answer.result["records"]
    assert record["Contacts"]["records"][0]["LastName"] == "Delgado"
    assert answer.result["totalSize"] == 1


def test_it_queries_deleted_rows_and_the_tooling_api(sf: SalesforceCli, org: SandboxOrg) -> None:
    gone = org.insert_row("Account", {"Name": "Gone Ltd"})
    org.delete_row("Account", gone)
    soql = "SELECT Id, IsDeleted FROM Account WHERE Name = 'Gone Ltd'"
    assert sf.json("data", "query", "-q", soql)["totalSize"] == 0
    assert [row["IsDeleted"] for row in sf.json("data", "query", "-q", soql, "--all-rows")["records"]] == [True]
    classes = sf("data", "query", "-q", "SELECT Name FROM ApexClass", "--use-tooling-api")
    assert "AccountLookupApi" in classes.output


def test_it_changes_one_record(sf: SalesforceCli, org: SandboxOrg) -> None:
    made = sf.json("data", "create", "record", "-s", "Account", "-v", "Name='CLI One' Industry=Retail")
    assert made == {"id": made["id"], "success": True, "errors": []}
    read = sf.json("data", "get", "record", "-s", "Account", "-i", made["id"])
    assert (read["Name"], read["Industry"]) == ("CLI One", "Retail")
    sf.json("data", "update", "record", "-s", "Account", "-w", "Name='CLI One'", "-v", "Name='CLI Two'")
    assert org.rows("Account", Id=made["id"])[0]["Name"] == "CLI Two"
    sf.json("data", "delete", "record", "-s", "Account", "-i", made["id"])
    assert not org.rows("Account", Id=made["id"])
    again = sf("data", "delete", "record", "-s", "Account", "-i", made["id"], "--json")
    assert (again.code, again.json["name"], again.json["message"]) == (1, "ENTITY_IS_DELETED", "entity is deleted")


def test_it_searches(sf: SalesforceCli) -> None:
    found = sf("data", "search", "-q", "FIND {Granite} IN NAME FIELDS RETURNING Account (Id, Name)", "--json")
    assert [row["Name"] for row in found.result["searchRecords"]] == ["Granite Mills"]


def test_it_assigns_a_permission_set_and_its_license(sf: SalesforceCli, org: SandboxOrg) -> None:
    license_id = org.rows("UserLicense", Name="Salesforce Integration")[0]["Id"]
    profile = org.rows("Profile", UserLicenseId=license_id)[0]["Id"]
    values = {
        "Username": "new.sync@acme.example",
        "LastName": "New Sync",
        "Email": "new@acme.example",
        "IsActive": True,
    }
    user = org.insert_row("User", values | {"ProfileId": profile})
    target = ("-b", "new.sync@acme.example")
    assign = ("org", "assign", "permset", "-n", "Pipeline_Reader", *target)
    refused = sf(*assign, "--json")
    assert refused.code == 1
    assert "The user license doesn't allow the permission" in json.dumps(refused.json)
    given = sf.json("org", "assign", "permsetlicense", "-n", "SalesforceAPIIntegrationPsl", *target)
    assert given["failures"] == []
    assert org.rows("PermissionSetLicenseAssign", AssigneeId=user)
    twice = sf("org", "assign", "permsetlicense", "-n", "SalesforceAPIIntegrationPsl", *target, "--json")
    assert twice.code == 0
    assert "already has the Permission Set License" in json.dumps(twice.json["warnings"])
    assert sf.json(*assign)["successes"][0]["value"] == "Pipeline_Reader"
    reader = org.rows("PermissionSet", Name="Pipeline_Reader")[0]["Id"]
    assert org.rows("PermissionSetAssignment", AssigneeId=user, PermissionSetId=reader)


def test_it_lists_and_describes_objects(sf: SalesforceCli) -> None:
    listed = sf.json("sobject", "list")
    assert {"Account", "PermissionSet", "User"} <= set(listed)
    described = sf.json("sobject", "describe", "-s", "Account")
    assert described["name"] == "Account"
    assert "Name" in [one["name"] for one in described["fields"]]


def test_it_exports_in_bulk(sf: SalesforceCli) -> None:
    exported = sf.json(
        *(
            "data",
            "export",
            "bulk",
            "-q",
            "SELECT Id, Name FROM Account ORDER BY Name",
            "--output-file",
            "out.csv",
            "-w",
            "2",
        )
    )
    rows = list(csv.DictReader(io.StringIO((sf.project / "out.csv").read_text(encoding="utf-8"))))
    assert exported["totalSize"] == len(rows) > 10


@pytest.mark.long
def test_it_imports_updates_and_deletes_in_bulk(sf: SalesforceCli, org: SandboxOrg) -> None:
    assert _bulk(sf, "import", "Name,ERP_Key__c\nBulk One,B1\nBulk Two,B2\n")["successfulRecords"] == 2
    upserted = _bulk(sf, "upsert", "Name,ERP_Key__c\nBulk Three,B2\nBulk Four,B4\n", "-i", "ERP_Key__c")
    assert upserted["jobInfo"]["numberRecordsProcessed"] == 2
    made = {row["ERP_Key__c"]: row for row in org.rows("Account") if str(row["ERP_Key__c"]).startswith("B")}
    assert {key: row["Name"] for key, row in made.items()} == {"B1": "Bulk One", "B2": "Bulk Three", "B4": "Bulk Four"}
    changed = "".join(f"{row['Id']},Changed\n" for row in made.values())
    assert _bulk(sf, "update", f"Id,Name\n{changed}")["successfulRecords"] == 3
    gone = "".join(f"{row['Id']}\n" for row in made.values())
    assert _bulk(sf, "delete", f"Id\n{gone}")["jobInfo"]["numberRecordsFailed"] == 0
    assert not [row for row in org.rows("Account") if str(row["ERP_Key__c"]).startswith("B")]


def _bulk(sf: SalesforceCli, verb: str, content: str, *more: str) -> dict[str, Any]:
    (sf.project / "in.csv").write_text(content, encoding="utf-8")
    answer: dict[str, Any] = sf.json("data", verb, "bulk", "-s", "Account", "-f", "in.csv", "-w", "2", *more)
    return answer


def test_it_retrieves_and_deploys_a_permission_set(sf: SalesforceCli, org: SandboxOrg) -> None:
    listed = sf.json("org", "list", "metadata", "-m", "PermissionSet")
    assert "Project_Sync" in [one["fullName"] for one in listed]
    retrieved = sf.json("project", "retrieve", "start", "-m", "PermissionSet:Project_Sync")
    assert retrieved["success"] is True
    [file] = Path(sf.project).rglob("Project_Sync.permissionset-meta.xml")
    text = file.read_text(encoding="utf-8")
    assert "<PermissionSet" in text
    start = text.index("<label>")
    end = text.index("</label>")
    file.write_text(text[:start] + "<label>Changed Label" + text[end:], encoding="utf-8")
    deployed = sf.json("project", "deploy", "start", "-m", "PermissionSet:Project_Sync", "-w", "2")
    assert (deployed["status"], deployed["numberComponentErrors"]) == ("Succeeded", 0)
    assert org.rows("PermissionSet", Name="Project_Sync")[0]["Label"] == "Changed Label"


def test_it_says_what_is_wrong_with_a_deployment(sf: SalesforceCli) -> None:
    folder = sf.project / "force-app" / "main" / "default" / "permissionsets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Wrong.permissionset-meta.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata"><label>Wrong</label><userPermissions>'
        "<enabled>true</enabled><name>NoSuchPermission</name></userPermissions></PermissionSet>",
        encoding="utf-8",
    )
    failed = sf("project", "deploy", "start", "-m", "PermissionSet:Wrong", "-w", "2", "--json")
    assert failed.code == 1
    assert "NoSuchPermission" in failed.output


def test_it_asks_the_rest_api_itself(sf: SalesforceCli) -> None:
    answer = sf("api", "request", "rest", "/services/data/v67.0/limits/recordCount?sObjects=Account")
    assert json.loads(answer.output)["sObjects"][0]["name"] == "Account"


def test_it_generates_a_password(sf: SalesforceCli, server: SandboxServer) -> None:
    made = sf.json("org", "generate", "password")
    form = {"client_id": server.ready.apps[apps.ADMIN_APP]["consumer_key"], "username": ADMIN, "grant_type": "password"}
    secrets = {
        "client_secret": server.ready.apps[apps.ADMIN_APP]["consumer_secret"],
        "password": made["password"] + server.ready.users["admin"]["security_token"],
    }
    answer = requests.post(f"{server.ready.instance_url}/services/oauth2/token", data=form | secrets, timeout=10)
    assert answer.status_code == 200, answer.text
