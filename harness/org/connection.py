"""One connection to one org as one principal: requests, SOQL, describes and writes, through simple-salesforce.

simple-salesforce is given a session id, never a credential, so that it cannot sign in by itself; an expired session is
renewed here, once, and a token that is refused again is an answer. Nothing was done in an expired session, so that a
write is sent again as a read is.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from harness.errors import OrgUnreachable, RequestRefused, SignInRefused
from harness.org import bulk, front_door, metadata
from harness.org.clock import Clock
from harness.org.describe import is_describe, reduce_describe, reduce_global_describe
from harness.org.errors import find, passes
from harness.org.guard import prove_sandbox
from harness.org.outcome import answer_of, answer_of_row, lost, not_sent
from harness.org.reply import Answer, ApiError, BulkResult, Reply, reply_of
from harness.org.sign_in import Credential, Session, sign_in
from harness.org.site import Site
from harness.org.transport import Transport, caller

__all__ = ["Answer", "ApiError", "BulkResult", "Connection", "Principal", "Reply"]

Principal = Literal["admin", "source", "target"]
Row = Mapping[str, Any]
Item = TypeVar("Item")

ROWS_PER_COLLECTION = 200
COLLECTIONS_PER_COMPOSITE = 5
SUBREQUESTS_PER_COMPOSITE = 25
"""Limits of the composite family (facts 5.5)."""
LONGEST_URI = 14_000
"""Bytes. The platform refuses 16,384 (facts section 6); a longer query goes as a subrequest of a composite."""


class Connection:
    """One principal in one org. `user_id` and `org_id` have 18 characters."""

    def __init__(
        self, principal: Principal, credential: Credential, site: Site, transport: Transport, clock: Clock
    ) -> None:
        """Sign in. Raises what `sign_in` raises: SignInRefused, OrgUnreachable, UsageError, GuardRefused."""
        self.principal = principal
        self.username = credential.username
        self.site = site
        self._credential = credential
        self._transport = transport
        self._clock = clock
        self._fields: dict[str, list[dict[str, Any]]] = {}
        self._session, self._sf = self._sign_in()

    @property
    def session(self) -> Session:
        """What the newest sign-in answered."""
        return self._session

    @property
    def user_id(self) -> str:
        """The id of the user that the org says we are."""
        return self._session.user_id

    @property
    def now(self) -> datetime:
        """The time, by the clock it was given."""
        return self._clock.now()

    @property
    def org_id(self) -> str:
        """The id of the org that answered the sign-in."""
        return self._session.org_id

    # --- any request ---------------------------------------------------------------------------------------------

    def request(self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request; `path` is under /services/data/vXX.X unless it starts with /services.

        An org's refusal is a Reply. Raises OrgUnreachable when there is no answer and GuardRefused for a write that no
        capability covers.
        """
        if path.startswith("/services/"):
            body = None if json is None else jsonlib.dumps(json).encode()
            return self.send(method, path, body=body, headers={"Content-Type": "application/json", **(headers or {})})

        def call(sf: Salesforce, seen: _Seen) -> Any:
            return sf.restful(path.lstrip("/"), method=method, json=json, headers=dict(headers or {}), hooks=seen.hooks)

        return self._call(call)

    def send(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request whose body or answer is not JSON: CSV, XML, HTML. `path` starts with a slash."""

        def call(sf: Salesforce, seen: _Seen) -> Any:
            authorized = {"Authorization": sf.headers["Authorization"], **caller(self.username)}
            url, all_headers = self.site.url + path, {**authorized, **(headers or {})}
            sf.session.request(method, url, data=body, headers=all_headers, hooks=seen.hooks)

        return self._call(call)

    def composite(self, subrequests: Sequence[Row], *, all_or_none: bool, whole: bool = False) -> list[Reply]:
        """Up to 25 subrequests in one call, each `{method, url, body?, referenceId?}`; one Reply for each, in order.

        `url` is under /services/data/vXX.X unless it starts with /services. A composite that is refused as a whole
        gives every subrequest that refusal. A describe has the keys that `harness.org.describe` lists, unless it is
        asked for as a whole, by what is never recorded.
        """
        if len(subrequests) > SUBREQUESTS_PER_COMPOSITE:
            raise ValueError(f"a composite holds {SUBREQUESTS_PER_COMPOSITE} subrequests, not {len(subrequests)}")
        body = {
            "allOrNone": all_or_none,
            "compositeRequest": [
                {"referenceId": f"r{number}", **each, "url": self._full_path(each["url"])}
                for number, each in enumerate(subrequests)
            ],
        }
        reply = self.request("POST", "composite", json=body)
        if not reply.ok:
            return [reply] * len(subrequests)
        answers = [
            reply_of(each["httpStatusCode"], each.get("body"), each.get("httpHeaders"))
            for each in reply.body["compositeResponse"]
        ]
        return answers if whole else [_reduced(each) for each in answers]

    def apex_rest(self, method: str, path: str, body: Any = None) -> Reply:
        """A call of an Apex REST resource; `path` is what follows /services/apexrest."""

        def call(sf: Salesforce, seen: _Seen) -> Any:
            return sf.apexecute(path.lstrip("/"), method=method, data=body, hooks=seen.hooks)

        return self._call(call)

    # --- reading -------------------------------------------------------------------------------------------------

    def query(self, soql: str) -> list[dict[str, Any]]:
        """All rows, without their `attributes`; child rows are complete too. Raises RequestRefused."""
        return self.all_rows(self.try_query(soql), soql)

    def try_query(self, soql: str) -> Reply:
        """The first page as the org sends it; a refusal is a Reply."""
        if len(quote(soql)) > LONGEST_URI:
            return self.composite([{"method": "GET", "url": f"query?{urlencode({'q': soql})}"}], all_or_none=False)[0]
        return self._call(lambda sf, seen: sf.query(soql, hooks=seen.hooks))

    def tooling_query(self, soql: str) -> list[dict[str, Any]]:
        """All rows of a Tooling API query. Raises RequestRefused."""
        return self.all_rows(self.request("GET", f"tooling/query?{urlencode({'q': soql})}"), soql)

    def all_rows(self, first: Reply, soql: str) -> list[dict[str, Any]]:
        """All rows of a query whose first page has come: a call for each further page. Raises RequestRefused."""
        if not first.ok:
            raise _refused(first, soql)
        return [self._plain_row(row, soql) for row in self._records(first.body, soql)]

    def describe(self, sobject: str) -> Reply:
        """The describe of one object, with the keys that `harness.org.describe` lists."""
        return _reduced(self.request("GET", f"sobjects/{sobject}/describe"))

    def learn_fields(self, *names: str) -> None:
        """Describe setup objects in one call, where they are not known yet, for `fields_of`."""
        missing = [name for name in names if name not in self._fields]
        if len(missing) > 1:
            self._fields |= {name: each["fields"] for name, each in self.describe_many(missing).items()}

    def fields_of(self, sobject: str) -> list[dict[str, Any]]:
        """The fields of a setup object, asked once a connection: no migration changes them. Raises RequestRefused."""
        if sobject not in self._fields:
            reply = self.describe(sobject)
            if not reply.ok:
                raise _refused(reply, f"describe {sobject}")
            self._fields[sobject] = reply.body["fields"]
        return self._fields[sobject]

    def describe_many(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The describes of many objects, 25 a call; what the principal does not see is absent."""
        found: dict[str, dict[str, Any]] = {}
        for batch in _batches(names, SUBREQUESTS_PER_COMPOSITE):
            asked = [{"method": "GET", "url": f"sobjects/{name}/describe"} for name in batch]
            for name, reply in zip(batch, self.composite(asked, all_or_none=False), strict=True):
                if reply.ok:
                    found[name] = reply.body
                elif reply.status not in (400, 404):
                    raise _refused(reply, f"describe {name}")
        return found

    def describe_global(self) -> list[dict[str, Any]]:
        """All objects the principal sees, with the keys that `harness.org.describe` lists. Raises RequestRefused."""
        reply = self._call(lambda sf, seen: sf.describe(hooks=seen.hooks))
        if not reply.ok:
            raise _refused(reply, "describe all objects")
        objects: list[dict[str, Any]] = reduce_global_describe(reply.body)["sobjects"]
        return objects

    # --- writing -------------------------------------------------------------------------------------------------

    def create(self, sobject: str, values: Row) -> Answer:
        """Create one row."""
        return self._write("POST", f"sobjects/{sobject}", values)

    def update(self, sobject: str, record_id: str, values: Row) -> Answer:
        """Update one row."""
        return self._write("PATCH", f"sobjects/{sobject}/{record_id}", values, record_id)

    def delete(self, sobject: str, record_id: str) -> Answer:
        """Delete one row."""
        return self._write("DELETE", f"sobjects/{sobject}/{record_id}", None, record_id)

    def upsert(self, sobject: str, key_field: str, key: str, values: Row) -> Answer:
        """Create or update the row whose external id is `key`; the answer says which in `created`."""
        rest = {name: value for name, value in values.items() if name != key_field}
        return self._write("PATCH", f"sobjects/{sobject}/{key_field}/{quote(str(key), safe='')}", rest)

    def create_many(self, sobject: str, rows: Sequence[Row]) -> list[Answer]:
        """Create rows, up to 1,000 in a call; one Answer for each, in order. Rows succeed or fail one by one."""
        return self._write_many("POST", [{"attributes": {"type": sobject}, **row} for row in rows])

    def update_many(self, sobject: str, rows: Sequence[Row]) -> list[Answer]:
        """Update rows, each with its `Id`, up to 1,000 in a call; one Answer for each, in order."""
        records = [
            {"attributes": {"type": sobject}, "id": row["Id"], **{k: v for k, v in row.items() if k != "Id"}}
            for row in rows
        ]
        return self._write_many("PATCH", records)

    def delete_many(self, ids: Sequence[str]) -> list[Answer]:
        """Delete rows, up to 1,000 in a call; one Answer for each, in order."""
        return self._write_many("DELETE", ids)

    # --- Bulk API 2.0, Metadata API, user interface --------------------------------------------------------------

    def bulk_query(self, soql: str) -> BulkResult:
        """A Bulk API 2.0 query job, waited for."""
        return bulk.run_query(self, soql, self._clock)

    def bulk_ingest(
        self, operation: bulk.Operation, sobject: str, rows: Sequence[Row], *, external_id: str | None = None
    ) -> BulkResult:
        """A Bulk API 2.0 ingest job, waited for. `external_id` is the field of an upsert."""
        return bulk.run_ingest(self, operation, sobject, rows, self._clock, external_id=external_id)

    def read_metadata(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """The components of that kind and those names that exist. Raises RequestRefused."""
        return metadata.read(self, kind, names)

    def list_metadata(self, kinds: Sequence[str]) -> dict[str, list[str]]:
        """The full names of the components of up to three kinds, without managed ones. Raises RequestRefused."""
        return metadata.list_names(self, kinds)

    def update_metadata(self, kind: str, component: Row) -> Answer:
        """Update one component; `component` holds its `fullName`."""
        return metadata.update(self, kind, component)

    def send_soap(self, path: str, build: Callable[[str], bytes], headers: Mapping[str, str]) -> Reply:
        """A SOAP request; `build` gets the session id, which SOAP wants inside the envelope."""

        def call(sf: Salesforce, seen: _Seen) -> Any:
            sf.session.request(
                "POST",
                self.site.url + path,
                data=build(sf.session_id),
                headers={**caller(self.username), **headers},
                hooks=seen.hooks,
            )

        return self._call(call)

    def user_interface_allowed(self) -> Reply:
        """Whether the principal may use the user interface: `ok` when it may.

        The session is shown to the front door. An API-only user is sent to a page that says so (facts 4.7).
        """

        def call(sf: Salesforce, seen: _Seen) -> Any:
            form = urlencode({"sid": sf.session_id, "retURL": "/"})
            sf.session.request(
                "POST",
                f"{self.site.url}/secur/frontdoor.jsp",
                data=form.encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded", **caller(self.username)},
                hooks=seen.hooks,
            )

        return front_door.read(self._call(call))

    # --- underneath ----------------------------------------------------------------------------------------------

    def _sign_in(self) -> tuple[Session, Salesforce]:
        session = sign_in(self._credential, self.site, self._transport, self._clock)
        sf = Salesforce(
            session_id=session.access_token.reveal(),
            instance_url=self.site.url,
            version=self.site.api_version,
            session=self._transport.session,
            object_pairs_hook=dict,
        )
        del sf.headers["X-PrettyPrint"]  # blanks that nobody reads
        sf.headers.update(caller(self.username))
        return session, sf

    def _call(self, call: Callable[[Salesforce, _Seen], Any]) -> Reply:
        """Make a call; where the session has expired, renew it and make the call once more."""
        reply = _attempt(call, self._sf)
        if not _expired(reply) or not self._credential.renewable:
            return reply
        try:
            self._session, self._sf = self._sign_in()
        except SignInRefused as refusal:
            words = f"{reply.errors[0].message}; signing in again: {refusal.code}: {refusal.description}"
            return Reply(reply.status, reply.body, (ApiError("INVALID_SESSION_ID", words),))
        if self.principal == "admin":
            self._transport.guard.renew(lambda: prove_sandbox(self, self.site))
        return _attempt(call, self._sf)

    def _full_path(self, path: str) -> str:
        return path if path.startswith("/services/") else f"{self.site.data_path}/{path.lstrip('/')}"

    def _records(self, page: Row, soql: str) -> Iterator[Row]:
        """The records of a page and of all that follow it."""
        while True:
            yield from page["records"]
            if page.get("done", True):
                return
            more: str = page["nextRecordsUrl"]
            reply = self._call(lambda sf, seen: sf.query_more(more, identifier_is_url=True, hooks=seen.hooks))  # noqa: B023 - called at once
            if not reply.ok:
                raise _refused(reply, soql)
            page = reply.body

    def _plain_row(self, row: Row, soql: str) -> dict[str, Any]:
        return {name: self._plain_value(value, soql) for name, value in row.items() if name != "attributes"}

    def _plain_value(self, value: Any, soql: str) -> Any:
        if not isinstance(value, Mapping):
            return value
        if "records" in value and "totalSize" in value:  # the rows of a child relationship
            rows = [self._plain_row(row, soql) for row in self._records(value, soql)]
            return {"totalSize": value["totalSize"], "done": True, "records": rows}
        return self._plain_row(value, soql)

    def _write(self, method: str, path: str, values: Row | None, record_id: str | None = None) -> Answer:
        try:
            return answer_of(self.request(method, path, json=values), record_id=record_id)
        except OrgUnreachable as error:
            return lost(error.message, 1)[0] if error.may_have_happened else not_sent(1)[0]

    def _write_many(self, method: str, records: Sequence[Any]) -> list[Answer]:
        """Write rows, and those again that were refused only for now, such as for another's lock."""
        answers = self._write_once(method, records)
        tries = self._transport.waiting.call()
        while refused := [place for place, answer in enumerate(answers) if _refused_for_now(answer)]:
            if not tries.again(str(answers[refused[0]].errors[0])):
                break
            for place, answer in zip(refused, self._write_once(method, [records[one] for one in refused]), strict=True):
                answers[place] = answer
        return answers

    def _write_once(self, method: str, records: Sequence[Any]) -> list[Answer]:
        answers: list[Answer] = []
        for batch in _batches(records, ROWS_PER_COLLECTION * COLLECTIONS_PER_COMPOSITE):
            collections = list(_batches(batch, ROWS_PER_COLLECTION))
            subrequests = [_collection(method, each) for each in collections]
            try:
                replies = self.composite(subrequests, all_or_none=False)
            except OrgUnreachable as error:
                if error.may_have_happened:
                    answers += lost(error.message, len(batch))
                break
            for rows, reply in zip(collections, replies, strict=True):
                answers += _row_answers(reply, len(rows))
        return answers + not_sent(len(records) - len(answers))


class _Seen:
    """The response behind a call of simple-salesforce, which gives back only what it decoded."""

    def __init__(self) -> None:
        self._response: requests.Response | None = None

    @property
    def hooks(self) -> dict[str, Any]:
        """The hook with which `requests` shows the response."""
        return {"response": self._note}

    def take(self) -> requests.Response:
        """The response, given once: it knows the hook, and the hook must not know it for longer than needed."""
        response, self._response = self._response, None
        if response is None:
            raise AssertionError("no request was made")
        return response

    def _note(self, response: requests.Response, **_: Any) -> None:
        self._response = response


def _attempt(call: Callable[[Salesforce, _Seen], Any], sf: Salesforce) -> Reply:
    seen = _Seen()
    try:
        body = call(sf, seen)
    except SalesforceError as refusal:
        body = refusal.content
    except requests.exceptions.JSONDecodeError:
        body = None  # simple-salesforce decodes every 2xx; an empty one, as of a 201, is no error
    response = seen.take()
    return reply_of(response.status_code, response.content if body is None else body, response.headers)


def _expired(reply: Reply) -> bool:
    """REST says so in its error code, SOAP in a fault with status 500."""
    if isinstance(reply.body, str):
        return reply.status in (401, 500) and "INVALID_SESSION_ID" in reply.body
    return reply.status == 401 and any(error.code == "INVALID_SESSION_ID" for error in reply.errors)


def _refused_for_now(answer: Answer) -> bool:
    return answer.certainty == "NOT_APPLIED" and passes(answer.errors)


def _refused(reply: Reply, asked: str) -> RequestRefused:
    error = reply.errors[0]
    known = find(error.code, error.message)
    return RequestRefused(
        f"the org refused: {error}",
        asked=asked,
        status=reply.status,
        code=error.code,
        description=error.message,
        fields=error.fields,
        remedy=known.remedy if known else None,
    )


def _reduced(reply: Reply) -> Reply:
    if not reply.ok or not is_describe(reply.body):
        return reply
    return Reply(reply.status, reduce_describe(reply.body), headers=reply.headers)


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _collection(method: str, records: Sequence[Any]) -> dict[str, Any]:
    if method == "DELETE":
        return {"method": method, "url": f"composite/sobjects?allOrNone=false&ids={','.join(records)}"}
    return {"method": method, "url": "composite/sobjects", "body": {"allOrNone": False, "records": list(records)}}


def _row_answers(reply: Reply, count: int) -> list[Answer]:
    if reply.ok and isinstance(reply.body, list) and len(reply.body) == count:
        return [answer_of_row(row, reply.status) for row in reply.body]
    if reply.ok:
        return [Answer("UNKNOWN", reply.status)] * count
    return [answer_of(reply)] * count
