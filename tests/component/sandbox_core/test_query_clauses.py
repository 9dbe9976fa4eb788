"""Clauses beside WHERE: aliases in FROM, children of children, scopes, FOR VIEW, distances, labels, LIKE, times."""

from __future__ import annotations

import pytest

from harness.sandbox.schema import Field, Schema, SObject
from tests.component.sandbox_core.desk import Desk, refused


@pytest.fixture
def rows(desk: Desk) -> Desk:
    """An account in Bern with two contacts, one of them with a case; another in San Francisco."""
    acme = desk.create(
        "Account", Name="Acme 50% off_x", BillingCity="Bern", BillingLatitude=46.948, BillingLongitude=7.4474
    )
    desk.create("Account", Name="Zenith", BillingLatitude=37.7749, BillingLongitude=-122.4194)
    lee = desk.create("Contact", LastName="Lee", AccountId=acme)
    desk.create("Contact", LastName="Ode", AccountId=acme)
    desk.create("Case", Subject="Broken", ContactId=lee)
    desk.ids |= {"acme": acme, "lee": lee}
    return desk


def test_objects_of_the_from_have_aliases(rows: Desk) -> None:
    contacts = (
        "SELECT c.LastName, a.Name FROM Contact c, c.Account a WHERE a.Name LIKE 'acme%' AND a.Owner.Name != null "
    )
    [lee, ode] = rows.query(contacts + "ORDER BY c.LastName")
    assert (lee["LastName"], ode["Account"]["Name"]) == ("Lee", "Acme 50% off_x")
    found = rows.org.query("SELECT count() FROM Contact c, c.Account a WHERE a.Name = 'x'", as_user=rows.admin)
    assert found.total_size == 0


def test_a_recorded_query_of_children_is_understood(rows: Desk) -> None:
    """The parent's name may stand before the relationship, the children's before their fields."""
    soql = (
        "SELECT Account.Name, (SELECT Contact.FirstName, Contact.LastName FROM Account.Contacts) FROM Account LIMIT 5"
    )
    acme, zenith = rows.query(soql)
    assert [one["LastName"] for one in acme["Contacts"]["records"]] == ["Lee", "Ode"]
    assert zenith["Contacts"] is None


def test_children_have_children(rows: Desk) -> None:
    [acme] = rows.query(
        "SELECT (SELECT LastName, (SELECT Subject FROM Cases) FROM Contacts ORDER BY LastName) FROM Account "
        f"WHERE Id = '{rows.ids['acme']}'"
    )
    lee, ode = acme["Contacts"]["records"]
    assert [one["Subject"] for one in lee["Cases"]["records"]] == ["Broken"]
    assert ode["Cases"] is None


def test_children_are_filtered_ordered_and_skipped_by_themselves(rows: Desk) -> None:
    children = "SELECT (SELECT LastName FROM Contacts {}) FROM Account WHERE Name LIKE 'Acme%'"

    def names(clauses: str) -> list[str]:
        [acme] = rows.query(children.format(clauses))
        return [one["LastName"] for one in acme["Contacts"]["records"]] if acme["Contacts"] else []

    assert names("WHERE LastName = 'lee'") == ["Lee"]
    assert names("ORDER BY LastName DESC LIMIT 1") == ["Ode"]
    assert names("ORDER BY LastName LIMIT 1 OFFSET 1") == ["Ode"]
    assert names("LIMIT 0") == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("acme%", True),
        ("%50\\\\% off%", False),
        ("%50\\% off%", True),
        ("%off\\_x", True),
        ("%off__", True),
        ("%off___", False),
        ("a%c%m%e%", True),
        ("a%m%c%e%", False),
        ("%a%c%m%5%\\_x", True),
        ("_cme%", True),
        ("%", True),
    ],
)
def test_like(rows: Desk, pattern: str, found: bool) -> None:
    where = f"SELECT Id FROM Account WHERE Id = '{rows.ids['acme']}' AND "
    assert bool(rows.query(where + f"Name LIKE '{pattern}'")) is found
    assert bool(rows.query(where + f"(NOT Name LIKE '{pattern}')")) is not found


def test_distances(rows: Desk) -> None:
    zurich = "DISTANCE(BillingAddress, GEOLOCATION(47.3769, 8.5417), '{}')"
    assert rows.plain(f"SELECT BillingCity FROM Account WHERE {zurich.format('km')} < 100") == ["Bern"]
    assert rows.plain(f"SELECT Name FROM Account ORDER BY {zurich.format('mi')} DESC")[0] == "Zenith"
    [near, far] = rows.plain(f"SELECT {zurich.format('km')} FROM Account ORDER BY Name")
    assert near == pytest.approx(95.5, abs=1)
    assert far == pytest.approx(9370, abs=50)


def test_labels_and_formats(rows: Desk) -> None:
    rows.fields(rows.own_set("System Administrator"), "Opportunity")
    rows.create("Opportunity", Name="Big", StageName="Prospecting", CloseDate="2026-03-04", Amount=1234567.5)
    assert rows.plain(
        "SELECT toLabel(StageName), FORMAT(CloseDate), FORMAT(Amount) money, FORMAT(CreatedDate) made FROM Opportunity "
        "WHERE toLabel(StageName) = 'prospecting'"
    ) == [
        {
            "StageName": "Prospecting",
            "CloseDate": "3/4/2026",
            "money": "$1,234,567.50",
            "made": "1/5/2026, 9:00 AM",
        }
    ]


def test_scopes(rows: Desk) -> None:
    rows.grant("Sales", "Account", "Read", "Create")
    rows.create("Account", rows.sales, Name="Own")
    assert rows.plain("SELECT Name FROM Account USING SCOPE mine", rows.sales) == ["Own"]
    assert len(rows.plain("SELECT Name FROM Account USING SCOPE Everything", rows.sales)) == 3
    assert rows.plain("SELECT Name FROM Account USING SCOPE mine_and_my_groups WHERE Name != 'x'", rows.sales) == [
        "Own"
    ]
    with refused("INVALID_QUERY_SCOPE"):
        rows.query("SELECT Id FROM Profile USING SCOPE mine")


def test_for_view_says_when_rows_were_last_seen(rows: Desk) -> None:
    soql = f"SELECT LastViewedDate, LastReferencedDate FROM Account WHERE Id = '{rows.ids['acme']}'"
    assert rows.plain(soql) == [{"LastViewedDate": None, "LastReferencedDate": None}]
    rows.query(soql + " FOR REFERENCE")
    [seen] = rows.plain(soql)
    assert seen["LastViewedDate"] is None
    assert seen["LastReferencedDate"] is not None
    rows.query(soql + " FOR VIEW")
    assert rows.plain(soql)[0]["LastViewedDate"] is not None
    assert rows.plain("SELECT count(Id) FROM Account WHERE LastViewedDate != null") == [1]
    rows.query(soql + " FOR UPDATE")
    rows.query(soql + " UPDATE TRACKING, VIEWSTAT")


def test_times_of_day(desk: Desk) -> None:
    schema = desk.org.schema
    _with_time(schema)
    desk.org.schema_changed()
    desk.org.insert_row("Shift__c", {"Name": "Early", "Starts__c": "06:30:00"})
    desk.org.insert_row("Shift__c", {"Name": "Late", "Starts__c": "14:00:00"})
    assert desk.plain("SELECT Name FROM Shift__c WHERE Starts__c < 12:00:00Z") == ["Early"]
    assert desk.plain("SELECT Name FROM Shift__c WHERE Starts__c = 14:00:00.000Z") == ["Late"]
    with refused("INVALID_FIELD", "must be of type time and should not be enclosed in quotes"):
        desk.query("SELECT Name FROM Shift__c WHERE Starts__c = '14:00'")


def _with_time(schema: Schema) -> None:
    shift = SObject("Shift__c", "Shift", "Shifts", "a09", custom=True)
    for one in (
        Field("Id", "id", "Record ID", nillable=False, permissionable=False),
        Field("Name", "string", "Name", length=80, name_field=True, permissionable=False),
        Field("Starts__c", "time", "Starts", custom=True, permissionable=False),
    ):
        shift.add(one)
    schema.add(shift)
