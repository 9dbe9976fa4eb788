"""What Event Monitoring keeps of one request: its API, version, resource, object and client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.requests import Request

from harness.sandbox.event_log import ApiRequest
from harness.sandbox.http.reading import headers_of, noted, params_of

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_PATHS = (
    ("REST", re.compile(r"/services/data/v(?P<version>[0-9]+\.0)(?P<rest>/.*)?")),
    ("Bulk", re.compile(r"/services/async/(?P<version>[0-9]+\.0)(?P<rest>/.*)?")),
    ("SOAP", re.compile(r"/services/Soap/[cmu]/(?P<version>[0-9]+\.0)(?P<rest>/.*)?")),
    ("ApexREST", re.compile(r"/services/apexrest(?P<version>)(?P<rest>/.*)?")),
)
_SOAP_CALL = re.compile(rb"<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)")
_OBJECT_IN_PATH = re.compile(r"/sobjects/(\w+)")
_OBJECT_IN_QUERY = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
_CLIENT = re.compile(r"client\s*=\s*([^;,\s]+)")
_FIRST_BYTES = 65_536


def event_of(org: SandboxOrg, request: Request, body: bytes, *, status: int) -> ApiRequest | None:
    """The event of a request; None for one that is no API call of a user, such as a token request.

    Of the body only the name of a SOAP call is looked at, of the query only the object.
    """
    user_id = noted(request, "user_id")
    path = request.scope["path"]
    family, found = next(((name, hit) for name, one in _PATHS if (hit := one.fullmatch(path))), ("", None))
    if user_id is None or found is None:
        return None
    version, rest = found["version"], found["rest"] or ""
    if family == "REST" and rest.startswith("/jobs/"):
        family = "Bulk"
    resource = path.removeprefix("/services") if family == "ApexREST" else f"/v{version}{rest}"
    if family == "SOAP":
        call = _SOAP_CALL.search(body[:_FIRST_BYTES])
        resource = call[1].decode() if call else ""
    in_query = _OBJECT_IN_QUERY.search(params_of(request).get("q", ""))
    in_path = _OBJECT_IN_PATH.search(rest)
    client = _CLIENT.search(headers_of(request).get("sforce-call-options", ""))
    return ApiRequest(
        at=org.clock.peek(),
        user_id=user_id,
        family=family,
        version=version,
        resource=resource,
        method=request.method,
        status=status,
        client=client[1] if client else "",
        app_id=noted(request, "app_id"),
        entity=(in_path or in_query or [""] * 2)[1],
    )
