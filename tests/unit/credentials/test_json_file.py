"""JSON files: values are read and replaced by dotted key, and everything else stays byte for byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.credentials import json_file
from harness.credentials.errors import ContentError

FILE = b"""\
{
\t"salesforce": {
\t\t"username": "old",  "timeout": 1.50,
\t\t"nested": {"password": "p\\u00e9"}
\t},
\t"list": [1, {"a": "}"}],
\t"empty": {}
}"""


def test_values_are_read() -> None:
    keys = ("salesforce.username", "salesforce.nested.password", "salesforce.timeout", "salesforce.absent", "x.y")
    assert json_file.read(FILE, keys) == {
        "salesforce.username": "old",
        "salesforce.nested.password": "pé",
        "salesforce.timeout": "1.50",
    }


@pytest.mark.parametrize(
    ("key", "value", "before", "after"),
    [
        ("salesforce.username", "new", b'"old"', b'"new"'),
        ("salesforce.username", 'say "x"\n', b'"old"', b'"say \\"x\\"\\n"'),
        ("salesforce.timeout", "2", b"1.50", b'"2"'),
        ("salesforce.nested.password", "x", b'"p\\u00e9"', b'"x"'),
        ("salesforce.nested.key", "k", b'"p\\u00e9"}', b'"p\\u00e9", "key": "k"}'),
        ("salesforce.key", "k", b'"p\\u00e9"}', b'"p\\u00e9"},\n\t\t"key": "k"'),
        ("key", "k", b'"empty": {}', b'"empty": {},\n\t"key": "k"'),
        ("empty.key", "k", b'"empty": {}', b'"empty": {"key": "k"}'),
        ("empty.a.b", "k", b'"empty": {}', b'"empty": {"a": {"b": "k"}}'),
    ],
)
def test_only_the_value_changes(key: str, value: str, before: bytes, after: bytes) -> None:
    assert json_file.write(FILE, {key: value}) == FILE.replace(before, after)


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("salesforce.username", b'"username": "old",  ', b""),
        ("salesforce.nested", b',\n\t\t"nested": {"password": "p\\u00e9"}', b""),
        ("salesforce.nested.password", b'{"password": "p\\u00e9"}', b"{}"),
        ("absent.key", b"", b""),
    ],
)
def test_a_key_is_taken_out(key: str, before: bytes, after: bytes) -> None:
    written = json_file.write(FILE, {key: None})
    assert written == FILE.replace(before, after)
    json.loads(written)


def test_a_file_is_made() -> None:
    assert json_file.write(b"", {"a.b": "1", "c": "2"}) == b'{\n  "a": {"b": "1"},\n  "c": "2"\n}\n'
    assert json_file.write(b"{}", {"a": "1"}) == b'{\n  "a": "1"\n}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "it is not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b"[1]", "its top level is not an object"),
        (b'{"a": 1, "a": 2}', "the member a stands twice"),
        (b'{"a": "\xff"}', "it is not UTF-8"),
        (b'{"a": {"b": 1}}', "a holds an object or a list, not a value"),
        (b'{"a": [1]}', "a holds an object or a list, not a value"),
        (b'{"a": ' * 60 + b"1" + b"}" * 60, "it is nested too deeply"),
    ],
)
def test_what_cannot_be_changed_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ContentError, match=message.replace("[", r"\[")):
        json_file.write(content, {"a": "1"})


def test_a_value_on_the_way_is_refused() -> None:
    with pytest.raises(ContentError, match=r"salesforce\.username\.x: username is not an object"):
        json_file.write(FILE, {"salesforce.username.x": "1"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("abc", max_size=2), below, max_size=3),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=2), json_values, max_size=4),
    st.sampled_from(["a", "b.c", "a.b.c"]),
    st.text(max_size=10),
    st.sampled_from([None, 1, 4, "\t"]),
)
def test_any_file_takes_a_value_and_gives_it_back(
    data: dict[str, object], key: str, value: str, indent: int | str | None
) -> None:
    content = json.dumps(data, indent=indent).encode()
    try:
        written = json_file.write(content, {key: value})
    except ContentError:
        return
    assert json_file.read(written, (key,)) == {key: value}
    changed = json.loads(written)
    at, *names = changed, *key.split(".")
    for name in names[:-1]:
        at = at[name]
    assert at[names[-1]] == value
    if key not in json_file.read(content, (key,)):
        assert json_file.read(json_file.write(written, {key: None}), (key,)) == {}
