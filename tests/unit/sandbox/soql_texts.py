"""Queries made at random from the grammar of SOQL, about what a test org has and some things it has not."""

from __future__ import annotations

from hypothesis import strategies as st

OBJECTS = ["Account", "Contact", "Employee__c", "Task", "User", "PermissionSet", "LoginHistory", "Nope__c"]
CHILDREN = ["Contacts", "Account.Contacts", "Employees__r", "ChildAccounts", "Nopes__r"]
FIELDS = [
    *("Id", "Name", "OwnerId", "CreatedDate", "IsDeleted", "AccountId", "Salary__c", "Skills__c", "Hired__c", "Phone"),
    *(
        "BillingAddress",
        "Description",
        "AnnualRevenue",
        "Owner.Name",
        "Account.Owner.Name",
        "What.Type",
        "Account__r.Name",
    ),
    *("a.b.c.d.e.f.g", "Bacon__c"),
]
LITERALS = [
    *(
        "'x'",
        "''",
        "'50\\\\% \\'off\\''",
        "null",
        "true",
        "5",
        "-1.5",
        "2026-01-05",
        "2026-01-05T10:00:00Z",
        "12:00:00Z",
    ),
    *("TODAY", "LAST_N_DAYS:7", "THIS_FISCAL_QUARTER", "N_YEARS_AGO:2", "'001Rh00000000001AA'", "SOMEDAY", ":bound"),
]
OPERATORS = ["=", "!=", "<>", "<", "<=", ">", ">=", "LIKE"]
FUNCTIONS = [
    *("COUNT({})", "COUNT_DISTINCT({})", "SUM({})", "AVG({})", "MIN({})", "max({})", "GROUPING({})", "FORMAT({})"),
    *("toLabel({})", "CALENDAR_YEAR({})", "HOUR_IN_DAY(convertTimezone({}))", "DAY_ONLY({})", "FORMAT(MAX({}))"),
    *("DISTANCE({}, GEOLOCATION(1.5, -2), 'mi')", "convertCurrency({})"),
]

fields = st.sampled_from(FIELDS)
literals = st.sampled_from(LITERALS)
calls = st.one_of(st.builds(str.format, st.sampled_from(FUNCTIONS), fields), st.just("COUNT()"))
operands = st.one_of(fields, fields, calls)
members = st.lists(literals, min_size=1, max_size=4).map(", ".join)


def _optional(word: str, what: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), what.map(lambda text: f" {word} {text}"))


def _conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.lists(inner, min_size=2, max_size=4)
    return st.one_of(
        parts.map(" AND ".join), parts.map(" OR ".join), inner.map("({})".format), inner.map("NOT {}".format)
    )


comparisons = st.one_of(
    st.builds("{} {} {}".format, operands, st.sampled_from(OPERATORS), literals),
    st.builds("{} {} ({})".format, operands, st.sampled_from(["IN", "NOT IN", "INCLUDES", "EXCLUDES"]), members),
    st.builds(
        "{} IN (SELECT {} FROM {} WHERE {} = {})".format, fields, fields, st.sampled_from(OBJECTS), fields, literals
    ),
)
conditions = st.recursive(comparisons, lambda inner: _conditions(inner).map("({})".format), max_leaves=6)
orders = st.lists(
    st.builds("{}{}{}".format, operands, st.sampled_from(["", " DESC"]), st.sampled_from(["", " NULLS LAST"])),
    min_size=1,
    max_size=3,
).map(", ".join)
groups = st.builds(str.format, st.sampled_from(["{}", "ROLLUP({})", "CUBE({})"]), operands)
numbers = st.integers(0, 3000).map(str)
child_queries = st.builds(
    "(SELECT {} FROM {}{}{}{})".format,
    fields,
    st.sampled_from(CHILDREN),
    _optional("WHERE", conditions),
    _optional("ORDER BY", orders),
    _optional("LIMIT", numbers),
)
type_queries = st.builds(
    "TYPEOF {} WHEN {} THEN {}{} END".format,
    st.sampled_from(["What", "Owner", "Account"]),
    st.sampled_from(OBJECTS),
    fields,
    _optional("ELSE", fields),
)
selected = st.one_of(
    operands,
    operands,
    child_queries,
    type_queries,
    st.builds("{} n{}".format, calls, st.integers(0, 9)),
    st.sampled_from(["FIELDS(ALL)", "FIELDS(STANDARD)", "FIELDS(CUSTOM)"]),
)
queries = st.builds(
    "SELECT {} FROM {}{}{}{}{}{}{}{}".format,
    st.lists(selected, min_size=1, max_size=4).map(", ".join),
    st.sampled_from(OBJECTS),
    _optional("USING SCOPE", st.sampled_from(["mine", "everything", "team", "nowhere"])),
    _optional("WHERE", conditions),
    _optional("GROUP BY", groups.flatmap(lambda text: _optional("HAVING", conditions).map(text.__add__))),
    _optional("ORDER BY", orders),
    _optional("LIMIT", numbers),
    _optional("OFFSET", numbers),
    st.sampled_from(["", " FOR VIEW", " FOR REFERENCE", " UPDATE TRACKING"]),
)
