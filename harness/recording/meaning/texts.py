"""Answers that are no rows: metadata in XML, CSV of bulk jobs, and JSON of the org's own making."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.org.soap import payload, plain
from harness.recording.meaning.model import Drift, Question, Tier
from harness.recording.meaning.rows import of_rows

_RIGHTS = frozenset(
    {
        "enabled",
        "readable",
        "editable",
        "visible",
        "allowCreate",
        "allowDelete",
        "allowEdit",
        "allowRead",
        "viewAllRecords",
        "modifyAllRecords",
        "viewAllFields",
    }
)
"""The rights in the metadata of a profile or a permission set (Metadata API, PermissionSet)."""
_HOLDERS = frozenset({"Profile", "PermissionSet", "MutingPermissionSet"})
_NAMES = ("fullName", "name", "field", "object", "apexClass", "application", "tab", "flow", "type", "dataspaceScope")
_JOB_NOISE = frozenset({"id", "createdDate", "systemModstamp", "createdById", "contentUrl", "retries"}) | {
    f"{part}ProcessingTime" for part in ("total", "apiActive", "apex")
}
_LONGEST = 80


def of_xml(question: Question, recorded: str, now: str) -> Iterator[Drift]:
    """The differences of two answers of the Metadata API, component by component and value by value."""
    before, after = payload(recorded), payload(now)
    if before is None or after is None:
        if recorded != now:
            yield question.drift(Tier.INFORMATION, "another text", _cut(recorded), _cut(now))
        return
    holds = any(holder in question.line.split() for holder in _HOLDERS)
    yield from _of_tree(question, "", plain(before), plain(after), rights=holds)


def of_csv(question: Question, recorded: str, now: str) -> Iterator[Drift]:
    """The differences of two results of a bulk job. In failedResults each row is a denial."""
    before, after = (list(csv.DictReader(io.StringIO(text))) for text in (recorded, now))
    if question.path.endswith("/failedResults"):
        yield from _of_failures(question, before, after)
        return
    columns = [dict.fromkeys(_header(text), "") for text in (recorded, now)]
    for column in [name for name in columns[0] if name not in columns[1]]:
        yield question.drift(Tier.ERROR, f"field {column} vanished", "in the results", "not in them")
    for column in [name for name in columns[1] if name not in columns[0]]:
        yield question.drift(Tier.INFORMATION, f"field {column} is new", "not in the results", "in them")
    shared = [name for name in columns[0] if name in columns[1]]
    rows = [[{name: row[name] for name in shared} for row in each] for each in (before, after)]
    yield from of_rows(question, "", _identified(rows[0]), _identified(rows[1]))


def of_job(question: Question, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Drift]:
    """The differences of two states of a bulk job that both went well."""
    for count in ("numberRecordsProcessed", "numberRecordsFailed"):
        before, after = recorded.get(count, 0), now.get(count, 0)
        if before != after:
            worse = (after < before) == (count == "numberRecordsProcessed")
            yield question.drift(Tier.WARNING if worse else Tier.INFORMATION, f"another {count}", before, after)
    rest = [{k: v for k, v in each.items() if not k.startswith("numberRecords")} for each in (recorded, now)]
    yield from of_json(question, *({k: v for k, v in each.items() if k not in _JOB_NOISE} for each in rest))


def of_json(question: Question, recorded: Any, now: Any) -> Iterator[Drift]:
    """The differences of two bodies of which nothing is known: keys that vanished or are new, and other values."""
    yield from _of_tree(question, "", recorded, now, rights=False)


def _of_tree(question: Question, at: str, before: Any, after: Any, *, rights: bool) -> Iterator[Drift]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            place = f"{at}.{key}" if at else str(key)
            yield from _of_key(question, place, before, after, str(key), rights=rights)
    elif isinstance(before, list) or isinstance(after, list):
        yield from _of_list(question, at, _as_list(before), _as_list(after), rights=rights)
    elif before != after:
        yield question.drift(Tier.INFORMATION, f"{at or 'the answer'}: another value", _cut(before), _cut(after))


def _of_key(
    question: Question, at: str, before: Mapping[str, Any], after: Mapping[str, Any], key: str, *, rights: bool
) -> Iterator[Drift]:
    if rights and key in _RIGHTS and "true" in (before.get(key), after.get(key)):
        if before.get(key) != after.get(key):
            given = after.get(key) == "true"
            tier, word = (Tier.CRITICAL, "given") if given else (Tier.ERROR, "taken away")
            yield question.drift(tier, f"{at} was {word}", before.get(key, "false"), after.get(key, "false"))
    elif _is_named(before.get(key), after.get(key)) and (rights or (key in before and key in after)):
        yield from _of_list(question, at, _as_list(before.get(key)), _as_list(after.get(key)), rights=rights)
    elif key not in after:
        yield question.drift(Tier.INFORMATION if rights else Tier.ERROR, f"{at} vanished", "in the answer", "not in it")
    elif key not in before:
        yield question.drift(Tier.INFORMATION, f"{at} is new", "not in the answer", "in it")
    else:
        yield from _of_tree(question, at, before[key], after[key], rights=rights)


def _of_list(
    question: Question, at: str, before: Sequence[Any], after: Sequence[Any], *, rights: bool
) -> Iterator[Drift]:
    """Items by name where they have one, else as they are, in any order."""
    old, new = _named(before), _named(after)
    for name, one in old.items():
        place = f"{at}[{name}]"
        if name in new:
            yield from _of_tree(question, place, one, new[name], rights=rights)
        elif rights and _gives(one):
            yield question.drift(Tier.ERROR, f"{place} was taken away", "there", "not there")
        else:
            yield question.drift(Tier.WARNING, f"{place} is gone", "there", "not there")
    for name in [name for name in new if name not in old]:
        critical = rights and _gives(new[name])
        tier, words = (Tier.CRITICAL, "was given") if critical else (Tier.INFORMATION, "is new")
        yield question.drift(tier, f"{at}[{name}] {words}", "not there", "there")


def _is_named(*values: Any) -> bool:
    """Whether these are items with names: XML does not tell one of them from a list of one."""
    return any(isinstance(each, Mapping) and any(each.get(key) for key in _NAMES) for each in values) or any(
        isinstance(each, list) for each in values
    )


def _named(items: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        name = next((str(item[key]) for key in _NAMES if item.get(key)), "") if isinstance(item, Mapping) else ""
        name = name or _cut(item)
        while name in found:
            name += "'"
        found[name] = item
    return found


def _gives(item: Any) -> bool:
    """Whether a part of a profile or a permission set gives any right."""
    return isinstance(item, Mapping) and any(item.get(right) == "true" for right in _RIGHTS)


def _of_failures(
    question: Question, before: Sequence[Mapping[str, str]], after: Sequence[Mapping[str, str]]
) -> Iterator[Drift]:
    old, new = ([row.get("sf__Error", "").partition(":")[0] for row in rows] for rows in (before, after))
    if len(new) > len(old):
        yield question.drift(Tier.ERROR, f"{len(new) - len(old)} more rows fail", ", ".join(set(old)), new[-1])
    elif len(new) < len(old):
        yield question.drift(question.more, f"{len(old) - len(new)} fewer rows fail", old[-1], ", ".join(set(new)))
    elif sorted(old) != sorted(new):
        yield question.drift(
            Tier.WARNING, "another error code", ", ".join(sorted(set(old))), ", ".join(sorted(set(new)))
        )


def _header(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text)), [])


def _identified(rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Rows whose id is called Id, also where it is that of an ingest."""
    return [{"Id": row.get("sf__Id"), **row} if "sf__Id" in row else dict(row) for row in rows]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _cut(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
