"""Two describes of one object, or two lists of all objects: what vanished, what is new, what may be done with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.org.describe import reduce_describe, reduce_global_describe
from harness.recording.meaning.model import Drift, Question, Tier

Named = Mapping[str, Mapping[str, Any]]

_RIGHTS = ("queryable", "createable", "updateable", "deletable")
_NO_TEXT = frozenset(
    {*_RIGHTS, "name", "fields", "relationshipOrder", "recordTypeInfos", "childRelationships", "picklistValues"}
)
"""What is no text: rights, record types and picklist values are told as such."""


def of_describe(question: Question, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Drift]:
    """The differences of two describes of one object; what a cassette leaves out goes without saying."""
    before, after = reduce_describe(recorded), reduce_describe(now)
    name = str(before["name"])
    yield from _of_rights(question, name, before, after)
    yield from _of_texts(question, name, before, after)
    yield from _of_named(question, "field", name, _by_name(before["fields"]), _by_name(after["fields"]))
    yield from _of_record_types(question, name, before, after)


def of_all_objects(question: Question, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Drift]:
    """The differences of two lists of all objects."""
    lists = [_by_name(reduce_global_describe(body)["sobjects"]) for body in (recorded, now)]
    yield from _of_named(question, "object", "", *lists)


def _of_named(question: Question, what: str, of: str, before: Named, after: Named) -> Iterator[Drift]:
    for name, one in before.items():
        full = f"{of}.{name}" if of else name
        if name not in after:
            yield question.drift(Tier.ERROR, f"{what} {full} vanished", "described", "not described")
            continue
        yield from _of_rights(question, full, one, after[name])
        yield from _of_texts(question, full, one, after[name])
    for name in sorted(after.keys() - before.keys()):
        full = f"{of}.{name}" if of else name
        yield question.drift(Tier.INFORMATION, f"{what} {full} is new", "not described", "described")


def _of_rights(question: Question, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Drift]:
    for right in _RIGHTS:
        if right in before and bool(before[right]) != bool(after.get(right)):
            given = bool(after.get(right))
            tier, words = (question.more, "became") if given else (Tier.ERROR, "is no longer")
            yield question.drift(
                tier, f"{name} {words} {right}", *(_said(right, yes=each) for each in (not given, given))
            )


def _of_texts(question: Question, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Drift]:
    """Labels, types and the like."""
    for key, value in before.items():
        if key not in _NO_TEXT and value != after.get(key):
            yield question.drift(Tier.INFORMATION, f"{name}: another {key}", value, after.get(key))
    if _values(before) != _values(after):
        yield question.drift(
            Tier.INFORMATION, f"{name}: other picklist values", ", ".join(_values(before)), ", ".join(_values(after))
        )


def _of_record_types(
    question: Question, name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Drift]:
    """Record types that whoever asks may use, and no longer, or may use now."""
    old, new = (
        {str(each["developerName"]) for each in body["recordTypeInfos"] if each["available"]}
        for body in (before, after)
    )
    for each in sorted(old - new):
        yield question.drift(Tier.ERROR, f"record type {name}.{each} was taken away", "available", "not available")
    for each in sorted(new - old):
        yield question.drift(question.more, f"record type {name}.{each} was given", "not available", "available")


def _by_name(items: Sequence[Mapping[str, Any]]) -> Named:
    return {str(each["name"]): each for each in items}


def _values(body: Mapping[str, Any]) -> list[str]:
    return [str(each["value"]) for each in body.get("picklistValues") or () if each["active"]]


def _said(right: str, *, yes: bool) -> str:
    return right if yes else f"not {right}"
