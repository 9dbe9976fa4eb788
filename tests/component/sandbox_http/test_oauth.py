"""The token endpoint: every flow, every refusal, and the history they leave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
import requests

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.http.oauth import JWT_GRANT
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.switches import Switches

from .conftest import USERNAMES, Client

Ask = Callable[..., requests.Response]


@pytest.fixture
def ask(server: SandboxServer) -> Iterator[Ask]:
    """Send a form to the token endpoint."""
    http = requests.Session()
    http.trust_env = False

    def send(*, auth: tuple[str, str] | None = None, **form: str) -> requests.Response:
        url = f"{server.ready.instance_url}/services/oauth2/token"
        return http.post(url, data=form, auth=auth, timeout=10)

    yield send
    http.close()


@pytest.fixture
def cc_app(org: SandboxOrg, user_ids: dict[str, str]) -> App:
    return apps.add_app(org, name="ERP", flows={"client-credentials"}, run_as=user_ids["integration"])


@pytest.fixture
def jwt_app(org: SandboxOrg, user_ids: dict[str, str]) -> App:
    return apps.add_app(org, name="Mule", flows={"jwt-bearer"}, consented={user_ids["erp"]})


def sign(org: SandboxOrg, server: SandboxServer, app: App, **claims: Any) -> str:
    known = {
        "iss": app.consumer_key,
        "sub": USERNAMES["erp"],
        "aud": server.ready.instance_url,
        "exp": int(time.time()) + 180,
    }
    return jwt.encode(known | claims, apps.private_key(org, app), algorithm="RS256")


def freeze(org: SandboxOrg, user_id: str) -> None:
    org.update_row("UserLogin", org.rows("UserLogin", UserId=user_id)[0]["Id"], {"IsFrozen": True})


def pre_authorize(org: SandboxOrg, app: App, profile_name: str) -> None:
    owned = org.rows("PermissionSet", ProfileId=org.rows("Profile", Name=profile_name)[0]["Id"])[0]
    org.insert_row("SetupEntityAccess", {"ParentId": owned["Id"], "SetupEntityId": app.id, "SetupEntityType": app.kind})


def refusal(response: requests.Response) -> tuple[int, str, str]:
    body = response.json()
    assert list(body) == ["error", "error_description"]
    return response.status_code, body["error"], body["error_description"]


def history(org: SandboxOrg) -> list[tuple[str, str, str | None, str]]:
    rows = org.rows("LoginHistory")
    return [(row["LoginType"], row["Application"], row["LoginSubType"], row["Status"]) for row in rows]


def test_client_credentials_sign_in_as_the_run_as_user(
    org: SandboxOrg, server: SandboxServer, ask: Ask, cc_app: App, user_ids: dict[str, str]
) -> None:
    form = {"grant_type": "client_credentials", "client_id": cc_app.consumer_key}
    response = ask(**form, client_secret=cc_app.consumer_secret)
    body = response.json()
    assert response.status_code == 200
    assert list(body) == [
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
        "api_instance_url",
    ]
    assert body["access_token"].startswith(f"{org.org_id[:15]}!")
    assert body["id"] == f"{server.ready.instance_url}/id/{org.org_id}/{user_ids['integration']}"
    assert body["token_type"] == "Bearer"
    assert body["issued_at"].isdigit()
    assert response.headers["Expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert "Sforce-Limit-Info" not in response.headers
    assert history(org) == [("Remote Access 2.0", "ERP", "OauthClientCredentials", "Success")]


def test_client_credentials_take_http_basic(ask: Ask, cc_app: App) -> None:
    response = ask(auth=(cc_app.consumer_key, cc_app.consumer_secret), grant_type="client_credentials")
    assert response.status_code == 200


def test_client_credentials_refusals(org: SandboxOrg, ask: Ask, cc_app: App, user_ids: dict[str, str]) -> None:
    form = {"grant_type": "client_credentials", "client_id": cc_app.consumer_key}
    secret = cc_app.consumer_secret
    assert refusal(ask(**form, client_secret="wrong")) == (400, "invalid_client", "invalid client credentials")
    assert refusal(ask(**form | {"client_id": "wrong"}, client_secret=secret)) == (
        400,
        "invalid_client_id",
        "client identifier invalid",
    )
    assert refusal(ask(**form, client_secret=secret, scope="api")) == (
        400,
        "invalid_request",
        "scope parameter not supported",
    )
    nobody = apps.add_app(org, name="Nobody", flows={"client-credentials"})
    assert refusal(ask(auth=(nobody.consumer_key, nobody.consumer_secret), grant_type="client_credentials")) == (
        400,
        "invalid_grant",
        "no client credentials user enabled",
    )
    org.update_row("User", user_ids["integration"], {"IsActive": False})
    assert refusal(ask(**form, client_secret=secret)) == (400, "invalid_grant", "inactive user")
    assert history(org)[-1] == ("Remote Access 2.0", "ERP", "OauthClientCredentials", "User is inactive")


def test_what_is_no_grant(ask: Ask) -> None:
    assert refusal(ask(x="y")) == (400, "invalid_request", "missing required parameter: grant_type")
    assert refusal(ask(grant_type="device")) == (400, "unsupported_grant_type", "grant type not supported")


@pytest.mark.parametrize(("kind", "enforced"), [("ConnectedApplication", False), ("ExternalClientApplication", True)])
def test_an_external_client_app_asks_for_approval_of_its_run_as_user(
    org: SandboxOrg, ask: Ask, user_ids: dict[str, str], kind: apps.Kind, *, enforced: bool
) -> None:
    app = apps.add_app(
        org,
        name="Strict",
        kind=kind,
        flows={"client-credentials"},
        admin_approved_only=True,
        run_as=user_ids["integration"],
    )
    auth = (app.consumer_key, app.consumer_secret)
    first = ask(auth=auth, grant_type="client_credentials")
    if enforced:
        assert refusal(first) == (400, "invalid_app_access", "user is not admin approved to access this app")
    else:
        assert first.status_code == 200
    pre_authorize(org, app, "Minimum Access - API Only Integrations")
    assert ask(auth=auth, grant_type="client_credentials").status_code == 200


def test_jwt_bearer(org: SandboxOrg, server: SandboxServer, ask: Ask, jwt_app: App) -> None:
    response = ask(grant_type=JWT_GRANT, assertion=sign(org, server, jwt_app))
    assert response.status_code == 200
    assert list(response.json()) == ["access_token", "scope", "instance_url", "id", "token_type"]
    assert history(org) == [("Remote Access 2.0", "Mule", None, "Success")]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://login.salesforce.com"},
        {"aud": "https://test.salesforce.com"},
        {"exp": int((time.time() + 300) * 1000)},
        {"exp": f"{time.time() + 180:.0f}"},
    ],
    ids=["login audience", "test audience", "milliseconds as the CLI", "text as simple-salesforce"],
)
def test_jwt_bearer_takes_what_clients_send(
    org: SandboxOrg, server: SandboxServer, ask: Ask, jwt_app: App, claims: dict[str, Any]
) -> None:
    assert ask(grant_type=JWT_GRANT, assertion=sign(org, server, jwt_app, **claims)).status_code == 200


def test_jwt_bearer_takes_the_own_address_with_a_slash(
    org: SandboxOrg, server: SandboxServer, ask: Ask, jwt_app: App
) -> None:
    assertion = sign(org, server, jwt_app, aud=f"{server.ready.instance_url}/")
    assert ask(grant_type=JWT_GRANT, assertion=assertion).status_code == 200


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"aud": "https://other.example"}, ("invalid_grant", "audience is invalid")),
        ({"exp": 1_000_000_000}, ("invalid_grant", "invalid assertion")),
        ({"exp": None}, ("invalid_grant", "invalid assertion")),
        ({"iss": "nobody"}, ("invalid_client_id", "client identifier invalid")),
        ({"sub": "nobody@acme.example"}, ("invalid_grant", "user hasn't approved this consumer")),
        ({"sub": USERNAMES["integration"]}, ("invalid_grant", "user hasn't approved this consumer")),
    ],
    ids=["audience", "expired", "no expiry", "issuer", "unknown user", "user who never consented"],
)
def test_jwt_bearer_refusals(
    server: SandboxServer, ask: Ask, jwt_app: App, claims: dict[str, Any], expected: tuple[str, str]
) -> None:
    response = ask(grant_type=JWT_GRANT, assertion=sign(server.org, server, jwt_app, **claims))
    assert refusal(response) == (400, *expected)


def test_jwt_bearer_refuses_a_signature_of_somebody_else(
    org: SandboxOrg, server: SandboxServer, ask: Ask, jwt_app: App
) -> None:
    other = apps.add_app(org, name="Other", flows={"jwt-bearer"})
    assertion = sign(org, server, other, iss=jwt_app.consumer_key)
    assert refusal(ask(grant_type=JWT_GRANT, assertion=assertion)) == (400, "invalid_grant", "invalid assertion")
    assert refusal(ask(grant_type=JWT_GRANT, assertion="nonsense"))[1:] == ("invalid_grant", "invalid assertion")
    unsigned = jwt.encode({"iss": jwt_app.consumer_key, "sub": USERNAMES["erp"]}, None, algorithm="none")
    assert refusal(ask(grant_type=JWT_GRANT, assertion=unsigned))[1:] == ("invalid_grant", "invalid assertion")


def test_jwt_bearer_of_an_admin_approved_app(org: SandboxOrg, server: SandboxServer, ask: Ask) -> None:
    app = apps.add_app(org, name="Approved", flows={"jwt-bearer"}, admin_approved_only=True)
    refused = ask(grant_type=JWT_GRANT, assertion=sign(org, server, app))
    assert refusal(refused) == (400, "invalid_app_access", "user is not admin approved to access this app")
    assert history(org)[-1][-1] == "Failed: Not approved for access"
    pre_authorize(org, app, "ERP Integration")
    assert ask(grant_type=JWT_GRANT, assertion=sign(org, server, app)).status_code == 200


def test_an_external_client_app_refuses_the_test_audience(
    org: SandboxOrg, server: SandboxServer, ask: Ask, user_ids: dict[str, str]
) -> None:
    app = apps.add_app(
        org, name="Eca", kind="ExternalClientApplication", flows={"jwt-bearer"}, consented={user_ids["erp"]}
    )
    response = ask(grant_type=JWT_GRANT, assertion=sign(org, server, app, aud="https://test.salesforce.com"))
    assert refusal(response) == (400, "app_not_found", "External client app is not installed in this org")


def password_form(server: SandboxServer, role: str) -> dict[str, str]:
    app, user = server.ready.apps["Rehearsal Admin"], server.ready.users[role]
    return {
        "grant_type": "password",
        "client_id": app["consumer_key"],
        "client_secret": app["consumer_secret"],
        "username": user["username"],
        "password": user["password"] + user["security_token"],
    }


def test_username_password(org: SandboxOrg, server: SandboxServer, ask: Ask) -> None:
    response = ask(**password_form(server, "erp"))
    assert response.status_code == 200
    assert list(response.json()) == ["access_token", "instance_url", "id", "token_type", "issued_at", "signature"]
    assert history(org) == [("Remote Access 2.0", "Rehearsal Admin", "OauthUsernamePassword", "Success")]


def test_username_password_refusals(org: SandboxOrg, server: SandboxServer, ask: Ask, user_ids: dict[str, str]) -> None:
    form = password_form(server, "erp")
    failure = (400, "invalid_grant", "authentication failure")
    assert refusal(ask(**form | {"password": "wrong"})) == failure
    assert refusal(ask(**form | {"password": server.ready.users["erp"]["password"]})) == failure
    assert refusal(ask(**form | {"username": "nobody@acme.example"})) == failure
    assert refusal(ask(**password_form(server, "offline"))) == failure
    freeze(org, user_ids["erp"])
    assert refusal(ask(**form)) == failure
    assert [row[-1] for row in history(org)] == [
        "Invalid Password",
        "Failed: API security token required",
        "Failed: OAuth API access disabled",
        "User is frozen",
    ]


def test_username_password_can_be_blocked_in_the_org(org: SandboxOrg, server: SandboxServer, ask: Ask) -> None:
    org.switches = Switches(username_password_flow=False)
    assert refusal(ask(**password_form(server, "erp"))) == (400, "invalid_grant", "authentication failure")
    assert history(org)[-1][-1] == "Username-Password Flow Disabled"


def test_an_external_client_app_has_no_username_password_flow(org: SandboxOrg, server: SandboxServer, ask: Ask) -> None:
    app = apps.add_app(org, name="Eca", kind="ExternalClientApplication", flows={"username-password"})
    form = password_form(server, "erp") | {"client_id": app.consumer_key, "client_secret": app.consumer_secret}
    assert refusal(ask(**form)) == (400, "invalid_grant", "authentication failure")


def test_no_refresh_token_is_good(ask: Ask, cc_app: App) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert refusal(ask(**form, client_id=cc_app.consumer_key))[1:] == ("invalid_grant", "expired access/refresh token")
    assert refusal(ask(**form, client_id="x"))[1:] == ("invalid_client_id", "client identifier invalid")


def test_userinfo_says_who_is_an_integration_user(connect: Callable[[str], Client], user_ids: dict[str, str]) -> None:
    for role, expected in (("erp", False), ("integration", True)):
        body = connect(role).get("/services/oauth2/userinfo").json()
        assert body["user_id"] == user_ids[role]
        assert body["preferred_username"] == USERNAMES[role]
        assert body["is_salesforce_integration_user"] is expected


def test_the_identity_url_of_a_token_answers(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    response = erp.get(f"/id/{org.org_id}/{user_ids['erp']}")
    assert response.status_code == 200
    assert response.json()["username"] == USERNAMES["erp"]
    other = erp.get(f"/id/{org.org_id}/{user_ids['admin']}")
    assert (other.status_code, other.json()["username"]) == (200, USERNAMES["admin"])
    for path, status, word in (
        (f"/id/00D000000000001/{user_ids['erp']}", 403, "Wrong_Org"),
        (f"/id/{org.org_id}/005000000000001", 404, "Bad_Id"),
    ):
        refused = erp.get(path)
        assert (refused.status_code, refused.text) == (status, word)


def test_a_revoked_token_is_dead(erp: Client) -> None:
    revoked = erp.get("/services/oauth2/revoke", params={"token": erp.token})
    assert (revoked.status_code, revoked.text) == (200, "")
    assert erp.get("sobjects").json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    assert erp.get("/services/oauth2/userinfo").text == "Bad_OAuth_Token"
    assert erp.get("/services/oauth2/revoke", params={"token": erp.token}).status_code == 400


def test_an_app_may_introspect_its_own_tokens(server: SandboxServer, ask: Ask, cc_app: App, erp: Client) -> None:
    auth = (cc_app.consumer_key, cc_app.consumer_secret)
    token = ask(auth=auth, grant_type="client_credentials").json()["access_token"]
    url = f"{server.ready.instance_url}/services/oauth2/introspect"
    own = erp.http.post(url, data={"token": token}, auth=auth, timeout=10).json()
    assert (own["active"], own["username"]) == (True, USERNAMES["integration"])
    assert erp.http.post(url, data={"token": erp.token}, auth=auth, timeout=10).json() == {"active": False}


def test_secrets_are_in_no_column(org: SandboxOrg, server: SandboxServer) -> None:
    user = server.ready.users["erp"]
    for name in ("User", "ConnectedApplication"):
        text = str(org.rows(name))
        assert user["password"] not in text
        assert user["security_token"] not in text
        assert server.ready.apps["Rehearsal Admin"]["consumer_secret"] not in text


def test_a_password_without_a_token_is_enough_for_a_user_without_one(org: SandboxOrg, user_ids: dict[str, str]) -> None:
    password = identity.set_password(org, user_ids["erp"])
    assert identity.password_problem(org, user_ids["erp"], password) is None
    assert identity.password_problem(org, user_ids["erp"], password + "x") == "Invalid Password"
    assert identity.password_problem(org, user_ids["admin"], "") == "Invalid Password"
