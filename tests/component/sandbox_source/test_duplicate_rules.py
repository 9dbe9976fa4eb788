"""Duplicate rules of a project, at work in its org."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox.errors import ApiError
from harness.sandbox.source import SourceError, open_org
from tests.component.sandbox_source.projects import ADMIN_ONLY, write_project

RULE = (
    "DuplicateRule:<actionOnInsert>{action}</actionOnInsert><actionOnUpdate>Allow</actionOnUpdate>"
    "<alertText>Twice!</alertText><duplicateRuleMatchRules><matchRuleSObjectType>Lead</matchRuleSObjectType>"
    "<matchingRule>{matching}</matchingRule></duplicateRuleMatchRules><isActive>true</isActive>"
    "<masterLabel>No Twins</masterLabel>{operations}<securityOption>EnforceSharingRules</securityOption>"
)
ALERT = "<operationsOnInsert>Alert</operationsOnInsert>"
MATCHING = (
    "MatchingRules:<matchingRules><fullName>By_Phone</fullName>{joined}<matchingRuleItems>"
    "<blankValueBehavior>NullNotAllowed</blankValueBehavior><fieldName>Phone</fieldName>"
    "<matchingMethod>Exact</matchingMethod></matchingRuleItems><ruleStatus>Active</ruleStatus></matchingRules>"
)
FIRST = {"LastName": "Lee", "FirstName": "Ann", "Company": "Acme", "Phone": "7", "Status": "Open - Not Contacted"}


def project(directory: Path, *, joined: str = "", **rule: str) -> Path:
    files = {
        "duplicateRules/Lead.No_Twins.duplicateRule-meta.xml": RULE.format(**rule),
        "matchingRules/Lead.matchingRule-meta.xml": MATCHING.format(joined=joined),
    }
    return write_project(directory, files, population=ADMIN_ONLY)


@pytest.mark.parametrize(
    ("rule", "second", "is_refused"),
    [
        ({"action": "Block", "matching": "By_Phone", "operations": ""}, {"LastName": "Other"}, True),
        ({"action": "Block", "matching": "By_Phone", "operations": ""}, {"Phone": "8"}, False),
        ({"action": "Allow", "matching": "By_Phone", "operations": ALERT}, {"LastName": "Other"}, True),
        ({"action": "Allow", "matching": "By_Phone", "operations": ""}, {"LastName": "Other"}, False),
        ({"action": "Block", "matching": "Standard_Lead_Match_Rule_v1_0", "operations": ""}, {"Phone": "8"}, True),
        ({"action": "Block", "matching": "Standard_Lead_Match_Rule_v1_0", "operations": ""}, {"LastName": "x"}, False),
    ],
)
def test_a_rule_of_the_project(tmp_path: Path, rule: dict[str, str], second: dict[str, str], is_refused: bool) -> None:
    org = open_org(project(tmp_path, **rule))
    admin = org.rows("User")[0]["Id"]
    org.create("Lead", FIRST, as_user=admin)
    try:
        if is_refused:
            with pytest.raises(ApiError, match="DUPLICATES_DETECTED: Twice!"):
                org.create("Lead", FIRST | second, as_user=admin)
        else:
            org.create("Lead", FIRST | second, as_user=admin)
    finally:
        org.close()


def test_a_filter_must_name_its_items(tmp_path: Path) -> None:
    rule = {"action": "Block", "matching": "By_Phone", "operations": ""}
    with pytest.raises(SourceError, match=r"Lead\.matchingRule-meta\.xml: .*criteria 1 to 1"):
        open_org(project(tmp_path, joined="<booleanFilter>1 AND 2</booleanFilter>", **rule))
