"""A witness in the simulated org: it tries credentials and counts rows between two steps of the engine.

It works on the org itself and puts it back as it was, so that what it does leaves no sign-in, no session and no call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from harness.comparing.measured import Gap, Kept, Seats
from harness.errors import OrgError, RehearseError
from harness.migration.target import PERMISSION_SET_LICENSE, USER_LICENSE
from harness.org.connection import Principal
from harness.rehearsal.connections import Connections
from harness.rehearsal.worlds import World
from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.identity import oauth_tokens
from harness.sandbox.identity.history import OAUTH_LOGIN, Login
from harness.sandbox.identity.sessions import Session, open_session
from harness.sandbox.org import SandboxOrg
from harness.sandbox.rules.ceiling import Seats as LicenseSeats
from harness.scenario.loader import ScenarioFile

_SCOPE = "api refresh_token"
_OK = 200


@dataclass(slots=True)
class _Seats:
    total: int
    before: int
    most: int
    after: int


@dataclass(slots=True)
class _Silence:
    """A time without a working credential that is still going on."""

    stage: str
    calls: int


@dataclass(slots=True)
class Witness:
    """Looks at one simulated org, beside the run of one scenario."""

    org: SandboxOrg
    file: ScenarioFile
    world: World
    old_id: str = ""
    probes: int = 0
    gaps: list[Gap] = field(default_factory=list)
    _silence: _Silence | None = None
    _seats: dict[str, _Seats] = field(default_factory=dict)
    _owned: dict[str, frozenset[str]] = field(default_factory=dict)
    _created: dict[str, frozenset[str]] = field(default_factory=dict)
    _sign_ins: frozenset[str] = frozenset()
    _app: App | None = None
    _session: Session | None = None
    _refresh_token: str | None = None
    _full_license: str = ""

    def begin(self) -> None:
        """Note how things stand, and open a session with a refresh token as the old app, to see what becomes of it."""
        self.old_id = self._user_id(self.file.scenario.from_.username) or ""
        self._full_license = self._license_of(self.old_id)
        self._owned, self._created = self._rows("OwnerId", self.old_id), self._rows("CreatedById", self.old_id)
        self._sign_ins = self._history(self.old_id)
        for name, (total, used) in self._used().items():
            self._seats[name] = _Seats(total, used, used, used)
        self._plant()

    def note_sign_ins(self) -> None:
        """Take the sign-ins so far as those from before."""
        self._sign_ins = self._history(self.old_id)

    # --- on the way ---------------------------------------------------------------------------------------------------

    def step(self, stage: str, calls: int) -> None:
        """Try both credentials after a step of the engine, and count the seats."""
        for name, (_, used) in self._used().items():
            seats = self._seats[name]
            seats.most, seats.after = max(seats.most, used), used
        self.probes += 1
        if self.works("source") or self.works("target"):
            if self._silence is not None:
                self.gaps.append(Gap(calls=calls - self._silence.calls, stage=self._silence.stage, ended=True))
                self._silence = None
        elif self._silence is None:
            self._silence = _Silence(stage, calls)

    def end(self, calls: int) -> None:
        """Close a time without a working credential that did not end."""
        if self._silence is not None:
            self.gaps.append(Gap(calls=calls - self._silence.calls, stage=self._silence.stage, ended=False))
            self._silence = None

    def works(self, principal: Principal) -> bool:
        """Whether a credential signs in and every query and describe of the workload is answered."""
        with self._unseen():
            connections = Connections(self.file, self.world, clock=self.world.clock)
            try:
                connection = connections.connect(principal)
                for item in self.file.scenario.workload:
                    if item.query is not None and not connection.try_query(item.query).ok:
                        return False
                    if item.describe is not None and not connection.describe(item.describe).ok:
                        return False
            except (OrgError, RehearseError):
                return False
            finally:
                connections.close()
        return True

    def session_lives(self) -> bool | None:
        """Whether the session that the old app opened before is alive; None where there was none."""
        if self._session is None:
            return None
        with self._unseen():
            return identity.session_of(self.org, self._session.token) is not None

    def refresh_token_works(self) -> bool | None:
        """Whether the old app's refresh token is good for a new session; None where there was none."""
        if self._app is None or self._refresh_token is None or self.world.wire is None:
            return None
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "client_id": self._app.consumer_key,
            "client_secret": self._app.consumer_secret,
        }
        with self._unseen(), requests.Session() as session:
            session.mount(self.world.site.url, self.world.wire)
            answer = session.post(f"{self.world.site.url}/services/oauth2/token", data=form)
        return answer.status_code == _OK

    # --- what is there still ------------------------------------------------------------------------------------------

    def target_id(self) -> str:
        """The id of the user that works after."""
        return self._user_id(self.file.scenario.target_username) or ""

    def owned(self) -> Kept:
        """Rows that the old user owned, and those of them that the one who works after owns."""
        return _kept(self._owned, self._rows("OwnerId", self.target_id()))

    def created(self) -> Kept:
        """Rows that the old user created, and those of them that bear the id of the one who works after."""
        return _kept(self._created, self._rows("CreatedById", self.target_id()))

    def sign_ins(self) -> Kept:
        """Sign-ins of before, and those of them that the history shows of the one who works after."""
        return _kept({"": self._sign_ins}, {"": self._history(self.target_id())})

    def seats(self) -> tuple[Seats, ...]:
        """The seats of the licenses that the run moves users between."""
        return tuple(
            Seats(license=name, total=each.total, before=each.before, most=each.most, after=each.after)
            for name, each in self._seats.items()
        )

    # --- the org ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        state = self.org.snapshot()
        try:
            yield
        finally:
            self.org.restore(state)

    def _plant(self) -> None:
        name = getattr(self.file.scenario.from_.sign_in, "app", None)
        self._app = next((each for each in apps.all_apps(self.org) if each.name == name), None)
        if self._app is None or not self.old_id:
            return
        login = Login(type=OAUTH_LOGIN, application=self._app.name, sub_type="OauthWebServer")
        with self.org.transaction():
            self._session = open_session(self.org, self.old_id, login, app_id=self._app.id, scope=_SCOPE)
            self._refresh_token = oauth_tokens.remember_app(
                self.org, self._session, app_name=self._app.name, refresh=True
            )

    def _license_of(self, user_id: str) -> str:
        user = self.org.row("User", user_id) or {}
        profile = self.org.row("Profile", str(user.get("ProfileId"))) or {}
        return str((self.org.row("UserLicense", str(profile.get("UserLicenseId"))) or {}).get("Name", ""))

    def _user_id(self, username: str) -> str | None:
        found = identity.user_named(self.org, username)
        return str(found["Id"]) if found else None

    def _rows(self, column: str, user_id: str) -> dict[str, frozenset[str]]:
        """The ids of a user's rows, by object."""
        found = {}
        for sobject in self.org.schema:
            if not sobject.setup and sobject.get(column) is not None:
                rows = self.org.rows(sobject.name, **{column: user_id})
                found[sobject.name] = frozenset(str(row["Id"]) for row in rows)
        return found

    def _history(self, user_id: str) -> frozenset[str]:
        return frozenset(str(row["Id"]) for row in self.org.rows("LoginHistory", UserId=user_id))

    def _used(self) -> dict[str, tuple[int, int]]:
        """Total and used seats of the licenses that matter, by label."""
        names = [self._full_license, USER_LICENSE]
        licenses = self.org.rows("UserLicense", Name=names)
        named = [("UserLicense", row) for row in licenses]
        psls = self.org.rows("PermissionSetLicense", DeveloperName=PERMISSION_SET_LICENSE)
        named += [("PermissionSetLicense", row) for row in psls]
        return {
            str(row["MasterLabel"]): (int(row["TotalLicenses"] or 0), self._seats_used(kind, str(row["Id"])))
            for kind, row in named
        }

    def _seats_used(self, kind: str, license_id: str) -> int:
        seats = LicenseSeats(self.org)
        if kind == "UserLicense":
            return seats.used_user_licenses(license_id)
        return seats.used_permission_set_licenses(license_id)


def _kept(before: dict[str, frozenset[str]], after: dict[str, frozenset[str]]) -> Kept:
    kept = sum(len(ids & after.get(name, frozenset())) for name, ids in before.items())
    return Kept(before=sum(map(len, before.values())), kept=kept)
