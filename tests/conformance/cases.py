"""Every recorded answer: how the simulated org is asked for the same, or why it is not."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

from tests.conformance import bulk
from tests.conformance.case import NEWER, NO_SESSION, PRETTY, Case
from tests.conformance.compare import Level
from tests.conformance.describe_cases import DESCRIBES
from tests.conformance.given import (
    account_to_delete,
    accounts,
    accounts_with_contacts,
    all_recorded,
    apex_class,
    assigned,
    assignment_body,
    capitalised,
    contacts_with_and_without,
    content_version,
    deleted_account,
    group_with_member,
    license_body,
    many_randoms,
    movie,
    package_license,
    permission_set,
    query,
    refresh_form,
    role,
    since_lately,
)
from tests.conformance.soap_cases import SOAP, XML

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PROFILE_LABEL = "the label of a profile's own set is an id or a word, as the profile came to be"
COMPLEX = "values that are objects themselves are not simulated; the query leaves the field out"
SORTED = "whoever copied the answer sorted its keys"

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
        differs={"records[].Label": PROFILE_LABEL},
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
    Case(
        "tooling/entitydefinition-query-mogox",
        Level.SHAPE,
        path=query(
            "SELECT DurableId, QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Campaign'", tooling=True
        ),
        differs={"{}": SORTED, "records[]{}": SORTED, "records[].RecordTypesSupported": COMPLEX},
    ),
    Case(
        "tooling/fielddefinition-query-mogox",
        Level.SHAPE,
        path=query(
            "SELECT QualifiedApiName, RelationshipName FROM FieldDefinition "
            "WHERE EntityDefinition.QualifiedApiName = 'Contact' AND QualifiedApiName = 'AccountId'",
            tooling=True,
        ),
        differs={
            "{}": SORTED,
            "records[]{}": SORTED,
            "records[].ReferenceTo": COMPLEX,
            "records[].ReferenceTargetField": COMPLEX,
        },
    ),
    Case(
        "tooling/permissionset-query-tooling-mogox",
        Level.SHAPE,
        differs={"{}": SORTED, "records[]{}": SORTED, "records[].Label": PROFILE_LABEL},
    ),
    Case(
        "tooling/permissionset-get-tooling-mogox",
        Level.SHAPE,
        lambda world: {"{ID}": permission_set(world)},
        differs={
            "{}": SORTED,
            "ManageableState": "packages are not simulated",
            "Permissions*": "what permissions there are differs by release; the recording is of 2017",
            **dict.fromkeys(("LicenseId", "HasActivationRequired", "PermissionSetGroupId", "Type"), NEWER),
        },
    ),
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
