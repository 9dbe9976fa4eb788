"""The platform's own word: how it is asked, and that what it does not say is not taken for an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.access.reading.platform import RowAccess, Told, ask_platform, ask_rows, objects_with_permissions
from harness.errors import RequestRefused
from harness.org.connection import Connection
from harness.org.reply import ApiError, Reply

ID = "005000000000001AAA"
REFUSED = Reply(400, [], (ApiError("INVALID_TYPE", "sObject type is not supported."),))
Rows = list[dict[str, Any]]
FIELDS = {"Account": ("Name", "Phone")}
ENTITY = {"IsReadable": True, "IsCreatable": True, "IsEditable": False, "IsDeletable": False}
ACCOUNT = {"EntityDefinition": {"QualifiedApiName": "Account"}, **ENTITY}
DEFINITIONS = [
    {"DurableId": "Account.00N1", "QualifiedApiName": "Phone", "EntityDefinition": {"QualifiedApiName": "Account"}},
]
PHONE = {"DurableId": f"Account.00N1.{ID}", "IsAccessible": True, "IsCreatable": False, "IsUpdatable": True}


class FakeOrg:
    """Answers queries by the table they are of; a table that is not in `tables` is refused."""

    user_id = ID

    def __init__(self, tables: Mapping[str, Rows], tooling: Mapping[str, Rows] | None = None) -> None:
        self.tables = tables
        self.tooling = tooling or {}
        self.asked: list[str] = []

    def composite(self, subrequests: Sequence[Mapping[str, str]], *, all_or_none: bool) -> list[Reply]:
        assert not all_or_none
        return [self.try_query(parse_qs(urlsplit(each["url"]).query)["q"][0]) for each in subrequests]

    def try_query(self, soql: str) -> Reply:
        self.asked.append(soql)
        rows = self.tables.get(_table(soql))
        return REFUSED if rows is None else Reply(200, {"totalSize": len(rows), "done": True, "records": rows})

    def query(self, soql: str) -> Rows:
        return self.all_rows(self.try_query(soql), soql)

    def all_rows(self, reply: Reply, soql: str) -> Rows:
        if not reply.ok:
            raise RequestRefused("no", asked=soql, status=400, code="INVALID_TYPE", description="no")
        return list(reply.body["records"])

    def tooling_query(self, soql: str) -> Rows:
        self.asked.append(f"tooling {soql}")
        if _table(soql) not in self.tooling:
            raise RequestRefused("no", asked=soql, status=400, code="INVALID_TYPE", description="no")
        return self.tooling[_table(soql)]

    def fields_of(self, sobject: str) -> Rows:
        assert sobject == "UserPermissionAccess"
        return [{"name": name} for name in ("Id", "PermissionsApiEnabled", "PermissionsViewSetup")]


def _table(soql: str) -> str:
    return str(re.findall(r"FROM (\w+)", soql)[0])


WHOLE: Mapping[str, Rows] = {
    "UserEntityAccess": [ACCOUNT],
    "FieldDefinition": DEFINITIONS,
    "UserFieldAccess": [PHONE],
    "UserPermissionAccess": [{"PermissionsApiEnabled": True, "PermissionsViewSetup": False}],
    "UserSetupEntityAccess": [{"DeveloperName": "Skip"}],
    "ObjectPermissions": [{"SobjectType": "Account"}, {"SobjectType": "Case"}],
}


def told(tables: Mapping[str, Rows], tooling: Mapping[str, Rows] | None = None) -> tuple[Told, FakeOrg]:
    org = FakeOrg(tables, tooling)
    connection = cast("Connection", org)
    return ask_platform(connection, connection, FIELDS), org


def without(*names: str) -> dict[str, Rows]:
    return {name: rows for name, rows in WHOLE.items() if name not in names}


def test_each_table_is_understood() -> None:
    found, org = told(WHOLE)
    assert found.unread == []
    assert found.rights == {
        ("Account", "read"): True,
        ("Account", "create"): True,
        ("Account", "edit"): False,
        ("Account", "delete"): False,
        ("Account.Phone", "read"): True,
        ("Account.Phone", "create"): False,
        ("Account.Phone", "edit"): True,
        ("ApiEnabled", "held"): True,
        ("ViewSetup", "held"): False,
        ("CustomPermission:Skip", "held"): True,
    }
    assert found.of(("CustomPermission:Other", "held")) is False
    assert found.of(("Account.Name", "read")) is None, "no row spoke of it"
    assert any(f"UserId = '{ID}'" in soql and "QualifiedApiName IN ('Account')" in soql for soql in org.asked)
    assert any(f"DurableId IN ('Account.00N1.{ID}')" in soql for soql in org.asked)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("UserEntityAccess", ("Account", "read")),
        ("FieldDefinition", ("Account.Phone", "read")),
        ("UserFieldAccess", ("Account.Phone", "read")),
        ("UserPermissionAccess", ("ApiEnabled", "held")),
        ("UserSetupEntityAccess", ("CustomPermission:Skip", "held")),
    ],
)
@pytest.mark.parametrize("empty", [False, True])
def test_a_table_that_is_refused_or_says_nothing_leaves_its_rights_open(
    name: str, key: tuple[str, str], empty: bool
) -> None:
    found, _ = told({**without(name), name: []} if empty else without(name))
    if empty and name == "UserSetupEntityAccess":
        assert (found.of(key), found.unread) == (False, []), "a user may well have no custom permission"
        return
    assert found.of(key) is None
    assert len(found.unread) == 1


def test_what_the_data_api_refuses_is_asked_of_the_tooling_api() -> None:
    found, org = told(without("UserEntityAccess"), tooling={"UserEntityAccess": [ACCOUNT]})
    assert found.rights["Account", "create"] is True
    assert found.unread == []
    assert sum(soql.startswith("tooling") for soql in org.asked) == 1


def test_objects_whose_fields_do_not_fit_on_a_page_are_asked_about_apart() -> None:
    org = FakeOrg(WHOLE)
    connection = cast("Connection", org)
    many = {f"Big{number}__c": tuple(map(str, range(800))) for number in range(3)}
    ask_platform(connection, connection, many)
    assert [soql.count("Big") for soql in org.asked if "FROM FieldDefinition" in soql] == [1, 1, 1]


def test_which_objects_have_permissions() -> None:
    assert objects_with_permissions(cast("Connection", FakeOrg(WHOLE))) == frozenset({"Account", "Case"})
    assert objects_with_permissions(cast("Connection", FakeOrg({}))) is None


def test_rows_that_the_user_may_edit_say_so_and_others_say_nothing() -> None:
    rows = [
        {"RecordId": "001A", "HasReadAccess": True, "HasEditAccess": True, "HasDeleteAccess": False},
        {"RecordId": "001B", "HasReadAccess": False, "HasEditAccess": True, "HasDeleteAccess": True},
    ]
    found = ask_rows(cast("Connection", FakeOrg({"UserRecordAccess": rows})), ["001A", "001B"])
    assert found == [RowAccess("001A", edit=True, delete=False)]
    said = Told({("Account", "edit"): False})
    said.hear({"Account": found, "Case": []})
    assert said.rights == {("Account", "read"): True, ("Account", "edit"): True}


def test_two_hundred_rows_are_asked_about_at_a_time() -> None:
    org = FakeOrg({"UserRecordAccess": []})
    ask_rows(cast("Connection", org), [f"001{number:015}" for number in range(401)])
    assert [soql.count("'001") for soql in org.asked] == [200, 200, 1]
