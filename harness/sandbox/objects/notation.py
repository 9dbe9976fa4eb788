"""Read the compact notation of the object files: one line is one field. The notation is described in `sales.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.sandbox.schema import Field, SObject, SystemPermission

_LABEL = re.compile(r'\s*"([^"]*)"\s*$')
_DEFAULT = re.compile(r"(?:^|\s)=(.*)$")
_VALUES = re.compile(r"\{([^}]*)\}")
_TARGETS = re.compile(r"-> (\w+(?: \| \w+)*)")
_RELATIONSHIP = re.compile(r" as (\S+)")
_CHILDREN = re.compile(r" / (\w+)")
_TYPE = re.compile(r"^(\w+)(?:\((\d+)(?:,(\d+))?\))?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_NUMBERS = frozenset({"double", "currency", "percent"})
_ADDRESS_PARTS = (
    ("Street", "textarea", "Street", 255),
    ("City", "string", "City", 40),
    ("State", "string", "State/Province", 80),
    ("PostalCode", "string", "Zip/Postal Code", 20),
    ("Country", "string", "Country", 80),
    ("Latitude", "double", "Latitude", 0),
    ("Longitude", "double", "Longitude", 0),
    ("GeocodeAccuracy", "picklist", "Geocode Accuracy", 40),
)
_ACCURACIES = (
    *("Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip"),
    *("Neighborhood", "City", "County", "State", "Unknown"),
)
_AUDIT = {
    "none": (),
    "stamp": ("SystemModstamp",),
    "created": ("CreatedDate", "CreatedById"),
    "last": ("LastModifiedDate", "LastModifiedById"),
    "modified": ("LastModifiedDate", "LastModifiedById", "SystemModstamp"),
    "dates": ("CreatedDate", "LastModifiedDate", "SystemModstamp"),
    "full": ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"),
    "deleted": ("IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"),
}
_ACTIVITY = (
    ("LastActivityDate", "date", "Last Activity"),
    ("LastViewedDate", "datetime", "Last Viewed Date"),
    ("LastReferencedDate", "datetime", "Last Referenced Date"),
)
_WORDS = frozenset(
    {"*", "name", "system", "readonly", "once", "open", "unique", "auto", "external", "master", "formula"}
    | {"restricted", "unfiltered", "of", "since"}
)
_FIXED = frozenset({"system", "readonly", "auto", "formula"})
_WITHOUT_FLS = frozenset({"system", "open", "name", "of", "master", "*"})
_FLAGS = (
    "setup",
    "tooling",
    "createable",
    "updateable",
    "deletable",
    "queryable",
    "aggregates",
    "object_permissions",
    "governed_by",
    "sharing",
)


def read_object(name: str, body: Mapping[str, Any], permissions: Iterable[SystemPermission]) -> SObject:
    """One object with all its fields, as the notation gives it."""
    label = str(body["label"])
    flags = {key: body[key] for key in _FLAGS if key in body}
    sobject = SObject(name, label, body.get("plural", label + "s"), str(body["prefix"]), **flags)
    sobject.needs_any_of = tuple(body.get("needs", ()))
    sobject.write_needs_any_of = tuple(body.get("writes_need", ()))
    sobject.write_needs_feature = body.get("writes_need_feature")
    for one in (system_field("Id", label), *_written_fields(body["fields"], permissions), *_implied_fields(body)):
        sobject.add(_without_fls(one) if sobject.setup else one)
    return sobject


def _written_fields(fields: Mapping[str, Any], permissions: Iterable[SystemPermission]) -> Iterator[Field]:
    for name, text in fields.items():
        if name == "{permissions}":
            yield from permission_fields(permissions, str(text))
        elif str(text).startswith("address"):
            yield from address_fields(name)
        else:
            yield read_field(name, str(text))


def _implied_fields(body: Mapping[str, Any]) -> Iterator[Field]:
    if owner := body.get("owner"):
        yield owner_field(str(owner).split(" | "))
    for name in _AUDIT[body["audit"]]:
        yield system_field(name)
    if body.get("activity"):
        for name, kind, text in _ACTIVITY:
            yield Field(name, kind, text, createable=False, updateable=False, permissionable=False)


def _without_fls(one: Field) -> Field:
    return replace(one, permissionable=False) if one.permissionable else one


def read_field(name: str, text: str) -> Field:
    """One field from its line. Raises ValueError for a line without a type or with an unknown word."""
    rest, label = _cut(_LABEL, text)
    rest, default = _cut(_DEFAULT, rest)
    rest, values = _cut(_VALUES, rest)
    relation, rest = _relation(name, rest) if "->" in rest else ({}, rest)
    kind = _TYPE.match(rest)
    if kind is None:
        raise ValueError(f"no type in the line of {name}: {text!r}")
    type_ = "reference" if kind[1] == "ref" else kind[1]
    return Field(
        name,
        type_,
        label or label_of(name),
        **_size(type_, int(kind[2] or 0), int(kind[3] or 0)),
        **_properties(name, type_, rest[kind.end() :].split()),
        **relation,
        picklist=tuple(value.strip() for value in values.split(";")) if values else (),
        default=_default(type_, default),
    )


def _properties(name: str, kind: str, written: list[str]) -> dict[str, Any]:
    words = {word.split("=")[0]: word.partition("=")[2] for word in written}
    if unknown := words.keys() - _WORDS:
        raise ValueError(f"no such word in the line of {name}: {', '.join(sorted(unknown))}")
    fixed = not _FIXED.isdisjoint(words)
    return {
        "nillable": not ("*" in words or kind == "boolean" or "auto" in words or words.keys() >= {"name", "system"}),
        "createable": not fixed,
        "updateable": not fixed and "once" not in words,
        "filterable": "unfiltered" not in words,
        "permissionable": _WITHOUT_FLS.isdisjoint(words),
        "external_id": "external" in words,
        "unique": "unique" in words,
        "calculated": "formula" in words,
        "auto_number": "auto" in words,
        "name_field": "name" in words,
        "master_detail": "master" in words,
        "restricted": "restricted" in words,
        "compound": words.get("of"),
        "since": int(words.get("since", 0)),
    }


def _relation(name: str, text: str) -> tuple[dict[str, Any], str]:
    rest, targets = _cut(_TARGETS, text)
    rest, relationship = _cut(_RELATIONSHIP, rest)
    rest, children = _cut(_CHILDREN, rest)
    found = {
        "reference_to": tuple((targets or "").split(" | ")),
        "relationship_name": None if relationship == "-" else relationship or name.removesuffix("Id"),
        "child_relationship": children,
    }
    return found, rest


def _size(kind: str, first: int, second: int) -> dict[str, Any]:
    if kind in ("reference", "id"):
        return {"length": 18}
    if kind in _NUMBERS:
        return {"precision": first or 18, "scale": second}
    return {"precision": 9} if kind == "int" else {"length": first}


def _default(kind: str, text: str | None) -> str | bool | int | float | None:
    if kind == "boolean":
        return text == "true"
    if text is None:
        return None
    text = text.strip()
    if kind == "int":
        return int(text)
    return float(text) if kind in _NUMBERS else text


def _cut(pattern: re.Pattern[str], text: str) -> tuple[str, str | None]:
    found = pattern.search(text)
    return (text[: found.start()] + text[found.end() :], found[1]) if found else (text, None)


def label_of(name: str) -> str:
    """The label that a name suggests: `AnnualRevenue` is *Annual Revenue*, `AccountId` is *Account ID*."""
    spaced = _CAMEL.sub(" ", name)
    return spaced[:-2] + "ID" if spaced.endswith(" Id") else spaced


# --- fields that many objects have --------------------------------------------------------------------------------


def system_field(name: str, label: str = "") -> Field:
    """Id, IsDeleted and the audit fields: nobody writes them, everybody who sees the row sees them."""
    fixed: dict[str, Any] = {"nillable": False, "createable": False, "updateable": False, "permissionable": False}
    if name == "Id":
        return Field("Id", "id", f"{label} ID".strip(), length=18, **fixed)
    if name == "IsDeleted":
        return Field("IsDeleted", "boolean", "Deleted", default=False, **fixed)
    if name.endswith("ById"):
        return Field(
            name, "reference", label_of(name), length=18, reference_to=("User",), relationship_name=name[:-2], **fixed
        )
    return Field(name, "datetime", label_of(name), **fixed)


def owner_field(targets: Iterable[str]) -> Field:
    """OwnerId: always readable, written by whoever may edit the record."""
    return Field(
        "OwnerId",
        "reference",
        "Owner ID",
        length=18,
        nillable=False,
        permissionable=False,
        reference_to=tuple(targets),
        relationship_name="Owner",
    )


def address_fields(name: str) -> Iterator[Field]:
    """An address and its parts: one field permission, that of the compound (facts of real permission sets)."""
    prefix = name.removesuffix("Address")
    lead = f"{label_of(prefix)} " if prefix else ""
    for part, kind, label, length in _ADDRESS_PARTS:
        number: dict[str, Any] = {"precision": 18, "scale": 15} if kind == "double" else {"length": length}
        yield Field(
            prefix + part,
            kind,
            lead + label,
            permissionable=False,
            compound=name,
            picklist=_ACCURACIES if part == "GeocodeAccuracy" else (),
            **number,
        )
    yield Field(name, "address", f"{lead}Address", createable=False, updateable=False)


def permission_fields(permissions: Iterable[SystemPermission], how: str) -> Iterator[Field]:
    """One boolean for each system permission: `PermissionsX`, or `MaximumPermissionsX` of a permission set license."""
    prefix = "MaximumPermissions" if how == "maximum" else "Permissions"
    for one in permissions:
        writable = how == "editable"
        yield Field(
            prefix + one.name,
            "boolean",
            one.label,
            nillable=False,
            createable=writable,
            updateable=writable,
            permissionable=False,
            default=False,
        )
