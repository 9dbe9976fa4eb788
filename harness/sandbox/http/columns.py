"""What the columns of a query are: names for the header of a CSV, and the metadata that `columns=true` asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.schema import Field, SObject
from harness.sandbox.soql.names import fields_of_kind
from harness.sandbox.soql.parser import parse
from harness.sandbox.soql.syntax import Call as Function
from harness.sandbox.soql.syntax import ChildQuery, Literal, Path, Query, Selected, SelectItem, TypeOf

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
_SHOWN = ("tolabel", "format")

Column = dict[str, Any]


def refuse_in_bulk(soql: str) -> Query:
    """The query, parsed. Raises ApiError for what no Bulk API query can have, whatever its format."""
    tree = parse(soql)
    if any(isinstance(item, ChildQuery) for item in tree.select):
        raise ApiError(400, "API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if tree.grouping or tree.offset or any(isinstance(getattr(one, "operand", None), Function) for one in tree.select):
        message = "GROUP BY, OFFSET and aggregate functions are not supported in Bulk Query"
        raise ApiError(400, "API_ERROR", message)
    return tree


def csv_columns(soql: str) -> list[tuple[str, ...]]:
    """The paths a Bulk API query selects. Raises ApiError for what the Bulk API cannot put into CSV."""
    tree = refuse_in_bulk(soql)
    paths = []
    for item in tree.select:
        operand = item.operand if isinstance(item, Selected) else None
        if not isinstance(operand, Path):
            raise ApiError(400, "API_ERROR", "TYPEOF is not supported in Bulk Query")
        paths.append(_without_alias(tree, operand))
    return paths


def column_metadata(call: Call, soql: str) -> dict[str, Any]:
    """The columns of a query that was found valid, as the Salesforce CLI wants them."""
    tree = parse(soql)
    sobject = call.org.schema.get(tree.source)
    columns = _Columns(call, tree, sobject).made()
    return {
        "columnMetadata": columns,
        "entityName": sobject.name if sobject else tree.source,
        "groupBy": bool(tree.grouping),
        "idSelected": any(column["columnName"] == "Id" for column in columns),
        "keyPrefix": (sobject.key_prefix or None) if sobject else None,
    }


class _Columns:
    """The columns of one query, or of a query of children."""

    def __init__(self, call: Call, query: Query, sobject: SObject | None) -> None:
        self._call = call
        self._query = query
        self._sobject = sobject
        self._columns: list[Column] = []
        self._unnamed = 0

    def made(self) -> list[Column]:
        """The metadata of each column, in the order of the field list."""
        for item in self._query.select:
            self._add(item)
        return self._columns

    def _add(self, item: SelectItem) -> None:
        if isinstance(item, ChildQuery):
            self._columns.append(self._children(item.query))
        elif isinstance(item, TypeOf):
            for path in _type_paths(item):
                self._add_path(_without_alias(self._query, item.path) + path.parts)
        elif isinstance(item.operand, Path):
            self._add_path(_without_alias(self._query, item.operand), item.alias)
        else:
            self._add_function(item.operand, item.alias)

    def _children(self, query: Query) -> Column:
        name = query.sources[0].path.parts[-1]
        child = self._call.org.relations.child(self._sobject, name) if self._sobject else None
        inner = _Columns(self._call, query, child.sobject if child else None).made()
        return _joined(child.name if child else name, inner, aggregate=True)

    def _add_function(self, function: Function, alias: str | None) -> None:
        if function.name == "fields" and self._sobject and function.path:
            access = self._call.org.permissions_of(self._call.user_id)
            for field in fields_of_kind(access, self._sobject, function.path.text.lower()):
                self._columns.append(_column(field.name, field, self._sobject))
        elif function.name in _SHOWN and function.path and not alias:
            self._add_path(_without_alias(self._query, function.path))
        else:
            name = alias or f"expr{self._unnamed}"
            self._unnamed += not alias
            self._columns.append(_column(name, None, None) | {"aggregate": True, "displayName": _written(function)})

    def _add_path(self, path: tuple[str, ...], alias: str | None = None) -> None:
        if self._query.grouping and len(path) > 1:
            owner = self._sobject
            for step in path[:-1]:
                owner = _parent(self._call, owner, step)
            self._columns.append(_column(alias or path[-1], owner.get(path[-1]) if owner else None, owner))
        elif alias:
            self._columns.append(_column(alias, None, None))
        else:
            _place(self._columns, self._call, self._sobject, path)


def _place(columns: list[Column], call: Call, sobject: SObject | None, path: tuple[str, ...]) -> None:
    """A column, below its parents where the path goes through them."""
    if len(path) == 1:
        field = sobject.get(path[0]) if sobject else None
        columns.append(_column(field.name if field else path[0], field, sobject))
        return
    inner: list[Column] = []
    _place(inner, call, _parent(call, sobject, path[0]), path[1:])
    known = next((one for one in columns if one["columnName"].lower() == path[0].lower() and one["joinColumns"]), None)
    if known is None:
        via = call.org.relations.parent(sobject, path[0]) if sobject else None
        columns.append(_joined((via.relationship_name if via else None) or path[0], inner, aggregate=False))
    else:
        known["joinColumns"] += inner


def _parent(call: Call, sobject: SObject | None, relationship: str) -> SObject | None:
    via = call.org.relations.parent(sobject, relationship) if sobject else None
    return call.org.schema.get(via.reference_to[0]) if via and via.reference_to else None


def _type_paths(item: TypeOf) -> Iterator[Path]:
    """Every field that TYPEOF may select, once."""
    seen: set[str] = set()
    for path in (*(path for case in item.cases for path in case.paths), *item.otherwise):
        if path.text.lower() not in seen:
            seen.add(path.text.lower())
            yield path


def _written(function: Function) -> str:
    arguments = ", ".join(
        one.text if isinstance(one, Path) else one.raw if isinstance(one, Literal) else _written(one)
        for one in function.arguments
    )
    return f"{function.written}({arguments})"


def _joined(name: str, inner: list[Column], *, aggregate: bool) -> Column:
    return _column(name, None, None) | {"aggregate": aggregate, "joinColumns": inner}


def _column(name: str, field: Field | None, sobject: SObject | None) -> Column:
    kind = field.type if field else "string"
    apex = _APEX_TYPES.get(kind, "String")
    writable = field is not None and sobject is not None and not field.calculated and kind != "id"
    return {
        "aggregate": False,
        "apexType": apex,
        "booleanType": kind == "boolean",
        "columnName": name,
        "custom": field.custom if field else False,
        "displayName": name,
        "foreignKeyName": field.relationship_name if field else None,
        "insertable": writable and field is not None and field.createable,
        "joinColumns": [],
        "numberType": kind in _NUMBERS,
        "textType": apex == "String",
        "updatable": writable and field is not None and field.updateable,
    }


def _without_alias(query: Query, path: Path) -> tuple[str, ...]:
    """The path below the object of the FROM, whose alias or name may stand before it."""
    names = {query.sources[0].path.parts[-1].lower(), (query.alias or query.source).lower()}
    return path.parts[1:] if len(path.parts) > 1 and path.parts[0].lower() in names else path.parts
