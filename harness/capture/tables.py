"""Which rows and columns of an org's setup go into a twin; what is not listed stays in the org."""

from __future__ import annotations

from collections.abc import Mapping

ALL_PERMISSIONS = "Permissions*"
ALL_MAXIMA = "MaximumPermissions*"

TABLES: Mapping[str, tuple[str, ...]] = {
    "UserLicense": ("Name", "MasterLabel", "LicenseDefinitionKey", "Status", "TotalLicenses"),
    "PermissionSetLicense": (
        "DeveloperName",
        "MasterLabel",
        "PermissionSetLicenseKey",
        "Status",
        "TotalLicenses",
        "ExpirationDate",
        "IsAvailableForIntegrations",
        ALL_MAXIMA,
    ),
    "Profile": ("Name", "UserLicenseId", "UserType", ALL_PERMISSIONS),
    "PermissionSetGroup": ("DeveloperName", "MasterLabel", "NamespacePrefix", "Status", "HasActivationRequired"),
    "PermissionSet": (
        "Name",
        "Label",
        "NamespacePrefix",
        "LicenseId",
        "ProfileId",
        "PermissionSetGroupId",
        "IsOwnedByProfile",
        "IsCustom",
        "Type",
        "HasActivationRequired",
        ALL_PERMISSIONS,
    ),
    "MutingPermissionSet": ("DeveloperName", "MasterLabel", "NamespacePrefix", ALL_PERMISSIONS),
    "PermissionSetGroupComponent": ("PermissionSetGroupId", "PermissionSetId"),
    "ObjectPermissions": ("ParentId", "SobjectType", ALL_PERMISSIONS),
    "FieldPermissions": ("ParentId", "SobjectType", "Field", "PermissionsRead", "PermissionsEdit"),
    "ApexClass": ("Name", "NamespacePrefix"),
    "ApexPage": ("Name", "NamespacePrefix"),
    "CustomPermission": ("DeveloperName", "MasterLabel", "NamespacePrefix"),
    "ConnectedApplication": ("Name", "OptionsAllowAdminApprovedUsersOnly"),
    "ExternalClientApplication": ("DeveloperName", "MasterLabel"),
    "SetupEntityAccess": ("ParentId", "SetupEntityId", "SetupEntityType"),
    "PermissionSetTabSetting": ("ParentId", "Name", "Visibility"),
    "RecordType": ("Name", "DeveloperName", "NamespacePrefix", "SobjectType", "IsActive"),
    "UserRole": ("Name", "DeveloperName", "ParentRoleId"),
    "Group": ("Name", "DeveloperName", "Type", "RelatedId", "DoesIncludeBosses"),
    "QueueSobject": ("QueueId", "SobjectType"),
}
"""Object to columns, the parents before their children. What the org does not show is left out."""

USER_TABLES: Mapping[str, tuple[str, ...]] = {
    "UserLogin": ("UserId", "IsFrozen"),
    "PermissionSetAssignment": ("AssigneeId", "PermissionSetId", "PermissionSetGroupId", "ExpirationDate"),
    "PermissionSetLicenseAssign": ("AssigneeId", "PermissionSetLicenseId"),
    "GroupMember": ("UserOrGroupId", "GroupId"),
}
"""What belongs to a user in scope; the first column says to whom. Of GroupMember, groups in groups come too."""

USER_COLUMNS = (
    "ProfileId",
    "UserRoleId",
    "IsActive",
    "UserType",
    "TimeZoneSidKey",
    "LocaleSidKey",
    "LanguageLocaleKey",
    "EmailEncodingKey",
)
"""Of a user, beside the feature licenses (`UserPermissions*`); everything that could name a person is made up."""

ORGANIZATION_COLUMNS = (
    "OrganizationType",
    "InstanceName",
    "NamespacePrefix",
    "LanguageLocaleKey",
    "FiscalYearStartMonth",
    "DefaultAccountAccess",
    "DefaultContactAccess",
    "DefaultOpportunityAccess",
    "DefaultLeadAccess",
    "DefaultCaseAccess",
    "DefaultPricebookAccess",
    "DefaultCampaignAccess",
)

OBJECT_KEYS = (
    "label",
    "labelPlural",
    "keyPrefix",
    "custom",
    "customSetting",
    "createable",
    "updateable",
    "deletable",
    "queryable",
)
FIELD_KEYS = (
    "name",
    "type",
    "label",
    "length",
    "precision",
    "scale",
    "nillable",
    "createable",
    "updateable",
    "filterable",
    "permissionable",
    "custom",
    "externalId",
    "unique",
    "calculated",
    "autoNumber",
    "nameField",
    "referenceTo",
    "relationshipName",
    "relationshipOrder",
    "writeRequiresMasterRead",
    "restrictedPicklist",
    "defaultValue",
    "compoundFieldName",
)
"""Of a describe; of picklists the active values too, and for each reference the name of its child relationship."""
