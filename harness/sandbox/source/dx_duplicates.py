"""Read duplicate rules and matching rules (Metadata API guide: DuplicateRule, MatchingRules)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.sandbox.schema import DuplicateRule, MatchingItem, MatchingRule
from harness.sandbox.sharing.criteria import parse_filter
from harness.sandbox.source.document import Node

_STANDARD: dict[str, tuple[tuple[str, ...], str | None]] = {
    "Account": (("Name", "BillingCity", "Website"), "1 AND (2 OR 3)"),
    "Contact": (("FirstName", "LastName", "Email"), "(1 AND 2) OR 3"),
    "Lead": (("FirstName", "LastName", "Company", "Email"), "(1 AND 2 AND 3) OR 4"),
}
"""What the matching rules of every org compare, simplified: really they weigh many fields, and are fuzzy."""


@dataclass(frozen=True, slots=True)
class DuplicateMetadata:
    """A duplicate rule as its file says it, with the names of matching rules."""

    sobject: str
    rule: DuplicateRule
    matching: tuple[str, ...]


def read_matching_rules(root: Node) -> dict[str, MatchingRule]:
    """The matching rules of one object, by name. Raises ValueError for a filter that cannot be read."""
    return {rule.name: rule for one in root.all("matchingRules") if (rule := _matching(one)) is not None}


def _matching(node: Node) -> MatchingRule | None:
    items = tuple(
        MatchingItem(one.text("fieldName") or "", one.text("blankValueBehavior") == "MatchBlanks")
        for one in node.all("matchingRuleItems")
    )
    joined = node.text("booleanFilter")
    parse_filter(joined, len(items))
    return MatchingRule(node.text("fullName") or "", items, joined) if items else None


def read_duplicate_rule(name: str, root: Node) -> DuplicateMetadata:
    """One duplicate rule; `name` is `Account.Name_of_the_rule`."""
    sobject, _, own = name.partition(".")
    rule = DuplicateRule(
        name=own,
        label=root.text("masterLabel") or own,
        matching=(),
        on_insert=_action(root, "Insert"),
        on_update=_action(root, "Update"),
        alert_text=root.text("alertText") or "Use one of these records?",
        enforces_sharing=root.text("securityOption") != "BypassSharingRules",
        active=root.flag("isActive"),
    )
    matching = [
        one.text("matchingRule") or ""
        for one in root.all("duplicateRuleMatchRules")
        if one.text("matchRuleSObjectType") in (None, sobject)
    ]
    return DuplicateMetadata(sobject, rule, tuple(matching))


def _action(root: Node, when: str) -> str | None:
    """A rule that allows and does not warn says nothing."""
    action = root.text(f"actionOn{when}")
    return action if action == "Block" or "Alert" in root.texts(f"operationsOn{when}") else None


def standard_matching_rule(sobject: str, name: str) -> MatchingRule | None:
    """The matching rule of that name that every org has; None for one that is not such."""
    if not name.startswith(f"Standard_{sobject}_Match_Rule") or sobject not in _STANDARD:
        return None
    fields, joined = _STANDARD[sobject]
    return MatchingRule(name, tuple(MatchingItem(one) for one in fields), joined, standard=True)
