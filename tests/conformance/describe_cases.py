"""The recorded describes: what ours say otherwise, and why."""

from __future__ import annotations

from typing import Any

from tests.conformance.case import NEWER, Case
from tests.conformance.compare import Level

USER_INTERFACE = dict.fromkeys(
    ("urls.uiDetailTemplate", "urls.uiEditTemplate", "urls.uiNewRecord"),
    "pages of the user interface, which the simulated org does not have",
)
ADDRESS_PARTS = "the parts of an address have the permission of the whole; so say the rows of FieldPermissions"
CUT = "the recording was cut to size by hand, and says otherwise of itself elsewhere"
DIGITS = "the platform counts 8 or 9 digits, by field; ours are 9"
OTHER_OBJECTS = "refers to objects, too, that the simulated org does not have"
OTHER_ORG = "how that org was set up: its own defaults and settings"
PROFILES = "profiles can be created by API now; the recorded orgs of 2021 and 2023, at version 50, said no"
SCOPES = "one scope, everything; the platform names those of users, teams and queues, too"
WORDS = "a label made of the name, where the platform has a wording of its own"
ARTICLES = "Knowledge is not simulated"


def some_keys(described: dict[str, Any]) -> dict[str, Any]:
    """Of each field what the cut-down describes kept."""
    kept = ("name", "type", "length", "nillable", "createable", "updateable", "referenceTo", "relationshipName")
    return {"fields": [{key: one[key] for key in kept} for one in described["fields"]]}


def as_describe(fields: list[Any]) -> dict[str, Any]:
    return {"fields": fields}


DESCRIBES = (
    Case(
        "describe/case-describe-cci",
        Level.DESCRIBE,
        differs=USER_INTERFACE
        | {
            **dict.fromkeys(("associateEntityType", "associateParentEntity", "sobjectDescribeOption"), NEWER),
            "fields[Comments].*": "comments are written through this field, and kept as rows of CaseComment",
            "supportedScopes[]": SCOPES,
            "urls.caseArticleSuggestions": ARTICLES,
            "urls.caseRowArticleSuggestions": ARTICLES,
            "urls.defaultValues": "needs the user interface's layouts",
            "urls{}": "one more entry makes the platform's hash map larger, and its order another",
        },
    ),
    Case(
        "describe/contact-describe-cci",
        Level.DESCRIBE,
        differs=USER_INTERFACE
        | {
            "fields[Other*].permissionable": ADDRESS_PARTS,
            "fields[Mailing*].permissionable": ADDRESS_PARTS,
            "fields[JigsawContactId].relationshipName": OTHER_OBJECTS,
            "supportedScopes[]": SCOPES,
        },
    ),
    Case(
        "describe/custom__c-describe-cci",
        Level.DESCRIBE,
        differs={
            "urls.*": CUT,
            "fields[CustomField__c].*": CUT,
            "fields[Name].*": CUT,
            "recordTypeInfos[]": CUT,
            "supportedScopes[]": CUT,
            **dict.fromkeys(("compactLayoutable", "customSetting", "mruEnabled", "triggerable"), CUT),
            **dict.fromkeys(("keyPrefix", "label", "labelPlural"), "another custom object of that name"),
        },
    ),
    Case(
        "describe/event-describe-cci",
        Level.DESCRIBE,
        differs=USER_INTERFACE
        | {
            "feedEnabled": "the global describe of the same recorder says otherwise",
            "fields[*].label": WORDS,
            "fields[*].referenceTo[]": OTHER_OBJECTS,
            "fields[OwnerId].namePointing": "an event of ours has a user for an owner, never a calendar",
            "fields[OwnerId].polymorphicForeignKey": "an event of ours has a user for an owner, never a calendar",
            "fields[ActivityDate].aggregatable": "the only date of all recordings that is not",
            "fields[DurationInMinutes].digits": DIGITS,
            "fields[EventSubtype].defaultValue": "our rows have the value that the platform works out",
            "fields[EventSubtype].defaultedOnCreate": "our rows have the value that the platform works out",
            "supportedScopes[]": SCOPES,
            "supportedScopes[].label": SCOPES,
            "supportedScopes[].name": SCOPES,
            "urls.eventSeriesUpdates": "series of events are not simulated",
        },
    ),
    Case(
        "describe/lead-describe-cci",
        Level.DESCRIBE,
        differs=USER_INTERFACE
        | {
            "fields[*].permissionable": ADDRESS_PARTS,
            "fields[NumberOfEmployees].digits": DIGITS,
            "fields[JigsawContactId].relationshipName": OTHER_OBJECTS,
            "fields[EmailBounced*].updateable": "set by a client only where bounces are handled by hand",
            "supportedScopes[]": SCOPES,
        },
    ),
    Case(
        "describe/opportunitycontactrole-describe-cci",
        Level.DESCRIBE,
        differs=USER_INTERFACE
        | {
            **dict.fromkeys(("associateEntityType", "associateParentEntity", "sobjectDescribeOption"), NEWER),
            "fields[Id].label": WORDS,
            "recordTypeInfos[]": "the platform leaves the master record type out where there can be no other",
            "urls.defaultValues": "needs the user interface's layouts",
        },
    ),
    Case(
        "describe/group-describe-v50-2023",
        Level.DESCRIBE,
        differs={
            "fields[RelatedId].searchPrefilterable": "the only setup object with a search filter",
            "fields[OwnerId].*": "the platform fills in the org itself",
            "supportedScopes[]": SCOPES,
            "supportedScopes[].label": WORDS,
        },
    ),
    Case("describe/groupmember-describe-v50-2023", Level.DESCRIBE),
    Case(
        "describe/permissionset-describe-v50-2023",
        Level.DESCRIBE,
        differs={
            "fields[Id].label": WORDS,
            "fields[IsCustom].defaultValue": "our rows have the value that the platform works out",
        },
    ),
    Case(
        "describe/permissionsetassignment-describe-v50-2023",
        Level.DESCRIBE,
        differs={
            "fields[*].label": WORDS,
            "updateable": "ExpirationDate, which can be changed, came after the recorded version",
        },
    ),
    Case(
        "describe/profile-describe-v50-2023",
        Level.DESCRIBE,
        differs={
            "createable": PROFILES,
            "fields[*].createable": PROFILES,
            "fields[UserLicenseId].searchPrefilterable": "an object of setup with a search filter, which few have",
            "fields[UserType].defaultValue": "our rows have the value that the platform works out",
            "supportedScopes[].label": WORDS,
        },
    ),
    Case(
        "describe/user-describe-v50-2023",
        Level.DESCRIBE,
        differs=USER_INTERFACE
        | {
            "fields[IsActive].defaultValue": "ours are active where nothing is said, as with the platform",
            "fields[UserType].defaultValue": "our rows have the value that the platform works out",
            "fields[CallCenterId].*": OTHER_OBJECTS,
            "fields[CallCenterId].referenceTo[]": OTHER_OBJECTS,
            "namedLayoutInfos[]": "layouts are not simulated",
        },
    ),
    Case(
        "describe/userrole-describe-v50-2023",
        Level.DESCRIBE,
        differs=USER_INTERFACE
        | {
            "fields[OpportunityAccessForAccountOwner].default*": "the platform takes the org-wide default",
            "supportedScopes[].label": WORDS,
        },
    ),
    Case("describe/permissionset-describe-v50-2021-fields", Level.DESCRIBE, ours=some_keys, theirs=as_describe),
    Case(
        "describe/profile-describe-v50-2021-fields",
        Level.DESCRIBE,
        ours=some_keys,
        theirs=as_describe,
        differs={"fields[*].createable": PROFILES},
    ),
    Case(
        "describe/user-describe-v50-2021-fields",
        Level.DESCRIBE,
        ours=some_keys,
        theirs=as_describe,
        differs={
            "fields[CallCenterId].type": OTHER_OBJECTS,
            "fields[CallCenterId].referenceTo[]": OTHER_OBJECTS,
        },
    ),
    Case(
        "describe/sobjects-global-cci",
        Level.DESCRIBE,
        differs={
            **dict.fromkeys(
                [f"sobjects[Campaign].{one}" for one in ("createable", "deletable", "undeletable", "updateable")],
                "our administrator has no license of the Marketing User feature",
            ),
            "sobjects[*].urls.*ArticleSuggestions": ARTICLES,
            "sobjects[*].labelPlural": WORDS,
            "sobjects[UserPackageLicense].updateable": "the Object Reference lists update()",
            "sobjects[WorkType].*": "an ordinary object of ours, a setup object in part of the platform",
            "sobjects[WorkType].urls.listviews": "an ordinary object of ours, a setup object in part of the platform",
            **dict.fromkeys(
                ("sobjects[Event].*", "sobjects[Event].urls.*", "sobjects[Lead].keyPrefix"),
                "put into the recording by its authors, without a key prefix; the object's own describe says otherwise",
            ),
        },
    ),
)
