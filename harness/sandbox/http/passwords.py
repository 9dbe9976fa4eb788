"""The password of a user as a resource: whether it has expired, setting it, resetting it.

REST guide, "sObject User Password".
"""

from __future__ import annotations

from typing import Any

from harness.sandbox import identity
from harness.sandbox.audit.entry import Entry
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.ids import long_id

_SHORTEST = 8


def expired(call: Call, user_id: str) -> Answer:
    """`GET sobjects/User/ID/password`."""
    return Answer(200, {"isExpired": identity.password_expired(call.org, _user(call, user_id))})


def change(call: Call, user_id: str) -> Answer:
    """`POST sobjects/User/ID/password` with `NewPassword`: 204."""
    known_id = _user(call, user_id)
    password = call.json_object().get("NewPassword")
    problem = _problem(password, identity.secrets_of(call.org, known_id).get("password"))
    if problem is not None:
        raise ApiError(400, "INVALID_NEW_PASSWORD", problem)
    identity.set_password(call.org, known_id, password)
    name = call.org.peek("User", known_id, "Name")
    call.org.trail.note(call.user_id, Entry("changedpassword", "Manage Users", f"Set new password for user {name}"))
    return Answer(204)


def reset(call: Call, user_id: str) -> Answer:
    """`DELETE sobjects/User/ID/password`: a temporary password, which is the answer; its owner has to set another."""
    known_id = _user(call, user_id)
    password = identity.set_password(call.org, known_id, expired=True)
    name = call.org.peek("User", known_id, "Name")
    call.org.trail.note(call.user_id, Entry("resetpassword", "Manage Users", f"Reset password for user {name}"))
    return Answer(200, {"NewPassword": password})


def _problem(password: Any, present: str | None) -> str | None:
    """What the password policy of a new org has against a password."""
    if not isinstance(password, str) or len(password) < _SHORTEST:
        return f"Your password must be at least {_SHORTEST} characters long."
    if not (any(char.isalpha() for char in password) and any(char.isdigit() for char in password)):
        return "Your password must include letters and numbers"
    return "invalid repeated password" if password == present else None


def _user(call: Call, user_id: str) -> str:
    """The 18-character id of a user whose password the caller may deal with. Raises ApiError."""
    known_id = long_id(user_id)
    if known_id is None or call.org.row("User", known_id) is None:
        raise not_found()
    if known_id != call.user_id and not call.may("ResetPasswords", "ManageInternalUsers", "ManageUsers"):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "You do not have permission to view this record.")
    return known_id
