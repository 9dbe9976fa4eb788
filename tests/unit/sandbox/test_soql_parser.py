"""The grammar: what it takes, what it refuses and how, and that nothing but ApiError ever comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sandbox.errors import ApiError
from harness.sandbox.soql import syntax
from harness.sandbox.soql.messages import refusal
from harness.sandbox.soql.parser import parse
from tests.unit.sandbox.soql_texts import queries


def test_every_clause_has_its_place() -> None:
    query = parse(
        "select Id, Account.Name n, count(Id) c, (SELECT Id FROM Contacts) from Contact AS x where a = 'b' "
        "group by Name having count(Id) > 1 order by Name desc nulls last, Id limit 5 offset 2 for view"
    )
    assert [type(item).__name__ for item in query.select] == ["Selected", "Selected", "Selected", "ChildQuery"]
    assert (query.source, query.alias, query.most, query.skipped) == ("Contact", "x", 5, 2)
    assert query.select[1] == syntax.Selected(syntax.Path(("Account", "Name"), 11), "n")
    assert [(item.descending, item.nulls_first) for item in query.order_by] == [(True, False), (False, True)]
    assert query.having is not None
    assert len(query.groups) == 1


def test_words_of_the_language_may_be_names() -> None:
    assert parse("SELECT Group.Name FROM GroupMember").select[0] == syntax.Selected(
        syntax.Path(("Group", "Name"), 7), None
    )
    assert parse("SELECT Id FROM Group WHERE Group.Name = 'x' ORDER BY Group.Name").source == "Group"
    assert parse("SELECT Id FROM Order ORDER BY Id").source == "Order"
    assert parse("SELECT Limit__c, From__c, Like FROM Account").source == "Account"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("'O\\'Neil \\\\ \\n'", "string", "O'Neil \\ \n"),
        ("''", "string", ""),
        ("-1.5", "number", -1.5),
        ("+3", "number", 3.0),
        ("12", "number", 12),
        ("TRUE", "boolean", True),
        ("null", "null", None),
        ("2026-01-05", "date", "2026-01-05"),
        ("2026-01-05T10:00:00Z", "datetime", "2026-01-05T10:00:00Z"),
        ("2026-01-05T10:00:00.123+01:00", "datetime", "2026-01-05T10:00:00.123+01:00"),
        ("last_n_days:7", "date-name", "LAST_N_DAYS:7"),
        ("Today", "date-name", "TODAY"),
    ],
)
def test_literals(text: str, kind: str, value: object) -> None:
    where = parse(f"SELECT Id FROM A WHERE B = {text}").where
    assert isinstance(where, syntax.Comparison)
    assert (where.value.kind, where.value.value) == (kind, value)


def test_and_and_or_do_not_mix() -> None:
    with pytest.raises(ApiError) as refused:
        parse("SELECT Id FROM A WHERE a = 1 AND b = 2 OR c = 3")
    assert refused.value.message.endswith("ERROR at Row:1:Column:39\nunexpected token: 'OR'")
    assert parse("SELECT Id FROM A WHERE a = 1 AND (b = 2 OR NOT c = 3)").where is not None


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        ("SELEKT Name FROM Account", "unexpected token: SELEKT"),
        ("q=SELECT Id FROM Account", "unexpected token: q"),
        ("  ", "SOQL statements cannot be empty or null"),
        ("SELECT Id, FROM A", "\nSELECT Id, FROM A\n          ^\nERROR at Row:1:Column:11\nunexpected token: 'FROM'"),
        ("SELECT Id FROM", "\nSELECT Id FROM\n             ^\nERROR at Row:1:Column:14\nunexpected token: '<EOF>'"),
        (
            "SELECT Id\nFROM A WHERE )",
            "\nFROM A WHERE )\n            ^\nERROR at Row:2:Column:13\nunexpected token: ')'",
        ),
        (
            "select Id from Account where id = $sfid",
            "\nselect Id from Account where id = $sfid\n                                 ^\nERROR at Row:1:Column:34\n"
            "line 1:34 no viable alternative at character '$'",
        ),
        (
            "SELECT Id FROM A WHERE B = :x",
            "\nSELECT Id FROM A WHERE B = :x\n                           ^\nERROR at Row:1:Column:28\n"
            "Bind variables only allowed in Apex code",
        ),
    ],
)
def test_refusals_read_as_recorded(soql: str, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(soql)
    assert (refused.value.status, refused.value.code, refused.value.message) == (400, "MALFORMED_QUERY", message)


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FROM A WHERE B IN ()",
        "SELECT Id, FROM A",
        "SELECT Id FROM A LIMIT x",
        "SELECT Id FROM A LIMIT 99999999999999999999",
        "SELECT Id FROM A WHERE B = 'x",
        "SELECT Id FROM A WHERE B = '\\q'",
        "SELECT Id FROM A WHERE " + "(" * 5000 + "B = 1" + ")" * 5000,
        "SELECT Id FROM A WHERE B = '" + "x" * 100_000 + "'",
        "SELECT Id FROM A; DROP TABLE A",
    ],
)
def test_what_is_malformed(soql: str) -> None:
    with pytest.raises(ApiError, match="MALFORMED_QUERY"):
        parse(soql)


@pytest.mark.parametrize(
    ("soql", "token", "excerpt"),
    [
        (
            "SELECT Account.Name, Account.Phone, Account.Rating, Account.RecordTypeId, Account.ShippingCity",
            "Account.RecordTypeId",
            "Account.Phone, Account.Rating, Account.RecordTypeId, Account.ShippingCity",
        ),
        (
            "SELECT Id,CreatedById,OCE__ActualCap__c,TPI_Product__c,Name,OCE__JobId__c FROM OCE__ActivityPlan__c",
            "TPI_Product__c",
            "CreatedById,OCE__ActualCap__c,TPI_Product__c,Name,OCE__JobId__c",
        ),
        (
            "SELECT Id, Name, AccountNumber FROM AccountOpps WHERE Name like 'okToDelete%'",
            "AccountOpps",
            "SELECT Id, Name, AccountNumber FROM AccountOpps WHERE Name like 'okToDelete%'",
        ),
        (
            "SELECT Id, DepProbeField__c FROM Account LIMIT 1",
            "DepProbeField__c",
            "SELECT Id, DepProbeField__c FROM Account LIMIT",
        ),
        (
            "SELECT Id FROM X__c WHERE A = 1 AND LastModifiedDate=TODAY AND LastModifiedBy='0050h00000IW2Jf' LIMIT 1",
            "LastModifiedBy=",
            "AND LastModifiedDate=TODAY AND LastModifiedBy='0050h00000IW2Jf'",
        ),
    ],
)
def test_an_excerpt_is_cut_as_real_ones_are(soql: str, token: str, excerpt: str) -> None:
    """The texts and their cuts are those of answers that teams have published."""
    at = soql.index(token)
    _, shown, caret, row, _text = refusal(soql, at, "INVALID_FIELD", "x").message.split("\n")
    assert shown == excerpt
    assert shown[len(caret) - 1 :].startswith(token)
    assert row == f"ERROR at Row:1:Column:{at + 1}"


KEYWORDS = "SELECT FROM WHERE AND OR NOT IN LIKE INCLUDES GROUP BY ORDER LIMIT OFFSET NULLS FIRST null".split()  # noqa: SIM905
TOKENS = ["Id", "Name", "Account", "a.b.c", "(", ")", ",", "=", "!=", "<", "'", "'x'", "5", "1.5", "TODAY", "count("]
ODDITIES = ["LAST_N_DAYS:3", "2026-01-01", "2026-13-41T99:00:00Z", ":", "\\", "\n", "\t", ";", "é", ""]
WORDS = st.sampled_from(KEYWORDS + TOKENS + ODDITIES)


def outcome(soql: str) -> str | None:
    """The code of the refusal, or None for a query."""
    try:
        parse(soql)
    except ApiError as refused:
        return refused.code
    return None


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=25).map(" ".join))
def test_words_in_any_order_are_a_query_or_an_api_error(soql: str) -> None:
    assert outcome(f"SELECT {soql}") in (None, "MALFORMED_QUERY")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_query_or_an_api_error(text: str) -> None:
    for soql in (text, f"SELECT Id FROM A WHERE {text}"):
        assert outcome(soql) in (None, "MALFORMED_QUERY")


@settings(max_examples=300, deadline=2000)
@given(queries)
def test_the_grammar_takes_what_is_made_of_it(soql: str) -> None:
    """Only a bound variable is no SOQL."""
    assert (outcome(soql) is None) == (":bound" not in soql)


@settings(max_examples=200, deadline=2000)
@given(queries, st.data())
def test_a_cut_or_mended_query_is_a_query_or_an_api_error(soql: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(soql)))
    patch = data.draw(st.sampled_from(["", "'", "(", ")", ",", " FROM ", "\\", "$", "\u00e9", "\ud800"]))
    assert outcome(soql[:cut] + patch + soql[cut + 1 :]) in (None, "MALFORMED_QUERY")
