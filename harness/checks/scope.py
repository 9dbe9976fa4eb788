"""Which objects both users are made to look at, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.access.model import Access
from harness.checks.spec import Item, about
from harness.scenario.model import AnyRecord, Scenario

FEW = 25
"""So many objects are all looked at: their describes fit in one call."""


def objects_in_scope(scenario: Scenario, effective: Access, used: Iterable[str] = ()) -> tuple[list[str], int]:
    """The objects to look at, and how many are left out.

    First what the workload names, then what the checks name and what the evidence shows as `used`, then the rest of the
    source's effective access: all of it with `checks: exhaustive`, else until there are `FEW`.
    """
    held = {*effective.objects, *(name.partition(".")[0] for name in effective.fields)}
    named = [*_named(scenario.workload), *_named(scenario.expect.grants), *sorted(used)]
    first = [name for name in dict.fromkeys(named) if name != "?"]
    rest = sorted(held - set(first))
    room = len(rest) if scenario.checks == "exhaustive" else max(0, FEW - len(first))
    return [*first, *rest[:room]], len(rest) - len(rest[:room])


def named_objects(scenario: Scenario) -> list[str]:
    """The objects that the workload and the expected grants name."""
    return sorted({name for name in (*_named(scenario.workload), *_named(scenario.expect.grants)) if name != "?"})


def _named(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        if name := about(item):
            yield name
        fields = getattr(getattr(item, item.kind), "fields", None) or {}
        for value in fields.values():
            if isinstance(value, AnyRecord):
                yield value.any
