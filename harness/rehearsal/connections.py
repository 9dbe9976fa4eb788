"""The connections of one run: one for each principal, made when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from harness.errors import UsageError
from harness.org.clock import Clock
from harness.org.connection import Connection, Principal
from harness.org.guard import WriteGuard
from harness.org.meter import Meter
from harness.org.patience import Tell, silent
from harness.org.secret import Secret
from harness.org.sign_in import Credential, credential, sign_in
from harness.org.transport import Transport
from harness.rehearsal.worlds import World
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import Flow

NEEDED_PARTS: Mapping[str, tuple[str, ...]] = {
    "client-credentials": ("consumer_key", "consumer_secret"),
    "jwt-bearer": ("consumer_key", "private_key"),
    "username-password": ("consumer_key", "consumer_secret", "password"),
    "soap-login": ("password",),
    "access-token": ("access_token",),
}
"""What each sign-in flow cannot do without."""


class Connections:
    """The admin's, the source user's and the target user's connection, over one guarded transport."""

    def __init__(self, file: ScenarioFile, world: World, *, clock: Clock, tell: Tell = silent) -> None:
        self._file = file
        self._world = world
        self._clock = clock
        self.guard = WriteGuard()
        self.meter = Meter()
        self._open: dict[Principal, Connection] = {}
        self._transport = Transport(
            world.site, guard=self.guard, clock=clock, meter=self.meter, wire=world.wire, tell=tell
        )

    def connect(self, principal: Principal) -> Connection:
        """The principal's connection, signed in at the first call. Raises what a sign-in raises."""
        if principal not in self._open:
            self._open[principal] = Connection(
                principal, self._credential(principal), self._world.site, self._transport, self._clock
            )
        return self._open[principal]

    def try_sign_in(self, principal: Principal, flow: str) -> None:
        """Sign in anew with a flow and forget the session.

        Raises SignInRefused, and UsageError when the scenario gives no secret for the flow.
        """
        own = self._credential(principal)
        missing = [part for part in NEEDED_PARTS[flow] if part not in own.parts]
        if missing:
            raise UsageError(
                f"{own.username} cannot try {flow}: the scenario gives no {' and no '.join(missing)} for it",
                place=self._file.place("to" if principal == "target" else "from", "sign_in"),
            )
        tried = Credential(cast("Flow", flow), own.username, own.app, own.parts)
        sign_in(tried, self._world.site, self._transport, self._clock)

    def parts_of_source(self) -> Mapping[str, Secret]:
        """What the source user signs in with, by name, as the external system's credential file holds it."""
        own = self._credential("source")
        plain = {"flow": own.flow, "username": own.username, "app": own.app, "instance_url": self._world.site.url}
        return {**own.parts, **{name: Secret(value) for name, value in plain.items() if value}}

    def forget(self, principal: Principal | None = None) -> None:
        """Drop a principal's session, or every one, so that what follows signs in by itself."""
        if principal is None:
            self._open.clear()
        self._open.pop(principal or "admin", None)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _credential(self, principal: Principal) -> Credential:
        scenario = self._file.scenario
        match principal:
            case "admin":
                return self._world.admin
            case "source":
                return credential(scenario.from_.sign_in, scenario.from_.username, self._world.resolve)
            case "target":
                return credential(scenario.to.sign_in, scenario.target_username, self._world.resolve)
