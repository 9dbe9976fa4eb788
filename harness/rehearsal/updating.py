"""One stage is recorded again, and nothing else: its cassette is replaced once the whole scenario replays with it.

The stages before it happen in the org as well, since it needs them; their recordings are neither used nor replaced, but
lie beside it for as long as this takes, to show what this run called otherwise than the one that is kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from harness.errors import RecordingError, RehearseError
from harness.recording.facts import TAPES, Facts, check_agreement
from harness.recording.filing.files import Loaded, head_of, load, path_of
from harness.recording.grafting import Recording, graft
from harness.recording.meaning import drifts
from harness.recording.text import as_text
from harness.recording.unmatched import describe
from harness.rehearsal.options import Options, shown
from harness.rehearsal.progress import NotReached
from harness.rehearsal.reads import cassette_names
from harness.rehearsal.recorded import stale

if TYPE_CHECKING:
    from harness.rehearsal.rehearsal import Rehearsal
    from harness.scenario.loader import ScenarioFile

Show = Callable[[str], None]
_ROLLBACK = "rollback-from-"
_SHOWN, _WIDTH = 40, 240
"""So many differences are shown, each in so many characters."""


class Update:
    """The recording again of one stage."""

    def __init__(
        self,
        file: ScenarioFile,
        options: Options,
        stage: str,
        *,
        folder: Path,
        rehearse: Callable[[ScenarioFile, Options], Rehearsal],
    ) -> None:
        """`folder` is where the new run is recorded until the stage has been replaced; `rehearse` makes a rehearsal."""
        self._rehearse = rehearse
        self._file, self._options, self.stage = file, options, stage
        self._names = cassette_names(file.scenario)
        self._kept = shown(options.cassette_folder / file.name)
        self.folder = folder
        others = [name for name in self._names if name != stage and path_of(self._kept, name).is_file()]
        if not others:
            raise RecordingError(
                f"{self._kept} has no recording of which {stage} could be recorded again", remedy=self._all_of_it
            )
        paths = {name: path_of(self._kept, name) for name in others}
        kept = {name: Facts.of_metadata(head_of(path), path) for name, path in paths.items()}
        check_agreement({paths[name]: facts for name, facts in kept.items()})
        self.facts = kept[others[0]]
        """What the kept recordings say about themselves."""
        self.done = False
        self._stale = {one.cassette for one in stale(file, kept)}

    @property
    def _all_of_it(self) -> str:
        return f"record all of it: pytest {self._file.shown}{self._options.as_typed} --cassettes record"

    def begin(self) -> None:
        """Forget what an earlier run left that came to no end: a new one begins."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def finish(self, write: Callable[[Path, dict[str, Any]], None], show: Show) -> None:
        """Replace the cassette, which `write` scans and writes, after showing what differs.

        Raises RecordingError, and replaces nothing, where the scenario would not replay with it.
        """
        new = {name: load(path) for name in self._names if (path := path_of(self.folder, name)).is_file()}
        if self.stage not in new:
            raise self._refusal("the stage left no recording", ())
        old = {name: load(path) for name in self._names if (path := path_of(self._kept, name)).is_file()}
        made = self._grafted(old, new)
        before = old.get(self.stage)
        for line in _difference(self.stage, before, made):
            show(line)
        with TemporaryDirectory(prefix="rehearse-update-") as temporary:
            mixed = Path(temporary) / self._file.name
            shutil.copytree(self._kept, mixed)
            path = path_of(mixed, self.stage)
            write(path, made)
            show(f"replaying the whole of {self._file.name} with the new recording of {self.stage}")
            self._check(mixed.parent)
        write(path_of(self._kept, self.stage), made)
        self.done = True
        show(f"{path_of(self._kept, self.stage)} was replaced")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _grafted(self, old: dict[str, Loaded], new: dict[str, Loaded]) -> dict[str, Any]:
        """The stage as vcrpy's persister takes it, in the words of the run that is kept."""
        until = self._names.index(self.stage) + 1
        mine = {name: _recording(new[name]) for name in self._names[:until] if name in new}
        made = graft({name: _recording(each) for name, each in old.items()}, mine, self.stage)
        told = {name: value for name, value in new[self.stage].metadata.items() if name not in TAPES}
        metadata = {**told, "before": list(made.before), "tape": list(made.tape)}
        return {"metadata": metadata, "requests": made.requests, "responses": made.responses}

    # --- whether it fits ---------------------------------------------------------------------------------------------

    def _check(self, cassette_folder: Path) -> None:
        """Replay the whole scenario. Raises RecordingError where it fails, but for what was out of date before."""
        options = replace(
            self._options,
            org="simulated",
            sandbox=None,
            cassettes="replay",
            update=None,
            cassette_folder=cassette_folder,
            warn_days=0,
            max_days=0,
        )
        replay = self._rehearse(self._file, options)
        try:
            wrong = dict(self._failures(replay))
        finally:
            with suppress(RehearseError):
                replay.finish()
        stale_fails = [name for name in wrong if name in self._stale]
        first = stale_fails[0] if stale_fails else None
        excused = {*self._stale, *(self._names[self._names.index(first) :] if first else ())}
        if first is not None and self._names.index(first) < self._names.index(self.stage):
            excused.discard(self.stage)
        found = {name: why for name, why in wrong.items() if name not in excused or name == self.stage}
        if found:
            raise self._refusal(
                "the scenario does not replay with it", [f"{name}: {why}" for name, why in found.items()]
            )

    def _failures(self, replay: Rehearsal) -> Iterator[tuple[str, str]]:
        for name in self._names:
            try:
                if name.startswith(_ROLLBACK):
                    replay.roll_back(name.removeprefix(_ROLLBACK))
                else:
                    replay.reach(name)
            except (NotReached, RehearseError) as error:
                yield name, str(error)

    def _refusal(self, what: str, why: Sequence[str]) -> RecordingError:
        listed = "".join(f"\n  {line}" for each in why[:3] for line in each.splitlines()[:8])
        return RecordingError(
            f"stage {self.stage} was recorded again, and {what}: nothing was replaced{listed}", remedy=self._all_of_it
        )


def _recording(loaded: Loaded) -> Recording:
    before, tape = (tuple(loaded.metadata.get(name, ())) for name in TAPES)
    return Recording(before, tape, loaded.requests, loaded.responses)


def _difference(stage: str, old: Loaded | None, made: dict[str, Any]) -> Iterator[str]:
    """What differs, in words: requests that came or went, and answers that mean something else."""
    if old is None:
        yield f"{stage}: {len(made['requests'])} requests, where there was no recording"
        return
    lines = [*_of_exchanges(old.requests, old.responses, made["requests"], made["responses"])]
    if not lines:
        yield f"{stage}: no request and no answer differs"
        return
    yield f"{stage}: {len(lines)} differences from what was recorded"
    yield from (f"  {shorten(line, _WIDTH, placeholder=' ...')}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  ... and {len(lines) - _SHOWN} more"


def _of_exchanges(old: Sequence[Any], before: Sequence[Any], new: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    matcher = SequenceMatcher(None, [_whole(each) for each in old], [_whole(each) for each in new], autojunk=False)
    for what, begin, end, start, stop in matcher.get_opcodes():
        if what == "equal":
            for index, other in zip(range(begin, end), range(start, stop), strict=True):
                yield from _of_answers(old[index], before[index], now[other])
            continue
        yield from (f"- {describe(each)}" for each in old[begin:end])
        yield from (f"+ {describe(each)}" for each in new[start:stop])


def _of_answers(request: Any, before: Any, now: Any) -> Iterator[str]:
    found = drifts(request, before, now)
    for drift in found:
        yield f"{drift.tier.value}: {drift.request}: {drift.text}: {drift.recorded} -> {drift.now}"
    if not found and before != now:
        yield f"{describe(request)}: the answer is written otherwise"


def _whole(request: Any) -> tuple[str, str, str]:
    return request.method, request.uri, as_text(request.body) or ""
