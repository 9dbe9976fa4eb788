"""Plans for queries that differ in their string literals only, so that a new id or name needs no new compilation.

A query is compiled once with a stand-in for each literal. Where every stand-in comes out as a parameter of its own, and
in nothing else, the plan holds for any literals of the same kinds. Everything else is compiled as it is written.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.sandbox.errors import ApiError
from harness.sandbox.ids import long_id
from harness.sandbox.soql.dates import Dated
from harness.sandbox.soql.like import is_simple
from harness.sandbox.soql.parser import LONGEST_KEPT
from harness.sandbox.soql.plan import Plan

_MOST = 2000
_STRING = re.compile("'([^']*)'")
_PLAIN = re.compile(r"[^\ud800-\udfff]{1,255}")
_MARK = re.compile("\ue000|zzz[yz]0000")

_Kind = Literal["text", "short", "long"]
"""An id of 15 characters is short, one of 18 long, and anything else is text."""


class Templates:
    """The plans of one org that hold for more than one query, by what is not a literal in them."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], _Template | None] = OrderedDict()

    def clear(self) -> None:
        """After a change of the schema."""
        self._known.clear()

    def plan(self, soql: str, circumstances: tuple[object, ...], compiled: Callable[[str], Plan]) -> Plan:
        """The plan of a query, as `compiled` would make it; what else that depends on are the circumstances."""
        literals = _literals(soql) if len(soql) <= LONGEST_KEPT else []
        kinds = [_kind(one) for one in literals]
        if not literals or None in kinds:
            return compiled(soql)
        key = (*circumstances, _with(soql, [str(one) for one in kinds]))
        if key not in self._known:
            self._known[key] = _template(soql, kinds, compiled)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        template = self._known[key]
        return compiled(soql) if template is None else template.filled(literals)


@dataclass(frozen=True, slots=True)
class _Template:
    """A plan with stand-ins. `uses`: a parameter, the literal it is, and whether that is an id to be made long."""

    plan: Plan
    uses: tuple[tuple[str, int, bool], ...]
    children: tuple[_Template, ...]

    @property
    def used(self) -> set[int]:
        """The literals that are parameters, here or in queries of children."""
        return {at for _, at, _ in self.uses}.union(*(child.used for child in self.children))

    def filled(self, literals: Sequence[str]) -> Plan:
        """The plan for these literals."""
        made = {name: long_id(literals[at]) if widened else literals[at] for name, at, widened in self.uses}
        children = tuple(child.filled(literals) for child in self.children)
        return replace(self.plan, parameters={**self.plan.parameters, **made}, children=children)


def _literals(soql: str) -> list[str]:
    """The texts of its strings; none where a backslash may stand for something else."""
    return [] if "\\" in soql else _STRING.findall(soql)


def _kind(literal: str) -> _Kind | None:
    """What may be compiled alike; None for what has to be compiled by itself."""
    if not _PLAIN.fullmatch(literal) or not is_simple(literal):
        return None
    known = long_id(literal)
    if known is None:
        return "text"
    if len(literal) == len(known):
        return "long" if literal == known else None
    return "short"


def _with(soql: str, replacements: Sequence[str]) -> str:
    following = iter(replacements)
    return _STRING.sub(lambda _: f"'{next(following)}'", soql)


def _template(soql: str, kinds: Sequence[_Kind | None], compiled: Callable[[str], Plan]) -> _Template | None:
    written, expected = [], {}
    for at, kind in enumerate(kinds):
        stand_in = f"\ue000{at}\ue000" if kind == "text" else f"zzz{'y' if kind == 'short' else 'z'}{at:011}"
        widened = long_id(stand_in) or stand_in
        written.append(stand_in if kind == "short" else widened)
        expected[widened] = at, kind == "short"
        expected[written[-1]] = at, False
    try:
        plan = compiled(_with(soql, written))
    except ApiError:
        return None  # the query may be refused, but in its own words
    made = _of(plan, expected)
    return made if made is not None and len(made.used) == len(kinds) else None


def _of(plan: Plan, expected: Mapping[str, tuple[int, bool]]) -> _Template | None:
    if _MARK.search(plan.sql):
        return None
    uses = []
    for name, value in plan.parameters.items():
        if isinstance(value, str) and value in expected:
            uses.append((name, *expected[value]))
        elif not _is_free(value):
            return None
    children = [made for child in plan.children if (made := _of(child, expected)) is not None]
    return _Template(plan, tuple(uses), tuple(children)) if len(children) == len(plan.children) else None


def _is_free(value: Any) -> bool:
    """Whether no stand-in is in a parameter."""
    return isinstance(value, (int, float, Dated)) or (isinstance(value, str) and not _MARK.search(value))
