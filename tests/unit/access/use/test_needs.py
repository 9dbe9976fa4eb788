"""Which permissions deeds take, by a small made-up org."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.access.algebra import Atom, minus, union
from harness.access.model import Access
from harness.access.use.deeds import Deed, Followed, Held, Seen, Selected, Touched, Use, Written
from harness.access.use.needs import Need, needs_of
from harness.access.use.schema import Schema
from harness.access.use.soql import read_soql
from harness.access.use.table import OrgSays, Row, access_of, table


def field(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "string", "referenceTo": [], "relationshipName": None, "permissionable": True, **more}


def lookup(name: str, relationship: str, *to: str, **more: Any) -> dict[str, Any]:
    return field(name, type="reference", relationshipName=relationship, referenceTo=list(to), **more)


def described(name: str, prefix: str, *fields: dict[str, Any], children: Mapping[str, tuple[str, str]] = {}) -> Any:
    own = [
        field("Id", type="id", permissionable=False),
        field("Name", permissionable=False),
        lookup("OwnerId", "Owner", "Group", "User", permissionable=False),
        field("RecordTypeId", type="reference", permissionable=False, referenceTo=["RecordType"]),
    ]
    told = [{"relationshipName": key, "childSObject": to, "field": by} for key, (to, by) in children.items()]
    return {"name": name, "keyPrefix": prefix, "fields": [*own, *fields], "childRelationships": told}


ORG = [
    described(
        "Account",
        "001",
        field("BillingAddress", type="address"),
        field("BillingCity", compoundFieldName="BillingAddress"),
        field("Key__c"),
        field("Site"),
        lookup("ParentId", "Parent", "Account"),
        children={"Contacts": ("Contact", "AccountId"), "Bills__r": ("Bill__c", "Account__c")},
    ),
    described("Contact", "003", field("Email"), lookup("AccountId", "Account", "Account")),
    described("Lead", "00Q", field("Company")),
    described(
        "Bill__c",
        "a00",
        field("Amount__c"),
        lookup("Account__c", "Account__r", "Account", relationshipOrder=0, permissionable=False),
    ),
    described("Task", "00T", field("Subject"), lookup("WhatId", "What", "Account", "Lead", "Bill__c")),
    described("OrderItem", "802", field("Quantity")),
    described("Order", "801"),
    described("UserRole", "00E"),
    described("Vault__c", "a01", field("Pin__c", type="encryptedstring"), field("CreatedDate", permissionable=False)),
]
FULL = Access.model_validate(
    {
        "objects": {
            name: ["read", "create", "edit", "delete"] for name in ("Account", "Contact", "Lead", "Bill__c", "Order")
        },
        "fields": {
            name: ["read", "edit"]
            for name in (
                *("Account.BillingAddress", "Account.Key__c", "Account.Site", "Account.ParentId", "Contact.Email"),
                *("Contact.AccountId", "Lead.Company", "Bill__c.Amount__c", "Task.Subject", "Task.WhatId"),
            )
        },
        "system": ["ApiEnabled", "EditTask", "TransferAnyEntity", "TransferAnyLead", "RunReports"],
    }
)
OPEN = OrgSays(
    sharing=dict.fromkeys(("Account", "Contact", "Lead", "Bill__c", "Order"), "ReadWrite"),
    grantable=frozenset({"Account", "Contact", "Lead", "Bill__c", "Order", "Campaign"}),
)


def seen(*deeds: Deed) -> Seen:
    return Seen(uses=[Use(deed, f"t:{number}") for number, deed in enumerate(deeds, start=1)])


def rows(*deeds: Deed, granted: Access = FULL, says: OrgSays = OPEN) -> tuple[Row, ...]:
    schema = Schema(ORG)
    needs = needs_of(seen(*deeds), schema)
    for name in schema.wanted:
        schema.miss(name)
    return table(granted, needs, says)


def used(*deeds: Deed, **more: Any) -> set[str]:
    """What is used, as `object Account: read`."""
    return {line(row.need) for row in rows(*deeds, **more) if row.verdict == "used"}


def missing(*deeds: Deed, **more: Any) -> set[str]:
    return {line(row.need) for row in rows(*deeds, **more) if row.verdict == "missing"}


def line(need: Need) -> str:
    return f"{need.name}: {need.access}" if need.access != "held" else need.name


def query(soql: str) -> Selected:
    return read_soql(soql)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("soql", "expected"),
    [
        ("SELECT Id, Name FROM account", {"Account: read"}),
        (
            "SELECT Id FROM Account WHERE SITE = 'x' ORDER BY key__c",
            {"Account: read", "Account.Site: read", "Account.Key__c: read"},
        ),
        ("SELECT BillingCity FROM Account", {"Account: read", "Account.BillingAddress: read"}),
        (
            "SELECT Account.Parent.Site FROM Contact",
            {
                "Contact: read",
                "Contact.AccountId: read",
                "Account: read",
                "Account.ParentId: read",
                "Account.Site: read",
            },
        ),
        (
            "SELECT (SELECT Email FROM Contacts) FROM Account",
            {"Account: read", "Contact: read", "Contact.Email: read", "Contact.AccountId: read"},
        ),
        (
            "SELECT Id FROM Lead WHERE Id IN (SELECT AccountId FROM Contact)",
            {"Lead: read", "Contact: read", "Contact.AccountId: read"},
        ),
        ("SELECT Owner.Name, Owner.Profile.Name FROM Lead", {"Lead: read"}),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 9", {"Lead: read", "Lead.Company: read"}),
        ("SELECT Amount__c FROM Bill__c", {"Bill__c: read", "Bill__c.Amount__c: read"}),
        ("SELECT Quantity FROM OrderItem", {"Order: read"}),
    ],
)
def test_what_a_query_takes(soql: str, expected: set[str]) -> None:
    assert used(query(soql)) == expected


def test_behind_a_polymorphic_lookup_stand_the_types_that_an_answer_showed() -> None:
    asked = query("SELECT What.Name FROM Task")
    assert used(asked) == {"Task.WhatId: read", "Account: read", "Lead: read", "Bill__c: read"}
    assert used(asked.seeing([(("What",), "Lead")])) == {"Task.WhatId: read", "Lead: read"}
    typed = query("SELECT TYPEOF What WHEN Account THEN Site END FROM Task")
    assert used(typed) == {"Task.WhatId: read", "Account: read", "Account.Site: read"}


def test_names_that_the_org_does_not_know_are_told() -> None:
    deeds = [query("SELECT Nope__c, X__r.Id, (SELECT Id FROM Nobody) FROM Lead"), query("SELECT Id FROM Ghost__c")]
    schema = Schema(ORG)
    needs = needs_of(seen(*deeds), schema)
    assert schema.wanted == {"Ghost__c"}
    schema.miss("Ghost__c")
    schema.wanted.clear()
    assert needs_of(seen(*deeds), schema).unknown == {
        "Lead.Nope__c": "t:1",
        "Lead.X__r": "t:1",
        "Lead.Nobody": "t:1",
        "Ghost__c": "t:2",
    }
    assert "Lead.Nope__c" in needs.unknown


# --- writing ----------------------------------------------------------------------------------------------------------


def written(sobject: str, rights: set[str], *fields: str, **more: Any) -> Written:
    paths = frozenset(tuple(name.split(".")) for name in fields)
    return Written(sobject, frozenset(rights), fields=paths, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (
            written("Lead", {"create"}, "Company"),
            {"Lead: read", "Lead: create", "Lead.Company: read", "Lead.Company: edit"},
        ),
        (written("Lead", {"delete"}), {"Lead: read", "Lead: edit", "Lead: delete"}),
        (
            written("Account", {"create", "edit"}, "Site", key="Key__c"),
            {
                *("Account: read", "Account: create", "Account: edit", "Account.Site: read", "Account.Site: edit"),
                *("Account.Key__c: read", "Account.Key__c: edit"),
            },
        ),
        (
            written("Contact", {"create"}, "Account.Key__c"),
            {
                *("Contact: read", "Contact: create", "Contact.AccountId: read", "Contact.AccountId: edit"),
                *("Account: read", "Account.Key__c: read"),
            },
        ),
        (
            written("Bill__c", {"create"}, "Account__c"),
            {"Bill__c: read", "Bill__c: create", "Account: read", "Account: edit"},
        ),
        (
            written("Task", {"create"}, "WhatId", ids=frozenset({("WhatId", "00Q")})),
            {"Task.WhatId: read", "Task.WhatId: edit", "Lead: read", "EditTask"},
        ),
        (written("OrderItem", {"create"}), {"Order: read", "Order: edit"}),
        (written("Lead", {"edit"}, "OwnerId"), {"Lead: read", "Lead: edit", "TransferAnyLead"}),
        (written("Account", {"edit"}, "OwnerId"), {"Account: read", "Account: edit", "TransferAnyEntity"}),
        (written("Account", {"create"}, "OwnerId"), {"Account: read", "Account: create"}),
        (written("id:00Q", {"delete"}), {"Lead: read", "Lead: edit", "Lead: delete"}),
        (
            Followed("Account", "Contacts", frozenset({("Email",)})),
            {"Account: read", "Contact: read", "Contact.Email: read", "Contact.AccountId: read"},
        ),
    ],
)
def test_what_a_write_takes(deed: Deed, expected: set[str]) -> None:
    assert used(deed) == expected


@pytest.mark.parametrize(
    ("deed", "permission"),
    [
        (query("SELECT Id FROM UserRole"), "ViewRoles"),
        (query("SELECT Pin__c FROM Vault__c"), "ViewEncryptedData"),
        (written("Vault__c", {"create"}, "CreatedDate"), "CreateAuditFields"),
        (query("SELECT Id FROM Vault__c"), "CustomEntityDefinition:Vault__c"),
    ],
)
def test_what_a_use_may_rest_on_is_kept_where_it_is_held_and_never_missing(deed: Deed, permission: str) -> None:
    held = Access(system=frozenset({permission, "RunReports"}), setup=frozenset({permission}))
    assert permission in used(deed, granted=held)
    assert "RunReports" not in used(deed, granted=held)
    assert permission not in used(deed, granted=Access()) | missing(deed, granted=Access())


# --- all rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        ("Private", {"view-all", "modify-all"}),
        ("Read", {"view-all", "modify-all"}),  # Modify All needs View All
        ("ReadWrite", set()),
        ("ControlledByParent", {"view-all", "modify-all"}),
        ("", {"view-all", "modify-all"}),
    ],
)
def test_rights_to_all_rows_stay_where_sharing_does_not_open_them(default: str, expected: set[str]) -> None:
    all_rows = {"read", "create", "edit", "delete", "view-all", "modify-all"}
    granted = Access.model_validate({"objects": {"Lead": all_rows, "Account": all_rows}})
    says = OrgSays(sharing={"Lead": default}, grantable=frozenset({"Lead"}))
    found = used(written("Lead", {"edit"}), granted=granted, says=says)
    assert {name.removeprefix("Lead: ") for name in found} & {"view-all", "modify-all"} == expected
    assert not any(name.startswith("Account") for name in found)


@pytest.mark.parametrize(("default", "kept"), [("Private", True), ("Read", False), ("", True)])
def test_seeing_all_users_counts_where_users_are_private(default: str, kept: bool) -> None:
    held = Access(system=frozenset({"ViewAllUsers"}))
    found = used(query("SELECT Owner.Name FROM Lead"), granted=held, says=OrgSays(sharing={"User": default}))
    assert ("ViewAllUsers" in found) is kept
    assert "ViewAllUsers" not in used(query("SELECT Id FROM Lead"), granted=held, says=OrgSays())


@pytest.mark.parametrize("read_is_enough", [True, False])
def test_writing_a_detail_takes_edit_on_its_master_unless_read_is_enough(read_is_enough: bool) -> None:
    org = [one for one in ORG if one["name"] != "Bill__c"]
    detail = lookup("Account__c", "Account__r", "Account", relationshipOrder=0, permissionable=False)
    org.append(described("Bill__c", "a00", {**detail, "writeRequiresMasterRead": read_is_enough}))
    needs = needs_of(seen(written("Bill__c", {"create"})), Schema(org))
    found = {line(row.need) for row in table(FULL, needs, OPEN) if row.verdict == "used"}
    assert "Account: read" in found
    assert ("Account: edit" in found) is not read_is_enough


def test_modify_all_is_not_kept_for_reading() -> None:
    granted = Access.model_validate({"objects": {"Lead": ["read", "edit", "delete", "view-all", "modify-all"]}})
    says = OrgSays(sharing={"Lead": "Private"})
    assert used(query("SELECT Id FROM Lead"), granted=granted, says=says) == {"Lead: read", "Lead: view-all"}


def test_what_modify_all_data_gave_is_kept_object_by_object() -> None:
    granted = Access(system=frozenset({"ModifyAllData", "ViewAllData"}))
    says = OrgSays(sharing={"Lead": "Private", "Account": "Read"}, grantable=OPEN.grantable)
    found = rows(query("SELECT Id FROM Lead"), written("Account", {"edit"}), granted=granted, says=says)
    assert {(line(row.need), row.verdict) for row in found} == {
        ("Account: edit", "used"),
        ("Account: modify-all", "used"),
        ("Account: read", "used"),
        ("Lead: read", "used"),
        ("Lead: view-all", "used"),
        ("ModifyAllData", "never-used"),
        ("ViewAllData", "never-used"),
    }


def test_fields_that_view_all_fields_opened_are_kept_one_by_one() -> None:
    granted = Access.model_validate({"objects": {"Lead": ["read", "view-all-fields"]}})
    assert used(query("SELECT Company FROM Lead"), granted=granted) == {"Lead: read", "Lead.Company: read"}
    whole = used(query("SELECT FIELDS(ALL) FROM Lead LIMIT 1"), granted=granted)
    assert whole == {"Lead: read", "Lead: view-all-fields"}


# --- the table --------------------------------------------------------------------------------------------------------


def test_three_ways() -> None:
    granted = Access.model_validate(
        {
            "objects": {"Lead": ["read", "create"]},
            "fields": {"Lead.Company": ["read"]},
            "system": ["RunReports"],
            "setup": ["ApexClass:Sync"],
            "record_types": ["Lead.Web"],
        }
    )
    found = rows(written("Lead", {"edit"}, "Company"), granted=granted)
    assert [(row.verdict, row.need.kind, line(row.need), row.places) for row in found] == [
        ("used", "object", "Lead: read", ("t:1",)),
        ("never-used", "object", "Lead: create", ()),
        ("missing", "object", "Lead: edit", ("t:1",)),
        ("used", "field", "Lead.Company: read", ("t:1",)),
        ("missing", "field", "Lead.Company: edit", ("t:1",)),
        ("never-used", "system", "RunReports", ()),
        ("never-used", "setup", "ApexClass:Sync", ()),
        ("never-used", "record-type", "Lead.Web", ()),
    ]


def test_an_object_that_nobody_can_be_granted_is_not_missing() -> None:
    nothing = Access()
    asked = query("SELECT Subject FROM Task")
    assert missing(asked, granted=nothing) == {"Task.Subject: read"}
    assert "Lead: read" in missing(query("SELECT Id FROM Lead"), granted=nothing)
    assert missing(query("SELECT Id FROM Lead"), granted=nothing, says=OrgSays()) == set()


def test_what_a_used_permission_depends_on_is_used() -> None:
    says = OrgSays(
        sharing=OPEN.sharing,
        grantable=OPEN.grantable,
        dependencies={Atom("Lead", "create"): frozenset({Atom("", "RunReports"), Atom("", "ManageUsers")})},
    )
    found = {
        line(row.need): row.places
        for row in rows(Touched("Lead", frozenset({"create"})), says=says)
        if row.verdict == "used"
    }
    assert found["RunReports"] == ("needed by Lead: create",)
    assert "ManageUsers" not in found


def test_every_field_is_kept_of_what_only_an_event_log_names() -> None:
    log = Touched("Account", frozenset({"read"}), log=True)
    assert used(log) == {
        "Account: read",
        *(f"Account.{name}: read" for name in ("BillingAddress", "Key__c", "ParentId", "Site")),
    }
    assert used(log, query("SELECT Site FROM Account")) == {"Account: read", "Account.Site: read"}
    writing = Touched("Lead", frozenset({"edit"}), log=True)
    assert used(writing) == {"Lead: read", "Lead: edit", "Lead.Company: read", "Lead.Company: edit"}


def test_something_of_use_only_where_it_is_held_is_never_missing() -> None:
    deed = Held("system", "RunFlow", firm=False)
    assert (used(deed), missing(deed)) == (set(), set())
    assert used(deed, granted=Access(system=frozenset({"RunFlow"}))) == {"RunFlow"}
    assert missing(Held("system", "BulkApiHardDelete")) == {"BulkApiHardDelete"}


def test_one_more_deed_adds_exactly_its_need() -> None:
    before = [query("SELECT Id, Site FROM Account")]
    after = [*before, written("Contact", {"create"}, "Email")]
    assert used(*after) - used(*before) == {
        "Contact: read",
        "Contact: create",
        "Contact.Email: read",
        "Contact.Email: edit",
    }
    assert used(*before) <= used(*after)


# --- properties -------------------------------------------------------------------------------------------------------

OBJECTS = ("Account", "Contact", "Lead", "Bill__c", "Order")
RIGHTS = ("read", "create", "edit", "delete", "view-all", "modify-all", "view-all-fields")
GRANTS = st.builds(
    lambda objects, fields, system: Access.model_validate(
        {
            "objects": {name: {*held, "read"} for name, held in objects.items()},
            "fields": {name: {*held, "read"} for name, held in fields.items()},
            "system": system,
        }
    ),
    st.dictionaries(st.sampled_from(OBJECTS), st.frozensets(st.sampled_from(RIGHTS), max_size=3)),
    st.dictionaries(st.sampled_from(sorted(FULL.fields)), st.frozensets(st.sampled_from(("read", "edit")))),
    st.frozensets(st.sampled_from(("ModifyAllData", "ViewAllData", "RunReports", "TransferAnyEntity"))),
)
DEEDS = st.lists(
    st.sampled_from(
        [
            query("SELECT Id, Account.Parent.Site FROM Contact"),
            query("SELECT FIELDS(ALL) FROM Account LIMIT 1"),
            query("SELECT (SELECT Email FROM Contacts), BillingCity FROM Account"),
            query("SELECT What.Name FROM Task"),
            written("Account", {"create", "edit"}, "Site", "OwnerId", key="Key__c"),
            written("Bill__c", {"delete"}),
            written("Task", {"create"}, "WhatId", "Subject"),
            Touched("Lead", frozenset({"create"}), log=True),
            Held("system", "RunReports"),
        ]
    ),
    max_size=4,
)
SHARING = st.dictionaries(st.sampled_from(OBJECTS), st.sampled_from(("Private", "Read", "ReadWrite")))


@given(DEEDS, GRANTS, SHARING)
def test_each_permission_has_one_verdict_and_it_is_true(
    deeds: list[Deed], granted: Access, sharing: dict[str, str]
) -> None:
    found = rows(*deeds, granted=granted, says=OrgSays(sharing=sharing, grantable=OPEN.grantable))
    assert len({row.need for row in found}) == len(found)
    held = access_of(row.need for row in found if row.verdict == "never-used")
    used_access = access_of(row.need for row in found if row.verdict == "used")
    missing_access = access_of(row.need for row in found if row.verdict == "missing")
    assert minus(held, granted) == Access(), "what was never used was granted"
    assert minus(granted, union([held, used_access])) == Access(), "nothing granted is left out"
    assert minus(missing_access, granted) == missing_access, "what is missing is not granted"
    if not {"ModifyAllData", "ViewAllData"} & granted.system and not any(
        "view-all-fields" in rights for rights in granted.objects.values()
    ):
        assert minus(used_access, granted) == Access(), "nothing is used that was not granted"


@given(DEEDS, DEEDS, GRANTS, SHARING)
def test_more_evidence_never_takes_away_what_a_request_needs(
    deeds: list[Deed], more: list[Deed], granted: Access, sharing: dict[str, str]
) -> None:
    """All but what is kept whole for want of better evidence: that is what more evidence narrows."""
    told = [deed for deed in deeds if not (isinstance(deed, Touched) and deed.log)]
    says = OrgSays(sharing=sharing, grantable=OPEN.grantable)
    assert used(*told, granted=granted, says=says) <= used(*told, *more, granted=granted, says=says)
