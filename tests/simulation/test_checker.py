"""The checker itself: it knows a migrated org and one as before, and sees whatever is planted in either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .bench import Kept, World, make_world
from .scenarios import ADMIN, CASES, CREDENTIALS, NEW, NEW_APP, OLD, SECOND_ADMIN, SET

Plant = Callable[[World], object]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Kept, Kept]:
    """A world, and what it is like when it is migrated, and when that was undone."""
    world = make_world(tmp_path_factory.mktemp("planted"), CASES["reference"])
    end = world.process().forward()
    assert end
    assert end.result == "passed", end
    migrated = world.keep()
    end = world.process().back()
    assert end
    assert end.result == "passed", end
    return world, migrated, world.keep()


@pytest.mark.parametrize("case", sorted(CASES))
def test_both_ends_are_known_in_every_strategy(tmp_path: Path, case: str) -> None:
    world = make_world(tmp_path, CASES[case])
    assert world.judge().standing == "as before", "nothing was done yet"
    world.process().forward()
    assert world.judge().standing == "migrated", world.judge()
    world.process().back()
    assert world.judge().standing == "as before", world.judge()


def test_a_world_that_is_put_back_is_the_same(ends: tuple[World, Kept, Kept]) -> None:
    world, migrated, undone = ends
    world.put_back(migrated)
    assert world.judge().standing == "migrated"
    world.put_back(undone)
    assert world.judge().standing == "as before"


def _id(world: World, sobject: str, **equals: object) -> str:
    return str(world.org.rows(sobject, **equals)[0]["Id"])


def _user(world: World, username: str) -> str:
    return _id(world, "User", Username=username)


def _create(world: World, sobject: str, **values: object) -> str:
    return world.org.create(sobject, values, as_user=_user(world, SECOND_ADMIN))


def _update(world: World, sobject: str, record_id: str, **values: object) -> None:
    world.org.update(sobject, record_id, values, as_user=_user(world, SECOND_ADMIN))


def _delete(world: World, sobject: str, **equals: object) -> None:
    world.org.delete(sobject, _id(world, sobject, **equals), as_user=_user(world, SECOND_ADMIN))


def _some_set(world: World) -> str:
    return _create(world, "PermissionSet", Name="Somebodys_Set", Label="Somebody's Set")


def _lock(world: World) -> str:
    return _create(world, "PermissionSet", Name="Rehearsal_Lock_0123456789abcdef", Label="Lock", Description="run1")


def _orders(world: World) -> str:
    return _id(world, "PermissionSet", Name="ERP_Orders")


def _run_as(world: World, user: str) -> None:
    policy = _id(world, "ExtlClntAppOauthPlcyCnfg")
    world.org.store.update(
        world.org.schema.get("ExtlClntAppOauthPlcyCnfg"),  # type: ignore[arg-type]
        policy,
        {"ClientCredentialsFlowUser": user},
    )


def _another_user(world: World) -> str:
    profile = _id(world, "Profile", Name="Minimum Access - API Only Integrations")
    common = world.org.rows("User", Username=OLD)[0]
    columns = ("Email", "LocaleSidKey", "LanguageLocaleKey", "TimeZoneSidKey", "EmailEncodingKey")
    values = {name: common[name] for name in columns}
    return _create(
        world, "User", Username="erp2@acme.example", LastName="ERP", Alias="erp2", ProfileId=profile, **values
    )


def _file(world: World, text: str) -> None:
    (world.folder / CREDENTIALS).write_text(text)


AFTER_A_ROLLBACK: dict[str, Plant] = {
    "an assignment left": lambda w: _create(
        w, "PermissionSetAssignment", AssigneeId=_user(w, ADMIN), PermissionSetId=_orders(w)
    ),
    "an assignment lost": lambda w: _delete(w, "PermissionSetAssignment", PermissionSetId=_orders(w)),
    "a set left": _some_set,
    "a lock left": _lock,
    "the app runs as the new user": lambda w: _run_as(w, _user(w, NEW)),
    "old user frozen": lambda w: _update(w, "UserLogin", _id(w, "UserLogin", UserId=_user(w, OLD)), IsFrozen=True),
    "old user inactive": lambda w: _update(w, "User", _user(w, OLD), IsActive=False),
    "old user without its role": lambda w: _update(w, "User", _user(w, OLD), UserRoleId=None),
    "old user out of its group": lambda w: _delete(w, "GroupMember", UserOrGroupId=_user(w, OLD)),
    "new user active": lambda w: _update(w, "User", _user(w, NEW), IsActive=True),
    "two users": _another_user,
    "a row more in the old set": lambda w: _create(
        w, "ObjectPermissions", ParentId=_orders(w), SobjectType="Contact", PermissionsRead=True
    ),
    "a record more": lambda w: _create(w, "Account", Name="Left by a check"),
    "new credential in the file": lambda w: _file(w, "SF_USERNAME=x\n"),
}
AFTER_A_MIGRATION: dict[str, Plant] = {
    "the set gives more": lambda w: _update(
        w,
        "ObjectPermissions",
        _id(w, "ObjectPermissions", ParentId=_id(w, "PermissionSet", Name=SET)),
        PermissionsCreate=True,
        PermissionsEdit=True,
    ),
    "the set is given to somebody else": lambda w: _create(
        w, "PermissionSetAssignment", AssigneeId=_user(w, ADMIN), PermissionSetId=_id(w, "PermissionSet", Name=SET)
    ),
    "the set is not assigned": lambda w: _delete(
        w, "PermissionSetAssignment", PermissionSetId=_id(w, "PermissionSet", Name=SET)
    ),
    "a field permission is missing": lambda w: _delete(
        w, "FieldPermissions", ParentId=_id(w, "PermissionSet", Name=SET)
    ),
    "the app is not allowed": lambda w: _delete(
        w,
        "SetupEntityAccess",
        SetupEntityId=_id(w, "ExternalClientApplication", DeveloperName=NEW_APP.replace(" ", "_")),
    ),
    "the app runs as the admin": lambda w: _run_as(w, _user(w, ADMIN)),
    "the new user has no role": lambda w: _update(w, "User", _user(w, NEW), UserRoleId=None),
    "the new user is out of the group": lambda w: _delete(w, "GroupMember", UserOrGroupId=_user(w, NEW)),
    "the new user is inactive": lambda w: _update(w, "User", _user(w, NEW), IsActive=False),
    "the old user is not frozen": lambda w: _update(
        w, "UserLogin", _id(w, "UserLogin", UserId=_user(w, OLD)), IsFrozen=False
    ),
    "the old user is active": lambda w: _update(w, "User", _user(w, OLD), IsActive=True),
    "a lock left": _lock,
    "two users": _another_user,
    "old credential in the file": lambda w: _file(w, f"SF_USERNAME={OLD}\nSF_CLIENT_SECRET=old\n"),
}


@pytest.mark.parametrize("name", sorted(AFTER_A_ROLLBACK))
def test_what_is_planted_after_a_rollback_is_seen(ends: tuple[World, Kept, Kept], name: str) -> None:
    world, _, undone = ends
    world.put_back(undone)
    AFTER_A_ROLLBACK[name](world)
    finding = world.judge()
    assert finding.standing == "between", finding
    assert finding.left


@pytest.mark.parametrize("name", sorted(AFTER_A_MIGRATION))
def test_what_is_planted_after_a_migration_is_seen(ends: tuple[World, Kept, Kept], name: str) -> None:
    world, migrated, _ = ends
    world.put_back(migrated)
    AFTER_A_MIGRATION[name](world)
    finding = world.judge()
    assert finding.standing == "between", finding
    assert finding.missing or finding.unexplained


def test_what_is_foreign_is_looked_past(ends: tuple[World, Kept, Kept]) -> None:
    world, _, undone = ends
    world.put_back(undone)
    _some_set(world)
    assert world.judge().standing == "between"
    assert world.judge(foreign=lambda line: "Somebodys_Set" in line).standing == "as before"


def test_the_checker_knows_nothing_of_the_engine() -> None:
    text = (Path(__file__).parent / "checker.py").read_text()
    assert "harness.migration" not in text
