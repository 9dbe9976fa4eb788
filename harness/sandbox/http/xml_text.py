"""XML for clients that ask for it: answers as elements, and bodies that come as XML (REST guide, "Response Formats").

Lists repeat their element; a row is an element of its object's name, with type and url as attributes; errors are
`<Errors><Error>...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from harness.sandbox.errors import ApiError

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_DEEPEST = 50
_ROOTS = (
    ("tooling", "urls"),
    ("compositeResponse", "CompositeResponse"),
    ("objectDescribe", "SObjectInfo"),
    ("childRelationships", "DescribeSObject"),
    ("sobjects", "DescribeGlobal"),
    ("records", "QueryResult"),
    ("hasErrors", "SObjectTreeResponse"),
    ("DailyApiRequests", "LimitsSnapshot"),
    ("isExpired", "Password"),
    ("access_token", "OAuth"),
    ("error_description", "OAuth"),
    ("asserted_user", "user"),
)


def written(body: Any, *, root: str | None = None) -> str:
    """JSON data as an XML document."""
    if isinstance(body, list):
        return DECLARATION + _list(body, root)
    if not isinstance(body, Mapping):
        return DECLARATION + _element(root or "Result", body)
    return DECLARATION + _element(root or _root_of(body), body)


def read(body: bytes) -> dict[str, Any]:
    """The values of a body such as `<Account><Name>Acme</Name></Account>`. Raises ApiError XML_PARSER_ERROR."""
    try:
        return _values(fromstring(body, forbid_dtd=True), 0)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise ApiError(400, "XML_PARSER_ERROR", f"The request body is no XML that can be read: {error}") from error


def _list(items: list[Any], root: str | None) -> str:
    first = items[0] if items and isinstance(items[0], Mapping) else {}
    name, each = "Results", root or "Result"
    if "errorCode" in first:
        name, each = "Errors", "Error"
    elif "version" in first:
        name, each = "Versions", "Version"
    return f"<{name}>{''.join(_element(each, item) for item in items)}</{name}>"


def _root_of(body: Mapping[str, Any]) -> str:
    kind = _attributes(body).get("type")
    if isinstance(kind, str) and _NAME.fullmatch(kind):
        return kind
    return next((root for key, root in _ROOTS if key in body), "Result")


def _element(name: str, value: Any) -> str:
    if not _NAME.fullmatch(name):
        name = "entry"
    if value is None:
        return f'<{name} xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'
    if isinstance(value, Mapping):
        marks = "".join(f" {key}={quoteattr(str(one))}" for key, one in _attributes(value).items())
        return f"<{name}{marks}>{''.join(_children(value))}</{name}>"
    if isinstance(value, (list, tuple)):
        return "".join(_element(name, item) for item in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(_UNFIT.sub('', text))}</{name}>"


def _children(value: Mapping[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        if key != "attributes":
            yield _element(key, item)


def _attributes(value: Mapping[str, Any]) -> Mapping[str, Any]:
    given = value.get("attributes")
    return given if isinstance(given, Mapping) else {}


def _values(element: Element, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    values: dict[str, Any] = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        value: Any = _values(child, depth + 1) if len(child) else child.text
        if child.get(_NIL) == "true":
            value = None
        if name in values:
            known = values[name]
            values[name] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            values[name] = value
    return values
