"""The sandbox guard: no write leaves this machine without a capability for this org, this run and this stage.

The transport asks `WriteGuard.check` before a connection is opened, so that a refused write sends no byte. What is not
known to be a read is a write. An org that is not provably a sandbox gets no capability, and there is no override.
Every sign-in is told to the guard: one that says another org, or another kind of org, ends all writing, and after a
new sign-in of the admin nothing is written before the Organization row was read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import GuardRefused
from harness.org.capability import Budget, Protected, WriteCapability
from harness.org.effects import effects_of
from harness.org.sandbox_proof import Kind, SandboxProof, doubt_of, prove_sandbox
from harness.org.what_writes import is_write

if TYPE_CHECKING:
    from harness.org.sign_in import Session
    from harness.org.site import Site

__all__ = [
    "Budget",
    "Kind",
    "Protected",
    "SandboxProof",
    "WriteCapability",
    "WriteGuard",
    "is_write",
    "prove_sandbox",
]


class WriteGuard:
    """Holds the capability that is in force, if any, and refuses every write that it does not cover."""

    def __init__(self) -> None:
        self._granted: WriteCapability | None = None
        self._budget: Budget | None = None
        self._proof: SandboxProof | None = None
        self._sign_ins = 0
        self._newest: dict[str, int] = {}
        self._doubts: dict[str, GuardRefused] = {}
        self._renewing = False

    @property
    def granted(self) -> WriteCapability | None:
        """The capability in force."""
        return self._granted

    @property
    def budget(self) -> Budget | None:
        """What is left of it."""
        return self._budget

    # --- sign-ins ------------------------------------------------------------------------------------------------

    def signed_in(self, site: Site, session: Session, username: str) -> int:
        """Take note of a sign-in, and give it a number. What it says ends all writing where it contradicts the site."""
        self._sign_ins += 1
        self._newest[session.user_id] = self._sign_ins
        doubt = doubt_of(site, session, username)
        if doubt is None:
            self._doubts.pop(username, None)
        else:
            self._doubts[username] = doubt
            self._proof = None
        return self._sign_ins

    def still_proves(self, proof: SandboxProof) -> bool:
        """Whether no sign-in of the admin came after the one a proof was made with, and none was doubtful."""
        return not self._doubts and self._newest.get(proof.admin_id, proof.sign_in) == proof.sign_in

    def renew(self, prove: Callable[[], SandboxProof]) -> None:
        """Prove the org again, where a stage writes and the admin signed in anew in the middle of it."""
        if self._granted is None or self._proof is None or self._renewing or self.still_proves(self._proof):
            return
        self._renewing = True
        try:
            self._proof = prove()
        finally:
            self._renewing = False

    # --- writes --------------------------------------------------------------------------------------------------

    @contextmanager
    def grant(self, proof: SandboxProof, capability: WriteCapability) -> Iterator[None]:
        """Put a capability in force for as long as the context lasts.

        Raises GuardRefused when the proof is of another org or from before a new sign-in, or another capability is
        still in force.
        """
        if proof.org_id != capability.org_id:
            raise GuardRefused(f"the proof is of org {proof.org_id}, the capability of org {capability.org_id}")
        if self._granted is not None:
            raise GuardRefused(f"stage {self._granted.stage} of run {self._granted.run_id} is still writing")
        if not self.still_proves(proof):
            raise self._not_proven()
        self._granted, self._budget, self._proof = capability, Budget(capability), proof
        try:
            yield
        finally:
            self._granted = self._budget = self._proof = None

    def check(
        self,
        *,
        site: Site,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> None:
        """Raise GuardRefused unless this request is a read of this site, or a write that the capability covers.

        A write is paid for out of the budget of the stage: ask once for each request that is sent.
        """
        parts = urlsplit(url)
        _check_address(site, method, url, headers)
        if not is_write(method, url, headers, body):
            return
        asked = f"{method} {parts.path}"
        if self._granted is None or self._budget is None:
            raise GuardRefused(f"{asked} writes, and no stage that may write is running in org {site.name}")
        if self._granted.org_id != site.org_id:
            raise GuardRefused(f"{asked} writes to org {site.org_id}, the capability is for {self._granted.org_id}")
        if self._proof is None or not self.still_proves(self._proof):
            raise self._not_proven()
        effects = effects_of(method, url, body)
        if refusal := self._granted.protected.refusal(effects):
            raise GuardRefused(
                f"{asked} {refusal}",
                remedy="the user we are signed in as, the owner of its credential and the last working admin are never "
                "frozen or deactivated: sign the tool in as another admin, or leave that user alone",
            )
        self._budget.spend(asked, effects)

    def wrote_nothing(self, *, method: str, url: str, body: bytes | str | None) -> None:
        """Take note that the org said of a write, for certain, that nothing of it was done."""
        if self._budget is not None:
            self._budget.give_back(effects_of(method, url, body))

    def _not_proven(self) -> GuardRefused:
        for doubt in self._doubts.values():
            return GuardRefused(f"nothing more is written: {doubt.message}", remedy=doubt.remedy)
        return GuardRefused(
            "the admin signed in anew, and the Organization row was not read again since: nothing more is written",
            remedy="`rehearse resume` proves the org again and goes on",
        )


def _check_address(site: Site, method: str, url: str, headers: Mapping[str, str] | None) -> None:
    """Raise GuardRefused for a request to anywhere but the site."""
    parts = urlsplit(url)
    named = {value for name, value in (headers or {}).items() if name.lower() == "host"}
    if f"{parts.scheme}://{parts.netloc}" != site.url or named - {site.host}:
        asked = ", ".join(named) or parts.netloc.rpartition("@")[2]
        raise GuardRefused(
            f"{method} {parts.scheme}://{asked} is not org {site.name} ({site.url})",
            remedy="requests go to the configured My Domain URL only",
        )
