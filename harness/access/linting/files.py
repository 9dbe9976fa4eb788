"""Permission sets, groups and the schema around them, from the trees of metadata files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from harness.access.linting.rules import LintedGroup, LintedSet
from harness.access.model import Access

_OBJECT_RIGHTS: Mapping[str, str] = {
    "allowRead": "read",
    "allowCreate": "create",
    "allowEdit": "edit",
    "allowDelete": "delete",
    "viewAllRecords": "view-all",
    "modifyAllRecords": "modify-all",
    "viewAllFields": "view-all-fields",
}
_FIELD_RIGHTS: Mapping[str, str] = {"readable": "read", "editable": "edit"}


class Tree(Protocol):
    """One element of a file, with the line it stands in."""

    name: str
    line: int

    @property
    def children(self) -> Iterable[Any]:
        """The elements in it."""

    def value(self, name: str) -> str:
        """The text of the first child of that name, or nothing."""


def linted_set(name: str, file: str, root: Tree, *, muting: bool) -> LintedSet:
    """One permission set as its file says it; what is granted nothing is not among it."""
    lines: dict[str, int] = {}
    objects: dict[str, list[str]] = {}
    fields: dict[str, list[str]] = {}
    held: dict[str, list[str]] = {"system": [], "setup": [], "record-type": []}
    for child in root.children:
        if child.name == "objectPermissions":
            _take(child, "object", _OBJECT_RIGHTS, objects, lines)
        elif child.name == "fieldPermissions":
            _take(child, "field", _FIELD_RIGHTS, fields, lines)
        elif child.name == "license":
            lines["license"] = child.line
        elif said := _held(child):
            kind, what = said
            held[kind].append(what)
            lines[f"{kind} {what}"] = child.line
    access = {"objects": objects, "fields": fields, "system": held["system"], "setup": held["setup"]}
    return LintedSet(
        name=name,
        label=root.value("label") or name,
        file=file,
        access=Access.model_validate({**access, "record_types": held["record-type"]}),
        license=root.value("license") or None,
        lines=lines or {"": 1},
        muting=muting,
    )


def linted_group(name: str, root: Tree) -> LintedGroup:
    """One permission set group."""
    return LintedGroup(name, tuple(_texts(root, "permissionSets")), tuple(_texts(root, "mutingPermissionSets")))


def custom_field(root: Tree) -> tuple[str, str]:
    """The name of a custom field, and the master it refers to where it is a master-detail field."""
    master = root.value("referenceTo") if root.value("type") == "MasterDetail" else ""
    return root.value("fullName"), master


def _take(node: Tree, kind: str, rights: Mapping[str, str], into: dict[str, list[str]], lines: dict[str, int]) -> None:
    """The rights of one element, and where it stands; what grants nothing is left out."""
    name, held = node.value(kind), [right for element, right in rights.items() if node.value(element) == "true"]
    if held:
        into[name] = held
        lines[f"{kind} {name}"] = node.line


def _held(node: Tree) -> tuple[str, str] | None:
    """What is only held or not: the kind and the name, where it is held."""
    if node.name == "userPermissions" and node.value("enabled") == "true":
        return "system", node.value("name")
    if node.name == "classAccesses" and node.value("enabled") == "true":
        return "setup", f"ApexClass:{node.value('apexClass')}"
    if node.name == "customPermissions" and node.value("enabled") == "true":
        return "setup", f"CustomPermission:{node.value('name')}"
    if node.name == "recordTypeVisibilities" and node.value("visible") == "true":
        return "record-type", node.value("recordType")
    return None


def _texts(root: Tree, name: str) -> Iterator[str]:
    for child in root.children:
        if child.name == name:
            yield child.text.strip()
