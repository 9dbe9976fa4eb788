"""The partner and enterprise SOAP API: rows, queries, describes and faults as recorded orgs write them."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from harness.sandbox.org import SandboxOrg

from .conftest import USERNAMES, Client

ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xmlns="urn:{api}.soap.sforce.com" xmlns:so="urn:sobject.{api}.soap.sforce.com">
<env:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader>{headers}</env:Header>
<env:Body>{body}</env:Body></env:Envelope>"""
SF = "{urn:sobject.partner.soap.sforce.com}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def send(client: Client, body: str, *, headers: str = "", path: str = "u/67.0", api: str = "partner") -> str:
    content = ENVELOPE.format(token=client.token, body=body, headers=headers, api=api)
    response = client.ask(
        "POST",
        f"/services/Soap/{path}",
        data=content.encode(),
        headers={"Content-Type": "text/xml", "SOAPAction": '""'},
    )
    assert response.status_code == (500 if "<soapenv:Fault>" in response.text else 200)
    assert response.headers["content-type"] == "text/xml;charset=UTF-8"
    return response.text


def results(text: str) -> list[Element]:
    """The `result` elements of an answer."""
    return list(fromstring(text).iter("{urn:partner.soap.sforce.com}result"))


def errors(text: str) -> list[tuple[str | None, str | None]]:
    """Code and message of each row error."""
    space = "{urn:partner.soap.sforce.com}"
    return [
        (one.findtext(space + "statusCode"), one.findtext(space + "message"))
        for one in fromstring(text).iter(space + "errors")
    ]


def make(org: SandboxOrg, count: int) -> list[str]:
    erp = org.rows("User", Username=USERNAMES["erp"])[0]["Id"]
    return [org.insert_row("Account", {"Name": f"Account {one:04d}", "OwnerId": erp}) for one in range(count)]


def test_a_row_is_created_changed_read_and_deleted(org: SandboxOrg, erp: Client) -> None:
    made = send(
        erp,
        "<create><sObjects><so:type>Account</so:type><so:Name>Müller &amp; Söhne</so:Name>"
        "<so:ERP_Key__c>A1</so:ERP_Key__c>"
        '<so:BillingCity xsi:nil="true"/></sObjects></create>',
    )
    row = org.rows("Account")[0]
    assert row["Name"] == "Müller & Söhne"
    assert f"<createResponse><result><id>{row['Id']}</id><success>true</success></result></createResponse>" in made
    assert "<type>API REQUESTS</type></limitInfo></LimitInfoHeader></soapenv:Header>" in made
    change = (
        f"<update><sObjects><type>Account</type><fieldsToNull>ERP_Key__c</fieldsToNull><Id>{row['Id'][:15]}</Id>"
        "<Name>Other</Name></sObjects></update>"
    )
    assert f"<result><id>{row['Id']}</id><success>true</success></result>" in send(erp, change)
    assert (org.rows("Account")[0]["Name"], org.rows("Account")[0]["ERP_Key__c"]) == ("Other", None)
    read = send(
        erp,
        f"<retrieve><fieldList>Id, Name</fieldList><sObjectType>Account</sObjectType><ids>{row['Id']}</ids>"
        "<ids>001000000000001AAA</ids></retrieve>",
    )
    assert (
        f'<result xsi:type="sf:sObject"><sf:type>Account</sf:type><sf:Id>{row["Id"]}</sf:Id><sf:Id>{row["Id"]}</sf:Id>'
        '<sf:Name>Other</sf:Name></result><result xsi:nil="true"/>' in read
    )
    gone = send(erp, f"<delete><ids>{row['Id']}</ids><ids>006i000004DAKd</ids></delete>")
    assert f"<result><id>{row['Id']}</id><success>true</success></result>" in gone
    assert (
        "<result><errors><message>bad id 006i000004DAKd</message><statusCode>MALFORMED_ID</statusCode></errors>"
        '<id xsi:nil="true"/><success>false</success></result>' in gone
    )
    assert errors(send(erp, f"<delete><ids>{row['Id']}</ids></delete>")) == [("ENTITY_IS_DELETED", "entity is deleted")]


def test_rows_are_upserted_by_their_key(org: SandboxOrg, erp: Client) -> None:
    body = (
        "<upsert><externalIDFieldName>ERP_Key__c</externalIDFieldName>"
        "<sObjects><type>Account</type><ERP_Key__c>K1</ERP_Key__c><Name>{}</Name></sObjects></upsert>"
    )
    assert "<result><created>true</created><id>001" in send(erp, body.format("One"))
    assert "<result><created>false</created><id>001" in send(erp, body.format("Two"))
    assert [row["Name"] for row in org.rows("Account")] == ["Two"]
    contact = (
        "<create><sObjects><type>Contact</type><LastName>Doe</LastName><Account><type>Account</type>"
        "<ERP_Key__c>K1</ERP_Key__c></Account></sObjects></create>"
    )
    assert "<success>true</success>" in send(erp, contact)
    assert org.rows("Contact")[0]["AccountId"] == org.rows("Account")[0]["Id"]
    wrong = send(erp, body.format("x").replace("<externalIDFieldName>ERP_Key__c", "<externalIDFieldName>Name"))
    assert "<faultcode>sf:INVALID_FIELD</faultcode>" in wrong


def test_deleted_rows_come_back_or_are_gone(org: SandboxOrg, erp: Client) -> None:
    first, second = make(org, 2)
    ids = f"<ids>{first}</ids><ids>{second}</ids>"
    send(erp, f"<delete>{ids}</delete>")
    every = "<queryAll><queryString>SELECT Id FROM Account WHERE IsDeleted = true</queryString></queryAll>"
    assert results(send(erp, every))[0].findtext("{*}size") == "2"
    assert f"<id>{first}</id><success>true</success>" in send(erp, f"<undelete><ids>{first}</ids></undelete>")
    assert [row["Id"] for row in org.rows("Account")] == [first]
    assert errors(send(erp, f"<undelete><ids>{first}</ids></undelete>")) == [
        ("UNDELETE_FAILED", "Entity is not in the recycle bin")
    ]
    assert "<success>true</success>" in send(erp, f"<emptyRecycleBin><ids>{second}</ids></emptyRecycleBin>")
    assert results(send(erp, every))[0].findtext("{*}size") == "0"
    assert errors(send(erp, "<undelete><ids>x</ids></undelete>")) == [("MALFORMED_ID", "bad id x")]


def test_what_changed_and_what_was_deleted(org: SandboxOrg, erp: Client) -> None:
    first, second = make(org, 2)
    send(erp, f"<delete><ids>{second}</ids></delete>")
    org.clock.advance(3600)
    times = "<startDate>2026-01-05T08:00:00Z</startDate><endDate>2026-01-05T11:00:00.000Z</endDate>"
    updated = send(erp, f"<getUpdated><sObjectType>Account</sObjectType>{times}</getUpdated>")
    assert f"<getUpdatedResponse><result><ids>{first}</ids><latestDateCovered>2026-01-05T" in updated
    deleted = send(erp, f"<getDeleted><sObjectType>Account</sObjectType>{times}</getDeleted>")
    assert f"<id>{second}</id></deletedRecords><earliestDateAvailable>" in deleted
    lost = send(erp, f"<getUpdated><sObjectType>Nothing</sObjectType>{times}</getUpdated>")
    assert "<sf:InvalidSObjectFault" in lost
    assert "<soapenv:Fault>" in send(erp, "<getUpdated><sObjectType>Account</sObjectType></getUpdated>")


def test_a_search(org: SandboxOrg, erp: Client) -> None:
    make(org, 2)
    sosl = "FIND {0001} IN NAME FIELDS RETURNING Account(Id, Name)"
    found = send(erp, f"<search><searchString>{sosl}</searchString></search>")
    assert (
        '<searchResponse><result><searchRecords><record xsi:type="sf:sObject"><sf:type>Account</sf:type><sf:Id>001'
        in found
    )
    assert found.count("<searchRecords>") == 1
    assert "<sf:MalformedSearchFault" in send(erp, "<search><searchString>FIND</searchString></search>")


def test_all_rows_or_none(org: SandboxOrg, erp: Client) -> None:
    body = (
        "<create><sObjects><type>Account</type><Name>Good</Name></sObjects>"
        "<sObjects><type>Account</type><ERP_Key__c>x</ERP_Key__c></sObjects></create>"
    )
    header = "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"
    refused = send(erp, body, headers=header)
    assert [code for code, _ in errors(refused)] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert "<errors><fields>Name</fields><message>Required fields are missing: [Name]</message>" in refused
    assert org.rows("Account") == []
    assert [code for code, _ in errors(send(erp, body))] == ["REQUIRED_FIELD_MISSING"]
    assert len(org.rows("Account")) == 1


def test_a_query_comes_in_pages(org: SandboxOrg, erp: Client) -> None:
    make(org, 450)
    ask = "<query><queryString>SELECT Name FROM Account ORDER BY Name</queryString></query>"
    size = "<QueryOptions><batchSize>200</batchSize></QueryOptions>"
    names, text, pages = [], send(erp, ask, headers=size), 0
    while True:
        pages += 1
        result = results(text)[0]
        names += [one.findtext(f"{SF}Name") for one in result.iter() if one.tag.endswith("}records")]
        assert result.findtext("{*}size") == "450"
        locator = result.findtext("{*}queryLocator")
        if result.findtext("{*}done") == "true":
            break
        text = send(erp, f"<queryMore><queryLocator>{locator}</queryLocator></queryMore>")
    assert pages == 3
    assert names == [f"Account {one:04d}" for one in range(450)]
    assert text.count('<queryLocator xsi:nil="true"/>') == 1
    assert '<sf:type>Account</sf:type><sf:Id xsi:nil="true"/><sf:Name>' in text
    whole = send(erp, ask)
    assert results(whole)[0].findtext("{*}done") == "true"
    for wrong in ("0r8nothing-200", "x", "0r8-²"):
        fault = send(erp, f"<queryMore><queryLocator>{wrong}</queryLocator></queryMore>")
        assert "<sf:InvalidQueryLocatorFault" in fault


def test_relationships_and_aggregates(org: SandboxOrg, erp: Client) -> None:
    account = make(org, 1)[0]
    owner = org.row("Account", account)["OwnerId"]
    org.insert_row("Contact", {"LastName": "Doe", "AccountId": account, "OwnerId": owner})
    org.insert_row("Contact", {"LastName": "Roe", "OwnerId": owner})
    parents = send(
        erp,
        "<query><queryString>SELECT Id, CreatedDate, Account.Name FROM Contact ORDER BY LastName</queryString></query>",
    )
    assert (
        '<sf:Account xsi:type="sf:sObject"><sf:type>Account</sf:type><sf:Id xsi:nil="true"/>'
        "<sf:Name>Account 0000</sf:Name></sf:Account>" in parents
    )
    assert '<sf:Account xsi:nil="true"/>' in parents
    assert results(parents)[0].findtext(f"{{*}}records/{SF}CreatedDate", "").endswith("Z")
    children = send(
        erp, "<query><queryString>SELECT Id, (SELECT LastName FROM Contacts) FROM Account</queryString></query>"
    )
    assert (
        '<sf:Contacts xsi:type="QueryResult"><done>true</done><queryLocator xsi:nil="true"/>'
        '<records xsi:type="sf:sObject"><sf:type>Contact</sf:type>' in children
    )
    count = send(erp, "<query><queryString>SELECT COUNT(Id) n FROM Contact</queryString></query>")
    assert "<sf:type>AggregateResult</sf:type>" in count
    assert 'xsi:type="xsd:int">2</sf:n>' in count
    assert fromstring(count) is not None


def test_the_enterprise_api_types_its_elements(org: SandboxOrg, erp: Client) -> None:
    make(org, 1)
    body = "<query><queryString>SELECT Id, Name FROM Account</queryString></query>"
    text = send(erp, body, path="c/67.0/00D000000000001", api="enterprise")
    assert '<records xsi:type="sf:Account"><sf:Id>001' in text
    assert 'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"' in text
    made = '<create><sObjects xsi:type="so:Account"><so:Name>E</so:Name></sObjects></create>'
    assert "<success>true</success>" in send(erp, made, path="c/67.0", api="enterprise")
    fault = send(erp, "<query><queryString>SELECT</queryString></query>", path="c/67.0", api="enterprise")
    assert 'xmlns:sf="urn:fault.enterprise.soap.sforce.com"' in fault


def test_describes(erp: Client) -> None:
    described = send(erp, "<describeSObject><sObjectType>Account</sObjectType></describeSObject>")
    assert "<describeSObjectResponse><result><activateable>false</activateable>" in described
    fields = [one.findtext("{*}name") for one in results(described)[0] if one.tag.endswith("}fields")]
    assert "ERP_Key__c" in fields
    assert "Secret__c" not in fields
    several = send(
        erp, "<describeSObjects><sObjectType>Account</sObjectType><sObjectType>Contact</sObjectType></describeSObjects>"
    )
    assert [one.findtext("{*}name") for one in results(several)] == ["Account", "Contact"]
    unknown = send(erp, "<describeSObject><sObjectType>Opportunity</sObjectType></describeSObject>")
    assert "<faultcode>sf:INVALID_TYPE</faultcode>" in unknown
    assert "<sf:InvalidSObjectFault" in unknown
    everything = send(erp, "<describeGlobal/>")
    assert (
        "<describeGlobalResponse><result><encoding>UTF-8</encoding><maxBatchSize>200</maxBatchSize><sobjects>"
        in everything
    )
    assert "<urls>" not in everything


def test_who_asks_and_when(erp: Client, user_ids: dict[str, str]) -> None:
    info = send(erp, "<getUserInfo/>")
    assert "<getUserInfoResponse><result><accessibilityMode>false</accessibilityMode>" in info
    assert f"<userId>{user_ids['erp']}</userId>" in info
    assert "<timestamp>2026-01-05T" in send(erp, "<getServerTimestamp/>")


def test_passwords(admin: Client, erp: Client, user_ids: dict[str, str]) -> None:
    made = send(admin, f"<resetPassword><userId>{user_ids['erp']}</userId></resetPassword>")
    assert results(made)[0].findtext("{*}password")
    change = "<setPassword><userId>{}</userId><password>{}</password></setPassword>"
    assert "<setPasswordResponse><result/>" in send(erp, change.format(user_ids["erp"], "correct horse 1"))
    assert "<sf:InvalidNewPasswordFault" in send(erp, change.format(user_ids["erp"], "x"))
    assert "sf:INSUFFICIENT_ACCESS<" in send(erp, change.format(user_ids["admin"], "correct horse 1"))


def test_logging_out_ends_the_session(erp: Client) -> None:
    assert "<logoutResponse/>" in send(erp, "<logout/>")
    fault = send(erp, "<getUserInfo/>")
    assert "<faultcode>sf:INVALID_SESSION_ID</faultcode>" in fault
    assert (
        '<detail><sf:UnexpectedErrorFault xsi:type="sf:UnexpectedErrorFault"><sf:exceptionCode>INVALID_SESSION_ID'
        "</sf:exceptionCode><sf:exceptionMessage>Invalid Session ID found in SessionHeader: Illegal Session" in fault
    )


@pytest.mark.parametrize(
    ("soql", "code", "name", "place"),
    [
        ("SELECT Id, Secret__c FROM Account", "INVALID_FIELD", "InvalidFieldFault", (1, 12)),
        ("SELECT Id FROM Opportunity", "INVALID_TYPE", "InvalidSObjectFault", (1, 16)),
        ("SELEKT Id FROM Account", "MALFORMED_QUERY", "MalformedQueryFault", (-1, -1)),
        ("", "MALFORMED_QUERY", "MalformedQueryFault", (-1, -1)),
    ],
)
def test_a_wrong_query_is_a_fault(erp: Client, soql: str, code: str, name: str, place: tuple[int, int]) -> None:
    text = send(erp, f"<query><queryString>{soql}</queryString></query>")
    assert f"<faultcode>sf:{code}</faultcode><faultstring>{code}: " in text
    assert f'<sf:{name} xsi:type="sf:{name}"><sf:exceptionCode>{code}</sf:exceptionCode>' in text
    assert f"<sf:row>{place[0]}</sf:row><sf:column>{place[1]}</sf:column></sf:{name}>" in text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<Name>x</Name>", "INVALID_TYPE"),
        ("<type>Nothing__c</type>", "INVALID_TYPE"),
        ("<type>Opportunity</type><Name>x</Name>", "INVALID_TYPE"),
        ("<type>Account</type><Secret__c>x</Secret__c>", "INVALID_FIELD"),
        ("<type>Account</type><fieldsToNull>Nothing</fieldsToNull>", "INVALID_FIELD"),
    ],
)
def test_names_that_the_user_does_not_see_fail_the_call(org: SandboxOrg, erp: Client, content: str, code: str) -> None:
    good = "<sObjects><type>Account</type><Name>Good</Name></sObjects>"
    assert f"<faultcode>sf:{code}</faultcode>" in send(erp, f"<create>{good}<sObjects>{content}</sObjects></create>")
    assert org.rows("Account") == []


def test_what_a_row_is_refused_for(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    account = make(org, 1)[0]
    row = "<update><sObjects><type>{}</type>{}</sObjects></update>"
    for name, content, code in (
        ("Account", "<Name>x</Name>", "MISSING_ARGUMENT"),
        ("Account", "<Id>001000000000001AAA</Id><Name>x</Name>", "INVALID_CROSS_REFERENCE_KEY"),
        ("Account", "<Id>x</Id><Name>x</Name>", "MALFORMED_ID"),
        ("Account", f"<Id>{account}</Id><IsDeleted>perhaps</IsDeleted>", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("User", f"<Id>{user_ids['admin']}</Id><LastName>x</LastName>", "INSUFFICIENT_ACCESS_OR_READONLY"),
    ):
        assert [one for one, _ in errors(send(erp, row.format(name, content)))] == [code], content


def test_more_rows_than_a_call_may_have(erp: Client) -> None:
    rows = "<sObjects><type>Account</type><Name>x</Name></sObjects>" * 201
    assert "sf:EXCEEDED_ID_LIMIT" in send(erp, f"<create>{rows}</create>")
    assert "sf:EXCEEDED_ID_LIMIT" in send(erp, f"<delete>{'<ids>x</ids>' * 201}</delete>")


def test_calls_and_versions_that_there_are_not(erp: Client, connect: Callable[[str], Client]) -> None:
    lost = send(erp, "<mergeEverything/>")
    assert "<faultcode>soapenv:Client</faultcode>" in lost
    assert "No operation available for request {urn:partner.soap.sforce.com}mergeEverything" in lost
    for version in ("20.0", "68.0", "67.1", "x", "67"):
        assert "UNSUPPORTED_API_VERSION: Invalid Api version specified on URL" in send(
            erp, "<logout/>", path=f"u/{version}"
        )
    offline = send(connect("offline"), "<getUserInfo/>")
    assert "sf:API_CURRENTLY_DISABLED" in offline


@pytest.mark.parametrize(
    "body",
    [
        "<create>" + "<sObjects>" * 500 + "</sObjects>" * 500 + "</create>",
        "<create><sObjects/></create>",
        "<update/>",
        "<upsert/>",
        "<retrieve/>",
        "<describeSObject/>",
        "<setPassword/>",
        "<create><sObjects><type>Account</type><Name><b><c/></b></Name></sObjects></create>",
        "<create><sObjects><type>Account</type><Account><type>Account</type></Account></sObjects></create>",
        "<create><sObjects><type>Account</type><NumberOfEmployees>many</NumberOfEmployees></sObjects></create>",
        f"<query><queryString>{'x' * 1_000_000}</queryString></query>",
    ],
)
def test_nonsense_is_refused(admin: Client, body: str) -> None:
    assert "UNKNOWN_EXCEPTION" not in send(admin, body)
