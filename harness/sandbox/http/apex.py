"""Apex REST classes as stubs: named endpoints with an answer of their own, behind the access check of a real class.

Apex runs in system context, so nothing but access to the class is asked of the user: SetupEntityAccess to the
ApexClass, or Author Apex. What an endpoint queries, it finds whatever the user's permissions and sharing say.

The path may name parts, `/orders/{number}`, and may end in `/*`; paths have a case, and an exact one goes before one
with names (Apex Developer Guide, "Exposing Apex Classes as REST Web Services"). `{number}` in the answer and in the
query stands for that part of the path, for a parameter, or for a field of the body; in the query it becomes a literal.
`{rows}` in the answer stands for what the query found, `{row}` for the first of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NAME = re.compile(r"\{(\w+)\}")
_REST = "*"


def add_endpoint(
    org: SandboxOrg,
    *,
    class_name: str,
    path: str,
    method: str = "GET",
    body: Any = None,
    status: int = 200,
    query: str | None = None,
) -> None:
    """Let `METHOD /services/apexrest/PATH` answer with a body, JSON data; without one, with the rows of its query.

    The class gets a row when the org has none of that name. Raises ValueError for a method that Apex REST has not.
    """
    if method not in METHODS:
        raise ValueError(f"Apex REST has no method {method}; it has {', '.join(METHODS)}")
    rows = org.rows("ApexClass", Name=class_name)
    class_id = rows[0]["Id"] if rows else org.insert_row("ApexClass", {"Name": class_name})
    if body is None and query is not None:
        body = "{rows}"
    values = {"class_id": class_id, "class_name": class_name, "status": status, "body": body, "query": query}
    Drawer(org, "apex_rest").put(f"{method} {path.strip('/')}", values)


def run(call: Call) -> Answer:
    """Answer for an endpoint. Raises ApiError: NOT_FOUND, METHOD_NOT_ALLOWED, FORBIDDEN, or what its query says."""
    found = _matches(call)
    if not found:
        raise ApiError(404, "NOT_FOUND", "Could not find a match for URL")
    endpoint, named = found.get("GET" if call.method == "HEAD" else call.method, ({}, {}))
    if not endpoint:
        allowed = ",".join(one for one in METHODS if one in found)
        message = f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}"
        raise ApiError(405, "METHOD_NOT_ALLOWED", message)
    access = call.org.permissions_of(call.user_id)
    if endpoint["class_id"] not in access.setup and not access.has("AuthorApex"):
        raise ApiError(403, "FORBIDDEN", f"You do not have access to the Apex class named: {endpoint['class_name']}")
    values = {**_body_fields(call), **call.params, **named}
    if query := endpoint.get("query"):
        values["rows"] = _rows(call, query, values)
        values["row"] = next(iter(values["rows"]), None)
    body = None if call.method == "HEAD" else _filled(endpoint["body"], values)
    return Answer(
        int(endpoint["status"]), json.dumps(body, ensure_ascii=False).encode() if isinstance(body, str) else body
    )


def _matches(call: Call) -> Mapping[str, tuple[dict[str, Any], dict[str, str]]]:
    """By method: the endpoint that fits the path best, and the parts of the path that it names."""
    given = call.path.split("/")
    best: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {}
    for key, endpoint in Drawer(call.org, "apex_rest"):
        method, _, path = key.partition(" ")
        named = _named(path.split("/"), given)
        fixed = len(_NAME.sub("", path.removesuffix(_REST)))
        if named is not None and fixed >= best.get(method, (-1,))[0]:
            best[method] = (fixed, endpoint, named)
    return {method: (endpoint, named) for method, (_, endpoint, named) in best.items()}


def _named(pattern: list[str], given: list[str]) -> dict[str, str] | None:
    """The parts of a path by the names that the pattern gives them; None where the path does not fit."""
    if pattern[-1] == _REST:
        pattern, given = pattern[:-1], given[: len(pattern) - 1]
    if len(pattern) != len(given):
        return None
    named = {}
    for expected, part in zip(pattern, given, strict=True):
        name = _NAME.fullmatch(expected)
        if name is not None:
            named[name[1]] = part
        elif expected != part:
            return None
    return named


def _body_fields(call: Call) -> Mapping[str, Any]:
    """The fields of a JSON object in the body; a body of another kind has none."""
    try:
        data = json.loads(call.body) if call.body else {}
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _rows(call: Call, query: str, values: Mapping[str, Any]) -> list[Any]:
    soql = _NAME.sub(lambda name: _literal(values.get(name[1])), query)
    return list(call.org.query(soql, as_user=call.user_id, version=call.version, system_context=True).records)


def _literal(value: Any) -> str:
    """A value as SOQL writes it."""
    if value is None:
        return "null"
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _filled(answer: Any, values: Mapping[str, Any]) -> Any:
    """The answer with values where it has their names: a text that is only a name becomes the value itself."""
    if isinstance(answer, dict):
        return {key: _filled(value, values) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_filled(value, values) for value in answer]
    if not isinstance(answer, str):
        return answer
    alone = _NAME.fullmatch(answer)
    if alone is not None and alone[1] in values:
        return values[alone[1]]
    return _NAME.sub(lambda name: str(values.get(name[1], name[0])), answer)
