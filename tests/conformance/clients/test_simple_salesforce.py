"""The library that Python integrations use, unchanged, against the simulated org over TLS."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceOperationError,
    SalesforceResourceNotFound,
)

from harness.sandbox import apps, identity
from harness.sandbox.objects import standard_schema
from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Field
from harness.sandbox.server import SandboxServer
from tests.conformance.clients import tls
from tests.conformance.clients.tls import Certificates, certificates

USERNAME = "admin@acme.example"
MY_DOMAIN = "acme--dev.sandbox.my"


@pytest.fixture(scope="module")
def org() -> Iterator[SandboxOrg]:
    schema = standard_schema()
    account = schema.get("Account")
    assert account is not None
    account.add(Field("ERP_Key__c", "string", "ERP Key", 40, permissionable=False, custom=True, external_id=True))
    org = SandboxOrg(schema)
    org.insert_row("Organization", {"Id": org.org_id, "Name": "Acme", "IsSandbox": True})
    values = {"Name": "Salesforce", "MasterLabel": "Salesforce", "Status": "Active", "TotalLicenses": 5}
    license_id = org.insert_row("UserLicense", values)
    every = {f"Permissions{one}": True for one in org.schema.system_permissions if one != "ApiUserOnly"}
    profile_id = org.insert_row("Profile", {"Name": "Admin", "UserLicenseId": license_id, **every})
    owned = {"Name": "X1", "Label": "X1", "ProfileId": profile_id, "IsOwnedByProfile": True, "LicenseId": license_id}
    org.insert_row("PermissionSet", owned | every)
    org.insert_row("User", {"Username": USERNAME, "LastName": "A", "IsActive": True, "ProfileId": profile_id})
    yield org
    org.close()


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(org: SandboxOrg, known: Certificates) -> Iterator[SandboxServer]:
    with SandboxServer(org, tls=(known.server, known.server)) as running:
        yield running


@pytest.fixture(scope="module")
def session(server: SandboxServer, known: Certificates) -> Iterator[requests.Session]:
    with tls.session(server.ready.instance_url, known) as session:
        yield session


@pytest.fixture
def sf(org: SandboxOrg, server: SandboxServer, session: requests.Session) -> Salesforce:
    token = identity.sign_in(org, org.rows("User")[0], identity.Login(type="Test", application="Test")).token
    return Salesforce(instance_url=server.ready.instance_url, session_id=token, session=session, version="67.0")


def flows(server: SandboxServer) -> dict[str, dict[str, str]]:
    """What the library wants for each way to sign in."""
    user, admin_app = server.ready.users["admin"], server.ready.apps[apps.ADMIN_APP]
    jwt_app = server.ready.apps[apps.ADMIN_JWT_APP]
    app = {"consumer_key": admin_app["consumer_key"], "consumer_secret": admin_app["consumer_secret"]}
    named = {"username": user["username"]}
    return {
        "SOAP login": named | {"password": user["password"], "security_token": user["security_token"]},
        "username-password": named | app | {"password": user["password"] + user["security_token"]},
        "client credentials": app | {"domain": MY_DOMAIN},
        "JWT bearer": named
        | {"consumer_key": jwt_app["consumer_key"], "privatekey_file": jwt_app["private_key_file"], "domain": "test"},
    }


@pytest.mark.parametrize("flow", ["SOAP login", "username-password", "client credentials", "JWT bearer"])
def test_the_library_signs_in(server: SandboxServer, session: requests.Session, flow: str) -> None:
    sf = Salesforce(session=session, **{"domain": "test"} | flows(server)[flow])
    assert sf.sf_instance == urlsplit(server.ready.instance_url).netloc
    assert sf.query("SELECT Id FROM User")["records"][0]["Id"].startswith("005")


@pytest.mark.parametrize(
    ("flow", "wrong", "code"),
    [
        ("SOAP login", "password", "INVALID_LOGIN"),
        ("username-password", "password", "invalid_grant"),
        ("client credentials", "consumer_secret", "invalid_client"),
        ("JWT bearer", "consumer_key", "invalid_client_id"),
    ],
)
def test_the_library_says_why_it_is_refused(
    server: SandboxServer, session: requests.Session, flow: str, wrong: str, code: str
) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(session=session, **{"domain": "test"} | flows(server)[flow] | {wrong: "wrong"})
    assert refused.value.code == code


def test_client_credentials_are_refused_at_the_common_host(server: SandboxServer, session: requests.Session) -> None:
    app = server.ready.apps[apps.ADMIN_APP]
    form = {"grant_type": "client_credentials", "client_id": app["consumer_key"]}
    answer = session.post("https://test.salesforce.com/services/oauth2/token", data=form, timeout=10).json()
    assert answer == {"error": "invalid_grant", "error_description": "request not supported on this domain"}


def test_rows_and_queries(sf: Salesforce) -> None:
    made = sf.Account.create({"Name": "Acme", "ERP_Key__c": "K1"})
    assert made["success"] is True
    assert sf.Account.get(made["id"])["Name"] == "Acme"
    assert sf.Account.update(made["id"], {"Name": "Acme Ltd"}) == 204
    assert sf.Account.get_by_custom_id("ERP_Key__c", "K1")["Name"] == "Acme Ltd"
    assert sf.Account.upsert("ERP_Key__c/K2", {"Name": "Other"}) == 201
    assert sf.query("SELECT count() FROM Account")["totalSize"] == 2
    assert sf.Account.describe()["name"] == "Account"
    assert any(one["name"] == "Account" for one in sf.describe()["sobjects"])
    for row in sf.query_all("SELECT Id FROM Account")["records"]:
        assert sf.Account.delete(row["Id"]) == 204


def test_pages_and_collections(sf: Salesforce) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": f"A {number}"} for number in range(200)]
    parts = [
        {
            "method": "POST",
            "url": "/services/data/v67.0/composite/sobjects",
            "referenceId": f"c{number}",
            "body": {"records": records},
        }
        for number in range(5)
    ]
    for _ in range(3):
        answer = sf.restful("composite", method="POST", json={"compositeRequest": parts})
        assert all(row["success"] for one in answer["compositeResponse"] for row in one["body"])
    found = [row["Id"] for row in sf.query_all_iter("SELECT Id FROM Account")]
    assert len(found) == len(set(found)) == 3000
    for start in range(0, 3000, 200):
        ids = ",".join(found[start : start + 200])
        assert len(sf.restful("composite/sobjects", method="DELETE", params={"ids": ids})) == 200


def test_refusals_arrive_as_the_librarys_errors(sf: Salesforce, session: requests.Session) -> None:
    with pytest.raises(SalesforceMalformedRequest) as malformed:
        sf.query("SELECT Nothing__c FROM Account")
    assert malformed.value.content[0]["errorCode"] == "INVALID_FIELD"
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get("001000000000000AAA")
    stale = Salesforce(instance=sf.sf_instance, session_id="stale", session=session, version="67.0")
    with pytest.raises(SalesforceExpiredSession) as expired:
        stale.query("SELECT Id FROM Account")
    assert expired.value.content[0]["errorCode"] == "INVALID_SESSION_ID"


def test_bulk_jobs(sf: Salesforce, org: SandboxOrg) -> None:
    outcome = sf.bulk2.Account.insert(
        records=[{"Name": "A", "ERP_Key__c": "1"}, {"Name": "", "ERP_Key__c": "2"}], wait=0
    )
    assert outcome[0]["numberRecordsProcessed"] == 2
    assert outcome[0]["numberRecordsFailed"] == 1
    failed = sf.bulk2.Account.get_failed_records(outcome[0]["job_id"])
    assert next(csv.DictReader(io.StringIO(failed)))["sf__Error"].startswith("REQUIRED_FIELD_MISSING")
    text = "".join(sf.bulk2.Account.query("SELECT Id, Name FROM Account", wait=0))
    assert [row["Name"] for row in csv.DictReader(io.StringIO(text))] == ["A"]
    org.delete_row("Account", org.rows("Account")[0]["Id"])


@pytest.fixture
def no_accounts(org: SandboxOrg) -> None:
    for row in org.rows("Account"):
        org.delete_row("Account", row["Id"])


@pytest.mark.usefixtures("no_accounts")
def test_bulk_1_writes(sf: Salesforce, org: SandboxOrg) -> None:
    made = sf.bulk.Account.insert([{"Name": "A", "ERP_Key__c": "B1"}, {"Name": "B", "Colour__c": "x"}])
    assert [one["success"] for one in made] == [True, False]
    assert made[1]["errors"][0]["statusCode"] == "INVALID_FIELD"
    upserted = sf.bulk.Account.upsert(
        [{"Name": "A2", "ERP_Key__c": "B1"}, {"Name": "C", "ERP_Key__c": "B2"}], "ERP_Key__c"
    )
    assert [one["created"] for one in upserted] == [False, True]
    changed = sf.bulk.Account.update(
        [{"Id": one["id"], "Name": "X"} for one in upserted], batch_size=1, use_serial=True
    )
    assert all(one["success"] for one in changed)
    detailed = sf.bulk.Account.update([{"Id": made[0]["id"], "Name": "A3"}], include_detailed_results=True)
    assert [(one["Name"], one["success"]) for one in detailed] == [("A3", True)]
    assert sf.bulk.submit_dml("Account", "delete", [{"Id": made[0]["id"]}])[0]["success"]
    assert sf.bulk.Account.hard_delete([{"Id": upserted[1]["id"]}])[0]["success"]
    assert org.rows("Account") == []
    bypassed = sf.bulk.Account.insert([{"Name": "D"}], bypass_results=True)
    assert bypassed[0]["bypass_results"] is True
    sf.limits()  # the batch goes on with the next request, whatever it is
    sf.bulk.Account.delete([{"Id": row["Id"]} for row in org.rows("Account")])


@pytest.mark.usefixtures("no_accounts")
def test_bulk_1_queries(sf: Salesforce, org: SandboxOrg) -> None:
    ids = [org.insert_row("Account", {"Name": f"A{number}"}) for number in range(3)]
    assert [row["Name"] for row in sf.bulk.Account.query("SELECT Name FROM Account ORDER BY Name")] == [
        "A0",
        "A1",
        "A2",
    ]
    sf.Account.delete(ids[0])
    gone = sf.bulk.Account.query_all("SELECT Id FROM Account WHERE IsDeleted = true AND Name = 'A0'")
    assert [row["Id"] for row in gone] == ids[:1]
    lazy = list(sf.bulk.Account.query("SELECT Id FROM Account", lazy_operation=True))
    assert [len(page) for page in lazy] == [2]
    with pytest.raises(SalesforceGeneralError, match="INVALID_FIELD"):
        sf.bulk.Account.query("SELECT Colour__c FROM Account")
    sf.bulk.Account.delete([{"Id": one} for one in ids[1:]])


@pytest.mark.usefixtures("no_accounts")
def test_bulk_2_writes(sf: Salesforce, org: SandboxOrg, tmp_path: Path) -> None:
    rows = [{"Name": f"A{number}", "ERP_Key__c": f"K{number}"} for number in range(5)]
    outcome = sf.bulk2.Account.insert(records=rows, batch_size=2, wait=0)
    assert [one["numberRecordsProcessed"] for one in outcome] == [2, 2, 1]
    changes = [{"Name": "A9", "ERP_Key__c": "K0"}, {"Name": "B", "ERP_Key__c": "K7"}]
    upserted = sf.bulk2.Account.upsert(records=changes, external_id_field="ERP_Key__c", wait=0)[0]
    records = sf.bulk2.Account.get_all_ingest_records(upserted["job_id"])
    assert [one["sf__Created"] for one in records["successfulRecords"]] == ["false", "true"]
    assert (records["failedRecords"], records["unprocessedRecords"]) == ([], [])
    ids = sorted(row["Id"] for row in org.rows("Account"))
    file = tmp_path / "update.csv"
    file.write_text("Id|Name\r\n" + "".join(f"{one}|X\r\n" for one in ids), newline="")
    options: dict[str, Any] = {"column_delimiter": "PIPE", "line_ending": "CRLF"}
    assert sf.bulk2.Account.update(csv_file=str(file), wait=0, **options)[0]["numberRecordsFailed"] == 0
    assert {row["Name"] for row in org.rows("Account")} == {"X"}
    assert sf.bulk2.Account.delete(records=[{"Id": one} for one in ids[:3]], wait=0)[0]["numberRecordsFailed"] == 0
    assert sf.bulk2.Account.hard_delete(records=[{"Id": one} for one in ids[3:]], wait=0)[0]["numberRecordsFailed"] == 0
    assert org.rows("Account") == []
    with pytest.raises(SalesforceOperationError, match="InvalidBatch : Field name not found : Colour__c"):
        sf.bulk2.Account.insert(records=[{"Colour__c": "x"}], wait=0)


@pytest.mark.usefixtures("no_accounts")
def test_bulk_2_queries(sf: Salesforce, org: SandboxOrg, tmp_path: Path) -> None:
    ids = [org.insert_row("Account", {"Name": f"A{number}"}) for number in range(5)]
    pages = list(sf.bulk2.Account.query("SELECT Id FROM Account ORDER BY Name", max_records=2, wait=0))
    assert [row["Id"] for page in pages for row in csv.DictReader(io.StringIO(str(page)))] == ids
    sf.Account.delete(ids[0])
    everything = "".join(sf.bulk2.Account.query_all("SELECT Id FROM Account WHERE Name = 'A0'", wait=0))
    assert ids[0] in everything
    files = sf.bulk2.Account.download("SELECT Id FROM Account", path=str(tmp_path), max_records=3, wait=0)
    assert [one["number_of_records"] for one in files] == [3, 1]
    sf.bulk2.Account.delete(records=[{"Id": one} for one in ids[1:]], wait=0)


def test_limits_and_the_org_itself(sf: Salesforce, org: SandboxOrg) -> None:
    assert sf.limits()["DailyApiRequests"]["Max"] > 0
    assert sf.api_usage["api-usage"].used > 0
    row = sf.query("SELECT Id, IsSandbox FROM Organization")["records"][0]
    assert (row["Id"], row["IsSandbox"]) == (org.org_id, True)
