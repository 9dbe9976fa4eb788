"""What the tests of sign-in share: posting forms, signing assertions, reading the history."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests

from harness.sandbox import apps
from harness.sandbox.apps import App
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer

from .conftest import USERNAMES

CALLBACK = "http://localhost:1717/OauthRedirect"


class Browser:
    """A client without a token that follows no redirect; it keeps cookies."""

    def __init__(self, server: SandboxServer) -> None:
        self.url = server.ready.instance_url
        self.http = requests.Session()
        self.http.trust_env = False

    def post(self, path: str, form: dict[str, str] | None = None, **options: Any) -> requests.Response:
        return self.http.post(self.url + path, data=form, timeout=10, allow_redirects=False, **options)

    def get(self, path: str, params: dict[str, str] | None = None, **options: Any) -> requests.Response:
        return self.http.get(self.url + path, params=params, timeout=10, allow_redirects=False, **options)

    def token(self, *, auth: tuple[str, str] | None = None, ip: str | None = None, **form: str) -> requests.Response:
        headers = {"X-Forwarded-For": ip} if ip else {}
        return self.post("/services/oauth2/token", form, auth=auth, headers=headers)

    def close(self) -> None:
        self.http.close()


def sign(
    org: SandboxOrg, server: SandboxServer, app: App, *, header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """An assertion of the app for the user `erp`."""
    known = {
        "iss": app.consumer_key,
        "sub": USERNAMES["erp"],
        "aud": server.ready.instance_url,
        "exp": int(time.time()) + 180,
    }
    return jwt.encode(known | claims, apps.private_key(org, app), algorithm="RS256", headers=header)


def password_form(server: SandboxServer, role: str, app_name: str = "Rehearsal Admin") -> dict[str, str]:
    """The form of the username-password flow."""
    app, user = server.ready.apps[app_name], server.ready.users[role]
    return {
        "grant_type": "password",
        "client_id": app["consumer_key"],
        "client_secret": app["consumer_secret"],
        "username": user["username"],
        "password": user["password"] + user["security_token"],
    }


def refusal(response: requests.Response) -> tuple[str, str]:
    """Error and description of a refusal, which comes with status 400."""
    assert response.status_code == 400, response.text
    body = response.json()
    assert list(body) == ["error", "error_description"]
    return body["error"], body["error_description"]


def statuses(org: SandboxOrg) -> list[str]:
    """The history's last column, oldest first."""
    return [row["Status"] for row in org.rows("LoginHistory")]


def pkce() -> tuple[str, dict[str, str]]:
    """A verifier, and the parameters of the challenge made of it."""
    verifier = secrets.token_urlsafe(48)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return verifier, {"code_challenge": digest, "code_challenge_method": "S256"}


def query_of(response: requests.Response) -> dict[str, str]:
    """The parameters that a redirect to the callback carries."""
    assert response.status_code == 302, response.text
    where = response.headers["Location"]
    assert where.startswith(CALLBACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}


def web_app(org: SandboxOrg, **policies: Any) -> App:
    """An app with the web server flow."""
    known: dict[str, Any] = {
        "name": "Desktop",
        "flows": {"web-server"},
        "scopes": ("api", "refresh_token", "web"),
        "callback_urls": (CALLBACK,),
    }
    return apps.add_app(org, **known | policies)
