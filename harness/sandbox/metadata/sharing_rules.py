"""SharingRules: the rules of one object (Metadata API guide). A file adds and changes rules, and takes none away."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from harness.sandbox.metadata import schema_changes, shelf
from harness.sandbox.metadata.errors import ComponentError, not_named
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.parts import Parts, Value, by_name, document, present, text_of
from harness.sandbox.metadata.reading import as_node, as_parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.schema import GroupName, SharingRule
from harness.sandbox.source.dx_sharing import read_sharing_rules

_NOT_READ = ("sharingGuestRules", "sharingTerritoryRules")
_GROUPS = {"Regular": "group", "Queue": "queue", "Role": "role", "RoleAndSubordinates": "roleAndSubordinates"}


class SharingRules(Kind):
    """SharingRules."""

    name = "SharingRules"
    directory = "sharingRules"
    suffix = "sharingRules"
    elements = frozenset(
        {"fullName", "sharingCriteriaRules", "sharingGuestRules", "sharingOwnerRules", "sharingTerritoryRules"}
    )

    def list(self, work: Work) -> Iterable[Listed]:
        """The objects that have rules."""
        for name, rules in sorted(work.schema.sharing_rules.items()):
            sobject = work.schema.get(name)
            if sobject is not None and rules:
                yield Listed(sobject.name)

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The rules of an object."""
        rules = work.schema.sharing_rules.get(name.lower())
        if not rules:
            return None
        kept = shelf.kept(work.org, self.name, name)
        as_deployed = {_name_of(value): value for _, value in kept}
        found: Parts = [(element, value) for element, value in kept if element in _NOT_READ]
        for rule in sorted(rules, key=lambda one: one.name):
            element = "sharingCriteriaRules" if rule.criteria else "sharingOwnerRules"
            found.append((element, as_deployed.get(rule.name) or _rule_parts(rule)))
        return by_name(found)

    def write(self, work: Work, name: str, root: Element) -> None:
        """Add and change rules."""
        sobject = work.schema.get(name)
        if sobject is None:
            raise not_named("fullName", "CustomObject", name)
        try:
            given = read_sharing_rules(as_node(root))
        except ValueError as error:
            raise ComponentError("INVALID_INPUT", str(error)) from error
        for rule in given:
            for group in (*rule.shared_to, *rule.shared_from):
                _check_group(work, group)
        schema_changes.add_sharing_rules(work, sobject, given)
        schema_changes.settle(work)
        rules = [one for one in as_parts(root) if one[0] != "fullName"]
        new = {_name_of(value) for _, value in rules}
        others = [one for one in shelf.kept(work.org, self.name, name) if _name_of(one[1]) not in new]
        shelf.keep(work.org, self.name, name, [*others, *rules])
        schema_changes.record(work, self.name, sobject.name, document(self.name, [*others, *rules]).decode())

    def remove(self, work: Work, name: str) -> None:
        """Take all rules of an object away."""
        sobject = work.schema.get(name)
        if sobject is not None:
            schema_changes.set_sharing_rules(work, sobject, [])
            schema_changes.settle(work)
            schema_changes.record(work, self.name, sobject.name, "")
            shelf.forget(work.org, self.name, name)


def _name_of(rule: Value) -> str:
    """The full name of a rule that was put by."""
    return next((text_of(value) for name, value in rule if name == "fullName"), "") if isinstance(rule, list) else ""


def _rule_parts(rule: SharingRule) -> Parts:
    parts: Parts = [("fullName", rule.name), ("accessLevel", rule.level)]
    if rule.children:
        levels: Parts = [(f"{child.lower()}AccessLevel", level) for child, level in rule.children]
        parts.append(("accountSettings", by_name(levels)))
    parts += [("label", rule.name), ("sharedTo", _group_parts(rule.shared_to))]
    for one in rule.criteria:
        criterion: Parts = [("field", one.field), ("operation", one.operation), ("value", one.value)]
        parts.append(("criteriaItems", criterion))
    if rule.criteria:
        parts.append(("includeRecordsOwnedByAll", False))
    if rule.shared_from:
        parts.append(("sharedFrom", _group_parts(rule.shared_from)))
    return parts + present([("booleanFilter", rule.filter)])


def _group_parts(groups: Iterable[GroupName]) -> Parts:
    return [(_GROUPS.get(one.type, "allInternalUsers"), one.name) for one in groups]


def _check_group(work: Work, group: GroupName) -> None:
    if group.type in ("Role", "RoleAndSubordinates"):
        known = work.one("UserRole", DeveloperName=group.name)
    else:
        known = work.one("Group", DeveloperName=group.name) if group.name else {}
    if known is None:
        kind = "Role" if "Role" in group.type else "Group"
        raise not_named(_GROUPS.get(group.type, "group"), kind, group.name)
