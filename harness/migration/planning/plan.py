"""The plan: what will be written, what is lost, and what must still be so. Pure: data in, a Plan out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from harness.access.algebra import Dependencies
from harness.access.ceiling import Ceiling
from harness.access.model import Access
from harness.access.reading.set_metadata import SetMetadata
from harness.migration.apps import App
from harness.migration.planning.acceptance import Acceptance, acceptances, agree
from harness.migration.planning.beside import Beside, losses_beside, told_twice, warnings_beside
from harness.migration.planning.grants import field_permissions, numbered, object_permissions, setup_access
from harness.migration.planning.losses import Decision, PlacedDrop, decide
from harness.migration.planning.seal import seal
from harness.migration.planning.used import sources_in_use, unused_access, warnings_of_use
from harness.migration.record_types import KIND
from harness.migration.records import Loss, Plan, PlannedWrite, Preflight, Snapshot, Usage
from harness.migration.strategies import (
    conversion_writes,
    ending_of,
    ending_warnings,
    ending_writes,
    provision_writes,
    seat_conditions,
    strategy_of,
)
from harness.migration.target import PERMISSION_SET_LICENSE
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import Scenario

_NAMED = 6


@dataclass(frozen=True, slots=True)
class Facts:
    """What the plan is made of, beside the scenario."""

    snapshot: Snapshot
    preflight: Preflight
    ceiling: Ceiling
    dependencies: Dependencies
    app: App | None
    made: datetime
    """When the plan is made: its lifetime begins."""
    tool_version: str
    residue: bool
    """Whether an inactive user of an earlier run of this scenario waits to be taken up again."""
    old_app: App | None = None
    """The app of the old sign-in, with its policies, where the strategy keeps the user."""
    usage: Usage | None = None
    """What the integration uses, where that was looked into."""
    profile: SetMetadata = field(default_factory=SetMetadata)
    """What the target's profile tells of record types and sign-ins."""
    findings: tuple[str, ...] = ()
    """What else is worth a reviewer's eye, each a sentence: what the linter says of the source user's sets."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan, and what of the scenario had no effect on it."""

    plan: Plan
    idle_drops: tuple[PlacedDrop, ...]
    """Drops that name nothing the source user holds."""
    idle_acceptances: tuple[Acceptance, ...]
    """Acceptances that meet no loss."""


def placed_drops(file: ScenarioFile) -> tuple[PlacedDrop, ...]:
    """The drops a scenario declares, each with its place."""
    return tuple(
        PlacedDrop(drop, str(file.place("permissions", "drop", index)))
        for index, drop in enumerate(file.scenario.permissions.drop)
    )


def make_plan(file: ScenarioFile, facts: Facts) -> Planned:
    """Make the plan. It is executable when every loss is accepted."""
    scenario, drops = file.scenario, placed_drops(file)
    usage = facts.usage if scenario.permissions.copy_ == "used" else None
    sources = sources_in_use(facts.snapshot.sources, usage) if usage else facts.snapshot.sources
    unused = unused_access(usage) if usage else Access()
    decision = decide(sources, drops, facts.ceiling, facts.dependencies, unused)
    lost = [loss for loss in decision.losses if not told_twice(loss, facts.snapshot)]
    beside = losses_beside(facts.snapshot, _beside(scenario, facts, decision, drops))
    agreed = agree((*lost, *beside), acceptances(file))
    writes = tuple(_writes(scenario, facts, decision.carried))
    refused = [loss for loss in agreed.losses if not loss.accepted]
    plan = Plan(
        org_id=facts.preflight.org.org_id,
        snapshot_fingerprint=facts.snapshot.fingerprint,
        writes=writes,
        losses=agreed.losses,
        carried=decision.carried,
        added=decision.added,
        baseline=facts.ceiling.baseline,
        preconditions=tuple(_preconditions(scenario, facts)),
        executable=not refused,
        refusal=refusal(refused),
        warnings=tuple(_warnings(scenario, facts, decision.carried)),
        calls=sum(write.calls for write in writes),
        scenario_digest=file.digest,
        tool_version=facts.tool_version,
        digest="",
    )
    return Planned(seal(plan, made=facts.made), decision.idle_drops, agreed.idle)


def _beside(scenario: Scenario, facts: Facts, decision: Decision, drops: Sequence[PlacedDrop]) -> Beside:
    return Beside(
        carried=decision.carried,
        drops=drops,
        licenses=frozenset({PERMISSION_SET_LICENSE, *scenario.permissions.licenses}),
        same_user=scenario.to.strategy == "in-place",
        profile=facts.profile,
    )


def _warnings(scenario: Scenario, facts: Facts, carried: Access) -> Iterator[str]:
    """What is no loss and yet worth a reviewer's eye."""
    yield from warnings_beside(facts.snapshot, facts.profile, same_user=scenario.to.strategy == "in-place")
    ending = ending_of(scenario, facts.old_app, facts.app, carried)
    yield from ending_warnings(scenario, ending, facts.snapshot.effective, carried)
    if facts.usage:
        yield from warnings_of_use(facts.usage)
    yield from facts.findings


def refusal(refused: Sequence[Loss]) -> str | None:
    """Why a plan with these unaccepted losses is not executable."""
    if not refused:
        return None
    names = [loss.line for loss in refused if not loss.falls_with] or [loss.line for loss in refused]
    names = names[:_NAMED]
    more = f" and {len(refused) - len(names)} more" if len(refused) > len(names) else ""
    what = "1 thing" if len(refused) == 1 else f"{len(refused)} things"
    return f"the new user would lose {what} that nobody agreed to: {', '.join(names)}{more}"


def _preconditions(scenario: Scenario, facts: Facts) -> Iterator[str]:
    preflight = facts.preflight
    yield f"The org is {preflight.org.org_id}, a {preflight.org.kind} org."
    yield f"The access of {scenario.from_.username} still has the fingerprint {facts.snapshot.fingerprint[:16]}…."
    yield f"A seat of {preflight.user_license} and one of {preflight.permission_set_license} are free."
    yield from seat_conditions(scenario, preflight)
    if strategy_of(scenario).one_user:
        yield f"{scenario.from_.username} is active, and still holds {preflight.full_license}."
    elif facts.residue:
        yield f"{scenario.target_username} is inactive, holds nothing, and was left by an earlier run of this scenario."
    else:
        yield f"There is no user {scenario.target_username}."
    yield f"There is no permission set {scenario.permission_set_name}."


def _writes(scenario: Scenario, facts: Facts, carried: Access) -> Iterator[PlannedWrite]:
    if strategy_of(scenario).one_user:
        yield from _convert(scenario, facts, carried)
    else:
        yield from provision_writes(scenario, facts.preflight, residue=facts.residue)
        yield from _grant(scenario, facts.snapshot, carried)
        yield from _place(scenario, facts.snapshot)
    yield from _authorize(scenario, facts.app, carried)
    path = scenario.credentials.path
    yield PlannedWrite.of("switch/credential", "file", path, f"replace the credential in {path}", calls=0)
    ending = ending_of(scenario, facts.old_app, facts.app, carried)
    yield from ending_writes(scenario, ending, facts.old_app)
    if scenario.finish == "retire":
        yield PlannedWrite.of("retire/deactivate", "update", "User", f"deactivate {scenario.from_.username}")


def _convert(scenario: Scenario, facts: Facts, carried: Access) -> Iterator[PlannedWrite]:
    """In place the set is filled while nobody holds it, and assigned when the user is converted: all in provision."""
    granted = list(_grant(scenario, facts.snapshot, carried))
    [assigned] = [write for write in granted if write.key == "grant/assignment"]
    granted.remove(assigned)
    for write in (*granted, *conversion_writes(scenario, facts.snapshot, facts.preflight), assigned):
        yield write.model_copy(update={"stage": "provision"})


def _grant(scenario: Scenario, snapshot: Snapshot, carried: Access) -> Iterator[PlannedWrite]:
    user, label = scenario.target_username, scenario.permission_set_label
    system = f" with {len(carried.system)} system permissions" if carried.system else ""
    yield PlannedWrite.of("grant/permission-set", "create", "PermissionSet", f"create {label}{system}")
    if carried.record_types:
        summary = f"make {len(carried.record_types)} record types visible to {label}"
        yield PlannedWrite.of("grant/record-types", "update", KIND, summary, rows=len(carried.record_types))
    yield PlannedWrite.of("grant/assignment", "create", "PermissionSetAssignment", f"assign {label} to {user}")
    filled: tuple[tuple[str, str, Sequence[Any]], ...] = (
        ("grant/object-permissions", "ObjectPermissions", object_permissions(carried, snapshot.masters)),
        ("grant/field-permissions", "FieldPermissions", field_permissions(carried)),
        ("grant/setup-access", "SetupEntityAccess", setup_access(carried, snapshot.setup_ids)),
    )
    for key, sobject, rows in filled:
        for each, some in numbered(key, rows):
            yield PlannedWrite.of(each, "create", sobject, f"{len(some)} {sobject} rows of {label}", rows=len(some))


def _place(scenario: Scenario, snapshot: Snapshot) -> Iterator[PlannedWrite]:
    """The role, groups and queues of the new user."""
    user, person = scenario.target_username, snapshot.person
    if person.role:
        yield PlannedWrite.of("grant/role", "update", "User", f"put {user} into role {person.role}")
    groups = [*person.groups, *person.queues]
    for each, names in numbered("grant/memberships", groups):
        summary = f"make {user} a member of {', '.join(names[:_NAMED])}"
        yield PlannedWrite.of(each, "create", "GroupMember", summary, rows=len(names))


def _authorize(scenario: Scenario, app: App | None, carried: Access) -> Iterator[PlannedWrite]:
    user = scenario.target_username
    if app is None:
        return
    if app.needs_approval and app.entity not in carried.setup:
        summary = f"pre-authorize {app.name} for {scenario.permission_set_label}"
        yield PlannedWrite.of("authorize/app", "create", "SetupEntityAccess", summary)
    if scenario.to.sign_in.flow == "client-credentials":
        yield PlannedWrite.of("authorize/run-as", "update", app.policy_kind, f"let {app.name} run as {user}")
