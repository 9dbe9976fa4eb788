"""Faults, exhaustively: every kind at every call, once, three times, and for ever, and then the way on.

A run is gone through once. At each call every kind of fault is tried on the transport first, without the org: what the
engine would see of it, and how often the call would be sent. Then, where the engine would see anything but the answer
of a calm day, the run is split, and one copy for each thing that it may see goes through the fault with the real org.

- A fault after which the engine is given the very answer of the calm day, sent by the org, is over: only a few seconds
  have passed. That is shown for each kind at each call, by the production transport, clock apart.
- Kinds that show the engine the same, after the same effect, are gone through once: with the same left to come.
- A session that ended is renewed, and the same call made again: from its answer on it is the calm day.
- A copy that passes a stage with the org as on the calm day goes on as that did, but for every so many.
- From a state that another copy stopped in (`crashes` tells what a state is) no copy goes on a second time.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast, get_args

import requests
from requests.adapters import HTTPAdapter

from harness.errors import OrgUnreachable, RehearseError
from harness.migration.records import StageFinished
from harness.org.errors import is_used_up
from harness.org.guard import WriteGuard, is_write
from harness.org.meter import LimitReached
from harness.org.outcome import certainty_of
from harness.org.reply import reply_of
from harness.org.transport import Transport
from harness.sandbox import identity

from .bench import Process, make_world
from .checker import View, digest, look, look_closely
from .faults import EXPIRED, KINDS, SLOW, Kind, answer
from .memory import Memory
from .points import Point
from .scenarios import CASES
from .splitting import Ways
from .states import journal_digest

Direction = Literal["forward", "back"]
Times = float
TIMES: tuple[Times, ...] = (1, 3, math.inf)
_ENDLESS = 1500
"""So many requests after a fault are a loop."""
_MOST_SENT = 20
"""So often one call is one."""
_MOST_TRIES = 4


class Violation(AssertionError):
    """What must never be."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the engine sees of a fault, and what is still to come of it."""

    what: str
    done: bool
    """Whether the org did what it was asked."""
    left: str
    """`nothing`, or the kind of what further calls meet, and whether for ever."""


CALM = "as on a calm day"


class _Wire(HTTPAdapter, ABC):
    """Strikes so many calls with a fault, and lets the others through."""

    def __init__(self) -> None:
        super().__init__()
        self.kind: Kind | None = None
        self.left: Times = 0
        self.struck = 0
        self.sent = 0
        self.done = 0

    def begin(self, kind: Kind, times: Times) -> None:
        """From the next call on."""
        self.kind, self.left, self.struck, self.sent, self.done = kind, times, 0, 0, 0

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        self.sent += 1
        if self.kind is None or self.left <= 0:
            return self._do(request, options)
        self.left -= 1
        self.struck += 1
        return self.kind.strike(request, lambda: self._do(request, options))

    def _do(self, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        self.done += 1
        return self.carry(request, options)

    @abstractmethod
    def carry(self, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        """Let the org do it."""


class _Nowhere(_Wire):
    """No org: each call gets the one answer."""

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        if self.sent > _MOST_SENT:
            raise Violation(f"an endless loop: {request.method} {request.path_url}")
        return super().send(request, **options)

    def carry(self, request: requests.PreparedRequest, _options: Mapping[str, Any]) -> requests.Response:
        return answer(request, 200, b'{"calm": true}', {"Content-Type": "application/json", "Calm": "yes"})


class _NoGuard:
    """Lets everything out to nowhere."""

    def check(self, **_: Any) -> None:
        """Nothing is written nowhere."""

    def wrote_nothing(self, **_: Any) -> None:
        """Nor is anything paid for."""


class _NoTime:
    """Waits do not last."""

    def sleep(self, _seconds: float) -> None:
        """At once."""

    def random(self) -> float:
        """Chance is fair."""
        return 0.5


class Trial:
    """The production transport with no org behind it: what comes of a fault, and how often a call is sent."""

    def __init__(self, process: Process) -> None:
        self._wire = _Nowhere()
        nobody: Any = _NoTime()
        guard = cast("WriteGuard", _NoGuard())
        self._transport = Transport(process.site, guard=guard, clock=nobody, wire=self._wire)

    def seen(self, request: requests.PreparedRequest, kind: Kind, times: Times) -> Seen:
        """Raises Violation when a write that may have been done is sent again."""
        wire, reads = self._wire, not _writes(request)
        self._transport.meter.waited = 0.0
        wire.begin(kind, times)
        what = self._what(request, reads=reads)
        if wire.done > 1 and not reads and kind is not SLOW:
            raise Violation(f"a write was sent again after {kind.name}: {request.method} {request.path_url}")
        left = f"{_family(kind)} {wire.left}" if wire.left > 0 else "nothing"
        return Seen(what, wire.done > 0 and not reads, left)

    def _what(self, request: requests.PreparedRequest, *, reads: bool) -> str:
        adapter = self._transport.session.get_adapter(str(request.url))
        try:
            got = adapter.send(request.copy())
        except OrgUnreachable as silence:
            return f"silence, {'perhaps done' if silence.may_have_happened else 'not done'}"
        except LimitReached:
            return "used up"
        if got.headers.get("Calm"):
            return CALM
        reply = reply_of(got.status_code, got.content)
        if reads:
            return f"refused {got.status_code}"
        return (
            f"refused {certainty_of(got.status_code, reply.errors)} {is_used_up(reply.errors)} {got.status_code == 401}"
        )


def _family(kind: Kind) -> str:
    """What a read meets when it is struck for ever."""
    return {"session expired": "expired", "calls used up": "used up", "redirected": "redirected"}.get(
        kind.name, "500" if kind.name.startswith("500") else "silence"
    )


def _writes(request: requests.PreparedRequest) -> bool:
    body = request.body if isinstance(request.body, (bytes, str)) else None
    return is_write(str(request.method), str(request.url), request.headers, body)


class _Org(_Wire):
    """The real wire of a process, to be struck."""

    def __init__(self, storm: Storm, inner: Any) -> None:
        super().__init__()
        self._storm = storm
        self._inner = inner

    def carry(self, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        got: requests.Response = self._inner(request, **options)
        self._storm.revision = self._storm.world.revision
        return got

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        storm = self._storm
        storm.requests += 1
        if storm.is_copy and storm.requests > _ENDLESS:
            raise Violation(f"an endless loop: {request.method} {request.path_url}")
        if self.kind is not None and self.left > 0:
            storm.world.clock.sleep(self.kind.seconds)
        if self.kind is EXPIRED and self.left > 0:
            token = request.headers.get("Authorization", b"")
            text = token.decode() if isinstance(token, bytes) else str(token)
            identity.end_session(storm.world.org, text.partition(" ")[2])
        return super().send(request, **options)


class _Around(HTTPAdapter):
    """Around the production transport: sees each call before it is made."""

    def __init__(self, storm: Storm, inner: HTTPAdapter) -> None:
        super().__init__()
        self._storm = storm
        self._inner = inner

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self._storm.before(request)
        got = self._inner.send(request, **options)
        self._storm.after(request)
        return got


@dataclass
class Story:
    """What happens in one copy."""

    call: int = 0
    what: str = ""
    kind: str = ""
    times: Times = 0
    whole: bool = False
    ends: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """How many faults were met, and what became of them."""

    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    kinds: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """All faults: a kind, a call, and how often."""
        return sum(self.faults.values())


class Storm:
    """Goes through one direction of a case. `share` is the part of the calls: (0, 2) is every other one.

    `every` says how many of the copies in which a read, and in which a write, is struck more than once, are gone
    through: 1 all, 3 each third, by turns. What strikes a write once is gone through in any case.
    """

    def __init__(
        self,
        folder: Path,
        direction: Direction,
        *,
        case: str = "reference",
        share: tuple[int, int] = (0, 1),
        every: tuple[int, int] = (1, 1),
        whole_every: int = 97,
    ) -> None:
        self.world = make_world(folder / "world", CASES[case])
        self.ways = Ways(self.world.folder, folder / "told.jsonl")
        self.direction = direction
        self.tally = Tally()
        self.revision = self.world.revision
        self.requests = 0
        self.is_copy = False
        self._share = share
        self._every = every
        self._whole_every = whole_every
        self._story = Story()
        self._calm: dict[str, str] = {}
        self._wire: _Org | None = None
        self._trial: Trial | None = None
        self._faulted: tuple[str, str, Any] | None = None
        self._answered = 0
        self._turn = itertools.count()
        self._states: set[str] = set()

    def explore(self) -> list[dict[str, Any]]:
        """What each copy told; `tally` counts. Raises AssertionError when a copy did not come to its end."""
        self.world.memory = Memory()
        if self.direction == "back":
            _well(self.world.process().forward())
        kept = self.world.keep()
        _well(self._go(self.world.process(self._note)))
        self.world.put_back(kept)
        with self.ways.ending():
            try:
                process = self._stormy(self._hook)
                self._trial = Trial(process)
                end = self._go(process)
            except RehearseError as error:
                raise Violation(f"{type(error).__name__} came out of the engine: {error}") from error
            if self.is_copy:
                self._recover(end, process)
        told = self.ways.told()
        self.world.close()
        return told

    def _go(self, process: Process) -> StageFinished | None:
        return process.forward() if self.direction == "forward" else process.back()

    def _stormy(self, hook: Any) -> Process:
        """A process whose every call is seen, above its transport and below it."""
        process = self.world.process(hook)
        session = process.transport.session
        inner: Any = session.get_adapter(process.site.url)
        self._wire = _Org(self, inner._carry)
        inner._carry = self._wire.send
        for scheme in list(session.adapters):
            session.mount(scheme, _Around(self, inner))
        return process

    # --- at each call ------------------------------------------------------------------------------------------------

    def before(self, request: requests.PreparedRequest) -> None:
        """Try every fault on it; where the engine would see something, go through it in a copy."""
        if self.is_copy or self._trial is None:
            return
        self.tally.calls += 1
        number = self.tally.calls
        if number % self._share[1] != self._share[0]:
            return
        groups: dict[Seen, tuple[Kind, Times]] = {}
        for kind in KINDS:
            self.tally.kinds.add(kind.name)
            for times in TIMES:
                seen = self._trial.seen(request, kind, times)
                self.tally.faults["ridden out" if seen.what == CALM else "gone through"] += 1
                if seen.what != CALM:
                    groups.setdefault(seen, (kind, times))
        for kind, times in self._by_turns(request, groups):
            if self.ways.split():
                self._begin(number, request, kind, times)
                return

    def _by_turns(
        self, request: requests.PreparedRequest, groups: Mapping[Seen, tuple[Kind, Times]]
    ) -> Iterator[tuple[Kind, Times]]:
        """What strikes a write once always; of the rest of writes, and of reads, each so-many-th, by turns."""
        for kind, times in groups.values():
            every = 1 if times == 1 and _writes(request) else self._every[_writes(request)]
            if next(self._turn) % every == 0:
                yield kind, times

    def _begin(self, number: int, request: requests.PreparedRequest, kind: Kind, times: Times) -> None:
        self.is_copy = True
        what = f"{request.method} {request.path_url}"
        whole = next(self._turn) % self._whole_every == 0
        self._story = Story(number, what, kind.name, times, whole)
        self._faulted = (str(request.method), request.path_url, request.body)
        assert self._wire is not None
        self.requests = 0
        self._wire.begin(kind, times)

    def after(self, request: requests.PreparedRequest) -> None:
        """The same call has its answer after all: from here on it is the calm day."""
        assert self._wire is not None
        if not self.is_copy or self._story.whole or self._wire.kind is not EXPIRED or self._wire.left > 0:
            return
        if self._faulted == (str(request.method), request.path_url, request.body):
            self._answered += 1
        if self._answered == 2:
            self._end("session renewed, and answered as on a calm day")

    # --- at each record ----------------------------------------------------------------------------------------------

    def _note(self, point: Point) -> None:
        if point.ends_a_stage:
            self._calm[point.what] = self._standing()

    def _hook(self, point: Point) -> None:
        if not self.is_copy or self._story.whole or not point.ends_a_stage:
            return
        assert self._wire is not None
        last = self.world.journal.records("run1", kind="stage.finished")
        end = list(last)[-1].body
        passed = isinstance(end, StageFinished) and end.result == "passed"
        if passed and self._wire.left <= 0 and self._calm.get(point.what) == self._standing():
            self._end("passed the stage as on a calm day")

    def _standing(self) -> str:
        return f"{digest(_without_lock(look(self.world.org)))} {self.world.is_switched}"

    # --- after the storm ---------------------------------------------------------------------------------------------

    def _recover(self, end: StageFinished | None, process: Process) -> None:
        """The fault is over: see that the run stopped well, then go on, or back, and see how the org stands."""
        assert self._wire is not None
        self._check_end(end)
        if end is not None and end.result == "passed":
            self._judge("migrated" if self.direction == "forward" else "as before")
            self._end("passed")
        self._wire.left = 0
        process.transport.close()
        state = self._state()
        ways = ("on", "back") if self.direction == "forward" else ("back",)
        known = {(one.get("state"), one.get("way")) for one in self.ways.told()}
        if self._every != (1, 1) and len(ways) > 1:
            ways = (ways[self._story.call // self._share[1] % 2],)  # by turns, too
        kept = self.world.keep()
        for way in ways:
            if (state, way) in known:
                continue
            self.world.put_back(kept)
            self._tell(state=state, way=way, stopped=end.message if end else "")
            self._until_passed(way)
            self._judge("migrated" if way == "on" else "as before")
        self._end("stopped, and gone on from", state=state)

    def _check_end(self, end: StageFinished | None) -> None:
        """The journal says how it ended, and what to do."""
        records = list(self.world.journal.records("run1"))
        if end is None or records[-1].kind != "stage.finished":
            raise Violation(f"the journal does not say how it ended: {records[-1].kind}")
        if end.result == "passed":
            return
        if end.result not in ("failed", "stopped") or not end.message or not end.remedy:
            raise Violation(f"no clean stop: {end}")
        if _family_of(self._story.kind) == "used up" and self._story.times == math.inf and end.result != "stopped":
            raise Violation(f"the calls are used up, and that is told as {end.result}: {end.message}")

    def _until_passed(self, way: str) -> None:
        for _ in range(_MOST_TRIES):
            process = self.world.process(self._calm_enough if way == "on" else _calmly)
            try:
                end = process.forward() if way == "on" else process.back()
            except _Enough:
                return
            process.transport.close()
            if end is None or end.result == "passed":
                return
            self._story.ends.append(f"{end.result}: {end.message}")
            if end.until is not None:
                self.world.clock.pass_until(end.until)
            else:
                self.world.clock.sleep(660)
        raise Violation(f"never done: {self._story.ends}")

    def _calm_enough(self, point: Point) -> None:
        if self._story.whole or not point.ends_a_stage:
            return
        end = list(self.world.journal.records("run1", kind="stage.finished"))[-1].body
        if isinstance(end, StageFinished) and end.result == "passed" and self._calm.get(point.what) == self._standing():
            self._merged = True
            raise _Enough

    _merged = False

    def _judge(self, wanted: str) -> None:
        if self._merged:
            self._merged = False
            return
        found = self.world.judge()
        if found.standing != wanted:
            raise Violation(f"not {wanted} but {found}; {self._story}")

    def _state(self) -> str:
        view, names = look_closely(self.world.org)
        journal = journal_digest(self.world.journal.dump(), self.world.clock.now(), names)
        return f"{digest(view)[:16]} {journal[:16]} {self.world.is_switched}"

    def _tell(self, **more: Any) -> None:
        story = self._story
        self.ways._tell({"call": story.call, "what": story.what, "kind": story.kind, "times": str(story.times), **more})

    def _end(self, how: str, **more: Any) -> None:
        story = self._story
        self.ways.end(
            {"call": story.call, "what": story.what, "kind": story.kind, "times": str(story.times), "how": how, **more}
        )


class _Enough(BaseException):
    """From here on it is the calm day."""


def _family_of(kind: str) -> str:
    return next(_family(one) for one in KINDS if one.name == kind)


def _calmly(_point: Point) -> None:
    """Nothing happens."""


def _without_lock(view: View) -> View:
    return {about: values for about, values in view.items() if "Rehearsal_Lock_" not in about}


def _well(end: StageFinished | None) -> None:
    assert end is not None
    assert end.result == "passed", end


TURNS: Mapping[Direction, tuple[int, int]] = {"forward": (80, 20), "back": (56, 20)}
"""Of what is gone through by turns, each so-many-th comes by in a test; `everything` goes through all."""


def see_through(folder: Path, direction: Direction, *, share: tuple[int, int]) -> None:
    """Assert that every fault at that share of the calls is survived, and that it was really met."""
    storm = Storm(folder, direction, share=share, every=TURNS[direction])
    told = storm.explore()
    calls = (storm.tally.calls + (share[0] if share[1] > 1 else 0)) // share[1]
    assert storm.tally.kinds == {kind.name for kind in KINDS}
    assert storm.tally.total == calls * len(KINDS) * len(TIMES)
    assert {one["how"] for one in told if "how" in one} >= {"stopped, and gone on from"}


def everything(say: Callable[[str], None]) -> None:
    """Every fault at every call, without turns. Raises AssertionError at the first violation."""
    with TemporaryDirectory(prefix="storm-") as folder:
        for direction in get_args(Direction):
            storm = Storm(Path(folder) / direction, direction)
            told = storm.explore()
            copies = Counter(one["how"] for one in told if "how" in one)
            faults = f"{storm.tally.total:,} faults at {storm.tally.calls} calls"
            say(f"{direction}: {faults}, 0 violations; {dict(copies)}")
