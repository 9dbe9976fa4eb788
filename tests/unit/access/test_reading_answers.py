"""The reading against an org that answers what a test says: what the simulated sandbox has not, or never does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.access.reading.asking import ask, try_ask
from harness.access.reading.belongings import read_belongings, read_owned, read_shares, share_of
from harness.access.reading.people import read_extra_licenses
from harness.access.reading.permission_rows import object_rights
from harness.access.reading.record_types import objects_with, of_describes, read_names
from harness.access.reading.setup_names import read_setup_names
from harness.errors import RequestRefused
from tests.unit.fake_org import Asked, Bench, FakeOrg, Told

Rows = list[dict[str, Any]]
Answers = Mapping[str, Rows | None]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with FakeOrg() as org:
        made = Bench.of(org)
        yield made
        made.close()


def composite(answers: Answers) -> Callable[[Asked], Told]:
    """Answers each query by the object after FROM: with rows, or with a refusal where it is None or unknown."""

    def answer(asked: Asked) -> Told:
        parts = []
        for each in asked.json["compositeRequest"]:
            [soql] = parse_qs(urlsplit(each["url"]).query)["q"]
            [sobject] = re.findall(r"FROM (\w+)", soql)[:1]
            rows = answers.get(sobject)
            body: Any = {"totalSize": len(rows or ()), "done": True, "records": rows}
            if rows is None:
                body = [{"errorCode": "INVALID_TYPE", "message": f"sObject type '{sobject}' is not supported."}]
            status = 400 if rows is None else 200
            parts.append({"referenceId": each["referenceId"], "httpStatusCode": status, "body": body})
        return Told(200, {"compositeResponse": parts})

    return answer


def test_further_pages_follow_the_first_one_of_a_composite(bench: Bench) -> None:
    def first(_: Asked) -> Told:
        page = {"totalSize": 2, "done": False, "records": [{"Id": "1"}], "nextRecordsUrl": f"{path}/01g-2000"}
        whole = {"totalSize": 1, "done": True, "records": [{"Id": "3"}]}
        bodies = (page, whole)
        return Told(200, {"compositeResponse": [{"httpStatusCode": 200, "body": body} for body in bodies]})

    path = f"{bench.connection.site.data_path}/query"
    bench.org.on("POST", r".*/composite", first)
    bench.org.on("GET", r".*/query/01g-2000", Told(200, {"totalSize": 2, "done": True, "records": [{"Id": "2"}]}))
    rows = ask(bench.connection, "SELECT Id FROM A", "SELECT Id FROM B")
    assert rows == [[{"Id": "1"}, {"Id": "2"}], [{"Id": "3"}]]
    assert len(bench.org.asked) == 3, "the sign-in, the composite and one further page"


def test_a_refusal_is_raised_or_told(bench: Bench) -> None:
    bench.org.on("POST", r".*/composite", composite({"A": [{"Id": "1"}]}))
    with pytest.raises(RequestRefused, match="INVALID_TYPE"):
        ask(bench.connection, "SELECT Id FROM A", "SELECT Id FROM B")
    assert try_ask(bench.connection, ["SELECT Id FROM A", "SELECT Id FROM B"]) == [[{"Id": "1"}], None]


def test_teams_and_territories_are_told_where_the_org_has_them(bench: Bench) -> None:
    answers: Answers = {
        "AccountTeamMember": [{"expr0": 12}],
        "OpportunityTeamMember": [{"expr0": 0}],
        "UserTerritory2Association": [{"Id": "1", "Territory2": {"DeveloperName": "North"}}],
    }
    bench.org.on("POST", r".*/composite", composite(answers))
    found = read_belongings(bench.connection, "005", frozenset(answers))
    assert found.teams == {"AccountTeamMember": 12}
    assert found.territories == ("North",)
    assert found.unread == ()


def test_what_the_org_has_not_is_absent_and_what_it_will_not_tell_is_unread(bench: Bench) -> None:
    bench.org.on("POST", r".*/composite", composite({"AccountTeamMember": None}))
    assert read_belongings(bench.connection, "005", frozenset()).unread == ()
    [unread] = read_belongings(bench.connection, "005", frozenset({"AccountTeamMember"})).unread
    assert "AccountTeamMember" in unread


def test_shares_and_owned_records_are_counted_for_each_object(bench: Bench) -> None:
    causes = [
        {"RowCause": "Owner", "expr0": 5},
        {"RowCause": "Rule", "expr0": 9},
        {"RowCause": "Manual", "expr0": 2},
        {"RowCause": "Audit__c", "expr0": 1},
    ]
    answers: Answers = {
        "AccountShare": causes,
        "Pump__Share": None,
        "Account": [{"expr0": 5}],
        "Lead": [{"expr0": 0}],
    }
    bench.org.on("POST", r".*/composite", composite(answers))
    there = frozenset({"AccountShare", "Pump__Share"})
    shares, untold = read_shares(bench.connection, "005", ["Account", "Lead", "Pump__c"], there)
    assert shares == {"Account": 3}, "by hand, and by Apex for a reason of its own"
    assert [text for text in untold if "Pump__Share" in text]
    assert "LeadShare" not in str(bench.org.asked[-1].body), "the org has no such object"
    assert read_owned(bench.connection, "005", ["Account", "Lead"]) == ({"Account": 5}, ())


@pytest.mark.parametrize(
    ("sobject", "share"), [("Account", "AccountShare"), ("Pump__c", "Pump__Share"), ("ns__Pump__c", "ns__Pump__Share")]
)
def test_share_objects_are_named_as_the_platform_names_them(sobject: str, share: str) -> None:
    assert share_of(sobject) == share


ENTITIES: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "ApexClass": ("ApexClass", {"Id": "01p", "Name": "Api", "NamespacePrefix": "ns"}, "ns__Api"),
    "ApexPage": ("ApexPage", {"Id": "066", "Name": "Page", "NamespacePrefix": None}, "Page"),
    "BotDefinition": ("BotDefinition", {"Id": "0Xx", "DeveloperName": "Helper"}, "Helper"),
    "NamedCredential": ("NamedCredential", {"Id": "0XA", "DeveloperName": "Bank", "NamespacePrefix": None}, "Bank"),
    "ConnectedApplication": ("ConnectedApplication", {"Id": "0H4", "Name": "ERP"}, "ERP"),
    "CustomEntityDefinition": ("EntityDefinition", {"DurableId": "01I", "QualifiedApiName": "Rate__mdt"}, "Rate__mdt"),
    "CustomPermission": ("CustomPermission", {"Id": "0CP", "DeveloperName": "Skip", "NamespacePrefix": None}, "Skip"),
    "ExternalClientApplication": (
        "ExternalClientApplication",
        {"Id": "0xI", "DeveloperName": "Sync", "NamespacePrefix": None},
        "Sync",
    ),
    "ExternalCredentialParameter": (
        "ExternalCredentialParameter",
        {"Id": "0eP", "ParameterName": "Main", "ExternalCredential": {"DeveloperName": "Bank"}},
        "Bank-Main",
    ),
    "FlowDefinition": ("FlowDefinition", {"Id": "300", "DeveloperName": "Ship", "NamespacePrefix": None}, "Ship"),
    "OrgWideEmailAddress": ("OrgWideEmailAddress", {"Id": "0D2", "Address": "a@acme.example"}, "a@acme.example"),
    "ServiceProvider": ("AppMenuItem", {"ApplicationId": "0sv", "Name": "Wiki", "NamespacePrefix": None}, "Wiki"),
    "TabSet": (
        "AppMenuItem",
        {"ApplicationId": "02u", "Name": "Sales", "NamespacePrefix": "standard"},
        "standard__Sales",
    ),
}


@pytest.mark.parametrize("kind", sorted(ENTITIES))
def test_every_type_of_setup_entity_that_can_be_looked_up_is_named(bench: Bench, kind: str) -> None:
    table, row, name = ENTITIES[kind]
    key = next(column for column in ("Id", "DurableId", "ApplicationId") if column in row)
    entity = f"{row[key]}000000000001AAA"
    bench.org.on("POST", r".*/composite", composite({table: [{**row, key: entity[:15]}]}))
    found = read_setup_names(bench.connection, [{"SetupEntityId": entity, "SetupEntityType": kind}])
    assert found.by_id == {entity: f"{kind}:{name}"}
    assert found.ids == {f"{kind}:{name}": entity}
    assert not found.unnamed


@pytest.mark.parametrize("kind", ["EmailRoutingAddress", "StandardInvocableActionType", "ApexClass", "NewInWinter"])
def test_what_cannot_be_looked_up_goes_by_its_id_and_that_is_told(bench: Bench, kind: str) -> None:
    bench.org.on("POST", r".*/composite", composite({}))
    found = read_setup_names(bench.connection, [{"SetupEntityId": "093000000000001", "SetupEntityType": kind}])
    assert found.by_id == {"093000000000001": f"{kind}:093000000000001"}
    assert found.unnamed == {kind: 1}


def test_a_principal_is_looked_up_in_the_tooling_api_where_the_data_api_refuses(bench: Bench) -> None:
    row = {"Id": "0eP000000000001AAA", "ParameterName": "Main", "ExternalCredential": {"DeveloperName": "Bank"}}
    asked = [{"SetupEntityId": row["Id"], "SetupEntityType": "ExternalCredentialParameter"}]
    bench.org.on("POST", r".*/composite", composite({}))
    bench.org.on("GET", r".*/tooling/query.*", Told(200, {"totalSize": 1, "done": True, "records": [row]}))
    assert read_setup_names(bench.connection, asked).by_id == {row["Id"]: "ExternalCredentialParameter:Bank-Main"}
    bench.org.on("GET", r".*/tooling/query.*", Told(400, [{"errorCode": "INVALID_TYPE", "message": "no"}]))
    assert read_setup_names(bench.connection, asked).unnamed == {"ExternalCredentialParameter": 1}


def described(*columns: str) -> Told:
    fields = [{"name": name, "type": "boolean"} for name in columns]
    return Told(200, {"name": "X", "keyPrefix": None, "fields": fields})


def test_view_all_fields_is_read_where_the_org_has_the_column(bench: Bench) -> None:
    path = r".*/sobjects/ObjectPermissions/describe"
    bench.org.on("GET", path, described("PermissionsRead", "PermissionsViewAllFields"))
    assert list(object_rights(bench.connection)) == ["read", "view-all-fields"]
    older = Bench.of(bench.org)
    bench.org.on("GET", path, described("PermissionsRead"))
    assert list(object_rights(older.connection)) == ["read"]
    older.close()


def test_feature_and_package_licenses_are_told_and_seats_that_are_not_are_none(bench: Bench) -> None:
    bench.org.on("GET", r".*/sobjects/User/describe", described("UserPermissionsMarketingUser", "UserPermissionsOther"))
    user = {"Id": "005", "UserPermissionsMarketingUser": True, "UserPermissionsOther": False}
    seats = [{"Id": "051", "PackageLicense": {"NamespacePrefix": "dlrs"}}]
    bench.org.on("POST", r".*/composite", composite({"User": [user], "UserPackageLicense": seats}))
    found = read_extra_licenses(bench.connection, "005")
    assert (found.features, found.packages) == ({"MarketingUser"}, ("dlrs",))
    bench.org.on("POST", r".*/composite", composite({"User": [user]}))
    assert read_extra_licenses(bench.connection, "005").packages is None


def test_record_types_of_person_accounts_are_named_as_metadata_name_them(bench: Bench) -> None:
    bench.org.on("GET", r".*/sobjects/RecordType/describe", described("IsActive", "IsPersonType"))
    rows = [
        {
            "Id": "012A",
            "SobjectType": "Account",
            "DeveloperName": "Shop",
            "NamespacePrefix": None,
            "IsPersonType": False,
        },
        {
            "Id": "012B",
            "SobjectType": "Account",
            "DeveloperName": "Person",
            "NamespacePrefix": "ns",
            "IsPersonType": True,
        },
    ]
    page = Told(200, {"totalSize": 2, "done": True, "records": rows})
    bench.org.on("GET", r".*/query/.*IsPersonType.*", page)
    names = read_names(bench.connection)
    assert names == {"012A": "Account.Shop", "012B": "PersonAccount.ns__Person"}
    assert objects_with(names, ["Account", "Case"]) == ["Account"]
    info = {"recordTypeId": "012B", "available": True, "defaultRecordTypeMapping": True}
    found = of_describes({"Account": {"recordTypeInfos": [info]}}, names)
    assert (found.available, found.defaults) == ({"PersonAccount.ns__Person"}, {"Account": "ns__Person"})


def test_an_org_without_person_accounts_is_not_asked_for_their_column(bench: Bench) -> None:
    bench.org.on("GET", r".*/sobjects/RecordType/describe", described("IsActive"))
    bench.org.on("GET", r".*/query/.*", Told(200, {"totalSize": 0, "done": True, "records": []}))
    assert read_names(bench.connection) == {}
    assert "IsPersonType" not in bench.org.asked[-1].path
