"""Rows as clients write them: what of a row is a field, a parent or a list of child rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.access.use.deeds import NotUnderstood, Path, Right, Written

_NO_FIELDS = frozenset({"attributes", "id", "type"})


def row(record: Any) -> Mapping[str, Any]:
    """A row as JSON, without what is no field. Raises NotUnderstood."""
    if not isinstance(record, Mapping):
        raise NotUnderstood("its body is no row")
    return {str(name): value for name, value in record.items() if str(name).casefold() not in _NO_FIELDS}


def written(
    sobject: str, rights: frozenset[Right], rows: Iterable[Mapping[str, Any]], *, key: str | None = None
) -> Written:
    """Some rows of one object, as one deed."""
    fields: set[Path] = set()
    ids: set[tuple[str, str]] = set()
    for each in rows:
        for name, value in each.items():
            if isinstance(value, Mapping):
                fields |= _parent(name, value)
            else:
                fields.add((name,))
                ids |= told_by(name, value)
    return Written(sobject, rights, fields=frozenset(fields), key=key, ids=frozenset(ids))


def told_by(name: str, value: Any) -> set[tuple[str, str]]:
    """What an id tells: its object by three characters, a record type by all of it. No other value is kept."""
    if not isinstance(value, str) or len(value) not in (15, 18) or not value.isalnum():
        return set()
    return {(name, value if name.casefold().endswith("recordtypeid") else value[:3])}


def _parent(name: str, value: Mapping[str, Any]) -> set[Path]:
    """A parent named by its external id, or child rows, which have a deed of their own."""
    if "records" in value:
        return set()
    return {(name, str(field)) for field in value if str(field).casefold() not in _NO_FIELDS}


def nested_rows(record: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """The child rows within a row, by relationship."""
    for name, value in record.items() if isinstance(record, Mapping) else ():
        if isinstance(value, Mapping) and isinstance(value.get("records"), list):
            yield str(name), value["records"]
