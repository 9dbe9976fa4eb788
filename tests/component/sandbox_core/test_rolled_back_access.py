"""What a user may do after a transaction was rolled back: what it was before, and nothing of what was written in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import SObject
from harness.sandbox.source import open_org

USER = "project.sync@acme.example"


class Regret(Exception):
    """What a transaction ends with."""


@pytest.fixture
def org() -> SandboxOrg:
    return open_org("demo")


def table(org: SandboxOrg, name: str) -> SObject:
    found = org.schema.get(name)
    assert found is not None
    return found


def user_id(org: SandboxOrg) -> str:
    return str(next(row["Id"] for row in org.rows("User") if row["Username"] == USER))


def own_set(org: SandboxOrg) -> str:
    return str(next(row["Id"] for row in org.rows("PermissionSet") if row["Name"] == "Project_Sync"))


def take_object(org: SandboxOrg) -> None:
    rows = [row for row in org.rows("ObjectPermissions") if row["ParentId"] == own_set(org)]
    for row in rows:
        org.write_removal(table(org, "ObjectPermissions"), row)


def take_assignment(org: SandboxOrg) -> None:
    rows = [row for row in org.rows("PermissionSetAssignment") if row["AssigneeId"] == user_id(org)]
    for row in rows:
        if row["PermissionSetId"] == own_set(org):
            org.write_removal(table(org, "PermissionSetAssignment"), row)


def change_profile(org: SandboxOrg) -> None:
    other = next(row["Id"] for row in org.rows("Profile") if row["Name"] == "Sales User")
    user = next(row for row in org.rows("User") if row["Username"] == USER)
    org.write_changes(table(org, "User"), user, {"ProfileId": other}, None)


CHANGES: tuple[Callable[[SandboxOrg], None], ...] = (take_object, take_assignment, change_profile)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("inner", [False, True], ids=["outermost", "savepoint"])
def test_access_is_as_it_was(org: SandboxOrg, change: Callable[[SandboxOrg], None], inner: bool) -> None:
    who = user_id(org)
    before = org.permissions_of(who)
    with suppress(Regret), org.transaction():
        with suppress(Regret), org.transaction():
            change(org)
            meanwhile = org.permissions_of(who)
            assert meanwhile.objects != before.objects, "the change must be seen while it lasts"
            raise Regret
        assert org.permissions_of(who).objects == before.objects
        if inner:
            change(org)
            assert org.permissions_of(who).objects == meanwhile.objects
        raise Regret
    after = org.permissions_of(who)
    assert (after.objects, after.system, after.set_ids) == (before.objects, before.system, before.set_ids)


def test_a_table_made_in_a_transaction_that_was_rolled_back_is_made_again(org: SandboxOrg) -> None:
    with suppress(Regret), org.transaction():
        org.store.execute('DROP TABLE IF EXISTS "Lead"')
        org.store.schema_changed(table(org, "Lead"))
        org.store.ensure(table(org, "Lead"))
        raise Regret
    assert [row["LastName"] for row in org.rows("Lead")] == ["Park"]


def test_access_that_no_rolled_back_row_touches_is_not_worked_out_again(org: SandboxOrg) -> None:
    who = user_id(org)
    before = org.permissions_of(who)
    with suppress(Regret), org.transaction():
        org.insert_row("Account", {"Name": "Gone", "OwnerId": who})
        raise Regret
    assert org.permissions_of(who).serial == before.serial


def test_a_query_finds_a_table_again_that_went_with_a_transaction(org: SandboxOrg) -> None:
    """Whoever asks first for a private object makes the table of its shares; the same query is asked again after."""
    soql, seller = "SELECT Id FROM Opportunity WHERE Amount > 1", org.rows("User", Username="sam.seller@acme.example")
    who, share = str(seller[0]["Id"]), table(org, "OpportunityShare")
    org.store.ensure(share)
    org.store.execute('DROP TABLE "OpportunityShare"')
    org.store.schema_changed(share)
    org.shares.forget_everything()
    with suppress(Regret), org.transaction():
        inside = org.query(soql, as_user=who).total_size
        raise Regret
    assert org.query(soql, as_user=who).total_size == inside
