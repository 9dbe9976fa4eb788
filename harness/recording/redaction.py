"""What a cassette may hold of headers and requests: allow-lists for headers and sign-ins, no secret by name or shape.

Functions of text: they know nothing of vcrpy. Doing it twice changes nothing. What is kept of answers: `answers.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from harness.errors import RecordingError
from harness.org.soap import operation_of
from harness.recording.scanning.shapes import BLANK, blank_shapes
from harness.recording.text import pretty_json, readable_query, sorted_query

__all__ = [
    "BLANK",
    "REQUEST_HEADERS",
    "RESPONSE_HEADERS",
    "blank_shapes",
    "headers",
    "is_secret_name",
    "query",
    "request_body",
]

REQUEST_HEADERS = re.compile(r"content-type|accept|sforce-[\w-]+", re.IGNORECASE)
RESPONSE_HEADERS = re.compile(r"content-type|location|retry-after|sforce-(locator|numberofrecords)", re.IGNORECASE)

_SECRET_NAMES = frozenset(
    {
        "accesstoken",
        "assertion",
        "authorization",
        "clientid",
        "clientsecret",
        "consumerkey",
        "consumersecret",
        "cookie",
        "idtoken",
        "newpassword",
        "oauthtoken",
        "password",
        "privatekey",
        "refreshtoken",
        "securitytoken",
        "sessionid",
        "setcookie",
        "sid",
        "signature",
        "token",
    }
)
_TOKEN_FORM = frozenset({"grant_type", "username", "token_type_hint", "format", "retURL"})
_LOGIN_ELEMENTS = frozenset(
    {
        "username",
        "serverUrl",
        "metadataServerUrl",
        "passwordExpired",
        "sandbox",
        "userId",
        "organizationId",
        "userName",
        "userType",
        "faultcode",
        "faultstring",
        "exceptionCode",
        "exceptionMessage",
    }
)
_LEAF = re.compile(r"<((?:[\w-]+:)?([\w-]+))((?:\s[^<>]*)?)(?<!/)>([^<>]*)</\1\s*>")
_JSON_TYPES = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)
_XML_TYPES = re.compile(r"(?:text|application)/(?:[\w.+-]+\+)?xml", re.IGNORECASE)
_FORM_TYPE = "application/x-www-form-urlencoded"


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is a secret: `access_token`, `consumerKey`, `NewPassword`, ..."""
    return re.sub(r"[^a-z]", "", name.casefold()) in _SECRET_NAMES


def headers(found: Mapping[str, Any], allowed: re.Pattern[str]) -> dict[str, str]:
    """The allowed headers, by lower-case name, in order."""
    kept = {_text(name).lower(): _text(value) for name, value in found.items() if allowed.fullmatch(_text(name))}
    return {name: blank_shapes(kept[name]) for name in sorted(kept)}


def query(text: str) -> str:
    """A URL's query string, sorted, without secrets."""
    pairs = [(name, BLANK if is_secret_name(name) else blank_shapes(value)) for name, value in sorted_query(text)]
    return readable_query(pairs)


def request_body(path: str, content_type: str, body: str) -> str:
    """The body of a request as it may be kept."""
    if not body:
        return ""
    if content_type.startswith(_FORM_TYPE):
        pairs = [(name, value if name in _TOKEN_FORM else BLANK) for name, value in sorted_query(body)]
        return blank_shapes(readable_query(pairs))
    if _is_sign_in_by_soap(path) and operation_of(body) in ("login", None):
        return blank_shapes(_LEAF.sub(_keep_login_element, body))
    return _body(content_type, body, path)


def _body(content_type: str, body: str, path: str) -> str:
    if _JSON_TYPES.match(content_type):
        try:
            return pretty_json(_clean(json.loads(body)))
        except ValueError:
            return blank_shapes(body)
    if _XML_TYPES.match(content_type):
        return blank_shapes(_LEAF.sub(_blank_secret_element, body))
    if content_type.startswith("text/"):
        return blank_shapes(body)
    raise RecordingError(
        f"{path} has a body of type {content_type or 'unknown'}, which a cassette may not hold",
        remedy="rehearse without recording this request (--cassettes off)",
    )


def _clean(value: Any) -> Any:
    """JSON without secrets, by name and by shape."""
    if isinstance(value, dict):
        return {k: BLANK if is_secret_name(k) and isinstance(v, str) else _clean(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return blank_shapes(value) if isinstance(value, str) else value


def _is_sign_in_by_soap(path: str) -> bool:
    return path.startswith(("/services/Soap/u/", "/services/Soap/c/"))


def _keep_login_element(leaf: re.Match[str]) -> str:
    tag, name, attributes, text = leaf.groups()
    kept = text if name in _LOGIN_ELEMENTS or not text.strip() else BLANK
    return f"<{tag}{attributes}>{kept}</{tag}>"


def _blank_secret_element(leaf: re.Match[str]) -> str:
    tag, name, attributes, text = leaf.groups()
    return f"<{tag}{attributes}>{BLANK if is_secret_name(name) and text.strip() else text}</{tag}>"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(each) for each in value)
    return str(value)
