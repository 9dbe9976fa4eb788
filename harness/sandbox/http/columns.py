"""What the columns of a query are: names for the header of a CSV, and the metadata that `columns=true` asks for."""

from __future__ import annotations

from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.schema import Field, SObject
from harness.sandbox.soql.parser import parse
from harness.sandbox.soql.syntax import Call as Function
from harness.sandbox.soql.syntax import ChildQuery, Path, Query

_NUMBERS = {"int": "Integer", "double": "Double", "currency": "Decimal", "percent": "Double"}
_APEX_TYPES = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "date": "Date",
    "datetime": "Datetime",
    "time": "Time",
    **_NUMBERS,
}


def csv_columns(soql: str) -> list[tuple[str, ...]]:
    """The paths a Bulk API query selects. Raises ApiError for what the Bulk API cannot put into CSV."""
    tree = parse(soql)
    paths = []
    for item in tree.select:
        operand = None if isinstance(item, ChildQuery) else item.operand
        if not isinstance(operand, Path) or tree.group_by or tree.offset is not None:
            message = "Aggregates, OFFSET and queries of children are not supported by the Bulk API"
            raise ApiError(400, "API_ERROR", message)
        paths.append(_without_alias(tree, operand))
    return paths


def column_metadata(call: Call, soql: str) -> dict[str, Any]:
    """The columns of a query that was found valid, as the Salesforce CLI wants them."""
    tree = parse(soql)
    sobject = call.org.schema.get(tree.source)
    columns: list[dict[str, Any]] = []
    for number, item in enumerate(tree.select):
        if isinstance(item, ChildQuery):
            columns.append(_joined(item.query.source, _inner_columns(call, item.query), aggregate=True))
        elif isinstance(item.operand, Function):
            columns.append(_column(item.alias or f"expr{number}", None, sobject) | {"aggregate": True})
        else:
            _add(columns, call, sobject, _without_alias(tree, item.operand))
    return {
        "columnMetadata": columns,
        "entityName": sobject.name if sobject else tree.source,
        "groupBy": bool(tree.group_by),
        "idSelected": any(column["columnName"] == "Id" for column in columns),
        "keyPrefix": sobject.key_prefix if sobject else None,
    }


def _inner_columns(call: Call, query: Query) -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = []
    for item in query.select:
        if not isinstance(item, ChildQuery) and isinstance(item.operand, Path):
            _add(columns, call, None, _without_alias(query, item.operand))
    return columns


def _add(columns: list[dict[str, Any]], call: Call, sobject: SObject | None, path: tuple[str, ...]) -> None:
    """A column, below its parents where the path goes through them."""
    if len(path) == 1:
        columns.append(_column(path[0], sobject.get(path[0]) if sobject else None, sobject))
        return
    inner: list[dict[str, Any]] = []
    _add(inner, call, _parent(call, sobject, path[0]), path[1:])
    known = next((one for one in columns if one["columnName"].lower() == path[0].lower() and one["joinColumns"]), None)
    if known is None:
        columns.append(_joined(path[0], inner, aggregate=False))
    else:
        known["joinColumns"] += inner


def _parent(call: Call, sobject: SObject | None, relationship: str) -> SObject | None:
    for field in sobject.fields.values() if sobject else ():
        if (field.relationship_name or "").lower() == relationship.lower() and field.reference_to:
            return call.org.schema.get(field.reference_to[0])
    return None


def _joined(name: str, inner: list[dict[str, Any]], *, aggregate: bool) -> dict[str, Any]:
    return _column(name, None, None) | {"aggregate": aggregate, "joinColumns": inner}


def _column(name: str, field: Field | None, sobject: SObject | None) -> dict[str, Any]:
    kind = field.type if field else "string"
    apex = _APEX_TYPES.get(kind, "String")
    writable = field is not None and sobject is not None and not field.calculated and kind != "id"
    return {
        "aggregate": False,
        "apexType": apex,
        "booleanType": kind == "boolean",
        "columnName": field.name if field else name,
        "custom": field.custom if field else False,
        "displayName": field.name if field else name,
        "foreignKeyName": field.relationship_name if field else None,
        "insertable": writable and field is not None and field.createable,
        "joinColumns": [],
        "numberType": kind in _NUMBERS,
        "textType": apex == "String",
        "updatable": writable and field is not None and field.updateable,
    }


def _without_alias(query: Query, path: Path) -> tuple[str, ...]:
    """The path below the object of the FROM, whose alias or name may stand before it."""
    names = {query.source.lower(), (query.alias or query.source).lower()}
    return path.parts[1:] if len(path.parts) > 1 and path.parts[0].lower() in names else path.parts
