"""System permissions that a use may rest on: they count as used where they are held. Pure.

The org does not tell which system permission governs what, so this is kept from its documentation: facts 3.1 (Object
Reference, "Special Access Rules") and Salesforce Help, "User Permissions". An entry too many keeps a permission that is
held; it never grants one.
"""

from __future__ import annotations

from collections.abc import Mapping

TRANSFER: Mapping[str, str] = {"Lead": "TransferAnyLead", "Case": "TransferAnyCase"}
"""What lets a user give away rows of these; TransferAnyEntity for all others."""

SEE_USERS = "ViewAllUsers"
"""What shows all users where the org's default for users is private."""

_SETUP = ("ViewSetup",)
READ: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("ObjectPermissions", "FieldPermissions", "SetupEntityAccess", "SetupAuditTrail"), _SETUP),
    **dict.fromkeys(("PermissionSetGroup", "PermissionSetGroupComponent", "PermissionSetLicense"), _SETUP),
    **dict.fromkeys(("PermissionSet", "PermissionSetAssignment"), (*_SETUP, "AssignPermissionSets")),
    "ContentDocument": ("QueryAllFiles",),
    "ContentVersion": ("QueryAllFiles",),
    "EventLogFile": ("ViewEventLogFiles",),
    "LoginHistory": ("MonitorLoginHistory", "ManageUsers"),
    "User": (SEE_USERS,),
    "UserLogin": ("ManageUsers",),
    "UserRole": ("ViewRoles",),
}
"""What reading an object may rest on."""

WRITE: Mapping[str, tuple[str, ...]] = {
    "Event": ("EditEvent",),
    "Group": ("ManageUsers",),
    "GroupMember": ("ManageUsers",),
    "Order": ("EditActivatedOrders",),
    "OrderItem": ("EditActivatedOrders",),
    "PermissionSet": ("ManageProfilesPermissionsets",),
    "PermissionSetAssignment": ("AssignPermissionSets",),
    "Task": ("EditTask",),
    "User": ("ManageUsers", "ManageInternalUsers"),
    "UserLogin": ("ManageUsers", "FreezeUsers"),
    "UserRole": ("ManageRoles",),
}
"""What writing rows of an object may rest on."""

WRITE_FIELD: Mapping[str, str] = {
    **dict.fromkeys(("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate"), "CreateAuditFields"),
    "OwnerId": "UpdateWithInactiveOwner",
    "Contract.Status": "ActivateContract",
    "Order.Status": "ActivateOrder",
}
"""What writing a field may rest on, by its name or as `Object.Field`."""

ENCRYPTED = ("encryptedstring", "ViewEncryptedData")
"""A type of fields, and what shows their values and not a mask."""

LEAVE_NO_TRACE = frozenset({"PasswordNeverExpires", "UseAnyApiAuth", "ViewAllForecasts"})
"""What shapes signing in or what code asks for, which no request shows."""
