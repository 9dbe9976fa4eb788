"""Which keys of a describe the engine may use.

A describe of one object has hundreds of kilobytes, most of it picklists and layouts. The rest is cut off where it comes
in, so that nothing can come to rely on what a cassette does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OBJECT_KEYS = (
    "name",
    "label",
    "custom",
    "customSetting",
    "keyPrefix",
    "queryable",
    "createable",
    "updateable",
    "deletable",
)
FIELD_KEYS = (
    "name",
    "label",
    "type",
    "custom",
    "createable",
    "updateable",
    "permissionable",
    "nillable",
    "calculated",
    "autoNumber",
    "defaultedOnCreate",
    "externalId",
    "unique",
    "length",
    "referenceTo",
    "relationshipName",
    "relationshipOrder",
    "cascadeDelete",
    "compoundFieldName",
)


def is_describe(body: Any) -> bool:
    """Whether this is the describe of one object."""
    return isinstance(body, Mapping) and isinstance(body.get("fields"), list) and "keyPrefix" in body and "name" in body


def reduce_describe(body: Mapping[str, Any]) -> dict[str, Any]:
    """The describe of one object with the keys above; its fields keep their order."""
    return {**_only(body, OBJECT_KEYS), "fields": [_only(field, FIELD_KEYS) for field in body["fields"]]}


def is_global_describe(body: Any) -> bool:
    """Whether this is the list of all objects."""
    return isinstance(body, Mapping) and isinstance(body.get("sobjects"), list)


def reduce_global_describe(body: Mapping[str, Any]) -> dict[str, Any]:
    """The list of all objects with the keys above."""
    return {"sobjects": [_only(each, OBJECT_KEYS) for each in body["sobjects"]]}


def _only(source: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: source[key] for key in keys if key in source}
