"""What an assignment gives: everything, until when, or nothing and why. And what changes the fingerprint of a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.access.fingerprint import digest, source_parts
from harness.access.model import Access
from harness.access.reading.assignments import Assigned, Assignment, assignments_of
from harness.access.reading.group_sets import stale_groups
from harness.access.reading.holdings import Holdings, Source
from harness.access.reading.people import ExtraLicenses, LicenseAssignment, User
from harness.access.reading.permission_rows import PermissionRows

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
USER = User(
    row={"Id": "005", "Username": "u", "IsActive": True, "Profile": {"Name": "P", "UserLicenseId": "100"}},
    login_id=None,
    is_frozen=False,
    licenses=(LicenseAssignment("2LA", "0PL", "Psl"),),
)
SET: Mapping[str, Any] = {
    "Name": "S",
    "Label": "The Set",
    "LicenseId": None,
    "License": None,
    "HasActivationRequired": False,
}
ROW: Mapping[str, Any] = {
    "Id": "0Pa",
    "PermissionSetId": "0PS",
    "PermissionSetGroupId": None,
    "ExpirationDate": None,
    "IsRevoked": False,
}


def sentence(row: Mapping[str, Any] | None = None, of_set: Mapping[str, Any] | None = None, **assigned: Any) -> str:
    told = Assigned("0PS9", {"0PS": {**ROW, **(row or {})}}, {}, {}, assigned.get("activated", {}), 1)
    [found] = assignments_of(told, {"0PS": {**SET, **(of_set or {})}}, USER, lambda: NOW)
    return found.sentence


def test_a_plain_assignment_gives_what_it_holds() -> None:
    assert sentence() == ""


@pytest.mark.parametrize("license_id", ["100", "0PL"])
def test_a_set_of_a_license_that_is_held_gives_what_it_holds(license_id: str) -> None:
    assert sentence(of_set={"LicenseId": license_id}) == ""


def test_a_set_of_another_license_gives_nothing() -> None:
    told = sentence(of_set={"LicenseId": "0PL9", "License": {"Name": "Other"}})
    assert told == (
        "The Set is assigned and gives nothing: it is bound to the license Other, which the user does not hold"
    )


@pytest.mark.parametrize(
    ("expires", "told"),
    [
        ("2026-01-05T09:00:00.000+0000", "gives nothing: the assignment expired on 2026-01-05"),
        ("2026-01-05T09:00:01.000+0000", "gives what it holds until 2026-01-05 09:00 UTC"),
        ("2026-01-04T23:00:00.000+0000", "gives nothing: the assignment expired on 2026-01-04"),
    ],
)
def test_an_assignment_gives_until_the_very_moment_it_expires(expires: str, told: str) -> None:
    assert told in sentence({"ExpirationDate": expires})


def test_a_revoked_assignment_gives_nothing() -> None:
    assert "the assignment was revoked" in sentence({"IsRevoked": True})


@pytest.mark.parametrize(
    ("activated", "told"), [({}, "in no session of the user"), ({"0PS": 2}, "in 2 of the user's sessions alone")]
)
def test_a_session_based_set_gives_in_sessions_only(activated: Mapping[str, int], told: str) -> None:
    assert f"it is session-based, and switched on {told}" in sentence(
        of_set={"HasActivationRequired": True}, activated=activated
    )


def test_a_session_based_group_gives_in_sessions_only() -> None:
    group = {"DeveloperName": "G", "MasterLabel": "The Group", "Status": "Updated", "HasActivationRequired": True}
    row = {**ROW, "PermissionSetGroupId": "0PG", "PermissionSetGroup": group}
    [found] = assignments_of(Assigned(None, {}, {"0PG": row}, {}, {"0PS": 1}, 1), {}, USER, lambda: NOW)
    assert (found.given_id, found.name) == ("0PG", "G")
    assert "switched on in 1 of the user's sessions alone" in found.sentence


def test_the_time_is_asked_for_only_where_something_expires() -> None:
    def never() -> datetime:
        raise AssertionError("the time was asked for")

    assert assignments_of(Assigned(None, {"0PS": ROW}, {}, {}, {}, 1), {"0PS": SET}, USER, never)


SOURCE = Source("permission-set", "0PS", "S", "The Set", None, Access(system=frozenset({"ApiEnabled"})))
HOLDINGS = Holdings((SOURCE,), {}, (Assignment("0Pa", "0PS", "S", "The Set"),), 3)
BEFORE = source_parts(USER, HOLDINGS, ExtraLicenses())


def test_the_fingerprint_is_the_same_where_nothing_that_counts_has_changed() -> None:
    again = replace(HOLDINGS, assigned=(Assignment("0Pb", "0PS", "S", "The Set"),), rows=9, pages=3)
    assert source_parts(USER, again, ExtraLicenses()) == BEFORE, "put back, an assignment has another id"


@pytest.mark.parametrize(
    ("holdings", "licenses", "part"),
    [
        (replace(HOLDINGS, assigned=(Assignment("0Pa", "0PS", "S", "S", NOW),)), ExtraLicenses(), "assignments"),
        (replace(HOLDINGS, assigned=()), ExtraLicenses(), "assignments"),
        (replace(HOLDINGS, sources=(replace(SOURCE, access=Access()),)), ExtraLicenses(), "permission-set S"),
        (HOLDINGS, ExtraLicenses(frozenset({"MarketingUser"})), "feature licenses"),
        (HOLDINGS, ExtraLicenses(packages=("dlrs",)), "package licenses"),
        (HOLDINGS, ExtraLicenses(packages=None), "package licenses"),
    ],
)
def test_what_a_migration_may_touch_changes_the_fingerprint(
    holdings: Holdings, licenses: ExtraLicenses, part: str
) -> None:
    after = source_parts(USER, holdings, licenses)
    assert digest(after) != digest(BEFORE)
    [changed] = [name for name in after if after[name] != BEFORE.get(name)]
    assert part in changed


@pytest.mark.parametrize(
    ("status", "counted", "told"),
    [
        ("Updated", 1, ()),
        ("Updated", 2, ("the set that the org computed for it holds 2 object permissions, and its sets come to 1",)),
        ("Outdated", 1, ("the group The Group is Outdated",)),
    ],
)
def test_a_group_that_is_not_what_its_sets_come_to_is_told(status: str, counted: int, told: tuple[str, ...]) -> None:
    row = {**ROW, "PermissionSetGroupId": "0PG", "PermissionSetGroup": {"Status": status}}
    access = Access(objects={"Lead": frozenset({"read"})})
    source = Source("permission-set-group", "0PG", "G", "The Group", None, access)
    gathered = PermissionRows(counts={("ObjectPermissions", "0PS"): counted})
    found = tuple(stale_groups(Assigned(None, {}, {"0PG": row}, {}, {}, 1), [source], {}, gathered))
    assert len(found) == len(told)
    assert all(words in sentence for words, sentence in zip(told, found, strict=True))


def test_a_set_of_a_group_whose_license_is_not_held_is_told() -> None:
    row = {**ROW, "PermissionSetGroupId": "0PG", "PermissionSetGroup": {"Status": "Updated"}}
    source = Source("permission-set-group", "0PG", "G", "The Group", None, Access(), sets={"0PS1": "One"})
    assigned = Assigned(None, {}, {"0PG": row}, {"0PG": ("0PS1", "0PS2", "0QM1")}, {}, 1)
    [told] = stale_groups(assigned, [source], {"0PS2": {"Label": "Two"}}, PermissionRows())
    assert told == "in the group The Group, Two gives nothing: it is bound to a license that is not held"
