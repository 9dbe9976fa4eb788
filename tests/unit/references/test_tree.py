"""Reading metadata with the lines it came from."""

from __future__ import annotations

import pytest

from harness.references.tree import NotReadable, parse, tree_of

RULE = b"""<?xml version="1.0" encoding="UTF-8"?>
<ValidationRule xmlns="http://soap.sforce.com/2006/04/metadata">
    <!-- $Profile.Name -->
    <errorConditionFormula>AND(
  Name &lt;&gt; &quot;a&quot; &amp;&amp;
  $Profile.Name = &apos;B&apos;)</errorConditionFormula>
</ValidationRule>
"""


def test_a_place_in_a_text_with_entities_has_its_real_line() -> None:
    formula = parse(RULE).child("errorConditionFormula")
    assert formula is not None
    assert formula.text == "AND(\n  Name <> \"a\" &&\n  $Profile.Name = 'B')"
    assert formula.line_at(formula.text.index("AND")) == 4
    assert formula.line_at(formula.text.index("&&")) == 5
    assert formula.line_at(formula.text.index("$Profile")) == 6


def test_a_line_break_written_as_an_entity_is_no_line_of_the_file() -> None:
    node = parse(b"<a>x&#10;y&#10;\n<!-- c -->z</a>")
    assert node.text == "x\ny\n\nz"
    assert node.line_at(node.text.index("y")) == 1
    assert node.line_at(node.text.index("z")) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"<a><b></a>",
        b"",
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"<a>" * 5000 + b"</a>" * 5000,
    ],
)
def test_what_is_no_xml_or_attacks_its_reader_is_refused(content: bytes) -> None:
    with pytest.raises(NotReadable):
        parse(content)


def test_what_the_metadata_api_answers_becomes_a_tree_without_lines() -> None:
    tree = tree_of("Workflow", {"fullName": "Case", "alerts": [{"fullName": "A"}, {"fullName": "B"}], "rules": None})
    assert tree.value("fullName") == "Case"
    assert [each.value("fullName") for each in tree.children if each.name == "alerts"] == ["A", "B"]
    assert tree.children[0].line_at(0) == 0
