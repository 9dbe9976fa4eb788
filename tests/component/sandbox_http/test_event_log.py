"""EventLogFile: files of API requests and of logins, once the hour or the day is over."""

from __future__ import annotations

import base64
import csv
import io

from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg

from .conftest import Client

HOUR = 3600
SOQL = "SELECT Id, EventType, LogDate, LogFileLength, Interval, Sequence, LogFileContentType FROM EventLogFile"


def files(admin: Client, kind: str, interval: str = "Hourly") -> list[list[dict[str, str]]]:
    """The lines of each file of a kind, oldest first."""
    where = f"WHERE EventType = '{kind}' AND Interval = '{interval}' ORDER BY LogDate"
    found = []
    for row in admin.query(f"{SOQL} {where}"):
        response = admin.get(f"sobjects/EventLogFile/{row['Id']}/LogFile")
        assert (response.status_code, len(response.content)) == (200, row["LogFileLength"])
        found.append(list(csv.DictReader(io.StringIO(response.text))))
    return found


def test_requests_of_an_hour(org: SandboxOrg, admin: Client, erp: Client, user_ids: dict[str, str]) -> None:
    headers = {"Sforce-Call-Options": "client=MyLoader/1.0"}
    erp.get("query", params={"q": "select Id from Account"}, headers=headers)
    erp.get("sobjects/Nothing")
    erp.post("jobs/ingest", {"object": "Account", "operation": "insert"})
    erp.ask("GET", "/services/async/67.0/job/750000000000000AAA")
    erp.ask("GET", "/services/apexrest/orders")
    erp.get("/services/data")
    assert files(admin, "ApiTotalUsage") == []
    org.clock.advance(HOUR)
    (hour,) = files(admin, "ApiTotalUsage")
    assert [
        (line["API_FAMILY"], line["HTTP_METHOD"], line["API_RESOURCE"], line["STATUS_CODE"]) for line in hour[:5]
    ] == [
        ("REST", "GET", "/v67.0/query", "200"),
        ("REST", "GET", "/v67.0/sobjects/Nothing", "404"),
        ("Bulk", "POST", "/v67.0/jobs/ingest", "200"),
        ("Bulk", "GET", "/v67.0/job/750000000000000AAA", "400"),
        ("ApexREST", "GET", "/apexrest/orders", "404"),
    ]
    first = hour[0]
    assert list(first) == [
        *("EVENT_TYPE", "TIMESTAMP", "REQUEST_ID", "ORGANIZATION_ID", "USER_ID", "API_FAMILY", "API_VERSION"),
        *("API_RESOURCE", "CLIENT_NAME", "HTTP_METHOD", "CLIENT_IP", "COUNTS_AGAINST_API_LIMIT", "CONNECTED_APP_ID"),
        *("ENTITY_NAME", "STATUS_CODE", "CONNECTED_APP_NAME", "USER_NAME", "TIMESTAMP_DERIVED"),
    ]
    assert (first["EVENT_TYPE"], first["CLIENT_NAME"], first["ENTITY_NAME"]) == (
        "ApiTotalUsage",
        "MyLoader/1.0",
        "Account",
    )
    assert (first["USER_ID"], first["USER_NAME"]) == (user_ids["erp"][:15], "erp.sync@acme.example")
    assert first["TIMESTAMP_DERIVED"].startswith("2026-01-05T09:00:0")
    assert first["TIMESTAMP"].startswith("20260105090000.")
    assert len({line["REQUEST_ID"] for line in hour}) == len(hour)
    row = admin.query(SOQL)[0]
    assert (row["LogDate"], row["Sequence"], row["LogFileContentType"]) == (
        "2026-01-05T09:00:00.000+0000",
        1,
        "text/csv",
    )


def test_hours_add_up_to_days(org: SandboxOrg, admin: Client, erp: Client) -> None:
    for _ in range(20):
        erp.get("sobjects/Account")
        admin.get("sobjects/Account")
        org.clock.advance(HOUR)
    admin.get("sobjects/Account")
    hours, days = (files(admin, "ApiTotalUsage", interval) for interval in ("Hourly", "Daily"))
    assert [len(hour) for hour in hours] == [2] * 20
    assert [len(day) for day in days] == [30]
    assert [line["REQUEST_ID"] for hour in hours[:1] for line in hour] == [line["REQUEST_ID"] for line in days[0][:2]]


def test_the_app_and_the_call_are_named(org: SandboxOrg, admin: Client, user_ids: dict[str, str]) -> None:
    app_id = org.insert_row("ConnectedApplication", {"Name": "ERP Sync"})
    login = identity.Login(type=identity.OAUTH_LOGIN, application="ERP Sync")
    session = identity.sign_in(org, org.rows("User", Id=user_ids["erp"])[0], login, app_id=app_id)
    client = Client(admin.url, session.token)
    client.get("sobjects/Account")
    client.http.close()
    org.clock.advance(HOUR)
    (hour,) = files(admin, "ApiTotalUsage")
    assert [(line["CONNECTED_APP_ID"], line["CONNECTED_APP_NAME"]) for line in hour[-1:]] == [(app_id[:15], "ERP Sync")]
    (logins,) = files(admin, "Login")
    last = logins[-1]
    assert (last["LOGIN_STATUS"], last["USER_NAME"]) == ("LOGIN_NO_ERROR", "erp.sync@acme.example")


def test_a_failed_login_is_logged(org: SandboxOrg, admin: Client, user_ids: dict[str, str]) -> None:
    login = identity.Login(type=identity.SOAP_LOGIN, application="Loader")
    identity.record_login(org, user_ids["erp"], login, status=identity.INVALID_PASSWORD)
    org.clock.advance(HOUR)
    (logins,) = files(admin, "Login")
    assert logins[-1]["LOGIN_STATUS"] == "LOGIN_ERROR_INVALID_PASSWORD"


def test_who_may_see_the_files(org: SandboxOrg, admin: Client, erp: Client) -> None:
    org.clock.advance(HOUR)
    row = admin.query(SOQL)[0]
    refused = erp.get("query", params={"q": SOQL})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
    assert erp.get(f"sobjects/EventLogFile/{row['Id']}/LogFile").status_code == 404
    assert admin.get("sobjects/EventLogFile/0AT000000000000AAA/LogFile").status_code == 404


def test_no_secret_is_logged(org: SandboxOrg, admin: Client, erp: Client) -> None:
    erp.ask("GET", "/services/async/67.0/job/x", headers={"X-SFDC-Session": erp.token})
    admin.post("sobjects/Account", {"Name": erp.token})
    org.clock.advance(HOUR)
    admin.get("sobjects")
    for row in org.rows("EventLogFile"):
        assert erp.token not in base64.b64decode(row["LogFile"]).decode()


def test_the_clock_may_be_put_back(org: SandboxOrg, admin: Client) -> None:
    start = org.clock.peek()
    for _ in range(3):
        org.clock.advance(HOUR)
        admin.get("sobjects")
    made = len(files(admin, "ApiTotalUsage"))
    org.clock.set(start)
    assert len(files(admin, "ApiTotalUsage")) == made
    org.clock.advance(HOUR)
    assert len(files(admin, "ApiTotalUsage")) > made
