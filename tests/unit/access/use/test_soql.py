"""What a SOQL query names, by examples and by queries made up of known parts."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.access.use.deeds import NotUnderstood, Selected
from harness.access.use.soql import MAX_DEPTH, read_soql
from harness.access.use.sosl import read_sosl


def paths(soql: str) -> set[str]:
    return {".".join(path) for path in read_soql(soql).paths}


@pytest.mark.parametrize(
    ("soql", "named"),
    [
        ("SELECT Id, Name FROM Account", {"Id", "Name"}),
        ("select id from account", {"id"}),
        ("SELECT COUNT() FROM Account", set()),
        ("SELECT Account.Owner.Name FROM Contact", {"Account.Owner.Name"}),
        ("SELECT Contact.LastName FROM Contact", {"LastName"}),
        ("SELECT c.LastName, c.Account.Name FROM Contact c", {"LastName", "Account.Name"}),
        (
            "SELECT c.Id, a.Name FROM Contact c, c.Account a WHERE a.Site = 'x'",
            {"Id", "Account.Name", "Account.Site", "Account.Id"},
        ),
        ("SELECT COUNT(Id) total, Type t FROM Account GROUP BY ROLLUP(Type) ORDER BY COUNT(Id)", {"Id", "Type"}),
        ("SELECT MAX(Amount) a FROM Opportunity GROUP BY StageName HAVING MIN(Amount) > 5", {"Amount", "StageName"}),
        ("SELECT toLabel(Status), FORMAT(convertCurrency(Amount)) x FROM Order", {"Status", "Amount"}),
        (
            "SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:7 AND Amount__c > USD500",
            {"Id", "CreatedDate", "Amount__c"},
        ),
        (
            "SELECT Id FROM A WHERE (Name LIKE 'a\\'%' OR NOT (X__c = null)) AND Y__c NOT IN ('a', 'b')",
            {"Id", "Name", "X__c", "Y__c"},
        ),
        (
            "SELECT Id FROM A WHERE M__c INCLUDES ('a;b', 'c') ORDER BY Z__c DESC NULLS LAST LIMIT 5 OFFSET 10",
            {"Id", "M__c", "Z__c"},
        ),
        (
            "SELECT Id FROM A WHERE CreatedDate >= 2020-01-01T00:00:00+01:00 AND D__c < 2020-01-01",
            {"Id", "CreatedDate", "D__c"},
        ),
        ("SELECT Id FROM A WHERE DISTANCE(Loc__c, GEOLOCATION(37.7, -122.4), 'mi') < 20", {"Id", "Loc__c"}),
        ("SELECT Id FROM A WHERE CALENDAR_YEAR(convertTimezone(CreatedDate)) = 2020", {"Id", "CreatedDate"}),
        ("SELECT Id FROM A USING SCOPE mine WHERE X__c = :bind WITH SECURITY_ENFORCED FOR UPDATE", {"Id", "X__c"}),
        (
            "SELECT Id FROM Q WHERE S__c = 'x' WITH DATA CATEGORY G__c ABOVE u__c AND P__c AT (a__c, b__c) LIMIT 1",
            {"Id", "S__c"},
        ),
        ("SELECT Id FROM A ALL ROWS", {"Id"}),
        ("SELECT Id FROM A WHERE N__c = 'SELECT Secret__c FROM B'", {"Id", "N__c"}),
    ],
)
def test_what_a_query_names(soql: str, named: set[str]) -> None:
    assert paths(soql) == named


def test_sub_queries_and_semi_joins_are_queries_of_their_own() -> None:
    soql = (
        "SELECT Id, (SELECT LastName FROM Contacts WHERE Email != null) FROM Account "
        "WHERE Id IN (SELECT AccountId FROM Opportunity WHERE Amount > 5) AND Id NOT IN (SELECT A__c FROM Block__c)"
    )
    read = read_soql(soql)
    assert read.paths == {("Id",)}
    assert read.children == (Selected("Contacts", paths=frozenset({("LastName",), ("Email",)})),)
    assert read.inner == (
        Selected("Opportunity", paths=frozenset({("AccountId",), ("Amount",)})),
        Selected("Block__c", paths=frozenset({("A__c",)})),
    )


def test_typeof_and_fields() -> None:
    read = read_soql(
        "SELECT TYPEOF What WHEN Account THEN Phone, Name ELSE Name END, FIELDS(CUSTOM) FROM Event LIMIT 9"
    )
    assert [(one.type, one.fields) for one in read.typed] == [
        ("Account", {("Phone",), ("Name",)}),
        (None, {("Name",)}),
    ]
    assert read.every_field


def test_a_search_names_what_it_returns() -> None:
    found = read_sosl(
        "FIND {RETURNING \\} Opportunity(Amount)} IN NAME FIELDS "
        "RETURNING Account(Id, Name WHERE Site = 'x' ORDER BY Name LIMIT 3), Contact WITH SNIPPET LIMIT 10"
    )
    assert [(one.source, one.paths) for one in found] == [
        ("Account", {("Id",), ("Name",), ("Site",)}),
        ("Contact", {("Id",)}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UPDATE Account SET x",
        "SELECT FROM Account",
        "SELECT Id FROM",
        "SELECT Id FROM Account WHERE",
        "SELECT Id FROM Account WHERE Name",
        "SELECT Id FROM Account WHERE Name = 'no end",
        "SELECT Id, (SELECT Id FROM Contacts FROM Account",
        "SELECT Id FROM Account WHERE f(",
        "SELECT Id FROM Account; DROP TABLE Account",
        "SELECT " + "(" * 500 + "Id FROM Account",
        "SELECT Id FROM A WHERE " + "(" * 500 + "x = 1",
        "SELECT " + "f(" * 500 + "x FROM A",
    ],
)
def test_what_is_no_query_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstood):
        read_soql(text)


def test_a_reason_repeats_no_value() -> None:
    with pytest.raises(NotUnderstood) as raised:
        read_soql("SELECT Id FROM Account WHERE Password__c 'hunter2'")
    assert "hunter2" not in str(raised.value)


@given(st.text())
@example("SELECT Id FROM A WHERE x = '\x00'")
@example("FIND {a} RETURNING A(")
def test_no_text_does_anything_but_be_read_or_not(text: str) -> None:
    for read in (read_soql, read_sosl):
        with suppress(NotUnderstood):
            read(text)


NAMES = st.sampled_from(["Name", "Site", "X__c", "Owner.Name", "Account.Owner.Profile.Name", "ns__Y__c", "Z__r.W__c"])
VALUES = st.sampled_from(
    [
        "'a'",
        "'it\\'s'",
        "5",
        "-2.5",
        "null",
        "TRUE",
        "TODAY",
        "LAST_N_DAYS:30",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "EUR12.5",
        ":x",
    ]
)


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> tuple[str, set[str]]:
    kind = draw(st.sampled_from(["plain", "in", "function", *(["and", "or", "not", "nested"] if depth else [])]))
    name = draw(NAMES)
    if kind == "in":
        values = ", ".join(draw(st.lists(st.sampled_from(["'a'", "5"]), min_size=1, max_size=3)))
        return f"{name} {draw(st.sampled_from(['IN', 'NOT IN']))} ({values})", {name}
    if kind == "function":
        return f"DAY_ONLY(convertTimezone({name})) = {draw(VALUES)}", {name}
    if kind in ("and", "or"):
        left, left_names = draw(conditions(depth - 1))
        right, right_names = draw(conditions(depth - 1))
        return f"({left}) {kind.upper()} ({right})", left_names | right_names
    if kind in ("not", "nested"):
        inner, names = draw(conditions(depth - 1))
        return (f"NOT ({inner})" if kind == "not" else f"({inner})"), names
    return f"{name} {draw(st.sampled_from(['=', '!=', '<>', '<=', 'LIKE']))} {draw(VALUES)}", {name}


@st.composite
def queries(draw: st.DrawFn, depth: int = 1) -> tuple[str, set[str], set[str]]:
    """A query, the fields it names, and the sources of its sub-queries and semi-joins."""
    columns = draw(st.lists(NAMES, min_size=1, max_size=4))
    items, named, sources = list(columns), set(columns), set[str]()
    if depth and draw(st.booleans()):
        inner, _, below = draw(queries(depth - 1))
        items.append(f"({inner})")
        sources |= below | {"Source__r"}
    text = f"SELECT {', '.join(items)} FROM Source__r"
    if draw(st.booleans()):
        condition, names = draw(conditions())
        text, named = f"{text} WHERE {condition}", named | names
    if draw(st.booleans()):
        order = draw(NAMES)
        text, named = f"{text} ORDER BY {order} ASC NULLS FIRST", named | {order}
    if draw(st.booleans()):
        text += " LIMIT 10"
    if draw(st.booleans()):
        text = text.replace(" ", "\n  ").replace(",", " ,")
    return text, named, sources


@given(queries())
def test_every_field_is_named_and_no_other(query: tuple[str, set[str], set[str]]) -> None:
    text, named, sources = query
    read = read_soql(text)
    assert {".".join(path) for path in read.paths} == named
    assert {child.source for child in read.children} == (sources and {"Source__r"})


@given(st.integers(min_value=0, max_value=3 * MAX_DEPTH))
def test_depth_has_a_limit_and_no_crash(depth: int) -> None:
    text = "SELECT Id FROM A WHERE " + "(" * depth + "x = 1" + ")" * depth
    if depth < MAX_DEPTH:
        assert paths(text) == {"Id", "x"}
    else:
        with pytest.raises(NotUnderstood, match="nested"):
            read_soql(text)
