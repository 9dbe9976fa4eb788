"""What else simple-salesforce can do, unchanged, against the demo org over TLS: metadata, Apex, search, replication."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
import requests
from simple_salesforce import Salesforce

from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from tests.conformance.clients.tls import Certificates

PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="http://soap.sforce.com/2006/04/metadata">
    <types><members>Readers</members><name>PermissionSet</name></types><version>67.0</version>
</Package>"""
READERS = """<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata"><label>Readers</label></PermissionSet>"""


@pytest.fixture
def sf(org: SandboxOrg, tls_server: SandboxServer, https: requests.Session) -> Salesforce:
    admin = org.rows("User", Username="admin@acme.example")[0]
    token = identity.sign_in(org, admin, identity.Login(type="Test", application="Test")).token
    return Salesforce(instance_url=tls_server.ready.instance_url, session_id=token, session=https, version="67.0")


def archive(**files: str) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    content.seek(0)
    return content


def test_it_deploys_a_permission_set(sf: Salesforce, org: SandboxOrg) -> None:
    content = archive(**{"package.xml": PACKAGE, "permissionsets/Readers.permissionset": READERS})
    job = sf.deploy(content, sandbox=True)
    assert job["state"] == "Queued"
    status = sf.checkDeployStatus(job["asyncId"])
    assert (status["state"], status["deployment_detail"]["errors"]) == ("Succeeded", [])
    assert [row["Label"] for row in org.rows("PermissionSet", Name="Readers")] == ["Readers"]


def test_it_retrieves_a_package(sf: Salesforce) -> None:
    """Of an empty manifest: the library writes the types of another one without their namespace."""
    job, state = sf.mdapi.retrieve("")
    assert state == "Queued"
    state, error, _messages, content = sf.mdapi.retrieve_zip(job)
    assert (state, error) == ("Succeeded", None)
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["package.xml"]


def test_it_changes_metadata_by_its_own_wsdl(
    sf: Salesforce, org: SandboxOrg, known: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(known.authority))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    kind = sf.mdapi.PermissionSet
    kind.create([kind(fullName="By_Wsdl", label="By WSDL")])
    assert kind.read(["By_Wsdl"]).label == "By WSDL"
    kind.update([kind(fullName="By_Wsdl", label="Changed")])
    assert [row["Label"] for row in org.rows("PermissionSet", Name="By_Wsdl")] == ["Changed"]
    kind.delete(["By_Wsdl"])
    assert org.rows("PermissionSet", Name="By_Wsdl") == []


def test_it_runs_apex_rest_and_tooling(sf: Salesforce) -> None:
    assert sf.apexecute("accounts/v1/lookup", method="GET") == {"Name": "Blue Harbor Hotels"}
    found = sf.toolingexecute("query?q=SELECT+Name+FROM+ApexClass", method="GET")
    assert [row["Name"] for row in found["records"]] == ["AccountLookupApi"]


def test_it_searches(sf: Salesforce) -> None:
    found = sf.search("FIND {Granite} IN NAME FIELDS RETURNING Account(Id, Name)")["searchRecords"]
    assert [row["Name"] for row in found] == ["Granite Mills"]
    assert sf.quick_search("Granite")["searchRecords"]


def test_it_asks_what_has_changed(sf: Salesforce, org: SandboxOrg) -> None:
    made = sf.Account.create({"Name": "Short Lived"})["id"]
    start, end = org.clock.peek() - timedelta(hours=1), org.clock.peek() + timedelta(hours=1)
    assert made in sf.Account.updated(start, end)["ids"]
    sf.Account.delete(made)
    assert [row["id"] for row in sf.Account.deleted(start, end)["deletedRecords"]] == [made]


def test_it_knows_a_sandbox_and_sets_a_password(sf: Salesforce, org: SandboxOrg) -> None:
    assert sf.is_sandbox() is True
    user = org.rows("User", Username="sam.seller@acme.example")[0]["Id"]
    assert sf.set_password(user, "another-Secret-1") is None
    assert sf.oauth2("userinfo", method="GET")["preferred_username"] == "admin@acme.example"
