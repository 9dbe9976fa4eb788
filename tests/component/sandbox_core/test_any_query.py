"""Queries at random: an answer, or what the platform would refuse, and soon."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from harness.sandbox.errors import ApiError
from harness.sandbox.sosl.search import search
from tests.component.sandbox_core.desk import Desk
from tests.unit.sandbox.soql_texts import conditions, fields, queries

CODES = {
    None,
    *("MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE", "INVALID_QUERY_FILTER_OPERATOR", "INVALID_QUERY_SCOPE"),
    *("NUMBER_OUTSIDE_VALID_RANGE", "EXCEEDED_ID_LIMIT", "QUERY_TOO_COMPLICATED", "MALFORMED_SEARCH", "INVALID_SEARCH"),
}
QUICKLY = settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def filled(still_desk: Desk) -> Desk:
    """A few rows of everything that is asked for."""
    acme = still_desk.create("Account", Name="Acme", Phone="555", AnnualRevenue=5, BillingCity="Bern")
    still_desk.create("Account", Name="x", ParentId=acme)
    still_desk.create("Contact", LastName="Acme", AccountId=acme)
    still_desk.create("Employee__c", Name="Ann", Salary__c=5, Skills__c="Law;Sales", Hired__c="2026-01-05")
    still_desk.create("Task", Subject="Call", WhatId=acme, Status="Not Started", Priority="Normal")
    return still_desk


def code_of(ask: Callable[[], object]) -> str | None:
    try:
        ask()
    except ApiError as error:
        return error.code if error.status == 400 else f"{error.status} {error.code}"
    return None


@QUICKLY
@given(queries)
def test_any_query_is_answered_or_refused(filled: Desk, soql: str) -> None:
    for user in (filled.admin, filled.sales):
        assert code_of(lambda user=user: filled.org.query(soql, as_user=user)) in CODES


@QUICKLY
@given(conditions)
def test_any_condition_is_answered_or_refused(filled: Desk, where: str) -> None:
    """Of one object, so that most conditions are sound."""
    assert code_of(lambda: filled.query(f"SELECT Id, Name FROM Employee__c WHERE {where}")) in CODES


@QUICKLY
@given(conditions, fields)
def test_any_search_is_answered_or_refused(filled: Desk, where: str, field: str) -> None:
    sosl = f"FIND {{acme*}} RETURNING Account(Id, {field} WHERE {where} ORDER BY {field} LIMIT 5), Contact"
    assert code_of(lambda: search(filled.org, sosl, as_user=filled.admin, version="67.0")) in CODES
