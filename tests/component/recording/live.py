"""A simulated sandbox that is served and configured as an org, in real time, with secrets by reference."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.component.plugin.example import Example

NAME = "warehouse"


@dataclass
class Live:
    """A project whose org `uat` lives for as long as the test does."""

    project: Example
    org: SandboxOrg

    def now(self) -> None:
        """Set the org's clock to the time of people: it stands still between two requests."""
        self.org.clock.set(datetime.now(UTC))

    @property
    def folder(self) -> Path:
        """The scenario's cassettes."""
        return self.project.folder / "cassettes" / NAME


@contextmanager
def live_project(folder: Path) -> Iterator[Live]:
    """A project without cassettes, and its org."""
    project = Example(folder, NAME)
    shutil.rmtree(folder / "cassettes", ignore_errors=True)
    org = open_org(project.org)
    with SandboxServer(org) as server:
        ready = server.ready
        old, new, admin = (
            ready.apps[name] for name in ("Warehouse System", "Warehouse Integration", "Rehearsal Admin")
        )
        user = next(each for each in ready.users.values() if each["username"].startswith("wms@"))
        project.environ = {
            "WMS_OLD_CONSUMER_KEY": old["consumer_key"],
            "WMS_OLD_CONSUMER_SECRET": old["consumer_secret"],
            "WMS_PASSWORD": user["password"],
            "WMS_SECURITY_TOKEN": user["security_token"],
            "WMS_CONSUMER_KEY": new["consumer_key"],
            "WMS_CONSUMER_SECRET": new["consumer_secret"],
            "ADMIN_KEY": admin["consumer_key"],
            "ADMIN_SECRET": admin["consumer_secret"],
        }
        username = ready.users["admin"]["username"]
        (folder / "rehearse.toml").write_text(
            f"[orgs.uat]\nmy_domain = {json.dumps(ready.instance_url)}\norg_id = {json.dumps(ready.org_id)}\n"
            f"[orgs.uat.admin]\nusername = {json.dumps(username)}\nflow = 'client-credentials'\n"
            "app = 'Rehearsal Admin'\nconsumer_key = 'env:ADMIN_KEY'\nconsumer_secret = 'env:ADMIN_SECRET'\n"
        )
        credentials = project.scenario.parent / "warehouse" / ".env"
        credentials.parent.mkdir()
        credentials.touch(mode=0o600)
        credentials.write_text("SALESFORCE_URL=https://old.example\n")
        made = Live(project, org)
        made.now()
        yield made
    org.close()
