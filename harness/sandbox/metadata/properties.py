"""Who made a component and when (Metadata API guide, FileProperties)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox.clock import START, wire_datetime
from harness.sandbox.metadata.kind import Listed

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg


@dataclass(frozen=True, slots=True)
class FileProperties:
    """One component in a list or a retrieve; moments end in `Z`."""

    kind: str
    name: str
    file: str
    id: str
    created_by: str
    created: str
    modified_by: str
    modified: str
    namespace: str | None = None


def file_properties(org: SandboxOrg, kind: str, one: Listed, file: str) -> FileProperties:
    """The properties of a component; one without a row of its own was made with the org."""
    owner = _first_user(org)
    made = wire_datetime(START)
    return FileProperties(
        kind=kind,
        name=one.name,
        file=file,
        id=str(one.row.get("Id") or ""),
        created_by=str(one.row.get("CreatedById") or owner),
        created=in_utc(str(one.row.get("CreatedDate") or made)),
        modified_by=str(one.row.get("LastModifiedById") or owner),
        modified=in_utc(str(one.row.get("LastModifiedDate") or one.row.get("SystemModstamp") or made)),
        namespace=one.row.get("NamespacePrefix"),
    )


def package_properties(org: SandboxOrg, user_id: str, file: str) -> FileProperties:
    """The properties of a retrieve's own manifest: the recorded ones name it by its path, and give it no id."""
    now = in_utc(wire_datetime(org.clock.now()))
    return FileProperties(
        kind="Package", name=file, file=file, id="", created_by=user_id, created=now, modified_by=user_id, modified=now
    )


def user_name(org: SandboxOrg, user_id: str) -> str:
    """The full name of a user."""
    return str((org.row("User", user_id) or {}).get("Name") or "")


def in_utc(moment: str) -> str:
    """A moment of a row as the Metadata API writes it."""
    return moment.replace("+0000", "Z")


def _first_user(org: SandboxOrg) -> str:
    found = org.rows("User")
    return str(found[0]["Id"]) if found else ""
