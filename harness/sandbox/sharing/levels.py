"""How far access to a row goes, and what org-wide defaults give to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from harness.sandbox.schema import SObject

Level = Literal["read", "edit", "full"]
"""`full` is what an owner has, and whoever is above the owner: to delete, to transfer and to share."""

ORDER: tuple[Level, ...] = ("read", "edit", "full")

_DEFAULTS: Mapping[str, Level] = {
    "Read": "read",
    "ReadSelect": "read",
    "ReadWrite": "edit",
    "ReadWriteTransfer": "edit",
    "FullAccess": "full",
}
_ACCESS_LEVELS: Mapping[Level, tuple[str, ...]] = {"read": ("Read", "Edit", "All"), "edit": ("Edit", "All")}
_ORGANIZATION = {
    "Private": "None",
    "ReadWrite": "Edit",
    "ReadWriteTransfer": "ReadEditTransfer",
    "FullAccess": "All",
    "ControlledByCampaign": "ControlledByParent",
}


def default_level(sobject: SObject) -> Level | None:
    """What the org-wide default lets everybody do with every row; None: nothing, or it depends on the parent."""
    return _DEFAULTS.get(sobject.sharing)


def gives(given: Level | None, wanted: Level) -> bool:
    """Whether one level is at least another."""
    return given is not None and ORDER.index(given) >= ORDER.index(wanted)


def access_levels(wanted: Level) -> tuple[str, ...]:
    """The access levels in share rows and rules that are at least this: `Edit`, `All`. None of them is full."""
    return _ACCESS_LEVELS.get(wanted, ())


def is_by_parent(sobject: SObject) -> bool:
    """Whether access to a row is access to its parent."""
    return sobject.sharing.startswith("ControlledBy") or sobject.governed_by is not None


def organization_level(sharing: str) -> str:
    """An org-wide default as Organization tells it: None, Read, Edit, ReadEditTransfer, All, ControlledByParent."""
    return _ORGANIZATION.get(sharing, sharing)
