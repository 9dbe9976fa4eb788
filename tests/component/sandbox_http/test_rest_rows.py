"""Rows one by one: ids and keys, relationships, binary fields, what was used, changed and deleted last."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Field

from .conftest import API, Client

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def make_account(client: Client, **values: Any) -> str:
    made = client.post("sobjects/Account", {"Name": "Acme", **values})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def make_contact(client: Client, account_id: str | None, name: str = "Doe") -> str:
    return str(client.post("sobjects/Contact", {"LastName": name, "AccountId": account_id}).json()["id"])


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()[0]["errorCode"]


def test_short_and_long_ids_are_the_same_row(erp: Client) -> None:
    key = make_account(erp)
    for given in (key, key[:15], key[:15] + key[15:].lower()):
        row = erp.get(f"sobjects/account/{given}", params={"fields": "name"}).json()
        assert row == {
            "attributes": {"type": "Account", "url": f"{API}/sobjects/Account/{key}"},
            "Name": "Acme",
            "Id": key,
        }


def test_double_slashes_lead_to_the_same_place(erp: Client) -> None:
    key = make_account(erp)
    for path in (f"//services/data//v67.0/sobjects//Account/{key}", f"/services//data/v67.0//sobjects/Account/{key}/"):
        assert erp.get(path).json()["Id"] == key, path


def test_an_address_in_full_and_a_slash_at_its_end_lead_to_the_same_place(erp: Client) -> None:
    """RFC 9112, "Absolute-form": what clients send that believe to speak with a proxy."""
    key = make_account(erp)
    line = HTTPConnection(erp.url.removeprefix("http://"), timeout=10)
    try:
        line.request("GET", f"{erp.url}{API}/sobjects/Account/{key}", headers={"Authorization": f"Bearer {erp.token}"})
        answer = line.getresponse()
        assert (answer.status, json.loads(answer.read())["Id"]) == (200, key)
    finally:
        line.close()
    refused = erp.ask("POST", "/services/oauth2/token/", data={"grant_type": "x"}, allow_redirects=False)
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


def test_head_tells_what_get_would(erp: Client) -> None:
    key = make_account(erp, ERP_Key__c="K1")
    for path in (f"sobjects/Account/{key}", "sobjects/Account/ERP_Key__c/K1"):
        head, whole = erp.ask("HEAD", path), erp.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Last-Modified"] == whole.headers["Last-Modified"]


@pytest.mark.parametrize(("method", "status"), [("PATCH", 204), ("DELETE", 204), ("patch", 405), ("PUT", 405)])
def test_a_post_may_stand_for_another_method(erp: Client, method: str, status: int) -> None:
    key = make_account(erp)
    assert erp.post(f"sobjects/Account/{key}?_HttpMethod={method}", {"Name": "B"}).status_code == status
    assert erp.ask("PATCH", f"sobjects/Account/{key}?_HttpMethod=DELETE", json={}).status_code in (204, 404)


def test_a_verb_that_a_row_has_not(erp: Client) -> None:
    response = erp.post(f"sobjects/Account/{make_account(erp)}", {})
    assert code(response) == (405, "METHOD_NOT_ALLOWED")
    assert response.json()[0]["message"] == "HTTP Method 'POST' not allowed. Allowed are HEAD,GET,PATCH,DELETE"


def test_several_rows_of_one_key_are_named_and_left_alone(org: SandboxOrg, admin: Client) -> None:
    account = org.schema.get("Account")
    assert account is not None
    account.add(
        Field("Old_Key__c", "string", "Old Key", length=40, custom=True, external_id=True, permissionable=False)
    )
    org.schema_changed()
    keys = [make_account(admin, Old_Key__c="same") for _ in range(2)]
    path = "sobjects/Account/Old_Key__c/same"
    for response in (admin.get(path), admin.ask("PATCH", path, json={"Name": "B"}), admin.ask("DELETE", path)):
        assert response.status_code == 300
        assert response.json() == [f"{API}/sobjects/Account/{key}" for key in keys]
    assert {row["Name"] for row in org.rows("Account")} == {"Acme"}


def test_rows_by_key_are_read_and_deleted(org: SandboxOrg, erp: Client) -> None:
    key = make_account(erp, ERP_Key__c="a b/ü")
    path = "sobjects/Account/erp_key__c/a%20b%2F%C3%BC"
    assert erp.get(path).json()["Id"] == key
    assert erp.get(f"sobjects/Account/Id/{key}").json()["Id"] == key
    assert erp.ask("DELETE", path).status_code == 204
    assert erp.get(path).json() == NOT_FOUND
    assert org.rows("Account") == []
    for field in ("Name", "Nothing__c", "Secret__c"):
        message = f"Provided external ID field does not exist or is not accessible: {field}"
        assert erp.get(f"sobjects/Account/{field}/x").json() == [{"errorCode": "NOT_FOUND", "message": message}]


def test_upserts_of_old_versions_say_less(erp: Client) -> None:
    path = "/services/data/v45.0/sobjects/Account/ERP_Key__c/K1"
    made = erp.ask("PATCH", path, json={"Name": "A"})
    assert (made.status_code, list(made.json())) == (201, ["id", "success", "errors"])
    changed = erp.ask("PATCH", path, json={"Name": "B"})
    assert (changed.status_code, changed.content) == (204, b"")


def test_a_row_may_be_made_by_its_id_which_it_has_not(erp: Client) -> None:
    made = erp.post("sobjects/Account/Id", {"Name": "A"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    assert erp.get("sobjects/Account/Id").json() == NOT_FOUND
    changed = erp.ask("PATCH", f"sobjects/Account/Id/{made.json()['id']}", json={"Name": "B"})
    assert (changed.status_code, changed.json()["created"]) == (200, False)


def test_relationships_lead_to_parents(erp: Client, user_ids: dict[str, str]) -> None:
    account = make_account(erp)
    contact = make_contact(erp, account)
    parent = erp.get(f"sobjects/Contact/{contact}/Account", params={"fields": "Name"}).json()
    assert (parent["attributes"]["type"], parent["Id"], parent["Name"]) == ("Account", account, "Acme")
    owner = erp.get(f"sobjects/Contact/{contact}/Account/Owner", params={"fields": "Username"}).json()
    assert owner["Id"] == user_ids["erp"]
    assert erp.ask("PATCH", f"sobjects/Contact/{contact}/Account", json={"Name": "B"}).status_code == 204
    assert erp.get(f"sobjects/Account/{account}").json()["Name"] == "B"
    orphan = make_contact(erp, None)
    assert erp.get(f"sobjects/Contact/{orphan}/Account").json() == NOT_FOUND
    assert erp.ask("DELETE", f"sobjects/Contact/{contact}/Account").status_code == 204
    assert erp.get(f"sobjects/Account/{account}").status_code == 404


def test_relationships_lead_to_children(erp: Client) -> None:
    account = make_account(erp)
    path = f"sobjects/Account/{account}/Contacts"
    assert erp.get(path).json() == {"totalSize": 0, "done": True, "records": []}
    names = ["Abel", "Bebel"]
    for name in names:
        make_contact(erp, account, name)
    found = erp.get(path, params={"fields": "LastName"}).json()
    assert [list(row) for row in found["records"]] == [["attributes", "LastName"]] * 2
    assert [row["LastName"] for row in found["records"]] == names
    assert "FirstName" in erp.get(path).json()["records"][0]
    assert code(erp.get(path, params={"fields": "Nothing__c"})) == (400, "INVALID_FIELD")
    assert code(erp.get(path, params={"fields": "Id FROM Account"})) == (400, "INVALID_FIELD")
    assert code(erp.ask("DELETE", path)) == (405, "METHOD_NOT_ALLOWED")
    for lost in (f"{path}/Account", f"sobjects/Account/{account}/Opportunities", f"sobjects/Account/{account}/Nothing"):
        assert erp.get(lost).json() == NOT_FOUND, lost


def multipart(fields: bytes, content: bytes, *, kind: str = "application/json", end: bytes = b"--") -> bytes:
    return (
        b'--xyz\r\nContent-Disposition: form-data; name="entity_attachment"\r\nContent-Type: '
        + kind.encode()
        + b"\r\n\r\n"
        + fields
        + b'\r\n--xyz\r\nContent-Disposition: form-data; name="Body"; filename="a.bin"\r\n'
        + b"Content-Type: application/octet-stream\r\n\r\n"
        + content
        + b"\r\n--xyz"
        + end
        + b"\r\n"
    )


def test_a_blob_comes_in_parts_and_goes_out_as_bytes(admin: Client) -> None:
    account = make_account(admin)
    content = b"\x00\r\n\xff--xyz? \r\n\r\n"
    fields = b'{"Name": "a.bin", "ParentId": "%s"}' % account.encode()
    headers = {"Content-Type": 'multipart/form-data; boundary="xyz"'}
    made = admin.ask("POST", "sobjects/Attachment", data=multipart(fields, content), headers=headers)
    assert made.status_code == 201, made.text
    path = f"sobjects/Attachment/{made.json()['id']}"
    sent = admin.get(f"{path}/Body")
    assert (sent.content, sent.headers["Content-Type"]) == (content, "application/octetstream")
    assert admin.get(path).json()["Body"] == f"{API}/{path}/Body"
    changed = multipart(b'{"Description": "x"}', b"second")
    assert admin.ask("PATCH", path, data=changed, headers=headers).status_code == 204
    assert admin.get(f"{path}/body").content == b"second"
    encoded = {"Body": base64.b64encode(b"third").decode()}
    assert admin.ask("PATCH", path, json=encoded).status_code == 204
    assert admin.get(f"{path}/Body").content == b"third"
    assert admin.get(f"{path}/Name").json() == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "multipart/form-data; boundary=xyz", (400, "INVALID_MULTIPART_REQUEST")),
        (b"--xyz\r\n", "multipart/form-data", (400, "INVALID_MULTIPART_REQUEST")),
        (multipart(b"{}", b"x", end=b""), "multipart/form-data; boundary=xyz", (400, "INVALID_MULTIPART_REQUEST")),
        (b"--xyz\r\n\r\nx\r\n--xyz--", "multipart/form-data; boundary=xyz", (400, "JSON_PARSER_ERROR")),
        (multipart(b"{", b"x"), "multipart/form-data; boundary=xyz", (400, "JSON_PARSER_ERROR")),
        (multipart(b"{}", b"x", kind="a/b"), "multipart/form-data; boundary=xyz", (415, "UNSUPPORTED_MEDIA_TYPE")),
        (multipart(b"{}", b"x"), "multipart/related; boundary=xyz", (415, "UNSUPPORTED_MEDIA_TYPE")),
        (b"a=b", "application/x-www-form-urlencoded", (415, "UNSUPPORTED_MEDIA_TYPE")),
    ],
)
def test_bodies_of_the_wrong_kind(admin: Client, body: bytes, content_type: str, expected: tuple[int, str]) -> None:
    response = admin.ask("POST", "sobjects/Attachment", data=body, headers={"Content-Type": content_type})
    assert code(response) == expected
    if expected[0] == 415 and "related" in content_type:
        assert response.json()[0]["message"] == "MediaType of 'multipart/related' is not supported by this resource"


def test_what_changed_in_a_time(org: SandboxOrg, erp: Client) -> None:
    before = org.clock.peek() - timedelta(minutes=5)
    kept, gone = make_account(erp), make_account(erp)
    org.clock.advance(300)
    assert erp.ask("DELETE", f"sobjects/Account/{gone}").status_code == 204
    times = {"start": f"{before:%Y-%m-%dT%H:%M:%SZ}", "end": f"{before + timedelta(hours=1):%Y-%m-%dT%H:%M:%S+00:00}"}
    updated = erp.get("sobjects/Account/updated/", params=times).json()
    assert updated == {"ids": [kept], "latestDateCovered": f"{before + timedelta(hours=1):%Y-%m-%dT%H:%M}:00.000+0000"}
    deleted = erp.get("sobjects/Account/deleted", params=times).json()
    assert list(deleted) == ["deletedRecords", "earliestDateAvailable", "latestDateCovered"]
    assert [row["id"] for row in deleted["deletedRecords"]] == [gone]
    assert deleted["deletedRecords"][0]["deletedDate"] > updated["latestDateCovered"][:10]
    late = {"start": f"{org.clock.peek():%Y-%m-%dT%H:%M:%SZ}", "end": f"{org.clock.peek():%Y}-12-31T00:00:00Z"}
    assert erp.get("sobjects/Account/deleted", params=late).json()["deletedRecords"][0]["id"] == gone


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("", "2026-01-05T10:00:00Z", "start not specified"),
        ("2025-11-05T10:00:00Z", "2026-01-05T10:00:00Z", "startDate cannot be more than 30 days ago"),
        (
            "2026-01-05T10:00:10Z",
            "2026-01-05T10:00:50Z",
            "endDate must be at least one minute greater than startDate",
        ),
        ("yesterday", "2026-01-05T10:00:00Z", "startDate is not a valid dateTime: yesterday"),
        ("0001-01-01T00:00:00+23:00", "2026-01-05T10:00:00Z", "startDate is not a valid dateTime"),
    ],
)
def test_times_that_cannot_be_replicated(erp: Client, start: str, end: str, expected: str) -> None:
    response = erp.get("sobjects/Account/updated", params={"start": start, "end": end})
    assert response.status_code == 400
    assert response.json()[0]["message"].startswith(expected)


def test_recent_items_are_what_one_user_has_used(admin: Client, erp: Client) -> None:
    first, second = make_account(erp), make_account(erp, Name="Second")
    unseen = erp.post("sobjects/Account", {"Name": "Third"}, headers={"Sforce-Mru": "updateMru=false"}).json()["id"]
    contact = make_contact(erp, None)
    erp.get(f"sobjects/Account/{first[:15]}")
    items = erp.get("sobjects/Account").json()["recentItems"]
    assert [item["Id"] for item in items] == [first, second]
    assert list(items[0]) == ["attributes", "Id", "Name"]
    assert [item["Id"] for item in erp.get("recent").json()] == [first, contact, second]
    assert [item["Id"] for item in erp.get("recent", params={"limit": "1"}).json()] == [first]
    assert admin.get("recent").json() == []
    erp.ask("DELETE", f"sobjects/Account/{first}")
    assert unseen not in [item["Id"] for item in erp.get("recent").json()]
    assert erp.get("recent", params={"limit": "many"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["sobjects/Account/listviews", "sobjects/Account/describe/layouts", "chatter/users/me"]
)
def test_what_is_not_simulated_is_not_there(erp: Client, path: str) -> None:
    assert erp.get(path).json() == NOT_FOUND


def test_resources_come_with_their_version(erp: Client) -> None:
    assert erp.post("/services/data/v49.0/composite/graph", {}).json() == NOT_FOUND
    assert "tokenizer" not in erp.get("/services/data/v43.0").json()
    assert list(erp.get("").json())[:3] == ["tooling", "metadata", "eclair"]
    assert erp.get("composite").json()["graph"] == f"{API}/composite/graph"


def test_a_profile_of_the_tooling_api_comes_with_its_metadata(org: SandboxOrg, admin: Client) -> None:
    [profile] = org.rows("Profile", Name="ERP Integration")
    row = admin.get(f"tooling/sobjects/Profile/{profile['Id']}").json()
    assert list(row)[-2:] == ["Metadata", "FullName"]
    assert row["FullName"] == "ERP Integration"
    assert row["Metadata"]["userLicense"] == "Salesforce"
    assert "Metadata" not in admin.get(f"sobjects/Profile/{profile['Id']}").json()


def test_a_field_is_there_from_its_version_on(admin: Client) -> None:
    made = admin.post("sobjects/PermissionSet", {"Name": "P", "Label": "P"}).json()["id"]
    values = {"ParentId": made, "SobjectType": "Account", "PermissionsRead": True, "PermissionsViewAllFields": True}
    soql = {"q": f"SELECT PermissionsViewAllFields FROM ObjectPermissions WHERE ParentId = '{made}'"}
    old, new = "/services/data/v62.0", "/services/data/v63.0"
    [error] = admin.post(f"{old}/sobjects/ObjectPermissions", values).json()
    assert error["message"] == "No such column 'PermissionsViewAllFields' on sobject of type ObjectPermissions"
    assert admin.post(f"{new}/sobjects/ObjectPermissions", values).status_code == 201
    assert admin.get(f"{old}/query", params=soql).json()[0]["errorCode"] == "INVALID_FIELD"
    assert admin.get(f"{new}/query", params=soql).json()["records"][0]["PermissionsViewAllFields"] is True
    assigned = {"q": "SELECT IsActive FROM PermissionSetAssignment LIMIT 1"}
    assert [admin.get(f"/services/data/v{one}.0/query", params=assigned).status_code for one in (51, 52)] == [400, 200]
    for version, there in ((old, False), (new, True), (API, True)):
        fields = admin.get(f"{version}/sobjects/ObjectPermissions/describe").json()["fields"]
        assert ("PermissionsViewAllFields" in {one["name"] for one in fields}) is there
    parts = [{"method": "GET", "url": f"{one}/query?q={soql['q'].replace(' ', '+')}"} for one in ("v60.0", "v66.0")]
    answers = admin.post("composite/batch", {"batchRequests": parts}).json()["results"]
    assert [one["statusCode"] for one in answers] == [400, 200]


def test_rows_of_the_tooling_api(admin: Client) -> None:
    entries = admin.get("tooling/sobjects").json()["sobjects"]
    assert {"PermissionSet", "EntityDefinition", "PermissionDependency"} <= {entry["name"] for entry in entries}
    assert "Account" not in {entry["name"] for entry in entries}
    made = admin.post("tooling/sobjects/PermissionSet", {"Name": "P", "Label": "P"})
    assert made.status_code == 201, made.text
    assert list(made.json()) == ["id", "success", "errors", "warnings", "infos"]
    path = made.headers["Location"]
    assert path == f"{API}/tooling/sobjects/PermissionSet/{made.json()['id']}"
    row = admin.get(path, params={"fields": "Name"}).json()
    assert row == {"attributes": {"type": "PermissionSet", "url": path}, "Name": "P"}
    assert list(admin.get(path, params={"fields": "FullName"}).json()) == ["attributes", "FullName"]
    assert not {"Metadata", "FullName"} & admin.get(path).json().keys()
    assert admin.ask("PATCH", path, json={"Label": "Q"}).status_code == 204
    described = admin.get("tooling/sobjects/PermissionSet/describe").json()
    assert described["urls"]["sobject"] == f"{API}/tooling/sobjects/PermissionSet"
    assert admin.ask("DELETE", path).status_code == 204
    assert admin.get("tooling").json()["query"] == f"{API}/tooling/query"
    assert admin.get("tooling/sobjects/Account/describe").json() == NOT_FOUND
    assert admin.post("tooling/sobjects/SetupEntityAccess", {"ParentId": "0PS000000000001"}).json() == NOT_FOUND
    assert "SetupEntityAccess" not in {entry["name"] for entry in entries}
    assert admin.get("tooling/sobjects/PermissionSet").json()["objectDescribe"]["name"] == "PermissionSet"
