"""SOSL over HTTP: `search`, and `parameterizedSearch`, whose parameters are turned into SOSL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.sosl.search import search as run_search

_FIRST_WITH_ENVELOPE = 37
"""Before this version the answer is the bare array."""
_GROUPS = ("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR")
_NAME = re.compile(r"[A-Za-z_]\w*")


def search(call: Call) -> Answer:
    """`GET search?q=FIND {...}`."""
    return _answer(call, call.params.get("q", ""))


def parameterized_get(call: Call) -> Answer:
    """`GET parameterizedSearch?q=word&sobject=Account&Account.fields=Id,Name&Account.limit=10`."""
    params = call.params
    names = [name for name in params.get("sobject", "").split(",") if name]
    specs = [
        {
            "name": name,
            **{key: value for key in ("where", "orderBy", "limit", "offset") if (value := params.get(f"{name}.{key}"))},
            "fields": (params.get(f"{name}.fields") or params.get("fields", "")).split(","),
        }
        for name in names
    ]
    return _answer(call, _sosl(params, specs))


def parameterized_post(call: Call) -> Answer:
    """`POST parameterizedSearch` with `q`, `in`, `fields`, `sobjects`, `defaultLimit`, `overallLimit`."""
    body = call.json_object()
    specs = body.get("sobjects") or []
    if not isinstance(specs, list) or not all(isinstance(one, dict) for one in specs):
        raise ApiError(400, "JSON_PARSER_ERROR", "sobjects must be a list of objects")
    shared = body.get("fields") or []
    return _answer(call, _sosl(body, [{**one, "fields": one.get("fields") or shared} for one in specs]))


def _answer(call: Call, sosl: str) -> Answer:
    records = run_search(call.org, sosl, as_user=call.user_id, version=call.version)
    bare = int(call.version.partition(".")[0]) < _FIRST_WITH_ENVELOPE
    return Answer(200, records if bare else {"searchRecords": records})


def _sosl(params: Mapping[str, Any], specs: Iterable[Mapping[str, Any]]) -> str:
    """The parameters as SOSL."""
    text = params.get("q")
    if not isinstance(text, str) or not text.strip():
        raise ApiError(400, "MALFORMED_SEARCH", "A search string has to be specified")
    group = str(params.get("in") or "ALL").upper().removesuffix(" FIELDS")
    if group not in _GROUPS:
        raise ApiError(400, "INVALID_SEARCH_SCOPE", f"invalid search scope: {params.get('in')}")
    escaped = re.sub(r"([{}\\])", r"\\\1", text)
    returning = ", ".join(_returning(one, params.get("defaultLimit")) for one in specs)
    sosl = f"FIND {{{escaped}}} IN {group} FIELDS"
    if returning:
        sosl += f" RETURNING {returning}"
    limit = params.get("overallLimit")
    return sosl if limit is None else f"{sosl} LIMIT {_whole(limit)}"


def _returning(spec: Mapping[str, Any], default_limit: Any) -> str:
    name = spec.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    wanted = spec.get("fields") or []
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise ApiError(400, "JSON_PARSER_ERROR", "fields must be a list of names")
    clauses = [", ".join(one.strip() for one in wanted if one.strip()) or "Id"]
    clauses += [f"{word} {spec[key]}" for key, word in (("where", "WHERE"), ("orderBy", "ORDER BY")) if spec.get(key)]
    limit = spec.get("limit", default_limit)
    if limit is not None:
        clauses.append(f"LIMIT {_whole(limit)}")
    if spec.get("offset") is not None:
        clauses.append(f"OFFSET {_whole(spec['offset'])}")
    return f"{name}({' '.join(clauses)})"


def _whole(value: Any) -> str:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text):
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"invalid limit: {text}")
    return text
