"""What the Setup Audit Trail says was taken from a user. Pure.

The words are those that administrators of real orgs have published. They are never believed by themselves: what is
rebuilt from them is held against the digest in the run's mark (`harness.migration.adopting.before`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from harness.access.reading.people import User
from harness.migration.adopting.seen import AuditEntry

_UNASSIGNED = re.compile(r"Permission set (group )?(.+): unassigned from user .*\(UserID: \[(\w{15})\w*\]\)")
_UNLICENSED = re.compile(r"Permission set license (.+) removed from user .*\(UserID: \[(\w{15})\w*\]\)")
_DEACTIVATED = re.compile(r"(Deactivated|Activated) user .*\(UserID: \[(\w{15})\w*\]\)")
_MEMBERSHIP = re.compile(r"Changed membership of (?:Group|Queue) (.+)")
_NICKNAME = re.compile(r"Changed nickname for user .*\(UserID: \[(\w{15})\w*\]\) from (\S+) to (\S+)")


@dataclass(slots=True)
class Taken:
    """What one admin took from a user, by the labels that the trail has."""

    sets: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    """Permission set groups."""
    licenses: list[str] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    circles: list[str] = field(default_factory=list)
    """Public groups and queues whose members changed: who, the trail does not say."""

    @property
    def any(self) -> bool:
        """Whether anything was taken."""
        return bool(self.sets or self.groups or self.licenses or self.profiles or self.roles)


def by(entries: Iterable[AuditEntry], admin_id: str, since: datetime | None) -> list[AuditEntry]:
    """The entries of one admin since a moment."""
    return [each for each in entries if each.by == admin_id and (since is None or each.at >= since)]


def taken_from(entries: Sequence[AuditEntry], user: User) -> Taken:
    """What entries say was taken from a user; names of its former profiles and roles come with it."""
    taken, name = Taken(), str(user.row["Name"])
    for each in entries:
        text = each.display
        if (found := _UNASSIGNED.fullmatch(text)) and found[3] == user.id[:15]:
            (taken.groups if found[1] else taken.sets).append(found[2])
        elif (found := _UNLICENSED.fullmatch(text)) and found[2] == user.id[:15]:
            taken.licenses.append(found[1])
        elif found := _MEMBERSHIP.fullmatch(text):
            taken.circles.append(found[1])
        for what, old in (("profile", taken.profiles), ("role", taken.roles)):
            start = f"Changed {what} for user {name} from "
            if text.startswith(start):
                old.append(text.removeprefix(start).rpartition(" to ")[0])
    return taken


def changed_by_others(entries: Sequence[AuditEntry] | None, label: str, admin_id: str) -> list[str]:
    """What others than one admin did to a permission set, in the trail's words; what cannot be read may be anything."""
    if entries is None:
        return ["nobody may tell: the Setup Audit Trail was not read"]
    about = (f"Changed permission set {label}: ", f"Changed Permission Set {label}: ")
    return [each.display for each in entries if each.by != admin_id and each.display.startswith(about)]


def last_switch(entries: Sequence[AuditEntry], user: User) -> AuditEntry | None:
    """The newest entry on the activation or deactivation of a user."""
    found = [each for each in entries if (m := _DEACTIVATED.fullmatch(each.display)) and m[2] == user.id[:15]]
    return found[-1] if found else None


def nickname_before(entries: Sequence[AuditEntry], user: User) -> tuple[str, datetime] | None:
    """The nickname that a user had before the one it has, and when that was changed."""
    now = str(user.row["CommunityNickname"])
    for each in reversed(entries):
        found = _NICKNAME.fullmatch(each.display)
        if found and found[1] == user.id[:15] and found[3] == now:
            return found[2], each.at
    return None
