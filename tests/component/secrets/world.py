"""A project, the org it is about, and the proxy between them, in which every secret is a canary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import trustme

from harness.sandbox import apps, identity, server
from harness.sandbox.http.desk import Desk
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.component.migration.project import permission
from tests.component.secrets.canaries import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    EC,
    ENCRYPTED,
    FILED,
    JWT,
    NETRC,
    OPAQUE,
    OPENSSH,
    PASSPHRASE,
    PASSWORD,
    PKCS1,
    PKCS8,
    PROXY,
    SECURITY_TOKEN,
    Canaries,
)
from tests.component.secrets.proxy import Proxy
from tests.component.secrets.witness import Witness
from tests.simulation.scenarios import ADMIN, CREDENTIALS, NEW, OLD, OLD_APP, SCENARIO, write_org

MY_DOMAIN = "https://acme--uat.sandbox.my.salesforce.com"
ORGS = {"uat": PKCS8, "pkcs1": PKCS1, "encrypted": ENCRYPTED, "openssh": OPENSSH, "ec": EC}
"""The org in `rehearse.toml`, once for each format in which its admin's private key may be written."""
BROKEN = "broken"
"""The same, with an access token that no header may hold."""
FILE = "scenarios/erp.scenario.yaml"
CONTENT: Mapping[str, Any] = {
    **SCENARIO,
    "org": {"simulated": "../../org"},
    "from": {
        "username": OLD,
        "sign_in": {"flow": "soap-login", "password": "env:OLD_PASSWORD", "security_token": "env:OLD_TOKEN"},
    },
    "to": {
        "username": NEW,
        "sign_in": {
            "flow": "username-password",
            "app": OLD_APP,
            "consumer_key": "env:NEW_KEY",
            "consumer_secret": "env:NEW_SECRET",
            "password": "env:NEW_PASSWORD",
        },
    },
    "credentials": {
        "store": "dotenv",
        "path": CREDENTIALS,
        "keys": {"SF_USERNAME": "username", "SF_CLIENT_SECRET": "consumer_secret", "SF_PASSWORD": "password"},
    },
    "dual_auth": {"for": "0s", "old_user_quiet_for": "0s"},
    "permissions": {"accept": [{"lost": ["system UseAnyApiAuth"], "because": "It signs in by OAuth from now on."}]},
    "expect": {
        "grants": [{"query": "SELECT Id FROM Account", "at_least": 1}],
        "denials": [{"sign_in": "ui"}],
    },
    "finish": "freeze",
    "rollback": {"from": ["cut-over"]},
}
"""A user whose password goes by SOAP moves to one whose password goes by OAuth."""


@dataclass(frozen=True)
class Ran:
    """What a process left: its exit code, and what it wrote to its two streams."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Both, to be read."""
        return (self.out + self.err).decode("utf-8", "replace")


@dataclass
class World:
    """One project and its org."""

    folder: Path
    """What a run may write into: the project, and `tmp`."""
    home: Path
    """The user's own: keys and a netrc file."""
    canaries: Canaries
    witness: Witness
    proxy: Proxy
    org: SandboxOrg
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, content: str) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def scenario(self, name: str = FILE, **changes: object) -> str:
        """Write a scenario; the name of its file."""
        self.write(name, json.dumps({**CONTENT, **changes}, indent=1))
        return name

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start Python in the project."""
        return subprocess.Popen(
            (sys.executable, *command),
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *command: str) -> Ran:
        """Run Python in the project to its end."""
        process = self.start(*command)
        out, err = process.communicate(timeout=300)
        return Ran(process.returncode, out, err)


@contextmanager
def open_world(root: Path, authority: trustme.CA) -> Iterator[World]:
    """A new org behind a proxy, over TLS, and a project that is configured for it."""
    canaries = Canaries()
    witness = Witness(canaries)
    folder, home = root / "project", root / "home"
    (folder / "tmp").mkdir(parents=True)
    home.mkdir()
    chain = _certificate(root, authority)
    with mock.patch.multiple(
        apps,
        _new_consumer_key=lambda: canaries.one(CONSUMER_KEY),
        _new_consumer_secret=lambda: canaries.one(CONSUMER_SECRET),
        new_key=lambda: canaries.one(PKCS8),
    ):
        org = open_org(_source(root / "org"))
        people = _give_passwords(org, canaries)
        with (
            mock.patch.object(identity.sessions, "_new_token", witness.new_token),
            mock.patch.object(server, "make_app", _overheard(witness)),
            mock.patch.object(server, "Desk", lambda _url, **options: Desk(MY_DOMAIN, **options)),
            SandboxServer(org, tls=chain) as served,
        ):
            org.clock.set(datetime.now(UTC))
            port = int(served.ready.instance_url.rpartition(":")[2])
            with Proxy(port) as proxy:
                world = World(folder, home, canaries, witness, proxy, org)
                _configure(world, people)
                yield world
    org.close()


def _source(folder: Path) -> Path:
    """The small org, in which the old user may sign in by SOAP."""
    profile = write_org(folder) / "main" / "profiles" / "ERP Sync.profile-meta.xml"
    text = profile.read_text().rstrip()
    end = text[text.rindex("</") :]
    profile.write_text(text.removesuffix(end) + permission("UseAnyApiAuth") + end)
    return folder


def _overheard(witness: Witness) -> Any:
    make_app = server.make_app
    return lambda *arguments, **options: witness.over(make_app(*arguments, **options))


def _certificate(root: Path, authority: trustme.CA) -> tuple[Path, Path]:
    certificate = authority.issue_cert(MY_DOMAIN.removeprefix("https://"))
    certificate.private_key_pem.write_to_path(str(root / "key.pem"))
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(root / "cert.pem"), append=number > 0)
    authority.cert_pem.write_to_path(str(root / "project" / "ca.pem"))
    return root / "cert.pem", root / "key.pem"


def _give_passwords(org: SandboxOrg, canaries: Canaries) -> dict[str, str]:
    """Give everybody a password and a security token; those of the old user."""
    for user in org.rows("User"):
        identity.set_password(org, user["Id"], canaries.one(PASSWORD))
        identity.set_security_token(org, user["Id"], canaries.one(SECURITY_TOKEN))
    old = next(user for user in org.rows("User") if user["Username"] == OLD)
    return {name: str(value) for name, value in identity.secrets_of(org, old["Id"]).items()}


def _configure(world: World, old: Mapping[str, str]) -> None:
    canaries, known = world.canaries, {app.name: app for app in apps.all_apps(world.org)}
    admin = known[apps.ADMIN_JWT_APP]
    keys = world.home / "keys"
    keys.mkdir()
    by_key = {"flow": "jwt-bearer", "app": apps.ADMIN_JWT_APP, "consumer_key": "env:ADMIN_KEY"}
    for name, kind in ORGS.items():
        path = keys / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_text(canaries.one(kind))
        _add_org(world, name, {**by_key, "private_key": f"file:~/keys/{name}.pem"})
    _add_org(world, BROKEN, {"flow": "access-token", "access_token": "env:BROKEN_TOKEN"})
    netrc = world.home / ".netrc"
    netrc.touch(mode=0o600)
    netrc.write_text(f"default login somebody password {canaries.one(NETRC)}\n")
    through = f"http://somebody:{quote(canaries.one(PROXY) + '/', safe='')}@127.0.0.1:{world.proxy.port}"
    world.environ = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL")},
        "HOME": str(world.home),
        "TMPDIR": str(world.folder / "tmp"),
        **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), through),
        "NEW_KEY": known[OLD_APP].consumer_key,
        "NEW_SECRET": known[OLD_APP].consumer_secret,
        "NEW_PASSWORD": canaries.one(PASSWORD),
        "OLD_PASSWORD": old["password"],
        "OLD_TOKEN": old["security_token"],
        "ADMIN_KEY": admin.consumer_key,
        "BROKEN_TOKEN": "\u2028".join(canaries.one(kind) for kind in (OPAQUE, JWT)),
        "KEY_PASSPHRASE": canaries.piece(PASSPHRASE),
    }
    credentials = world.folder / "scenarios" / CREDENTIALS
    credentials.parent.mkdir()
    credentials.touch(mode=0o600)
    credentials.write_text(f"SF_CLIENT_SECRET={canaries.one(FILED)}\nOTHER=1\n")
    world.scenario()


def _add_org(world: World, name: str, sign_in: Mapping[str, str]) -> None:
    org = {"my_domain": MY_DOMAIN, "org_id": world.org.org_id, "ca_bundle": "ca.pem"}
    tables = {f"orgs.{name}": org, f"orgs.{name}.admin": {"username": ADMIN, **sign_in}}
    lines = [
        line
        for table, values in tables.items()
        for line in (f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
    ]
    with (world.folder / "rehearse.toml").open("a") as file:
        file.write("\n".join(lines) + "\n")
