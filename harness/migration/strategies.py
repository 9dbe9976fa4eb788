"""How a move is made: one small value for each strategy, which whatever differs between them consults. Pure.

`new-user` makes a second user beside the old one. `in-place` changes profile and license of the same user (facts
section 2). `temporary-full-license` makes the second user on a full license, lets it be set up there, then moves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.migration.licenses import license_key
from harness.migration.records import PlannedWrite, Preflight, Snapshot
from harness.migration.target import PERMISSION_SET_LICENSE

if TYPE_CHECKING:
    from harness.access.model import Access
    from harness.migration.apps import App
    from harness.scenario.model import Scenario

PASSWORD_FLOWS = ("username-password", "soap-login")
"""The flows with which the new user signs in by a password, which it must be given."""
ANY_API_AUTH = "UseAnyApiAuth"
"""The system permission that SOAP login() needs (facts 4.5)."""
_WAY_BACK = "without it there is no way back"


@dataclass(frozen=True, slots=True)
class Strategy:
    """What tells a strategy from the others."""

    name: str
    one_user: bool = False
    """Whether the target is the source user itself."""
    begins_full: bool = False
    """Whether the target user begins on a full license and is moved when it is set up."""


STRATEGIES: Mapping[str, Strategy] = {
    each.name: each
    for each in (
        Strategy("new-user"),
        Strategy("in-place", one_user=True),
        Strategy("temporary-full-license", begins_full=True),
    )
}


def strategy_of(scenario: Scenario) -> Strategy:
    """The strategy that a scenario moves by."""
    return STRATEGIES[scenario.to.strategy]


# --- what is written about the user itself ----------------------------------------------------------------------------


def provision_writes(scenario: Scenario, preflight: Preflight, *, residue: bool) -> Iterator[PlannedWrite]:
    """The writes that make a second user and license it. `residue`: an inactive one waits to be taken up again."""
    user, full = scenario.target_username, strategy_of(scenario).begins_full
    profile = preflight.full_profile if full else preflight.profile
    if residue:
        yield PlannedWrite.of("provision/user", "update", "User", f"reactivate {user} with profile {profile}")
    else:
        yield PlannedWrite.of("provision/user", "create", "User", f"create {user} with profile {profile}")
    if scenario.to.sign_in.flow in PASSWORD_FLOWS:
        yield PlannedWrite.of("provision/password", "update", "User password", f"set the password of {user}")
    if full:
        yield PlannedWrite.of("provision/move", "update", "User", f"move {user} to profile {preflight.profile}")
    yield from license_writes(scenario, preflight)


def conversion_writes(scenario: Scenario, snapshot: Snapshot, preflight: Preflight) -> Iterator[PlannedWrite]:
    """The writes that take what the old license held from the one user, and change its profile and license."""
    user, person = scenario.target_username, snapshot.person
    sets = [each for each in snapshot.sources if each.kind != "profile"]
    licenses = [each for each in person.permission_set_licenses if each not in wanted_licenses(scenario)]
    if sets:
        summary = f"take {len(sets)} permission sets and groups from {user}"
        yield PlannedWrite.of("provision/unassign", "delete", "PermissionSetAssignment", summary, rows=len(sets))
    if licenses:
        summary = f"take {', '.join(licenses)} from {user}"
        yield PlannedWrite.of(
            "provision/unlicense", "delete", "PermissionSetLicenseAssign", summary, rows=len(licenses)
        )
    yield PlannedWrite.of("provision/profile", "update", "User", f"move {user} to profile {preflight.profile}")
    yield from license_writes(scenario, preflight)


def license_writes(scenario: Scenario, preflight: Preflight) -> Iterator[PlannedWrite]:
    """The permission set licenses that the user is assigned."""
    labels = {"provision/license": preflight.permission_set_license}
    labels |= {license_key(name): name for name in scenario.permissions.licenses}
    for key, label in labels.items():
        summary = f"assign {label} to {scenario.target_username}"
        yield PlannedWrite.of(key, "create", "PermissionSetLicenseAssign", summary)


def wanted_licenses(scenario: Scenario) -> frozenset[str]:
    """The permission set licenses that the target user is to hold, by DeveloperName."""
    return frozenset({PERMISSION_SET_LICENSE, *scenario.permissions.licenses})


def seat_conditions(scenario: Scenario, preflight: Preflight) -> Iterator[str]:
    """What must be so with the seats of the full license, each a sentence."""
    strategy = strategy_of(scenario)
    if strategy.one_user:
        yield f"From provision on, the seat of {preflight.full_license} that the user leaves stays free: {_WAY_BACK}."
    if strategy.begins_full:
        yield f"A seat of {preflight.full_license} is free for the minutes in which the new user is set up."


# --- how the old sign-in ends -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends the sign-in of the old credential at cut-over, and nothing else."""

    how: Literal["freeze", "pre-authorization", "run-as", "any-api-auth", "nothing"]
    because: str = ""
    """With `nothing`: why nothing can, in a sentence without its full stop."""


def ending_of(scenario: Scenario, old: App | None, new: App | None, carried: Access) -> Ending:
    """How the old sign-in ends; with one user only what the old sign-in alone uses is taken away.

    `old` and `new` are the apps of the two sign-ins. A password is not replaced: that also resets the user's security
    token, which nobody can put back.
    """
    if not strategy_of(scenario).one_user:
        return Ending("freeze")
    match scenario.from_.sign_in.flow:
        case "soap-login" if ANY_API_AUTH in carried.system:
            return Ending("any-api-auth")
        case "soap-login":
            return Ending("nothing", f"SOAP login() needs no more than the password where {ANY_API_AUTH} is not asked")
        case "access-token":
            return Ending("nothing", "revoking a token that somebody else obtained cannot be undone")
        case flow:
            return _ending_by_app(flow, old, new, carried)


def _ending_by_app(flow: str, old: App | None, new: App | None, carried: Access) -> Ending:
    because = ""
    if old is None:
        because = "the app of the old sign-in was not found"
    elif new is not None and old.id == new.id:
        because = f"both credentials sign in through {old.name}: what lets one in lets the other in"
    elif flow == "client-credentials":
        return Ending("run-as")
    elif not old.admin_approved_only:
        because = f"every user may use {old.name}, and its users need no leave of an admin"
    elif old.entity not in carried.setup:
        because = f"the leave to use {old.name} is not carried, so that it went with the old profile"
    return Ending("nothing", because) if because else Ending("pre-authorization")


def ending_warnings(scenario: Scenario, ending: Ending, held: Access, carried: Access) -> Iterator[str]:
    """What a reviewer must know of the old credential where there is one user, each a sentence."""
    if not strategy_of(scenario).one_user:
        return
    soap = scenario.from_.sign_in.flow == "soap-login"
    if soap and ANY_API_AUTH in held.system and ANY_API_AUTH not in carried.system:
        yield (
            f"The old credential signs in by SOAP login(), and {ANY_API_AUTH} is not carried: where the org asks for "
            "it, the old credential works no more from provision on, and dual-auth will fail."
        )
    elif ending.how == "nothing":
        yield f"This migration does not end the old credential: {ending.because}."


def ending_writes(scenario: Scenario, ending: Ending, old: App | None) -> Iterator[PlannedWrite]:
    """The writes that end the old sign-in."""
    user, app = scenario.from_.username, old.name if old else ""
    match ending.how:
        case "freeze":
            yield PlannedWrite.of("cut-over/freeze", "update", "UserLogin", f"freeze {user}")
        case "pre-authorization":
            summary = f"withdraw {app} from {scenario.permission_set_label}"
            yield PlannedWrite.of("cut-over/pre-authorization", "delete", "SetupEntityAccess", summary)
        case "run-as":
            kind = old.policy_kind if old else "ConnectedApp"
            yield PlannedWrite.of("cut-over/run-as", "update", kind, f"let {app} run as nobody")
        case "any-api-auth":
            summary = f"take {ANY_API_AUTH} from {scenario.permission_set_label}"
            yield PlannedWrite.of("cut-over/any-api-auth", "update", "PermissionSet", summary)
