"""Rules of the core that take something from the request: duplicates, and sets that hold in a session."""

from __future__ import annotations

from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import DuplicateRule, MatchingItem, MatchingRule
from tests.component.sandbox_http.conftest import Client


def test_a_duplicate_is_told_of_and_saved_by_whoever_says_so(org: SandboxOrg, admin: Client) -> None:
    rule = DuplicateRule("No_Twins", "No Twins", (MatchingRule("By_Name", (MatchingItem("Name"),)),), on_insert="Allow")
    org.schema.duplicate_rules["account"] = [rule]
    first = admin.post("sobjects/Account", {"Name": "Acme"}).json()["id"]
    refused = admin.post("sobjects/Account", {"Name": "acme"})
    assert refused.status_code == 400
    [error] = refused.json()
    assert list(error) == ["duplicateResut", "errorCode", "message"]
    assert (error["errorCode"], error["message"]) == ("DUPLICATES_DETECTED", "Use one of these records?")
    assert error["duplicateResut"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert admin.post("sobjects/Account", {"Name": "acme"}, headers=header).status_code == 201
    assert admin.post("sobjects/Account", {"Name": "acme"}).status_code == 400


def test_a_session_based_set_holds_in_its_session(org: SandboxOrg, admin: Client, erp: Client) -> None:
    values = {"Name": "Cases", "Label": "Cases", "HasActivationRequired": True}
    made = admin.post("sobjects/PermissionSet", values).json()["id"]
    rights = {"ParentId": made, "SobjectType": "Case", "PermissionsRead": True}
    assert admin.post("sobjects/ObjectPermissions", rights).status_code == 201
    [user] = org.rows("User", Username="erp.sync@acme.example")
    keys = {"AssigneeId": user["Id"], "PermissionSetId": made}
    assert admin.post("sobjects/PermissionSetAssignment", keys).status_code == 201
    assert erp.get("sobjects/Case/describe").status_code == 404
    sessions = erp.query("SELECT Id, UsersId FROM AuthSession")
    assert [one["UsersId"] for one in sessions] == [user["Id"]]
    activation = {"AuthSessionId": sessions[0]["Id"], "PermissionSetId": made}
    activated = admin.post("sobjects/SessionPermSetActivation", activation)
    assert activated.status_code == 201, activated.text
    assert erp.get("sobjects/Case/describe").status_code == 200
    admin.ask("DELETE", f"sobjects/SessionPermSetActivation/{activated.json()['id']}")
    assert erp.get("sobjects/Case/describe").status_code == 404
