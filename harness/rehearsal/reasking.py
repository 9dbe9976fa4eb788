"""The questions of a scenario's recording, put again to an org that lives: which org, in which state, asked as whom.

Everything goes through connections whose guard grants no write, so that nothing can be written to the org.
"""
# ruff: noqa: S608 - SOQL of fixed names and quoted values

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from harness.errors import RecordingError, SignInRefused
from harness.org.connection import Connection, Principal
from harness.org.patience import Tell, silent
from harness.recording import redaction
from harness.recording.again.asking import Answered, Questions
from harness.recording.again.backwards import Backwards
from harness.recording.again.choosing import (
    STAGES,
    Choice,
    NotAsked,
    Recorded,
    State,
    ids_of_users,
    is_sign_in,
    made_by_the_run,
    named_by_the_run,
    recorded_in,
    removed_by_the_run,
)
from harness.recording.again.counterparts import Counterparts
from harness.recording.cassettes import Cassettes
from harness.recording.facts import Facts
from harness.recording.filing.files import cassette_paths, load, stage_of
from harness.recording.meaning import Drift, People, Tier, refusal_of
from harness.recording.text import as_text
from harness.rehearsal.connections import Connections
from harness.rehearsal.options import Options, shown
from harness.rehearsal.public_words import words_of
from harness.rehearsal.reads import cassette_names
from harness.rehearsal.rehearsal import Rehearsal
from harness.rehearsal.worlds import World, open_configured, open_ready
from harness.report.drift import DriftFound, LeftOut, OrgDrift
from harness.scenario.loader import ScenarioFile

_INTEGRATION = "Salesforce Integration"
"""The name of the user license that the migration leads to."""
_SETTLED = frozenset({"IsActive", "IsFrozen"})
"""Columns that tell in which state the org is: their difference is the state's, which is said as such."""


@dataclass
class Recording:
    """All cassettes of one scenario."""

    facts: Facts
    requests: list[Recorded]
    people: People

    @classmethod
    def of(cls, file: ScenarioFile, options: Options) -> Recording:
        """Read it. Raises RecordingError where there is none, or one is damaged."""
        folder = options.cassette_folder / file.name
        paths = cassette_paths(folder) if folder.is_dir() else []
        if not paths:
            raise RecordingError(
                f"{shown(folder)} has no cassettes to compare with",
                remedy=f"record the scenario: pytest {file.shown} --cassettes record",
            )
        loaded = {stage: load(path) for stage, path in _in_order(paths, file).items()}
        facts = Facts.of_metadata(next(iter(loaded.values())).metadata, paths[0])
        admin = People(admin=facts.admin_username)
        requests = [each for stage, one in loaded.items() for each in recorded_in(stage, one, admin)]
        moving = (file.scenario.from_.username, file.scenario.target_username)
        people = People(
            admin=facts.admin_username,
            integration=ids_of_users(requests, moving),
            own=made_by_the_run(requests),
            settled=_SETTLED,
        )
        return cls(facts, requests, people)


@dataclass
class _Round:
    """One pass over the recording, in one state of the org."""

    state: State
    answered: list[Answered] = field(default_factory=list)
    signed_in: list[tuple[str, Drift | None]] = field(default_factory=list)
    not_asked: list[NotAsked] = field(default_factory=list)


class Reasking:
    """Compares one scenario's recording with one org. Raises what opening, signing in and reading raise."""

    def __init__(self, file: ScenarioFile, options: Options, *, tell: Tell = silent) -> None:
        self._file = file
        self._options = options
        self._tell = tell
        self._recording = Recording.of(file, options)

    def run(self) -> OrgDrift:
        """Ask everything that can be asked, and compare."""
        if self._options.sandbox is None and self._options.org == "simulated":
            return self._in_an_org_of_our_own()
        with closing(self._open()) as world:
            return self._told(world.in_words, [self._round(world)])

    def _in_an_org_of_our_own(self) -> OrgDrift:
        """In a simulated org of this process: as it is, and then with the migration standing in it."""
        own = Rehearsal(self._file, Options.simulated(self._options.root))
        try:
            rounds = [self._round(own.world)]
            if self._file.scenario.expect.sign_off != "refused":
                own.reach(self._file.scenario.stages[-1])
                rounds.append(self._round(own.world))
            return self._told(own.world.in_words, rounds)
        finally:
            own.finish()

    def _open(self) -> World:
        if self._options.sandbox is not None:
            return open_ready(self._file, self._options.sandbox)
        return open_configured(self._options.org, self._options.root, self._file.path.parent)

    def _round(self, world: World) -> _Round:
        with closing(Connections(self._file, world, clock=world.clock, tell=self._tell)) as connections:
            done = _Asking(self._file, self._options, self._recording, world, connections).round()
        self._tell(f"{world.in_words}: {done.state}; {len(done.answered)} recorded requests asked again")
        return done

    def _told(self, org: str, rounds: Sequence[_Round]) -> OrgDrift:
        """What all rounds found, as evidence holds it."""
        asked: dict[str, int] = {}
        found: list[DriftFound] = []
        for one in rounds:
            for answered in one.answered:
                stage = answered.recorded.stage
                asked[stage] = asked.get(stage, 0) + 1
                found += [_found(stage, drift) for drift in answered.drifts]
            for stage, drift in one.signed_in:
                asked[stage] = asked.get(stage, 0) + 1
                found += [_found(stage, drift)] if drift is not None else []
        done = {_place(answered.recorded) for one in rounds for answered in one.answered}
        left = {_place(each.recorded): each for one in rounds for each in one.not_asked}
        return OrgDrift(
            org=org,
            states=tuple(dict.fromkeys(str(one.state) for one in rounds)),
            asked=asked,
            found=tuple(sorted(found, key=lambda each: -Tier(each.tier).weight)),
            not_asked=tuple(_left_out(each) for place, each in left.items() if place not in done),
        )


class _Asking:
    """One round: it finds out the state of the org, signs in as whoever can, and asks."""

    def __init__(
        self, file: ScenarioFile, options: Options, recording: Recording, world: World, connections: Connections
    ) -> None:
        self._scenario = file.scenario
        self._recording = recording
        self._connections = connections
        self._admin = connections.connect("admin")
        cassettes = Cassettes(
            options.cassette_folder / file.name,
            "record",
            clock=world.clock,
            org_id=self._admin.org_id,
            admin=world.admin.username,
            known=words_of(file, world.clock),
            hosts=(world.site.url,),
            secrets=world.secrets,
        )
        self._kept, self._stand_ins = cassettes.kept, cassettes.pseudonyms
        self._counterparts = Counterparts()
        self._signed_in: dict[str, Connection] = {recording.facts.admin_username.casefold(): self._admin}
        self._silent: dict[str, str] = {}

    def round(self) -> _Round:
        """Ask everything that can be asked in the state in which the org is."""
        done = _Round(self._state())
        for principal in self._principals(done.state):
            done.signed_in += self._sign_in(principal, done.state)
        self._meet()
        chosen, done.not_asked = self._choice(done.state).of(self._recording.requests)
        for each in self._questions(done.state).put(chosen):
            if isinstance(each, NotAsked):
                done.not_asked.append(each)
            else:
                done.answered.append(each)
        return done

    def _choice(self, state: State) -> Choice:
        source = self._scenario.from_.username
        return Choice(
            state,
            admin=self._recording.facts.admin_username,
            silent=self._silent,
            old=ids_of_users(self._recording.requests, (source,)),
        )

    def _questions(self, state: State) -> Questions:
        people = self._recording.people
        if state in (State.AFTER, State.RETIRED):
            people = replace(people, removed=removed_by_the_run(self._recording.requests))
        return Questions(
            self._ask,
            clean=self._kept,
            real=Backwards(self._stand_ins, self._counterparts).request,
            same_org=self._recording.facts.org_id == self._stand_ins.identifier(self._admin.org_id),
            made=self._recording.people.own,
            counterparts=self._counterparts,
            people=people,
        )

    # --- the state of the org ----------------------------------------------------------------------------------------

    def _state(self) -> State:
        """Which part of the migration the org is in, by what it says of both users."""
        source, target = self._scenario.from_.username, self._scenario.target_username
        users = {row["Username"].casefold(): row for row in self._users(source, target)}
        new, old = users.get(target.casefold()), users.get(source.casefold())
        if self._is_in_place:
            return State.AFTER if old and _license(old) == _INTEGRATION else State.BEFORE
        if new is None or not new["IsActive"]:
            return State.BEFORE
        if old is None or not old["IsActive"]:
            return State.RETIRED
        return State.AFTER if self._is_frozen(old["Id"]) else State.BOTH

    def _users(self, *usernames: str) -> list[dict[str, Any]]:
        columns = "Id, Username, IsActive, Profile.UserLicense.Name"
        return self._admin.query(f"SELECT {columns} FROM User WHERE Username IN ({_listed(usernames)})")

    def _is_frozen(self, user_id: str) -> bool:
        rows = self._admin.query(f"SELECT IsFrozen FROM UserLogin WHERE UserId = '{user_id}'")
        return any(row["IsFrozen"] for row in rows)

    @property
    def _is_in_place(self) -> bool:
        return self._scenario.from_.username.casefold() == self._scenario.target_username.casefold()

    # --- signing in --------------------------------------------------------------------------------------------------

    def _principals(self, state: State) -> tuple[Principal, ...]:
        if self._is_in_place:
            return ("source",) if state is State.BEFORE else ("target",)
        return ("source",) if state is State.BEFORE else ("source", "target")

    def _sign_in(self, principal: Principal, state: State) -> Iterator[tuple[str, Drift | None]]:
        """Sign in, and compare with the last recorded sign-in of that user in this state."""
        scenario = self._scenario
        username = scenario.target_username if principal == "target" else scenario.from_.username
        refusal = ""
        try:
            connection = self._connections.connect(principal)
            self._signed_in[username.casefold()] = connection
        except SignInRefused as refused:
            refusal = refused.code
            self._silent[username.casefold()] = f"nobody can sign in as {username}: {refused.code}"
        recorded = self._last_sign_in(username, state)
        if recorded is not None:
            if not refusal:
                self._know_user(recorded, connection.user_id)
            yield recorded.stage, _of_sign_in(username, refusal_of(recorded.request, recorded.response), refusal)

    def _last_sign_in(self, username: str, state: State) -> Recorded | None:
        """Within cut-over the old user is tried again: that tells of the state behind it, and of no other."""
        stages = [stage for stage in STAGES[state] if state is not State.BOTH or stage != "cut-over"]
        found = [
            each
            for stage in stages
            for each in self._recording.requests
            if each.stage == stage and is_sign_in(each) and each.username.casefold() == username.casefold()
        ]
        return found[-1] if found else None

    def _know_user(self, recorded: Recorded, user_id: str) -> None:
        """The user of the recording is the user who signed in now, whatever ids they have."""
        body = as_text(recorded.response["body"].get("string")) or ""
        try:
            identity = str(json.loads(body).get("id", ""))
        except ValueError:
            return
        if identity:
            self._counterparts.know(identity.rpartition("/")[2], self._stand_ins.identifier(user_id))

    def _meet(self) -> None:
        """Find by name what the recording's own run made, and another run made again."""
        for (kind, name), identifier in named_by_the_run(self._recording.requests).items():
            column = "Name" if kind == "PermissionSet" else "DeveloperName"
            for row in self._admin.query(f"SELECT Id FROM {kind} WHERE {column} = {_listed((name,))}"):
                self._counterparts.know(identifier, self._stand_ins.identifier(row["Id"]))

    # --- asking ------------------------------------------------------------------------------------------------------

    def _ask(self, recorded: Recorded, request: Any) -> dict[str, Any]:
        """Put a request as whoever asked it when it was recorded."""
        connection = self._signed_in[recorded.username.casefold()]
        parts = urlsplit(request.uri)
        body = as_text(request.body) or ""
        if parts.path == "/secur/frontdoor.jsp":
            reply = connection.user_interface_allowed()
        elif parts.path.startswith("/services/Soap/"):
            reply = connection.send_soap(
                parts.path, lambda session: _with_session(body, session), _soap_headers(request)
            )
        else:
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            reply = connection.send(request.method, path, body=body.encode() or None, headers=_headers(request))
        content = reply.body
        text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
        return {
            "status": {"code": reply.status, "message": ""},
            "headers": {name: [value] for name, value in reply.headers.items()},
            "body": {"string": text},
        }


def _of_sign_in(username: str, recorded: str, now: str) -> Drift | None:
    """How a sign-in differs; both are error codes, empty for a sign-in that went well."""
    if recorded == now:
        return None
    words = [f"refused: {code}" if code else "signed in" for code in (recorded, now)]
    if recorded and now:
        tier, text = Tier.WARNING, f"{username} is refused with another error code"
    elif now:
        tier, text = Tier.ERROR, f"{username} can no longer sign in"
    else:
        tier, text = Tier.CRITICAL, f"{username} can sign in again"
    return Drift(tier, "sign in", text, words[0], words[1], username)


def _in_order(paths: Sequence[Path], file: ScenarioFile) -> dict[str, Path]:
    """The cassettes by stage, as they were recorded: what one of them learns, the next one uses."""
    found = {stage_of(path): path for path in paths}
    order = [name for name in cassette_names(file.scenario) if name in found]
    return {stage: found[stage] for stage in [*order, *(each for each in found if each not in order)]}


def _found(stage: str, drift: Drift) -> DriftFound:
    return DriftFound(
        tier=drift.tier.value,
        stage=stage,
        principal=drift.principal,
        request=drift.request,
        text=drift.text,
        recorded=drift.recorded,
        now=drift.now,
    )


def _left_out(left: NotAsked) -> LeftOut:
    one = left.recorded
    return LeftOut(stage=one.stage, request=one.line, principal=one.username, reason=left.reason)


def _place(recorded: Recorded) -> tuple[str, int]:
    return recorded.stage, recorded.number


def _license(user: Mapping[str, Any]) -> str:
    profile = user.get("Profile") or {}
    return str((profile.get("UserLicense") or {}).get("Name", ""))


def _listed(names: Sequence[str]) -> str:
    """Names as a list of SOQL literals."""
    return ", ".join("'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'" for name in names)


def _with_session(body: str, session: str) -> bytes:
    return body.replace(f">{redaction.BLANK}</", f">{quote(session, safe='!._')}</", 1).encode()


def _headers(request: Any) -> dict[str, str]:
    """The headers of a recorded request that say what is sent and wanted."""
    wanted = ("content-type", "accept")
    return {name: _one(value) for name, value in request.headers.items() if str(name).lower() in wanted}


def _soap_headers(request: Any) -> dict[str, str]:
    return {"SOAPAction": '""', **_headers(request)}


def _one(value: object) -> str:
    return str(value[0]) if isinstance(value, (list, tuple)) and value else str(value)
