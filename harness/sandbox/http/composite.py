"""Several requests in one: `composite` with references and one transaction, `composite/batch` without either.

Limits and failure behaviour: REST guide, "Composite Resources". Every part runs through the same dispatch as a request
that came by itself, so it answers the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from harness.sandbox.errors import ApiError, Refusal, not_found
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.wire import Answer, error_object, refusal

MOST_PARTS = 25
MOST_HEAVY_PARTS = 5
"""Queries and collections among the parts of one composite request."""

Dispatch = Callable[[Call], Answer]
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."
_PART_URL = re.compile(r"^/*services/data/v(\d+\.0)/(.*)$")
_HEAVY = re.compile(r"^/*services/data/v[\d.]+/(query|queryAll|composite/sobjects)\b")


class _RollBack(Exception):
    """Thrown through the transaction to undo it."""


def composite(call: Call, dispatch: Dispatch) -> Answer:
    """`POST composite`: up to 25 parts, which may use each other's answers."""
    body = call.json_object()
    parts = _parts(body.get("compositeRequest"), "compositeRequest")
    _check_references(parts)
    if not body.get("allOrNone"):
        answers: dict[str, Answer] = {}
        for part in parts:
            answers[part["referenceId"]] = _answer(call, part, answers, dispatch)
        return _composite_answer(parts, answers)
    answers = {}
    try:
        with call.org.transaction():
            for part in parts:
                answers[part["referenceId"]] = answer = _answer(call, part, answers, dispatch)
                if answer.status >= 400:
                    raise _RollBack
    except _RollBack:
        failed = parts[len(answers) - 1]["referenceId"]
        halted = _halted(_HALTED)
        answers = {part["referenceId"]: halted for part in parts} | {failed: answers[failed]}
    return _composite_answer(parts, answers)


def batch(call: Call, dispatch: Dispatch) -> Answer:
    """`POST composite/batch`: up to 25 parts, each for itself; every one counts as an API request."""
    body = call.json_object()
    results: list[dict[str, Any]] = []
    failed = False
    for part in _parts(body.get("batchRequests"), "batchRequests"):
        if failed and body.get("haltOnError"):
            error = Refusal("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
            results.append({"statusCode": 412, "result": [error_object(error)]})
            continue
        call.desk.usage += 1
        url = f"/services/data/{str(part.get('url', '')).lstrip('/')}"
        answer = _run(call, dispatch, str(part.get("method", "GET")), url, part.get("richInput"))
        failed = failed or answer.status >= 400
        results.append({"statusCode": answer.status, "result": answer.body})
    return Answer(200, {"hasErrors": failed, "results": results})


def _parts(parts: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise parser_error(f"The request needs a list of objects named {name}")
    if len(parts) > MOST_PARTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The number of subrequests may not be larger than {MOST_PARTS}")
    heavy = sum(1 for part in parts if name == "compositeRequest" and _HEAVY.match(str(part.get("url", ""))))
    if heavy > MOST_HEAVY_PARTS:
        raise ApiError(
            400, "LIMIT_EXCEEDED", f"No more than {MOST_HEAVY_PARTS} subrequests may be queries or sObject collections"
        )
    return parts


def _check_references(parts: Sequence[Mapping[str, Any]]) -> None:
    """Every part has a referenceId of its own: letters, digits, underscore."""
    seen: set[str] = set()
    for part in parts:
        reference = part.get("referenceId")
        if not isinstance(reference, str) or not re.fullmatch(r"\w+", reference, re.ASCII) or reference in seen:
            raise ApiError(400, "INVALID_INPUT", f"Invalid or duplicate referenceId: {reference}")
        seen.add(reference)


def _answer(call: Call, part: Mapping[str, Any], answers: Mapping[str, Answer], dispatch: Dispatch) -> Answer:
    try:
        url = _filled(str(part.get("url", "")), answers)
        body = _filled_deep(part.get("body"), answers)
    except _Unresolved as unresolved:
        return _halted(str(unresolved))
    headers = part.get("httpHeaders") or {}
    return _run(call, dispatch, str(part.get("method", "GET")), url, body, headers=headers)


def _run(
    call: Call, dispatch: Dispatch, method: str, url: str, body: Any, *, headers: Mapping[str, str] | None = None
) -> Answer:
    """One part through the dispatch; an error of the org is its answer."""
    path, _, query = url.partition("?")
    match = _PART_URL.match(path)
    if match is None:
        return refusal(not_found())
    part = replace(
        call,
        method=method.upper(),
        version=match[1],
        path=match[2].strip("/"),
        params=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.lower(): str(value) for name, value in (headers or {}).items()},
        body=b"",
        data=body,
    )
    try:
        return dispatch(part)
    except ApiError as error:
        return refusal(error)


def _composite_answer(parts: Sequence[Mapping[str, Any]], answers: Mapping[str, Answer]) -> Answer:
    shown = []
    for part in parts:
        answer = answers[part["referenceId"]]
        kept = {name: value for name, value in answer.headers.items() if name in ("Location", "ETag")}
        shown.append(
            {
                "body": answer.body,
                "httpHeaders": kept,
                "httpStatusCode": answer.status,
                "referenceId": part["referenceId"],
            }
        )
    return Answer(200, {"compositeResponse": shown})


def _halted(message: str) -> Answer:
    return Answer(400, [error_object(Refusal("PROCESSING_HALTED", message))])


class _Unresolved(Exception):
    """A reference leads to nothing: the part it is in is not run."""


def _filled_deep(value: Any, answers: Mapping[str, Answer]) -> Any:
    if isinstance(value, str):
        return _filled(value, answers)
    if isinstance(value, list):
        return [_filled_deep(item, answers) for item in value]
    if isinstance(value, dict):
        return {name: _filled_deep(item, answers) for name, item in value.items()}
    return value


def _filled(text: str, answers: Mapping[str, Answer]) -> str:
    return _REFERENCE.sub(lambda match: str(_value(match[1], match[2], answers)), text)


def _value(reference: str, path: str, answers: Mapping[str, Answer]) -> Any:
    """What `@{reference.path}` stands for: a step into the body of an earlier answer for each name or index."""
    answer = answers.get(reference)
    value = answer.body if answer is not None and answer.status < 400 else None
    for step in _STEP.finditer(path):
        name, index = step.groups()
        if name is not None:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    if value is None or isinstance(value, (dict, list)):
        wanted = f"{reference}{path}"
        raise _Unresolved(f"Invalid reference specified. No value for {wanted} found in {reference}")
    return value
