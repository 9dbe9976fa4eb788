"""Which handler answers for which path and method below `/services/data/vXX.X`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import unquote

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http import (
    bulk_ingest,
    bulk_query,
    collections,
    composite,
    passwords,
    query,
    resources,
    rows,
)
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer

Handler = Callable[..., Answer]
"""Takes the call and the variable parts of the path."""


def dispatch(call: Call) -> Answer:
    """Let the right handler answer. Raises ApiError: NOT_FOUND, METHOD_NOT_ALLOWED, or what the handler refuses."""
    segments = [unquote(segment) for segment in call.path.split("/")] if call.path else []
    for pattern, methods in _ROUTES[len(segments)]:
        found = _match(pattern, segments)
        if found is None:
            continue
        method = "GET" if call.method == "HEAD" else call.method
        if method not in methods:
            allowed = ",".join((["HEAD"] if "GET" in methods else []) + list(methods))
            message = f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}"
            raise ApiError(405, "METHOD_NOT_ALLOWED", message)
        answer = methods[method](call, *found)
        return replace(answer, body=None) if call.method == "HEAD" else answer
    raise not_found()


def _match(pattern: tuple[str, ...], segments: list[str]) -> list[str] | None:
    """The variable parts, or None where the path does not fit."""
    found = []
    for expected, given in zip(pattern, segments, strict=True):
        if expected == "*":
            found.append(given)
        elif expected != given:
            return None
    return found


def _composite(call: Call) -> Answer:
    return composite.composite(call, dispatch)


def _batch(call: Call) -> Answer:
    return composite.batch(call, dispatch)


_PATHS: Mapping[str, Mapping[str, Handler]] = {
    "": {"GET": resources.root},
    "limits": {"GET": resources.limits},
    "limits/recordCount": {"GET": resources.record_count},
    "sobjects": {"GET": resources.describe_global},
    "sobjects/*": {"GET": resources.basic_information, "POST": rows.post},
    "sobjects/*/describe": {"GET": resources.describe},
    "sobjects/User/*/password": {"GET": passwords.expired, "POST": passwords.change, "DELETE": passwords.reset},
    "sobjects/*/*": {"GET": rows.get, "PATCH": rows.patch, "DELETE": rows.delete},
    "sobjects/*/*/*": {"GET": rows.get_by_key, "PATCH": rows.upsert_by_key, "DELETE": rows.delete_by_key},
    "query": {"GET": query.query},
    "query/*": {"GET": query.next_page},
    "queryAll": {"GET": query.query_all},
    "queryAll/*": {"GET": query.next_page},
    "tooling/query": {"GET": query.tooling_query},
    "tooling/query/*": {"GET": query.next_page},
    "composite": {"POST": _composite},
    "composite/batch": {"POST": _batch},
    "composite/sobjects": {"POST": collections.create, "PATCH": collections.update, "DELETE": collections.delete},
    "composite/sobjects/*": {"GET": collections.retrieve, "POST": collections.retrieve},
    "composite/sobjects/*/*": {"PATCH": collections.upsert},
    "composite/tree/*": {"POST": collections.tree},
    "jobs/query": {"GET": bulk_query.show_all, "POST": bulk_query.create},
    "jobs/query/*": {"GET": bulk_query.show, "PATCH": bulk_query.change, "DELETE": bulk_query.delete},
    "jobs/query/*/results": {"GET": bulk_query.results},
    "jobs/ingest": {"GET": bulk_ingest.show_all, "POST": bulk_ingest.create},
    "jobs/ingest/*": {"GET": bulk_ingest.show, "PATCH": bulk_ingest.change, "DELETE": bulk_ingest.delete},
    "jobs/ingest/*/batches": {"PUT": bulk_ingest.upload},
    "jobs/ingest/*/successfulResults": {"GET": bulk_ingest.successful_results},
    "jobs/ingest/*/failedResults": {"GET": bulk_ingest.failed_results},
    "jobs/ingest/*/unprocessedrecords": {"GET": bulk_ingest.unprocessed_records},
    "jobs/ingest/*/unprocessedRecords": {"GET": bulk_ingest.unprocessed_records},
}

_ROUTES: defaultdict[int, list[tuple[tuple[str, ...], Mapping[str, Handler]]]] = defaultdict(list)
for _path, _methods in _PATHS.items():
    _pattern = tuple(_path.split("/")) if _path else ()
    _ROUTES[len(_pattern)].append((_pattern, _methods))
