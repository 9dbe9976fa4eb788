"""What an answer says about the call as a whole: whose answer it is, and the errors for which nothing was done.

An answer with a page where data belongs, or with nothing, is not the org's: a proxy gave it, or a captive portal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from harness.org import soap
from harness.org.errors import NOT_THE_ORG, PASSING, WITH_ANOTHER, passes
from harness.org.outcome import certainty_of
from harness.org.reply import ApiError, errors_in, reply_of

_DATA, _SOAP, _SIGN_IN = "/services/data", "/services/Soap/", "/services/oauth2/"
_JSON_BEGINS, _JSON_ENDS = (b"{", b"[", b'"'), (b"}", b"]", b'"')
_PASSING = tuple(code.encode() for code in PASSING)


def errors_of(request: requests.PreparedRequest, response: requests.Response, *, reads: bool) -> tuple[ApiError, ...]:
    """The errors that are about the call as a whole; none where the answer is one, be it a refusal of some rows.

    Those of a composite are its parts' errors where it only reads, or is all or none: then one is about all of it.
    """
    path = urlsplit(request.url or "").path
    if not path.startswith((_DATA, _SOAP, _SIGN_IN)):
        return ()
    content = response.content
    if response.status_code >= 300:
        return _fault(content) or reply_of(response.status_code, content).errors
    if not _is_the_orgs(path, response):
        kind = response.headers.get("Content-Type") or "nothing"
        return (ApiError(NOT_THE_ORG, f"HTTP {response.status_code} with {kind if content else 'nothing'} in it"),)
    if not any(code in content for code in _PASSING):
        return ()
    if path.startswith(_SOAP):
        return _refused_component(content)
    return _refused_parts(request, content, reads=reads)


def wrote_nothing(request: requests.PreparedRequest, response: requests.Response) -> bool:
    """Whether it is certain that a write was refused as a whole: itself, or with a part of an all-or-none composite."""
    if response.status_code >= 300:
        errors = errors_of(request, response, reads=False)
        return certainty_of(response.status_code, errors) == "NOT_APPLIED"
    if not urlsplit(request.url or "").path.rstrip("/").endswith("/composite"):
        return False
    asked, told = _json(request.body), _json(response.content)
    parts = told.get("compositeResponse") if isinstance(told, Mapping) else None
    whole = isinstance(asked, Mapping) and asked.get("allOrNone") is True
    return whole and bool(parts) and any(part["httpStatusCode"] >= 400 for part in parts or ())


def _json(content: object) -> Any:
    try:
        return json.loads(content) if isinstance(content, (bytes, str)) else None
    except ValueError:
        return None


def _is_the_orgs(path: str, response: requests.Response) -> bool:
    content, kind = response.content, response.headers.get("Content-Type", "").lower()
    if kind.startswith("text/html"):
        return False
    if path.startswith(_SOAP):
        return b"Envelope" in content
    if "csv" in kind:
        return True  # a result without rows may be empty
    if not content:
        return response.status_code != 200  # 204 has none, and neither has the 201 of a batch
    told_json = not kind or "json" in kind
    return not told_json or (content.lstrip()[:1] in _JSON_BEGINS and content.rstrip()[-1:] in _JSON_ENDS)


def _fault(content: bytes) -> tuple[ApiError, ...]:
    """The error of a SOAP fault (facts 4.5)."""
    node = soap.payload(content) if content.lstrip().startswith(b"<") else None
    if node is None or soap.local_name(node) != "Fault":
        return ()
    code = (soap.text_of(node, "faultcode") or "").rpartition(":")[2]
    return (ApiError(code, soap.text_of(node, "faultstring") or ""),)


def _refused_component(content: bytes) -> tuple[ApiError, ...]:
    """The error of a component that `updateMetadata` refused; one is sent at a time."""
    node = soap.payload(content)
    if node is None or soap.text_of(node, "success") != "false":
        return ()
    return (ApiError(soap.text_of(node, "statusCode") or "", soap.text_of(node, "message") or ""),)


def _refused_parts(request: requests.PreparedRequest, content: bytes, *, reads: bool) -> tuple[ApiError, ...]:
    body, asked = _json(content), _json(request.body)
    found = tuple(_errors_within(body))
    if reads:
        passing = tuple(error for error in found if error.code not in WITH_ANOTHER and passes((error,)))
        return passing if isinstance(body, Mapping) and "compositeResponse" in body else ()
    return found if isinstance(asked, Mapping) and asked.get("allOrNone") is True else ()


def _errors_within(body: Any) -> Iterator[ApiError]:
    """The errors of the parts of a composite, of the rows of a collection, and of a collection in a part."""
    if isinstance(body, Mapping):
        for part in body.get("compositeResponse") or ():
            yield from errors_in(part.get("body"), part["httpStatusCode"]) if part["httpStatusCode"] >= 300 else ()
            yield from _errors_within(part.get("body")) if part["httpStatusCode"] < 300 else ()
    elif isinstance(body, list):
        for row in body:
            if isinstance(row, Mapping) and row.get("success") is False:
                yield from errors_in(list(row.get("errors") or ()), 400)
