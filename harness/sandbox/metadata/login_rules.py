"""Login IP ranges and login hours of a profile (Metadata API guide, Profile)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from harness.sandbox import identity
from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.parts import Parts
from harness.sandbox.metadata.reading import as_node
from harness.sandbox.metadata.work import Work
from harness.sandbox.source.dx_access import login_hours, login_ip_ranges

ELEMENTS = frozenset({"loginHours", "loginIpRanges"})


def write_login_rules(work: Work, profile_id: str, root: Element) -> None:
    """Set what a profile's file names; an element that it leaves out stays as it is. Raises ComponentError."""
    node = as_node(root)
    hours = login_hours(node) if any(node.all("loginHours")) else None
    ranges = login_ip_ranges(node) or None
    try:
        identity.restrict_profile(work.org, profile_id, ip_ranges=ranges, hours=hours)
    except ValueError as error:
        raise ComponentError("INVALID_INPUT", str(error)) from error


def login_rules(work: Work, profile_id: str) -> Parts:
    """What a profile's file tells of them."""
    found = identity.restrictions_of(work.org, profile_id)
    ranges: Parts = [
        ("loginIpRanges", [("endAddress", last), ("startAddress", first)]) for first, last in found.ip_ranges
    ]
    hours = [
        pair
        for day, (first, last) in found.hours.items()
        for pair in ((f"{day}End", str(last)), (f"{day}Start", str(first)))
    ]
    return [("loginHours", sorted(hours)), *ranges] if hours else ranges
