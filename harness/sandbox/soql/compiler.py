"""From the syntax tree to a plan: what is selected, grouped and ordered, as SQL with bound parameters."""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.sandbox.errors import ApiError
from harness.sandbox.relations import Child
from harness.sandbox.schema import Field, SObject
from harness.sandbox.soql import syntax
from harness.sandbox.soql.conditions import Conditions
from harness.sandbox.soql.messages import malformed, refusal
from harness.sandbox.soql.names import Binder, Column, Frame, Node, World, child_of, fields_of, source_object
from harness.sandbox.soql.plan import AggregateColumn, Plan, PlanKind
from harness.sandbox.soql.shape import Children, Compound, Shape, Value
from harness.sandbox.store import COMPOUND_TYPES, quote
from harness.sandbox.user_access import REIFIED

LARGEST_OFFSET = 2000
DEEPEST_CHILDREN = 4
_AGGREGATES = {"count": "count", "count_distinct": "count", "sum": "sum", "avg": "avg", "min": "min", "max": "max"}
_NUMBERS = frozenset({"int", "double", "currency", "percent"})


def compile_query(query: syntax.Query, soql: str, world: World) -> Plan:
    """The plan of a whole query."""
    return _Compiler(query, soql, world, source_object(world, soql, query)).plan()


class _Compiler:
    def __init__(
        self,
        query: syntax.Query,
        soql: str,
        world: World,
        sobject: SObject,
        *,
        child: Child | None = None,
        depth: int = 0,
        binder: Binder | None = None,
    ) -> None:
        self._query = query
        self._soql = soql
        self._world = world
        self._child = child
        self._depth = depth
        self._binder = binder or Binder()
        self._frame = Frame(world, soql, query, sobject, self._binder)
        self._columns: list[str] = []
        self._children: list[Plan] = []
        self._grouped: set[str] = set()

    def plan(self) -> Plan:
        self._check_limits()
        self._check_definitions()
        if self._is_count():
            return self._count_plan()
        if self._query.group_by or any(self._is_aggregate(item) for item in self._query.select):
            return self._aggregate_plan()
        return self._rows_plan()

    def _check_limits(self) -> None:
        if (self._query.offset or 0) > LARGEST_OFFSET:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")

    def _check_definitions(self) -> None:
        """All rows of some objects are not to be had (a recorded refusal)."""
        wanted = REIFIED.get(self._frame.sobject.name)
        if wanted is None or self._child:
            return
        names = {one.lower() for one in (*wanted, *(one.removesuffix("Id") for one in wanted))}
        if not any(part.lower() in names for path in _paths(self._query.where) for part in path.parts):
            fields = ",".join(wanted)
            text = f"{self._frame.sobject.name}: a filter on a reified column is required [{fields}]"
            raise ApiError(400, "MALFORMED_QUERY", text)

    # count()

    def _is_count(self) -> bool:
        first = self._query.select[0]
        bare = (
            isinstance(first, syntax.Selected) and isinstance(first.operand, syntax.Call) and _bare_count(first.operand)
        )
        return bare and len(self._query.select) == 1 and not self._query.group_by

    def _count_plan(self) -> Plan:
        where = self._where()
        tail = self._limit()
        inner = f"SELECT 1 FROM {self._frame.tables()}{where}{tail}"
        return self._make("count", f"SELECT count(*) FROM ({inner})")

    # Aggregates

    def _is_aggregate(self, item: syntax.Selected | syntax.ChildQuery) -> bool:
        return (
            isinstance(item, syntax.Selected)
            and isinstance(item.operand, syntax.Call)
            and item.operand.name in _AGGREGATES
            and not _bare_count(item.operand)
        )

    def _aggregate_plan(self) -> Plan:
        groups = [self._operand(one).sql for one in self._query.group_by]
        self._grouped = set(groups)
        names: list[AggregateColumn] = []
        unnamed = 0
        for item in self._query.select:
            if isinstance(item, syntax.ChildQuery):
                raise malformed(self._soql, item.query.source_at, "unexpected token: '('")
            column = self._aggregated(item.operand)
            self._columns.append(column.sql)
            if item.alias:
                name = item.alias
            elif isinstance(item.operand, syntax.Call):
                name, unnamed = f"expr{unnamed}", unnamed + 1
            else:
                name = column.field.name
            names.append(AggregateColumn(name, column.field.type == "boolean"))
        where = self._where()
        group = f" GROUP BY {', '.join(groups)}" if groups else ""
        having = ""
        if self._query.having:
            having = f" HAVING {Conditions(self._frame, self._aggregated, self._subquery).sql(self._query.having)}"
        order = self._order(self._aggregated)
        tail = self._limit()
        sql = f"SELECT {', '.join(self._columns)} FROM {self._frame.tables()}{where}{group}{having}{order}{tail}"
        return self._make("aggregate", sql, columns=tuple(names))

    def _aggregated(self, operand: syntax.Operand) -> Column:
        """An operand of a grouped query: an aggregate, or a field that is grouped by."""
        if isinstance(operand, syntax.Path):
            column = self._frame.column(operand)
            if column.sql not in self._grouped:
                raise malformed(self._soql, operand.at, f"Field must be grouped or aggregated: {operand.parts[-1]}")
            return column
        function = _AGGREGATES.get(operand.name)
        if function is None:
            raise malformed(self._soql, operand.at, f"unexpected token: '{operand.name}'")
        if operand.argument is None:
            if operand.name != "count":
                raise malformed(self._soql, operand.at, f"unexpected token: '{operand.name}'")
            return Column("count(*)", _number("count", "int"), self._frame.sobject)
        column = self._frame.column(operand.argument)
        countable = column.sobject is None or column.sobject.aggregates
        if not countable or (operand.name in ("sum", "avg") and column.field.type not in _NUMBERS):
            text = f"field {column.field.name} does not support aggregate operator {operand.name.upper()}"
            raise malformed(self._soql, operand.at, text)
        inner = f"DISTINCT {column.sql}" if operand.name == "count_distinct" else column.sql
        kind = (
            column.field
            if operand.name in ("min", "max")
            else _number(operand.name, "int" if function == "count" else "double")
        )
        return Column(f"{function}({inner})", kind, column.sobject)

    # Rows

    def _rows_plan(self) -> Plan:
        frame = self._frame
        if self._child:
            self._add(f"{frame.alias}.{quote(self._child.field.name)}")
        shape = Shape(frame.sobject.name, self._add(frame.root.key))
        for item in self._query.select:
            self._select(item, shape)
        where = self._where()
        order = self._order(self._operand) or " ORDER BY"
        order += f'{"" if order == " ORDER BY" else ","} {frame.alias}."Id"'
        if self._child and self._query.limit is not None:
            return self._make("rows", self._limited_children(where, order), shape=shape)
        sql = f"SELECT {', '.join(self._columns)} FROM {frame.tables()}{where}{order}{self._limit()}"
        return self._make("rows", sql, shape=shape)

    def _limited_children(self, where: str, order: str) -> str:
        """A limit on children counts for each parent by itself."""
        parent = self._columns[0]
        number = f"row_number() OVER (PARTITION BY {parent}{order})"
        first = self._query.offset or 0
        last = first + (self._query.limit or 0)
        named = ", ".join(f"{column} AS c{place}" for place, column in enumerate(self._columns))
        inner = f"SELECT {named}, {number} AS place FROM {self._frame.tables()}{where}"
        names = ", ".join(f"c{place}" for place in range(len(self._columns)))
        return f"SELECT {names} FROM ({inner}) WHERE place > {first} AND place <= {last} ORDER BY c0, place"

    def _select(self, item: syntax.Selected | syntax.ChildQuery, shape: Shape) -> None:
        if isinstance(item, syntax.ChildQuery):
            self._select_children(item.query, shape)
        elif isinstance(item.operand, syntax.Call):
            self._select_call(item.operand, shape)
        elif item.alias:
            raise malformed(self._soql, item.operand.at, f"unexpected token: '{item.alias}'")
        else:
            node, name = self._frame.place(item.operand)
            column = self._frame.field_at(node, name, item.operand)
            self._put(shape, node, column, item.operand)

    def _put(self, shape: Shape, node: Node, column: Column, path: syntax.Path) -> None:
        place = self._shape_of(shape, node, path)
        if column.field.name in place.entries:
            raise refusal(self._soql, path.at, "INVALID_FIELD", f"duplicate field selected: {path.text}")
        place.entries[column.field.name] = self._reader(column, node)

    def _shape_of(self, shape: Shape, node: Node, path: syntax.Path) -> Shape:
        """The shape of the parent that a path leads to, made on the way."""
        here = self._frame.root
        for step in path.parts[:-1]:
            if node is here:
                break
            following = here.parents.get(step.lower())
            if following is None:
                continue  # the object's own name or alias
            here = following
            inner = shape.entries.get(here.name)
            if not isinstance(inner, Shape):
                inner = Shape(here.label, self._add(here.key), _types(here))
                shape.entries[here.name] = inner
            shape = inner
        return shape

    def _reader(self, column: Column, node: Node) -> Value | Compound:
        if column.field.type not in COMPOUND_TYPES:
            return Value(self._add(column.sql), column.field.type == "boolean")
        sobject, alias = node.targets[0]
        parts = [one for one in sobject.fields.values() if one.compound == column.field.name]
        named = sorted((_part_name(one, column.field), self._add(f"{alias}.{quote(one.name)}")) for one in parts)
        return Compound(tuple(named))

    def _select_call(self, call: syntax.Call, shape: Shape) -> None:
        if call.name != "fields" or call.argument is None or len(call.argument.parts) != 1:
            raise malformed(self._soql, call.at, f"unexpected token: '{call.name}'")
        which = call.argument.text.lower()
        if which not in ("all", "standard", "custom"):
            raise malformed(self._soql, call.argument.at, f"unexpected token: '{call.argument.text}'")
        if which != "standard" and (self._query.limit is None or self._query.limit > 200):
            text = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise ApiError(400, "MALFORMED_QUERY", text)
        for one in fields_of(self._world, self._frame.sobject, which):
            path = syntax.Path((one.name,), call.at)
            self._put(shape, self._frame.root, self._frame.column(path), path)

    def _select_children(self, query: syntax.Query, shape: Shape) -> None:
        child = child_of(self._world, self._soql, self._frame.sobject, query)
        if self._depth >= DEEPEST_CHILDREN:
            raise malformed(self._soql, query.source_at, "SOQL statements cannot query children deeper than 5 levels.")
        inner = _Compiler(query, self._soql, self._world, child.sobject, child=child, depth=self._depth + 1)
        plan = inner.plan()
        if plan.kind != "rows":
            raise malformed(self._soql, query.source_at, "Only root queries support aggregate expressions")
        if child.name in shape.entries:
            text = f"Cannot use the same child relationship twice: {child.name}"
            raise refusal(self._soql, query.source_at, "INVALID_FIELD", text)
        shape.entries[child.name] = Children(len(self._children))
        self._children.append(plan)

    # Clauses

    def _add(self, sql: str) -> int:
        if sql not in self._columns:
            self._columns.append(sql)
        return self._columns.index(sql)

    def _operand(self, operand: syntax.Operand) -> Column:
        if isinstance(operand, syntax.Call):
            raise malformed(self._soql, operand.at, f"unexpected token: '{operand.name}'")
        return self._frame.column(operand)

    def _where(self) -> str:
        frame, alias = self._frame, self._frame.alias
        clauses = [] if self._world.all_rows else [f'{alias}."IsDeleted" = 0']
        if self._child:
            clauses.append(f"{alias}.{quote(self._child.field.name)} IN (SELECT value FROM json_each(:parents))")
        shared = self._world.sharing.condition(frame.sobject, alias, self._world.access, self._binder.bind)
        if shared is not None:
            clauses.append(f"({shared})")
        if self._query.where is not None:
            clauses.append(Conditions(frame, self._operand, self._subquery).sql(self._query.where))
        return f" WHERE {' AND '.join(clauses)}" if clauses else ""

    def _subquery(self, query: syntax.Query, outer: Frame) -> str:
        """The SELECT of a semi-join, sharing the parameters of the statement around it."""
        selected = query.select[0]
        if (
            len(query.select) != 1
            or not isinstance(selected, syntax.Selected)
            or isinstance(selected.operand, syntax.Call)
        ):
            raise malformed(self._soql, query.source_at, "semi join sub-selects can only select one field")
        sobject = source_object(self._world, self._soql, query)
        return _Compiler(query, self._soql, self._world, sobject, binder=outer.binder).inner_select(selected.operand)

    def inner_select(self, path: syntax.Path) -> str:
        """As a semi-join: the SELECT of one id field."""
        column = self._frame.column(path)
        if column.field.type not in ("id", "reference"):
            text = f"cannot use a field of type {column.field.type} in a semi join sub-select: {column.field.name}"
            raise malformed(self._soql, path.at, text)
        where = self._where()
        order = self._order(self._operand)
        return f"SELECT {column.sql} FROM {self._frame.tables()}{where}{order}{self._limit()}"

    def _order(self, operand: Callable[[syntax.Operand], Column]) -> str:
        keys = []
        for item in self._query.order_by:
            column = operand(item.operand)
            direction = "DESC" if item.descending else "ASC"
            keys.append(f"{column.sql} {direction} NULLS {'FIRST' if item.nulls_first else 'LAST'}")
        return f" ORDER BY {', '.join(keys)}" if keys else ""

    def _limit(self) -> str:
        if self._query.limit is None and self._query.offset is None:
            return ""
        limit = -1 if self._query.limit is None else self._query.limit
        return f" LIMIT {limit} OFFSET {self._query.offset or 0}"

    def _make(
        self, kind: PlanKind, sql: str, *, shape: Shape | None = None, columns: Sequence[AggregateColumn] = ()
    ) -> Plan:
        return Plan(
            kind=kind,
            sobject=self._frame.sobject,
            sql=sql,
            parameters=self._binder.parameters,
            tables=tuple(self._binder.sobjects),
            shape=shape,
            columns=tuple(columns),
            children=tuple(self._children),
        )


def _paths(condition: syntax.Condition | None) -> Iterator[syntax.Path]:
    """The fields that a condition looks at."""
    match condition:
        case syntax.Joined():
            for item in condition.items:
                yield from _paths(item)
        case syntax.Negated():
            yield from _paths(condition.item)
        case syntax.Comparison() | syntax.Membership() | syntax.Chosen() if isinstance(condition.operand, syntax.Path):
            yield condition.operand


def _bare_count(call: syntax.Call) -> bool:
    return call.name == "count" and call.argument is None


def _number(name: str, kind: str) -> Field:
    return Field(name=name, type=kind, label=name)


def _types(node: Node) -> dict[str, str]:
    return {sobject.key_prefix: sobject.name for sobject, _ in node.targets} if node.polymorphic else {}


def _part_name(part: Field, compound: Field) -> str:
    """`BillingCity` of `BillingAddress` is `city`; `Place__Latitude__s` of `Place__c` is `latitude`."""
    stem = compound.name.removesuffix("Address") if compound.type == "address" else compound.name.removesuffix("c")
    name = part.name.removeprefix(stem).removesuffix("__s")
    return name[:1].lower() + name[1:]
