"""The rules of setup objects, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.rules.base import Rules

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_BY_NAME: dict[str, type[Rules]] = {}


def rules_of(org: SandboxOrg) -> dict[str, Rules]:
    """The rules of every object that has some, bound to an org."""
    return {name: kind(org) for name, kind in _BY_NAME.items()}
