"""A retrieve: components as files in a zip, with a manifest of what is in it (Metadata API guide, retrieve())."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from urllib.parse import quote

from harness.sandbox.metadata import manifest
from harness.sandbox.metadata.custom_objects import child_parts
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.kinds import BY_NAME, KINDS
from harness.sandbox.metadata.manifest import Manifest
from harness.sandbox.metadata.parts import document
from harness.sandbox.metadata.properties import FileProperties, file_properties, package_properties
from harness.sandbox.metadata.work import Work

UNPACKAGED = "unpackaged/"
_SAFE = " !'()+,-;=@[]^_`{}~&$#"
"""Characters that file names have as they are; the others are percent-encoded."""


@dataclass(slots=True)
class RetrieveOutcome:
    """The zip file, what is in it, and what could not be found, as file and problem."""

    content: bytes = b""
    properties: list[FileProperties] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)


def retrieve(work: Work, wanted: Manifest, *, single_package: bool) -> RetrieveOutcome:
    """Retrieve what a manifest names."""
    outcome = RetrieveOutcome()
    root = "" if single_package else UNPACKAGED
    if wanted.version is not None:
        work.version = wanted.version
    found = _resolve(work, wanted, outcome, f"{root}{manifest.FILE}")
    scope = Scope({kind: frozenset(one.name for one in listed) for kind, listed in found.items()})
    files: dict[str, bytes] = {}
    for kind in KINDS:
        for one in found.get(kind.name, ()):
            path = f"{root}{path_of(kind, one.name)}"
            outcome.properties.append(file_properties(work.org, kind.name, one, path))
            if path not in files:
                files[path] = _content(work, kind, one, scope)
    types = {kind: [one.name for one in listed] for kind, listed in found.items()}
    files[f"{root}{manifest.FILE}"] = manifest.write_manifest(types, work.version)
    outcome.properties.append(package_properties(work.org, work.user_id, f"{root}{manifest.FILE}"))
    outcome.content = _packed(work, files)
    return outcome


def path_of(kind: Kind, name: str) -> str:
    """The file of a component: fields and record types are in that of their object."""
    owner = next((one for one in KINDS if kind.name in one.children), None)
    if owner is not None:
        return f"{owner.directory}/{name.partition('.')[0]}.{owner.suffix}"
    return f"{kind.directory}/{quote(name, safe=_SAFE)}.{kind.suffix}"


def _resolve(work: Work, wanted: Manifest, outcome: RetrieveOutcome, file: str) -> dict[str, list[Listed]]:
    found: dict[str, list[Listed]] = {}
    for kind_name, members in wanted.types.items():
        kind = BY_NAME.get(kind_name)
        if kind is None:
            text = f"Unknown type name '{kind_name}' specified in package.xml (the simulated org does not have it)"
            outcome.messages.append((file, text))
            continue
        listed = {one.name.lower(): one for one in kind.list(work)}
        chosen: dict[str, Listed] = {}
        for name in dict.fromkeys(members):
            if name == "*":
                chosen |= {one.name: one for one in listed.values() if _is_wild(kind, one.name)}
            elif one := listed.get(name.lower()) or kind.find(work, name):
                chosen[one.name] = one
            else:
                outcome.messages.append((file, f"Entity of type '{kind_name}' named '{name}' cannot be found"))
        found[kind_name] = list(chosen.values())
    return found


def _is_wild(kind: Kind, name: str) -> bool:
    """A wildcard stands for custom objects only, and for no fields (Metadata API guide, "Wildcards")."""
    return (kind.name != "CustomObject" or "__" in name) and kind.name != "CustomField"


def _content(work: Work, kind: Kind, one: Listed, scope: Scope) -> bytes:
    if kind.name in ("CustomField", "RecordType"):
        return document("CustomObject", child_parts(work, one.name.partition(".")[0], scope.names))
    return document(kind.name, kind.show(work, one.name, scope) or [])


def _packed(work: Work, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    moment = work.org.clock.peek().timetuple()[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name, moment), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
