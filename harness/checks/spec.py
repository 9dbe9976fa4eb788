"""Which checks and operations a scenario asks for, and what they are called. Cheap: used while pytest collects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from harness.checks.soql import from_object
from harness.errors import Place
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import ApexCall, BulkJob, Denial, FieldAccess, Grant, Operation

Item = Grant | Denial | Operation


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check to make. `id` is readable and unique in its scenario, such as `grants[field Account.Name: read]`."""

    id: str
    kind: Literal["grant", "denial"]
    item: Grant | Denial
    place: Place


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """An operation of the workload. `id` is such as `workload[2: upsert Account]`, counted from 1; `index` from 0."""

    id: str
    index: int
    item: Operation
    place: Place


def check_specs(file: ScenarioFile) -> tuple[CheckSpec, ...]:
    """The checks of a scenario, grants first, in the order written."""
    expect = file.scenario.expect
    grants = _unique("grants", (name(item) for item in expect.grants))
    denials = _unique("denials", (_with_error(item) for item in expect.denials))
    return (
        *(
            CheckSpec(spec_id, "grant", item, file.place("expect", "grants", index))
            for index, (spec_id, item) in enumerate(zip(grants, expect.grants, strict=True))
        ),
        *(
            CheckSpec(spec_id, "denial", item, file.place("expect", "denials", index))
            for index, (spec_id, item) in enumerate(zip(denials, expect.denials, strict=True))
        ),
    )


def operation_specs(file: ScenarioFile) -> tuple[OperationSpec, ...]:
    """The operations of a scenario's workload, in the order written."""
    return tuple(
        OperationSpec(f"workload[{index + 1}: {name(item)}]", index, item, file.place("workload", index))
        for index, item in enumerate(file.scenario.workload)
    )


def name(item: Item) -> str:
    """An item in two or three words: `query Account`, `field Account.Name: read`, `apex GET /orders`, `sign-in: ui`."""
    match getattr(item, item.kind):
        case str() as text:
            return {
                "query": f"query {from_object(text)}",
                "describe": f"describe {text}",
                "sign_in": f"sign-in: {text}",
            }[item.kind]
        case FieldAccess() as field:
            return f"field {field.name}: {field.access}"
        case ApexCall() as call:
            return f"apex {call.method} {call.path}"
        case BulkJob() as job:
            return f"bulk {job.operation} {job.object or from_object(job.query or '')}"
        case rows:
            return f"{item.kind} {rows.object}"


def about(item: Item) -> str | None:
    """The object an item is about, if it is about one."""
    match getattr(item, item.kind):
        case str() as text:
            return {"query": from_object(text), "describe": text}.get(item.kind)
        case FieldAccess() as field:
            return field.name.partition(".")[0]
        case ApexCall():
            return None
        case BulkJob() as job:
            return job.object or from_object(job.query or "")
        case rows:
            return str(rows.object)


def _with_error(item: Denial) -> str:
    text = name(item)
    if item.error is None:
        return text
    return f"{text}, {item.error}" if ": " in text else f"{text}: {item.error}"


def _unique(prefix: str, names: Iterable[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for text in names:
        seen[text] = seen.get(text, 0) + 1
        yield f"{prefix}[{text}]" if seen[text] == 1 else f"{prefix}[{text} #{seen[text]}]"
