"""Files of components: how they are written, read, and where in them something is wrong."""

from __future__ import annotations

import pytest

from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.manifest import Manifest, read_manifest, write_manifest
from harness.sandbox.metadata.parts import Parts, by_name, compact, document
from harness.sandbox.metadata.reading import as_parts, check_elements, position, read_xml


def test_a_file_is_written_as_the_platform_writes_it() -> None:
    parts: Parts = [("tab", [("name", "Tom & Ann's"), ("on", True)]), ("label", '"X"')]
    assert document("Thing", by_name(parts)).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Thing xmlns="http://soap.sforce.com/2006/04/metadata">\n'
        "    <label>&quot;X&quot;</label>\n    <tab>\n        <name>Tom &amp; Ann&apos;s</name>\n"
        "        <on>true</on>\n    </tab>\n</Thing>\n"
    )
    assert compact(parts) == '<tab><name>Tom &amp; Ann\'s</name><on>true</on></tab><label>"X"</label>'


def test_what_is_written_is_read_again() -> None:
    parts: Parts = [("a", "<b>"), ("c", [("d", ""), ("d", "x")])]
    assert as_parts(read_xml(document("Thing", parts))) == parts


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"<a>\n<b></a>", 2),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', 1),
        (b"<a>" * 60 + b"</a>" * 60, 1),
        (b'<?xml version="1.0" encoding="nothing"?><a/>', 1),
    ],
)
def test_files_that_are_none(content: bytes, line: int) -> None:
    with pytest.raises(ComponentError, match="Error parsing file: ") as refused:
        read_xml(content)
    assert refused.value.line == line


def test_an_element_that_a_type_does_not_have() -> None:
    content = b"<a>\n  <good/>\n  <bad>x</bad>\n</a>"
    with pytest.raises(ComponentError, match="Element bad invalid at this location in type Thing") as refused:
        check_elements(read_xml(content), "Thing", {"good"}, content)
    assert (refused.value.line, refused.value.column) == (3, 8)


def test_the_place_of_one_element_among_several() -> None:
    content = b"<o>\n<f><n>A</n></f>\n  <f><n>B</n></f>\n</o>"
    assert position(content, "f", holding=">A<") == (2, 4)
    assert position(content, "f", holding=">B<") == (3, 6)
    assert position(content, "nothing") == (1, 1)


def test_manifests() -> None:
    content = write_manifest({"Role": ["B", "A"], "Group": []}, 67.0)
    assert read_manifest(content) == Manifest({"Role": ["A", "B"]}, 67.0)
    assert b"<types>\n        <members>A</members>\n        <members>B</members>\n        <name>Role</name>" in content
    assert Manifest({"Role": ["*"]}).has("Role", "X")
    assert not Manifest({"Role": ["A"]}).has("Role", "X")
    for wrong in (b"<P><types><members>A</members></types></P>", b"<P><version>new</version></P>"):
        with pytest.raises(ComponentError):
            read_manifest(wrong)
