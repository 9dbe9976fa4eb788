"""Several requests in one that know nothing of each other (REST guide, "Composite Batch").

Each is done or not by itself, and each counts as an API request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.sandbox.errors import ApiError, Refusal
from harness.sandbox.http import parts
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.composite import flag
from harness.sandbox.http.parts import Dispatch
from harness.sandbox.http.wire import Answer, error_object, refusal

MOST_PARTS = 25
_OLDEST = 34
_METHODS = frozenset({"POST", "PUT", "PATCH", "GET", "DELETE", "HEAD"})
_URL = re.compile(r"/*(?:services/data/)?v(\d{1,3})\.0/(.+)", re.DOTALL)


def batch(call: Call, dispatch: Dispatch) -> Answer:
    """`POST composite/batch`: up to 25 parts; with `haltOnError` none after the first that goes wrong."""
    body = call.json_object()
    given = _checked(call, body.get("batchRequests"))
    halting = flag(body, "haltOnError")
    results: list[dict[str, Any]] = []
    failed = False
    for part in given:
        if failed and halting:
            error = Refusal("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
            results.append({"statusCode": 412, "result": [error_object(error)]})
            continue
        answer = _run(call, dispatch, part)
        failed = failed or parts.failed(answer, all_or_none=False)
        results.append({"statusCode": answer.status, "result": answer.body})
    return Answer(200, {"hasErrors": failed, "results": results})


def _run(call: Call, dispatch: Dispatch, part: Mapping[str, Any]) -> Answer:
    try:
        call.desk.spend(call.org)
    except ApiError as error:
        return refusal(error)
    match = _URL.fullmatch(part["url"])
    assert match is not None
    url = f"/services/data/v{match[1]}.0/{match[2]}"
    return parts.send(call, dispatch, part["method"], url, part.get("richInput"))


def _checked(call: Call, given: Any) -> list[dict[str, Any]]:
    """The parts. Raises ApiError: what cannot be run as a whole is refused, whatever `haltOnError` says."""
    if not isinstance(given, list) or not given or not all(isinstance(part, dict) for part in given):
        raise parser_error("The request needs a list of objects named batchRequests")
    if len(given) > MOST_PARTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The number of subrequests may not be larger than {MOST_PARTS}")
    for part in given:
        if part.get("method") not in _METHODS:
            raise parser_error(f"Invalid method for a subrequest: {part.get('method')}")
        match = _URL.fullmatch(part["url"]) if isinstance(part.get("url"), str) else None
        if match is None:
            raise ApiError(400, "INVALID_BATCH_REQUEST", f"Invalid url for a subrequest: {part.get('url')}")
        if not _OLDEST <= int(match[1]) <= call.number:
            text = f"A subrequest of this batch needs an API version from {_OLDEST}.0 to {call.version}"
            raise ApiError(400, "INVALID_BATCH_REQUEST", text)
    return given
