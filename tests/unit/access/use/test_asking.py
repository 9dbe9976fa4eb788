"""What is asked of the org beside describes, and what is said where it does not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.access.model import Access
from harness.access.use.apex import classes_of_paths
from harness.access.use.blind import blind_spots
from harness.access.use.deeds import ApexCalled, Held, Seen
from harness.access.use.event_log import read_event_logs
from harness.access.use.keeping import keep_by_name
from harness.access.use.needs import Need, Needs
from harness.access.use.record_types import used_record_types
from harness.access.use.surroundings import read_surroundings
from harness.errors import RequestRefused
from harness.org.reply import ApiError, Reply
from harness.scenario.model import Keep


class Org:
    """An admin's connection that answers queries by their object, and refuses the others."""

    def __init__(
        self, rows: Mapping[str, Sequence[Mapping[str, Any]]], fields: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._rows = rows
        self._fields = fields
        self.asked: list[str] = []

    def composite(self, subrequests: Sequence[Mapping[str, Any]], *, all_or_none: bool) -> list[Reply]:
        assert not all_or_none
        return [self._answer(parse_qs(urlsplit(each["url"]).query)["q"][0]) for each in subrequests]

    def _answer(self, soql: str) -> Reply:
        self.asked.append(soql)
        name = re.search(r"FROM (\w+)", soql)
        assert name
        if name[1] not in self._rows:
            return Reply(400, None, (ApiError("INVALID_TYPE", "not for you"),))
        return Reply(200, {"records": self._rows[name[1]], "done": True})

    def all_rows(self, reply: Reply, soql: str) -> list[Any]:
        if not reply.ok:
            raise RequestRefused("no", asked=soql, status=400, code="INVALID_TYPE", description="no")
        return list(reply.body["records"])

    def query(self, soql: str) -> list[Any]:
        return self.all_rows(self._answer(soql), soql)

    tooling_query = query

    def fields_of(self, _name: str) -> Sequence[Mapping[str, Any]]:
        return self._fields


HELD = Access(setup=frozenset({"ApexClass:Orders", "ApexClass:Hidden", "ApexClass:Other"}))
BODIES = [
    {"Name": "Orders", "Body": "@RestResource(urlMapping='/orders/v1/*')\nglobal class Orders {}"},
    {"Name": "Hidden", "Body": "(hidden)"},
    {"Name": "Other", "Body": "@RestResource( URLMAPPING = '/other' ) global class Other {}"},
]


@pytest.mark.parametrize(
    ("path", "firm", "soft"),
    [
        ("/orders/v1/status?x=1", {"Orders"}, set()),
        ("/orders/v1", {"Orders"}, set()),
        ("/other", {"Other"}, set()),
        ("/Other", set(), {"Hidden"}),
        ("/managed/thing", set(), {"Hidden"}),
    ],
)
def test_the_class_behind_a_path(path: str, firm: set[str], soft: set[str]) -> None:
    needs, seen = Needs(apex={ApexCalled(path=path): {"t:1": None}}), Seen()
    classes_of_paths(Org({"ApexClass": BODIES}), needs, HELD, seen)  # type: ignore[arg-type]
    assert {need.name for need in needs.firm} == {f"ApexClass:{name}" for name in firm}
    assert {need.name for need in needs.soft} == {f"ApexClass:{name}" for name in soft}
    assert bool(seen.blind) is not bool(firm)


def test_where_classes_cannot_be_read_every_one_is_kept_and_it_is_said() -> None:
    needs, seen = Needs(apex={ApexCalled(path="/x"): {"t:1": None}}), Seen()
    classes_of_paths(Org({}), needs, HELD, seen)  # type: ignore[arg-type]
    assert len(needs.soft) == 3
    [said] = seen.blind
    assert said == (
        "Which Apex class answers /services/apexrest/x the org does not tell: every class it may be is kept: Hidden, "
        "Orders, Other."
    )


def test_a_web_service_is_named_by_its_class() -> None:
    needs, seen = Needs(apex={ApexCalled(name="Sync"): {"t:1": None}}), Seen()
    classes_of_paths(Org({"ApexClass": []}), needs, HELD, seen)  # type: ignore[arg-type]
    assert set(needs.firm) == {Need("setup", "ApexClass:Sync", "held")}


TYPES = Access(record_types=frozenset({"Account.Customer", "Account.Supplier", "Lead.Web"}))


@pytest.mark.parametrize(
    ("ids", "defaults", "expected"),
    [
        (["0128M000003uKweAAE"], {}, {"Account.Supplier"}),
        (["~"], {"Account": "Customer"}, {"Account.Customer"}),
        (["~"], {"Account": "Master"}, set()),
        (["~"], {}, {"Account.Customer", "Account.Supplier"}),
        (["0128M000009999eAAE"], {"Account": "Customer"}, {"Account.Customer", "Account.Supplier"}),
    ],
)
def test_record_types(ids: list[str], defaults: dict[str, str], expected: set[str]) -> None:
    needs = Needs(record_types={"Account": {each: {"t:1": None} for each in ids}})
    rows = [{"Id": "0128M000003uKweAAE", "SobjectType": "Account", "DeveloperName": "Supplier"}]
    used_record_types(Org({"RecordType": rows}), needs, TYPES, defaults)  # type: ignore[arg-type]
    assert {need.name for need in needs.soft} == expected


def test_what_the_org_says_of_sharing_and_of_what_can_be_granted() -> None:
    needs = Needs(firm={Need("object", "Lead", "read"): {}})
    field = {"name": "SobjectType", "picklistValues": [{"value": "Lead"}, {"value": "Account"}]}
    rows = {"EntityDefinition": [{"QualifiedApiName": "Lead", "InternalSharingModel": "Private"}]}
    seen = Seen()
    says = read_surroundings(Org(rows, [field]), Access(), needs, seen)  # type: ignore[arg-type]
    assert (says.sharing, says.grantable, seen.blind) == ({"Lead": "Private"}, {"Lead", "Account"}, set())
    untold = read_surroundings(Org({}), Access(), needs, seen)  # type: ignore[arg-type]
    assert (untold.sharing, untold.grantable) == ({}, None)
    [said] = seen.blind
    assert said.startswith("The org did not tell its organization-wide defaults")


def test_event_logs_that_may_not_be_read_are_a_blind_spot() -> None:
    for org, words in ((Org({}), "were not read: INVALID_TYPE"), (Org({"EventLogFile": []}), "has no ApiTotalUsage")):
        seen = Seen()
        read_event_logs(org, 30, "005000000000001AAA", seen)  # type: ignore[arg-type]
        assert any(words in text for text in seen.blind)
        assert seen.uses == []


def test_what_is_kept_by_name() -> None:
    granted = Access.model_validate({"objects": {"Lead": ["read", "edit"]}})
    needs = Needs()
    held = ("object Lead", "object Account: view-all, read", "field A.b: edit", "setup X:Y Z", "record-type A.B")
    keep_by_name([Keep(held=held, because="Month end.")], granted, needs)
    assert {tuple(need) for need in needs.firm} == {
        ("object", "Lead", "read"),
        ("object", "Lead", "edit"),
        ("object", "Account", "view-all"),
        ("object", "Account", "read"),
        ("field", "A.b", "edit"),
        ("setup", "X:Y Z", "held"),
        ("record-type", "A.B", "held"),
    }
    assert set(needs.firm[Need("field", "A.b", "edit")]) == {"kept: Month end."}


@pytest.mark.parametrize(
    "line", ["Account", "object Account: fly", "field A.b:edit, x", "tab standard-Account", "system"]
)
def test_a_line_that_keeps_nothing_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Keep(held=(line,), because="x")


def test_what_leaves_no_trace_is_named_until_it_is_kept() -> None:
    granted = Access(
        system=frozenset({"PasswordNeverExpires", "RunReports"}),
        setup=frozenset({"CustomPermission:Skip", "ApexClass:A"}),
    )
    said = " ".join(blind_spots(Seen(), Needs(), granted, days=None))
    assert "No traffic shows the use of CustomPermission:Skip, PasswordNeverExpires:" in said
    assert "Nothing dated was read" in said
    needs = Needs(firm={Need("setup", "CustomPermission:Skip", "held"): {}})
    kept = " ".join(blind_spots(Seen(), needs, granted, days=None))
    assert "CustomPermission:Skip" not in kept


def test_a_seen_deed_keeps_its_first_places_only() -> None:
    seen = Seen()
    for number in range(9):
        seen.add(f"t:{number}", [Held("system", "RunReports")])
    assert [use.where for use in seen.uses] == ["t:0", "t:1", "t:2"]
