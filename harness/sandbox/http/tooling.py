"""The Tooling API's side of objects and rows (Tooling API guide, "REST Resources").

Setup objects are here too, with addresses below `tooling`; a write tells of warnings and infos besides errors.
"""

from __future__ import annotations

from typing import Any

from harness.sandbox.describing.describe import describe as described_object
from harness.sandbox.errors import not_found
from harness.sandbox.http import resources, rows
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.schema import SObject

_RESOURCES = ("sobjects", "query")
_NOT_HERE = frozenset({"SetupEntityAccess"})
"""Setup objects whose addresses the Tooling API does not have, as clients found who wrote them there."""


def root(call: Call) -> Answer:
    """`GET tooling`: where everything is."""
    return Answer(200, {name: f"{call.base}/tooling/{name}" for name in _RESOURCES})


def describe_global(call: Call) -> Answer:
    """`GET tooling/sobjects`: the objects that the Tooling API knows and the user may see."""

    def make() -> dict[str, Any]:
        access = call.org.permissions_of(call.user_id)
        known = [one for one in call.org.schema if _is_known(one) and access.can(one, "read")]
        entries = [_entry(call, one) for one in sorted(known, key=lambda one: one.name)]
        return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}

    return resources.described(call, make)


def basic_information(call: Call, sobject: str) -> Answer:
    """`GET tooling/sobjects/X`: the object in short."""
    return Answer(200, {"objectDescribe": _entry(call, _visible(call, sobject)), "recentItems": []})


def describe(call: Call, sobject: str) -> Answer:
    """`GET tooling/sobjects/X/describe`."""
    visible = _visible(call, sobject)
    return resources.described(call, lambda: _whole(call, visible))


def get(call: Call, sobject: str, record_id: str) -> Answer:
    """`GET tooling/sobjects/X/ID?fields=`."""
    name = _visible(call, sobject).name
    asked = rows.fields(call)
    row = call.org.retrieve(name, record_id, as_user=call.user_id, fields=asked, tooling=True, version=call.version)
    return Answer(200, row)


def post(call: Call, sobject: str) -> Answer:
    """`POST tooling/sobjects/X`: 201, or the refusal of an object that is not made this way."""
    name = _visible(call, sobject).name
    record_id = rows.create(call, name, call.json_object())
    body = {"id": record_id, "success": True, "errors": [], "warnings": [], "infos": []}
    return Answer(201, body, {"Location": f"{call.base}/tooling/sobjects/{name}/{record_id}"})


def patch(call: Call, sobject: str, record_id: str) -> Answer:
    """`PATCH tooling/sobjects/X/ID`: 204."""
    rows.update(call, _visible(call, sobject).name, record_id, call.json_object())
    return Answer(204)


def delete(call: Call, sobject: str, record_id: str) -> Answer:
    """`DELETE tooling/sobjects/X/ID`: 204."""
    rows.remove(call, _visible(call, sobject).name, record_id)
    return Answer(204)


def _visible(call: Call, name: str) -> SObject:
    """The object of a name. Raises ApiError NOT_FOUND where it is not there for the user."""
    found = call.org.schema.get(name)
    if found is None or not _is_known(found) or not call.org.permissions_of(call.user_id).can(found, "read"):
        raise not_found()
    return found


def _is_known(sobject: SObject) -> bool:
    return sobject.tooling or (sobject.setup and sobject.name not in _NOT_HERE)


def _whole(call: Call, sobject: SObject) -> dict[str, Any]:
    whole = described_object(call.org, sobject, call.org.permissions_of(call.user_id), call.version)
    base = f"{call.base}/tooling"
    return whole | {"urls": {name: url.replace(call.base, base, 1) for name, url in whole["urls"].items()}}


def _entry(call: Call, sobject: SObject) -> dict[str, Any]:
    whole = _whole(call, sobject)
    return {name: value for name, value in whole.items() if not isinstance(value, list)}
