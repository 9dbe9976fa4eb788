"""What the journal holds: the kinds of records and the shape of each one's body.

A record's body is one of these models as JSON. They are what a run leaves behind: recovery, `rehearse status` and every
report come from them and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from harness.access.model import Access
from harness.checks.results import (
    AccessVerdict,
    CheckResult,
    Comparison,
    Mutation,
    OldAnswer,
    OldLook,
    Probes,
    SideBySide,
)
from harness.references.model import ReferenceHit as ReferenceHit  # noqa: PLC0414 - told on to the report
from harness.references.model import ReferenceScan as ReferenceScan  # noqa: PLC0414 - told on to the report
from harness.scenario.model import LossKind


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


class Approval(Body):
    """The plan that somebody approved before the run: it carries out no other."""

    digest: str
    seal: str
    """Of the approved plan: it is used once."""
    expires: datetime


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
    recording_notes: tuple[str, ...] = ()
    """With a replay: what speaks against them: their age, a scenario that outgrew them, another version of the tool."""
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
    only_back: str | None = None
    """With a journal that was made anew from the org (`rehearse adopt`): why the run can only be rolled back, if so."""
    approved: Approval | None = None
    """The plan that was approved beforehand (`rehearse run --plan`)."""


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


WriteOperation = Literal["create", "update", "delete", "file"]


class Intent(Body):
    """Something about to be sent, journaled before it is sent.

    The record's key is the write's id, such as `grant/permission-set`.
    """

    operation: WriteOperation
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
    fenced: bool = False
    """Sent behind the lock: it cannot land once that is gone. Otherwise, where its answer is lost, it is waited out."""


class Outcome(Body):
    """What became of the intent of the same key."""

    certainty: Certainty
    status: int | None = None
    ids: tuple[str, ...] = ()
    """The ids of the rows, in order."""
    error: str | None = None
    """The org's error code and message, where it refused."""
    settled_by: Literal["answer", "read-back", "found"] = "answer"


class Lock(Body):
    """What became of the lock in the org (`harness.migration.writing.lock`)."""

    state: Literal["asked", "held", "refused", "deleting", "deleted", "lost"]
    """`deleting` and `deleted` with `why`; `lost`: somebody else deleted it."""
    name: str | None = None
    id: str | None = None
    holder: str | None = None
    """Its description, when it is asked for."""
    why: str | None = None
    """`released`, `renewed` (what was sent under it must not land later) or `taken over`."""
    error: str | None = None
    """With `refused`: the org's words."""


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
    full_license: str = ""
    """The full license that the source user holds: in-place a seat of it must stay free for the way back, and with
    temporary-full-license the new user takes one for minutes. Empty with new-user."""
    full_seats_total: int = 0
    full_seats_used: int = 0
    full_profile: str = ""
    """With temporary-full-license: the profile the new user begins with."""
    full_profile_id: str = ""
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
    until: datetime | None = None
    """When its assignment expires, where it does."""


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


class Beside(Body):
    """What a user holds beside its permissions, and what confines it."""

    default_record_types: Mapping[str, str] = {}
    """For each object the record type a new row gets, by DeveloperName (`Master` where there is none)."""
    tabs: tuple[str, ...] = ()
    """The tabs its permission sets show."""
    apps: tuple[str, ...] = ()
    """The apps it may open, by API name, the default one first."""
    features: tuple[str, ...] = ()
    """The feature licenses it holds, such as `MarketingUser`."""
    packages: tuple[str, ...] = ()
    """The managed packages it has a seat of, by namespace."""
    login_hours: tuple[str, ...] = ()
    """Such as `Monday 08:00 to 18:00`: when its profile lets it sign in. Empty: always."""
    login_ip_ranges: tuple[str, ...] = ()
    """Such as `10.0.0.0 - 10.0.0.255`: from where its profile lets it sign in. Empty: from anywhere."""
    teams: tuple[str, ...] = ()
    """The teams it is on, such as `AccountTeamMember: 12 rows`."""
    territories: tuple[str, ...] = ()
    """The territories it belongs to, by DeveloperName."""
    shares: Mapping[str, int] = {}
    """How many records of each object are shared with it by name: by hand, or by Apex for a reason of its own."""
    owned: Mapping[str, int] = {}
    """How many records of each object in scope it owns."""
    sharing_rules: tuple[str, ...] = ()
    """The sharing rules that share with a role or group it is in, as `Object.Rule`."""
    unread: tuple[str, ...] = ()
    """What the org would not tell, each in a sentence."""


class Snapshot(Body):
    """Everything the source user may do. The document's name is `snapshot`."""

    person: Person
    sources: tuple[PermissionSource, ...]
    effective: Access
    """The union of the sources."""
    implied: Mapping[str, tuple[str, ...]] = {}
    """The rights on objects that a system permission such as Modify All Data gives without a row of their own: they
    are not in `effective`."""
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
    beside: Beside = Beside()
    """What it holds beside its permissions."""
    idle: tuple[str, ...] = ()
    """The sets and groups that are assigned and give nothing, each with its reason in a sentence."""
    calls: int
    """API calls that reading the permissions took: what is assigned, the sets and their system permissions, the rows of
    object, field and setup permissions, and the names of setup entities."""
    calls_floor: int = 0
    """How many of them paging alone needs: the pages of 2,000 rows that each of the three tables of rows fills."""
    calls_beside: int = 0
    """API calls that the rest of the reading took: the user, labels, record types and what else it holds."""
    rows_read: int
    """How many rows `calls` brought."""


Cause = Literal["license-ceiling", "other-license", "declared-drop", "not-needed-api-only", "not-copyable", "not-used"]


class Loss(Body):
    """Something the source user has and the target user will not get."""

    kind: LossKind
    name: str
    """`Account`, `Account.CreditLimit__c`, `AuthorApex`, `ApexClass:LegacySync`."""
    access: tuple[str, ...] = ()
    """The kinds of access lost, such as `("edit",)`."""
    cause: Cause
    """`other-license`: another permission set license would carry it. `not-used`: `copy: used`, and nothing uses it."""
    because: str
    """In a sentence."""
    license: str | None = None
    """With `other-license`: the DeveloperName of the permission set license that would carry it."""
    sources: tuple[str, ...] = ()
    """The names of the sets that give it to the source user."""
    accepted: bool
    """False makes the plan not executable."""
    accepted_because: str | None = None
    """The scenario's own words, where it drops or accepts it."""
    place: str | None = None
    """`file:line` of the drop or the acceptance."""
    falls_with: str | None = None
    """With a field or record type that is lost because its object is: that loss without rights, `object Account`."""

    @property
    def line(self) -> str:
        """As a scenario accepts it: `object Account: delete`, `tab standard-Account`."""
        return f"{self.kind} {self.name}" + (f": {', '.join(self.access)}" if self.access else "")


class PlannedWrite(Body):
    """One write the plan holds."""

    key: str
    """Such as `grant/permission-set`: the key of its intent."""
    stage: str
    operation: WriteOperation
    sobject: str
    summary: str
    rows: int
    calls: int

    @classmethod
    def of(
        cls, key: str, operation: WriteOperation, sobject: str, summary: str, *, rows: int = 1, calls: int = 1
    ) -> Self:
        """A write of the stage that its key begins with; as a rule of one row, in one call."""
        return cls(
            key=key,
            stage=key.partition("/")[0],
            operation=operation,
            sobject=sobject,
            summary=summary,
            rows=rows,
            calls=calls,
        )


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
    baseline: Access = Access()
    """What the target's profile gives it anyway, as it was when the plan was made: what comes later was not agreed to.
    """
    preconditions: tuple[str, ...]
    """What must still be so when it runs, each a sentence."""
    executable: bool
    refusal: str | None = None
    """Why it is not executable."""
    warnings: tuple[str, ...] = ()
    """What is no loss and yet worth a reviewer's eye, each a sentence."""
    calls: int
    """API calls the writes will take."""
    scenario_digest: str = ""
    """Of the scenario it was made from."""
    tool_version: str = ""
    """Of the tool that made it."""
    digest: str
    """SHA-256 over everything above: two plans that say the same have the same one."""
    expires: datetime | None = None
    """Until when it may wait for its first write."""
    seal: str = ""
    """SHA-256 over everything above, the end of its lifetime included."""


class TriedCeiling(Body):
    """What the license refused when it was tried on a throw-away user. The record's key is `ceiling`."""

    username: str
    """The throw-away user, inactive again."""
    refused: Access
    """What the org would not let it hold."""
    beyond: tuple[str, ...] = ()
    """System permissions that it may hold, though the license's own columns do not say so."""
    answers: Mapping[str, str] = {}
    """The org's own words for each right it refused, such as `Account: read` or `AuthorApex`."""
    carried_with: Mapping[str, Access] = {}
    """What of the refused it could hold with a further permission set license, by that one's DeveloperName."""
    tried: int
    """How many permissions were tried."""
    calls: int


class UsedPermission(Body):
    """One permission of the three-way table of use."""

    kind: Literal["object", "field", "system", "setup", "record-type"]
    name: str
    access: str
    """`read`, `create`, `edit`, `delete`, `view-all`...; `held` for what is only held or not."""
    verdict: Literal["used", "never-used", "missing"]
    """Used and granted, granted and never used, needed and missing."""
    seen_in: tuple[str, ...] = ()
    """Where the use was seen, such as `workload[2: upsert Account]` or `night.har:41`; the first few."""


class Usage(Body):
    """What the integration uses, held beside what is granted. The record's key is `usage`."""

    permissions: tuple[UsedPermission, ...]
    requests: int
    """How many requests of recordings and workload were read."""
    observed_from: datetime | None = None
    observed_until: datetime | None = None
    blind_spots: tuple[str, ...]
    """What the evidence cannot see, each in a sentence."""
    permission_set: str
    """The permission set that grants what is used, as metadata XML."""


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
    old_user_foreign_last: datetime | None = None
    """When the last of them was."""
    quiet_for_seconds: float | None = None
    """For how long the old user made no foreign sign-in, at `until`."""
    read_from: datetime | None = None
    """From when on LoginHistory was read for this sample; what was before is in the counts of the one before."""
    counted: tuple[str, ...] = ()
    """The ids of the sign-ins of the last hour, which the next sample meets again."""
    rows: tuple[Mapping[str, str | None], ...] = ()
    """LoginTime, Username, LoginType, LoginSubType, Status, Application of the newest few."""


class CutOverState(Body):
    """Where a cut-over stands: it is through in time, or it falls back (`harness.migration.time_box`)."""

    state: Literal["begun", "falling-back", "fell-back", "stuck"]
    """`begun`: the next record is its first write. `stuck`: it fell back, and not everything came back."""
    until: datetime | None = None
    """With `begun`: when the time box runs out."""
    because: str | None = None
    """Why it falls back."""
    left: tuple[str, ...] = ()
    """With `stuck`: what did not come back, each in a sentence."""


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


class ForeignChange(Body):
    """One entry of the Setup Audit Trail that is not of this run's making, about something in scope."""

    id: str
    by: str
    at: datetime
    action: str
    section: str = ""
    display: str
    """What was changed, in the org's own words."""
    by_our_user: bool = False
    """By the admin this run writes as, but not when this run wrote: a person, or another tool, works as that user."""

    def __str__(self) -> str:
        shared = ", the user this run writes as, when it did not" if self.by_our_user else ""
        return f"{self.display} (by {self.by}{shared}, at {self.at:%Y-%m-%d %H:%M:%S} UTC)"


class AuditTrail(Body):
    """What the Setup Audit Trail says of the time since the snapshot. The record's key is the stage that read it."""

    since: datetime
    until: datetime
    entries: int
    """How many there are in that time, whatever they are about."""
    own: int = 0
    """How many of them are of this run's making."""
    foreign: tuple[ForeignChange, ...] = ()
    """Those of others that are about something in scope."""
    unread: tuple[str, ...] = ()
    """What it does not tell, each in a sentence."""


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
    "cut-over": CutOverState,
    "proof": RollbackProof,
    "note": Note,
    "ceiling": TriedCeiling,
    "usage": Usage,
    "references": ReferenceScan,
    "probes": Probes,
    "verdict": AccessVerdict,
    "side-by-side": SideBySide,
    "old-answer": OldAnswer,
    "old-look": OldLook,
    "mutation": Mutation,
    "lock": Lock,
    "audit": AuditTrail,
}
"""The kind of a record, and the model of its body."""
