"""What the plan accepts to be lost, so that a comparison can tell it from what nobody agreed to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_OF_ALL_ROWS = frozenset({"role", "group", "queue", "team", "territory"})
"""The kinds of losses that take rows away, and do not say of which object."""
_DEFAULT_TEAMS = frozenset({"UserAccountTeamMember", "UserTeamMember"})
"""Whom a user puts into teams by habit: these rows open nothing to anybody (Object Reference)."""
_VIEW_ALL = frozenset({"view-all", "modify-all"})
ALL_DATA = frozenset({"ViewAllData", "ModifyAllData"})
"""The system permissions that open every object, also those without rights of their own."""
_ADDRESS = re.compile(
    r"(?<!__)(Street|City|StateCode|State|PostalCode|CountryCode|Country|Latitude|Longitude|GeocodeAccuracy)$"
)
_GEOLOCATION = re.compile(r"__(Latitude|Longitude)__s$")
"""The parts of addresses and of custom geolocations (Object Reference, "Compound Fields")."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """One accepted loss: its kind and name, the kinds of access (none: all), and what accepts it (`file:line`)."""

    kind: str
    name: str
    access: tuple[str, ...]
    place: str

    def takes(self, right: str) -> bool:
        """Whether it takes this kind of access away."""
        return not self.access or right in self.access


def of_object(agreed: Sequence[Agreed], name: str, right: str) -> str | None:
    """What accepts the loss of a right on an object, if anything does."""
    return _first(each for each in agreed if (each.kind, each.name) == ("object", name) and each.takes(right))


def of_field(agreed: Sequence[Agreed], name: str, right: str) -> str | None:
    """The same for a field, `Account.Name`: also when its object is lost, or the right to all of its fields."""
    sobject = name.partition(".")[0]
    names = (name, whole(name))
    found = _first(each for each in agreed if each.kind == "field" and each.name in names and each.takes(right))
    return found or of_object(agreed, sobject, right) or of_object(agreed, sobject, "view-all-fields")


def whole(name: str) -> str:
    """The compound field that a part belongs to by its name: permission is held on the whole (facts 3.6)."""
    return _GEOLOCATION.sub("__c", _ADDRESS.sub("Address", name))


def of_rows(agreed: Sequence[Agreed], name: str) -> str | None:
    """What accepts that fewer rows of an object are seen."""
    return _first(each for each in agreed if _takes_rows(each, name))


def _takes_rows(loss: Agreed, name: str) -> bool:
    match loss.kind:
        case "system":
            return loss.name in ALL_DATA
        case "object":
            return loss.name == name and any(map(loss.takes, _VIEW_ALL))
        case "share" | "sharing-rule":
            return loss.name.partition(".")[0] == name
        case kind:
            return kind in _OF_ALL_ROWS and loss.name not in _DEFAULT_TEAMS


def of_kind(agreed: Sequence[Agreed], kind: str, name: str) -> str | None:
    """What accepts the loss of something else, such as a record type, or the default one of an object."""
    return _first(each for each in agreed if (each.kind, each.name) == (kind, name))


def _first(found: Iterable[Agreed]) -> str | None:
    return next((each.place for each in found), None)
