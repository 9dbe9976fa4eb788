"""Role, Group and Queue (Metadata API guide)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element

from harness.sandbox.metadata import shelf
from harness.sandbox.metadata.errors import ComponentError, not_named
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.parts import Parts, by_name, present
from harness.sandbox.metadata.reading import as_node, as_parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.source.document import Node
from harness.sandbox.store import Row

_ROLE_ACCESS = {
    "caseAccessLevel": "CaseAccessForAccountOwner",
    "contactAccessLevel": "ContactAccessForAccountOwner",
    "opportunityAccessLevel": "OpportunityAccessForAccountOwner",
}


class Roles(Kind):
    """Role."""

    name = "Role"
    directory = "roles"
    suffix = "role"
    elements = frozenset({"description", "fullName", "mayForecastManagerShare", "name", "parentRole", *_ROLE_ACCESS})

    def list(self, work: Work) -> Iterable[Listed]:
        """All roles."""
        return [Listed(str(row["DeveloperName"]), row) for row in work.org.rows("UserRole")]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The role."""
        found = self.find(work, name)
        if found is None:
            return None
        parent = work.org.row("UserRole", found.row["ParentRoleId"]) if found.row.get("ParentRoleId") else None
        levels = [(element, found.row.get(column)) for element, column in _ROLE_ACCESS.items()]
        own = [
            ("description", found.row.get("RollupDescription")),
            ("mayForecastManagerShare", bool(found.row.get("MayForecastManagerShare"))),
            ("name", found.row["Name"]),
            ("parentRole", parent["DeveloperName"] if parent else None),
        ]
        return by_name(present(levels + own))

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create or change the role."""
        node, found = as_node(root), self.find(work, name)
        parent_name = node.text("parentRole")
        parent = work.one("UserRole", DeveloperName=parent_name) if parent_name else None
        if parent_name and parent is None:
            raise not_named("parentRole", "Role", parent_name)
        values = {
            "Name": node.text("name") or name,
            "DeveloperName": name,
            "ParentRoleId": parent["Id"] if parent else None,
            "RollupDescription": node.text("description"),
            **{column: level for element, column in _ROLE_ACCESS.items() if (level := node.text(element))},
        }
        work.save("UserRole", found.row if found else None, values)

    def remove(self, work: Work, name: str) -> None:
        """Delete the role."""
        _remove(work, "UserRole", self.find(work, name))


class Groups(Kind):
    """Group: a public group. Its members are people, of whom metadata does not tell."""

    name = "Group"
    directory = "groups"
    suffix = "group"
    elements = frozenset({"doesIncludeBosses", "fullName", "name"})

    def list(self, work: Work) -> Iterable[Listed]:
        """All public groups."""
        return [Listed(str(row["DeveloperName"]), row) for row in work.org.rows("Group", Type="Regular")]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The group."""
        found = self.find(work, name)
        if found is None:
            return None
        return [("doesIncludeBosses", bool(found.row.get("DoesIncludeBosses"))), ("name", found.row["Name"])]

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create or change the group."""
        node, found = as_node(root), self.find(work, name)
        values = {"Name": node.text("name") or name, "DoesIncludeBosses": node.text("doesIncludeBosses") != "false"}
        keys = {} if found else {"Type": "Regular", "DeveloperName": name}
        work.save("Group", found.row if found else None, keys | values)

    def remove(self, work: Work, name: str) -> None:
        """Delete the group."""
        _remove(work, "Group", self.find(work, name))


class Queues(Kind):
    """Queue: its objects and its members."""

    name = "Queue"
    directory = "queues"
    suffix = "queue"
    elements = frozenset(
        {
            *("doesSendEmailToMembers", "email", "fullName", "name", "queueMembers", "queueRoutingConfig"),
            "queueSobject",
        }
    )

    def list(self, work: Work) -> Iterable[Listed]:
        """All queues."""
        return [Listed(str(row["DeveloperName"]), row) for row in work.org.rows("Group", Type="Queue")]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The queue with its objects and members."""
        found = self.find(work, name)
        if found is None:
            return None
        objects = sorted(str(one["SobjectType"]) for one in work.org.rows("QueueSobject", QueueId=found.row["Id"]))
        members = _member_parts(work, found.row)
        own: list[tuple[str, Any]] = [
            ("doesSendEmailToMembers", bool(found.row.get("DoesSendEmailToMembers"))),
            ("email", found.row.get("Email")),
            ("name", found.row["Name"]),
            ("queueMembers", members or None),
            *(("queueSobject", [("sobjectType", one)]) for one in objects),
        ]
        return by_name(present(own) + shelf.kept(work.org, self.name, found.name))

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create the queue or make it what the file says."""
        node, found = as_node(root), self.find(work, name)
        values = {
            "Name": node.text("name") or name,
            "Email": node.text("email"),
            "DoesSendEmailToMembers": node.flag("doesSendEmailToMembers"),
        }
        keys = {} if found else {"Type": "Queue", "DeveloperName": name}
        queue = work.save("Group", found.row if found else None, keys | values)
        objects = {one.text("sobjectType") or "" for one in node.all("queueSobject")}
        _replace(work, "QueueSobject", {"QueueId": queue}, "SobjectType", objects)
        _replace(work, "GroupMember", {"GroupId": queue}, "UserOrGroupId", set(_members(work, node)))
        shelf.keep(work.org, self.name, name, [one for one in as_parts(root) if one[0] == "queueRoutingConfig"])

    def remove(self, work: Work, name: str) -> None:
        """Delete the queue."""
        _remove(work, "Group", self.find(work, name))
        shelf.forget(work.org, self.name, name)


def _replace(work: Work, sobject: str, owner: dict[str, str], column: str, wanted: set[str]) -> None:
    """Rows of a detail: those that are wanted and no others."""
    stored = {str(row[column]): row for row in work.org.rows(sobject, **owner)}
    for value in sorted(stored.keys() - wanted):
        work.delete(sobject, stored[value]["Id"])
    for value in sorted(wanted - stored.keys()):
        work.create(sobject, {**owner, column: value})


def _members(work: Work, node: Node) -> Iterator[str]:
    """The ids of a queue's members."""
    for group in node.all("queueMembers"):
        for one in group.all("users"):
            yield from (_id(work, "user", "User", Username=name) for name in one.texts("user"))
        for one in group.all("publicGroups"):
            names = one.texts("publicGroup")
            yield from (_id(work, "publicGroup", "Group", DeveloperName=name, Type="Regular") for name in names)
        for element, child, kind in (
            ("roles", "role", "Role"),
            ("roleAndSubordinates", "roleAndSubordinate", "RoleAndSubordinates"),
        ):
            for one in group.all(element):
                yield from (_role_group(work, child, kind, name) for name in one.texts(child))


def _id(work: Work, element: str, kind: str, **equals: str) -> str:
    found = work.one(kind, **equals)
    if found is None:
        raise not_named(element, kind, next(iter(equals.values())))
    return str(found["Id"])


def _role_group(work: Work, element: str, kind: str, name: str) -> str:
    """The group that stands for a role, made when it is first needed."""
    role = work.one("UserRole", DeveloperName=name)
    if role is None:
        raise not_named(element, "Role", name)
    found = work.one("Group", RelatedId=role["Id"], Type=kind)
    return found["Id"] if found else work.org.insert_row("Group", {"Name": name, "Type": kind, "RelatedId": role["Id"]})


def _member_parts(work: Work, queue: Row) -> Parts:
    names: dict[str, list[str]] = {"publicGroups": [], "roleAndSubordinates": [], "roles": [], "users": []}
    for row in work.org.rows("GroupMember", GroupId=queue["Id"]):
        member = str(row["UserOrGroupId"])
        if member.startswith("005"):
            names["users"].append(str((work.org.row("User", member) or {}).get("Username")))
            continue
        group = work.org.row("Group", member) or {}
        if group.get("Type") == "Regular":
            names["publicGroups"].append(str(group["DeveloperName"]))
        elif group.get("RelatedId"):
            role = work.org.row("UserRole", group["RelatedId"]) or {}
            names["roles" if group["Type"] == "Role" else "roleAndSubordinates"].append(str(role.get("DeveloperName")))
    return [
        (element, [(element.removesuffix("s"), one) for one in sorted(found)])
        for element, found in names.items()
        if found
    ]


def _remove(work: Work, sobject: str, found: Listed | None) -> None:
    if found is None:
        raise ComponentError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    work.delete(sobject, found.row["Id"])
