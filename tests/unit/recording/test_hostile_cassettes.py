"""Cassettes that anybody may have sent: each is read well, or refused with file and line, and nothing else happens."""

from __future__ import annotations

import copy
import gzip
import io
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vcr.request import Request
from vcr.serialize import serialize

from harness.errors import RecordingError
from harness.recording.filing import as_json, as_yaml, files
from harness.recording.filing.contents import check_head, read_interaction
from harness.recording.filing.files import Loaded, head_of, load, pack
from harness.recording.hosts import CANONICAL_URL
from tests.unit.recording.shelf import asked, conversation, told

PLAIN: dict[str, Any] = {
    "version": 1,
    **serialize(
        conversation(
            (asked(), told({"records": [{"Name": "é"}]})),
            (asked(method="POST", body='{\n "Name": "a\\nb"\n}'), told([{"errorCode": "X", "message": "no"}], 400)),
        ),
        files._AsItIs,
    ),
}
FORMS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    ".yaml": lambda data: as_yaml.write(data).encode(),
    ".json.gz": lambda data: pack(as_json.write(data)),
}
both = pytest.mark.parametrize("form", list(FORMS))


def plain() -> dict[str, Any]:
    return copy.deepcopy(PLAIN)


def refusal(folder: Path, suffix: str, content: bytes) -> RecordingError:
    path = folder / f"plan{suffix}"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        load(path)
    assert caught.value.place is not None
    assert caught.value.place.file == str(path)
    assert "remedy: take it back from version control, or record it again" in str(caught.value)
    return caught.value


# --- what is no cassette ----------------------------------------------------------------------------------------------

SECOND = ("interactions", 1)
REQUEST, RESPONSE = (*SECOND, "request"), (*SECOND, "response")
GONE = object()
WRONG: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "another-version": (("version",), 2, "its version is not 1"),
    "version-as-text": (("version",), "1", "its version is not 1"),
    "no-metadata": (("metadata",), None, "its metadata is no mapping"),
    "odd-name": (("metadata", "a b"), "x", "odd name a b"),
    "moment-without-zone": (("metadata", "recorded_at"), "2026-01-05T09:00:00", "recorded_at is no time with its zone"),
    "no-moment": (("metadata", "recorded_at"), "yesterday", "recorded_at is no time with its zone"),
    "number-in-metadata": (("metadata", "source"), 5, "the metadata source is no text"),
    "deep-metadata": (("metadata", "source"), {"a": {"b": "c"}}, "the metadata source is no text"),
    "line-in-metadata": (("metadata", "source"), "a\x1b[2J", "the metadata source has control characters"),
    "no-tape": (("metadata", "tape"), "now", "the metadata tape is no list"),
    "what-no-clock-says": (("metadata", "tape"), ["passed perhaps"], "line 1 of the metadata tape is no reading"),
    "no-time-on-tape": (
        ("metadata", "before"),
        ["id 1", "now 2026-13-05T09:00:00+00:00"],
        "line 2 of the metadata before",
    ),
    "interaction-as-list": (SECOND, [1], "the interaction is no mapping"),
    "third-part": ((*SECOND, "recorded_at"), "x", "the interaction has the key recorded_at"),
    "no-response": (RESPONSE, GONE, "the interaction has no response"),
    "no-method": ((*REQUEST, "method"), GONE, "the request has no method"),
    "odd-method": ((*REQUEST, "method"), "TRACE", "the method of the request is none"),
    "another-host": ((*REQUEST, "uri"), "https://evil.example/services/data", "the URI of the request is none below"),
    "host-that-begins-alike": ((*REQUEST, "uri"), f"{CANONICAL_URL}.evil.example/", "is none below"),
    "user-at-host": ((*REQUEST, "uri"), f"{CANONICAL_URL}@evil.example/", "is none below"),
    "no-tls": ((*REQUEST, "uri"), f"http{CANONICAL_URL[5:]}/services", "is none below"),
    "fragment": ((*REQUEST, "uri"), f"{CANONICAL_URL}/services#top", "is none below"),
    "blank-in-uri": ((*REQUEST, "uri"), f"{CANONICAL_URL}/services HTTP/1.1\r\nHost: x", "is none below"),
    "climbing": ((*REQUEST, "uri"), f"{CANONICAL_URL}/services/../secret", "climbs out of its path"),
    "uri-as-list": ((*REQUEST, "uri"), [CANONICAL_URL], "is none below"),
    "body-as-number": ((*REQUEST, "body"), 5, "the body of the request is no text"),
    "body-as-mapping": ((*REQUEST, "body"), {"base64_string": "eA=="}, "the body of the request is no text"),
    "header-as-text": ((*REQUEST, "headers", "accept"), "x", "the header accept of the request is no list of one"),
    "no-value": ((*REQUEST, "headers", "accept"), [], "the header accept of the request is no list of one"),
    "two-values": ((*RESPONSE, "headers", "location"), ["/a", "/b"], "location of the response is no list of one"),
    "header-of-two-lines": ((*REQUEST, "headers", "accept"), ["a\r\nB: c"], "has control characters"),
    "cookie": (
        (*REQUEST, "headers", "cookie"),
        ["sid=x"],
        "the request has the header cookie, which no recording keeps",
    ),
    "encoding": ((*RESPONSE, "headers", "content-encoding"), ["gzip"], "content-encoding, which no recording keeps"),
    "headers-as-list": ((*RESPONSE, "headers"), [], "the headers of the response is no mapping"),
    "status-as-text": ((*RESPONSE, "status", "code"), "200", "the status code of the response is no number"),
    "status-of-zero": ((*RESPONSE, "status", "code"), 0, "the status code of the response is no number"),
    "status-alone": ((*RESPONSE, "status"), 200, "the status of the response is no mapping"),
    "message-as-number": ((*RESPONSE, "status", "message"), 1, "the message of the status is no text"),
    "packed-body": (
        (*RESPONSE, "body"),
        {"base64_string": "eA=="},
        "the body of the response has the key base64_string",
    ),
    "bare-body": ((*RESPONSE, "body"), "x", "the body of the response is no mapping"),
    "no-body": ((*RESPONSE, "body", "string"), None, "the body of the response is no text"),
    "nul": ((*RESPONSE, "body", "string"), "a\0b", "the body of the response has NUL characters"),
}


def changed(place: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    data = plain()
    holder: Any = data
    for key in place[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return data


@both
@pytest.mark.parametrize("what", list(WRONG))
def test_what_does_not_fit_is_refused_in_its_line(tmp_path: Path, form: str, what: str) -> None:
    place, value, message = WRONG[what]
    content = FORMS[form](changed(place, value))
    error = refusal(tmp_path, form, content)
    assert message in str(error)
    assert error.place is not None
    assert error.place.line == line_of(form, content, place)


def line_of(form: str, content: bytes, place: tuple[str | int, ...]) -> int:
    """Where the second interaction begins, or the metadata."""
    if form == ".json.gz":
        return 3 if place[0] == "interactions" else 1
    lines = content.decode().split("\n")
    return (
        [number for number, line in enumerate(lines, start=1) if line.startswith("- ")][1]
        if "interactions" in place
        else 2
    )


YAML_TEXTS: dict[str, tuple[str, str, str, int]] = {
    "tag": ("method: GET", "method: !!str GET", "it has the tag tag:yaml.org,2002:str", 18),
    "object": (
        "body: null",
        "body: !!python/object/apply:os.system ['true']",
        "it has the tag tag:yaml.org,2002:python",
        20,
    ),
    "binary": ("string: '{", "string: !!binary '{", "it has the tag tag:yaml.org,2002:binary", 34),
    "anchor": ("method: GET", "method: &a GET", "it has an anchor or an alias", 18),
    "alias": ("method: GET", "method: *a", "it has an anchor or an alias", 18),
    "merge": ("    method: GET", "    <<: {}\n    method: GET", "a value is neither text nor a whole number", 18),
    "key-twice": ("    method: GET", "    method: GET\n    method: GET", "the key method is there twice", 19),
    "key-no-text": ("    method: GET", "    1: GET", "it has a key that is no text", 18),
    "key-a-list": ("    method: GET", "    [a]: GET", "it has a key that is no text", 18),
    "no-text": ("method: GET", "method: yes", "a value is neither text nor a whole number", 18),
    "octal": ("code: 200", "code: 0o310", "the status code of the response is no number", 17),
    "float": ("code: 200", "code: 2e2", "no number from 100 to 599", 17),
    "base-60": ("code: 200", "code: 3:20", "a value is neither text nor a whole number", 28),
    "day": ("tool_version: 0.1.0", "tool_version: 2026-01-05", "a value is neither text nor a whole number", 5),
    "deep": ("body: null", f"body: {'[' * 100_000}", "it is nested deeper than 8 levels", 20),
    "unfinished": ("method: GET", "method: 'GET", "it is no YAML: did not find expected key", 34),
    "control": ("method: GET", "method: \x07GET", "it has characters that YAML does not allow", 18),
    "order": ("version: 1\nmetadata:", "metadata:", "version should be here", 1),
    "two-documents": ("version: 1", "--- {}\n---\nversion: 1", "version should be here", 1),
    "directive": ("version: 1", "%YAML 9.9\n---\nversion: 1", "it is no YAML", 1),
}


@pytest.mark.parametrize("what", list(YAML_TEXTS))
def test_no_more_of_yaml_is_read_than_a_cassette_needs(tmp_path: Path, what: str) -> None:
    old, new, message, line = YAML_TEXTS[what]
    text = as_yaml.write(PLAIN)
    assert old in text
    error = refusal(tmp_path, ".yaml", text.replace(old, new, 1).encode())
    assert message in str(error)
    assert error.place is not None
    assert error.place.line == line


JSON_TEXTS: dict[str, tuple[str, str, str, int]] = {
    "key-twice": ('{"method":', '{"method":"GET","method":', "the key method is there twice", 2),
    "unfinished": ('"method":"GET"', '"method":"GET', "it is no JSON at column", 2),
    "nan": ('"code":400', '"code":NaN', "NaN is no value that a cassette may hold", 3),
    "float": ('"code":400', '"code":4e2', "4e2 is no value that a cassette may hold", 3),
    "endless-number": ('"code":400', '"code":' + "9" * 5000, "it is no JSON that a cassette may hold", 3),
    "true": ('"code":400', '"code":true', "the status code of the response is no number", 3),
    "half-a-character": ('"string":"', '"string":"\\ud800', "the body of the response has half a character", 2),
    "nul": ('"string":"', '"string":"\\u0000', "the body of the response has NUL characters", 2),
    "line-in-text": ('"string":"', '"string":"\x01', "it is no JSON at column", 2),
    "deep": ('"body":null', '"body":' + "[" * 100_000, "it is no JSON", 2),
    "much": ('"body":null', '"body":[' + "[]," * 500_000 + "[]]", "the line holds more than an interaction could", 2),
    "no-comma": ("}}},\n", "}}}\n", "the line is no interaction with a comma behind it", 2),
    "two-in-a-line": ("}}},\n", "}}},", "it is no JSON at column", 2),
    "broken-line": ('{"request":', '{"request":\n', "the line is no interaction with a comma behind it", 2),
    "empty-line": ("]}\n", "\n]}\n", "the line is no interaction with a comma behind it", 3),
    "more-behind": ("\n]}\n", "\n]}\n{}\n", "it does not end as a cassette does", 6),
    "cut": ("\n]}\n", "\n", "it does not end as a cassette does", 4),
    "order": ('{"version": 1, ', "{", "it does not begin with version, metadata and interactions", 1),
    "head-of-two-lines": ('{"version": 1, ', '{"version": 1,\n', "its first line is not version, metadata", 1),
    "more-in-head": ('"version": 1', '"version": 1, "more": 2', "it does not begin with version", 1),
    "version-twice": ('"version": 1', '"version": 1, "version": 1', "the key version is there twice", 1),
}


@pytest.mark.parametrize("what", list(JSON_TEXTS))
def test_no_more_of_json_is_read_than_a_cassette_needs(tmp_path: Path, what: str) -> None:
    old, new, message, line = JSON_TEXTS[what]
    text = as_json.write(PLAIN)
    assert old in text
    error = refusal(tmp_path, ".json.gz", pack(text.replace(old, new, 1)))
    assert message in str(error)
    assert error.place is not None
    assert error.place.line == line


# --- files that are no texts ------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("broken", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80"], ids=["byte", "surrogate", "overlong"])
def test_what_is_no_utf_8_is_refused_in_its_line(tmp_path: Path, form: str, broken: bytes) -> None:
    text = as_json.write(PLAIN) if form == ".json.gz" else as_yaml.write(PLAIN)
    content = text.encode().replace(b"GET", broken, 1)
    error = refusal(tmp_path, form, packed(content) if form == ".json.gz" else content)
    assert "it is no UTF-8" in str(error)
    assert error.place is not None
    assert error.place.line == content[: content.index(broken)].count(b"\n") + 1


def packed(content: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as file:
        file.write(content)
    return out.getvalue()


PACKED = pack(as_json.write(PLAIN))
BROKEN = {
    "empty": b"",
    "not-packed": as_json.write(PLAIN).encode(),
    "cut": PACKED[:-9],
    "without-checksum": PACKED[:-8],
    "wrong-checksum": PACKED[:-8] + b"\0" * 8,
    "two-in-one": PACKED * 2,
    "more-behind": PACKED + b"x",
    "named": PACKED[:3] + b"\x08" + PACKED[4:10] + b"a secret\0" + PACKED[10:],
    "dated": PACKED[:4] + b"\x01" + PACKED[5:],
}


@pytest.mark.parametrize("what", list(BROKEN))
def test_a_packed_file_is_what_a_recording_packs(tmp_path: Path, what: str) -> None:
    assert "it cannot be unpacked: " in str(refusal(tmp_path, ".json.gz", BROKEN[what]))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = packed(b"\0" * ((128 << 20) + 1))
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        assert "it is larger than 128 MiB" in str(refusal(tmp_path, ".json.gz", bomb))
        assert tracemalloc.get_traced_memory()[1] < 600 << 20
    finally:
        tracemalloc.stop()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.touch()
    os.truncate(path, 1 << 40)  # a hole
    assert "it is larger than 16 MiB" in str(refused(path))


def refused(path: Path) -> RecordingError:
    for read in (head_of, load):
        with pytest.raises(RecordingError) as caught:
            read(path)
    return caught.value


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plan.yaml")
    assert "it is no plain file" in str(refused(tmp_path / "plan.yaml"))
    (tmp_path / "grant.yaml").mkdir()
    assert "it is no plain file" in str(refused(tmp_path / "grant.yaml"))
    assert "No such file" in str(refused(tmp_path / "gone.yaml"))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    cassettes = tmp_path / "cassettes"
    cassettes.mkdir()
    for folder in (cassettes, tmp_path):
        (folder / "verify.yaml").write_text(as_yaml.write(PLAIN))
    (cassettes / "grant.yaml").symlink_to(tmp_path / "verify.yaml")
    (cassettes / "plan.yaml").symlink_to("verify.yaml")
    (tmp_path / "elsewhere").symlink_to(cassettes)
    assert "it is a link that leads out of its folder" in str(refused(cassettes / "grant.yaml"))
    assert load(cassettes / "plan.yaml").requests
    assert load(tmp_path / "elsewhere" / "verify.yaml").requests


def test_no_file_holds_more_values_than_there_is_time_for(tmp_path: Path) -> None:
    flood = as_yaml.write(PLAIN).replace("body: null", f"body: [{'[],' * 300_000}]")
    assert "it has more than 500,000 values" in str(refusal(tmp_path, ".yaml", flood.encode()))


# --- anything at all --------------------------------------------------------------------------------------------------

EACH = settings(deadline=10_000, max_examples=250, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(deadline=10_000, max_examples=4000, suppress_health_check=[HealthCheck.too_slow])
ODD = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=20),
    st.sampled_from(
        ["", "yes", "1", "<<", "=", "~", "2026-01-05", "0o7", "\x85", "\ufeff", "\0", "{", "|", "- a", CANONICAL_URL]
    ),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def nodes(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if at:
        yield at
    if isinstance(value, dict):
        for key, each in value.items():
            yield from nodes(each, (*at, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from nodes(each, (*at, number))


PLACES = sorted(nodes(PLAIN), key=str)


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    """A cassette with nodes dropped, replaced, renamed and moved to where others are."""
    data = plain()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(PLACES))
        try:
            holder = data
            for key in place[:-1]:
                holder = holder[key]  # type: ignore[index]
            _mutate(draw, holder, place[-1])
        except (KeyError, IndexError, TypeError):
            continue  # what was there is gone by now
    return data


def _mutate(draw: st.DrawFn, holder: Any, key: Any) -> None:
    how = draw(st.sampled_from(["drop", "replace", "rename", "move", "repeat"]))
    if how == "drop":
        del holder[key]
    elif how == "replace":
        holder[key] = draw(ODD)
    elif how == "move":
        holder[key] = copy.deepcopy(value_at(draw(st.sampled_from(PLACES))))
    elif how == "rename" and isinstance(holder, dict):
        holder[draw(st.text(max_size=5))] = holder.pop(key)
    else:
        holder[key] = [holder[key], holder[key]]


def value_at(place: tuple[str | int, ...]) -> Any:
    value: Any = PLAIN
    for key in place:
        value = value[key]
    return value


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes flipped, cut out, doubled and put in."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 20))
        piece = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b"\n", b"  ", b": ", b"- ", b"&a ", b"!!", b'"', b"}"]))
        )
        content[at : at + length] = draw(st.sampled_from([piece, bytes(content[at : at + length]) * 2, b""]))
    return bytes(content)


def read_or_refused(folder: Path, suffix: str, content: bytes) -> Loaded | None:
    """The claim: a well-formed cassette, or RecordingError with file and line; nothing else, and nothing printed."""
    path = folder / f"plan{suffix}"
    path.write_bytes(content)
    try:
        loaded = load(path)
    except RecordingError as error:
        check_refusal(error, path, content)
        return None
    assert head_of(path) == loaded.metadata == check_head({"version": 1, "metadata": loaded.metadata})
    for interaction, request, response in zip(loaded.interactions(), loaded.requests, loaded.responses, strict=True):
        again, answer = read_interaction(copy.deepcopy(interaction))
        assert (again._to_dict(), answer) == (request._to_dict(), response)
        assert isinstance(request, Request)
        assert request.host == "org.my.salesforce.example"
        assert isinstance(response["body"]["string"], bytes)
    return loaded


def check_refusal(error: RecordingError, path: Path, content: bytes) -> None:
    assert all(line.isprintable() for line in str(error).split("\n"))
    assert error.place is not None
    assert error.place.file == str(path)
    if "it cannot be unpacked" not in error.message:
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        assert error.place.line is not None
        assert 1 <= error.place.line <= text.count(b"\n") + 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


class TestAnything:
    """More of it is `long`."""

    @both
    @EACH
    @given(data=mutants())
    def test_a_cassette_of_another_structure(self, folder: Path, form: str, data: dict[str, Any]) -> None:
        mutated(folder, form, data)

    @EACH
    @given(content=damaged(as_yaml.write(PLAIN).encode()))
    def test_damaged_yaml(self, folder: Path, content: bytes) -> None:
        read_or_refused(folder, ".yaml", content)

    @EACH
    @given(content=damaged(as_json.write(PLAIN).encode()))
    def test_damaged_json(self, folder: Path, content: bytes) -> None:
        read_or_refused(folder, ".json.gz", packed(content))

    @EACH
    @given(content=damaged(PACKED))
    def test_a_damaged_packed_file(self, folder: Path, content: bytes) -> None:
        assert read_or_refused(folder, ".json.gz", content) is None or content == PACKED

    @both
    @EACH
    @given(text=st.text() | st.binary().map(lambda content: content.decode("latin-1")))
    def test_any_text(self, folder: Path, form: str, text: str) -> None:
        assert read_or_refused(folder, form, packed(text.encode()) if form == ".json.gz" else text.encode()) is None


def mutated(folder: Path, form: str, data: dict[str, Any]) -> None:
    try:
        content = FORMS[form](data)
    except (KeyError, TypeError, UnicodeEncodeError, yaml.YAMLError):
        return  # it cannot even be written
    loaded = read_or_refused(folder, form, content)
    if loaded is not None:
        assert loaded.interactions() == list(data["interactions"])  # where they are no list, none are written


@pytest.mark.long
@pytest.mark.parametrize("kind", ["structure", "yaml", "json", "packed"])
def test_anything_a_thousand_times(folder: Path, kind: str) -> None:
    strategy: Any = {
        "structure": st.tuples(st.sampled_from(list(FORMS)), mutants()),
        "yaml": damaged(as_yaml.write(PLAIN).encode()),
        "json": damaged(as_json.write(PLAIN).encode()),
        "packed": damaged(PACKED),
    }[kind]

    @MANY
    @given(found=strategy)
    def hold(found: Any) -> None:
        if kind == "structure":
            mutated(folder, *found)
        else:
            content = packed(found) if kind == "json" else found
            read_or_refused(folder, ".yaml" if kind == "yaml" else ".json.gz", content)

    hold()


def test_the_claim_would_notice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that lets a wrong type through, or that fails in another way, is found by it."""

    def careless(content: Any, *_: Any) -> Any:
        raise KeyError(content)

    monkeypatch.setattr(files, "read_interaction", careless)
    with pytest.raises(KeyError):
        read_or_refused(folder, ".yaml", as_yaml.write(PLAIN).encode())
