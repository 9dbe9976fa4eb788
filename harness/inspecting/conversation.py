"""An interaction as people read it: who asked what, what came back, and the parts of a composite each by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.inspecting.answers import body_in_short, value_in_short
from harness.inspecting.words import clipped, printable, soql_lines
from harness.org.soap import operation_of
from harness.recording.text import pretty_json

_CALL_OPTIONS = "sforce-call-options"
_QUERY = "q"


@dataclass(frozen=True, slots=True)
class Said:
    """A question and its answer. Both are texts for people, the first line of `asked` says where it went."""

    name: str
    """What a composite calls this part, or the number of the interaction."""
    who: str
    asked: list[str]
    status: int
    answer: str
    sent: str = ""
    """The body of the request, whole."""
    received: str = ""
    parts: tuple[Said, ...] = ()


def said_in(number: int, interaction: Mapping[str, Any]) -> Said:
    """One interaction of a cassette, which was read strictly."""
    request, response = interaction["request"], interaction["response"]
    parts = tuple(_parts(request["body"] or "", response["body"]["string"]))
    asked = _asked(request["method"], request["uri"])
    return Said(
        name=str(number),
        who=clipped(_who(request["headers"])),
        asked=asked if parts else asked + _sent_in_short(request["body"] or "", _type(request)),
        status=response["status"]["code"],
        answer=clipped(body_in_short(_type(response), response["body"]["string"])),
        sent=_whole(request["body"] or ""),
        received=_whole(response["body"]["string"]),
        parts=parts,
    )


def _who(headers: Mapping[str, list[str]]) -> str:
    """The username, which our own requests tell as the client: `client=rehearse/admin@acme.example`."""
    options = headers.get(_CALL_OPTIONS, [""])[0]
    return options.partition("client=")[2].partition("/")[2] or "somebody"


def _type(message: Mapping[str, Any]) -> str:
    values = message["headers"].get("content-type", [""])
    return str(values[0])


def _asked(method: str, uri: str) -> list[str]:
    """Method and path, then the query: SOQL one clause a line."""
    url = urlsplit(uri)
    lines = [f"{method} {printable(unquote(url.path))}"]
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        lines += soql_lines(value) if name == _QUERY else [f"{clipped(name)}={clipped(value)}"]
    return lines


def _sent_in_short(body: str, content_type: str) -> list[str]:
    if not body:
        return []
    if "form-urlencoded" in content_type:
        return [clipped(" ".join(f"{name}={value}" for name, value in parse_qsl(body, keep_blank_values=True)))]
    if "xml" in content_type:
        return [operation_of(body) or clipped(body)]
    try:
        return [clipped(json.dumps(json.loads(body), ensure_ascii=False))]
    except (ValueError, RecursionError):
        return [clipped(body)]


def _whole(body: str) -> str:
    try:
        return printable(pretty_json(json.loads(body)))
    except (ValueError, RecursionError):
        return printable(body)


# --- composites -------------------------------------------------------------------------------------------------------


def _parts(asked: str, answered: str) -> Iterator[Said]:
    """The parts of a composite, a graph or a batch, in their order; none where it is something else."""
    questions, answers = _json(asked), _json(answered)
    for graph, told in zip(_list(questions, "graphs"), _list(answers, "graphs"), strict=False):
        response = told.get("graphResponse")
        yield from _of_composite(graph, response if isinstance(response, dict) else {}, f"{graph.get('graphId')} ")
    yield from _of_composite(questions, answers)
    for number, (each, told) in enumerate(
        zip(_list(questions, "batchRequests"), _list(answers, "results"), strict=False), start=1
    ):
        yield _part(str(number), each, told.get("statusCode"), told.get("result"), each.get("richInput"))


def _of_composite(questions: Mapping[str, Any], answers: Mapping[str, Any], before: str = "") -> Iterator[Said]:
    told = {each.get("referenceId"): each for each in _list(answers, "compositeResponse")}
    for each in _list(questions, "compositeRequest"):
        name = each.get("referenceId")
        answer = told.get(name, {}) if isinstance(name, str) else {}
        yield _part(f"{before}{name}", each, answer.get("httpStatusCode"), answer.get("body"), each.get("body"))


def _part(name: str, question: Mapping[str, Any], status: object, answer: object, sent: object) -> Said:
    body = "" if sent is None else json.dumps(sent, ensure_ascii=False)
    return Said(
        name=clipped(name),
        who="",
        asked=_asked(clipped(question.get("method")), str(question.get("url"))) + _sent_in_short(body, "json"),
        status=status if isinstance(status, int) else 0,
        answer=clipped(value_in_short(answer)),
    )


def _json(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body) if body[:1] == "{" else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(holder: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = holder.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
