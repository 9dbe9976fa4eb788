"""The simulated org itself: coming up, loading a real project, snapshots, and many permission rows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from harness.sandbox import identity
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import open_org
from tests.bench.result import Result

REAL_PROJECT = Path(__file__).parents[3] / "shared" / "orgs" / "gsa-workspace"
BARE = "import uvicorn, starlette.applications"
FEW, MANY = 2_000, 20_000
API = "/services/data/v67.0"


def measure() -> list[Result]:
    results = [_start(), _snapshot(), *_permission_rows()]
    if REAL_PROJECT.is_dir():
        code = f"from harness.sandbox.source import open_org; open_org({str(REAL_PROJECT)!r}).close()"
        results.append(Result("a project of 303 objects; rival: reading its XML", _run(code), _run(_READ_XML), "s"))
    return results


_READ_XML = f"""
from pathlib import Path
from defusedxml.ElementTree import parse
for path in Path({str(REAL_PROJECT)!r}).rglob("*-meta.xml"):
    parse(path)
"""


def _run(code: str, environ: dict[str, str] | None = None) -> float:
    """Seconds a process takes from its start to its end, the best of three."""

    def once() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environ)
        return time.perf_counter() - started

    return min(once() for _ in range(3))


def _start() -> Result:
    with tempfile.TemporaryDirectory() as folder:  # compiled, as an installed package is
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        ours, rival = _start_up(environ), _run(BARE, environ)
    return Result("start-up of the demo org; rival: importing starlette and uvicorn", ours, rival, "s")


def _start_up(environ: dict[str, str]) -> float:
    """Seconds from the start of `rehearse sandbox` until its ready file is there, the best of three."""

    def once(ready: Path) -> float:
        started = time.perf_counter()
        command = [sys.executable, "-m", "harness.cli", "sandbox", "--ready", str(ready)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environ) as process:
            while not ready.is_file():
                assert process.poll() is None, "the simulated sandbox did not start"
                time.sleep(0.002)
            taken = time.perf_counter() - started
            process.terminate()
        return taken

    with tempfile.TemporaryDirectory() as folder:
        return min(once(Path(folder) / f"{number}.json") for number in range(3))


def _snapshot() -> Result:
    org = open_org("demo")
    taken = min(_timed(lambda: org.restore(org.snapshot())) for _ in range(20))
    org.close()
    loaded = min(_timed(lambda: open_org("demo").close()) for _ in range(3))
    return Result("snapshot and restore of the demo org; rival: loading it again", taken * 1000, loaded * 1000, "ms")


def _permission_rows() -> list[Result]:
    few, many = _write_and_read(FEW), _write_and_read(MANY)
    return [
        Result(f"{deed} a field permission of {MANY:,}; rival: of {FEW:,}", big * 1000, small * 1000, "ms a row")
        for deed, small, big in zip(("writing", "reading"), few, many, strict=True)
    ]


def _write_and_read(count: int) -> tuple[float, float]:
    """Seconds a row to write FieldPermissions by collections of 200, and to read them back page by page."""
    org = open_org("demo")
    admin = next(one for one in org.rows("User") if org.permissions_of(one["Id"]).has("ModifyAllData"))
    token = identity.sign_in(org, admin, identity.Login(type="Bench", application="Bench")).token
    adapter = InProcess(org)
    with requests.Session() as http:
        http.mount(adapter.instance_url, adapter)
        http.headers["Authorization"] = f"Bearer {token}"
        rows = _rows(org, admin["Id"], count)

        def write() -> None:
            for start in range(0, count, 200):
                body = {"allOrNone": True, "records": rows[start : start + 200]}
                answer = http.post(f"{adapter.instance_url}{API}/composite/sobjects", json=body)
                assert all(row["success"] for row in answer.json()), answer.text[:500]

        def read() -> None:
            path: str | None = f"{API}/query?q=SELECT+Id,Field,PermissionsEdit+FROM+FieldPermissions"
            found = 0
            while path:
                page = http.get(f"{adapter.instance_url}{path}").json()
                found, path = found + len(page["records"]), page.get("nextRecordsUrl")
            assert found >= count

        figures = _timed(write) / count, _timed(read) / count
    org.close()
    return figures


def _rows(org: SandboxOrg, admin: str, count: int) -> list[dict[str, Any]]:
    """FieldPermissions of as many permission sets as it takes, each of which may read Account."""
    account = org.schema.get("Account")
    assert account is not None
    fields = [
        f"Account.{field.name}"
        for field in account.fields.values()
        if field.permissionable and not field.compound and not field.calculated
    ]
    rows: list[dict[str, Any]] = []
    for number in range(-(-count // len(fields))):
        name = f"Bench_{number}"
        parent = org.create("PermissionSet", {"Name": name, "Label": name}, as_user=admin)
        readable = {"ParentId": parent, "SobjectType": "Account", "PermissionsRead": True}
        org.create("ObjectPermissions", readable, as_user=admin)
        given = {"attributes": {"type": "FieldPermissions"}, "ParentId": parent, "SobjectType": "Account"}
        rows += [{**given, "Field": field, "PermissionsRead": True, "PermissionsEdit": False} for field in fields]
    return rows[:count]


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
