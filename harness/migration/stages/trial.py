"""trial: what the license can carry is tried on a throw-away user, and undone again in the same stage.

The org is asked what its licenses may carry, but it has no answer for objects, and it need not do what its columns say.
So a user of the target license is made, assigned an empty permission set, and the set is filled until the org refuses
(`harness.migration.trying`). What was refused on objects is tried again with each other license that may carry it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.access.algebra import Atom, atoms, closure, with_atoms
from harness.access.ceiling import Ceiling, License
from harness.access.dependencies import read_dependencies
from harness.access.model import Access
from harness.access.reading.people import find_user, read_user
from harness.access.soql import among, select
from harness.errors import StageFailed
from harness.migration.licenses import assign_license
from harness.migration.marking import set_mark
from harness.migration.planning import grants
from harness.migration.records import Preflight, TriedCeiling
from harness.migration.stages import Stage, Steps
from harness.migration.stages.plan import known_ceiling
from harness.migration.target import alias, is_ours, nickname
from harness.migration.trial_user import trial_of, trial_set_label, trial_set_name, trial_username
from harness.migration.trying import AssignedSet
from harness.migration.undoing.rollback import undo_stage
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.access.algebra import Dependencies
    from harness.migration.context import Context

_EMAIL = "nobody@rehearse.invalid"
"""Nobody reads it: whoever could, might ask for a new password of the user while it is active (RFC 2606)."""
_COPIED = ("LocaleSidKey", "LanguageLocaleKey", "TimeZoneSidKey", "EmailEncodingKey")
_SEATS = "free a seat of the license, or buy one; or leave the trial out (permissions.ceiling: ask)"


def _trial(context: Context) -> Steps:
    if context.find(TriedCeiling) is None:
        yield from _try(context)
    found = context.need(TriedCeiling)
    yield from undo_stage(context, context.stage)
    refused = len(atoms(found.refused))
    return (
        f"{refused} of {found.tried} permissions refused on {found.username}, which is inactive again; its set is gone"
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is tried: what the source user holds, and what that needs, but for what the profile gives anyway."""

    objects: frozenset[Atom]
    system: frozenset[Atom]
    dependencies: Dependencies


def _try(context: Context) -> Generator[None, None, None]:
    calls, ceiling = context.world.meter.calls, known_ceiling(context)
    wanted = _wanted(context, ceiling)
    user_id = _make_user(context)
    yield
    _assign(context, "trial/license", _own_license(context), user_id)
    for each in ceiling.further:
        _assign(context, f"trial/license/{each.name}", (each.id, each.label), user_id)
    trial = AssignedSet(context, _make_set(context, user_id), context.snapshot.masters, wanted.dependencies)
    yield
    refused = trial.refused_rights("trial/objects", wanted.objects)
    yield
    refused |= trial.refused_system("trial/system", _grouped(wanted.system, ceiling))
    yield
    answers, carried_with = dict(trial.answers), dict[str, Access]()
    without = {atom for atom in refused if atom.object}
    for each in _candidates(context, ceiling, without):
        _assign(context, f"trial/license/{each.name}", (each.id, each.label), user_id)
        still = trial.refused_rights(f"trial/objects/{each.name}", without)
        if carried := without - still:
            carried_with[each.name] = with_atoms(Access(), carried)
        without = still
        yield
    accepted = wanted.system - refused
    found = TriedCeiling(
        username=trial_username(context.scenario),
        refused=with_atoms(Access(), refused),
        beyond=tuple(sorted(atom.right for atom in accepted if not ceiling.allows(atom.right))),
        answers={str(atom): answers[atom] for atom in sorted(refused) if atom in answers},
        carried_with=carried_with,
        tried=len(wanted.objects) + len(wanted.system),
        calls=context.world.meter.calls - calls,
    )
    context.record("ceiling", "ceiling", found)
    yield


def _wanted(context: Context, ceiling: Ceiling) -> _Wanted:
    snapshot = context.snapshot
    held = atoms(snapshot.effective)
    dependencies = read_dependencies(context.admin, held, snapshot.masters)
    everything = {*held, *closure(held, dependencies)} - atoms(Access(system=ceiling.baseline.system))
    objects = frozenset(atom for atom in everything if atom.object)
    return _Wanted(objects, frozenset(everything - objects), dependencies)


def _grouped(system: frozenset[Atom], ceiling: Ceiling) -> list[Sequence[Atom]]:
    """What the license says it carries in one group, and each of the rest by itself."""
    told = sorted(atom for atom in system if ceiling.allows(atom.right))
    return [told, *([atom] for atom in sorted(system - {*told}))]


def _candidates(context: Context, ceiling: Ceiling, refused: set[Atom]) -> Iterator[License]:
    """The other licenses that may carry refused objects: the source user's own, and those whose sets grant them."""
    if not refused:
        return
    held = set(context.snapshot.person.permission_set_licenses)
    ids = [each.id for each in ceiling.others]
    names = sorted({atom.object for atom in refused})
    bound: set[str] = set()
    if ids:
        where = f"{among('SobjectType', names)} AND {among('Parent.LicenseId', ids)}"
        rows = context.admin.query(select("ObjectPermissions", ("Parent.LicenseId",), where=where))
        bound = {str(row["Parent"]["LicenseId"]) for row in rows}
    yield from (each for each in ceiling.others if each.name in held or each.id in bound)


def _own_license(context: Context) -> tuple[str, str]:
    preflight = context.need(Preflight)
    return preflight.permission_set_license_id, preflight.permission_set_license


def _assign(context: Context, key: str, license_: tuple[str, str], user_id: str) -> None:
    license_id, label = license_
    assign_license(context, key, user_id, trial_username(context.scenario), license_id=license_id, label=label)


def _make_user(context: Context) -> str:
    """Create the throw-away user, or take up the inactive one that an earlier trial of this scenario left."""
    scenario, preflight = context.scenario, context.need(Preflight)
    username, mark = trial_username(scenario), nickname(trial_of(context.world.file.name), context.run_id)
    source = find_user(context.admin, scenario.from_.username)
    if source is None:
        raise StageFailed(f"{scenario.from_.username} is gone", stage=context.stage)
    standing = read_user(context.admin, username)
    if standing is not None and standing.row["CommunityNickname"] != mark:
        if standing.is_active or not is_ours(standing, trial_of(context.world.file.name)):
            raise StageFailed(
                f"there is a user {username} already, and no trial of this scenario that is over made it",
                stage=context.stage,
                remedy="roll back the run that made it, or leave the trial out (permissions.ceiling: ask)",
            )
        return _take_up(context, standing.id, dict(standing.row), mark)
    row: dict[str, Any] = {
        "Username": username,
        "LastName": f"Trial of {scenario.user_label}"[:80],
        "Alias": alias(f"trial{scenario.system}"),
        "CommunityNickname": mark,
        "ProfileId": preflight.profile_id,
        "Email": _EMAIL,
        **{column: source[column] for column in _COPIED},
    }
    write = Write(
        key="trial/user",
        operation="create",
        sobject="User",
        summary=f"create the throw-away user {username} with profile {preflight.profile}",
        natural_key={"Username": username, "CommunityNickname": mark},
        after=row,
        inverse="deactivate the user; users cannot be deleted",
        remedy=_SEATS,
    )
    return writes.create(context, write, [row])[0]


def _take_up(context: Context, user_id: str, standing: dict[str, Any], mark: str) -> str:
    username = trial_username(context.scenario)
    after = {"IsActive": True, "CommunityNickname": mark, "ProfileId": context.need(Preflight).profile_id}
    write = Write(
        key="trial/user",
        operation="update",
        sobject="User",
        summary=f"reactivate the throw-away user {username}, which an earlier trial left",
        natural_key={"Id": user_id, "Username": username},
        before={name: standing[name] for name in after},
        after=after,
        inverse="deactivate the user again",
        remedy=_SEATS,
    )
    writes.update(context, write, user_id)
    return user_id


def _make_set(context: Context, user_id: str) -> str:
    """An empty permission set, assigned to the throw-away user."""
    scenario, description = context.scenario, set_mark(context)
    label = trial_set_label(scenario)
    row = grants.permission_set(name=trial_set_name(scenario), label=label, description=description, carried=Access())
    made = Write(
        key="trial/permission-set",
        operation="create",
        sobject="PermissionSet",
        summary=f"create {label}, empty",
        natural_key={"Name": trial_set_name(scenario), "Description": description},
        after=row,
        inverse="delete the permission set",
        remedy="roll back the run that made the set that has this name",
    )
    set_id = writes.create(context, made, [row])[0]
    keys = {"AssigneeId": user_id, "PermissionSetId": set_id}
    assigned = Write(
        key="trial/assignment",
        operation="create",
        sobject="PermissionSetAssignment",
        summary=f"assign {label} to {trial_username(scenario)}",
        natural_key=keys,
        after=keys,
        inverse="delete the assignment",
    )
    writes.create(context, assigned, [keys])
    return set_id


TRIAL = Stage(name="trial", writes=True, run=_trial)
