"""snapshot: everything the source user may do. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.access.algebra import union
from harness.access.dependencies import masters_of
from harness.access.model import Access
from harness.access.people import User, read_features
from harness.access.reading import Holdings
from harness.access.soql import among, select
from harness.migration.records import Beside, PermissionSource, Person, Snapshot
from harness.migration.stages import Stage, Steps
from harness.migration.state import read_state

if TYPE_CHECKING:
    from harness.migration.context import Context


def _snapshot(context: Context) -> Steps:
    calls = context.world.meter.calls
    state = read_state(context)
    yield
    sources = tuple(sources_of(state.holdings))
    effective = union(source.access for source in sources)
    describes = context.admin.describe_many(_objects(effective))
    snapshot = Snapshot(
        person=person_of(state.source),
        sources=sources,
        effective=effective,
        fingerprint=state.fingerprint,
        labels=_labels(describes, effective),
        parts=state.parts,
        setup_ids=state.holdings.setup_ids,
        masters=masters_of(describes),
        beside=Beside(
            features=tuple(sorted(read_features(context.admin, state.source.id))), tabs=_tabs(context, sources)
        ),
        calls=context.world.meter.calls - calls,
        rows_read=state.holdings.rows,
    )
    context.record("snapshot", "snapshot", snapshot)
    _note_what_is_odd(context, state.holdings)
    return (
        f"{snapshot.person.username} holds {len(sources)} permission sources: {len(effective.objects)} objects, "
        f"{len(effective.fields)} fields, {len(effective.system)} system permissions, {len(effective.setup)} setup "
        f"entities; {snapshot.rows_read} rows in {snapshot.calls} calls"
    )


def person_of(user: User) -> Person:
    """A user, as the journal keeps it."""
    return Person(
        id=user.id,
        username=user.username,
        name=str(user.row["Name"]),
        profile=user.profile,
        user_license=user.user_license,
        is_active=user.is_active,
        is_frozen=user.is_frozen,
        role=user.role,
        permission_set_licenses=tuple(sorted(each.name for each in user.licenses)),
        groups=user.names("Regular"),
        queues=user.names("Queue"),
    )


def sources_of(holdings: Holdings) -> list[PermissionSource]:
    """What a user holds, as the journal keeps it."""
    return [
        PermissionSource(
            kind=each.kind, name=each.name, label=each.label, id=each.id, license=each.license, access=each.access
        )
        for each in holdings.sources
    ]


def _objects(access: Access) -> list[str]:
    return sorted({*access.objects, *(name.partition(".")[0] for name in access.fields)})


def _labels(describes: Mapping[str, Mapping[str, Any]], effective: Access) -> dict[str, str]:
    labels = {}
    for name, described in describes.items():
        labels[name] = str(described["label"])
        for field in described["fields"]:
            if f"{name}.{field['name']}" in effective.fields:
                labels[f"{name}.{field['name']}"] = str(field["label"])
    return labels


def _tabs(context: Context, sources: tuple[PermissionSource, ...]) -> tuple[str, ...]:
    ids = [source.id for source in sources if source.kind != "permission-set-group"]
    where = f"{among('ParentId', ids)} AND Visibility = 'DefaultOn'"
    rows = context.admin.query(select("PermissionSetTabSetting", ("Id", "Name"), where=where, order="Id"))
    return tuple(sorted({str(row["Name"]) for row in rows}))


def _note_what_is_odd(context: Context, holdings: Holdings) -> None:
    for label in holdings.dormant:
        text = (
            f"{label} is assigned and gives nothing: the license it is bound to is not held, or it waits for a session"
        )
        context.warn(f"dormant {label}", text)
    for source in holdings.sources:
        if source.implied:
            text = (
                f"{source.label} opens {len(source.implied)} objects by a system permission, without rows of their "
                "own; only what has rows of its own is copied object by object"
            )
            context.warn(f"implied {source.name}", text)


SNAPSHOT = Stage(name="snapshot", writes=False, run=_snapshot)
