"""The CRUD calls of the Metadata API."""

from __future__ import annotations

import pytest

from harness.errors import RequestRefused
from harness.org import soap
from tests.unit.fake_org import Bench, Told

XML = {"Content-Type": "text/xml"}
PATH = "/services/Soap/m/67.0"


def told(body: str, status: int = 200) -> Told:
    return Told(status, soap.envelope(body), XML)


def test_components_that_exist_come_as_plain_data(bench: Bench) -> None:
    records = (
        "<records><fullName>ERP</fullName><oauthConfig><isAdminApproved>true</isAdminApproved>"
        "<scopes>Api</scopes><scopes>RefreshToken</scopes></oauthConfig></records><records xsi:nil='true'/>"
    )
    bench.org.on("POST", PATH, told(f"<readMetadataResponse><result>{records}</result></readMetadataResponse>"))
    (found,) = bench.connection.read_metadata("ConnectedApp", ["ERP", "None"])
    assert found == {"fullName": "ERP", "oauthConfig": {"isAdminApproved": "true", "scopes": ["Api", "RefreshToken"]}}
    sent = bench.org.asked[-1].body.decode()
    assert "<type>ConnectedApp</type><fullNames>ERP</fullNames><fullNames>None</fullNames>" in sent
    assert f"<sessionId>{bench.org.tokens[0]}</sessionId>" in sent


def test_an_update(bench: Bench) -> None:
    saved = "<result><fullName>ERP</fullName><success>true</success></result>"
    bench.org.on("POST", PATH, told(f"<updateMetadataResponse>{saved}</updateMetadataResponse>"))
    component = {"label": "A & B", "fullName": "ERP", "oauthConfig": {"scopes": ["Api"], "isAdminApproved": True}}
    with bench.writing():
        assert bench.connection.update_metadata("ConnectedApp", component).certainty == "APPLIED"
    sent = bench.org.asked[-1].body.decode()
    assert (
        '<metadata xsi:type="ConnectedApp"><fullName>ERP</fullName><label>A &amp; B</label><oauthConfig>'
        "<scopes>Api</scopes><isAdminApproved>true</isAdminApproved></oauthConfig></metadata>" in sent
    )


def test_an_update_that_is_refused_or_lost(bench: Bench) -> None:
    errors = "<errors><statusCode>FIELD_INTEGRITY_EXCEPTION</statusCode><message>Enter a valid user</message></errors>"
    refused = f"<updateMetadataResponse><result><success>false</success>{errors}</result></updateMetadataResponse>"
    bench.org.on("POST", PATH, told(refused))
    with bench.writing():
        answer = bench.connection.update_metadata("ConnectedApp", {"fullName": "ERP"})
        assert (answer.certainty, answer.errors[0].message) == ("NOT_APPLIED", "Enter a valid user")
        bench.org.on("POST", PATH, Told(200, hang_up=True))
        assert bench.connection.update_metadata("ConnectedApp", {"fullName": "ERP"}).certainty == "UNKNOWN"


def test_a_fault_is_a_refusal(bench: Bench) -> None:
    fault = "<env:Fault><faultcode>sf:INSUFFICIENT_ACCESS</faultcode><faultstring>no access</faultstring></env:Fault>"
    bench.org.on("POST", PATH, told(fault, 500))
    with pytest.raises(RequestRefused, match="INSUFFICIENT_ACCESS: no access"):
        bench.connection.read_metadata("ConnectedApp", ["ERP"])
    with bench.writing():
        assert bench.connection.update_metadata("ConnectedApp", {"fullName": "ERP"}).certainty == "NOT_APPLIED"


def test_an_expired_session_is_renewed(bench: Bench) -> None:
    fault = (
        "<env:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>Illegal Session</faultstring></env:Fault>"
    )
    good = told("<readMetadataResponse><result/></readMetadataResponse>")
    bench.org.on(
        "POST",
        PATH,
        lambda asked: (
            good if bench.org.tokens[1:2] and bench.org.tokens[1] in asked.body.decode() else told(fault, 500)
        ),
    )
    assert bench.connection.read_metadata("ConnectedApp", ["ERP"]) == []
    assert len(bench.org.tokens) == 2


def test_xml_that_attacks_the_parser_is_no_answer() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>'
    assert soap.parse(bomb) is None
    assert soap.payload(bomb) is None
    assert soap.operation_of(b"") is None
