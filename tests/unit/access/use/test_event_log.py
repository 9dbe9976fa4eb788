"""What the lines of an event log tell."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from harness.access.use.deeds import ApexCalled, Seen, Touched
from harness.access.use.event_log import read_log
from harness.access.use.recordings import read_file
from harness.org.event_log import is_log_file, reduce_log
from harness.recording.cleaning.allowlist import built_in
from harness.recording.cleaning.answers import Asked
from harness.recording.cleaning.cleaner import Cleaner
from harness.recording.standing_in.pseudonyms import Pseudonyms

USER = "005RR000000001AYAQ"
COLUMNS = (
    *("EVENT_TYPE", "TIMESTAMP", "USER_ID", "API_FAMILY", "API_RESOURCE", "CLIENT_NAME", "HTTP_METHOD", "CLIENT_IP"),
    *("ENTITY_NAME", "STATUS_CODE", "USER_NAME", "TIMESTAMP_DERIVED"),
)


def line(resource: str, method: str = "GET", entity: str = "", family: str = "REST", **more: str) -> dict[str, str]:
    return {
        "EVENT_TYPE": "ApiTotalUsage",
        "TIMESTAMP": "20260301020000.123",
        "USER_ID": USER[:15],
        "API_FAMILY": family,
        "API_RESOURCE": resource,
        "HTTP_METHOD": method,
        "ENTITY_NAME": entity,
        "STATUS_CODE": "200",
        "USER_NAME": "ada@acme.example",
        "CLIENT_IP": "10.0.0.7",
        "TIMESTAMP_DERIVED": "2026-03-01T02:00:00.123Z",
        **more,
    }


def log(*lines: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def seen_of(*lines: dict[str, str]) -> Seen:
    seen = Seen()
    read_log(reduce_log(log(*lines)), "event log of 2026-03-01", USER, seen)
    return seen


def touched(name: str, *rights: Any) -> Touched:
    return Touched(name, frozenset(rights), log=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (line("/v67.0/query", entity="Account"), [touched("Account", "read")]),
        (line("/v67.0/query", entity="Account;Contact"), [touched("Account", "read"), touched("Contact", "read")]),
        (line("/v67.0/sobjects/Lead", "POST", "Lead"), [touched("Lead", "create")]),
        (line("/v67.0/sobjects/Lead/00Q", "PATCH", "Lead"), [touched("Lead", "edit")]),
        (line("/v67.0/sobjects/Lead/00Q", "DELETE", "Lead"), [touched("Lead", "delete")]),
        (line("/v67.0/parameterizedSearch", "POST", "Lead"), [touched("Lead", "read")]),
        (line("upsert", "POST", "Lead", "SOAP"), [touched("Lead", "create", "edit")]),
        (line("describeSObjects", "POST", "Lead", "SOAP"), [touched("Lead", "read")]),
        (line("/v67.0/jobs/ingest", "POST", "Lead", "Bulk"), [touched("Lead", "read")]),
        (line("/apexrest/orders/v1", "POST", family="ApexREST"), [ApexCalled(path="/orders/v1")]),
        (line("/v67.0/limits"), []),
    ],
)
def test_lines(given: dict[str, str], expected: list[Any]) -> None:
    seen = seen_of(given)
    assert [use.deed for use in seen.uses] == expected
    assert (seen.requests, seen.unknown) == (1, [])
    assert [f"{moment:%Y-%m-%d %H:%M:%S%z}" for moment in seen.moments] == ["2026-03-01 02:00:00+0000"]


def test_only_the_lines_of_the_user_that_succeeded_count() -> None:
    others = line("/v67.0/sobjects/Lead", entity="Lead", USER_ID="005RR000000002A")
    refused = line("/v67.0/sobjects/Case", entity="Case", STATUS_CODE="404")
    seen = seen_of(others, refused, line("/v67.0/query", entity="Account"))
    assert [use.deed for use in seen.uses] == [touched("Account", "read")]
    assert seen.requests == 2


def test_a_log_that_was_saved_in_production_is_a_recording(tmp_path: Path) -> None:
    others = line("/v67.0/sobjects/Lead", entity="Lead", USER_ID="005RR000000002A")
    (tmp_path / "day.csv").write_text(log(others, line("/v67.0/query", entity="Account")))
    (tmp_path / "idle.csv").write_text(log(others))
    seen = Seen()
    for name in ("day.csv", "idle.csv"):
        read_file(tmp_path / name, name, seen, user_id=USER)
    assert [(use.deed, use.where) for use in seen.uses] == [(touched("Account", "read"), "day.csv")]
    assert seen.blind == {"idle.csv has no line of the old user."}
    assert seen.unknown == []


def test_a_log_of_another_kind_is_named() -> None:
    seen = Seen()
    read_log('"A","USER_ID"\n"1","2"\n', "event log of 2026-03-01", USER, seen)
    assert seen.unknown == ["event log of 2026-03-01: it has no column ENTITY_NAME, HTTP_METHOD"]


def test_a_cassette_holds_no_names_and_addresses_of_a_log() -> None:
    path = "/services/data/v67.0/sobjects/EventLogFile/0AT000000000001AAA/LogFile"
    assert is_log_file(path)
    cleaner = Cleaner(built_in(), Pseudonyms(org_id="", scenario="erp"))
    told = log(line("/v67.0/query", entity="Account"))
    kept = cleaner.answer(Asked("GET", path), 200, "application/octetstream", told)
    assert not cleaner.unknown
    assert "Account" in kept
    assert cleaner.pseudonyms.in_text(USER)[:15] in kept
    assert USER[:15] not in kept
    for private in ("ada@acme.example", "10.0.0.7", "CLIENT_IP"):
        assert private not in kept
