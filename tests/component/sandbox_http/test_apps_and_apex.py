"""Apex REST stubs, and the Metadata API's view of apps: run-as user, permitted users, who is pre-authorized."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.sandbox import apps
from harness.sandbox.http import apex
from harness.sandbox.org import SandboxOrg
from harness.sandbox.switches import Switches

from .conftest import USERNAMES, Client

ENVELOPE = """<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:met="http://soap.sforce.com/2006/04/metadata">
<env:Header><met:SessionHeader><met:sessionId>{token}</met:sessionId></met:SessionHeader></env:Header>
<env:Body>{body}</env:Body></env:Envelope>"""
RUN_AS_REFUSED = "Enter a valid execution user for the OAuth client credentials flow."


def soap(client: Client, body: str) -> str:
    content = ENVELOPE.format(token=client.token, body=body)
    response = client.ask("POST", "/services/Soap/m/67.0", data=content, headers={"Content-Type": "text/xml"})
    assert response.status_code == (500 if "Fault" in response.text else 200)
    return response.text


def read(client: Client, kind: str, *names: str) -> str:
    wanted = "".join(f"<met:fullNames>{name}</met:fullNames>" for name in names)
    return soap(client, f"<met:readMetadata><met:type>{kind}</met:type>{wanted}</met:readMetadata>")


def update(client: Client, kind: str, content: str) -> str:
    metadata = f'<met:metadata xsi:type="met:{kind}">{content}</met:metadata>'
    return soap(client, f"<met:updateMetadata>{metadata}</met:updateMetadata>")


def make_set(org: SandboxOrg) -> str:
    return org.insert_row("PermissionSet", {"Name": "Integration_ERP", "Label": "Integration - ERP"})


@pytest.fixture
def connected(org: SandboxOrg) -> apps.App:
    return apps.add_app(org, name="ERP Legacy", flows={"username-password"})


@pytest.fixture
def external(org: SandboxOrg) -> apps.App:
    return apps.add_app(
        org, name="ERP Cloud", kind="ExternalClientApplication", flows={"jwt-bearer"}, admin_approved_only=True
    )


def test_a_connected_app_gets_its_run_as_user(org: SandboxOrg, admin: Client, connected: apps.App) -> None:
    content = (
        "<met:fullName>ERP_Legacy</met:fullName><met:label>ERP Legacy</met:label><met:oauthConfig>"
        "<met:isAdminApproved>true</met:isAdminApproved>"
        "<met:isClientCredentialEnabled>true</met:isClientCredentialEnabled>"
        f"<met:oauthClientCredentialUser>{USERNAMES['integration']}</met:oauthClientCredentialUser></met:oauthConfig>"
        "<met:permissionsetName>Integration_ERP</met:permissionsetName>"
        "<met:profileName>ERP Integration</met:profileName>"
    )
    set_id = make_set(org)
    assert "<success>true</success>" in update(admin, "ConnectedApp", content)
    changed = apps.app_named(org, "ERP_Legacy", kind="ConnectedApplication")
    assert changed is not None
    assert changed.run_as == org.rows("User", Username=USERNAMES["integration"])[0]["Id"]
    assert changed.flows == {"client-credentials", "username-password"}
    assert org.row("ConnectedApplication", connected.id)["OptionsAllowAdminApprovedUsersOnly"] is True
    parents = {row["ParentId"] for row in org.rows("SetupEntityAccess", SetupEntityId=connected.id)}
    assert set_id in parents
    assert len(parents) == 2
    text = read(admin, "ConnectedApp", "ERP_Legacy", "Nobody")
    assert f"<oauthClientCredentialUser>{USERNAMES['integration']}</oauthClientCredentialUser>" in text
    assert f"<consumerKey>{connected.consumer_key}</consumerKey>" in text
    assert "<permissionsetName>Integration_ERP</permissionsetName><profileName>ERP Integration</profileName>" in text
    assert text.count('<records xsi:nil="true"/>') == 1
    assert connected.consumer_secret not in text


def test_policies_of_an_external_client_app(org: SandboxOrg, admin: Client, external: apps.App) -> None:
    set_id = make_set(org)
    content = (
        "<met:fullName>ERP_Cloud_policy</met:fullName>"
        f"<met:clientCredentialsFlowUser>{USERNAMES['integration']}</met:clientCredentialsFlowUser>"
        "<met:commaSeparatedPermissionSet>{sets}</met:commaSeparatedPermissionSet>"
        "<met:externalClientApplication>ERP_Cloud</met:externalClientApplication>"
        "<met:isClientCredentialsFlowEnabled>true</met:isClientCredentialsFlowEnabled>"
        "<met:permittedUsersPolicyType>AdminApprovedPreAuthorized</met:permittedUsersPolicyType>"
    )
    kind = "ExtlClntAppOauthConfigurablePolicies"
    for sets, expected in (("Integration_ERP", {set_id}), (set_id, {set_id}), ("", set())):
        assert "<success>true</success>" in update(admin, kind, content.format(sets=sets))
        found = {row["ParentId"] for row in org.rows("SetupEntityAccess", SetupEntityId=external.id)}
        assert found == expected
    text = read(admin, kind, "ERP_Cloud")
    assert "<permittedUsersPolicyType>AdminApprovedPreAuthorized</permittedUsersPolicyType>" in text
    assert f"<clientCredentialsFlowUser>{USERNAMES['integration']}</clientCredentialsFlowUser>" in text
    wrong = update(admin, kind, content.replace("AdminApprovedPreAuthorized", "Everybody").format(sets=""))
    assert "<success>false</success>" in wrong
    assert "<statusCode>INVALID_INPUT</statusCode>" in wrong


@pytest.mark.usefixtures("connected")
def test_a_run_as_user_must_exist_and_may_have_to_be_api_only(org: SandboxOrg, admin: Client) -> None:
    content = (
        "<met:fullName>ERP_Legacy</met:fullName><met:oauthConfig>"
        "<met:oauthClientCredentialUser>{user}</met:oauthClientCredentialUser></met:oauthConfig>"
    )
    assert RUN_AS_REFUSED in update(admin, "ConnectedApp", content.format(user="nobody@acme.example"))
    org.switches = Switches(run_as_needs_api_only=True)
    assert RUN_AS_REFUSED in update(admin, "ConnectedApp", content.format(user=USERNAMES["erp"]))
    assert "<success>true</success>" in update(admin, "ConnectedApp", content.format(user=USERNAMES["integration"]))


@pytest.mark.usefixtures("connected")
def test_what_the_metadata_api_refuses(admin: Client, erp: Client) -> None:
    assert "INSUFFICIENT_ACCESS" in read(erp, "ConnectedApp", "ERP_Legacy")
    nobody = Client(admin.url, "nobody")
    assert "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session" in read(nobody, "X", "Y")
    nobody.http.close()
    assert "INVALID_TYPE" in read(admin, "Nothing", "Account")
    assert "EXCEEDED_ID_LIMIT" in read(admin, "ConnectedApp", *["ERP_Legacy"] * 11)
    assert "No operation available for request" in soap(admin, "<met:deleteEverything/>")
    unknown = update(admin, "ConnectedApp", "<met:fullName>Nobody</met:fullName>")
    assert "<statusCode>INVALID_CROSS_REFERENCE_KEY</statusCode>" in unknown
    lost = "<met:fullName>ERP_Legacy</met:fullName><met:permissionsetName>Nothing</met:permissionsetName>"
    assert "no PermissionSet named Nothing found" in update(admin, "ConnectedApp", lost)


def test_apex_rest_asks_for_access_to_the_class(
    org: SandboxOrg, connect: Callable[[str], Client], user_ids: dict[str, str]
) -> None:
    apex.add_endpoint(org, class_name="OrderSync", path="/erp/orders", method="POST", body={"accepted": 3})
    admin, erp = connect("admin"), connect("erp")
    path = "/services/apexrest/erp/orders"
    assert admin.post(path, {}).json() == {"accepted": 3}
    refused = erp.post(path, {})
    assert refused.status_code == 403
    assert refused.json() == [
        {"message": "You do not have access to the Apex class named: OrderSync", "errorCode": "FORBIDDEN"}
    ]
    class_id = org.rows("ApexClass", Name="OrderSync")[0]["Id"]
    owned = org.rows("PermissionSet", ProfileId=org.peek("User", user_ids["erp"], "ProfileId"))[0]["Id"]
    values = {"ParentId": owned, "SetupEntityId": class_id, "SetupEntityType": "ApexClass"}
    org.insert_row("SetupEntityAccess", values)
    assert erp.post(path, {}).status_code == 200
    wrong = erp.get(path)
    assert (wrong.status_code, wrong.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert wrong.json()[0]["message"] == "HTTP Method 'GET' not allowed. Allowed are POST"
    for missing in (f"{path}/7", "/services/apexrest/ERP/orders"):
        lost = erp.post(missing, {})
        assert (lost.status_code, lost.json()[0]["message"]) == (404, "Could not find a match for URL")
    with pytest.raises(ValueError, match="no method HEAD"):
        apex.add_endpoint(org, class_name="X", path="x", method="HEAD")


def give_class(org: SandboxOrg, user_id: str, class_name: str) -> None:
    class_id = org.rows("ApexClass", Name=class_name)[0]["Id"]
    owned = org.rows("PermissionSet", ProfileId=org.peek("User", user_id, "ProfileId"))[0]["Id"]
    org.insert_row("SetupEntityAccess", {"ParentId": owned, "SetupEntityId": class_id})


def test_apex_runs_in_system_context(
    org: SandboxOrg, connect: Callable[[str], Client], user_ids: dict[str, str]
) -> None:
    org.insert_row("Account", {"Name": 'It\'s \\ "A"', "Secret__c": "x", "OwnerId": user_ids["admin"]})
    org.insert_row("Account", {"Name": "B", "Secret__c": "y", "OwnerId": user_ids["admin"]})
    soql = "SELECT Name, Secret__c FROM Account WHERE Name = {name} ORDER BY Name"
    answer = {"asked": "{name}", "of": "account {name}!", "found": "{rows}", "first": "{row}", "unknown": "{nothing}"}
    apex.add_endpoint(org, class_name="Accounts", path="/accounts/{name}", query=soql, body=answer)
    apex.add_endpoint(org, class_name="Accounts", path="/accounts", method="POST", query=soql)
    integration = connect("integration")
    assert integration.get("query", params={"q": "SELECT Id FROM Account"}).json()[0]["errorCode"] == "INVALID_TYPE"
    assert integration.get("/services/apexrest/accounts/B").status_code == 403
    give_class(org, user_ids["integration"], "Accounts")
    got = integration.get("/services/apexrest/accounts/B").json()
    assert (got["asked"], got["of"], got["unknown"]) == ("B", "account B!", "{nothing}")
    assert [row["Secret__c"] for row in got["found"]] == ["y"]
    assert got["first"]["attributes"]["type"] == "Account"
    posted = integration.post("/services/apexrest/accounts", {"name": 'It\'s \\ "A"'}).json()
    assert [row["Secret__c"] for row in posted] == ["x"]
    assert integration.post("/services/apexrest/accounts", {"name": "' OR Name != '"}).json() == []
    assert integration.get("query", params={"q": "SELECT Id FROM Account"}).json()[0]["errorCode"] == "INVALID_TYPE"


def test_the_path_that_fits_best_answers(org: SandboxOrg, connect: Callable[[str], Client]) -> None:
    for path in ("/a/*", "/a/{x}", "/a/fixed", "/a/{x}/b"):
        apex.add_endpoint(org, class_name="A", path=path, body=path.replace("{x}", "<{x}>"), status=202)
    admin = connect("admin")
    expected = {"a/fixed": "/a/fixed", "a/7": "/a/<7>", "a/7%20x/b": "/a/<7 x>/b", "a/7/c/d": "/a/*"}
    for path, answer in expected.items():
        response = admin.get(f"/services/apexrest/{path}")
        assert (response.status_code, response.json()) == (202, answer)


def test_an_app_says_which_flow_it_does_not_have(org: SandboxOrg) -> None:
    with pytest.raises(ValueError, match="no such flow: device"):
        apps.add_app(org, name="X", flows={"device"})


def test_what_the_files_of_apps_say_of_tokens(
    org: SandboxOrg, admin: Client, connected: apps.App, external: apps.App
) -> None:
    config = (
        "<met:oauthConfig><met:callbackUrl>https://acme.example/back</met:callbackUrl>"
        "<met:isPkceRequired>true</met:isPkceRequired><met:isConsumerSecretOptional>true</met:isConsumerSecretOptional>"
        "<met:scopes>RefreshToken</met:scopes><met:scopes>Basic</met:scopes></met:oauthConfig>"
        "<met:oauthPolicy><met:ipRelaxation>BYPASS</met:ipRelaxation>"
        "<met:refreshTokenPolicy>specific_lifetime:2:HOURS</met:refreshTokenPolicy></met:oauthPolicy>"
    )
    assert "<success>true</success>" in update(
        admin, "ConnectedApp", f"<met:fullName>ERP_Legacy</met:fullName>{config}"
    )
    changed = apps.app_named(org, "ERP_Legacy", kind=connected.kind)
    assert changed is not None
    assert (changed.scopes, changed.callback_urls) == (("refresh_token", "id"), ("https://acme.example/back",))
    assert (changed.pkce_required, changed.secret_required, changed.ip_relaxation) == (True, False, "Bypass")
    assert changed.refresh_lifetime_seconds == 7200
    text = read(admin, "ConnectedApp", "ERP_Legacy")
    assert "<scopes>RefreshToken</scopes><scopes>Basic</scopes>" in text
    assert "<ipRelaxation>BYPASS</ipRelaxation>" in text
    owner = "<met:externalClientApplication>ERP_Cloud</met:externalClientApplication>"
    settings = f"<met:fullName>ERP_Cloud_set</met:fullName>{owner}"
    kind = "ExtlClntAppGlobalOauthSettings"
    flags = "<met:isIntrospectAllTokens>true</met:isIntrospectAllTokens><met:certificate>ERP</met:certificate>"
    assert "<success>true</success>" in update(admin, kind, settings + flags)
    cloud = apps.app_named(org, "ERP_Cloud", kind=external.kind)
    assert cloud is not None
    assert cloud.introspects_all
    assert "<isIntrospectAllTokens>true</isIntrospectAllTokens>" in read(admin, kind, "ERP_Cloud_set")
    lasting = "<met:refreshTokenPolicyType>{}</met:refreshTokenPolicyType>"
    period = (
        "<met:refreshTokenValidityPeriod>3</met:refreshTokenValidityPeriod>"
        "<met:refreshTokenValidityUnit>Days</met:refreshTokenValidityUnit>"
    )
    for policy, expected in (
        (lasting.format("SpecificLifetime") + period, (3 * 86_400, None)),
        (lasting.format("SpecificInactivity") + period, (None, 3 * 86_400)),
        (lasting.format("Zero"), (0, None)),
        (lasting.format("Infinite"), (None, None)),
    ):
        oauth = settings.replace("_set", "_oauthPlcy") + policy
        assert "<success>true</success>" in update(admin, "ExtlClntAppOauthConfigurablePolicies", oauth)
        limited = apps.app_named(org, "ERP_Cloud", kind=external.kind)
        assert limited is not None
        assert (limited.refresh_lifetime_seconds, limited.refresh_idle_seconds) == expected, policy
    off = settings.replace("_set", "_plcy") + "<met:isEnabled>false</met:isEnabled>"
    assert "<success>true</success>" in update(admin, "ExtlClntAppConfigurablePolicies", off)
    switched = apps.app_named(org, "ERP_Cloud", kind=external.kind)
    assert switched is not None
    assert not switched.enabled


def test_connected_apps_are_made_only_where_the_org_allows_it(org: SandboxOrg, admin: Client) -> None:
    given = (
        '<met:metadata xsi:type="met:{}"><met:fullName>{}</met:fullName><met:label>New App</met:label></met:metadata>'
    )
    content = given.format("ConnectedApp", "New_App")
    refused = soap(admin, f"<met:createMetadata>{content}</met:createMetadata>")
    assert (
        "You can't create a connected app. To enable connected app creation, contact Salesforce Customer Support."
        in refused
    )
    org.switches = Switches(connected_app_creation=True)
    assert "<success>true</success>" in soap(admin, f"<met:createMetadata>{content}</met:createMetadata>")
    assert apps.app_named(org, "New_App", kind="ConnectedApplication") is not None
    cloud = given.format("ExternalClientApplication", "Cloud_2")
    assert "<success>true</success>" in soap(admin, f"<met:createMetadata>{cloud}</met:createMetadata>")
    gone = "<met:type>ExternalClientApplication</met:type><met:fullNames>Cloud_2</met:fullNames>"
    assert "<success>true</success>" in soap(admin, f"<met:deleteMetadata>{gone}</met:deleteMetadata>")
    assert apps.app_named(org, "Cloud_2", kind="ExternalClientApplication") is None
