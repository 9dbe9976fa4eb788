"""What the journal holds: the kinds of records and the shape of each one's body.

A record's body is one of these models as JSON. They are what a run leaves behind: recovery, `rehearse status` and every
report come from them and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from harness.access.model import Access
from harness.checks.results import CheckResult, Comparison


class Body(BaseModel):
    """The base of every record's body: immutable, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Certainty = Literal["APPLIED", "NOT_APPLIED", "UNKNOWN"]


class OrgFacts(Body):
    """Which org a run was made in."""

    name: str
    """`simulated`, or the name in the configuration."""
    kind: Literal["simulated", "sandbox", "scratch"]
    """What it is, as preflight proved it."""
    org_id: str
    """18 characters."""
    my_domain: str
    """The My Domain URL."""
    api_version: str
    """Such as `67.0`."""


class RunStarted(Body):
    """The first record of a run."""

    run_id: str
    tool_version: str
    purpose: Literal["migration", "rollback-rehearsal"]
    """A rollback rehearsal goes only as far as `until` and is undone again."""
    until: str | None = None
    """With a rollback rehearsal: the stage it is undone from."""
    system: str
    scenario_purpose: str
    scenario_file: str
    scenario_digest: str
    source_username: str
    target_username: str
    strategy: str
    stages: tuple[str, ...]
    sign_off_expected: Literal["granted", "refused"]
    sign_off_because: str | None = None
    org_name: str
    cassettes: Literal["replay", "record", "off"]
    recorded_at: datetime | None = None
    """With a replay: when the cassettes were recorded."""
    recorded_from: str | None = None
    """With a replay: what kind of org they were recorded from, in words."""
    by: str
    """Who ran it: the admin's username in the org."""
    checks: tuple[str, ...] | None = None
    """The ids of every check the scenario holds: one without a record was not made. None: nobody said."""
    operations: tuple[str, ...] | None = None
    """The ids of every operation of the workload, likewise."""
    rollback_stages: tuple[str, ...] | None = None
    """The stages the scenario wants the rollback proven from, likewise."""
    plan_from: str | None = None
    """With a rollback rehearsal: the run whose snapshot and plan it reuses."""


class StageStarted(Body):
    """A stage begins."""


class StageFinished(Body):
    """A stage ended."""

    result: Literal["passed", "failed", "stopped", "refused"]
    """`refused`: the plan is not executable, nothing was written."""
    calls: int
    """API calls made in the stage, sign-ins included."""
    writes: int = 0
    """Rows written."""
    message: str
    """One line for people: what was done, or why it failed."""
    answer: str | None = None
    """With a failure: the org's answer, in its own words."""
    remedy: str | None = None
    place: str | None = None
    """With a failure: `file:line` of the scenario that it is about."""
    until: datetime | None = None
    """With `stopped`: until when it waits."""


class Intent(Body):
    """Something about to be sent, journaled before it is sent.

    The record's key is the write's id, such as `grant/permission-set`.
    """

    operation: Literal["create", "update", "delete", "file"]
    """`file`: the credential file is replaced."""
    sobject: str
    """The object written, or the credential store's name."""
    summary: str
    """One line for people, such as `assign Integration - ERP - Order Sync to erp.integration@acme.example`."""
    rows: int = 1
    """How many rows the write holds."""
    natural_key: Mapping[str, Any]
    """By what the row is found again when the answer is lost, such as {"Username": "..."}. No secrets."""
    before: Mapping[str, Any] | None = None
    """The values before, where there were any."""
    after: Mapping[str, Any] | None = None
    """The values written. No secrets."""
    found: bool = False
    """True when it was already so: then nothing is sent and nothing is undone."""
    inverse: str
    """How it is undone, in words, such as `delete the assignment`."""
    undoes: str | None = None
    """With a rollback's write: the key of the write that it undoes."""


class Outcome(Body):
    """What became of the intent of the same key."""

    certainty: Certainty
    status: int | None = None
    ids: tuple[str, ...] = ()
    """The ids of the rows, in order."""
    error: str | None = None
    """The org's error code and message, where it refused."""
    settled_by: Literal["answer", "read-back", "found"] = "answer"


class Preflight(Body):
    """What preflight proved. The document's name is `preflight`."""

    org: OrgFacts
    is_sandbox: bool
    trial_expires: datetime | None = None
    instance: str
    organization_type: str
    admin_username: str
    user_license: str
    """The name of the target user license."""
    seats_total: int
    seats_used: int
    permission_set_license: str
    psl_seats_total: int
    psl_seats_used: int
    profile: str
    """The name of the profile found for the target license."""
    profile_id: str = ""
    permission_set_license_id: str = ""
    target_app: str
    target_app_kind: Literal["ConnectedApplication", "ExternalClientApplication"] | None = None
    target_app_admin_approved_only: bool | None = None
    findings: tuple[str, ...] = ()
    """Warnings worth a reviewer's eye, each a sentence."""


class PermissionSource(Body):
    """One set that gives a user permissions."""

    kind: Literal["profile", "permission-set", "permission-set-group"]
    name: str
    label: str
    id: str
    license: str | None = None
    """The license the set is bound to, if any."""
    access: Access


class Person(Body):
    """A user of the org, as far as a report needs it."""

    id: str
    username: str
    name: str
    profile: str
    user_license: str
    is_active: bool
    is_frozen: bool
    role: str | None = None
    permission_set_licenses: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Public groups, by developer name."""
    queues: tuple[str, ...] = ()
    """Queues, by developer name."""


class Snapshot(Body):
    """Everything the source user may do. The document's name is `snapshot`."""

    person: Person
    sources: tuple[PermissionSource, ...]
    effective: Access
    """The union of the sources."""
    fingerprint: str
    """A SHA-256 over the canonical access state of the org that is in scope."""
    labels: Mapping[str, str] = {}
    """Labels of objects (`Account`) and fields (`Account.Name`), where they are known."""
    parts: Mapping[str, str] = {}
    """What the fingerprint is made of: each part's value, or its digest."""
    setup_ids: Mapping[str, str] = {}
    """The id of each setup entity in `effective`, by `TYPE:NAME`."""
    masters: Mapping[str, tuple[str, ...]] = {}
    """The master objects of each detail object in `effective`."""
    features: tuple[str, ...] = ()
    """The feature licenses the user holds, such as `MarketingUser`."""
    tabs: tuple[str, ...] = ()
    """The tabs its permission sets show."""
    calls: int
    rows_read: int


class Loss(Body):
    """Something the source user has and the target user will not get."""

    kind: Literal["object", "field", "system", "setup", "role", "group", "queue", "tab", "feature-license"]
    name: str
    """`Account`, `Account.CreditLimit__c`, `AuthorApex`, `ApexClass:LegacySync`."""
    access: tuple[str, ...] = ()
    """The kinds of access lost, such as `("edit",)`."""
    cause: Literal["license-ceiling", "declared-drop", "not-needed-api-only", "not-copyable"]
    because: str
    """In a sentence; with a declared drop, the scenario's own words."""
    sources: tuple[str, ...] = ()
    """The names of the sets that give it to the source user."""
    accepted: bool
    """False makes the plan not executable."""
    place: str | None = None
    """With a declared drop: `file:line`."""


class PlannedWrite(Body):
    """One write the plan holds."""

    key: str
    """Such as `grant/permission-set`: the key of its intent."""
    stage: str
    operation: Literal["create", "update", "delete", "file"]
    sobject: str
    summary: str
    rows: int
    calls: int


class Plan(Body):
    """What will be written and what will be lost. The document's name is `plan`."""

    org_id: str
    snapshot_fingerprint: str
    writes: tuple[PlannedWrite, ...]
    losses: tuple[Loss, ...]
    carried: Access
    """What the target user will hold through the permission set."""
    added: tuple[str, ...] = ()
    """What had to be added for a dependency, each with its reason."""
    preconditions: tuple[str, ...]
    """What must still be so when it runs, each a sentence."""
    executable: bool
    refusal: str | None = None
    """Why it is not executable."""
    calls: int
    """API calls the writes will take."""
    digest: str
    """SHA-256 over everything above."""


class AccessAfter(Body):
    """What the target user may do, read back after the grants. The document's name is `access-after`."""

    person: Person
    effective: Access


class Observation(Body):
    """The sign-ins of the two users, as LoginHistory shows them."""

    since: datetime
    until: datetime
    old_user_sign_ins: int
    old_user_foreign_sign_ins: int
    """Sign-ins of the old user that this run did not make."""
    old_user_last: datetime | None = None
    new_user_sign_ins: int
    quiet_for_seconds: float | None = None
    """For how long the old user made no foreign sign-in, at `until`."""
    rows: tuple[Mapping[str, str | None], ...] = ()
    """LoginTime, Username, LoginType, LoginSubType, Status, Application of the newest few."""


class RollbackProof(Body):
    """What a rollback left behind, proven by comparing fingerprints."""

    from_stage: str
    fingerprint_before: str
    fingerprint_after: str
    equal: bool
    residue: tuple[str, ...] = ()
    """What cannot be undone, declared: the inactive user."""
    drift: tuple[str, ...] = ()
    """What was left alone because somebody else changed it."""
    differences: tuple[str, ...] = ()
    """With `equal` false: what differs."""
    credential_restored: bool
    old_user_signs_in: bool


class Note(Body):
    """Something a reviewer must know: what was not tested, or a warning."""

    kind: Literal["not-tested", "warning"]
    text: str


BODIES: Mapping[str, type[BaseModel]] = {
    "run.started": RunStarted,
    "stage.started": StageStarted,
    "stage.finished": StageFinished,
    "intent": Intent,
    "outcome": Outcome,
    "preflight": Preflight,
    "snapshot": Snapshot,
    "plan": Plan,
    "access-after": AccessAfter,
    "check": CheckResult,
    "comparison": Comparison,
    "observation": Observation,
    "proof": RollbackProof,
    "note": Note,
}
"""The kind of a record, and the model of its body."""
