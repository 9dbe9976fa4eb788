"""PermissionSetGroup and CustomPermission (Metadata API guide)."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from harness.sandbox.metadata import shelf
from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.parts import Parts, by_name, present
from harness.sandbox.metadata.reading import as_node, as_parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.store import Row


class PermissionSetGroups(Kind):
    """PermissionSetGroup: its permission sets and what it mutes."""

    name = "PermissionSetGroup"
    directory = "permissionsetgroups"
    suffix = "permissionsetgroup"
    elements = frozenset(
        {
            *("description", "fullName", "hasActivationRequired", "label", "mutingPermissionSets", "permissionSets"),
            "status",
        }
    )

    def list(self, work: Work) -> Iterable[Listed]:
        """All permission set groups."""
        return [Listed(_full_name(row), row) for row in work.org.rows("PermissionSetGroup")]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The group and the names of its components."""
        found = self.find(work, name)
        if found is None:
            return None
        components = sorted(_component_names(work, found.row))
        own = [
            ("description", found.row.get("Description")),
            ("hasActivationRequired", bool(found.row.get("HasActivationRequired"))),
            ("label", found.row["MasterLabel"]),
            ("status", found.row.get("Status")),
        ]
        return by_name(present(own) + [(element, one) for element, one in components])

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create the group or make it what the file says."""
        node, found = as_node(root), self.find(work, name)
        wanted = {
            **_ids(work, "PermissionSet", "Name", node.texts("permissionSets")),
            **_ids(work, "MutingPermissionSet", "DeveloperName", node.texts("mutingPermissionSets")),
        }
        namespace, _, plain = name.rpartition("__")
        values = {
            "DeveloperName": plain,
            "NamespacePrefix": namespace or None,
            "MasterLabel": node.text("label") or name,
            "Description": node.text("description"),
            "HasActivationRequired": node.flag("hasActivationRequired"),
        }
        group = work.save("PermissionSetGroup", found.row if found else None, values)
        stored = {str(row["PermissionSetId"]): row for row in _components(work, group)}
        for one in sorted(stored.keys() - set(wanted.values())):
            work.delete("PermissionSetGroupComponent", stored[one]["Id"])
        for one in sorted(set(wanted.values()) - stored.keys()):
            work.create("PermissionSetGroupComponent", {"PermissionSetGroupId": group, "PermissionSetId": one})

    def remove(self, work: Work, name: str) -> None:
        """Delete the group."""
        found = self.find(work, name)
        if found is not None:
            work.delete("PermissionSetGroup", found.row["Id"])


def _components(work: Work, group: str) -> list[Row]:
    return work.org.rows("PermissionSetGroupComponent", PermissionSetGroupId=group)


def _component_names(work: Work, group: Row) -> Iterable[tuple[str, str]]:
    for row in _components(work, group["Id"]):
        set_id = str(row["PermissionSetId"])
        if set_id.startswith("0QM"):
            muting = work.org.row("MutingPermissionSet", set_id) or {}
            yield "mutingPermissionSets", str(muting.get("DeveloperName"))
        else:
            found = work.org.row("PermissionSet", set_id) or {}
            prefix = found.get("NamespacePrefix")
            yield "permissionSets", f"{prefix}__{found['Name']}" if prefix else str(found.get("Name"))


def _ids(work: Work, sobject: str, column: str, names: Iterable[str]) -> dict[str, str]:
    """Names to ids. Raises ComponentError for all names that there are not."""
    found = {}
    for name in names:
        row = work.one(sobject, **{column: name}) or work.one(sobject, **{column: name.rpartition("__")[2]})
        if row is not None:
            found[name] = str(row["Id"])
    missing = [name for name in names if name not in found]
    if missing:
        text = "Cannot create permission set group components since the following permission set names are invalid: "
        raise ComponentError("INVALID_CROSS_REFERENCE_KEY", text + ", ".join(missing))
    return found


class CustomPermissions(Kind):
    """CustomPermission."""

    name = "CustomPermission"
    directory = "customPermissions"
    suffix = "customPermission"
    elements = frozenset({"connectedApp", "description", "fullName", "isLicensed", "label", "requiredPermission"})
    kept = ("connectedApp", "requiredPermission")
    """Elements that rows do not keep."""

    def list(self, work: Work) -> Iterable[Listed]:
        """All custom permissions."""
        return [Listed(_full_name(row), row) for row in work.org.rows("CustomPermission")]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The custom permission."""
        found = self.find(work, name)
        if found is None:
            return None
        own = [
            ("description", found.row.get("Description")),
            ("isLicensed", bool(found.row.get("IsLicensed"))),
            ("label", found.row["MasterLabel"]),
        ]
        return by_name(present(own) + shelf.kept(work.org, self.name, found.name))

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create or change the custom permission."""
        node, found = as_node(root), self.find(work, name)
        values = {"MasterLabel": node.text("label") or name, "Description": node.text("description")}
        keys = {} if found else {"DeveloperName": name}
        work.save("CustomPermission", found.row if found else None, keys | values)
        shelf.keep(work.org, self.name, name, [one for one in as_parts(root) if one[0] in self.kept])

    def remove(self, work: Work, name: str) -> None:
        """Delete the custom permission."""
        found = self.find(work, name)
        if found is not None:
            work.delete("CustomPermission", found.row["Id"])
            shelf.forget(work.org, self.name, name)


def _full_name(row: Row) -> str:
    prefix = row.get("NamespacePrefix")
    return f"{prefix}__{row['DeveloperName']}" if prefix else str(row["DeveloperName"])
