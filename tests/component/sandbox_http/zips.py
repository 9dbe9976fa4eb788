"""Zip files for deploys."""

from __future__ import annotations

import io
import zipfile

SPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


def packed(files: dict[str, str | bytes]) -> bytes:
    """Files in a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, str]:
    """The files of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def manifest(**types: list[str]) -> str:
    """A `package.xml`."""
    named = "".join(
        f"<types>{''.join(f'<members>{one}</members>' for one in members)}<name>{name}</name></types>"
        for name, members in types.items()
    )
    return f"<Package {SPACE}>{named}<version>67.0</version></Package>"


def component(kind: str, content: str) -> str:
    """A component's file."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} {SPACE}>\n{content}\n</{kind}>\n'


def permission_set(*content: str, label: str = "Billing") -> str:
    """A permission set's file."""
    return component("PermissionSet", "\n".join([f"<label>{label}</label>", *content]))


def object_permissions(name: str, *rights: str) -> str:
    """`objectPermissions` with these rights."""
    known = ("allowCreate", "allowDelete", "allowEdit", "allowRead", "modifyAllRecords", "viewAllRecords")
    flags = "".join(f"<{one}>{str(one in rights).lower()}</{one}>" for one in known)
    return f"<objectPermissions>{flags}<object>{name}</object></objectPermissions>"


def field_permissions(name: str, *, editable: bool = False, readable: bool = True) -> str:
    """`fieldPermissions`."""
    flags = f"<editable>{str(editable).lower()}</editable><field>{name}</field>"
    return f"<fieldPermissions>{flags}<readable>{str(readable).lower()}</readable></fieldPermissions>"
