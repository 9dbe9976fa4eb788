"""Journals as runs leave them, written through `Journal.write`: what the report's tests read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from harness.access.model import Access
from harness.checks.results import Answered, Asked, CheckResult, Comparison
from harness.migration.journal import Journal
from harness.migration.records import (
    AccessAfter,
    Intent,
    Loss,
    Note,
    Observation,
    OrgFacts,
    Outcome,
    PermissionSource,
    Person,
    Plan,
    PlannedWrite,
    Preflight,
    RollbackProof,
    RunStarted,
    Snapshot,
    StageFinished,
    StageStarted,
)

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
)
ROLLBACK_STAGES = STAGES[3:]
FILE = "scenarios/erp.scenario.yaml"
OLD, NEW, ADMIN = "erp.sync@acme.example", "erp.integration@acme.example", "admin@acme.example"
GRANTS = ("grants[Account: read]", "grants[Order: insert]", "grants[sign in: client-credentials]")
DENIALS = ("denials[Employee__c: read]", "denials[Account.CreditLimit__c: edit]", "denials[sign in: ui]")
OPERATIONS = (
    "workload[1: query Order]",
    "workload[2: upsert Account]",
    "workload[3: describe Account]",
    "workload[4: bulk query OrderItem]",
)
PROFILE = "ERP Sync Profile"
EXTRA = "ERP Order Management"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Writer:
    """Writes one run's records, a second apart."""

    journal: Journal
    run: str = "a1b2c3d4e5f6"
    at: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    stage: str = ""
    calls: dict[str, int] = field(default_factory=dict)

    def write(self, kind: str, body: BaseModel, *, key: str = "", seconds: float = 1.25) -> None:
        self.at += timedelta(seconds=seconds)
        self.journal.write(run=self.run, at=self.at, kind=kind, stage=self.stage, key=key, body=body)

    def begin(self, **changes: Any) -> None:
        self.stage = ""
        self.write("run.started", header(run_id=self.run, **changes))

    def start(self, stage: str) -> None:
        self.stage = stage
        self.write("stage.started", StageStarted())

    def finish(self, message: str, *, calls: int = 3, writes: int = 0, result: Any = "passed", **more: Any) -> None:
        body = StageFinished(result=result, calls=calls, writes=writes, message=message, **more)
        self.write("stage.finished", body)

    def intend(self, key: str, sobject: str, summary: str, *, inverse: str, rows: int = 1, **more: Any) -> None:
        body = Intent(
            operation=more.pop("operation", "create"),
            sobject=sobject,
            summary=summary,
            rows=rows,
            natural_key={"Name": summary},
            inverse=inverse,
            **more,
        )
        self.write("intent", body, key=key)
        self.write("outcome", Outcome(certainty="APPLIED", status=201, ids=("0PS000000000001",)), key=key)


def header(**changes: Any) -> RunStarted:
    values: dict[str, Any] = {
        "run_id": "a1b2c3d4e5f6",
        "tool_version": "0.1.0",
        "purpose": "migration",
        "system": "ERP",
        "scenario_purpose": "Order Sync",
        "scenario_file": FILE,
        "scenario_digest": sha("scenario"),
        "source_username": OLD,
        "target_username": NEW,
        "strategy": "new-user",
        "stages": STAGES,
        "sign_off_expected": "granted",
        "org_name": "simulated",
        "cassettes": "replay",
        "recorded_at": datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
        "recorded_from": "simulated sandbox",
        "by": ADMIN,
        "checks": (*GRANTS, *DENIALS),
        "operations": OPERATIONS,
        "rollback_stages": ROLLBACK_STAGES,
    }
    return RunStarted(**{**values, **changes})


# --- who and what -----------------------------------------------------------------------------------------------------


def old_person(**changes: Any) -> Person:
    values: dict[str, Any] = {
        "id": "005000000000002",
        "username": OLD,
        "name": "ERP Sync",
        "profile": PROFILE,
        "user_license": "Salesforce",
        "is_active": True,
        "is_frozen": False,
        "role": "Back Office",
        "groups": ("ERP_Partners",),
        "queues": ("Order_Exceptions",),
    }
    return Person(**{**values, **changes})


def new_person(**changes: Any) -> Person:
    values: dict[str, Any] = {
        "id": "005000000000009",
        "username": NEW,
        "name": "ERP Integration",
        "profile": "Minimum Access - API Only Integrations",
        "user_license": "Salesforce Integration",
        "is_active": True,
        "is_frozen": False,
        "permission_set_licenses": ("Salesforce API Integration",),
        "groups": ("ERP_Partners",),
        "queues": ("Order_Exceptions",),
    }
    return Person(**{**values, **changes})


def access(
    objects: Mapping[str, Iterable[str]],
    fields: Mapping[str, Iterable[str]],
    system: Iterable[str] = (),
    setup: Iterable[str] = (),
) -> Access:
    return Access.model_validate(
        {
            "objects": {name: frozenset(rights) for name, rights in objects.items()},
            "fields": {name: frozenset(rights) for name, rights in fields.items()},
            "system": frozenset(system),
            "setup": frozenset(setup),
        }
    )


FULL = ("read", "create", "edit", "delete")
BOTH = ("read", "edit")
OBJECTS: Mapping[str, tuple[str, ...]] = {
    "Account": (*FULL, "view-all", "modify-all"),
    "Contact": FULL,
    "Contract": ("read",),
    "ERP_Log__c": FULL,
    "Opportunity": FULL,
    "Order": (*FULL, "view-all"),
    "OrderItem": FULL,
    "Pricebook2": ("read",),
    "PricebookEntry": ("read", "create", "edit"),
    "Product2": ("read", "create", "edit"),
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    **{f"Account.{name}": BOTH for name in ("BillingCity", "BillingCountry", "CreditLimit__c", "ERP_Key__c", "Phone")},
    **{f"Account.{name}": ("read",) for name in ("CreatedById", "OwnerId", "Rating")},
    **{f"Contact.{name}": BOTH for name in ("Email", "Phone", "Title", "Department")},
    **{f"ERP_Log__c.{name}": BOTH for name in ("Level__c", "Message__c", "Payload__c", "Run__c")},
    **{f"Opportunity.{name}": BOTH for name in ("Amount", "CloseDate", "NextStep", "StageName", "Forecast__c")},
    **{f"Order.{name}": BOTH for name in ("BillToContactId", "EffectiveDate", "ERP_Number__c", "PoNumber", "Status")},
    "Order.TotalAmount": ("read",),
    **{f"OrderItem.{name}": BOTH for name in ("Discount__c", "Quantity", "UnitPrice")},
    **{f"Product2.{name}": BOTH for name in ("Family", "ProductCode", "ERP_Key__c")},
}
SYSTEM = ("ApiEnabled", "ChatterInternalUser", "EditTask", "LightningExperienceUser", "ManageUsers", "RunReports")
SETUP = ("ApexClass:OrderSync", "ApexClass:OrderSyncQueue", "ApexClass:LegacySync", "CustomPermission:Skip_Validation")
LABELS = {
    "ERP_Log__c": "ERP Log",
    "Order": "Order",
    "Account.CreditLimit__c": "Credit Limit",
    "Account.ERP_Key__c": "ERP Key",
    "OrderItem": "Order Product",
    "Product2": "Product",
    "Opportunity.Forecast__c": "Forecast",
}


def before() -> Access:
    return access(OBJECTS, FIELDS, SYSTEM, SETUP)


def carried() -> Access:
    """What is left when the losses below are taken away, and a little that is gained."""
    objects = {**OBJECTS, "Account": (*FULL, "view-all"), "Contract": ("read", "create")}
    del objects["Opportunity"]
    fields = {name: rights for name, rights in FIELDS.items() if not name.startswith("Opportunity.")}
    fields["Account.CreditLimit__c"] = ("read",)
    fields["Order.TotalAmount"] = ("read", "edit")
    return access(objects, fields, ("ApiEnabled", "EditTask", "RunReports"), SETUP[:2] + SETUP[3:])


def losses() -> tuple[Loss, ...]:
    return (
        loss("object", "Opportunity", FULL, "license-ceiling", "The license carries no permission on Opportunity."),
        loss(
            "object", "Account", ("modify-all",), "declared-drop", "The sync owns what it changes.", place=f"{FILE}:21"
        ),
        loss("field", "Account.CreditLimit__c", ("edit",), "declared-drop", "Finance sets it.", place=f"{FILE}:24"),
        loss("system", "ManageUsers", (), "declared-drop", "The sync never creates users.", place=f"{FILE}:19"),
        loss("system", "LightningExperienceUser", (), "not-needed-api-only", "It concerns the user interface only."),
        loss("system", "ChatterInternalUser", (), "not-needed-api-only", "It concerns the user interface only."),
        loss("setup", "ApexClass:LegacySync", (), "declared-drop", "Replaced in 2024.", place=f"{FILE}:27"),
        loss("role", "Back Office", (), "not-needed-api-only", "Sharing through groups shows the same records."),
    )


def loss(kind: Any, name: str, rights: Sequence[str], cause: Any, because: str, **more: Any) -> Loss:
    values = {"accepted": True, "sources": (PROFILE,), **more}
    return Loss(kind=kind, name=name, access=tuple(rights), cause=cause, because=because, **values)


def snapshot(**changes: Any) -> Snapshot:
    held = before()
    extra = access({"Order": FULL, "OrderItem": FULL}, {k: v for k, v in FIELDS.items() if k.startswith("Order")})
    values: dict[str, Any] = {
        "person": old_person(),
        "sources": (
            PermissionSource(kind="profile", name=PROFILE, label=PROFILE, id="00e000000000001", access=held),
            PermissionSource(kind="permission-set", name="ERP_Orders", label=EXTRA, id="0PS000000000007", access=extra),
        ),
        "effective": held,
        "fingerprint": sha("fingerprint"),
        "labels": LABELS,
        "calls": 9,
        "rows_read": 412,
    }
    return Snapshot(**{**values, **changes})


def plan(**changes: Any) -> Plan:
    writes = (
        ("provision/1", "provision", "User", f"create the user {NEW}", 1, 1),
        ("provision/2", "provision", "PermissionSetLicenseAssign", "assign Salesforce API Integration", 1, 1),
        ("grant/1", "grant", "PermissionSet", "create Integration - ERP - Order Sync", 1, 1),
        ("grant/2", "grant", "ObjectPermissions", "grant 9 objects", 9, 1),
        ("grant/3", "grant", "FieldPermissions", "grant 27 fields", 27, 1),
        ("grant/4", "grant", "SetupEntityAccess", "grant 3 setup entities", 3, 1),
        ("grant/5", "grant", "PermissionSetAssignment", f"assign Integration - ERP - Order Sync to {NEW}", 1, 1),
        ("switch/1", "switch", "dotenv", "replace the credential in erp/.env", 1, 0),
    )
    values: dict[str, Any] = {
        "org_id": "00D000000000001AAA",
        "snapshot_fingerprint": sha("fingerprint"),
        "writes": tuple(
            PlannedWrite(
                key=key,
                stage=stage,
                operation="file" if sobject == "dotenv" else "create",
                sobject=sobject,
                summary=summary,
                rows=rows,
                calls=calls,
            )
            for key, stage, sobject, summary, rows, calls in writes
        ),
        "losses": losses(),
        "carried": carried(),
        "added": ("Order.TotalAmount: edit, because the price field it sums up is edited.",),
        "preconditions": (
            "The access fingerprint of the org is the snapshot's.",
            "A seat of Salesforce Integration is free.",
        ),
        "executable": True,
        "calls": 7,
        "digest": sha("plan"),
    }
    return Plan(**{**values, **changes})


def preflight(**changes: Any) -> Preflight:
    values: dict[str, Any] = {
        "org": OrgFacts(
            name="simulated",
            kind="simulated",
            org_id="00D000000000001AAA",
            my_domain="http://127.0.0.1:8443",
            api_version="67.0",
        ),
        "is_sandbox": True,
        "instance": "SIM1",
        "organization_type": "Enterprise Edition",
        "admin_username": ADMIN,
        "user_license": "Salesforce Integration",
        "seats_total": 5,
        "seats_used": 1,
        "permission_set_license": "Salesforce API Integration",
        "psl_seats_total": 5,
        "psl_seats_used": 1,
        "profile": "Minimum Access - API Only Integrations",
        "target_app": "ERP Integration",
        "target_app_kind": "ConnectedApplication",
        "target_app_admin_approved_only": True,
        "findings": ("The old user's sign-in flow, username-password, is blocked in new orgs.",),
    }
    return Preflight(**{**values, **changes})


# --- questions and answers --------------------------------------------------------------------------------------------


def check(check_id: str, *, line: int, **changes: Any) -> CheckResult:
    grant = check_id.startswith("grants")
    title = check_id.partition("[")[2].removesuffix("]")
    denied = {"status": 400, "error_code": "INVALID_TYPE", "message": "sObject type 'Employee__c' is not supported."}
    request = f"GET /query?q=SELECT Id FROM {title.partition(':')[0]}"
    answer = Asked(
        principal="target", username=NEW, request=request, **({"status": 200, "rows": 10} if grant else denied)
    )
    values: dict[str, Any] = {
        "kind": "grant" if grant else "denial",
        "title": title,
        "place": f"{FILE}:{line}",
        "expected": "it is answered" if grant else "INVALID_TYPE",
        "passed": True,
        "answer": answer,
        "control": None if grant else Asked(principal="admin", username=ADMIN, request=request, status=200, rows=4),
    }
    return CheckResult(**{**values, **changes})


def compare(operation: str, *, line: int, alone: bool = False, **changes: Any) -> Comparison:
    fields = ("Id", "Status", "TotalAmount")
    values: dict[str, Any] = {
        "title": operation.partition(": ")[2].removesuffix("]"),
        "place": f"{FILE}:{line}",
        "old": None if alone else Answered(username=OLD, rows=50, fields=fields),
        "new": Answered(username=NEW, rows=50, fields=fields),
        "equal": True,
    }
    return Comparison(**{**values, **changes})


def observation(**changes: Any) -> Observation:
    values: dict[str, Any] = {
        "since": datetime(2026, 1, 5, 9, 1, tzinfo=UTC),
        "until": datetime(2026, 1, 19, 9, 1, tzinfo=UTC),
        "old_user_sign_ins": 1,
        "old_user_foreign_sign_ins": 0,
        "old_user_last": datetime(2026, 1, 5, 9, 1, 20, tzinfo=UTC),
        "new_user_sign_ins": 2,
        "quiet_for_seconds": 14 * 86_400.0,
        "rows": (
            {
                "LoginTime": "2026-01-05T09:01:20.000+0000",
                "Username": OLD,
                "LoginType": "Remote Access 2.0",
                "LoginSubType": "OAuthUserPassword",
                "Status": "Success",
                "Application": "ERP Legacy",
            },
            {
                "LoginTime": "2026-01-05T09:01:10.000+0000",
                "Username": NEW,
                "LoginType": "Remote Access 2.0",
                "LoginSubType": "OAuthClientCredentials",
                "Status": "Success",
                "Application": "ERP Integration",
            },
        ),
    }
    return Observation(**{**values, **changes})


def proof(stage: str, **changes: Any) -> RollbackProof:
    values: dict[str, Any] = {
        "from_stage": stage,
        "fingerprint_before": sha("fingerprint"),
        "fingerprint_after": sha("fingerprint"),
        "equal": True,
        "residue": (f"the inactive user {NEW}",),
        "credential_restored": True,
        "old_user_signs_in": True,
    }
    return RollbackProof(**{**values, **changes})


# --- whole runs -------------------------------------------------------------------------------------------------------


def write_planning(w: Writer, *, taken: Snapshot | None = None, made: Plan | None = None) -> None:
    w.start("preflight")
    w.write("preflight", preflight(), key="preflight")
    w.finish("The simulated sandbox has a free seat and the app admits admin-approved users.", calls=7)
    w.start("snapshot")
    w.write("snapshot", taken or snapshot(), key="snapshot")
    w.finish("412 rows of access read.", calls=9)
    w.start("plan")
    made = made or plan()
    w.write("plan", made, key="plan")
    if made.executable:
        w.finish(f"{len(made.writes)} writes, {len(made.losses)} losses, all accepted.", calls=4)
    else:
        w.finish(made.refusal or "", calls=4, result="refused", place=f"{FILE}:12")


def write_grants(w: Writer, *, after: AccessAfter | None = None) -> None:
    w.start("provision")
    w.intend("provision/1", "User", f"create the user {NEW}", inverse="deactivate the user")
    w.intend(
        "provision/2",
        "PermissionSetLicenseAssign",
        "assign Salesforce API Integration",
        inverse="delete the assignment",
    )
    w.finish("The user and its permission set license stand.", calls=4, writes=2)
    w.start("grant")
    w.intend("grant/1", "PermissionSet", "create Integration - ERP - Order Sync", inverse="delete the permission set")
    w.intend("grant/2", "ObjectPermissions", "grant 9 objects", inverse="goes with the permission set", rows=9)
    w.intend("grant/3", "FieldPermissions", "grant 27 fields", inverse="goes with the permission set", rows=27)
    w.intend("grant/5", "PermissionSetAssignment", "assign the permission set", inverse="delete the assignment")
    w.write("access-after", after or AccessAfter(person=new_person(), effective=carried()), key="access-after")
    w.finish("One permission set, 9 objects, 27 fields, 3 setup entities.", calls=11, writes=41)
    w.start("authorize")
    w.intend(
        "authorize/1",
        "SetupEntityAccess",
        "admit the new user to ERP Integration",
        inverse="nothing: it was so before",
        found=True,
    )
    w.finish("The app admits the new user.", calls=3)


def write_verify(w: Writer, *, red: Mapping[str, CheckResult] | None = None) -> None:
    w.start("verify")
    ids = (*GRANTS, *DENIALS)
    failed = 0
    for line, check_id in enumerate(ids, start=40):
        result = (red or {}).get(check_id) or check(check_id, line=line)
        failed += not result.passed
        w.write("check", result, key=check_id)
    if failed:
        w.finish(f"{failed} of {len(ids)} checks failed.", calls=13, result="failed", place=f"{FILE}:40")
    else:
        w.finish(f"{len(ids)} checks passed.", calls=13)


def write_work(w: Writer) -> None:
    w.start("switch")
    w.intend("switch/1", "dotenv", "replace the credential in erp/.env", inverse="restore the file", operation="file")
    w.finish("erp/.env holds the new credential.", calls=1, writes=1)
    w.start("dual-auth")
    for line, operation in enumerate(OPERATIONS, start=30):
        w.write("comparison", compare(operation, line=line), key=operation)
    w.write("observation", observation(), key="observation")
    w.at += timedelta(days=14)
    w.finish("Four operations equal; the old user was quiet for 14 days.", calls=31)
    w.start("cut-over")
    w.intend("cut-over/1", "UserLogin", f"freeze {OLD}", inverse="unfreeze the user", operation="update")
    for line, operation in enumerate(OPERATIONS, start=30):
        w.write("comparison", compare(operation, line=line, alone=True), key=operation)
    w.write("note", Note(kind="not-tested", text="The file of the real external system: a copy stood in for it."))
    w.finish("The old user is frozen and refused; the workload runs.", calls=19, writes=1)


def write_rollback(w: Writer, stage: str, **changes: Any) -> None:
    w.start("rollback")
    w.intend("rollback/1", "UserLogin", f"unfreeze {OLD}", inverse="none", operation="update", undoes="cut-over/1")
    shown = proof(stage, **changes)
    w.write("proof", shown, key="proof")
    if shown.equal:
        w.finish("Everything is as it was, but for one inactive user.", calls=17, writes=9)
    else:
        w.finish("The access differs from the snapshot's.", calls=17, writes=9, result="failed")


def write_rehearsed_rollback(journal: Journal, stage: str, *, of: Writer, at: datetime, **changes: Any) -> None:
    w = Writer(journal, run=sha(f"{of.run} {stage}")[:12], at=at)
    w.begin(purpose="rollback-rehearsal", until=stage, plan_from=of.run)
    for name in STAGES[3 : STAGES.index(stage) + 1]:
        w.start(name)
        w.finish("Done.", calls=5, writes=2)
    write_rollback(w, stage, **changes)


def signed_off(journal: Journal | None = None, **changes: Any) -> Journal:
    """A migration of the ERP's user that did all it owes, with a rollback proven from every stage."""
    journal = journal or Journal(None)
    w = Writer(journal)
    w.begin(**changes)
    write_planning(w)
    write_grants(w)
    write_verify(w)
    write_work(w)
    write_rollback(w, "cut-over")
    for place, stage in enumerate(ROLLBACK_STAGES[:-1]):
        write_rehearsed_rollback(journal, stage, of=w, at=w.at + timedelta(minutes=place + 1))
    return journal


def refused_plan() -> Journal:
    """Scenario (d): the old user holds what the license cannot carry, and nobody accepted its loss."""
    journal = Journal(None)
    w = Writer(journal, run="d0d0d0d0d0d0")
    w.begin(
        system="Legacy BI",
        scenario_purpose="Nightly Extract",
        scenario_file="scenarios/legacy-bi.scenario.yaml",
        sign_off_expected="refused",
        sign_off_because="Author Apex and Manage Users are beyond the Salesforce Integration license.",
    )
    refusal = "two permissions are beyond the license, and the scenario does not drop them."
    unaccepted = tuple(
        loss("system", name, (), "license-ceiling", "The license carries no such permission.", accepted=False)
        for name in ("AuthorApex", "ManageUsers")
    )
    made = plan(losses=(*losses(), *unaccepted), executable=False, refusal=refusal)
    taken = snapshot(effective=before().model_copy(update={"system": frozenset({*SYSTEM, "AuthorApex"})}))
    write_planning(w, taken=taken, made=made)
    return journal


def failed_verify() -> Journal:
    """A grant that is missing in the org: its check is red, the later stages did not run, everything was undone."""
    journal = Journal(None)
    w = Writer(journal, run="f0f0f0f0f0f0")
    w.begin()
    write_planning(w)
    held = carried()
    fields = {name: rights for name, rights in held.fields.items() if name != "Account.ERP_Key__c"}
    write_grants(w, after=AccessAfter(person=new_person(), effective=held.model_copy(update={"fields": fields})))
    red = check(
        GRANTS[0],
        line=40,
        passed=False,
        answer=Asked(
            principal="target",
            username=NEW,
            request="GET /query?q=SELECT Id, Name, ERP_Key__c FROM Account LIMIT 10",
            status=400,
            error_code="INVALID_FIELD",
            message="No such column 'ERP_Key__c' on entity 'Account'.",
        ),
        reason="The field is not visible to the new user.",
        remedy="Grant read on Account.ERP_Key__c to the permission set.",
    )
    write_verify(w, red={GRANTS[0]: red})
    write_rollback(w, "verify")
    return journal


def partial() -> Journal:
    """A live run that stopped in dual-auth: two checks not made, the old user not quiet yet, a write not settled."""
    journal = Journal(None)
    w = Writer(journal, run="b0b0b0b0b0b0")
    w.begin(org_name="uat", cassettes="off", recorded_at=None, recorded_from=None)
    write_planning(w)
    write_grants(w)
    w.start("verify")
    for line, check_id in enumerate((*GRANTS, *DENIALS)[:-2], start=40):
        w.write("check", check(check_id, line=line), key=check_id)
    silent = check(DENIALS[1], line=44, passed=False, made=False, answer=None, control=None)
    w.write("check", silent.model_copy(update={"reason": "No account is visible to ask about."}), key=DENIALS[1])
    w.finish("Four checks passed.", calls=9)
    w.start("switch")
    body = Intent(
        operation="file", sobject="dotenv", summary="replace the credential", natural_key={}, inverse="restore the file"
    )
    w.write("intent", body, key="switch/1")
    w.finish("erp/.env holds the new credential.", calls=1, writes=1)
    w.start("dual-auth")
    w.write("comparison", compare(OPERATIONS[0], line=30), key=OPERATIONS[0])
    differing = compare(
        OPERATIONS[1],
        line=31,
        equal=False,
        new=Answered(username=NEW, rows=47, fields=("Id", "Status"), failed_rows=3),
        differences=("The new user gets 47 rows, the old one 50.", "TotalAmount does not come back."),
        remedy="Share the three accounts with a group of the new user.",
    )
    w.write("comparison", differing, key=OPERATIONS[1])
    foreign = observation(old_user_foreign_sign_ins=3, quiet_for_seconds=7_200.0)
    w.write("observation", foreign, key="observation")
    w.finish(
        "The old user signed in two hours ago.",
        calls=14,
        result="stopped",
        until=datetime(2026, 1, 7, 9, 0, tzinfo=UTC),
        remedy="rehearse resume scenarios/erp.scenario.yaml --org uat",
    )
    return journal


def large(*, objects: int = 70, fields: int = 100) -> Journal:
    """A user with `objects` times `fields` fields, of which every seventh object changes."""
    held = {f"Object_{place:03}__c": FULL for place in range(objects)}
    field_rights = {f"{name}.Field_Number_{place:03}__c": BOTH for name in held for place in range(fields)}
    lost_objects = sorted(held)[::7]
    kept_fields = {
        name: (("read",) if name.partition(".")[0] in lost_objects and int(name[-6:-3]) % 3 == 0 else rights)
        for name, rights in field_rights.items()
    }
    old, new = access(held, field_rights, SYSTEM, SETUP), access(held, kept_fields, SYSTEM, SETUP)
    said = tuple(
        loss("field", name, ("edit",), "declared-drop", "Computed by the org.", place=f"{FILE}:{20 + int(name[7:10])}")
        for name, rights in kept_fields.items()
        if rights == ("read",)
    )
    source = PermissionSource(kind="profile", name=PROFILE, label=PROFILE, id="00e000000000001", access=old)
    labels = {name: name.partition(".")[2].replace("_", " ").removesuffix("  c") for name in field_rights}
    journal = Journal(None)
    w = Writer(journal, run="e0e0e0e0e0e0")
    w.begin(scenario_file="scenarios/large.scenario.yaml", system="Data Lake", scenario_purpose="Full Extract")
    write_planning(
        w, taken=snapshot(sources=(source,), effective=old, labels=labels), made=plan(losses=said, carried=new)
    )
    write_grants(w, after=AccessAfter(person=new_person(), effective=new))
    write_verify(w)
    write_work(w)
    write_rollback(w, "cut-over")
    for place, stage in enumerate(ROLLBACK_STAGES[:-1]):
        write_rehearsed_rollback(journal, stage, of=w, at=w.at + timedelta(minutes=place + 1))
    return journal


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'
LONG = "An_Object_With_A_Name_That_Is_As_Long_As_Names_Can_Be_" * 4
RIGHT_TO_LEFT = "\u202e\u05d7\u05e9\u05d1\u05d5\u05df \u0627\u0644\u062d\u0633\u0627\u0628"


def hostile() -> Journal:
    """Names that try to be markup, that never end, and that run from right to left."""
    names = (HOSTILE, LONG, RIGHT_TO_LEFT)
    objects = {**OBJECTS, **dict.fromkeys(names, FULL)}
    fields = {**FIELDS, **{f"{name}.{other}": BOTH for name in names for other in names}}
    old = access(objects, fields, (*SYSTEM, *names), (*SETUP, *(f"ApexClass:{name}" for name in names)))
    said = tuple(loss("system", name, (), "license-ceiling", name, sources=names, accepted=False) for name in names)
    journal = Journal(None)
    w = Writer(journal, run="c0c0c0c0c0c0")
    w.begin(
        system=HOSTILE,
        scenario_purpose=LONG,
        scenario_file=f"scenarios/{RIGHT_TO_LEFT}{LONG}.scenario.yaml",
        source_username=f"{LONG}@acme.example",
        by=HOSTILE,
        sign_off_because=HOSTILE,
    )
    taken = snapshot(effective=old, labels={name: name for name in fields}, person=old_person(name=HOSTILE, role=LONG))
    made = plan(losses=(*losses(), *said), added=names, preconditions=names)
    write_planning(w, taken=taken, made=made)
    write_grants(w)
    red = check(GRANTS[0], line=40, passed=False, title=HOSTILE, reason=LONG, remedy=RIGHT_TO_LEFT, expected=HOSTILE)
    write_verify(w, red={GRANTS[0]: red})
    write_rollback(w, "verify", equal=False, differences=names, drift=names, residue=names)
    return journal
