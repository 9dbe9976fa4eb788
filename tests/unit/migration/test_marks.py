"""The mark on a run's permission sets: what it tells, that it fits, and that wrong values are told from right ones."""

from __future__ import annotations

import pytest

from harness.access.fingerprint import digest
from harness.access.reading.people import User
from harness.migration.adopting.audit_words import last_switch, nickname_before, taken_from
from harness.migration.adopting.before import Names, held_before, joined, listed, options_of
from harness.migration.adopting.seen import AuditEntry
from harness.migration.planning.marks import LONGEST, Mark, held_digest, held_parts, mark_of
from harness.org.clock import SystemClock

ERP = "erp@acme.example"
PARTS = {
    f"user {ERP}: active": "True",
    f"user {ERP}: frozen": "False",
    f"user {ERP}: profile": "ERP Sync",
    f"user {ERP}: user license": "Salesforce",
    f"user {ERP}: role": "Back_Office",
    f"user {ERP}: groups": "Integrations",
    f"user {ERP}: queues": "none",
    f"user {ERP}: permission set licenses": "none",
    f"user {ERP}: assignments": "0PS1, 0PS2",
    "user new@acme.example": "absent, or inactive with nothing assigned",
    "permission set Integration": "not there",
    "app ERP: runs as": "old@acme.example",
    "app ERP: authorized for": "none",
}
FILE = "0123456789abcdef" * 4


def source(**columns: object) -> User:
    row = {"Id": "005000000000001AAA", "Username": ERP, "Name": "ERP Sync", "CommunityNickname": "rehearse-1-b"}
    return User({**row, **columns}, None, is_frozen=False)


def entry(action: str, display: str) -> AuditEntry:
    return AuditEntry(action, display, "005", SystemClock().now())


def the_mark(scenario: str = "erp", run_id: str = "0a1b2c3d4e5f") -> Mark:
    return mark_of(scenario, run_id, file_digest=FILE, fingerprint=digest(PARTS), parts=PARTS)


def test_a_mark_is_read_as_it_was_written() -> None:
    mark = the_mark()
    assert Mark.read(str(mark)) == mark
    assert mark.ran_as == "old@acme.example"
    assert mark.fingerprint == digest(PARTS)
    assert FILE.startswith(str(mark.file))


@pytest.mark.parametrize("length", [1, 30, 60, 250])
def test_it_fits_into_a_description_whatever_the_names_are(length: int) -> None:
    name = "n" * length
    mark = mark_of(
        name, "0a1b2c3d4e5f", file_digest=FILE, fingerprint=digest(PARTS), parts={"app A: runs as": f"{'u' * 75}@a.co"}
    )
    text = str(mark)
    assert len(text) <= LONGEST
    read = Mark.read(text)
    assert read is not None
    assert read.is_of(name)
    assert not read.is_of("another")
    assert (read.run_id, read.fingerprint, read.held) == (mark.run_id, mark.fingerprint, mark.held)


def test_a_name_that_only_begins_alike_is_another_scenario() -> None:
    mark = Mark.read(str(the_mark("erp")))
    assert mark is not None
    assert not mark.is_of("erp-two")


@pytest.mark.parametrize(
    "text", ["", "made by hand", "rehearse erp", "rehearsed run 1 2", "rehearse erp run 1 file zz"]
)
def test_what_is_no_mark_is_none(text: str) -> None:
    assert Mark.read(text) is None


def test_a_mark_of_an_earlier_version_tells_scenario_and_run_alone() -> None:
    assert Mark.read("rehearse erp run 12") == Mark("erp", "12")


def test_what_is_held_is_about_the_source_user_without_its_switches() -> None:
    told = held_parts(PARTS)
    assert f"user {ERP}: assignments" in told
    assert not {f"user {ERP}: frozen", f"user {ERP}: active", "user new@acme.example", "app ERP: runs as"} & set(told)
    assert held_digest(PARTS) == held_digest({**PARTS, f"user {ERP}: frozen": "True"})


def converted() -> dict[str, str]:
    taken = {"profile": "API Only", "user license": "Integration", "assignments": "0PS9"}
    return {**PARTS, **{f"user {ERP}: {name}": value for name, value in taken.items()}}


def test_only_values_of_the_marks_digest_are_found() -> None:
    options = {"profile": ["Other", "ERP Sync"], "user license": ["Salesforce"], "assignments": ["0PS1", "0PS1, 0PS2"]}
    held = held_digest(PARTS)
    assert held_before(converted(), source=source(), held=held, options=options) == held_parts(PARTS)
    options["assignments"] = ["0PS1", "0PS2"]
    assert held_before(converted(), source=source(), held=held, options=options) is None
    assert held_before(converted(), source=source(), held=None, options=options) is None


def test_the_trail_tells_what_was_taken_from_this_user_alone() -> None:
    mine, other = "(UserID: [005000000000001])", "(UserID: [005000000000002])"
    taken = taken_from(
        [
            entry("PermSetUnassign", f"Permission set ERP Orders: unassigned from user ERP Sync {mine}"),
            entry("PermSetGroupUnassign", f"Permission set group ERP: People: unassigned from user ERP Sync {mine}"),
            entry("PermSetUnassign", f"Permission set Else: unassigned from user Jo Doe {other}"),
            entry("PermSetLicenseUnassign", f"Permission set license CRM removed from user ERP Sync {mine}"),
            entry("changedprofileforuser", "Changed profile for user ERP Sync from A to B to API Only"),
            entry("groupMembership", "Changed membership of Group Integrations"),
            entry("anything", "words that nobody has published"),
        ],
        source(),
    )
    assert (taken.sets, taken.groups, taken.licenses) == (["ERP Orders"], ["ERP: People"], ["CRM"])
    assert (taken.profiles, taken.circles) == (["A to B"], ["Integrations"])


def test_the_last_switch_and_the_nickname_before() -> None:
    mine = "(UserID: [005000000000001])"
    entries = [
        entry("deactivateduser", f"Deactivated user ERP Sync {mine}"),
        entry("activateduser", f"Activated user ERP Sync {mine}"),
        entry(
            "changedcommunitynickname", f"Changed nickname for user ERP Sync {mine} from rehearse-1-a to rehearse-1-b"
        ),
    ]
    switched = last_switch(entries, source())
    assert switched is not None
    assert switched.action == "activateduser"
    before = nickname_before(entries, source())
    assert before is not None
    assert before[0] == "rehearse-1-a"
    assert nickname_before(entries, source(CommunityNickname="another")) is None


def test_a_label_of_two_sets_is_tried_as_either() -> None:
    parts = converted()
    parts |= {f"user {ERP}: feature licenses": "none", f"user {ERP}: package licenses": "none"}
    taken = taken_from(
        [entry("x", "Permission set Twice: unassigned from user ERP Sync (UserID: [005000000000001])")], source()
    )
    options = options_of(
        parts,
        source=source(),
        taken=taken,
        names=Names(sets={"Twice": ("0PS1", "0PS2")}),
        beside=None,
        wanted=frozenset(),
        own_set="0PS9",
    )
    assert options["assignments"] == ["0PS9", "0PS1", "0PS2", "none"]


def test_lists_are_read_and_written_in_one_way() -> None:
    assert listed("b, a") == {"a", "b"}
    assert listed("none") == set()
    assert joined({"b", "a"}) == "a, b"
    assert joined(()) == "none"
