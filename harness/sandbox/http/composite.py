"""Several requests in one, with references to each other and, if asked for, in one transaction.

REST guide, "Composite". A part runs through the same dispatch as a request that came by itself, so it answers the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http import parts
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.parts import Dispatch, Part, RollBack
from harness.sandbox.http.wire import Answer

MOST_PARTS = 25
MOST_HEAVY_PARTS = 5
"""Queries and collections among the parts of one composite request."""

_METHODS = frozenset({"POST", "PUT", "PATCH", "GET", "DELETE"})
_HEAVY = re.compile(r"/*services/data/v[\d.]+/+(query|queryAll|composite/sobjects)\b")


def composite(call: Call, dispatch: Dispatch) -> Answer:
    """`POST composite`: up to 25 parts, which may use each other's answers."""
    body = call.json_object()
    given = _checked(call, body)
    if not flag(body, "allOrNone"):
        answers: dict[str, Answer] = {}
        for part in given:
            answers[part["referenceId"]] = parts.run(call, dispatch, part, answers, all_or_none=False)
        return _answer(given, answers)
    return _answer(given, all_or_none(call, dispatch, given))


def all_or_none(call: Call, dispatch: Dispatch, given: list[dict[str, Any]]) -> dict[str, Answer]:
    """The answers of parts that are one transaction: after a failure all the others say that they were undone."""
    answers: dict[str, Answer] = {}
    try:
        with call.org.transaction():
            for part in given:
                answer = parts.run(call, dispatch, part, answers, all_or_none=True)
                answers[part["referenceId"]] = answer
                if parts.failed(answer, all_or_none=True):
                    raise RollBack
    except RollBack:
        failed = given[len(answers) - 1]["referenceId"]
        undone = parts.halted(parts.ROLLED_BACK)
        return {part["referenceId"]: undone for part in given} | {failed: answers[failed]}
    return answers


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A setting that is true or false. Raises ApiError JSON_PARSER_ERROR for anything else."""
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise parser_error(f"Cannot deserialize instance of boolean from the value of {name}")


def _checked(call: Call, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    flag(body, "collateSubrequests")
    given = body.get("compositeRequest")
    if isinstance(given, list) and len(given) > MOST_PARTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The number of subrequests may not be larger than {MOST_PARTS}")
    checked = parts.check(given, "compositeRequest", version=call.number, methods=_METHODS)
    if sum(1 for part in checked if _HEAVY.match(part["url"])) > MOST_HEAVY_PARTS:
        text = f"No more than {MOST_HEAVY_PARTS} subrequests may be queries or sObject collections"
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    return checked


def _answer(given: list[dict[str, Any]] | list[Part], answers: Mapping[str, Answer]) -> Answer:
    shown = [parts.shown(part["referenceId"], answers[part["referenceId"]]) for part in given]
    return Answer(200, {"compositeResponse": shown})
