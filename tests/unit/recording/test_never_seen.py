"""Answers that nobody has seen before leave no file, and the error says what to write so that they may be recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from harness.errors import RecordingError
from harness.recording.cleaning import allowlist
from tests.unit.fake_org import FakeOrg, Told
from tests.unit.recording.test_cassettes import Studio

DATA = "/services/data/v67.0"
PRIVATE = "Xylander Quux"
"""Stands in every answer, and must stand in no file and in no error."""
JSON, XML, CSV = "application/json;charset=UTF-8", "text/xml;charset=UTF-8", "text/csv"


@dataclass(frozen=True)
class Shape:
    path: str
    kind: str
    body: bytes
    status: int = 200
    method: str = "GET"
    sent: str = ""


def of_json(path: str, value: Any, **more: Any) -> Shape:
    return Shape(path, JSON, json.dumps(value).encode(), **more)


def nested(depth: int, leaf: Any) -> Any:
    return {"a": nested(depth - 1, leaf)} if depth else leaf


def unknown_resources() -> Iterator[Shape]:
    paths = ["/", "/services/apexrest/crm/v1/people", "/services/apexrest/x", "/services/async/67.0/job", "/id/00D/005"]
    paths += [f"{DATA}/{rest}" for rest in ("ui-api/records/1", "search/?q=x", "recent", "analytics/reports", "tabs")]
    paths += [f"{DATA}/sobjects/Account/listviews/1/results", f"{DATA}/composite/tree/Account", f"{DATA}/metadata/x"]
    values: list[Any] = [PRIVATE, 7, [PRIVATE], [[PRIVATE]], {"name": PRIVATE}, {}, [], [{"a": PRIVATE}, {"b": [1]}]]
    yield from (of_json(path, value) for path in paths for value in values)
    yield from (of_json("/services/apexrest/deep", nested(depth, PRIVATE)) for depth in range(1, 9))


def unknown_contents() -> Iterator[Shape]:
    page, lines = f"<html><p>{PRIVATE}</p></html>".encode(), f'{{"a": "{PRIVATE}"}}\n{{"a": 2}}\n'.encode()
    parts = f"--b\r\nContent-Type: text/plain\r\n\r\n{PRIVATE}\r\n--b--\r\n".encode()
    known = (f"{DATA}/query/?q=x", f"{DATA}/sobjects", f"{DATA}/jobs/query/7/results", "/services/oauth2/userinfo")
    contents = {
        "text/html": page,
        "text/plain": PRIVATE.encode(),
        "application/octet-stream": PRIVATE.encode(),
        "application/x-ndjson": lines,
        "application/xml": b"<a>1</a>",
        "image/svg+xml": b"<svg/>",
        "multipart/mixed; boundary=b": parts,
        "application/x-www-form-urlencoded": b"name=x",
        "application/yaml": b"name: x",
        "application/zip": b"PK\x03\x04\xff\xfe",
        "application/pdf": b"%PDF-1.7 \xe2\xe3\xcf\xd3",
        "": PRIVATE.encode(),
    }
    yield from (Shape(path, kind, body) for path in known for kind, body in contents.items())
    yield from (Shape(path, JSON, body) for path in known for body in (lines, page, b"\xff\xfe", b'{"a": '))


def unknown_keys() -> Iterator[Shape]:
    query = {"totalSize": 1, "done": True, "records": []}
    row = {"attributes": {"type": "Account", "url": "/x"}, "Name": PRIVATE}
    yield from (
        of_json(f"{DATA}/query/?q=x", {**query, key: PRIVATE}) for key in ("owner", "Name", "metadata", "é", "")
    )
    odd_rows: list[Any] = [
        PRIVATE,
        [row],
        {"Name": PRIVATE},
        {**row, "Parent": {"Name": PRIVATE}},
        {**row, "Parent": [{"x": PRIVATE}]},
        {**row, "no name": PRIVATE},
        {**row, "attributes": {"type": "Account", "owner": PRIVATE}},
        {**row, "attributes": {"type": "../etc", "url": "/x"}},
        {**row, "Children": {"records": [], "people": PRIVATE}},
        {**row, "BillingAddress": {"city": "x", "planet": PRIVATE}},
    ]
    yield from (of_json(f"{DATA}/query/?q=x", {**query, "records": [each]}) for each in odd_rows)
    yield from (of_json(f"{DATA}/query/?q=x", whole) for whole in ([query], PRIVATE, {**query, "records": PRIVATE}, 5))
    job = {"id": "750000000000001AAA", "object": "Account", "state": "Open"}
    yield from (of_json(f"{DATA}/jobs/query/7", {**job, key: PRIVATE}) for key in ("owner", "note", "createdByName"))
    yield of_json(f"{DATA}/jobs/query/7", {**job, "state": {"name": PRIVATE}})
    yield of_json(f"{DATA}/limits", {"DailyApiRequests": {"Max": 1, "Remaining": 1, PRIVATE.replace(" ", ""): 2}})
    describes: list[Any] = [{"name": "A"}, [PRIVATE], {"fields": []}, {"sobjects": PRIVATE}]
    yield from (of_json(f"{DATA}/sobjects/A/describe", each) for each in describes)
    yield from (of_json(f"{DATA}/sobjects", each) for each in ({"objects": []}, [], {"sobjects": 1}))
    errors: list[Any] = [[{"errorCode": "X", "stack": PRIVATE}], {"fault": PRIVATE}, PRIVATE, [[PRIVATE]]]
    yield from (of_json(f"{DATA}/query/?q=x", each, status=400) for each in errors)


def unknown_parts() -> Iterator[Shape]:
    """Answers within answers."""
    asked = {"method": "GET", "referenceId": "r0", "url": f"{DATA}/query?q=SELECT+Id+FROM+A"}
    part = {"httpHeaders": {}, "httpStatusCode": 200, "referenceId": "r0", "body": {"totalSize": 0, "records": []}}
    wholes: list[Any] = [
        {"compositeResponse": [{**part, "body": {"people": PRIVATE}}]},
        {"compositeResponse": [{**part, "body": [PRIVATE]}]},
        {"compositeResponse": [{**part, "referenceId": "r9"}]},
        {"compositeResponse": [{**part, "note": PRIVATE}]},
        {"compositeResponse": [{**part, "httpStatusCode": PRIVATE}]},
        {"compositeResponse": [PRIVATE]},
        {"compositeResponse": PRIVATE},
        {"compositeResponse": [part], "note": PRIVATE},
        [part],
    ]
    composite = {"method": "POST", "sent": json.dumps({"compositeRequest": [asked]})}
    yield from (of_json(f"{DATA}/composite", each, **composite) for each in wholes)
    other = {**composite, "sent": json.dumps({"compositeRequest": [{**asked, "url": f"{DATA}/ui-api/x"}]})}
    yield of_json(f"{DATA}/composite", {"compositeResponse": [{**part, "body": {"name": PRIVATE}}]}, **other)
    batch = {"method": "POST", "sent": json.dumps({"batchRequests": [{"method": "GET", "url": "v67.0/query?q=x"}]})}
    results: list[Any] = [
        [],
        [{"statusCode": 200, "result": {"x": PRIVATE}}],
        [{"statusCode": 200, "x": 1}],
        [1],
        {"a": 1},
    ]
    yield from (
        of_json(f"{DATA}/composite/batch", {"hasErrors": False, "results": each}, **batch) for each in results[1:]
    )
    yield of_json(f"{DATA}/composite/batch", {"results": [], "note": PRIVATE}, **batch)


def unknown_columns() -> Iterator[Shape]:
    ingested, queried = f"{DATA}/jobs/ingest/7/successfulResults", f"{DATA}/jobs/query/7/results"
    for header in ("sf__Secret", "Full Name", "a-b", "1st", "", "Name;City", "Name\tCity", "A..B", "é"):
        yield Shape(ingested, CSV, f'"sf__Id","{header}"\n"1","{PRIVATE}"\n'.encode())
        yield Shape(queried, CSV, f'"Id","{header}"\n"1","{PRIVATE}"\n'.encode())
    for body in (b'"Id","Name"\n"1"\n', b'"Id","Id"\n"1","2"\n', b'Id\n"1\n', b"Id,Name\n1,2,3\n"):
        yield Shape(queried, CSV, body)
    yield Shape(f"{DATA}/query/?q=x", CSV, b"Id\n1\n")


def unknown_elements() -> Iterator[Shape]:
    def enveloped(inner: str) -> bytes:
        return f'<e:Envelope xmlns:e="u" xmlns:xsi="x"><e:Body>{inner}</e:Body></e:Envelope>'.encode()

    read = "<readMetadataResponse><result>{}</result></readMetadataResponse>"
    inners = [
        f"<describeResponse><x>{PRIVATE}</x></describeResponse>",
        read.format(f"<people>{PRIVATE}</people>"),
        read.format(f'<records xsi:type="Secret"><fullName>A</fullName><body>{PRIVATE}</body></records>'),
        read.format(f'<records xsi:type="CustomObject"><people>{PRIVATE}</people></records>'),
        read.format(f"<records><people>{PRIVATE}</people></records>"),
        read.format(f'<success owner="{PRIVATE}">true</success>'),
        read.format(f"<!-- {PRIVATE} -->"),
        read.format(f"<success><![CDATA[{PRIVATE}]]></success>"),
        f"<people>{PRIVATE}</people>",
    ]
    for inner in inners:
        yield Shape("/services/Soap/m/67.0", XML, enveloped(inner), method="POST")
        yield Shape("/services/Soap/c/67.0", XML, enveloped(inner), method="POST")
    yield Shape("/services/Soap/m/67.0", XML, b"<a>", method="POST")
    yield Shape("/services/Soap/m/67.0", XML, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', method="POST")
    login = f"<loginResponse><result><people>{PRIVATE}</people></result></loginResponse>"
    yield Shape("/services/Soap/u/64.0", XML, enveloped(login), method="POST")


SHAPES = [
    *unknown_resources(),
    *unknown_contents(),
    *unknown_keys(),
    *unknown_parts(),
    *unknown_columns(),
    *unknown_elements(),
]


class Recorder:
    """Records one answer to one request."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.session = requests.Session()
        self.session.trust_env = False

    def record(self, shape: Shape) -> None:
        self.studio.org.on(shape.method, ".*", Told(shape.status, shape.body, {"Content-Type": shape.kind}))
        with self.studio.cassettes("record", record_facts=None).stage("plan"):
            self.session.request(
                shape.method,
                self.studio.org.url + shape.path,
                data=shape.sent or None,
                headers={"Content-Type": "application/json"},
                timeout=5,
            )


@pytest.fixture
def recorder(fake_org: FakeOrg, tmp_path: Path) -> Recorder:
    return Recorder(Studio(fake_org, tmp_path / "cassettes" / "erp"))


def test_at_least_200_shapes_that_nobody_has_seen_leave_no_file_and_say_how_to_allow_them(recorder: Recorder) -> None:
    seen: set[tuple[object, ...]] = set()
    allowable = 0
    for shape in SHAPES:
        with pytest.raises(RecordingError, match="no allow-list names") as refused:
            recorder.record(shape)
        message = str(refused.value)
        assert not [each for each in recorder.studio.folder.rglob("*") if each.is_file()], shape
        assert f"{shape.method} /" in message or "GET /" in message, shape  # of a composite: the part
        assert PRIVATE not in message, shape
        assert "allow.yaml" in message or "no list can allow it" in message, shape
        seen.add((shape.path, shape.kind, shape.body, shape.status, shape.sent))
        allowable += "\nallow: 1\n" in message
    assert len(seen) == len(SHAPES) >= 200
    assert allowable >= 100


def test_what_the_error_says_may_be_pasted_and_then_the_answer_is_recorded_without_its_values(
    recorder: Recorder,
) -> None:
    """Every fifth of them, to save time."""
    recorder.studio.folder.parent.mkdir()
    list_file = recorder.studio.folder.parent / "allow.yaml"
    pasted = 0
    for shape in SHAPES[::5]:
        list_file.write_text("allow: 1\n")
        with pytest.raises(RecordingError) as refused:
            recorder.record(shape)
        _, found, snippet = (refused.value.remedy or "").partition("\nallow: 1\n")
        if not found:
            continue
        assert yaml.safe_load(f"allow: 1\n{snippet}")
        list_file.write_text(f"allow: 1\n{snippet}")
        allowlist.allow_list(list_file.parent)
        with suppress(RecordingError):  # a known envelope, in which something stands where it cannot
            recorder.record(shape)
            pasted += 1
        for file in recorder.studio.folder.glob("*.yaml"):
            assert PRIVATE not in file.read_text("utf-8"), shape
            file.unlink()
    assert pasted >= 20
