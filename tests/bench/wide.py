"""A wide org: many objects with many fields each, and a user who is given a permission for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.access.model import Access, FieldRight, ObjectRight
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import open_org
from tests.component.sandbox_source.projects import write_project

OBJECTS, FIELDS = 500, 40
USER = "wide@acme.example"
_POPULATION = f"""
users:
  - {{username: admin@acme.example, name: Ada Admin, profile: System Administrator, as: admin}}
  - {{username: {USER}, name: Will Wide, profile: Minimum Access - Salesforce, as: wide}}
"""
_RIGHTS: frozenset[ObjectRight] = frozenset({"read", "create", "edit"})
_FIELD_RIGHTS: frozenset[FieldRight] = frozenset({"read", "edit"})


def open_wide_org(folder: Path, objects: int = OBJECTS, fields: int = FIELDS) -> SandboxOrg:
    """The org: `objects` custom objects with `fields` fields each."""
    return open_org(write_project(folder, wide_files(objects, fields), population=_POPULATION))


def wide_access(objects: int = OBJECTS, fields: int = FIELDS) -> Access:
    """A permission for each object and for each field."""
    return Access(
        objects={_object(number): _RIGHTS for number in range(objects)},
        fields={
            f"{_object(number)}.F{other}__c": _FIELD_RIGHTS for number in range(objects) for other in range(fields)
        },
    )


def _object(number: int) -> str:
    return f"O{number:03}__c"


def wide_files(objects: int = OBJECTS, fields: int = FIELDS) -> dict[str, str]:
    """The objects as files of a project."""
    return dict(_files(objects, fields))


def _files(objects: int, fields: int) -> Iterator[tuple[str, str]]:
    inline = "".join(
        f"<fields><fullName>F{number}__c</fullName><label>F{number}</label><type>Checkbox</type>"
        "<defaultValue>false</defaultValue></fields>"
        for number in range(fields)
    )
    for number in range(objects):
        name = _object(number)
        inside = (
            f"<label>{name}</label><pluralLabel>{name}</pluralLabel><sharingModel>ReadWrite</sharingModel>"
            f"<nameField><label>Name</label><type>Text</type></nameField>{inline}"
        )
        yield f"objects/{name}/{name}.object-meta.xml", f"CustomObject:{inside}"


def rows_by_hand(access: Access, parent: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of an access as anybody would write them: object permissions, and field permissions."""
    objects = [
        {
            "ParentId": parent,
            "SobjectType": name,
            "PermissionsRead": True,
            "PermissionsCreate": True,
            "PermissionsEdit": True,
        }
        for name in access.objects
    ]
    fields = [
        {
            "ParentId": parent,
            "SobjectType": name.split(".")[0],
            "Field": name,
            "PermissionsRead": True,
            "PermissionsEdit": True,
        }
        for name in access.fields
    ]
    return objects, fields
