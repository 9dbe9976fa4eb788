"""Recordings as files: HAR and vcrpy in their many forms, patterns, and what is broken or hostile."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.access.use.deeds import Seen, Selected
from harness.access.use.formats import exchanges
from harness.access.use.recordings import matching, read_file, read_recordings
from harness.errors import Place, ScenarioError, UsageError

URL = "https://acme.my.salesforce.com/services/data/v67.0"
QUERY = f"{URL}/query?q=SELECT+Id+FROM+Lead"
PLACE = Place("erp.scenario.yaml", 12, 9)


def har(*entries: Any) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": list(entries)}}


def entry(method: str, url: str, *, body: dict[str, Any] | None = None, content: Any = None) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-03-01T02:00:00.000+01:00",
        "request": {"method": method, "url": url, "headers": [], **({"postData": body} if body else {})},
        "response": {"status": 200, "headers": [], "content": content or {}},
    }


def cassette(*interactions: Any) -> dict[str, Any]:
    return {"version": 1, "interactions": list(interactions)}


def interaction(method: str, uri: str, *, body: Any = None, headers: Any = None, answer: Any = None) -> dict[str, Any]:
    date = {"Date": ["Sun, 01 Mar 2026 01:00:00 GMT"]}
    return {
        "request": {"method": method, "uri": uri, "body": body, "headers": headers or {}},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": date, "body": {"string": answer or ""}},
    }


def seen_of(tmp_path: Path, content: Any, name: str = "t.har") -> Seen:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    seen = Seen()
    read_file(path, name, seen)
    return seen


@pytest.mark.parametrize(
    "content",
    [
        har(entry("GET", QUERY)),
        cassette(interaction("GET", QUERY)),
        yaml.safe_dump(cassette(interaction("GET", QUERY))).encode(),
        b"\xef\xbb\xbf" + json.dumps(har(entry("GET", QUERY))).encode(),
        gzip.compress(json.dumps(cassette(interaction("GET", QUERY))).encode(), mtime=0),
    ],
    ids=["har", "json", "yaml", "mark", "packed"],
)
def test_har_and_cassettes_in_json_and_yaml(tmp_path: Path, content: Any) -> None:
    seen = seen_of(tmp_path, content)
    assert [(use.deed, use.where) for use in seen.uses] == [(Selected("Lead", paths=frozenset({("Id",)})), "t.har:1")]
    assert (seen.requests, seen.unknown) == (1, [])
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in seen.moments] == ["2026-03-01 01:00"]


ROW = b'{"Company": "a"}'
PACKED = {"Content-Encoding": ["gzip"]}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ROW.decode(), None),
        ({"string": ROW.decode()}, None),
        ({"base64_string": base64.b64encode(ROW).decode()}, None),
        ({"base64_string": base64.b64encode(gzip.compress(ROW)).decode()}, PACKED),
        ({"base64_string": base64.b64encode(zlib.compress(ROW)).decode()}, {"content-encoding": "deflate"}),
        (ROW.decode(), PACKED),  # vcrpy unpacks and keeps the header
    ],
)
def test_bodies_of_cassettes(tmp_path: Path, body: Any, headers: Any) -> None:
    content = cassette(interaction("POST", f"{URL}/sobjects/Lead", body=body, headers=headers))
    [use] = seen_of(tmp_path, content).uses
    assert use.deed.fields == {("Company",)}  # type: ignore[union-attr]


def test_bytes_in_yaml(tmp_path: Path) -> None:
    content = cassette(interaction("POST", f"{URL}/sobjects/Lead", body=gzip.compress(ROW), headers=PACKED))
    [use] = seen_of(tmp_path, yaml.dump(content).encode(), "t.yaml").uses
    assert use.deed.fields == {("Company",)}  # type: ignore[union-attr]


def test_bodies_of_har(tmp_path: Path) -> None:
    coded = {"mimeType": "application/json", "text": base64.b64encode(ROW).decode(), "encoding": "base64"}
    plain = {"mimeType": "application/json", "text": ROW.decode()}
    seen = seen_of(tmp_path, har(*(entry("POST", f"{URL}/sobjects/Lead", body=each) for each in (coded, plain))))
    assert [use.deed.fields for use in seen.uses] == [{("Company",)}] * 2  # type: ignore[union-attr]


def test_a_job_is_remembered_from_one_exchange_to_the_next(tmp_path: Path) -> None:
    job = interaction(
        "POST",
        f"{URL}/jobs/ingest",
        body='{"object": "Lead", "operation": "insert"}',
        answer='{"id": "7508M000003uKweAAE"}',
    )
    rows = interaction("PUT", f"{URL}/jobs/ingest/7508M000003uKweAAE/batches", body="Company\na\n")
    seen = seen_of(tmp_path, cassette(job, rows))
    assert seen.unknown == []
    assert seen.uses[1].deed.fields == {("Company",)}  # type: ignore[union-attr]


@pytest.mark.parametrize("chunked", [True, False])
def test_rows_that_were_streamed_come_in_chunks(tmp_path: Path, chunked: bool) -> None:
    """As vcrpy keeps what CumulusCI sends: each line with its length before it."""
    url = "https://acme.my.salesforce.com/services/async/vxx.0/job"
    lines = ['"FirstName","Account.Key__c","Id"\r\n', '"Ada","A-1",""\r\n']
    body = "".join(f"{len(each):x}\r\n{each}\r\n" for each in lines) + "0\r\n\r\n" if chunked else "".join(lines)
    job = "<jobInfo><operation>upsert</operation><object>Contact</object><contentType>CSV</contentType></jobInfo>"
    told = "<jobInfo><id>750P0000006HoSQIA0</id></jobInfo>"
    seen = seen_of(
        tmp_path,
        cassette(
            interaction("POST", url, body=job, answer=told),
            interaction("POST", f"{url}/750P0000006HoSQIA0/batch", body=body),
        ),
    )
    assert seen.unknown == []
    assert seen.uses[1].deed.fields == {("FirstName",), ("Account", "Key__c")}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body", ["5\r\nab\r\n0\r\n\r\n", "ffffffff\r\n0\r\n\r\n", "x\r\n0\r\n\r\n", "0\r\n\r\n0\r\n\r\n"]
)
def test_what_only_looks_like_chunks_stays_as_it_is(body: str) -> None:
    [found] = exchanges(json.dumps(cassette(interaction("POST", URL, body=body))).encode(), "t")
    assert not isinstance(found, str)
    assert found.body == body.encode()


# --- patterns ---------------------------------------------------------------------------------------------------------


def test_patterns_are_beside_the_scenario(tmp_path: Path) -> None:
    for name in ("b.har", "a.har", "deep/c.yaml"):
        path = tmp_path / "s" / "traffic" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(har(entry("GET", QUERY))))
    folder = tmp_path / "s"
    assert [each.name for each in matching(folder, "traffic/*.har", PLACE)] == ["a.har", "b.har"]
    assert [each.name for each in matching(folder, "traffic/**/*.yaml", PLACE)] == ["c.yaml"]
    assert [each.name for each in matching(folder, "../s/traffic/a.har", PLACE)] == ["a.har"]
    assert [each.name for each in matching(folder, str(folder / "traffic" / "a.har"), PLACE)] == ["a.har"]
    assert [each.name for each in matching(folder, str(folder / "traffic" / "*.har"), PLACE)] == ["a.har", "b.har"]
    seen = Seen()
    read_recordings(folder, "traffic/*.har", PLACE, seen)
    assert [use.where for use in seen.uses] == ["traffic/a.har:1", "traffic/b.har:1"]


@pytest.mark.parametrize("pattern", ["*.har", "nothing/x.yaml", ".", "..", "/nowhere/*.har", "**/", "a\x00b"])
def test_a_pattern_that_matches_nothing_is_an_error_with_its_place(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        matching(tmp_path, pattern, PLACE)
    assert raised.value.place == PLACE
    assert raised.value.remedy or "pattern" in raised.value.message


# --- what is broken or hostile ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b"null",
        b"hello",
        b'{"log": {}}',
        b'{"log": {"entries": {}}}',
        b'{"interactions": "x"}',
        b"a: [",
        b"!!python/object/apply:os.system ['true']",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_file_that_is_no_recording_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError) as raised:
        seen_of(tmp_path, content)
    assert raised.value.place is not None
    assert raised.value.place.file == "t.har"


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (5, "the entry is not a mapping"),
        ({}, "its request is not a mapping"),
        ({"request": {"method": "GET"}}, "its URL is missing"),
        ({"request": {"method": 5, "url": QUERY}}, "its method is missing"),
        (entry("POST", f"{URL}/sobjects/Lead", body={"text": "€", "encoding": "base64"}), "its body is not base64"),
        ({**entry("POST", f"{URL}/sobjects/Lead", body={"text": "\udcff"}), "response": 5}, "its body is not JSON"),
    ],
)
def test_an_entry_that_is_broken_is_counted_and_named(tmp_path: Path, odd: Any, reason: str) -> None:
    seen = seen_of(tmp_path, har(entry("GET", QUERY), odd, entry("GET", QUERY)))
    assert seen.requests == 3
    assert seen.unknown == [f"t.har:2: {reason}"]
    assert [use.where for use in seen.uses] == ["t.har:1", "t.har:3"]


def test_a_bomb_does_not_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.access.use.formats.LARGEST_BODY", 1000)
    bomb = {"base64_string": base64.b64encode(gzip.compress(b"x" * 100_000)).decode()}
    seen = seen_of(tmp_path, cassette(interaction("POST", f"{URL}/sobjects/Lead", body=bomb, headers=PACKED)))
    [said] = seen.unknown
    assert "larger" in said


def test_no_body_is_repeated(tmp_path: Path) -> None:
    secret = "password=hunter2"
    seen = seen_of(
        tmp_path,
        cassette(
            interaction("POST", f"{URL}/sobjects/Lead", body=secret),
            interaction("GET", f"{URL}/query?q=SELECT+Id+FROM+Lead+WHERE+X__c+'hunter2'"),
            interaction("POST", "https://acme.my.salesforce.com/services/Soap/u/67.0", body=f"<a>{secret}"),
        ),
    )
    assert len(seen.unknown) == 3
    assert "hunter2" not in repr(seen)


PARTS = st.sampled_from(
    ["request", "response", "method", "url", "uri", "body", "headers", "content", "postData", "text", "status"]
)
ODD = st.recursive(
    st.none() | st.integers() | st.text(max_size=6) | st.binary(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PARTS, inner, max_size=4),
    max_leaves=10,
)


@given(ODD)
def test_no_entry_does_anything_but_be_read_or_not(odd: Any) -> None:
    for content in ({"log": {"entries": [odd]}}, {"interactions": [odd]}):
        assert len(list(exchanges(yaml.dump(content).encode(), "t"))) == 1
