"""What the org says about itself: the resource root, the objects and their descriptions.

REST guide, "Resources by Version", "Describe Global", "sObject Describe", "sObject Basic Information".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.sandbox.http import conditional, recent
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer

_RESOURCES = (
    *("tooling", "metadata", "eclair", "folders", "prechatForms", "contact-tracing", "jsonxform", "chatter"),
    *("payments", "tabs", "appMenu", "quickActions", "queryAll", "commerce", "wave", "iot", "analytics", "search"),
    *("smartdatadiscovery", "identity", "composite", "parameterizedSearch", "fingerprint", "theme", "nouns"),
    *("domino", "event", "serviceTemplates", "recent", "connect", "licensing", "limits", "process", "dedupe"),
    *("async-queries", "query", "jobs", "localizedvalue", "mobile", "emailConnect", "consent", "tokenizer"),
    *("compactLayouts", "sobjects", "actions", "support"),
)
"""What an org lists, in its order, whether or not it is simulated here."""
_SINCE = {
    "contact-tracing": 49,
    "jsonxform": 44,
    "payments": 48,
    "smartdatadiscovery": 44,
    "domino": 47,
    "localizedvalue": 52,
    "mobile": 55,
    "consent": 44,
    "tokenizer": 60,
}
_COMPOSITE = ("tree", "batch", "sobjects", "graph")
_GRAPHS_SINCE = 50


def root(call: Call) -> Answer:
    """`GET /services/data/vXX.X`: where everything is."""
    identity = f"{call.desk.instance_url}/id/{call.org.org_id}/{call.user_id}"
    kept = (name for name in _RESOURCES if _SINCE.get(name, 0) <= call.number)
    return Answer(200, {name: identity if name == "identity" else f"{call.base}/{name}" for name in kept})


def composite_resources(call: Call) -> Answer:
    """`GET composite`: the other composite resources."""
    shown = (name for name in _COMPOSITE if name != "graph" or call.number >= _GRAPHS_SINCE)
    return Answer(200, {name: f"{call.base}/composite/{name}" for name in shown})


def describe_global(call: Call) -> Answer:
    """`GET sobjects`: the objects the user may see."""
    return described(call, lambda: call.org.describe_global(as_user=call.user_id, version=call.version))


def basic_information(call: Call, sobject: str) -> Answer:
    """`GET sobjects/X`: the object in short, and the rows of it that the user has used last."""
    whole = call.org.describe(sobject, as_user=call.user_id, version=call.version)
    short = {name: value for name, value in whole.items() if not isinstance(value, list)}
    return Answer(200, {"objectDescribe": short, "recentItems": recent.items(call, whole["name"])})


def describe(call: Call, sobject: str) -> Answer:
    """`GET sobjects/X/describe`: the object with the fields the user may see."""
    return described(call, lambda: call.org.describe(sobject, as_user=call.user_id, version=call.version))


def described(call: Call, make: Callable[[], dict[str, Any]]) -> Answer:
    """A description with what a client needs to ask for it again only when it changed, or 304 where it did not."""
    state = conditional.metadata_state(call)
    body = make()
    if conditional.asked(call) and conditional.unchanged(call, state):
        return Answer(304, None, state.headers())
    return Answer(200, body, state.headers())
