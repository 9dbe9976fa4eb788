"""What breaks when, and what to do: a table of the ways in which metadata names a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.references.model import Change


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reference means."""

    breaks: str
    when: tuple[Change, ...]
    remedy: str


OTHER_PROFILE: tuple[Change, ...] = ("new-user", "profile-change")
GONE: tuple[Change, ...] = ("deactivate",)
STOPPED: tuple[Change, ...] = ("freeze", "deactivate")

_BYPASS = "ask for a custom permission ($Permission.X) in place of the profile, and give it by a permission set"
_PUT_ANOTHER = "name the new user, a queue or a role in its place"

_SAME_ROLE = "nothing: the new user is put into the same role"

MEANINGS: Mapping[tuple[str, str], Meaning] = {
    # --- merge fields: (way, kind), an empty kind for every other one ---
    ("profile", ""): Meaning(
        "It tests the profile of the running user, and the integration gets another profile.", OTHER_PROFILE, _BYPASS
    ),
    ("profile", "ValidationRule"): Meaning(
        "The rule tests the profile of the running user: with another profile it lets through or stops other rows.",
        OTHER_PROFILE,
        _BYPASS,
    ),
    ("profile", "CustomField"): Meaning(
        "The formula tests the profile of the running user: with another profile it gives another value.",
        OTHER_PROFILE,
        _BYPASS,
    ),
    ("profile", "Flow"): Meaning(
        "The flow tests the profile of the running user: with another profile it takes another branch.",
        OTHER_PROFILE,
        _BYPASS,
    ),
    ("user-id", ""): Meaning(
        "It holds the running user against users named elsewhere, such as the owner of a row: the new user is another.",
        ("new-user",),
        "check that the new user passes where the old one did: compare by custom permission, or transfer the rows",
    ),
    ("user-field", ""): Meaning(
        "It reads a field of the running user, which the new user does not have the old one's value in.",
        ("new-user",),
        "fill the field on the new user with the old one's value",
    ),
    ("role", ""): Meaning("It tests the role of the running user.", (), _SAME_ROLE),
    ("permission", ""): Meaning(
        "It tests a custom permission that the old user holds and that the scenario drops.",
        OTHER_PROFILE,
        "take the drop out of the scenario, or check that nothing relies on it",
    ),
    # --- the username, the id or the name of the user, wherever it stands ---
    ("username", ""): Meaning(
        "It names the old user.", (*OTHER_PROFILE[:1], *STOPPED), "name the new user in its place"
    ),
    ("username", "WorkflowAlert"): Meaning(
        "The e-mail alert goes to the old user: nobody reads it.", GONE, "send it to a queue or a group"
    ),
    ("username", "WorkflowFieldUpdate"): Meaning(
        "The field update gives the row to the old user: it fails once that user is inactive.", GONE, _PUT_ANOTHER
    ),
    ("username", "WorkflowTask"): Meaning(
        "The workflow's task is given to the old user: the rule fails once that user is inactive.", GONE, _PUT_ANOTHER
    ),
    ("username", "WorkflowOutboundMessage"): Meaning(
        "The outbound message is sent with the old user's rights and session.",
        STOPPED,
        "let it be sent as another user",
    ),
    ("username", "AssignmentRules"): Meaning(
        "New rows are assigned to the old user: the assignment fails once that user is inactive.", GONE, _PUT_ANOTHER
    ),
    ("username", "EscalationRules"): Meaning(
        "Cases escalate to the old user, or notify it: it fails once that user is inactive.", GONE, _PUT_ANOTHER
    ),
    ("username", "AutoResponseRules"): Meaning(
        "The answer is sent in the name of the old user.", GONE, "send it from an organization-wide address"
    ),
    ("username", "ApprovalProcess"): Meaning(
        "The old user approves, or may submit: requests wait for somebody who does not come.", STOPPED, _PUT_ANOTHER
    ),
    ("username", "CaseSettings"): Meaning(
        "The old user is the default case owner or the automated case user: it cannot be deactivated.",
        GONE,
        _PUT_ANOTHER,
    ),
    ("username", "Queue"): Meaning(
        "The old user is a member of the queue.", (), "nothing: the new user is made a member as well"
    ),
    ("username", "Dashboard"): Meaning(
        "The dashboard runs as the old user: it shows an error once that user is inactive.", GONE, "choose another user"
    ),
    ("username", "DuplicateRule"): Meaning(
        "The duplicate rule makes an exception of the old user, and none of the new one.",
        ("new-user",),
        "name the new user as well, or ask for its profile",
    ),
    ("username", "ConnectedApp"): Meaning(
        "Client credentials of the app run as the old user: its sign-ins fail.",
        STOPPED,
        "let the app run as another user",
    ),
    ("username", "NamedCredential"): Meaning(
        "Callouts sign in as the old user of this or another org.", STOPPED, "sign in as another user"
    ),
    ("username", "Flow"): Meaning(
        "The flow names the old user: what it assigns to it fails once that user is inactive.",
        ("new-user", *GONE),
        "name a queue, or keep the name in custom metadata",
    ),
    ("username", "ApexClass"): Meaning(
        "The code names the old user.", ("new-user", *STOPPED), "keep the name in custom metadata, and change it there"
    ),
    # --- the profile by its name ---
    ("profile-name", ""): Meaning(
        "It names the old user's profile, which the integration no longer has.", OTHER_PROFILE, _BYPASS
    ),
    ("profile-name", "ConnectedApp"): Meaning(
        "The app is permitted by the old profile; the plan says what becomes of it.", (), "see the plan's losses"
    ),
    ("profile-name", "DuplicateRule"): Meaning(
        "The duplicate rule names the old profile: rows of the new user are treated otherwise.",
        OTHER_PROFILE,
        "name the new profile as well",
    ),
    ("apex-profile", ""): Meaning(
        "The code asks which profile the running user has: whether it names this one is not to be seen.",
        OTHER_PROFILE,
        "ask FeatureManagement.checkPermission for a custom permission in place of the profile",
    ),
    # --- the role by its name ---
    ("role-name", ""): Meaning("It names the role of the old user.", (), _SAME_ROLE),
    # --- what confines the profile ---
    ("confined", ""): Meaning(
        "The old profile confines when and from where one signs in; the new profile does not, or does otherwise.",
        OTHER_PROFILE,
        "put the same login hours and IP ranges on a profile of the new license",
    ),
}
_SAME_MEANING = {
    "ApexTrigger": "ApexClass",
    "ExtlClntAppOauthConfigurablePolicies": "ConnectedApp",
    "ExtlClntAppConfigurablePolicies": "ConnectedApp",
    "Settings": "CaseSettings",
}


def meaning(way: str, kind: str) -> Meaning:
    """What a reference of a way means in a kind of component."""
    kind = _SAME_MEANING.get(kind, kind)
    return MEANINGS.get((way, kind)) or MEANINGS[way, ""]
