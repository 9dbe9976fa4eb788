"""The names of setup entities: SetupEntityAccess tells of each only its id and its type.

Facts 3.7 lists the types. Each is looked up where the platform lets it be queried: apps and service providers in
AppMenuItem by their ApplicationId, custom settings and custom metadata types in EntityDefinition by their DurableId, a
principal of an external credential in ExternalCredentialParameter, of the Tooling API where need be. What cannot be
looked up is named by its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import Rows, try_ask
from harness.access.soql import among, batches, select
from harness.errors import RequestRefused

if TYPE_CHECKING:
    from harness.org.connection import Connection

_SAME = 15
"""Characters of an id that matter: the other three are a checksum."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the entities of some types are looked up, and which columns name one."""

    sobject: str
    columns: tuple[str, ...]
    key: str = "Id"
    namespaced: bool = True
    tooling: bool = False
    """Whether the Tooling API is asked where the data API refuses."""


_DEVELOPER_NAME = ("DeveloperName",)
_MENU = _Table("AppMenuItem", ("Name",), key="ApplicationId")
_TABLES: Mapping[str, _Table] = {
    "ApexClass": _Table("ApexClass", ("Name",)),
    "ApexPage": _Table("ApexPage", ("Name",)),
    "BotDefinition": _Table("BotDefinition", _DEVELOPER_NAME, namespaced=False),
    "ConnectedApplication": _Table("ConnectedApplication", ("Name",), namespaced=False),
    "CustomEntityDefinition": _Table("EntityDefinition", ("QualifiedApiName",), key="DurableId", namespaced=False),
    "CustomPermission": _Table("CustomPermission", _DEVELOPER_NAME),
    "ExternalClientApplication": _Table("ExternalClientApplication", _DEVELOPER_NAME),
    "ExternalCredentialParameter": _Table(
        "ExternalCredentialParameter",
        ("ExternalCredential.DeveloperName", "ParameterName"),
        namespaced=False,
        tooling=True,
    ),
    "FlowDefinition": _Table("FlowDefinition", _DEVELOPER_NAME),
    "NamedCredential": _Table("NamedCredential", _DEVELOPER_NAME),
    "OrgWideEmailAddress": _Table("OrgWideEmailAddress", ("Address",), namespaced=False),
    "ServiceProvider": _MENU,
    "TabSet": _MENU,
}


@dataclass(frozen=True, slots=True)
class SetupNames:
    """The names of some setup entities."""

    by_id: Mapping[str, str]
    """`TYPE:NAME` of each entity."""
    unnamed: Mapping[str, int]
    """Of each type, how many entities could not be looked up and are named by their ids."""

    @property
    def ids(self) -> dict[str, str]:
        """The id of each entity, by `TYPE:NAME`."""
        return {name: entity for entity, name in sorted(self.by_id.items(), key=lambda each: each[1])}


def read_setup_names(admin: Connection, rows: Rows) -> SetupNames:
    """Look up the entities that rows of SetupEntityAccess tell of. One call for five kinds of tables."""
    kinds = {str(row["SetupEntityId"]): str(row["SetupEntityType"]) for row in rows}
    asked = [(table, batch) for table, ids in _by_table(kinds).items() for batch in batches(ids)]
    found: dict[str, str] = {}
    answers = try_ask(admin, [_query(table, batch) for table, batch in asked])
    for (table, batch), answer in zip(asked, answers, strict=True):
        told = answer if answer is not None or not table.tooling else _ask_tooling(admin, _query(table, batch))
        found |= {str(row[table.key])[:_SAME]: _name(table, row) for row in told or ()}
    unnamed: dict[str, int] = {}
    for entity, kind in sorted(kinds.items()):
        if entity[:_SAME] not in found:
            unnamed[kind] = unnamed.get(kind, 0) + 1
    named = {entity: f"{kind}:{found.get(entity[:_SAME], entity)}" for entity, kind in kinds.items()}
    return SetupNames(named, unnamed)


def _ask_tooling(admin: Connection, soql: str) -> Rows | None:
    try:
        return admin.tooling_query(soql)
    except RequestRefused:
        return None


def _by_table(kinds: Mapping[str, str]) -> dict[_Table, Sequence[str]]:
    found: dict[_Table, list[str]] = {}
    for kind, table in _TABLES.items():
        ids = sorted(entity for entity, each in kinds.items() if each == kind)
        if ids:
            found.setdefault(table, []).extend(ids)
    return {table: sorted(ids) for table, ids in found.items()}


def _query(table: _Table, ids: Sequence[str]) -> str:
    columns = dict.fromkeys((table.key, *table.columns, *(("NamespacePrefix",) if table.namespaced else ())))
    return select(table.sobject, columns, where=among(table.key, list(_spellings(table, ids))))


def _spellings(table: _Table, ids: Sequence[str]) -> Iterator[str]:
    """An ApplicationId and a DurableId have 15 characters (Object Reference, AppMenuItem), and are compared as text."""
    for entity in ids:
        yield from (entity,) if table.key == "Id" else (entity[:_SAME], entity)


def _name(table: _Table, row: Mapping[str, Any]) -> str:
    namespace = row.get("NamespacePrefix")
    name = "-".join(str(_value(row, column)) for column in table.columns)
    return f"{namespace}__{name}" if namespace else name


def _value(row: Mapping[str, Any], column: str) -> Any:
    parent, _, name = column.rpartition(".")
    return (row.get(parent) or {}).get(name) if parent else row[name]
