"""Reading the shape of an org as its admin: describes, setup tables, the users in scope, and counts of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from faker import Faker

from harness.capture.tables import (
    ALL_MAXIMA,
    ALL_PERMISSIONS,
    FIELD_KEYS,
    OBJECT_KEYS,
    ORGANIZATION_COLUMNS,
    TABLES,
    USER_COLUMNS,
    USER_TABLES,
)
from harness.errors import RequestRefused, UsageError
from harness.org.clock import Clock
from harness.org.connection import SUBREQUESTS_PER_COMPOSITE, Connection

FORMAT = 1
"""The version of the twin's format."""
IDS_PER_QUERY = 200
OBJECTS_PER_COUNT = 150
"""So many names fit an address, which may have 16,384 bytes (REST guide, status code 414)."""

Twin = dict[str, Any]
Row = dict[str, Any]


def read_twin(admin: Connection, usernames: Sequence[str], clock: Clock, *, say: Callable[[str], None]) -> Twin:
    """The twin of the org behind a connection, with these users and the admin.

    `say` is told what is being read. The users keep their usernames, which scenarios name; all else of them is made up,
    and the admin's username too. Raises UsageError for a username that nobody has, RequestRefused where the admin may
    not read the setup.
    """
    say("users")
    users = _users(admin, usernames)
    say("licenses, permission sets and what they grant")
    rows: dict[str, list[Row]] = {name: _rows(admin, name, columns) for name, columns in TABLES.items()}
    rows["User"] = _nameless(admin, users, usernames)
    for name, columns in USER_TABLES.items():
        rows[name] = list(_of_users(admin, name, columns, [user["Id"] for user in users]))
    say("objects and fields")
    objects = _objects(admin)
    return {
        "twin": FORMAT,
        "taken": clock.now().isoformat(timespec="seconds"),
        "api_version": admin.site.api_version,
        "admin": admin.user_id,
        "organization": _organization(admin),
        "objects": objects,
        "rows": {name: found for name, found in rows.items() if found},
        "dependencies": _dependencies(admin),
    }


# Users


def _users(admin: Connection, usernames: Sequence[str]) -> list[Row]:
    found = {admin.user_id: _one(admin, "Id", admin.user_id)}
    for username in usernames:
        user = _one(admin, "Username", username)
        if user is None:
            raise UsageError(f"no user of the org is called {username}", remedy="name users by their username")
        found[user["Id"]] = user
    return [user for user in found.values() if user is not None]


def _one(admin: Connection, column: str, value: str) -> Row | None:
    wanted = ["Id", "Username", *_known(admin, "User", USER_COLUMNS), *_feature_licenses(admin)]
    rows = admin.query(_select(wanted, "User", f"{column} = {_quoted(value)}"))
    return rows[0] if rows else None


def _feature_licenses(admin: Connection) -> list[str]:
    return [one["name"] for one in admin.fields_of("User") if one["name"].startswith("UserPermissions")]


def _nameless(admin: Connection, users: Sequence[Row], kept: Sequence[str]) -> list[Row]:
    """The users with made-up names, the same for the same org and order."""
    fake = Faker("en_US")
    fake.seed_instance(admin.org_id)
    known = {username.lower() for username in kept}
    nameless = []
    for number, user in enumerate(users):
        first, last = fake.first_name(), fake.last_name()
        made_up = f"{first}.{last}.{number}@twin.example".lower()
        username = user["Username"] if user["Username"].lower() in known else made_up
        name = {"Username": username, "FirstName": first, "LastName": last, "Email": made_up, "Alias": f"user{number}"}
        nameless.append({**{key: value for key, value in user.items() if value is not None}, **name})
    return nameless


def _of_users(admin: Connection, name: str, columns: Sequence[str], user_ids: Sequence[str]) -> Iterator[Row]:
    wanted = ["Id", *_known(admin, name, columns)]
    for start in range(0, len(user_ids), IDS_PER_QUERY):
        ids = ", ".join(map(_quoted, user_ids[start : start + IDS_PER_QUERY]))
        yield from _filled(admin.query(_select(wanted, name, f"{columns[0]} IN ({ids})")))
    if name == "GroupMember":
        yield from (
            row for row in _filled(admin.query(_select(wanted, name))) if not row["UserOrGroupId"].startswith("005")
        )


# Setup


def _rows(admin: Connection, name: str, columns: Sequence[str]) -> list[Row]:
    """The rows of a setup object; none where the org does not have it, and none that are not stored (ids of zeros)."""
    try:
        wanted = ["Id", *_known(admin, name, columns)]
    except RequestRefused as refusal:
        if refusal.code == "NOT_FOUND":
            return []
        raise
    return [row for row in _filled(admin.query(_select(wanted, name))) if not row["Id"].startswith("000")]


def _known(admin: Connection, name: str, columns: Sequence[str]) -> list[str]:
    """The columns that the org has, the families of columns written out."""
    names = [field["name"] for field in admin.fields_of(name)]
    families = {ALL_PERMISSIONS: "Permissions", ALL_MAXIMA: "MaximumPermissions"}
    found: list[str] = []
    for column in columns:
        family = families.get(column)
        found += [one for one in names if (one.startswith(family) if family else one == column)]
    return list(dict.fromkeys(found))


def _filled(rows: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """The rows without what is null or false."""
    return ({name: value for name, value in row.items() if value not in (None, False)} for row in rows)


def _organization(admin: Connection) -> Row:
    wanted = _known(admin, "Organization", ORGANIZATION_COLUMNS)
    return next(_filled(admin.query(_select(wanted, "Organization"))))


def _dependencies(admin: Connection) -> list[Row]:
    columns = ("Permission", "PermissionType", "RequiredPermission", "RequiredPermissionType")
    return list(_filled(admin.tooling_query(_select(columns, "PermissionDependency"))))


# Objects


def _objects(admin: Connection) -> dict[str, Any]:
    """The objects that permissions are about, by name."""
    fields = admin.request("GET", "sobjects/ObjectPermissions/describe").body["fields"]
    choices = next(field["picklistValues"] for field in fields if field["name"] == "SobjectType")
    names = sorted(one["value"] for one in choices if one["active"])
    described = dict(_describes(admin, names))
    counts, sharing = _counts(admin, list(described)), _sharing(admin)
    referred = {name for one in described.values() for field in one["fields"] for name in field["referenceTo"]}
    parents = [*described.values(), *(one for _, one in _describes(admin, sorted(referred - set(described))))]
    children = {
        (child["childSObject"], child["field"]): child["relationshipName"]
        for parent in parents
        for child in parent["childRelationships"]
    }
    return {
        name: {
            **{key: describe[key] for key in OBJECT_KEYS},
            "sharing": sharing.get(name),
            "rows": counts[name],
            "fields": [_field(field, children.get((name, field["name"]))) for field in describe["fields"]],
        }
        for name, describe in described.items()
    }


def _describes(admin: Connection, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for start in range(0, len(names), SUBREQUESTS_PER_COMPOSITE):
        batch = names[start : start + SUBREQUESTS_PER_COMPOSITE]
        asked = [{"method": "GET", "url": f"sobjects/{name}/describe"} for name in batch]
        for name, reply in zip(batch, admin.composite(asked, all_or_none=False, whole=True), strict=True):
            if reply.ok:
                yield name, reply.body


def _field(field: Mapping[str, Any], child_relationship: str | None) -> Row:
    told = ((key, field.get(key)) for key in FIELD_KEYS)
    kept = {key: value for key, value in told if value or (key == "relationshipOrder" and value is not None)}
    values = [one["value"] for one in field["picklistValues"] if one["active"]]
    if values:
        kept["picklist"] = values
    if child_relationship:
        kept["childRelationship"] = child_relationship
    return kept


def _counts(admin: Connection, names: Sequence[str]) -> dict[str, int | None]:
    """The number of rows of each object; None where the org does not tell."""
    counts: dict[str, int | None] = {}
    for start in range(0, len(names), OBJECTS_PER_COUNT):
        batch = names[start : start + OBJECTS_PER_COUNT]
        reply = admin.request("GET", f"limits/recordCount?sObjects={','.join(batch)}")
        told = {one["name"]: one["count"] for one in reply.body["sObjects"]} if reply.ok else {}
        counts |= {
            name: told.get(name, 0) if reply.ok else None for name in batch
        }  # an object without rows is left out
    return counts


def _sharing(admin: Connection) -> dict[str, str]:
    rows = admin.query("SELECT QualifiedApiName, InternalSharingModel FROM EntityDefinition")
    return {row["QualifiedApiName"]: row["InternalSharingModel"] for row in rows if row["InternalSharingModel"]}


def _select(columns: Sequence[str], name: str, where: str = "") -> str:
    condition = f" WHERE {where}" if where else ""
    return f"SELECT {', '.join(columns)} FROM {name}{condition}"  # noqa: S608 - SOQL, of our own tables


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
