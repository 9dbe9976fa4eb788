"""Which keys of a describe the engine may use.

A describe of one object has hundreds of kilobytes, most of it picklists and layouts. The rest is cut off where it comes
in, so that nothing can come to rely on what a cassette does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OBJECT_KEYS: Mapping[str, Any] = {
    "name": "",
    "label": "",
    "keyPrefix": None,
    "createable": False,
    "updateable": False,
    "deletable": False,
}
ONE_OBJECT_KEYS: Mapping[str, Any] = {
    **OBJECT_KEYS,
    "queryable": True,
    "recordTypeInfos": [],
    "childRelationships": [],
}
FIELD_KEYS: Mapping[str, Any] = {
    "name": "",
    "label": "",
    "type": "",
    "createable": False,
    "updateable": False,
    "referenceTo": [],
    "relationshipOrder": None,
    "calculated": False,
    "autoNumber": False,
    "relationshipName": None,
    "writeRequiresMasterRead": False,
    "compoundFieldName": None,
    "permissionable": True,
    "externalId": False,
    "defaultValue": None,
    "calculatedFormula": None,
    "picklistValues": [],
}
"""Each key with what it means where it is left out, as in a cassette."""

_INNER: Mapping[str, Mapping[str, Any]] = {
    "recordTypeInfos": {
        "developerName": "",
        "recordTypeId": "",
        "available": False,
        "defaultRecordTypeMapping": False,
        "active": True,
    },
    "picklistValues": {"value": "", "active": True, "defaultValue": False},
    "childRelationships": {"relationshipName": None, "childSObject": "", "field": ""},
}
"""Each key with what it means where it is left out, as in a cassette."""


def is_describe(body: Any) -> bool:
    """Whether this is the describe of one object."""
    return isinstance(body, Mapping) and isinstance(body.get("fields"), list) and "keyPrefix" in body and "name" in body


def reduce_describe(body: Mapping[str, Any]) -> dict[str, Any]:
    """The describe of one object with the keys above, each of them there; its fields keep their order."""
    return {**_all(body, ONE_OBJECT_KEYS), "fields": [_all(field, FIELD_KEYS) for field in body["fields"]]}


def brief_describe(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what goes without saying, for a cassette."""
    fields = [_telling(field, FIELD_KEYS) for field in body["fields"]]
    return {**_telling(body, ONE_OBJECT_KEYS), "keyPrefix": body["keyPrefix"], "fields": fields}


def is_global_describe(body: Any) -> bool:
    """Whether this is the list of all objects."""
    return isinstance(body, Mapping) and isinstance(body.get("sobjects"), list)


def reduce_global_describe(body: Mapping[str, Any]) -> dict[str, Any]:
    """The list of all objects with the keys above, each of them there."""
    return {"sobjects": [_all(each, OBJECT_KEYS) for each in body["sobjects"]]}


def brief_global_describe(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what goes without saying, for a cassette."""
    return {"sobjects": [_telling(each, OBJECT_KEYS) for each in body["sobjects"]]}


def _all(source: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: [_all(each, _INNER[key]) for each in source.get(key) or ()] if key in _INNER else source.get(key, unsaid)
        for key, unsaid in keys.items()
    }


def _telling(source: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: source[key] for key, unsaid in keys.items() if source.get(key, unsaid) != unsaid}
    inner = {key: [_telling(each, _INNER[key]) for each in told[key]] for key in _INNER.keys() & told.keys()}
    return {key: inner.get(key, value) for key, value in told.items()}
