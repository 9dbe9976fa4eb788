"""What differs between the old and the new user's answers to one operation of the workload, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks import remedies
from harness.checks.results import NO_RECORD, Answered, Comparison
from harness.checks.spec import OperationSpec, about, name
from harness.scenario.model import Drop

_DECLARED = ", as permissions.drop says"


def compare(spec: OperationSpec, old: Answered | None, new: Answered, *, drops: Sequence[Drop] = ()) -> Comparison:
    """Put two answers beside each other: error codes, row counts, and the fields that came back.

    With `old` None, as in cut-over where only the new user works, the new one must have succeeded. An operation that
    fails for both alike proves nothing, so it is told as a difference. Ids, and whether an upsert created or updated,
    do not count: the two users' rows are not the same rows. What a describe no longer shows because one of `drops` says
    so is told, and does not make the answers unequal.
    """
    found = list(_failure(new) if old is None else _differences(old, new, drops))
    equal = all(difference.endswith(_DECLARED) for difference in found)
    return Comparison(
        title=name(spec.item),
        place=f"{spec.place.file}:{spec.place.line}",
        old=old,
        new=new,
        equal=equal,
        differences=tuple(found),
        remedy=None if equal else _remedy(spec, old, new),
    )


def _failure(new: Answered) -> Iterator[str]:
    if new.error_code:
        yield f"the new user got {_words(new)}"


def _differences(old: Answered, new: Answered, drops: Sequence[Drop]) -> Iterator[str]:
    if old.error_code is not None and old.error_code == new.error_code:
        for_some = ", for some rows" if old.rows or new.rows else ""
        yield f"both users got {_words(new)}{for_some}"
    elif old.error_code != new.error_code:
        yield f"the old user got {_words(old)}, the new user {_words(new)}"
    if old.rows != new.rows and None not in (old.rows, new.rows):
        yield f"rows: old {old.rows}, new {new.rows}"
    if old.failed_rows != new.failed_rows:
        yield f"failed rows: old {old.failed_rows}, new {new.failed_rows}"
    if not (old.error_code or new.error_code or 0 in (old.rows, new.rows)):
        yield from _lost(old, new, drops)
        yield from _gained(old, new)
        yield from _emptied(old, new)


def _lost(old: Answered, new: Answered, drops: Sequence[Drop]) -> Iterator[str]:
    """What came back for the old user only. A right lost on the object is not told again for each of its fields."""
    before, after = set(old.fields), set(new.fields)
    for entry in old.fields:
        if entry in after:
            continue
        what, _, right = entry.partition(": ")
        declared = _DECLARED if _is_declared(what, right or "read", drops) else ""
        if not right:
            yield f"field {what} vanished for the new user{declared}"
        elif "." not in what:
            yield f"object {what}: the new user has lost {right}{declared}"
        elif what in after and f"{what.partition('.')[0]}: {right}" not in before - after:
            yield f"field {what}: the new user has lost {right}{declared}"


def _gained(old: Answered, new: Answered) -> Iterator[str]:
    before = set(old.fields)
    for entry in new.fields:
        what, _, right = entry.partition(": ")
        if entry not in before and (not right or "." not in what or what in before):
            yield f"{_field_or_object(what)}: the new user has {right or 'read'}, the old one has not"


def _emptied(old: Answered, new: Answered) -> Iterator[str]:
    """Fields that came back with fewer values in as many rows: a parent that is not visible, say."""
    for field, before in old.filled.items():
        after = new.filled.get(field)
        if old.rows == new.rows and after is not None and after != before:
            yield f"field {field} held a value in {before} rows for the old user, in {after} for the new"


def _is_declared(what: str, right: str, drops: Sequence[Drop]) -> bool:
    """Whether a drop takes this right on this field or object away."""
    sobject = what.partition(".")[0]
    names = {drop.field or drop.object for drop in drops if not drop.access or right in drop.access}
    return what in names or sobject in names


def _field_or_object(what: str) -> str:
    return f"field {what}" if "." in what else f"object {what}"


def _words(answer: Answered) -> str:
    if answer.error_code is None:
        return "an answer" if answer.rows is None else f"{answer.rows} rows"
    last = (answer.message or "").strip().rpartition("\n")[2]
    return f"{answer.error_code}: {last}" if last else answer.error_code


def _remedy(spec: OperationSpec, old: Answered | None, new: Answered) -> str | None:
    sobject = about(spec.item)
    if new.error_code == NO_RECORD:
        return (
            f"let the workload insert {sobject} rows before it needs them, or look at the sharing of {sobject}; "
            "a delete with a condition leaves the second user nothing"
        )
    if new.error_code:
        return remedies.for_refusal(new.error_code, kind=spec.item.kind, sobject=sobject, message=new.message)
    if old is not None and (old.rows or 0) > (new.rows or 0):
        return f"look at the sharing of {sobject}: owner, View All, groups and queues, role"
    if old is not None and set(old.fields) - set(new.fields):
        return (
            "look for field-level security on these fields in the permission set, or name them under permissions.drop"
        )
    if old is not None and any(count > new.filled.get(name, count) for name, count in old.filled.items()):
        return "what these fields point to is not visible to the new user: look at Read on that object and its sharing"
    return "the new user can do more than the old one: look at what its profile and permission set give"
