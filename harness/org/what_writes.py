"""What is a write: every request that is not known to be a read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.org.soap import operation_of

_DATA = r"/services/data/v\d+\.0"
_SIGN_IN = re.compile(r"/services/oauth2/(token|introspect|userinfo)")
_SOAP_READS = (
    (re.compile(r"/services/Soap/u/\d+\.0(/\w+)?"), frozenset({"login", "getUserInfo"})),
    (re.compile(r"/services/Soap/m/\d+\.0(/\w+)?"), frozenset({"readMetadata", "listMetadata", "describeMetadata"})),
)
_QUERY_JOB = re.compile(_DATA + r"/jobs/query(/\w+)?")
_COMPOSITE = re.compile(_DATA + r"/composite/?")
_RETRIEVE_MANY = re.compile(_DATA + r"/composite/sobjects/\w+")
_FRONT_DOOR = re.compile(r"/secur/frontdoor\.jsp")
_SHOWN = re.compile(r"/services/data(/.*)?|/services/oauth2/(userinfo|introspect)|/secur/frontdoor\.jsp|/id/\w+/\w+")
"""What a GET only shows. Elsewhere it may run the org's own code (/services/apexrest, /apex) or end a session."""
_RUNS_CODE = re.compile(r"/tooling/(executeAnonymous|runTests)", re.IGNORECASE)
_AMBIGUOUS = re.compile(r"//|[\\;]|/\.{1,2}(/|$)")
"""Paths that two programs may read as two different ones."""
_OVERRIDES = ("_httpmethod", "x-http-method-override", "x-http-method", "x-method-override")


def is_write(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | str | None = None) -> bool:
    """Whether a request may change the org. What is not known to be a read is a write."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    overridden = {name.lower() for name in headers or {}} | _parameters(parts.query)
    if overridden.intersection(_OVERRIDES) or _RUNS_CODE.search(path) or _AMBIGUOUS.search(path):
        return True
    if method.upper() in ("GET", "HEAD", "OPTIONS"):
        return _SHOWN.fullmatch(path) is None
    return not (method.upper() in ("POST", "PATCH", "DELETE") and _is_reading_call(method.upper(), path, body))


def _parameters(query: str) -> set[str]:
    """The names of the parameters of a query in which one may override the method; of most there is no need to ask."""
    if "method" not in unquote(query).lower():
        return set()
    return {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}


def _is_reading_call(method: str, path: str, body: bytes | str | None) -> bool:
    """The calls that only read although their method is not GET."""
    if _QUERY_JOB.fullmatch(path):  # a query job, and aborting or deleting it
        return True
    return method == "POST" and _is_reading_post(path, body)


def _is_reading_post(path: str, body: bytes | str | None) -> bool:
    if _SIGN_IN.fullmatch(path) or _FRONT_DOOR.fullmatch(path):
        return True
    for endpoint, reads in _SOAP_READS:
        if endpoint.fullmatch(path):
            return operation_of(body or b"") in reads
    if _COMPOSITE.fullmatch(path):
        return _only_gets(json_of(body))
    if _RETRIEVE_MANY.fullmatch(path):  # POST {ids, fields} is a read, POST {records} is not
        asked = json_of(body)
        return isinstance(asked, Mapping) and asked.keys() == {"ids", "fields"}
    return False


def _only_gets(body: Any) -> bool:
    subrequests = body.get("compositeRequest") if isinstance(body, Mapping) else None
    return isinstance(subrequests, list) and all(
        isinstance(each, Mapping)
        and str(each.get("method", "")).upper() == "GET"
        and not is_write("GET", str(each.get("url", "")), each.get("httpHeaders"))
        for each in subrequests
    )


def json_of(body: bytes | str | None) -> Any:
    """A body as JSON; None where it is none, or where a key stands twice in an object."""
    try:
        return json.loads(body or b"", object_pairs_hook=_each_key_once)
    except ValueError:
        return None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two alike, who knows which one the org goes by."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found
