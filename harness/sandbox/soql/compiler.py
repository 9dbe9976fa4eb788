"""From the syntax tree to a plan: SQL with bound parameters, and how to read what it finds."""

from __future__ import annotations

from collections.abc import Iterator

from harness.sandbox.access.user_access import REIFIED
from harness.sandbox.errors import ApiError
from harness.sandbox.soql import syntax
from harness.sandbox.soql.aggregates import aggregate_plan, count_plan, is_aggregate, is_count
from harness.sandbox.soql.clauses import Clauses
from harness.sandbox.soql.messages import malformed
from harness.sandbox.soql.names import World, source_object
from harness.sandbox.soql.plan import Plan
from harness.sandbox.soql.rows import rows_plan


def compile_query(query: syntax.Query, soql: str, world: World) -> Plan:
    """The plan of a whole query. Raises ApiError for what the platform refuses, worded as the platform does."""
    clauses = Clauses(query, soql, world, source_object(world, soql, query))
    _check_definitions(clauses)
    if is_count(query):
        return count_plan(clauses)
    if is_aggregate(query):
        return aggregate_plan(clauses)
    return rows_plan(clauses, 0, _child_plan)


def _child_plan(clauses: Clauses, depth: int) -> Plan:
    if is_count(clauses.query) or is_aggregate(clauses.query):
        text = "only root queries support aggregate expressions"
        raise malformed(clauses.soql, clauses.query.source_at, text)
    return rows_plan(clauses, depth, _child_plan)


def _check_definitions(clauses: Clauses) -> None:
    """All rows of some objects are not to be had (a recorded refusal)."""
    sobject = clauses.frame.sobject
    wanted = REIFIED.get(sobject.name)
    if wanted is None:
        return
    names = {one.lower() for one in (*wanted, *(one.removesuffix("Id") for one in wanted))}
    if not any(part.lower() in names for path in _paths(clauses.query.where) for part in path.parts):
        text = f"{sobject.name}: a filter on a reified column is required [{','.join(wanted)}]"
        raise ApiError(400, "MALFORMED_QUERY", text)


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
