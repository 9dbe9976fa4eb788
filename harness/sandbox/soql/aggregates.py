"""count(), aggregate functions, GROUP BY with subtotals, and HAVING."""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from harness.sandbox.errors import ApiError
from harness.sandbox.schema import Field
from harness.sandbox.soql import syntax
from harness.sandbox.soql.clauses import Clauses
from harness.sandbox.soql.functions import DATE_FUNCTIONS, formatter
from harness.sandbox.soql.messages import malformed, refusal, unexpected_token
from harness.sandbox.soql.names import Column
from harness.sandbox.soql.plan import AggregateColumn, Plan
from harness.sandbox.soql.traits import aggregates, groupable

_FUNCTIONS = {"count": "count", "count_distinct": "count", "sum": "sum", "avg": "avg", "min": "min", "max": "max"}
_MOST_SUBTOTALS = 3
"""Fields in ROLLUP or CUBE (SOQL reference, "GROUP BY ROLLUP")."""
_GROUPING = "grouping:"
"""Stands for 0 or 1, which is known only for each level of subtotals."""


def is_count(query: syntax.Query) -> bool:
    """Whether it asks for nothing but count()."""
    first = query.select[0]
    return len(query.select) == 1 and isinstance(first, syntax.Selected) and _is_bare_count(first.operand)


def is_aggregate(query: syntax.Query) -> bool:
    """Whether it answers with groups and not with rows."""
    return query.grouping is not None or any(
        isinstance(item, syntax.Selected) and _contains_aggregate(item.operand) for item in query.select
    )


def count_plan(clauses: Clauses) -> Plan:
    """`SELECT count()`."""
    query = clauses.query
    if query.grouping:
        raise unexpected_token(clauses.soql, query.grouping.at, "GROUP")
    if query.order_by:
        raise _Aggregates(clauses).not_grouped(query.order_by[0].operand, "Ordered field")
    where = clauses.where()
    inner = f"SELECT 1 FROM {clauses.frame.tables()}{where}{clauses.limit()}"
    return clauses.plan("count", f"SELECT count(*) FROM ({inner})")


def aggregate_plan(clauses: Clauses) -> Plan:
    """A query with aggregate functions or GROUP BY."""
    return _Aggregates(clauses).plan()


def _is_bare_count(operand: syntax.Operand) -> bool:
    return isinstance(operand, syntax.Call) and operand.name == "count" and not operand.arguments


def _contains_aggregate(operand: syntax.Operand | syntax.Literal) -> bool:
    if not isinstance(operand, syntax.Call):
        return False
    if operand.name in _FUNCTIONS or operand.name == "grouping":
        return True
    return operand.name == "format" and any(_contains_aggregate(one) for one in operand.arguments)


class _Aggregates:
    def __init__(self, clauses: Clauses) -> None:
        self._clauses = clauses
        self._frame = clauses.frame
        self._soql = clauses.soql
        self._groups: list[str] = []

    def plan(self) -> Plan:
        query = self._clauses.query
        if query.grouping is None and query.limit is not None:
            text = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            raise malformed(self._soql, query.limit.at, text)
        self._groups = [self._group(one) for one in query.groups]
        if query.grouping and query.grouping.kind != "plain" and len(self._groups) > _MOST_SUBTOTALS:
            text = f"GROUP BY {query.grouping.kind.upper()} takes at most {_MOST_SUBTOTALS} fields"
            raise malformed(self._soql, query.groups[_MOST_SUBTOTALS].at, text)
        columns = [self._selected(item) for item in query.select]
        named = _named(query.select, columns)
        order = self._clauses.order_keys(self._ordered)
        selected = [column.sql for column in columns] + [key for key, _ in order]
        where = self._clauses.where()
        having = ""
        if query.having is not None:
            having = f" HAVING {self._clauses.conditions(self._operand).sql(query.having)}"
        levels = [self._level(level, selected, where, having) for level in self._levels()]
        return self._clauses.plan("aggregate", self._joined(levels, len(columns), order), columns=named)

    # Levels of subtotals

    def _levels(self) -> list[tuple[str, ...]]:
        """The groups of each level: all of them, and with ROLLUP or CUBE the subtotals."""
        kind = self._clauses.query.grouping.kind if self._clauses.query.grouping else "plain"
        sizes = range(len(self._groups), -1, -1)
        if kind == "rollup":
            return [tuple(self._groups[:size]) for size in sizes]
        if kind == "cube":
            return [level for size in sizes for level in combinations(self._groups, size)]
        return [tuple(self._groups)]

    def _level(self, level: Sequence[str], selected: Sequence[str], where: str, having: str) -> str:
        found = [self._at_level(sql, level) for sql in selected]
        parts = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(found))
        group = f" GROUP BY {', '.join(level) or 'NULL'}" if self._groups else ""
        return f"SELECT {parts} FROM {self._frame.tables()}{where}{group}{having}"

    def _at_level(self, sql: str, level: Sequence[str]) -> str:
        if sql.startswith(_GROUPING):
            return str(int(sql.removeprefix(_GROUPING) not in level))
        return "NULL" if sql in self._groups and sql not in level else sql

    def _joined(self, levels: Sequence[str], width: int, order: Sequence[tuple[str, str]]) -> str:
        keys = ", ".join(f"c{width + place} {words}" for place, (_, words) in enumerate(order))
        order_by = f" ORDER BY {keys}" if keys else ""
        return f"SELECT * FROM ({' UNION ALL '.join(levels)}){order_by}{self._clauses.limit()}"

    # Operands

    def _group(self, operand: syntax.Operand) -> str:
        if isinstance(operand, syntax.Call) and operand.name not in DATE_FUNCTIONS:
            raise unexpected_token(self._soql, operand.at, operand.written)
        column = self._clauses.operand(operand)
        if isinstance(operand, syntax.Path) and not groupable(column.field):
            text = f"field '{column.field.name}' can not be grouped in a query call"
            raise refusal(self._soql, operand.at, "INVALID_FIELD", text)
        return column.sql

    def _selected(self, item: syntax.SelectItem) -> Column:
        if isinstance(item, syntax.ChildQuery):
            raise malformed(self._soql, item.query.source_at, "Grouped query cannot use a child relationship")
        if isinstance(item, syntax.TypeOf):
            raise malformed(self._soql, item.at, "TYPEOF cannot be used in a grouped query")
        if _is_bare_count(item.operand) and self._groups:
            raise unexpected_token(self._soql, item.operand.at, "count")
        return self._operand(item.operand)

    def _ordered(self, operand: syntax.Operand) -> Column:
        return self._operand(operand, "Ordered field")

    def not_grouped(self, operand: syntax.Operand, what: str = "Field") -> ApiError:
        """The refusal of a field that is neither grouped by nor aggregated."""
        path = operand if isinstance(operand, syntax.Path) else operand.path
        name = path.parts[-1] if path else operand.text if isinstance(operand, syntax.Path) else operand.written
        return malformed(self._soql, operand.at, f"{what} must be grouped or aggregated: {name}")

    def _operand(self, operand: syntax.Operand, what: str = "Field") -> Column:
        """An aggregate, or a field or date that is grouped by."""
        if isinstance(operand, syntax.Path) or operand.name in DATE_FUNCTIONS or operand.name == "tolabel":
            column = self._clauses.operand(operand)
            if column.sql not in self._groups:
                raise self.not_grouped(operand, what)
            return column
        if operand.name == "grouping":
            return self._grouping(operand)
        if operand.name == "format" and len(operand.arguments) == 1:
            inner = operand.arguments[0]
            if not isinstance(inner, syntax.Literal):
                return self._operand(inner, what)
        if operand.name not in _FUNCTIONS:
            raise unexpected_token(self._soql, operand.at, operand.written)
        return self._aggregate(operand)

    def _grouping(self, call: syntax.Call) -> Column:
        column = self._clauses.operand(call.path) if call.path else None
        kind = self._clauses.query.grouping.kind if self._clauses.query.grouping else "plain"
        if column is None or column.sql not in self._groups or kind == "plain":
            raise unexpected_token(self._soql, call.at, call.written)
        return Column(_GROUPING + column.sql, _made("grouping", "int"), column.sobject)

    def _aggregate(self, call: syntax.Call) -> Column:
        function = _FUNCTIONS[call.name]
        if not call.arguments and call.name == "count":
            return Column("count(*)", _made("count", "int"), self._frame.sobject)
        if call.path is None:
            raise unexpected_token(self._soql, call.at, call.written)
        column = self._frame.column(call.path)
        if not (column.sobject.aggregates and aggregates(column.field, call.name)):
            text = f"field {column.field.name} does not support aggregate operator {call.name.upper()}"
            raise malformed(self._soql, call.path.at, text)
        if column.sql in self._groups:
            raise malformed(self._soql, call.path.at, f"Grouped field should not be aggregated: {column.field.name}")
        if call.name in ("min", "max"):
            return Column(f"{function}({column.sql})", column.field, column.sobject)
        inner = f"DISTINCT {column.sql}" if call.name == "count_distinct" else column.sql
        return Column(f"{function}({inner})", _made(call.name, _result_type(call.name, column.field)), column.sobject)


def _result_type(function: str, field: Field) -> str:
    if function in ("count", "count_distinct"):
        return "int"
    return field.type if function == "sum" else "double"


def _made(name: str, kind: str) -> Field:
    return Field(name=name, type=kind, label=name, scale=0 if kind == "int" else 2)


def _named(items: Sequence[syntax.SelectItem], columns: Sequence[Column]) -> list[AggregateColumn]:
    """The keys of the answer: aliases, names of fields, and expr0 and so on for the rest."""
    named: list[AggregateColumn] = []
    unnamed = 0
    for item, column in zip(items, columns, strict=True):
        assert isinstance(item, syntax.Selected)
        operand = item.operand
        if item.alias:
            name = item.alias
        elif isinstance(operand, syntax.Path) and operand.parts[-1].lower() == "name":
            name = "Name"  # also of a polymorphic parent, whose name may be another field
        elif isinstance(operand, syntax.Path) or operand.name == "tolabel":
            name = column.field.name
        else:
            name, unnamed = f"expr{unnamed}", unnamed + 1
        formatted = isinstance(operand, syntax.Call) and operand.name == "format"
        if any(one.name.lower() == name.lower() for one in named):
            raise ApiError(400, "MALFORMED_QUERY", f"duplicate alias: {name}")
        show = formatter(column.field) if formatted else None
        named.append(AggregateColumn(name, column.field.type == "boolean", show))
    return named
