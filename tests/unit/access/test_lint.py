"""Each rule of the linter fires on what is wrong, and is silent when that is mended."""

from __future__ import annotations

from typing import Any

import pytest

from harness.access.algebra import Atom
from harness.access.linting.files import linted_set
from harness.access.linting.rules import Finding, Known, LintedGroup, LintedSet, lint, promised_rights
from harness.access.model import Access
from harness.references.tree import parse


def linted(name: str = "ERP_Sync", *, license_: str | None = None, muting: bool = False, **access: Any) -> LintedSet:
    lines = {"license": 7, "object Line__c": 12, "object Account": 9, "system ModifyAllData": 30}
    return LintedSet(
        name=name,
        label=name.replace("_", " "),
        file="sets/ERP.permissionset-meta.xml",
        access=Access.model_validate(access),
        license=license_,
        lines=lines,
        muting=muting,
    )


def rules(one: LintedSet, known: Known | None = None) -> list[tuple[str, str]]:
    return [(each.rule, each.level) for each in lint([one], known or Known())]


def the(one: LintedSet, known: Known | None = None) -> Finding:
    [found] = lint([one], known or Known())
    return found


MASTERS = Known(masters={"Line__c": ("Order",)})
READ = {"Line__c": ["read"]}


@pytest.mark.parametrize(
    ("rule", "level", "wrong", "mended", "known"),
    [
        ("license-not-assignable", "warning", linted(license_="Salesforce"), linted(), None),
        ("license-by-label", "error", linted(license_="Salesforce API Integration"),
         linted(license_="SalesforceAPIIntegrationPsl"), None),
        ("license-by-label", "error", linted(license_="Field Service Integration"),
         linted(license_="FieldServiceIntegrationPsl"),
         Known(permission_set_licenses={"Field Service Integration": "FieldServiceIntegrationPsl"})),
        ("license-grants-nothing", "error", linted(license_="Salesforce Integration", objects={"Account": ["read"]}),
         linted(license_="SalesforceAPIIntegrationPsl", objects={"Account": ["read"]}), None),
        ("dependency-missing", "error", linted(objects={"Account": ["create"]}),
         linted(objects={"Account": ["read", "create"]}), None),
        ("dependency-missing", "error", linted(objects=READ), linted(objects={**READ, "Order": ["read"]}), MASTERS),
        ("dependency-missing", "error", linted(objects=READ), linted(objects=READ, system=["ViewAllData"]), MASTERS),
        ("dependency-missing", "error", linted(fields={"Account.Name": ["edit"]}),
         linted(fields={"Account.Name": ["read", "edit"]}), None),
        ("dependency-missing", "error", linted(system=["RunReports"]), linted(system=["RunReports", "ViewSetup"]),
         Known(dependencies={Atom("", "RunReports"): frozenset({Atom("", "ViewSetup")})})),
        ("no-such-object", "warning", linted(objects={"Gone__c": ["read"]}), linted(objects={"Here__c": ["read"]}),
         Known(objects=frozenset({"Here__c"}))),
        ("no-such-object", "error", linted(objects={"Gone__c": ["read"]}), linted(objects={"Here__c": ["read"]}),
         Known(objects=frozenset({"Here__c"}), whole=True)),
        ("no-such-field", "warning", linted(fields={"Account.Gone__c": ["read"]}),
         linted(fields={"Account.Here__c": ["read"]}), Known(fields={"Account": frozenset({"Here__c"})})),
        ("broader-than-its-name", "warning", linted("ERP_ReadOnly", objects={"Account": ["read", "edit"]}),
         linted("ERP_ReadOnly", objects={"Account": ["read", "view-all"]}), None),
        ("broader-than-its-name", "warning", linted("ERP_Users_CRE", objects={"Account": ["read", "edit", "delete"]}),
         linted("ERP_Users_CRED", objects={"Account": ["read", "edit", "delete"]}), None),
        ("broader-than-its-name", "warning", linted("View_Only", system=["ModifyAllData"]),
         linted("View_Only", system=["ViewAllData"]), None),
        ("broader-than-its-name", "warning",
         linted("Invoice_Access", objects={"Invoice__c": ["read"]}, system=["ModifyAllData"]),
         linted("Invoice_Access", objects={"Invoice__c": ["read"]}), None),
    ],
)  # fmt: skip
def test_a_rule_fires_and_is_silent_when_mended(
    rule: str, level: str, wrong: LintedSet, mended: LintedSet, known: Known | None
) -> None:
    assert rules(wrong, known) == [(rule, level)]
    assert rules(mended, known) == []


def group(*sets: LintedSet, muting: LintedSet) -> Known:
    members = LintedGroup("People", tuple(each.name for each in sets), (muting.name,))
    return Known(groups=(members,), sets={each.name: each for each in (*sets, muting)})


def test_what_no_set_of_the_group_grants_is_muted_in_vain() -> None:
    muting = linted("Mute", muting=True, objects={"Account": ["delete"]})
    without, with_it = linted("Sales", objects={"Lead": ["read"]}), linted("Sales", objects={"Account": ["delete"]})
    assert rules(muting, group(without, muting=muting)) == [("muting-without-effect", "warning")]
    assert rules(muting, group(with_it, muting=muting)) == []


def test_to_mute_read_and_edit_of_what_can_only_be_read_is_not_in_vain() -> None:
    muting = linted("Mute", muting=True, fields={"Account.Name": ["read", "edit"]})
    assert rules(muting, group(linted("Sales", fields={"Account.Name": ["read"]}), muting=muting)) == []


def test_a_group_with_a_set_that_is_not_at_hand_is_not_judged() -> None:
    muting = linted("Mute", muting=True, objects={"Account": ["delete"]})
    known = Known(groups=(LintedGroup("People", ("Elsewhere",), ("Mute",)),), sets={"Mute": muting})
    assert rules(muting, known) == []


@pytest.mark.parametrize(
    "one",
    [
        linted("Reader_Admins", objects={"Account": ["read", "edit"]}),
        linted("Overview_Editor", objects={"Account": ["read", "edit"]}),
        linted("Team_RED", objects={"Account": ["read", "create"]}),
        linted("ViewAll_System", system=["ModifyAllData"]),
        linted(objects={"npsp__Gift__c": ["read"]}),
        linted(fields={"Account.npsp__Level__c": ["read"], "Account.Phone": ["read"]}),
        linted(fields={"Task.Shared__c": ["read"]}),
        linted("Sync", objects={"Account": ["read"]}, system=["ModifyAllData"]),
    ],
)
def test_no_false_alarm(one: LintedSet) -> None:
    fields = {"Account": frozenset({"Own__c"}), "Task": frozenset[str](), "Activity": frozenset({"Shared__c"})}
    assert rules(one, Known(objects=frozenset({"Own__c"}), fields=fields)) == []


@pytest.mark.parametrize(
    ("name", "promised"),
    [
        ("GREX_System_User_CRE", {"create", "read", "edit"}),
        ("RET_Users_R", {"read"}),
        ("SalesViewer", {"read"}),
        ("Sales_Read_Only", {"read"}),
        ("Sales", None),
        ("FREDERICK", None),
    ],
)
def test_what_a_name_promises(name: str, promised: set[str] | None) -> None:
    found = promised_rights(name)
    assert (found and set(found[1])) == promised


def test_a_finding_says_where_what_and_the_remedy() -> None:
    assert str(the(linted(objects=READ), MASTERS)) == (
        "sets/ERP.permissionset-meta.xml:12: dependency-missing: ERP Sync: Line__c is a detail of Order, and any "
        "permission on it needs read on Order; grant read on Order"
    )


def test_a_file_is_read_with_its_lines() -> None:
    root = parse(
        b"<PermissionSet>\n<label>ERP</label>\n<license>Salesforce</license>\n<objectPermissions>\n"
        b"<allowCreate>false</allowCreate><allowEdit>true</allowEdit><allowRead>true</allowRead>"
        b"<object>Account</object>\n</objectPermissions>\n<objectPermissions><object>Lead</object>"
        b"<allowRead>false</allowRead></objectPermissions>\n<fieldPermissions><field>Account.Name</field>"
        b"<readable>true</readable><editable>false</editable></fieldPermissions>\n<userPermissions>"
        b"<enabled>true</enabled><name>ViewSetup</name></userPermissions>\n</PermissionSet>"
    )
    one = linted_set("ERP", "erp.xml", root, muting=False)
    assert one.access.objects == {"Account": {"read", "edit"}}
    assert one.access.fields == {"Account.Name": {"read"}}
    assert one.access.system == {"ViewSetup"}
    assert (one.label, one.license) == ("ERP", "Salesforce")
    assert [one.line(key) for key in ("license", "object Account", "field Account.Name", "system ViewSetup")] == [
        3,
        4,
        8,
        9,
    ]
