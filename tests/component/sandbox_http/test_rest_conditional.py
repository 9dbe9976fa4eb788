"""Conditional requests: descriptions that did not change are not sent again, rows that did are not written."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg

from .conftest import API, Client, give_objects

DESCRIBES = ("sobjects", "sobjects/Account/describe", "tooling/sobjects")


def moved(response: Any, **by: float) -> str:
    """The date of change of an answer, some time later or earlier."""
    moment = parsedate_to_datetime(response.headers["Last-Modified"])
    return format_datetime(moment + timedelta(**by), usegmt=True)


@pytest.mark.parametrize("path", DESCRIBES)
def test_a_description_that_is_known_is_not_sent_again(admin: Client, path: str) -> None:
    whole = admin.get(path)
    assert re.fullmatch(r'"[0-9a-f]{8}--gzip"', whole.headers["ETag"])
    for headers in (
        {"If-None-Match": whole.headers["ETag"]},
        {"If-None-Match": whole.headers["ETag"].replace("--gzip", "")},
        {"If-Modified-Since": whole.headers["Last-Modified"]},
        {"If-Modified-Since": moved(whole, days=300)},
    ):
        again = admin.get(path, headers=headers)
        assert (again.status_code, again.content) == (304, b""), headers
        assert again.headers["ETag"] == whole.headers["ETag"]
    for headers in (
        {"If-None-Match": '"00000000"'},
        {"If-Modified-Since": moved(whole, seconds=-1)},
        {"If-Modified-Since": "yesterday"},
        {"If-None-Match": '"x"', "If-Modified-Since": moved(whole, days=1)},
    ):
        assert admin.get(path, headers=headers).status_code == 200, headers
    assert admin.get(path, headers={"If-Unmodified-Since": moved(whole, days=1)}).status_code == 200
    refused = admin.get(path, headers={"If-Unmodified-Since": moved(whole, seconds=-1)})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (412, "PRECONDITION_FAILED")


def test_any_change_of_permissions_makes_descriptions_new(
    org: SandboxOrg, admin: Client, erp: Client, user_ids: dict[str, str]
) -> None:
    def known() -> dict[str, str]:
        return {"If-Modified-Since": erp.get("sobjects/Account/describe").headers["Last-Modified"]}

    seen_by_admin = org.rows("User", Id=user_ids["admin"])[0]["ProfileId"]
    give_objects(org, seen_by_admin, "Account", fields=("Account.Secret__c",))
    profile = org.rows("User", Id=user_ids["erp"])[0]["ProfileId"]
    owned = org.rows("PermissionSet", ProfileId=profile)[0]["Id"]
    headers = known()
    field = {"ParentId": owned, "SobjectType": "Account", "Field": "Account.Secret__c", "PermissionsRead": True}
    made = admin.post("sobjects/FieldPermissions", field)
    assert made.status_code == 201, made.text
    changed = erp.get("sobjects/Account/describe", headers=headers)
    assert changed.status_code == 200
    assert "Secret__c" in {one["name"] for one in changed.json()["fields"]}
    headers = known()
    assert erp.get("sobjects/Account/describe", headers=headers).status_code == 304
    admin.post("sobjects/Account", {"Name": "A row changes nothing"})
    assert erp.get("sobjects/Account/describe", headers=headers).status_code == 304
    gone = admin.ask("DELETE", f"sobjects/FieldPermissions/{made.json()['id']}")
    assert gone.status_code == 204, gone.text
    assert erp.get("sobjects/Account/describe", headers=headers).status_code == 200
    headers = known()
    org.schema_changed()
    assert erp.get("sobjects/Account/describe", headers=headers).status_code == 200


def test_users_have_tags_of_their_own(admin: Client, erp: Client) -> None:
    tags = [client.get("sobjects").headers["ETag"] for client in (admin, erp)]
    assert tags[0] != tags[1]


def test_parts_of_a_composite_are_conditional_too(erp: Client) -> None:
    since = erp.get("sobjects").headers["Last-Modified"]
    parts = [
        {"method": "GET", "url": f"{API}/sobjects", "referenceId": "a", "httpHeaders": {"If-Modified-Since": since}},
        {"method": "GET", "url": f"{API}/sobjects", "referenceId": "b"},
    ]
    first, second = erp.post("composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert (first["httpStatusCode"], first["body"]) == (304, None)
    assert list(first["httpHeaders"]) == ["ETag", "Last-Modified"]
    assert re.fullmatch(r'"[0-9a-f]{8}"', first["httpHeaders"]["ETag"])
    assert second["httpStatusCode"] == 200


def test_a_row_that_is_known_is_not_sent_again(org: SandboxOrg, erp: Client) -> None:
    key = erp.post("sobjects/Account", {"Name": "A"}).json()["id"]
    path = f"sobjects/Account/{key}"
    row = erp.get(path)
    tag = row.headers["ETag"]
    assert erp.get(path, headers={"If-None-Match": f'"x", {tag}'}).status_code == 304
    assert erp.get(path, headers={"If-Modified-Since": row.headers["Last-Modified"]}).status_code == 304
    assert erp.get(path, headers={"If-Match": '"x"'}).status_code == 412
    assert erp.get(path, headers={"If-Match": f'"x", {tag}'}).status_code == 200
    org.clock.advance(5)
    assert erp.ask("PATCH", path, json={"Name": "B"}, headers={"If-Match": tag}).status_code == 204
    assert erp.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert erp.get(path, headers={"If-Modified-Since": row.headers["Last-Modified"]}).status_code == 200
    late = {"If-Match": tag}
    refused = erp.ask("PATCH", path, json={"Name": "C"}, headers=late)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (412, "PRECONDITION_FAILED")
    since = {"If-Unmodified-Since": row.headers["Last-Modified"]}
    assert erp.ask("PATCH", path, json={"Name": "C"}, headers=since).status_code == 412
    assert org.rows("Account")[0]["Name"] == "B"
    assert erp.ask("DELETE", path, headers=since).status_code == 204


def test_only_accounts_have_tags(erp: Client) -> None:
    key = erp.post("sobjects/Contact", {"LastName": "Doe"}).json()["id"]
    row = erp.get(f"sobjects/Contact/{key}")
    assert "ETag" not in row.headers
    assert erp.get(f"sobjects/Contact/{key}", headers={"If-None-Match": '"x"', "If-Match": '"y"'}).status_code == 200
    since = {"If-Modified-Since": row.headers["Last-Modified"]}
    assert erp.get(f"sobjects/Contact/{key}", headers=since).status_code == 304


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "If-Unmodified-Since"])
def test_a_write_with_a_header_that_is_none(erp: Client, name: str) -> None:
    key = erp.post("sobjects/Account", {"Name": "A"}).json()["id"]
    response = erp.ask("PATCH", f"sobjects/Account/{key}", json={"Name": "B"}, headers={name: "nonsense"})
    assert response.status_code == 400
