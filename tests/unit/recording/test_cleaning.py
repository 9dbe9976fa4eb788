"""What becomes of a conversation on its way into a cassette: what is kept, what is replaced, what is asked again."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.org.ids import is_id_18, to_18
from harness.recording.cleaning.allowlist import AllowList, built_in
from harness.recording.cleaning.answers import Asked
from harness.recording.cleaning.cleaner import Asks, Cleaner
from harness.recording.standing_in.pseudonyms import Pseudonyms
from harness.recording.text import pretty_json

DATA = "/services/data/v67.0"
JSON, XML, CSV = "application/json;charset=UTF-8", "text/xml;charset=UTF-8", "text/csv"
ORG, ACCOUNT = to_18("00D5e0000001abc"), to_18("0015e00000AbCdE")


def cleaner(*known: str, allow: AllowList | None = None) -> Cleaner:
    return Cleaner(allow or built_in(), Pseudonyms(org_id=ORG, scenario="erp"), known)


class Talk:
    """One conversation."""

    def __init__(self, *known: str, allow: AllowList | None = None) -> None:
        self.cleaner = cleaner(*known, allow=allow)

    def ask(self, method: str, path: str, query: str = "", body: Any = "", kind: str = "application/json") -> Asks:
        text = body if isinstance(body, str) else json.dumps(body)
        return self.cleaner.request(Asks(method, path, query, {"content-type": kind}, text))

    def tell(self, asked: Asks, body: Any, *, status: int = 200, kind: str = JSON) -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        kept = self.cleaner.answer(Asked(asked.method, asked.path, asked.query, asked.body), status, kind, text)
        assert not self.cleaner.unknown, self.cleaner.unknown
        return kept

    def query(self, soql: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        asked = self.ask("GET", f"{DATA}/query/", f"q={quote_plus(soql)}")
        kept = json.loads(self.tell(asked, {"totalSize": len(rows), "done": True, "records": list(rows)}))
        assert (kept["totalSize"], kept["done"]) == (len(rows), True)
        return list(kept["records"])


def row(sobject: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject, "url": f"{DATA}/sobjects/{sobject}/{ACCOUNT}"}, **values}


def enveloped(records: str) -> str:
    inner = f"<readMetadataResponse><result>{records}</result></readMetadataResponse>"
    return f'<e:Envelope xmlns:e="u" xmlns:xsi="x"><e:Body>{inner}</e:Body></e:Envelope>'


def test_of_a_business_record_only_names_truth_nothing_and_system_times_stay() -> None:
    values = {
        "Id": ACCOUNT,
        "Name": "Hansen Werft GmbH",
        "Phone": "+49 431 4711",
        "BillingCity": "Flensburg",
        "AnnualRevenue": 1234567.25,
        "Founded__c": "1899-07-14",
        "Email__c": "chef@hansen-werft.de",
        "Server__c": "10.20.30.40",
        "Active__c": True,
        "Parent": None,
        "CreatedDate": "2026-01-05T09:00:00.000+0000",
        "BillingAddress": {"city": "Flensburg", "street": "Am Kai 7", "latitude": 54.78, "country": None},
    }
    [kept] = Talk().query("SELECT Id FROM Account", row("Account", **values))
    assert kept.keys() == {"attributes", *values}
    stays = {"Active__c", "Parent", "CreatedDate"}
    assert {name for name in values if kept[name] == values[name]} == stays
    assert is_id_18(kept["Id"], "001")
    assert kept["attributes"] == {"type": "Account", "url": f"{DATA}/sobjects/Account/{kept['Id']}"}
    assert kept["BillingAddress"]["city"] == kept["BillingCity"]
    assert kept["BillingAddress"]["country"] is None
    assert isinstance(kept["AnnualRevenue"], float)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept["Founded__c"])
    assert kept["Email__c"].endswith("@example.com")


def test_the_columns_of_setup_objects_are_kept_as_listed_and_persons_are_not() -> None:
    talk = Talk("erp.sync@nordwind.example")
    label, name = {"Label": "ERP Order Sync", "Name": "ERP_Order_Sync"}, "Hannelore Petersen"
    own = "rehearse erp run 12ab file 0123 snapshot 45"
    sets = talk.query(
        "SELECT Label FROM PermissionSet",
        row("PermissionSet", **label, Description=own, PermissionsApiEnabled=True),
        row("PermissionSet", **label, Description="Asked for by Hannelore", CreatedBy=row("User", Name=name)),
    )
    assert all(each["Label"] == "ERP Order Sync" and each["Name"] == "ERP_Order_Sync" for each in sets)
    assert sets[0]["Description"] == own
    assert "Hannelore" not in json.dumps(sets)
    [user, other] = talk.query(
        "SELECT Username FROM User",
        row("User", Username="erp.sync@nordwind.example", Name="ERP Sync", TimeZoneSidKey="Europe/Berlin"),
        row("User", Username="h.petersen@nordwind.de", Name=name, Title="Head of IT"),
    )
    assert user["Username"] == "erp.sync@nordwind.example"
    assert user["TimeZoneSidKey"] == "Europe/Berlin"
    assert other["Username"].endswith("@example.org")
    assert other["Name"] == sets[1]["CreatedBy"]["Name"] != name
    assert other["Title"] != "Head of IT"


def test_what_was_answered_first_is_replaced_wherever_it_is_sent_again() -> None:
    talk = Talk("Kiel")
    values = {
        "Id": ACCOUNT,
        "Name": "O'Neill & Söhne",
        "BillingCity": "Kiel",
        "Amount__c": 149.5,
        "Due__c": "2026-02-01",
    }
    [kept] = talk.query("SELECT Id FROM Account", row("Account", **values))
    assert kept["BillingCity"] == "Kiel"  # it stands in the scenario
    again = talk.ask("PATCH", f"{DATA}/sobjects/Account/{ACCOUNT}", body={k: v for k, v in values.items() if k != "Id"})
    assert again.path == f"{DATA}/sobjects/Account/{kept['Id']}"
    assert json.loads(again.body) == {k: v for k, v in kept.items() if k not in ("Id", "attributes")}
    soql = "SELECT Id FROM Account WHERE Name = 'O\\'Neill & Söhne' AND Id = '{}'"
    asked = talk.ask("GET", f"{DATA}/query/", f"q={quote_plus(soql.format(ACCOUNT))}")
    assert kept["Name"].replace(" ", "+") in asked.query.replace("%26", "&")
    assert kept["Id"] in asked.query
    assert ACCOUNT not in asked.query
    url = f"{DATA}/query?q={quote_plus(soql.format(ACCOUNT))}"
    part = {"referenceId": "r0", "method": "GET", "url": url}
    inner = json.loads(talk.ask("POST", f"{DATA}/composite", body={"compositeRequest": [part]}).body)
    expected = soql.replace("O\\'Neill & Söhne", kept["Name"]).format(kept["Id"])
    assert inner["compositeRequest"][0]["url"] == f"{DATA}/query?q={quote_plus(expected)}"
    leaf = talk.ask("POST", "/services/Soap/m/67.0", body="<a><b>O'Neill &amp; Söhne</b></a>", kind="text/xml")
    assert leaf.body == f"<a><b>{kept['Name']}</b></a>"
    cells = talk.ask(
        "PUT", f"{DATA}/jobs/ingest/7/batches", body="Name,Amount__c\nO'Neill & Söhne,149.5\n", kind="text/csv"
    )
    assert next(csv.DictReader(io.StringIO(cells.body))) == {"Name": kept["Name"], "Amount__c": str(kept["Amount__c"])}


def test_what_the_tool_sent_first_is_kept_also_where_it_is_answered() -> None:
    talk = Talk("10")
    sent = {"Name": "Made by us", "Amount__c": 12.5, "Due__c": "2026-02-01", "Count__c": 10}
    asked = talk.ask("POST", f"{DATA}/sobjects/Invoice__c", body=sent)
    assert json.loads(asked.body) == sent
    [kept] = talk.query("SELECT Name FROM Invoice__c", row("Invoice__c", **{**sent, "Count__c": 10.0}))
    assert {name: kept[name] for name in sent} == {**sent, "Count__c": 10.0}
    [other] = talk.query("SELECT Name FROM Invoice__c", row("Invoice__c", Other__c=12.5, Due__c="2026-02-02"))
    assert other["Other__c"] != 12.5
    assert other["Due__c"] != "2026-02-02"


def test_counts_are_kept_and_what_is_computed_of_a_field_is_not() -> None:
    soql = "SELECT RowCause, COUNT(Id), MAX(Amount__c) most, MIN(Name) FROM Invoice__c GROUP BY RowCause"
    values = {"RowCause": "Owner", "expr0": 31, "most": 77777, "expr1": "Hansen"}
    [kept] = Talk("Owner").query(soql, row("AggregateResult", **values))
    assert kept["expr0"] == 31
    assert kept["most"] != 77777
    assert kept["expr1"] != "Hansen"


def test_of_a_diary_only_words_that_are_known_stay() -> None:
    talk = Talk("ERP Integration", "Integration - ERP")
    talk.query("SELECT Name FROM User", row("User", Name="Hannelore Petersen"))
    said = (
        "Permission set Integration - ERP: assigned to user ERP Integration (UserID: [0055e0000001xyz]) by Jens Meier"
    )
    by = "Changed by Hannelore Petersen"
    kept = [
        each["Display"]
        for each in talk.query(
            "SELECT Display FROM SetupAuditTrail", *(row("SetupAuditTrail", Display=d) for d in (said, by))
        )
    ]
    assert re.fullmatch(r"… … Integration - ERP: … … user ERP Integration \(…: \[005\w{12}\]\) … … …", kept[0])
    assert "0055e0000001xyz" not in kept[0]
    assert kept[1].startswith("… … ")
    assert "Hannelore" not in kept[1]


def test_errors_keep_code_and_words_but_no_ids_and_nobody() -> None:
    talk = Talk()
    talk.query("SELECT Name FROM Contact", row("Contact", Name="Hannelore Petersen"))
    asked = talk.ask("POST", f"{DATA}/sobjects/Account", body={})
    message = f"duplicate of {ACCOUNT}, owned by Hannelore Petersen (h.petersen@nordwind.de)"
    kept = json.loads(
        talk.tell(asked, [{"errorCode": "DUPLICATE_VALUE", "message": message, "fields": []}], status=400)
    )
    assert kept[0]["errorCode"] == "DUPLICATE_VALUE"
    assert kept[0]["message"].startswith("duplicate of 001")
    for gone in (ACCOUNT, "Hannelore", "nordwind.de"):
        assert gone not in kept[0]["message"]


def test_metadata_is_kept_by_element_and_prose_is_not() -> None:
    talk = Talk()
    records = (
        '<records xsi:type="ConnectedApp"><fullName>ERP</fullName><contactEmail>h@nordwind.de</contactEmail>'
        "<oauthConfig><consumerKey>3MVG9secret</consumerKey><scopes>Api</scopes></oauthConfig></records>"
        '<records xsi:type="ValidationRule"><fullName>Order.Rule</fullName><active>true</active>'
        "<errorConditionFormula>Discount__c &gt; 20 &amp;&amp; $User.Username &lt;&gt; 'x'</errorConditionFormula>"
        "</records>"
    )
    body = enveloped(records)
    kept = talk.tell(talk.ask("POST", "/services/Soap/m/67.0", kind="text/xml"), body, kind=XML)
    assert "<fullName>ERP</fullName>" in kept
    assert "<scopes>Api</scopes>" in kept
    assert "<consumerKey>REDACTED</consumerKey>" in kept
    assert "<errorConditionFormula>… &gt; … &amp;&amp; $….… &lt;&gt; '…'</errorConditionFormula>" in kept
    assert "nordwind.de" not in kept
    assert "3MVG9" not in kept


def test_the_columns_of_bulk_results_are_those_of_the_jobs_object() -> None:
    talk = Talk()
    job = to_18("7505e0000001abc")
    opened = talk.ask("POST", f"{DATA}/jobs/query", body={"operation": "query", "query": "SELECT Name FROM Profile"})
    talk.tell(opened, {"id": job, "object": "Profile", "state": "Open"})
    results = talk.ask("GET", f"{DATA}/jobs/query/{job}/results")
    assert job not in results.path
    kept = talk.tell(results, '"Id","Name","Owner.Name"\n"","Sales User","Jens Meier"\n', kind=CSV)
    assert '"","Sales User",' in kept
    assert "Jens" not in kept


# --- whatever an org answers ---------------------------------------------------------------------------------------

WORD = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzäßéñ"), min_size=7, max_size=14).map(lambda text: f"Zq{text}")
NAMES = st.sampled_from(
    ["Name", "Email", "Notes__c", "Phone", "OwnerId", "City", "Alias", "Code__c", "Secret__c", "Label"]
)
CELLS = st.recursive(WORD | st.none() | st.booleans(), lambda inner: st.lists(inner, max_size=2), max_leaves=3)
ROWS = st.dictionaries(NAMES, CELLS, max_size=5)
EXTRA = st.dictionaries(st.sampled_from(["people", "note", "x-y", "owner", "Data"]), WORD | st.lists(WORD), max_size=2)


def words_in(value: Any) -> Iterator[str]:
    yield from re.findall(r"Zq[\wäßéñ]+", json.dumps(value, ensure_ascii=False))


@given(rows=st.lists(ROWS, max_size=3), extra=EXTRA, sobject=st.sampled_from(["Account", "Meter__c", "User", "Task"]))
@settings(max_examples=60, deadline=None)
def test_no_value_of_an_answer_stays_and_no_key_that_is_not_listed(
    rows: list[dict[str, Any]], extra: dict[str, Any], sobject: str
) -> None:
    one = cleaner()
    body = {"totalSize": 1, "done": True, "records": [row(sobject, **each) for each in rows], **extra}
    asked = Asked("GET", f"{DATA}/query/", f"q=SELECT+Id+FROM+{sobject}")
    kept = one.answer(asked, 200, JSON, json.dumps(body))
    assert not set(words_in(body)) & set(words_in(kept))
    assert {each.keys[0] for each in one.unknown} == {*extra}


@given(lines=st.lists(st.tuples(WORD, WORD), max_size=4))
@settings(max_examples=30, deadline=None)
def test_no_cell_of_a_table_and_no_text_of_xml_stays(lines: list[tuple[str, str]]) -> None:
    one = cleaner()
    written = io.StringIO()
    csv.writer(written).writerows([("Name", "Notes__c"), *lines])
    kept = one.answer(Asked("GET", f"{DATA}/jobs/query/7/results"), 200, CSV, written.getvalue())
    assert len(list(csv.reader(io.StringIO(kept)))) == len(lines) + 1
    leaves = "".join(f'<records xsi:type="Flow"><description>{a} {b}</description></records>' for a, b in lines)
    text = one.answer(Asked("POST", "/services/Soap/m/67.0"), 200, XML, enveloped(leaves))
    assert not set(words_in([*lines])) & {*words_in(kept), *words_in(text)}
    assert not one.unknown


@given(rows=st.lists(ROWS, min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_what_is_clean_stays_as_it_is(rows: list[dict[str, Any]]) -> None:
    one = cleaner()
    asked = Asked("GET", f"{DATA}/query/", "q=SELECT+Id+FROM+Account")
    body = {"totalSize": 1, "done": True, "records": [row("Account", Id=ACCOUNT, **each) for each in rows]}
    kept = one.answer(asked, 200, JSON, json.dumps(body))
    assert one.answer(asked, 200, JSON, kept) == kept == pretty_json(json.loads(kept))


@pytest.mark.parametrize("sent", ["SELECT Id FROM A WHERE B = 'it\\'s'", "LIKE 'a%'", "no literal", "'open"])
def test_a_request_of_which_nothing_was_answered_is_not_touched(sent: str) -> None:
    talk = Talk()
    url = f"{DATA}/query?q={quote_plus(sent)}&x=a+b%20c"
    body = {"compositeRequest": [{"method": "GET", "referenceId": "r0", "url": url, "body": {"q": sent}}]}
    assert json.loads(talk.ask("POST", f"{DATA}/composite", body=body).body) == body


def test_a_person_who_is_called_like_a_part_of_the_setup_does_not_keep_the_file_from_being_written() -> None:
    talk = Talk()
    talk.query("SELECT Label FROM PermissionSet", row("PermissionSet", Label="Data Loader Access"))
    talk.query("SELECT Name FROM User", row("User", Name="Data Loader"), row("User", Name="Hannelore Petersen"))
    assert talk.cleaner.personal == {"Hannelore Petersen"}
