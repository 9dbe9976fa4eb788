"""Describe answers as SOAP writes them: the keys of the JSON ones, less those that the partner WSDL does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.sandbox.http.envelope import element

_NOT_IN_WSDL = frozenset({"urls", "url", "listviewable", "lookupLayoutable", "sobjectDescribeOption", "hasSubtypes"})
_OPTIONAL = frozenset(
    {
        "associateEntityType",
        "associateParentEntity",
        "calculatedFormula",
        "cascadeDelete",
        "compoundFieldName",
        "controllerName",
        "defaultImplementation",
        "defaultValue",
        "defaultValueFormula",
        "dependentPicklist",
        "displayLocationInDecimal",
        "encrypted",
        "extendedBy",
        "extendsInterfaces",
        "externalId",
        "extraTypeInfo",
        "filteredLookupInfo",
        "formulaTreatNullNumberAsZero",
        "highScaleNumber",
        "htmlFormatted",
        "implementedBy",
        "implementsInterfaces",
        "inlineHelpText",
        "mask",
        "maskType",
        "networkScopeFieldName",
        "referenceTargetField",
        "relationshipName",
        "relationshipOrder",
        "restrictedDelete",
        "validFor",
        "writeRequiresMasterRead",
    }
)
"""Elements that the WSDL may leave out: they are there only when they say something."""


def describe_elements(described: Mapping[str, Any]) -> str:
    """The elements of a describe result, or of a part of it."""
    return "".join(_part(name, value) for name, value in described.items() if name not in _NOT_IN_WSDL)


def _part(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_part(name, one) for one in value)
    if isinstance(value, Mapping):
        return f"<{name}>{describe_elements(value)}</{name}>"
    if name in _OPTIONAL and (value is None or value is False):
        return ""
    return element(name, value)
