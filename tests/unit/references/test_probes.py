"""The table of queries: each probe with rows that name the user, and without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.references.org import KINDS, SETTINGS
from harness.references.probes import PROBES, Probe
from tests.unit.references.people import SYNC


def row(column: str, value: str) -> dict[str, Any]:
    """A row as a query tells it, its parents nested."""
    nested: Any = value
    for part in reversed(column.split(".")):
        nested = {part: nested}
    return {"Id": "000000000000001AAA", **nested}


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe.kind}-{probe.sobject}")
def test_rows_are_hits_and_no_rows_are_none(probe: Probe) -> None:
    assert probe.hits([]) == []
    hits = probe.hits([row(probe.column, "Nightly"), row(probe.column, "Nightly"), row(probe.column, "Weekly")])
    if probe.counted:
        assert [(hit.name, hit.says) for hit in hits] == [(probe.counted, "3 rows")]
    else:
        assert [hit.name for hit in hits] == ["Nightly", "Weekly"]
    for hit in hits:
        assert hit.line.startswith(probe.kind)
        assert hit.where.startswith(f"{probe.sobject}.")
        assert hit.breaks.endswith(".")
        assert hit.remedy


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe.kind}-{probe.sobject}")
def test_a_probe_asks_for_this_user_only(probe: Probe) -> None:
    query = probe.query(SYNC)
    assert f"FROM {probe.sobject} WHERE" in query
    assert any(f"'{one}'" in query for one in (SYNC.id, SYNC.profile_id, SYNC.email))
    assert "{" not in query


def test_a_row_without_a_name_goes_by_its_id() -> None:
    probe = next(each for each in PROBES if each.kind == "AsyncApexJob")
    assert [hit.name for hit in probe.hits([{"Id": "707000000000001AAA", "ApexClass": None}])] == ["707000000000001AAA"]


def test_a_quote_in_an_address_does_not_end_the_query() -> None:
    probe = next(each for each in PROBES if each.kind == "QueueEmail")
    assert "Email = 'o\\'neill@acme.example'" in probe.query(replace(SYNC, email="o'neill@acme.example"))


def test_the_page_of_the_docs_names_every_kind_that_is_searched() -> None:
    page = (Path(__file__).parents[3] / "docs" / "references.md").read_text("utf-8")
    kinds = {probe.kind for probe in PROBES} | {kind.name for kind in KINDS} | set(SETTINGS)
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in page] == []
