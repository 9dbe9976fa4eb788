"""The content of batches: rows as CSV, XML and JSON bring them, and their results as each of the three shows them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from harness.sandbox.errors import ApiError
from harness.sandbox.http import bulk_rows
from harness.sandbox.http.bulk1.documents import JSON, NAMESPACE, XML, read_xml
from harness.sandbox.http.bulk1.errors import Refused
from harness.sandbox.http.bulk_csv import BadBatch, decode, read_table, write_table
from harness.sandbox.http.bulk_rows import Outcome
from harness.sandbox.http.call import Call
from harness.sandbox.http.jobs import BATCH_ROWS
from harness.sandbox.http.wire import CSV_TYPE, Answer
from harness.sandbox.schema import Schema, SObject

Record = Mapping[str, Any] | ApiError
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_MOST_UNZIPPED = 20_000_000
_MOST_FILES = 1_000
_NO_ROWS = "Records not found for this query"


def read_records(call: Call, sobject: SObject, operation: str, content_type: str, content: bytes) -> list[Record]:
    """The rows of a batch. Raises BadBatch for what fails the batch; a row that is wrong by itself is its error."""
    files: Mapping[str, bytes] = {}
    if content_type.startswith("ZIP_"):
        content, files = _unzipped(content)
    kind = content_type.removeprefix("ZIP_")
    if kind == "JSON":
        records = _from_json(content)
    else:
        table = _from_csv(content) if kind == "CSV" else _from_xml(content)
        columns = list(dict.fromkeys(column for row in table for column in row))
        bulk_rows.check_columns(call, sobject, columns, operation)
        records = [_typed(sobject, row) for row in table]
    if not records:
        raise BadBatch("InvalidBatch : Records not found")
    if len(records) > BATCH_ROWS:
        text = f"Exceeded number of records : {len(records)}. Number of records should be less than or equal to"
        raise BadBatch(f"InvalidBatch : {text} {BATCH_ROWS}")
    return [_with_files(sobject, record, files) for record in records] if content_type.startswith("ZIP_") else records


def outcomes_as(content_type: str, outcomes: Sequence[Outcome]) -> Answer:
    """The results of an ingest batch, a row for each of the request, in its order."""
    kind = content_type.removeprefix("ZIP_")
    if kind == "JSON":
        return Answer(200, [_outcome_in_json(one) for one in outcomes], {}, JSON)
    if kind == "XML":
        inner = "".join(f"<result>{_outcome_in_xml(one)}</result>" for one in outcomes)
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        return Answer(200, f'{head}<results xmlns="{NAMESPACE}">{inner}</results>', {}, XML)
    lines = [[one.id, _word(not one.errors), _word(one.created), one.error] for one in outcomes]
    return Answer(200, write_table(["Id", "Success", "Created", "Error"], lines), {}, CSV_TYPE)


def rows_as(
    content_type: str,
    schema: Schema,
    records: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    lines: list[list[str]],
) -> Answer:
    """The results of a query batch: `lines` are the same records as CSV shows them."""
    if content_type == "JSON":
        return Answer(200, [_in_json(schema, one) for one in records], {}, JSON)
    if content_type == "XML":
        inner = "".join(f'<records xsi:type="sObject">{_in_xml(one, with_id=True)}</records>' for one in records)
        spaces = f'xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        return Answer(200, f"{head}<queryResult {spaces}>{inner}</queryResult>", {}, XML)
    return Answer(200, write_table(columns, lines) if lines else _NO_ROWS, {}, CSV_TYPE)


# Reading


def _from_csv(content: bytes) -> list[dict[str, str]]:
    table = read_table(decode(content))
    return [dict(zip(table[0], line, strict=False)) for line in table[1:]]


def _from_xml(content: bytes) -> list[dict[str, str]]:
    """Each sObject as CSV would have it: a parent by its key is `Account.Key__c`, nil is `#N/A`."""
    try:
        root = read_xml(content)
    except Refused as error:
        raise BadBatch(f"InvalidBatch : {error.message}") from error
    rows = []
    for element in root.findall("sObject"):
        row: dict[str, str] = {}
        for child in element:
            inner = child.find("sObject")
            if inner is not None:
                row |= {f"{child.tag}.{key.tag}": key.text or "" for key in inner if key.tag != "type"}
            elif child.tag != "type":
                row[child.tag] = "#N/A" if child.get(_NIL) == "true" else child.text or ""
        rows.append(row)
    return rows


def _from_json(content: bytes) -> list[Record]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadBatch("InvalidBatch : Failed to parse JSON. The content is no JSON array of records") from error
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise BadBatch("InvalidBatch : Failed to parse JSON. The content is no JSON array of records")
    return data


def _typed(sobject: SObject, row: Mapping[str, str]) -> Record:
    try:
        return bulk_rows.cells_as_values(sobject, row)
    except ApiError as error:
        return error


def _unzipped(content: bytes) -> tuple[bytes, Mapping[str, bytes]]:
    """The request file of a zip and its other files by name; nothing is written to a disk."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            if len(entries) > _MOST_FILES or sum(one.file_size for one in entries) > _MOST_UNZIPPED:
                raise BadBatch("InvalidBatch : The decompressed content of the zip file is too large")
            files = {}
            for one in entries:
                with archive.open(one) as file:
                    files[one.filename] = file.read(one.file_size + 1)[: one.file_size]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise BadBatch("InvalidBatch : Failed to read the zip content") from error
    if "request.txt" not in files:
        raise BadBatch("InvalidBatch : Unable to find request.txt in the zip content")
    return files.pop("request.txt"), files


def _with_files(sobject: SObject, record: Record, files: Mapping[str, bytes]) -> Record:
    """`#folder/name` in a binary field stands for a file of the zip."""
    if isinstance(record, ApiError):
        return record
    values = dict(record)
    for name, value in record.items():
        field = sobject.get(name)
        if field is None or field.type != "base64" or not isinstance(value, str):
            continue
        if not value.startswith("#") or value[1:] not in files:
            return ApiError(400, "INVALID_FIELD", f"Binary file not found: {value}", [name])
        values[name] = base64.b64encode(files[value[1:]]).decode()
    return values


# Writing


def _outcome_in_json(one: Outcome) -> dict[str, Any]:
    errors = [
        {
            "message": refusal.message,
            "fields": list(refusal.fields or ()),
            "statusCode": refusal.code,
            "extendedErrorDetails": None,
        }
        for refusal in one.errors
    ]
    return {"success": not errors, "created": one.created, "id": one.id or None, "errors": errors}


def _outcome_in_xml(one: Outcome) -> str:
    parts = []
    for refusal in one.errors:
        fields = "".join(f"<fields>{escape(name)}</fields>" for name in refusal.fields or ())
        text = f"<message>{escape(refusal.message)}</message><statusCode>{refusal.code}</statusCode>"
        parts.append(f"<errors>{fields}{text}</errors>")
    if one.id:
        parts.append(f"<id>{one.id}</id>")
    return f"{''.join(parts)}<success>{_word(not one.errors)}</success><created>{_word(one.created)}</created>"


def _in_json(schema: Schema, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON results show it: like REST, but moments are milliseconds since 1970."""
    sobject = schema.get(str(record.get("attributes", {}).get("type", "")))
    shown: dict[str, Any] = {}
    for name, value in record.items():
        field = sobject.get(name) if sobject else None
        if isinstance(value, Mapping) and name != "attributes":
            shown[name] = _in_json(schema, value)
        elif field is not None and field.type in ("date", "datetime") and isinstance(value, str):
            shown[name] = _milliseconds(value)
        else:
            shown[name] = value
    return shown


def _milliseconds(text: str) -> int:
    moment = datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00+00:00")
    return (moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(milliseconds=1)


def _in_xml(record: Mapping[str, Any], *, with_id: bool) -> str:
    """A record as XML results show it: the type, the id once more than asked for, then the fields."""
    parts = [f"<type>{record.get('attributes', {}).get('type', '')}</type>"]
    if with_id:
        parts.append(f"<Id>{record['Id']}</Id>" if record.get("Id") else '<Id xsi:nil="true"/>')
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, Mapping):
            parts.append(f'<{name} xsi:type="sObject">{_in_xml(value, with_id=False)}</{name}>')
        elif value is None:
            parts.append(f'<{name} xsi:nil="true"/>')
        else:
            parts.append(f"<{name}>{escape(_word(value) if isinstance(value, bool) else str(value))}</{name}>")
    return "".join(parts)


def _word(value: bool) -> str:
    return "true" if value else "false"
