"""The sandbox guard: no write leaves this machine without a capability for this org, this run and this stage.

The transport asks `WriteGuard.check` before a connection is opened, so that a refused write sends no byte. What is not
known to be a read is a write. An org that is not provably a sandbox gets no capability, and there is no override.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.errors import GuardRefused
from harness.org.ids import to_18
from harness.org.soap import operation_of

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.org.site import Site

Kind = Literal["sandbox", "scratch", "simulated"]

_DATA = r"/services/data/v\d+\.0"
_SIGN_IN = re.compile(r"/services/oauth2/(token|introspect|userinfo)")
_SOAP_READS = (
    (re.compile(r"/services/Soap/u/\d+\.0(/\w+)?"), frozenset({"login", "getUserInfo"})),
    (re.compile(r"/services/Soap/m/\d+\.0(/\w+)?"), frozenset({"readMetadata", "listMetadata", "describeMetadata"})),
)
_QUERY_JOB = re.compile(_DATA + r"/jobs/query(/\w+)?")
_COMPOSITE = re.compile(_DATA + r"/composite/?")
_RETRIEVE_MANY = re.compile(_DATA + r"/composite/sobjects/\w+")
_FRONT_DOOR = re.compile(r"/secur/frontdoor\.jsp")
_SHOWN = re.compile(r"/services/data(/.*)?|/services/oauth2/(userinfo|introspect)|/secur/frontdoor\.jsp|/id/\w+/\w+")
"""What a GET only shows. Elsewhere it may run the org's own code (/services/apexrest, /apex) or end a session."""
_RUNS_CODE = re.compile(r"/tooling/(executeAnonymous|runTests)", re.IGNORECASE)
_AMBIGUOUS = re.compile(r"//|[\\;]|/\.{1,2}(/|$)")
"""Paths that two programs may read as two different ones."""
_OVERRIDES = ("_httpmethod", "x-http-method-override", "x-http-method", "x-method-override")


@dataclass(frozen=True, slots=True)
class SandboxProof:
    """What the org said about itself, all of it agreeing that it is a sandbox."""

    org_id: str
    kind: Kind
    instance: str
    organization_type: str
    trial_expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class WriteCapability:
    """Leave to write: to one org, in one stage of one run."""

    org_id: str
    run_id: str
    stage: str


class WriteGuard:
    """Holds the capability that is in force, if any, and refuses every write that it does not cover."""

    def __init__(self) -> None:
        self._granted: WriteCapability | None = None

    @property
    def granted(self) -> WriteCapability | None:
        """The capability in force."""
        return self._granted

    @contextmanager
    def grant(self, proof: SandboxProof, capability: WriteCapability) -> Iterator[None]:
        """Put a capability in force for as long as the context lasts.

        Raises GuardRefused when the proof is of another org, or another capability is still in force.
        """
        if proof.org_id != capability.org_id:
            raise GuardRefused(f"the proof is of org {proof.org_id}, the capability of org {capability.org_id}")
        if self._granted is not None:
            raise GuardRefused(f"stage {self._granted.stage} of run {self._granted.run_id} is still writing")
        self._granted = capability
        try:
            yield
        finally:
            self._granted = None

    def check(
        self,
        *,
        site: Site,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> None:
        """Raise GuardRefused unless this request is a read of this site, or a write that the capability covers."""
        parts = urlsplit(url)
        named = {value for name, value in (headers or {}).items() if name.lower() == "host"}
        if f"{parts.scheme}://{parts.netloc}" != site.url or named - {site.host}:
            asked = ", ".join(named) or parts.netloc.rpartition("@")[2]
            raise GuardRefused(
                f"{method} {parts.scheme}://{asked} is not org {site.name} ({site.url})",
                remedy="requests go to the configured My Domain URL only",
            )
        if not is_write(method, url, headers, body):
            return
        asked = f"{method} {parts.path}"
        if self._granted is None:
            raise GuardRefused(f"{asked} writes, and no stage that may write is running in org {site.name}")
        if self._granted.org_id != site.org_id:
            raise GuardRefused(f"{asked} writes to org {site.org_id}, the capability is for {self._granted.org_id}")


def is_write(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | str | None = None) -> bool:
    """Whether a request may change the org. What is not known to be a read is a write."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    parameters = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    overridden = {name.lower() for name in headers or {}} | parameters
    if overridden.intersection(_OVERRIDES) or _RUNS_CODE.search(path) or _AMBIGUOUS.search(path):
        return True
    if method.upper() in ("GET", "HEAD", "OPTIONS"):
        return _SHOWN.fullmatch(path) is None
    return not (method.upper() in ("POST", "PATCH", "DELETE") and _is_reading_call(method.upper(), path, body))


def _is_reading_call(method: str, path: str, body: bytes | str | None) -> bool:
    """The calls that only read although their method is not GET."""
    if _QUERY_JOB.fullmatch(path):  # a query job, and aborting or deleting it
        return True
    return method == "POST" and _is_reading_post(path, body)


def _is_reading_post(path: str, body: bytes | str | None) -> bool:
    if _SIGN_IN.fullmatch(path) or _FRONT_DOOR.fullmatch(path):
        return True
    for endpoint, reads in _SOAP_READS:
        if endpoint.fullmatch(path):
            return operation_of(body or b"") in reads
    if _COMPOSITE.fullmatch(path):
        return _only_gets(_json(body))
    if _RETRIEVE_MANY.fullmatch(path):  # POST {ids, fields} is a read, POST {records} is not
        asked = _json(body)
        return isinstance(asked, Mapping) and asked.keys() == {"ids", "fields"}
    return False


def _only_gets(body: Any) -> bool:
    subrequests = body.get("compositeRequest") if isinstance(body, Mapping) else None
    return isinstance(subrequests, list) and all(
        isinstance(each, Mapping)
        and str(each.get("method", "")).upper() == "GET"
        and not is_write("GET", str(each.get("url", "")), each.get("httpHeaders"))
        for each in subrequests
    )


def _json(body: bytes | str | None) -> Any:
    try:
        return json.loads(body or b"", object_pairs_hook=_each_key_once)
    except ValueError:
        return None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two alike, who knows which one the org goes by."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def prove_sandbox(admin: Connection, site: Site) -> SandboxProof:
    """Ask the org what it is; the sign-in, the Organization row and the pinned id must agree (facts 3.8, section 7).

    `IsSandbox` is true for scratch orgs too, which have a TrialExpirationDate. Raises GuardRefused for a production,
    trial or developer org, for another org than the pinned one, and where the org will not say.
    """
    reply = admin.try_query(
        "SELECT Id, Name, InstanceName, IsSandbox, OrganizationType, TrialExpirationDate FROM Organization"
    )
    rows = reply.body.get("records", []) if reply.ok else []
    if len(rows) != 1:
        said = "; ".join(map(str, reply.errors)) or f"{len(rows)} rows of Organization"
        raise GuardRefused(
            f"org {site.name} cannot be proven to be a sandbox: {said}",
            remedy="the admin must be able to read Organization",
        )
    row = rows[0]
    for source, org_id in (("the Organization row", to_18(str(row["Id"]))), ("the sign-in", admin.org_id)):
        if org_id != site.org_id:
            raise GuardRefused(
                f"org {site.name} is pinned to {site.org_id}, but {source} says {org_id}",
                remedy="correct org_id in the configuration, after making sure which org this is",
            )
    if row["IsSandbox"] is not True:
        raise GuardRefused(
            f"org {site.name} ({row['OrganizationType']}, {row['InstanceName']}) is not a sandbox: "
            "nothing is ever written to a production, trial or developer org",
            remedy="configure a sandbox of it, or rehearse in the simulated one",
        )
    expires = row.get("TrialExpirationDate")
    return SandboxProof(
        org_id=site.org_id,
        kind="simulated" if site.simulated else "scratch" if expires else "sandbox",
        instance=str(row["InstanceName"]),
        organization_type=str(row["OrganizationType"]),
        trial_expires=datetime.strptime(expires, "%Y-%m-%dT%H:%M:%S.%f%z") if expires else None,
    )
