"""Requests as questions: who asks, what, and how it reads in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.org.soap import local_name, payload, plain
from harness.org.transport import CALLER
from harness.recording.meaning.model import People, Question
from harness.recording.text import as_text

_VERSION = re.compile(r"^/services/data/v\d+\.\d+")
_SELECT = re.compile(r"\bSELECT\s+(.*?)\s+FROM\b", re.IGNORECASE | re.DOTALL)
_LIST = re.compile(r"\bIN\s*\(([^()]*)\)", re.IGNORECASE)
_DESCRIBE = re.compile(r"/(?:tooling/)?sobjects/(\w+)/describe/?")
_PLAIN: Mapping[tuple[str, str], str] = {
    ("GET", "/sobjects"): "describe all objects",
    ("POST", "/secur/frontdoor.jsp"): "open the user interface",
}
_MOST_NAMES = 6
_LONGEST = 300


def question_of(request: Any, people: People) -> Question:
    """The question that a recorded request puts; `request` is as vcrpy keeps it."""
    body = as_text(request.body) or ""
    return _question(request.method, request.uri, body, asked_by(request), people)


def asked_by(request: Any) -> str:
    """The username in the header by which a client names itself; empty without one."""
    headers = {str(name).lower(): value for name, value in request.headers.items()}
    value = headers.get(CALLER.lower(), "")
    text = value[0] if isinstance(value, (list, tuple)) and value else value
    return str(text).partition("/")[2]


def parts_of(question: Question) -> dict[str, Question] | None:
    """The parts of a composite by their reference, of a batch by their number; None for every other request."""
    if question.path not in ("/composite", "/composite/batch"):
        return None
    try:
        asked = json.loads(question.body)
    except ValueError:
        return None
    listed = asked.get("compositeRequest") or asked.get("batchRequests") if isinstance(asked, Mapping) else None
    if not isinstance(listed, list):
        return None
    return {
        str(each.get("referenceId", number)): _question(
            str(each.get("method", "")),
            str(each.get("url", "")),
            json.dumps(each["body"]) if each.get("body") is not None else "",
            question.principal,
            question.people,
        )
        for number, each in enumerate(listed)
        if isinstance(each, Mapping)
    }


def short_soql(soql: str) -> str:
    """A query in one line, without the most of its columns and of its lists where there are many."""
    line = " ".join(soql.split())
    line = _SELECT.sub(lambda found: f"SELECT {_few(found[1].split(', '), 'more')} FROM", line, count=1)
    line = _LIST.sub(lambda found: f"IN ({_few(found[1].split(', '), 'more', 2)})", line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _question(method: str, url: str, body: str, principal: str, people: People) -> Question:
    parts = urlsplit(url)
    path = _VERSION.sub("", unquote(parts.path)).rstrip("/") or "/"
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    line = _line(method, path, parameters, body)
    return Question(principal, line, method, path, parameters, body, people)


def _line(method: str, path: str, parameters: Mapping[str, str], body: str) -> str:
    if "q" in parameters:
        return ("tooling: " if path.startswith("/tooling") else "") + short_soql(parameters["q"])
    if described := _DESCRIBE.fullmatch(path):
        return f"describe {described[1]}"
    if path == "/services/oauth2/token":
        return f"sign in ({dict(parse_qsl(body)).get('grant_type', '?')})"
    if path.startswith("/services/Soap/"):
        return _soap_line(path, body)
    if path == "/composite":
        return _composite_line(body)
    return _PLAIN.get((method, path), f"{method} {path}")


def _composite_line(body: str) -> str:
    """How many parts, and the first of them."""
    try:
        parts = json.loads(body)["compositeRequest"]
        first = parts[0]
        url = urlsplit(first["url"])
        line = _line(first["method"], _VERSION.sub("", url.path), dict(parse_qsl(url.query)), "")
    except (ValueError, KeyError, IndexError, TypeError):
        return "POST /composite"
    return f"composite of {len(parts)}: {line}" if len(parts) > 1 else f"composite: {line}"


def _soap_line(path: str, body: str) -> str:
    asked = payload(body)
    if asked is None:
        return f"POST {path}"
    arguments = plain(asked)
    words = [local_name(asked)]
    if isinstance(arguments, Mapping) and words[0] != "login":
        words += [_few(_names(value), "more") for value in arguments.values()]
    return " ".join(word for word in words if word)


def _names(value: Any) -> list[str]:
    if isinstance(value, list):
        return [name for each in value for name in _names(each)]
    if isinstance(value, Mapping):
        return [str(value.get("type") or value.get("fullName") or "")]
    return [str(value or "")]


def _few(names: Sequence[str], rest: str, most: int = _MOST_NAMES) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} {rest}"
