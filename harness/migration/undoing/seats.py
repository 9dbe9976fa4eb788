"""Seats that a deactivation frees: permission set licenses and managed packages. They come back with the user.

Whether a deactivation frees them differs from package to package (facts section 7, 13), so it is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.access.reading.people import read_extra_licenses, read_user
from harness.access.soql import among, select
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context


def give_back_seats(context: Context, *, undoes: str | None) -> None:
    """Give the source user the seats that it had at the snapshot and has no more. Without any, nothing is asked."""
    person, packages = context.snapshot.person, context.snapshot.beside.packages
    if not person.permission_set_licenses and not packages:
        return
    user = read_user(context.admin, person.username)
    if user is None:
        return
    licenses = sorted(set(person.permission_set_licenses) - {each.name for each in user.licenses})
    ids = _ids(context, "PermissionSetLicense", "DeveloperName", licenses)
    rows = [{"AssigneeId": user.id, "PermissionSetLicenseId": one} for one in ids]
    _give(context, "licenses", "PermissionSetLicenseAssign", rows, undoes)
    standing = read_extra_licenses(context.admin, user.id).packages or () if packages else ()
    ids = _ids(context, "PackageLicense", "NamespacePrefix", sorted(set(packages) - set(standing)))
    _give(
        context, "packages", "UserPackageLicense", [{"UserId": user.id, "PackageLicenseId": one} for one in ids], undoes
    )


def _ids(context: Context, sobject: str, column: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    rows = context.admin.query(select(sobject, ("Id",), where=among(column, names), order="Id"))
    return [str(row["Id"]) for row in rows]


def _give(context: Context, key: str, sobject: str, rows: list[dict[str, str]], undoes: str | None) -> None:
    if not rows:
        return
    of_user, of_license = rows[0]
    username = context.snapshot.person.username
    write = Write(
        key=f"{context.stage}/{key}",
        operation="create",
        sobject=sobject,
        summary=f"give {username} {len(rows)} {key.removesuffix('s')} seats again",
        natural_key={of_user: rows[0][of_user]},
        inverse="none: it is the user's own",
        undoes=undoes,
    )
    writes.create(context, write, rows, own=(of_license,))
