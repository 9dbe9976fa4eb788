"""The scenarios that ship, against the orgs that ship with them: as the source user, before anything is migrated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.errors import ApiError
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import open_org
from harness.sandbox.vault import Drawer
from harness.scenario.loader import ScenarioFile, load
from harness.scenario.model import AnyRecord, Denial, Grant, Operation, SimulatedOrg

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.scenario.yaml"))
RIGHTS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


class _RollBack(Exception):
    pass


@pytest.fixture(params=SCENARIOS, ids=lambda path: path.name.split(".")[0])
def scenario(request: pytest.FixtureRequest) -> ScenarioFile:
    return load(request.param)


@pytest.fixture
def org(scenario: ScenarioFile) -> Iterator[SandboxOrg]:
    described = scenario.scenario.org
    assert isinstance(described, SimulatedOrg)
    name = described.simulated
    opened = open_org(name if name == "demo" else scenario.path.parent / name)
    yield opened
    opened.close()


@pytest.fixture
def source(scenario: ScenarioFile, org: SandboxOrg) -> str:
    return str(org.rows("User", Username=scenario.scenario.from_.username)[0]["Id"])


def attempt(org: SandboxOrg, item: Denial | Grant | Operation, user: str) -> str | None:
    """Do it as a user, undo it, and say with which code it was refused."""
    try:
        with org.transaction():
            _do(org, item, user)
            raise _RollBack
    except _RollBack:
        return None
    except ApiError as error:
        return error.code


def _do(org: SandboxOrg, item: Denial | Grant | Operation, user: str) -> None:
    if item.query:
        org.query(item.query, as_user=user)
    elif item.insert:
        org.create(item.insert.object, _values(org, item.insert.fields), as_user=user)
    elif item.update:
        org.update(
            item.update.object,
            _first(org, item.update.object, item.update.where),
            _values(org, item.update.fields),
            as_user=user,
        )
    elif item.delete:
        org.delete(item.delete.object, _first(org, item.delete.object, item.delete.where), as_user=user)
    elif item.describe:
        org.describe(item.describe, as_user=user)
    elif isinstance(item, (Denial, Grant)) and item.field:
        _ask_for_field(org, item.field.name, item.field.access, user)
    elif isinstance(item, (Denial, Grant)) and item.apex:
        endpoint = Drawer(org, "apex_rest").get(f"GET {item.apex.path.strip('/')}")
        access = org.permissions_of(user)
        assert endpoint is not None
        if endpoint["class_id"] not in access.setup and not access.has("AuthorApex", "ModifyAllData"):
            raise ApiError(403, "FORBIDDEN", "no access to the class")


def _ask_for_field(org: SandboxOrg, full_name: str, right: str, user: str) -> None:
    object_name, _, name = full_name.partition(".")
    sobject = org.schema.get(object_name)
    assert sobject is not None
    field = sobject.get(name)
    assert field is not None, full_name
    access = org.permissions_of(user)
    if not (access.can_read_field(sobject, field) if right == "read" else access.can_edit_field(sobject, field)):
        raise ApiError(400, "INVALID_FIELD", full_name)


def _first(org: SandboxOrg, sobject: str, where: str | None) -> str:
    admin = str(org.rows("User")[0]["Id"])
    condition = f" WHERE {where}" if where else ""
    return str(org.query(f"SELECT Id FROM {sobject}{condition} LIMIT 1", as_user=admin).records[0]["Id"])


def _values(org: SandboxOrg, fields: Any) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, AnyRecord):
            return _first(org, value.any, value.where)
        words = {"{{today}}": "2026-01-05", "{{now}}": "2026-01-05T09:00:00Z"}
        return words.get(value, value) if isinstance(value, str) else value

    return {name: one(value) for name, value in fields.items()}


def dropped(scenario: ScenarioFile, item: Denial) -> bool:
    """Whether the denial comes from a drop that the scenario declares."""
    text = str(item.model_dump(exclude_none=True))
    names = [one.object or (one.field or "").split(".")[-1] for one in scenario.scenario.permissions.drop]
    return any(name and name in text for name in names)


def give_everything(org: SandboxOrg, user: str) -> None:
    """What an admin in a hurry does: a set with every right on every object, field and class."""
    parent = org.insert_row("PermissionSet", {"Name": "Everything", "Label": "Everything"})
    for sobject in org.schema:
        if sobject.setup:
            continue
        rights = dict.fromkeys([f"Permissions{right}" for right in RIGHTS], True)
        org.insert_row("ObjectPermissions", {"ParentId": parent, "SobjectType": sobject.name, **rights})
        for field in sobject.fields.values():
            if field.permissionable:
                row = {"ParentId": parent, "SobjectType": sobject.name, "Field": f"{sobject.name}.{field.name}"}
                org.insert_row("FieldPermissions", {**row, "PermissionsRead": True, "PermissionsEdit": True})
    for row in org.rows("ApexClass"):
        values = {"ParentId": parent, "SetupEntityId": row["Id"], "SetupEntityType": "ApexClass"}
        org.insert_row("SetupEntityAccess", values)
    org.insert_row("PermissionSetAssignment", {"AssigneeId": user, "PermissionSetId": parent})


def test_the_source_user_can_do_its_work(scenario: ScenarioFile, org: SandboxOrg, source: str) -> None:
    refused = {
        f"workload[{place}]": code
        for place, one in enumerate(scenario.scenario.workload, 1)
        if one.kind in ("query", "insert", "update", "describe") and (code := attempt(org, one, source))
    }
    assert refused == {}


def test_the_source_user_has_every_grant(scenario: ScenarioFile, org: SandboxOrg, source: str) -> None:
    refused = {
        f"grants[{place}]": code
        for place, one in enumerate(scenario.scenario.expect.grants, 1)
        if one.kind not in ("sign_in", "upsert") and (code := attempt(org, one, source))
    }
    assert refused == {}
    for one in scenario.scenario.expect.grants:
        if one.query and one.at_least:
            assert org.query(one.query, as_user=source).total_size >= one.at_least, one.query


def test_every_denial_is_real(scenario: ScenarioFile, org: SandboxOrg, source: str) -> None:
    """Refused because nobody granted it, or dropped on purpose; and allowed as soon as the org's metadata grants it."""
    denials = [one for one in scenario.scenario.expect.denials if one.kind != "sign_in"]
    for one in denials:
        code = attempt(org, one, source)
        if dropped(scenario, one):
            assert code is None, f"{one.kind}: a drop denies what the source user cannot do anyway"
        else:
            assert code == (one.error or "INVALID_FIELD"), one
    give_everything(org, source)
    assert [one for one in denials if attempt(org, one, source)] == []


def test_enough_is_expected(scenario: ScenarioFile) -> None:
    expect = scenario.scenario.expect
    if expect.sign_off == "granted":
        assert len(expect.grants) >= 6
        assert len(expect.denials) >= 4
    assert "ui" in [one.sign_in for one in expect.denials]


def test_one_of_them_must_not_be_signed_off() -> None:
    verdicts = {path.name: load(path).scenario.expect.sign_off for path in SCENARIOS}
    assert len(verdicts) >= 5
    assert [name for name, verdict in verdicts.items() if verdict == "refused"] == ["warehouse.scenario.yaml"]
