"""Intent before effect: whatever becomes of a write, the journal knows, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import OrgUnreachable
from harness.migration.journal import Journal
from harness.migration.records import Intent, Outcome
from harness.migration.writing import writes
from harness.migration.writing.writes import Write, WriteRefused
from harness.org.reply import Answer

from .fakes import Table, context, interrupted, interrupted_after, lost, refused, swallowed

ROW = {"Name": "Ours", "Description": "rehearse erp run run1"}


@pytest.fixture
def journal() -> Iterator[Journal]:
    made = Journal(None)
    yield made
    made.close()


def a_create(**changes: Any) -> Write:
    return Write(
        key="grant/permission-set",
        operation="create",
        sobject="PermissionSet",
        summary="create it",
        natural_key=ROW,
        inverse="delete it",
        **changes,
    )


def told(journal: Journal) -> list[tuple[str, str]]:
    """The intents and outcomes, in order."""
    found = []
    for record in journal.records("run1"):
        if isinstance(record.body, Intent):
            found.append(("intent", record.body.operation))
        elif isinstance(record.body, Outcome):
            found.append((record.body.certainty, record.body.settled_by))
    return found


def test_the_intent_is_journaled_before_anything_is_sent(journal: Journal) -> None:
    table = Table()
    seen: list[list[tuple[str, str]]] = []

    def look_at_the_journal(act: Callable[[], Answer]) -> Answer:
        seen.append(told(journal))
        return act()

    table.script = [look_at_the_journal]
    assert writes.create(context(journal, table), a_create(), [ROW]) == ("PermissionSet1",)
    assert seen == [[("intent", "create")]]
    assert told(journal) == [("intent", "create"), ("APPLIED", "answer")]


def test_what_is_done_is_not_sent_again(journal: Journal) -> None:
    table = Table()
    ids = writes.create(context(journal, table), a_create(), [ROW])
    assert writes.create(context(journal, table), a_create(), [ROW]) == ids
    assert len(table.sent) == 1


def test_a_lost_answer_is_settled_by_reading_back(journal: Journal) -> None:
    table = Table()
    table.script = [lost]
    assert writes.create(context(journal, table), a_create(), [ROW]) == ("PermissionSet1",)
    assert told(journal) == [("intent", "create"), ("APPLIED", "read-back")]


def test_a_request_that_never_arrived_is_an_org_that_did_not_answer(journal: Journal) -> None:
    table = Table()
    table.script = [swallowed]
    with pytest.raises(OrgUnreachable, match="it was not done"):
        writes.create(context(journal, table), a_create(), [ROW])
    assert told(journal) == [("intent", "create"), ("NOT_APPLIED", "read-back")]
    assert writes.create(context(journal, table), a_create(), [ROW]) == ("PermissionSet1",)


@pytest.mark.parametrize(("fault", "times"), [(interrupted, 2), (interrupted_after, 1)])
def test_after_a_crash_only_what_is_not_there_is_sent(
    journal: Journal, fault: Callable[[Callable[[], Answer]], Answer], times: int
) -> None:
    table = Table()
    table.script = [fault]
    with pytest.raises(KeyboardInterrupt):
        writes.create(context(journal, table), a_create(), [ROW])
    assert writes.create(context(journal, table), a_create(), [ROW]) == ("PermissionSet1",)
    assert len(table.sent) == times
    assert len(table.rows) == 1


def test_a_refusal_is_told_in_the_orgs_words_with_the_remedy(journal: Journal) -> None:
    table = Table()
    table.script = [refused]
    with pytest.raises(WriteRefused, match="the org refused to create it") as caught:
        writes.create(context(journal, table), a_create(remedy="free a seat"), [ROW])
    assert caught.value.answer == "FIELD_INTEGRITY_EXCEPTION: no seat"
    assert caught.value.remedy == "free a seat"
    assert told(journal) == [("intent", "create"), ("NOT_APPLIED", "answer")]


def test_a_duplicate_that_somebody_else_made_is_never_adopted(journal: Journal) -> None:
    table = Table()
    table.rows["theirs"] = {"Id": "theirs", "Name": "Ours", "Description": "made by hand"}
    with pytest.raises(WriteRefused, match="DUPLICATE_VALUE"):
        writes.create(context(journal, table), a_create(), [ROW])
    assert told(journal)[-1] == ("NOT_APPLIED", "read-back")


def test_of_many_rows_only_the_missing_ones_are_sent_again(journal: Journal) -> None:
    table = Table()
    rows = [{"ParentId": "p", "Name": f"row {number}"} for number in range(4)]
    many = Write(
        key="grant/rows",
        operation="create",
        sobject="Row",
        summary="write rows",
        natural_key={"ParentId": "p"},
        inverse="none",
    )
    table.script = [lambda act: act(), lambda act: act(), interrupted]
    with pytest.raises(KeyboardInterrupt):
        writes.create(context(journal, table), many, rows)
    ids = writes.create(context(journal, table), many, rows)
    assert len(ids) == 4
    assert [len(sent) for _, sent in table.sent] == [4, 2]


def an_update(before: bool | None) -> Write:
    return Write(
        key="cut-over/freeze",
        operation="update",
        sobject="UserLogin",
        summary="freeze",
        natural_key={"Id": "u"},
        inverse="unfreeze",
        before={"IsFrozen": before},
        after={"IsFrozen": True},
    )


def test_a_value_that_was_already_right_is_not_ours(journal: Journal) -> None:
    table = Table()
    table.rows["u"] = {"Id": "u", "IsFrozen": True}
    writes.update(context(journal, table), an_update(before=True), "u")
    assert table.sent == []
    [intent] = [record.body for record in journal.records("run1", kind="intent")]
    assert isinstance(intent, Intent)
    assert intent.found
    assert told(journal)[-1] == ("APPLIED", "found")


def test_a_value_that_we_wrote_before_a_crash_stays_ours(journal: Journal) -> None:
    table = Table()
    table.rows["u"] = {"Id": "u", "IsFrozen": False}
    table.script = [interrupted_after]
    with pytest.raises(KeyboardInterrupt):
        writes.update(context(journal, table), an_update(before=False), "u")
    writes.update(context(journal, table), an_update(before=True), "u")
    assert len(table.sent) == 1
    assert not any(r.body.found for r in journal.records("run1", kind="intent") if isinstance(r.body, Intent))
    assert told(journal)[-1] == ("APPLIED", "read-back")


def test_deleting_what_is_gone_is_done(journal: Journal) -> None:
    table = Table()
    table.rows["a"] = {"Id": "a", "Name": "a"}
    gone = Write(
        key="rollback/x",
        operation="delete",
        sobject="Row",
        summary="delete",
        natural_key={},
        inverse="none",
        undoes="x",
    )
    writes.delete(context(journal, table, stage="rollback"), gone, ["a", "b"])
    assert table.rows == {}
    assert told(journal) == [("intent", "delete"), ("APPLIED", "answer")]
