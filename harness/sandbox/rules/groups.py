"""Permission set groups, public groups and queues."""

# ruff: noqa: D102, ARG002 - the hooks are described in `Rules`

from __future__ import annotations

from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.rules.base import Rules, Values, integrity, unknown_duplicate
from harness.sandbox.rules.ceiling import Ceiling
from harness.sandbox.store import Row


class PermissionSetGroupRules(Rules):
    """Object Reference, PermissionSetGroup: each has a computed set that stands for it."""

    write_needs = ("ManageProfilesPermissionsets",)

    def after_create(self, row: Row) -> None:
        complete_group(self, row)

    def after_update(self, before: Row, row: Row) -> None:
        for computed in self.rows("PermissionSet", PermissionSetGroupId=row["Id"]):
            columns = {"Label": row["MasterLabel"], "HasActivationRequired": bool(row.get("HasActivationRequired"))}
            self.org.update_row("PermissionSet", computed["Id"], columns)

    def before_delete(self, row: Row) -> None:
        if self.rows("PermissionSetAssignment", PermissionSetGroupId=row["Id"]):
            text = (
                f"You can't delete this permission set group because it's assigned to users: {row.get('MasterLabel')}"
            )
            raise ApiError(400, "DELETE_FAILED", text, [])
        self.remove_rows("PermissionSetGroupComponent", PermissionSetGroupId=row["Id"])
        for computed in self.rows("PermissionSet", PermissionSetGroupId=row["Id"]):
            for name in ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess"):
                self.remove_rows(name, ParentId=computed["Id"])
            self.remove_rows("PermissionSet", Id=computed["Id"])


class ComponentRules(Rules):
    """Object Reference, PermissionSetGroupComponent."""

    write_needs = ("ManageProfilesPermissionsets",)

    def before_create(self, values: Values) -> None:
        set_id = values["PermissionSetId"]
        member = self.one("PermissionSet", set_id) if set_id.startswith("0PS") else {}
        if member.get("IsOwnedByProfile") or member.get("Type") == "Group":
            raise invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "PermissionSetId")
        siblings = [
            row["PermissionSetId"]
            for row in self.rows("PermissionSetGroupComponent", PermissionSetGroupId=values["PermissionSetGroupId"])
        ]
        if set_id in siblings:
            raise unknown_duplicate()
        if set_id.startswith("0QM") and any(one.startswith("0QM") for one in siblings):
            raise integrity("A permission set group can have only one muting permission set")

    def after_create(self, row: Row) -> None:
        ceiling = Ceiling(self.org)
        content = self.org.book.group_content(row["PermissionSetGroupId"])
        for assignment in self.rows("PermissionSetAssignment", PermissionSetGroupId=row["PermissionSetGroupId"]):
            excess = ceiling.excess_of(content, self.org.book.terms_of(assignment["AssigneeId"]))
            if excess:
                raise integrity(f"The user license doesn't allow the permission: {excess}")


class GroupRules(Rules):
    """Object Reference, Group: public groups and queues."""

    write_needs = ("ManageUsers",)

    def before_create(self, values: Values) -> None:
        if values["Type"] == "Queue":  # people above the members of a queue have its rows, unless it says otherwise
            values.setdefault("DoesIncludeBosses", 1)
        name = values.get("DeveloperName")
        for other in self.rows("Group", DeveloperName=name, Type=values["Type"]) if name else ():
            text = f"duplicate value found: DeveloperName duplicates value on record with id: {other['Id'][:15]}"
            raise invalid("DUPLICATE_DEVELOPER_NAME", text, "DeveloperName")  # the code is reported, the text is not

    def before_delete(self, row: Row) -> None:
        self.remove_rows("GroupMember", GroupId=row["Id"])
        self.remove_rows("GroupMember", UserOrGroupId=row["Id"])
        self.remove_rows("QueueSobject", QueueId=row["Id"])
        self.org.sharing_guard.group_removed(row["Id"])


class GroupMemberRules(Rules):
    """Object Reference, GroupMember: a duplicate is answered with the row that is there."""

    write_needs = ("ManageUsers",)

    def standing(self, values: Values) -> str | None:
        found = self.rows("GroupMember", GroupId=values["GroupId"], UserOrGroupId=values["UserOrGroupId"])
        return str(found[0]["Id"]) if found else None

    def before_create(self, values: Values) -> None:
        if values["GroupId"] == values["UserOrGroupId"]:
            raise integrity("A group cannot be a member of itself", ["UserOrGroupId"])


class QueueSobjectRules(Rules):
    """Object Reference, QueueSobject: which objects a queue may own."""

    write_needs = ("ManageUsers",)

    def before_create(self, values: Values) -> None:
        sobject = self.org.schema.get(str(values["SobjectType"]))
        if sobject is None or sobject.setup:
            text = f"Sobject Type: bad value for restricted picklist field: {values['SobjectType']}"
            raise invalid("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, "SobjectType")
        values["SobjectType"] = sobject.name
        if self.one("Group", values["QueueId"]).get("Type") != "Queue":
            raise invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "QueueId")
        if self.rows("QueueSobject", QueueId=values["QueueId"], SobjectType=sobject.name):
            raise unknown_duplicate()


def complete_group(rules: Rules, group: Row) -> None:
    """Make the computed set of a permission set group, where it is missing."""
    if not rules.has("PermissionSet") or rules.rows("PermissionSet", PermissionSetGroupId=group["Id"]):
        return
    wanted = {
        "Name": group["DeveloperName"],
        "Label": group["MasterLabel"],
        "PermissionSetGroupId": group["Id"],
        "IsCustom": True,
        "Type": "Group",
        "HasActivationRequired": bool(group.get("HasActivationRequired")),
    }
    rules.org.insert_row("PermissionSet", wanted)
