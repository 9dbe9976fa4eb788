"""Every recorded answer: how the simulated org is asked for the same, and what may differ, with its reason.

A case asks what the recording asked: its method, path and body, with the recorded ids replaced by those of rows that
`given` has made. `differs` lists accepted differences by path, `*` standing for any one name; one that no longer occurs
fails the test, so that the list stays honest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from harness.sandbox import apps, identity
from harness.sandbox.identity import oauth_tokens
from tests.conformance import bulk, soap
from tests.conformance.compare import Level
from tests.conformance.recordings import names, recording
from tests.conformance.world import World

Given = Callable[[World], Mapping[str, str]]
"""Makes what the request needs; returns recorded texts of path and body with what to ask instead."""


Shaping = Callable[[Any], Any]


def _nothing(_world: World) -> Mapping[str, str]:
    return {}


def _as_it_is(body: Any) -> Any:
    return body


@dataclass(frozen=True)
class Case:
    """One recording and the request that must be answered like it."""

    recording: str
    level: Level = Level.EXACT
    given: Given = _nothing
    method: str | None = None
    path: str | None = None
    """Where it is not the recorded one."""
    body: str | Callable[[World], str] | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Beside the session's own; None takes one away."""
    ours: Shaping = _as_it_is
    """Takes the part of our answer that was recorded: its records."""
    theirs: Shaping = _as_it_is
    """Takes what was done to the answer after it was recorded back."""
    differs: Mapping[str, str] = field(default_factory=dict)


PRETTY = {"X-PrettyPrint": "1"}
NO_SESSION = {"Authorization": None}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
XML = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
PARTNER = "/services/Soap/u/53.0"
METADATA = "/services/Soap/m/50.0"
SOAP_HEADER = "soapenv:Envelope.soapenv:Header"
NO_LIMIT_INFO = "the recording, of version 28, has no header; a later one has LimitInfoHeader"
USER_INFO = "soapenv:Envelope.soapenv:Body.partner:getUserInfoResponse.partner:result"
LOGIN_RESULT = "soapenv:Envelope.soapenv:Body.partner:loginResponse.partner:result"
PROFILE_LABEL = "the label of a profile's own set is an id or a word, as the profile came to be"
REWRITTEN = "whoever cut the recording to size wrote it anew"
SORTED = "whoever copied the answer sorted its keys"
FEWER = "as many rows as the test made"


def accounts(names: tuple[str, ...] = ("Smith Corp.",)) -> Given:
    """Accounts, the first in the place of the recorded one."""

    def make(world: World) -> Mapping[str, str]:
        made = [world.add("Account", Name=name) for name in names]
        return {"0010xACCOUNTID0000": made[0], "0019H00000H28uBQAR": made[0], "0019H00000H28uAQAR": made[-1]}

    return make


def deleted_account(world: World) -> Mapping[str, str]:
    made = world.add("Account", Name="Gone")
    world.org.delete_row("Account", made)
    return {"001B000001Lp1G2IAJ": made}


def account_to_delete(world: World) -> Mapping[str, str]:
    return {"001B000001Lp1FxIAJ": world.add("Account", Name="Old")}


def movie(world: World) -> Mapping[str, str]:
    made = world.add("Movie__c", Name="Star Wars")
    return dict.fromkeys(("a00B000000FSjVUIA1", "a01B0000009gSr9IAE", "a01B0000009gSrFIAU"), made)


def contacts_with_and_without(world: World) -> Mapping[str, str]:
    """A contact of an opportunity, and one without."""
    account = world.add("Account", Name="Acme")
    for name in ("Lindsay", "Audrey"):
        contact = world.add("Contact", FirstName=name, LastName="X", AccountId=account)
    world.add("Opportunity", Name="Big", StageName="Open", CloseDate="2026-01-05", AccountId=account, ContactId=contact)
    return {}


def accounts_with_contacts(world: World) -> Mapping[str, str]:
    account = world.add("Account", Name="GenePoint")
    for first, last in (("Edna", "Frank"), ("Liz", "D'Cruz")):
        world.add("Contact", FirstName=first, LastName=last, AccountId=account)
    world.add("Account", Name="Alone")
    return {}


def many_randoms(world: World) -> Mapping[str, str]:
    with world.org.transaction():
        for number in range(2001):
            world.add("random__c", Name=f"R{number}", RANDOM_1__c="A", RANDOM_2__c=None if number % 2 else "B")
    return {}


def opportunities(world: World) -> Mapping[str, str]:
    made = [
        world.add("Opportunity", Name=name, StageName=stage, CloseDate="2026-01-05")
        for name, stage in (("Opportunity 1", "Prospecting"), ("Opportunity 2", "Value Proposition"))
    ]
    return {"006A000000LbiizIAB": made[0]}


def assigned(world: World) -> Mapping[str, str]:
    """A permission set and a permission set license, and a user who may have and has them."""
    user = world.user_id("erp@acme.example")
    license_id = world.org.rows("PermissionSetLicense")[0]["Id"]
    world.add("PermissionSetLicenseAssign", AssigneeId=user, PermissionSetLicenseId=license_id)
    world.add("PermissionSetAssignment", AssigneeId=user, PermissionSetId=permission_set(world))
    return {"USER": user}


def permission_set(world: World) -> str:
    return world.add("PermissionSet", Name="Readers", Label="Readers", Type="Regular", PermissionsApiEnabled=True)


def group_with_member(world: World) -> Mapping[str, str]:
    group = world.add("Group", Name="Feeds", DeveloperName="Feeds", Type="Regular")
    world.add("GroupMember", GroupId=group, UserOrGroupId=world.admin_id)
    return {}


def role(world: World) -> Mapping[str, str]:
    world.add("UserRole", Name="CEO", DeveloperName="CEO")
    return {}


def apex_class(world: World) -> Mapping[str, str]:
    world.add("ApexClass", Name="Sample_TEST")
    return {}


def event(world: World) -> Mapping[str, str]:
    contact = world.add("Contact", LastName="Contact")
    moment = "2026-01-05T09:00:00.000+0000"
    world.add("Event", Subject="Test", WhoId=contact, DurationInMinutes=60, ActivityDateTime=moment)
    return {}


def assignment_body(world: World) -> str:
    user = world.user_id("erp@acme.example")
    return json.dumps({"AssigneeId": user, "PermissionSetId": permission_set(world)})


def license_body(world: World) -> str:
    found = world.org.rows("PermissionSetLicense")[0]["Id"]
    return json.dumps({"AssigneeId": world.user_id("erp@acme.example"), "PermissionSetLicenseId": found})


def since_lately(world: World) -> Mapping[str, str]:
    """The recording asked for changes since a moment after the last one."""
    tomorrow = world.org.clock.peek() + timedelta(days=1)
    return {"Thu, 03 Sep 2020 21:35:07 GMT": format_datetime(tomorrow, usegmt=True)}


def refresh_form(world: World) -> str:
    """A refresh token of the administrator's, and the app that it was given to."""
    app = next(one for one in apps.all_apps(world.org) if one.name == apps.ADMIN_APP)
    admin = world.org.rows("User", Id=world.admin_id)[0]
    login = identity.Login(type="Remote Access 2.0", application=app.name)
    session = identity.sign_in(world.org, admin, login, app_id=app.id, scope="refresh_token api")
    token = oauth_tokens.remember_app(world.org, session, app_name=app.name, refresh=True)
    known = {"client_id": app.consumer_key, "client_secret": app.consumer_secret}
    return urlencode({"grant_type": "refresh_token", "refresh_token": token, **known})


def content_version(world: World) -> Mapping[str, str]:
    made = world.add("ContentVersion", Title="File", PathOnClient="file.bin", VersionData="BAgVFiNC")
    return {"0687S00000AX5kgQAD": made}


def package_license(world: World) -> Mapping[str, str]:
    package = world.add("PackageLicense", NamespacePrefix="pkg", AllowedLicenses=1)
    world.add("UserPackageLicense", PackageLicenseId=package, UserId=world.admin_id)
    return {}


def some_keys(described: dict[str, Any]) -> dict[str, Any]:
    """Of each field what the cut-down describes kept."""
    kept = ("name", "type", "length", "nillable", "createable", "updateable", "referenceTo", "relationshipName")
    return {"fields": [{key: one[key] for key in kept} for one in described["fields"]]}


def as_describe(fields: list[Any]) -> dict[str, Any]:
    return {"fields": fields}


def capitalised(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose tool wrote `loginTime` for LoginTime."""
    return [{key if key == "attributes" else key[0].upper() + key[1:]: row[key] for key in row} for row in rows]


def query(soql: str, *, tooling: bool = False) -> str:
    """The path of a query, where the recording does not tell it or not the whole of it."""
    return f"/services/data/v53.0/{'tooling/' if tooling else ''}query?{urlencode({'q': soql})}"


def all_recorded(name: str, sobject: str) -> str:
    """A query for the fields that the recorded rows have."""
    rows = json.loads(recording(name).text)["records"] if names() else [{}]
    return query(f"SELECT {', '.join(key for key in rows[0] if key != 'attributes')} FROM {sobject}")


DESCRIBES = (
    Case("describe/case-describe-cci", Level.DESCRIBE),
    Case("describe/contact-describe-cci", Level.DESCRIBE),
    Case("describe/custom__c-describe-cci", Level.DESCRIBE),
    Case("describe/event-describe-cci", Level.DESCRIBE),
    Case("describe/lead-describe-cci", Level.DESCRIBE),
    Case("describe/opportunitycontactrole-describe-cci", Level.DESCRIBE),
    Case("describe/group-describe-v50-2023", Level.DESCRIBE),
    Case("describe/groupmember-describe-v50-2023", Level.DESCRIBE),
    Case("describe/permissionset-describe-v50-2023", Level.DESCRIBE),
    Case("describe/permissionsetassignment-describe-v50-2023", Level.DESCRIBE),
    Case("describe/profile-describe-v50-2023", Level.DESCRIBE),
    Case("describe/user-describe-v50-2023", Level.DESCRIBE),
    Case("describe/userrole-describe-v50-2023", Level.DESCRIBE),
    Case("describe/permissionset-describe-v50-2021-fields", Level.DESCRIBE, ours=some_keys, theirs=as_describe),
    Case("describe/profile-describe-v50-2021-fields", Level.DESCRIBE, ours=some_keys, theirs=as_describe),
    Case("describe/user-describe-v50-2021-fields", Level.DESCRIBE, ours=some_keys, theirs=as_describe),
    Case("describe/sobjects-global-cci", Level.DESCRIBE),
)

ROWS = (
    Case("rest/sobject-create-201", headers=PRETTY, body='{"Name": "Smith Corp."}'),
    Case(
        "rest/organization-get",
        Level.SHAPE,
        lambda world: {"00D0xORGID00000000": world.org.org_id},
        headers=PRETTY,
        differs={"{}": "the audit fields come last; recorded, SystemModstamp stands before ComplianceBccEmail"},
    ),
    Case("dml/sfx-create"),
    Case("dml/sfx-create-binary-data"),
    Case("dml/sfx-update", Level.BYTES, movie),
    Case("dml/sfx-update-binary-data", Level.BYTES, content_version),
    Case("dml/sfx-delete", Level.BYTES, account_to_delete),
    Case("collections/collections-update-success", given=accounts(), headers=PRETTY),
    Case("limits/recordcount-no-rows", Level.BYTES, headers=PRETTY),
    Case("limits/recordcount", Level.BYTES, accounts(), headers=PRETTY),
    Case(
        "permission/psa-create-v44",
        body=assignment_body,
        differs={"errors": "the tool whose output this is leaves the empty list out"},
    ),
    Case(
        "permission/psla-create-v44",
        body=license_body,
        differs={"errors": "the tool whose output this is leaves the empty list out"},
    ),
)

ERRORS = (
    Case("errors/401-invalid-auth-header", Level.BYTES, headers={"Authorization": "Bearer"}),
    Case("errors/401-invalid-session-id-missing-auth", Level.BYTES, headers=NO_SESSION),
    Case("errors/sfx-create-invalid-field", Level.BYTES),
    Case("errors/sfx-create-required-field-missing", Level.BYTES),
    Case("errors/sfx-create-unknown-object", Level.BYTES),
    Case("errors/sfx-delete-already-deleted", Level.BYTES, deleted_account),
    Case("errors/sfx-query-malformed-soql", Level.BYTES),
    Case("errors/sfx-query-unknown-column", Level.BYTES),
    Case("errors/sfx-update-malformed-id", Level.BYTES),
)

OAUTH = (
    Case("oauth/token-refresh-invalid-client-id", Level.BYTES, headers=NO_SESSION | FORM),
    Case("oauth/token-refresh-success", Level.SHAPE, headers=NO_SESSION | FORM, body=refresh_form),
)

COMPOSITE = (
    Case("composite/composite-count-query", Level.BYTES, accounts(("A",) * 17), headers=PRETTY),
    Case("composite/composite-inner-invalid-type", Level.BYTES, accounts(("A",) * 17), headers=PRETTY),
    Case("composite/composite-multi-query", given=accounts(), headers=PRETTY),
    Case("composite/composite-304-not-modified", given=since_lately, headers=PRETTY),
    Case("composite/sfx-composite-graph-create"),
    Case("composite/sfx-composite-graph-create-tree"),
    Case("composite/sfx-composite-graph-single-create-error"),
    Case("composite/sfx-composite-graph-single-delete", given=movie),
    Case("composite/sfx-composite-graph-single-update", given=movie),
)

QUERIES = (
    Case("query/aggregate-count-field", Level.BYTES, accounts(("A",) * 6), headers=PRETTY),
    Case("query/child-subquery", Level.SHAPE, contacts_with_and_without, headers=PRETTY),
    Case("query/group-query-v50", Level.SHAPE, group_with_member),
    Case("query/groupmember-query-v50", Level.SHAPE, group_with_member),
    Case(
        "query/permissionset-query-v50",
        Level.SHAPE,
        path=all_recorded("query/permissionset-query-v50", "PermissionSet"),
    ),
    Case("query/permissionsetassignment-query-v50", Level.SHAPE),
    Case("query/userrole-query-v50", Level.SHAPE, role),
    Case("query/recordtype-query", Level.SHAPE, accounts(), headers=PRETTY),
    Case("query/sfx-query", Level.SHAPE, accounts()),
    Case("query/sfx-query-binary-data", Level.SHAPE, content_version),
    Case("query/sfx-query-with-associated-data", Level.SHAPE, accounts()),
    Case("query/sfx-query-with-next-records-url", Level.SHAPE, many_randoms),
    Case("query/sfx-query-with-subquery", Level.SHAPE, accounts_with_contacts),
    Case(
        "query/loginhistory-rows-rapid7",
        Level.SHAPE,
        path=query(
            "SELECT LoginTime, UserId, LoginType, LoginUrl, SourceIp, Status, Application, Browser FROM LoginHistory"
        ),
        ours=itemgetter("records"),
        theirs=capitalised,
    ),
    Case(
        "query/column-metadata-soqlresult-v43",
        given=accounts(),
        path=query("SELECT Id, Name, AccountNumber FROM Account", tooling=False) + "&columns=true",
        theirs=itemgetter("queryMetadata"),
    ),
    Case(
        "permission/psa-query-v44",
        Level.SHAPE,
        assigned,
        path=query("SELECT Id, AssigneeId, PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = 'USER'"),
        ours=itemgetter("records"),
        differs={"[]{}": SORTED},
    ),
    Case(
        "permission/psla-query-v44",
        Level.SHAPE,
        assigned,
        path=query("SELECT Id, AssigneeId FROM PermissionSetLicenseAssign WHERE AssigneeId = 'USER'"),
        ours=itemgetter("records"),
        differs={"[]{}": SORTED},
    ),
    Case(
        "permission/userlogin-isfrozen-query-v44",
        Level.SHAPE,
        path=query("SELECT Id, IsFrozen FROM UserLogin"),
        ours=itemgetter("records"),
        differs={"[]{}": SORTED},
    ),
    Case(
        "permission/userpackagelicense-query-v44",
        Level.SHAPE,
        package_license,
        path=query("SELECT Id, UserId FROM UserPackageLicense"),
        ours=itemgetter("records"),
        differs={"[]{}": SORTED},
    ),
)

TOOLING = (
    Case(
        "tooling/tooling-query-empty", Level.BYTES, headers=PRETTY, path=query("SELECT Id FROM ApexClass", tooling=True)
    ),
    Case("tooling/tooling-query-apexclass", Level.SHAPE, apex_class, headers=PRETTY),
    Case("tooling/entitydefinition-query-mogox", Level.SHAPE),
    Case("tooling/fielddefinition-query-mogox", Level.SHAPE),
    Case(
        "tooling/permissionset-query-tooling-mogox",
        Level.SHAPE,
        differs={"{}": SORTED, "records[]{}": SORTED, "records[].Label": PROFILE_LABEL},
    ),
    Case("tooling/permissionset-get-tooling-mogox", Level.SHAPE, lambda world: {"{ID}": permission_set(world)}),
)

BULK = (
    Case(
        "bulk1/job-create-xml",
        headers=XML,
        differs={"header Content-Type": "the recording says JSON of an XML body: its headers are of another answer"},
    ),
    Case("bulk1/batch-status-json", Level.SHAPE, bulk.insert_in("JSON")),
    Case("bulk1/batch-result-csv", Level.SHAPE, bulk.insert_in("CSV")),
    Case("bulk1/batch-query-result-json", Level.SHAPE, bulk.query_events),
)

SOAP = (
    Case("soap/login-success-partner-v46", Level.SHAPE, headers=XML | NO_SESSION, body=soap.login()),
    Case(
        "soap/soapforce-login-response",
        Level.SHAPE,
        headers=XML | NO_SESSION,
        body=soap.login(),
        differs={
            f"{LOGIN_RESULT}.partner:userInfo.partner:chatterExternal": "came after the recorded version 28",
            f"{LOGIN_RESULT}.partner:userInfo.partner:orgDefaultCurrencyLocale": "came after the recorded version 28",
        },
    ),
    Case(
        "soap/login-fault-invalid-login-partner-sf-prefix",
        Level.BYTES,
        headers=XML | NO_SESSION,
        body=soap.login(wrong=True),
    ),
    Case(
        "soap/login-fault-invalid-login-partner-noprefix",
        headers=XML | NO_SESSION,
        path="/services/Soap/u/53.0",
        body=soap.login(wrong=True),
        differs={
            "soapenv:Envelope.soapenv:Body.soapenv:Fault.faultcode": "the other recording has the prefix sf:",
        },
    ),
    Case("soap/soap-fault-invalid-session-id", headers=XML, path=PARTNER, body=soap.partner("<getUserInfo/>", "stale")),
    Case(
        "soap/soapforce-get-user-info-response",
        Level.SHAPE,
        headers=XML,
        body=soap.partner("<getUserInfo/>"),
        differs={
            SOAP_HEADER: NO_LIMIT_INFO,
            f"{USER_INFO}.partner:chatterExternal": "came after the recorded version 28",
            f"{USER_INFO}.partner:orgDefaultCurrencyLocale": "came after the recorded version 28",
        },
    ),
    Case(
        "soap/soapforce-describe-global-response",
        Level.SHAPE,
        headers=XML,
        body=soap.partner("<describeGlobal/>"),
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soapforce-query-response",
        given=opportunities,
        headers=XML,
        body=soap.partner(f"<query><queryString>{soap.OPPORTUNITIES}</queryString></query>"),
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soapforce-query-more-response",
        Level.SHAPE,
        headers=XML,
        body=soap.query_more,
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soapforce-update-response",
        given=opportunities,
        headers=XML,
        body=soap.update_opportunity,
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case("soap/soapforce-create-response-failure", headers=XML, body=soap.create_with_hidden_parent),
    Case(
        "soap/soapforce-delete-response-failure",
        headers=XML,
        body=soap.partner("<delete><ids>006i000004DAKd</ids></delete>"),
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soap-create-profile-field-integrity",
        Level.EXACT,
        path=PARTNER,
        headers=XML,
        body=soap.create_profile_again,
        differs={
            f"{SOAP_HEADER}.partner:LimitInfoHeader.partner:limitInfo.partner:current": "counts requests",
            f"{SOAP_HEADER}.partner:LimitInfoHeader.partner:limitInfo.partner:limit": "another org, another limit",
        },
    ),
    Case(
        "soap/metadata-retrieve-queued",
        headers=XML,
        path=METADATA,
        body=soap.metadata("<retrieve><retrieveRequest><apiVersion>50.0</apiVersion></retrieveRequest></retrieve>"),
    ),
    Case("soap/metadata-checkretrievestatus", Level.SHAPE, headers=XML, path=METADATA, body=soap.retrieve_status),
)
CASES = (*DESCRIBES, *ROWS, *ERRORS, *OAUTH, *COMPOSITE, *QUERIES, *TOOLING, *BULK, *SOAP)

_DEVELOPERS = "an object of Apex and package development, which the simulated org does not have"
NOT_SERVED: Mapping[str, str] = {
    "tooling/organizationsettingsdetail-query-mogox": "a Tooling object that no client of permissions asks for",
    "tooling/sandboxinfo-query-mogox": "exists in production orgs only, and the simulated org is a sandbox",
    "tooling/sandboxprocess-query-mogox": "exists in production orgs only, and the simulated org is a sandbox",
    "tooling/tooling-apexorgwidecoverage": _DEVELOPERS,
    "tooling/tooling-installedsubscriberpackage": _DEVELOPERS,
    "tooling/tooling-sourcemember": _DEVELOPERS,
    "tooling/traceflag-create-mogox": _DEVELOPERS,
}

NOT_YET = (
    *(case.recording for case in DESCRIBES),
    *("soap/soap", "soap/metadata", "tooling/entity", "tooling/field", "tooling/permissionset-get", "bulk1/"),
    "query/permissionset-query",
)
