"""OAuth settings of apps as metadata files write them, in the words that apps keep (Metadata API guide)."""

from __future__ import annotations

import re

from harness.sandbox.apps import IpRelaxation

_SCOPES = {"Basic": "id", "OpenID": "openid", "CustomApplications": "visualforce"}
"""Scopes whose names differ by more than how words are joined."""
_SCOPES_BY_FILE_NAME = {name.lower(): scope for name, scope in _SCOPES.items()}
_FILE_NAMES = {scope: name for name, scope in _SCOPES.items()}
_RELAXATIONS: dict[str, IpRelaxation] = {
    "enforce": "Enforce",
    "bypass": "Bypass",
    "bypass2factor": "Bypass_2factor",
    "enforcerelaxrefresh": "Enforce_RelaxRefresh",
}
_SECONDS = {"hour": 3600, "day": 86_400, "month": 30 * 86_400}


def oauth_scope(name: str) -> str:
    """`RefreshToken` of a metadata file as OAuth says it: `refresh_token`."""
    known = _SCOPES_BY_FILE_NAME.get(name.lower())
    return known or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def scope_of_file(scope: str) -> str:
    """`refresh_token` as metadata files write it: `RefreshToken`."""
    return _FILE_NAMES.get(scope) or "".join(part.capitalize() for part in scope.split("_"))


def ip_relaxation(name: str | None) -> IpRelaxation:
    """`ENFORCE` of a connected app and `Enforce` of an External Client App alike; what is unknown enforces."""
    return _RELAXATIONS.get((name or "").lower().replace("_", ""), "Enforce")


def refresh_policy(kind: str | None, period: int = 0, unit: str = "Hours") -> tuple[int | None, int | None]:
    """Lifetime and idle time of refresh tokens in seconds, None for ever.

    `kind` is what an External Client App has (`SpecificLifetime`, with period and unit) or a connected app, which has
    all in one text: `specific_lifetime:24:HOURS`, `zero`, `infinite`.
    """
    name, *rest = (kind or "").split(":")
    if len(rest) == 2 and rest[0].isdecimal():
        period, unit = int(rest[0]), rest[1]
    seconds = period * _SECONDS.get(unit.lower().removesuffix("s"), 3600)
    plain = name.lower().replace("_", "")
    if plain == "zero":
        return 0, None
    if plain == "specificlifetime":
        return seconds, None
    return (None, seconds) if plain == "specificinactivity" else (None, None)
