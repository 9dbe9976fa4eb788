"""Read sharing rules (Metadata API guide: SharingRules). Those for guests, portals and territories are left out."""

from __future__ import annotations

from harness.sandbox.schema import Criterion, GroupName, SharingRule
from harness.sandbox.sharing.criteria import OPERATIONS, parse_filter
from harness.sandbox.source.document import Node

_GROUPS = {
    "allInternalUsers": "Organization",
    "group": "Regular",
    "groups": "Regular",
    "queue": "Queue",
    "role": "Role",
    "roles": "Role",
    "roleAndSubordinates": "RoleAndSubordinates",
    "roleAndSubordinatesInternal": "RoleAndSubordinates",
    "rolesAndSubordinates": "RoleAndSubordinates",
}
"""Elements of SharedTo and the Type of the groups they name."""
_CHILDREN = {"caseAccessLevel": "Case", "contactAccessLevel": "Contact", "opportunityAccessLevel": "Opportunity"}


def read_sharing_rules(root: Node) -> list[SharingRule]:
    """The rules of one object. Raises ValueError for criteria that cannot be read."""
    owner_based = [_rule(one, shared_from=_groups(one, "sharedFrom")) for one in root.all("sharingOwnerRules")]
    criteria_based = [_criteria_rule(one) for one in root.all("sharingCriteriaRules")]
    return [*owner_based, *criteria_based]


def _criteria_rule(node: Node) -> SharingRule:
    criteria = tuple(
        Criterion(one.text("field") or "", _operation(one), one.text("value") or "")
        for one in node.all("criteriaItems")
    )
    joined = node.text("booleanFilter")
    parse_filter(joined, len(criteria))
    return _rule(node, criteria=criteria, joined=joined)


def _operation(node: Node) -> str:
    operation = node.text("operation") or ""
    if operation not in OPERATIONS:
        raise ValueError(f"sharing rules have no operation {operation!r}")
    return operation


def _rule(
    node: Node,
    *,
    shared_from: tuple[GroupName, ...] = (),
    criteria: tuple[Criterion, ...] = (),
    joined: str | None = None,
) -> SharingRule:
    children = tuple(
        (child, level)
        for settings in node.all("accountSettings")
        for element, child in _CHILDREN.items()
        if (level := settings.text(element)) in ("Read", "Edit")
    )
    return SharingRule(
        name=node.text("fullName") or "",
        level=node.text("accessLevel") or "Read",
        shared_to=_groups(node, "sharedTo"),
        shared_from=shared_from,
        criteria=criteria,
        filter=joined,
        children=children,
    )


def _groups(node: Node, element: str) -> tuple[GroupName, ...]:
    return tuple(
        GroupName(kind, "" if kind == "Organization" else name)
        for people in node.all(element)
        for part, kind in _GROUPS.items()
        for name in (people.texts(part) if kind != "Organization" else [""] * len(list(people.all(part))))
    )
