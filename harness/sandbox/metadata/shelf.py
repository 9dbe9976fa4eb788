"""What components say and rows do not keep: whole elements, put by as they came and handed out again.

A permission set may name external data sources, a field has help text: the simulated org knows neither, and a component
that is retrieved and deployed again must not lose them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.metadata.parts import Parts
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_DRAWER = "metadata"


def keep(org: SandboxOrg, kind: str, name: str, parts: Parts) -> None:
    """Put elements by, in place of those that were there."""
    drawer = Drawer(org, _DRAWER)
    if parts:
        drawer.put(_key(kind, name), {"parts": parts})
    else:
        drawer.remove(_key(kind, name))


def kept(org: SandboxOrg, kind: str, name: str) -> Parts:
    """The elements put by for a component."""
    found = Drawer(org, _DRAWER).get(_key(kind, name))
    return _as_parts(found["parts"]) if found else []


def names(org: SandboxOrg, kind: str) -> list[str]:
    """The full names of the components of a kind that were put by with their name among their elements."""
    prefix = f"{kind.lower()}:"
    found = [_as_parts(value["parts"]) for key, value in Drawer(org, _DRAWER) if key.startswith(prefix)]
    return sorted(str(text) for parts in found for name, text in parts if name == "fullName")


def forget(org: SandboxOrg, kind: str, name: str) -> None:
    """Drop what was put by."""
    Drawer(org, _DRAWER).remove(_key(kind, name))


def _as_parts(pairs: list[Any]) -> Parts:
    """JSON has no pairs."""
    return [(str(name), _as_parts(value) if isinstance(value, list) else value) for name, value in pairs]


def _key(kind: str, name: str) -> str:
    return f"{kind.lower()}:{name.lower()}"
