"""The rules of setup objects, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.rules.assignments import AssignmentRules, LicenseAssignmentRules
from harness.sandbox.rules.base import Rules
from harness.sandbox.rules.groups import (
    ComponentRules,
    GroupMemberRules,
    GroupRules,
    PermissionSetGroupRules,
    QueueSobjectRules,
    complete_group,
)
from harness.sandbox.rules.packages import PackageLicenseRules
from harness.sandbox.rules.permissions import (
    FieldPermissionsRules,
    ObjectPermissionsRules,
    SetupEntityAccessRules,
    TabSettingRules,
)
from harness.sandbox.rules.roles import RoleRules, complete_groups, complete_role
from harness.sandbox.rules.sessions import SessionActivationRules
from harness.sandbox.rules.sets import MutingRules, PermissionSetRules, ProfileRules, complete_profile
from harness.sandbox.rules.sharing import ShareRules
from harness.sandbox.rules.users import UserLoginRules, UserRules, complete_user

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_BY_NAME: dict[str, type[Rules]] = {
    "FieldPermissions": FieldPermissionsRules,
    "Group": GroupRules,
    "GroupMember": GroupMemberRules,
    "MutingPermissionSet": MutingRules,
    "ObjectPermissions": ObjectPermissionsRules,
    "PermissionSet": PermissionSetRules,
    "PermissionSetAssignment": AssignmentRules,
    "PermissionSetGroup": PermissionSetGroupRules,
    "PermissionSetGroupComponent": ComponentRules,
    "PermissionSetLicenseAssign": LicenseAssignmentRules,
    "PermissionSetTabSetting": TabSettingRules,
    "SessionPermSetActivation": SessionActivationRules,
    "UserPackageLicense": PackageLicenseRules,
    "Profile": ProfileRules,
    "QueueSobject": QueueSobjectRules,
    "SetupEntityAccess": SetupEntityAccessRules,
    "User": UserRules,
    "UserLogin": UserLoginRules,
    "UserRole": RoleRules,
}
_WRITE_NEEDS: dict[str, tuple[str, ...]] = {
    "ApexClass": ("AuthorApex",),
    "ApexPage": ("CustomizeApplication",),
    "CustomPermission": ("ManageCustomPermissions",),
    "Organization": ("CustomizeApplication",),
    "RecordType": ("CustomizeApplication",),
}
"""Setup objects without rules of their own: who may write them (Object Reference, "Special Access Rules")."""


def rules_of(org: SandboxOrg) -> dict[str, Rules]:
    """The rules of every object that has some, bound to an org."""
    rules = {name: kind(org) for name, kind in _BY_NAME.items()}
    rules |= {one.name: ShareRules(org, one) for one in org.schema if one.share_of}
    for name, needs in _WRITE_NEEDS.items():
        rules[name] = Rules(org)
        rules[name].write_needs = needs
    return rules


def complete(org: SandboxOrg) -> None:
    """Make what the platform makes by itself, where a loader left it out.

    The sets that profiles own, the computed sets of permission set groups, UserLogin rows, and the assignments of
    profile-owned sets.
    """
    complete_groups(org)
    for row in org.rows("UserRole") if org.schema.get("UserRole") else ():
        complete_role(org, str(row["Id"]))
    plain = Rules(org)
    for name, completing in (
        ("Profile", complete_profile),
        ("PermissionSetGroup", complete_group),
        ("User", complete_user),
    ):
        for row in plain.rows(name):
            completing(plain, row)
