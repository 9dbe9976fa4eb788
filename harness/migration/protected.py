"""Who must never be frozen or deactivated: the user we are signed in as, the owner of the credential, the last admin.

Read from the org, in one call, just before a stage that ends a user's sign-in, and by preflight. An admin here is an
active user that holds Manage Users, by its profile or a permission set; it works while it is not frozen and may sign in
to Setup, so that one for the API only is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.access.reading.asking import try_ask
from harness.access.soql import among, equals, select
from harness.org.guard import Protected

if TYPE_CHECKING:
    from harness.org.connection import Connection

ENDING = ("cut-over", "retire")
"""The stages that end a user's sign-in."""
RUNNING = "is the user we are signed in as"
OWNER = "owns the credential we run with"
LAST = "is the last working admin of this org"


def _holders(permission: str) -> str:
    """The active users who hold a system permission: a profile is assigned as a permission set, too."""
    where = f"PermissionSet.Permissions{permission} = true AND Assignee.IsActive = true"
    return select("PermissionSetAssignment", ("AssigneeId",), where=where, order="Id")


@dataclass(frozen=True, slots=True)
class Keepers:
    """The users who keep an org reachable."""

    running: str
    """The id of the user we are signed in as."""
    owner: str
    """The id of the user whose credential that is; the same, unless the app runs as somebody else."""
    working: frozenset[str] | None
    """The ids of the admins who can work; None where the org would not tell."""
    logins: dict[str, str]
    """The user of each UserLogin row that was read."""

    def why_not(self, user_id: str) -> str | None:
        """Why a user is not to be frozen or deactivated; None where nothing speaks against it."""
        if user_id == self.running:
            return RUNNING
        if user_id == self.owner:
            return OWNER
        return LAST if self.working is not None and self.working <= {user_id} and self.working else None

    def protected(self, *others: str) -> Protected:
        """What the guard is given: these, and of `others` who must not end."""
        ids = sorted({self.running, self.owner, *(self.working or ()), *others} - {""})
        users = {each: why for each in ids if (why := self.why_not(each)) is not None}
        return Protected(users=users, logins=self.logins)


def read_keepers(admin: Connection, user_id: str) -> Keepers:
    """Read who keeps the org reachable, and the logins of these and of `user_id`. One call, and one for each page."""
    logins = f"IsFrozen = true OR {among('UserId', sorted({user_id, admin.user_id} - {''}))}"
    admins, api_only, owners, rows = try_ask(
        admin,
        [
            _holders("ManageUsers"),
            _holders("ApiUserOnly"),
            select("User", ("Id",), where=equals("Username", admin.username)),
            select("UserLogin", ("Id", "UserId", "IsFrozen"), where=logins, order="Id"),
        ],
    )
    working = None
    if admins is not None and api_only is not None and rows is not None:
        frozen = {str(row["UserId"]) for row in rows if row["IsFrozen"]}
        working = frozenset(str(row["AssigneeId"]) for row in admins) - frozen
        working -= {str(row["AssigneeId"]) for row in api_only}
    return Keepers(
        running=admin.user_id,
        owner=str(owners[0]["Id"]) if owners else "",
        working=working,
        logins={str(row["Id"]): str(row["UserId"]) for row in rows or ()},
    )
