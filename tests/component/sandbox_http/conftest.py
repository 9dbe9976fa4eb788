"""A small org with four users, served on the loopback, and a session as each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from harness.sandbox import apps, identity
from harness.sandbox.objects import standard_schema
from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Field, Schema
from harness.sandbox.server import SandboxServer

API = "/services/data/v67.0"
USERNAMES = {
    "admin": "admin@acme.example",
    "erp": "erp.sync@acme.example",
    "integration": "erp.integration@acme.example",
    "offline": "clerk@acme.example",
}
FIELDS = ("Account.ERP_Key__c", "Account.BillingAddress", "Contact.AccountId")
_RIGHTS = ("Read", "Create", "Edit", "Delete")


class Client:
    """A session of requests that knows the server and the token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request below the version, or of any path that starts with /services."""
        whole = path if path.startswith("/") else f"{API}/{path}"
        return self.http.request(method, self.url + whole, timeout=10, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> requests.Response:
        return self.ask("POST", path, json=body, **options)

    def query(self, soql: str) -> list[dict[str, Any]]:
        response = self.get("query", params={"q": soql})
        assert response.status_code == 200, response.text
        return list(response.json()["records"])


def build_schema() -> Schema:
    schema = standard_schema()
    account = schema.get("Account")
    assert account is not None
    account.add(Field("ERP_Key__c", "string", "ERP Key", length=40, custom=True, external_id=True, unique=True))
    account.add(Field("Secret__c", "string", "Secret", length=40, custom=True))
    return schema


def add_profile(org: SandboxOrg, name: str, license_name: str, permissions: set[str]) -> str:
    """A profile and the permission set it owns."""
    licenses = org.rows("UserLicense", Name=license_name)
    values = {"Name": license_name, "MasterLabel": license_name, "Status": "Active", "TotalLicenses": 20}
    license_id = licenses[0]["Id"] if licenses else org.insert_row("UserLicense", values)
    columns = {f"Permissions{one}": True for one in permissions}
    profile_id = org.insert_row("Profile", {"Name": name, "UserLicenseId": license_id, **columns})
    owned = {"Name": f"X{profile_id}", "Label": profile_id, "ProfileId": profile_id, "LicenseId": license_id}
    org.insert_row("PermissionSet", {**owned, "IsOwnedByProfile": True, "Type": "Profile", **columns})
    return profile_id


def add_user(org: SandboxOrg, role: str, profile_id: str) -> str:
    user_id = org.insert_row(
        "User",
        {
            "Username": USERNAMES[role],
            "LastName": role.title(),
            "Email": USERNAMES[role],
            "Alias": role[:8],
            "IsActive": True,
            "ProfileId": profile_id,
            "TimeZoneSidKey": "Europe/Berlin",
            "LocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "EmailEncodingKey": "UTF-8",
        },
    )
    if not org.rows("UserLogin", UserId=user_id):
        org.insert_row("UserLogin", {"UserId": user_id})
    identity.set_role(org, user_id, role)
    return user_id


def give_objects(org: SandboxOrg, profile_id: str, *names: str, fields: tuple[str, ...] = ()) -> None:
    """All rights of a row's life on these objects, and read and edit on these fields, through the profile."""
    owned = org.rows("PermissionSet", ProfileId=profile_id)[0]["Id"]
    for name in names:
        rights = {f"Permissions{right}": True for right in _RIGHTS}
        org.insert_row("ObjectPermissions", {"ParentId": owned, "SobjectType": name, **rights})
    for name in fields:
        values = {"ParentId": owned, "SobjectType": name.split(".")[0], "Field": name}
        org.insert_row("FieldPermissions", {**values, "PermissionsRead": True, "PermissionsEdit": True})


@pytest.fixture(scope="session")
def key_pool() -> list[str]:
    """Making RSA keys takes most of the time of these tests, so the tests share some."""
    return []


@pytest.fixture(autouse=True)
def _pooled_keys(monkeypatch: pytest.MonkeyPatch, key_pool: list[str]) -> None:
    made = apps.new_key
    taken = iter(range(100))

    def next_key() -> str:
        number = next(taken)
        if number == len(key_pool):
            key_pool.append(made())
        return key_pool[number]

    monkeypatch.setattr(apps, "new_key", next_key)


@pytest.fixture
def org() -> Iterator[SandboxOrg]:
    org = SandboxOrg(build_schema())
    org.insert_row("Organization", {"Id": org.org_id, "Name": "Acme", "IsSandbox": True, "InstanceName": "CS1"})
    every = set(org.schema.system_permissions) - {"ApiUserOnly"}
    admins = add_profile(org, "System Administrator", "Salesforce", every)
    standard = add_profile(org, "ERP Integration", "Salesforce", {"ApiEnabled", "UseAnyApiAuth"})
    clerks = add_profile(org, "Clerk", "Salesforce", set())
    api_only = {"ApiEnabled", "ApiUserOnly", "ChatterInternalUser"}
    minimum = add_profile(org, "Minimum Access - API Only Integrations", "Salesforce Integration", api_only)
    give_objects(org, standard, "Account", "Contact", fields=FIELDS)
    admin_id = add_user(org, "admin", admins)
    add_user(org, "erp", standard)
    add_user(org, "integration", minimum)
    add_user(org, "offline", clerks)
    apps.default_apps(org, admin_id)
    yield org
    org.close()


@pytest.fixture
def user_ids(org: SandboxOrg) -> dict[str, str]:
    return {role: org.rows("User", Username=name)[0]["Id"] for role, name in USERNAMES.items()}


@pytest.fixture
def server(org: SandboxOrg) -> Iterator[SandboxServer]:
    with SandboxServer(org) as running:
        yield running


@pytest.fixture
def connect(org: SandboxOrg, server: SandboxServer) -> Iterator[Callable[[str], Client]]:
    """A client as the user of a role, whose session is opened without a flow."""
    clients: list[Client] = []

    def open_client(role: str) -> Client:
        user = org.rows("User", Username=USERNAMES[role])[0]
        session = identity.sign_in(org, user, identity.Login(type="Test", application="Test"))
        clients.append(Client(server.ready.instance_url, session.token))
        return clients[-1]

    yield open_client
    for client in clients:
        client.http.close()


@pytest.fixture
def admin(connect: Callable[[str], Client]) -> Client:
    return connect("admin")


@pytest.fixture
def erp(connect: Callable[[str], Client]) -> Client:
    return connect("erp")
