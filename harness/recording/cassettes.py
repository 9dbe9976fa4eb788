"""The cassettes of one scenario: one file for each stage, recorded or replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import vcr
from vcr.patch import PATCHER_NAMES
from vcr.request import Request

from harness.errors import RecordingError
from harness.org.clock import Clock, SystemClock
from harness.org.secret import Secret
from harness.recording import redaction
from harness.recording.cassette import IndexedCassette, for_own_thread
from harness.recording.cleaning.allowlist import allow_list
from harness.recording.cleaning.answers import Asked
from harness.recording.cleaning.cleaner import Asks, Cleaner
from harness.recording.cleaning.unknown import Unknown
from harness.recording.facts import Facts, check_agreement
from harness.recording.filing.files import Shelf, head_of, path_of
from harness.recording.hosts import CANONICAL_URL, Hosts
from harness.recording.network import Watch, no_network, one_thread
from harness.recording.standing_in.pseudonyms import Pseudonyms
from harness.recording.tape import RecordingClock, ReplayClock
from harness.recording.text import as_text

Mode = Literal["replay", "record", "off"]

_in_use: list[str] = []
"""The stage whose cassette is open, in this process: vcrpy's patches must be undone in the order they were made."""

CONTROL = "/__control__/"
"""The path of a simulated sandbox's control interface, which is no part of an org and is not recorded."""


class Cassettes:
    """The cassettes of one scenario in `directory`.

    Its `clock` is what the engine must use: it is recorded and replayed with the traffic. `hosts` are the org's URLs,
    `secrets` gives every secret of the run, `record_facts` gives what is kept with the recording of a stage, once that
    has ended well, and `command` is what records again. `wall` is the time of people, for the date of a recording.
    `into` is a folder to record into, where those in `directory` are not to be replaced.
    """

    def __init__(
        self,
        directory: Path,
        mode: Mode,
        *,
        clock: Clock,
        record_facts: Callable[[str], Facts] | None = None,
        org_id: str = "",
        admin: str = "",
        known: Iterable[str] = (),
        hosts: Iterable[str] = (),
        secrets: Callable[[], Iterable[Secret]] = tuple,
        command: str = "pytest FILE --cassettes record",
        wall: Clock | None = None,
        into: Path | None = None,
    ) -> None:
        self.directory = directory
        self._folder = into or directory
        self.mode = mode
        self._record_facts = record_facts
        self._facts: dict[str, Facts] = {}
        self._agree = False
        self._stale: dict[str, tuple[str, str]] = {}
        self._hosts = Hosts(hosts)
        words = tuple(known)
        self._cleaner = _cleaner(directory, org_id, admin, words) if mode == "record" else None
        self._remedy = f"record it: {command}"
        self._shelf = Shelf(
            secrets=secrets,
            hosts=self._hosts.names,
            remedy=self._remedy,
            known=words,
            private=self._cleaner,
        )
        self._wall = wall or SystemClock()
        self._order: list[str] = []
        self._required: tuple[str, ...] = ()
        self._ahead: str | None = None
        self._between = True
        """Whether what the clock said before the next stage is still to be given."""
        self._spoilt = False
        self.clock: Clock = clock
        if mode == "record":
            self.clock = RecordingClock(clock)
        elif mode == "replay":
            self.clock = ReplayClock(datetime.fromtimestamp(0, UTC), self._before_next)

    # --- what is there -------------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """The file of a stage, in whichever format it is."""
        return path_of(self._folder, name)

    def require(self, names: Sequence[str]) -> None:
        """Replay: raise RecordingError when a cassette is missing. `names` are in the order of playing."""
        if self.mode != "replay":
            return
        self._order, self._required = list(names), tuple(names)
        missing = [name for name in names if not self.path(name).is_file()]
        if missing:
            raise RecordingError(
                f"{self.directory} has no cassette for {', '.join(missing)}, and nothing was sent", remedy=self._remedy
            )

    def facts_of(self, name: str) -> Facts:
        """Replay: what the cassette of a stage says about itself. Raises RecordingError."""
        if name not in self._facts:
            path = self.path(name)
            self._facts[name] = Facts.of_metadata(head_of(path), path)
        return self._facts[name]

    @property
    def facts(self) -> Facts:
        """Replay: what the first required cassette says about itself. Raises RecordingError if others do not agree."""
        if not self._agree:
            check_agreement({self.path(name): self.facts_of(name) for name in self._required})
            self._agree = True
        return self.facts_of(self._required[0])

    def write(self, path: Path, content: dict[str, Any]) -> None:
        """Write a cassette that was made of others (`metadata`, `requests`, `responses`), scanned like any other."""
        self._shelf.save_cassette(path, content, None)

    def stale(self, name: str, why: str, remedy: str) -> None:
        """Replay: say how a stage is out of date. Where its replay fails, that is why."""
        self._stale[name] = (why, remedy)

    def said(self, text: str) -> str:
        """Note a text that follows from what a recording does not hold; in replay, give what was said then."""
        return self.clock.said(text) if isinstance(self.clock, (RecordingClock, ReplayClock)) else text

    # --- comparing with a living org ---------------------------------------------------------------------------------

    @property
    def pseudonyms(self) -> Pseudonyms:
        """Recording: the stand-ins."""
        assert self._cleaner is not None
        return self._cleaner.pseudonyms

    def kept(self, request: Any, response: Any) -> tuple[Any, list[Unknown]]:
        """Recording: what would be kept of an answer to a request, and what of it no allow-list names.

        Both are as they were on the wire, the request with the canonical host or the org's.
        """
        assert self._cleaner is not None
        return self._answer(self._request(request), response), self._cleaner.take_unknown()

    # --- a stage -------------------------------------------------------------------------------------------------

    def ahead(self, name: str) -> None:
        """Say which stage comes next. Only needed where stages are played in another order than `require` was given."""
        self._ahead, self._between = name, True

    def spoil(self) -> None:
        """Say that the open stage went wrong: it is not written, and may leave interactions of its cassette unused."""
        self._spoilt = True

    @contextmanager
    def stage(self, name: str, *, calls: Callable[[], int] = lambda: 0) -> Iterator[None]:
        """Record or replay one stage.

        Recording: the cassette is written when the stage ends well, and only if it holds no secret and every request
        that was sent; `calls` counts those of the transport. Replaying: no network, and every interaction must be
        used. Both: one thread. A stage ends well unless an exception leaves it or it was spoilt. Raises
        RecordingError. Only one stage at a time is open in a process.
        """
        if self.mode == "off":
            yield
            return
        if _in_use:
            raise RuntimeError(f"the cassette of {_in_use[0]} is still open, so that of {name} cannot be")
        _in_use.append(f"{self.directory.name}/{name}")
        self._spoilt, self._between = False, False
        try:
            with self._recorded(name, calls) if self.mode == "record" else self._replayed(name):
                yield
        finally:
            _in_use.clear()
            self._between = True

    @contextmanager
    def _recorded(self, name: str, calls: Callable[[], int]) -> Iterator[None]:
        assert isinstance(self.clock, RecordingClock)
        assert self._cleaner is not None
        self._cleaner.take_unknown()
        before, called = self.clock.take(), calls()
        try:
            with one_thread(self._counts) as watch, self._use(name, "all", watch) as cassette:
                yield
        finally:
            tape = self.clock.take()
        if self._spoilt:
            return
        self._cleaner.refuse_unknown(f"stage {name} of {self.directory.name}")
        _check_count(cassette, sent=watch.sent, called=calls() - called)
        tapes = {"before": self._clean_tape(before), "tape": self._clean_tape(tape)}
        for key, value in {**self._told(name), **tapes}.items():
            cassette.get_metadata(key, value)
        cassette.keep()

    def _told(self, name: str) -> dict[str, Any]:
        """The facts to be kept with a stage. What a simulated org answers has no date: it is the same on any day."""
        if self._record_facts is None:
            return {}
        facts = self._record_facts(name)
        assert self._cleaner is not None
        named = {
            "org_id": self._cleaner.in_text(facts.org_id),
            "admin_username": self._cleaner.username(facts.admin_username),
        }
        dated = {"recorded_at": self._wall.now().replace(microsecond=0)} if facts.is_live else {}
        return facts.model_copy(update={**named, **dated}).as_metadata()

    def _clean_tape(self, tape: Iterable[str]) -> list[str]:
        assert self._cleaner is not None
        return [self._cleaner.in_text(line) if line.startswith("said ") else line for line in tape]

    @contextmanager
    def _replayed(self, name: str) -> Iterator[None]:
        """Replay a stage; where it is out of date and fails for that, say so first."""
        try:
            with self._played(name):
                yield
        except RecordingError as error:
            if name not in self._stale:
                raise
            why, remedy = self._stale[name]
            raise RecordingError(f"{why}\n{error.message}", place=error.place, remedy=remedy) from error

    @contextmanager
    def _played(self, name: str) -> Iterator[None]:
        assert isinstance(self.clock, ReplayClock)
        with no_network() as watch, self._use(name, "none", watch) as cassette:
            self.clock.load(cassette.metadata.get("tape", ()))
            try:
                yield
            finally:
                self.clock.load(())
        self._ahead = None
        self._order = self._order[self._order.index(name) + 1 :] if name in self._order else self._order
        unused = [] if self._spoilt else cassette.unused()
        if unused:
            listed = "\n".join(f"  {each}" for each in unused[:10])
            more = f"\n  ... and {len(unused) - 10} more" if len(unused) > 10 else ""
            raise RecordingError(
                f"the rehearsal no longer asks {len(unused)} of the requests on {cassette.path}:\n{listed}{more}",
                remedy=self._remedy,
            )

    def _use(self, name: str, record_mode: str, watch: Watch) -> Any:
        recorder = vcr.VCR(
            record_mode=record_mode,
            decode_compressed_response=True,
            skip_patchers=tuple(each for each in PATCHER_NAMES if each != "urllib3"),
            custom_patches=for_own_thread(watch),
        )
        recorder.register_persister(self._shelf)
        config = recorder.get_merged_config(path=str(self.path(name)))
        config["before_record_request"] = self._request  # it makes a new request: vcrpy need not copy each one before
        _, remedy = self._stale.get(name, ("", self._remedy))
        return IndexedCassette.use(remedy=remedy, watch=watch, answer=self._answer, **config)

    def _counts(self, host: str, path: str) -> bool:
        """Whether a request that was sent must be on the recording."""
        return self._hosts.is_ours(host) and not path.startswith(CONTROL)

    def _before_next(self) -> Iterable[str]:
        """What the clock said between two stages is on the tape of the second, and given once."""
        name = self._ahead or next(iter(self._order), None)
        if not self._between or name is None or not self.path(name).is_file():
            return ()
        self._between = False
        return tuple(head_of(self.path(name)).get("before", ()))

    # --- what vcrpy asks of us -----------------------------------------------------------------------------------

    def _request(self, request: Any) -> Any:
        """The request as it is kept and compared; None for one that is neither."""
        parts = urlsplit(request.uri)
        if parts.path.startswith(CONTROL):
            return None
        if not self._hosts.is_ours(parts.netloc):
            raise RecordingError(
                f"a request to {parts.netloc} is not one to the org, and is not {self.mode}ed",
                remedy="only requests to the org's own URL belong into a cassette",
            )
        text = as_text(request.body)
        if text is None:
            raise RecordingError(f"{request.method} {parts.path} has a body that is not text")
        headers = redaction.headers(request.headers, redaction.REQUEST_HEADERS)
        body = redaction.request_body(parts.path, headers.get("content-type", ""), text)
        path, query, body = map(self._hosts.normalise, (parts.path, redaction.query(parts.query), body))
        asks = Asks(request.method, path, query, headers, body)
        kept = asks if self._cleaner is None else self._cleaner.request(asks)
        uri = CANONICAL_URL + urlunsplit(("", "", kept.path, kept.query, ""))
        return Request(kept.method, uri, kept.body or None, kept.headers)

    def _answer(self, request: Any, response: Any) -> Any:
        """What is kept of the answer to a request, which is given as it is kept."""
        assert self._cleaner is not None
        kept = redaction.headers(response["headers"], redaction.RESPONSE_HEADERS)
        asked = Asked.of(request.method, request.uri, as_text(request.body) or "")
        text = as_text(response["body"]["string"])
        if text is None:
            self._cleaner.not_text(asked)
            text = ""
        content_type, status = kept.get("content-type", ""), response["status"]["code"]
        body = self._cleaner.answer(asked, status, content_type, self._hosts.normalise(text))
        told = {name: [self._cleaner.in_text(self._hosts.normalise(value))] for name, value in kept.items()}
        return {"status": dict(response["status"]), "headers": told, "body": {"string": body}}


def _cleaner(directory: Path, org_id: str, admin: str, known: Iterable[str]) -> Cleaner:
    """A cleaner for all stages of a scenario, to which whoever may look into the org is one of its users."""
    words = list(known)
    cleaner = Cleaner(allow_list(directory.parent), Pseudonyms(org_id=org_id, scenario=directory.name), words)
    if admin:
        cleaner.username(admin)
    return cleaner


def _check_count(cassette: IndexedCassette, *, sent: int, called: int) -> None:
    """Raise RecordingError unless each request that was sent is on the recording, with its answer."""
    kept = len(cassette)
    if sent != kept or called > kept:
        raise RecordingError(
            f"{cassette.path} was not written: {max(sent, called)} requests were sent to the org, and {kept} are on it",
            remedy="an answer was lost, or a library asked that vcrpy does not record; "
            "where the network was at fault, record it again",
        )
