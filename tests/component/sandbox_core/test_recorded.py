"""Shapes compared with recorded answers of real orgs, where these are at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.component.sandbox_core.desk import Desk, refused

RECORDED = Path(__file__).parents[4] / "shared" / "recorded"


def recorded(name: str) -> Any:
    path = RECORDED / f"{name}.body.json"
    if not path.is_file():
        pytest.skip(f"the recordings are not here: {path}")
    return json.loads(path.read_text("utf-8"))


def test_a_describe_has_the_keys_of_a_recorded_one(desk: Desk) -> None:
    theirs = recorded("describe/contact-describe-cci")
    desk.org.insert_row("RecordType", {"Name": "A", "DeveloperName": "A", "SobjectType": "Contact", "IsActive": True})
    ours = desk.org.describe("Contact", as_user=desk.admin)
    assert set(ours) == set(theirs)
    for part in ("fields", "childRelationships", "recordTypeInfos", "supportedScopes"):
        assert set(ours[part][0]) == set(theirs[part][0]), part


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("contact-describe-cci", "LastName"),
        ("contact-describe-cci", "AccountId"),
        ("user-describe-v50-2023", "UserRoleId"),
    ],
)
def test_a_field_is_described_as_recorded(desk: Desk, name: str, field: str) -> None:
    described = recorded(f"describe/{name}")
    theirs = next(one for one in described["fields"] if one["name"] == field)
    ours = next(
        one for one in desk.org.describe(described["name"], as_user=desk.admin)["fields"] if one["name"] == field
    )
    keys = (
        "type",
        "soapType",
        "length",
        "nillable",
        "createable",
        "updateable",
        "referenceTo",
        "relationshipName",
        "compoundFieldName",
    )
    assert {key: ours[key] for key in keys} == {key: theirs[key] for key in keys}


def test_the_global_describe_has_the_keys_of_a_recorded_one(desk: Desk) -> None:
    theirs = recorded("describe/sobjects-global-cci")
    ours = desk.org.describe_global(as_user=desk.admin)
    assert set(ours) == set(theirs)
    assert set(ours["sobjects"][0]) == set(theirs["sobjects"][0])
    assert (ours["encoding"], ours["maxBatchSize"]) == (theirs["encoding"], theirs["maxBatchSize"])


@pytest.mark.parametrize(
    ("name", "soql", "code"),
    [
        ("sfx-query-malformed-soql", "SELEKT Name FROM Account", "MALFORMED_QUERY"),
        ("sfx-query-unknown-column", "SELECT Bacon__c FROM Account LIMIT 2", "INVALID_FIELD"),
    ],
)
def test_refused_queries_read_as_recorded(desk: Desk, name: str, soql: str, code: str) -> None:
    [theirs] = recorded(f"errors/{name}")
    with refused(code) as info:
        desk.query(soql)
    assert (info.value.code, info.value.message) == (theirs["errorCode"], theirs["message"])


def test_refused_writes_read_as_recorded(desk: Desk) -> None:
    [theirs] = recorded("errors/sfx-create-invalid-field")
    with refused(theirs["errorCode"]) as info:
        desk.create("Account", FavoritePet__c="Dog")
    assert info.value.message == theirs["message"]
    [theirs] = recorded("errors/sfx-update-malformed-id")
    with refused(theirs["errorCode"], "Record ID: id value of incorrect type: a00B000000FSjVUIB1") as info:
        desk.update("Employee__c", "a00B000000FSjVUIB1", Name="x")
    assert (info.value.message, list(info.value.fields or ())) == (theirs["message"], theirs["fields"])
