"""A query that is answered by the template of another is answered as if it had been compiled itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.sandbox.errors import ApiError
from harness.sandbox.ids import make_id
from harness.sandbox.soql.compiler import compile_query
from harness.sandbox.soql.names import World
from harness.sandbox.soql.parser import parse
from harness.sandbox.soql.plan import Plan
from harness.sandbox.soql.templates import Templates
from tests.component.sandbox_core.desk import Desk

LONG, OTHER = make_id("001", 1), make_id("001", 2)
SHORT, OTHER_SHORT = LONG[:15], OTHER[:15]
ANY_ID = st.sampled_from([SHORT, LONG, LONG.lower(), OTHER, OTHER_SHORT, make_id("005", 10)])
STAND_INS = st.sampled_from(["\ue0000\ue000", "\ue0001\ue000", "zzzy00000000000", "zzzz00000000001", ":p0", "p1"])
ODD = st.sampled_from(
    ["", "%", "a%b_", "%%%", "\\%", "\\'", "\\n", "\\u0041", "Law;Sales", "AND", "(", "x" * 300, "12:00"]
)
LITERALS = st.one_of(
    ANY_ID, STAND_INS, ODD, st.text("ab'\\%_ é;(", max_size=6).map(lambda one: one.replace("'", "\\'"))
)
FIELDS = st.sampled_from(
    [
        "Id",
        "OwnerId",
        "Owner.Name",
        "Owner.Type",
        "Name",
        "Number__c",
        "Salary__c",
        "Hired__c",
        "CreatedDate",
        "Level__c",
        "Skills__c",
        "RecordTypeId",
        "Account__c",
        "Account__r.Name",
        "IsDeleted",
        "toLabel(Name)",
        "DISTANCE(Name,'mi')",
    ]
)
ONE = st.builds("{} {} '{}'".format, FIELDS, st.sampled_from(["=", "!=", "<", "LIKE", "="]), LITERALS)
SOME = st.lists(LITERALS, min_size=1, max_size=4).map(lambda found: ", ".join(f"'{one}'" for one in found))
SET = st.builds("{} {} ({})".format, FIELDS, st.sampled_from(["IN", "NOT IN", "INCLUDES", "EXCLUDES"]), SOME)
INNER = st.builds("Id IN (SELECT Employee__c FROM Review__c WHERE Name = '{}')".format, LITERALS)
WHERE = st.lists(st.one_of(ONE, ONE, SET, INNER), min_size=1, max_size=3).map(" AND ".join)
QUERIES = st.one_of(
    st.builds("SELECT Id, Name FROM Employee__c WHERE {}".format, WHERE),
    st.builds("SELECT count() FROM Employee__c WHERE NOT ({})".format, WHERE),
    st.builds(
        "SELECT Name, max(Salary__c) FROM Employee__c WHERE {} GROUP BY Name HAVING Name != '{}'".format,
        WHERE,
        LITERALS,
    ),
    st.builds(
        "SELECT Id, (SELECT Id FROM Reviews__r WHERE Name = '{}') FROM Employee__c WHERE {}".format, LITERALS, WHERE
    ),
)


class Compiler:
    """Compiles queries of the administrator, and counts them."""

    def __init__(self, desk: Desk) -> None:
        org = desk.org
        self._world = World(org.schema, org.relations, org.store, org.sharing, org.permissions_of(desk.admin))
        self.count = 0

    def __call__(self, soql: str) -> Plan:
        self.count += 1
        return compile_query(parse(soql), soql, self._world)


@pytest.fixture(scope="module")
def compiler(still_desk: Desk) -> Compiler:
    return Compiler(still_desk)


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


def told(made: Callable[[], Plan]) -> Any:
    """All that a plan does, with the values in their places, or how it was refused."""
    try:
        return shown(made())
    except ApiError as error:
        return error.status, error.code, str(error)


def shown(plan: Plan) -> Any:
    sql = re.sub(r":(p\d+)", lambda found: repr(plan.parameters[found[1]]), plan.sql)
    tables = [one.name for one in plan.tables]
    return plan.kind, sql, tables, plan.dated, plan.touches, [shown(one) for one in plan.children]


@settings(max_examples=1500, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUERIES)
@example("SELECT Id FROM Employee__c WHERE Name LIKE '%a%b%'")
@example(f"SELECT Id FROM Employee__c WHERE Id = '{LONG.lower()}'")
def test_a_template_makes_the_plan_that_the_query_would_have(
    compiler: Compiler, templates: Templates, soql: str
) -> None:
    assert told(lambda: templates.plan(soql, (), compiler)) == told(lambda: compiler(soql))


@pytest.mark.parametrize(
    ("where", "first", "then"),
    [
        ("Name = '{}'", "Ann", "Bob"),
        ("Id = '{}'", LONG, OTHER),
        ("Account__c = '{}' AND Name LIKE '{}%'", SHORT, OTHER_SHORT),
        ("Owner.Name IN ('Ann', '{}')", "Bob", "Ann"),
    ],
)
def test_a_query_that_differs_in_a_literal_is_not_compiled_again(
    compiler: Compiler, where: str, first: str, then: str
) -> None:
    templates, before = Templates(), compiler.count
    for value in (first, then):
        templates.plan(f"SELECT Id FROM Employee__c WHERE {where.format(value, value)}", (), compiler)
    assert compiler.count == before + 1


def test_an_id_of_15_characters_is_found_where_a_field_keeps_18(still_desk: Desk) -> None:
    for record_id in (still_desk.admin, still_desk.sales):
        found = still_desk.query(f"SELECT Id, Name FROM User WHERE Id = '{record_id[:15]}'")
        assert [one["Id"] for one in found] == [record_id]


def test_other_circumstances_have_templates_of_their_own(compiler: Compiler) -> None:
    templates, before = Templates(), compiler.count
    for circumstances in ((1,), (2,)):
        templates.plan("SELECT Id FROM Employee__c WHERE Name = 'Ann'", circumstances, compiler)
    assert compiler.count == before + 2
