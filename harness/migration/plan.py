"""The plan: what will be written, what is lost, and what must still be so. Pure: data in, a Plan out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.access.algebra import Dependencies
from harness.access.ceiling import Ceiling
from harness.access.fingerprint import digest
from harness.access.model import Access
from harness.migration.apps import App
from harness.migration.grants import field_permissions, numbered, object_permissions, setup_access
from harness.migration.losses import Decision, PlacedDrop, decide, losses_of_features
from harness.migration.records import Loss, Plan, PlannedWrite, Preflight, Snapshot
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import Scenario

PASSWORD_FLOWS = ("username-password", "soap-login")
"""The flows with which the new user signs in by a password, which it must be given."""
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Facts:
    """What the plan is made of, beside the scenario."""

    snapshot: Snapshot
    preflight: Preflight
    ceiling: Ceiling
    dependencies: Dependencies
    app: App | None
    residue: bool
    """Whether an inactive user of an earlier run of this scenario waits to be taken up again."""


def placed_drops(file: ScenarioFile) -> tuple[PlacedDrop, ...]:
    """The drops a scenario declares, each with its place."""
    return tuple(
        PlacedDrop(drop, str(file.place("permissions", "drop", index)))
        for index, drop in enumerate(file.scenario.permissions.drop)
    )


def make_plan(file: ScenarioFile, facts: Facts) -> tuple[Plan, Decision]:
    """Make the plan, and the decision behind it."""
    snapshot, drops = facts.snapshot, placed_drops(file)
    decision = decide(snapshot.sources, drops, facts.ceiling, facts.dependencies)
    held = snapshot.beside
    beside = losses_of_features(held.features, snapshot.person.permission_set_licenses, held.tabs, drops)
    losses = (*decision.losses, *beside)
    writes = tuple(_writes(file.scenario, facts, decision.carried))
    refused = [loss for loss in losses if not loss.accepted]
    plan = Plan(
        org_id=facts.preflight.org.org_id,
        snapshot_fingerprint=snapshot.fingerprint,
        writes=writes,
        losses=losses,
        carried=decision.carried,
        added=decision.added,
        preconditions=tuple(_preconditions(file.scenario, facts)),
        executable=not refused,
        refusal=refusal(refused),
        calls=sum(write.calls for write in writes),
        digest="",
    )
    return plan.model_copy(update={"digest": digest_of(plan)}), decision


def digest_of(plan: Plan) -> str:
    """The digest of a plan: of everything in it but the digest itself."""
    return digest(plan.model_dump(mode="json", exclude={"digest"}))


def refusal(refused: Sequence[Loss]) -> str | None:
    """Why a plan with these unaccepted losses is not executable."""
    if not refused:
        return None
    names = [f"{loss.name} ({', '.join(loss.access)})" if loss.access else loss.name for loss in refused]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    what = "1 thing" if len(names) == 1 else f"{len(names)} things"
    return f"the new user would lose {what} that nobody agreed to: {', '.join(names[:_NAMED])}{more}"


def _preconditions(scenario: Scenario, facts: Facts) -> Iterator[str]:
    preflight = facts.preflight
    yield f"The org is {preflight.org.org_id}, a {preflight.org.kind} org."
    yield f"The access of {scenario.from_.username} still has the fingerprint {facts.snapshot.fingerprint[:16]}…."
    yield f"A seat of {preflight.user_license} and one of {preflight.permission_set_license} are free."
    if facts.residue:
        yield f"{scenario.target_username} is inactive, holds nothing, and was left by an earlier run of this scenario."
    else:
        yield f"There is no user {scenario.target_username}."
    yield f"There is no permission set {scenario.permission_set_name}."


def _writes(scenario: Scenario, facts: Facts, carried: Access) -> Iterator[PlannedWrite]:
    yield from _provision(scenario, facts)
    yield from _grant(scenario, facts.snapshot, carried)
    yield from _authorize(scenario, facts.app, carried)
    path = scenario.credentials.path
    yield _write("switch/credential", "file", path, f"replace the credential in {path}", calls=0)
    old = scenario.from_.username
    yield _write("cut-over/freeze", "update", "UserLogin", f"freeze {old}")
    if scenario.finish == "retire":
        yield _write("retire/deactivate", "update", "User", f"deactivate {old}")


def _provision(scenario: Scenario, facts: Facts) -> Iterator[PlannedWrite]:
    user = scenario.target_username
    if facts.residue:
        yield _write("provision/user", "update", "User", f"reactivate {user}")
    else:
        yield _write("provision/user", "create", "User", f"create {user} with profile {facts.preflight.profile}")
    if scenario.to.sign_in.flow in PASSWORD_FLOWS:
        yield _write("provision/password", "update", "User password", f"set the password of {user}")
    psl = facts.preflight.permission_set_license
    yield _write("provision/license", "create", "PermissionSetLicenseAssign", f"assign {psl} to {user}")


def _grant(scenario: Scenario, snapshot: Snapshot, carried: Access) -> Iterator[PlannedWrite]:
    user, label, person = scenario.target_username, scenario.permission_set_label, snapshot.person
    system = f" with {len(carried.system)} system permissions" if carried.system else ""
    yield _write("grant/permission-set", "create", "PermissionSet", f"create {label}{system}")
    yield _write("grant/assignment", "create", "PermissionSetAssignment", f"assign {label} to {user}")
    filled: tuple[tuple[str, str, Sequence[Any]], ...] = (
        ("grant/object-permissions", "ObjectPermissions", object_permissions(carried, snapshot.masters)),
        ("grant/field-permissions", "FieldPermissions", field_permissions(carried)),
        ("grant/setup-access", "SetupEntityAccess", setup_access(carried, snapshot.setup_ids)),
    )
    for key, sobject, rows in filled:
        for each, some in numbered(key, rows):
            yield _write(each, "create", sobject, f"{len(some)} {sobject} rows of {label}", rows=len(some))
    if person.role:
        yield _write("grant/role", "update", "User", f"put {user} into role {person.role}")
    groups = [*person.groups, *person.queues]
    for each, names in numbered("grant/memberships", groups):
        summary = f"make {user} a member of {', '.join(names[:_NAMED])}"
        yield _write(each, "create", "GroupMember", summary, rows=len(names))


def _authorize(scenario: Scenario, app: App | None, carried: Access) -> Iterator[PlannedWrite]:
    user = scenario.target_username
    if app is None:
        return
    if app.needs_approval and app.entity not in carried.setup:
        summary = f"pre-authorize {app.name} for {scenario.permission_set_label}"
        yield _write("authorize/app", "create", "SetupEntityAccess", summary)
    if scenario.to.sign_in.flow == "client-credentials":
        yield _write("authorize/run-as", "update", app.policy_kind, f"let {app.name} run as {user}")


def _write(
    key: str,
    operation: Literal["create", "update", "delete", "file"],
    sobject: str,
    summary: str,
    *,
    rows: int = 1,
    calls: int = 1,
) -> PlannedWrite:
    return PlannedWrite(
        key=key,
        stage=key.partition("/")[0],
        operation=operation,
        sobject=sobject,
        summary=summary,
        rows=rows,
        calls=calls,
    )
