"""SOAP login(): its result, its faults word for word, and how it is going away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.switches import Switches

from .conftest import Client
from .sign_in_desk import Browser, statuses

LOGIN = """<?xml version="1.0" encoding="utf-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<n1:login xmlns:n1="urn:{kind}.soap.sforce.com"><n1:username>{username}</n1:username>
<n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"""
INVALID = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    "<soapenv:Fault><faultcode>sf:INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: Invalid username, password, "
    "security token; or user locked out.</faultstring><detail>"
    '<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode><sf:exceptionMessage>'
    "Invalid username, password, security token; or user locked out.</sf:exceptionMessage></sf:LoginFault></detail>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


@pytest.fixture
def browser(server: SandboxServer) -> Iterator[Browser]:
    made = Browser(server)
    yield made
    made.close()


def login(
    browser: Browser, server: SandboxServer, role: str = "erp", *, kind: str = "u", version: str = "64.0", **values: str
) -> requests.Response:
    user = server.ready.users[role]
    known = {"username": user["username"], "password": user["password"] + user["security_token"]} | values
    content = LOGIN.format(kind={"u": "partner", "c": "enterprise"}[kind], **known)
    headers = {"Content-Type": "text/xml", "SOAPAction": "login"}
    url = f"{browser.url}/services/Soap/{kind}/{version}"
    return browser.http.post(url, data=content.encode(), headers=headers, timeout=10)


def part(response: requests.Response, name: str) -> str:
    return response.text.partition(f"<{name}>")[2].partition("<")[0]


def test_the_enterprise_api_has_its_own_namespace(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    response = login(browser, server, kind="c")
    assert 'xmlns="urn:enterprise.soap.sforce.com"' in response.text
    assert part(response, "serverUrl") == f"{browser.url}/services/Soap/c/64.0/{org.org_id[:15]}"
    assert part(response, "metadataServerUrl") == f"{browser.url}/services/Soap/m/64.0/{org.org_id[:15]}"
    refused = login(browser, server, kind="c", password="wrong")
    assert 'xmlns:sf="urn:fault.enterprise.soap.sforce.com"' in refused.text
    assert [(row["ApiType"], row["ApiVersion"]) for row in org.rows("LoginHistory")] == [
        ("SOAP Enterprise", "64.0")
    ] * 2


@pytest.mark.parametrize("values", [{"password": "wrong"}, {"username": "nobody@acme.example"}, {"password": ""}])
def test_the_fault_of_a_wrong_password_is_the_recorded_one(
    server: SandboxServer, browser: Browser, values: dict[str, str]
) -> None:
    response = login(browser, server, **values)
    assert (response.status_code, response.text) == (500, INVALID)


def test_users_who_are_shut_out_are_told_no_more_than_others(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    login_id = org.rows("UserLogin", UserId=user_ids["erp"])[0]["Id"]
    org.update_row("UserLogin", login_id, {"IsFrozen": True})
    assert login(browser, server).text == INVALID
    org.update_row("User", user_ids["erp"], {"IsActive": False})
    assert login(browser, server).text == INVALID
    assert statuses(org) == ["User is frozen", "User is inactive"]


def test_use_any_api_auth_is_asked_for_by_a_switch(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    assert part(login(browser, server, "integration"), "sf:exceptionCode") == "INSUFFICIENT_ACCESS"
    org.switches = Switches(use_any_api_auth=False)
    response = login(browser, server, "integration")
    assert response.status_code == 200, "API-only users may"
    assert part(response, "passwordExpired") == "false"


def test_a_missing_token_is_named(server: SandboxServer, browser: Browser) -> None:
    response = login(browser, server, password=server.ready.users["erp"]["password"])
    message = part(response, "sf:exceptionMessage")
    assert part(response, "sf:exceptionCode") == "LOGIN_MUST_USE_SECURITY_TOKEN"
    assert message.startswith(
        "Invalid username, password, security token; or user locked out. Are you at a new location?"
    )
    assert message.endswith("then select Reset My Security Token.")


@pytest.mark.parametrize("version", ["65.0", "67.0"])
def test_login_is_gone_from_new_versions(
    org: SandboxOrg, server: SandboxServer, browser: Browser, version: str
) -> None:
    assert part(login(browser, server, version=version), "sf:exceptionCode") == "INVALID_OPERATION"
    assert statuses(org) == []


@pytest.mark.parametrize("version", ["20.0", "30.0", "99.0", "1e3", "٦٤.0"])
def test_versions_that_there_are_not(server: SandboxServer, browser: Browser, version: str) -> None:
    response = login(browser, server, version=version)
    assert response.status_code == 500
    assert "UNSUPPORTED_API_VERSION" in response.text


def test_the_session_of_an_expired_password_may_only_set_another(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    identity.expire_password(org, user_ids["erp"])
    response = login(browser, server)
    assert part(response, "passwordExpired") == "true"
    token = part(response, "sessionId")
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com">'
        f"<e:Header><u:SessionHeader><u:sessionId>{token}</u:sessionId></u:SessionHeader></e:Header>"
        "<e:Body>{call}</e:Body></e:Envelope>"
    )
    url = f"{browser.url}/services/Soap/u/64.0"

    def call(content: str) -> requests.Response:
        return browser.http.post(url, data=envelope.format(call=content).encode(), timeout=10)

    assert "INVALID_OPERATION_WITH_EXPIRED_PASSWORD" in call("<u:getUserInfo/>").text
    new = f"<u:userId>{user_ids['erp']}</u:userId><u:password>another-horse-7</u:password>"
    assert call(f"<u:setPassword>{new}</u:setPassword>").status_code == 200
    assert call("<u:getUserInfo/>").status_code == 200
    client = Client(browser.url, token)
    assert client.get("sobjects").status_code == 200
    client.http.close()


def test_a_username_that_is_a_trick_is_a_wrong_one(server: SandboxServer, browser: Browser) -> None:
    for name in ("' OR 1=1 --", "&lt;x/&gt;", "x" * 10_000):
        assert login(browser, server, username=name).text == INVALID
