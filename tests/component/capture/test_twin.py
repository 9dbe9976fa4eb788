"""A simulated org, captured through its API and made again from the twin: the second must be the first."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.capturing import capture
from harness.errors import UsageError
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import SourceError, open_org

SCENARIO_ORG = Path(__file__).parents[3] / "scenarios" / "orgs"


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxOrg, Path]]:
    """An org that was captured with all its users, and the twin."""
    folder = tmp_path_factory.mktemp("twin")
    org = open_org(SCENARIO_ORG / "erp")
    frozen = org.rows("User", IsActive=True)[-1]
    org.update_row("UserLogin", org.rows("UserLogin", UserId=frozen["Id"])[0]["Id"], {"IsFrozen": True})
    with SandboxServer(org) as server:
        server.ready.write(folder / "ready.json")
        names = [user["Username"] for user in org.rows("User")]
        assert capture(org=None, sandbox=folder / "ready.json", out=folder / "t.json.gz", usernames=names) == 0
        assert set(server_requests(server)) <= {"GET", "POST"}
    yield org, folder / "t.json.gz"
    org.close()


def server_requests(server: SandboxServer) -> list[str]:
    """The verbs of the requests that the server was sent."""
    control = server.ready.control
    headers = {"Authorization": f"Bearer {control['token']}"}
    answer = requests.get(f"{control['url']}/requests", headers=headers, timeout=10).json()
    return [one["method"] for one in answer["requests"]]


@pytest.fixture(scope="module")
def twin(captured: tuple[SandboxOrg, Path]) -> Iterator[SandboxOrg]:
    made = open_org(captured[1])
    yield made
    made.close()


def test_every_user_may_do_the_same(captured: tuple[SandboxOrg, Path], twin: SandboxOrg) -> None:
    org, _ = captured
    compared = 0
    for user in org.rows("User"):
        before, after = org.permissions_of(user["Id"]), twin.permissions_of(user["Id"])
        for part in ("user_license", "permission_set_licenses", "system", "objects", "readable", "editable"):
            assert getattr(after, part) == getattr(before, part), (user["Username"], part)
        compared += len(before.readable)
    assert compared > 100


def test_objects_describe_alike(captured: tuple[SandboxOrg, Path], twin: SandboxOrg) -> None:
    org, _ = captured
    admin = next(user["Id"] for user in org.rows("User") if org.permissions_of(user["Id"]).has("ModifyAllData"))
    names = [one["name"] for one in org.describe_global(as_user=admin)["sobjects"]]
    assert [one["name"] for one in twin.describe_global(as_user=admin)["sobjects"]] == names
    for name in names:
        ours, theirs = twin.describe(name, as_user=admin), org.describe(name, as_user=admin)
        assert differing(plain(ours), plain(theirs), name) == []


def differing(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """What is not the same, by path."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted({*ours, *theirs}, key=str)
        return [one for key in keys for one in differing(ours.get(key), theirs.get(key), f"{path}/{key}")]
    return [] if ours == theirs else [f"{path}: {ours!r}, not {theirs!r}"]


def plain(describe: dict[str, Any]) -> dict[str, Any]:
    """Fields and child relationships by name: their order is not kept."""
    fields = {field["name"]: field for field in describe["fields"]}
    children = {(one["childSObject"], one["field"]): one for one in describe["childRelationships"]}
    return {**describe, "fields": fields, "childRelationships": children}


def test_seats_frozen_users_and_sharing_are_kept(captured: tuple[SandboxOrg, Path], twin: SandboxOrg) -> None:
    org, _ = captured
    soql = "SELECT Name, TotalLicenses, UsedLicenses FROM UserLicense ORDER BY Name"
    admin = next(user["Id"] for user in org.rows("User") if org.permissions_of(user["Id"]).has("ModifyAllData"))

    def values(one: SandboxOrg, asked: str) -> list[list[Any]]:
        return [list(row.values())[1:] for row in one.query(asked, as_user=admin).records]

    assert values(twin, soql) == values(org, soql)
    frozen = "SELECT UserId FROM UserLogin WHERE IsFrozen = true"
    assert values(twin, frozen) == values(org, frozen) != []
    models = "SELECT QualifiedApiName, InternalSharingModel FROM EntityDefinition ORDER BY QualifiedApiName"
    assert values(twin, models) == values(org, models)


def test_a_twin_holds_no_person_no_record_and_no_secret(captured: tuple[SandboxOrg, Path]) -> None:
    org, path = captured
    text = gzip.decompress(path.read_bytes()).decode()
    assert "Account" in text
    for user in org.rows("User"):
        for column in ("FirstName", "Email"):
            assert not user.get(column) or f'"{user[column]}"' not in text.replace(f'"{user["Username"]}"', "")
    for account in org.rows("Account"):
        assert account["Name"] not in text
        assert account["Id"] not in text
    assert "consumer" not in text.lower()
    assert json.loads(text)["objects"]["Account"]["rows"] == len(org.rows("Account"))


def test_a_twin_is_served_like_any_org(captured: tuple[SandboxOrg, Path], tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text("records:\n  - object: Account\n    rows:\n      acme: {Name: Acme}\n")
    org = open_org(captured[1], population=more, state=tmp_path / "org.db")
    with SandboxServer(org) as server:
        assert next(iter(server.ready.users)) == "admin"
        assert next(iter(server.ready.apps)) == "Rehearsal Admin"
    assert [row["Name"] for row in org.rows("Account")] == ["Acme"]
    org.close()
    again = open_org(captured[1], population=more, state=tmp_path / "org.db")
    assert [row["Name"] for row in again.rows("Account")] == ["Acme"]
    again.close()


def test_a_user_whom_nobody_knows(captured: tuple[SandboxOrg, Path], tmp_path: Path) -> None:
    with SandboxServer(captured[0]) as server:
        server.ready.write(tmp_path / "ready.json")
        with pytest.raises(UsageError, match=r"no user of the org is called nobody@acme\.example"):
            capture(org=None, sandbox=tmp_path / "ready.json", out=tmp_path / "t", usernames=["nobody@acme.example"])
    assert not (tmp_path / "t").exists()
    with pytest.raises(UsageError, match="no org to capture"):
        capture(org=None, sandbox=None, out=tmp_path / "t", usernames=[])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"twin": 2}', "\x1f\x8bxx"])
def test_what_is_no_twin(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(SourceError, match=r"t\.json: "):
        open_org(path)
