"""What in a component names the user, and what only looks like it: each way with a hit and without one."""

from __future__ import annotations

import pytest

from harness.references.finding import Component, find, find_in_code, find_in_page, is_active
from harness.references.model import ReferenceHit
from harness.references.tree import Node, parse
from tests.unit.references.people import SYNC


def hits(kind: str, inner: str) -> list[ReferenceHit]:
    node = parse(f"<{kind}>{inner}</{kind}>".encode())
    return list(find(Component(kind, "X", "x.xml", node, active=is_active(node)), SYNC))


def rule(formula: str, *, active: bool = True) -> list[ReferenceHit]:
    return hits(
        "ValidationRule",
        f"<active>{str(active).lower()}</active><errorConditionFormula>{formula}</errorConditionFormula>",
    )


@pytest.mark.parametrize(
    ("formula", "when"),
    [
        ("$Profile.Name = 'ERP Interface'", ("new-user", "profile-change")),
        ("$Profile.Name = 'erp interface'", ("new-user", "profile-change")),
        ("$Profile.Name &lt;&gt; 'Minimum Access - API Only Integrations'", ("new-user", "profile-change")),
        ("$Profile.Name = 'System Administrator'", ()),
        ("CONTAINS($Profile.Name, 'ERP')", ("new-user", "profile-change")),
        ("$Profile.Id = '00e000000000001'", ("new-user", "profile-change")),
        ("$User.ProfileId = X__c", ("new-user", "profile-change")),
        ("$User.Id = OwnerId", ("new-user",)),
        ("$User.Username = 'sync@acme.example'", ("new-user",)),
        ("$User.Username = 'other@acme.example'", ()),
        ("$User.Region__c = 'North'", ("new-user",)),
        ("$User.Email = Email__c", ()),
        ("$UserRole.Name = X__c", ()),
        ("$Permission.Skip_Rules", ("new-user", "profile-change")),
    ],
)
def test_a_formula_breaks_where_the_answer_may_be_another_for_the_new_user(formula: str, when: tuple[str, ...]) -> None:
    assert [hit.when for hit in rule(formula)] == [when]


@pytest.mark.parametrize("formula", ["Name = 'ERP Interface'", "$Permission.Other", "/* $Profile.Name */ true"])
def test_a_formula_that_does_not_ask_for_the_user_is_no_hit(formula: str) -> None:
    assert rule(formula) == []


def test_a_rule_that_is_switched_off_breaks_nothing() -> None:
    [hit] = rule("$Profile.Name = 'ERP Interface'", active=False)
    assert hit.when == ()
    assert hit.breaks == "It is not active."


def test_what_people_read_is_not_evaluated() -> None:
    inner = "<description>$Profile.Name of sync@acme.example</description><label>$User.Id</label>"
    assert hits("Flow", inner) == []


CONDITION = (
    "<conditions><leftValueReference>$Profile.Name</leftValueReference><operator>EqualTo</operator>"
    "<rightValue><stringValue>{}</stringValue></rightValue></conditions>"
)


def test_a_condition_of_a_flow_is_told_with_both_sides() -> None:
    [other] = hits("Flow", CONDITION.format("Support"))
    assert other.says == "$Profile.Name EqualTo Support"
    assert other.when == ()
    [own, *_] = hits("Flow", CONDITION.format("ERP Interface"))
    assert own.when == ("new-user", "profile-change")


def test_a_flow_that_is_a_draft_breaks_nothing() -> None:
    found = hits("Flow", "<status>Draft</status>" + CONDITION.format("ERP Interface"))
    assert {hit.when for hit in found} == {()}


@pytest.mark.parametrize(
    ("kind", "inner", "when"),
    [
        ("WorkflowAlert", "<recipients><recipient>sync@acme.example</recipient></recipients>", ("deactivate",)),
        ("WorkflowFieldUpdate", "<lookupValue>Sync@Acme.example</lookupValue>", ("deactivate",)),
        ("WorkflowTask", "<assignedTo>sync@acme.example</assignedTo>", ("deactivate",)),
        (
            "WorkflowOutboundMessage",
            "<integrationUser>sync@acme.example</integrationUser>",
            ("freeze", "deactivate"),
        ),
        ("AssignmentRules", "<ruleEntry><assignedTo>sync@acme.example</assignedTo></ruleEntry>", ("deactivate",)),
        ("EscalationRules", "<action><notifyTo>sync@acme.example</notifyTo></action>", ("deactivate",)),
        ("AutoResponseRules", "<senderEmail>sync@acme.example</senderEmail>", ("deactivate",)),
        ("ApprovalProcess", "<approver><name>sync@acme.example</name></approver>", ("freeze", "deactivate")),
        ("CaseSettings", "<defaultCaseOwner>sync@acme.example</defaultCaseOwner>", ("deactivate",)),
        ("Dashboard", "<runningUser>sync@acme.example</runningUser>", ("deactivate",)),
        ("Queue", "<users><user>sync@acme.example</user></users>", ()),
        ("DuplicateRule", "<item><field>Username</field><value>sync@acme.example</value></item>", ("new-user",)),
        (
            "ExtlClntAppOauthConfigurablePolicies",
            "<clientCredentialsFlowUser>sync@acme.example</clientCredentialsFlowUser>",
            ("freeze", "deactivate"),
        ),
        ("NamedCredential", "<username>sync@acme.example</username>", ("freeze", "deactivate")),
        ("Flow", "<value><stringValue>005000000000001</stringValue></value>", ("new-user", "deactivate")),
        ("CustomMetadata", "<value>005000000000001AAA</value>", ("new-user", "freeze", "deactivate")),
        ("Report", "<criteria><field>Lead.OwnerId</field><value>Order Sync</value></criteria>", None),
        ("WorkflowRule", "<criteria><field>User.ProfileId</field><value>ERP Interface</value></criteria>", None),
        ("ConnectedApp", "<profileName>ERP Interface</profileName>", ()),
        ("ExtlClntAppConfigurablePolicies", "<commaSeparatedProfile>Sales,ERP Interface</commaSeparatedProfile>", ()),
        ("ApprovalProcess", "<s><submitter>Interfaces</submitter><type>roleSubordinates</type></s>", ()),
        ("WorkflowAlert", "<recipients><recipient>Interfaces</recipient><type>role</type></recipients>", ()),
        ("SharingOwnerRule", "<sharedTo><roleAndSubordinates>Interfaces</roleAndSubordinates></sharedTo>", ()),
    ],
)
def test_the_user_is_found_by_its_names(kind: str, inner: str, when: tuple[str, ...] | None) -> None:
    [hit] = hits(kind, inner)
    assert hit.line == f"{kind} X"
    assert when is None or hit.when == when


@pytest.mark.parametrize(
    "inner",
    [
        "<recipient>other.sync@acme.example</recipient>",
        "<recipient>sync@acme.example.uat</recipient>",
        "<value>005000000000001BAA1</value>",
        "<criteria><field>Lead.Company</field><value>Order Sync</value></criteria>",
        "<criteria><field>Case.Origin</field><value>ERP Interface</value></criteria>",
        "<profileName>Order Sync</profileName>",
        "<sharedTo><role>Sales</role></sharedTo>",
        "<recipients><recipient>Interfaces</recipient><type>group</type></recipients>",
        "<sharedTo><group>Interfaces</group></sharedTo>",
    ],
)
def test_what_only_looks_like_one_of_its_names_is_no_hit(inner: str) -> None:
    assert hits("WorkflowRule", inner) == []


def code(text: str) -> list[tuple[str, str]]:
    node = Node("ApexClass", text, 1, marks=[(0, 1)])
    return [(hit.says, hit.where) for hit in find_in_code(Component("ApexClass", "X", "X.cls", node), SYNC)]


def test_apex_names_the_user_in_strings() -> None:
    text = """public class X {
  // 'sync@acme.example'
  static String owner = 'sync@acme.example';
  Id profile = [SELECT Id FROM Profile
                WHERE Name = 'ERP Interface'].Id;
  String title = 'ERP Interface';
  Boolean mine = UserInfo.getProfileId() == profile; /* UserInfo.getProfileId() */
}"""
    assert code(text) == [
        ("'sync@acme.example'", "X.cls:3"),
        ("'ERP Interface'", "X.cls:5"),
        ("UserInfo.getProfileId", "X.cls:7"),
    ]


def test_a_page_names_the_user_in_merge_fields_outside_of_comments() -> None:
    node = Node("ApexPage", "<!-- {!$Profile.Name} -->\n<p>{!$User.Username}</p>", 1, marks=[(0, 1)])
    [hit] = find_in_page(Component("ApexPage", "X", "X.page", node), SYNC)
    assert hit.where == "X.page:2"
