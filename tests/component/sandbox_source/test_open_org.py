"""Making an org from a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import apps, identity
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import SourceError, open_org
from tests.component.sandbox_source.projects import ADMIN_ONLY, write_project

Open = Callable[..., SandboxOrg]


@pytest.fixture
def opened() -> Iterator[Open]:
    made: list[SandboxOrg] = []

    def open_one(*args: Any, **kwargs: Any) -> SandboxOrg:
        made.append(open_org(*args, **kwargs))
        return made[-1]

    yield open_one
    for org in made:
        org.close()


def user_id(org: SandboxOrg, username: str) -> str:
    return str(org.rows("User", Username=username)[0]["Id"])


def all_rows(org: SandboxOrg) -> dict[str, list[dict[str, Any]]]:
    return {one.name: org.rows(one.name) for one in org.schema if one.key_prefix}


def test_the_demo_org_has_an_admin_a_sales_user_and_two_integrations(opened: Open) -> None:
    org = opened("demo")
    assert [row["Username"] for row in org.rows("User")] == [
        "admin@acme.example",
        "sam.seller@acme.example",
        "project.sync@acme.example",
        "reporting.feed@acme.example",
    ]
    organization = org.rows("Organization")[0]
    assert (organization["Id"], organization["IsSandbox"], organization["TrialExpirationDate"]) == (
        org.org_id,
        True,
        None,
    )
    assert [app.name for app in apps.all_apps(org)][:2] == ["Rehearsal Admin", "Rehearsal Admin JWT"]
    for row in org.rows("User"):
        known = identity.secrets_of(org, row["Id"])
        assert known["password"]
        assert known["security_token"]
        assert org.rows("UserLogin", UserId=row["Id"])[0]["IsFrozen"] is False
    assert identity.secrets_of(org, user_id(org, "sam.seller@acme.example"))["role"] == "sales"


def test_the_admin_sees_and_edits_what_others_do_not(opened: Open) -> None:
    org = opened("demo")
    admin, sync = user_id(org, "admin@acme.example"), user_id(org, "project.sync@acme.example")
    soql = "SELECT Id, Name, Internal_Cost__c FROM Project__c ORDER BY Name"
    rows = org.query(soql, as_user=admin).records
    assert [row["Internal_Cost__c"] for row in rows] == [9000, 41000]
    org.update("Project__c", rows[0]["Id"], {"Internal_Cost__c": 9100}, as_user=admin)
    with pytest.raises(Exception, match="No such column 'Internal_Cost__c'"):
        org.query(soql, as_user=sync)


def test_two_orgs_of_one_source_are_equal(opened: Open) -> None:
    first, second = all_rows(opened("demo")), all_rows(opened("demo"))
    assert first == second
    assert len(first["FieldPermissions"]) > 300


def test_every_user_is_made_by_the_admin_and_assigned_its_profiles_own_set(opened: Open) -> None:
    org = opened("demo")
    admin = user_id(org, "admin@acme.example")
    owned = {row["ProfileId"]: row["Id"] for row in org.rows("PermissionSet", IsOwnedByProfile=True)}
    for row in org.rows("User"):
        assert row["CreatedById"] == admin
        assigned = {one["PermissionSetId"] for one in org.rows("PermissionSetAssignment", AssigneeId=row["Id"])}
        assert owned[row["ProfileId"]] in assigned


def test_seats_are_counted(opened: Open) -> None:
    org = opened("demo")
    seats = {row["Name"]: (row["UsedLicenses"], row["TotalLicenses"]) for row in org.rows("UserLicense")}
    assert seats["Salesforce"] == (4, 20)
    assert seats["Salesforce Integration"] == (0, 5)
    psl = org.rows("PermissionSetLicense", DeveloperName="SalesforceAPIIntegrationPsl")[0]
    assert (psl["UsedLicenses"], psl["TotalLicenses"]) == (0, 5)
    assert (psl["MaximumPermissionsModifyAllData"], psl["MaximumPermissionsAuthorApex"]) == (True, False)


def test_a_state_file_is_opened_as_it_is(opened: Open, tmp_path: Path) -> None:
    state = tmp_path / "demo.sqlite"
    org = open_org("demo", state=state)
    account = org.rows("Account", Name="Granite Mills")[0]["Id"]
    org.update_row("Account", account, {"Name": "Granite Mills Ltd"})
    password = identity.secrets_of(org, user_id(org, "admin@acme.example"))["password"]
    org.close()
    again = opened("demo", state=state)
    row = again.row("Account", account)
    assert row is not None
    assert row["Name"] == "Granite Mills Ltd"
    assert identity.secrets_of(again, user_id(again, "admin@acme.example"))["password"] == password
    assert len(again.rows("User")) == 4


def test_a_file_that_holds_no_org_is_not_taken_for_one(tmp_path: Path) -> None:
    state = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(state)) as other:
        other.execute("CREATE TABLE something (id)")
    with pytest.raises(SourceError, match="no simulated org is kept in this file"):
        open_org("demo", state=state)
    assert state.exists()


def test_an_org_that_could_not_be_filled_leaves_no_file(tmp_path: Path) -> None:
    population = ADMIN_ONLY.replace("System Administrator", "System Adminstrator")
    project = write_project(tmp_path / "p", {}, population=population)
    state = tmp_path / "org.sqlite"
    with pytest.raises(SourceError, match="the nearest is 'System Administrator'"):
        open_org(project, state=state)
    assert not state.exists()


def test_without_a_population_there_is_one_user_for_each_profile(opened: Open, tmp_path: Path) -> None:
    profile = "Profile:<custom>true</custom><userLicense>{}</userLicense>"
    files = {
        "profiles/ERP Sync.profile-meta.xml": profile.format("Salesforce"),
        "profiles/Admin.profile-meta.xml": profile.format("Salesforce")
        + "<userPermissions><enabled>true</enabled><name>ModifyAllData</name></userPermissions>",
        "profiles/Portal.profile-meta.xml": profile.format("Customer Portal Manager"),
    }
    org = opened(write_project(tmp_path / "My Org", files))
    assert [row["Username"] for row in org.rows("User")] == [
        "admin@my-org.example",
        "erp-sync@my-org.example",
        "portal@my-org.example",
    ]
    assert "ModifyAllData" in org.permissions_of(user_id(org, "admin@my-org.example")).system
    assert {row["Name"] for row in org.rows("UserLicense")} > {"Customer Portal Manager", "Salesforce Integration"}


def test_what_only_permissions_mention_is_there_too(opened: Open, tmp_path: Path) -> None:
    inside = """PermissionSet:<label>Odd</label>
        <fieldPermissions><editable>true</editable><field>Account.Tier__c</field><readable>true</readable>
        </fieldPermissions>
        <fieldPermissions><editable>false</editable><field>Contact.Account</field><readable>true</readable>
        </fieldPermissions>
        <fieldPermissions><editable>true</editable><field>pkg__Thing__c.pkg__Part__c</field><readable>true</readable>
        </fieldPermissions>
        <objectPermissions><allowRead>true</allowRead><object>Scorecard</object></objectPermissions>
        <userPermissions><enabled>true</enabled><name>BrandNewPermission</name></userPermissions>"""
    files = {"permissionsets/Odd.permissionset-meta.xml": inside}
    org = opened(write_project(tmp_path / "p", files, population=ADMIN_ONLY))
    odd = org.rows("PermissionSet", Name="Odd")[0]
    assert odd["PermissionsBrandNewPermission"] is True
    fields = {row["Field"] for row in org.rows("FieldPermissions", ParentId=odd["Id"])}
    assert fields == {"Account.Tier__c", "Contact.AccountId", "pkg__Thing__c.pkg__Part__c"}
    for name in ("Scorecard", "pkg__Thing__c"):
        assert org.schema.get(name) is not None
    account = org.schema.get("Account")
    assert account is not None
    assert account.get("Tier__c") is not None


def test_a_muted_permission_is_in_the_set_and_not_in_the_group(opened: Open, tmp_path: Path) -> None:
    grant = (
        "<objectPermissions><allowDelete>true</allowDelete><allowEdit>true</allowEdit><allowRead>true</allowRead>"
        "<object>Contact</object></objectPermissions><fieldPermissions><editable>true</editable>"
        "<field>Contact.Email</field><readable>true</readable></fieldPermissions>"
    )
    mute = "<objectPermissions><allowDelete>true</allowDelete><object>Contact</object></objectPermissions>"
    files = {
        "profiles/Feed.profile-meta.xml": "Profile:<custom>true</custom><userLicense>Salesforce</userLicense>"
        "<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>",
        "permissionsets/Data.permissionset-meta.xml": f"PermissionSet:<label>Data</label>{grant}",
        "mutingpermissionsets/Quiet.mutingpermissionset-meta.xml": f"MutingPermissionSet:<label>Quiet</label>{mute}",
        "permissionsetgroups/All.permissionsetgroup-meta.xml": "PermissionSetGroup:<label>All</label>"
        "<mutingPermissionSets>Quiet</mutingPermissionSets><permissionSets>Data</permissionSets>"
        "<permissionSets>pkg__Elsewhere</permissionSets>",
    }
    feed = "  - {username: feed@acme.example, name: Feed, profile: Feed, permission_set_groups: [All]}\n"
    org = opened(write_project(tmp_path / "p", files, population=ADMIN_ONLY + feed))
    contact = org.schema.get("Contact")
    assert contact is not None
    assert org.permissions_of(user_id(org, "feed@acme.example")).rights(contact) == {"read", "edit"}
    whole = org.rows("PermissionSet", Type="Group")[0]
    rows = org.rows("ObjectPermissions", ParentId=whole["Id"])
    assert [(row["PermissionsEdit"], row["PermissionsDelete"]) for row in rows] == [(True, False)]
    assert len(org.rows("PermissionSetGroupComponent")) == 2


def test_queues_and_groups_get_their_members(opened: Open, tmp_path: Path) -> None:
    files = {
        "groups/Feeds.group-meta.xml": "Group:<doesIncludeBosses>true</doesIncludeBosses><name>All Feeds</name>",
        "queues/Faults.queue-meta.xml": "Queue:<name>Faults</name><queueMembers><users><user>admin@acme.example</user>"
        "<user>gone@acme.example</user></users></queueMembers><queueSobject><sobjectType>Case</sobjectType>"
        "</queueSobject>",
        "roles/Top.role-meta.xml": "Role:<name>Top</name>",
        "roles/Below.role-meta.xml": "Role:<name>Below</name><parentRole>Top</parentRole>",
    }
    people = ADMIN_ONLY.replace("as: admin", "as: admin, groups: [Feeds], queues: [Faults], role: Below")
    org = opened(write_project(tmp_path / "p", files, population=people))
    admin = user_id(org, "admin@acme.example")
    names = {row["Id"]: row["DeveloperName"] for row in org.rows("Group")}
    assert sorted(names[row["GroupId"]] for row in org.rows("GroupMember", UserOrGroupId=admin)) == ["Faults", "Feeds"]
    below = org.rows("UserRole", DeveloperName="Below")[0]
    top = org.rows("UserRole", DeveloperName="Top")[0]
    assert (below["ParentRoleId"], org.rows("User")[0]["UserRoleId"]) == (top["Id"], below["Id"])


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("apps: [{name: A, flows: [jwt-bearer], profiles: [Nobody]}]", "app A: no Profile is called 'Nobody'"),
        ("apps: [{name: A, flows: [jwt-bearer], run_as: no@acme.example}]", "no User is called"),
        ("licenses: {Salesforce: 0}", "Salesforce has 0 seats and 1 users"),
        ("licenses: {Salesforze: 3}", "no PermissionSetLicense is called 'Salesforze'"),
        ("records: [{object: Acount, rows: {a: {Name: A}}}]", "the org has no object Acount"),
        ("records: [{object: Account, rows: {a: {Nam: A}}}]", "Account has no field Nam"),
        ("records: [{object: Contact, rows: {a: {LastName: A, AccountId: {ref: x}}}}]", "no row is called 'x'"),
        ("records: [{object: Account, owner: no@acme.example, rows: {a: {Name: A}}}]", "no User is called"),
    ],
)
def test_what_the_population_names_must_exist(tmp_path: Path, more: str, complaint: str) -> None:
    project = write_project(tmp_path / "p", {}, population=f"{ADMIN_ONLY}{more}\n")
    with pytest.raises(SourceError, match=complaint) as caught:
        open_org(project)
    assert str(project / "sandbox.yaml") in str(caught.value)


def test_records_are_named_generated_and_owned(opened: Open, tmp_path: Path) -> None:
    population = f"""{ADMIN_ONLY}
records:
  - object: Account
    rows:
      acme: {{Name: Acme}}
      beta: {{Name: Beta, OwnerId: {{user: admin@acme.example}}}}
    generate: {{count: 3, fields: {{Name: "Customer {{n:03d}}", ParentId: [{{ref: acme}}, {{ref: beta}}], Sic: "x"}}}}
"""
    org = opened(write_project(tmp_path / "p", {}, population=population))
    rows = org.rows("Account")
    assert [row["Name"] for row in rows] == ["Acme", "Beta", "Customer 001", "Customer 002", "Customer 003"]
    assert [row["ParentId"] for row in rows[2:]] == [rows[0]["Id"], rows[1]["Id"], rows[0]["Id"]]
    assert {row["OwnerId"] for row in rows} == {user_id(org, "admin@acme.example")}


def test_an_org_may_be_no_sandbox_and_block_old_flows(opened: Open, tmp_path: Path) -> None:
    more = "org: {sandbox: false}\nsettings: {soap_login: false, username_password_flow: false}\n"
    org = opened(write_project(tmp_path / "p", {}, population=ADMIN_ONLY + more))
    assert org.rows("Organization")[0]["IsSandbox"] is False
    assert (org.switches.soap_login, org.switches.username_password_flow) == (False, False)


def test_dependencies_of_permissions_can_be_asked(opened: Open) -> None:
    org = opened("demo")
    needs = {row["RequiredPermission"] for row in org.rows("PermissionDependency", Permission="ManageUsers")}
    assert {"AssignPermissionSets", "ManageInternalUsers", "ResetPasswords"} <= needs
    detail = org.rows("PermissionDependency", Permission="Timesheet__c<read>")
    assert [row["RequiredPermission"] for row in detail] == ["Project__c<read>"]


def test_statuses_and_stages_mean_what_the_picklists_hold(opened: Open) -> None:
    org = opened("demo")
    stages = {row["MasterLabel"]: row for row in org.rows("OpportunityStage")}
    assert (stages["Closed Won"]["IsWon"], stages["Closed Lost"]["IsWon"]) == (True, False)
    assert {name for name, row in stages.items() if row["IsClosed"]} == {"Closed Won", "Closed Lost"}
    assert [row["MasterLabel"] for row in org.rows("LeadStatus") if row["IsConverted"]] == ["Closed - Converted"]
    assert [row["MasterLabel"] for row in org.rows("CaseStatus") if row["IsDefault"]] == ["New"]
    assert [row["IsDefault"] for row in org.rows("BusinessHours")] == [True]
