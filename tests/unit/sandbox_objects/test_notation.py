"""The notation of the object files."""

from __future__ import annotations

import pytest

from harness.sandbox.objects.notation import address_fields, label_of, read_field, read_object


def test_a_line_says_everything_about_a_field() -> None:
    field = read_field("StageName", 'picklist(255) * {Prospecting; Closed Won} =Closed Won "Stage"')
    assert (field.type, field.length, field.label) == ("picklist", 255, "Stage")
    assert (field.nillable, field.permissionable) == (False, False)
    assert field.picklist == ("Prospecting", "Closed Won")
    assert field.default == "Closed Won"


def test_a_reference_names_its_parents_and_both_relationships() -> None:
    field = read_field("WhoId", 'ref -> Contact | Lead as Who / Tasks "Name ID"')
    assert (field.type, field.reference_to) == ("reference", ("Contact", "Lead"))
    assert (field.relationship_name, field.child_relationship, field.label) == ("Who", "Tasks", "Name ID")
    assert read_field("AccountId", "ref -> Account").relationship_name == "Account"
    assert read_field("UserOrGroupId", "ref -> Group | User * as -").relationship_name is None


def test_numbers_have_precision_and_scale() -> None:
    amount = read_field("Amount", "currency(16,2)")
    assert (amount.precision, amount.scale, amount.length) == (16, 2, 0)
    assert read_field("Term", "int =3").default == 3
    assert read_field("Rate", "percent(5,2) =1.5").default == 1.5


@pytest.mark.parametrize(
    ("words", "createable", "updateable", "permissionable"),
    [
        ("string(10)", True, True, True),
        ("string(10) readonly", False, False, True),
        ("string(10) system", False, False, False),
        ("string(10) once", True, False, True),
        ("string(10) open", True, True, False),
        ("double(18,2) formula", False, False, True),
    ],
)
def test_words_say_who_may_write(words: str, createable: bool, updateable: bool, permissionable: bool) -> None:
    field = read_field("X", words)
    assert (field.createable, field.updateable, field.permissionable) == (createable, updateable, permissionable)


def test_a_boolean_is_never_null_and_false_by_default() -> None:
    field = read_field("IsActive", "boolean")
    assert (field.nillable, field.default, field.permissionable) == (False, False, True)
    assert read_field("IsActive", "boolean =true").default is True


@pytest.mark.parametrize(("line", "complaint"), [("string(10) requird", "requird"), ("(10)", "no type")])
def test_a_slip_of_the_pen_is_an_error(line: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_field("Name", line)


def test_an_object_without_what_it_needs_is_an_error() -> None:
    with pytest.raises(KeyError):
        read_object("Thing", {"label": "Thing", "audit": "none", "fields": {}}, ())


@pytest.mark.parametrize(
    ("name", "label"),
    [("AnnualRevenue", "Annual Revenue"), ("AccountId", "Account ID"), ("IsPrivate", "Is Private"), ("Id", "Id")],
)
def test_labels_are_read_from_names(name: str, label: str) -> None:
    assert label_of(name) == label


def test_an_address_of_its_own_has_parts_without_a_prefix() -> None:
    names = [one.name for one in address_fields("Address")]
    assert names[0] == "Street"
    assert names[-1] == "Address"
