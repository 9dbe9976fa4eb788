"""A reader of access: our connections to a simulated org, and the count of their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from harness.access.reading.holdings import Holdings, read_holdings
from harness.access.reading.people import User, read_user
from harness.access.reading.surroundings import Surroundings, read_surroundings
from harness.org.connection import Connection, Principal
from harness.org.guard import WriteGuard
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox import identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from tests.component.org.conftest import OrgClock


@dataclass
class Room:
    """One org, and whoever looks into it."""

    org: SandboxOrg
    server: SandboxServer
    guard: WriteGuard = field(default_factory=WriteGuard)
    made: list[Transport] = field(default_factory=list)

    def connect(self, username: str, principal: Principal = "admin", **of_site: str) -> Connection:
        """Signed in as a user, whatever its sign-in needs elsewhere; `of_site` may name the `api_version`."""
        user = self.org.rows("User", Username=username)[0]
        token = identity.sign_in(self.org, user, identity.Login(type="Application", application="Test")).token
        site = Site("simulated", self.server.ready.instance_url, self.server.ready.org_id, simulated=True, **of_site)
        clock = OrgClock(self.server)
        transport = Transport(site, guard=self.guard, clock=clock)
        self.made.append(transport)
        return Connection(
            principal,
            Credential("access-token", username, None, {"access_token": Secret(token)}),
            site,
            transport,
            clock,
        )

    @property
    def calls(self) -> int:
        """How many all of them made."""
        return sum(each.meter.calls for each in self.made)

    def user(self, admin: Connection, username: str) -> User:
        """A user that is there."""
        found = read_user(admin, username)
        assert found is not None
        return found

    def holdings(self, admin: Connection, username: str) -> Holdings:
        """What a user holds."""
        return read_holdings(admin, self.user(admin, username))

    def surroundings(
        self, admin: Connection, username: str, as_user: Callable[[], Connection] | None = None
    ) -> Surroundings:
        """What a user holds beside its permissions; `as_user` signs in as the user."""
        user = self.user(admin, username)
        holdings = read_holdings(admin, user)
        objects = sorted({*holdings.effective.objects, *(n.split(".")[0] for n in holdings.effective.fields)})
        sign_in = as_user or (lambda: self.connect(username, "source"))
        steps = read_surroundings(admin, sign_in, user, holdings, admin.describe_many(objects))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found: Surroundings = end.value
                return found


@pytest.fixture
def open_room() -> Iterator[Callable[[SandboxOrg], Room]]:
    """Make rooms; what they opened is closed afterwards."""
    rooms: list[Room] = []

    def make(org: SandboxOrg) -> Room:
        server = SandboxServer(org)
        server.start()
        rooms.append(Room(org, server))
        return rooms[-1]

    yield make
    for room in rooms:
        for transport in room.made:
            transport.close()
        room.server.stop()
        room.org.close()
