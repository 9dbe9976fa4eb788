"""The user and the license a migration moves to, and how this tool knows its own user again.

Users cannot be deleted, so an undone migration leaves an inactive one behind. The mark on it is its nickname
(`CommunityNickname`): every org has that field, it must be unique, and a user that never sees a page has no use for it.
"""

from __future__ import annotations

import hashlib
import re

from harness.access.reading.people import User

USER_LICENSE = "Salesforce Integration"
"""UserLicense.Name (facts 1.1)."""
PERMISSION_SET_LICENSE = "SalesforceAPIIntegrationPsl"
"""PermissionSetLicense.DeveloperName (facts 1.2)."""


def nickname(scenario: str, run_id: str) -> str:
    """The nickname of the user that a run of a scenario makes: at most 40 characters, unique in the org."""
    return f"{stem_of(scenario)}{run_id}"[:40]


def is_ours(user: User, scenario: str) -> bool:
    """Whether some run of this scenario made the user."""
    return str(user.row["CommunityNickname"]).startswith(stem_of(scenario))


def run_of(user: User, scenario: str) -> str:
    """The run that made the user, or took it up last."""
    return str(user.row["CommunityNickname"]).removeprefix(stem_of(scenario))


def alias(label: str) -> str:
    """An alias: at most 8 letters and digits."""
    return re.sub(r"[^a-z0-9]", "", label.lower())[:8] or "rehearse"


def stem_of(scenario: str) -> str:
    """How the nicknames of the users that this scenario makes begin."""
    return f"rehearse-{hashlib.sha256(scenario.encode()).hexdigest()[:8]}-"
