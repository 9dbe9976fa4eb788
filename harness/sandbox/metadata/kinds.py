"""The metadata types that the simulated org knows, in the order in which a deploy writes them."""

from __future__ import annotations

from harness.sandbox.metadata.automation import AUTOMATION
from harness.sandbox.metadata.client_apps import AppPolicies, ClientApps, GlobalSettings, OauthPolicies, OauthSettings
from harness.sandbox.metadata.connected_apps import ConnectedApps
from harness.sandbox.metadata.custom_objects import CustomFields, CustomObjects, RecordTypes
from harness.sandbox.metadata.groups import CustomPermissions, PermissionSetGroups
from harness.sandbox.metadata.kind import Kind
from harness.sandbox.metadata.people import Groups, Queues, Roles
from harness.sandbox.metadata.permissions import MutingPermissionSets, PermissionSets, Profiles
from harness.sandbox.metadata.sharing_rules import SharingRules

KINDS: tuple[Kind, ...] = (
    CustomObjects(),
    CustomFields(),
    RecordTypes(),
    CustomPermissions(),
    Roles(),
    Groups(),
    Queues(),
    SharingRules(),
    PermissionSets(),
    MutingPermissionSets(),
    PermissionSetGroups(),
    Profiles(),
    ClientApps(),
    GlobalSettings(),
    OauthSettings(),
    OauthPolicies(),
    AppPolicies(),
    ConnectedApps(),
    *AUTOMATION,
)
"""References go to what stands before: a set names fields, a group sets, policies name sets and profiles."""

BY_NAME = {kind.name: kind for kind in KINDS}
BY_SUFFIX = {kind.suffix: kind for kind in KINDS if kind.name not in ("CustomField", "RecordType", "ValidationRule")}
"""Types that have files of their own."""
