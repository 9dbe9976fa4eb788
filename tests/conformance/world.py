"""The org that the recorded requests are put to: its administrator, its objects, and rows to order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org

SOURCE = Path(__file__).parent / "org"


@dataclass(frozen=True)
class World:
    """The org, where it answers, and a session with the administrator's token."""

    org: SandboxOrg
    server: SandboxServer
    http: requests.Session
    token: str

    @property
    def url(self) -> str:
        return self.server.ready.instance_url

    @property
    def admin(self) -> Mapping[str, str]:
        """What the administrator signs in with."""
        return self.server.ready.users["admin"]

    @property
    def admin_id(self) -> str:
        return self.user_id("admin@acme.example")

    def user_id(self, username: str) -> str:
        return str(self.org.rows("User", Username=username)[0]["Id"])

    def token_of(self, username: str) -> str:
        """A session of a user, opened without a flow."""
        return _token(self.org, username)

    def add(self, sobject: str, **values: Any) -> str:
        """A row that no rule was asked about; its id."""
        return self.org.insert_row(sobject, values)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.http.request(method, f"{self.url}{path}", timeout=20, **options)


@contextmanager
def served() -> Iterator[World]:
    """The org, new, for as long as it is asked."""
    org = open_org(SOURCE)
    try:
        with SandboxServer(org) as server, requests.Session() as session:
            token = _token(org, "admin@acme.example")
            session.trust_env = False
            session.headers.update({"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})
            yield World(org, server, session, token)
    finally:
        org.close()


def _token(org: SandboxOrg, username: str) -> str:
    user = org.rows("User", Username=username)[0]
    return identity.sign_in(org, user, identity.Login(type="Test", application="Test")).token
