"""A search as a user: rows whose words match, cut to what the user may see, in the shape the REST API gives them."""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.errors import ApiError
from harness.sandbox.schema import Field, SObject
from harness.sandbox.soql import syntax
from harness.sandbox.soql.calendars import calendar_of
from harness.sandbox.soql.compiler import compile_query
from harness.sandbox.soql.names import World, source_object
from harness.sandbox.soql.parser import read
from harness.sandbox.soql.shape import Record
from harness.sandbox.sosl.terms import Term, read_terms, words_of
from harness.sandbox.store import quote
from harness.sandbox.writing.values import is_encodable

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

MOST_ROWS = 2000
"""Rows of one search (SOSL reference, "SOSL Limits on Search Results")."""
LONGEST_SEARCH = 100_000
"""Characters of a whole search (SOSL reference, "SOQL and SOSL Limits")."""

_TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox"})
_GROUPS = {"ALL": _TEXTS, "NAME": frozenset(), "EMAIL": frozenset({"email"}), "PHONE": frozenset({"phone"})}
_NAMES = frozenset({"Name", "FirstName", "LastName", "MiddleName", "Username", "Alias"})
_NO_TERM = "No search term found. The search term must be enclosed in braces."


def search(org: SandboxOrg, sosl: str, *, as_user: str, version: str) -> list[Record]:
    """The rows that SOSL finds, object by object. Raises ApiError: MALFORMED_SEARCH, INVALID_SEARCH and their like."""
    asked = _parse(sosl)
    terms = read_terms(asked.text)
    with org.lock:
        return _Searcher(org, sosl, as_user, version).records(asked, terms)


def _parse(sosl: str) -> syntax.Search:
    if not sosl.strip():
        raise ApiError(400, "MALFORMED_SEARCH", "A search string has to be specified")
    if len(sosl) > LONGEST_SEARCH or not is_encodable(sosl):
        raise ApiError(400, "MALFORMED_SEARCH", "SOSL statements cannot be longer than 100000 characters.")
    if re.match(r"\s*find\b(?!\s*\{)", sosl, re.IGNORECASE):
        raise ApiError(400, "MALFORMED_SEARCH", _NO_TERM)
    try:
        found = read(sosl, "search")
    except ApiError as error:
        raise ApiError(error.status, "MALFORMED_SEARCH", error.message) from None
    assert isinstance(found, syntax.Search)
    return found


def is_searchable(sobject: SObject) -> bool:
    """Whether a search looks at the object's rows: those that people work with, and users."""
    ordinary = not (sobject.setup or sobject.custom_setting or sobject.tooling or sobject.share_of)
    return (ordinary or sobject.name == "User") and sobject.queryable


class _Searcher:
    def __init__(self, org: SandboxOrg, sosl: str, user_id: str, version: str) -> None:
        self._org = org
        self._sosl = sosl
        self._access: EffectiveAccess = org.book.of(user_id)
        self._world = World(org.schema, org.relations, org.store, org.sharing, self._access)
        self._calendar = calendar_of(org.store, org.schema, org.clock.peek(), user_id)
        self._base = f"/services/data/v{version}"

    def records(self, asked: syntax.Search, terms: Term) -> list[Record]:
        group = asked.group.text.upper() if asked.group else "ALL"
        if group not in (*_GROUPS, "SIDEBAR"):
            raise ApiError(400, "MALFORMED_SEARCH", f"unexpected token: '{asked.group.text if asked.group else ''}'")
        most = min(MOST_ROWS, int(asked.limit.text)) if asked.limit else MOST_ROWS
        found: list[Record] = []
        for query in asked.queries or tuple(self._everything()):
            found += self._found(query, group, terms)
        return found[:most]

    def _everything(self) -> Iterator[syntax.Query]:
        for sobject in self._org.schema:
            if is_searchable(sobject) and self._access.can(sobject, "read"):
                found = read(f"FIND {{xx}} RETURNING {sobject.name}", "search")
                assert isinstance(found, syntax.Search)
                yield from found.queries

    def _found(self, query: syntax.Query, group: str, terms: Term) -> list[Record]:
        sobject = source_object(self._world, self._sosl, query)
        if not is_searchable(sobject):
            text = f"sObject type '{sobject.name}' is not supported."
            raise ApiError(400, "INVALID_TYPE", text)
        ids = self._matching(sobject, group, terms)
        at = query.source_at
        members = tuple(syntax.Literal("string", one, one, at) for one in ids)
        chosen = syntax.Membership(syntax.Path(("Id",), at), members, negated=False)
        where = chosen if query.where is None else syntax.Joined("AND", (chosen, query.where))
        limit = query.limit or syntax.Word(str(MOST_ROWS), at)
        plan = compile_query(replace(query, where=where, limit=limit), self._sosl, self._world)
        self._org.derived.prepare(plan.reads, self._access, plan.compared)
        return plan.run(self._org.store, self._calendar, self._base).records

    def _matching(self, sobject: SObject, group: str, terms: Term) -> list[str]:
        """The ids of rows whose words match, in fields that the user may read."""
        fields = [
            one for one in sobject.fields.values() if _is_in(one, group) and self._access.can_read_field(sobject, one)
        ]
        if not fields:
            return []
        self._org.store.ensure(sobject)
        columns = ", ".join(quote(one.name) for one in fields)
        rows = self._org.store.execute(
            f'SELECT "Id", {columns} FROM {quote(sobject.name)} WHERE "IsDeleted" = 0 ORDER BY "Id"'
        )
        return [row[0] for row in rows if terms.found([words_of(value) for value in row[1:] if value is not None])]


def _is_in(field: Field, group: str) -> bool:
    """Whether a field is in a group of fields: ALL, NAME, EMAIL, PHONE, SIDEBAR."""
    is_name = field.name_field or field.name in _NAMES
    if group == "SIDEBAR":
        return is_name or field.external_id or field.type in ("email", "phone")
    return (is_name and group in ("ALL", "NAME")) or field.type in _GROUPS[group]
