"""How answers and bodies are written: JSON or XML, compressed or plain, and what is too long or of the wrong kind."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from .conftest import API, Client

XML = {"Accept": "application/xml"}


def xml(response: Any) -> Any:
    assert response.headers["Content-Type"] == "application/xml;charset=UTF-8"
    assert response.text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    return fromstring(response.text)


def test_rows_as_xml(erp: Client) -> None:
    made = xml(erp.post("sobjects/Account", {"Name": "Acme & <Sons>"}, headers=XML))
    assert (made.tag, made.findtext("success")) == ("Result", "true")
    row = xml(erp.get(f"sobjects/Account/{made.findtext('id')}", headers=XML))
    assert (row.tag, row.get("type"), row.findtext("Name")) == ("Account", "Account", "Acme & <Sons>")
    assert row.get("url") == f"{API}/sobjects/Account/{made.findtext('id')}"
    found = xml(erp.get("query", params={"q": "SELECT Id, Name FROM Account"}, headers=XML))
    assert (found.tag, found.findtext("done"), found.findtext("totalSize")) == ("QueryResult", "true", "1")
    assert [(one.get("type"), one.findtext("Name")) for one in found.findall("records")] == [
        ("Account", "Acme & <Sons>")
    ]


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/services/data", "Versions"),
        ("", "urls"),
        ("sobjects", "DescribeGlobal"),
        ("sobjects/Account/describe", "DescribeSObject"),
        ("limits", "LimitsSnapshot"),
    ],
)
def test_resources_as_xml(admin: Client, path: str, root: str) -> None:
    assert xml(admin.get(path, headers=XML)).tag == root


def test_errors_as_xml(erp: Client) -> None:
    errors = xml(erp.get("query", params={"q": "SELECT Id FROM Nothing__c"}, headers=XML))
    assert (errors.tag, [one.findtext("errorCode") for one in errors.findall("Error")]) == ("Errors", ["INVALID_TYPE"])


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json;charset=UTF-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml;charset=UTF-8"),
        ("application/xml;q=0.1, application/json;q=0.2", "application/json;charset=UTF-8"),
        ("nonsense", "application/json;charset=UTF-8"),
        ("text/csv, */*", "application/json;charset=UTF-8"),
    ],
)
def test_what_a_client_likes_best(erp: Client, accept: str, expected: str) -> None:
    assert erp.get("", headers={"Accept": accept}).headers["Content-Type"] == expected


def test_a_format_that_there_is_not(erp: Client) -> None:
    response = erp.get("", headers={"Accept": "text/csv"})
    assert (response.status_code, response.content) == (406, b"")
    assert erp.get("nothing", headers={"Accept": "text/csv"}).json()[0]["errorCode"] == "NOT_FOUND"


def test_old_versions_choose_the_format_by_a_suffix(erp: Client) -> None:
    assert xml(erp.get("/services/data/v57.0/limits/recordCount.xml")).tag == "Result"
    assert erp.get("/services/data/v57.0/sobjects.json", headers=XML).json()["encoding"] == "UTF-8"
    assert erp.get("/services/data/v58.0/sobjects.json").status_code == 404


def test_rows_come_as_xml(erp: Client) -> None:
    body = "<Account><Name>Äcme</Name><ERP_Key__c>K1</ERP_Key__c></Account>"
    headers = {"Content-Type": "application/xml"}
    made = erp.ask("POST", "sobjects/Account", data=body.encode(), headers=headers)
    assert made.status_code == 201, made.text
    path = f"sobjects/Account/{made.json()['id']}"
    contact = "<Contact><LastName>Doe</LastName><Account><ERP_Key__c>K1</ERP_Key__c></Account></Contact>"
    assert erp.ask("POST", "sobjects/Contact", data=contact.encode("utf-16"), headers=headers).status_code == 201
    nil = '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><ERP_Key__c xsi:nil="true"/></a>'
    assert erp.ask("PATCH", path, data=nil, headers=headers).status_code == 204
    row = erp.get(path).json()
    assert (row["Name"], row["ERP_Key__c"]) == ("Äcme", None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Account>",
        b"\xff",
        b'<!DOCTYPE a [<!ENTITY b "c">]><Account><Name>&b;</Name></Account>',
        b'<?xml version="1.0" encoding="nonsense"?><Account/>',
        b"<a>" * 5000 + b"</a>" * 5000,
    ],
)
def test_xml_that_cannot_be_read(erp: Client, body: bytes) -> None:
    response = erp.ask("POST", "sobjects/Account", data=body, headers={"Content-Type": "text/xml"})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "XML_PARSER_ERROR")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "The HTTP entity body is required, but this request has no entity body."),
        (
            "request%5B",
            "Unexpected character ('r' (code 114)): expected a valid value (number, String, array, object, 'true', "
            "'false' or 'null') at [line:1, column:2]",
        ),
        (
            "{x",
            "Unexpected character ('x' (code 120)): was expecting double-quote to start field name at "
            "[line:1, column:3]",
        ),
        (
            '{"a"\n 1}',
            "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value at "
            "[line:2, column:3]",
        ),
        (
            '{"a": "}" "b"}',
            "Unexpected character ('\"' (code 34)): was expecting comma to separate OBJECT entries at "
            "[line:1, column:12]",
        ),
        ("[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate ARRAY entries"),
        ('{"a": nul}', "Unrecognized token 'nul': was expecting 'null', 'true' or 'false' at [line:1, column:8]"),
        ('{"a": [', "Unexpected end-of-input: expected close marker for ARRAY at [line:1, column:9]"),
        ('{"a": "b', "Unexpected end-of-input: was expecting closing quote for a string value"),
        ('{"a": "b\x01"}', "Illegal unquoted character ((CTRL-CHAR, code 1))"),
        ('{"a": "\\x"}', "Unrecognized character escape 'x'"),
        ('{"a": NaN}', "Non-standard token 'NaN'"),
        ("12", "Can not deserialize SObject out of VALUE_NUMBER_INT token at [line:1, column:1]"),
    ],
)
def test_json_that_cannot_be_read(erp: Client, body: str, message: str) -> None:
    response = erp.ask("POST", "sobjects/Account", data=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert response.json()[0]["message"].startswith(message)


def test_a_list_is_no_row(erp: Client) -> None:
    response = erp.post("sobjects/Account", [{"Name": "A"}])
    assert response.json() == [
        {
            "message": "Json Deserialization failed on token 'null' and has left off in the middle of parsing a row. "
            "Will go to end of row to begin parsing the next row",
            "errorCode": "INVALID_FIELD",
        }
    ]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_bodies_and_answers_are_packed_both_ways(erp: Client, encoding: str, pack: Any) -> None:
    packed = pack(json.dumps({"Name": "A"}).encode())
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    assert erp.ask("POST", "sobjects/Account", data=packed, headers=headers).status_code == 201
    for broken in (b"x", packed[:-6]):
        refused = erp.ask("POST", "sobjects/Account", data=broken, headers=headers)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    answer = erp.get("sobjects", headers={"Accept-Encoding": encoding})
    assert (answer.headers["Content-Encoding"], answer.json()["encoding"]) == (encoding, "UTF-8")
    unknown = erp.ask("POST", "sobjects/Account", data=packed, headers={"Content-Encoding": "br"})
    assert unknown.status_code == 415


def test_chunked_bodies(erp: Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"Name": '
        yield b'"A"}'

    headers = {"Content-Type": "application/json"}
    assert erp.ask("POST", "sobjects/Account", data=chunks(), headers=headers).status_code == 201


def test_addresses_and_headers_that_are_too_long(erp: Client) -> None:
    soql = "SELECT Id FROM Account WHERE Name = '{}'"
    fits = erp.get("query", params={"q": soql.format("x" * 3000)})
    assert fits.status_code == 200
    refused = erp.get("query", params={"q": soql.format("x" * 16_400)})
    assert (refused.status_code, refused.text) == (414, "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>")
    refused = erp.get("query", params={"q": soql.format("x" * 3000)}, headers={"X-Long": "y" * 13_400})
    assert refused.status_code == 431
    assert refused.text == "<h1>Bad Message 431</h1><pre>reason: Request Header Fields Too Large</pre>"
