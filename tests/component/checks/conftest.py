"""A small simulated org, and checks made in it as a user whose permissions the tests give and take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.checks.check import make_check
from harness.checks.results import CheckResult, Comparison
from harness.checks.spec import operation_specs
from harness.checks.values import Values
from harness.checks.workload import Workload, compare
from harness.org.connection import Connection, Principal
from harness.org.transport import Transport
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from tests.component.org.conftest import Office, OrgClock
from tests.component.sandbox_http import conftest as sandbox
from tests.unit.checks.fake import denial, grant, scenario

org = sandbox.org
server = sandbox.server
key_pool = sandbox.key_pool
_pooled_keys = sandbox._pooled_keys
FIELDS = ("Account.ERP_Key__c", "Account.Secret__c", "Account.BillingAddress", "Contact.AccountId")


class Bench:
    """The admin and the target of a migration, and what the org lets the target do."""

    def __init__(self, org: SandboxOrg, office: Office) -> None:
        self.org = org
        self.office = office
        self.admin = office.connect()
        self.target = self.connect("target", "erp")

    @property
    def clock(self) -> OrgClock:
        return OrgClock(self.office.server)

    def grant(self, item: str) -> CheckResult:
        """Make a grant, given as YAML."""
        return self._made("grant", item)

    def denial(self, item: str) -> CheckResult:
        """Make a denial, given as YAML."""
        return self._made("denial", item)

    def _made(self, kind: str, item: str) -> CheckResult:
        spec = grant(item) if kind == "grant" else denial(item)
        values = Values(seed="erp", clock=self.clock)
        with self.office.writing(self.admin):
            return make_check(spec, target=self.target, admin=self.admin, values=values, sign_in=self._sign_in)

    def _sign_in(self, flow: str) -> None:
        self.connect("target", "erp", flow)

    def connect(self, principal: Principal, role: str, flow: str = "username-password") -> Connection:
        transport = Transport(self.office.site, guard=self.office.guard, clock=self.clock)
        self.office.transports.append(transport)
        credential = self.office.credential(flow, role=role)
        return Connection(principal, credential, self.office.site, transport, self.clock)

    def run(self, *items: str, old: Connection) -> list[Comparison]:
        """Run a workload as two users, operation by operation, and compare."""
        workload = Workload(Values(seed="erp", clock=self.clock))
        specs = operation_specs(scenario(workload="\n".join(f"- {item}" for item in items)))
        # `old` may be the admin as well, and a proof holds only until that one signs in anew
        with self.office.writing(self.office.connect()):
            return [
                compare(
                    spec,
                    workload.run(spec, old, round="dual-auth"),
                    workload.run(spec, self.target, round="dual-auth"),
                )
                for spec in specs
            ]

    def share(self, sobject: str, default: str) -> None:
        """The organization-wide default of an object: Private, Read or ReadWrite."""
        found = self.org.schema.get(sobject)
        assert found is not None
        found.sharing = default

    # what the target may do

    def allow(self, sobject: str, *rights: str) -> None:
        """The target's rights on an object: exactly these of Read, Create, Edit, Delete; none takes the row away."""
        for row in self.org.rows("ObjectPermissions", ParentId=self.set_id, SobjectType=sobject):
            self.org.delete_row("ObjectPermissions", row["Id"])
        if rights:
            columns = {f"Permissions{right}": True for right in rights}
            self.org.insert_row("ObjectPermissions", {"ParentId": self.set_id, "SobjectType": sobject, **columns})

    def allow_field(self, field: str, *rights: str) -> None:
        """The target's rights on a field: exactly these of Read and Edit."""
        for row in self.org.rows("FieldPermissions", ParentId=self.set_id, Field=field):
            self.org.delete_row("FieldPermissions", row["Id"])
        if rights:
            columns = {f"Permissions{right}": True for right in rights}
            values = {"ParentId": self.set_id, "SobjectType": field.split(".", maxsplit=1)[0], "Field": field}
            self.org.insert_row("FieldPermissions", {**values, **columns})

    @property
    def set_id(self) -> str:
        profile = self.org.rows("Profile", Name="ERP Integration")[0]["Id"]
        return str(self.org.rows("PermissionSet", ProfileId=profile)[0]["Id"])


@pytest.fixture
def bench(org: SandboxOrg, server: SandboxServer) -> Iterator[Bench]:
    office = Office(server)
    admins = org.rows("Profile", Name="System Administrator")[0]["Id"]
    sandbox.give_objects(org, admins, fields=FIELDS)
    made = Bench(org, office)
    made.allow_field("Account.Secret__c", "Read", "Edit")
    yield made
    office.close()


@pytest.fixture
def add_account(org: SandboxOrg) -> Callable[..., str]:
    def add(name: str, role: str = "erp", **values: object) -> str:
        owner = org.rows("User", Username=sandbox.USERNAMES[role])[0]["Id"]
        return org.insert_row("Account", {"Name": name, "OwnerId": owner, **values})

    return add
