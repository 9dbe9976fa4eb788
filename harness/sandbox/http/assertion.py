"""The assertion of the JWT bearer flow (RFC 7523): RS256, signed with the key of the app's certificate.

Whatever else a header asks for (no signature, a shared secret, a key of its own choice, critical extensions) is an
invalid assertion; so is one too large to be meant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jwt

from harness.sandbox import apps
from harness.sandbox.apps import App
from harness.sandbox.http.oauth_words import (
    INVALID_ASSERTION,
    INVALID_SIGNATURE,
    NOT_IN_THIS_ORG,
    WRONG_AUDIENCE,
    Fault,
)

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

LOGIN_AUDIENCE = "https://login.salesforce.com"
TEST_AUDIENCE = "https://test.salesforce.com"
LONGEST = 16_384
"""Characters; a real assertion has a few hundred."""
LONGEST_LIFE = 300.0
"""Seconds that an assertion may be good for where that is limited."""

_MILLISECONDS_FROM = 10**11
"""A time larger than this is in milliseconds: the Salesforce CLI sends them."""
_BROKEN = (jwt.InvalidTokenError, ValueError, TypeError, RecursionError)


def claims_of(given: str) -> Mapping[str, Any] | None:
    """The claims, not yet believed; None where this is no assertion as the platform takes it."""
    if len(given) > LONGEST:
        return None
    try:
        header = jwt.get_unverified_header(given)
        claims = jwt.decode(given, options={"verify_signature": False})
    except _BROKEN:
        return None
    return claims if header.get("alg") == "RS256" and "crit" not in header else None


def fault_of(
    org: SandboxOrg,
    app: App,
    given: str,
    claims: Mapping[str, Any],
    *,
    own_addresses: frozenset[str],
    wall: float,
) -> Fault | None:
    """The first fault of signature, audience and expiry. `wall` is the real time in seconds, which clients go by."""
    if apps.JWT_BEARER not in app.flows:
        return INVALID_ASSERTION
    if not _signed(org, app, given):
        return INVALID_SIGNATURE
    audiences = _audiences(claims.get("aud"))
    refuses_test = org.switches.external_app_test_audience == "refuse"
    if app.kind == "ExternalClientApplication" and audiences == {TEST_AUDIENCE} and refuses_test:
        return NOT_IN_THIS_ORG
    if not audiences & (own_addresses | {LOGIN_AUDIENCE, TEST_AUDIENCE}):
        return WRONG_AUDIENCE
    return None if _in_time(org, claims.get("exp"), wall) else INVALID_ASSERTION


def _signed(org: SandboxOrg, app: App, given: str) -> bool:
    key = apps.public_key(org, app)
    try:
        return key is not None and bool(jwt.PyJWS().decode(given, key, algorithms=["RS256"]))
    except _BROKEN:
        return False


def _audiences(given: Any) -> set[str]:
    return {str(one).rstrip("/") for one in (given if isinstance(given, list) else [given])}


def _in_time(org: SandboxOrg, given: Any, wall: float) -> bool:
    """A client's clock is the real one, or the org's where it was set; expired is what both say is past."""
    try:
        moment = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        return False
    if not math.isfinite(moment):
        return False
    seconds = moment / 1000 if moment > _MILLISECONDS_FROM else moment
    clocks = (wall, org.clock.peek().timestamp())
    if org.switches.long_lived_assertions == "refuse" and seconds > max(clocks) + LONGEST_LIFE:
        return False
    return seconds >= min(clocks)
