"""Whatever bulk data is made of, a job comes to its end and the org answers with an error of its own."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.sandbox.errors import ApiError
from harness.sandbox.http import bulk_ingest
from harness.sandbox.http.bulk1 import handlers as bulk1
from harness.sandbox.http.bulk_csv import BadBatch, read_table, write_table
from harness.sandbox.http.call import Call
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.jobs import go_on
from harness.sandbox.http.multipart import NotMultipart, read_parts
from harness.sandbox.http.wire import encode
from harness.sandbox.org import SandboxOrg

RELAXED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
PIECES = st.sampled_from(
    [
        *(
            '"',
            '""',
            ",",
            "\n",
            "\r\n",
            "\r",
            "Name",
            "Id",
            "ERP_Key__c",
            "Owner.Username",
            "Parent.ERP_Key__c",
            "#N/A",
        ),
        *(
            "NumberOfEmployees",
            "IsDeleted",
            "CreatedDate",
            "User:Owner.Id",
            "1",
            "x",
            "\0",
            "\ufeff",
            "9" * 50,
            "é",
            "'",
        ),
        *("001000000000000AAA", "true", "1e5", "BillingAddress", "Owner.", ".", ":", "#"),
    ]
)
CSV = st.lists(PIECES, max_size=30).map("".join)
ENDINGS = st.sampled_from(["LF", "CRLF"])
OPERATIONS = st.sampled_from(["insert", "update", "upsert", "delete", "hardDelete"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | PIECES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PIECES, inner, max_size=4),
    max_leaves=12,
)
SETTINGS = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=RELAXED)


def call(org: SandboxOrg, desk: Desk, body: bytes, *, method: str = "POST", path: str = "", media: str = "") -> Call:
    headers = {"content-type": media}
    return Call(org, desk, org.rows("User")[0]["Id"], "67.0", method, path, headers=headers, body=body)


@SETTINGS
@given(data=CSV, ending=ENDINGS, operation=OPERATIONS)
@example(data='Name\n"', ending="LF", operation="insert")
def test_any_csv_comes_to_an_end(org: SandboxOrg, data: str, ending: str, operation: str) -> None:
    desk = Desk("http://x")
    asked = {"object": "Account", "operation": operation, "lineEnding": ending, "externalIdFieldName": "ERP_Key__c"}
    job_id = bulk_ingest.create(call(org, desk, json.dumps(asked).encode())).body["id"]
    bulk_ingest.upload(call(org, desk, data.encode(), method="PUT"), job_id)
    bulk_ingest.change(call(org, desk, b'{"state": "UploadComplete"}', method="PATCH"), job_id)
    for _ in range(3):
        go_on(org, desk)
    shown = bulk_ingest.show(call(org, desk, b"", method="GET"), job_id).body
    assert shown["state"] in ("JobComplete", "Failed")
    assert "InternalServerError" not in shown.get("errorMessage", "")
    for results in (bulk_ingest.successful_results, bulk_ingest.failed_results, bulk_ingest.unprocessed_records):
        answer = results(call(org, desk, b"", method="GET"), job_id)
        read_table(answer.body)


@SETTINGS
@given(kind=st.sampled_from(["CSV", "JSON", "XML", "ZIP_CSV"]), data=CSV, tree=JSON, operation=OPERATIONS)
def test_any_batch_comes_to_an_end(org: SandboxOrg, kind: str, data: str, tree: object, operation: str) -> None:
    desk = Desk("http://x")
    asked = {"object": "Account", "operation": operation, "contentType": kind, "externalIdFieldName": "ERP_Key__c"}
    created = bulk1.answer(
        call(org, desk, json.dumps(asked).encode(), path="job", media="application/json"), signed_in=True
    )
    job_id = created.body["id"]
    content = {
        "CSV": data.encode(),
        "JSON": json.dumps(tree).encode(),
        "XML": f"<sObjects><sObject><Name>{data}</Name></sObject></sObjects>".encode(),
        "ZIP_CSV": data.encode(),
    }[kind]
    made = bulk1.answer(call(org, desk, content, path=f"job/{job_id}/batch", media="application/json"), signed_in=True)
    for _ in range(3):
        go_on(org, desk)
    for path in ("", "/batch", f"/batch/{made.body['id']}", f"/batch/{made.body['id']}/result"):
        answer = bulk1.answer(call(org, desk, b"", method="GET", path=f"job/{job_id}{path}"), signed_in=True)
        text = encode(answer.body, pretty=False).decode()
        assert answer.status in (200, 400)
        assert "InternalServerError" not in text
        assert "<state>InProgress" not in text


@SETTINGS
@given(
    path=st.lists(
        st.sampled_from(["job", "batch", "result", "request", "750000000000000AAA", "", "é", "x"]), max_size=7
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    body=st.binary(max_size=40),
    media=st.sampled_from(["", "application/json", "application/xml", "text/csv", "é"]),
)
def test_any_request_is_answered(org: SandboxOrg, path: list[str], method: str, body: bytes, media: str) -> None:
    asked = call(org, Desk("http://x"), body, method=method, path="/".join(path), media=media)
    assert bulk1.answer(asked, signed_in=True).status in (200, 201, 400)


@SETTINGS
@given(rows=st.lists(st.lists(st.text(max_size=5), min_size=2, max_size=3), min_size=1, max_size=5))
def test_what_is_written_is_read_again(rows: list[list[str]]) -> None:
    assert read_table(write_table(rows[0], rows[1:])) == [row for row in rows if any(row)]


@SETTINGS
@given(data=CSV, delimiter=st.sampled_from([",", ";", "\t", "|", "^", "`"]))
def test_any_text_is_a_table_or_a_bad_batch(data: str, delimiter: str) -> None:
    try:
        table = read_table(data, delimiter=delimiter)
    except BadBatch:
        return
    assert all(any(line) for line in table)


@SETTINGS
@given(body=st.lists(st.sampled_from([b"--b", b"--", b"\r\n", b"\n", b"x: y", b"\xff", b"a"])).map(b"".join))
def test_any_multipart_body(body: bytes) -> None:
    try:
        parts = read_parts(body, "multipart/form-data; boundary=b")
    except NotMultipart:
        return
    assert all(isinstance(part.content, bytes) for part in parts)


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            # a fixed date: a name alone would take the clock's, and the bytes are part of the case
            entry = zipfile.ZipInfo(name.replace("__", "."), (2026, 1, 1, 0, 0, 0))
            archive.writestr(entry, data, compress_type=zipfile.ZIP_DEFLATED)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK", "InvalidBatch : Failed to read the zip content"),
        (zipped(other__txt=b"x"), "InvalidBatch : Unable to find request.txt in the zip content"),
        (
            zipped(request__txt=b"0" * 20_000_001),
            "InvalidBatch : The decompressed content of the zip file is too large",
        ),
        (zipped(request__txt=b"Name\nA\n")[:-30], "InvalidBatch : Failed to read the zip content"),
        (zipped(request__txt=b"Name,Colour__c\nA,\n"), "InvalidBatch : Field name not found : Colour__c"),
    ],
    ids=["no zip", "no request.txt", "too large", "cut short", "unknown field"],
)
def test_zips_that_are_none(org: SandboxOrg, content: bytes, message: str) -> None:
    desk = Desk("http://x")
    asked = b'{"object": "Account", "operation": "insert", "contentType": "ZIP_CSV"}'
    created = bulk1.answer(call(org, desk, asked, path="job", media="application/json"), signed_in=True)
    path = f"job/{created.body['id']}/batch"
    made = bulk1.answer(call(org, desk, content, path=path, media="application/json"), signed_in=True)
    go_on(org, desk)
    shown = bulk1.answer(
        call(org, desk, b"", method="GET", path=f"{path}/{made.body['id']}", media="application/json"), signed_in=True
    )
    assert (shown.body["state"], shown.body["stateMessage"]) == ("Failed", message)


def test_a_batch_beyond_ten_million_bytes(org: SandboxOrg) -> None:
    desk = Desk("http://x")
    asked = b'{"object": "Account", "operation": "insert", "contentType": "CSV"}'
    created = bulk1.answer(call(org, desk, asked, path="job", media="application/json"), signed_in=True)
    path, body = f"job/{created.body['id']}/batch", b"x" * (bulk1.MOST_BYTES + 1)
    refused = bulk1.answer(call(org, desk, body, path=path, media="application/json"), signed_in=True)
    assert refused.body == {
        "exceptionCode": "ClientInputError",
        "exceptionMessage": "Failed to read request. Exceeded max size limit of 10000000",
    }


def test_a_job_of_somebody_who_lost_the_object(org: SandboxOrg) -> None:
    """The rights at the time of the work count."""
    desk = Desk("http://x")
    job_id = bulk_ingest.create(call(org, desk, b'{"object": "Account", "operation": "insert"}')).body["id"]
    desk.jobs[job_id].user_id = org.rows("User", Username="erp.integration@acme.example")[0]["Id"]
    bulk_ingest.upload(call(org, desk, b"Name\nA\n", method="PUT"), job_id)
    bulk_ingest.change(call(org, desk, b'{"state": "UploadComplete"}', method="PATCH"), job_id)
    go_on(org, desk)
    shown = bulk_ingest.show(call(org, desk, b"", method="GET"), job_id).body
    assert (shown["state"], shown["errorMessage"]) == ("Failed", "InvalidJob : Unable to find object: Account")


def test_an_error_of_ours_fails_the_job_alone(org: SandboxOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk("http://x")
    job_id = bulk_ingest.create(call(org, desk, b'{"object": "Account", "operation": "insert"}')).body["id"]
    bulk_ingest.change(call(org, desk, b'{"state": "UploadComplete"}', method="PATCH"), job_id)

    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bulk_ingest.IngestJob, "step", broken)
    go_on(org, desk)
    shown = bulk_ingest.show(call(org, desk, b"", method="GET"), job_id).body
    assert shown["errorMessage"] == "InternalServerError : An unexpected error occurred"
    with pytest.raises(ApiError):
        bulk_ingest.upload(call(org, desk, b"Name\nA\n", method="PUT"), job_id)
