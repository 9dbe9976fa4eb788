"""The demo's org with something that names its integration user in every place that is searched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import harness.sandbox
from harness.org.clock import SystemClock
from harness.org.connection import Connection
from harness.org.guard import WriteGuard
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport
from harness.references.model import Subject
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org

DEMO = Path(harness.sandbox.__file__).parent / "demo"
USERNAME = "project.sync@acme.example"
ROOT = "force-app/main/default"
NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'

METADATA = {
    "objects/Sync__c/Sync__c.object-meta.xml": (
        "CustomObject",
        "<customSettingsType>Hierarchy</customSettingsType><label>Sync</label><visibility>Public</visibility>",
    ),
    "objects/Rates__c/Rates__c.object-meta.xml": (
        "CustomObject",
        "<customSettingsType>List</customSettingsType><label>Rates</label><visibility>Public</visibility>",
    ),
    "objects/Account/validationRules/Sync_Only.validationRule-meta.xml": (
        "ValidationRule",
        "<active>true</active><errorConditionFormula>NOT($Profile.Name = &quot;Integration&quot;)"
        "</errorConditionFormula>",
    ),
    "objects/Account/validationRules/Sellers.validationRule-meta.xml": (
        "ValidationRule",
        "<active>true</active><errorConditionFormula>$Profile.Name = &quot;Sales User&quot;</errorConditionFormula>",
    ),
    "flows/Route.flow-meta.xml": (
        "Flow",
        "<decisions><rules><conditions><leftValueReference>$User.Id</leftValueReference><operator>EqualTo</operator>"
        "<rightValue><elementReference>$Record.OwnerId</elementReference></rightValue></conditions></rules></decisions>"
        "<status>Active</status>",
    ),
    "workflows/Account.workflow-meta.xml": (
        "Workflow",
        f"<alerts><fullName>Tell</fullName><recipients><recipient>{USERNAME}</recipient></recipients></alerts>"
        f"<outboundMessages><fullName>Send</fullName><integrationUser>{USERNAME}</integrationUser></outboundMessages>",
    ),
    "assignmentRules/Case.assignmentRules-meta.xml": (
        "AssignmentRules",
        f"<assignmentRule><fullName>Take</fullName><ruleEntry><assignedTo>{USERNAME}</assignedTo></ruleEntry>"
        "</assignmentRule>",
    ),
    "escalationRules/Case.escalationRules-meta.xml": (
        "EscalationRules",
        f"<escalationRule><ruleEntry><notifyTo>{USERNAME}</notifyTo></ruleEntry></escalationRule>",
    ),
    "autoResponseRules/Lead.autoResponseRules-meta.xml": (
        "AutoResponseRules",
        f"<autoResponseRule><ruleEntry><senderEmail>{USERNAME}</senderEmail></ruleEntry></autoResponseRule>",
    ),
    "approvalProcesses/Opportunity.Big.approvalProcess-meta.xml": (
        "ApprovalProcess",
        f"<active>true</active><approvalStep><assignedApprover><approver><name>{USERNAME}</name></approver>"
        "</assignedApprover></approvalStep>",
    ),
    "namedCredentials/Billing.namedCredential-meta.xml": ("NamedCredential", f"<username>{USERNAME}</username>"),
    "settings/Case.settings-meta.xml": ("CaseSettings", f"<defaultCaseOwner>{USERNAME}</defaultCaseOwner>"),
}
CODE = {
    "classes/Owners.cls": f"public class Owners {{\n  static String OWNER = '{USERNAME}';\n}}\n",
    "triggers/OnAccount.trigger": "trigger OnAccount on Account (before insert) {\n  UserInfo.getProfileId();\n}\n",
}


def write_project(folder: Path) -> Path:
    """The demo's project with references in it."""
    shutil.copytree(DEMO, folder, dirs_exist_ok=True)
    for path, (kind, inner) in METADATA.items():
        file = folder / ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} {NAMESPACE}>{inner}</{kind}>\n', "utf-8")
    for path, text in CODE.items():
        file = folder / ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder


def seed_rows(org: SandboxOrg) -> None:
    """Rows of what runs on behalf of the user."""
    [user] = org.rows("User", Username=USERNAME)
    [seller] = org.rows("User", Username="sam.seller@acme.example")
    own = user["Id"]
    org.update_row("User", seller["Id"], {"ManagerId": own, "DelegatedApproverId": own})
    [queue] = org.rows("Group", DeveloperName="Support")
    org.update_row("Group", queue["Id"], {"Email": user["Email"]})
    org.insert_row("Sync__c", {"SetupOwnerId": own})
    detail = org.insert_row("CronJobDetail", {"Name": "Nightly sync", "JobType": "7"})
    org.insert_row("CronTrigger", {"CronJobDetailId": detail, "OwnerId": own, "State": "WAITING"})
    old = org.insert_row("CronJobDetail", {"Name": "Long ago", "JobType": "7"})
    org.insert_row("CronTrigger", {"CronJobDetailId": old, "OwnerId": own, "State": "COMPLETE"})
    org.insert_row("AsyncApexJob", {"JobType": "BatchApex", "Status": "Queued", "CreatedById": own})
    org.insert_row("Dashboard", {"Title": "Pipeline", "RunningUserId": own})
    org.insert_row("ProcessInstanceWorkitem", {"ActorId": own, "OriginalActorId": own})
    org.insert_row("OauthToken", {"AppName": "Old Loader", "UserId": own})
    org.insert_row("EmailServicesAddress", {"LocalPart": "orders", "RunAsUserId": own})
    org.insert_row("AuthProvider", {"DeveloperName": "Portal", "FriendlyName": "Portal", "ExecutionUserId": own})
    org.insert_row("SamlSsoConfig", {"DeveloperName": "Okta", "ExecutionUserId": own})
    source = org.insert_row("ExternalDataSource", {"DeveloperName": "Ledger", "MasterLabel": "Ledger"})
    org.insert_row("ExternalDataUserAuth", {"ExternalDataSourceId": source, "UserId": own})


def subject_in(org: SandboxOrg) -> Subject:
    """The integration user as the snapshot knows it."""
    [user] = org.rows("User", Username=USERNAME)
    return Subject(
        username=USERNAME,
        profile="Integration",
        new_profile="Minimum Access - API Only Integrations",
        id=user["Id"],
        name=user["Name"],
        email=user["Email"],
        profile_id=user["ProfileId"],
        role="Integrations",
    )


@contextmanager
def admin_of(org: SandboxOrg) -> Iterator[tuple[Connection, Transport]]:
    """The admin's connection to an org that is served; its guard lets no write through."""
    with SandboxServer(org) as server:
        ready = server.ready
        app, user = ready.apps["Rehearsal Admin"], ready.users["admin"]
        parts = {name: Secret(str(value)) for name, value in {**app, **user}.items() if name != "username" and value}
        site = Site("simulated", ready.instance_url, ready.org_id, simulated=True)
        transport = Transport(site, guard=WriteGuard(), clock=SystemClock())
        credential = Credential("username-password", user["username"], "Rehearsal Admin", parts)
        try:
            yield Connection("admin", credential, site, transport, SystemClock()), transport
        finally:
            transport.close()


@contextmanager
def opened(folder: Path | None) -> Iterator[SandboxOrg]:
    """The org of a project, or the demo's."""
    org = open_org(folder or "demo")
    try:
        yield org
    finally:
        org.close()
