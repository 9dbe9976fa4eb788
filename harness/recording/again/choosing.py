"""Which recorded requests may be asked again, given the state the org is in; of every other why not.

A recording walks through states. Before the first write only the old user works; then both do; then only the new one;
then everything is undone. An answer can be compared only in the state in which it was recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from harness.org.what_writes import is_write
from harness.recording.again.counterparts import ids_in
from harness.recording.filing.files import Loaded
from harness.recording.meaning.model import People
from harness.recording.meaning.questions import asked_by, question_of
from harness.recording.text import as_text, canonical


class State(StrEnum):
    """Which part of a migration an org is in."""

    BEFORE = "nothing was migrated"
    BOTH = "both users work"
    AFTER = "the new user works and the old one does not"
    RETIRED = "the new user works and the old one is retired"


STAGES: Mapping[State, tuple[str, ...]] = {
    State.BEFORE: ("preflight", "snapshot", "plan"),
    State.BOTH: ("verify", "dual-auth", "cut-over"),
    State.AFTER: ("verify", "dual-auth", "cut-over"),
    State.RETIRED: ("verify", "dual-auth", "cut-over"),
}
"""The stages whose reads are of a state: what the new user gets is the same in the last three."""

_LOGS = re.compile(
    r"\bFROM\s+(LoginHistory|SetupAuditTrail|EventLogFile|AuthSession|LoginGeo|AsyncApexJob|LoginEvent)\b",
    re.IGNORECASE,
)
_SIGN_IN = re.compile(r"/services/oauth2/\w+|/services/Soap/[uc]/[\w./]+")
_APEX = re.compile(r"/services/apexrest/")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request that was recorded, and its answer, as vcrpy keeps them."""

    stage: str
    number: int
    """Its place in the cassette, from 1."""
    request: Any
    response: Mapping[str, Any]
    line: str
    """The request in one line."""

    @property
    def username(self) -> str:
        """Who asked."""
        return asked_by(self.request)


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A request that was not asked again, and why."""

    recorded: Recorded
    reason: str


def recorded_in(stage: str, loaded: Loaded, people: People) -> list[Recorded]:
    """The requests of one cassette, in their order."""
    return [
        Recorded(stage, number, request, response, question_of(request, people).line)
        for number, (request, response) in enumerate(zip(loaded.requests, loaded.responses, strict=True), start=1)
    ]


class Choice:
    """Chooses among the requests of a recording.

    `silent` are the usernames as whom nobody can ask, with the reason; `old` are the ids of the user who is left.
    """

    def __init__(self, state: State, *, admin: str, silent: Mapping[str, str], old: frozenset[str]) -> None:
        self._state = state
        self._admin = admin.casefold()
        self._silent = silent
        self._old = {each[:15] for each in old}

    def of(self, recorded: Sequence[Recorded]) -> tuple[list[Recorded], list[NotAsked]]:
        """Those that may be asked, each once and with its last answer, and those that may not."""
        chosen: dict[tuple[str, ...], Recorded] = {}
        left: list[NotAsked] = []
        written: set[str] = set()
        for each in recorded:
            if is_sign_in(each):
                continue
            if _writes(each):
                written.add(each.stage)
            reason = self._why_not(each, written=each.stage in written)
            if reason:
                left.append(NotAsked(each, reason))
            else:
                chosen[_key(each)] = each
        return list(chosen.values()), left

    def _why_not(self, recorded: Recorded, *, written: bool) -> str:
        """The first reason that holds; empty where none does."""
        if recorded.stage not in STAGES[self._state]:
            return "recorded in another state of the migration than the org is in"
        reasons = {
            "runs the org's own code, which may write": _APEX.match(urlsplit(recorded.request.uri).path) is not None,
            "writes, or tries to": _writes(recorded),
            "reads a log, which is another in every run": _LOGS.search(recorded.line) is not None,
            "was answered that the session had expired": int(recorded.response["status"]["code"]) == 401,
            "was answered before the cut-over, which changed it": self._is_outdated(recorded, written=written),
        }
        return next(
            (why for why, holds in reasons.items() if holds), self._silent.get(recorded.username.casefold(), "")
        )

    def _is_outdated(self, recorded: Recorded, *, written: bool) -> bool:
        """Whether the cut-over, or retiring the old user, came between the answer and now."""
        if recorded.username.casefold() != self._admin:
            return False
        if self._state is State.AFTER:
            return recorded.stage == "cut-over" and not written
        asked = f"{recorded.request.uri} {as_text(recorded.request.body) or ''}"
        return self._state is State.RETIRED and any(each[:15] in self._old for each in ids_in(asked))


def is_sign_in(recorded: Recorded) -> bool:
    """Whether a request signs in, or asks about a session: these are made anew, and compared by themselves."""
    return _SIGN_IN.fullmatch(urlsplit(recorded.request.uri).path) is not None


def _writes(recorded: Recorded) -> bool:
    request = recorded.request
    return is_write(request.method, request.uri, request.headers, request.body)


def _key(recorded: Recorded) -> tuple[str, ...]:
    request = recorded.request
    return request.method, request.uri, recorded.username.casefold(), canonical(as_text(request.body) or "")


# --- what the recording says about its own run ------------------------------------------------------------------------


def ids_of_users(recorded: Sequence[Recorded], usernames: Sequence[str]) -> frozenset[str]:
    """The ids that the recorded answers give for these users."""
    wanted = {name.casefold() for name in usernames}
    found: set[str] = set()
    for each in recorded:
        for row in _mappings(_json(each.response["body"].get("string"))):
            if str(row.get("Username", "")).casefold() in wanted and isinstance(row.get("Id"), str):
                found.add(row["Id"])
    return frozenset(found)


def made_by_the_run(recorded: Sequence[Recorded]) -> frozenset[str]:
    """The ids of the rows that the recording's own run created."""
    return frozenset(
        row["id"]
        for each in recorded
        if _writes(each)
        for row in _mappings(_json(each.response["body"].get("string")))
        if isinstance(row.get("id"), str) and (row.get("success") is True or "state" in row)
    )


def removed_by_the_run(recorded: Sequence[Recorded]) -> frozenset[str]:
    """The ids of the rows that the migration itself deleted."""
    found: set[str] = set()
    for each in recorded:
        if not each.stage.startswith("rollback-"):
            body = _json(each.request.body)
            parts = [(each.request.method, each.request.uri)]
            parts += [(str(part.get("method")), str(part.get("url"))) for part in _parts(body, "compositeRequest")]
            found.update(one for method, url in parts if method == "DELETE" for one in ids_in(url))
    return frozenset(found)


def named_by_the_run(recorded: Sequence[Recorded]) -> dict[tuple[str, str], str]:
    """What the migration itself created and gave a name: the object and the name, with its id.

    The rollbacks are runs of their own, which make the same anew.
    """
    found: dict[tuple[str, str], str] = {}
    for each in recorded:
        if each.stage.startswith("rollback-"):
            continue
        for (kind, name), answer in _created(each):
            if isinstance(answer, Mapping) and isinstance(answer.get("id"), str):
                found[kind, name] = answer["id"]
    return found


def _created(recorded: Recorded) -> Iterator[tuple[tuple[str, str], Any]]:
    body, answer = (_json(text) for text in (recorded.request.body, recorded.response["body"].get("string")))
    if recorded.request.method != "POST" or not isinstance(body, Mapping):
        return
    if name := _named(urlsplit(recorded.request.uri).path, body):
        yield name, answer
    answers = {part.get("referenceId"): part.get("body") for part in _parts(answer, "compositeResponse")}
    for part in _parts(body, "compositeRequest"):
        if part.get("method") == "POST" and (name := _named(str(part.get("url")), part.get("body"))):
            yield name, answers.get(part.get("referenceId"))


def _named(path: str, body: Any) -> tuple[str, str] | None:
    found = re.search(r"/sobjects/(PermissionSet|PermissionSetGroup)/?$", path)
    if found is None or not isinstance(body, Mapping):
        return None
    name = body.get("Name") or body.get("DeveloperName")
    return (found[1], name) if isinstance(name, str) else None


def _parts(body: Any, key: str) -> list[Mapping[str, Any]]:
    listed = body.get(key) if isinstance(body, Mapping) else None
    return [each for each in listed or () if isinstance(each, Mapping)]


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _mappings(each)


def _json(text: object) -> Any:
    try:
        return json.loads(as_text(text) or "")
    except ValueError:
        return None
