"""The refusals of the partner API: which are faults, of which kind, and their words (SOAP API guide, "API Faults")."""

from __future__ import annotations

import re

from harness.sandbox.errors import ApiError
from harness.sandbox.http.envelope import SoapFault

_POSITION = re.compile(r"ERROR at Row:(\d+):Column:(\d+)")
_QUERY_FAULTS = {
    "INVALID_FIELD": "InvalidFieldFault",
    "INVALID_TYPE": "InvalidSObjectFault",
    "MALFORMED_QUERY": "MalformedQueryFault",
    "MALFORMED_SEARCH": "MalformedSearchFault",
}
"""Faults that say in which row and column of the query they found something."""
_FAULTS = {
    "INVALID_NEW_PASSWORD": "InvalidNewPasswordFault",
    "INVALID_QUERY_LOCATOR": "InvalidQueryLocatorFault",
    "MALFORMED_ID": "InvalidIdFault",
}


def fault_of(error: ApiError) -> SoapFault:
    """A refusal of REST as the fault that SOAP makes of it."""
    if error.code not in _QUERY_FAULTS:
        return SoapFault(error.code, error.message, name=_FAULTS.get(error.code, "UnexpectedErrorFault"))
    found = _POSITION.search(error.message)
    row, column = (int(found[1]), int(found[2])) if found else (-1, -1)
    return SoapFault(error.code, error.message, name=_QUERY_FAULTS[error.code], row=row, column=column)


def invalid_type(name: str) -> ApiError:
    """The refusal of an object that there is not, or not for this user."""
    return ApiError(
        400,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
    )


def unknown_field(name: str, sobject: str) -> ApiError:
    """The refusal of a field that there is not, or not for this user."""
    return ApiError(
        400,
        "INVALID_FIELD",
        f"No such column '{name}' on entity '{sobject}'. If you are attempting to use a custom field, be sure to "
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
        "appropriate names.",
    )


def no_external_id(name: str, sobject: str) -> ApiError:
    """The refusal of an upsert by a field that is no key."""
    text = f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for {sobject}"
    return ApiError(400, "INVALID_FIELD", text)


def too_many(most: int) -> ApiError:
    """The refusal of a call with too many ids or records."""
    text = f"record limit reached. cannot submit more than {most} records into this call"
    return ApiError(400, "EXCEEDED_ID_LIMIT", text)
