"""A simulated org in this process, and connections of ours as any of its users."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from harness.access.reading.holdings import Holdings, read_holdings
from harness.access.reading.people import read_user
from harness.checks.proof.deriving import Derivation, derive
from harness.org.connection import Connection, Principal
from harness.org.guard import SandboxProof, WriteCapability, WriteGuard
from harness.org.ids import to_18
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox import identity
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from tests.org_clock import OrgClock


class Desk:
    """Connections to one org; `admin` is its administrator."""

    def __init__(self, org: SandboxOrg, admin: str) -> None:
        self.org = org
        self.guard = WriteGuard()
        self.wire = InProcess(org)
        self.org_id = to_18(org.org_id)
        site = Site("simulated", self.wire.instance_url, self.org_id, simulated=True)
        self.transport = Transport(site, guard=self.guard, clock=OrgClock(org), wire=self.wire)
        self.site = site
        self._connections: dict[str, Connection] = {}
        self.admin = self.connect("admin", admin)

    def connect(self, principal: Principal, username: str) -> Connection:
        """A connection as a user, signed in without a flow."""
        if username not in self._connections:
            [user] = self.org.rows("User", Username=username)
            token = identity.sign_in(self.org, user, identity.Login(type="Test", application="Test")).token
            credential = Credential("access-token", username, None, {"access_token": Secret(token)})
            self._connections[username] = Connection(
                principal, credential, self.site, self.transport, OrgClock(self.org)
            )
        return self._connections[username]

    def holdings(self, username: str) -> Holdings:
        """What the user's sets give, read back from the org."""
        user = read_user(self.admin, username)
        assert user is not None
        return read_holdings(self.admin, user)

    def derive(self, username: str, objects: Sequence[str] | None = None, *, exhaustive: bool = False) -> Derivation:
        """All three ways, for the objects that the user's sets name where none are given."""
        held = self.holdings(username).effective
        named = {*held.objects, *(name.partition(".")[0] for name in held.fields)}
        person = self.connect("target", username)
        with self.writing():
            return derive(
                admin=self.admin,
                person=person,
                held=held,
                objects=sorted(named) if objects is None else objects,
                exhaustive=exhaustive,
            )

    def computed(self, username: str, objects: Sequence[str]) -> dict[tuple[str, str], bool | None]:
        """What is worked out from the user's sets alone."""
        found = self.derive(username, objects)
        return {(cell.name, cell.access): cell.computed for each in found.probes for cell in each.cells}

    def writing(self) -> AbstractContextManager[None]:
        """A capability to write."""
        proof = SandboxProof(self.org_id, "simulated", "SIM1", "Developer Edition")
        return self.guard.grant(proof, WriteCapability(self.org_id, "0" * 12, "verify"))

    def forget(self) -> None:
        """After the org was put back: sessions that it no longer knows are of no use."""
        admin = self.admin.username
        self._connections = {admin: self._connections[admin]}

    # what users hold

    def set_of(self, username: str) -> str:
        """A permission set of its own for a user, made and assigned."""
        user = self.user(username)
        found = self.org.rows("PermissionSet", Name="Probe")
        if found:
            return str(found[0]["Id"])
        made = self.org.insert_row("PermissionSet", {"Name": "Probe", "Label": "Probe"})
        self.org.insert_row("PermissionSetAssignment", {"AssigneeId": user["Id"], "PermissionSetId": made})
        return made

    def give_permissions(self, parent: str, names: Sequence[str]) -> None:
        """Give system permissions, and those that they depend on, through a permission set."""
        known, waiting, given = self.org.schema.system_permissions, list(names), set[str]()
        while waiting:
            given.add(name := waiting.pop())
            waiting += [one for one in known[name].implies if one not in given]
        admin = str(self.user(self.admin.username)["Id"])
        self.org.update("PermissionSet", parent, {f"Permissions{one}": True for one in sorted(given)}, as_user=admin)

    def take_permission(self, username: str, permission: str) -> None:
        """Take a system permission out of a user's profile."""
        profile = self.user(username)["ProfileId"]
        [owned] = self.org.rows("PermissionSet", ProfileId=profile)
        self.org.update_row("PermissionSet", owned["Id"], {f"Permissions{permission}": False})

    def user(self, username: str) -> dict[str, Any]:
        """The row of a user."""
        [row] = self.org.rows("User", Username=username)
        return dict(row)

    @property
    def calls(self) -> int:
        return self.transport.meter.calls

    def close(self) -> None:
        self.transport.close()
