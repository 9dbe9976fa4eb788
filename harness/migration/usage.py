"""What the integration uses, held beside what the old user is granted: the evidence gathered, and the table made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from harness.access.use.apex import classes_of_paths
from harness.access.use.blind import blind_spots
from harness.access.use.deeds import PLACES, Held, Seen
from harness.access.use.event_log import read_event_logs
from harness.access.use.keeping import keep_by_name
from harness.access.use.needs import Needs, needs_of
from harness.access.use.permission_set import permission_set_xml
from harness.access.use.record_types import used_record_types
from harness.access.use.recordings import read_recordings
from harness.access.use.schema import Schema
from harness.access.use.surroundings import read_surroundings
from harness.access.use.table import Row, access_of, table
from harness.access.use.workload import read_operations
from harness.checks.spec import check_specs, operation_specs
from harness.migration.records import Snapshot, Usage, UsedPermission
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import Grant, Operation

if TYPE_CHECKING:
    from harness.org.connection import Connection

_ROUNDS = 8
"""Relationship paths go five parents up (SOQL and SOSL Reference): each may need one more round of describes."""


def usage_of(file: ScenarioFile, snapshot: Snapshot, admin: Connection) -> Usage:
    """What the integration uses: its workload, its expected grants, its recordings and the org's event logs.

    Raises ScenarioError for a pattern that matches no file, UsageError for a recording that cannot be read, and what
    the org says.
    """
    seen = gather(file, snapshot, admin)
    needs = understand(seen, admin)
    seen.unknown += [f"{where}: the org knows no {name}" for name, where in sorted(needs.unknown.items())]
    keep_by_name(file.scenario.permissions.evidence.keep, snapshot.effective, needs)
    classes_of_paths(admin, needs, snapshot.effective, seen)
    used_record_types(admin, needs, snapshot.effective, snapshot.beside.default_record_types)
    says = read_surroundings(admin, snapshot.effective, needs, seen)
    rows = table(snapshot.effective, needs, says)
    return Usage(
        permissions=tuple(map(_permission, rows)),
        requests=seen.requests,
        observed_from=seen.moments[0] if seen.moments else None,
        observed_until=seen.moments[-1] if seen.moments else None,
        blind_spots=tuple(blind_spots(seen, needs, snapshot.effective, days=_days(file))),
        permission_set=permission_set_of(file, rows),
    )


def gather(file: ScenarioFile, snapshot: Snapshot, admin: Connection) -> Seen:
    """Everything the evidence of a scenario shows, before the org is asked what the names stand for."""
    evidence = file.scenario.permissions.evidence
    seen = Seen()
    read_operations(_operations(file), seen)
    for index, pattern in enumerate(evidence.recordings):
        place = file.place("permissions", "evidence", "recordings", index)
        read_recordings(file.path.parent, pattern, place, seen, user_id=snapshot.person.id)
    if evidence.event_log_days is not None:
        read_event_logs(admin, evidence.event_log_days, snapshot.person.id, seen)
    if seen.uses:
        seen.add(seen.uses[0].where, [Held("system", "ApiEnabled")])
    return seen


def understand(seen: Seen, admin: Connection) -> Needs:
    """What the deeds take, asking for describes until all their names are known or known not to be there."""
    schema = Schema()
    needs = needs_of(seen, schema)
    for _ in range(_ROUNDS):
        if schema.wants_prefixes:
            schema.name_prefixes({str(each["keyPrefix"]): str(each["name"]) for each in admin.describe_global()})
        elif not schema.wanted:
            break
        wanted = sorted(schema.wanted)
        schema.wanted.clear()
        found = admin.describe_many(wanted)
        for name in wanted:
            if name in found:
                schema.add(found[name])
            else:
                schema.miss(name)
        needs = needs_of(seen, schema)
    return needs


def permission_set_of(file: ScenarioFile, rows: Iterable[Row]) -> str:
    """The permission set that grants what is used, as metadata XML."""
    scenario = file.scenario
    return permission_set_xml(
        access_of(row.need for row in rows if row.verdict == "used"),
        label=scenario.permission_set_label,
        description=f"What {scenario.system} uses for {scenario.purpose}: its workload and the recorded traffic.",
    )


def _operations(file: ScenarioFile) -> Iterator[tuple[str, Operation | Grant]]:
    for operation in operation_specs(file):
        yield operation.id, operation.item
    for check in check_specs(file):
        if isinstance(check.item, Grant):
            yield check.id, check.item


def _permission(row: Row) -> UsedPermission:
    return UsedPermission(
        kind=row.need.kind,
        name=row.need.name,
        access=row.need.access,
        verdict=row.verdict,
        seen_in=row.places[:PLACES],
    )


def _days(file: ScenarioFile) -> int | None:
    return file.scenario.permissions.evidence.event_log_days
