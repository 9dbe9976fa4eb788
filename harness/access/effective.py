"""What a user may effectively do, worked out from what its permission sets hold, as the platform evaluates it. Pure.

This is one of three witnesses: the platform's own access tables and probes are the others. The rules are those of the
Object Reference (ObjectPermissions, FieldPermissions) and of Salesforce Help ("Object Permissions", "Field-Level
Security").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.access.algebra import NEEDS, Dependencies, atoms, closure
from harness.access.model import Access, ObjectRight

ROW_RIGHTS: tuple[ObjectRight, ...] = ("read", "create", "edit", "delete")
FIELD_KINDS = ("read", "create", "edit")
"""What can be done with a field: read it, set it in a new row, change it later."""
ALL_ROWS: tuple[ObjectRight, ...] = ("view-all", "modify-all")

Key = tuple[str, str]
"""A right: (`Account`, `create`), (`Account.Name`, `edit`), (`ManageUsers`, `held`)."""
HELD = "held"
Kind = Literal["own", "follows", "activity", "everybody", "other"]

FOLLOWS: Mapping[str, str] = {
    "AccountContactRole": "Account",
    "AssetRelationship": "Asset",
    "CampaignMember": "Campaign",
    "CampaignMemberStatus": "Campaign",
    "CaseComment": "Case",
    "CaseContactRole": "Case",
    "ContractContactRole": "Contract",
    "OpportunityContactRole": "Opportunity",
    "OpportunityLineItem": "Opportunity",
    "OrderItem": "Order",
    "PricebookEntry": "Pricebook2",
    "QuoteLineItem": "Quote",
    "WorkOrderLineItem": "WorkOrder",
}
"""Objects without object permissions of their own: Read on the other one reads them, Edit on it writes them."""
ACTIVITIES: Mapping[str, str] = {"Event": "EditEvent", "Task": "EditTask"}
"""Objects that everybody may read, each with the system permission that writes it."""
EVERYBODY = frozenset({"User"})
"""Objects that everybody may read, and whose writing is governed by setup permissions."""
SETUP_FIELDS: Mapping[str, str] = {"User.NumberOfFailedLogins": "ManageUsers"}
"""Fields that need a system permission of their own (facts 3.1)."""
FEATURES: Mapping[str, str] = {"Campaign": "MarketingUser"}
"""Objects whose writing needs a feature license of the user (facts 1.8)."""

AUDIT_FIELDS = frozenset({"CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"})
SETS_AUDIT_FIELDS = "CreateAuditFields"
"""The system permission that lets a user set these in a new row (Salesforce Help, "Set Audit Fields")."""
_METADATA = "__mdt"
"""How the names of custom metadata types end: their records are read, and written by the Metadata API alone."""
_EVERYWHERE: Mapping[str, frozenset[ObjectRight]] = {
    "ViewAllData": frozenset({"read", "view-all"}),
    "ModifyAllData": frozenset({"read", "create", "edit", "delete", "view-all", "modify-all"}),
}


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What a field is by nature, whoever asks."""

    name: str
    permissionable: bool
    """Whether FieldPermissions may name it: required and master-detail fields and audit fields have none."""
    createable: bool
    updateable: bool
    computed: bool
    """A formula or an auto-number: it can only be read."""
    compound: str | None
    """The compound field it is a part of, whose permission is its own (facts 3.6)."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What an object is by nature, as the describe of an administrator shows it."""

    name: str
    own: bool
    """Whether ObjectPermissions may name it."""
    rights: frozenset[str]
    """Of create, edit and delete, what the administrator may do."""
    fields: Mapping[str, FieldFacts]

    @property
    def kind(self) -> Kind:
        """What governs access to it."""
        if self.own:
            return "own"
        if self.name in FOLLOWS:
            return "follows"
        if self.name in ACTIVITIES:
            return "activity"
        return "everybody" if self.name in EVERYBODY else "other"

    def governing(self, field: FieldFacts) -> FieldFacts:
        """The field whose permission counts: of a part of a compound field, the compound."""
        return self.fields.get(field.compound or "", field)


def facts_of(described: Mapping[str, Any], *, own: bool) -> ObjectFacts:
    """The facts of an object from its describe, as an administrator sees it (`harness.org.describe`)."""
    flags = {"create": "createable", "edit": "updateable", "delete": "deletable"}
    return ObjectFacts(
        name=str(described["name"]),
        own=own,
        rights=frozenset(right for right, flag in flags.items() if described[flag]),
        fields={
            str(each["name"]): FieldFacts(
                name=str(each["name"]),
                permissionable=bool(each["permissionable"]),
                createable=bool(each["createable"]),
                updateable=bool(each["updateable"]),
                computed=bool(each["calculated"] or each["autoNumber"]),
                compound=each["compoundFieldName"],
            )
            for each in described["fields"]
        },
    )


def effective(
    held: Access,
    schema: Mapping[str, ObjectFacts],
    *,
    dependencies: Dependencies | None = None,
    features: frozenset[str] = frozenset(),
) -> dict[Key, bool]:
    """Whether the user has each right on the objects and fields of the schema, and beside objects.

    `held` is what its sets give, the profile's own among them; `dependencies` say which permission brings which other.
    A right that these rules cannot decide is not in the answer.
    """
    whole = closed(held, dependencies or {})
    rights: dict[Key, bool] = {(name, HELD): True for name in (*whole.system, *whole.setup)}
    for name, facts in schema.items():
        on_object = _on_object(facts, whole, features)
        rights |= {(name, right): may for right, may in on_object.items()}
        if "read" in on_object:
            rights |= dict(_on_fields(facts, whole, on_object))
    return rights


def closed(held: Access, dependencies: Dependencies) -> Access:
    """What is held, with whatever that brings along: a permission is never held without what it needs."""
    added = closure(atoms(held), dependencies)
    objects: dict[str, set[str]] = {name: set(rights) for name, rights in held.objects.items()}
    for atom in added:
        if atom.object:
            objects.setdefault(atom.object, set()).add(atom.right)
    system = held.system | {atom.right for atom in added if not atom.object}
    return held.model_copy(
        update={"objects": {name: frozenset(rights) for name, rights in objects.items()}, "system": system}
    )


def on_own(name: str, whole: Access, possible: frozenset[str] = frozenset({"create", "edit", "delete"})) -> set[str]:
    """The rights on an object that has object permissions; `possible` are those its nature has."""
    rights: set[str] = set()
    for right in whole.objects.get(name, frozenset()):
        rights |= {right, *NEEDS[right]}
    for permission, everywhere in _EVERYWHERE.items():
        if permission in whole.system:
            rights |= everywhere & {*possible, "read", "view-all", "modify-all"}
    return rights


def _on_object(facts: ObjectFacts, whole: Access, features: frozenset[str]) -> dict[str, bool]:
    if facts.kind == "own":
        rights = on_own(facts.name, whole, facts.rights)
        if FEATURES.get(facts.name) not in (None, *features) or facts.name.endswith(_METADATA):
            rights -= {"create", "edit", "delete"}
        return {right: right in rights for right in (*ROW_RIGHTS, *ALL_ROWS)}
    if facts.kind == "follows":
        rights = on_own(FOLLOWS[facts.name], whole)
        may = "edit" in rights
        return {"read": "read" in rights, **{right: may and right in facts.rights for right in ROW_RIGHTS[1:]}}
    if facts.kind == "activity":
        may = ACTIVITIES[facts.name] in whole.system
        return {"read": True, **dict.fromkeys(ROW_RIGHTS[1:], may)}
    return {"read": True} if facts.kind == "everybody" else {}


def _on_fields(facts: ObjectFacts, whole: Access, on_object: Mapping[str, bool]) -> Iterator[tuple[Key, bool]]:
    rights = whole.objects.get(facts.name, frozenset())
    compounds = {field.compound for field in facts.fields.values()}
    for field in facts.fields.values():
        name, governing = f"{facts.name}.{field.name}", facts.governing(field)
        granted = whole.fields.get(f"{facts.name}.{governing.name}", frozenset())
        free = not governing.permissionable
        special = SETUP_FIELDS.get(name)
        seen = free or bool(granted) or "view-all-fields" in rights
        yield (name, "read"), on_object["read"] and seen and (special is None or special in whole.system)
        if field.name in AUDIT_FIELDS:
            yield (name, "create"), on_object.get("create", False) and SETS_AUDIT_FIELDS in whole.system
            yield (name, "edit"), False
            continue
        if field.computed or not on_object["read"]:
            yield from (((name, kind), False) for kind in FIELD_KINDS[1:])
            continue
        writable = free or "edit" in granted
        # An administrator who may not edit a field does not see whether it could be; a grant to edit it says so.
        unseen = "edit" in granted and not (field.createable or field.updateable or field.name in compounds)
        for kind, by_nature in (("create", field.createable), ("edit", field.updateable)):
            if kind in on_object:
                yield (name, kind), on_object[kind] and writable and (by_nature or unseen)
