"""The words of a scenario: they stand beside its recordings for everybody to read, and so may stand in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.spec import CheckSpec, OperationSpec, check_specs, operation_specs
from harness.checks.values import Values
from harness.org.clock import Clock
from harness.scenario.loader import ScenarioFile


def words_of(file: ScenarioFile, clock: Clock) -> tuple[str, ...]:
    """Every text and number of a scenario, the literals of its queries, and the values that its templates stand for.

    Each once. `clock` says what today is.
    """
    scenario = file.scenario
    names = (
        scenario.target_username,
        scenario.user_label,
        scenario.permission_set_name,
        scenario.permission_set_label,
        file.name,
    )
    return tuple(dict.fromkeys([*names, *_texts(scenario.model_dump(mode="json", by_alias=True)), *_made(file, clock)]))


def _made(file: ScenarioFile, clock: Clock) -> Iterator[str]:
    """What the templates of the rows stand for, which may be what an org holds already: cities, first names."""
    values = Values(seed=file.name, clock=clock)
    specs: list[CheckSpec | OperationSpec] = [*check_specs(file), *operation_specs(file)]
    for spec in specs:
        rows = getattr(spec.item, spec.item.kind)
        if fields := getattr(rows, "fields", None):
            yield from values.words(fields, operation=spec.id, count=getattr(rows, "rows", 1))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
        yield from (part for number, part in enumerate(value.split("'")) if number % 2)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
