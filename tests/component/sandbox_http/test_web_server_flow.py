"""The web server flow: the authorization endpoint, its pages, PKCE, codes, and refresh tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.switches import Switches

from .conftest import Client
from .sign_in_desk import CALLBACK, Browser, pkce, query_of, refusal, statuses, web_app

AUTHORIZE = "/services/oauth2/authorize"


@pytest.fixture
def browser(server: SandboxServer) -> Iterator[Browser]:
    made = Browser(server)
    yield made
    made.close()


def asked(app: App, **more: str) -> dict[str, str]:
    return {"response_type": "code", "client_id": app.consumer_key, "redirect_uri": CALLBACK, "state": "x y"} | more


def credentials(server: SandboxServer, role: str) -> dict[str, str]:
    user = server.ready.users[role]
    return {"username": user["username"], "pw": user["password"]}


def approve(browser: Browser, server: SandboxServer, app: App, role: str, **more: str) -> dict[str, str]:
    """Log in and allow; what the callback gets."""
    page = browser.post(AUTHORIZE, asked(app, **more) | credentials(server, role))
    assert "Allow Access?" in page.text
    return query_of(browser.post(AUTHORIZE, asked(app, **more) | {"approval": hidden(page.text), "decision": "allow"}))


def hidden(page: str) -> str:
    found = re.search(r'name="approval" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def exchange(browser: Browser, app: App, code: str, **more: str) -> Any:
    form = {"client_id": app.consumer_key, "client_secret": app.consumer_secret, "redirect_uri": CALLBACK, "code": code}
    return browser.token(**{"grant_type": "authorization_code"} | form | more)


def tokens(browser: Browser, server: SandboxServer, app: App, role: str = "erp") -> dict[str, str]:
    response = exchange(browser, app, approve(browser, server, app, role)["code"])
    assert response.status_code == 200, response.text
    return dict(response.json())


def refresh(browser: Browser, app: App, token: str, **more: str) -> Any:
    form = {"client_id": app.consumer_key, "client_secret": app.consumer_secret, "refresh_token": token}
    return browser.token(**{"grant_type": "refresh_token"} | form | more)


def test_from_the_login_page_to_a_session(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    app = web_app(org, pkce_required=True)
    verifier, challenge = pkce()
    page = browser.get(AUTHORIZE, asked(app, **challenge))
    assert page.status_code == 200
    assert '<input name="username"' in page.text
    given = approve(browser, server, app, "erp", **challenge)
    assert given["state"] == "x y"
    response = exchange(browser, app, given["code"], code_verifier=verifier)
    body = response.json()
    assert list(body) == [
        *("access_token", "refresh_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"),
        "api_instance_url",
    ]
    assert body["scope"] == "api refresh_token web"
    client = Client(browser.url, body["access_token"])
    assert client.query("SELECT UseCount, AppName FROM OauthToken")[0]["AppName"] == "Desktop"
    client.http.close()
    history = [(row["LoginType"], row["LoginSubType"], row["Status"]) for row in org.rows("LoginHistory")]
    assert history == [
        ("Application", "UsernamePasswordUiLogin", "Success"),
        ("Remote Access 2.0", "OauthWebServer", "Success"),
    ]


def test_who_is_logged_in_and_allowed_it_before_goes_straight_through(
    org: SandboxOrg, server: SandboxServer, browser: Browser
) -> None:
    app = web_app(org)
    approve(browser, server, app, "erp")
    assert "code" in query_of(browser.get(AUTHORIZE, asked(app)))
    assert "Log In" in browser.get(AUTHORIZE, asked(app, prompt="login")).text
    assert "Allow Access?" in browser.get(AUTHORIZE, asked(app, prompt="consent")).text


def test_nobody_is_asked_where_nothing_may_be_shown(org: SandboxOrg, browser: Browser) -> None:
    given = query_of(browser.get(AUTHORIZE, asked(web_app(org), prompt="none")))
    assert given["error"] == "immediate_unsuccessful"


def test_a_wrong_password_leads_back_to_the_form(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    form = asked(web_app(org)) | credentials(server, "erp")
    for wrong in ({"pw": "wrong"}, {"username": "nobody@acme.example"}, {"username": '"><script>'}):
        page = browser.post(AUTHORIZE, form | wrong)
        assert "Please check your username and password." in page.text
        assert "<script>" not in page.text
    assert statuses(org) == ["Invalid Password"]


def test_a_user_may_deny(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    app = web_app(org)
    page = browser.post(AUTHORIZE, asked(app) | credentials(server, "erp"))
    decided = asked(app) | {"approval": hidden(page.text), "decision": "deny"}
    given = query_of(browser.post(AUTHORIZE, decided))
    assert given == {
        "error": "access_denied",
        "error_description": "end-user denied authorization",
        "state": "x y",
    }
    assert "Log In" in browser.post(AUTHORIZE, decided | {"prompt": "login"}).text, "an approval is good once"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_id": "nobody"}, "error=invalid_client_id&error_description=client%20identifier%20invalid"),
        ({"client_id": ""}, "error=invalid_request&error_description=missing%20required%20parameter%3A%20client_id"),
        ({"redirect_uri": ""}, "error=redirect_uri_missing&error_description=redirect_uri%20not%20provided"),
        (
            {"redirect_uri": "http://elsewhere.example"},
            "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration",
        ),
        ({}, "error=invalid_request&error_description=missing%20required%20code%20challenge"),
        (
            {"code_challenge": "x", "code_challenge_method": "plain"},
            "error=invalid_request&error_description=invalid%20code%20challenge",
        ),
    ],
)
def test_faults_of_the_client_stay_on_the_page(
    org: SandboxOrg, browser: Browser, changes: dict[str, str], expected: str
) -> None:
    response = browser.get(AUTHORIZE, asked(web_app(org, pkce_required=True)) | changes)
    assert (response.status_code, response.text) == (400, expected)
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"response_type": "token"}, "unsupported_response_type"), ({"scope": "api full"}, "invalid_scope")],
)
def test_other_faults_go_to_the_callback(
    org: SandboxOrg, browser: Browser, changes: dict[str, str], error: str
) -> None:
    assert query_of(browser.get(AUTHORIZE, asked(web_app(org)) | changes))["error"] == error


def test_a_code_is_good_once_for_its_app_its_callback_and_its_verifier(
    org: SandboxOrg, server: SandboxServer, browser: Browser
) -> None:
    app, other = web_app(org), web_app(org, name="Other")
    _, challenge = pkce()
    approve(browser, server, app, "erp", **challenge)

    def code(**more: str) -> str:
        return query_of(browser.get(AUTHORIZE, asked(app, **more)))["code"]

    used = code()
    assert exchange(browser, app, used).status_code == 200
    assert refusal(exchange(browser, app, used)) == ("invalid_grant", "invalid authorization code")
    assert refusal(exchange(browser, other, code()))[1] == "invalid authorization code"
    assert refusal(exchange(browser, app, "nonsense"))[1] == "invalid authorization code"
    approval = hidden(browser.get(AUTHORIZE, asked(app, prompt="consent")).text)
    assert refusal(exchange(browser, app, approval))[1] == "invalid authorization code"
    assert refusal(exchange(browser, app, code(), redirect_uri="x"))[0] == "redirect_uri_mismatch"
    assert refusal(exchange(browser, app, code(**challenge)))[1] == "invalid code verifier"
    assert refusal(exchange(browser, app, code(**challenge), code_verifier="x" * 43))[1] == "invalid code verifier"
    assert refusal(exchange(browser, app, code(), client_secret="wrong")) == (
        "invalid_client",
        "invalid client credentials",
    )
    late = code()
    org.clock.advance(15 * 60 + 1)
    assert refusal(exchange(browser, app, late)) == ("invalid_grant", "expired authorization code")


def test_an_api_only_user_gets_tokens_and_no_ui(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    app = web_app(org)
    assert tokens(browser, server, app, "integration")["access_token"]
    assert "sid" not in browser.http.cookies
    assert [row["SessionType"] for row in org.rows("AuthSession")] == ["Oauth2"]
    org.switches = Switches(api_only_web_flow="refuse")
    page = browser.post(AUTHORIZE, asked(app) | credentials(server, "integration"))
    assert "OAUTH_APPROVAL_ERROR_GENERIC" in page.text


def test_admin_approved_blocked_and_uninstalled_apps(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    app = web_app(org, admin_approved_only=True)

    def answer(role: str = "erp") -> dict[str, str]:
        return query_of(browser.post(AUTHORIZE, asked(app) | credentials(server, role)))

    assert answer()["error"] == "invalid_app_access"
    owned = org.rows("PermissionSet", ProfileId=org.row("User", user_ids["erp"])["ProfileId"])[0]["Id"]
    org.insert_row("SetupEntityAccess", {"ParentId": owned, "SetupEntityId": app.id, "SetupEntityType": app.kind})
    assert "code" in answer()
    apps.change_app(org, app, blocked=True)
    assert answer()["error_description"] == "this app is blocked by admin"
    apps.change_app(org, app, installed=False)
    assert answer() == {
        "error": "invalid_client",
        "error_description": "app must be installed into org",
        "state": "x y",
    }
    apps.change_app(org, app, installed=False, admin_approved_only=False)
    page = browser.post(AUTHORIZE, asked(app) | credentials(server, "admin"))
    assert "Allow Access?" in page.text, "the admin has Approve Uninstalled Connected Apps"


def test_a_refresh_token_renews_the_session(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    app = web_app(org)
    first = tokens(browser, server, app)
    org.clock.advance(identity.SESSION_SECONDS + 1)
    again = refresh(browser, app, first["refresh_token"])
    assert list(again.json()) == [
        *("access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"),
    ]
    assert again.json()["access_token"] != first["access_token"]
    assert org.rows("OauthToken")[0]["UseCount"] == 2
    assert org.rows("LoginHistory")[-1]["LoginSubType"] == "OauthRefreshToken"
    client = Client(browser.url, again.json()["access_token"])
    assert client.get("sobjects").status_code == 200
    client.http.close()


def test_who_may_refresh(org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]) -> None:
    app, other = web_app(org), web_app(org, name="Other")
    token = tokens(browser, server, app)["refresh_token"]
    expired = ("invalid_grant", "expired access/refresh token")
    assert refusal(refresh(browser, other, token)) == expired
    assert refusal(refresh(browser, app, "nonsense")) == expired
    assert refusal(refresh(browser, app, token, client_secret="wrong"))[0] == "invalid_client"
    without = {"grant_type": "refresh_token", "client_id": app.consumer_key, "refresh_token": token}
    assert refusal(browser.token(**without))[0] == "invalid_client"
    apps.change_app(org, app, secret_required=False)
    assert browser.token(**without).status_code == 200
    login_id = org.rows("UserLogin", UserId=user_ids["erp"])[0]["Id"]
    org.update_row("UserLogin", login_id, {"IsFrozen": True})
    assert refusal(refresh(browser, app, token)) == ("invalid_grant", "authentication failure")
    org.switches = Switches(frozen_user_error="inactive-user")
    assert refusal(refresh(browser, app, token)) == ("invalid_grant", "inactive user")
    org.update_row("UserLogin", login_id, {"IsFrozen": False})
    org.update_row("User", user_ids["erp"], {"IsActive": False})
    assert refusal(refresh(browser, app, token)) == ("invalid_grant", "inactive user")
    assert statuses(org)[-3:] == ["User is frozen", "User is frozen", "User is inactive"]


@pytest.mark.parametrize(
    ("policy", "steps"),
    [
        ({"refresh_lifetime_seconds": 0}, [(0, False)]),
        ({"refresh_lifetime_seconds": 86_400}, [(80_000, True), (80_000, False)]),
        ({"refresh_idle_seconds": 86_400}, [(80_000, True), (80_000, True), (90_000, False)]),
    ],
    ids=["at once", "a lifetime", "idle"],
)
def test_refresh_token_policies(
    org: SandboxOrg, server: SandboxServer, browser: Browser, policy: dict[str, int], steps: list[tuple[int, bool]]
) -> None:
    app = web_app(org, **policy)
    token = tokens(browser, server, app)["refresh_token"]
    for seconds, good in steps:
        org.clock.advance(seconds)
        assert (refresh(browser, app, token).status_code == 200) is good


def test_rotation_replaces_the_refresh_token(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    app = web_app(org, rotates_refresh_tokens=True)
    first = tokens(browser, server, app)["refresh_token"]
    second = refresh(browser, app, first).json()["refresh_token"]
    assert second != first
    assert refusal(refresh(browser, app, first))[1] == "expired access/refresh token"
    assert refresh(browser, app, second).status_code == 200
    assert len(org.rows("OauthToken")) == 1


def test_an_app_without_the_scope_gets_no_refresh_token(
    org: SandboxOrg, server: SandboxServer, browser: Browser
) -> None:
    app = web_app(org, scopes=("api",))
    assert "refresh_token" not in tokens(browser, server, app)
    assert "refresh_token" not in exchange(browser, app, query_of(browser.get(AUTHORIZE, asked(app)))["code"]).json()
    assert [row["UseCount"] for row in org.rows("OauthToken")] == [2]


def test_an_id_token_can_be_checked(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    app = web_app(org, scopes=("api", "openid"))
    body = exchange(browser, app, approve(browser, server, app, "erp", nonce="n-1")["code"]).json()
    assert list(body)[:4] == ["access_token", "signature", "scope", "id_token"]
    where = browser.get("/.well-known/openid-configuration").json()["jwks_uri"]
    known = jwt.PyJWKSet.from_dict(browser.http.get(where, timeout=10).json())
    at = org.clock.peek().timestamp()
    claims = jwt.decode(
        body["id_token"],
        known[jwt.get_unverified_header(body["id_token"])["kid"]].key,
        algorithms=["RS256"],
        audience=app.consumer_key,
        issuer=browser.url,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["sub"], claims["nonce"]) == (body["id"], "n-1")
    assert claims["iat"] <= at <= claims["exp"]


def test_no_token_is_in_a_column(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    body = tokens(browser, server, web_app(org))
    for name in ("OauthToken", "AuthSession", "LoginHistory"):
        text = str(org.rows(name))
        assert body["access_token"] not in text
        assert body["refresh_token"] not in text
