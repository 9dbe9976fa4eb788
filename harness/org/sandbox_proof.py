"""Proving that an org is a sandbox: what it says of itself, what its host says, and whom we signed in to, all agreeing.

The Organization row tells sandbox (facts 3.8: `IsSandbox`, no TrialExpirationDate), scratch org (`IsSandbox` too, with
a TrialExpirationDate, facts 7.14), trial, Developer Edition and production apart. None of the witnesses is believed
alone: a host may be named wrongly, a proxy may lead elsewhere, an org may be swapped. What one does not say is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import GuardRefused, OrgUnreachable
from harness.org.errors import find, says_nothing
from harness.org.hosts import IN_WORDS, MAY_BE_WRITTEN, Claim, OrgKind, claim_of, in_words
from harness.org.ids import is_id_18, to_18

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.org.sign_in import Session
    from harness.org.site import Site

Kind = Literal["sandbox", "scratch", "simulated"]

_ASKED = "SELECT Id, Name, InstanceName, IsSandbox, OrganizationType, TrialExpirationDate FROM Organization"
_REFRESHED = (
    "correct url or org_id in the configuration, after making sure which org this is: a sandbox that was refreshed is "
    "a new org with a new id, in which nothing of an earlier run is left"
)


@dataclass(frozen=True, slots=True)
class SandboxProof:
    """What the org said about itself, all of it agreeing that it is a sandbox."""

    org_id: str
    kind: Kind
    instance: str
    organization_type: str
    trial_expires: datetime | None = None
    admin_id: str = ""
    """The user as whom the Organization row was read."""
    sign_in: int = 0
    """The number of the sign-in with which it was read: after another one of that user it proves nothing."""
    unsaid: tuple[str, ...] = ()
    """What a witness did not say, each a sentence."""


@dataclass(frozen=True, slots=True)
class _Witness:
    """One source, and the kinds of org of which what it says is true."""

    name: str
    claim: Claim


def other_org(site: Site, who: str, org_id: str) -> GuardRefused:
    """The refusal of an org that is not the pinned one."""
    return GuardRefused(f"{who} org {org_id}, but {site.name} is pinned to {site.org_id}", remedy=_REFRESHED)


def prove_sandbox(admin: Connection, site: Site) -> SandboxProof:
    """Read the Organization row, and hold it against the sign-in, the host and the pinned id.

    Raises GuardRefused for a production, trial or developer org, for another org than the pinned one, where the
    witnesses contradict each other, and where the org will not say.
    """
    row = _organization(admin, site)
    session = admin.session
    for source, said in (("the Organization row", str(row.get("Id"))), ("the sign-in", admin.org_id)):
        if to_18(said) != site.org_id:
            raise GuardRefused(
                f"org {site.name} is pinned to {site.org_id}, but {source} says {said}", remedy=_REFRESHED
            )
    kind = _agreed(site, [_row_says(row), *sign_in_says(site, session)], row)
    return SandboxProof(
        org_id=site.org_id,
        kind=kind,
        instance=str(row.get("InstanceName")),
        organization_type=str(row.get("OrganizationType")),
        trial_expires=_moment(site, row.get("TrialExpirationDate")),
        admin_id=admin.user_id,
        sign_in=session.number,
        unsaid=tuple(_unsaid(session)),
    )


def _organization(admin: Connection, site: Site) -> Mapping[str, Any]:
    """The one row of Organization. Raises GuardRefused where there is none, and OrgUnreachable for no answer at all."""
    reply = admin.try_query(_ASKED)
    for error in reply.errors:
        if error.code == "INVALID_SESSION_ID" or says_nothing(error.code, error.message):
            known = find(error.code, error.message)
            raise OrgUnreachable(
                f"org {site.name} did not say what it is, so that nothing is written to it: {error}",
                asked="Organization",
                may_have_happened=False,
                remedy=known.remedy if known else None,
            )
    rows = reply.body.get("records", []) if reply.ok and isinstance(reply.body, Mapping) else []
    if len(rows) != 1 or not isinstance(rows[0], Mapping):
        said = "; ".join(map(str, reply.errors)) or f"{len(rows)} rows of Organization"
        raise GuardRefused(
            f"org {site.name} cannot be proven to be a sandbox: {said}",
            remedy="the admin must be able to read Organization",
        )
    row: Mapping[str, Any] = rows[0]
    return row


def _row_says(row: Mapping[str, Any]) -> _Witness:
    trial, edition = row.get("TrialExpirationDate"), str(row.get("OrganizationType"))
    kinds: set[OrgKind]
    if row.get("IsSandbox") is True:
        kinds = {"scratch", "simulated"} if trial else {"sandbox", "simulated"}
    elif trial:
        kinds = {"trial", "trailhead"}
    else:
        kinds = {"developer"} if edition == "Developer Edition" else {"production"}
    return _Witness("the Organization row", frozenset(kinds))


def sign_in_says(site: Site, session: Session) -> Iterator[_Witness]:
    """What the configured host, and what a sign-in answered, say of the org."""
    yield _Witness(f"the host {site.host}", claim_of(site.url))
    if site.simulated:
        yield _Witness("the ready file", frozenset({"simulated"}))
    if session.identity_url:
        yield _Witness("the identity URL of the sign-in", claim_of(session.identity_url))
    if session.instance_url:
        yield _Witness("the instance URL of the sign-in", claim_of(session.instance_url))


def _agreed(site: Site, witnesses: list[_Witness], row: Mapping[str, Any]) -> Kind:
    """The kind of org that all agree on. Raises GuardRefused."""
    common = frozenset.intersection(MAY_BE_WRITTEN, *(each.claim for each in witnesses))
    kinds: tuple[Kind, ...] = ("simulated",) if site.simulated else ("sandbox", "scratch", "simulated")
    for kind in kinds:
        if kind in common:
            return kind
    own = witnesses[0].claim
    if not own & MAY_BE_WRITTEN:
        raise GuardRefused(
            f"org {site.name} ({row.get('OrganizationType')}, {row.get('InstanceName')}) is not a sandbox but "
            f"{in_words(own)}: nothing is ever written to a production, trial or developer org",
            remedy="configure a sandbox of it, or rehearse in the simulated one",
        )
    raise contradiction(site, witnesses)


def contradiction(site: Site, witnesses: list[_Witness]) -> GuardRefused:
    """The refusal of an org about which not all say the same."""
    said = "; ".join(f"{each.name} says {in_words(each.claim)}" for each in witnesses)
    return GuardRefused(
        f"org {site.name} is not provably a sandbox: {said}",
        remedy="write the org's own My Domain URL (https://acme--dev.sandbox.my.salesforce.com or "
        "https://NAME.scratch.my.salesforce.com), without a proxy or DNS name in between that leads elsewhere",
    )


def doubt_of(site: Site, session: Session, username: str) -> GuardRefused | None:
    """What a sign-in said that contradicts the configuration; None where it agrees, or does not say."""
    if not is_id_18(session.org_id, "00D") or session.org_id != site.org_id:
        return other_org(site, f"{username} signed in to", session.org_id)
    witnesses = list(sign_in_says(site, session))
    if frozenset.intersection(*(each.claim for each in witnesses)):
        return None
    return contradiction(site, witnesses)


def _unsaid(session: Session) -> Iterator[str]:
    if not session.identity_url:
        yield (
            "The admin's sign-in names no identity URL (SOAP never does): that the org is a sandbox was proven by its "
            "Organization row, its host and its id alone."
        )


def _moment(site: Site, text: object) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError as error:
        raise GuardRefused(
            f"org {site.name} cannot be proven to be a sandbox: its TrialExpirationDate is {text!r}",
            remedy="make sure which org this is",
        ) from error


__all__ = ["IN_WORDS", "Kind", "SandboxProof", "contradiction", "doubt_of", "other_org", "prove_sandbox"]
