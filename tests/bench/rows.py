"""Permission rows written per API call, and the time they take, against one row per call."""

from __future__ import annotations

import time

from harness.org.clock import SystemClock
from harness.org.connection import Connection
from harness.org.guard import WriteCapability, WriteGuard, prove_sandbox
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.bench.result import Result

SETS, ROWS = 4, 25


def measure() -> list[Result]:
    org = open_org("demo")
    with SandboxServer(org) as server:
        ready = server.ready
        site = Site(name="bench", url=ready.instance_url, org_id=ready.org_id, simulated=True)
        user, (app_name, app) = ready.users["admin"], next(iter(ready.apps.items()))
        parts = {**app, "password": user["password"], "security_token": user["security_token"]}
        secrets = {name: Secret(value) for name, value in parts.items()}
        guard, clock = WriteGuard(), SystemClock()
        transport = Transport(site, guard=guard, clock=clock)
        admin = Connection(
            "admin", Credential("username-password", user["username"], app_name, secrets), site, transport, clock
        )
        proof = prove_sandbox(admin, site)
        with guard.grant(proof, WriteCapability(site.org_id, "bench", "grant")):
            bulk_calls, bulk_seconds = _timed(transport, lambda: _in_bulk(admin))
            single_calls, single_seconds = _timed(transport, lambda: _one_by_one(admin))
        transport.close()
    org.close()
    rows = SETS * ROWS
    return [
        Result(f"API calls for {rows} permission rows; rival: a call a row", bulk_calls, single_calls, "calls"),
        Result(f"time for {rows} permission rows; rival: a call a row", bulk_seconds, single_seconds, "s"),
    ]


def _timed(transport: Transport, work: object) -> tuple[int, float]:
    assert callable(work)
    calls, started = transport.meter.calls, time.perf_counter()
    work()
    return transport.meter.calls - calls, time.perf_counter() - started


def _rows(admin: Connection, prefix: str) -> list[dict[str, object]]:
    """FieldPermissions rows for fields of Account, in several permission sets made for them."""
    fields = [
        field["name"]
        for field in admin.request("GET", "sobjects/Account/describe").body["fields"]
        if field["permissionable"] and field["updateable"]
    ][:ROWS]
    assert len(fields) == ROWS, f"Account has only {len(fields)} permissionable fields"
    rows: list[dict[str, object]] = []
    for number in range(SETS):
        name = f"{prefix}_{number}"
        parent = admin.create("PermissionSet", {"Name": name, "Label": name}).id
        admin.create("ObjectPermissions", _object_row(parent))
        rows += [
            {
                "ParentId": parent,
                "SobjectType": "Account",
                "Field": f"Account.{field}",
                "PermissionsRead": True,
                "PermissionsEdit": False,
            }
            for field in fields
        ]
    return rows


def _object_row(parent: str | None) -> dict[str, object]:
    rights = dict.fromkeys(("Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords"), False)
    return {
        "ParentId": parent,
        "SobjectType": "Account",
        "PermissionsRead": True,
        **{f"Permissions{name}": value for name, value in rights.items()},
    }


def _in_bulk(admin: Connection) -> None:
    answers = admin.create_many("FieldPermissions", _rows(admin, "Bench_Bulk"))
    assert all(answer.certainty == "APPLIED" for answer in answers)


def _one_by_one(admin: Connection) -> None:
    for row in _rows(admin, "Bench_Single"):
        assert admin.create("FieldPermissions", row).certainty == "APPLIED"
