"""Which handler answers for which path and method below `/services/data/vXX.X`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import unquote

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http import (
    batch,
    bulk_ingest,
    bulk_query,
    collections,
    composite,
    graph,
    limits,
    metadata_rest,
    oauth_usage,
    passwords,
    query,
    recent,
    relationships,
    replication,
    resources,
    rows,
    search,
    tooling,
    tree,
)
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer

Handler = Callable[..., Answer]
"""Takes the call and the variable parts of the path."""


def dispatch(call: Call) -> Answer:
    """Let the right handler answer. Raises ApiError: NOT_FOUND, METHOD_NOT_ALLOWED, or what the handler refuses."""
    call.org.api_version.set(call.version)  # a part of a batch may be of another one
    segments = [unquote(segment) for segment in call.path.split("/") if segment]
    for pattern, methods, since in _ROUTES.get((len(segments), segments[0] if segments else ""), ()):
        found = _match(pattern, segments)
        if found is None or call.number < since:
            continue
        if not methods:
            break  # on the platform, and not here
        method = "GET" if call.method == "HEAD" else call.method
        if method not in methods:
            raise _not_allowed(call.method, methods)
        answer = methods[method](call, *found)
        return replace(answer, body=None) if call.method == "HEAD" else answer
    raise not_found()


def _match(pattern: tuple[str, ...], segments: list[str]) -> list[str] | None:
    """The variable parts, or None where the path does not fit."""
    found = []
    for expected, given in zip(pattern, segments, strict=True):
        if expected == "*":
            found.append(given)
        elif expected != given and not (expected[0].isupper() and expected.lower() == given.lower()):
            return None  # names of objects and fields may be in any case
    return found


def _composite(call: Call) -> Answer:
    return composite.composite(call, dispatch)


def _batch(call: Call) -> Answer:
    return batch.batch(call, dispatch)


def _graph(call: Call) -> Answer:
    return graph.graphs(call, dispatch)


def _row_or_key(by_row: Handler | None, by_key: Handler) -> Handler:
    """A handler of `sobjects/X/A/B`: by way of row A, or of the row whose external id A is B."""

    def answer(call: Call, sobject: str, first: str, second: str) -> Answer:
        if not relationships.leads_from_row(call, sobject, first):
            return by_key(call, sobject, first, second)
        if by_row is None:
            raise _not_allowed(call.method, _BY_WAY)
        return by_row(call, sobject, first, second)

    return answer


def _no_row(_call: Call, _sobject: str) -> Answer:
    """`sobjects/X/Id` is no row."""
    raise not_found()


def _not_allowed(method: str, methods: Mapping[str, Handler]) -> ApiError:
    allowed = ",".join((["HEAD"] if "GET" in methods else []) + list(methods))
    return ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are {allowed}")


_BY_WAY: Mapping[str, Handler] = {
    "GET": relationships.get,
    "PATCH": relationships.patch,
    "DELETE": relationships.delete,
}
_PATHS: Mapping[str, Mapping[str, Handler]] = {
    "": {"GET": resources.root},
    "limits": {"GET": limits.limits},
    "limits/recordCount": {"GET": limits.record_count},
    "recent": {"GET": recent.recent},
    "sobjects": {"GET": resources.describe_global},
    "sobjects/*": {"GET": resources.basic_information, "POST": rows.post},
    "sobjects/*/describe": {"GET": resources.describe},
    "sobjects/*/updated": {"GET": replication.updated},
    "sobjects/*/deleted": {"GET": replication.deleted},
    "sobjects/*/listviews": {},
    "sobjects/User/*/password": {"GET": passwords.expired, "POST": passwords.change, "DELETE": passwords.reset},
    "sobjects/*/Id": {"GET": _no_row, "POST": rows.post_with_id, "PATCH": _no_row, "DELETE": _no_row},
    "sobjects/*/*": {"GET": rows.get, "PATCH": rows.patch, "DELETE": rows.delete},
    "sobjects/*/describe/*": {},
    "sobjects/*/*/*": {
        "GET": _row_or_key(relationships.get, rows.get_by_key),
        "POST": _row_or_key(None, rows.upsert_by_key),
        "PATCH": _row_or_key(relationships.patch, rows.upsert_by_key),
        "DELETE": _row_or_key(relationships.delete, rows.delete_by_key),
    },
    "sobjects/*/*/*/*": _BY_WAY,
    "sobjects/*/*/*/*/*": _BY_WAY,
    "sobjects/*/*/*/*/*/*": _BY_WAY,
    "sobjects/*/*/*/*/*/*/*": _BY_WAY,
    "tooling": {"GET": tooling.root},
    "tooling/sobjects": {"GET": tooling.describe_global},
    "tooling/sobjects/*": {"GET": tooling.basic_information, "POST": tooling.post},
    "tooling/sobjects/*/describe": {"GET": tooling.describe},
    "tooling/sobjects/*/*": {"GET": tooling.get, "PATCH": tooling.patch, "DELETE": tooling.delete},
    "query": {"GET": query.query},
    "query/*": {"GET": query.next_page},
    "queryAll": {"GET": query.query_all},
    "queryAll/*": {"GET": query.next_page},
    "apps/oauth/usage": {"GET": oauth_usage.app_list},
    "apps/oauth/usage/*/users": {"GET": oauth_usage.users},
    "apps/oauth/usage/tokens/*": {"DELETE": oauth_usage.revoke_one},
    "apps/oauth/usage/*/tokens": {"DELETE": oauth_usage.revoke_of_app},
    "apps/oauth/usage/*/*/tokens": {"GET": oauth_usage.tokens, "DELETE": oauth_usage.revoke_of_user},
    "search": {"GET": search.search},
    "parameterizedSearch": {"GET": search.parameterized_get, "POST": search.parameterized_post},
    "tooling/query": {"GET": query.tooling_query},
    "tooling/query/*": {"GET": query.next_page},
    "composite": {"GET": resources.composite_resources, "POST": _composite},
    "composite/batch": {"POST": _batch},
    "composite/graph": {"POST": _graph},
    "composite/sobjects": {"POST": collections.create, "PATCH": collections.update, "DELETE": collections.delete},
    "composite/sobjects/*": {"GET": collections.retrieve, "POST": collections.retrieve},
    "composite/sobjects/*/*": {"PATCH": collections.upsert},
    "composite/tree/*": {"POST": tree.tree},
    "metadata/deployRequest": {"POST": metadata_rest.create},
    "metadata/deployRequest/*": {"GET": metadata_rest.show, "PATCH": metadata_rest.cancel},
    "jobs/query": {"GET": bulk_query.show_all, "POST": bulk_query.create},
    "jobs/query/*": {"GET": bulk_query.show, "PATCH": bulk_query.change, "DELETE": bulk_query.delete},
    "jobs/query/*/results": {"GET": bulk_query.results},
    "jobs/query/*/resultPages": {"GET": bulk_query.result_pages},
    "jobs/ingest": {"GET": bulk_ingest.show_all, "POST": bulk_ingest.create},
    "jobs/ingest/*": {"GET": bulk_ingest.show, "PATCH": bulk_ingest.change, "DELETE": bulk_ingest.delete},
    "jobs/ingest/*/batches": {"PUT": bulk_ingest.upload},
    "jobs/ingest/*/successfulResults": {"GET": bulk_ingest.successful_results},
    "jobs/ingest/*/failedResults": {"GET": bulk_ingest.failed_results},
    "jobs/ingest/*/unprocessedrecords": {"GET": bulk_ingest.unprocessed_records},
    "jobs/ingest/*/unprocessedRecords": {"GET": bulk_ingest.unprocessed_records},
}

_SINCE = {
    "composite": 38,
    "composite/batch": 34,
    "composite/graph": 50,
    "composite/sobjects": 42,
    "composite/sobjects/*": 42,
    "composite/sobjects/*/*": 46,
    "composite/tree/*": 34,
    "limits/recordCount": 40,
    "sobjects/*/*/*/*": 36,
    "sobjects/*/Id": 37,
}
"""The version in which a resource came, where that is later than the oldest served."""

_ROUTES: defaultdict[tuple[int, str], list[tuple[tuple[str, ...], Mapping[str, Handler], int]]] = defaultdict(list)
"""By the number of segments and the first of them."""
for _path, _methods in _PATHS.items():
    _pattern = tuple(_path.split("/")) if _path else ()
    _ROUTES[len(_pattern), _path.partition("/")[0]].append((_pattern, _methods, _SINCE.get(_path, 0)))
