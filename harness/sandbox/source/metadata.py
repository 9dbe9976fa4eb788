"""An org's metadata as plain data, the way a Salesforce DX project holds it and before there is an org.

Names are those of the Metadata API. Lists are sorted by name, so that two readings of a project are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.sandbox.schema import MatchingRule, SharingRule
from harness.sandbox.source.dx_duplicates import DuplicateMetadata


@dataclass(frozen=True, slots=True)
class Summary:
    """What a roll-up summary field sums up."""

    operation: str
    """count, sum, min or max."""
    field: str | None
    """`Child__c.Field__c`; None for count."""


@dataclass(frozen=True, slots=True)
class FieldMetadata:
    """CustomField: one field as its file says; `type` is the Metadata API's, empty for a standard field without one."""

    name: str
    type: str = ""
    label: str | None = None
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    unique: bool = False
    case_sensitive: bool = False
    external_id: bool = False
    formula: bool = False
    formula_text: str | None = None
    default: str | None = None
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    write_requires_master_read: bool = False
    picklist: tuple[str, ...] = ()
    picklist_default: str | None = None
    value_set: str | None = None
    """The global value set that the picklist takes its values from."""
    restricted: bool = False
    summary: Summary | None = None


@dataclass(frozen=True, slots=True)
class RecordTypeMetadata:
    """One record type of an object."""

    name: str
    label: str
    active: bool = True
    description: str | None = None


@dataclass(slots=True)
class ObjectMetadata:
    """CustomObject: a custom object, or what a project says about a standard one."""

    name: str
    label: str | None = None
    plural: str | None = None
    name_label: str | None = None
    name_auto_number: bool = False
    sharing: str | None = None
    external_sharing: str | None = None
    custom_setting: bool = False
    activities: bool = False
    fields: list[FieldMetadata] = field(default_factory=list)
    record_types: list[RecordTypeMetadata] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TabSetting:
    """How a tab is shown: `DefaultOn` or `DefaultOff`."""

    tab: str
    visibility: str


@dataclass(slots=True)
class PermissionsMetadata:
    """Profile, PermissionSet or MutingPermissionSet: what it grants (or, muting, takes away)."""

    name: str
    label: str
    license: str | None = None
    description: str | None = None
    custom: bool = True
    session: bool = False
    """Needs an activated session."""
    system: frozenset[str] = frozenset()
    objects: dict[str, frozenset[str]] = field(default_factory=dict)
    """Object to columns of ObjectPermissions that are true: `PermissionsRead`, ..."""
    fields: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    """`Object.Field` to readable and editable, as far as the file says."""
    setup: tuple[tuple[str, str], ...] = ()
    """Setup entities, as (SetupEntityAccess.SetupEntityType, name)."""
    default_app: str | None = None
    """Of a profile: the app its users start in."""
    tabs: tuple[TabSetting, ...] = ()
    record_types: dict[str, bool | None] = field(default_factory=dict)
    """Record types as `Object.Name`, each with whether it is the default; None where it is not visible."""
    login_ip_ranges: tuple[tuple[str, str], ...] = ()
    """Of a profile: first and last address of each."""
    login_hours: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of a profile: day (`monday`) to first minute and the minute after the last."""


@dataclass(frozen=True, slots=True)
class GroupMetadata:
    """PermissionSetGroup: permission sets taken together, minus what is muted."""

    name: str
    label: str
    description: str | None
    permission_sets: tuple[str, ...]
    muting: tuple[str, ...]
    session: bool = False


@dataclass(frozen=True, slots=True)
class PublicGroupMetadata:
    """Group: a public group. Its members are people, and so not part of a project."""

    name: str
    label: str
    include_bosses: bool


@dataclass(frozen=True, slots=True)
class QueueMetadata:
    """Queue: its objects and members."""

    name: str
    label: str
    objects: tuple[str, ...]
    email: str | None = None
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    roles_and_subordinates: tuple[str, ...] = ()
    include_bosses: bool = True
    """Whether people above the members get their access; not in metadata before API version 67."""


@dataclass(frozen=True, slots=True)
class RoleMetadata:
    """Role: a place in the role hierarchy."""

    name: str
    label: str
    parent: str | None
    description: str | None = None
    case_access: str | None = None
    contact_access: str | None = None
    opportunity_access: str | None = None


@dataclass(slots=True)
class AppMetadata:
    """ConnectedApp, or an ExternalClientApplication with its settings and policies."""

    name: str
    label: str
    external: bool
    client_credentials: bool = False
    certificate: bool = False
    admin_approved: bool = False
    run_as: str | None = None
    """Username of the user that client credentials sign in as."""
    profiles: tuple[str, ...] = ()
    permission_sets: tuple[str, ...] = ()
    enabled: bool = True
    policies: dict[str, Any] = field(default_factory=dict)
    """Further policies, by the names that `apps.App` has for them."""


@dataclass(frozen=True, slots=True)
class CustomPermissionMetadata:
    """One custom permission."""

    name: str
    label: str
    description: str | None


@dataclass(slots=True)
class Project:
    """All that was read of a project; each part by its API name."""

    name: str
    objects: dict[str, ObjectMetadata] = field(default_factory=dict)
    profiles: dict[str, PermissionsMetadata] = field(default_factory=dict)
    permission_sets: dict[str, PermissionsMetadata] = field(default_factory=dict)
    muting: dict[str, PermissionsMetadata] = field(default_factory=dict)
    groups: dict[str, GroupMetadata] = field(default_factory=dict)
    public_groups: dict[str, PublicGroupMetadata] = field(default_factory=dict)
    queues: dict[str, QueueMetadata] = field(default_factory=dict)
    roles: dict[str, RoleMetadata] = field(default_factory=dict)
    apps: dict[str, AppMetadata] = field(default_factory=dict)
    custom_permissions: dict[str, CustomPermissionMetadata] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    triggers: dict[str, str] = field(default_factory=dict)
    """The code of each Apex trigger."""
    class_bodies: dict[str, str] = field(default_factory=dict)
    """The code of each Apex class, where the project holds it."""
    automation: list[tuple[Path, str]] = field(default_factory=list)
    """The files of rules and automation, each with the full name of its component."""
    sharing_rules: dict[str, list[SharingRule]] = field(default_factory=dict)
    """By object."""
    matching_rules: dict[str, dict[str, MatchingRule]] = field(default_factory=dict)
    """By object and name."""
    duplicate_rules: list[DuplicateMetadata] = field(default_factory=list)
    value_sets: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def containers(self) -> list[PermissionsMetadata]:
        """Everything that grants or mutes permissions."""
        return [*self.profiles.values(), *self.permission_sets.values(), *self.muting.values()]
