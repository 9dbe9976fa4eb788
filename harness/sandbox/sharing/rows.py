"""Sharing as conditions in SQL, worked out of the rows as they are when a query runs: nothing is ever recalculated.

Org-wide defaults, owners, queues and groups, the role hierarchy, sharing rules, shares, implicit access between
accounts and their children, Controlled by Parent, and the View All and Modify All rights (Salesforce Help, "Sharing
Settings"; Record-Level Access guide, "Implicit Sharing"). Territories and teams are left out.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.objects.sharing import DERIVED_CAUSES, level_column, parent_column, share_of
from harness.sandbox.schema import Field, Schema, SharingRule, SObject
from harness.sandbox.sharing.circles import CHILD_ACCESS, Circle, CircleBook, Circles
from harness.sandbox.sharing.criteria import Bind, Criteria, parse_filter
from harness.sandbox.sharing.levels import Level, access_levels, default_level, gives, is_by_parent
from harness.sandbox.store import Store, quote

CHILDREN = ("Contact", "Case", "Opportunity", "Contract", "Order")
"""Who has a share in one of these may read its account."""
ACTIVITIES = frozenset({"Task", "Event"})
_DEEPEST = 4
_FEW = 20
"""So many ids are written one by one; SQLite looks more of them up in a list that it makes once."""
_STORED = f'"RowCause" NOT IN ({", ".join(repr(one) for one in DERIVED_CAUSES)})'


@dataclass(slots=True)
class Asker:
    """Who asks, and where the parameters of the statement go."""

    access: EffectiveAccess
    circles: Circles
    bind: Bind
    _lists: dict[frozenset[str], str] = field(default_factory=dict)

    def members(self, ids: Circle | frozenset[str]) -> str:
        """The right side of an IN: ids that are bound once."""
        chosen = ids.ids if isinstance(ids, Circle) else ids
        known = self._lists.get(chosen)
        if known is None:
            known = self._lists[chosen] = id_list(chosen, self.bind)
        return known


def id_list(ids: frozenset[str], bind: Bind) -> str:
    """The right side of an IN."""
    if len(ids) <= _FEW:
        return f"({', '.join(bind(one) for one in sorted(ids))})"
    return f"(SELECT value FROM json_each({bind(json.dumps(sorted(ids)))}))"


class Rows:
    """Conditions on the rows of ordinary objects."""

    def __init__(self, schema: Schema, store: Store, circles: CircleBook) -> None:
        self._schema = schema
        self._store = store
        self._circles = circles

    def condition(self, sobject: SObject, alias: str, asker: Asker, level: Level, depth: int = 0) -> str | None:
        """The rows within reach, or None where all are."""
        access = asker.access
        if access.edits_all_rows(sobject) or (level == "read" and access.sees_all_rows(sobject)):
            return None
        if is_by_parent(sobject):
            return self._by_parents(sobject, alias, asker, level, depth)
        if gives(default_level(sobject), level) or sobject.get("OwnerId") is None:
            return None
        grants = [*self._explicit(sobject, alias, asker, level), *self._implicit(sobject, alias, asker, level)]
        if sobject.name in ACTIVITIES and level == "read":
            grants += self._about_parents(sobject, alias, asker, depth)
        return f"({' OR '.join(grants)})"

    # What was given to somebody by name

    def _explicit(self, sobject: SObject, alias: str, asker: Asker, level: Level) -> Iterator[str]:
        """Owners, shares and sharing rules."""
        circle = asker.circles.of(hierarchies=sobject.hierarchies)
        levels = access_levels(level)
        yield f'{alias}."OwnerId" IN {asker.members(circle)}'
        if levels and share_of(self._schema, sobject) is not None:
            yield self._shared(sobject, f'{alias}."Id"', level_column(sobject), asker, level)
        for rule in self._schema.sharing_rules.get(sobject.name.lower(), ()):
            if rule.level in levels and not circle.groups.isdisjoint(rule.shared_to):
                yield self.rule(sobject, alias, rule, asker.bind)

    def _shared(self, sobject: SObject, target: str, column: str, asker: Asker, level: Level) -> str:
        """Whether a share of the row with the id `target` gives the level in that column."""
        share = share_of(self._schema, sobject)
        assert share is not None
        self._store.ensure(share)
        circle = asker.circles.of(hierarchies=sobject.hierarchies)
        levels = ", ".join(f"'{one}'" for one in access_levels(level))
        return (
            f"EXISTS (SELECT 1 FROM {quote(share.name)} s WHERE s.{quote(parent_column(sobject))} = {target}"
            f' AND s."UserOrGroupId" IN {asker.members(circle)} AND s.{quote(column)} IN ({levels})'
            f' AND s.{_STORED} AND s."IsDeleted" = 0)'
        )

    def rule(self, sobject: SObject, alias: str, rule: SharingRule, bind: Bind) -> str:
        """The rows that a sharing rule shares."""
        if rule.shared_from:
            return f'{alias}."OwnerId" IN {id_list(self._circles.owners(rule.shared_from), bind)}'
        table = self._schema.get("RecordType")
        if table is not None:
            self._store.ensure(table)
        joined = parse_filter(rule.filter, len(rule.criteria))
        return Criteria(sobject, alias, bind, named_types=table is not None).sql(rule.criteria, joined)

    # What follows from access to something else

    def _implicit(self, sobject: SObject, alias: str, asker: Asker, level: Level) -> Iterator[str]:
        if sobject.name == "Account" and level == "read":
            for name in CHILDREN:
                child = self._schema.get(name)
                if child is not None and has_own_sharing(child):
                    yield self.account_of_child(child, f'{alias}."Id"', asker)
        elif sobject.name in CHILD_ACCESS and level != "full":
            account = self._schema.get("Account")
            if account is not None and sobject.get("AccountId") is not None:
                yield self._child_of_account(sobject, account, alias, asker, level)

    def account_of_child(self, child: SObject, account: str, asker: Asker) -> str:
        """Whether a child of the account was given to the asker by name."""
        self._store.ensure(child)
        grants = " OR ".join(self._explicit(child, "c", asker, "read"))
        return (
            f'EXISTS (SELECT 1 FROM {quote(child.name)} c WHERE c."AccountId" = {account}'
            f' AND c."IsDeleted" = 0 AND ({grants}))'
        )

    def _child_of_account(self, child: SObject, account: SObject, alias: str, asker: Asker, level: Level) -> str:
        """The children of accounts of which the asker is an owner whose role says so, or that were shared with them."""
        self._store.ensure(account)
        circle, levels = asker.circles.wide, access_levels(level)
        grants = [self._shared(account, 'p."Id"', f"{child.name}AccessLevel", asker, level)]
        if owners := circle.child_owners.get((child.name, "Read" if level == "read" else "Edit")):
            grants.append(f'p."OwnerId" IN {asker.members(owners)}')
        for rule in self._schema.sharing_rules.get("account", ()):
            if dict(rule.children).get(child.name) in levels and not circle.groups.isdisjoint(rule.shared_to):
                grants.append(self.rule(account, "p", rule, asker.bind))
        return f'EXISTS (SELECT 1 FROM "Account" p WHERE p."Id" = {alias}."AccountId" AND ({" OR ".join(grants)}))'

    def _about_parents(self, activity: SObject, alias: str, asker: Asker, depth: int) -> Iterator[str]:
        """Activities about rows that the asker may read (Salesforce Help, "Organization-Wide Sharing Defaults")."""
        for name in ("WhatId", "WhoId") if depth < _DEEPEST else ():
            via = activity.get(name)
            for parent in self._parents(via) if via is not None else ():
                if parent.setup or not asker.access.can(parent, "read"):
                    continue
                inner = f"{alias}_{depth}"
                condition = self.condition(parent, inner, asker, "read", depth + 1)
                about = f"substr({alias}.{quote(name)}, 1, 3) = {asker.bind(parent.key_prefix)}"
                if condition is not None:
                    self._store.ensure(parent)
                    row = f'{inner}."Id" = {alias}.{quote(name)}'
                    about += f" AND EXISTS (SELECT 1 FROM {quote(parent.name)} {inner} WHERE {row} AND {condition})"
                yield f"({about})"

    # Controlled by Parent

    def _by_parents(self, sobject: SObject, alias: str, asker: Asker, level: Level, depth: int) -> str | None:
        fields = self._controlling(sobject) if depth < _DEEPEST else []
        conditions = [
            condition
            for one in fields
            if (condition := self._by_parent(sobject, one, alias, asker, level, depth=depth)) is not None
        ]
        return " AND ".join(conditions) or None

    def _by_parent(
        self, sobject: SObject, via: Field, alias: str, asker: Asker, level: Level, *, depth: int
    ) -> str | None:
        wanted: Level = level
        if via.master_detail:
            wanted = "read" if level == "read" or via.write_requires_master_read else "edit"
        column = f"{alias}.{quote(via.name)}"
        open_to_all, within = [], []
        for parent in self._parents(via):
            inner = f"{alias}_{depth}"
            condition = self.condition(parent, inner, asker, wanted, depth + 1) if not parent.setup else None
            if condition is None:
                open_to_all.append(parent)
            else:
                self._store.ensure(parent)
                within.append(
                    f'EXISTS (SELECT 1 FROM {quote(parent.name)} {inner} WHERE {inner}."Id" = {column} AND {condition})'
                )
        if not within:
            return None
        within += [f"substr({column}, 1, 3) = {asker.bind(one.key_prefix)}" for one in open_to_all]
        return f"({' OR '.join([*within, self._alone(sobject, column, alias, asker, level)])})"

    def _alone(self, sobject: SObject, column: str, alias: str, asker: Asker, level: Level) -> str:
        """A row without a parent is its owner's."""
        if sobject.get("OwnerId") is None:
            return f"{column} IS NULL"
        grants = " OR ".join(self._explicit(sobject, alias, asker, level))
        return f"({column} IS NULL AND ({grants}))"

    def _parents(self, via: Field) -> list[SObject]:
        return [found for name in via.reference_to if (found := self._schema.get(name)) is not None]

    def _controlling(self, sobject: SObject) -> list[Field]:
        """The fields that say which rows access depends on: all masters, or else one reference."""
        candidates = [
            one
            for one in sobject.fields.values()
            if one.reference_to and any(not two.setup and two is not sobject for two in self._parents(one))
        ]
        masters = [one for one in candidates if one.master_detail]
        governing = [one for one in candidates if sobject.governed_by in one.reference_to]
        accounts = [one for one in candidates if "Account" in one.reference_to]
        return masters or governing[:1] or accounts[:1] or candidates[:1]


def has_own_sharing(sobject: SObject) -> bool:
    """Whether rows of a child of accounts are owned and shared by themselves."""
    return not is_by_parent(sobject) and bool(sobject.get("OwnerId") and sobject.get("AccountId"))
