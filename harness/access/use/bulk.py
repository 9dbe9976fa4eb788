"""What a bulk job does: Bulk API 2.0 under /jobs, Bulk API 1.0 under /services/async. Pure.

A job tells its object and operation when it is created; the columns of its data tell the fields.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from harness.access.use.deeds import Deed, Held, NotUnderstood, Path, Right, Touched, Written
from harness.access.use.exchange import Exchange, Job, Reading
from harness.access.use.rows import row, told_by, written
from harness.access.use.soql import read_soql
from harness.access.use.xml import children, local_name, parse_xml

_RIGHTS: Mapping[str, frozenset[Right]] = {
    "insert": frozenset({"create"}),
    "update": frozenset({"edit"}),
    "upsert": frozenset({"create", "edit"}),
    "delete": frozenset({"delete"}),
    "harddelete": frozenset({"delete"}),
}
_DELIMITERS: Mapping[str, str] = {
    "COMMA": ",",
    "TAB": "\t",
    "SEMICOLON": ";",
    "PIPE": "|",
    "BACKQUOTE": "`",
    "CARET": "^",
}
_ROWS_LOOKED_AT = 1000
"""So many rows of a file are looked at for the record types and parents they name."""


def deeds_of_jobs(reading: Reading, exchange: Exchange, rest: list[str]) -> list[Deed]:
    """A request under /services/data/vXX.X/jobs. Raises NotUnderstood."""
    kind = rest[0].lower() if rest else ""
    if kind == "query":
        return [read_soql(str(_get(exchange.json(), "query") or ""))] if exchange.method == "POST" else []
    if kind != "ingest":
        raise NotUnderstood("it is no bulk job that this tool knows")
    if exchange.method == "POST" and len(rest) == 1:
        return _created(reading, exchange)
    if exchange.method == "PUT" and rest[2:] == ["batches"]:
        return [_csv(_known(reading, rest[1]), exchange.body)]
    return []


def deeds_of_async(reading: Reading, exchange: Exchange, parts: list[str]) -> list[Deed]:
    """A request under /services/async/XX.X. Raises NotUnderstood."""
    if exchange.method != "POST" or not parts or parts[0].lower() != "job":
        return []
    if len(parts) == 1:
        return _created(reading, exchange)
    if len(parts) == 3 and parts[2].lower() == "batch":
        return _batch(_known(reading, parts[1]), exchange)
    return []


def _known(reading: Reading, job_id: str) -> Job:
    job = reading.jobs.get(job_id[:15])
    if job is None:
        raise NotUnderstood("the recording does not show how its bulk job was created")
    return job


def _created(reading: Reading, exchange: Exchange) -> list[Deed]:
    asked = _fields_of(exchange.body, exchange.kind)
    if "object" not in asked:
        return []  # a job of Bulk API 1.0 is closed by a POST to itself
    operation = asked.get("operation", "").lower()
    job = Job(
        object=asked["object"],
        operation=operation,
        key=asked.get("externalIdFieldName") or None,
        delimiter=_DELIMITERS.get(asked.get("columnDelimiter", ""), ","),
        kind=asked.get("contentType", "csv").lower(),
    )
    job_id = _fields_of(exchange.answer, "").get("id")
    if job_id:
        reading.jobs[job_id[:15]] = job
    if operation in ("query", "queryall"):
        return [Touched(job.object, frozenset({"read"}))]
    if operation not in _RIGHTS:
        raise NotUnderstood("its bulk job has an operation that this tool does not know")
    found: list[Deed] = [Written(job.object, _RIGHTS[operation], key=job.key)]
    return [*found, Held("system", "BulkApiHardDelete")] if operation == "harddelete" else found


def _fields_of(body: bytes, kind: str) -> dict[str, str]:
    """What a job says of itself: in JSON, in XML, or in the first part of a form."""
    if kind.startswith("multipart/"):
        match = re.search(rb"\{.*?\}", body, re.DOTALL)
        body = match[0] if match else b""
    if body.lstrip()[:1] == b"<":
        return {local_name(each): (each.text or "").strip() for each in parse_xml(body)}
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return (
        {str(name): str(value) for name, value in told.items() if value is not None} if isinstance(told, dict) else {}
    )


def _batch(job: Job, exchange: Exchange) -> list[Deed]:
    """The data of a job of Bulk API 1.0: a query, or rows in CSV, JSON or XML."""
    if job.operation in ("query", "queryall"):
        return [read_soql(exchange.body.decode("utf-8", "replace"))]
    if job.kind.startswith("zip"):
        raise NotUnderstood("its rows are in a ZIP file")
    if job.kind == "json":
        rows = exchange.json()
        listed = [row(each) for each in rows] if isinstance(rows, list) else []
        return [written(job.object, _RIGHTS[job.operation], listed, key=job.key)]
    if job.kind == "xml":
        return [_xml(job, parse_xml(exchange.body))]
    return [_csv(job, exchange.body)]


def _csv(job: Job, body: bytes) -> Deed:
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=job.delimiter)
        header = next(lines, [])
        rows = [line for _, line in zip(range(_ROWS_LOOKED_AT), lines, strict=False)]
    except (UnicodeDecodeError, csv.Error):
        raise NotUnderstood("its rows are not CSV") from None
    names = [name.strip() for name in header]
    ids = {told for line in rows for name, value in zip(names, line, strict=False) for told in told_by(name, value)}
    fields = frozenset(_path(name) for name in names if name and name.casefold() != "id")
    return Written(job.object, _RIGHTS.get(job.operation, frozenset()), fields=fields, key=job.key, ids=frozenset(ids))


def _path(column: str) -> Path:
    """`Account.ERP_Key__c`, or `Lead:Who.ERP_Key__c` where a lookup has several parents."""
    return tuple(column.split(".", 1))


def _xml(job: Job, root: Element) -> Deed:
    rows: list[dict[str, Any]] = []
    for record in children(root, "sObject"):
        rows.append({local_name(each): _value(each) for each in record if local_name(each).casefold() != "id"})
    return written(job.object, _RIGHTS[job.operation], rows, key=job.key)


def _value(element: Element) -> Any:
    """A value, or the parent that a row names by its external id."""
    inner = element.find("./{*}sObject")
    if inner is None:
        return (element.text or "").strip()
    return {local_name(each): (each.text or "").strip() for each in inner}


def _get(holder: Any, key: str) -> Any:
    return holder.get(key) if isinstance(holder, Mapping) else None
