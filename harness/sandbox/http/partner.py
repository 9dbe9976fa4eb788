"""The partner and the enterprise SOAP API: queries, rows and describes as the user of a session (SOAP API guide).

Rows go through the same calls as in REST, so the same permissions and rules hold; what the platform answers as a fault
and what as an error of one row follows the guide's "Error Handling".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from harness.sandbox import identity
from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError
from harness.sandbox.http import passwords, replication, soap
from harness.sandbox.http.call import NEWEST, OLDEST, Call
from harness.sandbox.http.desk import Cursor, Desk
from harness.sandbox.http.envelope import (
    ENTERPRISE,
    PARTNER,
    Request,
    SoapFault,
    client_fault,
    element,
    fault_answer,
    read_request,
    success_answer,
    text_of,
    texts_of,
)
from harness.sandbox.http.partner_describe import describe_elements
from harness.sandbox.http.partner_errors import fault_of, invalid_type, too_many
from harness.sandbox.http.partner_rows import RowWriter
from harness.sandbox.http.partner_writes import create, delete, empty_recycle_bin, undelete, update, upsert
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import Caller
from harness.sandbox.sosl.search import search

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

DEFAULT_BATCH = 500
_SMALLEST_BATCH, _LARGEST_BATCH = 200, 2000
MOST_DESCRIBED = 100
MOST_RETRIEVED = 2000
_NAMESPACES = {"u": PARTNER, "c": ENTERPRISE}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in: `kind` is `u` for the partner API and `c` for the enterprise API."""

    kind: str
    version: str
    body: bytes
    host: str
    caller: Caller


def answer(org: SandboxOrg, desk: Desk, asked: Asked, *, signed_in: Callable[[str], None]) -> Answer:
    """`POST /services/Soap/u/V` and `/c/V`. `signed_in` is told the user of the session."""
    namespace = _NAMESPACES[asked.kind]
    faults = namespace.replace("urn:", "urn:fault.")
    try:
        check_version(asked.version)
        request = read_request(asked.body)
        if request.operation == "login":
            return soap.login(org, desk, asked.version, asked.body, asked.host, kind=asked.kind, caller=asked.caller)
        operation = _OPERATIONS.get(request.operation)
        if operation is None:
            called = f"{{{request.namespace}}}{request.operation}"
            raise client_fault(f"No operation available for request {called}, please check the WSDL for the service.")
        user_id = session_user(org, request)
        signed_in(user_id)
        org.api_version.set(asked.version)
        call = Call(org=org, desk=desk, user_id=user_id, version=asked.version, method="POST", path="")
        desk.spend(org)
        writer = RowWriter(org.schema, enterprise=asked.kind == "c")
        content = operation(call, request, writer)
    except ApiError as error:
        return fault_answer(fault_of(error), namespace=faults)
    except SoapFault as fault:
        return fault_answer(fault, namespace=faults)
    name = f"{request.operation}Response"
    content = f"<{name}>{content}</{name}>" if content else f"<{name}/>"
    prefixes = f' xmlns:sf="{writer.namespace}"' if "sf:" in content else ""
    return success_answer(content, namespace=namespace, header=limit_info(org, desk), prefixes=prefixes)


def check_version(version: str) -> None:
    """Raises SoapFault UNSUPPORTED_API_VERSION when a version (`67.0`) is retired or was never there."""
    number, _, minor = version.partition(".")
    if minor != "0" or not number.isascii() or not number.isdigit() or not OLDEST <= int(number) <= NEWEST:
        raise SoapFault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")


def session_user(org: SandboxOrg, request: Request) -> str:
    """The user of the session in the header. Raises SoapFault or ApiError: no session, or one that may not do this."""
    session = identity.session_of(org, request.header("SessionHeader", "sessionId"))
    if session is None:
        raise SoapFault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
    if session.password_expired and request.operation != "setPassword":
        raise identity.expired_password()
    if not org.permissions_of(session.user_id).has("ApiEnabled"):
        raise SoapFault("API_CURRENTLY_DISABLED", "API is disabled for this User")
    return session.user_id


def limit_info(org: SandboxOrg, desk: Desk) -> str:
    """The header that says how many of the day's requests are used."""
    used, limit = desk.spent(org), desk.allowed(org)
    numbers = element("current", used) + element("limit", limit) + element("type", "API REQUESTS")
    return f"<LimitInfoHeader><limitInfo>{numbers}</limitInfo></LimitInfoHeader>"


def _query(call: Call, request: Request, writer: RowWriter, *, all_rows: bool = False) -> str:
    soql = text_of(request.call, "queryString")
    if not soql.strip():
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    result = call.org.query(soql, as_user=call.user_id, all_rows=all_rows, version=call.version)
    cursor = Cursor(call.user_id, _batch(request), result.records, tooling=False)
    cursor_id = call.desk.keep(cursor) if len(result.records) > cursor.batch else ""
    return _page(cursor, cursor_id, 0, result.total_size, writer)


def _query_all(call: Call, request: Request, writer: RowWriter) -> str:
    return _query(call, request, writer, all_rows=True)


def _query_more(call: Call, request: Request, writer: RowWriter) -> str:
    cursor_id, _, start = text_of(request.call, "queryLocator").strip().partition("-")
    cursor = call.desk.cursors.get(cursor_id)
    if cursor is None or cursor.user_id != call.user_id or not (start.isascii() and start.isdigit()):
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(cursor, cursor_id, int(start), len(cursor.records), writer)


def _page(cursor: Cursor, cursor_id: str, start: int, total: int, writer: RowWriter) -> str:
    end = start + cursor.batch
    locator = f"{cursor_id}-{end}" if end < len(cursor.records) else None
    return f'<result xsi:type="QueryResult">{writer.page(cursor.records[start:end], total, locator)}</result>'


def _batch(request: Request) -> int:
    """The page size that QueryOptions asks for, from 200 to 2,000; 500 where it does not (SOAP API guide)."""
    asked = request.header("QueryOptions", "batchSize")
    if not re.fullmatch(r"\d{1,9}", asked, re.ASCII):
        return DEFAULT_BATCH
    return min(max(int(asked), _SMALLEST_BATCH), _LARGEST_BATCH)


def _retrieve(call: Call, request: Request, writer: RowWriter) -> str:
    name = text_of(request.call, "sObjectType").strip()
    fields = [one.strip() for one in text_of(request.call, "fieldList").split(",") if one.strip()]
    ids = texts_of(request.call, "ids")
    if len(ids) > MOST_RETRIEVED:
        raise too_many(MOST_RETRIEVED)
    if call.org.schema.get(name) is None:
        raise invalid_type(name)
    return "".join(writer.record("result", _found(call, name, one, fields)) for one in ids)


def _found(call: Call, name: str, record_id: str, fields: list[str]) -> Mapping[str, Any] | None:
    try:
        return call.org.retrieve(name, record_id, as_user=call.user_id, fields=fields, version=call.version)
    except ApiError as error:
        if error.code in ("NOT_FOUND", "ENTITY_IS_DELETED"):
            return None
        raise


def _search(call: Call, request: Request, writer: RowWriter) -> str:
    records = search(call.org, text_of(request.call, "searchString"), as_user=call.user_id, version=call.version)
    found = "".join(f"<searchRecords>{writer.record('record', one)}</searchRecords>" for one in records)
    return f"<result>{found}</result>"


def _updated(call: Call, request: Request, _writer: RowWriter) -> str:
    told = _replicated(call, request, replication.updated)
    ids = "".join(element("ids", one) for one in told["ids"])
    return f"<result>{ids}{element('latestDateCovered', in_utc(told['latestDateCovered']))}</result>"


def _deleted(call: Call, request: Request, _writer: RowWriter) -> str:
    told = _replicated(call, request, replication.deleted)
    pairs = ((in_utc(one["deletedDate"]), one["id"]) for one in told["deletedRecords"])
    rows = "".join(
        f"<deletedRecords>{element('deletedDate', moment)}{element('id', record_id)}</deletedRecords>"
        for moment, record_id in pairs
    )
    moments = (element(name, in_utc(told[name])) for name in ("earliestDateAvailable", "latestDateCovered"))
    return f"<result>{rows}{''.join(moments)}</result>"


def _replicated(call: Call, request: Request, ask: Callable[[Call, str], Answer]) -> Mapping[str, Any]:
    """What REST says of the same question."""
    name = text_of(request.call, "sObjectType").strip()
    times = {side: text_of(request.call, f"{side}Date").strip() for side in ("start", "end")}
    try:
        body: Mapping[str, Any] = ask(replace(call, params=times), name).body
    except ApiError as error:
        if error.code == "NOT_FOUND":
            raise invalid_type(name) from error
        raise
    return body


def in_utc(moment: str) -> str:
    """A moment as SOAP writes it."""
    return moment.replace("+0000", "Z")


def _describe_global(call: Call, _request: Request, _writer: RowWriter) -> str:
    described = call.org.describe_global(as_user=call.user_id, version=call.version)
    return f"<result>{describe_elements(described)}</result>"


def _describe(call: Call, request: Request, _writer: RowWriter) -> str:
    names = texts_of(request.call, "sObjectType")
    if len(names) > MOST_DESCRIBED:
        raise too_many(MOST_DESCRIBED)
    return "".join(f"<result>{describe_elements(_described(call, name))}</result>" for name in names)


def _described(call: Call, name: str) -> Mapping[str, Any]:
    try:
        return call.org.describe(name, as_user=call.user_id, version=call.version)
    except ApiError as error:
        if error.code == "NOT_FOUND":
            raise invalid_type(name) from error
        raise


def _user_info(call: Call, _request: Request, _writer: RowWriter) -> str:
    user = call.org.row("User", call.user_id) or {}
    return f"<result>{soap.user_info(call.org, user)}</result>"


def _server_timestamp(call: Call, _request: Request, _writer: RowWriter) -> str:
    moment = in_utc(wire_datetime(call.org.clock.now()))
    return f"<result>{element('timestamp', moment)}</result>"


def _logout(call: Call, request: Request, _writer: RowWriter) -> str:
    identity.end_session(call.org, request.header("SessionHeader", "sessionId"))
    return ""


def _set_password(call: Call, request: Request, _writer: RowWriter) -> str:
    wanted = {"NewPassword": text_of(request.call, "password")}
    passwords.change(replace(call, data=wanted), _password_user(request.call))
    return "<result/>"


def _reset_password(call: Call, request: Request, _writer: RowWriter) -> str:
    made = passwords.reset(call, _password_user(request.call))
    return f"<result>{element('password', made.body['NewPassword'])}</result>"


def _password_user(call: Element) -> str:
    return text_of(call, "userId").strip()


_OPERATIONS: Mapping[str, Callable[[Call, Request, RowWriter], str]] = {
    "create": create,
    "delete": delete,
    "describeGlobal": _describe_global,
    "describeSObject": _describe,
    "describeSObjects": _describe,
    "emptyRecycleBin": empty_recycle_bin,
    "getDeleted": _deleted,
    "getServerTimestamp": _server_timestamp,
    "getUpdated": _updated,
    "getUserInfo": _user_info,
    "logout": _logout,
    "query": _query,
    "queryAll": _query_all,
    "queryMore": _query_more,
    "resetPassword": _reset_password,
    "retrieve": _retrieve,
    "search": _search,
    "setPassword": _set_password,
    "undelete": undelete,
    "update": update,
    "upsert": upsert,
}
