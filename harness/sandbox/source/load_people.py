"""Fill an org with roles, public groups, queues and users, and give the users what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.sandbox import identity
from harness.sandbox.rules.roles import complete_groups, complete_role
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.load_access import set_of_profile
from harness.sandbox.source.loading import ADMIN, Loading
from harness.sandbox.source.metadata import RoleMetadata
from harness.sandbox.source.population import User

_LOCALE = {
    "TimeZoneSidKey": "America/Los_Angeles",
    "LocaleSidKey": "en_US",
    "LanguageLocaleKey": "en_US",
    "EmailEncodingKey": "UTF-8",
}


def load_roles(loading: Loading) -> None:
    """The role hierarchy, parents first."""
    waiting = dict(sorted(loading.project.roles.items()))
    complete_groups(loading.org)
    while waiting:
        ready = [one for one in waiting.values() if one.parent is None or one.parent not in waiting]
        if not ready:
            raise SourceError(f"{loading.project.name}: the roles {', '.join(waiting)} are parents of each other")
        for role in ready:
            _insert_role(loading, role)
            del waiting[role.name]


def _insert_role(loading: Loading, role: RoleMetadata) -> None:
    values = {
        "Name": role.label,
        "DeveloperName": role.name,
        "ParentRoleId": loading.find("UserRole", role.parent or ""),
        "RollupDescription": role.description,
        "CaseAccessForAccountOwner": role.case_access,
        "ContactAccessForAccountOwner": role.contact_access,
        "OpportunityAccessForAccountOwner": role.opportunity_access,
    }
    role_id = loading.insert("UserRole", values, name=role.name)
    for group in complete_role(loading.org, role_id):
        loading.ids.setdefault("Group", {})[f"{group['Type']} {role.name}"] = str(group["Id"])


def load_public_groups(loading: Loading) -> None:
    """Public groups and queues, still without members."""
    for name, group in sorted(loading.project.public_groups.items()):
        values = {"Name": group.label[:40], "DeveloperName": name, "Type": "Regular"}
        bosses = {"DoesIncludeBosses": group.include_bosses, "OwnerId": loading.org.org_id}
        loading.insert("Group", values | bosses, name=f"Regular {name}")
    for name, queue in sorted(loading.project.queues.items()):
        values = {"Name": queue.label[:40], "DeveloperName": name, "Type": "Queue", "OwnerId": loading.org.org_id}
        more = {"Email": queue.email, "DoesIncludeBosses": queue.include_bosses}
        queue_id = loading.insert("Group", values | more, name=f"Queue {name}")
        for sobject in queue.objects:
            loading.insert("QueueSobject", {"QueueId": queue_id, "SobjectType": sobject})


def load_users(loading: Loading) -> None:
    """The users with their login rows, passwords and role names; the admin is the first."""
    users = sorted(loading.population.users, key=lambda one: one.as_ != ADMIN)
    nicknames: set[str] = set()
    for user in users:
        _insert_user(loading, user, nicknames)


def _insert_user(loading: Loading, user: User, nicknames: set[str]) -> None:
    asked_by = f"user {user.username}"
    first, _, last = user.name.rpartition(" ")
    nickname = user.username.partition("@")[0][:40]
    nickname = nickname if nickname not in nicknames else user.username[:40]
    nicknames.add(nickname)
    values = {
        "Username": user.username,
        "FirstName": first or None,
        "LastName": last,
        "Email": user.email or user.username,
        "Alias": re.sub(r"\W", "", nickname)[:8],
        "CommunityNickname": nickname,
        "ProfileId": loading.id_of("Profile", user.profile, asked_by=asked_by),
        "UserRoleId": loading.id_of("UserRole", user.role, asked_by=asked_by) if user.role else None,
        "IsActive": user.active,
    }
    features = _feature_columns(loading, user, asked_by)
    user_id = loading.insert("User", values | features | _LOCALE, name=user.username)
    if not loading.org.rows("UserLogin", UserId=user_id):
        loading.insert("UserLogin", {"UserId": user_id})
    identity.set_password(loading.org, user_id)
    if user.security_token:
        identity.set_security_token(loading.org, user_id)
    identity.set_role(loading.org, user_id, user.as_ or user.username)


def _feature_columns(loading: Loading, user: User, asked_by: str) -> dict[str, bool]:
    described = loading.org.schema.get("User")
    for name in user.features:
        if described is None or described.get(f"UserPermissions{name}") is None:
            raise SourceError(f"{loading.origin}: {asked_by}: there is no feature license {name!r}")
    return {f"UserPermissions{name}": True for name in user.features}


def load_assignments(loading: Loading) -> None:
    """Permission set licenses first, then permission sets and groups, then memberships."""
    for user in loading.population.users:
        _assign(loading, user)
    for name, queue in sorted(loading.project.queues.items()):
        _insert_members(loading, f"Queue {name}", _present(loading, "User", queue.users))
        groups = [f"Regular {one}" for one in queue.groups]
        groups += [f"Role {one}" for one in queue.roles]
        groups += [f"RoleAndSubordinates {one}" for one in queue.roles_and_subordinates]
        _insert_members(loading, f"Queue {name}", _present(loading, "Group", groups))


def _assign(loading: Loading, user: User) -> None:
    asked_by = f"user {user.username}"
    user_id = loading.ids["User"][user.username]
    sets = loading.ids_of("PermissionSet", user.permission_sets, asked_by=asked_by)
    groups = loading.ids_of("PermissionSetGroup", user.permission_set_groups, asked_by=asked_by)
    licenses = loading.ids_of("PermissionSetLicense", user.permission_set_licenses, asked_by=asked_by)
    bound = [str(row["LicenseId"]) for row in loading.org.rows("PermissionSet", Id=sets)] if sets else []
    for license_id in dict.fromkeys([*licenses, *(one for one in bound if one.startswith("0PL"))]):
        loading.insert("PermissionSetLicenseAssign", {"AssigneeId": user_id, "PermissionSetLicenseId": license_id})
    own_set = set_of_profile(loading, user.profile, asked_by=asked_by)
    if not loading.org.rows("PermissionSetAssignment", AssigneeId=user_id, PermissionSetId=own_set):
        loading.insert("PermissionSetAssignment", {"AssigneeId": user_id, "PermissionSetId": own_set})
    for set_id in sets:
        loading.insert("PermissionSetAssignment", {"AssigneeId": user_id, "PermissionSetId": set_id})
    for group, group_id in zip(dict.fromkeys(user.permission_set_groups), groups, strict=True):
        whole = loading.ids["PermissionSet"][f"(group) {group}"]
        values = {"AssigneeId": user_id, "PermissionSetId": whole, "PermissionSetGroupId": group_id}
        loading.insert("PermissionSetAssignment", values)
    for name in user.groups:
        loading.id_of("Group", f"Regular {name}", asked_by=asked_by)
        _insert_members(loading, f"Regular {name}", [user_id])
    for name in user.queues:
        loading.id_of("Group", f"Queue {name}", asked_by=asked_by)
        _insert_members(loading, f"Queue {name}", [user_id])


def _present(loading: Loading, sobject: str, names: Iterable[str]) -> list[str]:
    """The ids of those that exist: a queue's metadata may name people whom the population does not have."""
    found = (loading.find(sobject, name) for name in names)
    return [one for one in found if one is not None]


def _insert_members(loading: Loading, group: str, members: Iterable[str]) -> None:
    group_id = loading.ids["Group"][group]
    for member in members:
        if not loading.org.rows("GroupMember", GroupId=group_id, UserOrGroupId=member):
            loading.insert("GroupMember", {"GroupId": group_id, "UserOrGroupId": member})


def count_seats(loading: Loading) -> None:
    """Set UsedLicenses: active users of a user license, assignments to active users of a permission set license."""
    org = loading.org
    active = {row["Id"]: row["ProfileId"] for row in org.rows("User") if row["IsActive"]}
    license_of = {row["Id"]: row["UserLicenseId"] for row in org.rows("Profile")}
    used = [license_of[profile] for profile in active.values()]
    used += [
        row["PermissionSetLicenseId"] for row in org.rows("PermissionSetLicenseAssign") if row["AssigneeId"] in active
    ]
    for sobject, name in (("UserLicense", "Name"), ("PermissionSetLicense", "DeveloperName")):
        for row in org.rows(sobject):
            count = used.count(row["Id"])
            seats = max(count, row["TotalLicenses"])
            if seats > row["TotalLicenses"] and row[name] in loading.population.licenses:
                raise SourceError(
                    f"{loading.origin}: licenses: {row[name]} has {row['TotalLicenses']} seats and {count} users"
                )
            if count:
                org.update_row(sobject, row["Id"], {"UsedLicenses": count, "TotalLicenses": seats})
