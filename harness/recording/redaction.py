"""What a cassette may hold: allow-lists for headers and sign-ins; elsewhere secrets are blanked by name and by shape.

Functions of text: they know nothing of vcrpy. Doing it twice changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from harness.errors import RecordingError
from harness.org.describe import brief_describe, brief_global_describe, is_describe, is_global_describe
from harness.org.event_log import is_log_file, reduce_log
from harness.org.front_door import API_ONLY_PAGE
from harness.org.soap import operation_of
from harness.recording.shapes import BLANK, blank_shapes
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
    "response_body",
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
_TOKEN_ANSWER = frozenset({"instance_url", "id", "token_type", "scope", "error", "error_description"})
_USERINFO_ANSWER = frozenset(
    {
        "user_id",
        "organization_id",
        "preferred_username",
        "active",
        "user_type",
        "is_app_installed",
        "is_salesforce_integration_user",
        "error",
        "error_description",
        "errorCode",
        "message",
    }
)
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


def response_body(path: str, asked: str, content_type: str, body: str) -> str:
    """The body of an answer as it may be kept; `asked` is the body of the request."""
    if not body:
        return ""
    if path == "/services/oauth2/token":
        return _only_known(body, _TOKEN_ANSWER)
    if path == "/services/oauth2/userinfo":
        return _only_known(body, _USERINFO_ANSWER)
    if _is_sign_in_by_soap(path) and operation_of(asked) in ("login", None):
        return blank_shapes(_LEAF.sub(_keep_login_element, body))
    if content_type.startswith("text/html"):
        return f"<h1>{API_ONLY_PAGE}</h1>" if "api only" in body.casefold() else ""
    return _body(content_type, body, path)


def _body(content_type: str, body: str, path: str) -> str:
    if _JSON_TYPES.match(content_type):
        try:
            return pretty_json(_clean(_reduced(json.loads(body))))
        except ValueError:
            return blank_shapes(body)
    if _XML_TYPES.match(content_type):
        return blank_shapes(_LEAF.sub(_blank_secret_element, body))
    if is_log_file(path):
        return blank_shapes(reduce_log(body))
    if content_type.startswith("text/"):
        return blank_shapes(body)
    raise RecordingError(
        f"{path} has a body of type {content_type or 'unknown'}, which a cassette may not hold",
        remedy="rehearse without recording this request (--cassettes off)",
    )


def _only_known(body: str, known: frozenset[str]) -> str:
    """The answer of a sign-in: what is on the list, the token blanked, and nothing else."""
    try:
        answer = json.loads(body)
    except ValueError:
        return blank_shapes(body) if body.strip().isidentifier() else ""
    if isinstance(answer, list):
        return pretty_json([_known(each, known) for each in answer if isinstance(each, dict)])
    return pretty_json(_known(answer, known)) if isinstance(answer, dict) else ""


def _known(answer: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    kept = {name: _clean(value) for name, value in answer.items() if name in known}
    return {"access_token": BLANK, **kept} if "access_token" in answer else kept


def _clean(value: Any) -> Any:
    """JSON without secrets, by name and by shape."""
    if isinstance(value, dict):
        return {k: BLANK if is_secret_name(k) and isinstance(v, str) else _clean(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return blank_shapes(value) if isinstance(value, str) else value


def _reduced(body: Any) -> Any:
    """Describes with the keys the engine may use, and nothing else of them."""
    if is_describe(body):
        return brief_describe(body)
    if is_global_describe(body):
        return brief_global_describe(body)
    if isinstance(body, dict) and isinstance(body.get("compositeResponse"), list):
        parts = [{**each, "body": _reduced(each.get("body"))} for each in body["compositeResponse"]]
        return {**body, "compositeResponse": parts}
    return body


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
