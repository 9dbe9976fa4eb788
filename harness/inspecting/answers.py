"""What an org answered, in few words: so many rows, these ids, this error code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.inspecting.words import clipped
from harness.org.soap import local_name, payload, plain
from harness.words import few, several

_IDS = 3
_ERRORS = 2


def body_in_short(content_type: str, body: str) -> str:
    """The body of an answer, by what it is."""
    if not body.strip():
        return "nothing"
    try:
        if "json" in content_type:
            return value_in_short(json.loads(body))
        if "xml" in content_type:
            return _xml_in_short(body)
    except (ValueError, RecursionError):
        return clipped(body)
    if "csv" in content_type:
        return several(max(0, len(body.splitlines()) - 1), "row")
    return clipped(body)


def value_in_short(value: Any) -> str:
    """The JSON of an answer, or of a part of one."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, list):
        return _list_in_short(value)
    if isinstance(value, dict):
        for key, words in _BY_KEY.items():
            if key in value:
                return words(value)
    return clipped(json.dumps(value, ensure_ascii=False))


def _list_in_short(values: list[Any]) -> str:
    entries = [each for each in values if isinstance(each, dict)]
    if entries and len(entries) == len(values):
        if all("errorCode" in each for each in entries):
            return "; ".join(f"{each['errorCode']}: {clipped(each.get('message'))}" for each in entries[:_ERRORS])
        if all("success" in each for each in entries):
            return _saved_in_short(entries)
    return clipped(json.dumps(values, ensure_ascii=False)) if values else "an empty list"


def _saved_in_short(results: Sequence[Mapping[str, Any]]) -> str:
    ids = [str(each.get("id")) for each in results if each["success"]]
    told = [f"{several(len(ids), 'row')} saved: {few(ids, _IDS)}"] if ids else []
    refused = [each for each in results if not each["success"]]
    if refused:
        told.append(f"{several(len(refused), 'row')} refused: {few(sorted(set(_codes(refused))), _IDS)}")
    return "; ".join(told)


def _codes(results: Sequence[Mapping[str, Any]]) -> list[str]:
    errors = [error for each in results for error in each.get("errors") or () if isinstance(error, dict)]
    return [str(error.get("statusCode") or error.get("errorCode") or "?") for error in errors]


def _rows_in_short(value: Mapping[str, Any]) -> str:
    rows = value["records"] if isinstance(value["records"], list) else []
    ids = [str(each["Id"]) for each in rows if isinstance(each, dict) and each.get("Id")]
    count = several(len(rows), "row")
    if value.get("done") is False:
        count += f" of {value.get('totalSize')}"
    if not rows and value.get("totalSize"):
        count = f"a count of {value['totalSize']}"
    return f"{count}: {few(ids, _IDS)}" if ids else count


def _fields_in_short(value: Mapping[str, Any]) -> str:
    fields = value["fields"] if isinstance(value["fields"], list) else []
    return f"{value.get('name', 'an object')} with {several(len(fields), 'field')}"


def _objects_in_short(value: Mapping[str, Any]) -> str:
    return several(len(value["sobjects"]) if isinstance(value["sobjects"], list) else 0, "object")


def _error_in_short(value: Mapping[str, Any]) -> str:
    return f"{value['error']}: {clipped(value.get('error_description'))}"


_BY_KEY: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "records": _rows_in_short,
    "fields": _fields_in_short,
    "sobjects": _objects_in_short,
    "access_token": lambda _: "signed in",
    "error": _error_in_short,
    "success": lambda value: _saved_in_short([value]),
    "compositeResponse": lambda value: several(len(value["compositeResponse"] or ()), "answer"),
    "results": lambda value: several(len(value["results"] or ()), "answer"),
    "graphs": lambda value: several(len(value["graphs"] or ()), "graph"),
}


def _xml_in_short(body: str) -> str:
    found = payload(body)
    if found is None:
        return clipped(body)
    name, content = local_name(found), plain(found)
    if isinstance(content, Mapping) and "faultcode" in content:
        return f"{content['faultcode']}: {clipped(content.get('faultstring'))}"
    return f"{name} {clipped(json.dumps(content, ensure_ascii=False))}" if content else name
