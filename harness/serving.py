"""What `rehearse sandbox` does: serve a simulated sandbox until it is told to stop."""

from __future__ import annotations

import gc
import signal
import sqlite3
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import UsageError
from harness.sandbox.ready import Ready
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from harness.sandbox.source.errors import SourceError
from harness.sandbox.switches import known_switches

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg


def serve(
    *,
    port: int,
    source: str,
    population: Path | None,
    state: Path | None,
    ready: Path,
    tls: tuple[Path, Path] | None,
    switches: Sequence[str] = (),
    daily_requests: int | None = None,
) -> int:
    """Serve a simulated sandbox until interrupted. Raises UsageError for what cannot be read, served or written."""
    if tls is not None:
        _check_tls(*tls)
    with closing(_open(source, population, state, switches)) as org:
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        server = SandboxServer(org, port=port, tls=tls, daily_requests=daily_requests)
        with _serving(server, port) as what, _written(what, ready):
            click.echo(f"simulated sandbox at {what.instance_url}, org {what.org_id}", err=True)
            click.echo(f"users, apps and their secrets: {ready}. Ctrl-C stops it.", err=True)
            gc.freeze()  # the org stays: no collection need look at it again
            gc.enable()
            stop.wait()
    return 0


def list_switches() -> int:
    """Print every switch, its choices with the default first, and what it decides."""
    for switch in known_switches():
        click.secho(f"{switch.name}={'|'.join(switch.choices)}", bold=True)
        click.echo(f"    {switch.about}")
    return 0


def _check_tls(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        raise UsageError(
            f"{certificate} and {key} are no certificate and its key: {error.strerror or error}",
            remedy="give two PEM files to --tls: the certificate chain, then its private key",
        ) from error


def _open(source: str, population: Path | None, state: Path | None, switches: Sequence[str]) -> SandboxOrg:
    try:
        return open_org(source, population=population, state=state, switches=switches)
    except SourceError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(str(error), remedy="`rehearse sandbox --switches` lists them") from error
    except sqlite3.Error as error:
        raise UsageError(
            f"{state} cannot be opened as the state of a simulated org: {error}",
            remedy="name another file with --state; one that is not there is made",
        ) from error


@contextmanager
def _serving(server: SandboxServer, port: int) -> Iterator[Ready]:
    try:
        ready = server.start()
    except OSError as error:
        raise UsageError(
            f"port {port} of 127.0.0.1 cannot be served: {error.strerror or error}",
            remedy="choose another --port; 0 takes a free one",
        ) from error
    except ValueError as error:  # nobody in the org could be its admin
        raise UsageError(str(error), remedy="give one user the System Administrator profile") from error
    try:
        yield ready
    finally:
        server.stop()


@contextmanager
def _written(ready: Ready, path: Path) -> Iterator[None]:
    """Keep the ready file there while it serves; one that another sandbox has put there since is left alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ready.write(path)
    except OSError as error:
        raise UsageError(
            f"the ready file {path} cannot be written: {error.strerror or error}", remedy="choose another --ready"
        ) from error
    try:
        yield
    finally:
        if path.is_file() and path.read_text("utf-8") == ready.to_json():
            path.unlink()
