"""A plan is the one that was sealed, or it is refused: changed, foreign, late or used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness import __version__
from harness.errors import GuardRefused
from harness.migration.journal import Journal
from harness.migration.planning.seal import (
    LIFETIME,
    Moment,
    PlanNotValid,
    check_approved,
    check_seal,
    differences,
    digest_of,
    seal,
    seal_of,
)
from harness.migration.records import Approval, Intent, Plan, PlannedWrite
from harness.migration.writing.leave import Papers, check_plan
from harness.org.ids import to_18
from tests.unit.migration.fakes import header

ORG, OTHER = to_18("00D000000000001"), to_18("00D000000000002")
MADE = datetime(2026, 1, 5, 9, tzinfo=UTC)
SCENARIO, PRINT = "a" * 64, "b" * 64


def plan(**changes: Any) -> Plan:
    values = {
        "org_id": ORG,
        "snapshot_fingerprint": PRINT,
        "writes": [
            PlannedWrite.of("provision/user", "create", "User", "create new@acme.example"),
            PlannedWrite.of("grant/permission-set", "create", "PermissionSet", "create Integration - ERP"),
        ],
        "losses": [
            {
                "kind": "object",
                "name": "Account",
                "access": ["delete"],
                "cause": "declared-drop",
                "because": "Never.",
                "accepted": True,
            }
        ],
        "carried": {"objects": {"Account": ["read", "edit"]}, "fields": {"Account.Name": ["read"]}},
        "baseline": {"system": ["ApiEnabled"]},
        "added": ["Account: read, for Contact: read"],
        "preconditions": ["There is no user new@acme.example."],
        "executable": True,
        "warnings": ["a warning"],
        "calls": 2,
        "scenario_digest": SCENARIO,
        "tool_version": __version__,
        "digest": "",
        **changes,
    }
    return Plan.model_validate(values)


SEALED = seal(plan(), made=MADE)
NOW = Moment(ORG, SCENARIO, __version__, MADE + timedelta(hours=1), PRINT)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a plan, as its JSON has it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path


AS_JSON: dict[str, Any] = json.loads(SEALED.model_dump_json())
PATHS = sorted(leaves(AS_JSON), key=str)


def changed(path: tuple[Any, ...], value: Any) -> Plan | None:
    """The plan with one value replaced; None where that is no plan, or the same one."""
    told = json.loads(SEALED.model_dump_json())
    inner = told
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    try:
        found = Plan.model_validate(told)
    except ValueError:
        return None
    return None if found == SEALED else found


def reason(found: Plan, moment: Moment = NOW, *, begun: bool = False) -> str:
    with pytest.raises(PlanNotValid) as caught:
        check_seal(found, moment, begun=begun)
    assert caught.value.exit_code == GuardRefused.exit_code
    assert caught.value.remedy
    return caught.value.reason


def test_a_sealed_plan_is_valid_and_survives_its_json() -> None:
    check_seal(SEALED, NOW)
    check_seal(Plan.model_validate_json(SEALED.model_dump_json()), NOW)
    check_seal(Plan.model_validate(json.loads(SEALED.model_dump_json())), NOW)


@given(
    some.sampled_from(PATHS),
    some.one_of(
        some.none(),
        some.booleans(),
        some.integers(0, 9),
        some.text(max_size=8),
        some.lists(some.text(max_size=3), max_size=2),
        some.sampled_from(["read", "delete", "create", "User", "grant", OTHER, "c" * 64, "2027-01-01T00:00:00Z"]),
    ),
)
def test_any_single_changed_value_is_refused(path: tuple[Any, ...], value: Any) -> None:
    found = changed(path, value)
    if found is not None:
        assert reason(found) == reason(found, begun=True) == "changed"


@pytest.mark.parametrize("name", [name for name in Plan.model_fields if name not in ("digest", "seal", "expires")])
def test_every_field_is_under_both_digests(name: str) -> None:
    other: dict[str, Any] = {"executable": False, "calls": 99, "refusal": "no", "carried": {}, "baseline": {}}
    value = other.get(name, [] if isinstance(AS_JSON[name], list) else "other")
    found = changed((name,), value)
    assert found is not None
    assert digest_of(found) != SEALED.digest
    assert seal_of(found) != SEALED.seal


def test_the_end_is_under_the_seal_alone() -> None:
    later = SEALED.model_copy(update={"expires": MADE + timedelta(days=99)})
    assert digest_of(later) == SEALED.digest
    assert reason(later) == "changed"


def test_a_plan_that_was_sealed_anew_is_another_one() -> None:
    """A seal is no signature: whoever changes a plan can seal it. It is then not the one that was approved."""
    forged = seal(plan(calls=3), made=MADE)
    check_seal(forged, NOW)
    with pytest.raises(PlanNotValid, match="not the one that was approved") as caught:
        check_approved(SEALED.digest, forged, approved=SEALED)
    assert caught.value.reason == "not-approved"


def test_two_plans_of_an_unchanged_org_say_the_same() -> None:
    later = seal(plan(), made=MADE + timedelta(hours=5))
    assert later.digest == SEALED.digest
    assert later.seal != SEALED.seal
    check_approved(SEALED.digest, later)
    assert list(differences(SEALED, later)) == []


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        (Moment(OTHER, SCENARIO, __version__, MADE, PRINT), "org"),
        (Moment(ORG, "c" * 64, __version__, MADE, PRINT), "scenario"),
        (Moment(ORG, SCENARIO, "99.0", MADE, PRINT), "version"),
        (Moment(ORG, SCENARIO, __version__, MADE, "c" * 64), "snapshot"),
        (Moment(ORG, SCENARIO, __version__, MADE + LIFETIME, PRINT), "expired"),
    ],
    ids=["org", "scenario", "version", "snapshot", "expired"],
)
def test_a_foreign_or_late_plan_is_refused_by_name(moment: Moment, why: str) -> None:
    assert reason(SEALED, moment) == why


def test_it_holds_to_its_last_second() -> None:
    check_seal(SEALED, Moment(ORG, SCENARIO, __version__, MADE + LIFETIME - timedelta(seconds=1), PRINT))


def test_what_began_goes_on_for_days_and_by_a_newer_tool_but_in_the_same_org() -> None:
    check_seal(SEALED, Moment(ORG, SCENARIO, "99.0", MADE + timedelta(days=30), PRINT), begun=True)
    assert reason(SEALED, Moment(OTHER, SCENARIO, "99.0", MADE, PRINT), begun=True) == "org"


def test_a_plan_of_before_there_were_seals_is_refused() -> None:
    assert reason(plan()) == "changed"


def test_what_differs_is_named() -> None:
    fewer = plan(writes=SEALED.writes[:1], warnings=[], losses=[])
    told = list(differences(SEALED, fewer))
    assert told == [
        "no write any more: create Integration - ERP",
        "no loss any more: object Account: delete",
        "warnings differs",
    ]


# --- used once --------------------------------------------------------------------------------------------------------


class Book:
    """A journal of runs of one scenario."""

    def __init__(self) -> None:
        self.journal = Journal(None)

    def run(self, run_id: str, plan: Plan | None, *, wrote: bool = False, **head: Any) -> Papers:
        self._write(run_id, "run.started", header(run_id=run_id, **head))
        if plan is not None:
            self._write(run_id, "plan", plan)
        if wrote:
            self.wrote(run_id)
        return self.papers(run_id, head.get("plan_from"))

    def wrote(self, run_id: str, stage: str = "provision", *, found: bool = False) -> None:
        body = Intent(
            operation="create", sobject="User", summary="create", natural_key={}, inverse="deactivate", found=found
        )
        self._write(run_id, "intent", body, stage=stage)

    def papers(self, run_id: str, plan_from: str | None = None) -> Papers:
        file: Any = SimpleNamespace(digest=SCENARIO)
        return Papers(self.journal, run_id, file, plan_from)

    def _write(self, run_id: str, kind: str, body: Any, stage: str = "plan") -> None:
        self.journal.write(run=run_id, at=MADE, kind=kind, stage=stage, key="k", body=body)


def refusal(papers: Papers, now: datetime = MADE) -> str | None:
    try:
        check_plan(papers, ORG, now)
    except PlanNotValid as refused:
        return refused.reason
    return None


def test_a_plan_is_used_once() -> None:
    book = Book()
    first, second = book.run("one", SEALED), book.run("two", SEALED)
    assert refusal(first) is refusal(second) is None
    book.wrote("one", "trial")
    book.wrote("one", "grant", found=True)
    assert refusal(second) is None
    book.wrote("one")
    assert refusal(second) == "used"
    assert refusal(first, MADE + timedelta(days=20)) is None, "what began goes on"


def test_a_rehearsed_rollback_that_declares_whose_plan_it_follows_is_no_replay() -> None:
    book = Book()
    book.run("one", SEALED, wrote=True)
    follower = book.run("two", None, purpose="rollback-rehearsal", until="grant", plan_from="one")
    assert refusal(follower, MADE + timedelta(days=20)) is None
    assert refusal(book.papers("three", None)) is None, "it has no plan to show, and the stages ask for one"


def test_an_approval_is_used_once_and_for_one_plan() -> None:
    book = Book()
    approved = Approval(digest=SEALED.digest, seal=SEALED.seal, expires=MADE + LIFETIME)
    own = seal(plan(), made=MADE + timedelta(hours=2))
    first = book.run("one", own, approved=approved)
    assert refusal(first) is None
    assert refusal(first, MADE + LIFETIME) == "expired", "the approved one ends before the run's own"
    book.wrote("one")
    assert refusal(first, MADE + timedelta(days=9)) is None
    again = book.run("two", seal(plan(), made=MADE + timedelta(hours=3)), approved=approved)
    assert refusal(again) == "used"
    other = book.run("three", seal(plan(calls=7), made=MADE), approved=approved.model_copy(update={"seal": "x" * 64}))
    assert refusal(other) == "not-approved"
