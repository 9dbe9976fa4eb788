"""Rows with their children in one request, all of them or none (REST guide, "sObject Tree").

Up to 200 rows of five objects on five levels. They are made level by level, and answered in that order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.errors import ApiError, Refusal, not_found
from harness.sandbox.http import rows
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.parts import RollBack
from harness.sandbox.http.wire import Answer, row_error

MOST_ROWS = 200
MOST_OBJECTS = 5
DEEPEST = 5
_REFERENCE = re.compile(r"[A-Za-z0-9].*", re.ASCII | re.DOTALL)


@dataclass(slots=True)
class _Node:
    """One row to be made, below another or at the top."""

    record: Mapping[str, Any]
    sobject: str
    reference: str
    parent: _Node | None = None
    relationship: str = ""
    children: list[_Node] = field(default_factory=list)
    id: str = ""


def tree(call: Call, sobject: str) -> Answer:
    """`POST composite/tree/X`."""
    described = call.org.schema.get(sobject)
    if described is None or described.tooling or not call.org.permissions_of(call.user_id).can(described, "read"):
        raise not_found()
    levels = _levels(call.json_object().get("records"), described.name)
    refused = _refused(levels)
    if refused:
        return Answer(400, {"hasErrors": True, "results": refused})
    failures: list[dict[str, Any]] = []
    try:
        with call.org.transaction():
            for level in levels:
                for node in level:
                    _plant(call, node, failures)
                if failures:
                    raise RollBack
    except RollBack:
        return Answer(400, {"hasErrors": True, "results": failures})
    results = [{"referenceId": node.reference, "id": node.id} for level in levels for node in level]
    return Answer(201, {"hasErrors": False, "results": results})


def _plant(call: Call, node: _Node, failures: list[dict[str, Any]]) -> None:
    values = {name: value for name, value in node.record.items() if name != "attributes" and not _is_branch(value)}
    try:
        if node.parent is not None:
            values[_link(call, node)] = node.parent.id
        node.id = rows.create(call, node.sobject, values)
    except ApiError as error:
        failures.append(_failure(node, error.errors))


def _link(call: Call, node: _Node) -> str:
    """The child's field that leads to its parent."""
    assert node.parent is not None
    parent = call.org.schema.get(node.parent.sobject)
    found = call.org.relations.child(parent, node.relationship) if parent else None
    if found is None or found.sobject.name.lower() != node.sobject.lower():
        text = f"No such relation '{node.relationship}' on entity '{node.parent.sobject}'"
        raise ApiError(400, "INVALID_FIELD", text, [])
    return found.field.name


def _levels(records: Any, root: str) -> list[list[_Node]]:
    """The rows by level. Raises ApiError: the request cannot be read, or is beyond a limit."""
    level = [_node(record) for record in _record_list(records)]
    if any(node.sobject.lower() != root.lower() for node in level):
        raise ApiError(400, "INVALID_INPUT", f"The root records of this request must be of type {root}")
    levels: list[list[_Node]] = []
    while level:
        levels.append(level)
        if len(levels) > DEEPEST:
            raise ApiError(400, "LIMIT_EXCEEDED", f"A tree may not be deeper than {DEEPEST} levels")
        level = [child for node in level for child in _below(node)]
    planted = [node for level in levels for node in level]
    if len(planted) > MOST_ROWS:
        text = f"record limit reached. cannot submit more than {MOST_ROWS} records into this call"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", text)
    if len({node.sobject.lower() for node in planted}) > MOST_OBJECTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"A request may not have records of more than {MOST_OBJECTS} types")
    return levels


def _below(parent: _Node) -> list[_Node]:
    for name, value in parent.record.items():
        if _is_branch(value):
            for record in _record_list(value["records"]):
                child = _node(record)
                child.parent, child.relationship = parent, name
                parent.children.append(child)
    return parent.children


def _node(record: Mapping[str, Any]) -> _Node:
    attributes = record.get("attributes")
    attributes = attributes if isinstance(attributes, Mapping) else {}
    sobject, reference = attributes.get("type"), attributes.get("referenceId")
    if not isinstance(sobject, str) or not sobject:
        raise ApiError(400, "INVALID_INPUT", "Include an entity type for each record in the request.")
    return _Node(record, sobject, reference if isinstance(reference, str) else "")


def _refused(levels: list[list[_Node]]) -> list[dict[str, Any]]:
    """What is wrong with the reference ids: one entry for each row that has none, or one that another has too."""
    planted = [node for level in levels for node in level]
    given = [node.reference for node in planted]
    twice = {reference for reference in given if reference and given.count(reference) > 1}
    refused = []
    for node in planted:
        if node.reference in twice:
            refused.append(_failure(node, [Refusal("INVALID_INPUT", "Duplicate ReferenceId provided in the request.")]))
        elif not _REFERENCE.fullmatch(node.reference):
            text = "Include an alphanumeric referenceId for each record in the request."
            refused.append(_failure(node, [Refusal("INVALID_INPUT", text)]))
    return refused


def _failure(node: _Node, errors: list[Refusal]) -> dict[str, Any]:
    return {"referenceId": node.reference, "errors": [row_error(one) for one in errors]}


def _record_list(records: Any) -> list[Mapping[str, Any]]:
    if not isinstance(records, list) or not records or not all(isinstance(one, Mapping) for one in records):
        raise parser_error("The request needs a list of objects named records")
    return records


def _is_branch(value: Any) -> bool:
    return isinstance(value, Mapping) and "records" in value
