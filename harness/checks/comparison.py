"""What differs between the old and the new user's answers to one operation of the workload, in sentences.

The old user is asked twice. What differs between its two answers is noise, and says nothing about the new user.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks import accepted, remedies
from harness.checks.accepted import Agreed
from harness.checks.looking import PER_USER
from harness.checks.results import NO_RECORD, Answered, Comparison
from harness.checks.spec import OperationSpec, about, name


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: what it is about, in a sentence, and what accepts it, if anything does."""

    about: str
    text: str
    agreed: str | None = None


def compare(
    spec: OperationSpec,
    old: Answered | None,
    new: Answered,
    *,
    again: Answered | None = None,
    agreed: Sequence[Agreed] = (),
    made_since: int = 0,
) -> Comparison:
    """Put the answers beside each other: error codes, row counts, the fields that came back, what a new row was given.

    With `old` None, as in cut-over where only the new user works, the new one must have succeeded. An operation that
    fails for both alike proves nothing, so it is told as a difference. Ids, and whether an upsert created or updated,
    do not count: the two users' rows are not the same rows. What differs between `old` and `again` is noise. What is
    `agreed` to be lost is told, and does not make the answers unequal. `made_since` is how many rows of the object the
    workload itself has made since `old`.
    """
    case = _Case(old, again, new, made_since) if old else None
    found = _differences(case.old, new, agreed, about(spec.item) or "") if case else _failure(new)
    real = [each for each in found if not (case and case.drifted(each))]
    equal = all(each.agreed for each in real)
    return Comparison(
        title=name(spec.item),
        place=f"{spec.place.file}:{spec.place.line}",
        old=old,
        again=again,
        new=new,
        equal=equal,
        differences=tuple(f"{each.text}, as {each.agreed} accepts" if each.agreed else each.text for each in real),
        noise=tuple(_of_old_user(each) for each in case.noise) if case else (),
        remedy=None if equal else _remedy(spec, old, new),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """The three answers, and how many rows the workload has made since the first two."""

    old: Answered
    again: Answered | None
    new: Answered
    made_since: int

    @property
    def noise(self) -> list[Difference]:
        """What differs between the old user's two answers."""
        return list(_differences(self.old, self.again, (), "")) if self.again else []

    def drifted(self, found: Difference) -> bool:
        """Whether a difference is no more than what the old user's two answers, or the workload, account for."""
        if found.about == "rows":
            return _within(self.old.rows, self.again.rows if self.again else None, self.new.rows, self.made_since)
        if found.about.startswith("filled "):
            name = found.about.removeprefix("filled ")
            again = self.again.filled.get(name) if self.again else None
            return _within(self.old.filled.get(name), again, self.new.filled.get(name), self.made_since)
        if found.about == "error" and self.new.error_code:
            return False  # whatever the old user got, that the new one can do it was not seen
        return any(each.about == found.about for each in self.noise)


def _within(old: int | None, again: int | None, new: int | None, made: int) -> bool:
    """Whether a count is where a drift as that between the first two would take it, and what was made since."""
    if old is None or new is None:
        return False
    again = old if again is None else again
    drift = abs(again - old)
    return min(old, again) - drift + min(made, 0) <= new <= max(old, again) + drift + max(made, 0)


def _of_old_user(difference: Difference) -> str:
    return difference.text.replace("the new user", "the old user's second time").replace("new ", "again ")


def _failure(new: Answered) -> Iterator[Difference]:
    if new.error_code:
        yield Difference("error", f"the new user got {_words(new)}")


def _differences(old: Answered, new: Answered, agreed: Sequence[Agreed], sobject: str) -> Iterator[Difference]:
    if old.error_code is not None and old.error_code == new.error_code:
        for_some = ", for some rows" if old.rows or new.rows else ""
        yield Difference("error", f"both users got {_words(new)}{for_some}")
    elif old.error_code != new.error_code:
        yield Difference("error", f"the old user got {_words(old)}, the new user {_words(new)}")
    if old.rows != new.rows and old.rows is not None and new.rows is not None:
        fewer = accepted.of_rows(agreed, sobject) if new.rows < old.rows else None
        yield Difference("rows", f"rows: old {old.rows}, new {new.rows}", fewer)
    if old.failed_rows != new.failed_rows:
        yield Difference("failed rows", f"failed rows: old {old.failed_rows}, new {new.failed_rows}")
    if not (old.error_code or new.error_code or 0 in (old.rows, new.rows)):
        yield from _lost(old, new, agreed)
        yield from _gained(old, new)
        yield from _emptied(old, new)
    yield from _given(old, new, agreed, sobject)


def _lost(old: Answered, new: Answered, agreed: Sequence[Agreed]) -> Iterator[Difference]:
    """What came back for the old user only. A right lost on the object is not told again for each of its fields."""
    before, after = set(old.fields), set(new.fields)
    for entry in old.fields:
        if entry in after or _is_parent(entry, after):
            continue
        what, _, right = entry.partition(": ")
        if not right:
            text = f"field {what} vanished for the new user"
            yield Difference(entry, text, accepted.of_field(agreed, what, "read"))
        elif "." not in what:
            text = f"object {what}: the new user has lost {right}"
            yield Difference(entry, text, accepted.of_object(agreed, what, right))
        elif what in after and f"{what.partition('.')[0]}: {right}" not in before - after:
            text = f"field {what}: the new user has lost {right}"
            yield Difference(entry, text, accepted.of_field(agreed, what, "edit"))


def _gained(old: Answered, new: Answered) -> Iterator[Difference]:
    before = set(old.fields)
    for entry in new.fields:
        what, _, right = entry.partition(": ")
        if entry not in before and not _is_parent(entry, before) and (not right or "." not in what or what in before):
            text = f"{_field_or_object(what)}: the new user has {right or 'read'}, the old one has not"
            yield Difference(entry, text)


def _is_parent(entry: str, fields: set[str]) -> bool:
    """Whether it is a parent, not a field: where a row has none, it comes back in place of the fields of the parent."""
    return any(each.startswith(f"{entry}.") for each in fields)


def _emptied(old: Answered, new: Answered) -> Iterator[Difference]:
    """Fields that came back with fewer values in as many rows: a parent that is not visible, say."""
    for field, before in old.filled.items():
        after = new.filled.get(field)
        if field.rpartition(".")[2] in PER_USER:
            continue
        if old.rows == new.rows and after is not None and after != before:
            text = f"field {field} held a value in {before} rows for the old user, in {after} for the new user"
            yield Difference(f"filled {field}", text)


def _given(old: Answered, new: Answered, agreed: Sequence[Agreed], sobject: str) -> Iterator[Difference]:
    """What the org gave a created row unasked: its record type, its owner, its defaults.

    Where another default record type is agreed to, so is what comes with it: each has default values of its own.
    """
    types = {answer.created.get("RecordTypeId") for answer in (old, new)}
    place = accepted.of_kind(agreed, "default-record-type", sobject) if len(types) > 1 else None
    for field, before in old.created.items():
        after = new.created.get(field)
        if after is not None and after != before:
            text = f"{field} of a created row: {before} for the old user, {after} for the new user"
            yield Difference(f"created {field}", text, None if field == "OwnerId" else place)


def _field_or_object(what: str) -> str:
    return f"field {what}" if "." in what else f"object {what}"


def _words(answer: Answered) -> str:
    if answer.error_code is None:
        return "an answer" if answer.rows is None else f"{answer.rows} rows"
    last = (answer.message or "").strip().rpartition("\n")[2]
    return f"{answer.error_code}: {last}" if last else answer.error_code


def _remedy(spec: OperationSpec, old: Answered | None, new: Answered) -> str | None:
    sobject = about(spec.item) or "the object"
    if new.error_code == NO_RECORD:
        return (
            f"let the workload insert {sobject} rows before it needs them, or look at the sharing of {sobject}; "
            "a delete with a condition leaves the second user nothing"
        )
    if new.error_code:
        return remedies.for_refusal(new.error_code, kind=spec.item.kind, sobject=sobject, message=new.message)
    return _remedy_for_less(sobject, old, new) if old else None


def _remedy_for_less(sobject: str, old: Answered, new: Answered) -> str:
    """What to look for when both users were answered, and otherwise."""
    if (old.rows or 0) > (new.rows or 0):
        return remedies.for_loss("rows-missing", sobject)
    if any(new.created.get(field, value) != value for field, value in old.created.items()):
        return remedies.for_loss("created", sobject)
    if set(old.fields) - set(new.fields):
        return (
            "look for field-level security on these fields in the permission set, or name them under permissions.drop"
        )
    if any(count > new.filled.get(name, count) for name, count in old.filled.items()):
        return "what these fields point to is not visible to the new user: look at Read on that object and its sharing"
    return "the new user can do more than the old one: look at what its profile and permission set give"
