"""The mark on a permission set that a run makes: what remains known of the run when its journal is lost. Pure.

It is the set's description, which holds 255 characters. Beside the scenario and the run it holds the digest of the
scenario's file, the fingerprint of the org before the run, a digest of what the source user held, and the user that
the new app ran as. Nothing that is rebuilt from an org need be guessed: it is held against these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from harness.access.fingerprint import digest

LONGEST = 255
"""Characters of PermissionSet.Description."""
NOBODY = "nobody"
_FILE = 12
_HELD = 16
_TEXT = re.compile(
    r"rehearse (?P<scenario>.+?) run (?P<run_id>\S+)"
    r"(?: file (?P<file>[0-9a-f]{12}) snapshot (?P<fingerprint>[0-9a-f]{64}) held (?P<held>[0-9a-f]{16})"
    r"(?: ran as (?P<ran_as>\S+))?)?"
)
_OWN_SWITCHES = (": active", ": frozen")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a description tells. Beside scenario and run all of it may be None, in a mark of an earlier version."""

    scenario: str
    run_id: str
    file: str | None = None
    """How the SHA-256 of the scenario's file begins."""
    fingerprint: str | None = None
    """That of the snapshot."""
    held: str | None = None
    """`held_digest` of the snapshot."""
    ran_as: str | None = None
    """Whom the app of the new sign-in ran as: a username or `nobody`; None where it matters not."""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The mark in a description, or None where it is none."""
        found = _TEXT.fullmatch(text)
        return cls(**found.groupdict()) if found else None

    def is_of(self, scenario: str) -> bool:
        """Whether it is that of this scenario, whose name may have been too long for it."""
        return self.scenario == scenario or (len(str(self)) == LONGEST and scenario.startswith(self.scenario))

    def __str__(self) -> str:
        told = f" file {self.file} snapshot {self.fingerprint} held {self.held}" if self.fingerprint else ""
        ran_as = f" ran as {self.ran_as}" if told and self.ran_as else ""
        rest = f" run {self.run_id}{told}{ran_as}"
        return f"rehearse {self.scenario[: LONGEST - len('rehearse ') - len(rest)]}{rest}"


def mark_of(scenario: str, run_id: str, *, file_digest: str, fingerprint: str, parts: Mapping[str, str]) -> Mark:
    """The mark of a run, from its snapshot's fingerprint and parts."""
    ran_as = next((value for name, value in sorted(parts.items()) if is_run_as(name)), None)
    return Mark(scenario, run_id, file_digest[:_FILE], fingerprint, held_digest(parts), ran_as)


def is_run_as(part: str) -> bool:
    """Whether a part of a fingerprint tells whom the app runs as."""
    return part.startswith("app ") and part.endswith(": runs as")


def held_parts(parts: Mapping[str, str]) -> dict[str, str]:
    """The parts about the source user that a conversion or a deactivation may change: not its two switches."""
    return {name: value for name, value in parts.items() if _is_of_source(name) and not name.endswith(_OWN_SWITCHES)}


def held_digest(parts: Mapping[str, str]) -> str:
    """A digest of those parts: 64 bits, enough to tell the right values from wrong ones."""
    return digest(held_parts(parts))[:_HELD]


def _is_of_source(part: str) -> bool:
    """The parts of the target and trial users have no name of their own behind the username."""
    return part.startswith("user ") and ": " in part
