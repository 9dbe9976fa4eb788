"""snapshot: everything the source user may do. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.access.algebra import union
from harness.access.dependencies import masters_of
from harness.access.model import Access
from harness.access.reading.holdings import Holdings
from harness.access.reading.people import ExtraLicenses, User
from harness.access.reading.surroundings import Surroundings, read_surroundings
from harness.migration.naming import search_references
from harness.migration.records import Beside, PermissionSource, Person, Snapshot
from harness.migration.stages import Stage, Steps
from harness.migration.state import read_state
from harness.words import several

if TYPE_CHECKING:
    from harness.migration.context import Context


def _snapshot(context: Context) -> Steps:
    before = context.world.meter.calls
    state = read_state(context)
    yield
    held = union(source.access for source in state.holdings.sources)
    implied = {name: tuple(sorted(rights)) for name, rights in state.holdings.implied.items()}
    describes = context.admin.describe_many(sorted({*_objects(held), *implied}))
    yield
    surroundings = yield from read_surroundings(
        context.admin, lambda: context.world.connect("source"), state.source, state.holdings, describes
    )
    sources = tuple(sources_of(state.holdings, surroundings.record_types_by_source))
    effective = union(source.access for source in sources)
    snapshot = Snapshot(
        person=person_of(state.source),
        sources=sources,
        effective=effective,
        implied=implied,
        fingerprint=state.fingerprint,
        labels=_labels(describes, effective),
        parts=state.parts,
        setup_ids=state.holdings.setup_ids,
        masters=masters_of(describes),
        beside=_beside(surroundings, state.licenses),
        idle=tuple(each.sentence for each in state.holdings.dormant),
        calls=state.calls,
        calls_floor=state.holdings.pages,
        calls_beside=context.world.meter.calls - before - state.calls,
        rows_read=state.holdings.rows,
    )
    context.record("snapshot", "snapshot", snapshot)
    yield
    search_references(context, snapshot, state.source, describes)
    _note_what_is_odd(context, state.holdings)
    for text in snapshot.beside.unread:
        context.not_tested(f"unread {text.partition(':')[0]}", f"not read: {text}")
    return (
        f"{snapshot.person.username} holds {len(sources)} permission sources: {len(effective.objects)} objects, "
        f"{len(effective.fields)} fields, {len(effective.system)} system permissions, {len(effective.setup)} setup "
        f"entities, {len(effective.record_types)} record types; {snapshot.rows_read} rows in {snapshot.calls} calls"
    )


def _beside(found: Surroundings, licenses: ExtraLicenses) -> Beside:
    untold = () if licenses.packages is not None else ("the seats of managed packages: the org would not tell",)
    return Beside(
        default_record_types=found.record_types.defaults,
        tabs=found.tabs,
        apps=found.apps,
        features=tuple(sorted(licenses.features)),
        packages=licenses.packages or (),
        login_hours=found.profile.login_hours,
        login_ip_ranges=found.profile.login_ip_ranges,
        teams=tuple(f"{name}: {several(count, 'row')}" for name, count in sorted(found.belongings.teams.items())),
        territories=found.belongings.territories,
        shares=found.shares,
        owned=found.owned,
        sharing_rules=found.sharing_rules,
        unread=(*found.unread, *untold),
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


def sources_of(holdings: Holdings, record_types: Mapping[str, frozenset[str]] | None = None) -> list[PermissionSource]:
    """What a user holds, as the journal keeps it; `record_types` are those of each source, by its id."""
    return [
        PermissionSource(
            kind=each.kind,
            name=each.name,
            label=each.label,
            id=each.id,
            license=each.license,
            access=each.access.model_copy(update={"record_types": (record_types or {}).get(each.id, frozenset())}),
            until=each.assignment.expires if each.assignment else None,
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


def _note_what_is_odd(context: Context, holdings: Holdings) -> None:
    for each in holdings.assigned:
        if each.sentence:
            context.warn(f"assigned {each.name}", each.sentence)
    for number, text in enumerate(holdings.stale, start=1):
        context.warn(f"group {number}", text)
    for kind, count in holdings.unnamed.items():
        context.warn(
            f"unnamed {kind}",
            f"{count} setup entities of type {kind} go by their ids, since their names cannot be looked up",
        )
    for source in holdings.sources:
        if source.implied:
            text = (
                f"{source.label} opens {len(source.implied)} objects by a system permission, without rows of their "
                "own; only what has rows of its own is copied object by object"
            )
            context.warn(f"implied {source.name}", text)


SNAPSHOT = Stage(name="snapshot", writes=False, run=_snapshot)
