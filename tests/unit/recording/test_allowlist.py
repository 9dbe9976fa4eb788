"""Lists of what a cassette may hold: strictly read, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RecordingError
from harness.recording.cleaning.allowlist import Treatment, allow_list, built_in, read
from harness.recording.standing_in.standins import Kind

WRONG = {
    "an unknown key": ("allow: 1\nresource: []\n", "list.yaml:2: resource: unknown key 'resource'"),
    "another version": ("allow: 2\n", "list.yaml:1: allow"),
    "no version": ("resources: []\n", "list.yaml:1: the list: 'allow' is missing"),
    "no treatment": ("allow: 1\nobjects:\n  A:\n    B: kep\n", "list.yaml:4: objects.A.B: a treatment is expected"),
    "two of a list": ("allow: 1\nresources:\n  - path: /a\n    json:\n      b: [keep, keep]\n", "list.yaml:5: "),
    "a key of a resource": (
        "allow: 1\nresources:\n  - path: /a\n    jsn: keep\n",
        "list.yaml:4: resources.0.jsn",
    ),
    "a path with a query": ("allow: 1\nresources:\n  - path: /a?b=c\n", "list.yaml:3: resources.0.path"),
    "a key twice": ("allow: 1\nobjects: {}\nobjects: {}\n", "list.yaml:3: the key 'objects' is here twice"),
    "an anchor": ("allow: 1\nobjects: &a {}\n", "list.yaml:2: anchors, aliases and tags"),
    "a tag": ("allow: 1\nobjects: !x {}\n", "list.yaml:2: anchors, aliases and tags"),
    "nothing": ("", "list.yaml:1: the file is empty"),
    "a list": ("- allow\n", "list.yaml:1: the list"),
    "no YAML": ("allow: [1\n", "list.yaml:2: "),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_with_file_and_line(what: str) -> None:
    text, message = WRONG[what]
    with pytest.raises(RecordingError) as caught:
        read(text, shown="list.yaml")
    assert str(caught.value).startswith(message)
    assert "docs/cassettes.md" in str(caught.value)


def test_a_list_of_ones_own_goes_before_that_of_the_package(tmp_path: Path) -> None:
    assert allow_list(tmp_path) == built_in()
    (tmp_path / "allow.yaml").write_text(
        "allow: 1\n"
        "resources:\n  - path: /services/apexrest/{name}/{rest...}\n    json: [{a: keep}]\n"
        "objects:\n  Meter__c: {Serial__c: keep, '*__c': text}\n  PermissionSet: {Label: text}\n"
        "metadata:\n  Flow: {label: text}\n"
    )
    mine = allow_list(tmp_path)
    assert [each.path for each in mine.resources_of("/services/apexrest/a/b/c")] == [
        "/services/apexrest/{name}/{rest...}"
    ]
    assert not list(mine.resources_of("/services/apexrest/a"))
    assert mine.column("Meter__c", "Serial__c") == Treatment.KEEP
    assert mine.column("Meter__c", "Type__c") == Kind.TEXT
    assert mine.column("PermissionSet", "Label") == Kind.TEXT
    assert mine.column("PermissionSet", "Name") == Treatment.KEEP
    assert mine.element("Flow", "label") == Kind.TEXT
    assert mine.element("Flow", "anything") == Treatment.WORDS


def test_a_list_that_cannot_be_read_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "allow.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(RecordingError, match="cannot be read"):
        allow_list(tmp_path)


def test_no_apex_rest_resource_is_on_the_list_of_the_package() -> None:
    assert not list(built_in().resources_of("/services/apexrest/orders/v1/status"))
    assert built_in().column("Meter__c", "Anything__c") == Treatment.REPLACE
    assert built_in().element("CustomObject", "description") is None
