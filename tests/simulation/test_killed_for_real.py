"""Real processes of the tool are really killed, at every stage and at random, and fresh ones recover from it.

The org is in a process of its own, behind HTTP on the loopback. A process is killed with SIGKILL in one of three ways:
by the org, at a writing call of it that never arrives, is still worked on, or is done; by itself, at a point of the
engine; or by the clock on the wall, wherever it is then. Half of the kills are followed by a resume, half by a
rollback, and these are killed again, until one lives to its end. What comes of it is judged by the rows of the org.

`KILL_SEED=7` tries others than those of every day, and `make simulate-long` ten times as many. Where one was killed by
the wall clock, a seed does not repeat the moment.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from random import Random

import pytest

from harness.migration.journal import Journal

from .bench import World, make_world
from .children import fork
from .reality import JOURNAL, Effect, End, Life, OrgProcess, Start, starts, suicide
from .scenarios import CASES

SEED = int(os.environ.get("KILL_SEED", "1"))
KILLS = 150 * (10 if os.environ.get("SIMULATE") == "all" else 1)
"""How many processes each of the two tests kills."""
MOST_IN_A_ROW = 8
STAGES = (
    "preflight",
    "snapshot",
    "plan",
    "provision",
    "grant",
    "authorize",
    "verify",
    "switch",
    "dual-auth",
    "cut-over",
    "retire",
)
EFFECTS: tuple[Effect, ...] = ("lost", "meanwhile", "done")


@dataclass
class Field:
    """Where processes are killed: an org, the pieces of a run, and how long a whole one takes on this machine."""

    world: World
    org: OrgProcess
    starts: dict[str, Start]
    seconds: float = 0
    random: Random = field(default_factory=Random)
    kills: Counter[str] = field(default_factory=Counter)
    """By the stage it died in."""
    ways: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def begin(self, seed: int) -> None:
        """Count anew."""
        self.random, self.kills, self.ways, self.violations = Random(seed), Counter(), Counter(), []

    def put_back(self, stage: str) -> None:
        """Make everything as it was when a stage was about to begin."""
        self.starts[stage].put_back(self.world, self.org)

    def live(self, *, back: bool) -> End:
        """Let a process live to its end."""
        return Life(self.world, self.org, back=back).end()

    def kill_one(self, *, back: bool, at_once: bool = False) -> tuple[End, str]:
        """Let a process live and try to kill it, `at_once` or later; how it ended, and how it was to be killed."""
        way = "at once" if at_once else self.random.choice(("by the org", "by itself", "by the clock"))
        match way:
            case "at once":
                point = self.random.randint(4, 7)  # the stage has just begun
                life = Life(self.world, self.org, back=back, hook=suicide(point))
                how = f"at point {point}"
            case "by the org":
                effect, number = self.random.choice(EFFECTS), self.random.randint(1, 5)
                life = Life(self.world, self.org, back=back, wait=True)
                self.org.trap(life.pid, number, effect)
                life.go()
                how = f"at writing call {number}, {effect}"
            case "by itself":
                point = self.random.randint(1, 50)
                life = Life(self.world, self.org, back=back, hook=suicide(point))
                how = f"at point {point}"
            case _:
                seconds = self.random.uniform(0, self.seconds / 5)
                life = Life(self.world, self.org, back=back)
                life.kill_after(seconds)
                how = f"after {seconds:.3f} s"
        end = life.end()
        if end.killed:
            stage = self.stage
            self.kills[stage] += 1
            self.ways[way] += 1
            how = f"{how} in {stage}"
        return end, how

    @property
    def stage(self) -> str:
        """The stage that the journal was last in. Raises JournalRefused when a kill did the journal harm."""
        with closing(Journal(self.world.folder / JOURNAL)) as journal:
            begun = [record.stage for record in journal.records(kind="stage.started")]
        return begun[-1] if begun else STAGES[0]

    def judge(self, wanted: str, end: End, story: str) -> None:
        """Note a violation unless the org is as it must be."""
        self.world.org.restore(self.org.snapshot())
        finding = self.world.judge()
        if not end.passed or finding.standing != wanted:
            self.violations.append(f"{story}; then {end}: {finding}")


@pytest.fixture(scope="module")
def battlefield(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    world = make_world(tmp_path_factory.mktemp("killed"), CASES["reference"])
    pieces = {start.stage: start for start in starts(world)}
    org = OrgProcess(world.org)
    made = Field(world, org, pieces)
    made.put_back("preflight")
    calm = Life(world, org, back=False)
    made.judge("migrated", calm.end(), "nobody was killed")
    made.seconds = calm.age
    assert made.violations == []
    yield made
    org.close()
    world.close()


def stories(field: Field, first: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """Where to begin, again and again, until enough processes were killed; the number of the story."""
    number = 0
    while field.kills.total() < KILLS:
        yield first[number % len(first)], number
        number += 1
        assert number < 4 * KILLS, "they live too long to be killed"


@pytest.mark.xdist_group("killed-and-resumed")
def test_whoever_is_killed_is_resumed_to_the_end(battlefield: Field) -> None:
    field = battlefield
    field.begin(SEED)
    for begin, number in stories(field, STAGES):
        field.put_back(begin)
        story = [f"KILL_SEED={SEED}, story {number}, from {begin}"]
        end = End(killed=True, said="")
        for turn in range(MOST_IN_A_ROW):
            end, how = field.kill_one(back=False, at_once=turn == 0 and number < len(STAGES))
            story.append(how)
            if not end.killed:
                break
        if end.killed:
            end = field.live(back=False)
        field.judge("migrated", end, ", ".join(story))
    tell(field)
    assert field.violations == []
    assert min(field.kills[stage] for stage in STAGES) >= 1, field.kills


@pytest.mark.xdist_group("killed-and-undone")
def test_whoever_is_killed_is_undone(battlefield: Field) -> None:
    field = battlefield
    field.begin(SEED + 1)
    for begin, number in stories(field, (*STAGES, "rollback")):
        field.put_back(begin)
        story = [f"KILL_SEED={SEED}, story {number}, from {begin}"]
        if begin != "rollback":
            story.append(field.kill_one(back=False, at_once=number < len(STAGES))[1])
        for _ in range(2):
            end, how = field.kill_one(back=True)
            story.append(f"rollback {how}")
            if not end.killed:
                break
        if end.killed:
            end = field.live(back=True)
        field.judge("as before", end, ", ".join(story))
    tell(field)
    assert field.violations == []
    assert field.kills["rollback"] >= KILLS // 5
    assert min(field.kills[stage] for stage in STAGES) >= 1, field.kills


def tell(field: Field) -> None:
    """What was done, for whoever reads the output."""
    ways, stages = dict(field.ways), dict(field.kills)
    sys.stdout.write(f"KILL_SEED={SEED}: {field.kills.total()} processes killed: {stages}; {ways}\n")


# --- a recovery that is none is seen ----------------------------------------------------------------------------------


def killed_in_grant(field: Field) -> None:
    """Let a process die when its third write of the stage is done."""
    field.put_back("grant")
    life = Life(field.world, field.org, back=False, wait=True)
    field.org.trap(life.pid, 3, "done")
    life.go()
    assert life.end().killed


@pytest.mark.xdist_group("killed-and-undone")
def test_without_a_recovery_the_org_is_between(battlefield: Field) -> None:
    killed_in_grant(battlefield)
    battlefield.violations = []
    battlefield.judge("as before", End(killed=False, said="passed"), "nobody recovered")
    [found] = battlefield.violations
    assert "between" in found


@pytest.mark.xdist_group("killed-and-undone")
def test_a_rollback_that_knows_nothing_is_found_out(battlefield: Field) -> None:
    killed_in_grant(battlefield)
    for file in battlefield.world.folder.glob("journal*"):
        file.unlink()
    battlefield.violations = []
    end = battlefield.live(back=True)
    battlefield.judge("as before", end, "with a new journal")
    [found] = battlefield.violations
    assert end.passed, "it believes that there is nothing to undo"
    assert "between" in found


def test_a_process_that_breaks_is_not_taken_for_a_killed_one() -> None:
    def break_down() -> None:
        raise ZeroDivisionError

    _, status = os.waitpid(fork(break_down), 0)
    assert os.waitstatus_to_exitcode(status) == 1
