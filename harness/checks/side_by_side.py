"""What is otherwise for the new user in one object: two looks at it put beside each other. Pure: data in, data out.

The old user looks twice. What differs between its two looks is noise, and says nothing about the new user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from harness.checks import accepted, remedies
from harness.checks.accepted import Agreed
from harness.checks.results import Finding, Look, SideBySide
from harness.words import few

_SHOWN = 3


def side_by_side(
    first: Look,
    again: Look,
    new: Look,
    *,
    agreed: Sequence[Agreed] = (),
    made_since: int = 0,
    later: Look | None = None,
) -> SideBySide:
    """Put the looks beside each other. `made_since` is how many rows the workload has made since the old user's.

    `later` is one more look of the old user, after the new one's: rows that are otherwise in it were changed or deleted
    meanwhile, so they say nothing about the new user, and the new user's count lies between the old one's two.
    """
    if later is not None:
        first, new = _unchanged(first, later, first), _unchanged(first, later, new)
    noise = list(_findings(first, again, ()))
    known = {(each.kind, each.name) for each in noise}
    drift = abs((again.rows or 0) - (first.rows or 0))
    found = [each for each in _findings(first, new, agreed) if (each.kind, each.name) not in known]
    return SideBySide(
        object=first.object,
        findings=(*found, *_rows(first, again, new, agreed, made_since=made_since, later=later)),
        noise=tuple(f"the old user's second look: {each.text}" for each in noise)
        + ((f"the old user counted {first.rows} rows, then {again.rows}",) if drift else ()),
        fields_old=len(first.fields),
        fields_new=len(new.fields),
        rows_old=first.rows,
        rows_new=new.rows,
        sampled=len(first.sample.keys() & new.sample.keys()),
    )


def _unchanged(first: Look, later: Look, of: Look) -> Look:
    """A look with the sampled rows alone that the old user sees later as it did first."""
    kept = {
        one: row for one, row in of.sample.items() if one in first.sample and later.sample.get(one) == first.sample[one]
    }
    return of.model_copy(update={"sample": kept})


def alarms(result: SideBySide) -> tuple[Finding, ...]:
    """The findings that nothing accepts."""
    return tuple(each for each in result.findings if each.accepted is None)


def _finding(kind: str, name: str, text: str, agreed: str | None = None, right: str = "") -> Finding:
    assert kind in get_args(Finding.model_fields["kind"].annotation)
    remedy = remedies.for_loss(kind, name, right)
    return Finding.model_validate({"kind": kind, "name": name, "text": text, "remedy": remedy, "accepted": agreed})


def _findings(old: Look, new: Look, agreed: Sequence[Agreed]) -> Iterator[Finding]:
    """Everything but the number of rows. Of an object that is not there, nothing else is told."""
    name = old.object
    if (old.listed and not new.listed) or (old.described and not new.described):
        where = "is in no list of objects" if not new.listed else "is in the list of objects, and its describe refused"
        read = accepted.of_object(agreed, name, "read")
        yield _finding("object-vanished", name, f"{name} {where} for the new user", read)
    if (new.listed and not old.listed) or (new.described and not old.described):
        yield _finding("more", name, f"the new user sees {name}, the old one does not")
    if old.described and new.described:
        yield from _of_rights(old, new, agreed)
        yield from _of_fields(old, new, agreed)
        yield from _of_values(old, new)
        yield from _of_record_types(old, new, agreed)
        yield from _of_sample(old, new, agreed)
        yield from _of_row_rights(old, new, agreed)


def _of_rights(old: Look, new: Look, agreed: Sequence[Agreed]) -> Iterator[Finding]:
    name = old.object
    for right in old.rights:
        if right not in new.rights:
            text = f"the new user may not {right} {name}"
            yield _finding(
                "object-right", f"{name}: {right}", text, accepted.of_object(agreed, name, right), right=right
            )
    for right in new.rights:
        if right not in old.rights:
            yield _finding("more", f"{name}: {right}", f"the new user may {right} {name}, the old one may not")


def _of_fields(old: Look, new: Look, agreed: Sequence[Agreed]) -> Iterator[Finding]:
    """A right lost on the whole object is not told again for each of its fields."""
    lost = set(old.rights) - set(new.rights)
    gained = set(new.rights) - set(old.rights)
    for field, rights in old.fields.items():
        name = f"{old.object}.{field}"
        if field not in new.fields:
            text = f"field {name} vanished for the new user"
            yield _finding("field-vanished", name, text, accepted.of_field(agreed, name, "read"))
            continue
        gone = [right for right in rights if right not in new.fields[field] and right not in lost]
        if gone:
            text = f"the new user cannot set {name} ({', '.join(gone)})"
            yield _finding("field-read-only", name, text, accepted.of_field(agreed, name, "edit"))
    for field, rights in new.fields.items():
        name = f"{old.object}.{field}"
        more = [right for right in rights if right not in old.fields.get(field, ()) and right not in gained]
        if field not in old.fields:
            yield _finding("more", name, f"the new user sees the field {name}, the old one does not")
        elif more:
            yield _finding("more", name, f"the new user may set {name} ({', '.join(more)}), the old one may not")


def _of_values(old: Look, new: Look) -> Iterator[Finding]:
    for field in sorted(old.picklists.keys() & new.picklists.keys()):
        name, before, after = f"{old.object}.{field}", old.picklists[field], new.picklists[field]
        if gone := [value for value in before if value not in after]:
            yield _finding("picklist-value", name, f"{name} has no value {_list(gone)} for the new user")
        if more := [value for value in after if value not in before]:
            yield _finding("more", name, f"{name} has the value {_list(more)} for the new user only")
    for field in sorted(old.fields.keys() & new.fields.keys()):
        name, was, now = f"{old.object}.{field}", old.defaults.get(field), new.defaults.get(field)
        if was != now:
            text = f"{name} starts as {now or 'nothing'} for the new user, as {was or 'nothing'} for the old one"
            yield _finding("default-value", name, text)


def _of_record_types(old: Look, new: Look, agreed: Sequence[Agreed]) -> Iterator[Finding]:
    for one in old.record_types:
        name = f"{old.object}.{one}"
        if one not in new.record_types:
            text = f"record type {name} is not available to the new user"
            yield _finding("record-type", name, text, accepted.of_kind(agreed, "record-type", name))
    for one in new.record_types:
        name = f"{old.object}.{one}"
        if one not in old.record_types:
            yield _finding("more", name, f"record type {name} is available to the new user, not to the old one")
    creates = "create" in old.rights and "create" in new.rights
    if creates and old.default_record_type != new.default_record_type:
        text = (
            f"a new {old.object} gets record type {new.default_record_type or 'none'} from the new user, "
            f"{old.default_record_type or 'none'} from the old one"
        )
        place = accepted.of_kind(agreed, "default-record-type", old.object)
        yield _finding("default-record-type", old.object, text, place)


def _of_sample(old: Look, new: Look, agreed: Sequence[Agreed]) -> Iterator[Finding]:
    missing = [row.key for record_id, row in old.sample.items() if record_id not in new.sample]
    if missing and new.refused:
        text = f"the new user cannot read the rows of {old.object}: {new.refused}"
        yield _finding("rows-missing", f"{old.object} rows", text)
    elif missing:
        text = f"{len(missing)} of {len(old.sample)} sampled {old.object} rows are not seen: {_list(missing)}"
        yield _finding("rows-missing", f"{old.object} rows", text, accepted.of_rows(agreed, old.object))
    for record_id in sorted(old.sample.keys() & new.sample.keys()):
        before, after = old.sample[record_id], new.sample[record_id]
        row = f"{old.object} {before.key}"
        if before.owner != after.owner:
            yield _finding(
                "owner", row, f"{row} belongs to {before.owner} for the old user, to {after.owner} for the new"
            )
        if before.record_type != after.record_type:
            text = f"{row} has record type {before.record_type} for the old user, {after.record_type} for the new"
            yield _finding("row-differs", row, text)
        shared = old.fields.keys() & new.fields.keys()
        if emptied := sorted((after.empty - before.empty) & shared):
            yield _finding("row-differs", row, f"{row}: {_list(emptied)} holds nothing for the new user")
        if filled := sorted((before.empty - after.empty) & shared):
            yield _finding("more", row, f"{row}: {_list(filled)} holds a value for the new user only")


def _of_row_rights(old: Look, new: Look, agreed: Sequence[Agreed]) -> Iterator[Finding]:
    """What may be done with the sampled rows; a right lost or gained on the whole object is not told again."""
    both = [(row, new.sample[each]) for each, row in sorted(old.sample.items()) if each in new.sample]
    told = [(was.key, was.may, now.may) for was, now in both if was.may is not None and now.may is not None]
    for right in ("edit", "delete"):
        name = f"{old.object} rows: {right}"
        lost = [key for key, before, after in told if right in before and right not in after]
        more = [key for key, before, after in told if right not in before and right in after]
        if lost and right in new.rights:
            text = f"the new user may not {right} {len(lost)} of {len(told)} sampled {old.object} rows: {_list(lost)}"
            yield _finding("row-differs", name, text, accepted.of_rows(agreed, old.object))
        if more and right in old.rights:
            text = f"the new user may {right} {len(more)} of {len(told)} sampled {old.object} rows, the old one may not"
            yield _finding("more", name, f"{text}: {_list(more)}")


def _rows(
    first: Look, again: Look, new: Look, agreed: Sequence[Agreed], *, made_since: int, later: Look | None
) -> Iterator[Finding]:
    """The number of rows, where all three could count: what drifted between the old user's looks may drift on."""
    if first.rows is None or again.rows is None or new.rows is None:
        if first.rows is not None and new.described:
            text = f"the new user cannot count the rows of {first.object}: {new.refused or 'it may not query them'}"
            yield _finding("rows-missing", first.object, text, accepted.of_rows(agreed, first.object))
        return
    drift = abs(again.rows - first.rows)
    least = min(first.rows, again.rows) - drift + made_since
    most = max(first.rows, again.rows) + drift + made_since
    if later is not None and later.rows is not None:
        least, most = sorted((again.rows + made_since, later.rows))
    text = f"{first.object}: the old user sees {again.rows} rows, the new user {new.rows}"
    if made_since:
        text += f"; the workload itself has made {made_since} since"
    if new.rows < least:
        yield _finding("rows-missing", first.object, text, accepted.of_rows(agreed, first.object))
    elif new.rows > most:
        yield _finding("more", first.object, text)


def _list(names: Iterable[str]) -> str:
    return few(list(names), _SHOWN)
