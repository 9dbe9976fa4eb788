"""A permission set as metadata XML, as an org gives it out: elements in order of their names, four blanks deep. Pure.

Metadata API guide, "PermissionSet". Two runs over the same access give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from harness.access.model import Access

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
SUFFIX = ".permissionset-meta.xml"
_SETUP: Mapping[str, tuple[str, str, str]] = {
    "ApexClass": ("classAccesses", "apexClass", "enabled"),
    "ApexPage": ("pageAccesses", "apexPage", "enabled"),
    "CustomPermission": ("customPermissions", "name", "enabled"),
    "ExternalCredentialParameter": ("externalCredentialPrincipalAccesses", "externalCredentialPrincipal", "enabled"),
    "FlowDefinition": ("flowAccesses", "flow", "enabled"),
    "TabSet": ("applicationVisibilities", "application", "visible"),
}
"""For each type of setup entity: the element, what names the entity in it, and what switches it on."""
_OBJECT: Mapping[str, str] = {
    "create": "allowCreate",
    "delete": "allowDelete",
    "edit": "allowEdit",
    "read": "allowRead",
    "modify-all": "modifyAllRecords",
    "view-all-fields": "viewAllFields",
    "view-all": "viewAllRecords",
}

Element = tuple[str, Mapping[str, str]]
"""The name of an element, and what is in it."""


def permission_set_xml(access: Access, *, label: str, description: str, license: str | None = None) -> str:  # noqa: A002 - the element's name
    """The text of a `.permissionset-meta.xml`. Without a license it can be assigned under any that carries it."""
    lines = [f"    <{name}>{escape(text)}</{name}>" for name, text in _own(label, description, license)]
    blocks = [(line.partition("<")[2].partition(">")[0], "", line) for line in lines]
    for name, parts in elements(access):
        key = next(value for part, value in sorted(parts.items()) if value not in ("true", "false"))
        inner = "".join(f"        <{part}>{escape(value)}</{part}>\n" for part, value in sorted(parts.items()))
        blocks.append((name, key, f"    <{name}>\n{inner}    </{name}>"))
    body = "\n".join(text for _, _, text in sorted(blocks, key=lambda block: block[:2]))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<PermissionSet xmlns="{NAMESPACE}">\n{body}\n</PermissionSet>\n'


def _own(label: str, description: str, license_name: str | None) -> Iterator[tuple[str, str]]:
    yield "description", description[:255]
    yield "hasActivationRequired", "false"
    yield "label", label
    if license_name is not None:
        yield "license", license_name


def elements(access: Access) -> Iterator[Element]:
    """One element for each thing granted. What a permission set cannot hold as metadata is in `not_in_metadata`."""
    for name, rights in access.objects.items():
        yield "objectPermissions", {"object": name, **{part: _flag(right in rights) for right, part in _OBJECT.items()}}
    for name, held in access.fields.items():
        yield "fieldPermissions", {"editable": _flag("edit" in held), "field": name, "readable": "true"}
    for name in access.system:
        yield "userPermissions", {"enabled": "true", "name": name}
    for name in access.record_types:
        yield "recordTypeVisibilities", {"recordType": name, "visible": "true"}
    for entity in access.setup:
        kind, _, name = entity.partition(":")
        if kind == "CustomEntityDefinition":
            element = "customMetadataTypeAccesses" if name.endswith("__mdt") else "customSettingAccesses"
            yield element, {"enabled": "true", "name": name}
        elif kind in _SETUP:
            element, named, switch = _SETUP[kind]
            default = {"default": "false"} if kind == "TabSet" else {}
            yield element, {named: name, switch: "true", **default}


def not_in_metadata(access: Access) -> tuple[str, ...]:
    """Setup entities that no element of a permission set names, such as access to a connected app."""
    return tuple(
        sorted(name for name in access.setup if name.partition(":")[0] not in {*_SETUP, "CustomEntityDefinition"})
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"
