"""Queries that answer with rows: the field list, parents, children, TYPEOF and FIELDS()."""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.sandbox.errors import ApiError
from harness.sandbox.schema import Field
from harness.sandbox.soql import syntax
from harness.sandbox.soql.clauses import LARGEST_FIELDS_LIMIT, Clauses
from harness.sandbox.soql.functions import DATE_FUNCTIONS, distance_column, formatter, refuse_function
from harness.sandbox.soql.messages import malformed, no_such_type, unexpected_token
from harness.sandbox.soql.names import Column, Node, child_of, fields_of_kind
from harness.sandbox.soql.plan import Plan
from harness.sandbox.soql.shape import Children, Compound, Shape, Value, Variants
from harness.sandbox.store import COMPOUND_TYPES, quote

DEEPEST_CHILDREN = 4
"""Levels of children below the rows (SOQL reference, "Understanding Relationship Query Limitations")."""
MOST_CHILDREN = 20
"""Queries of children in one field list (the same page)."""

CompileChild = Callable[[Clauses, int], Plan]


def rows_plan(clauses: Clauses, depth: int, compile_child: CompileChild) -> Plan:
    """The plan of a query for rows; queries of children in it are compiled by the function given."""
    return _Rows(clauses, depth, compile_child).plan()


class _Rows:
    def __init__(self, clauses: Clauses, depth: int, compile_child: CompileChild) -> None:
        self._clauses = clauses
        self._frame = clauses.frame
        self._soql = clauses.soql
        self._depth = depth
        self._compile_child = compile_child
        self._columns: dict[str, int] = {}
        self._children: list[Plan] = []
        self._unnamed = 0

    def plan(self) -> Plan:
        clauses, frame = self._clauses, self._frame
        if clauses.child:
            self._add(f"{frame.alias}.{quote(clauses.child.field.name)}")
        shape = Shape(frame.sobject.name, self._add(frame.root.key))
        for item in clauses.query.select:
            self._select(item, shape)
        where = clauses.where()
        keys = [f"{sql} {words}" for sql, words in clauses.order_keys(clauses.operand)]
        limits_children = clauses.child and (clauses.query.limit or clauses.query.offset)
        sorts = bool(keys or limits_children)  # otherwise rows come as they were stored, which is cheaper and as good
        order = " ORDER BY " + ", ".join([*keys, f'{frame.alias}."Id"']) if sorts else ""
        if limits_children:
            sql = self._limited_children(where, order)
        else:
            sql = f"SELECT {', '.join(self._columns)} FROM {frame.tables()}{where}{order}{clauses.limit()}"
        return clauses.plan("rows", sql, shape=shape, children=self._children)

    def _limited_children(self, where: str, order: str) -> str:
        """A limit on children counts for each parent by itself."""
        columns = list(self._columns)
        number = f"row_number() OVER (PARTITION BY {columns[0]}{order})"
        query = self._clauses.query
        last = "" if query.most is None else f" AND place <= {query.skipped + query.most}"
        named = ", ".join(f"{column} AS c{place}" for place, column in enumerate(columns))
        inner = f"SELECT {named}, {number} AS place FROM {self._frame.tables()}{where}"
        names = ", ".join(f"c{place}" for place in range(len(columns)))
        return f"SELECT {names} FROM ({inner}) WHERE place > {query.skipped}{last} ORDER BY c0, place"

    def _add(self, sql: str) -> int:
        return self._columns.setdefault(sql, len(self._columns))

    # The field list

    def _select(self, item: syntax.SelectItem, shape: Shape) -> None:
        if isinstance(item, syntax.ChildQuery):
            self._select_children(item.query, shape)
        elif isinstance(item, syntax.TypeOf):
            self._select_type(item, shape)
        elif isinstance(item.operand, syntax.Call):
            self._select_call(item.operand, item.alias, shape)
        elif item.alias:
            raise malformed(self._soql, item.operand.at, "only aggregate expressions use field aliasing")
        else:
            self._select_path(item.operand, shape)

    def _select_path(self, path: syntax.Path, shape: Shape, start: Node | None = None) -> None:
        steps = list(path.parts[:-1]) if start else self._frame.steps(path.parts[:-1])
        way = self._frame.way(steps, path, start)
        column = self._frame.field_at(way[-1], path.parts[-1], path)
        place = self._shape_at(shape, way[1:])
        self._put(place, way[-1].shown(column.field), self._reader(column, way[-1]), path.text)

    def _put(self, shape: Shape, name: str, entry: Value | Compound | Variants, written: str) -> None:
        if name in shape.entries:
            raise ApiError(400, "INVALID_FIELD", f"duplicate field selected: {written}")
        shape.entries[name] = entry

    def _shape_at(self, shape: Shape, way: Sequence[Node]) -> Shape:
        """The shape of the parent that a way leads to, made as far as it is not there."""
        for node in way:
            inner = shape.entries.get(node.name)
            if not isinstance(inner, Shape):
                if inner is not None:
                    raise ApiError(400, "INVALID_FIELD", f"duplicate field selected: {node.name}")
                inner = Shape(node.label, self._add(node.key), node.types)
                shape.entries[node.name] = inner
            shape = inner
        return shape

    def _reader(self, column: Column, node: Node, show: Callable[[object], object] | None = None) -> Value | Compound:
        if column.field.type not in COMPOUND_TYPES:
            boolean, blob = column.field.type == "boolean", column.field.type == "base64"
            return Value(self._add(column.sql), boolean, show, blob)
        sobject, alias = node.targets[0]
        parts = [one for one in sobject.fields.values() if one.compound == column.field.name]
        named = sorted((_part_name(one, column.field), self._add(f"{alias}.{quote(one.name)}")) for one in parts)
        return Compound(tuple(named))

    # Functions

    def _select_call(self, call: syntax.Call, alias: str | None, shape: Shape) -> None:
        if call.name == "fields":
            self._select_fields(call, shape)
        elif call.name == "distance":
            column = distance_column(call, self._frame)
            self._put(shape, alias or self._next_name(), Value(self._add(column.sql)), call.written)
        elif call.name in ("tolabel", "format"):
            self._select_shown(call, alias, shape)
        elif call.name in DATE_FUNCTIONS and call.path:
            self._frame.column(call.path)
            text = f"Field must be grouped or aggregated: {call.path.parts[-1]}"
            raise malformed(self._soql, call.at, text)
        else:
            raise refuse_function(call, self._frame)

    def _next_name(self) -> str:
        self._unnamed += 1
        return f"expr{self._unnamed - 1}"

    def _select_shown(self, call: syntax.Call, alias: str | None, shape: Shape) -> None:
        """toLabel(), whose labels are the values here, and FORMAT()."""
        path = call.path
        if path is None:
            raise unexpected_token(self._soql, call.at, call.written)
        way = self._frame.way(self._frame.steps(path.parts[:-1]), path)
        column = self._frame.field_at(way[-1], path.parts[-1], path)
        show = formatter(column.field) if call.name == "format" else None
        place = shape if alias else self._shape_at(shape, way[1:])
        self._put(place, alias or way[-1].shown(column.field), self._reader(column, way[-1], show), path.text)

    def _select_fields(self, call: syntax.Call, shape: Shape) -> None:
        which = call.path.text.lower() if call.path else ""
        if which not in ("all", "standard", "custom"):
            raise unexpected_token(self._soql, call.at, call.written)
        most = self._clauses.query.most
        if which != "standard" and (most is None or most > LARGEST_FIELDS_LIMIT):
            text = f"The SOQL FIELDS function must have a LIMIT of at most {LARGEST_FIELDS_LIMIT}"
            raise ApiError(400, "MALFORMED_QUERY", text)
        for one in fields_of_kind(self._clauses.world.access, self._frame.sobject, which):
            self._select_path(syntax.Path((one.name,), call.at), shape)

    # TYPEOF

    def _select_type(self, item: syntax.TypeOf, shape: Shape) -> None:
        way = self._frame.way(self._frame.steps(item.path.parts), item.path)
        node = way[-1]
        if not node.polymorphic:
            raise malformed(self._soql, item.path.at, f"TYPEOF needs a polymorphic relationship: {item.path.text}")
        cases = dict(self._case(one, node) for one in item.cases)
        otherwise = None
        if item.otherwise:
            otherwise = Shape(node.label, self._add(node.key), node.types)
            for path in item.otherwise:
                self._select_path(path, otherwise, node)
        variants = Variants(self._add(node.key), node.types, cases, otherwise)
        self._put(self._shape_at(shape, way[1:-1]), node.name, variants, item.path.text)

    def _case(self, case: syntax.When, node: Node) -> tuple[str, Shape]:
        found = next((one for one in node.targets if one[0].name.lower() == case.sobject.lower()), None)
        if found is None:
            raise no_such_type(self._soql, case.at, case.sobject)
        sobject, alias = found
        concrete = Node((found,), node.name, f'{alias}."Id"')
        shape = Shape(sobject.name, self._add(concrete.key))
        for path in case.paths:
            self._select_path(path, shape, concrete)
        return sobject.name, shape

    # Children

    def _select_children(self, query: syntax.Query, shape: Shape) -> None:
        world, frame = self._clauses.world, self._frame
        child = child_of(world, self._soql, frame.sobject, frame.names, query)
        if self._depth >= DEEPEST_CHILDREN:
            text = (
                f"SOQL statements cannot query aggregate relationships more than {DEEPEST_CHILDREN} levels away from "
                "the root entity object."
            )
            raise malformed(self._soql, query.source_at, text)
        if len(self._children) >= MOST_CHILDREN:
            text = f"No more than {MOST_CHILDREN} parent-to-child relationships can be specified in a query"
            raise malformed(self._soql, query.source_at, text)
        inner = Clauses(query, self._soql, world, child.sobject, child=child)
        plan = self._compile_child(inner, self._depth + 1)
        if child.name in shape.entries:
            text = f"Cannot use the same child relationship twice: {child.name}"
            raise malformed(self._soql, query.source_at, text)
        shape.entries[child.name] = Children(len(self._children))
        self._children.append(plan)


def _part_name(part: Field, compound: Field) -> str:
    """`BillingCity` of `BillingAddress` is `city`; `Place__Latitude__s` of `Place__c` is `latitude`."""
    stem = compound.name.removesuffix("Address") if compound.type == "address" else compound.name.removesuffix("c")
    name = part.name.removeprefix(stem).removesuffix("__s")
    return name[:1].lower() + name[1:]
