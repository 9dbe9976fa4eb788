"""Graphs of rows: each graph is a composite request of up to 500 nodes, all or none (REST guide, "Composite Graph").

Nodes are creations, rows and rows by external id, and nothing else. A graph that fails does not touch the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http import parts
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.composite import all_or_none
from harness.sandbox.http.parts import Dispatch
from harness.sandbox.http.wire import Answer

MOST_GRAPHS = 75
MOST_NODES = 500
MOST_KINDS = 15
DEEPEST = 15
MOST_FAILURES = 14
"""After more failures than these the graphs that are left are not begun."""
_OLDEST = 50
_METHODS = frozenset({"DELETE", "GET", "PATCH", "POST"})
_NODE = re.compile(r"/+services/data/v(\d{1,3})\.0/+sobjects/+(\w+)((?:/[^/?]+){0,2})/*(?:\?.*)?", re.DOTALL)
_GRAPH_ID = re.compile(r"[A-Za-z0-9][^.]{0,38}", re.DOTALL)
_BY_STEPS = {0: frozenset({"POST"}), 1: frozenset({"DELETE", "GET", "PATCH"}), 2: _METHODS}
_HALTED = "Processing was halted since the number of failed graphs exceeded the limit."


def graphs(call: Call, dispatch: Dispatch) -> Answer:
    """`POST composite/graph`: up to 75 graphs with 500 nodes together."""
    given = _checked(call, call.json_object().get("graphs"))
    answered: list[dict[str, Any]] = []
    failures = 0
    for graph in given:
        nodes = graph["compositeRequest"]
        if failures > MOST_FAILURES:
            answers = {node["referenceId"]: parts.halted(_HALTED) for node in nodes}
        else:
            answers = all_or_none(call, dispatch, nodes)
        successful = not any(parts.failed(answer, all_or_none=True) for answer in answers.values())
        failures += not successful
        shown = [parts.shown(node["referenceId"], answers[node["referenceId"]]) for node in nodes]
        answered.append(
            {
                "graphId": graph["graphId"],
                "graphResponse": {"compositeResponse": shown},
                "isSuccessful": successful,
            }
        )
    return Answer(200, {"graphs": answered})


def _checked(call: Call, given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given or not all(isinstance(graph, dict) for graph in given):
        raise parser_error("The request needs a list of objects named graphs")
    if len(given) > MOST_GRAPHS:
        raise _exceeded(f"{MOST_GRAPHS} graphs")
    seen: set[str] = set()
    nodes: list[Mapping[str, Any]] = []
    for graph in given:
        name = graph.get("graphId")
        if not isinstance(name, str) or not _GRAPH_ID.fullmatch(name) or name in seen:
            raise ApiError(400, "INVALID_INPUT", f"Invalid or duplicate graphId: {name}")
        seen.add(name)
        nodes += parts.check(graph.get("compositeRequest"), "compositeRequest", version=call.number, methods=_METHODS)
        if _depth(graph["compositeRequest"]) > DEEPEST:
            raise _exceeded(f"a depth of {DEEPEST}")
    if len(nodes) > MOST_NODES:
        raise _exceeded(f"{MOST_NODES} nodes")
    if len({_kind(node) for node in nodes}) > MOST_KINDS:
        raise _exceeded(f"{MOST_KINDS} different nodes")
    return given


def _kind(node: Mapping[str, Any]) -> tuple[str, str, str]:
    """Version, method and object, which make two nodes different. Raises ApiError for what may be no node."""
    match = _NODE.fullmatch(node["url"])
    steps = len([step for step in match[3].split("/") if step]) if match else 0
    if match is None or int(match[1]) < _OLDEST or node["method"] not in _BY_STEPS[steps]:
        raise ApiError(400, "INVALID_INPUT", f"{node['method']} {node['url']} can't be a node of a composite graph")
    return match[1], node["method"], match[2].lower()


def _depth(nodes: Iterable[Mapping[str, Any]]) -> int:
    """The length of the longest chain of nodes that use each other's answers."""
    depths: dict[str, int] = {}
    for node in nodes:
        depths[node["referenceId"]] = 1 + max((depths.get(one, 0) for one in parts.references(node)), default=0)
    return max(depths.values(), default=0)


def _exceeded(what: str) -> ApiError:
    return ApiError(400, "LIMIT_EXCEEDED", f"A composite graph request can't have more than {what}")
