"""An integration user, made by hand the way the guides say, with the mistakes that people make on the way.

Salesforce Help, "Give Integration Users API Only Access": a user of the license Salesforce Integration, the permission
set license Salesforce API Integration, and a permission set, in that order.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

from harness.sandbox import apps
from harness.sandbox.server import SandboxServer

USERNAME = "erp.integration@acme.example"
PASSWORD = "walk-Through-1"
ACCOUNTS = "SELECT Id, Name FROM Account LIMIT 5"


@pytest.fixture
def admin(tls_server: SandboxServer, https: requests.Session) -> Salesforce:
    return sign_in(tls_server, https, **dict(tls_server.ready.users["admin"]))


def sign_in(
    tls_server: SandboxServer, https: requests.Session, *, username: str, password: str, security_token: str = ""
) -> Salesforce:
    """A session by the username-password flow, as the library makes it."""
    app = tls_server.ready.apps[apps.ADMIN_APP]
    keys = {"consumer_key": app["consumer_key"], "consumer_secret": app["consumer_secret"]}
    secret = password + security_token
    return Salesforce(username=username, password=secret, domain="test", session=https, version="67.0", **keys)


def one(sf: Salesforce, soql: str) -> dict[str, Any]:
    found: dict[str, Any] = sf.query(soql)["records"][0]
    return found


def refusal(refused: pytest.ExceptionInfo[SalesforceMalformedRequest]) -> tuple[str, str]:
    [error] = refused.value.content
    return error["errorCode"], error["message"]


def test_an_integration_user_is_made_by_hand(
    tls_server: SandboxServer, https: requests.Session, admin: Salesforce
) -> None:
    # 1. The user: a profile of the Salesforce Integration license, and a password.
    profile = one(admin, "SELECT Id FROM Profile WHERE UserLicense.Name = 'Salesforce Integration'")
    values = {
        "Username": USERNAME,
        "LastName": "ERP Integration",
        "Alias": "erpint",
        "Email": USERNAME,
        "ProfileId": profile["Id"],
        "TimeZoneSidKey": "Europe/Berlin",
        "LocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
    }
    user = admin.User.create(values)["id"]
    admin.set_password(user, PASSWORD)
    erp = sign_in(tls_server, https, username=USERNAME, password=PASSWORD)

    # 2. Without a permission set nothing is there, in the words that an unknown object gets.
    with pytest.raises(SalesforceMalformedRequest) as unseen:
        erp.query(ACCOUNTS)
    code, message = refusal(unseen)
    assert code == "INVALID_TYPE"
    assert message.endswith(
        "\nERROR at Row:1:Column:22\nsObject type 'Account' is not supported. If you are attempting to use a custom "
        "object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call "
        "for the appropriate names."
    )

    # 3. A permission set; assigned before its license it is refused, and the first permission is named.
    readers = admin.PermissionSet.create({"Name": "Account_Readers", "Label": "Account Readers"})["id"]
    admin.ObjectPermissions.create({"ParentId": readers, "SobjectType": "Account", "PermissionsRead": True})
    field = {"SobjectType": "Account", "Field": "Account.Industry", "PermissionsRead": True}
    admin.FieldPermissions.create({"ParentId": readers, **field})
    assignment = {"AssigneeId": user, "PermissionSetId": readers}
    with pytest.raises(SalesforceMalformedRequest) as forgotten:
        admin.PermissionSetAssignment.create(assignment)
    assert refusal(forgotten) == (
        "FIELD_INTEGRITY_EXCEPTION",
        'Can\'t assign permission set "Account Readers" to user "ERP Integration". '
        "The user license doesn't allow the permission: Read Accounts",
    )

    # 4. A permission set that is bound to another user license can never be given.
    full = one(admin, "SELECT Id FROM UserLicense WHERE Name = 'Salesforce'")
    bound = admin.PermissionSet.create({"Name": "Bound", "Label": "Bound", "LicenseId": full["Id"]})["id"]
    with pytest.raises(SalesforceMalformedRequest) as wrong:
        admin.PermissionSetAssignment.create({"AssigneeId": user, "PermissionSetId": bound})
    code, message = refusal(wrong)
    assert code == "FIELD_INTEGRITY_EXCEPTION"
    assert re.search("user license doesn't match", message)

    # 5. The right order: the permission set license, then the set.
    psl = one(admin, "SELECT Id FROM PermissionSetLicense WHERE DeveloperName = 'SalesforceAPIIntegrationPsl'")
    admin.PermissionSetLicenseAssign.create({"AssigneeId": user, "PermissionSetLicenseId": psl["Id"]})
    assert admin.PermissionSetAssignment.create(assignment)["success"] is True
    with pytest.raises(SalesforceMalformedRequest) as twice:
        admin.PermissionSetAssignment.create(assignment)
    assert refusal(twice)[0] == "DUPLICATE_VALUE"

    # 6. Now the integration reads what the set grants, and nothing more: no other field, no write.
    assert len(erp.query(ACCOUNTS)["records"]) == 5
    with pytest.raises(SalesforceMalformedRequest) as hidden:
        erp.query("SELECT Phone FROM Account")
    assert refusal(hidden)[0] == "INVALID_FIELD"
    assert "Phone" not in [one["name"] for one in erp.Account.describe()["fields"]]
    with pytest.raises(SalesforceMalformedRequest) as readonly:
        erp.Account.create({"Name": "Acme"})
    assert refusal(readonly) == ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Account")

    # 7. Every sign-in has left its row, and the license its seat.
    history = admin.query(f"SELECT Status, LoginType FROM LoginHistory WHERE UserId = '{user}'")["records"]
    assert [row["Status"] for row in history] == ["Success"]
    seats = one(
        admin, "SELECT UsedLicenses FROM PermissionSetLicense WHERE DeveloperName = 'SalesforceAPIIntegrationPsl'"
    )
    assert seats["UsedLicenses"] >= 1
