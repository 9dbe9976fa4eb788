"""What else names the old user: searched while its snapshot is taken, judged by what this migration changes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from harness.migration.records import Preflight, Snapshot
from harness.references.model import ReferenceScan, Subject
from harness.references.org import Known
from harness.references.scan import search

if TYPE_CHECKING:
    from harness.access.reading.people import User
    from harness.migration.context import Context

_APPS = ("ConnectedApplication:", "ExternalClientApplication:")
_CUSTOM_PERMISSION = "CustomPermission:"


def search_references(
    context: Context, snapshot: Snapshot, source: User, describes: Mapping[str, Mapping[str, Any]]
) -> ReferenceScan:
    """Search, journal what was found, and warn of what breaks and was not agreed to."""
    calls = context.world.meter.calls
    dropped = {each.setup for each in context.scenario.permissions.drop if each.setup}
    subject = subject_of(snapshot, source, context.find(Preflight), dropped)
    scan = search(context.admin, subject, _known(snapshot, describes), context.world.file)
    scan = scan.model_copy(update={"calls": context.world.meter.calls - calls})
    context.record("references", "references", scan)
    for line, hits in scan.open_by_line.items():
        context.warn(f"reference {line}", f"{line} ({hits[0].where}): {hits[0].breaks} To do: {hits[0].remedy}.")
    for text in scan.unmet:
        context.warn(f"acceptance {text.partition(': ')[0]}", text)
    return scan


def subject_of(snapshot: Snapshot, source: User, preflight: Preflight | None, dropped: Set[str]) -> Subject:
    """The old user, as what names it knows it. `dropped`: setup entities that the scenario leaves behind."""
    person, setup = snapshot.person, snapshot.effective.setup & dropped
    return Subject(
        username=person.username,
        profile=person.profile,
        new_profile=preflight.profile if preflight else None,
        id=person.id,
        name=person.name,
        email=str(source.row.get("Email") or ""),
        profile_id=str(source.row.get("ProfileId") or ""),
        role=person.role,
        permissions=frozenset(
            name.removeprefix(_CUSTOM_PERMISSION) for name in setup if name.startswith(_CUSTOM_PERMISSION)
        ),
    )


def _known(snapshot: Snapshot, describes: Mapping[str, Mapping[str, Any]]) -> Known:
    beside = snapshot.beside
    own = [source.access.setup for source in snapshot.sources if source.kind == "profile"]
    return Known(
        objects=sorted(describes),
        formulas={
            f"{name}.{field['name']}": field["calculatedFormula"]
            for name, described in describes.items()
            for field in described["fields"]
            if field.get("calculatedFormula")
        },
        owned=beside.owned,
        confined=(*beside.login_hours, *beside.login_ip_ranges),
        apps=sorted(name for setup in own for name in setup if name.startswith(_APPS)),
    )
