"""What can go wrong with a call: the kinds of fault, each as a client meets it.

A fault strikes a call on its way: the org does what it was asked before it, or does not, and what comes back is an
error, a page of somebody else's, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3.exceptions
from requests.exceptions import ChunkedEncodingError, ReadTimeout

Do = Callable[[], requests.Response]
"""Let the org do what it was asked, and take its answer."""
Strike = Callable[[requests.PreparedRequest, Do], requests.Response]

_HTML = {"Content-Type": "text/html; charset=utf-8"}
_JSON = {"Content-Type": "application/json;charset=UTF-8"}
_PAGE = b"<html><body><h1>%s</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `done`: the org does what it was asked first. It takes `seconds` until it is met."""

    name: str
    done: bool
    strike: Strike
    seconds: float = 0.0


def answer(
    request: requests.PreparedRequest, status: int, content: bytes, headers: Mapping[str, str]
) -> requests.Response:
    """An answer as the client's library would give it."""
    made = requests.Response()
    made.status_code, made.request, made.url = status, request, str(request.url)
    made._content = content
    made.headers.update(headers)
    return made


def _raising(kind: Callable[..., Exception], *, done: bool, message: str) -> Strike:
    def strike(request: requests.PreparedRequest, do: Do) -> requests.Response:
        if done:
            do()
        raise kind(message, request=request)

    return strike


def _answering(status: int, content: bytes, headers: Mapping[str, str], *, done: bool) -> Strike:
    def strike(request: requests.PreparedRequest, do: Do) -> requests.Response:
        if done:
            do()
        return answer(request, status, content, headers)

    return strike


def _refusing(status: int, code: str, message: str, *, done: bool = False) -> Strike:
    """An error in the envelope of the API that was asked: SOAP's, or REST's (facts 4.5, 5.1)."""
    fault = f"<env:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring></env:Fault>"
    envelope = (
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="http://x"><env:Body>'
        f"{fault}</env:Body></env:Envelope>"
    )
    rest = _answering(status, json.dumps([{"message": message, "errorCode": code}]).encode(), _JSON, done=done)
    soap = _answering(500, envelope.encode(), {"Content-Type": "text/xml"}, done=done)

    def strike(request: requests.PreparedRequest, do: Do) -> requests.Response:
        return (soap if "/services/Soap/" in str(request.url) else rest)(request, do)

    return strike


def _not_connected(request: requests.PreparedRequest, _do: Do) -> requests.Response:
    pool: Any = None
    raise requests.ConnectionError(urllib3.exceptions.NewConnectionError(pool, "refused"), request=request)


def _locked_inside(request: requests.PreparedRequest, do: Do) -> requests.Response:
    """The last part of a composite meets another's lock; with all or none, nothing of it is done (facts 5.5)."""
    body = json.loads(request.body or b"{}") if "composite" in str(request.url) else {}
    parts = body.get("compositeRequest") or []
    if not body.get("allOrNone") or not parts:
        return _LOCKED(request, do)
    told = [("PROCESSING_HALTED", "The transaction was rolled back")] * (len(parts) - 1)
    told.append(("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 005"))
    answers = [
        {
            "body": [{"errorCode": code, "message": message}],
            "httpHeaders": {},
            "httpStatusCode": 400,
            "referenceId": part.get("referenceId"),
        }
        for part, (code, message) in zip(parts, told, strict=True)
    ]
    return answer(request, 200, json.dumps({"compositeResponse": answers}).encode(), _JSON)


_ERROR_ID = "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)"
_LOCKED = _refusing(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 005")
EXPIRED = Kind("session expired", False, _refusing(401, "INVALID_SESSION_ID", "Session expired or invalid"))
SLOW = Kind("slow answer", True, lambda _request, do: do(), 60)

KINDS = (
    Kind("timeout, not done", False, _raising(ReadTimeout, done=False, message="timed out"), 120),
    Kind("timeout, done", True, _raising(ReadTimeout, done=True, message="timed out"), 120),
    Kind("dropped, not done", False, _raising(requests.ConnectionError, done=False, message="reset by peer")),
    Kind("dropped, done", True, _raising(requests.ConnectionError, done=True, message="reset by peer")),
    Kind("no connection", False, _not_connected),
    Kind("answer breaks off", True, _raising(ChunkedEncodingError, done=True, message="incomplete read")),
    Kind("500, not done", False, _refusing(500, "UNKNOWN_EXCEPTION", _ERROR_ID)),
    Kind("500, done", True, _refusing(500, "UNKNOWN_EXCEPTION", _ERROR_ID, done=True)),
    Kind("503, not done", False, _refusing(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable.")),
    Kind("503, done", True, _refusing(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable.", done=True)),
    Kind("502 of a proxy, not done", False, _answering(502, _PAGE % b"Bad Gateway", _HTML, done=False)),
    Kind("504 of a proxy, done", True, _answering(504, _PAGE % b"Gateway Time-out", _HTML, done=True)),
    EXPIRED,
    Kind("calls used up", False, _refusing(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")),
    Kind("too many at once", False, _refusing(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.")),
    Kind("row locked", False, _LOCKED),
    Kind("row locked inside", False, _locked_inside),
    SLOW,
    Kind("200 with nothing, done", True, _answering(200, b"", _JSON, done=True)),
    Kind("200 with half an answer, done", True, _answering(200, b'{"records": [{"Id', _JSON, done=True)),
    Kind("captive portal", False, _answering(200, _PAGE % b"Welcome to the hotel", _HTML, done=False)),
    Kind("redirected", False, _answering(302, b"", {"Location": "http://portal.example/"}, done=False)),
)
