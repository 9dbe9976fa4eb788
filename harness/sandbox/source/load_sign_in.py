"""Fill an org with the rules of its sign-in: the org's own, and the login IP ranges and hours of profiles."""

from __future__ import annotations

import ipaddress

from harness.sandbox import identity
from harness.sandbox.identity.restrictions import Range
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.loading import Loading

LOOPBACK: Range = ("127.0.0.0", "127.255.255.255")


def load_sign_in(loading: Loading) -> None:
    """Rules of the population, and of the project's profiles where the population has no others."""
    security = loading.population.security
    _set_policy(loading)
    for name, profile in sorted(loading.project.profiles.items()):
        if profile.login_ip_ranges or profile.login_hours:
            _restrict(loading, name, ranges=_with_loopback(profile.login_ip_ranges), hours=profile.login_hours)
    for name, ranges in sorted(security.login_ip_ranges.items()):
        _restrict(loading, name, ranges=tuple(map(_range, ranges)))
    for name, hours in sorted(security.login_hours.items()):
        _restrict(loading, name, hours={day: _minutes(text) for day, text in hours.items()})


def _set_policy(loading: Loading) -> None:
    security = loading.population.security
    try:
        identity.set_policy(
            loading.org,
            most_failures=security.most_failed_logins,
            lockout_minutes=security.lockout_minutes,
            session_seconds=security.session_minutes * 60,
            password_days=security.password_days,
            trusted_ranges=tuple(map(_range, security.trusted_ip_ranges)),
            trusts_forwarded_for=security.trusts_forwarded_for,
        )
    except ValueError as error:
        raise SourceError(f"{loading.origin}: security: {error}") from error


def _restrict(
    loading: Loading,
    profile: str,
    *,
    ranges: tuple[Range, ...] | None = None,
    hours: dict[str, tuple[int, int]] | None = None,
) -> None:
    profile_id = loading.id_of("Profile", profile, asked_by="security")
    try:
        identity.restrict_profile(loading.org, profile_id, ip_ranges=ranges, hours=hours)
    except ValueError as error:
        raise SourceError(f"{loading.origin}: profile {profile}: {error}") from error


def _with_loopback(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """The ranges of a real profile, its ends in order, and the loopback, or nobody could sign in here."""
    ordered = [(first, last) if _number(first) <= _number(last) else (last, first) for first, last in ranges]
    return (*ordered, LOOPBACK) if ordered else ()


def _number(address: str) -> int:
    try:
        return int(ipaddress.ip_address(address))
    except ValueError:
        return 0  # refused where the ranges are set


def _range(text: str) -> Range:
    """`10.0.0.1-10.0.0.9`, or one address."""
    first, _, last = text.partition("-")
    return first.strip(), (last or first).strip()


def _minutes(text: str) -> tuple[int, int]:
    """`08:00-18:00` in minutes of the day."""
    first, last = (part.split(":") for part in text.split("-"))
    return int(first[0]) * 60 + int(first[1]), int(last[0]) * 60 + int(last[1])
