"""What a user may do, as data: object, field and system permissions, and setup entity access.

Pure: data in, data out. Names are API names as the org spells them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_serializer

ObjectRight = Literal["read", "create", "edit", "delete", "view-all", "modify-all", "view-all-fields"]
FieldRight = Literal["read", "edit"]

OBJECT_RIGHTS: Mapping[str, str] = {
    "read": "PermissionsRead",
    "create": "PermissionsCreate",
    "edit": "PermissionsEdit",
    "delete": "PermissionsDelete",
    "view-all": "PermissionsViewAllRecords",
    "modify-all": "PermissionsModifyAllRecords",
    "view-all-fields": "PermissionsViewAllFields",
}
"""The rights on an object, each with its column of ObjectPermissions (API 63 and later for the last)."""

FIELD_RIGHTS: Mapping[str, str] = {"read": "PermissionsRead", "edit": "PermissionsEdit"}
"""The rights on a field, each with its column of FieldPermissions."""


class Access(BaseModel):
    """What one set, or one user, may do.

    `objects` maps an object to its rights; `fields` maps `Object.Field` to its rights; `system` holds system
    permissions without their `Permissions` prefix; `setup` holds setup entities as `TYPE:NAME`; `record_types` holds
    the record types it may use, as `Object.DeveloperName`. Nothing is held with no rights. As JSON, all of it is in
    order, so that equal access is equal text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objects: Mapping[str, frozenset[ObjectRight]] = {}
    fields: Mapping[str, frozenset[FieldRight]] = {}
    system: frozenset[str] = frozenset()
    setup: frozenset[str] = frozenset()
    record_types: frozenset[str] = frozenset()

    @field_serializer("objects", "fields", when_used="json")
    def _rights_in_order(self, held: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
        return {name: sorted(rights) for name, rights in sorted(held.items())}

    @field_serializer("system", "setup", "record_types", when_used="json")
    def _names_in_order(self, held: frozenset[str]) -> list[str]:
        return sorted(held)
