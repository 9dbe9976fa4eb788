"""What a rehearsal tells its recordings about itself, and what it finds in them: age, and whether they are stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from harness import __version__
from harness.errors import RecordingError
from harness.migration.records import Preflight, Snapshot
from harness.org.release import release_of
from harness.recording.facts import Facts, age_in_days, changed, in_words, oldest
from harness.rehearsal.reads import line_of, reads, rollback_order, stages_in

if TYPE_CHECKING:
    from harness.migration.journal import Journal
    from harness.rehearsal.options import Options
    from harness.rehearsal.worlds import World
    from harness.scenario.loader import ScenarioFile


class Recorded:
    """Gives the facts of each recording of one rehearsal."""

    def __init__(self, file: ScenarioFile, world: World, *, digest: str) -> None:
        """`digest` is what the runs put into their marks."""
        self._file, self._world, self._digest = file, world, digest
        self._own = rollback_order(file.scenario)[0]

    @cached_property
    def _release(self) -> str | None:
        """The org's release, asked for once, and only where something is recorded."""
        return None if self._world.simulated else release_of(self._world.site)

    def facts(self, cassette: str, journal: Journal, run_id: str) -> Facts:
        """What the recording of a stage says about itself, as far as the run has found it out."""
        world = self._world
        preflight, snapshot = journal.find(run_id, Preflight), journal.find(run_id, Snapshot)
        return Facts(
            live="no" if world.simulated else "yes",
            kind=preflight.org.kind if preflight else None,
            release=self._release,
            api_version=world.site.api_version,
            tool_version=__version__,
            scenario=self._digest,
            reads=reads(self._file, stages_in(cassette, self._file.scenario, own=self._own)),
            access=snapshot.fingerprint if snapshot else None,
            org_name=world.site.name,
            org_id=world.site.org_id,
            admin_flow=world.admin.flow,
            admin_username=world.admin.username,
        )


@dataclass(frozen=True, slots=True)
class Stale:
    """A stage whose recording the scenario has outgrown."""

    cassette: str
    why: str
    remedy: str


def stale(file: ScenarioFile, found: Mapping[str, Facts]) -> Iterator[Stale]:
    """The recordings, by stage, that the scenario has outgrown, in their order."""
    own = rollback_order(file.scenario)[0]
    for name, facts in found.items():
        then, now = facts.reads, reads(file, stages_in(name, file.scenario, own=own))
        parts = changed(then, now) if then else []  # a recording that does not say what it depends on
        if parts:
            places = {part: f"line {line_of(file, part)}" if part in now else "gone" for part in parts}
            told = in_words([f"{part}, {place}" for part, place in places.items()])
            yield Stale(
                name,
                f"the scenario changed since stage {name} was recorded ({told})",
                f"record it again: pytest {file.shown} --cassettes update {name}",
            )


def check_age(file: ScenarioFile, found: Sequence[Facts], now: datetime, options: Options) -> str | None:
    """What is to be warned of where a live org was recorded long ago. Raises RecordingError where too long."""
    first = oldest(found)
    days = age_in_days(first, now) if first else None
    if first is None or first.recorded_at is None or days is None:
        return None
    told = f"the recording of org {first.org_name} is {days} days old ({first.recorded_at:%Y-%m-%d})"
    again = f"record it again: pytest {file.shown} --org {first.org_name} --cassettes record"
    if options.max_days and days >= options.max_days:
        raise RecordingError(
            f"{told}, and from {options.max_days} days on it proves nothing of the org as it is",
            remedy=f"{again} (or --cassette-max-days {days + 1} for this once)",
        )
    if options.warn_days and days >= options.warn_days:
        return f"{told}, and the org may have changed: {again}"
    return None


def other_tool(found: Sequence[Facts]) -> str | None:
    """The version of the tool that recorded, where it is not this one."""
    others = sorted({facts.tool_version for facts in found} - {__version__})
    return f"it was recorded by rehearse {', '.join(others)}, and this is {__version__}" if others else None
