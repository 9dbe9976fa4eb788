"""SetupAuditTrail on users, their groups and roles, and what else has a name of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.sandbox.audit.entry import STANDARD_PROFILES, Change, Entry, Names, Writer

_USERS, _GROUPS = "Manage Users", "Groups"
_NONE = "<None Specified>"
_FEATURES = {
    "UserPermissionsInteractionUser": ("changedinteractionuser", "Flow user"),
    "UserPermissionsJigsawProspectingUser": ("changedjigsawprospectinguser", "Data.com user"),
    "UserPermissionsKnowledgeUser": ("changedknowledgeuser", "Knowledge user"),
    "UserPermissionsMarketingUser": ("changedmarketinguser", "marketing user"),
    "UserPermissionsOfflineUser": ("changedofflineuser", "offline user"),
    "UserPermissionsSFContentUser": ("changedsfcontentuser", "Salesforce CRM Content user"),
    "UserPermissionsSupportUser": ("changedsupportuser", "Service Cloud user"),
}


def _user(names: Names, change: Change) -> Iterator[Entry]:
    name, who = change.row.get("Name"), names.user(change.row.get("Id"))
    if change.made:
        yield Entry("createduser", _USERS, f"Created new user {name}")
        return
    if active := change.pair("IsActive"):
        word = ("activateduser", "Activated") if active[1] else ("deactivateduser", "Deactivated")
        yield Entry(word[0], _USERS, f"{word[1]} {who}")
    if profiles := change.pair("ProfileId"):
        old, new = (names.of("Profile", one) for one in profiles)
        kinds = tuple("std" if one in STANDARD_PROFILES else "cust" for one in (old, new))
        suffix = "" if kinds == ("cust", "cust") else f"{kinds[0]}to{kinds[1]}"
        yield Entry(f"changedprofileforuser{suffix}", _USERS, f"Changed profile for user {name} from {old} to {new}")
    if roles := change.pair("UserRoleId"):
        old, new = (names.of("UserRole", one) or _NONE for one in roles)
        suffix = "fromnone" if old == _NONE else "tonone" if new == _NONE else ""
        yield Entry(f"changedroleforuser{suffix}", _USERS, f"Changed role for user {name} from {old} to {new}")
    if emails := change.pair("Email"):
        yield Entry("changedemail", _USERS, f"Changed email for {who} from {emails[0]} to {emails[1]}")
    if nicknames := change.pair("CommunityNickname"):
        text = f"Changed nickname for {who} from {nicknames[0]} to {nicknames[1]}"
        yield Entry("changedcommunitynickname", _USERS, text)
    if federation := change.pair("FederationIdentifier"):
        old, new = (one or "null" for one in federation)
        yield Entry("changedfederationid", _USERS, f"Changed federation id for {who} from {old} to {new}")
    if managers := change.pair("ManagerId"):
        old, new = (names.of("User", one) or _NONE for one in managers)
        yield Entry("changedManager", _USERS, f"The manager for {who} changed from {old} to {new}")
    for field, (action, label) in _FEATURES.items():
        if flags := change.pair(field):
            old, new = ("on" if one else "off" for one in flags)
            yield Entry(f"{action}{old}{new}", _USERS, f"For user {name}, changed {label} from {old} to {new}")


def _user_login(names: Names, change: Change) -> Iterator[Entry]:
    user_id = change.row.get("UserId")
    if frozen := change.pair("IsFrozen"):
        action, word = ("frozeuser", "Froze") if frozen[1] else ("unfrozeuser", "Unfroze")
        yield Entry(action, _USERS, f"{word} user account for {names.of('User', user_id)}")
    if (locked := change.pair("IsPasswordLocked")) and not locked[1]:
        text = f"Unlocked user {names.of('User', user_id, 'Username')} (UserID: [{str(user_id)[:15]}])"
        yield Entry("unlockeduser", _USERS, text)


def _group(_names: Names, change: Change) -> Iterator[Entry]:
    if change.row.get("Type") == "Regular" and (change.made or change.gone):
        action, word = ("deletedgroup", "Deleted") if change.gone else ("createdgroup", "Created")
        yield Entry(action, _GROUPS, f"{word} Public Group {change.row.get('Name')}")


def _group_member(names: Names, change: Change) -> Iterator[Entry]:
    group_id = change.row.get("GroupId")
    if names.of("Group", group_id, "Type") == "Queue":
        text = f"Changed membership of Queue {names.of('Group', group_id)}"
        yield Entry("queueMembership", "Data Management", text)
    else:
        yield Entry("groupMembership", _GROUPS, f"Changed membership of Group {names.of('Group', group_id)}")


def _role(_names: Names, change: Change) -> Iterator[Entry]:
    action, word = ("createdrole", "Created new") if change.made else ("role", "Changed")
    if change.gone:
        action, word = ("deletedrole", "Deleted")
    yield Entry(action, _USERS, f"{word} role {change.row.get('Name')}")


def _apex_class(_names: Names, change: Change) -> Iterator[Entry]:
    word = "created" if change.made else "deleted" if change.gone else "changed"
    yield Entry(f"{word}ApexClass", "Apex Class", f"{word.title()} {change.row.get('Name')} Apex Class code")


def _custom_permission(_names: Names, change: Change) -> Iterator[Entry]:
    name, section = change.row.get("DeveloperName"), "Custom Permissions"
    if change.made or change.gone:
        word = "Delete" if change.gone else "Create"
        yield Entry(f"CustomPermission{word}", section, f"{word}d custom permission {name}")
    elif labels := change.pair("MasterLabel"):
        text = f"Changed custom permission {name}: master label was changed from {labels[0]} to {labels[1]}"
        yield Entry("CustomPermissionLabelChange", section, text)
    elif change.pair("Description"):
        text = f"Changed custom permission {name}: description was changed"
        yield Entry("CustomPermissionDescriptionChange", section, text)


WRITERS: Mapping[str, Writer] = {
    "ApexClass": _apex_class,
    "CustomPermission": _custom_permission,
    "Group": _group,
    "GroupMember": _group_member,
    "User": _user,
    "UserLogin": _user_login,
    "UserRole": _role,
}
