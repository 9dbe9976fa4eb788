"""What requests of each API do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.access.use.deeds import ApexCalled, Followed, Held, Selected, Touched, Written
from harness.access.use.exchange import Exchange

from .traffic import DATA, deeds, exchange, read

READ = frozenset({"read"})
CREATE, EDIT, DELETE = (frozenset({right}) for right in ("create", "edit", "delete"))
UPSERT = CREATE | EDIT
ID = "0018M000003uKweAAE"


def fields(*names: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(name.split(".")) for name in names)


# --- rows -------------------------------------------------------------------------------------------------------------


def test_queries() -> None:
    queried = Selected("Account", paths=fields("Id", "Name"))
    for path in ("query?q=SELECT+Id,Name+FROM+Account", "queryAll/?q=SELECT%20Id%2CName%20FROM%20Account"):
        assert deeds(exchange("GET", path)) == [queried]
    assert deeds(exchange("GET", "query/01gRh0000000001-2000")) == []


def test_an_answer_tells_the_types_behind_a_relationship() -> None:
    record = {"attributes": {"type": "Task"}, "What": {"attributes": {"type": "Order"}, "Name": "1"}, "Who": None}
    [query] = deeds(exchange("GET", "query?q=SELECT+What.Name+FROM+Task", answer={"records": [record]}))
    assert isinstance(query, Selected)
    assert query.seen == {(("What",), "Order")}


def test_searches() -> None:
    sosl = "search?q=FIND%20%7Ba%7D%20RETURNING%20Account(Name)"
    assert deeds(exchange("GET", sosl)) == [Selected("Account", paths=fields("Id", "Name"))]
    body = {"q": "a", "fields": ["Name"], "sobjects": [{"name": "Account", "fields": ["Id", "Site"]}, {"name": "Lead"}]}
    assert deeds(exchange("POST", "parameterizedSearch", body)) == [
        Selected("Account", paths=fields("Id", "Site")),
        Selected("Lead", paths=fields("Name")),
    ]
    assert deeds(exchange("GET", "parameterizedSearch?q=a&sobject=Lead&Lead.fields=Company,Email")) == [
        Selected("Lead", paths=fields("Company", "Email"))
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "sobjects", None, []),
        ("GET", "sobjects/Account", None, [Touched("Account", READ)]),
        ("GET", "sobjects/Account/describe", None, [Touched("Account", READ)]),
        ("GET", "sobjects/Account/updated/?start=a&end=b", None, [Touched("Account", READ)]),
        ("POST", "sobjects/Account", {"Name": "a"}, [Written("Account", CREATE, fields=fields("Name"))]),
        ("GET", f"sobjects/Account/{ID}?fields=Name,Site", None, [Selected("Account", paths=fields("Name", "Site"))]),
        ("GET", f"sobjects/Account/{ID}", None, [Selected("Account", every_field=True)]),
        ("PATCH", f"sobjects/Account/{ID}", {"Name": "a"}, [Written("Account", EDIT, fields=fields("Name"))]),
        ("DELETE", f"sobjects/Account/{ID}", None, [Written("Account", DELETE)]),
        (
            "GET",
            f"sobjects/Account/{ID}/Contacts?fields=Email",
            None,
            [Followed("Account", "Contacts", fields("Email"))],
        ),
        ("GET", f"sobjects/Attachment/{ID}/Body", None, [Followed("Attachment", "Body")]),
        (
            "PATCH",
            "sobjects/Account/Key__c/A-1",
            {"Name": "a"},
            [Written("Account", UPSERT, fields=fields("Name"), key="Key__c")],
        ),
        (
            "GET",
            "sobjects/Account/Key__c/A-1?fields=Name",
            None,
            [Selected("Account", paths=fields("Key__c")), Selected("Account", paths=fields("Name"))],
        ),
        (
            "DELETE",
            "sobjects/Account/Key__c/A-1",
            None,
            [Selected("Account", paths=fields("Key__c")), Written("Account", DELETE)],
        ),
        ("POST", "sobjects/Account/Id", {"Name": "a"}, [Written("Account", CREATE, fields=fields("Name"))]),
        (
            "POST",
            "sobjects/Order",
            {"Account": {"Key__c": "1"}, "OwnerId": "0058M000003uKweAAE", "RecordTypeId": "0128M000003uKweAAE"},
            [
                Written(
                    "Order",
                    CREATE,
                    fields=fields("Account.Key__c", "OwnerId", "RecordTypeId"),
                    ids=frozenset({("OwnerId", "005"), ("RecordTypeId", "0128M000003uKweAAE")}),
                )
            ],
        ),
        ("GET", "limits", None, []),
        ("GET", "", None, []),
        ("POST", "actions/custom/apex/Sync", {}, [ApexCalled(name="Sync")]),
        (
            "POST",
            "actions/custom/flow/Close_Order",
            {},
            [Held("setup", "FlowDefinition:Close_Order", firm=False), Held("system", "RunFlow", firm=False)],
        ),
        ("GET", "/services/apexrest/orders/v1/status?x=1", None, [ApexCalled(path="/orders/v1/status")]),
        ("POST", "/services/Soap/class/ns/Sync", b"<x/>", [ApexCalled(name="ns__Sync")]),
        ("POST", "/services/oauth2/token", b"password=hunter2", []),
    ],
)
def test_requests(method: str, path: str, body: Any, expected: list[Any]) -> None:
    assert deeds(exchange(method, path, body)) == expected


def test_a_file_is_created_by_a_form() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="entity_content"\r\nContent-Type: application/json\r\n\r\n'
        b'{"Title": "t", "PathOnClient": "a.pdf"}\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nPDF\r\n--b--'
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert deeds(exchange("POST", "sobjects/ContentVersion", body, headers=headers)) == [
        Written("ContentVersion", CREATE, fields=fields("Title", "PathOnClient"))
    ]


def test_composites_within_composites() -> None:
    inner = {
        "compositeRequest": [
            {
                "method": "POST",
                "url": "/services/data/v67.0/sobjects/Account",
                "referenceId": "a",
                "body": {"Name": "x"},
            },
            {"method": "PATCH", "url": "/services/data/v67.0/sobjects/Account/@{a.id}", "body": {"Site": "y"}},
        ]
    }
    graph = {"graphs": [{"graphId": "1", **inner}]}
    batch = {"batchRequests": [{"method": "POST", "url": "v67.0/composite/graph", "richInput": graph}]}
    expected = [
        Written("Account", CREATE, fields=fields("Name")),
        Written("Account", EDIT, fields=fields("Site")),
    ]
    assert deeds(exchange("POST", "composite", inner)) == expected
    assert deeds(exchange("POST", "composite/graph", graph)) == expected
    assert deeds(exchange("POST", "composite/batch", batch)) == expected


def test_the_parts_of_a_composite_have_their_own_answers() -> None:
    body = {"compositeRequest": [{"method": "GET", "url": "/services/data/v67.0/query?q=SELECT+What.Name+FROM+Task"}]}
    rows = {"records": [{"attributes": {"type": "Task"}, "What": {"attributes": {"type": "Case"}}}]}
    answer = {"compositeResponse": [{"body": rows, "httpStatusCode": 200}]}
    [query] = deeds(exchange("POST", "composite", body, answer))
    assert isinstance(query, Selected)
    assert query.seen == {(("What",), "Case")}


def test_one_part_that_is_not_understood_does_not_take_the_others_with_it() -> None:
    body = {
        "compositeRequest": [
            {"method": "GET", "url": "/services/data/v67.0/ui-api/apps"},
            {"method": "GET", "url": "/services/data/v67.0/sobjects/Lead"},
        ]
    }
    seen = read(exchange("POST", "composite", body))
    assert [use.deed for use in seen.uses] == [Touched("Lead", READ)]
    assert seen.unknown == ["t:1: in a composite: this tool does not read the resource ui-api"]


def test_collections() -> None:
    rows = [{"attributes": {"type": "Account"}, "Name": "a"}, {"attributes": {"type": "Lead"}, "Company": "b"}]
    assert deeds(exchange("POST", "composite/sobjects", {"records": rows})) == [
        Written("Account", CREATE, fields=fields("Name")),
        Written("Lead", CREATE, fields=fields("Company")),
    ]
    assert deeds(exchange("PATCH", "composite/sobjects/Account/Key__c", {"records": rows[:1]})) == [
        Written("Account", UPSERT, fields=fields("Name"), key="Key__c")
    ]
    assert deeds(exchange("DELETE", f"composite/sobjects?ids={ID},{ID}")) == [Written("id:001", DELETE)]
    asked = {"ids": [ID], "fields": ["Name"]}
    assert deeds(exchange("POST", "composite/sobjects/Account", asked)) == [Selected("Account", paths=fields("Name"))]


def test_a_tree() -> None:
    child = {"attributes": {"type": "Contact"}, "LastName": "b"}
    record = {"attributes": {"type": "Account"}, "Name": "a", "Contacts": {"records": [child]}}
    assert deeds(exchange("POST", "composite/tree/Account", {"records": [record]})) == [
        Written("Account", CREATE, fields=fields("Name")),
        Followed("Account", "Contacts", fields("Id"), written=True),
        Written("Contact", CREATE, fields=fields("LastName")),
    ]


# --- bulk -------------------------------------------------------------------------------------------------------------


def test_bulk_2() -> None:
    job = {"object": "Order", "operation": "upsert", "externalIdFieldName": "Key__c", "columnDelimiter": "SEMICOLON"}
    rows = b"Key__c;Account.ERP_Key__c;Lead:Who.X__c;Id\n1;2;3;4\n"
    assert deeds(
        exchange("POST", "jobs/ingest", job, {"id": "7508M000003uKweAAE"}),
        exchange("PUT", "jobs/ingest/7508M000003uKweAAE/batches", rows),
        exchange("PATCH", "jobs/ingest/7508M000003uKweAAE", {"state": "UploadComplete"}),
        exchange("GET", "jobs/ingest/7508M000003uKweAAE/successfulResults"),
    ) == [
        Written("Order", UPSERT, key="Key__c"),
        Written("Order", UPSERT, fields=fields("Key__c", "Account.ERP_Key__c", "Lead:Who.X__c"), key="Key__c"),
    ]
    query = {"operation": "query", "query": "SELECT Id FROM Lead"}
    assert deeds(exchange("POST", "jobs/query", query)) == [Selected("Lead", paths=fields("Id"))]
    hard = {"object": "Lead", "operation": "hardDelete"}
    assert deeds(exchange("POST", "jobs/ingest", hard)) == [
        Written("Lead", DELETE),
        Held("system", "BulkApiHardDelete"),
    ]


def test_bulk_1_in_xml_json_and_csv() -> None:
    info = (
        b'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>%s</operation>'
        b"<object>Lead</object><contentType>%s</contentType></jobInfo>"
    )
    told = b"<jobInfo><id>7508M000003uKwe</id></jobInfo>"
    path = "/services/async/67.0/job"

    def run(operation: bytes, kind: bytes, rows: bytes) -> list[Any]:
        return deeds(
            exchange("POST", path, info % (operation, kind), told),
            exchange("POST", f"{path}/7508M000003uKweAAE/batch", rows),
            exchange("POST", f"{path}/7508M000003uKwe", b"<jobInfo><state>Closed</state></jobInfo>"),
        )

    created = Written("Lead", CREATE)
    rows = Written("Lead", CREATE, fields=fields("Company", "Owner.Username"))
    assert run(b"insert", b"CSV", b"Company,Owner.Username\na,b") == [created, rows]
    assert run(b"insert", b"JSON", b'[{"Company": "a", "Owner": {"Username": "b"}}]') == [created, rows]
    xml = (
        b'<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload"><sObject><Company>a</Company>'
        b"<Owner><sObject><Username>b</Username></sObject></Owner></sObject></sObjects>"
    )
    assert run(b"insert", b"XML", xml) == [created, rows]
    assert run(b"query", b"CSV", b"SELECT Email FROM Lead") == [
        Touched("Lead", READ),
        Selected("Lead", paths=fields("Email")),
    ]


def test_rows_of_a_job_that_nobody_saw_created() -> None:
    seen = read(exchange("PUT", "jobs/ingest/7508M000003uKweAAE/batches", b"Name\na"))
    assert seen.unknown == ["t:1: the recording does not show how its bulk job was created"]


# --- SOAP -------------------------------------------------------------------------------------------------------------


def soap(call: str, namespace: str = "partner") -> Exchange:
    body = (
        f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:{namespace}.soap.sforce.com" '
        'xmlns:s="urn:sobject.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<e:Header><u:SessionHeader><u:sessionId>00Dxx!secret</u:sessionId></u:SessionHeader></e:Header>"
        f"<e:Body>{call}</e:Body></e:Envelope>"
    )
    return exchange("POST", f"/services/Soap/{namespace[0].replace('p', 'u').replace('e', 'c')}/67.0", body.encode())


PARTNER_ROW = (
    "<u:sObjects><s:type>Order</s:type><s:fieldsToNull>PoNumber</s:fieldsToNull><s:Id>8018M000003uKwe</s:Id>"
    "<s:Status>Draft</s:Status><s:Account><s:type>Account</s:type><s:Key__c>1</s:Key__c></s:Account></u:sObjects>"
)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            "<u:query><u:queryString>SELECT Id FROM Lead</u:queryString></u:query>",
            [Selected("Lead", paths=fields("Id"))],
        ),
        (
            f"<u:update>{PARTNER_ROW}</u:update>",
            [Written("Order", EDIT, fields=fields("PoNumber", "Status", "Account.Key__c"))],
        ),
        (
            f"<u:upsert><u:externalIDFieldName>Key__c</u:externalIDFieldName>{PARTNER_ROW}</u:upsert>",
            [Written("Order", UPSERT, fields=fields("PoNumber", "Status", "Account.Key__c"), key="Key__c")],
        ),
        (
            '<u:create><u:sObjects xsi:type="s:Lead"><s:Company>a</s:Company></u:sObjects></u:create>',
            [Written("Lead", CREATE, fields=fields("Company"))],
        ),
        ("<u:delete><u:ids>0018M000003uKwe</u:ids></u:delete>", [Written("id:001", DELETE)]),
        (
            "<u:retrieve><u:fieldList>Id, Owner.Name</u:fieldList><u:sObjectType>Lead</u:sObjectType></u:retrieve>",
            [Selected("Lead", paths=fields("Id", "Owner.Name"))],
        ),
        ("<u:describeSObject><u:sObjectType>Lead</u:sObjectType></u:describeSObject>", [Touched("Lead", READ)]),
        ("<u:login><u:username>a</u:username><u:password>hunter2</u:password></u:login>", []),
        ("<u:queryMore><u:queryLocator>x</u:queryLocator></u:queryMore>", []),
    ],
)
def test_soap(call: str, expected: list[Any]) -> None:
    assert deeds(soap(call)) == expected
    assert deeds(soap(call, "enterprise")) == expected


# --- what is not understood -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (exchange("GET", "ui-api/apps"), "this tool does not read the resource ui-api"),
        (exchange("GET", "query"), "it has no parameter q"),
        (exchange("POST", "sobjects/Account", b"secret=hunter2"), "its body is not JSON"),
        (exchange("POST", "sobjects/Account", [1]), "its body is no row"),
        (exchange("POST", "composite", {"compositeRequest": 5}), "its body has no list compositeRequest"),
        (exchange("POST", "composite", b"[" * 100_000), "its body is not JSON"),
        (exchange("POST", "/services/Soap/u/67.0", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), "not XML"),
        (exchange("POST", "/services/Soap/u/67.0", b"<a>" * 500 + b"</a>" * 500), "nested"),
        (exchange("POST", "/services/Soap/u/67.0", b"<a/>"), "a SOAP envelope without a call"),
        (exchange("GET", "https://evil.example/x"), "it is no request to an API of Salesforce that this tool knows"),
        (exchange("GET", "http://[::1"), "its URL is none"),
        (exchange("POST", "jobs/ingest", {"object": "A", "operation": "explode"}), "an operation that this tool"),
    ],
)
def test_what_is_not_understood_is_named_without_its_body(given: Exchange, reason: str) -> None:
    seen = read(given)
    [said] = seen.unknown
    assert said.startswith("t:1: ")
    assert reason in said
    assert "hunter2" not in said
    assert seen.uses == []


def test_apis_for_setup_are_blind_spots() -> None:
    seen = read(
        exchange("GET", "tooling/query?q=x"), exchange("POST", "/services/Soap/m/67.0"), exchange("POST", "metadata/x")
    )
    assert (seen.uses, seen.unknown) == ([], [])
    assert len(seen.blind) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "records",
                    "attributes",
                    "type",
                    "compositeRequest",
                    "graphs",
                    "batchRequests",
                    "url",
                    "body",
                    "object",
                    "operation",
                    "Name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
PATHS = st.sampled_from(
    [
        *(
            "query?q=SELECT+Id+FROM+A",
            "sobjects/A",
            f"sobjects/A/{ID}",
            "sobjects/A/K__c/1",
            "composite",
            "composite/batch",
        ),
        *("composite/graph", "composite/tree/A", "composite/sobjects", "composite/sobjects/A/K__c", "jobs/ingest"),
        *("jobs/query", "parameterizedSearch", "search?q=FIND", "actions/custom/apex", "/services/async/67.0/job"),
        *("/services/Soap/u/67.0", "jobs/ingest/7508M000003uKweAAE/batches", "sobjects/A/describe/x"),
    ]
)


@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "WHAT"]),
    path=PATHS,
    body=JSON | st.binary(max_size=60),
    answer=JSON,
)
def test_no_request_does_anything_but_be_read_or_not(method: str, path: str, body: Any, answer: Any) -> None:
    job = exchange("POST", "jobs/ingest", {"object": "A", "operation": "insert"}, {"id": "7508M000003uKweAAE"})
    seen = read(job, exchange(method, path, body, answer))
    assert all(said.startswith("t:2: ") for said in seen.unknown)


@given(path=st.text(max_size=60))
def test_no_path_does_either(path: str) -> None:
    read(exchange("GET", f"{DATA}/{path}"), exchange("POST", f"/services/{path}", {"a": 1}))
