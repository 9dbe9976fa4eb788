"""Whatever is asked or written, the org answers or refuses: nothing but ApiError comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sandbox.errors import ApiError
from harness.sandbox.objects import standard_schema
from harness.sandbox.org import SandboxOrg
from tests.component.sandbox_core.conftest import custom_objects, furnish
from tests.component.sandbox_core.desk import Desk


@pytest.fixture(scope="module")
def busy() -> Iterator[Desk]:
    schema = standard_schema()
    custom_objects(schema)
    desk = Desk(SandboxOrg(schema))
    with desk.org.transaction():
        furnish(desk)
    account = desk.create("Account", Name="Acme", Industry="Banking", AnnualRevenue=5)
    ann = desk.create("Employee__c", Name="Ann", Skills__c="Law", Account__c=account)
    desk.create("Review__c", Name="R", Employee__c=ann)
    yield desk
    desk.org.close()


T = TypeVar("T")

OWN = (
    "Id",
    "Name",
    "Salary__c",
    "Skills__c",
    "Hired__c",
    "CreatedDate",
    "IsDeleted",
    "Account__c",
    "Level__c",
    "OwnerId",
)
REACHED = (
    "Account__r.Name",
    "Account__r.Owner.Profile.Name",
    "Owner.Type",
    "Owner.IsActive",
    "Account__r.BillingAddress",
)
FIELDS = st.sampled_from((*OWN, *REACHED, "Nope__c", "Account__r.Nope", "Employee__c.Name", "Text__c"))
CALLS = st.sampled_from(
    ["count()", "count(Id)", "sum(Salary__c)", "max(Name)", "avg(Name)", "FIELDS(STANDARD)", "lower(Name)"]
)
CHILDREN = st.sampled_from(
    ["(SELECT Id, Name FROM Reviews__r)", "(SELECT Name FROM Reviews__r LIMIT 1)", "(SELECT Id FROM X)"]
)
VALUES = st.sampled_from(
    [
        "'Ann'",
        "''",
        "null",
        "true",
        "5",
        "-1.5",
        "TODAY",
        "NEXT_N_YEARS:7000",
        "2026-01-05",
        "2026-01-05T00:00:00Z",
        "'001000000000001AAA'",
        "'%'",
        "99999999999999999999999999",
    ]
)
CONDITIONS = st.recursive(
    st.builds("{} {} {}".format, FIELDS, st.sampled_from(["=", "!=", "<", ">=", "LIKE"]), VALUES)
    | st.builds(
        "{} {} ({}, {})".format, FIELDS, st.sampled_from(["IN", "NOT IN", "INCLUDES", "EXCLUDES"]), VALUES, VALUES
    )
    | st.builds("{} IN (SELECT {} FROM Review__c)".format, FIELDS, st.sampled_from(["Employee__c", "Id", "Name"])),
    lambda inner: (
        st.builds("NOT {}".format, inner) | st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner)
    ),
    max_leaves=6,
)
QUERIES = st.builds(
    lambda fields, where, tail: f"SELECT {', '.join(fields)} FROM Employee__c WHERE {where}{tail}",
    st.lists(FIELDS | CALLS | CHILDREN, min_size=1, max_size=4),
    CONDITIONS,
    st.sampled_from(
        ["", " GROUP BY Name", " GROUP BY Account__r.Name HAVING count(Id) > 0", " ORDER BY Name DESC", " LIMIT 1"]
    ),
)


def asked(ask: Callable[[], T]) -> T | ApiError:
    """The answer, or the refusal; anything else passes through."""
    try:
        return ask()
    except ApiError as refused:
        return refused


@settings(max_examples=300, deadline=None)
@given(QUERIES)
def test_queries(busy: Desk, soql: str) -> None:
    answer = asked(lambda: busy.org.query(soql, as_user=busy.admin))
    if isinstance(answer, ApiError):
        assert answer.status == 400
        assert answer.message
    else:
        assert answer.total_size >= len(answer.records)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=90),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)
BODIES = st.dictionaries(
    st.sampled_from(
        ["Name", "Salary__c", "Skills__c", "Number__c", "Hired__c", "Account__c", "Account__r", "OwnerId", "Nope", ""]
    ),
    JSON,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_bodies(busy: Desk, body: dict[str, object]) -> None:
    before = len(busy.query("SELECT Id FROM Employee__c"))
    answer = asked(lambda: busy.org.create("Employee__c", body, as_user=busy.admin))
    if isinstance(answer, ApiError):
        assert 400 <= answer.status < 500
        assert len(busy.query("SELECT Id FROM Employee__c")) == before
    else:
        busy.delete("Employee__c", answer)


def test_very_large_conditions(busy: Desk) -> None:
    many = " OR ".join(f"Name = '{number}'" for number in range(4000))
    assert busy.query(f"SELECT Id FROM Employee__c WHERE {many}") == []
    ids = ", ".join(f"'{number:015d}'" for number in range(4500))
    assert busy.query(f"SELECT Id FROM Employee__c WHERE Id IN ({ids})") == []
    with pytest.raises(ApiError, match="MALFORMED_QUERY"):
        busy.query("SELECT Id FROM Employee__c WHERE " + "NOT " * 5000 + "Name = 'x'")
    with pytest.raises(ApiError, match="MALFORMED_QUERY"):
        busy.query("SELECT Id FROM Employee__c WHERE Name = '\ud800'")
