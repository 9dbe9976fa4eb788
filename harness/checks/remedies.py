"""What to look for when the new user was refused, or not refused: one table for the org's error codes."""

from __future__ import annotations

import re

_LOOK_FOR = {
    "INVALID_TYPE": "look for Read on {object} in the permission set, and for the object in what the license carries",
    "NOT_FOUND": "look for Read on {object} in the permission set; for Apex REST, for the path and for the class",
    "INVALID_FIELD": "look for field-level security (Read) on {field} in the permission set",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "look for field-level security (Edit) on {field} in the permission set; "
    "formulas, auto-numbers and master-detail fields can never be edited",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "look for {right} on {object} in the permission set",
    "INSUFFICIENT_ACCESS_OR_READONLY": "look at the record's sharing (its owner, View All and Modify All, groups "
    "and roles), then for {right} on {object} in the permission set",
    "INSUFFICIENT_ACCESS": "look for the system permission that the request needs",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "the record this one points to is not visible to the new user: "
    "look for Read on its object and at its sharing",
    "INVALID_CROSS_REFERENCE_KEY": "the record or record type this one points to is not available to the new user: "
    "look at the record types assigned by profile and permission set",
    "REQUIRED_FIELD_MISSING": "give the required fields in the scenario; a field the new user cannot edit counts as "
    "missing, so look at field-level security too",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "a validation rule refused it: look for rules that let the old user or its "
    "profile pass, and use a custom permission there instead",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "use a value of the picklist; with record types, one that the new "
    "user's record type has",
    "DUPLICATE_VALUE": "make the value unique in the scenario, as with {{{{unique}}}}",
    "API_CURRENTLY_DISABLED": "look for the system permission API Enabled: the profile of the license gives it",
    "API_DISABLED_FOR_ORG": "look for the system permission API Enabled: the profile of the license gives it",
    "INVALID_SESSION_ID": "the new user's session was refused: look at the app's policies, IP ranges and session level",
    "FORBIDDEN": "look for access to the Apex class (SetupEntityAccess) in the permission set",
    "MALFORMED_QUERY": "correct the query in the scenario",
    "REQUEST_LIMIT_EXCEEDED": "the org's API requests of the day are used up: run again tomorrow",
    "UNABLE_TO_LOCK_ROW": "somebody else holds the record: run the check again",
    "invalid_grant": "look at the user (active, not frozen, password), the app's policies and its run-as user",
    "invalid_app_access": "the app allows approved users only: assign the permission set that the app is granted to",
    "app_not_found": "the app is not installed in this org, or the sign-in went to another org",
    "invalid_client": "the consumer secret is not the app's",
    "invalid_client_id": "the consumer key is not the app's",
    "INVALID_LOGIN": "look at username, password and security token, and whether SOAP login is on in the org",
    "INVALID_OPERATION": "SOAP login is off in this org: use an OAuth flow",
}
_DROP = "name it under permissions.drop with a reason"
_RIGHTS = {"insert": "Create", "update": "Edit", "upsert": "Create and Edit", "delete": "Delete"}


def for_refusal(code: str | None, *, kind: str, sobject: str | None = None, message: str | None = None) -> str | None:
    """What to look for when something that must work was refused with `code`; None when there is nothing to say.

    `kind` is the item's (`query`, `insert`, ...); `message` is the org's, which may name the field.
    """
    text = _LOOK_FOR.get(code or "")
    if text is None:
        return None
    return text.format(
        object=sobject or "the object", field=_field(sobject, message), right=_RIGHTS.get(kind, "the right")
    )


def for_grant(*, kind: str, sobject: str | None = None, field: str | None = None, access: str = "read") -> str:
    """What to take away when something that must be refused was answered."""
    if kind == "field":
        return (
            f"take {access.capitalize()} on {field} (or View All Fields of its object) out of the permission set, or "
            + _DROP
        )
    if kind == "sign_in":
        return "look at the profile: API Only User must be on, and no other profile assigned"
    if kind == "apex":
        return "take access to the Apex class out of the permission set, or " + _DROP
    right = _RIGHTS.get(kind, "Read")
    named = f"the field's or {sobject}'s" if kind in ("query", "insert", "update", "upsert") else f"{sobject}'s"
    return f"take {named} {right} (also View All, Modify All Data) out of the permission set, or " + _DROP


def _field(sobject: str | None, message: str | None) -> str:
    named = re.search(
        r"No such column '([\w.]+)' on (?:entity|sobject of type) '?(\w+)|fields: ([\w, ]+?)\.", message or ""
    )
    if named is None:
        return f"the fields of {sobject or 'the object'}"
    return f"{named[2]}.{named[1]}" if named[1] else f"{sobject or 'the object'}.{named[3]}"


_LOSSES = {
    "object-vanished": "look for Read on {object} in the permission set, and for the object in what the license "
    "carries",
    "field-vanished": "look for field-level security (Read) on {name} in the permission set, or " + _DROP,
    "field-read-only": "look for field-level security (Edit) on {name} in the permission set, or " + _DROP,
    "object-right": "look for {right} on {object} in the permission set, or " + _DROP,
    "record-type": "assign the record type {name} in the permission set (Object Settings, Record Type Assignments)",
    "default-record-type": "only a profile has a default record type: set it for {object} in the profile of the new "
    "user, or let the integration send RecordTypeId",
    "picklist-value": "look at the values of {name} that the record types of the new user have, and whether the value "
    "is still active",
    "default-value": "look at the default of {name}: a formula may ask for the user or its profile; let the "
    "integration send the value",
    "rows-missing": "look at the sharing of {object}: owner, View All, groups and queues, role, teams, sharing rules",
    "row-differs": "look for field-level security on the field, at Read on what it points to, and at what the sharing "
    "of {object} gives: Modify All, owner, role, sharing rules with Read/Write",
    "owner": "look at assignment rules, flows and triggers that set the owner of {object} by the user who creates it",
    "created": "look at record type defaults of the profile, at default values, and at flows and triggers on {object} "
    "that ask for the user or its profile; let the integration send the values",
    "more": "take it out of the permission set or the profile: the new user may do more than the old one",
}


def for_loss(kind: str, name: str, right: str = "") -> str:
    """What to look for when something is otherwise for the new user; `kind` is a Finding's, or `created`."""
    return _LOSSES[kind].format(name=name, object=re.split(r"[.: ]", name)[0], right=right.capitalize())
