"""Kinds of grants that have rules of their own: the witnesses agree about each, and each turns some cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.sandbox.switches import set_switches

from .desk import Desk

USERNAME = "reporting.feed@acme.example"
SCOPE = ("Account", "Campaign", "Case", "Contact", "Event", "Lead", "Opportunity", "OpportunityLineItem", "Order")
MORE = ("OrderItem", "Pricebook2", "PricebookEntry", "Project__c", "Task", "Timesheet__c", "User", "UserRole")
READ, WRITE = {"PermissionsRead": True}, {"PermissionsRead": True, "PermissionsCreate": True, "PermissionsEdit": True}

Rows = list[tuple[str, Mapping[str, Any]]]


def objects(name: str, **columns: bool) -> tuple[str, Mapping[str, Any]]:
    return "ObjectPermissions", {"SobjectType": name, **columns}


def fields(name: str, *, edit: bool = False) -> tuple[str, Mapping[str, Any]]:
    values = {"SobjectType": name.partition(".")[0], "Field": name, "PermissionsRead": True, "PermissionsEdit": edit}
    return "FieldPermissions", values


CASES: Mapping[str, tuple[Rows, tuple[str, ...], dict[tuple[str, str], bool]]] = {
    "View All Data": ([], ("ViewAllData",), {("Order", "read"): True, ("Order", "view-all"): True}),
    "Modify All Data": (
        [],
        ("ModifyAllData", "ViewAllData"),
        {("Order", "create"): True, ("Order", "modify-all"): True, ("Order.Description", "edit"): False},
    ),
    "Modify All": (
        [objects("Order", **READ, PermissionsEdit=True, PermissionsDelete=True, PermissionsModifyAllRecords=True)],
        (),
        {("Order", "delete"): True, ("Order", "create"): False, ("OrderItem", "create"): True},
    ),
    "View All Fields": (
        [objects("Lead", **WRITE, PermissionsViewAllFields=True)],
        (),
        {("Lead.Website", "read"): True, ("Lead.Website", "edit"): False},
    ),
    "a compound field": (
        [objects("Lead", **WRITE), fields("Lead.Address", edit=True)],
        (),
        {("Lead.Street", "create"): True, ("Lead.Address", "create"): False, ("Lead.Website", "read"): False},
    ),
    "an object that follows another": (
        [objects("Order", **WRITE)],
        (),
        {("OrderItem", "read"): True, ("OrderItem", "delete"): True, ("PricebookEntry", "read"): False},
    ),
    "tasks": ([], ("EditTask",), {("Task", "create"): True, ("Task", "read"): True}),
    "leads by a system permission": ([], ("TransferAnyLead",), {("Lead", "read"): True}),
    "audit fields": (
        [objects("Lead", **WRITE)],
        ("CreateAuditFields",),
        {("Lead.CreatedDate", "create"): True, ("Lead.CreatedDate", "edit"): False},
    ),
    "campaigns without the feature license": (
        [objects("Campaign", **WRITE)],
        (),
        {("Campaign", "read"): True, ("Campaign", "create"): False},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_grant_is_told_alike(desk: Desk, name: str) -> None:
    rows, system, expected = CASES[name]
    desk.take_permission(USERNAME, "EditTask")
    parent = desk.set_of(USERNAME)
    before = {key for key, may in desk.computed(USERNAME, (*SCOPE, *MORE)).items() if may}
    if system:
        desk.give_permissions(parent, system)
    for table, values in rows:
        desk.org.insert_row(table, {"ParentId": parent, **values})
    found = desk.derive(USERNAME, (*SCOPE, *MORE), exhaustive=True)
    assert [(each.cell.name, each.cell.access) for each in found.disagreements if not each.explained] == []
    cells = {(cell.name, cell.access): cell for each in found.probes for cell in each.cells}
    assert {key: cells[key].computed for key in expected} == expected
    assert {key for key, cell in cells.items() if cell.computed} != before, "the case changes something"


def test_they_agree_however_unsettled_behaviour_is_settled(desk: Desk) -> None:
    usual, differing = desk.org.switches, {}
    for setting in (
        "delete-refusal=entity-type",
        "unseen-row-write=not-found",
        "insufficient-access-status=400",
        "hidden-permission-rows=off",
        "restricted-custom-settings=off",
        "mixed-dml=off",
    ):
        desk.org.switches = set_switches(usual, [setting])
        differing[setting] = desk.derive("sam.seller@acme.example", exhaustive=True).disagreements
    desk.org.switches = usual
    assert all(found == () for found in differing.values()), differing
