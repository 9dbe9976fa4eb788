"""What the reading of a user tells, held against an org that has something of everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from harness.access.reading.people import read_extra_licenses
from harness.errors import SignInRefused
from harness.org.guard import WriteCapability, prove_sandbox
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import open_org

from .conftest import Room
from .workshop import ADMIN, FITTER, write_workshop

OpenRoom = Callable[[SandboxOrg], Room]


@pytest.fixture
def room(open_room: OpenRoom, tmp_path: Path) -> Room:
    org = open_org(write_workshop(tmp_path / "workshop"))
    fitter, admin = (org.rows("User", Username=name)[0]["Id"] for name in (FITTER, ADMIN))
    now = org.clock.now()
    for name, days in (("Passing", 30), ("Past", -1)):
        [assignment] = org.rows("PermissionSetAssignment", AssigneeId=fitter, PermissionSetId=set_id(org, name))
        moment = (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        org.update_row("PermissionSetAssignment", assignment["Id"], {"ExpirationDate": moment})
    groups = {row["DeveloperName"]: row["Id"] for row in org.rows("Group") if row["DeveloperName"]}
    org.create("GroupMember", {"GroupId": groups["Everyone"], "UserOrGroupId": groups["Fitters"]}, as_user=admin)
    [pump, *_] = org.rows("Pump__c", OwnerId=admin)
    share = {"ParentId": pump["Id"], "UserOrGroupId": fitter, "AccessLevel": "Read"}
    org.create("Pump__Share", share, as_user=admin)
    return open_room(org)


def set_id(org: SandboxOrg, name: str) -> str:
    return str(org.rows("PermissionSet", Name=name)[0]["Id"])


def test_each_assigned_set_says_until_when_it_gives_or_why_it_gives_nothing(room: Room) -> None:
    found = room.holdings(room.connect(ADMIN), FITTER)
    said = {each.name: each.sentence for each in found.assigned}
    assert said["Types"] == ""
    assert said["Passing"].startswith("Passing gives what it holds until ")
    assert said["Past"].startswith("Past is assigned and gives nothing: the assignment expired on ")
    assert said["Session"] == (
        "In Session is assigned and gives nothing: it is session-based, and switched on in no session of the user"
    )
    given = {"Account", "Contact", "Contract", "Order", "Pump__c"}
    assert found.effective.objects.keys() == given, "Lead, Case and Campaign are not given"


def test_a_set_bound_to_a_license_that_is_not_held_gives_nothing(room: Room) -> None:
    org = room.org
    fitter = org.rows("User", Username=FITTER)[0]["Id"]
    [passing] = org.rows("PermissionSetAssignment", AssigneeId=fitter, PermissionSetId=set_id(org, "Passing"))
    org.update_row("PermissionSetAssignment", passing["Id"], {"PermissionSetId": set_id(org, "Bound")})
    found = room.holdings(room.connect(ADMIN), FITTER)
    [bound] = [each for each in found.dormant if each.name == "Bound"]
    assert "it is bound to the license " in bound.sentence
    assert "Case" not in found.effective.objects


def test_rows_names_and_rights_are_complete(room: Room) -> None:
    found = room.holdings(room.connect(ADMIN), FITTER)
    assert "view-all-fields" in found.effective.objects["Pump__c"]
    assert found.effective.fields["Account.BillingAddress"] == {"read", "edit"}, "a compound field is one permission"
    named = {"ApexClass:PumpApi", "CustomPermission:Skip", "CustomEntityDefinition:Setting__c", "TabSet:Works"}
    assert named <= found.effective.setup
    assert not found.unnamed
    assert found.setup_ids["ApexClass:PumpApi"].startswith("01p")
    kinds = ["profile", "permission-set", "permission-set", "permission-set-group"]
    assert [source.kind for source in found.sources] == kinds


def test_a_group_gives_what_its_sets_come_to_without_what_is_muted(room: Room) -> None:
    found = room.holdings(room.connect(ADMIN), FITTER)
    [crew] = [source for source in found.sources if source.kind == "permission-set-group"]
    assert crew.access.objects == {"Order": {"read"}, "Contract": {"read"}}
    assert list(crew.sets.values()) == ["Crew_Orders"]
    assert found.stale == ()


def test_a_group_that_the_org_has_yet_to_compute_is_told(room: Room) -> None:
    admin = room.org.rows("User", Username=ADMIN)[0]["Id"]
    row = {"ParentId": set_id(room.org, "Crew_Orders"), "SobjectType": "Asset", "PermissionsRead": True}
    room.org.create("ObjectPermissions", row, as_user=admin)
    [told] = room.holdings(room.connect(ADMIN), FITTER).stale
    assert told.startswith("the group Crew is ")


def test_an_older_api_lacks_columns_and_is_read_all_the_same(room: Room) -> None:
    found = room.holdings(room.connect(ADMIN, api_version="51.0"), FITTER)
    assert found.effective.objects["Pump__c"] == {"read", "create", "edit"}, "View All Fields came with 63"
    assert {each.name: each.expires for each in found.assigned}["Passing"] is None, "expiry came with 52"
    assert {source.name for source in found.sources} >= {"Fitter", "Types", "Crew"}


def test_record_types_are_those_the_user_is_told_of_and_each_has_its_set(room: Room) -> None:
    found = room.surroundings(room.connect(ADMIN), FITTER)
    assert found.record_types.available == {"Pump__c.Small", "Pump__c.Large"}, "Secret is hidden, Old is inactive"
    assert found.record_types.defaults == {"Pump__c": "Small"}
    own, types = room.org.rows("Profile", Name="Fitter")[0]["Id"], set_id(room.org, "Types")
    [owned] = room.org.rows("PermissionSet", ProfileId=own)
    assert found.record_types_by_source[owned["Id"]] == {"Pump__c.Small"}
    assert found.record_types_by_source[types] == {"Pump__c.Large"}
    assert found.unread == ()


def test_where_the_user_cannot_sign_in_metadata_tell_the_record_types_and_that_is_said(room: Room) -> None:
    def refuse() -> None:
        raise SignInRefused("no", flow="jwt-bearer", username=FITTER, code="invalid_grant", description="no")

    found = room.surroundings(room.connect(ADMIN), FITTER, refuse)  # type: ignore[arg-type]
    assert found.record_types.available == {"Pump__c.Small", "Pump__c.Large"}
    assert found.record_types.defaults == {"Pump__c": "Small"}
    [unread] = found.unread
    assert "the record types as" in unread


def test_what_confines_a_user_and_what_it_holds_beside_permissions(room: Room) -> None:
    found = room.surroundings(room.connect(ADMIN), FITTER)
    assert found.profile.login_hours == ("Sunday 08:00 to 18:00",)
    assert "10.0.0.0 - 10.0.0.255" in found.profile.login_ip_ranges, "the simulated org lets the loopback in, too"
    assert found.apps == ("Works", "Sales"), "the default one first"
    assert found.tabs == ("Pump__c", "standard-Account")
    assert found.owned == {"Pump__c": 3}
    assert found.shares == {"Pump__c": 1}
    assert found.sharing_rules == ("Pump__c.To_Below_Head", "Pump__c.To_Everyone", "Pump__c.To_Hands")


def test_feature_and_package_licenses_are_told(room: Room) -> None:
    fitter = room.org.rows("User", Username=FITTER)[0]["Id"]
    package = room.org.insert_row(
        "PackageLicense", {"NamespacePrefix": "dlrs", "AllowedLicenses": 5, "Status": "Active"}
    )
    room.org.insert_row("UserPackageLicense", {"PackageLicenseId": package, "UserId": fitter})
    room.org.update_row("User", fitter, {"UserPermissionsMarketingUser": True})
    found = read_extra_licenses(room.connect(ADMIN), fitter)
    assert (found.features, found.packages) == ({"MarketingUser"}, ("dlrs",))


def test_another_default_app_is_told(room: Room) -> None:
    admin = room.connect(ADMIN)
    proof = prove_sandbox(admin, admin.site)
    sales = {"application": "Sales", "default": True, "visible": True}
    with room.guard.grant(proof, WriteCapability(proof.org_id, "0" * 12, "grant")):
        assert admin.update_metadata("Profile", {"fullName": "Fitter", "applicationVisibilities": sales}).ok
    assert room.surroundings(admin, FITTER).apps == ("Sales", "Works")


def test_what_the_admin_may_not_read_is_said_and_not_taken_for_nothing(room: Room) -> None:
    profile = room.org.rows("Profile", Name="System Administrator")[0]["Id"]
    [owned] = room.org.rows("PermissionSet", ProfileId=profile)
    for name in ("ModifyAllData", "ModifyMetadata", "ViewAllData", "CustomizeApplication", "AuthorApex"):
        room.org.update_row("PermissionSet", owned["Id"], {f"Permissions{name}": False})
        room.org.update_row("Profile", profile, {f"Permissions{name}": False})
    found = room.surroundings(room.connect(ADMIN), FITTER)
    for begins in ("the login hours", "which permission set gives", "the sharing rules", "records, and permissions"):
        assert [text for text in found.unread if text.startswith(begins)], begins
    assert found.record_types.available == {"Pump__c.Small", "Pump__c.Large"}, "the user itself tells them"


def test_the_demo_org_is_read_without_anything_untold(open_room: OpenRoom) -> None:
    room = open_room(open_org("demo"))
    found = room.surroundings(room.connect("admin@acme.example"), "project.sync@acme.example")
    assert found.unread == ()


REAL_ORG = Path(__file__).parents[4] / "shared" / "orgs" / "gsa-workspace"


@pytest.mark.skipif(not REAL_ORG.is_dir(), reason="the real org's metadata is not beside this checkout")
def test_a_real_integration_user_is_read_whole(open_room: OpenRoom) -> None:
    population = Path(__file__).parents[1] / "grex" / "sandbox.yaml"
    room = open_room(open_org(REAL_ORG, population=population))
    admin = room.connect("admin@gsa-workspace.example")
    before = room.calls
    holdings = room.holdings(admin, "grex.system@gsa-workspace.example")
    assert room.calls - before <= holdings.pages + 5 + 2, "two of them read the user"
    assert len(holdings.effective.fields) == 1_112
    found = room.surroundings(admin, "grex.system@gsa-workspace.example")
    assert found.owned == {"Account": 12, "PBS_GREX_Project_EOI__c": 40}
    assert found.record_types.available
    assert found.unread == ()
