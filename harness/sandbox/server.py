"""A simulated org on the loopback: uvicorn in a thread, started and stopped cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from harness.sandbox import apps, identity
from harness.sandbox.apps import ADMIN_APP, App
from harness.sandbox.control import PREFIX, Interference, Trouble, control_routes
from harness.sandbox.http.app import make_app
from harness.sandbox.http.desk import Desk
from harness.sandbox.ready import Ready

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

HOST = "127.0.0.1"
ADMIN_ROLE = "admin"
_START_SECONDS = 30.0
_KEEP_ALIVE_SECONDS = 120


class SandboxServer:
    """Serves one org on 127.0.0.1. A context manager: `with SandboxServer(org) as server: server.ready`.

    `port` 0 takes a free one. `tls` is a certificate chain and its key, both PEM files. The private keys of JWT apps
    are files in a private temporary directory, which is removed at the stop. `daily_requests` is how many API requests
    may be made in 24 hours, in place of what the org's edition and licenses give.
    """

    def __init__(
        self,
        org: SandboxOrg,
        *,
        port: int = 0,
        tls: tuple[Path, Path] | None = None,
        daily_requests: int | None = None,
    ) -> None:
        self.org = org
        self._daily_requests = daily_requests
        self._port = port
        self._tls = tls
        self._keys: Path | None = None
        self._server: _Uvicorn | None = None
        self._thread: threading.Thread | None = None
        self._ready: Ready | None = None

    @property
    def ready(self) -> Ready:
        """What a client needs. Raises RuntimeError when the server does not run."""
        if self._ready is None:
            raise RuntimeError("the simulated org is not being served")
        return self._ready

    def start(self) -> Ready:
        """Serve in a thread and return when requests are answered. Raises OSError when the port is taken."""
        if self._thread is not None:
            raise RuntimeError("the simulated org is being served already")
        listener = _listen(self._port)
        try:
            self._prepare(f"{'https' if self._tls else 'http'}://{HOST}:{listener.getsockname()[1]}")
            assert self._server is not None
            self._thread = threading.Thread(
                target=self._server.run, kwargs={"sockets": [listener]}, name="simulated-org", daemon=True
            )
            self._thread.start()
            if not self._server.serving.wait(_START_SECONDS):
                raise RuntimeError(f"the simulated org did not start within {_START_SECONDS:.0f} seconds")
        except BaseException:
            self.stop()
            listener.close()
            raise
        return self.ready

    def stop(self) -> None:
        """Stop serving, end the thread and remove the private keys; a server that does not run is no error."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._keys is not None:
            shutil.rmtree(self._keys, ignore_errors=True)
        self._server = self._thread = self._ready = self._keys = None

    def __enter__(self) -> SandboxServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self, instance_url: str) -> None:
        """Everything but the listening: the desk, the application, the ready answer."""
        desk = Desk(instance_url, daily_requests=self._daily_requests)
        token = secrets.token_urlsafe(32)
        control = {"url": f"{instance_url}{PREFIX}", "token": token}
        with self.org.lock:
            self._ready = self._describe(instance_url, control)
        options: dict[str, Any] = {}
        if self._tls is not None:
            options = {"ssl_certfile": str(self._tls[0]), "ssl_keyfile": str(self._tls[1])}
        trouble, line = Trouble(self.org), _Line()
        app = make_app(self.org, desk, more_routes=control_routes(self.org, desk, token, trouble))
        config = uvicorn.Config(
            Interference(app, trouble, line, spared=PREFIX),
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
            **options,
        )
        self._server = line.server = _Uvicorn(config)

    def _describe(self, instance_url: str, control: dict[str, str]) -> Ready:
        users = self._users()
        if not any(app.name == ADMIN_APP for app in apps.all_apps(self.org)):
            apps.default_apps(self.org, next(iter(users.values()))["Id"])
        known = sorted(apps.all_apps(self.org), key=lambda app: app.name != ADMIN_APP)
        return Ready(
            instance_url=instance_url,
            org_id=self.org.org_id,
            users={role: self._credentials(user) for role, user in users.items()},
            apps={app.name: self._app_entry(app) for app in known},
            control=control,
        )

    def _users(self) -> dict[str, dict[str, Any]]:
        """Every active user by role, the admin first: the one called so, else the first who may do everything."""
        active = [user for user in self.org.rows("User") if user["IsActive"]]
        roles = {user["Id"]: identity.secrets_of(self.org, user["Id"]).get("role") for user in active}
        if ADMIN_ROLE not in roles.values():
            admin = next((one for one in active if self.org.permissions_of(one["Id"]).has("ModifyAllData")), None)
            if admin is None:
                raise ValueError("the simulated org has no active user who may modify all data, so no admin")
            roles[admin["Id"]] = ADMIN_ROLE
        active.sort(key=lambda user: roles[user["Id"]] != ADMIN_ROLE)
        return {roles[user["Id"]] or user["Username"]: user for user in active}

    def _credentials(self, user: dict[str, Any]) -> dict[str, str]:
        """What the user signs in with; one whom nobody gave a password gets one, with a security token."""
        if "password" not in identity.secrets_of(self.org, user["Id"]):
            identity.set_password(self.org, user["Id"])
            identity.set_security_token(self.org, user["Id"])
        known = identity.secrets_of(self.org, user["Id"])
        return {
            "username": user["Username"],
            "password": known["password"],
            "security_token": known.get("security_token", ""),
        }

    def _app_entry(self, app: App) -> dict[str, str]:
        entry = {"consumer_key": app.consumer_key}
        if app.flows != {apps.JWT_BEARER}:
            entry["consumer_secret"] = app.consumer_secret
        if apps.JWT_BEARER in app.flows:
            entry["private_key_file"] = str(self._write_key(app))
        return entry

    def _write_key(self, app: App) -> Path:
        if self._keys is None:
            self._keys = Path(tempfile.mkdtemp(prefix="simulated-org-"))
        path = self._keys / f"{app.id}.pem"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(apps.private_key(self.org, app))
        return path


def _listen(port: int) -> socket.socket:
    """A listening socket. Made as TCP by name, or asyncio would not switch off Nagle's delay of 40 ms an answer."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class _Line:
    """The connections of a server, for faults to play with."""

    server: _Uvicorn | None = None

    async def pause(self, seconds: float) -> None:
        """Let real time pass."""
        await asyncio.sleep(seconds)

    async def until_gone(self, receive: Receive, seconds: float) -> None:
        """Wait until the client has closed the connection, or that long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass

    async def cut(self, scope: Scope) -> None:
        """Close the connection once what was sent is out, and wait until the server has noticed."""
        assert self.server is not None
        connections = self.server.server_state.connections
        for connection in [one for one in connections if getattr(one, "scope", None) is scope]:
            connection.transport.close()
            while connection in connections:
                await asyncio.sleep(0)


class _Protocol(H11Protocol):
    """HTTP/1.1 and nothing else: a client that offers HTTP/2, as those of Java do each time, is no news for anybody."""

    def _should_upgrade(self) -> bool:
        return False


class _Uvicorn(uvicorn.Server):
    """Says when it serves, and stops whether or not clients are still connected."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serving.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut the connections that clients keep open; over TLS a farewell would wait for theirs, which never comes."""
        await self._cut()
        await super().shutdown(sockets)
        await asyncio.sleep(0)  # a connection that was taken just then is only now one of the server's
        await self._cut()

    async def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
