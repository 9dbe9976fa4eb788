"""Sharing over REST: shares are rows like others, and access to rows can be asked for."""

from __future__ import annotations

import pytest

from harness.sandbox.org import SandboxOrg

from .conftest import Client


@pytest.fixture
def account(org: SandboxOrg, user_ids: dict[str, str]) -> str:
    """A private account of the admin's."""
    sobject = org.schema.get("Account")
    assert sobject is not None
    sobject.sharing = "Private"
    org.schema_changed()
    return org.insert_row("Account", {"Name": "Acme", "OwnerId": user_ids["admin"]})


def test_a_share_opens_a_row_and_closes_it_again(
    admin: Client, erp: Client, account: str, user_ids: dict[str, str]
) -> None:
    row = f"sobjects/Account/{account}"
    assert erp.get(row).status_code == 404
    refused = erp.ask("PATCH", row, json={"Name": "x"})
    assert (refused.status_code, refused.json()) == (
        400,
        [
            {
                "message": f"insufficient access rights on cross-reference id: {account[:15]}",
                "errorCode": "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                "fields": [],
            }
        ],
    )
    values = {"AccountId": account, "UserOrGroupId": user_ids["erp"], "AccountAccessLevel": "Read"}
    made = admin.post("sobjects/AccountShare", values)
    assert made.status_code == 201, made.text
    share = made.json()["id"]
    assert share.startswith("00r")
    assert admin.get(f"sobjects/AccountShare/{share}").json()["RowCause"] == "Manual"
    assert erp.get(row).json()["Name"] == "Acme"
    refused = erp.ask("PATCH", row, json={"Name": "x"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert admin.ask("PATCH", f"sobjects/AccountShare/{share}", json={"AccountAccessLevel": "Edit"}).status_code == 204
    assert erp.ask("PATCH", row, json={"Name": "Theirs"}).status_code == 204
    assert admin.ask("DELETE", f"sobjects/AccountShare/{share}").status_code == 204
    assert erp.get(row).status_code == 404


def test_access_to_rows_can_be_asked_for(admin: Client, account: str, user_ids: dict[str, str]) -> None:
    where = f"WHERE UserId = '{user_ids['erp']}' AND RecordId = '{account}'"
    (row,) = admin.query(f"SELECT RecordId, HasReadAccess, MaxAccessLevel FROM UserRecordAccess {where}")
    assert {name: value for name, value in row.items() if name != "attributes"} == {
        "RecordId": account,
        "HasReadAccess": False,
        "MaxAccessLevel": "None",
    }
    assert row["attributes"]["type"] == "UserRecordAccess"
    refused = admin.get("query", params={"q": f"SELECT UserId FROM UserRecordAccess {where}"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
