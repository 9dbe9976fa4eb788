"""The identity service's answers, and the ways into the user interface, which keep API-only users out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.switches import Switches

from .conftest import USERNAMES, Client
from .sign_in_desk import Browser, statuses


@pytest.fixture
def browser(server: SandboxServer) -> Iterator[Browser]:
    made = Browser(server)
    yield made
    made.close()


def test_userinfo_has_every_key_in_order(erp: Client) -> None:
    body = erp.get("/services/oauth2/userinfo").json()
    assert list(body) == [
        *("sub", "user_id", "organization_id", "preferred_username", "nickname", "name", "email", "email_verified"),
        *("given_name", "family_name", "zoneinfo", "photos", "profile", "picture", "address", "urls", "active"),
        *("user_type", "language", "locale", "utcOffset", "updated_at", "is_app_installed"),
        "is_salesforce_integration_user",
    ]
    assert body["utcOffset"] == 3_600_000
    assert body["updated_at"].endswith("Z")
    assert body["urls"]["rest"] == f"{erp.url}/services/data/v{{version}}/"
    assert set(body["photos"]) == {"picture", "thumbnail"}


def test_the_identity_url_has_every_key_in_order(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    body = erp.get(f"/id/{org.org_id}/{user_ids['erp']}").json()
    assert list(body) == [
        *("id", "asserted_user", "user_id", "organization_id", "username", "nick_name", "display_name", "email"),
        *("email_verified", "first_name", "last_name", "timezone", "photos", "addr_street", "addr_city", "addr_state"),
        *("addr_country", "addr_zip", "mobile_phone", "mobile_phone_verified", "is_lightning_login_user", "status"),
        *("urls", "active", "user_type", "language", "locale", "utcOffset", "last_modified_date", "is_app_installed"),
    ]


def test_the_identity_service_takes_the_token_as_a_parameter(browser: Browser, erp: Client) -> None:
    for name in ("access_token", "oauth_token"):
        assert (
            browser.get("/services/oauth2/userinfo", {name: erp.token}).json()["preferred_username"] == USERNAMES["erp"]
        )
        assert browser.post("/services/oauth2/userinfo", {name: erp.token}).status_code == 200


@pytest.mark.parametrize("path", ["/services/oauth2/userinfo", "/id/x/y", "/services/oauth2/singleaccess"])
def test_what_a_bad_token_gets(browser: Browser, path: str) -> None:
    missing = browser.get(path)
    assert (missing.status_code, missing.text) == (403, "Missing_OAuth_Token")
    bad = browser.get(path, headers={"Authorization": "Bearer nonsense"})
    assert (bad.status_code, bad.text) == (403, "Bad_OAuth_Token")


def test_inactive_users_have_no_identity(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    org.update_row("User", user_ids["offline"], {"IsActive": False})
    answer = erp.get(f"/id/{org.org_id}/{user_ids['offline']}")
    assert (answer.status_code, answer.text) == (404, "Inactive")


def test_without_the_api_one_has_no_access_to_others(
    org: SandboxOrg, connect: Callable[[str], Client], user_ids: dict[str, str]
) -> None:
    client = connect("offline")
    assert client.get(f"/id/{org.org_id}/{user_ids['offline']}").status_code == 200
    answer = client.get(f"/id/{org.org_id}/{user_ids['erp']}")
    assert (answer.status_code, answer.text) == (404, "No_Access")


def test_who_is_an_integration_user_is_a_switch(
    org: SandboxOrg, connect: Callable[[str], Client], user_ids: dict[str, str]
) -> None:
    clients = {role: connect(role) for role in ("erp", "integration")}
    owned = org.rows("PermissionSet", ProfileId=org.row("User", user_ids["erp"])["ProfileId"])[0]["Id"]
    org.update_row("PermissionSet", owned, {"PermissionsApiUserOnly": True})

    def said() -> dict[str, bool]:
        key = "is_salesforce_integration_user"
        return {role: one.get("/services/oauth2/userinfo").json()[key] for role, one in clients.items()}

    assert said() == {"erp": False, "integration": True}
    org.switches = Switches(integration_user_by="api-only")
    assert said() == {"erp": True, "integration": True}


def test_openid_discovery(browser: Browser) -> None:
    body = browser.get("/.well-known/openid-configuration").json()
    assert body["issuer"] == browser.url
    assert body["token_endpoint"] == f"{browser.url}/services/oauth2/token"


def test_the_login_page(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    user = server.ready.users["erp"]
    assert "Log In" in browser.get("/").text
    assert browser.get("/lightning").headers["Location"] == "/?ec=302&startURL=%2Flightning"
    wrong = browser.post("/", {"username": user["username"], "pw": "wrong"})
    assert "Please check your username and password." in wrong.text
    assert "Please check" in browser.post("/", {"username": "nobody@acme.example", "pw": "x"}).text
    entered = browser.post("/", {"username": user["username"], "pw": user["password"]})
    assert (entered.status_code, entered.headers["Location"]) == (302, "/lightning")
    assert "HttpOnly" in entered.headers["Set-Cookie"]
    assert user["username"] in browser.get("/lightning").text
    assert org.rows("AuthSession")[0]["SessionType"] == "UI"
    assert [(row["SourceIp"], row["IsAuthenticated"]) for row in org.rows("LoginIp")] == [("127.0.0.1", True)]
    assert browser.get("/secur/logout.jsp").headers["Location"] == "/"
    assert org.rows("AuthSession") == []
    assert browser.get("/lightning").status_code == 302
    assert statuses(org) == ["Invalid Password", "Success"]


def test_an_api_only_user_does_not_get_in(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    user = server.ready.users["integration"]
    page = browser.post("/", {"username": user["username"], "pw": user["password"]})
    assert "Access Restricted for API Only Users" in page.text
    assert "Set-Cookie" not in page.headers
    assert [(row["LoginType"], row["Status"]) for row in org.rows("LoginHistory")] == [
        ("Application", "Failed: API-only user")
    ]


def test_a_front_door_opens_once_and_for_a_minute(
    org: SandboxOrg, browser: Browser, connect: Callable[[str], Client]
) -> None:
    erp, integration = connect("erp"), connect("integration")

    def door(client: Client, **form: str) -> str:
        body = client.http.post(f"{client.url}/services/oauth2/singleaccess", data=form, timeout=10).json()
        assert list(body) == ["frontdoor_uri"]
        parts = urlsplit(body["frontdoor_uri"])
        assert parts.path == "/secur/frontdoor.jsp"
        return f"{parts.path}?{parts.query}"

    first = door(erp, redirect_uri="/lightning/r/Account/001")
    assert parse_qs(urlsplit(first).query)["startURL"] == ["/lightning/r/Account/001"]
    assert browser.get(first).headers["Location"] == "/lightning/r/Account/001"
    assert browser.get(first).headers["Location"].startswith("/?ec=302")
    late = door(erp)
    org.clock.advance(61)
    assert browser.get(late).headers["Location"].startswith("/?ec=302")
    assert "Access Restricted" in browser.get(door(integration)).text
    assert erp.get("/services/oauth2/singleaccess").status_code == 200


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
def test_the_front_door_leads_nowhere_else(browser: Browser, erp: Client, elsewhere: str) -> None:
    answer = browser.get("/secur/frontdoor.jsp", {"sid": erp.token, "retURL": elsewhere})
    assert answer.headers["Location"] == "/lightning"


def test_no_header_is_smuggled_in(browser: Browser, erp: Client) -> None:
    answer = browser.get("/secur/frontdoor.jsp", {"sid": erp.token, "retURL": "/x\r\nSet-Cookie: a=b"})
    assert answer.headers["Location"] == "/x%0D%0ASet-Cookie:%20a=b"


def test_a_profile_change_counts_at_once(
    org: SandboxOrg, browser: Browser, erp: Client, user_ids: dict[str, str]
) -> None:
    assert browser.get("/secur/frontdoor.jsp", {"sid": erp.token}).headers["Location"] == "/lightning"
    org.update_row("User", user_ids["erp"], {"ProfileId": org.row("User", user_ids["integration"])["ProfileId"]})
    assert erp.get("sobjects").status_code == 200, "the session goes on"
    assert browser.get("/lightning").status_code == 302, "and not in the UI"
    assert "Access Restricted" in browser.get("/secur/frontdoor.jsp", {"sid": erp.token}).text
    assert identity.session_of(org, erp.token) is not None
