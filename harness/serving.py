"""What `rehearse sandbox` does: serve a simulated sandbox until it is told to stop."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from rich.console import Console

from harness.errors import UsageError
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from harness.sandbox.source.errors import SourceError


def serve(
    *,
    port: int,
    source: str,
    population: Path | None,
    state: Path | None,
    ready: Path,
    tls: tuple[Path, Path] | None,
) -> int:
    """Serve a simulated sandbox until interrupted. Raises UsageError when its source cannot be read."""
    console = Console(stderr=True, highlight=False)
    try:
        org = open_org(source, population=population, state=state)
    except SourceError as error:
        raise UsageError(str(error)) from error
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    try:
        with SandboxServer(org, port=port, tls=tls) as server:
            ready.parent.mkdir(parents=True, exist_ok=True)
            server.ready.write(ready)
            console.print(
                f"simulated sandbox at {server.ready.instance_url}, org {server.ready.org_id}", soft_wrap=True
            )
            console.print(f"users, apps and their secrets: {ready}. Ctrl-C stops it.", soft_wrap=True)
            stop.wait()
    except OSError as error:
        raise UsageError(f"cannot serve: {error.strerror or error}", remedy="choose another --port") from error
    finally:
        ready.unlink(missing_ok=True)
        org.close()
    return 0
