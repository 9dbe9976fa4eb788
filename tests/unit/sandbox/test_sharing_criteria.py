"""Criteria of sharing rules: how filters join them, and which rows each operation finds."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.schema import Criterion, Field, SObject
from harness.sandbox.sharing.criteria import OPERATIONS, Criteria, Joined, parse_filter

COUNT = 4
FILTERS = st.recursive(
    st.integers(1, COUNT).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "or", "And"]), inner).map(lambda one: f"({' '.join(one)})"),
        inner.map(lambda one: f"NOT {one}"),
        inner.map(lambda one: f"( {one} )"),
    ),
    max_leaves=12,
)


def truth(joined: Joined, values: tuple[bool, ...]) -> bool:
    if isinstance(joined, int):
        return values[joined - 1]
    word, parts = joined
    found = [truth(one, values) for one in parts]
    return not found[0] if word == "NOT" else all(found) if word == "AND" else any(found)


@given(text=FILTERS, values=st.tuples(*[st.booleans()] * COUNT))
def test_a_filter_means_what_it_says(text: str, values: tuple[bool, ...]) -> None:
    names = {str(place): f"v[{place - 1}]" for place in range(1, COUNT + 1)}
    python = " ".join(names.get(word, word.lower()) for word in text.replace("(", " ( ").replace(")", " ) ").split())
    assert truth(parse_filter(text, COUNT), values) == eval(python, {"v": values})


def test_without_a_filter_all_must_be_met() -> None:
    assert parse_filter(None, 3) == ("AND", (1, 2, 3))
    assert parse_filter("1 AND 2 OR 3", 3) == ("OR", (("AND", (1, 2)), 3))


@given(text=st.text(alphabet="12349 ()ANDORNTandornt;'", max_size=30))
def test_of_any_other_filter_comes_nothing_but_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_filter(text, COUNT)


ROWS = [
    {"Id": "1", "Name": "North 50%", "Size__c": 10, "Big__c": 0, "Tags__c": "red;blue", "RecordTypeId": "012a"},
    {"Id": "2", "Name": "south", "Size__c": 99.5, "Big__c": 1, "Tags__c": "dark red", "RecordTypeId": "012b"},
    {"Id": "3", "Name": None, "Size__c": None, "Big__c": 0, "Tags__c": None, "RecordTypeId": None},
]


def thing() -> SObject:
    sobject = SObject("Thing__c", "Thing", "Things", "a01", custom=True)
    kinds = {"Name": "string", "Size__c": "double", "Big__c": "boolean", "Tags__c": "multipicklist"}
    for name, kind in {**kinds, "RecordTypeId": "reference", "Place__c": "location"}.items():
        sobject.add(Field(name, kind, name))
    return sobject


def found(criterion: Criterion, *, named_types: bool = True) -> str:
    parameters: dict[str, Any] = {}

    def bind(value: Any) -> str:
        parameters[f"p{len(parameters)}"] = value
        return f":p{len(parameters) - 1}"

    condition = Criteria(thing(), "t", bind, named_types=named_types).sql([criterion], 1)
    with closing(sqlite3.connect(":memory:")) as connection:
        columns = "Id TEXT, Name TEXT COLLATE NOCASE, Size__c REAL, Big__c INT, Tags__c TEXT, RecordTypeId TEXT"
        connection.execute(f"CREATE TABLE Thing__c ({columns})")
        connection.execute("CREATE TABLE RecordType (Id TEXT, Name TEXT COLLATE NOCASE)")
        connection.executemany("INSERT INTO RecordType VALUES (?, ?)", [("012a", "Small"), ("012b", "Large, heavy")])
        connection.executemany(
            "INSERT INTO Thing__c VALUES (:Id, :Name, :Size__c, :Big__c, :Tags__c, :RecordTypeId)", ROWS
        )
        rows = connection.execute(f"SELECT Id FROM Thing__c t WHERE {condition} ORDER BY Id", parameters)
        return "".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("field", "operation", "value", "rows"),
    [
        ("Name", "equals", "SOUTH", "2"),
        ("Name", "equals", "south, North 50%", "12"),
        ("Name", "equals", "", "3"),
        ("Name", "notEqual", "south", "13"),
        ("Name", "notEqual", "", "12"),
        ("Name", "startsWith", "n", "1"),
        ("Name", "contains", "50%", "1"),
        ("Name", "contains", "5%", ""),
        ("Name", "contains", "outh,orth", "12"),
        ("Name", "notContain", "50%", "23"),
        ("Size__c", "equals", "10", "1"),
        ("Size__c", "equals", "10,x", "1"),
        ("Size__c", "equals", "x", ""),
        ("Size__c", "lessThan", "99.5", "1"),
        ("Size__c", "lessOrEqual", "99.5", "12"),
        ("Size__c", "greaterThan", "10", "2"),
        ("Size__c", "greaterOrEqual", "10", "12"),
        ("Size__c", "greaterThan", "much", ""),
        ("Big__c", "equals", "True", "2"),
        ("Big__c", "notEqual", "True", "13"),
        ("Tags__c", "includes", "red", "1"),
        ("Tags__c", "includes", "blue;dark red", "12"),
        ("Tags__c", "excludes", "red", "23"),
        ("RecordTypeId", "equals", "small", "1"),
        ("RecordTypeId", "equals", '"Large, heavy"', "2"),
        ("Nothing__c", "equals", "x", ""),
        ("Place__c", "equals", "x", ""),
    ],
)
def test_operations(field: str, operation: str, value: str, rows: str) -> None:
    assert operation in OPERATIONS
    assert found(Criterion(field, operation, value)) == rows


def test_record_types_of_an_org_without_any() -> None:
    assert found(Criterion("RecordTypeId", "equals", "Small"), named_types=False) == ""
