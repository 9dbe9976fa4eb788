"""Requests inside a composite one: running them, and what they take from the answers of those before them.

REST guide, "Composite Subrequest". `@{reference.field}` stands for a value in the body of an earlier answer, in a URL
or anywhere in a body; `.` goes to a field and `[n]` to an element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from harness.sandbox.errors import ApiError, Refusal, not_found
from harness.sandbox.http.call import Call, check_version, parser_error
from harness.sandbox.http.wire import Answer, error_object, refusal
from harness.sandbox.writing import duplicates

Dispatch = Callable[[Call], Answer]
Part = Mapping[str, Any]

STRICT_REFERENCES = 52
"""Since this version a bad referenceId fails the whole request, and a reference may be to a field that is null."""
ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
_PART_URL = re.compile(r"/+services/data/v(\d{1,3}\.0)(?:/+(.*))?", re.DOTALL)
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}", re.ASCII)
_STEP = re.compile(r"\.(\w+)|\[(\d{1,9})\]", re.ASCII)
_REFERENCE_ID = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)
_INHERITED = frozenset({"accept", "authorization", "content-type"})
_SHOWN = ("ETag", "Last-Modified", "Location")


class RollBack(Exception):
    """Thrown through a transaction to undo it."""


class _Unresolved(Exception):
    """A reference leads to nothing: the part it is in is not run."""


def check(parts: Any, name: str, *, version: int, methods: frozenset[str]) -> list[dict[str, Any]]:
    """A list of parts that can be run. Raises ApiError: the request as a whole is refused."""
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise parser_error(f"The request needs a list of objects named {name}")
    for part in parts:
        if part.get("method") not in methods:
            raise parser_error(f"Invalid method for a subrequest: {part.get('method')}")
        if not isinstance(part.get("url"), str):
            raise parser_error("Every subrequest needs a url")
        _check_headers(part.get("httpHeaders"))
    _check_references([part.get("referenceId") for part in parts], version)
    return parts


def run(call: Call, dispatch: Dispatch, part: Part, answers: Mapping[str, Answer], *, all_or_none: bool) -> Answer:
    """One part through the dispatch, its references filled in; an error of the org is its answer."""
    try:
        url = str(_filled(part["url"], answers, call.number, whole=False))
        body = _filled_deep(part.get("body"), answers, call.number)
    except _Unresolved as unresolved:
        return halted(str(unresolved))
    headers = {name.lower(): str(value) for name, value in (part.get("httpHeaders") or {}).items()}
    return send(call, dispatch, part["method"], url, body, headers=headers, all_or_none=all_or_none)


def send(
    call: Call,
    dispatch: Dispatch,
    method: str,
    url: str,
    body: Any,
    *,
    headers: Mapping[str, str] | None = None,
    all_or_none: bool = False,
) -> Answer:
    """A request to a URL below /services/data as the caller; an error of the org is the answer."""
    path, _, parameters = url.partition("?")
    match = _PART_URL.fullmatch(path)
    if match is None:
        return refusal(not_found())
    try:
        check_version(match[1])
        part = replace(
            call,
            method=method,
            version=match[1],
            path=(match[2] or "").strip("/"),
            params=dict(parse_qsl(parameters, keep_blank_values=True)),
            headers=headers or {},
            body=b"",
            data=body,
            is_part=True,
            all_or_none=all_or_none,
        )
        with _duplicates(call, part.headers.get(duplicates.HEADER)):
            return dispatch(part)
    except ApiError as error:
        return refusal(error)


@contextmanager
def _duplicates(call: Call, header: str | None) -> Iterator[None]:
    """What a part says of duplicates holds for that part alone; one that says nothing has what the whole says."""
    if header is None:
        yield
        return
    token = call.org.duplicate_options.set(duplicates.read_header(header))
    try:
        yield
    finally:
        call.org.duplicate_options.reset(token)


def failed(answer: Answer, *, all_or_none: bool) -> bool:
    """Whether a part went wrong; in a request that is all or none one bad row of a collection is enough."""
    if answer.status >= 300 and answer.status != 304:
        return True
    rows = answer.body if all_or_none and isinstance(answer.body, list) else []
    return any(isinstance(row, dict) and row.get("success") is False for row in rows)


def shown(reference: Any, answer: Answer) -> dict[str, Any]:
    """The answer of a part as it stands in the composite answer."""
    return {
        "body": answer.body,
        "httpHeaders": {name: answer.headers[name] for name in _SHOWN if name in answer.headers},
        "httpStatusCode": answer.status,
        "referenceId": reference,
    }


def halted(message: str) -> Answer:
    """The answer of a part that was not run, or was undone."""
    return Answer(400, [error_object(Refusal("PROCESSING_HALTED", message))])


def references(part: Part) -> set[str]:
    """The referenceIds that a part uses."""
    return set(_used(part.get("url"))) | set(_used(part.get("body")))


def _used(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield from (found[1] for found in _REFERENCE.finditer(value))
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _used(item)


def _check_headers(headers: Any) -> None:
    if headers is None:
        return
    if not isinstance(headers, dict):
        raise parser_error("httpHeaders must be an object")
    for name in headers:
        if name.lower() in _INHERITED:
            raise ApiError(400, "INVALID_INPUT", f"The header {name} can't be specified for a subrequest")


def _check_references(given: list[Any], version: int) -> None:
    seen: set[str] = set()
    for reference in given:
        if not isinstance(reference, str) or not reference:
            raise parser_error("Every subrequest needs a referenceId")
        if not _REFERENCE_ID.fullmatch(reference) and version >= STRICT_REFERENCES:
            raise parser_error(_malformed(reference))
        if reference in seen:
            raise ApiError(400, "INVALID_INPUT", f"Duplicate referenceId: {reference}")
        seen.add(reference)


def _malformed(reference: str) -> str:
    return (
        f"Provided referenceId ('{reference}') must start with a letter or a number, "
        "and it can contain only letters, numbers and underscores ('_')."
    )


def _filled_deep(value: Any, answers: Mapping[str, Answer], version: int) -> Any:
    if isinstance(value, str):
        return _filled(value, answers, version, whole=True)
    if isinstance(value, list):
        return [_filled_deep(item, answers, version) for item in value]
    if isinstance(value, dict):
        return {name: _filled_deep(item, answers, version) for name, item in value.items()}
    return value


def _filled(text: str, answers: Mapping[str, Answer], version: int, *, whole: bool) -> Any:
    """The text with its references replaced; one that is the whole text becomes the value itself, with its type."""
    alone = _REFERENCE.fullmatch(text) if whole else None
    if alone is not None:
        return _value(alone[1], alone[2], answers, version)

    def replacement(match: re.Match[str]) -> str:
        value = _value(match[1], match[2], answers, version)
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return _REFERENCE.sub(replacement, text)


def _value(reference: str, path: str, answers: Mapping[str, Answer], version: int) -> Any:
    """What `@{reference.path}` stands for: a step into the body of an earlier answer for each name or index."""
    answer = answers.get(reference)
    value = answer.body if answer is not None and answer.status < 300 else None
    there = value is not None
    for step in _STEP.finditer(path):
        name, index = step.groups()
        if name is not None and isinstance(value, dict) and name in value:
            value = value[name]
        elif index is not None and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            value, there = None, False
    if not there or isinstance(value, (dict, list)) or (value is None and version < STRICT_REFERENCES):
        wanted = f"{reference}{path}"
        text = f"Invalid reference specified. No value for {wanted} found in {reference}. "
        raise _Unresolved(text + _malformed(wanted))
    return value
