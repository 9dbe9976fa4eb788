"""From where and when people may sign in, and how often a password may be wrong.

Salesforce Help: "Set Password Policies", "Modify Session Security Settings", "Set Trusted IP Ranges for Your
Organization", "Restrict Login IP Addresses in Profiles" and "Restrict Login Hours". The defaults are a new org's,
except that passwords do not expire here unless somebody says so: a test turns the clock by months.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.sandbox.clock import wire_datetime
from harness.sandbox.identity.history import RATE_EXCEEDED, RESTRICTED_IP, RESTRICTED_TIME
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Range = tuple[str, str]
"""First and last address, both included."""

SESSION_SECONDS = 7200
"""How long a session lasts after its last use, unless the org's policy says otherwise."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORG = "org"
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """The org-wide rules."""

    most_failures: int = 10
    """Wrong passwords in a row that lock a user out; 0: no limit."""
    lockout_minutes: int = 15
    """How long; 0: until an administrator sets UserLogin.IsPasswordLocked to false."""
    session_seconds: int = SESSION_SECONDS
    password_days: int = 0
    """After how many days a password expires; 0: never."""
    trusted_ranges: tuple[Range, ...] = ()
    """Addresses from which a password needs no security token."""
    logins_per_hour: int = 3600
    """Sign-ins of one user (Salesforce Help, "Login Rate Limits")."""
    trusts_forwarded_for: bool = False
    """Take the caller's address from X-Forwarded-For: for tests of address rules, and for them only."""


@dataclass(frozen=True, slots=True)
class ProfileRestrictions:
    """Login IP ranges and login hours of a profile; empty ones restrict nothing."""

    ip_ranges: tuple[Range, ...] = ()
    hours: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Day (`monday`) to its first minute and the minute after its last; days that are not named are free."""


def policy_of(org: SandboxOrg) -> SignInPolicy:
    """The org's policy."""
    values = Drawer(org, "policy").get(_ORG) or {}
    if "trusted_ranges" in values:
        values["trusted_ranges"] = _ranges(values["trusted_ranges"])
    return SignInPolicy(**values)


def set_policy(org: SandboxOrg, **changes: Any) -> SignInPolicy:
    """Change the org's policy. Raises TypeError for a rule that there is not, ValueError for a range that is none."""
    policy = replace(policy_of(org), **changes)
    _check(policy.trusted_ranges)
    Drawer(org, "policy").put(_ORG, asdict(policy))
    return policy


def restrictions_of(org: SandboxOrg, profile_id: str | None) -> ProfileRestrictions:
    """What a profile restricts."""
    values = Drawer(org, "policy").get(profile_id) if profile_id else None
    if values is None:
        return ProfileRestrictions()
    hours = {day: (int(first), int(last)) for day, (first, last) in values["hours"].items()}
    return ProfileRestrictions(_ranges(values["ip_ranges"]), hours)


def restrict_profile(
    org: SandboxOrg,
    profile_id: str,
    *,
    ip_ranges: Iterable[Range] | None = None,
    hours: Mapping[str, tuple[int, int]] | None = None,
) -> None:
    """Set the login IP ranges or login hours of a profile; None leaves them alone, empty ones lift them.

    Raises ValueError for a range or a day that is none.
    """
    now = restrictions_of(org, profile_id)
    ranges = now.ip_ranges if ip_ranges is None else tuple(ip_ranges)
    chosen = now.hours if hours is None else hours
    _check(ranges)
    if unknown := set(chosen) - set(DAYS):
        raise ValueError(f"no such day: {', '.join(sorted(unknown))}")
    if any(not 0 <= first <= last <= _DAY for first, last in chosen.values()):
        raise ValueError(f"login hours are minutes of a day, from 0 to {_DAY}, the first before the last")
    Drawer(org, "policy").put(profile_id, {"ip_ranges": ranges, "hours": dict(chosen)})


def needs_no_security_token(org: SandboxOrg, user: Mapping[str, Any], ip: str) -> bool:
    """Whether the address is a trusted one, of the org or of the user's profile."""
    own = restrictions_of(org, user.get("ProfileId")).ip_ranges
    return within((*policy_of(org).trusted_ranges, *own), ip)


def place_or_time_problem(org: SandboxOrg, user: Mapping[str, Any], ip: str, *, any_place: bool) -> str | None:
    """The status of an attempt from the wrong address or at the wrong time, or of one too many; None when all is well.

    `any_place` leaves the address out: an app's policy may relax it.
    """
    restrictions = restrictions_of(org, user.get("ProfileId"))
    if restrictions.ip_ranges and not any_place and not within(restrictions.ip_ranges, ip):
        return RESTRICTED_IP
    if restrictions.hours and not _open(restrictions.hours, org.clock.peek().astimezone(_time_zone(org))):
        return RESTRICTED_TIME
    return RATE_EXCEEDED if _logins_of_the_hour(org, user["Id"]) >= policy_of(org).logins_per_hour else None


def within(ranges: Iterable[Range], ip: str) -> bool:
    """Whether an address is in one of the ranges; what is no address, or no range, does not count."""
    return any(_between(ip, first, last) for first, last in ranges)


def _between(ip: str, first: str, last: str) -> bool:
    try:
        address, low, high = (ipaddress.ip_address(one) for one in (ip, first, last))
    except ValueError:
        return False
    return address.version == low.version == high.version and int(low) <= int(address) <= int(high)


def _check(ranges: Iterable[Range]) -> None:
    for first, last in ranges:
        ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
        if ends[0].version != ends[1].version or int(ends[0]) > int(ends[1]):
            raise ValueError(f"{first} to {last} is no range of addresses")


def _open(hours: Mapping[str, tuple[int, int]], now: datetime) -> bool:
    first, last = hours.get(DAYS[now.weekday()], (0, _DAY))
    return first <= now.hour * 60 + now.minute < last


def _time_zone(org: SandboxOrg) -> tzinfo:
    """Login hours are kept in the org's default time zone."""
    organization = org.row("Organization", org.org_id) or {}
    try:
        return ZoneInfo(str(organization.get("TimeZoneSidKey") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _logins_of_the_hour(org: SandboxOrg, user_id: str) -> int:
    sobject = org.schema.get("LoginHistory")
    assert sobject is not None
    org.store.ensure(sobject)
    since = wire_datetime(org.clock.peek() - timedelta(hours=1))
    sql = 'SELECT count(*) FROM "LoginHistory" WHERE "UserId" = ? AND "LoginTime" > ?'
    return int(org.store.execute(sql, (user_id, since)).fetchone()[0])


def _ranges(values: Iterable[Iterable[str]]) -> tuple[Range, ...]:
    return tuple((str(first), str(last)) for first, last in values)
