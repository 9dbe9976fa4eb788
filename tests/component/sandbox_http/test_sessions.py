"""Sessions: who loses theirs, when they run out, how SOAP login() and the UI treat whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.switches import Switches

from .conftest import USERNAMES, Client, build_schema

EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]

LOGIN = """<?xml version="1.0" encoding="utf-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{username}</n1:username>
<n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"""


def soap_login(server: SandboxServer, role: str, *, version: str = "64.0", password: str = "") -> requests.Response:
    user = server.ready.users[role]
    body = LOGIN.format(username=user["username"], password=password or user["password"] + user["security_token"])
    url = f"{server.ready.instance_url}/services/Soap/u/{version}"
    headers = {"Content-Type": "text/xml", "SOAPAction": "login"}
    with requests.Session() as http:
        http.trust_env = False
        return http.post(url, data=body, headers=headers, timeout=10)


def statuses(org: SandboxOrg) -> list[tuple[str, str]]:
    return [(row["LoginType"], row["Status"]) for row in org.rows("LoginHistory")]


def test_a_frozen_user_loses_the_session_for_good(
    org: SandboxOrg, admin: Client, erp: Client, user_ids: dict[str, str]
) -> None:
    login_id = org.rows("UserLogin", UserId=user_ids["erp"])[0]["Id"]
    assert erp.get("sobjects/Account/describe").status_code == 200
    for frozen in (True, False):
        answer = admin.ask("PATCH", f"sobjects/UserLogin/{login_id}", json={"IsFrozen": frozen})
        assert (answer.status_code, answer.text) == (204, "")
    response = erp.get("sobjects/Account/describe")
    assert (response.status_code, response.json()) == (401, EXPIRED)
    assert response.headers["WWW-Authenticate"] == "Token"
    assert "Sforce-Limit-Info" not in response.headers


def test_freezing_may_leave_sessions_alone(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    org.switches = Switches(shut_out_users_lose_sessions=False)
    org.update_row("UserLogin", org.rows("UserLogin", UserId=user_ids["erp"])[0]["Id"], {"IsFrozen": True})
    assert erp.get("sobjects/Account/describe").status_code == 200


def test_a_deactivated_user_loses_the_session(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    org.update_row("User", user_ids["erp"], {"IsActive": False})
    assert erp.get("sobjects").json() == EXPIRED


def test_a_session_lasts_two_hours_after_its_last_use(org: SandboxOrg, erp: Client) -> None:
    for _ in range(3):
        org.clock.advance(identity.SESSION_SECONDS - 60)
        assert erp.get("").status_code == 200
    org.clock.advance(identity.SESSION_SECONDS + 60)
    assert erp.get("").status_code == 401


def test_a_user_without_api_is_told_so(connect: Callable[[str], Client]) -> None:
    response = connect("offline").get("sobjects")
    assert response.status_code == 403
    assert response.json()[0]["errorCode"] == "API_DISABLED_FOR_ORG"


def test_sessions_and_secrets_survive_in_a_state_file(
    tmp_path: Path,
) -> None:
    kept = SandboxOrg(build_schema(), path=tmp_path / "state.db")
    user_id = kept.insert_row("User", {"Username": "a@acme.example", "LastName": "A", "IsActive": True})
    password = identity.set_password(kept, user_id)
    user = kept.rows("User")[0]
    token = identity.sign_in(kept, user, identity.Login(type="Test", application="Test")).token
    kept.close()
    again = SandboxOrg(build_schema(), path=tmp_path / "state.db")
    session = identity.session_of(again, token)
    assert session is not None
    assert session.user_id == user_id
    assert identity.secrets_of(again, user_id)["password"] == password
    again.close()


def test_soap_login(org: SandboxOrg, server: SandboxServer, user_ids: dict[str, str]) -> None:
    response = soap_login(server, "erp")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/xml;charset=UTF-8"
    assert f"<userId>{user_ids['erp']}</userId>" in response.text
    assert f"<userName>{USERNAMES['erp']}</userName>" in response.text
    where = f"{server.ready.instance_url}/services/Soap/u/64.0/{org.org_id[:15]}"
    assert f"<serverUrl>{where}</serverUrl>" in response.text
    assert statuses(org) == [("Other Apex API", "Success")]
    token = response.text.partition("<sessionId>")[2].partition("<")[0]
    client = Client(server.ready.instance_url, token)
    assert client.get("sobjects/Account/describe").status_code == 200
    client.http.close()


@pytest.mark.parametrize(
    ("role", "options", "code", "status"),
    [
        ("erp", {"password": "wrong"}, "INVALID_LOGIN", "Invalid Password"),
        ("erp", {"version": "65.0"}, "INVALID_OPERATION", None),
        ("integration", {}, "INSUFFICIENT_ACCESS", "Failed: Not approved for access"),
        ("offline", {}, "API_CURRENTLY_DISABLED", "Failed: OAuth API access disabled"),
    ],
)
def test_soap_login_refusals(
    server: SandboxServer, role: str, options: dict[str, str], code: str, status: str | None
) -> None:
    response = soap_login(server, role, **options)
    assert response.status_code == 500
    assert f"<sf:exceptionCode>{code}</sf:exceptionCode>" in response.text
    assert [one for _, one in statuses(server.org)] == ([] if status is None else [status])


def test_soap_login_without_the_security_token(server: SandboxServer) -> None:
    response = soap_login(server, "erp", password=server.ready.users["erp"]["password"])
    assert "<sf:exceptionCode>LOGIN_MUST_USE_SECURITY_TOKEN</sf:exceptionCode>" in response.text


def test_soap_login_can_be_off(org: SandboxOrg, server: SandboxServer) -> None:
    org.switches = Switches(soap_login=False)
    response = soap_login(server, "erp")
    assert response.status_code == 500
    assert "INVALID_OPERATION: SOAP API login() is disabled by default in this org." in response.text


@pytest.mark.parametrize("body", ["", "<a/>", "<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>", "\x00"])
def test_soap_that_is_none(erp: Client, body: str) -> None:
    for kind in ("u", "m"):
        response = erp.ask("POST", f"/services/Soap/{kind}/60.0", data=body)
        assert response.status_code == 500
        assert "<faultcode>soapenv:Client<" in response.text


def test_the_front_door(org: SandboxOrg, connect: Callable[[str], Client]) -> None:
    erp, integration = connect("erp"), connect("integration")
    into = erp.get("/secur/frontdoor.jsp", params={"sid": erp.token}, allow_redirects=False)
    assert (into.status_code, into.headers["Location"]) == (302, "/lightning")
    refused = integration.get("/secur/frontdoor.jsp", params={"sid": integration.token}, allow_redirects=False)
    assert refused.status_code == 200
    assert "Access Restricted for API Only Users" in refused.text
    lost = erp.get("/secur/frontdoor.jsp", params={"sid": "x"}, allow_redirects=False)
    assert lost.headers["Location"].startswith("/?ec=302")
    assert statuses(org)[-2:] == [("Application", "Success"), ("Application", "Failed: API-only user")]


def test_an_administrator_sets_passwords_and_others_do_not(
    admin: Client, erp: Client, user_ids: dict[str, str], org: SandboxOrg
) -> None:
    path = f"sobjects/User/{user_ids['erp']}/password"
    assert admin.get(path).json() == {"isExpired": False}
    assert admin.post(path, {"NewPassword": "correct-horse-1"}).status_code == 204
    assert identity.secrets_of(org, user_ids["erp"])["password"] == "correct-horse-1"
    reset = admin.ask("DELETE", path).json()
    assert identity.secrets_of(org, user_ids["erp"])["password"] == reset["NewPassword"]
    short = admin.post(path, {"NewPassword": "x"})
    assert (short.status_code, short.json()[0]["errorCode"]) == (400, "INVALID_NEW_PASSWORD")
    refused = erp.get(f"sobjects/User/{user_ids['admin']}/password")
    assert refused.status_code == 403
    assert refused.json() == [
        {"message": "You do not have permission to view this record.", "errorCode": "INSUFFICIENT_ACCESS"}
    ]
    assert erp.get(path).json() == {"isExpired": True}
