"""What recorded requests need before they can be asked: rows in the place of the recorded ones, and bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from harness.sandbox import apps, identity
from harness.sandbox.identity import oauth_tokens
from tests.conformance.case import Given
from tests.conformance.recordings import names, recording
from tests.conformance.world import World


def accounts(names: tuple[str, ...] = ("Smith Corp.",)) -> Given:
    """Accounts, the first in the place of the recorded one."""

    def make(world: World) -> Mapping[str, str]:
        made = [world.add("Account", Name=name) for name in names]
        return {"0010xACCOUNTID0000": made[0], "0019H00000H28uBQAR": made[0], "0019H00000H28uAQAR": made[-1]}

    return make


def deleted_account(world: World) -> Mapping[str, str]:
    made = world.add("Account", Name="Gone")
    world.org.delete_row("Account", made)
    return {"001B000001Lp1G2IAJ": made}


def account_to_delete(world: World) -> Mapping[str, str]:
    return {"001B000001Lp1FxIAJ": world.add("Account", Name="Old")}


def movie(world: World) -> Mapping[str, str]:
    made = world.add("Movie__c", Name="Star Wars")
    return dict.fromkeys(("a00B000000FSjVUIA1", "a01B0000009gSr9IAE", "a01B0000009gSrFIAU"), made)


def contacts_with_and_without(world: World) -> Mapping[str, str]:
    """A contact of an opportunity, and one without."""
    account = world.add("Account", Name="Acme")
    for name in ("Lindsay", "Audrey"):
        contact = world.add("Contact", FirstName=name, LastName="X", AccountId=account)
    world.add("Opportunity", Name="Big", StageName="Open", CloseDate="2026-01-05", AccountId=account, ContactId=contact)
    return {}


def accounts_with_contacts(world: World) -> Mapping[str, str]:
    account = world.add("Account", Name="GenePoint")
    for first, last in (("Edna", "Frank"), ("Liz", "D'Cruz")):
        world.add("Contact", FirstName=first, LastName=last, AccountId=account)
    world.add("Account", Name="Alone")
    return {}


def many_randoms(world: World) -> Mapping[str, str]:
    with world.org.transaction():
        for number in range(2001):
            world.add("random__c", Name=f"R{number}", RANDOM_1__c="A", RANDOM_2__c=None if number % 2 else "B")
    return {}


def opportunities(world: World) -> Mapping[str, str]:
    made = [
        world.add("Opportunity", Name=name, StageName=stage, CloseDate="2026-01-05")
        for name, stage in (("Opportunity 1", "Prospecting"), ("Opportunity 2", "Value Proposition"))
    ]
    return {"006A000000LbiizIAB": made[0]}


def assigned(world: World) -> Mapping[str, str]:
    """A permission set and a permission set license, and a user who may have and has them."""
    user = world.user_id("erp@acme.example")
    license_id = world.org.rows("PermissionSetLicense")[0]["Id"]
    world.add("PermissionSetLicenseAssign", AssigneeId=user, PermissionSetLicenseId=license_id)
    world.add("PermissionSetAssignment", AssigneeId=user, PermissionSetId=permission_set(world))
    return {"USER": user}


def permission_set(world: World) -> str:
    return world.add("PermissionSet", Name="Readers", Label="Readers", Type="Regular", PermissionsApiEnabled=True)


def group_with_member(world: World) -> Mapping[str, str]:
    group = world.add("Group", Name="Feeds", DeveloperName="Feeds", Type="Regular")
    world.add("GroupMember", GroupId=group, UserOrGroupId=world.admin_id)
    return {}


def role(world: World) -> Mapping[str, str]:
    world.add("UserRole", Name="CEO", DeveloperName="CEO")
    return {}


def apex_class(world: World) -> Mapping[str, str]:
    world.add("ApexClass", Name="Sample_TEST")
    return {}


def assignment_body(world: World) -> str:
    user = world.user_id("erp@acme.example")
    return json.dumps({"AssigneeId": user, "PermissionSetId": permission_set(world)})


def license_body(world: World) -> str:
    found = world.org.rows("PermissionSetLicense")[0]["Id"]
    return json.dumps({"AssigneeId": world.user_id("erp@acme.example"), "PermissionSetLicenseId": found})


def since_lately(world: World) -> Mapping[str, str]:
    """The recording asked for changes since a moment after the last one."""
    tomorrow = world.org.clock.peek() + timedelta(days=1)
    return {"Thu, 03 Sep 2020 21:35:07 GMT": format_datetime(tomorrow, usegmt=True)}


def refresh_form(world: World) -> str:
    """A refresh token of the administrator's, and the app that it was given to."""
    app = next(one for one in apps.all_apps(world.org) if one.name == apps.ADMIN_APP)
    admin = world.org.rows("User", Id=world.admin_id)[0]
    login = identity.Login(type="Remote Access 2.0", application=app.name)
    session = identity.sign_in(world.org, admin, login, app_id=app.id, scope="refresh_token api")
    token = oauth_tokens.remember_app(world.org, session, app_name=app.name, refresh=True)
    known = {"client_id": app.consumer_key, "client_secret": app.consumer_secret}
    return urlencode({"grant_type": "refresh_token", "refresh_token": token, **known})


def content_version(world: World) -> Mapping[str, str]:
    made = world.add("ContentVersion", Title="File", PathOnClient="file.bin", VersionData="BAgVFiNC")
    return {"0687S00000AX5kgQAD": made}


def package_license(world: World) -> Mapping[str, str]:
    package = world.add("PackageLicense", NamespacePrefix="pkg", AllowedLicenses=1)
    world.add("UserPackageLicense", PackageLicenseId=package, UserId=world.admin_id)
    return {}


def capitalised(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose tool wrote `loginTime` for LoginTime."""
    return [{key if key == "attributes" else key[0].upper() + key[1:]: row[key] for key in row} for row in rows]


def query(soql: str, *, tooling: bool = False) -> str:
    """The path of a query, where the recording does not tell it or not the whole of it."""
    return f"/services/data/v53.0/{'tooling/' if tooling else ''}query?{urlencode({'q': soql})}"


def all_recorded(name: str, sobject: str) -> str:
    """A query for the fields that the recorded rows have."""
    rows = json.loads(recording(name).text)["records"] if names() else [{}]
    return query(f"SELECT {', '.join(key for key in rows[0] if key != 'attributes')} FROM {sobject}")
