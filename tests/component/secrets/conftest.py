"""A project whose org is a simulated sandbox in this process, so that a test knows every secret there is."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.sandbox import apps, identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.ready import Ready
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from harness.sandbox.vault import Drawer
from tests.component.plugin.example import Example
from tests.component.secrets.scanner import Scanner

SCENARIO = "scenarios/erp.scenario.yaml"


@dataclass
class Watched:
    """The ERP's project: its org, what the org gave out, and what the project's own files and variables hold."""

    project: Example
    org: SandboxOrg
    ready: Ready
    sessions: set[str]
    own: dict[str, str]
    shared: set[str] = field(default_factory=lambda: {"ready.json", "scenarios/erp/.env"})
    """The files that are there to hold secrets: the ready file and the ERP's credential file."""

    @property
    def scanner(self) -> Scanner:
        """Looks for every secret there has been until now."""
        users = [values for _, values in Drawer(self.org, "user")]
        registered = apps.all_apps(self.org)
        found = {
            "password": [user["password"] for user in users if "password" in user],
            "security token": [user["security_token"] for user in users if user.get("security_token")],
            "consumer key": [app.consumer_key for app in registered],
            "consumer secret": [app.consumer_secret for app in registered],
            "private key": [
                apps.private_key(self.org, app) for app in registered if "private_key" in self._kept(app.id)
            ],
            "control token": [self.ready.control["token"]],
            **{name: [value] for name, value in self.own.items()},
        }
        if self.sessions:
            found["session"] = sorted(self.sessions)
        assert all(found.values()), f"there is no {[what for what, values in found.items() if not values]} to look for"
        return Scanner(found)

    def leaks(self) -> dict[str, set[str]]:
        """What is found where it must not be: everywhere but in private files that are there to hold it."""
        folder = self.project.folder
        return {
            name: what
            for name, what in self.scanner.in_folder(folder).items()
            if not (self._may_hold(name) and (folder / name).stat().st_mode & 0o077 == 0)
        }

    def _may_hold(self, name: str) -> bool:
        of_a_run = (name.startswith(".rehearse/") and "/runs/" in name and "credential" in name) or "stand-in" in name
        return name in self.shared or of_a_run

    def _kept(self, app_id: str) -> dict[str, object]:
        return Drawer(self.org, "app").get(app_id) or {}


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    project = Example(tmp_path, "erp")
    project.change(project.scenario, "rollback: from every stage", "rollback: {from: [cut-over]}")
    sessions: set[str] = set()
    new_token = identity.sessions._new_token

    def noting(org_id: str) -> str:
        token = new_token(org_id)
        sessions.add(token)
        return token

    monkeypatch.setattr(identity.sessions, "_new_token", noting)
    org = open_org(project.org)
    with SandboxServer(org) as server:
        ready = server.ready
        ready.write(tmp_path / "ready.json")
        temporary = tmp_path / "tmp"
        temporary.mkdir()
        project.environ = {"TMPDIR": str(temporary)}
        yield Watched(project, org, ready, sessions, {"value of the old credential file": secrets.token_hex(12)})
    org.close()


@pytest.fixture
def live(watched: Watched) -> Watched:
    """The same as a configured org, in real time: an admin with a private key, a new user with a password."""
    project, ready = watched.project, watched.ready
    legacy, admin = ready.apps["ERP Legacy"], ready.apps["Rehearsal Admin JWT"]
    old = next(user for user in ready.users.values() if user["username"] == "erp.sync@nordwind.example")
    # everything in it is written differently in a URL, in XML, in HTML or in JSON
    watched.own["new password"] = f"Ä9 {secrets.token_hex(8)}&<\"'%+/\\=?#{secrets.token_hex(4)}"
    project.environ |= {
        "ERP_LEGACY_CONSUMER_KEY": legacy["consumer_key"],
        "ERP_LEGACY_CONSUMER_SECRET": legacy["consumer_secret"],
        "ERP_PASSWORD": old["password"],
        "ERP_SECURITY_TOKEN": old["security_token"],
        "ERP_NEW_PASSWORD": watched.own["new password"],
        "ADMIN_KEY": admin["consumer_key"],
    }
    configured = {
        "orgs.uat": {"my_domain": ready.instance_url, "org_id": ready.org_id},
        "orgs.uat.admin": {
            "username": ready.users["admin"]["username"],
            "flow": "jwt-bearer",
            "app": "Rehearsal Admin JWT",
            "consumer_key": "env:ADMIN_KEY",
            "private_key": f"file:{admin['private_key_file']}",
        },
    }
    lines = [
        line
        for table, values in configured.items()
        for line in (f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
    ]
    (project.folder / "rehearse.toml").write_text("\n".join(lines) + "\n")
    project.change(
        project.scenario,
        "    flow: client-credentials\n    app: ERP Integration\n    consumer_key: env:ERP_CONSUMER_KEY\n"
        "    consumer_secret: env:ERP_CONSUMER_SECRET\n",
        "    flow: username-password\n    app: ERP Legacy\n    consumer_key: env:ERP_LEGACY_CONSUMER_KEY\n"
        "    consumer_secret: env:ERP_LEGACY_CONSUMER_SECRET\n    password: env:ERP_NEW_PASSWORD\n",
    )
    project.change(project.scenario, "    - sign_in: client-credentials\n", "    - sign_in: username-password\n")
    project.change(
        project.scenario, "SF_CLIENT_SECRET: consumer_secret", "SF_CLIENT_SECRET: consumer_secret\n    SF_PW: password"
    )
    credentials = project.scenario.parent / "erp" / ".env"
    credentials.parent.mkdir()
    credentials.touch(mode=0o600)
    credentials.write_text(f"SF_CLIENT_SECRET={watched.own['value of the old credential file']}\nOTHER=1\n")
    watched.org.clock.set(datetime.now(UTC))
    return watched
