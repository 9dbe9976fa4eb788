"""Describe answers in wire shape, as one user sees the org (REST guide, "sObject Describe", "Describe Global").

What the user may not see is absent: objects without Read, fields without field-level security.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.access import record_types
from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.describing import traits
from harness.sandbox.errors import not_found
from harness.sandbox.objects.sharing import UNTOLD_PREFIXES
from harness.sandbox.schema import Field, SObject

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Description = dict[str, Any]

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
    "location": "urn:location",
    "base64": "xsd:base64Binary",
    "anyType": "xsd:anyType",
}
_DEFAULT_LENGTHS = {"id": 18, "reference": 18, "picklist": 255, "url": 255, "email": 80, "phone": 40}


def describe(org: SandboxOrg, sobject: SObject, access: EffectiveAccess, version: str) -> Description:
    """One object with its fields, children and record types; the keys are in the order of their characters."""
    described = {
        "actionOverrides": [],
        **_flags(org, sobject, access),
        "childRelationships": _children(org, sobject, access),
        "compactLayoutable": traits.has(sobject, "compactLayoutable"),
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [
            _field(org, sobject, one, access) for one in sobject.fields.values() if _shown(sobject, one, access)
        ],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(org, sobject, access, version),
        "searchLayoutable": traits.has(sobject, "searchLayoutable"),
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {sobject.plural.lower()}", "name": "everything"}],
        "urls": _urls(sobject, version),
    }
    return dict(sorted(described.items()))


def describe_global(org: SandboxOrg, access: EffectiveAccess, version: str) -> Description:
    """The objects that the user sees."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [
            {**_flags(org, sobject, access), "urls": _urls(sobject, version)}
            for sobject in sorted(org.schema, key=lambda one: one.name)
            if not sobject.tooling and access.can(sobject, "read")
        ],
    }


def visible(org: SandboxOrg, name: str, access: EffectiveAccess) -> SObject:
    """The object of a name, or NOT_FOUND where it is not there for the user."""
    found = org.schema.get(name)
    if found is None or found.tooling or not access.can(found, "read"):
        raise not_found()
    return found


def _shown(sobject: SObject, field: Field, access: EffectiveAccess) -> bool:
    return access.can_read_field(sobject, field)


def _flags(org: SandboxOrg, sobject: SObject, access: EffectiveAccess) -> Description:
    may = {right: org.dml.may(sobject, right, access) for right in ("create", "edit", "delete")}
    return {
        "activateable": False,
        "associateEntityType": "Share" if sobject.share_of else None,
        "associateParentEntity": sobject.share_of,
        "createable": may["create"] or sobject.name == "User",  # its describe always says so (REST guide)
        "custom": sobject.custom,
        "customSetting": sobject.custom_setting,
        "deepCloneable": traits.has(sobject, "deepCloneable"),
        "deletable": may["delete"],
        "deprecatedAndHidden": False,
        "feedEnabled": traits.has(sobject, "feedEnabled"),
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": None if sobject.key_prefix in UNTOLD_PREFIXES else sobject.key_prefix or None,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "layoutable": traits.has(sobject, "layoutable"),
        "mergeable": traits.has(sobject, "mergeable"),
        "mruEnabled": traits.has(sobject, "mruEnabled"),
        "name": sobject.name,
        "queryable": sobject.queryable,
        "replicateable": traits.has(sobject, "replicateable"),
        "retrieveable": traits.has(sobject, "retrieveable"),
        "searchable": traits.has(sobject, "searchable"),
        "triggerable": traits.has(sobject, "triggerable"),
        "undeletable": traits.has(sobject, "undeletable") and may["delete"],
        "updateable": may["edit"],
    }


def _urls(sobject: SObject, version: str) -> dict[str, str]:
    return traits.addresses(sobject, f"/services/data/v{version}/sobjects/{sobject.name}")


def _children(org: SandboxOrg, sobject: SObject, access: EffectiveAccess) -> list[Description]:
    return [
        {
            "cascadeDelete": field.master_detail,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": field.child_relationship,
            "restrictedDelete": False,
        }
        for child, field in org.relations.referring(sobject)
        if not child.tooling and access.can(child, "read") and access.can_read_field(child, field)
    ]


def _record_types(org: SandboxOrg, sobject: SObject, access: EffectiveAccess, version: str) -> list[Description]:
    if org.schema.get("RecordType") is None or sobject.setup:
        return []
    rows = org.record_types.of(sobject)
    available, default = org.record_types.available(sobject, access), org.record_types.default(sobject, access)
    layouts = f"/services/data/v{version}/sobjects/{sobject.name}/describe/layouts"

    def info(record_id: str, name: str, developer_name: str, *, active: bool, master: bool) -> Description:
        return {
            "active": active,
            "available": master or record_id in available,
            "defaultRecordTypeMapping": default is None if master else record_id == default,
            "developerName": developer_name,
            "master": master,
            "name": name,
            "recordTypeId": record_id,
            "urls": {"layout": f"{layouts}/{record_id}"},
        }

    infos = [
        info(row["Id"], row["Name"], row["DeveloperName"], active=bool(row.get("IsActive")), master=False)
        for row in rows
    ]
    return [*infos, info(record_types.MASTER, "Master", "Master", active=True, master=True)]


def _field(org: SandboxOrg, sobject: SObject, field: Field, access: EffectiveAccess) -> Description:
    writable = access.can_edit_field(sobject, field) and not (field.calculated or field.auto_number)
    length = field.length or _DEFAULT_LENGTHS.get(field.type, 0)
    if field.type in _SOAP_TYPES and field.type not in ("id", "reference"):
        length = 0
    polymorphic = len(field.reference_to) > 1
    return {
        "aggregatable": traits.can_be_aggregated(field),
        "aiPredictionField": False,
        "autoNumber": field.auto_number,
        "byteLength": length if field.type in ("id", "reference") else length * 3,
        "calculated": field.calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": field.master_detail,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": field.createable and writable,
        "custom": field.custom,
        "defaultValue": _default(field),
        "defaultValueFormula": None,
        "defaultedOnCreate": traits.is_filled_by_the_platform(field),
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 9 if field.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": field.type == "encryptedstring",
        "externalId": field.external_id,
        "extraTypeInfo": traits.kind_of_text(sobject, field),
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": traits.can_be_grouped(field),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": traits.is_id_lookup(sobject, field),
        "inlineHelpText": None,
        "label": field.label,
        "length": length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": polymorphic and field.relationship_name is not None,
        "nillable": field.nillable,
        "permissionable": field.permissionable,
        "picklistValues": [
            {"active": True, "defaultValue": value == field.default, "label": value, "validFor": None, "value": value}
            for value in _picklist_values(org, sobject, field)
        ],
        "polymorphicForeignKey": polymorphic,
        "precision": 0 if field.type == "int" else field.precision,
        "queryByDistance": field.type in ("address", "location"),
        "referenceTargetField": None,
        "referenceTo": sorted(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": 0 if field.master_detail else None,
        "restrictedDelete": False,
        "restrictedPicklist": traits.is_restricted(sobject, field),
        "scale": field.scale,
        "searchPrefilterable": traits.is_search_prefilter(sobject, field),
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.filterable and field.type not in ("address", "location") and not traits.is_bit(field),
        "type": field.type,
        "unique": field.unique and field.custom,
        "updateable": field.updateable and writable,
        "writeRequiresMasterRead": False,
    }


def _default(field: Field) -> Any:
    if field.default is not None or field.type != "boolean" or traits.is_bit(field):
        return None if traits.is_bit(field) else field.default
    return False


def _picklist_values(org: SandboxOrg, sobject: SObject, field: Field) -> list[str]:
    """The values of a picklist; those that name objects or fields are made of the schema."""
    if field.name == "SobjectType" and sobject.name in ("ObjectPermissions", "FieldPermissions"):
        return org.permission_names.objects()
    if field.name == "Field" and sobject.name == "FieldPermissions":
        return org.permission_names.fields()
    return list(field.picklist)
