"""preflight: is this a sandbox, and could the whole migration be carried out in it? Nothing is written.

Every problem is looked for before the stage ends, so that one look at the report is enough to remove them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.access.fingerprint import differences
from harness.access.reading.asking import Rows, ask
from harness.access.reading.holdings import permission_columns
from harness.access.reading.people import User, find_user, read_user
from harness.access.soql import among, equals, select
from harness.checks.templates import check_templates
from harness.errors import Place, SignInRefused, StageFailed
from harness.migration.apps import App
from harness.migration.licenses import further_problems
from harness.migration.planning.marks import Mark
from harness.migration.protected import read_keepers
from harness.migration.records import OrgFacts, Preflight
from harness.migration.seats import Seats, seats_named
from harness.migration.stages import Stage, Steps
from harness.migration.stages.setting_up import known_before
from harness.migration.state import RUNS_AS_FLOW, assigned_to, find_scenario_app, read_state
from harness.migration.strategies import strategy_of
from harness.migration.target import PERMISSION_SET_LICENSE, USER_LICENSE, is_ours, run_of
from harness.org.sign_in import credential

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.org.guard import SandboxProof

ADMIN_NEEDS: Mapping[str, str] = {
    "ViewSetup": "read permission sets and licenses",
    "ManageUsers": "create the new user and freeze the old one",
    "AssignPermissionSets": "assign the permission set and its license",
    "ManageProfilesPermissionsets": "create the permission set",
}
"""System permissions the admin needs, each with what for (facts 3.1)."""
RUN_AS_NEEDS: Mapping[str, str] = {
    "ModifyMetadata": "change the app's run-as user",
    "CustomizeApplication": "change the app's run-as user",
}
"""And those it needs where the app's run-as user is to be changed (facts 5.9)."""

_JOURNAL_LOST = "where its journal is lost, `rehearse adopt` first rebuilds that from the org"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that would stop the migration, and what to do about it."""

    message: str
    remedy: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Full:
    """The full license that the source user holds, and the profile a new user would begin with on it."""

    seats: Seats
    profile: Mapping[str, Any] | None


def _preflight(context: Context) -> Steps:
    check_templates(context.world.file)
    context.prove()
    yield
    if context.only_to_be_undone:
        return _unchanged(context)
    context.world.store.fingerprint()
    credential(known_before(context.scenario), context.scenario.target_username, context.world.resolve)
    if problems := list(_admin(context)):  # without these, the org would hide what is asked next
        raise _failure(context, problems)
    licenses, psls, profiles, sets = ask(context.admin, *_queries(context))
    yield
    license_row, psl_row = (_license(rows) for rows in (licenses, psls))
    profile = _profile(context, profiles)
    app, full = find_scenario_app(context), _full(context)
    problems = [
        *_source(context),
        *_full_license(context, full),
        *_seats(license_row, psl_row),
        *(Problem(*each) for each in further_problems(context)),
        *([] if strategy_of(context.scenario).one_user else _target(context)),
        *_permission_set(context, sets),
        *_app(context, app),
    ]
    yield
    if profile is None:
        problems.append(
            Problem(f"no profile has the {USER_LICENSE} license", "enable the license; its profile comes with it")
        )
    problems += _sign_in(context)
    yield
    if problems:
        raise _failure(context, problems)
    assert license_row
    assert psl_row
    assert profile
    record = _record(context, (license_row, psl_row), profile, app).model_copy(update=_of_full(context, full))
    context.record("preflight", "preflight", record)
    return f"{_org_in_words(context.prove())}; {_free(license_row)}; {_free(psl_row)}; profile {profile['Name']}"


def _unchanged(context: Context) -> str:
    """A run that follows another's plan begins where that one began: the access state must be the same."""
    before, now = context.snapshot, read_state(context)
    if now.fingerprint != before.fingerprint:
        raise StageFailed(
            f"the org is not as it was when the plan was made: {'; '.join(differences(before.parts, now.parts))}",
            stage=context.stage,
            remedy="put that back, or make a new plan (rehearse run)",
        )
    return f"the access state is that of the plan, fingerprint {now.fingerprint[:16]}"


def _queries(context: Context) -> list[str]:
    """What one call can tell: both licenses, the license's profiles, and whether our permission set is there."""
    license_columns = ("Id", "MasterLabel", "TotalLicenses", "UsedLicenses")
    active = "Status = 'Active'"
    return [
        select("UserLicense", license_columns, where=f"{equals('Name', USER_LICENSE)} AND {active}"),
        select(
            "PermissionSetLicense",
            license_columns,
            where=f"{equals('DeveloperName', PERMISSION_SET_LICENSE)} AND {active}",
        ),
        select(
            "PermissionSet",
            ("Id", "IsCustom", "ProfileId", "Profile.Name"),
            where=f"IsOwnedByProfile = true AND {equals('Profile.UserLicense.Name', USER_LICENSE)}",
            order="Id",
        ),
        select("PermissionSet", ("Id", "Description"), where=equals("Name", context.scenario.permission_set_name)),
    ]


def _admin(context: Context) -> Iterator[Problem]:
    runs_as = context.scenario.to.sign_in.flow == RUNS_AS_FLOW
    needs = {**ADMIN_NEEDS, **(RUN_AS_NEEDS if runs_as else {})}
    rows = context.admin.query(select("UserPermissionAccess", [f"Permissions{name}" for name in needs]))
    row = rows[0] if rows else {}
    for name, purpose in needs.items():
        if not row.get(f"Permissions{name}"):
            yield Problem(
                f"the admin {context.admin.username} lacks {name}, to {purpose}",
                f"give {context.admin.username} the system permission {name}",
            )


def _source(context: Context) -> Iterator[Problem]:
    username, place = context.scenario.from_.username, context.world.file.place("from", "username")
    user = read_user(context.admin, username)
    if user is None:
        remedy = "write the username as it stands in this sandbox: a copy of production adds a suffix to it"
        yield Problem(f"there is no user {username}", remedy, place)
        return
    if not user.is_active:
        yield Problem(f"{username} is inactive", "activate it, or name the user the system signs in as today", place)
    if user.is_frozen:
        yield Problem(f"{username} is frozen", "unfreeze it, or name the user the system signs in as today", place)
    if user.user_license == USER_LICENSE:
        yield Problem(f"{username} holds the {USER_LICENSE} license already", "there is nothing to migrate", place)
    keepers = read_keepers(context.admin, user.id)
    if (why := keepers.why_not(user.id)) is not None:
        remedy = "sign the tool in as another admin, and leave the org one that is not moved: this user is cut off"
        yield Problem(f"{username} {why}", remedy, place)
    elif keepers.working is None:
        context.not_tested("last admin", f"Whether {username} is the last working admin, the org would not tell")


def _sign_in(context: Context) -> Iterator[Problem]:
    """Whether the old credential works: it is needed later, and a rollback must bring it back."""
    try:
        context.world.connect("source")
    except SignInRefused as refusal:
        remedy = refusal.remedy or "correct the credential that from.sign_in names"
        yield Problem(refusal.message, remedy, context.world.file.place("from", "sign_in"))


def _license(rows: Rows) -> Seats | None:
    if not rows:
        return None
    row = rows[0]
    return Seats(str(row["Id"]), str(row["MasterLabel"]), int(row["TotalLicenses"]), int(row["UsedLicenses"]))


def _seats(license_row: Seats | None, psl_row: Seats | None) -> Iterator[Problem]:
    for seats, name in ((license_row, USER_LICENSE), (psl_row, PERMISSION_SET_LICENSE)):
        if seats is None:
            yield Problem(f"the org has no active {name} license", "ask Salesforce to enable it for this org")
        elif seats.free < 1:
            yield Problem(
                f"no seat of {seats.label} is free: {seats.used} of {seats.total} are used",
                "deactivate a user that no longer needs it, or buy seats and match the sandbox's licenses",
            )


def _profile(context: Context, rows: Rows) -> dict[str, Any] | None:
    """The profile of the target license: found by the license; a standard one, and then the one that gives least."""
    if len(rows) > 1:
        columns = permission_columns(context.admin, "PermissionSet")
        ids = [str(row["Id"]) for row in rows]
        sets = context.admin.query(select("PermissionSet", ("Id", *columns), where=among("Id", ids), order="Id"))
        given = {str(each["Id"]): sum(1 for name in columns if each[name]) for each in sets}
        for row in rows:
            row["Given"] = given[str(row["Id"])]
    rows.sort(key=lambda row: (bool(row["IsCustom"]), row.get("Given", 0), row["Profile"]["Name"]))
    return {"Id": rows[0]["ProfileId"], "Name": rows[0]["Profile"]["Name"]} if rows else None


def _full(context: Context) -> Full | None:
    """The license of the source user, where the strategy needs a seat of it; its least standard profile."""
    strategy = strategy_of(context.scenario)
    if not (strategy.one_user or strategy.begins_full):
        return None
    user = find_user(context.admin, context.scenario.from_.username)
    name = str(((user or {}).get("Profile") or {}).get("UserLicense", {}).get("Name", ""))
    seats = seats_named(context.admin, name)
    if seats is None:
        return None
    where = f"IsOwnedByProfile = true AND IsCustom = false AND {equals('Profile.UserLicense.Name', name)}"
    columns = ("Id", "IsCustom", "ProfileId", "Profile.Name")
    sets = select("PermissionSet", columns, where=where, order="Id")
    return Full(seats, _profile(context, context.admin.query(sets)) if strategy.begins_full else None)


def _full_license(context: Context, full: Full | None) -> Iterator[Problem]:
    """temporary-full-license takes a seat of the full license for minutes, and begins with a profile of it."""
    if not strategy_of(context.scenario).begins_full or full is None:
        return
    place = context.world.file.place("to", "strategy")
    if full.seats.free < 1:
        yield Problem(
            f"no seat of {full.seats.label} is free, and the new user is set up on one: "
            f"{full.seats.used} of {full.seats.total} are used",
            "free a seat for some minutes, or choose strategy new-user",
            place,
        )
    if full.profile is None:
        yield Problem(f"no standard profile has the license {full.seats.label}", "choose strategy new-user", place)


def _of_full(context: Context, full: Full | None) -> dict[str, Any]:
    """What preflight's record tells of the full license."""
    if full is None:
        return {}
    found = {
        "full_license": full.seats.label,
        "full_seats_total": full.seats.total,
        "full_seats_used": full.seats.used,
    }
    if full.profile is not None and strategy_of(context.scenario).begins_full:
        found |= {"full_profile": str(full.profile["Name"]), "full_profile_id": str(full.profile["Id"])}
    return found


def _target(context: Context) -> Iterator[Problem]:
    username, place = context.scenario.target_username, context.world.file.place("to", "username")
    user = read_user(context.admin, username)
    if user is None:
        return
    name = context.world.file.name
    if not is_ours(user, name):
        remedy = "choose another username: what somebody else made is never taken over"
        yield Problem(f"there is a user {username} already, and this scenario did not make it", remedy, place)
    elif run_of(user, name) != context.run_id and (left := _in_use(context, user)):
        yield Problem(
            f"{username} is {left}: run {run_of(user, name)} of this scenario still stands",
            f"roll that run back first (rehearse rollback); {_JOURNAL_LOST}",
            place,
        )


def _in_use(context: Context, user: User) -> str:
    if user.is_active:
        return "active"
    assigned = assigned_to(context.admin, user.id)
    return f"assigned {', '.join(assigned)}" if assigned else ""


def _permission_set(context: Context, rows: Rows) -> Iterator[Problem]:
    name = context.scenario.permission_set_name
    text = str(rows[0]["Description"] or "") if rows else ""
    mark = Mark.read(text)
    if rows and not (mark and mark.run_id == context.run_id and mark.is_of(context.world.file.name)):
        whose = f"run {mark.run_id} of {mark.scenario} made it" if mark else text or "no description"
        yield Problem(
            f"there is a permission set {name} already ({whose})",
            f"roll back the run that made it (rehearse rollback), {_JOURNAL_LOST}; or change system or purpose in the "
            "scenario",
            context.world.file.place("purpose"),
        )


def _app(context: Context, app: App | None) -> Iterator[Problem]:
    sign_in, place = context.scenario.to.sign_in, context.world.file.place("to", "sign_in")
    wanted = getattr(sign_in, "app", None)
    if wanted is None:
        return
    if app is None:
        remedy = "create it in Setup (an External Client App: connected apps can no longer be created)"
        yield Problem(f"the org has no app {wanted}", remedy, place)
        return
    strategy = strategy_of(context.scenario)
    if sign_in.flow == "jwt-bearer" and not app.needs_approval and not strategy.begins_full:
        yield Problem(
            f"users approve {app.name} by themselves, which a user without a user interface cannot",
            "set its Permitted Users to 'Admin approved users are pre-authorized', or choose strategy "
            "temporary-full-license, with which the new user can approve it in a browser",
            place,
        )
    if sign_in.flow != RUNS_AS_FLOW:
        return
    if app.policy is None:
        yield Problem(f"the policies of {app.name} cannot be read", "let the admin read its metadata", place)
    elif not strategy.one_user and (app.run_as or "").casefold() == context.scenario.from_.username.casefold():
        yield Problem(
            f"{app.name} signs in as {app.run_as}: changing that would cut the old user off at once",
            "give the new user an app of its own, so that both can work in the dual-auth period",
            place,
        )


def _failure(context: Context, problems: list[Problem]) -> StageFailed:
    if len(problems) == 1:
        [one] = problems
        return StageFailed(one.message, stage=context.stage, place=one.place, remedy=one.remedy)
    numbered = list(enumerate(problems, start=1))
    return StageFailed(
        f"{len(problems)} problems: " + "; ".join(f"({number}) {each.message}" for number, each in numbered),
        stage=context.stage,
        place=next((each.place for each in problems if each.place), None),
        remedy="; ".join(f"({number}) {each.remedy}" for number, each in numbered),
    )


def _record(context: Context, seats: tuple[Seats, Seats], profile: Mapping[str, Any], app: App | None) -> Preflight:
    site, proof, (license_row, psl_row) = context.world.site, context.prove(), seats
    return Preflight(
        org=OrgFacts(
            name=site.name, kind=proof.kind, org_id=proof.org_id, my_domain=site.url, api_version=site.api_version
        ),
        is_sandbox=True,
        trial_expires=proof.trial_expires,
        instance=proof.instance,
        organization_type=proof.organization_type,
        admin_username=context.admin.username,
        user_license=license_row.label,
        seats_total=license_row.total,
        seats_used=license_row.used,
        permission_set_license=psl_row.label,
        psl_seats_total=psl_row.total,
        psl_seats_used=psl_row.used,
        profile=str(profile["Name"]),
        profile_id=str(profile["Id"]),
        permission_set_license_id=psl_row.id,
        target_app=app.name if app else "",
        target_app_kind=app.kind if app else None,
        target_app_admin_approved_only=app.admin_approved_only if app else None,
        findings=tuple(_findings(context, seats, app)),
    )


def _findings(context: Context, seats: tuple[Seats, Seats], app: App | None) -> Iterator[str]:
    if strategy_of(context.scenario).one_user:
        yield (
            f"From provision on, the seat of the full license that {context.scenario.from_.username} leaves must stay "
            "free: a rollback takes it again."
        )
    yield from context.prove().unsaid
    for each in seats:
        if each.free == 1:
            yield f"This migration takes the last free seat of {each.label}."
    if app and app.admin_approved_only is None:
        yield f"{app.name} does not say who may use it; the new user is pre-authorized in any case."
    if app and app.run_as:
        yield f"{app.name} runs as {app.run_as} today; from authorize on it runs as the new user."


def _org_in_words(proof: SandboxProof) -> str:
    return f"{proof.org_id} is a {proof.kind} org ({proof.organization_type}, {proof.instance})"


def _free(seats: Seats) -> str:
    return f"{seats.free} of {seats.total} seats of {seats.label} free"


PREFLIGHT = Stage(name="preflight", writes=False, run=_preflight)
