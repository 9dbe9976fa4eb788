"""Four integrations of a real org: what their users may do is derived three ways, before and after they are moved.

The org is the real one's metadata in the simulated sandbox; the users are invented. One org serves all four systems,
and is put back between two of them.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.access.algebra import minus
from harness.access.model import Access
from harness.access.reading.holdings import read_holdings
from harness.access.reading.people import read_user
from harness.checks.proof.deriving import Derivation, derive
from harness.checks.results import AccessVerdict
from harness.errors import StageFailed
from harness.migration.records import AccessAfter, Loss, Plan, Snapshot
from harness.org.connection import Connection
from harness.org.guard import WriteCapability, prove_sandbox
from harness.rehearsal.connections import Connections
from harness.rehearsal.options import Options
from harness.rehearsal.rehearsal import Rehearsal
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from harness.scenario.loader import load

HERE = Path(__file__).parent
ORG = HERE.parents[3] / "shared" / "orgs" / "gsa-workspace"

pytestmark = pytest.mark.skipif(not ORG.is_dir(), reason="the real org's metadata is not beside this checkout")

REASONS = {
    "license-ceiling": "The interface has never used it, says its owner.",
    "not-needed-api-only": "Nobody sees a page as this user.",
    "not-copyable": "It is not needed for the interface.",
}
DOMAIN = "gsa-workspace.example"


@dataclass(frozen=True)
class System:
    """One integration: the name its user has, and the object that matters most to it."""

    name: str
    sobject: str
    objects: int
    """On how many objects its user's sets give rights."""
    fields: int

    def __str__(self) -> str:
        return self.name


SYSTEMS = (
    System("grex", "PBS_GREX_Project_EOI__c", objects=25, fields=1112),
    System("castiron", "PBS_Building__c", objects=7, fields=138),
    System("ret", "PBS_Lease__c", objects=4, fields=62),
    System("aaap", "PBS_AAAP_Offer__c", objects=23, fields=852),
)


@dataclass
class RealOrg:
    """The real org, served; `back` puts it back as it was."""

    org: SandboxOrg
    ready: Path
    url: str
    state: bytes

    def back(self) -> None:
        self.org.restore(self.state)


@pytest.fixture(scope="module")
def real_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOrg]:
    folder = tmp_path_factory.mktemp("org")
    org = open_org(ORG, population=HERE / "systems.yaml")
    with SandboxServer(org) as server:
        server.ready.write(folder / "ready.json")
        yield RealOrg(org, folder / "ready.json", server.ready.instance_url, org.snapshot())
    org.close()


@dataclass
class Bench:
    """One system in the real org: a rehearsal of its migration, and connections that need no network."""

    rehearsal: Rehearsal
    connections: Connections

    def holdings(self, username: str) -> Access:
        """What the sets of a user give it, as the engine reads them."""
        admin = self.connections.connect("admin")
        user = read_user(admin, username)
        assert user is not None
        return read_holdings(admin, user).effective

    def derive(self, person: Connection, held: Access, *, objects: Iterable[str] | None = None) -> Derivation:
        """All three derivations: of some objects with every probe there is, or of every object of the org."""
        admin = self.connections.connect("admin")
        proof = prove_sandbox(admin, self.rehearsal.world.site)
        names = [str(each["name"]) for each in admin.describe_global()] if objects is None else [*objects]
        with self.connections.guard.grant(proof, WriteCapability(org_id=proof.org_id, run_id="test", stage="verify")):
            return derive(admin=admin, person=person, held=held, objects=names, exhaustive=objects is not None)


MakeBench = Callable[..., Bench]
Figure = Callable[[str, object], None]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Keep a figure with the test's result: `--junitxml` writes it down."""
    return lambda name, value: request.node.user_properties.append((name, value))


@pytest.fixture
def bench(real_org: RealOrg, tmp_path: Path) -> Iterator[MakeBench]:
    closing: list[Callable[[], object]] = []

    def make(system: System, accept: tuple[Loss, ...] = ()) -> Bench:
        real_org.back()
        file = load(write_scenario(tmp_path, system, accept))
        options = Options.build(
            root=tmp_path,
            org=None,
            sandbox=real_org.ready,
            cassettes="off",
            cassette_folder=tmp_path / "cassettes",
            report_folder=tmp_path / "reports",
            state_folder=tmp_path / f"state-{len(closing)}",
        )
        rehearsal = Rehearsal(file, options)
        rehearsal.world.wire = InProcess(real_org.org, instance_url=real_org.url)
        connections = Connections(file, rehearsal.world, clock=rehearsal.world.clock)
        closing.extend((rehearsal.finish, connections.close))
        return Bench(rehearsal, connections)

    yield make
    for close in reversed(closing):
        close()


def write_scenario(folder: Path, system: System, accept: tuple[Loss, ...]) -> Path:
    """The scenario of a system, that agrees to some losses by name."""
    shutil.copy(HERE / "systems.yaml", folder)
    text = (HERE / "system.yaml").read_text()
    for word, value in (
        ("SYSTEM", system.name),
        ("ORG", str(ORG)),
        ("OLD", f"{system.name}.system@{DOMAIN}"),
        ("NEW", f"{system.name}.integration@{DOMAIN}"),
        ("OBJECT", system.sobject),
    ):
        text = text.replace(word, value)
    by_cause: dict[str, list[str]] = defaultdict(list)
    for loss in accept:
        by_cause[loss.cause].append(loss.line)
    accepted = [{"lost": lines, "because": REASONS[cause]} for cause, lines in by_cause.items()]
    text = text.replace("copy: everything\n", f"copy: everything\n  accept: {json.dumps(accepted)}\n")
    path = folder / f"{system.name}.scenario.yaml"
    path.write_text(text)
    return path


def unexplained(found: Derivation) -> list[str]:
    return [f"{each.cell.name}: {each.cell.access}" for each in found.disagreements if not each.explained]


def objects_of(held: Access) -> set[str]:
    """The objects that an access says anything about."""
    return {*held.objects, *(name.partition(".")[0] for name in held.fields)}


def report(figure: Figure, what: str, found: Derivation, calls: int) -> None:
    """Keep the figures of a derivation with the test's result."""
    for name, value in (
        ("objects", found.objects),
        ("fields", found.fields),
        ("cells", found.cells),
        ("agreed", found.agreed),
        ("explained", len(found.disagreements)),
        ("calls", calls),
    ):
        figure(f"{what}: {name}", value)


EACH = [SYSTEMS[0], *(pytest.param(system, marks=pytest.mark.long) for system in SYSTEMS[1:])]


@pytest.mark.parametrize("system", EACH, ids=str)
def test_three_derivations_agree_on_every_object_and_field_of_the_old_user(
    system: System, bench: MakeBench, figure: Figure
) -> None:
    one = bench(system)
    source, meter = one.connections.connect("source"), one.connections.meter
    held = one.holdings(source.username)
    assert (len(held.objects), len(held.fields)) == (system.objects, system.fields)

    calls = meter.calls
    everything = one.derive(source, held)
    report(figure, "all objects", everything, meter.calls - calls)
    assert unexplained(everything) == []
    assert everything.unread == ()
    assert everything.objects > 400
    assert everything.fields > 10_000
    assert meter.calls - calls < 80

    calls = meter.calls
    thorough = one.derive(source, held, objects=objects_of(held))
    report(figure, "its objects, probed", thorough, meter.calls - calls)
    assert unexplained(thorough) == []
    all_ways = [
        cell
        for probes in thorough.probes
        for cell in probes.cells
        if None not in (cell.computed, cell.platform, cell.probed)
    ]
    assert len(all_ways) > system.fields
    assert {cell.computed for cell in all_ways} == {True, False}
    assert sum(cell.grade == "error" for cell in all_ways) > system.fields


def test_a_grant_that_the_computation_overlooks_is_a_disagreement_by_name(bench: MakeBench) -> None:
    one = bench(SYSTEMS[0])
    source = one.connections.connect("source")
    held = one.holdings(source.username)
    field = min(held.fields)
    hidden = Access(
        objects={"PBS_GREX_Project_EOI__c": frozenset({"create"})},
        fields={field: held.fields[field]},
    )
    found = one.derive(source, minus(held, hidden), objects=objects_of(held))
    about = {name.partition(":")[0] for name in unexplained(found)}
    assert about >= {"PBS_GREX_Project_EOI__c", field}
    assert {name.partition(".")[0] for name in about} == {"PBS_GREX_Project_EOI__c", field.partition(".")[0]}


@pytest.mark.parametrize("system", EACH, ids=str)
def test_the_moved_user_has_what_the_plan_says_three_ways(system: System, bench: MakeBench, figure: Figure) -> None:
    tried = bench(system).rehearsal
    with pytest.raises(StageFailed, match="nobody agreed to"):
        reach(tried, "plan")
    refused = tried.journal.find(tried.run.id, Plan)
    assert refused is not None

    rehearsal = bench(system, tuple(loss for loss in refused.losses if not loss.accepted)).rehearsal
    reach(rehearsal, "verify")
    journal, run = rehearsal.journal, rehearsal.run.id
    plan, snapshot, after = journal.find(run, Plan), journal.find(run, Snapshot), journal.find(run, AccessAfter)
    assert plan is not None
    assert snapshot is not None
    assert after is not None
    for access in (plan.carried, after.effective):
        assert {name: access.objects[name] for name in snapshot.effective.objects} == snapshot.effective.objects
        assert {name: access.fields[name] for name in snapshot.effective.fields} == snapshot.effective.fields
    for (cause, kind), count in sorted(Counter((loss.cause, loss.kind) for loss in plan.losses).items()):
        figure(f"lost, {cause}: {kind}", count)

    verdict = journal.find(run, AccessVerdict)
    assert verdict is not None
    for name in ("objects", "fields", "cells", "agreed", "calls"):
        figure(f"the new user: {name}", getattr(verdict, name))
    assert verdict.passed
    assert verdict.objects >= system.objects
    assert verdict.cells > system.fields
    assert verdict.agreed + len(verdict.disagreements) == verdict.cells
    assert [each.cell.name for each in verdict.disagreements if not each.explained] == []


def reach(rehearsal: Rehearsal, last: str) -> None:
    """Run the stages up to one, each by itself, so that the one that fails says why."""
    stages = rehearsal.file.scenario.stages
    for stage in stages[: stages.index(last) + 1]:
        rehearsal.reach(stage)
