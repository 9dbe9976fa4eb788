"""Short hand for tests of the simulated org's core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from harness.sandbox.errors import ApiError
from harness.sandbox.org import SandboxOrg


class Desk:
    """An org and the ids of what was put into it."""

    def __init__(self, org: SandboxOrg) -> None:
        self.org = org
        self.ids: dict[str, str] = {}
        self.admin = self.sales = self.robot = ""

    # Furnishing, as the system

    def profile(self, name: str, license_name: str, permissions: Mapping[str, bool]) -> None:
        values = {"Name": name, "UserLicenseId": self.ids[license_name], **permissions}
        self.ids[name] = self.org.insert_row("Profile", values)

    def user(self, username: str, profile: str) -> str:
        return self.org.insert_row("User", user_values(username, self.ids[profile]))

    def own_set(self, profile: str) -> str:
        return str(self.org.rows("PermissionSet", ProfileId=self.ids[profile])[0]["Id"])

    def open_everything(self, profile: str) -> None:
        """Every field of a few objects; the objects come with Modify All Data."""
        for name in ("Account", "Contact", "Employee__c", "Review__c", "Case"):
            self.fields(self.own_set(profile), name)

    def fields(self, set_id: str, sobject_name: str, *names: str, edit: bool = True) -> None:
        sobject = self.org.schema.get(sobject_name)
        assert sobject is not None
        for field in sobject.fields.values():
            if field.permissionable and not field.compound and (not names or field.name in names):
                row = {"SobjectType": sobject.name, "Field": f"{sobject.name}.{field.name}"}
                values = {**row, "ParentId": set_id, "PermissionsRead": True, "PermissionsEdit": edit}
                self.org.insert_row("FieldPermissions", values)

    def objects(self, set_id: str, sobject: str, *rights: str) -> str:
        values = {"ParentId": set_id, "SobjectType": sobject} | {f"Permissions{right}": True for right in rights}
        return self.org.insert_row("ObjectPermissions", values)

    def grant(self, profile: str, sobject: str, *rights: str) -> None:
        """Object rights and all fields of an object for everybody with a profile."""
        self.objects(self.own_set(profile), sobject, *rights)
        self.fields(self.own_set(profile), sobject)

    # As a user: the admin where nobody else is named

    def set(self, name: str, **values: Any) -> str:
        return self.create("PermissionSet", Name=name, Label=name.replace("_", " "), **values)

    def create(self, sobject: str, as_user: str | None = None, **values: Any) -> str:
        return self.org.create(sobject, values, as_user=as_user or self.admin)

    def update(self, sobject: str, record_id: str, as_user: str | None = None, **values: Any) -> None:
        self.org.update(sobject, record_id, values, as_user=as_user or self.admin)

    def delete(self, sobject: str, record_id: str, as_user: str | None = None) -> None:
        self.org.delete(sobject, record_id, as_user=as_user or self.admin)

    def query(self, soql: str, as_user: str | None = None, **how: Any) -> list[dict[str, Any]]:
        return self.org.query(soql, as_user=as_user or self.admin, **how).records

    def plain(self, soql: str, as_user: str | None = None) -> list[Any]:
        """Rows without attributes; a row of one field is its value."""
        rows = [
            {name: value for name, value in row.items() if name != "attributes"} for row in self.query(soql, as_user)
        ]
        return [next(iter(row.values())) if len(row) == 1 else row for row in rows]


def user_values(username: str, profile_id: str) -> dict[str, Any]:
    """What a user needs."""
    return {
        "Username": username,
        "LastName": username.partition("@")[0].title(),
        "Email": username,
        "Alias": username[:8],
        "TimeZoneSidKey": "GMT",
        "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
        "ProfileId": profile_id,
        "IsActive": True,
    }


@contextmanager
def refused(code: str, text: str = "", status: int = 400) -> Iterator[pytest.ExceptionInfo[ApiError]]:
    """The block is refused with this code, and this text in the message."""
    with pytest.raises(ApiError) as info:
        yield info
    assert (info.value.status, info.value.code) == (status, code), info.value
    assert text in info.value.message
