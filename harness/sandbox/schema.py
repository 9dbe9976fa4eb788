"""What objects and fields the simulated org has: plain data, independent of who asks.

Names are looked up without regard to case, as the platform does. `describe.py` turns this into describe answers,
`store.py` into tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    `type` is the describe type: id, string, textarea, picklist, multipicklist, boolean, int, double, currency, percent,
    date, datetime, time, reference, email, phone, url, address, location, encryptedstring, base64, anyType, combobox.
    """

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    permissionable: bool = True
    """Whether FieldPermissions may name it; a compound's parts are not, the compound is."""
    custom: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    """Of a unique field: whether values that differ in case only are two."""
    calculated: bool = False
    formula: str | None = None
    """The text of a formula field; it is told in describes and never evaluated."""
    auto_number: bool = False
    name_field: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    """How a query goes to the parent: `Account`, `Project__r`."""
    child_relationship: str | None = None
    """How a query of the parent goes to the children: `Contacts`, `Tasks__r`."""
    master_detail: bool = False
    write_requires_master_read: bool = False
    """Of a master-detail reference: reading the master is enough to write the detail."""
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    default: str | bool | int | float | None = None
    compound: str | None = None
    """The compound field this is a part of: `BillingAddress`."""
    since: int = 0
    """The API version that has it first: requests of older ones are answered as if it were not there."""


@dataclass(slots=True)
class SObject:
    """One object and its fields."""

    name: str
    label: str
    plural: str
    key_prefix: str
    fields: dict[str, Field] = field(default_factory=dict)
    """By lower-case name, in order."""
    custom: bool = False
    custom_setting: bool = False
    setup: bool = False
    """A setup object: not governed by ObjectPermissions, and part of the mixed DML rule."""
    tooling: bool = False
    """Answered by the Tooling API only."""
    object_permissions: bool = True
    """Whether ObjectPermissions may name it; never true in effect for setup objects and custom settings."""
    governed_by: str | None = None
    """Of an object without object permissions of its own: the object whose permissions count (OrderItem: Order).
    None: everyone may read it, and `write_needs_any_of` says who may write (Task: EditTask)."""
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    queryable: bool = True
    aggregates: bool = True
    """Whether its fields may be aggregated; `count()` works in any case."""
    needs_any_of: tuple[str, ...] = ()
    """Of a setup object: the system permissions of which one is needed to see it; none means everyone may."""
    write_needs_any_of: tuple[str, ...] = ()
    """The system permissions of which one is needed to write rows, beside what `rules` asks of setup objects."""
    write_needs_feature: str | None = None
    """The feature license that writing rows needs: `MarketingUser` for campaigns."""
    sharing: str = "ReadWrite"
    """The org-wide default, as the Metadata API names it (CustomObject, `sharingModel`): Private, Read, ReadWrite,
    ReadWriteTransfer, FullAccess, ReadSelect, ControlledByParent, ControlledByCampaign."""
    external_sharing: str | None = None
    """The org-wide default for external users, where the source says."""
    hierarchies: bool = True
    """Grant Access Using Hierarchies: always so for standard objects."""
    share_of: str | None = None
    """Of a share object (AccountShare): the object whose rows it shares."""
    record_types: dict[str, str] = field(default_factory=dict)
    """Developer name to label."""

    def add(self, one: Field) -> None:
        """Add or replace a field."""
        self.fields[one.name.lower()] = one

    def get(self, name: str) -> Field | None:
        """The field of that name, in any case."""
        return self.fields.get(name.lower())


@dataclass(frozen=True, slots=True)
class SystemPermission:
    """One system permission: the API name without `Permissions` (`ManageUsers`), its label, and what comes with it."""

    name: str
    label: str
    implies: tuple[str, ...] = ()
    """System permissions it depends on: a set that has it must have these too, and whoever holds it holds these."""
    grants: tuple[tuple[str, str], ...] = ()
    """Object rights it brings along, as (object, right): `("Lead", "read")`."""


@dataclass(frozen=True, slots=True)
class LicenseTerms:
    """What a user license (by its Name) or a permission set license (DeveloperName) may carry. None: everything."""

    name: str
    permissions: frozenset[str] | None = None
    """System permissions without `Permissions`."""
    objects: frozenset[str] | None = None
    """Objects, custom ones included or not as the license says; `*__c` stands for every custom object."""
    features: frozenset[str] | None = None
    """Feature licenses that users of a user license may have, as `MarketingUser` of UserPermissionsMarketingUser."""

    def allows_permission(self, name: str) -> bool:
        """Whether the license may carry the system permission."""
        return self.permissions is None or name in self.permissions

    def allows_object(self, sobject: SObject) -> bool:
        """Whether the license may carry rights on the object."""
        if self.objects is None or sobject.name in self.objects:
            return True
        return sobject.custom and "*__c" in self.objects


@dataclass(frozen=True, slots=True)
class GroupName:
    """People that a sharing rule names, as a row of Group: its Type and its DeveloperName."""

    type: str
    """Regular, Queue, Role, RoleAndSubordinates, Organization."""
    name: str = ""
    """Empty for Organization."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of a criteria-based sharing rule (Metadata API guide, FilterItem)."""

    field: str
    operation: str
    """equals, notEqual, lessThan, greaterThan, lessOrEqual, greaterOrEqual, contains, notContain, startsWith, includes,
    excludes."""
    value: str


@dataclass(frozen=True, slots=True)
class SharingRule:
    """Shares the rows of an object that somebody owns, or that meet criteria (Metadata API guide, SharingRules)."""

    name: str
    level: str
    """Read or Edit."""
    shared_to: tuple[GroupName, ...]
    shared_from: tuple[GroupName, ...] = ()
    """Of an owner-based rule: whose rows."""
    criteria: tuple[Criterion, ...] = ()
    filter: str | None = None
    """How the criteria are joined, by their numbers: `1 AND (2 OR 3)`; all of them, where nothing is said."""
    children: tuple[tuple[str, str], ...] = ()
    """Of a rule on accounts: the objects of the accounts' children, each with its level: (("Case", "Edit"), ...)."""


@dataclass(frozen=True, slots=True)
class MatchingItem:
    """One field that a matching rule compares."""

    field: str
    match_blanks: bool = False
    """Whether two empty values are alike."""


@dataclass(frozen=True, slots=True)
class MatchingRule:
    """How rows of an object are compared (Metadata API guide, MatchingRules)."""

    name: str
    items: tuple[MatchingItem, ...]
    filter: str | None = None
    """How the items are joined, by their numbers: `1 AND (2 OR 3)`; all of them, where nothing is said."""
    standard: bool = False
    """Whether the rule comes with every org."""


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """What happens to a row that is like another one (Metadata API guide, DuplicateRule)."""

    name: str
    label: str
    matching: tuple[MatchingRule, ...]
    on_insert: str | None = None
    """`Block`, `Allow` where the caller is warned, None where nothing is said."""
    on_update: str | None = None
    alert_text: str = "Use one of these records?"
    enforces_sharing: bool = True
    active: bool = True


class Schema:
    """All objects of an org, its system permissions, and the terms of its licenses."""

    def __init__(self) -> None:
        self._objects: dict[str, SObject] = {}
        self._prefixes: dict[str, SObject] = {}
        self.system_permissions: dict[str, SystemPermission] = {}
        """By API name."""
        self.user_licenses: dict[str, LicenseTerms] = {}
        """By UserLicense.Name."""
        self.permission_set_licenses: dict[str, LicenseTerms] = {}
        """By PermissionSetLicense.DeveloperName."""
        self.sharing_rules: dict[str, list[SharingRule]] = {}
        """By the object's name in lower case."""
        self.duplicate_rules: dict[str, list[DuplicateRule]] = {}
        """By the object's name in lower case, in their order."""

    def add(self, sobject: SObject) -> None:
        """Add or replace an object."""
        self._objects[sobject.name.lower()] = sobject
        if sobject.key_prefix:
            self._prefixes[sobject.key_prefix] = sobject

    def discard(self, sobject: SObject) -> None:
        """Take an object away."""
        self._objects.pop(sobject.name.lower(), None)
        self._prefixes.pop(sobject.key_prefix, None)

    def get(self, name: str) -> SObject | None:
        """The object of that name, in any case."""
        return self._objects.get(name.lower())

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def of_prefix(self, prefix: str) -> SObject | None:
        """The object whose ids start with these three characters."""
        return self._prefixes.get(prefix)
