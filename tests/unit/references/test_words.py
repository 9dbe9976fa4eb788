"""Merge fields, strings and comments in formulas, templates and Apex."""

from __future__ import annotations

import pytest

from harness.references.words import literals, merge_fields, without_comments


def said(text: str, *, formula: bool = True) -> list[tuple[str, str | None]]:
    return [(each.says, each.literal) for each in merge_fields(text, formula=formula)]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ('$Profile.Name = "Integration"', [('$Profile.Name = "Integration"', "Integration")]),
        ("'A' <> $Profile.Name", [("'A' <> $Profile.Name", "A")]),
        ("$profile.name == 'A' || $Profile.Id != x", [("$profile.name == 'A'", "A"), ("$Profile.Id", None)]),
        ('CASE($Profile.Name, "A", 1, 0)', [("$Profile.Name", None)]),
        ("$User.Id = OwnerId", [("$User.Id", None)]),
        ("$UserRole.DeveloperName\n  =\n 'Feeds'", [("$UserRole.DeveloperName = 'Feeds'", "Feeds")]),
        ("NOT($Permission.Skip)", [("$Permission.Skip", None)]),
        ("Profile.Name & $Organization.Name & $UserPreference.X", []),
    ],
)
def test_merge_fields_of_a_formula_come_with_what_they_are_compared_with(
    formula: str, expected: list[tuple[str, str | None]]
) -> None:
    assert said(formula) == expected


@pytest.mark.parametrize(
    "formula", ['"$Profile.Name"', "/* $Profile.Name = 'A' */ true", "/* one\n $Profile.Name */ Name = 'x /* y */'"]
)
def test_what_stands_in_comments_and_strings_of_a_formula_is_no_merge_field(formula: str) -> None:
    assert said(formula) == []


def test_a_string_that_looks_like_a_comment_hides_nothing() -> None:
    assert said('A = "/*" && $Profile.Name = "B" && C = "*/"') == [('$Profile.Name = "B"', "B")]


def test_offsets_are_those_of_the_original() -> None:
    formula = "/* a\nb */ 'x' = $Profile.Name"
    [found] = merge_fields(formula, formula=True)
    assert formula[found.offset :] == "$Profile.Name"
    assert len(without_comments(formula)) == len(formula)


def test_a_template_has_merge_fields_also_in_quotes_and_none_in_html_comments() -> None:
    text = '<p title="{!$User.Username}">don\'t {!$Profile.Name}</p><!-- {!$Profile.Id} -->'
    assert said(text, formula=False) == [("$User.Username", None), ("$Profile.Name", None)]


def test_strings_of_apex_are_found_and_those_in_comments_are_not() -> None:
    code = "String a = 'x@y.z'; // 'no'\n/* 'nor this' */ String b = 'it\\'s'; String url = 'http://x';"
    assert [each.value for each in literals(code, apex=True)] == ["x@y.z", "it\\'s", "http://x"]
    assert "no'" not in without_comments(code, apex=True)
