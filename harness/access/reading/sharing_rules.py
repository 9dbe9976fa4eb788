"""The sharing rules that share with a user. Only metadata tell them (Metadata API guide, SharingRules)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.access.reading.circles import Circle
from harness.access.reading.set_metadata import NAMES_PER_CALL, each_of

if TYPE_CHECKING:
    from harness.org.connection import Connection

KINDS = ("sharingCriteriaRules", "sharingOwnerRules", "sharingTerritoryRules")


def read_sharing_rules(admin: Connection, objects: Sequence[str], circle: Circle) -> tuple[str, ...]:
    """Those of some objects, as `Object.Rule`: one call, and one for ten objects with rules. Raises RequestRefused."""
    listed = set(admin.list_metadata(["SharingRules"])["SharingRules"])
    having = [name for name in objects if name in listed or _is_packaged(name)]
    found: list[str] = []
    for start in range(0, len(having), NAMES_PER_CALL):
        for component in admin.read_metadata("SharingRules", having[start : start + NAMES_PER_CALL]):
            found += rules_for(component, circle)
    return tuple(sorted(found))


def _is_packaged(sobject: str) -> bool:
    """Whether it is of a managed package: the list leaves those out."""
    return sobject.removesuffix("__c").find("__") > 0


def rules_for(component: Mapping[str, Any], circle: Circle) -> Iterator[str]:
    """The rules of one object that share with the circle."""
    for kind in KINDS:
        for rule in each_of(component, kind):
            shared_to = rule.get("sharedTo")
            if isinstance(shared_to, Mapping) and circle.meets(shared_to):
                yield f"{component['fullName']}.{rule['fullName']}"
