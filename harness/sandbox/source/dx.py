"""Read a Salesforce DX project: find its metadata files, and hand each to the reader of its kind.

Both formats are read: source format (`Account/fields/Type.field-meta.xml`) and metadata format (`Account.object`).
Rules, automation and code are kept as they are, to be handed out again; what else says nothing about data or access
(layouts, list views) is left alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from harness.sandbox.source import dx_access, dx_apps, dx_duplicates, dx_objects, dx_sharing
from harness.sandbox.source.document import Node, read_document
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.metadata import ObjectMetadata, Project

PROJECT_FILE = "sfdx-project.json"

Reader = Callable[[Project, str, Path], None]


def read_project(directory: Path) -> Project:
    """Everything the project in that directory says about objects and access. Raises SourceError naming the file."""
    project = Project(name=directory.name)
    files: dict[str, list[Path]] = {}
    for package in _packages(directory):
        for path in _files(package):
            files.setdefault(_suffix(path), []).append(path)
    for suffix, read in _READERS.items():
        for path in files.get(suffix, ()):
            read(project, unquote(path.name.split(f".{suffix}")[0]), path)
    return project


def _packages(directory: Path) -> list[Path]:
    file = directory / PROJECT_FILE
    if not file.is_file():
        raise SourceError(f"{directory}: no Salesforce DX project is here ({PROJECT_FILE} is missing)")
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["packageDirectories"]
        packages = [directory / entry["path"] for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{file}: packageDirectories cannot be read: {error}") from error
    for package in packages:
        if not package.is_dir():
            raise SourceError(f"{file}: the package directory {package} does not exist")
    return packages


def _files(package: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(package):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _suffix(path: Path) -> str:
    name = path.name.removesuffix("-meta.xml")
    return name.rpartition(".")[2]


def _object(project: Project, name: str) -> ObjectMetadata:
    return project.objects.setdefault(name, ObjectMetadata(name))


def _read_object(project: Project, name: str, path: Path) -> None:
    project.objects[name] = dx_objects.read_object(name, read_document(path))


def _read_field(project: Project, _name: str, path: Path) -> None:
    _object(project, path.parent.parent.name).fields.append(dx_objects.read_field(read_document(path)))


def _read_record_type(project: Project, _name: str, path: Path) -> None:
    _object(project, path.parent.parent.name).record_types.append(dx_objects.read_record_type(read_document(path)))


def _read_profile(project: Project, name: str, path: Path) -> None:
    profile = dx_access.read_permissions(dx_access.PROFILE_NAMES.get(name, name), read_document(path))
    project.profiles[profile.name] = profile


def _read_value_set(project: Project, name: str, path: Path) -> None:
    values = (one.text("fullName") or "" for one in read_document(path).all("customValue"))
    project.value_sets[name] = tuple(values)


def _read_sharing_rules(project: Project, name: str, path: Path) -> None:
    try:
        project.sharing_rules[name] = dx_sharing.read_sharing_rules(read_document(path))
    except ValueError as error:
        raise SourceError(f"{path}: {error}") from error


def _read_matching_rules(project: Project, name: str, path: Path) -> None:
    try:
        project.matching_rules[name] = dx_duplicates.read_matching_rules(read_document(path))
    except ValueError as error:
        raise SourceError(f"{path}: {error}") from error


def _read_duplicate_rule(project: Project, name: str, path: Path) -> None:
    project.duplicate_rules.append(dx_duplicates.read_duplicate_rule(name, read_document(path)))


def _read_class(project: Project, name: str, path: Path) -> None:
    project.classes.add(name)
    if path.suffix == ".cls":
        project.class_bodies[name] = path.read_text("utf-8-sig")


def _read_trigger(project: Project, name: str, path: Path) -> None:
    if path.suffix == ".trigger":
        project.triggers[name] = path.read_text("utf-8-sig")


def _keep(project: Project, name: str, path: Path) -> None:
    """Note a file whose component is kept whole. A validation rule is named after its object's folder."""
    owner = path.parent.parent.name if path.parent.name == "validationRules" else ""
    project.automation.append((path, f"{owner}.{name}" if owner else name))


def _read_and_keep_duplicate_rule(project: Project, name: str, path: Path) -> None:
    _read_duplicate_rule(project, name, path)
    _keep(project, name, path)


def _read_page(project: Project, name: str, _path: Path) -> None:
    project.pages.add(name)


def _into(part: str, read: Callable[[str, Node], Any]) -> Reader:
    def reader(project: Project, name: str, path: Path) -> None:
        getattr(project, part)[name] = read(name, read_document(path))

    return reader


def _app_part(add: Callable[..., None]) -> Reader:
    def reader(project: Project, _name: str, path: Path) -> None:
        root = read_document(path)
        owner = dx_apps.owner_of(root)
        if owner is None or owner not in project.apps:
            raise SourceError(f"{path}: it belongs to the External Client App {owner}, which is not in the project")
        add(project.apps[owner], root)

    return reader


_READERS: dict[str, Reader] = {
    "object": _read_object,
    "field": _read_field,
    "recordType": _read_record_type,
    "globalValueSet": _read_value_set,
    "cls": _read_class,
    "trigger": _read_trigger,
    "page": _read_page,
    "customPermission": _into("custom_permissions", dx_access.read_custom_permission),
    "profile": _read_profile,
    "permissionset": _into("permission_sets", dx_access.read_permissions),
    "mutingpermissionset": _into("muting", dx_access.read_permissions),
    "permissionsetgroup": _into("groups", dx_access.read_group),
    "sharingRules": _read_sharing_rules,
    "matchingRule": _read_matching_rules,
    "duplicateRule": _read_and_keep_duplicate_rule,
    "validationRule": _keep,
    "workflow": _keep,
    "approvalProcess": _keep,
    "flow": _keep,
    "assignmentRules": _keep,
    "autoResponseRules": _keep,
    "escalationRules": _keep,
    "namedCredential": _keep,
    "settings": _keep,
    "role": _into("roles", dx_access.read_role),
    "group": _into("public_groups", dx_access.read_public_group),
    "queue": _into("queues", dx_access.read_queue),
    "connectedApp": _into("apps", dx_apps.read_connected_app),
    "eca": _into("apps", dx_apps.read_external_client_app),
    "ecaGlblOauth": _app_part(dx_apps.add_global_settings),
    "ecaOauth": _app_part(dx_apps.add_settings),
    "ecaOauthPlcy": _app_part(dx_apps.add_oauth_policies),
    "ecaPlcy": _app_part(dx_apps.add_policies),
}
"""By file suffix, in the order they are read: an app before its policies."""
