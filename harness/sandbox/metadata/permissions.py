"""PermissionSet, MutingPermissionSet and Profile (Metadata API guide)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from xml.etree.ElementTree import Element

from harness.sandbox.metadata import grants, login_rules, shelf
from harness.sandbox.metadata.errors import ComponentError, not_named
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.parts import Parts, by_name, present
from harness.sandbox.metadata.reading import as_node, as_parts, local
from harness.sandbox.metadata.work import Work
from harness.sandbox.source.document import Node
from harness.sandbox.source.dx_access import PROFILE_NAMES
from harness.sandbox.store import Row

_TAB_TO_FILE = {"DefaultOn": "Visible", "DefaultOff": "Available"}
_TAB_TO_ROW = {"Visible": "DefaultOn", "Available": "DefaultOff", "DefaultOn": "DefaultOn", "DefaultOff": "DefaultOff"}
_FILE_NAMES = {name: file for file, name in PROFILE_NAMES.items()}
_SET_ELEMENTS = grants.GRANT_ELEMENTS | {
    "agentAccesses",
    "dataspaceScopes",
    "description",
    "emailRoutingAddressAccesses",
    "externalCredentialPrincipalAccesses",
    "externalDataSourceAccesses",
    "fullName",
    "hasActivationRequired",
    "label",
    "license",
    "servicePresenceStatusAccesses",
    "tabSettings",
    "userLicense",
    "userPermissions",
}
_PROFILE_ELEMENTS = (_SET_ELEMENTS - {"hasActivationRequired", "label", "license", "tabSettings"}) | {
    "categoryGroupVisibilities",
    "custom",
    "layoutAssignments",
    "loginFlows",
    "loginHours",
    "loginIpRanges",
    "profileActionOverrides",
    "tabVisibilities",
}


class PermissionSets(Kind):
    """PermissionSet: a file says all that the set grants (API version 40.0 and later)."""

    name = "PermissionSet"
    directory = "permissionsets"
    suffix = "permissionset"
    elements = _SET_ELEMENTS
    sobject = "PermissionSet"
    name_column = "Name"
    label_column = "Label"
    kept = (
        _SET_ELEMENTS
        - grants.GRANT_ELEMENTS
        - {
            *("description", "fullName", "hasActivationRequired", "label", "license", "tabSettings", "userPermissions"),
            "userLicense",
        }
    )
    """Elements that rows do not keep."""

    def list(self, work: Work) -> Iterable[Listed]:
        """All sets but those that belong to a profile or stand for a group."""
        for row in work.org.rows(self.sobject):
            if not row.get("IsOwnedByProfile") and row.get("Type") != "Group":
                yield Listed(_full_name(row, self.name_column), row)

    def find(self, work: Work, name: str) -> Listed | None:
        """The set of that name."""
        for row in work.org.rows(self.sobject, **{self.name_column: name.rpartition("__")[2]}):
            if row.get("IsOwnedByProfile") or row.get("Type") == "Group":
                continue
            if _full_name(row, self.name_column).lower() == name.lower():
                return Listed(_full_name(row, self.name_column), row)
        return None

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The whole set."""
        found = self.find(work, name)
        if found is None:
            return None
        row = found.row
        own = present(
            (
                ("description", row.get("Description")),
                ("hasActivationRequired", bool(row.get("HasActivationRequired")) if self._is_set else None),
                ("label", row.get(self.label_column)),
                ("license", _license_name(work, row.get("LicenseId"))),
            )
        )
        granted = grants.object_parts(work, row["Id"]) + grants.field_parts(work, row["Id"])
        granted += grants.record_type_parts(work, row["Id"])
        granted += grants.setup_parts(work, row["Id"]) + _tab_parts(work, row["Id"]) + grants.system_parts(row)
        return by_name(own + granted + shelf.kept(work.org, self.name, found.name))

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create the set or make it what the file says."""
        node, found = as_node(root), self.find(work, name)
        row = found.row if found else None
        if row is not None:
            grants.remove_fields(work, row["Id"], node)
        set_id = work.save(self.sobject, row, self._values(work, name, node))
        grants.write_objects(work, set_id, node, whole=True)
        grants.write_fields(work, set_id, node)
        grants.write_setup(work, set_id, node, whole=True)
        if self._is_set:
            _write_tabs(work, set_id, node)
            grants.write_record_types(work, set_id, node, whole=True)
        shelf.keep(work.org, self.name, name, [one for one in as_parts(root) if one[0] in self.kept])

    def remove(self, work: Work, name: str) -> None:
        """Delete the set."""
        found = self.find(work, name)
        if found is not None:
            work.delete(self.sobject, found.row["Id"])
            shelf.forget(work.org, self.name, name)

    def rename(self, work: Work, old: str, new: str) -> None:
        """Change the API name."""
        found = self.find(work, old)
        if found is not None:
            work.update(self.sobject, found.row, {self.name_column: new})

    @property
    def _is_set(self) -> bool:
        return self.sobject == "PermissionSet"

    def _values(self, work: Work, name: str, node: Node) -> dict[str, object]:
        namespace, _, plain = name.rpartition("__")
        label = node.text("label")
        if label is None:
            raise ComponentError("REQUIRED_FIELD_MISSING", "Required field is missing: label")
        values: dict[str, object] = {
            self.name_column: plain,
            self.label_column: label,
            "NamespacePrefix": namespace or None,
            "Description": node.text("description"),
            **grants.system_columns(work, self.sobject, node, whole=True),
        }
        if self._is_set:
            values["HasActivationRequired"] = node.flag("hasActivationRequired")
            values["LicenseId"] = _license_id(work, node.text("license"))
        return values


class MutingPermissionSets(PermissionSets):
    """MutingPermissionSet: what a permission set group leaves out."""

    name = "MutingPermissionSet"
    directory = "mutingpermissionsets"
    suffix = "mutingpermissionset"
    sobject = "MutingPermissionSet"
    name_column = "DeveloperName"
    label_column = "MasterLabel"


class Profiles(Kind):
    """Profile: a file changes what it names; a retrieve tells of what else is in it."""

    name = "Profile"
    directory = "profiles"
    suffix = "profile"
    elements = _PROFILE_ELEMENTS
    kept = (
        _PROFILE_ELEMENTS
        - grants.GRANT_ELEMENTS
        - {
            *("custom", "description", "fullName", "tabVisibilities", "userLicense", "userPermissions"),
        }
        - login_rules.ELEMENTS
    )

    def list(self, work: Work) -> Iterable[Listed]:
        """All profiles; some standard ones have another name in files than in Profile.Name."""
        for row in work.org.rows("Profile"):
            yield Listed(_FILE_NAMES.get(str(row["Name"]), str(row["Name"])), row)

    def find(self, work: Work, name: str) -> Listed | None:
        """The profile of that name."""
        row = work.one("Profile", Name=PROFILE_NAMES.get(name, name))
        return Listed(_FILE_NAMES.get(str(row["Name"]), str(row["Name"])), row) if row else None

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:
        """The profile as far as the scope goes."""
        found = self.find(work, name)
        if found is None:
            return None
        owned = work.one("PermissionSet", ProfileId=found.row["Id"]) or {}
        license_row = work.one("UserLicense", Id=found.row.get("UserLicenseId")) or {}
        own = present(
            (
                ("custom", bool(owned.get("IsCustom"))),
                ("description", found.row.get("Description")),
                ("userLicense", license_row.get("Name")),
            )
        )
        return by_name(own + self._granted(work, str(owned.get("Id")), found, scope))

    def _granted(self, work: Work, owned: str, found: Listed, scope: Scope | None) -> Parts:
        everything = scope is None
        parts = grants.object_parts(work, owned, lambda one: everything or _in(scope, "CustomObject", one))
        parts += grants.field_parts(work, owned, lambda one: everything or _has_field(scope, one))
        parts += grants.record_type_parts(
            work, owned, of_profile=True, wanted=lambda one: everything or _has_record_type(scope, one)
        )
        parts += grants.setup_parts(
            work, owned, lambda one, name: everything or _in(scope, one.kind, name), of_profile=True
        )
        parts += _tab_parts(
            work, owned, element="tabVisibilities", wanted=lambda one: everything or _in(scope, "CustomTab", one)
        )
        kept = shelf.kept(work.org, self.name, found.name)
        rules = login_rules.login_rules(work, str(found.row["Id"])) if everything else []
        return parts + grants.system_parts(found.row) + rules + (kept if everything else [])

    def write(self, work: Work, name: str, root: Element) -> None:
        """Change what the file names; a profile that there is not is made."""
        node, found = as_node(root), self.find(work, name)
        values: dict[str, object] = dict(grants.system_columns(work, "Profile", node, whole=False))
        if local_has(root, "description"):
            values["Description"] = node.text("description")
        if found is None:
            values |= {"Name": name, "UserLicenseId": _user_license(work, node.text("userLicense"))}
        profile_id = work.save("Profile", found.row if found else None, values)
        owned = work.one("PermissionSet", ProfileId=profile_id)
        if owned is None:
            raise not_named("fullName", "Profile", name)
        if found is None:
            work.org.update_row("PermissionSet", owned["Id"], {"IsCustom": True})
        grants.write_objects(work, owned["Id"], node, whole=False)
        grants.write_fields(work, owned["Id"], node)
        grants.write_setup(work, owned["Id"], node, whole=False)
        grants.write_default_app(work, owned["Id"], node)
        _write_tabs(work, owned["Id"], node, element="tabVisibilities", whole=False)
        grants.write_record_types(work, owned["Id"], node, whole=False)
        login_rules.write_login_rules(work, profile_id, root)
        self._keep(work, name, root)

    def _keep(self, work: Work, name: str, root: Element) -> None:
        given = [one for one in as_parts(root) if one[0] in self.kept]
        named = {element for element, _ in given}
        before = [one for one in shelf.kept(work.org, self.name, name) if one[0] not in named]
        if given:
            shelf.keep(work.org, self.name, name, by_name(before + given))

    def remove(self, work: Work, name: str) -> None:
        """Delete the profile."""
        found = self.find(work, name)
        if found is not None:
            work.delete("Profile", found.row["Id"])
            shelf.forget(work.org, self.name, name)


def local_has(root: Element, name: str) -> bool:
    """Whether an element has a child of that name."""
    return any(local(child) == name for child in root)


def _in(scope: Scope | None, kind: str, name: str) -> bool:
    return scope is not None and scope.has(kind, name)


def _has_field(scope: Scope | None, name: str) -> bool:
    """Fields are in a retrieve by themselves, or with their object."""
    return _in(scope, "CustomField", name) or _in(scope, "CustomObject", name.partition(".")[0])


def _has_record_type(scope: Scope | None, name: str) -> bool:
    return _in(scope, "RecordType", name) or _in(scope, "CustomObject", name.partition(".")[0])


def _full_name(row: Row, column: str) -> str:
    prefix = row.get("NamespacePrefix")
    return f"{prefix}__{row[column]}" if prefix else str(row[column])


def _license_name(work: Work, license_id: str | None) -> str | None:
    """A permission set license goes by its developer name, a user license by its name."""
    if not license_id:
        return None
    if license_id.startswith("0PL"):
        return str((work.org.row("PermissionSetLicense", license_id) or {}).get("DeveloperName"))
    return str((work.org.row("UserLicense", license_id) or {}).get("Name"))


def _license_id(work: Work, name: str | None) -> str | None:
    if name is None:
        return None
    found = work.one("PermissionSetLicense", DeveloperName=name) or work.one("UserLicense", Name=name)
    if found is None:
        raise not_named("license", "PermissionSetLicense", name)
    return str(found["Id"])


def _user_license(work: Work, name: str | None) -> str:
    found = work.one("UserLicense", Name=name or "Salesforce")
    if found is None:
        raise not_named("userLicense", "UserLicense", str(name))
    return str(found["Id"])


def _tab_parts(
    work: Work, parent: str, *, element: str = "tabSettings", wanted: Callable[[str], bool] | None = None
) -> Parts:
    """The tabs of a set. Profiles call the visibilities as rows do."""
    if not parent.startswith("0PS"):
        return []
    rows = sorted(work.org.rows("PermissionSetTabSetting", ParentId=parent), key=lambda one: str(one["Name"]))
    names = _TAB_TO_FILE if element == "tabSettings" else {}
    return [
        (
            element,
            [("tab", str(row["Name"])), ("visibility", names.get(str(row["Visibility"]), str(row["Visibility"])))],
        )
        for row in rows
        if wanted is None or wanted(row["Name"])
    ]


def _tabs(node: Node, element: str) -> Iterator[tuple[str, str | None]]:
    for one in node.all(element):
        yield one.text("tab") or "", _TAB_TO_ROW.get(one.text("visibility") or "")


def _write_tabs(work: Work, parent: str, node: Node, *, element: str = "tabSettings", whole: bool = True) -> None:
    wanted = dict(_tabs(node, element))
    stored = {str(row["Name"]): row for row in work.org.rows("PermissionSetTabSetting", ParentId=parent)}
    for name, row in stored.items():
        if wanted.get(name, None if whole else "keep") is None:
            work.delete("PermissionSetTabSetting", row["Id"])
    for name, visibility in wanted.items():
        if visibility is not None:
            keys = {} if name in stored else {"ParentId": parent, "Name": name}
            work.save("PermissionSetTabSetting", stored.get(name), {**keys, "Visibility": visibility})
