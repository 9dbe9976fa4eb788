"""Cleaning the conversations of one scenario while they are recorded, in the order in which they are held.

One cleaner serves all stages, so that a value has one stand-in in all of them. In replay nothing is cleaned: what is
played is clean, and what is asked is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import RecordingError
from harness.recording.cleaning.allowlist import FILE_NAME, AllowList
from harness.recording.cleaning.answers import Answers, Asked
from harness.recording.cleaning.asking import Asking
from harness.recording.cleaning.unknown import Unknown, report, snippet
from harness.recording.cleaning.values import Values
from harness.recording.standing_in.pseudonyms import Pseudonyms
from harness.recording.standing_in.standins import Kind

_HOW = (
    f"look at each, and add what a cassette may hold to {FILE_NAME} beside the scenarios' folders of cassettes; "
    "`replace` puts a stand-in in place of a value, `keep` keeps it (docs/cassettes.md):"
)


@dataclass(frozen=True, slots=True)
class Asks:
    """A request without secrets and with one host; cleaned, it is as the cassette holds it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By lower-case name."""
    body: str


class Cleaner:
    """Cleans requests and their answers. `unknown` collects what no list names."""

    def __init__(self, allow: AllowList, pseudonyms: Pseudonyms, known: Iterable[str] = ()) -> None:
        """`known` are the words that are public, which `pseudonyms` need not know yet."""
        self.unknown: list[Unknown] = []
        self.pseudonyms = pseudonyms
        self._values = Values(pseudonyms, known)
        self._asking = Asking(self._values)
        self._answers = Answers(allow, self._values, self.unknown.append)

    @property
    def real_identifiers(self) -> frozenset[str]:
        """The real ids that were met, in 15 characters; none of them may be in a file."""
        return self.pseudonyms.real_identifiers

    @property
    def personal(self) -> frozenset[str]:
        """Real values that must be nowhere in a file: not those by which the setup of the org is named as well."""
        return frozenset(self._values.not_public(self.pseudonyms.personal))

    def request(self, asks: Asks) -> Asks:
        """A request as it is kept: what was answered before is replaced. Everything else in it is known from now on."""
        headers = dict(asks.headers)
        if "sforce-call-options" in headers:
            headers["sforce-call-options"] = self._asking.caller(headers["sforce-call-options"])
        path, query = self._asking.path(asks.path), self._asking.query(asks.query)
        return Asks(asks.method, path, query, headers, self._asking.body(headers.get("content-type", ""), asks.body))

    def answer(self, asked: Asked, status: int, content_type: str, body: str) -> str:
        """The body of an answer as it is kept; `asked` is the request, cleaned."""
        kept = self._answers.clean(asked, status, content_type, body)
        if "/jobs/" in asked.path:
            self._answers.learn_job(kept)
        return kept

    def not_text(self, asked: Asked) -> None:
        """Note an answer that is no text."""
        self.unknown.append(Unknown(asked.method, asked.path, "answered what is no text"))

    def in_text(self, text: str) -> str:
        """A text with the ids in it replaced: a header of an answer, or what the tape holds."""
        return self._values.kept(text) if text else text

    def username(self, name: str) -> str:
        """The name of a user, whom the scenario need not name."""
        return self.pseudonyms.of(Kind.USERNAME, name)

    def refuse_unknown(self, stage: str) -> None:
        """Raise RecordingError where anything was not listed, with all of it. What follows is another stage's."""
        found = self.take_unknown()
        if not found:
            return
        listed = snippet(found)
        remedy = f"{_HOW}\n\n{listed}" if listed else "no list can allow it: rehearse with --cassettes off"
        raise RecordingError(
            f"{stage} was not recorded, since the org answered what no allow-list names:\n{report(found)}",
            remedy=remedy,
        )

    def take_unknown(self) -> list[Unknown]:
        """What was not listed so far; it is forgotten here."""
        found, self.unknown[:] = list(self.unknown), []
        return found
