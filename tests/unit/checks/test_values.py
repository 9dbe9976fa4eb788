"""The values of rows: the same each time, and different where they must be."""

from __future__ import annotations

import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest

from harness.checks.templates import _provider_names, check_templates, is_provider, make_faker
from harness.checks.values import NoRecord
from harness.errors import ScenarioError
from harness.scenario.loader import load
from harness.scenario.model import AnyRecord
from tests.unit.checks.fake import FakeConnection, no, operations, rows, scenario, values


def made(fields: dict[str, Any], *, count: int = 1, turn: str = "one", who: FakeConnection | None = None) -> Any:
    actor = (who or FakeConnection()).real()
    return values().rows(fields, operation="workload[1: insert Order]", count=count, turn=turn, seen_by=(actor,))


def test_templates_are_filled_and_other_values_stay() -> None:
    fields = {
        "A": "{{today}}",
        "B": "{{ now }}",
        "C": "{{row}}",
        "D": "K-{{row}}/{{row}}",
        "E": 1.5,
        "F": None,
        "G": True,
    }
    assert made(fields, count=2) == [
        {"A": "2026-01-05", "B": "2026-01-05T09:00:00Z", "C": 1, "D": "K-1/1", "E": 1.5, "F": None, "G": True},
        {"A": "2026-01-05", "B": "2026-01-05T09:00:00Z", "C": 2, "D": "K-2/2", "E": 1.5, "F": None, "G": True},
    ]


def test_faker_values_are_the_same_for_everyone_and_differ_by_row() -> None:
    fields = {"Name": "{{company}}", "City": "in {{city}}", "Count": "{{random_int}}", "Share": "{{pydecimal}}"}
    one = made(fields, count=3)
    assert one == made(fields, count=3, turn="two", who=FakeConnection("source"))
    assert len({row["Name"] for row in one}) == 3
    assert one[:2] == made(fields, count=2)
    assert isinstance(one[0]["Count"], int)
    assert isinstance(one[0]["Share"], float)


def test_unique_differs_by_row_user_round_and_operation() -> None:
    fields = {"Key": "{{unique}}"}
    seen = {
        row["Key"]
        for turn in ("one", "two")
        for who in (FakeConnection("source"), FakeConnection("target"))
        for row in made(fields, count=3, turn=turn, who=who)
    }
    assert len(seen) == 12
    assert made(fields) == made(fields)
    assert all(len(key) == 12 and key.isalnum() for key in seen)


def test_a_record_is_taken_as_the_first_who_sees_one_and_once_for_all_rows() -> None:
    soql = "SELECT Id FROM Account WHERE Name = 'Acme' ORDER BY Id LIMIT 1"
    fields = {"AccountId": AnyRecord(any="Account", where="Name = 'Acme'"), "Name": "x"}
    target = FakeConnection("target", {soql: no("INVALID_TYPE")})
    admin = FakeConnection("admin", {soql: rows({"Id": "001"})})
    both = values().rows(fields, operation="x", count=3, turn="", seen_by=(target.real(), admin.real()))
    assert both == [{"AccountId": "001", "Name": "x"}] * 3
    assert target.asked == admin.asked == [soql]
    with pytest.raises(NoRecord, match=r"target@acme\.example sees no Account with Name = 'Acme' \(INVALID_TYPE\)"):
        values().rows(fields, operation="x", count=1, turn="", seen_by=(target.real(),))


def test_templates_are_checked_with_their_place() -> None:
    check_templates(scenario())
    check_templates(scenario(workload='- insert: {object: Order, fields: {A: "{{company}} {{row}} {{unique}}"}}'))
    for name, nearest in (("compny", "company"), ("toady", "today"), ("seed_instance", ""), ("binary", ""), ("_x", "")):
        file = scenario(grants=f'- insert: {{object: Order, fields: {{Name: x, City: "{{{{{name}}}}}"}}}}')
        with pytest.raises(ScenarioError) as caught:
            check_templates(file)
        assert caught.value.place == file.place("expect", "grants", 0, "insert", "fields", "City")
        assert name in caught.value.message
        assert nearest in caught.value.message


def test_the_templates_of_bulk_jobs_are_checked_too() -> None:
    text = 'bulk: {operation: insert, object: Order, fields: {A: "{{nothing_like_it}}"}}'
    with pytest.raises(ScenarioError, match="nothing_like_it"):
        check_templates(scenario(workload=f"- {text}"))
    assert operations(text)[0].item.bulk


@pytest.mark.parametrize(
    "name", ["date", "date_of_birth", "time", "user_agent", "uuid1", "credit_card_expire", "profile"]
)
def test_what_depends_on_the_time_is_no_template(name: str) -> None:
    with pytest.raises(ScenarioError, match="does not depend on the time"):
        made({"Name": f"{{{{{name}}}}}"})


def test_every_provider_makes_the_same_value_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = {"binary", "tar", "zip", "image", "json_bytes", "xml"}
    names = sorted(name for name in _provider_names() - slow if is_provider(name))
    assert len(names) > 150

    def values_of_all() -> dict[str, str]:
        faker = make_faker()
        found = {}
        for name in names:
            faker.seed_instance(f"seed of {name}")
            found[name] = str(getattr(faker, name)())
        return found

    before = values_of_all()
    moment = time.time()

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(moment + 4e7, tz)

    monkeypatch.setattr(time, "time", lambda: moment + 4e7)
    monkeypatch.setattr(time, "time_ns", lambda: int((moment + 4e7) * 1e9))
    monkeypatch.setattr("faker.providers.date_time.datetime", Later)
    assert values_of_all() == before


def test_the_shipped_scenarios_use_templates_that_exist() -> None:
    shipped = sorted((Path(__file__).parents[3] / "scenarios").glob("*.scenario.yaml"))
    assert shipped
    for path in shipped:
        check_templates(load(path))
