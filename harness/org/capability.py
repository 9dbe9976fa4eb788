"""Leave to write: to one org, in one stage of one run; so many requests, one user, and never against its keepers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import GuardRefused
from harness.org.effects import Effects
from harness.org.ids import is_id_18, to_18

REQUESTS = 100
"""How many writes a stage may send that states no number."""
USERS = 1
"""How many users a stage may create."""


@dataclass(frozen=True, slots=True)
class Protected:
    """Who is never frozen or deactivated.

    Freezing goes by the id of a UserLogin row, which does not tell whose it is: one that was not read is not frozen.
    """

    users: Mapping[str, str] = field(default_factory=dict)
    """The ids of users, each with why it is protected: `is the user we are signed in as`."""
    logins: Mapping[str, str] = field(default_factory=dict)
    """The user of each UserLogin row that was read."""

    def refusal(self, effects: Effects) -> str | None:
        """Why a request with these effects is not sent; None where nothing speaks against it."""
        if effects.unreadable:
            return "writes users in a way that cannot be read beforehand"
        for user_id in effects.deactivated:
            if why := self._of_user(user_id):
                return f"would deactivate a user that {why}"
        for login_id in effects.frozen:
            if why := self._of_login(login_id):
                return f"would freeze a user that {why}"
        return None

    def _of_user(self, user_id: str) -> str | None:
        known = _comparable(user_id)
        if known is None:
            return "it does not name by an id"
        return next((why for each, why in self.users.items() if _comparable(each) == known), None)

    def _of_login(self, login_id: str) -> str | None:
        known = _comparable(login_id)
        user = next((user for each, user in self.logins.items() if _comparable(each) == known), None)
        return (
            "nobody knows: whose login that is was not read" if user is None or known is None else self._of_user(user)
        )


def _comparable(record_id: str) -> str | None:
    """An id as the platform compares it: 18 characters without regard to case; None for what is no id."""
    whole = to_18(record_id)
    return whole.upper() if is_id_18(whole) or (len(record_id) == 18 and record_id.isalnum()) else None


@dataclass(frozen=True, slots=True)
class WriteCapability:
    """Leave to write: to one org, in one stage of one run, with what may be spent in it."""

    org_id: str
    run_id: str
    stage: str
    requests: int = REQUESTS
    """How many mutating requests may be sent."""
    users: int = USERS
    """How many users may be created."""
    protected: Protected = field(default_factory=Protected, compare=False)


class Budget:
    """What is left of a capability: spent before a request is sent; a user that was not made is given back."""

    def __init__(self, capability: WriteCapability) -> None:
        self._capability = capability
        self.requests = capability.requests
        self.users = capability.users

    def spend(self, asked: str, effects: Effects) -> None:
        """Pay for one request. Raises GuardRefused, and takes nothing, where not enough is left."""
        stage = f"stage {self._capability.stage} of run {self._capability.run_id}"
        if self.requests < 1:
            raise GuardRefused(
                f"{asked} would be write {self._capability.requests + 1} of {stage}, "
                f"which may send {self._capability.requests}",
                remedy="look with `rehearse status` at what it did; `rehearse resume` goes on with a new budget, "
                "`rehearse rollback` undoes it",
            )
        if effects.created > self.users:
            raise GuardRefused(
                f"{asked} would create a user, and {stage} may create {self._capability.users}, which it did"
                if self._capability.users
                else f"{asked} would create a user, and {stage} may create none",
                remedy="users cannot be deleted, so a run makes one and no more; report this with the journal",
            )
        self.requests -= 1
        self.users -= effects.created

    def give_back(self, effects: Effects) -> None:
        """A request that was paid for wrote nothing: its user may still be made. The request itself was sent."""
        self.users = min(self.users + effects.created, self._capability.users)
