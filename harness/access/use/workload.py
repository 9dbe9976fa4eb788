"""What the operations and the expected grants of a scenario use. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.access.soql import select
from harness.access.use.deeds import ApexCalled, Deed, NotUnderstood, Right, Seen, Selected, Touched, Written
from harness.access.use.rows import told_by
from harness.access.use.soql import read_soql
from harness.scenario.model import (
    AnyRecord,
    ApexCall,
    BulkJob,
    DeleteRows,
    FieldAccess,
    Grant,
    InsertRows,
    Operation,
    UpdateRows,
    UpsertRows,
)


def read_operations(named: Iterable[tuple[str, Operation | Grant]], seen: Seen) -> None:
    """Take up what each operation and each expected grant uses, under its id."""
    for where, item in named:
        seen.requests += 1
        try:
            seen.add(where, _deeds(item))
        except NotUnderstood as error:
            seen.miss(where, str(error))


def _deeds(item: Operation | Grant) -> list[Deed]:
    given = getattr(item, item.kind)
    if item.kind == "query":
        return [read_soql(given)]
    if item.kind == "describe":
        return [Touched(given, frozenset({"read"}))]
    if item.kind == "sign_in":
        return []
    return _READERS[type(given)](given)


def _field(field: FieldAccess) -> list[Deed]:
    name, _, column = field.name.partition(".")
    if field.access == "read":
        return [Selected(name, paths=frozenset({(column,)}))]
    return [Written(name, frozenset({"edit"}), fields=frozenset({(column,)}))]


def _bulk(job: BulkJob) -> list[Deed]:
    sobject = job.object or ""
    if job.operation == "query":
        return [read_soql(job.query or "")]
    if job.operation == "upsert":
        return _upsert(sobject, job.by or "Id", job.fields)
    if job.operation == "insert":
        return _insert(sobject, job.fields)
    if job.operation == "delete":
        return _delete(sobject, job.where)
    return _update(sobject, job.where, job.fields)


def _insert(sobject: str, fields: Mapping[str, Any]) -> list[Deed]:
    return [Written(sobject, frozenset({"create"}), fields=_paths(fields), ids=_ids(fields)), *_looked_up(fields)]


def _update(sobject: str, where: str | None, fields: Mapping[str, Any]) -> list[Deed]:
    written = Written(sobject, frozenset({"edit"}), fields=_paths(fields), ids=_ids(fields))
    return [written, _found(sobject, where), *_looked_up(fields)]


def _upsert(sobject: str, key: str, fields: Mapping[str, Any]) -> list[Deed]:
    rights: frozenset[Right] = frozenset({"create", "edit"})
    return [Written(sobject, rights, fields=_paths(fields), key=key, ids=_ids(fields)), *_looked_up(fields)]


def _delete(sobject: str, where: str | None) -> list[Deed]:
    return [Written(sobject, frozenset({"delete"})), *([_found(sobject, where)] if where else [])]


def _paths(fields: Mapping[str, Any]) -> frozenset[tuple[str, ...]]:
    return frozenset((name,) for name in fields)


def _ids(fields: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The ids written as they are; one that is looked up is of its own object."""
    return frozenset(told for name, value in fields.items() for told in told_by(name, value))


def _looked_up(fields: Mapping[str, Any]) -> list[Deed]:
    """Parents that are looked up by a query before the row is written."""
    return [_found(each.any, each.where) for each in fields.values() if isinstance(each, AnyRecord)]


def _found(sobject: str, where: str | None) -> Deed:
    return read_soql(select(sobject, ("Id",), where=where or ""))


_READERS: Mapping[type, Callable[[Any], list[Deed]]] = {
    FieldAccess: _field,
    ApexCall: lambda call: [ApexCalled(path=call.path)],
    BulkJob: _bulk,
    InsertRows: lambda rows: _insert(rows.object, rows.fields),
    UpdateRows: lambda rows: _update(rows.object, rows.where, rows.fields),
    UpsertRows: lambda rows: _upsert(rows.object, rows.by, rows.fields),
    DeleteRows: lambda rows: _delete(rows.object, rows.where),
}
