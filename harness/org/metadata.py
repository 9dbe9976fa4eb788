"""Calls of the Metadata API over SOAP: `readMetadata`, `updateMetadata` and `listMetadata`.

simple-salesforce reaches them only through zeep and a parsed WSDL, whose answers are objects of generated classes;
these calls are a dozen lines each, and their traffic is plain to read in a cassette.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import OrgUnreachable, RequestRefused
from harness.org import soap
from harness.org.outcome import certainty_of, lost, not_sent
from harness.org.reply import Answer, ApiError, Reply

if TYPE_CHECKING:
    from harness.org.connection import Connection

_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def read(connection: Connection, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """The components that exist, as plain data: text, dictionaries, and lists where an element repeats.

    Raises RequestRefused.
    """
    reply = _ask(connection, "readMetadata", soap.element("type", kind) + soap.element("fullNames", list(names)))
    if reply.errors:
        raise _refused(reply, f"readMetadata {kind} {', '.join(names)}")
    result = reply.body.get("result") or {}
    records = result.get("records") or []
    found = records if isinstance(records, list) else [records]
    return [each for each in found if isinstance(each, dict) and each.get("fullName")]


def list_names(connection: Connection, kinds: Sequence[str]) -> dict[str, list[str]]:
    """The full names of all components of up to three kinds, without those of managed packages, in order.

    Raises RequestRefused.
    """
    queries = [{"type": kind} for kind in kinds]
    version = soap.element("asOfVersion", connection.site.api_version)
    reply = _ask(connection, "listMetadata", soap.element("queries", queries) + version)
    if reply.errors:
        raise _refused(reply, f"listMetadata {', '.join(kinds)}")
    result = reply.body.get("result") or []
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for each in result if isinstance(result, list) else [result]:
        if not each.get("namespacePrefix"):
            found.setdefault(str(each["type"]), []).append(str(each["fullName"]))
    return {kind: sorted(names) for kind, names in found.items()}


def update(connection: Connection, kind: str, component: Mapping[str, Any]) -> Answer:
    """Update one component. `fullName` is sent first, the rest in the order given."""
    ordered = {"fullName": component["fullName"], **component}
    inner = "".join(soap.element(name, value) for name, value in ordered.items())
    try:
        reply = _ask(connection, "updateMetadata", f'<metadata xsi:type="{kind}">{inner}</metadata>')
    except OrgUnreachable as error:
        return lost(error.message, 1)[0] if error.may_have_happened else not_sent(1)[0]
    if reply.errors:
        return Answer(certainty_of(400, reply.errors), reply.status, errors=reply.errors)
    result = reply.body.get("result") or {}
    if result.get("success") == "true":
        return Answer("APPLIED", reply.status)
    errors = result.get("errors") or []
    found = tuple(
        ApiError(each.get("statusCode", ""), each.get("message", ""))
        for each in (errors if isinstance(errors, list) else [errors])
    )
    return Answer(certainty_of(reply.status, found), reply.status, errors=found)


def _refused(reply: Reply, asked: str) -> RequestRefused:
    error = reply.errors[0]
    return RequestRefused(
        f"the org refused: {error}", asked=asked, status=reply.status, code=error.code, description=error.message
    )


def _ask(connection: Connection, operation: str, inner: str) -> Reply:
    reply = connection.send_soap(
        f"/services/Soap/m/{connection.site.api_version}",
        _envelope(operation, inner),
        {**soap.HEADERS, "SOAPAction": f'"{operation}"'},
    )
    return _plain(reply)


def _envelope(operation: str, inner: str) -> Callable[[str], bytes]:
    body = f'<{operation} xmlns="{_NAMESPACE}">{inner}</{operation}>'

    def build(session_id: str) -> bytes:
        session = f'<SessionHeader xmlns="{_NAMESPACE}">{soap.element("sessionId", session_id)}</SessionHeader>'
        return soap.envelope(body, header=session)

    return build


def _plain(reply: Reply) -> Reply:
    """The reply with the answer's element as plain data, or the fault as its error."""
    node = soap.payload(reply.body) if isinstance(reply.body, str) else None
    if node is None:
        return reply if reply.errors else Reply(reply.status, {}, (ApiError("NOT_XML", "the answer is no envelope"),))
    if soap.local_name(node) == "Fault":
        code = (soap.text_of(node, "faultcode") or "").rpartition(":")[2]
        return Reply(reply.status, {}, (ApiError(code, soap.text_of(node, "faultstring") or ""),))
    return Reply(reply.status, soap.plain(node) or {})
