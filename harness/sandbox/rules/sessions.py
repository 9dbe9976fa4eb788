"""Activations of session-based permission sets."""

# ruff: noqa: D102 - the hooks are described in `Rules`

from __future__ import annotations

from harness.sandbox.errors import invalid
from harness.sandbox.rules.base import Rules, Values, unknown_duplicate


class SessionActivationRules(Rules):
    """Object Reference, SessionPermSetActivation: a session-based set that the session's user is assigned.

    What the platform says to another set, or to one that is not assigned, is not public.
    """

    write_needs = ("ManageSessionPermissionSets",)

    def before_create(self, values: Values) -> None:
        session = self.one("AuthSession", values["AuthSessionId"])
        values["UserId"] = values.get("UserId") or session.get("UsersId")
        if values["UserId"] != session.get("UsersId"):
            raise invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "UserId")
        if values.get("PermissionSetGroupId"):
            computed = self.rows("PermissionSet", PermissionSetGroupId=values["PermissionSetGroupId"])
            values["PermissionSetId"] = computed[0]["Id"] if computed else None
        set_id = values.get("PermissionSetId")
        if not set_id:
            raise invalid("REQUIRED_FIELD_MISSING", "Required fields are missing: [PermissionSetId]", "PermissionSetId")
        assigned = self.rows("PermissionSetAssignment", AssigneeId=values["UserId"], PermissionSetId=set_id)
        if not assigned or not self.one("PermissionSet", set_id).get("HasActivationRequired"):
            raise invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "PermissionSetId")
        if self.rows("SessionPermSetActivation", AuthSessionId=values["AuthSessionId"], PermissionSetId=set_id):
            raise unknown_duplicate()
