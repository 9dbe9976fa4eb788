"""Rules and automation that the simulated org keeps and never runs: validation rules, flows, workflow and so on.

They are handed out as they came in. The Metadata API guide names the types, their folders and suffixes.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from harness.sandbox.metadata import shelf
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.parts import Parts, by_name
from harness.sandbox.metadata.reading import as_parts
from harness.sandbox.metadata.work import Work

NAME = "fullName"


class _Anything(frozenset[str]):
    """Elements are not checked: what they mean is not simulated."""

    def __contains__(self, _element: object) -> bool:
        return True


class Kept(Kind):
    """A type whose components are kept whole."""

    elements = _Anything()

    def list(self, work: Work) -> Iterable[Listed]:
        """All components of the type."""
        return [Listed(name) for name in shelf.names(work.org, self.name)]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The component as it was given."""
        parts = shelf.kept(work.org, self.name, name)
        return by_name([one for one in parts if one[0] != NAME]) if parts else None

    def write(self, work: Work, name: str, root: Element) -> None:
        """Keep a component, in place of the one of that name."""
        own = [one for one in as_parts(root) if one[0] != NAME]
        shelf.keep(work.org, self.name, name, [(NAME, name), *own])

    def remove(self, work: Work, name: str) -> None:
        """Forget the component."""
        shelf.forget(work.org, self.name, name)


class ValidationRules(Kept):
    """ValidationRule: part of its object's file in the Metadata API's format."""

    name, directory, suffix = "ValidationRule", "objects", "validationRule"


class Workflows(Kept):
    """Workflow: alerts, field updates, tasks, messages and rules of one object."""

    name, directory, suffix = "Workflow", "workflows", "workflow"


class ApprovalProcesses(Kept):
    """ApprovalProcess."""

    name, directory, suffix = "ApprovalProcess", "approvalProcesses", "approvalProcess"


class Flows(Kept):
    """Flow."""

    name, directory, suffix = "Flow", "flows", "flow"


class AssignmentRules(Kept):
    """AssignmentRules."""

    name, directory, suffix = "AssignmentRules", "assignmentRules", "assignmentRules"


class AutoResponseRules(Kept):
    """AutoResponseRules."""

    name, directory, suffix = "AutoResponseRules", "autoResponseRules", "autoResponseRules"


class EscalationRules(Kept):
    """EscalationRules."""

    name, directory, suffix = "EscalationRules", "escalationRules", "escalationRules"


class DuplicateRules(Kept):
    """DuplicateRule; what a project's rules do when rows are written is read with the project."""

    name, directory, suffix = "DuplicateRule", "duplicateRules", "duplicateRule"


class NamedCredentials(Kept):
    """NamedCredential."""

    name, directory, suffix = "NamedCredential", "namedCredentials", "namedCredential"


class CaseSettings(Kept):
    """CaseSettings: the one component `Case`, which every org has; an admin who is in no project made the org."""

    name, directory, suffix = "CaseSettings", "settings", "settings"

    def list(self, work: Work) -> Iterable[Listed]:  # noqa: ARG002 - every org has it
        """The one component."""
        return [Listed("Case")]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:
        """What a project says, or that cases nobody takes go to the first user of the org."""
        first = min(work.org.rows("User"), key=lambda row: str(row["Id"]))
        owner: Parts = [("defaultCaseOwner", str(first["Username"])), ("defaultCaseOwnerType", "User")]
        return super().show(work, name, scope) or (owner if name == "Case" else None)


AUTOMATION: tuple[Kept, ...] = (
    ValidationRules(),
    Workflows(),
    ApprovalProcesses(),
    Flows(),
    AssignmentRules(),
    AutoResponseRules(),
    EscalationRules(),
    DuplicateRules(),
    NamedCredentials(),
    CaseSettings(),
)
