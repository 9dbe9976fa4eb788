"""Jobs, batches and errors as Bulk API 1.0 writes them: XML in the order of its schema, JSON by the alphabet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from harness.sandbox.clock import wire_datetime
from harness.sandbox.http.bulk1.errors import Refused
from harness.sandbox.http.wire import Answer

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
XML, JSON = "application/xml", "application/json"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'

Fields = Mapping[str, Any]


def document(name: str, fields: Fields, *, media_type: str, status: int = 200) -> Answer:
    """One job, batch or error. Moments are datetimes; None is null in JSON and left out of XML."""
    if media_type == JSON:
        return Answer(status, {key: _in_json(fields[key]) for key in sorted(fields)}, {}, JSON)
    return Answer(status, f"{_open(name)}\n{_elements(fields, 1)}</{name}>\n", {}, XML)


def batch_list(batches: Iterable[Fields], *, media_type: str) -> Answer:
    """All batches of a job."""
    if media_type == JSON:
        return Answer(
            200, {"batchInfo": [{key: _in_json(one[key]) for key in sorted(one)} for one in batches]}, {}, JSON
        )
    inner = "".join(f" <batchInfo>\n{_elements(one, 2)} </batchInfo>\n" for one in batches)
    return Answer(200, f"{_open('batchInfoList')}\n{inner}</batchInfoList>\n", {}, XML)


def result_list(ids: Iterable[str], *, media_type: str) -> Answer:
    """The ids under which the results of a query batch can be fetched."""
    if media_type == JSON:
        return Answer(200, list(ids), {}, JSON)
    inner = "".join(f"<result>{one}</result>" for one in ids)
    return Answer(200, f'<result-list xmlns="{NAMESPACE}">{inner}</result-list>', {}, XML)


def error(refused: Refused, *, media_type: str) -> Answer:
    """The answer to a request that is refused."""
    fields = {"exceptionCode": refused.code, "exceptionMessage": refused.message}
    return document("error", fields, media_type=media_type, status=refused.status)


def read_xml(content: bytes) -> Any:
    """The root element, its names without their namespace. Raises Refused InvalidXML."""
    try:
        root = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as cause:
        raise Refused("InvalidXML", f"Unable to parse XML: {type(cause).__name__}") from cause
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _open(name: str) -> str:
    return f'{_HEAD}<{name}\n   xmlns="{NAMESPACE}">'


def _elements(fields: Fields, depth: int) -> str:
    margin = " " * depth
    return "".join(
        f"{margin}<{key}>{escape(_in_xml(value))}</{key}>\n"
        for key, value in fields.items()
        if value is not None and key != "fastPathEnabled"
    )


def _in_xml(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    return str(value)


def _in_json(value: Any) -> Any:
    return wire_datetime(value.replace(microsecond=0)) if isinstance(value, datetime) else value
