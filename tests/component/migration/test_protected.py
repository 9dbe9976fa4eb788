"""Who keeps the org reachable is not cut off: preflight refuses, and so does the guard just before the write."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from harness.errors import GuardRefused
from harness.migration.protected import LAST, OWNER, RUNNING, read_keepers
from harness.migration.records import StageFinished

from .conftest import Bench, MakeBench, ending
from .project import POPULATION, SCENARIO, permission

ADMIN = POPULATION["users"][0]["username"]
SOURCE = SCENARIO["from"]["username"]
SECOND = {"as": "second", "username": "second@acme.example", "name": "Sol Second", "profile": "System Administrator"}
AN_ADMIN_TOO = (permission("ManageUsers"), permission("ViewSetup"))


def with_second() -> Mapping[str, Any]:
    return {**deepcopy(dict(POPULATION)), "users": [*deepcopy(POPULATION["users"]), SECOND]}


def api_only(bench: Bench) -> None:
    """From now on the admins' profile is for the API only."""
    owned = bench.row("PermissionSet", ProfileId=bench.row("Profile", Name="System Administrator")["Id"])
    bench.org.update_row("PermissionSet", owned["Id"], {"PermissionsApiUserOnly": True})


def preflight(bench: Bench) -> StageFinished:
    return ending(list(bench.engine(stages=("preflight",)).stages()))


def is_frozen(bench: Bench) -> bool:
    return bool(bench.row("UserLogin", UserId=bench.row("User", Username=SOURCE)["Id"])["IsFrozen"])


def test_the_user_we_are_signed_in_as_is_not_moved(make_bench: MakeBench) -> None:
    scenario = {"from": {**deepcopy(SCENARIO["from"]), "username": ADMIN}}
    last = preflight(make_bench(scenario=scenario))
    assert last.result == "failed"
    assert f"{ADMIN} {RUNNING}" in last.message


def test_the_last_who_may_sign_in_to_setup_is_not_moved(make_bench: MakeBench) -> None:
    bench = make_bench(profile=AN_ADMIN_TOO)
    assert preflight(bench).result == "passed"
    api_only(bench)
    last = ending(list(bench.engine(run_id="run2", stages=("preflight",)).stages()))
    assert last.result == "failed"
    assert f"{SOURCE} {LAST}" in last.message
    assert "another admin" in str(last.remedy)


def test_who_became_the_last_one_since_is_not_frozen(make_bench: MakeBench) -> None:
    bench = make_bench(profile=AN_ADMIN_TOO, scenario={"permissions": _everything_dropped()})
    records = list(bench.engine(stages=_up_to("dual-auth")).stages())
    assert ending(records).result == "passed", ending(records)
    api_only(bench)
    with pytest.raises(GuardRefused, match=f"would freeze a user that {LAST}"):
        list(bench.engine(stages=_up_to("cut-over")).stages())
    assert not is_frozen(bench)


def test_a_frozen_admin_does_not_work(make_bench: MakeBench) -> None:
    bench = make_bench(population=with_second(), profile=AN_ADMIN_TOO)
    keepers = keepers_of(bench)
    ids = {name: bench.row("User", Username=name)["Id"] for name in (ADMIN, SECOND["username"], SOURCE)}
    assert keepers.working == frozenset(ids.values())
    login = bench.row("UserLogin", UserId=ids[SECOND["username"]])
    bench.org.update_row("UserLogin", login["Id"], {"IsFrozen": True})
    assert keepers_of(bench).working == {ids[ADMIN], ids[SOURCE]}
    assert keepers_of(bench).why_not(ids[SOURCE]) is None
    assert keepers_of(bench).why_not(ids[ADMIN]) == RUNNING


def test_the_owner_of_the_credential_is_protected_though_the_app_runs_as_another(make_bench: MakeBench) -> None:
    bench = make_bench(population=with_second())
    admin = bench.engine()._world.connect("admin")
    admin.username = SECOND["username"]
    keepers = read_keepers(admin, bench.row("User", Username=SOURCE)["Id"])
    second = bench.row("User", Username=SECOND["username"])["Id"]
    assert keepers.why_not(second) == OWNER
    assert set(keepers.protected().users) == {second, admin.user_id}


def test_what_the_org_would_not_tell_is_said_and_nobody_is_taken_for_the_last(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.migration.protected._holders", lambda _: "SELECT Nothing FROM PermissionSetAssignment")
    bench = make_bench()
    assert preflight(bench).result == "passed"
    notes = [record for record in bench.journal.records("run1", kind="note") if record.key == "last admin"]
    assert len(notes) == 1


def keepers_of(bench: Bench) -> Any:
    engine = bench.engine()
    return read_keepers(engine._world.connect("admin"), bench.row("User", Username=SOURCE)["Id"])


def _up_to(last: str) -> tuple[str, ...]:
    stages = ("preflight", "snapshot", "plan", "provision", "grant", "authorize", "verify", "switch", "dual-auth")
    whole = (*stages, "cut-over")
    return whole[: whole.index(last) + 1]


def _everything_dropped() -> Mapping[str, Any]:
    drop = [{"permission": name, "because": "Not for a machine."} for name in ("ManageUsers", "ViewSetup")]
    own = deepcopy(dict(SCENARIO.get("permissions", {})))
    return {**own, "drop": [*own.get("drop", []), *drop]}
