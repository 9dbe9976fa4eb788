"""The orgs and scenarios that are simulated: as small as they can be with every kind of write in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.component.migration.project import element, field, permission, rights

OLD = "erp.sync@acme.example"
NEW = "erp.integration@acme.example"
SET = "Integration_ERP_Order_Sync"
ADMIN = "admin@acme.example"
SECOND_ADMIN = "second@acme.example"
OLD_APP = "ERP Legacy"
NEW_APP = "ERP Integration"
CREDENTIALS = "erp.env"

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario to simulate: what is other than in the reference scenario, and the users that stay behind."""

    name: str
    scenario: Mapping[str, Any]
    finish: str = "retire"
    strategy: str = "new-user"


_OLD_SIGN_IN = {
    "flow": "username-password",
    "app": OLD_APP,
    "consumer_key": "env:OLD_KEY",
    "consumer_secret": "env:OLD_SECRET",
    "password": "env:OLD_PASSWORD",
    "security_token": "env:OLD_TOKEN",
}
_NEW_SIGN_IN = {
    "flow": "client-credentials",
    "app": NEW_APP,
    "consumer_key": "env:NEW_KEY",
    "consumer_secret": "env:NEW_SECRET",
}

SCENARIO: Mapping[str, Any] = {
    "rehearse": 1,
    "system": "ERP",
    "purpose": "Order Sync",
    "from": {"username": OLD, "sign_in": _OLD_SIGN_IN},
    "to": {"username": NEW, "sign_in": _NEW_SIGN_IN},
    "credentials": {
        "store": "dotenv",
        "path": CREDENTIALS,
        "keys": {"SF_USERNAME": "username", "SF_CLIENT_SECRET": "consumer_secret"},
    },
    "workload": [{"query": "SELECT Id, Name FROM Account LIMIT 1"}],
    "dual_auth": {"for": "1d", "old_user_quiet_for": "1h"},
    "expect": {"grants": [{"query": "SELECT Id FROM Account", "at_least": 1}]},
    "finish": "retire",
}

REFERENCE = Case("reference", SCENARIO)
IN_PLACE = Case(
    "in-place",
    {**SCENARIO, "to": {"strategy": "in-place", "sign_in": _NEW_SIGN_IN}, "finish": "freeze"},
    finish="freeze",
    strategy="in-place",
)
FULL_FIRST = Case(
    "temporary-full-license",
    {**SCENARIO, "to": {**SCENARIO["to"], "strategy": "temporary-full-license"}, "finish": "freeze"},
    finish="freeze",
    strategy="temporary-full-license",
)
CASES: Mapping[str, Case] = {case.name: case for case in (REFERENCE, IN_PLACE, FULL_FIRST)}

POPULATION: Mapping[str, Any] = {
    "org": {"name": "Acme"},
    "licenses": {"Salesforce": 10, "Salesforce Integration": 3, "SalesforceAPIIntegrationPsl": 3},
    "users": [
        {"as": "admin", "username": ADMIN, "name": "Ada Admin", "profile": "System Administrator"},
        {"as": "second", "username": SECOND_ADMIN, "name": "Sol Second", "profile": "System Administrator"},
        {
            "as": "erp",
            "username": OLD,
            "name": "ERP Sync",
            "profile": "ERP Sync",
            "role": "Back_Office",
            "permission_sets": ["ERP_Orders"],
            "groups": ["Integrations"],
        },
    ],
    "apps": [
        {"name": OLD_APP, "flows": ["username-password"], "permitted_users": "self-authorized"},
        {
            "name": NEW_APP,
            "kind": "external-client-app",
            "flows": ["client-credentials"],
            "permitted_users": "admin-approved",
        },
    ],
    "records": [
        {"object": "Account", "owner": OLD, "generate": {"count": 2, "fields": {"Name": "Customer {n}"}}},
    ],
}


def write_org(folder: Path) -> Path:
    """Write the project of the simulated org, with its population."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sfdx-project.json").write_text(json.dumps({"packageDirectories": [{"path": "main"}]}))
    (folder / "sandbox.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(POPULATION))))
    _write(
        folder,
        "profiles/ERP Sync.profile-meta.xml",
        "Profile",
        "<custom>true</custom><userLicense>Salesforce</userLicense>",
        rights("Account", "Read"),
        field("Account.Phone"),
        permission("ApiEnabled"),
    )
    _write(
        folder,
        "permissionsets/ERP_Orders.permissionset-meta.xml",
        "PermissionSet",
        "<label>ERP Orders</label>",
        element("classAccesses", apexClass="OrderStatus", enabled=True),
    )
    _write(folder, "roles/Back_Office.role-meta.xml", "Role", "<name>Back Office</name>")
    _write(folder, "groups/Integrations.group-meta.xml", "Group", "<name>Integrations</name>")
    classes = folder / "main" / "classes"
    classes.mkdir(exist_ok=True)
    (classes / "OrderStatus.cls").write_text("global class OrderStatus {}")
    return folder


def _write(folder: Path, path: str, kind: str, *parts: str) -> None:
    file = folder / "main" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{_HEAD}<{kind} xmlns="{_NAMESPACE}">{"".join(parts)}</{kind}>\n')
