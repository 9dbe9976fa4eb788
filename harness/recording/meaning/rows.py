"""The rows of two answers to one query: which are gone, which are new, which rights they give, which values they hold.

Rows are told apart by what they are about, not by where they stand: their order counts only where the query gives one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.recording.meaning import tables
from harness.recording.meaning.model import Drift, Question, Tier

Row = Mapping[str, Any]
Key = tuple[Any, ...]

_LIMITED = re.compile(r"\bLIMIT\s+(\d+)", re.IGNORECASE)
_ORDERED = re.compile(r"\bORDER\s+BY\s+(?!Id\b)", re.IGNORECASE)
"""Ids follow the time of creation: their order is another one wherever rows were made anew."""
_BY_TIME = re.compile(
    r"\b(?:(?:LAST|NEXT|THIS)_(?:N_)?(?:DAY|WEEK|MONTH|QUARTER|YEAR|90_DAYS|FISCAL_QUARTER|FISCAL_YEAR)\w*"
    r"|TODAY|YESTERDAY|TOMORROW|N_\w+S_AGO)\b",
    re.IGNORECASE,
)
_SHOWN = 3


def has_rows(body: Any) -> bool:
    """Whether this is the answer to a query."""
    return isinstance(body, Mapping) and isinstance(body.get("records"), list)


def of_query(question: Question, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Drift]:
    """The differences of two answers to one query."""
    before, after = _rows(recorded), _rows(now)
    kind = kind_of(recorded) or kind_of(now)
    if not before and not after:
        yield from _of_totals(question, kind, recorded, now)
        return
    yield from of_rows(question, kind, before, after)


def of_record(question: Question, recorded: Row, now: Row) -> Iterator[Drift]:
    """The differences of two answers that hold one record."""
    kind = str((recorded.get("attributes") or {}).get("type", ""))
    before, after = flat(recorded), flat(now)
    yield from _of_columns(question, kind, [before], [after])
    yield from _of_pair(question, kind, before, after)


def of_rows(question: Question, kind: str, before: Sequence[Row], after: Sequence[Row]) -> Iterator[Drift]:
    """The differences of the rows of one object, each flat."""
    yield from _of_columns(question, kind, before, after)
    if _LIMITED.search(question.soql) and not any("Id" in row for row in (*before, *after)):
        yield from _of_sample(question, kind, len(before), len(after))
        return
    old, new = keyed(kind, before), keyed(kind, after)
    excused = question.people.removed
    gone = [row for key, row in old.items() if key not in new and row.get("Id") not in excused]
    added = [row for key, row in new.items() if key not in old]
    if tables.table_of(kind).grants:
        yield from (_right_by_row(question, kind, row, there=False) for row in gone if tables.holds_something(row))
        yield from (_right_by_row(question, kind, row, there=True) for row in added if tables.holds_something(row))
    else:
        yield from _of_counts(question, kind, (before, after), gone, added)
    pairs = [(row, new[key]) for key, row in old.items() if key in new]
    for one, other in pairs:
        yield from _of_rights(question, kind, one, other)
    yield from _of_values(question, kind, pairs)
    if not gone and not added and _ORDERED.search(question.soql) and list(old) != list(new):
        yield question.drift(Tier.INFORMATION, f"{kind or 'rows'}: another order", *_order(list(old), list(new)))


def keyed(kind: str, rows: Sequence[Row]) -> dict[Key, Row]:
    """Rows by what tells them apart; of equal ones each has its number."""
    met: Counter[Key] = Counter()
    found: dict[Key, Row] = {}
    for row in rows:
        key = tables.key_of(kind, row)
        found[(*key, met[key])] = row
        met[key] += 1
    return found


def kind_of(body: Mapping[str, Any]) -> str:
    """The object that the rows of an answer are of; empty for none."""
    for record in body["records"]:
        if isinstance(record, Mapping) and isinstance(record.get("attributes"), Mapping):
            return str(record["attributes"].get("type", ""))
    return ""


def flat(row: Row, prefix: str = "") -> dict[str, Any]:
    """A row with the columns of its parents as `Account.Name`, and without its attributes."""
    found: dict[str, Any] = {}
    for column, value in row.items():
        if column == "attributes" and isinstance(value, Mapping):
            continue
        if isinstance(value, Mapping) and "records" not in value:
            found.update(flat(value, f"{prefix}{column}."))
        else:
            found[prefix + column] = value
    return found


def _rows(body: Mapping[str, Any]) -> list[Row]:
    return [flat(row) for row in body["records"] if isinstance(row, Mapping)]


def _of_totals(question: Question, kind: str, recorded: Row, now: Row) -> Iterator[Drift]:
    before, after = recorded.get("totalSize"), now.get("totalSize")
    if isinstance(before, int) and isinstance(after, int):
        yield from _of_sample(question, kind, before, after)


def _of_sample(question: Question, kind: str, before: int, after: int) -> Iterator[Drift]:
    """A few rows, of which nothing tells which they are: only how many there are says anything."""
    if before != after:
        tier, word = (Tier.WARNING, "fewer") if after < before else (Tier.INFORMATION, "more")
        yield question.drift(tier, f"{abs(after - before)} {word} {kind} rows".replace("  ", " "), before, after)


def _of_counts(
    question: Question, kind: str, both: tuple[Sequence[Row], Sequence[Row]], gone: Sequence[Row], added: Sequence[Row]
) -> Iterator[Drift]:
    """Fewer rows and more; where the query asks by the time, they come and go by themselves."""
    if _BY_TIME.search(question.soql):
        return
    gone = [row for row in gone if row.get("Id") not in question.people.own]
    of, counts = f"{kind} rows".strip(), [f"{len(rows)} rows" for rows in both]
    limit = _LIMITED.search(question.soql)
    full = limit is not None and len(both[1]) >= int(limit[1])
    if gone:
        tier = Tier.INFORMATION if full else Tier.WARNING
        yield question.drift(tier, f"{len(gone)} {of} are gone: {_listed(gone)}", *counts)
    if added:
        yield question.drift(Tier.INFORMATION, f"{len(added)} more {of}: {_listed(added)}", *counts)


def _of_columns(question: Question, kind: str, before: Sequence[Row], after: Sequence[Row]) -> Iterator[Drift]:
    """Fields that vanished from all rows, and fields that are new."""
    if not before or not after:
        return
    old, new = _columns(before), _columns(after)
    of = f" of {kind}" if kind else ""
    for column in sorted(column for column in old - new if not _covered(column, new)):
        yield question.drift(Tier.ERROR, f"field {column}{of} vanished", "in the answer", "not in it")
    for column in sorted(column for column in new - old if not _covered(column, old)):
        yield question.drift(Tier.INFORMATION, f"field {column}{of} is new", "not in the answer", "in it")


def _columns(rows: Sequence[Row]) -> set[str]:
    return {column for row in rows for column in row}


def _covered(column: str, others: set[str]) -> bool:
    """Whether a column is another one's parent or child: a parent that is null stands there by itself."""
    parents = {column.rpartition(".")[0]} | {column[: at.start()] for at in re.finditer(r"\.", column)}
    return bool(parents & others) or any(other.startswith(f"{column}.") for other in others)


def _of_pair(question: Question, kind: str, before: Row, after: Row) -> Iterator[Drift]:
    yield from _of_rights(question, kind, before, after)
    yield from _of_values(question, kind, [(before, after)])


def _right_by_row(question: Question, kind: str, row: Row, *, there: bool) -> Drift:
    """A row that is a right by being there."""
    given = there ^ tables.mutes(kind, row)
    rights = [column for column, value in row.items() if value is True and tables.is_right(kind, column)]
    text = f"{kind} {tables.name_of(row)}" + (f" ({', '.join(rights)})" if rights else "")
    words = ("not there", "there") if there else ("there", "not there")
    return question.drift(_tier(question, kind, row, given=given), f"{text} was {_turned(given)}", *words)


def _of_rights(question: Question, kind: str, before: Row, after: Row) -> Iterator[Drift]:
    """The columns of a row that are rights, and turned."""
    turned: dict[str, list[str]] = {}
    for column, value in after.items():
        if column in question.people.settled or not isinstance(value, bool) or before.get(column) is not (not value):
            continue
        if tables.is_right(kind, column):
            turned.setdefault(tables.turn_of(column, now=value, kind=kind, row=after), []).append(column)
        elif tables.is_ceiling(column):
            turned.setdefault("possible" if value else "impossible", []).append(column)
    for turn, columns in turned.items():
        named = f"{kind} {tables.name_of(after)}".strip()
        text = f"{named}: {_few(columns)} {'was' if len(columns) == 1 else 'were'} "
        if turn in ("given", "taken"):
            tier, words = _tier(question, kind, after, given=turn == "given"), _turned(turn == "given")
        else:
            tier, words = (Tier.INFORMATION if turn == "possible" else Tier.ERROR), f"made {turn}"
        yield question.drift(tier, text + words, *(_values(row, columns) for row in (before, after)))


def _tier(question: Question, kind: str, row: Row, *, given: bool) -> Tier:
    """What a right weighs that was given or taken."""
    table = tables.table_of(kind)
    if table.about and not question.people.concerns(row.get(table.about)):
        return Tier.INFORMATION
    if not given:
        return Tier.ERROR
    return question.more if table.own else Tier.CRITICAL


def _of_values(question: Question, kind: str, pairs: Sequence[tuple[Row, Row]]) -> Iterator[Drift]:
    """What else differs in rows that are in both answers, as one difference with an example."""
    found = [
        (one, other, column)
        for one, other in pairs
        for column in one.keys() & other.keys()
        if one[column] != other[column] and not _told_elsewhere(question, kind, column, one[column], other[column])
    ]
    if found:
        columns = sorted({column for _, _, column in found})
        one, other, column = min(found, key=lambda each: (each[2], tables.name_of(each[0])))
        text = f"{kind} {_few(columns)}: {_count(len(found))}, as of {tables.name_of(one)}".strip()
        yield question.drift(Tier.INFORMATION, text, _value(one[column]), _value(other[column]))


def _told_elsewhere(question: Question, kind: str, column: str, one: Any, other: Any) -> bool:
    if column in question.people.settled or tables.is_noise(column):
        return True
    if column == "Id" and tables.table_of(kind).keys:  # the row was made anew
        return True
    is_access = tables.is_right(kind, column) or tables.is_ceiling(column)
    return is_access and isinstance(one, bool) and isinstance(other, bool)


def _order(old: list[Key], new: list[Key]) -> tuple[str, str]:
    place = next(number for number, (one, other) in enumerate(zip(old, new, strict=True)) if one != other)
    return f"row {place + 1} is {old[place][0]}", f"row {place + 1} is {new[place][0]}"


def _turned(given: bool) -> str:
    return "given" if given else "taken away"


def _values(row: Row, columns: Sequence[str]) -> str:
    return ", ".join(f"{column}={str(row.get(column)).lower()}" for column in columns[:_SHOWN])


def _listed(rows: Sequence[Row]) -> str:
    return _few([tables.name_of(row) for row in rows])


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _count(number: int) -> str:
    return "another value" if number == 1 else f"{number} other values"


def _value(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
