"""The questions of a recording, put to an org again one by one, and how each answer differs from the recorded one.

Nothing here can write: what is chosen only reads, and it goes through a transport whose guard grants nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.errors import GuardRefused, OrgUnreachable
from harness.recording.again.choosing import NotAsked, Recorded
from harness.recording.again.counterparts import Counterparts, ids_in, is_everywhere
from harness.recording.cleaning.unknown import Unknown
from harness.recording.meaning import Drift, People, Tier, drifts
from harness.recording.text import as_text

Response = dict[str, Any]
Ask = Callable[[Recorded, Any], Response]
"""Puts a real request as whoever asked it, and gives the answer as vcrpy would keep it."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was asked again, and how its answer differs."""

    recorded: Recorded
    drifts: tuple[Drift, ...]


class Questions:
    """Asks the chosen requests again. `clean` makes of an answer what a recording would have kept of it.

    `real` makes of a request the one with the ids of this org, and `same_org` says whether that is the recorded one.
    `made` are the ids of what the recording's own run created.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        clean: Callable[[Any, Response], tuple[Response, list[Unknown]]],
        real: Callable[[Any], Any],
        same_org: bool,
        made: frozenset[str],
        counterparts: Counterparts,
        people: People,
    ) -> None:
        self._ask = ask
        self._clean = clean
        self._real = real
        self._same_org = same_org
        self._made = {each[:15] for each in made}
        self._counterparts = counterparts
        self._people = people

    def put(self, chosen: Sequence[Recorded]) -> Iterator[Answered | NotAsked]:
        """One after another: what is learned from the answers so far is needed for the next."""
        for recorded in chosen:
            reason = self._in_the_way(recorded.request)
            if reason:
                yield NotAsked(recorded, reason)
                continue
            try:
                yield self._put(recorded)
            except (OrgUnreachable, GuardRefused) as error:
                yield NotAsked(recorded, error.message)

    def _put(self, recorded: Recorded) -> Answered:
        real = self._real(recorded.request)
        answer, unknown = self._clean(real, self._ask(recorded, real))
        self._counterparts.learn(_text(recorded.response), _text(answer))
        body = {"string": self._counterparts.as_recorded(_text(answer))}
        found = drifts(recorded.request, recorded.response, {**answer, "body": body}, self._people)
        found += [_unheard_of(recorded, each) for each in unknown]
        return Answered(recorded, tuple(found))

    def _in_the_way(self, request: Any) -> str:
        """Why a request cannot be put in this org; empty where it can."""
        for each in ids_in(_asked(request)):
            if self._counterparts.knows(each) or is_everywhere(each):
                continue
            if each[:15] in self._made:
                return "names what the recording's own run made, and nothing here stands for it"
            if not self._same_org:
                return "names an id of another org, and nothing here stands for it"
        return ""


def _unheard_of(recorded: Recorded, unknown: Unknown) -> Drift:
    """What no allow-list names is new, and not compared."""
    return Drift(
        Tier.INFORMATION,
        recorded.line,
        f"new, and on no allow-list: {unknown}",
        "not there",
        "there",
        recorded.username,
    )


def _asked(request: Any) -> str:
    parts = urlsplit(request.uri)
    return f"{parts.path} {parts.query} {_text_of(request.body)}"


def _text(response: Mapping[str, Any]) -> str:
    return _text_of(response["body"].get("string"))


def _text_of(body: object) -> str:
    return as_text(body) or ""
