"""Somebody changes what the new user holds between grant and verify: the verdict is red, and names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.checks.results import AccessVerdict, Counterexample, Probes
from harness.migration.records import Note, StageFinished
from harness.sandbox.org import SandboxOrg
from tests.component.migration import conftest as migration
from tests.component.migration.conftest import Bench, MakeBench, ending, results
from tests.component.migration.project import permission, rights

make_bench = migration.make_bench
SET = "Integration_ERP_Order_Sync"
USERNAME = "erp.integration@acme.example"
EXTRA = (
    rights("Product2", "Read", "ViewAll"),
    rights("Asset", "Read"),
    permission("ViewRoles"),
)
Tamper = Callable[[SandboxOrg], None]
Found = tuple[str, str, str, tuple[str, ...], tuple[str, ...]]


def set_id(org: SandboxOrg) -> str:
    return str(org.rows("PermissionSet", Name=SET)[0]["Id"])


def objects(name: str, **columns: bool) -> Tamper:
    """Change the rights on an object, or give some where there are none."""

    def tamper(org: SandboxOrg) -> None:
        values = {f"Permissions{right}": value for right, value in columns.items()}
        found = org.rows("ObjectPermissions", ParentId=set_id(org), SobjectType=name)
        if found:
            org.update_row("ObjectPermissions", found[0]["Id"], values)
        else:
            org.insert_row("ObjectPermissions", {"ParentId": set_id(org), "SobjectType": name, **values})

    return tamper


def no_object(name: str) -> Tamper:
    def tamper(org: SandboxOrg) -> None:
        [row] = org.rows("ObjectPermissions", ParentId=set_id(org), SobjectType=name)
        org.delete_row("ObjectPermissions", row["Id"])

    return tamper


def fields(name: str, *, read: bool = True, edit: bool = False) -> Tamper:
    def tamper(org: SandboxOrg) -> None:
        for row in org.rows("FieldPermissions", ParentId=set_id(org), Field=name):
            org.delete_row("FieldPermissions", row["Id"])
        if read:
            values = {"ParentId": set_id(org), "SobjectType": name.partition(".")[0], "Field": name}
            org.insert_row("FieldPermissions", {**values, "PermissionsRead": True, "PermissionsEdit": edit})

    return tamper


def system(name: str, *, value: bool) -> Tamper:
    return lambda org: org.update_row("PermissionSet", set_id(org), {f"Permissions{name}": value})


def no_class(org: SandboxOrg) -> None:
    for row in org.rows("SetupEntityAccess", ParentId=set_id(org), SetupEntityType="ApexClass"):
        org.delete_row("SetupEntityAccess", row["Id"])


def custom_permission(org: SandboxOrg) -> None:
    made = org.insert_row("CustomPermission", {"DeveloperName": "Skip_Rules", "MasterLabel": "Skip Rules"})
    values = {"ParentId": set_id(org), "SetupEntityId": made, "SetupEntityType": "CustomPermission"}
    org.insert_row("SetupEntityAccess", values)


def other_set(org: SandboxOrg) -> None:
    """A second set, assigned beside the one that the run made."""
    [user] = org.rows("User", Username=USERNAME)
    made = org.insert_row("PermissionSet", {"Name": "Helpful_Admin", "Label": "Helpful Admin"})
    values = {"ParentId": made, "SobjectType": "Lead", "PermissionsRead": True, "PermissionsEdit": True}
    org.insert_row("ObjectPermissions", {**values, "PermissionsDelete": True})
    org.insert_row("PermissionSetAssignment", {"AssigneeId": user["Id"], "PermissionSetId": made})


def no_queue(org: SandboxOrg) -> None:
    [user] = org.rows("User", Username=USERNAME)
    [queue] = org.rows("Group", DeveloperName="Orders", Type="Queue")
    [row] = org.rows("GroupMember", GroupId=queue["Id"], UserOrGroupId=user["Id"])
    org.delete_row("GroupMember", row["Id"])


def other_group(org: SandboxOrg) -> None:
    [user] = org.rows("User", Username=USERNAME)
    made = org.insert_row("Group", {"DeveloperName": "Bosses", "Name": "Bosses", "Type": "Regular"})
    org.insert_row("GroupMember", {"GroupId": made, "UserOrGroupId": user["Id"]})


def no_role(org: SandboxOrg) -> None:
    [user] = org.rows("User", Username=USERNAME)
    org.update_row("User", user["Id"], {"UserRoleId": None})


PROFILE, SHIPPING, PEOPLE = "ERP Sync", "ERP_Shipping", "ERP_People"
TAMPERINGS: Mapping[str, tuple[Tamper, list[Found]]] = {
    "create": (objects("Account", Create=False), [("lost", "object", "Account", ("create",), (PROFILE,))]),
    "edit": (objects("Account", Edit=False), [("lost", "object", "Account", ("edit",), (PROFILE,))]),
    "delete": (objects("Shipment__c", Delete=False), [("lost", "object", "Shipment__c", ("delete",), (SHIPPING,))]),
    "read": (no_object("Contact"), [("lost", "object", "Contact", ("read", "create"), (PEOPLE,))]),
    "view-all": (
        objects("Product2", ViewAllRecords=False),
        [("lost", "object", "Product2", ("view-all",), (SHIPPING,))],
    ),
    "field": (
        fields("Account.Phone", read=False),
        [("lost", "field", "Account.Phone", ("read", "edit"), (PROFILE,))],
    ),
    "field edit": (fields("Account.ERP_Key__c"), [("lost", "field", "Account.ERP_Key__c", ("edit",), (PROFILE,))]),
    "system permission": (system("ViewRoles", value=False), [("lost", "system", "ViewRoles", (), (SHIPPING,))]),
    "class": (no_class, [("lost", "setup", "ApexClass:OrderStatus", (), (SHIPPING,))]),
    "queue": (no_queue, [("lost", "queue", "Orders", (), ())]),
    "role": (no_role, [("lost", "role", "Back_Office", (), ())]),
    "more read": (objects("Opportunity", Read=True), [("gained", "object", "Opportunity", ("read",), (SET,))]),
    "more create": (objects("Asset", Create=True), [("gained", "object", "Asset", ("create",), (SET,))]),
    "more edit": (objects("Contact", Edit=True), [("gained", "object", "Contact", ("edit",), (SET,))]),
    "more delete": (objects("Account", Delete=True), [("gained", "object", "Account", ("delete",), (SET,))]),
    "more view-all": (
        objects("Account", ViewAllRecords=True),
        [("gained", "object", "Account", ("view-all",), (SET,))],
    ),
    "more modify-all": (
        objects("Product2", Edit=True, Delete=True, ModifyAllRecords=True),
        [("gained", "object", "Product2", ("edit", "delete", "modify-all"), (SET,))],
    ),
    "more view-all-fields": (
        objects("Asset", ViewAllFields=True),
        [("gained", "object", "Asset", ("view-all-fields",), (SET,))],
    ),
    "more field": (fields("Account.Fax"), [("gained", "field", "Account.Fax", ("read",), (SET,))]),
    "more field edit": (
        fields("Account.CreditLimit__c", edit=True),
        [("gained", "field", "Account.CreditLimit__c", ("edit",), (SET,))],
    ),
    "more system": (system("ViewSetup", value=True), [("gained", "system", "ViewSetup", (), (SET,))]),
    "custom permission": (custom_permission, [("gained", "setup", "CustomPermission:Skip_Rules", (), (SET,))]),
    "another set": (
        other_set,
        [("gained", "object", "Lead", ("delete",), ("Helpful_Admin",))],
    ),
    "another group": (other_group, [("gained", "group", "Bosses", (), ())]),
}


@pytest.fixture
def granted(make_bench: MakeBench) -> Bench:
    """A migration that is about to be verified."""
    bench = make_bench(extra_set=EXTRA)
    for record in bench.engine().stages():
        if isinstance(record.body, StageFinished) and record.stage == "authorize":
            assert record.body.result == "passed", record.body
            break
    return bench


def verdict_of(bench: Bench) -> tuple[AccessVerdict, StageFinished]:
    """The verdict of one more try to verify, and how the stage ended."""
    records = []
    for record in bench.engine().stages():
        records.append(record)
        if isinstance(record.body, StageFinished):
            break
    [verdict] = [record.body for record in records if isinstance(record.body, AccessVerdict)]
    return verdict, ending(records)


def shown(one: Counterexample) -> Found:
    return one.direction, one.kind, one.name, one.access, one.given_by


def test_every_tampering_is_named_with_the_set_that_gave_it(granted: Bench) -> None:
    before = granted.org.snapshot()
    wrong: dict[str, Any] = {}
    for name, (tamper, expected) in TAMPERINGS.items():
        tamper(granted.org)
        verdict, end = verdict_of(granted)
        told = [shown(one) for one in verdict.counterexamples]
        if told != expected or verdict.passed or end.result != "failed" or verdict.disagreements:
            wrong[name] = told, verdict.passed, end.message, verdict.disagreements
        granted.org.restore(before)
    assert wrong == {}
    verdict, end = verdict_of(granted)
    assert (verdict.passed, end.result) == (True, "passed"), end


def test_what_the_license_does_not_carry_is_a_gain_and_a_disagreement(granted: Bench) -> None:
    granted.org.update_row("PermissionSet", set_id(granted.org), {"PermissionsAuthorApex": True})
    verdict, end = verdict_of(granted)
    assert ("gained", "system", "AuthorApex", (), (SET,)) in map(shown, verdict.counterexamples)
    [differing] = [each for each in verdict.disagreements if each.cell.name == "AuthorApex"]
    assert (differing.cell.computed, differing.cell.platform, differing.explained) == (True, False, False)
    assert "AuthorApex" in end.message


@pytest.mark.parametrize("checks", ["listed", "exhaustive"])
def test_an_untouched_migration_passes_with_every_cell_agreed(make_bench: MakeBench, checks: str) -> None:
    bench = make_bench(scenario={"checks": checks})
    records = list(bench.engine().stages())
    assert set(results(records).values()) == {"passed"}, ending(records)
    [verdict] = [record.body for record in records if isinstance(record.body, AccessVerdict)]
    assert verdict.passed
    assert verdict.agreed == verdict.cells > 300
    assert verdict.accepted == 1
    probes = {record.key: record.body for record in records if isinstance(record.body, Probes)}
    assert set(probes) >= {"Account", "Contact", "Lead", "Shipment__c", "(beside objects)"}
    grades = {cell.grade for cell in probes["Account"].cells}
    assert grades == ({"tables"} if checks == "listed" else {"tables", "error"})
    noted = {record.key for record in records if isinstance(record.body, Note)}
    assert ("probes" in noted) == (checks == "exhaustive")
