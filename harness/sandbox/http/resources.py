"""What the org says about itself: the resource root, the objects, their descriptions, the limits, the row counts."""

from __future__ import annotations

import json
import zlib
from typing import Any

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.desk import DAILY_API_REQUESTS
from harness.sandbox.http.wire import Answer

_RESOURCES = (
    "tooling",
    "jobs",
    "composite",
    "query",
    "queryAll",
    "sobjects",
    "limits",
)


def root(call: Call) -> Answer:
    """`GET /services/data/vXX.X`: where everything is."""
    resources = {name: f"{call.base}/{name}" for name in _RESOURCES}
    resources["identity"] = f"{call.desk.instance_url}/id/{call.org.org_id}/{call.user_id}"
    return Answer(200, resources)


def describe_global(call: Call) -> Answer:
    """`GET sobjects`: the objects the user may see."""
    return _described(call, call.org.describe_global(as_user=call.user_id))


def basic_information(call: Call, sobject: str) -> Answer:
    """`GET sobjects/X`: the object in short, and no recent items, for an API user has none."""
    described = call.org.describe(sobject, as_user=call.user_id)
    short = {name: value for name, value in described.items() if not isinstance(value, list)}
    return Answer(200, {"objectDescribe": short, "recentItems": []})


def describe(call: Call, sobject: str) -> Answer:
    """`GET sobjects/X/describe`: the object with the fields the user may see."""
    return _described(call, call.org.describe(sobject, as_user=call.user_id))


def limits(call: Call) -> Answer:
    """`GET limits`: needs View Setup and Configuration."""
    if not call.may("ViewSetup"):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "You do not have permission to view this record.")
    left = DAILY_API_REQUESTS - call.desk.usage
    return Answer(
        200,
        {
            "ActiveScratchOrgs": _limit(0),
            "DailyApiRequests": _limit(DAILY_API_REQUESTS, left),
            "DailyAsyncApexExecutions": _limit(250_000),
            "DailyBulkApiBatches": _limit(15_000),
            "DailyBulkV2QueryFileStorageMB": _limit(976_562),
            "DailyBulkV2QueryJobs": _limit(10_000),
            "DataStorageMB": _limit(1_024),
            "FileStorageMB": _limit(1_024),
            "PermissionSets": _limit(1_500) | {"CreateCustom": _limit(1_000)},
        },
    )


def record_count(call: Call) -> Answer:
    """`GET limits/recordCount?sObjects=A,B`: rows of each object, whoever owns them; an empty object is left out."""
    wanted = {name.strip().lower() for name in call.params.get("sObjects", "").split(",") if name.strip()}
    visible = {entry["name"] for entry in call.org.describe_global(as_user=call.user_id)["sobjects"]}
    counts = []
    for sobject in sorted(call.org.schema, key=lambda one: one.name):
        if sobject.name in visible and not sobject.setup and (not wanted or sobject.name.lower() in wanted):
            count = len(call.org.rows(sobject.name))
            counts += [{"count": count, "name": sobject.name}] if count else []
    return Answer(200, {"sObjects": counts})


def nothing(_call: Call, *_segments: str) -> Answer:
    """A resource of the real platform that is not simulated."""
    raise not_found()


def _limit(maximum: int, remaining: int | None = None) -> dict[str, Any]:
    return {"Max": maximum, "Remaining": maximum if remaining is None else remaining}


def _described(call: Call, body: dict[str, Any]) -> Answer:
    """With an ETag of what is described, and 304 when the client has that already."""
    tag = f'"{zlib.crc32(json.dumps(body).encode()):08x}--gzip"'
    if call.headers.get("if-none-match") == tag:
        return Answer(304, None, {"ETag": tag})
    return Answer(200, body, {"ETag": tag, "Last-Modified": "Mon, 05 Jan 2026 09:00:00 GMT"})
