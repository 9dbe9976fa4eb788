"""The cassettes of one scenario: one file for each stage, recorded or replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from harness.recording.cassette import IndexedCassette
from harness.recording.files import Serializer, Shelf, head_of
from harness.recording.hosts import CANONICAL_URL, Hosts
from harness.recording.network import no_network
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
    `secrets` gives every secret of the run, `facts` is kept with each recording, and `command` is what records again.
    In replay, `facts` is what the recording says about itself: `recorded_at`, `source`, `api_version`, ...
    """

    def __init__(
        self,
        directory: Path,
        mode: Mode,
        *,
        clock: Clock,
        source: str = "",
        api_version: str = "",
        tool_version: str = "",
        scenario_digest: str = "",
        facts: Mapping[str, str] | None = None,
        hosts: Iterable[str] = (),
        secrets: Callable[[], Iterable[Secret]] = tuple,
        command: str = "pytest FILE --cassettes record",
        wall: Clock | None = None,
    ) -> None:
        self.directory = directory
        self.mode = mode
        self.facts: Mapping[str, Any] = {
            "source": source,
            "api_version": api_version,
            "tool_version": tool_version,
            "scenario": scenario_digest,
            **(facts or {}),
        }
        self._digest = scenario_digest
        self._hosts = Hosts(hosts)
        self._remedy = f"record it: {command}"
        self._shelf = Shelf(secrets=secrets, hosts=self._hosts.names, remedy=self._remedy)
        self._wall = wall or SystemClock()
        self._order: list[str] = []
        self._ahead: str | None = None
        self._between = True
        """Whether what the clock said before the next stage is still to be given."""
        self._spoilt = False
        self.clock: Clock = clock
        if mode == "record":
            self.clock = RecordingClock(clock)
        elif mode == "replay":
            first = min(directory.rglob("*.yaml"), default=None)
            self.facts = {} if first is None else head_of(first)
            self.clock = ReplayClock(self.recorded_at or datetime.fromtimestamp(0, UTC), self._before_next)
            if self.stale:
                self._remedy = f"the scenario has changed since it was recorded; {self._remedy}"

    # --- what is there -------------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """The file of a stage."""
        return self.directory / f"{name}.yaml"

    def require(self, names: Sequence[str]) -> None:
        """Replay: raise RecordingError when a cassette is missing. `names` are in the order of playing."""
        if self.mode != "replay":
            return
        self._order = list(names)
        missing = [name for name in names if not self.path(name).is_file()]
        if missing:
            raise RecordingError(
                f"{self.directory} has no cassette for {', '.join(missing)}, and nothing was sent", remedy=self._remedy
            )

    @property
    def recorded_at(self) -> datetime | None:
        """Replay: when it was recorded; None where there is no cassette."""
        moment = self.facts.get("recorded_at")
        return datetime.fromisoformat(moment) if moment else None

    @property
    def recorded_from(self) -> str | None:
        """Replay: what it was recorded from, in words."""
        return self.facts.get("source") if self.mode == "replay" else None

    @property
    def stale(self) -> bool:
        """Replay: whether the scenario has changed since."""
        return self.mode == "replay" and self.facts.get("scenario", self._digest) != self._digest

    # --- a stage -------------------------------------------------------------------------------------------------

    def ahead(self, name: str) -> None:
        """Say which stage comes next. Only needed where stages are played in another order than `require` was given."""
        self._ahead, self._between = name, True

    def spoil(self) -> None:
        """Say that the open stage went wrong: it is not written, and may leave interactions of its cassette unused."""
        self._spoilt = True

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record or replay one stage.

        Recording: the cassette is written when the stage ends well, and only if it holds no secret. Replaying: no
        network, and every interaction must be used. A stage ends well unless an exception leaves it or it was
        spoilt. Raises RecordingError. Only one stage at a time is open in a process.
        """
        if self.mode == "off":
            yield
            return
        if _in_use:
            raise RuntimeError(f"the cassette of {_in_use[0]} is still open, so that of {name} cannot be")
        _in_use.append(f"{self.directory.name}/{name}")
        self._spoilt, self._between = False, False
        try:
            with self._recorded(name) if self.mode == "record" else self._replayed(name):
                yield
        finally:
            _in_use.clear()
            self._between = True

    @contextmanager
    def _recorded(self, name: str) -> Iterator[None]:
        assert isinstance(self.clock, RecordingClock)
        before = self.clock.take()
        try:
            with self._use(name, "all") as cassette:
                yield
        finally:
            tape = self.clock.take()
        if self._spoilt:
            return
        recorded_at = self._wall.now().isoformat(timespec="seconds")
        for key, value in {"recorded_at": recorded_at, **self.facts, "before": before, "tape": tape}.items():
            cassette.get_metadata(key, value)
        cassette.keep()

    @contextmanager
    def _replayed(self, name: str) -> Iterator[None]:
        assert isinstance(self.clock, ReplayClock)
        with no_network(), self._use(name, "none") as cassette:
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

    def _use(self, name: str, record_mode: str) -> Any:
        recorder = vcr.VCR(
            record_mode=record_mode,
            before_save_interaction=self._interaction,
            decode_compressed_response=True,
            skip_patchers=tuple(each for each in PATCHER_NAMES if each != "urllib3"),
        )
        recorder.register_serializer("readable", Serializer)
        recorder.register_persister(self._shelf)
        config = recorder.get_merged_config(path=str(self.path(name)), serializer="readable")
        config["before_record_request"] = self._request  # it makes a new request: vcrpy need not copy each one before
        return IndexedCassette.use(remedy=self._remedy, **config)

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
        kept = redaction.headers(request.headers, redaction.REQUEST_HEADERS)
        body = redaction.request_body(parts.path, kept.get("content-type", ""), text)
        path = urlunsplit(("", "", parts.path, redaction.query(parts.query), ""))
        uri = CANONICAL_URL + self._hosts.normalise(path)
        return Request(request.method, uri, self._hosts.normalise(body) or None, kept)

    def _interaction(self, request: Any, response: Any) -> Any:
        """The interaction as it is written."""
        path = urlsplit(request.uri).path
        kept = redaction.headers(response["headers"], redaction.RESPONSE_HEADERS)
        text = as_text(response["body"]["string"])
        if text is None:
            raise RecordingError(f"{request.method} {path} was answered with a body that is not text")
        body = redaction.response_body(path, as_text(request.body) or "", kept.get("content-type", ""), text)
        answer = {
            "status": response["status"],
            "headers": {name: [self._hosts.normalise(value)] for name, value in kept.items()},
            "body": {"string": self._hosts.normalise(body)},
        }
        return request, answer
