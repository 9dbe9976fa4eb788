"""Who signed in as the old user, as LoginHistory shows it.

Status and Application cannot be filtered on (facts 3.8): rows are asked for by user and time, and looked at here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.access.soql import among, select

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.scenario.model import SignIn as FlowOfSignIn

_COLUMNS = ("Id", "UserId", "LoginTime", "LoginType", "LoginSubType", "Status", "Application", "SourceIp")
UI_LOGIN_TYPES = frozenset({"Application"})
"""LoginType of a sign-in to the user interface."""
_OAUTH = frozenset({"Remote Access 2.0", "Oauth2"})
"""LoginType of OAuth, as its label and as its API name: sources have both (facts 3.8)."""
_SOAP = frozenset({"Other Apex API", "OtherApi"})
_SUB_TYPES = {"client-credentials": "OauthClientCredentials", "username-password": "OauthUsernamePassword"}
"""LoginSubType by flow; none is documented for JWT bearer (facts 3.8)."""
_SHOWN = ("LoginType", "LoginSubType", "Status", "Application")


@dataclass(frozen=True, slots=True)
class SignIn:
    """One attempt to sign in, refused ones included: a refused one shows too that somebody still tries."""

    at: datetime
    user_id: str
    row: dict[str, Any]

    @property
    def id(self) -> str:
        """The id of its LoginHistory row."""
        return str(self.row["Id"])

    def __str__(self) -> str:
        application = self.row["Application"] or "an unknown application"
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC by {application} from {self.row['SourceIp'] or 'an unknown address'}"

    def shown(self, usernames: dict[str, str]) -> dict[str, str | None]:
        """The attempt as the journal keeps it."""
        return {
            "LoginTime": self.at.isoformat(),
            "Username": usernames[self.user_id],
            **{name: self.row[name] for name in _SHOWN},
        }


def told_apart(old: FlowOfSignIn, new: FlowOfSignIn) -> bool:
    """Whether LoginHistory shows which of two credentials of one user signed in."""
    return "access-token" in (old.flow, new.flow) or _trace(old) != _trace(new)


def is_of(attempt: SignIn, credential: FlowOfSignIn) -> bool:
    """Whether an attempt looks like one of this credential. A given access token signs in to nothing."""
    if credential.flow == "access-token":
        return False
    types, sub_type, app = _trace(credential)
    row = attempt.row
    return row["LoginType"] in types and row["LoginSubType"] == sub_type and app in (None, row["Application"])


def _trace(credential: FlowOfSignIn) -> tuple[frozenset[str], str | None, str | None]:
    """LoginType, LoginSubType and Application that a credential leaves."""
    types = _SOAP if credential.flow == "soap-login" else _OAUTH
    return types, _SUB_TYPES.get(credential.flow), getattr(credential, "app", None)


def read_sign_ins(admin: Connection, user_ids: Sequence[str], *, since: datetime) -> list[SignIn]:
    """The attempts of some users since a moment, oldest first. One query."""
    moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    where = f"{among('UserId', user_ids)} AND LoginTime >= {moment}"
    rows = admin.query(select("LoginHistory", _COLUMNS, where=where, order="LoginTime"))
    return [SignIn(parse(row["LoginTime"]), str(row["UserId"]), row) for row in rows]


def parse(moment: str) -> datetime:
    """A date and time as the org writes it: `2026-01-05T09:00:00.000+0000`."""
    return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
