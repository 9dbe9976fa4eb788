"""Journals in which access is proven, or found wanting: what the report's tests of those sections read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from harness.checks.results import (
    AccessVerdict,
    Cell,
    Counterexample,
    Disagreement,
    Finding,
    Grade,
    Mutant,
    Mutation,
    Probes,
    SideBySide,
)
from harness.migration.journal import Journal
from harness.migration.records import Beside, ReferenceHit, ReferenceScan, TriedCeiling, Usage, UsedPermission
from tests import report_journals as made

START = datetime(2026, 1, 1, tzinfo=UTC)


def cell(name: str, access: str, held: bool, grade: Grade = "describe", **changes: Any) -> Cell:
    values = {"computed": held, "platform": held, "probed": held, **changes}
    return Cell(name=name, access=access, grade=grade, **values)


def probes(name: str = "Account", fields: int = 14) -> Probes:
    """An object that may be read and written, its fields all alike but for one that may only be read."""
    cells = [
        cell(name, "read", True),
        cell(name, "create", True, "rolled-back"),
        cell(name, "delete", False, "error", answer="INSUFFICIENT_ACCESS_OR_READONLY"),
    ]
    for place in range(fields):
        field = f"{name}.Field_{place:02}__c"
        cells += [cell(field, "read", True, "tables", probed=None), cell(field, "edit", place > 0)]
    return Probes(object=name, cells=tuple(cells))


def verdict(**changes: Any) -> AccessVerdict:
    values: dict[str, Any] = {
        "passed": True,
        "accepted": 8,
        "objects": 9,
        "fields": 27,
        "cells": 80,
        "agreed": 80,
        "calls": 11,
    }
    return AccessVerdict(**{**values, **changes})


def hit(name: str = "Account.Sync_Only", **changes: Any) -> ReferenceHit:
    values: dict[str, Any] = {
        "kind": "ValidationRule",
        "name": name,
        "where": "force-app/main/default/objects/Account/validationRules/Sync_Only.validationRule-meta.xml:6",
        "says": '$Profile.Name <> "ERP Sync Profile"',
        "breaks": "The rule stops the new user's writes.",
        "when": ("new-user", "profile-change"),
        "remedy": "Let the rule test a custom permission that the new permission set grants.",
    }
    return ReferenceHit(**{**values, **changes})


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "kind": "field-vanished",
        "name": "Account.ERP_Key__c",
        "text": "Account.ERP_Key__c is in the old user's describe and not in the new one's.",
        "remedy": "Grant read on Account.ERP_Key__c.",
    }
    return Finding(**{**values, **changes})


def look(name: str = "Account", **changes: Any) -> SideBySide:
    return SideBySide(
        object=name, **{"fields_old": 14, "fields_new": 14, "rows_old": 50, "rows_new": 50, "sampled": 20, **changes}
    )


def usage(seen: str = "workload[1: query Order]") -> Usage:
    used = UsedPermission(kind="object", name="Order", access="read", verdict="used", seen_in=(seen,))
    return Usage(
        permissions=(
            used,
            used.model_copy(update={"name": "Case", "verdict": "never-used", "seen_in": ()}),
            used.model_copy(update={"kind": "field", "name": "Order.Rebate__c", "verdict": "missing"}),
        ),
        requests=412,
        observed_from=START,
        observed_until=START + timedelta(days=30),
        blind_spots=("Event logs know objects, not fields.",),
        permission_set="<PermissionSet><label>ERP &amp; Co</label></PermissionSet>",
    )


MUTATION = Mutation(
    scenario_digest=made.sha("scenario"),
    tool_version="0.1.0",
    mutants=(
        Mutant(
            kind="removed",
            what="object Account: edit",
            own=("workload[2: upsert Account]",),
            caught_by=("workload[2: upsert Account]", "verdict"),
        ),
        Mutant(kind="removed", what="system RunReports"),
        Mutant(kind="added", what="system ModifyAllData", caught_by=("verdict",), suggestion="- describe: Case"),
        Mutant(kind="added", what="object Case: read"),
        Mutant(kind="removed", what="system ApiEnabled", refused="It goes with the profile."),
    ),
)

BESIDE = Beside(
    login_hours=("Monday 08:00 to 18:00",),
    login_ip_ranges=("10.0.0.0 - 10.0.0.255",),
    unread=("Territories: refused.",),
)


def proven() -> Journal:
    """The ERP's migration with all that proves its access, and nothing wrong."""
    w = made.Writer(Journal(None))
    w.begin()
    made.write_planning(w, taken=made.snapshot(beside=BESIDE, calls_floor=3))
    w.write(
        "ceiling", TriedCeiling(username="trial@acme.example", refused=made.access({}, {}, (), ()), tried=52, calls=9)
    )
    w.write("usage", usage(), key="usage")
    w.write("references", scan(hit(accepted="The release rewrites it.", place=f"{made.FILE}:30")), key="references")
    made.write_grants(w)
    made.write_verify(w)
    for name in ("Account", "Order"):
        w.write("probes", probes(name), key=name)
    explained = Disagreement(
        cell=cell("Order.Field_01__c", "edit", True, platform=False),
        explanation="The table is a day old.",
        explained=True,
    )
    w.write("verdict", verdict(disagreements=(explained,), agreed=79), key="access")
    agreed = finding(accepted=f"{made.FILE}:33")
    w.write("side-by-side", look(findings=(agreed,), noise=("Account.Seen_At__c",)), key="Account")
    w.write("side-by-side", look("Order"), key="Order")
    made.write_work(w)
    made.write_rollback(w, "cut-over")
    for place, stage in enumerate(made.ROLLBACK_STAGES[:-1]):
        made.write_rehearsed_rollback(w.journal, stage, of=w, at=w.at + timedelta(minutes=place + 1))
    return w.journal


def scan(*hits: ReferenceHit) -> ReferenceScan:
    return ReferenceScan(
        hits=hits, looked_at={"ValidationRule": 41, "User fields": 12}, not_read=("Flows: the Tooling API refused.",)
    )


def found_wanting(name: str = "Account.Field_01__c") -> Journal:
    """The same with access lost and gained, derivations that disagree, a silent loss, and a reference left open."""
    w = made.Writer(Journal(None), run="d0d0d0d0d0d0")
    w.begin()
    made.write_planning(w)
    w.write("references", scan(hit(name), hit("Case.Frozen", when=("deactivate",), matters=False)), key="references")
    w.write("usage", usage(name), key="usage")
    made.write_grants(w)
    made.write_verify(w)
    apart = cell(name, "read", True, probed=False)
    w.write("probes", Probes(object="Account", cells=(*probes().cells, apart)), key="Account")
    wrong = verdict(
        passed=False,
        counterexamples=(
            Counterexample(direction="lost", kind="field", name=name, access=("edit",), given_by=(made.PROFILE,)),
            Counterexample(direction="gained", kind="system", name="ModifyAllData", given_by=("Data_Loader",)),
        ),
        disagreements=(Disagreement(cell=apart, explanation=f"Look at {name}.", explained=False),),
        agreed=79,
    )
    w.write("verdict", wrong, key="access")
    w.write("side-by-side", look(findings=(finding(name=name, text=f"{name} is gone."),)), key="Account")
    w.finish("The access is not as planned.", calls=13, result="failed")
    made.write_rollback(w, "verify")
    return w.journal
