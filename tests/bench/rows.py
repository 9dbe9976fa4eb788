"""500 object and 20,000 field permissions, written and read in bulk, against one row a call with simple-salesforce.

One row a call is measured on a sample and scaled to all rows: the names of the figures say so.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import requests
from simple_salesforce.api import Salesforce

from harness.access.model import Access
from harness.access.reading.holdings import read_holdings
from harness.access.reading.people import read_user
from harness.migration.planning import grants
from harness.org.clock import SystemClock
from harness.org.connection import Connection
from harness.org.guard import WriteCapability, WriteGuard, prove_sandbox
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from tests.bench.result import Result
from tests.bench.wide import FIELDS, OBJECTS, USER, open_wide_org, rows_by_hand, wide_access

SAMPLE = 400
"""How many rows are written, and read, one by one."""
ADMIN = "admin@acme.example"

Cost = tuple[float, float]
"""Calls and seconds."""


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        org = open_wide_org(Path(folder))
        with SandboxServer(org) as server:
            ours, rivals = _ours(org, server), _one_by_one(org, server)
        org.close()
    rows = OBJECTS + OBJECTS * FIELDS
    way = f"{rows:,} permission rows; rival: one by one, {SAMPLE} measured and scaled"
    return [
        Result(f"{what} for {deed} {way}", mine, rival, unit)
        for deed, cost, other in zip(("writing", "reading"), ours, rivals, strict=True)
        for what, unit, mine, rival in zip(("calls", "time"), ("calls", "s"), cost, other, strict=True)
    ]


def _token(org: SandboxOrg) -> str:
    [admin] = org.rows("User", Username=ADMIN)
    return str(identity.sign_in(org, admin, identity.Login(type="Bench", application="Bench")).token)


def _ours(org: SandboxOrg, server: SandboxServer) -> tuple[Cost, Cost]:
    site = Site("bench", server.ready.instance_url, server.ready.org_id, simulated=True)
    guard, clock = WriteGuard(), SystemClock()
    transport = Transport(site, guard=guard, clock=clock)
    credential = Credential("access-token", ADMIN, None, {"access_token": Secret(_token(org))})
    admin = Connection("admin", credential, site, transport, clock)
    user = read_user(admin, USER)
    assert user is not None
    proof = prove_sandbox(admin, site)
    with guard.grant(proof, WriteCapability(site.org_id, "bench", "grant")):
        written = _cost(lambda: _write(admin, wide_access(), user.id), lambda: transport.meter.calls)
    read = _cost(lambda: _read(admin, user), lambda: transport.meter.calls)
    transport.close()
    return written, read


def _write(admin: Connection, access: Access, user_id: str) -> None:
    """As the grant stage writes it."""
    row = grants.permission_set(name="Bench", label="Bench", description="Bench", carried=access)
    parent = str(admin.create("PermissionSet", row).id)
    assert admin.create("PermissionSetAssignment", {"AssigneeId": user_id, "PermissionSetId": parent}).ok
    for sobject, rows in (
        ("ObjectPermissions", grants.object_permissions(access, {})),
        ("FieldPermissions", grants.field_permissions(access)),
    ):
        for _, some in grants.numbered(sobject, rows):
            assert all(
                answer.ok for answer in admin.create_many(sobject, [{"ParentId": parent, **one} for one in some])
            )


def _read(admin: Connection, user: Any) -> None:
    effective = read_holdings(admin, user).effective
    assert len(effective.fields) >= OBJECTS * FIELDS
    assert len(effective.objects) >= OBJECTS


def _one_by_one(org: SandboxOrg, server: SandboxServer) -> tuple[Cost, Cost]:
    """What each row of the sample costs, scaled to all rows; the rows of a kind are as many in it as in all."""
    with requests.Session() as http:
        url = server.ready.instance_url
        http.mount("https://", _Plain(url))
        sf = Salesforce(session_id=_token(org), instance_url=url, version="67.0", session=http)
        parent = sf.PermissionSet.create({"Name": "Single", "Label": "Single"})["id"]
        objects, fields = rows_by_hand(wide_access(), parent)
        share = SAMPLE / (len(objects) + len(fields))
        some = [("ObjectPermissions", one) for one in objects[: -(-SAMPLE // (FIELDS + 1))]]
        readable = {row["SobjectType"] for _, row in some}
        of_those = islice((one for one in fields if one["SobjectType"] in readable), SAMPLE - len(some))
        some += [("FieldPermissions", one) for one in of_those]
        assert len(some) == SAMPLE
        made: list[tuple[str, str]] = []
        started = time.perf_counter()
        for sobject, row in some:
            made.append((sobject, getattr(sf, sobject).create(row)["id"]))
        writing = time.perf_counter() - started
        started = time.perf_counter()
        for sobject, row_id in made:
            getattr(sf, sobject).get(row_id)
        reading = time.perf_counter() - started
    whole = len(objects) + len(fields)
    return (whole, writing / share), (whole, reading / share)


class _Plain(requests.adapters.HTTPAdapter):
    """simple-salesforce knows only https; the simulated org speaks plain http on the loopback."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._host = url.removeprefix("http://")

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        request.url = (request.url or "").replace(f"https://{self._host}", f"http://{self._host}")
        return super().send(request, *args, **options)


def _cost(work: Callable[[], None], calls: Callable[[], int]) -> Cost:
    before, started = calls(), time.perf_counter()
    work()
    return calls() - before, time.perf_counter() - started
