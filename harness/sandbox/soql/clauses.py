"""What all kinds of queries have in common: scope, WHERE, ORDER BY, LIMIT, and the plan made of them."""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from harness.sandbox.errors import ApiError
from harness.sandbox.relations import Child
from harness.sandbox.schema import SObject
from harness.sandbox.soql import syntax
from harness.sandbox.soql.conditions import Conditions
from harness.sandbox.soql.dates import Dated
from harness.sandbox.soql.functions import DATE_FUNCTIONS, date_column, distance_column, refuse_function
from harness.sandbox.soql.messages import malformed, unexpected_token
from harness.sandbox.soql.names import Binder, Column, Frame, World, source_object
from harness.sandbox.soql.plan import AggregateColumn, Plan, PlanKind
from harness.sandbox.soql.semi_joins import check_inner, check_left, check_places, check_target
from harness.sandbox.soql.shape import Shape
from harness.sandbox.soql.traits import sortable
from harness.sandbox.store import quote

LARGEST_OFFSET = 2000
LARGEST_FIELDS_LIMIT = 200
"""Rows of a query with FIELDS(ALL) or FIELDS(CUSTOM)."""

_TEAMS = {"Account": ("AccountTeamMember", "AccountId"), "Opportunity": ("OpportunityTeamMember", "OpportunityId")}


class Clauses:
    """One query being compiled: its frame, and its clauses as SQL."""

    def __init__(
        self,
        query: syntax.Query,
        soql: str,
        world: World,
        sobject: SObject,
        *,
        child: Child | None = None,
        binder: Binder | None = None,
    ) -> None:
        self.query = query
        self.soql = soql
        self.world = world
        self.child = child
        self.inner = binder is not None
        """Whether it stands inside IN."""
        self.frame = Frame(world, soql, query, sobject, binder or Binder())
        self._check()

    def _check(self) -> None:
        if self.query.skipped > LARGEST_OFFSET:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {LARGEST_OFFSET}")
        if self.query.filter_mode:
            raise unexpected_token(self.soql, self.query.filter_mode.at, self.query.filter_mode.text)
        if self.query.purpose and (self.child or self.inner):
            raise unexpected_token(self.soql, self.query.source_at, "FOR")
        check_places(self.soql, self.query.where, nested=self.inner or self.child is not None)

    # Operands

    def operand(self, operand: syntax.Operand) -> Column:
        """A field, or a function of one, as SQL."""
        if isinstance(operand, syntax.Path):
            return self.frame.column(operand)
        if operand.name in DATE_FUNCTIONS:
            return date_column(operand, self.frame)
        if operand.name == "distance":
            return distance_column(operand, self.frame)
        if operand.name == "tolabel" and operand.path is not None:
            return self.frame.column(operand.path)
        raise refuse_function(operand, self.frame)

    # WHERE

    def where(self) -> str:
        """The conditions of sharing, scope and query, with the word."""
        frame, alias = self.frame, self.frame.alias
        clauses = [] if self.world.all_rows else [f'{alias}."IsDeleted" = 0']
        if self.child:
            clauses.append(f"{alias}.{quote(self.child.field.name)} IN (SELECT value FROM json_each(:parents))")
        shared = self.world.sharing.condition(frame.sobject, alias, self.world.access, frame.binder.bind)
        if shared is not None:
            clauses.append(f"({shared})")
        clauses += self._scoped()
        if self.query.where is not None:
            clauses.append(self.conditions(self.operand).sql(self.query.where))
        return f" WHERE {' AND '.join(clauses)}" if clauses else ""

    def conditions(self, operand: Callable[[syntax.Operand], Column]) -> Conditions:
        """A compiler of conditions on these operands."""
        return Conditions(self.frame, operand, self._semi_join)

    def _scoped(self) -> list[str]:
        """USING SCOPE."""
        scope = self.query.scope
        if scope is None or scope.text.lower() == "everything":
            return []
        made = self._scope_condition(scope.text.lower())
        if made is None:
            text = f"The scope '{scope.text}' is not supported on {self.frame.sobject.name}"
            raise ApiError(400, "INVALID_QUERY_SCOPE", text)
        return [made]

    def _scope_condition(self, name: str) -> str | None:
        frame, access, bind = self.frame, self.world.access, self.frame.binder.bind
        alias, sobject = frame.alias, frame.sobject
        owned = sobject.get("OwnerId") is not None
        if name == "mine" and owned:
            return f'{alias}."OwnerId" = {bind(access.user_id)}'
        if name == "mine_and_my_groups" and owned:
            everybody = bind(json.dumps(sorted({access.user_id, *access.groups})))
            return f'{alias}."OwnerId" IN (SELECT value FROM json_each({everybody}))'
        if name == "delegated" and sobject.name in ("Task", "Event"):
            me = bind(access.user_id)
            return f'({alias}."CreatedById" = {me} AND {alias}."OwnerId" <> {me})'
        team_name, field = _TEAMS.get(sobject.name, ("", ""))
        team = self.world.schema.get(team_name)
        if name == "team" and team is not None:
            member = frame.binder.alias(team)
            me = bind(access.user_id)
            select = f'SELECT {member}.{quote(field)} FROM {quote(team.name)} {member} WHERE {member}."UserId" = {me}'
            return f'{alias}."Id" IN ({select})'
        return None

    def _semi_join(self, membership: syntax.Membership, column: Column) -> str:
        """The SELECT of a query inside IN, sharing the parameters of the statement around it."""
        query = membership.members
        assert isinstance(query, syntax.Query)
        operand = membership.operand
        steps = len(self.frame.steps(operand.parts[:-1])) if isinstance(operand, syntax.Path) else 0
        left = check_left(self.soql, membership, column, steps=steps)
        sobject = source_object(self.world, self.soql, query)
        selected = check_inner(self.soql, self.frame.sobject, sobject, query)
        inside = Clauses(query, self.soql, self.world, sobject, binder=self.frame.binder)
        inner = inside.frame.column(selected)
        check_target(self.soql, left, column, selected, inner, steps=len(inside.frame.steps(selected.parts[:-1])))
        where = inside.where()
        return f"SELECT {inner.sql} FROM {inside.frame.tables()}{where}"

    # ORDER BY and LIMIT

    def order_keys(self, operand: Callable[[syntax.Operand], Column]) -> list[tuple[str, str]]:
        """What is ordered by, and the words after it."""
        keys = []
        for item in self.query.order_by:
            column = operand(item.operand)
            if not sortable(column.field):
                text = f"field '{column.field.name}' can not be sorted in a query call"
                raise malformed(self.soql, item.operand.at, text)
            direction = "DESC" if item.descending else "ASC"
            keys.append((column.sql, f"{direction} NULLS {'FIRST' if item.nulls_first else 'LAST'}"))
        return keys

    def limit(self) -> str:
        """LIMIT and OFFSET."""
        most, skipped = self.query.most, self.query.skipped
        return f" LIMIT {-1 if most is None else most} OFFSET {skipped}" if most is not None or skipped else ""

    # The plan

    def plan(
        self,
        kind: PlanKind,
        sql: str,
        *,
        shape: Shape | None = None,
        columns: Sequence[AggregateColumn] = (),
        children: Sequence[Plan] = (),
    ) -> Plan:
        """The plan of the query."""
        parameters = self.frame.binder.parameters
        return Plan(
            kind=kind,
            sobject=self.frame.sobject,
            sql=sql,
            parameters=parameters,
            dated=any(isinstance(one, Dated) for one in parameters.values()) or any(one.dated for one in children),
            tables=tuple(self.frame.binder.sobjects),
            touches=self._touches(),
            shape=shape,
            columns=tuple(columns),
            children=tuple(children),
        )

    def _touches(self) -> tuple[str, ...]:
        """The columns that FOR VIEW and FOR REFERENCE set in the rows that are found."""
        names = {"VIEW": ("LastViewedDate", "LastReferencedDate"), "REFERENCE": ("LastReferencedDate",)}
        wanted = {name for word in self.query.purpose for name in names.get(word, ())}
        return tuple(sorted(name for name in wanted if self.frame.sobject.get(name)))
