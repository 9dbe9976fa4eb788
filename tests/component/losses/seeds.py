"""Losses to seed in a migrated org: one thing each, as an admin, a deploy or a colleague takes it away in real life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from harness.sandbox.apps import App, app_named, change_app
from harness.sandbox.identity.restrictions import DAYS, restrict_profile
from harness.sandbox.org import SandboxOrg
from tests.component.losses.org import NEW, OLD, SELLER, STRANGER

Seed = Callable[[SandboxOrg], None]
Change = Callable[[SandboxOrg], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Loss:
    """One seeded loss: what kind it is, how it is seeded, and what must be named when it is noticed."""

    kind: str
    seed: Change
    named: str


LOSSES: list[Loss] = []


def loss(kind: str, *, named: str) -> Callable[[Seed], Seed]:
    """A seed that changes rows: the org is put back afterwards."""

    def note(seed: Seed) -> Seed:
        @contextmanager
        def change(org: SandboxOrg) -> Iterator[None]:
            seed(org)
            yield

        LOSSES.append(Loss(kind, change, named))
        return seed

    return note


def schema_loss(kind: str, *, named: str) -> Callable[[Callable[[SandboxOrg], Iterator[None]]], Change]:
    """A seed that changes the schema, and puts it back itself."""

    def note(seed: Callable[[SandboxOrg], Iterator[None]]) -> Change:
        change = contextmanager(seed)
        LOSSES.append(Loss(kind, change, named))
        return change

    return note


# --- finding rows -----------------------------------------------------------------------------------------------------


def one(org: SandboxOrg, sobject: str, **equals: Any) -> dict[str, Any]:
    """The one row with these values."""
    [row] = org.rows(sobject, **equals)
    return row


def user(org: SandboxOrg, username: str) -> str:
    return str(one(org, "User", Username=username)["Id"])


def granted(org: SandboxOrg) -> str:
    """The permission set that the migration made."""
    return str(one(org, "PermissionSet", Name="Integration_ERP_Order_Sync")["Id"])


def assignment(org: SandboxOrg) -> str:
    """Its assignment to the new user."""
    return str(one(org, "PermissionSetAssignment", AssigneeId=user(org, NEW), PermissionSetId=granted(org))["Id"])


def rights(org: SandboxOrg, sobject: str, **columns: bool) -> None:
    """Change the new user's rights on an object."""
    row = one(org, "ObjectPermissions", ParentId=granted(org), SobjectType=sobject)
    org.update_row("ObjectPermissions", row["Id"], {f"Permissions{name}": value for name, value in columns.items()})


def leave(org: SandboxOrg, kind: str, name: str) -> None:
    """Take the new user out of a group or a queue."""
    group = one(org, "Group", Type=kind, DeveloperName=name)["Id"]
    org.delete_row("GroupMember", one(org, "GroupMember", GroupId=group, UserOrGroupId=user(org, NEW))["Id"])


def entity(org: SandboxOrg, table: str, **equals: Any) -> None:
    """Take a setup entity out of the new user's permission set."""
    found = one(org, table, **equals)["Id"]
    access = one(org, "SetupEntityAccess", ParentId=granted(org), SetupEntityId=found)
    org.delete_row("SetupEntityAccess", access["Id"])


# --- permissions ------------------------------------------------------------------------------------------------------


@loss("field read", named=r"Shipment__c\.Note__c")
def _(org: SandboxOrg) -> None:
    row = one(org, "FieldPermissions", ParentId=granted(org), Field="Shipment__c.Note__c")
    org.delete_row("FieldPermissions", row["Id"])


@loss("field edit", named=r"Shipment__c\.Weight__c")
def _(org: SandboxOrg) -> None:
    row = one(org, "FieldPermissions", ParentId=granted(org), Field="Shipment__c.Weight__c")
    org.update_row("FieldPermissions", row["Id"], {"PermissionsEdit": False})


@loss("field of a compound", named=r"Account\.BillingCity")
def _(org: SandboxOrg) -> None:
    row = one(org, "FieldPermissions", ParentId=granted(org), Field="Account.BillingAddress")
    org.delete_row("FieldPermissions", row["Id"])


@loss("object read", named=r"Deal__c")
def _(org: SandboxOrg) -> None:
    org.delete_row(
        "ObjectPermissions", one(org, "ObjectPermissions", ParentId=granted(org), SobjectType="Deal__c")["Id"]
    )


@loss("object create", named=r"create Shipment__c")
def _(org: SandboxOrg) -> None:
    rights(org, "Shipment__c", Create=False)


@loss("object edit", named=r"edit Shipment__c")
def _(org: SandboxOrg) -> None:
    rights(org, "Shipment__c", Delete=False, Edit=False)


@loss("object delete", named=r"delete Shipment__c")
def _(org: SandboxOrg) -> None:
    rights(org, "Shipment__c", Delete=False)


@loss("View All", named=r"Deal__c: the old user sees 2 rows, the new user 0")
def _(org: SandboxOrg) -> None:
    rights(org, "Deal__c", ViewAllRecords=False)


@loss("Modify All", named=r"the new user may not edit 3 of 3 sampled Ticket__c rows")
def _(org: SandboxOrg) -> None:
    rights(org, "Ticket__c", ModifyAllRecords=False)


@loss("View All Fields", named=r"Ledger__c\.Debit__c vanished")
def _(org: SandboxOrg) -> None:
    rights(org, "Ledger__c", ViewAllFields=False)


@loss("system permission", named=r"ViewRoles")
def _(org: SandboxOrg) -> None:
    org.update_row("PermissionSet", granted(org), {"PermissionsViewRoles": False})


@loss("Apex class", named=r"OrderStatus|/orders/v1/status")
def _(org: SandboxOrg) -> None:
    entity(org, "ApexClass", Name="OrderStatus")


@loss("custom permission", named=r"Skip_Checks")
def _(org: SandboxOrg) -> None:
    entity(org, "CustomPermission", DeveloperName="Skip_Checks")


@loss("custom setting", named=r"Sync_Settings__c")
def _(org: SandboxOrg) -> None:
    entity(org, "CustomEntityDefinition", DeveloperName="Sync_Settings__c")


@loss("custom metadata type", named=r"CustomEntityDefinition:(Rate__mdt|01I)")
def _(org: SandboxOrg) -> None:
    entity(org, "CustomEntityDefinition", DeveloperName="Rate__mdt")


GIVES_NOTHING = r"Integration - ERP - Order Sync.*gives nothing"

# --- the sets around them ---------------------------------------------------------------------------------------------


@loss("assignment removed", named=r"Shipment__c is in no list")
def _(org: SandboxOrg) -> None:
    org.delete_row("PermissionSetAssignment", assignment(org))


@loss("expired assignment", named=GIVES_NOTHING)
def _(org: SandboxOrg) -> None:
    past = (org.clock.peek() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    org.update_row("PermissionSetAssignment", assignment(org), {"ExpirationDate": past})


@loss("session-based set", named=GIVES_NOTHING)
def _(org: SandboxOrg) -> None:
    org.update_row("PermissionSet", granted(org), {"HasActivationRequired": True})


@loss("set of a wrong license", named=GIVES_NOTHING)
def _(org: SandboxOrg) -> None:
    full = one(org, "UserLicense", Name="Salesforce")["Id"]
    org.update_row("PermissionSet", granted(org), {"LicenseId": full})


@loss("permission set license removed", named=r"Shipment__c|SalesforceAPIIntegrationPsl|Account")
def _(org: SandboxOrg) -> None:
    org.delete_row(
        "PermissionSetLicenseAssign", one(org, "PermissionSetLicenseAssign", AssigneeId=user(org, NEW))["Id"]
    )


def _group_instead(org: SandboxOrg, *, muted: str | None = None, computed: bool = True) -> None:
    """Put a permission set group in the place of the permission set; `computed` once the org has caught up."""
    admin = user(org, "admin@acme.example")

    def make(sobject: str, **values: object) -> str:
        return org.insert_row(sobject, values) if computed else org.create(sobject, values, as_user=admin)

    group = make("PermissionSetGroup", DeveloperName="ERP_Group", MasterLabel="ERP Group")
    parts = [granted(org)]
    if muted:
        parts.append(
            org.insert_row("MutingPermissionSet", {"DeveloperName": "ERP_Muting", "MasterLabel": "ERP Muting"})
        )
        org.insert_row("ObjectPermissions", {"ParentId": parts[1], "SobjectType": muted, "PermissionsRead": True})
    for part in parts:
        make("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=part)
    org.delete_row("PermissionSetAssignment", assignment(org))
    make("PermissionSetAssignment", AssigneeId=user(org, NEW), PermissionSetGroupId=group)


@loss("group that mutes", named=r"Ledger__c")
def _(org: SandboxOrg) -> None:
    _group_instead(org, muted="Ledger__c")


@loss("group that is outdated", named=r"ERP.Group|Shipment__c is in no list")
def _(org: SandboxOrg) -> None:
    _group_instead(org, computed=False)


# --- rows -------------------------------------------------------------------------------------------------------------

ROWS = r"Shipment__c: the old user sees \d+ rows, the new user \d+"


@loss("rows by role", named=ROWS)
def _(org: SandboxOrg) -> None:
    org.update_row("User", user(org, NEW), {"UserRoleId": None})


@loss("rows by group and sharing rule", named=ROWS)
def _(org: SandboxOrg) -> None:
    leave(org, "Regular", "Integrations")


@loss("rows to write by role", named=r"the new user may not edit 4 of \d sampled Shipment__c rows")
def _(org: SandboxOrg) -> None:
    """They are still seen, since each is shared to be read."""
    for row in org.rows("Shipment__c", OwnerId=user(org, SELLER)):
        share = {"ParentId": row["Id"], "UserOrGroupId": user(org, NEW), "AccessLevel": "Read", "RowCause": "Manual"}
        org.insert_row("Shipment__Share", share)
    org.update_row("User", user(org, NEW), {"UserRoleId": None})


@loss("rows by queue", named=ROWS)
def _(org: SandboxOrg) -> None:
    leave(org, "Queue", "Orders")


@loss("rows by manual share", named=r"Shipment__c")
def _(org: SandboxOrg) -> None:
    hidden = org.insert_row("Shipment__c", {"Name": "Hidden", "OwnerId": user(org, "admin@acme.example")})
    share = {"ParentId": hidden, "UserOrGroupId": user(org, OLD), "AccessLevel": "Read", "RowCause": "Manual"}
    org.insert_row("Shipment__Share", share)


@loss("rows by owner", named=ROWS)
def _(org: SandboxOrg) -> None:
    org.insert_row("Shipment__c", {"Name": "Own", "OwnerId": user(org, OLD)})


@schema_loss("organization-wide default", named=r"Ledger__c: the old user sees 3 rows, the new user 0")
def _(org: SandboxOrg) -> Iterator[None]:
    ledger = org.schema.get("Ledger__c")
    assert ledger is not None
    org.insert_row("Ledger__c", {"Name": "Own", "OwnerId": user(org, OLD)})
    for row in org.rows("Ledger__c"):
        org.update_row("Ledger__c", row["Id"], {"OwnerId": user(org, OLD)})
    ledger.sharing = "Private"
    org.schema_changed()
    yield
    ledger.sharing = "ReadWrite"
    org.schema_changed()


# --- record types and values ------------------------------------------------------------------------------------------


def _profile_set(org: SandboxOrg, name: str) -> str:
    return str(one(org, "PermissionSet", ProfileId=one(org, "Profile", Name=name)["Id"])["Id"])


def _record_type(org: SandboxOrg, name: str) -> str:
    return str(one(org, "RecordType", DeveloperName=name)["Id"])


@loss("record type", named=r"Shipment__c\.Air")
def _(org: SandboxOrg) -> None:
    org.record_types.give(granted(org), {_record_type(org, "Air"): None})


@loss("default record type", named=r"new Shipment__c gets record type Master from the new user, Sea from the old")
def _(org: SandboxOrg) -> None:
    sea = _record_type(org, "Sea")
    org.record_types.give(_profile_set(org, "ERP Sync"), {sea: True})


@schema_loss("picklist value", named=r"Status__c|Lost")
def _(org: SandboxOrg) -> Iterator[None]:
    shipment = org.schema.get("Shipment__c")
    assert shipment is not None
    status = shipment.get("Status__c")
    assert status is not None
    shipment.fields["status__c"] = replace(status, picklist=("Planned", "Sent"))
    org.schema_changed()
    yield
    shipment.fields["status__c"] = status
    org.schema_changed()


# --- signing in -------------------------------------------------------------------------------------------------------


def _app(org: SandboxOrg) -> App:
    app = app_named(org, "ERP Integration", kind="ExternalClientApplication")
    assert app is not None
    return app


def _new_profile(org: SandboxOrg) -> str:
    return str(one(org, "User", Id=user(org, NEW))["ProfileId"])


@loss("pre-authorization of the app", named=r"invalid_app_access: user is not admin approved")
def _(org: SandboxOrg) -> None:
    for row in org.rows("SetupEntityAccess", SetupEntityId=_app(org).id):
        org.delete_row("SetupEntityAccess", row["Id"])


@loss("run-as user of the app", named=rf"sign-in of {NEW} lets in {STRANGER}")
def _(org: SandboxOrg) -> None:
    org.insert_row("SetupEntityAccess", {"ParentId": _profile_set(org, "ERP Sync"), "SetupEntityId": _app(org).id})
    change_app(org, _app(org), run_as=user(org, STRANGER))


@loss("blocked app", named=rf"sign-in of {NEW} was refused")
def _(org: SandboxOrg) -> None:
    change_app(org, _app(org), blocked=True)


@loss("login IP range", named=r"ip restricted|IP|restricted")
def _(org: SandboxOrg) -> None:
    restrict_profile(org, _new_profile(org), ip_ranges=[("203.0.113.1", "203.0.113.9")])


@loss("login hours", named=r"hours|time")
def _(org: SandboxOrg) -> None:
    restrict_profile(org, _new_profile(org), hours=dict.fromkeys(DAYS, (0, 0)))


@loss("API Enabled of the profile", named=rf"sign-in of {NEW} was refused")
def _(org: SandboxOrg) -> None:
    own = one(org, "PermissionSet", ProfileId=_new_profile(org))["Id"]
    org.update_row("PermissionSet", own, {"PermissionsApiEnabled": False})


@loss("frozen user", named=NEW)
def _(org: SandboxOrg) -> None:
    org.update_row("UserLogin", one(org, "UserLogin", UserId=user(org, NEW))["Id"], {"IsFrozen": True})


@loss("deactivated user", named=NEW)
def _(org: SandboxOrg) -> None:
    org.update_row("User", user(org, NEW), {"IsActive": False})


@loss("another profile", named=r"sign-in: ui")
def _(org: SandboxOrg) -> None:
    org.update_row("User", user(org, NEW), {"ProfileId": one(org, "Profile", Name="ERP Sync")["Id"]})


# --- what the new user must not have ----------------------------------------------------------------------------------


@loss("an object too many", named=r"Opportunity")
def _(org: SandboxOrg) -> None:
    org.insert_row(
        "ObjectPermissions", {"ParentId": granted(org), "SobjectType": "Opportunity", "PermissionsRead": True}
    )


@loss("a right too many", named=r"the new user may delete Deal__c, the old one may not")
def _(org: SandboxOrg) -> None:
    rights(org, "Deal__c", Edit=True, Delete=True)


@loss("a field too many", named=r"the new user sees the field Account\.Fax")
def _(org: SandboxOrg) -> None:
    values = {"ParentId": granted(org), "SobjectType": "Account", "Field": "Account.Fax", "PermissionsRead": True}
    org.insert_row("FieldPermissions", values)


@loss("a right to set a field too many", named=r"the new user may set Account\.CreditLimit__c")
def _(org: SandboxOrg) -> None:
    row = one(org, "FieldPermissions", ParentId=granted(org), Field="Account.CreditLimit__c")
    org.update_row("FieldPermissions", row["Id"], {"PermissionsEdit": True})


@loss("rows too many", named=ROWS)
def _(org: SandboxOrg) -> None:
    hidden = org.insert_row("Shipment__c", {"Name": "Hidden", "OwnerId": user(org, "admin@acme.example")})
    share = {"ParentId": hidden, "UserOrGroupId": user(org, NEW), "AccessLevel": "Read", "RowCause": "Manual"}
    org.insert_row("Shipment__Share", share)


@loss("a system permission too many", named=r"ViewAllUsers")
def _(org: SandboxOrg) -> None:
    org.update_row("PermissionSet", granted(org), {"PermissionsViewAllUsers": True})


@loss("a record type too many", named=r"record type Shipment__c\.Sea is available to the new user, not to the old one")
def _(org: SandboxOrg) -> None:
    org.record_types.give(_profile_set(org, "ERP Sync"), {_record_type(org, "Sea"): None})
