"""Searching a Salesforce DX project, in source format or in the Metadata API's, file by file."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import UsageError
from harness.references.finding import Component, find, find_in_code, find_in_page, is_active
from harness.references.model import ReferenceHit, Subject
from harness.references.tree import Node, NotReadable, parse

KINDS: Mapping[str, str] = {
    "object": "CustomObject",
    "field": "CustomField",
    "validationRule": "ValidationRule",
    "webLink": "WebLink",
    "flow": "Flow",
    "flowDefinition": "FlowDefinition",
    "workflow": "Workflow",
    "approvalProcess": "ApprovalProcess",
    "assignmentRules": "AssignmentRules",
    "autoResponseRules": "AutoResponseRules",
    "escalationRules": "EscalationRules",
    "sharingRules": "SharingRules",
    "duplicateRule": "DuplicateRule",
    "matchingRule": "MatchingRule",
    "queue": "Queue",
    "group": "Group",
    "role": "Role",
    "connectedApp": "ConnectedApp",
    "ecaPlcy": "ExtlClntAppConfigurablePolicies",
    "ecaOauthPlcy": "ExtlClntAppOauthConfigurablePolicies",
    "namedCredential": "NamedCredential",
    "externalCredential": "ExternalCredential",
    "customPermission": "CustomPermission",
    "dashboard": "Dashboard",
    "report": "Report",
    "listView": "ListView",
    "settings": "Settings",
    "site": "CustomSite",
    "network": "Network",
    "md": "CustomMetadata",
    "profile": "Profile",
    "quickAction": "QuickAction",
    "entitlementProcess": "EntitlementProcess",
    "milestoneType": "MilestoneType",
    "territory2Rule": "Territory2Rule",
    "restrictionRule": "RestrictionRule",
    "transactionSecurityPolicy": "TransactionSecurityPolicy",
    "xmlservice": "EmailServicesFunction",
    "cls": "ApexClass",
    "trigger": "ApexTrigger",
    "page": "ApexPage",
    "component": "ApexComponent",
    "email": "EmailTemplate",
}
"""The metadata type of a file by the end of its name."""
_CODE = frozenset({"ApexClass", "ApexTrigger"})
_PAGES = frozenset({"ApexPage", "ApexComponent", "EmailTemplate"})
_OF_AN_OBJECT = frozenset({"CustomField", "ValidationRule", "WebLink", "ListView"})
"""In source format these have files of their own, in a folder of their object."""
NESTED: Mapping[str, Mapping[str, str]] = {
    "CustomObject": {
        "fields": "CustomField",
        "validationRules": "ValidationRule",
        "webLinks": "WebLink",
        "listViews": "ListView",
    },
    "Workflow": {
        "alerts": "WorkflowAlert",
        "fieldUpdates": "WorkflowFieldUpdate",
        "outboundMessages": "WorkflowOutboundMessage",
        "rules": "WorkflowRule",
        "tasks": "WorkflowTask",
    },
    "SharingRules": {
        "sharingCriteriaRules": "SharingCriteriaRule",
        "sharingOwnerRules": "SharingOwnerRule",
        "sharingGuestRules": "SharingGuestRule",
        "sharingTerritoryRules": "SharingTerritoryRule",
    },
}
"""Components inside components, by their element."""
_ESCAPED = re.compile(r"[^a-z0-9 _.-]+")
_META = "-meta.xml"
_SKIPPED_FOLDERS = frozenset({".git", ".sf", ".sfdx", "node_modules", "__tests__", "staticresources"})


@dataclass(frozen=True, slots=True)
class ProjectScan:
    """What was found in a project, and how many files of each kind were searched."""

    hits: tuple[ReferenceHit, ...]
    looked_at: Mapping[str, int]
    not_read: tuple[str, ...]


def scan_project(folder: Path, subject: Subject, *, shown: str | None = None) -> ProjectScan:
    """Search every file of a project. `shown` is how the folder is written in what is reported.

    Raises UsageError when the folder is none, or holds no metadata.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", remedy="name a Salesforce DX project, or a folder of metadata")
    hits: list[ReferenceHit] = []
    looked_at: Counter[str] = Counter()
    not_read: list[str] = []
    needles = _needles(subject)
    for path, kind, name in _files(folder):
        if kind == "Profile" and name.casefold() != subject.profile.casefold():
            continue
        looked_at[kind] += 1
        place = f"{shown or folder}/{path.relative_to(folder).as_posix()}"
        try:
            content = path.read_bytes()
            if kind == "Profile" or _may_name(content, needles):
                hits.extend(_search(kind, name, place, content, subject))
        except (NotReadable, UnicodeDecodeError, OSError) as error:
            not_read.append(f"{place} could not be read: {error}")
    if not looked_at:
        raise UsageError(f"{folder} holds no metadata", remedy="name a Salesforce DX project, or a folder of metadata")
    return ProjectScan(tuple(hits), dict(sorted(looked_at.items())), tuple(not_read))


def split(component: Component) -> Iterator[Component]:
    """A component, and those that stand inside it, each by itself."""
    nested = NESTED.get(component.kind, {})
    inner = [each for each in component.node.children if each.name in nested]
    if nested:
        component.node.children = [each for each in component.node.children if each.name not in nested]
    yield _judged(component)
    for node in inner:
        name = f"{component.name}.{node.value('fullName')}"
        yield _judged(Component(nested[node.name], name, component.where, node, component.in_file))


def _judged(component: Component) -> Component:
    """The component with whether it is active."""
    return replace(component, active=is_active(component.node))


def _files(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Every file of a kind that may name a user, with its kind and its component's full name, in order."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            stem, _, suffix = name.removesuffix(_META).rpartition(".")
            kind = KINDS.get(suffix)
            path = Path(root, name)
            if kind is None or (kind in _CODE | _PAGES and name.endswith(_META)) or _is_prose(path):
                continue
            owner = path.parent.parent.name if kind in _OF_AN_OBJECT and name.endswith(_META) else ""
            yield path, kind, f"{owner}.{stem}" if owner else stem


def _is_prose(path: Path) -> bool:
    """Custom metadata in the Metadata API's format and Markdown end in the same letters."""
    return path.suffix == ".md" and path.parent.name != "customMetadata"


def _may_name(content: bytes, needles: tuple[bytes, ...]) -> bool:
    folded = content.lower()
    return any(each in folded for each in needles)


def _search(kind: str, name: str, place: str, content: bytes, subject: Subject) -> Iterator[ReferenceHit]:
    if kind == "Profile":
        yield from _confining(Component(kind, name, place, parse(content)))
    elif kind in _CODE | _PAGES:
        text = content.decode("utf-8-sig")
        component = Component(kind, name, place, Node(kind, text, 1, marks=[(0, 1)]))
        yield from (find_in_code if kind in _CODE else find_in_page)(component, subject)
    else:
        node = parse(content)
        kind = node.name if kind == "Settings" else kind  # such as CaseSettings
        for component in split(Component(kind, name, place, node)):
            yield from find(component, subject)


def _confining(profile: Component) -> Iterator[ReferenceHit]:
    """The login hours and IP ranges in the file of the old profile."""
    for node in profile.node.children:
        if node.name == "loginIpRanges":
            says = f"IP range {node.value('startAddress')} - {node.value('endAddress')}"
            yield profile.hit("confined", says, node.line)
        elif node.name == "loginHours" and node.children:
            yield profile.hit("confined", "login hours", node.line)


def _needles(subject: Subject) -> tuple[bytes, ...]:
    """What a file must hold, in lower case, to be worth parsing: of names the longest part that XML leaves as it is."""
    plain = ["$profile", "$user", "$permission", "getprofileid", subject.username]
    plain += [one[:15] for one in (subject.id, subject.profile_id) if one]
    names = [one for one in (subject.name, subject.profile, subject.role) if one]
    plain += [max(_ESCAPED.split(name.casefold()), key=len) for name in names]
    return tuple(one.casefold().encode() for one in plain)
