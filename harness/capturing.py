"""What `rehearse capture` does: read the shape of an org, and write it to a file."""

from __future__ import annotations

import gzip
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from harness.capture.reading import Twin, read_twin
from harness.errors import RequestRefused, UsageError
from harness.org.clock import SystemClock
from harness.org.connection import Connection
from harness.org.guard import WriteGuard
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport
from harness.rehearsal.worlds import admin_of_configured, admin_of_ready


def capture(*, org: str | None, sandbox: Path | None, out: Path, usernames: Sequence[str]) -> int:
    """Read the shape of an org as its admin and write the twin. Raises UsageError and what the org says."""
    if (org is None) == (sandbox is None):
        raise UsageError("no org to capture", remedy="name one: --org NAME of rehearse.toml, or --sandbox READY")
    site, credential = admin_of_ready(sandbox) if sandbox else admin_of_configured(org or "", Path.cwd())
    console = Console(stderr=True, highlight=False)
    with console.status("signing in") as status, connected(site, credential) as (admin, transport):
        twin = _read(admin, usernames, lambda what: status.update(f"reading {what} ({transport.meter.calls} calls)"))
    _write(twin, out)
    fields = sum(len(one["fields"]) for one in twin["objects"].values())
    grants = sum(len(twin["rows"].get(name, ())) for name in ("ObjectPermissions", "FieldPermissions"))
    console.print(
        f"{out}: {len(twin['objects'])} objects, {fields} fields, {grants} permission rows, "
        f"{len(twin['rows']['User'])} users; {transport.meter.calls} API calls, nothing written to the org",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"serve it: rehearse sandbox --source {out}", markup=False, soft_wrap=True)
    return 0


@contextmanager
def connected(site: Site, credential: Credential) -> Iterator[tuple[Connection, Transport]]:
    """A connection that cannot write: its guard grants nothing."""
    clock = SystemClock()
    console = Console(stderr=True, highlight=False)
    transport = Transport(site, guard=WriteGuard(), clock=clock, tell=console.print)
    try:
        yield Connection("admin", credential, site, transport, clock), transport
    finally:
        transport.close()


def _read(admin: Connection, usernames: Sequence[str], say: object) -> Twin:
    assert callable(say)
    try:
        return read_twin(admin, usernames, SystemClock(), say=say)
    except RequestRefused as refusal:
        refusal.remedy = "capture as a user with View Setup and Configuration, who sees permission sets and all fields"
        raise


def _write(twin: Twin, out: Path) -> None:
    """Write the file at once, a row a line, packed where its name ends in `.gz`. Raises OSError."""
    content = "".join(_lines(twin)).encode()
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft.write_bytes(gzip.compress(content, mtime=0) if out.suffix == ".gz" else content)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _lines(twin: Twin) -> Iterator[str]:
    yield "{\n"
    for number, (key, value) in enumerate(twin.items()):
        yield ("," if number else "") + f"{json.dumps(key)}: "
        if isinstance(value, dict) and value:
            yield "{\n" + ",\n".join(f"{json.dumps(name)}: {_block(one)}" for name, one in value.items()) + "}\n"
        else:
            yield _block(value) + "\n"
    yield "}\n"


def _block(value: object) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
