"""What a user holds beside its permissions, and what confines it: the reading of all of it, in few calls.

What the org does not have is absent. What it has and will not tell is listed as unread, each in a sentence, and never
taken for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.reading import record_types
from harness.access.reading.belongings import Belongings, read_belongings, read_owned, read_shares
from harness.access.reading.circles import read_circle
from harness.access.reading.holdings import Holdings
from harness.access.reading.people import User
from harness.access.reading.record_types import RecordTypes
from harness.access.reading.set_metadata import SetMetadata, try_read
from harness.access.reading.sharing_rules import read_sharing_rules
from harness.access.soql import among, select
from harness.errors import RequestRefused, SignInRefused

if TYPE_CHECKING:
    from harness.org.connection import Connection

_TABS = "PermissionSetTabSetting"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All of it. `unread` is what the org would not tell."""

    record_types: RecordTypes = field(default_factory=RecordTypes)
    record_types_by_source: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Which of them each source gives, by the id of the source."""
    profile: SetMetadata = field(default_factory=SetMetadata)
    apps: tuple[str, ...] = ()
    """Of the profile and the permission sets, the default one first."""
    tabs: tuple[str, ...] = ()
    belongings: Belongings = field(default_factory=Belongings)
    shares: Mapping[str, int] = field(default_factory=dict)
    owned: Mapping[str, int] = field(default_factory=dict)
    sharing_rules: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    """The reading under way: who reads, about whom, and what was not told so far."""

    admin: Connection
    user: User
    holdings: Holdings
    unread: list[str] = field(default_factory=list)

    def tried(self, what: str, read: Callable[[], Any], otherwise: Any) -> Any:
        """What was read, or `otherwise` with a word in `unread`."""
        try:
            return read()
        except RequestRefused as error:
            self.unread.append(f"{what}: {error.code}: {error.description}")
            return otherwise


def read_surroundings(
    admin: Connection,
    as_user: Callable[[], Connection],
    user: User,
    holdings: Holdings,
    describes: Mapping[str, Mapping[str, Any]],
) -> Generator[None, None, Surroundings]:
    """Read it, in steps, and return it.

    `as_user` signs in as the user, which alone is told its record types; `describes` are those of the objects in scope,
    as the admin sees them.
    """
    reader = _Reader(admin, user, holdings)
    there: list[str] = reader.tried("the list of all objects", lambda: _names(admin), [])
    objects = sorted(describes)
    profile, sets = _metadata(reader)
    yield
    types = _record_types(reader, as_user, objects, profile, sets)
    yield
    reader.tried("what the admin may see", lambda: _note_what_is_hidden(reader), None)
    belongings = read_belongings(admin, user.id, frozenset(there))
    shares, untold_shares = read_shares(admin, user.id, objects, frozenset(there))
    yield
    owned, untold_owned = read_owned(admin, user.id, [name for name in objects if _has_owner(describes[name])])
    yield
    rules = reader.tried("the sharing rules", lambda: _sharing_rules(reader, objects), ())
    tabs = reader.tried("the tabs", lambda: _tabs(reader), ())
    return Surroundings(
        record_types=types,
        record_types_by_source=_by_source(holdings, types, profile, sets),
        profile=profile,
        apps=tuple(dict.fromkeys((*profile.apps, *sorted(app for each in sets.values() for app in each.apps)))),
        tabs=tabs,
        belongings=belongings,
        shares=shares,
        owned=owned,
        sharing_rules=rules,
        unread=(*reader.unread, *belongings.unread, *untold_shares, *untold_owned),
    )


def _names(admin: Connection) -> list[str]:
    return [str(each["name"]) for each in admin.describe_global()]


def _metadata(reader: _Reader) -> tuple[SetMetadata, dict[str, SetMetadata]]:
    names = sorted({name for source in reader.holdings.sources for name in source.sets.values()})
    profile, sets, unread = try_read(reader.admin, str(reader.user.row["ProfileId"]), names)
    reader.unread += unread
    return profile, sets


def _record_types(
    reader: _Reader,
    as_user: Callable[[], Connection],
    objects: Sequence[str],
    profile: SetMetadata,
    sets: Mapping[str, SetMetadata],
) -> RecordTypes:
    names = reader.tried("the record types", lambda: record_types.read_names(reader.admin), {})
    having = record_types.objects_with(names, objects)
    if not having:
        return RecordTypes()
    try:
        return record_types.read_as(as_user(), names, having)
    except (RequestRefused, SignInRefused) as error:
        reader.unread.append(
            f"the record types as {reader.user.username} itself is told them ({error.message}): what metadata say "
            "stands in for it"
        )
    given = (profile.record_types, *(each.record_types for each in sets.values()))
    return record_types.of_metadata(given, profile.default_record_types, names, having)


def _by_source(
    holdings: Holdings, types: RecordTypes, profile: SetMetadata, sets: Mapping[str, SetMetadata]
) -> dict[str, frozenset[str]]:
    none = SetMetadata()
    given = {
        source.id: frozenset(one for name in source.sets.values() for one in sets.get(name, none).record_types)
        for source in holdings.sources
    }
    [own] = [source.id for source in holdings.sources if source.kind == "profile"][:1] or [""]
    return record_types.attributed(types.available, own, {**given, own: profile.record_types})


def _sharing_rules(reader: _Reader, objects: Sequence[str]) -> tuple[str, ...]:
    return read_sharing_rules(reader.admin, objects, read_circle(reader.admin, reader.user))


def _tabs(reader: _Reader) -> tuple[str, ...]:
    ids = sorted({one for source in reader.holdings.sources for one in (source.id, *source.sets)})
    where = f"{among('ParentId', [one for one in ids if one.startswith('0PS')])} AND Visibility = 'DefaultOn'"
    rows = reader.admin.query(select(_TABS, ("Id", "Name"), where=where, order="Id"))
    return tuple(sorted({str(row["Name"]) for row in rows}))


def _note_what_is_hidden(reader: _Reader) -> None:
    """Rows that the reader may not see are left out without a word, and permissions on what it may not see as well."""
    rows = reader.admin.query(select("UserPermissionAccess", ("PermissionsViewAllData",)))
    if not rows or not rows[0]["PermissionsViewAllData"]:
        reader.unread.append(
            "records, and permissions on objects and fields, that the admin itself does not see: it lacks View All Data"
        )


def _has_owner(described: Mapping[str, Any]) -> bool:
    return any(each["name"] == "OwnerId" for each in described["fields"])
