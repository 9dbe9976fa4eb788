"""What becomes of tokens: sessions as rows, introspection, revocation, OAuth usage, and who may see what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from defusedxml.ElementTree import fromstring

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.identity import Login, oauth_tokens
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.switches import Switches

from .conftest import USERNAMES, Client
from .sign_in_desk import Browser, password_form, refusal

SESSIONS = "SELECT Id, UsersId, SessionType, LoginType, NumSecondsValid, SourceIp, LoginHistoryId FROM AuthSession"


@pytest.fixture
def browser(server: SandboxServer) -> Iterator[Browser]:
    made = Browser(server)
    yield made
    made.close()


@pytest.fixture
def app(org: SandboxOrg, user_ids: dict[str, str]) -> App:
    return apps.add_app(org, name="ERP", flows={"client-credentials"}, run_as=user_ids["integration"])


def refreshed(org: SandboxOrg, app: App, user_id: str) -> tuple[str, str]:
    """An access token and a refresh token of an app for a user."""
    user = org.row("User", user_id)
    login = Login(identity.OAUTH_LOGIN, app.name, "OauthWebServer")
    session = identity.sign_in(org, user, login, app_id=app.id, scope="api refresh_token")
    token = oauth_tokens.remember_app(org, session, app_name=app.name, refresh=True)
    assert token is not None
    return session.token, token


def own_token(browser: Browser, app: App) -> str:
    response = browser.token(auth=(app.consumer_key, app.consumer_secret), grant_type="client_credentials")
    return str(response.json()["access_token"])


def test_everybody_sees_the_own_sessions_and_admins_all(
    org: SandboxOrg, connect: Callable[[str], Client], browser: Browser, app: App, user_ids: dict[str, str]
) -> None:
    admin, erp = connect("admin"), connect("erp")
    own_token(browser, app)
    assert {row["UsersId"] for row in erp.query(SESSIONS)} == {user_ids["erp"]}
    rows = {row["UsersId"]: row for row in admin.query(SESSIONS)}
    assert set(rows) == {user_ids["admin"], user_ids["erp"], user_ids["integration"]}
    shown = rows[user_ids["integration"]]
    assert (shown["SessionType"], shown["LoginType"], shown["NumSecondsValid"]) == ("Oauth2", "Remote Access 2.0", 7200)
    history = org.row("LoginHistory", shown["LoginHistoryId"])
    assert history is not None
    assert history["UserId"] == user_ids["integration"]


def test_one_session_is_the_current_one(connect: Callable[[str], Client]) -> None:
    clients = [connect("admin"), connect("admin"), connect("erp")]
    found = [client.query("SELECT Id FROM AuthSession WHERE IsCurrent = true") for client in clients]
    assert [len(rows) for rows in found] == [1, 1, 1]
    assert len({rows[0]["Id"] for rows in found}) == 3


def test_deleting_a_session_ends_it(org: SandboxOrg, admin: Client, erp: Client, user_ids: dict[str, str]) -> None:
    others = org.rows("AuthSession", UsersId=user_ids["admin"])[0]["Id"]
    assert not erp.ask("DELETE", f"sobjects/AuthSession/{others}").ok
    assert admin.get("sobjects").status_code == 200
    own = org.rows("AuthSession", UsersId=user_ids["erp"])[0]["Id"]
    assert admin.ask("DELETE", f"sobjects/AuthSession/{own}").status_code == 204
    assert erp.get("sobjects").status_code == 401
    assert admin.get("sobjects").status_code == 200


def test_freezing_ends_sessions_whatever_call_it_is(
    org: SandboxOrg, admin: Client, connect: Callable[[str], Client], user_ids: dict[str, str]
) -> None:
    login_id = org.rows("UserLogin", UserId=user_ids["erp"])[0]["Id"]
    client = connect("erp")
    for frozen in (True, False):
        row = {"attributes": {"type": "UserLogin"}, "Id": login_id, "IsFrozen": frozen}
        answer = admin.ask("PATCH", "composite/sobjects", json={"records": [row]})
        assert answer.json()[0]["success"] is True
    assert client.get("sobjects").status_code == 401
    client = connect("erp")
    for active in (False, True):
        admin.ask("PATCH", f"sobjects/User/{user_ids['erp']}", json={"IsActive": active})
    assert client.get("sobjects").status_code == 401


def test_a_session_that_ran_out_leaves_no_row(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    org.clock.advance(identity.SESSION_SECONDS / 2 + 60)
    assert erp.get("").status_code == 200
    org.clock.advance(identity.SESSION_SECONDS - 60)
    assert erp.get("").status_code == 200, "its use in the second half prolonged it"
    org.clock.advance(identity.SESSION_SECONDS)
    assert erp.get("").status_code == 401
    assert org.rows("AuthSession", UsersId=user_ids["erp"]) == []


def test_nobody_sees_sessions_that_ran_out(
    org: SandboxOrg, connect: Callable[[str], Client], browser: Browser, app: App
) -> None:
    admin = connect("admin")
    token = own_token(browser, app)
    for _ in range(2):
        org.clock.advance(identity.SESSION_SECONDS * 0.9)
        assert admin.get("").status_code == 200
    assert len(admin.query(SESSIONS)) == 1
    assert identity.session_of(org, token) is None


def test_the_policy_says_how_long_a_session_lasts(org: SandboxOrg, connect: Callable[[str], Client]) -> None:
    identity.set_policy(org, session_seconds=900)
    client = connect("erp")
    org.clock.advance(901)
    assert client.get("").status_code == 401


def test_introspection_tells_an_app_about_its_own_tokens(
    org: SandboxOrg, server: SandboxServer, browser: Browser, app: App, user_ids: dict[str, str]
) -> None:
    token = own_token(browser, app)
    auth = (app.consumer_key, app.consumer_secret)

    def asked(given: str, who: tuple[str, str] = auth) -> dict[str, object]:
        return dict(browser.post("/services/oauth2/introspect", {"token": given}, auth=who).json())

    shown = asked(token)
    assert list(shown) == ["active", "scope", "client_id", "username", "sub", "token_type", "exp", "iat", "nbf"]
    assert (shown["active"], shown["username"], shown["token_type"]) == (True, USERNAMES["integration"], "access_token")
    assert shown["exp"] == int(shown["iat"]) + identity.SESSION_SECONDS
    assert shown["iat"] == int(datetime.fromisoformat(org.rows("AuthSession")[0]["CreatedDate"]).timestamp())
    _, refresh = refreshed(org, app, user_ids["erp"])
    assert asked(refresh)["token_type"] == "refresh_token"
    assert "exp" not in asked(refresh)
    inactive = {"active": False}
    other = apps.add_app(org, name="Other", flows={"client-credentials"})
    other_auth = (other.consumer_key, other.consumer_secret)
    assert asked(token, other_auth) == inactive
    apps.change_app(org, other, introspects_all=True)
    assert asked(token, other_auth)["client_id"] == app.consumer_key
    assert asked("nonsense") == inactive
    password = browser.token(**password_form(server, "erp")).json()["access_token"]
    assert asked(password, other_auth) == inactive, "tokens of the username-password flow cannot be introspected"
    org.clock.advance(identity.SESSION_SECONDS + 1)
    assert asked(token) == inactive


def test_introspection_asks_who_is_asking(browser: Browser, app: App) -> None:
    assert refusal(browser.post("/services/oauth2/introspect", {"token": "x", "client_id": "x"})) == (
        "invalid_client_id",
        "client identifier invalid",
    )
    wrong = (app.consumer_key, "wrong")
    assert refusal(browser.post("/services/oauth2/introspect", {"token": "x"}, auth=wrong))[0] == "invalid_client"
    right = (app.consumer_key, app.consumer_secret)
    assert refusal(browser.post("/services/oauth2/introspect", {}, auth=right)) == (
        "invalid_request",
        "missing required parameter: token",
    )


@pytest.mark.parametrize("by", ["access", "refresh", "delete"])
def test_what_a_revocation_ends(org: SandboxOrg, browser: Browser, app: App, user_ids: dict[str, str], by: str) -> None:
    access, refresh = refreshed(org, app, user_ids["erp"])
    given = {"access": access, "refresh": refresh, "delete": org.rows("OauthToken")[0]["DeleteToken"]}[by]
    answer = browser.post("/services/oauth2/revoke", {"token": given})
    assert (answer.status_code, answer.content) == (200, b"")
    assert identity.session_of(org, access) is None
    whole = by != "access"
    assert (oauth_tokens.refresh_token(org, refresh) is None) is whole
    assert (org.rows("OauthToken") == []) is whole
    again = browser.get("/services/oauth2/revoke", {"token": given})
    assert refusal(again) == ("unsupported_token_type", "this token type is not supported")
    org.switches = Switches(unknown_token_error="invalid_token")
    assert refusal(browser.get("/services/oauth2/revoke", {"token": given})) == ("invalid_token", "invalid token")
    assert refusal(browser.get("/services/oauth2/revoke")) == ("invalid_request", "missing required parameter: token")


def test_oauth_tokens_are_the_own_ones(
    org: SandboxOrg, admin: Client, erp: Client, app: App, user_ids: dict[str, str]
) -> None:
    refreshed(org, app, user_ids["erp"])
    refreshed(org, app, user_ids["integration"])
    soql = "SELECT AppName, UserId, UseCount, LastUsedDate, DeleteToken FROM OauthToken"
    assert [row["UserId"] for row in erp.query(soql)] == [user_ids["erp"]]
    assert len(admin.query(soql)) == 2
    row = org.rows("OauthToken")[0]["Id"]
    assert admin.ask("DELETE", f"sobjects/OauthToken/{row}").status_code == 400, "it is revoked and not deleted"


def test_bearer_flows_may_leave_oauth_tokens(
    org: SandboxOrg, server: SandboxServer, browser: Browser, app: App
) -> None:
    own_token(browser, app)
    assert org.rows("OauthToken") == []
    org.switches = Switches(bearer_flows_leave_oauth_tokens=True)
    tokens = [own_token(browser, app) for _ in range(3)]
    browser.token(**password_form(server, "erp"))
    row = org.rows("OauthToken")[0]
    assert (len(org.rows("OauthToken")), row["UseCount"], row["AppName"]) == (1, 3, "ERP")
    browser.get("/services/oauth2/revoke", {"token": row["DeleteToken"]})
    assert [identity.session_of(org, token) for token in tokens] == [None, None, None]


def test_oauth_usage(org: SandboxOrg, admin: Client, erp: Client, app: App, user_ids: dict[str, str]) -> None:
    other = apps.add_app(org, name="Desktop", kind="ExternalClientApplication", flows={"web-server"})
    kept = [refreshed(org, app, user_ids[role]) for role in ("erp", "erp", "integration")]
    spared, _ = refreshed(org, other, user_ids["erp"])
    usage = "/services/data/v67.0/apps/oauth/usage"
    page = admin.get("apps/oauth/usage", params={"pageSize": "1"}).json()
    assert [one["developerName"] for one in page["apps"]] == ["ERP"]
    assert page["currentPageUrl"] == f"{usage}?page=0&pageSize=1"
    following = admin.get(page["nextPageUrl"]).json()
    assert [one["identifier"] for one in following["apps"]] == [other.id]
    assert admin.get(following["nextPageUrl"]).json()["apps"] == []
    users = {one["username"]: one for one in admin.get(page["apps"][0]["usageDetailsUrl"]).json()["users"]}
    assert {name: one["useCount"] for name, one in users.items()} == {USERNAMES["erp"]: 2, USERNAMES["integration"]: 1}
    tokens = admin.get(users[USERNAMES["erp"]]["tokensUrl"]).json()["tokens"]
    assert list(tokens[0]) == [
        *("accessTokenFormat", "appDeveloperName", "appIdentifier", "initialConnectionAt", "lastUsedAt"),
        *("revocationUrl", "useCount", "userIdentifier", "username"),
    ]
    assert admin.ask("DELETE", tokens[0]["revocationUrl"]).status_code == 204
    assert admin.ask("DELETE", tokens[0]["revocationUrl"]).status_code == 404
    assert admin.ask("DELETE", f"{usage}/{app.id}/{user_ids['erp']}/tokens").status_code == 204
    assert admin.ask("DELETE", f"{usage}/{app.id}/tokens").status_code == 204
    assert [identity.session_of(org, access) for access, _ in kept] == [None, None, None]
    assert identity.session_of(org, spared) is not None
    assert erp.get("apps/oauth/usage").status_code == 403
    assert admin.get("apps/oauth/usage", params={"page": "-1"}).status_code == 400
    assert admin.get(f"apps/oauth/usage/{user_ids['erp']}/users").status_code == 404
    assert admin.get("/services/data/v58.0/apps/oauth/usage").status_code == 404


def test_an_app_that_is_deleted_switched_off_or_has_another_secret(org: SandboxOrg, browser: Browser, app: App) -> None:
    token = own_token(browser, app)
    old = (app.consumer_key, app.consumer_secret)
    rotated = apps.rotate_secret(org, app)
    assert refusal(browser.token(auth=old, grant_type="client_credentials")) == (
        "invalid_client",
        "invalid client credentials",
    )
    auth = (rotated.consumer_key, rotated.consumer_secret)
    assert browser.token(auth=auth, grant_type="client_credentials").status_code == 200
    rotated = apps.change_app(org, rotated, enabled=False)
    assert refusal(browser.token(auth=auth, grant_type="client_credentials"))[0] == "app_not_found"
    assert identity.session_of(org, token) is not None
    apps.delete_app(org, rotated)
    assert refusal(browser.token(auth=auth, grant_type="client_credentials"))[0] == "invalid_client_id"
    assert identity.session_of(org, token) is None
    assert org.row("ConnectedApplication", app.id) is None


def test_blocked_and_uninstalled_apps_let_nobody_in(
    org: SandboxOrg, browser: Browser, app: App, user_ids: dict[str, str]
) -> None:
    auth = (app.consumer_key, app.consumer_secret)
    apps.change_app(org, app, blocked=True)
    blocked = browser.token(auth=auth, grant_type="client_credentials")
    assert refusal(blocked) == ("OAUTH_APP_BLOCKED", "this app is blocked by admin")
    apps.change_app(org, app, installed=False)
    uninstalled = browser.token(auth=auth, grant_type="client_credentials")
    assert refusal(uninstalled) == ("invalid_client", "app must be installed into org")
    apps.change_app(org, app, installed=False, consented=frozenset({user_ids["integration"]}))
    assert browser.token(auth=auth, grant_type="client_credentials").status_code == 200
    assert [row["Status"] for row in org.rows("LoginHistory")] == [*["Failed: Not approved for access"] * 2, "Success"]


def test_a_run_as_user_who_is_frozen(org: SandboxOrg, browser: Browser, app: App, user_ids: dict[str, str]) -> None:
    login_id = org.rows("UserLogin", UserId=user_ids["integration"])[0]["Id"]
    org.update_row("UserLogin", login_id, {"IsFrozen": True})
    auth = (app.consumer_key, app.consumer_secret)
    assert refusal(browser.token(auth=auth, grant_type="client_credentials")) == (
        "invalid_grant",
        "authentication failure",
    )


def test_the_token_endpoint_takes_forms_that_are_posted(browser: Browser, app: App) -> None:
    assert refusal(browser.get("/services/oauth2/token", {"grant_type": "client_credentials"})) == (
        "invalid_request",
        "must use HTTP POST",
    )
    missing = ("invalid_request", "missing required parameter: grant_type")
    for content in (b"{}", b"\xff\xfe", b"a=b&" * 2000, b"grant_type=" + b"x" * 2_000_000, b"%00%ff=%zz"):
        response = browser.http.post(f"{browser.url}/services/oauth2/token", data=content, timeout=10)
        assert refusal(response) == missing
    assert refusal(browser.token(grant_type="urn:ietf:params:oauth:grant-type:device_code"))[0] == (
        "unsupported_grant_type"
    )
    basic = {"Authorization": "Basic nonsense"}
    form = {"grant_type": "client_credentials"}
    wrong = browser.post("/services/oauth2/token", form, headers=basic)
    assert refusal(wrong) == ("invalid_client", "invalid client credentials")
    assert refusal(browser.token(auth=(app.consumer_key, "é"), grant_type="client_credentials"))[0] == "invalid_client"


def test_tokens_come_in_the_format_that_is_asked_for(browser: Browser, server: SandboxServer) -> None:
    form = password_form(server, "erp")
    tokens = {}
    for kind in ("json", "xml", "urlencoded"):
        answer = browser.token(**form, format=kind)
        assert answer.status_code == 200
        tokens[answer.headers["Content-Type"]] = answer.text
    names = ("application/json;charset=UTF-8", "application/xml;charset=UTF-8")
    assert tuple(tokens) == (*names, "application/x-www-form-urlencoded;charset=UTF-8")
    as_json, as_xml, as_form = tokens.values()
    keys = list(json.loads(as_json))
    assert "<OAuth><access_token>" in as_xml
    assert [one.tag for one in fromstring(as_xml)] == keys
    assert list(dict(parse_qsl(as_form))) == keys
    accepts = {"Accept": "application/x-www-form-urlencoded"}
    refused = browser.post("/services/oauth2/token", {"grant_type": "x"}, headers=accepts)
    assert parse_qsl(refused.text) == [
        ("error", "unsupported_grant_type"),
        ("error_description", "grant type not supported"),
    ]
    identity_url = urlsplit(dict(parse_qsl(as_form))["id"]).path
    token = dict(parse_qsl(as_form))["access_token"]
    known = browser.get(identity_url, {"format": "xml", "access_token": token})
    assert fromstring(known.text).findtext("username") == form["username"]


def test_client_credentials_belong_to_the_own_domain(browser: Browser, app: App) -> None:
    form = {"grant_type": "client_credentials", "client_id": app.consumer_key, "client_secret": app.consumer_secret}
    for host in ("login.salesforce.com", "test.salesforce.com:443"):
        refused = browser.post("/services/oauth2/token", form, headers={"Host": host})
        assert refusal(refused) == ("invalid_grant", "request not supported on this domain")


def test_the_rows_of_an_external_client_app(org: SandboxOrg, admin: Client, user_ids: dict[str, str]) -> None:
    app = apps.add_app(
        org,
        name="ERP Cloud",
        kind="ExternalClientApplication",
        flows={"client-credentials"},
        run_as=user_ids["integration"],
        scopes=("api", "refresh_token"),
    )
    policies = "SELECT PermittedUsersPolicyType, IsClientCredentialsFlowEnabled, RefreshTokenPolicyType"
    where = f"WHERE ExternalClientApplicationId = '{app.id}'"
    row = admin.query(f"{policies} FROM ExtlClntAppOauthPlcyCnfg {where}")[0]
    assert (row["PermittedUsersPolicyType"], row["RefreshTokenPolicyType"]) == ("AllSelfAuthorized", "Infinite")
    apps.change_app(org, app, admin_approved_only=True, refresh_idle_seconds=7200, flows=frozenset({"web-server"}))
    row = admin.query(f"{policies} FROM ExtlClntAppOauthPlcyCnfg {where}")[0]
    assert (row["PermittedUsersPolicyType"], row["IsClientCredentialsFlowEnabled"], row["RefreshTokenPolicyType"]) == (
        "AdminApprovedPreAuthorized",
        False,
        "SpecificInactivity",
    )
    scopes = admin.query(f"SELECT OauthScopesAPI, OauthScopesWEB FROM ExtlClntAppOauthSettings {where}")[0]
    assert (scopes["OauthScopesAPI"], scopes["OauthScopesWEB"]) == (True, False)
    apps.delete_app(org, apps.change_app(org, app))
    assert admin.query(f"{policies} FROM ExtlClntAppOauthPlcyCnfg {where}") == []
