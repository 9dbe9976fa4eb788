"""Writes that no org can carry out: what each answer tells, and that nothing is sent that could have an effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.access.effective import Key, ObjectFacts, facts_of
from harness.checks.proof.impossible import by_errors, sample_rows
from harness.checks.proof.witnesses import Probed
from harness.errors import OrgError
from harness.org.connection import Connection
from harness.org.reply import ApiError, Reply

USER = "005000000000001AAA"
FIELDS = ("Id", "IsDeleted", "SystemModstamp", "Name", "Phone", "Active__c", "BillingAddress")
TYPES = {"Id": "id", "IsDeleted": "boolean", "Active__c": "boolean", "BillingAddress": "address"}
NEVER_WRITTEN = {"Id", "IsDeleted", "SystemModstamp", "BillingAddress"}


def described(name: str, *fields: str) -> dict[str, Any]:
    entries = [
        {
            "name": each,
            "type": TYPES.get(each, "string"),
            "permissionable": each not in NEVER_WRITTEN,
            "createable": each not in NEVER_WRITTEN,
            "updateable": each not in NEVER_WRITTEN,
            "calculated": False,
            "autoNumber": False,
            "compoundFieldName": None,
        }
        for each in fields
    ]
    may = {"createable": True, "updateable": True, "deletable": True}
    return {"name": name, "keyPrefix": "001", **may, "fields": entries}


def refusal(code: str, *fields: str) -> Reply:
    return Reply(400, [], (ApiError(code, "no", fields),))


HALTED = refusal("PROCESSING_HALTED")


class Org:
    """Sees one row of each object in `rows` and answers writes as `answers` says, by method and object."""

    user_id = USER
    site = SimpleNamespace(data_path="/services/data/v67.0")

    def __init__(self, answers: Mapping[str, Reply | Sequence[Reply]], rows: Mapping[str, str]) -> None:
        self.answers: dict[str, list[Reply]] = {
            key: [each] if isinstance(each, Reply) else list(each) for key, each in answers.items()
        }
        self.rows = rows
        self.sent: list[Any] = []
        self.deletes: list[list[str]] = []

    def request(self, method: str, path: str, *, json: Any) -> Reply:
        assert (method, path) == ("POST", "composite/batch")
        names = [each["url"].rpartition("FROM+")[2].partition("+")[0] for each in json["batchRequests"]]
        return Reply(200, {"results": [{"statusCode": 200, "result": self._page(name)} for name in names]})

    def _page(self, name: str) -> dict[str, Any]:
        return {"records": [{"Id": self.rows[name]}] if name in self.rows else []}

    def composite(self, subrequests: Sequence[Mapping[str, Any]], *, all_or_none: bool) -> list[Reply]:
        if all_or_none:
            *deletes, last = subrequests
            assert "RehearsalRollsThisBack__c" in last["url"]
            assert {each["method"] for each in deletes} == {"DELETE"}
            self.deletes.append([each["url"].split("/")[1] for each in deletes])
            replies = [self._answer("DELETE", each["url"], HALTED) for each in deletes]
            first = next((at for at, reply in enumerate(replies) if reply is not HALTED), len(replies))
            return [reply if at == first else HALTED for at, reply in enumerate(replies)] + [HALTED]
        if "query?" in subrequests[0]["url"]:
            access = [
                {"RecordId": row, "HasReadAccess": True, "HasEditAccess": True, "HasDeleteAccess": True}
                for row in self.rows.values()
            ]
            return [Reply(200, {"totalSize": len(access), "done": True, "records": access})]
        self.sent += subrequests
        return [self._answer(each["method"], each["url"], refusal("UNKNOWN_EXCEPTION")) for each in subrequests]

    def all_rows(self, reply: Reply, _: str) -> list[dict[str, Any]]:
        return list(reply.body["records"])

    def _answer(self, method: str, url: str, otherwise: Reply) -> Reply:
        waiting = self.answers.get(f"{method} {url.split('/')[1]}")
        if not waiting:
            return otherwise
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def asked(
    answers: Mapping[str, Any], *, rows: Mapping[str, str] | None = None, fields: Sequence[str] = FIELDS
) -> tuple[dict[Key, Probed], Org]:
    names = sorted({key.split()[1] for key in answers} | set(rows or ()) or {"Account"})
    shown = {name: described(name, *fields) for name in names}
    schema: dict[str, ObjectFacts] = {name: facts_of(each, own=True) for name, each in shown.items()}
    org = Org(answers, rows or {})
    person = cast("Connection", org)
    return by_errors(person, schema, shown, sample_rows(person, schema, shown)), org


def test_every_write_names_a_field_that_nobody_may_write() -> None:
    _, org = asked({}, rows={"Account": "001000000000001AAA"})
    assert [each["method"] for each in org.sent] == ["POST", "PATCH"]
    for each in org.sent:
        assert {"IsDeleted", "SystemModstamp"} <= each["body"].keys()
        assert each["body"] == {
            "IsDeleted": False,
            "SystemModstamp": None,
            "Name": None,
            "Phone": None,
            "Active__c": False,
        }


@pytest.mark.parametrize("fields", [("Id", "Name"), ("Id", "Name", "SystemModstamp")])
def test_without_a_recycle_bin_nothing_is_sent(fields: tuple[str, ...]) -> None:
    rows = {"Account": "001000000000001AAA"}
    found, org = asked({"POST Account": refusal("INVALID_FIELD")}, fields=fields, rows=rows)
    assert (org.sent, org.deletes) == ([], [])
    assert found == {}


def test_a_field_that_the_administrator_may_write_is_no_guard() -> None:
    shown = {"Account": described("Account", "Id", "Name", "IsDeleted")}
    open_one = {"Account": facts_of(described("Account", "Id", "Name"), own=True)}
    org = Org({}, {})
    by_errors(cast("Connection", org), open_one, shown, {})
    assert org.sent == []


def test_the_error_names_every_field_that_may_not_be_written() -> None:
    refused = refusal("INVALID_FIELD_FOR_INSERT_UPDATE", "IsDeleted", "SystemModstamp", "Phone")
    found, _ = asked({"POST Account": refused})
    assert found["Account", "create"] == Probed(True, "error")
    assert found["Account.Name", "create"] == Probed(True, "error")
    assert found["Account.Phone", "create"] == Probed(False, "error")
    assert found["Account.Phone", "read"] == found["Account", "read"] == Probed(True, "error")
    assert ("Account.BillingAddress", "create") not in found


def test_without_the_right_on_the_object_no_field_may_be_written() -> None:
    found, _ = asked(
        {"PATCH Account": refusal("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")}, rows={"Account": "001000000000001AAA"}
    )
    assert {key: probe.may for key, probe in found.items() if key[1] == "edit"} == {
        ("Account", "edit"): False,
        ("Account.Name", "edit"): False,
        ("Account.Phone", "edit"): False,
        ("Account.Active__c", "edit"): False,
    }
    assert ("Account.Name", "read") not in found


@pytest.mark.parametrize(
    "reply",
    [
        refusal("INSUFFICIENT_ACCESS_OR_READONLY"),
        refusal("UNKNOWN_EXCEPTION"),
        refusal("INVALID_FIELD_FOR_INSERT_UPDATE", "IsDeleted", "SystemModstamp", "Name", "Phone", "Active__c"),
    ],
)
def test_an_answer_that_may_have_another_reason_tells_nothing(reply: Reply) -> None:
    found, _ = asked({"PATCH Account": reply}, rows={"Account": "001000000000001AAA"})
    assert found["Account", "edit"].may is None
    assert ("Account.Name", "edit") not in found


def test_an_org_that_does_what_cannot_be_done_stops_everything() -> None:
    with pytest.raises(OrgError, match="did what cannot be done: POST sobjects/Account"):
        asked({"POST Account": Reply(201, {"id": "001000000000001AAA"})})


@pytest.mark.parametrize(
    ("code", "edit", "delete"),
    [
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", False, False),
        ("INSUFFICIENT_ACCESS_OR_READONLY", None, False),
        ("INVALID_CROSS_REFERENCE_KEY", None, None),
    ],
)
def test_without_a_row_one_that_is_not_there_is_asked_about(code: str, edit: bool | None, delete: bool | None) -> None:
    found, org = asked({"PATCH Account": refusal(code), "DELETE Account": refusal(code)})
    assert [(each["method"], each["url"]) for each in org.sent[1:]] == [
        ("PATCH", "sobjects/Account/001000000000000AAA"),
        ("DELETE", "sobjects/Account/001000000000000AAA"),
    ]
    assert (found["Account", "edit"].may, found["Account", "delete"].may) == (edit, delete)
    assert found["Account", "delete"].grade == "error"


ROWS = {"Account": "001000000000001AAA", "Case": "500000000000001AAA", "Contact": "003000000000001AAA"}


def test_deletes_are_tried_together() -> None:
    found, org = asked({}, rows=ROWS)
    assert org.deletes == [["Account", "Case", "Contact"]]
    assert all(found[name, "delete"] == Probed(True, "rolled-back") for name in ROWS)


def test_a_refused_delete_hides_the_others_which_are_tried_again() -> None:
    found, org = asked({"DELETE Case": refusal("INSUFFICIENT_ACCESS_OR_READONLY")}, rows=ROWS)
    assert org.deletes == [["Account", "Case", "Contact"], ["Account", "Contact"]]
    assert [found[name, "delete"].may for name in sorted(ROWS)] == [True, False, True]


def test_a_delete_that_fails_for_another_reason_is_tried_by_itself() -> None:
    gone = refusal("ENTITY_IS_DELETED")
    found, org = asked({"DELETE Contact": [gone, HALTED]}, rows=ROWS)
    assert org.deletes == [["Account", "Case", "Contact"], ["Contact"], ["Account", "Case"]]
    assert all(found[name, "delete"].may for name in ROWS)
    found, _ = asked({"DELETE Contact": gone}, rows=ROWS)
    assert found["Contact", "delete"] == Probed(None, "rolled-back", "ENTITY_IS_DELETED: no")
