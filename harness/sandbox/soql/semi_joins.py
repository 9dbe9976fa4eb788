"""Queries inside IN: where they may stand, what they may select, and their texts of refusal.

The restrictions are those of the SOQL reference, "Comparison Operators", semi-joins and anti-joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.sandbox.errors import ApiError
from harness.sandbox.schema import SObject
from harness.sandbox.soql import syntax
from harness.sandbox.soql.messages import malformed, unexpected
from harness.sandbox.soql.names import Column
from harness.sandbox.soql.traits import IDS

MOST = 2
"""Semi-joins in one WHERE."""

_NESTED = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions"
)
_TOO_FAR = "cannot have more than one level of relationships"


@dataclass(frozen=True, slots=True)
class Found:
    """A semi-join of a condition, and the words around it, outermost first."""

    membership: syntax.Membership
    inner: syntax.Query
    around: tuple[str, ...]


def semi_joins(condition: syntax.Condition | None, around: tuple[str, ...] = ()) -> Iterator[Found]:
    """All semi-joins of a condition, in their order."""
    match condition:
        case syntax.Joined(word, items):
            for item in items:
                yield from semi_joins(item, (*around, word))
        case syntax.Negated(item):
            yield from semi_joins(item, (*around, "NOT"))
        case syntax.Membership(_, syntax.Query() as inner, _):
            yield Found(condition, inner, around)


def check_places(soql: str, where: syntax.Condition | None, *, nested: bool) -> None:
    """Raises MALFORMED_QUERY for more than two semi-joins and for those in a wrong place."""
    for number, found in enumerate(semi_joins(where)):
        at = found.membership.operand.at
        if nested:
            raise malformed(soql, at, "Nesting of semi join sub-selects is not supported")
        if number >= MOST:
            raise malformed(soql, at, f"Maximum {MOST} semi join sub-selects are allowed")
        if "NOT" in found.around:
            raise malformed(soql, at, "Semi join sub-selects are not allowed with the 'NOT' operator")
        if len(found.around) > 1:
            raise malformed(soql, at, _NESTED)
        if found.around == ("OR",):
            raise malformed(soql, at, "Semi join sub-selects are not allowed with the 'OR' operator")


def check_left(soql: str, membership: syntax.Membership, column: Column, *, steps: int) -> syntax.Path:
    """The field on the left, which must be an id of the object itself."""
    operand = membership.operand
    name = operand.text if isinstance(operand, syntax.Path) else operand.written
    if not isinstance(operand, syntax.Path) or column.field.type not in IDS:
        text = "The left operand field in the where expression for outer query should be an id field, cannot use: "
        raise malformed(soql, operand.at, f"{text}'{name}'")
    if steps:
        raise malformed(soql, operand.at, f"The left operand '{name}' {_TOO_FAR}")
    return operand


def check_inner(soql: str, outer: SObject, inner: SObject, query: syntax.Query) -> syntax.Path:
    """The one field that a query inside IN selects."""
    first = query.select[0]
    if len(query.select) != 1 or not isinstance(first, syntax.Selected):
        raise malformed(soql, query.source_at, "semi join sub-selects can only select one field")
    if inner is outer:
        raise malformed(soql, query.source_at, "The inner and outer selects should not be on the same object type")
    if not isinstance(first.operand, syntax.Path):
        raise _not_an_id(soql, first.operand.at, first.operand.written)
    word = _first_clause(query)
    if word is not None:
        raise unexpected(soql, word.at, f"missing value at '{word.text}'")
    return first.operand


def check_target(
    soql: str, left: syntax.Path, left_column: Column, selected: syntax.Path, column: Column, *, steps: int
) -> None:
    """The selected field must be an id of what the field on the left is an id of."""
    if column.field.type not in IDS:
        raise _not_an_id(soql, selected.at, selected.text)
    if steps:
        raise malformed(soql, selected.at, f"The inner select field '{selected.text}' {_TOO_FAR}")
    mine, other = _targets(left_column), _targets(column)
    if mine and other and not mine & other:
        text = (
            f"The selected field '{selected.text}' in the subquery and the left operand field in the where expression "
            f"in the outer query '{left.text}' should point to the same object type"
        )
        raise malformed(soql, left.at, text)


def _targets(column: Column) -> set[str]:
    return {column.sobject.name} if column.field.type == "id" else set(column.field.reference_to)


def _not_an_id(soql: str, at: int, name: str) -> ApiError:
    return malformed(soql, at, f"semi join sub-selects can only query id fields, cannot use: '{name}'")


def _first_clause(query: syntax.Query) -> syntax.Word | None:
    """The first clause that a query inside IN may not have."""
    if query.grouping:
        return syntax.Word("GROUP", query.grouping.at)
    if query.order_by:
        return syntax.Word("ORDER", query.order_at)
    return query.limit and syntax.Word("LIMIT", query.limit.at)
