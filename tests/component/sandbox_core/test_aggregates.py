"""Aggregates: functions, groups, subtotals, dates, and what may not be grouped, sorted or aggregated."""

from __future__ import annotations

import pytest

from tests.component.sandbox_core.desk import Desk, refused


@pytest.fixture
def pay(desk: Desk) -> Desk:
    """Five employees of two accounts."""
    acme, zenith = desk.create("Account", Name="Acme"), desk.create("Account", Name="Zenith")
    for name, salary, account, hired in (
        ("Ann", 10, acme, "2025-11-30"),
        ("Bob", 20, acme, "2026-01-05"),
        ("Cid", 30, zenith, "2026-01-31"),
        ("Dee", None, zenith, "2026-02-01"),
        ("Eve", 50, None, None),
    ):
        desk.create("Employee__c", Name=name, Salary__c=salary, Account__c=account, Hired__c=hired)
    return desk


def test_each_function(pay: Desk) -> None:
    assert pay.plain(
        "SELECT COUNT(Id) a, COUNT(Salary__c) b, COUNT_DISTINCT(Account__c) c, SUM(Salary__c) d, AVG(Salary__c) e, "
        "MIN(Name) f, MAX(Hired__c) g FROM Employee__c"
    ) == [{"a": 5, "b": 4, "c": 2, "d": 110.0, "e": 27.5, "f": "Ann", "g": "2026-02-01"}]
    assert pay.plain("SELECT COUNT(), MAX(Name) FROM Employee__c") == [{"expr0": 5, "expr1": "Eve"}]


def test_groups_have_names_of_fields_aliases_or_numbers(pay: Desk) -> None:
    assert pay.plain(
        "SELECT Account__r.Name, SUM(Salary__c), MAX(Name) latest FROM Employee__c WHERE Account__c != null "
        "GROUP BY Account__r.Name ORDER BY SUM(Salary__c) DESC"
    ) == [{"Name": "Acme", "expr0": 30.0, "latest": "Bob"}, {"Name": "Zenith", "expr0": 30.0, "latest": "Dee"}]
    assert pay.plain("SELECT Account__r.Name FROM Employee__c GROUP BY Account__r.Name") == [None, "Acme", "Zenith"]


def test_having_filters_groups(pay: Desk) -> None:
    counted = "SELECT Account__r.Name, COUNT(Id) n FROM Employee__c GROUP BY Account__r.Name HAVING "
    assert pay.plain(counted + "COUNT(Id) > 1 AND Account__r.Name LIKE 'a%'") == [{"Name": "Acme", "n": 2}]
    assert pay.plain(counted + "NOT COUNT(Id) > 1") == [{"Name": None, "n": 1}]
    with refused("MALFORMED_QUERY", "Field must be grouped or aggregated: Salary__c"):
        pay.query(counted + "Salary__c > 1")


def test_dates_are_grouped_by_their_parts(pay: Desk) -> None:
    assert pay.plain(
        "SELECT CALENDAR_YEAR(Hired__c), CALENDAR_MONTH(Hired__c) m, COUNT(Id) n FROM Employee__c "
        "WHERE Hired__c != null GROUP BY CALENDAR_YEAR(Hired__c), CALENDAR_MONTH(Hired__c) "
        "ORDER BY CALENDAR_YEAR(Hired__c) DESC, CALENDAR_MONTH(Hired__c)"
    ) == [{"expr0": 2026, "m": 1, "n": 2}, {"expr0": 2026, "m": 2, "n": 1}, {"expr0": 2025, "m": 11, "n": 1}]
    assert pay.plain("SELECT DAY_ONLY(CreatedDate) d FROM Employee__c GROUP BY DAY_ONLY(CreatedDate)") == ["2026-01-05"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("CALENDAR_QUARTER", 1),
        ("DAY_IN_MONTH", 5),
        ("DAY_IN_WEEK", 2),
        ("DAY_IN_YEAR", 5),
        ("WEEK_IN_MONTH", 1),
        ("WEEK_IN_YEAR", 1),
        ("FISCAL_MONTH", 1),
        ("FISCAL_QUARTER", 1),
        ("FISCAL_YEAR", 2026),
    ],
)
def test_parts_of_a_date(pay: Desk, part: str, value: int) -> None:
    assert pay.plain(f"SELECT Name FROM Employee__c WHERE {part}(Hired__c) = {value} AND Name = 'Bob'") == ["Bob"]


def test_times_are_those_of_the_users_zone_where_the_query_says_so(pay: Desk) -> None:
    hours = "SELECT HOUR_IN_DAY({}) h FROM Employee__c GROUP BY HOUR_IN_DAY({})"
    assert pay.plain(hours.format("CreatedDate", "CreatedDate")) == [9]
    pay.org.update_row("User", pay.admin, {"TimeZoneSidKey": "America/Los_Angeles"})
    zoned = "convertTimezone(CreatedDate)"
    assert pay.plain(hours.format(zoned, zoned)) == [1]
    assert pay.plain(hours.format("CreatedDate", "CreatedDate")) == [9]


def test_a_day_begins_at_midnight_of_the_user(pay: Desk) -> None:
    today = "SELECT count(Id) FROM Employee__c WHERE CreatedDate = TODAY"
    assert pay.plain(today) == [5]
    pay.org.update_row("User", pay.admin, {"TimeZoneSidKey": "Pacific/Kiritimati"})  # 14 hours ahead
    assert pay.plain(today) == [5]
    pay.org.clock.advance(2 * 3600)  # 11:00 in GMT, 01:00 of the next day there
    assert pay.plain(today) == [0]
    assert pay.plain(today.replace("TODAY", "YESTERDAY")) == [5]


def test_the_fiscal_year_is_the_organizations(pay: Desk) -> None:
    pay.org.insert_row("Organization", {"Name": "Acme", "FiscalYearStartMonth": 2})
    fiscal = "SELECT FISCAL_YEAR(Hired__c) y, FISCAL_MONTH(Hired__c) m FROM Employee__c WHERE Name = '{}' "
    fiscal += "GROUP BY FISCAL_YEAR(Hired__c), FISCAL_MONTH(Hired__c)"
    assert pay.plain(fiscal.format("Cid")) == [{"y": 2026, "m": 12}]
    assert pay.plain(fiscal.format("Dee")) == [{"y": 2027, "m": 1}]
    assert pay.plain("SELECT Name FROM Employee__c WHERE Hired__c = NEXT_FISCAL_YEAR") == ["Dee"]


def test_rollup_and_cube_add_subtotals(pay: Desk) -> None:
    rows = pay.plain(
        "SELECT Account__r.Name, COUNT(Id) n, GROUPING(Account__r.Name) g FROM Employee__c "
        "WHERE Account__c != null GROUP BY ROLLUP(Account__r.Name)"
    )
    assert rows == [
        {"Name": "Acme", "n": 2, "g": 0},
        {"Name": "Zenith", "n": 2, "g": 0},
        {"Name": None, "n": 4, "g": 1},
    ]
    cube = "SELECT Account__c a, CALENDAR_YEAR(Hired__c) y, COUNT(Id) n FROM Employee__c WHERE Hired__c != null "
    cube += "GROUP BY CUBE(Account__c, CALENDAR_YEAR(Hired__c)) ORDER BY COUNT(Id) DESC LIMIT 2"
    assert [row["n"] for row in pay.plain(cube)] == [4, 3]


def test_formats(pay: Desk) -> None:
    assert pay.plain("SELECT FORMAT(SUM(Salary__c)) s, FORMAT(MIN(Hired__c)) h FROM Employee__c") == [
        {"s": "$110.00", "h": "11/30/2025"}
    ]


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        ("SELECT SUM(Name) FROM Employee__c", "MALFORMED_QUERY", "field Name does not support aggregate operator SUM"),
        (
            "SELECT COUNT(Skills__c) FROM Employee__c",
            "MALFORMED_QUERY",
            "field Skills__c does not support aggregate operator COUNT",
        ),
        (
            "SELECT MAX(IsDeleted) FROM Employee__c",
            "MALFORMED_QUERY",
            "field IsDeleted does not support aggregate operator MAX",
        ),
        (
            "SELECT COUNT(Id) FROM Employee__c GROUP BY CreatedDate",
            "INVALID_FIELD",
            "field 'CreatedDate' can not be grouped in a query call",
        ),
        ("SELECT COUNT(Id) FROM Employee__c GROUP BY Salary__c", "INVALID_FIELD", "'Salary__c' can not be grouped"),
        (
            "SELECT Name, COUNT(Id) FROM Employee__c",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Name",
        ),
        (
            "SELECT COUNT(Id) FROM Employee__c GROUP BY Name ORDER BY Hired__c",
            "MALFORMED_QUERY",
            "Ordered field must be grouped or aggregated: Hired__c",
        ),
        (
            "SELECT Id, COUNT(Id) FROM Employee__c GROUP BY Id",
            "MALFORMED_QUERY",
            "Grouped field should not be aggregated: Id",
        ),
        (
            "SELECT MAX(Name) FROM Employee__c LIMIT 1",
            "MALFORMED_QUERY",
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        ("SELECT Name x, MAX(Id) x FROM Employee__c GROUP BY Name", "MALFORMED_QUERY", "duplicate alias: x"),
        ("SELECT count() FROM Employee__c ORDER BY Name", "MALFORMED_QUERY", "Ordered field must be grouped"),
        ("SELECT Name, count() FROM Employee__c GROUP BY Name", "MALFORMED_QUERY", "unexpected token: 'count'"),
        ("SELECT CALENDAR_YEAR(CreatedDate) FROM Employee__c", "MALFORMED_QUERY", "must be grouped or aggregated"),
        ("SELECT CALENDAR_YEAR(Name), COUNT(Id) FROM Employee__c GROUP BY CALENDAR_YEAR(Name)", "MALFORMED_QUERY", ""),
        (
            "SELECT COUNT(Id) FROM Employee__c WHERE CALENDAR_YEAR(Hired__c) = THIS_YEAR",
            "INVALID_FIELD",
            "must be of type int and should not be enclosed in quotes",
        ),
        (
            "SELECT COUNT(Id) FROM SetupAuditTrail",
            "MALFORMED_QUERY",
            "field Id does not support aggregate operator COUNT",
        ),
        (
            "SELECT (SELECT COUNT(Id) FROM Reviews__r) FROM Employee__c",
            "MALFORMED_QUERY",
            "only root queries support aggregate expressions",
        ),
        ("SELECT GROUPING(Name), COUNT(Id) FROM Employee__c GROUP BY Name", "MALFORMED_QUERY", "'GROUPING'"),
    ],
)
def test_refusals(still_desk: Desk, soql: str, code: str, text: str) -> None:
    with refused(code, text):
        still_desk.query(soql)


def test_groups_have_one_page(desk: Desk) -> None:
    with desk.org.transaction():
        for number in range(2001):
            desk.org.insert_row("Account", {"Name": f"Account {number:04d}", "OwnerId": desk.admin})
    grouped = "SELECT Name, COUNT(Id) FROM Account GROUP BY Name"
    with refused(
        "EXCEEDED_ID_LIMIT", "Aggregate query does not support queryMore(), use LIMIT to restrict the results"
    ):
        desk.query(grouped)
    assert len(desk.query(grouped + " LIMIT 2000")) == 2000
