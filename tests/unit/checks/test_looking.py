"""Looking at objects as one user: what is asked, in how many calls, and what is understood."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from harness.checks.looking import SAMPLED, look
from harness.org.connection import Connection
from harness.org.reply import ApiError, Reply


def field(name: str, **facts: Any) -> dict[str, Any]:
    known = {"name": name, "type": "string", "createable": True, "updateable": False, "externalId": False}
    return {**known, "defaultValue": None, "picklistValues": [], **facts}


def described(*fields: dict[str, Any], **facts: Any) -> dict[str, Any]:
    rights = {"createable": True, "updateable": False, "deletable": False, "queryable": True, "recordTypeInfos": []}
    return {**rights, "fields": [field("Id"), *fields], **facts}


class Org:
    """Answers describes and queries from tables, and counts the calls."""

    def __init__(self, describes: dict[str, dict[str, Any]], rows: dict[str, list[dict[str, Any]] | ApiError]) -> None:
        self.describes, self.rows = describes, rows
        self.queries: list[str] = []
        self.calls = 0
        self.user_id = "005"

    def describe_global(self) -> list[dict[str, Any]]:
        self.calls += 1
        return [{"name": name} for name in self.describes]

    def describe_many(self, names: list[str]) -> dict[str, dict[str, Any]]:
        self.calls += -(-len(names) // 25)
        return {name: self.describes[name] for name in names if name in self.describes}

    def composite(self, subrequests: list[dict[str, str]], *, all_or_none: bool) -> list[Reply]:
        assert not all_or_none
        assert len(subrequests) <= 5
        self.calls += 1
        return [self.answer(parse_qs(urlsplit(each["url"]).query)["q"][0]) for each in subrequests]

    def answer(self, soql: str) -> Reply:
        if "UserRecordAccess" not in soql:
            self.queries.append(soql)
        rows = self.rows.get(soql.partition(" FROM ")[2].partition(" ")[0], [])
        if isinstance(rows, ApiError):
            return Reply(400, [], (rows,))
        given = [] if "COUNT()" in soql else rows[:SAMPLED]
        return Reply(200, {"totalSize": len(rows), "done": True, "records": given})


def looked(org: Org, *names: str, **more: Any) -> Any:
    return look(cast("Connection", org), names, **more)


def record_type(name: str, *, available: bool = True, default: bool = False, active: bool = True) -> dict[str, Any]:
    flags = {"available": available, "defaultRecordTypeMapping": default, "active": active}
    return {"developerName": name, "recordTypeId": f"012{name[0]}", **flags}


TYPES = [record_type("Trade", default=True), record_type("Old", active=False), record_type("Sea", available=False)]


def test_what_a_describe_and_two_queries_tell() -> None:
    choices = [{"value": value, "active": value != "c", "defaultValue": value == "b"} for value in "abc"]
    fields = (
        field("Kind", picklistValues=choices),
        field("Key__c", externalId=True, updateable=True),
        field("Flag", type="boolean", defaultValue=False),
        field("Rate", defaultValue=5),
        field("BillingAddress", type="address"),
        field("LastViewedDate", type="datetime"),
    )
    rows = [
        {"Id": "001A", "OwnerId": "005", "RecordTypeId": "012T", "Key__c": "K1", "Rate": None},
        {"Id": "001B", "Key__c": None, "Rate": 1},
    ]
    org = Org({"Account": described(*fields, recordTypeInfos=TYPES)}, {"Account": rows})
    seen = looked(org, "Account")["Account"]
    assert org.queries == [
        "SELECT COUNT() FROM Account",
        f"SELECT Id, Kind, Key__c, Flag, Rate FROM Account ORDER BY Id LIMIT {SAMPLED}",
    ]
    assert (seen.listed, seen.described, seen.rights, seen.rows) == (True, True, ("create",), 2)
    assert seen.fields["Key__c"] == ("create", "edit")
    assert seen.fields["BillingAddress"] == ("create",)
    assert seen.picklists == {"Kind": ("a", "b")}
    assert seen.defaults == {"Kind": "b", "Rate": "5"}
    assert (seen.record_types, seen.default_record_type) == (("Trade",), "Trade")
    assert (seen.sample["001A"].key, seen.sample["001B"].key) == ("Key__c K1", "Id 001B")
    assert (seen.sample["001A"].owner, seen.sample["001A"].record_type) == ("005", "Trade")
    assert seen.sample["001A"].empty == {"Rate"}


def test_the_same_rows_are_asked_for_again() -> None:
    org = Org({"Account": described(field("Name"))}, {"Account": [{"Id": "001A", "Name": "x"}]})
    assert looked(org, "Account", ids={"Account": ("001A", "001B")})["Account"].sample.keys() == {"001A"}
    assert org.queries[1] == "SELECT Id, Name FROM Account WHERE Id IN ('001A', '001B') ORDER BY Id"
    assert looked(org, "Account", ids={"Account": ()})["Account"].sample == {}
    assert len(org.queries) == 3


def test_what_cannot_be_seen_or_asked_is_part_of_the_look() -> None:
    refusal = ApiError("MALFORMED_QUERY", "Implementation restriction")
    org = Org(
        {"Link": described(), "Event__e": described(queryable=False), "Empty__c": described()},
        {"Link": refusal, "Empty__c": []},
    )
    seen = looked(org, "Hidden__c", "Link", "Event__e", "Empty__c")
    assert (seen["Hidden__c"].listed, seen["Hidden__c"].described) == (False, False)
    assert (seen["Link"].rows, seen["Link"].refused) == (None, "MALFORMED_QUERY: Implementation restriction")
    assert (seen["Event__e"].rows, seen["Event__e"].refused) == (None, None)
    assert (seen["Empty__c"].rows, seen["Empty__c"].sample) == (0, {})
    assert org.queries == ["SELECT COUNT() FROM Link", "SELECT COUNT() FROM Empty__c"]


def test_fifty_objects_take_half_a_call_each() -> None:
    names = [f"Thing{n}__c" for n in range(50)]
    org = Org({name: described() for name in names}, {name: [{"Id": "a01"}] for name in names})
    looked(org, *names)
    assert org.calls == 1 + 2 + 10 + 10 + 1


def test_what_may_be_done_with_each_row_is_asked_of_the_org() -> None:
    told = [{"RecordId": "001A", "HasEditAccess": True, "HasDeleteAccess": False}]
    rows = [{"Id": "001A"}, {"Id": "001B"}]
    org = Org({"Account": described()}, {"Account": rows, "UserRecordAccess": told})
    sample = looked(org, "Account")["Account"].sample
    assert (sample["001A"].may, sample["001B"].may) == (("edit",), None)


def test_no_personal_value_is_kept_to_call_a_row_by() -> None:
    fields = (field("Email__c", type="email", externalId=True), field("Key__c", externalId=True))
    rows = [{"Id": "001A", "Email__c": "jo@person.example", "Key__c": None}]
    org = Org({"Account": described(*fields)}, {"Account": rows})
    seen = looked(org, "Account")["Account"]
    assert [row.key for row in seen.sample.values()] == ["Id 001A"]
    assert "jo@person" not in seen.model_dump_json()
