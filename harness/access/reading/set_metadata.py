"""What only the metadata of profiles and permission sets tells: record types, apps, login hours and login IP ranges.

No table has them (Metadata API guide, Profile and PermissionSet); reading metadata needs Modify Metadata or Modify All
Data, which an admin may lack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.soql import equals, select
from harness.errors import RequestRefused

if TYPE_CHECKING:
    from harness.org.connection import Connection

NAMES_PER_CALL = 10
"""How many components one readMetadata takes (Metadata API guide)."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """What one profile or permission set tells there."""

    record_types: frozenset[str] = frozenset()
    """Those it makes visible, as `Object.DeveloperName`."""
    default_record_types: Mapping[str, str] = field(default_factory=dict)
    """Of a profile: the default of each object, by DeveloperName."""
    apps: tuple[str, ...] = ()
    """The apps it makes visible, the default one first."""
    login_hours: tuple[str, ...] = ()
    """Such as `Monday 08:00 to 18:00`, in the time zone of the org."""
    login_ip_ranges: tuple[str, ...] = ()
    """Such as `10.0.0.0 - 10.0.0.255`."""


def read_profile_metadata(admin: Connection, profile_id: str) -> SetMetadata:
    """What a profile tells. Two calls: metadata call some standard profiles by another name. Raises RequestRefused."""
    rows = admin.tooling_query(select("Profile", ("Id", "FullName"), where=equals("Id", profile_id)))
    names = [str(row["FullName"]) for row in rows]
    found = admin.read_metadata("Profile", names) if names else []
    return parse_set(found[0]) if found else SetMetadata()


def read_set_metadata(admin: Connection, names: Sequence[str]) -> dict[str, SetMetadata]:
    """What permission sets tell, by name, ten a call. Raises RequestRefused."""
    found: dict[str, SetMetadata] = {}
    for start in range(0, len(names), NAMES_PER_CALL):
        for component in admin.read_metadata("PermissionSet", names[start : start + NAMES_PER_CALL]):
            found[str(component["fullName"])] = parse_set(component)
    return found


def try_read(
    admin: Connection, profile_id: str, names: Sequence[str]
) -> tuple[SetMetadata, dict[str, SetMetadata], tuple[str, ...]]:
    """Both, and what the org would not tell, each in a sentence."""
    unread = []
    profile, sets = SetMetadata(), dict[str, SetMetadata]()
    try:
        profile = read_profile_metadata(admin, profile_id)
    except RequestRefused as error:
        unread.append(f"the login hours, login IP ranges and apps of the profile: {error.code}: {error.description}")
    try:
        sets = read_set_metadata(admin, names)
    except RequestRefused as error:
        unread.append(f"which permission set gives which record type and app: {error.code}: {error.description}")
    return profile, sets, tuple(unread)


def parse_set(component: Mapping[str, Any]) -> SetMetadata:
    """What a component tells, as `read_metadata` gives it: text, dictionaries, and lists where an element repeats."""
    types = [each for each in each_of(component, "recordTypeVisibilities") if _is(each, "visible")]
    apps = [each for each in each_of(component, "applicationVisibilities") if _is(each, "visible")]
    return SetMetadata(
        record_types=frozenset(str(each["recordType"]) for each in types),
        default_record_types=dict(str(each["recordType"]).split(".", 1) for each in types if _is(each, "default")),
        apps=tuple(
            str(each["application"])
            for each in sorted(apps, key=lambda each: (not _is(each, "default"), str(each["application"])))
        ),
        login_hours=tuple(_hours(component.get("loginHours"))),
        login_ip_ranges=tuple(
            sorted(f"{each['startAddress']} - {each['endAddress']}" for each in each_of(component, "loginIpRanges"))
        ),
    )


def each_of(component: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The elements of a name, be there none, one or many."""
    found = component.get(name) or []
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, Mapping)]


def _is(element: Mapping[str, Any], name: str) -> bool:
    return element.get(name) == "true"


def _hours(told: Any) -> Iterator[str]:
    """Minutes after midnight, as 480 for 08:00; a day that is left out is open all day long, and 0 to 0 is closed."""
    if not isinstance(told, Mapping):
        return
    for day in _DAYS:
        start, end = told.get(f"{day}Start"), told.get(f"{day}End")
        if start is not None and end is not None and (int(start), int(end)) != (0, _MINUTES_A_DAY):
            yield f"{day.capitalize()} {_span(int(start), int(end))}"


def _span(start: int, end: int) -> str:
    return "never" if start == end else f"{start // 60:02}:{start % 60:02} to {end // 60:02}:{end % 60:02}"
