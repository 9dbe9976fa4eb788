"""Which objects ObjectPermissions may name, and which fields FieldPermissions may."""

from __future__ import annotations

from harness.sandbox.access.effective import EffectiveAccess, has_object_permissions
from harness.sandbox.schema import Field, Schema, SObject


class PermissionNames:
    """The closed picklists `SobjectType` and `Field` of the permission tables."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._with_fields: dict[str, bool] = {}
        self._hidden: tuple[int, list[str], list[str]] | None = None

    def sobject(self, name: str) -> SObject | None:
        """The object, if it has object permissions."""
        found = self._schema.get(name)
        return found if found is not None and has_object_permissions(found) else None

    def field_owner(self, name: str) -> SObject | None:
        """The object, if its fields have permissions: also one that has none of its own, such as Task."""
        found = self._schema.get(name)
        if found is None:
            return None
        if found.name not in self._with_fields:
            self._with_fields[found.name] = any(is_permissionable(one) for one in found.fields.values())
        return found if self._with_fields[found.name] else None

    def field(self, name: str) -> tuple[SObject, Field] | None:
        """The field of `Object.Field`; `Contact.Account` stands for `Contact.AccountId`."""
        object_name, _, field_name = name.partition(".")
        sobject = self.field_owner(object_name)
        if sobject is None or not field_name:
            return None
        field = sobject.get(field_name) or sobject.get(f"{field_name}Id")
        return (sobject, field) if field is not None and is_permissionable(field) else None

    def hidden_from(self, access: EffectiveAccess) -> tuple[list[str], list[str]]:
        """The objects, and the fields of others, that a user does not see."""
        if self._hidden is None or self._hidden[0] != access.serial:
            objects = [one for one in self._schema if not access.can(one, "read")]
            names = {one.name for one in objects}
            fields = sorted(
                f"{sobject.name}.{one.name}"
                for sobject in self._schema
                if sobject.name not in names
                for one in sobject.fields.values()
                if is_permissionable(one) and not access.can_read_field(sobject, one)
            )
            self._hidden = (access.serial, sorted(names), fields)
        return self._hidden[1], self._hidden[2]

    def objects(self) -> list[str]:
        """The names of all objects that have object permissions."""
        return sorted(one.name for one in self._schema if has_object_permissions(one))

    def fields(self) -> list[str]:
        """The names of all fields that have permissions."""
        return sorted(
            f"{sobject.name}.{one.name}"
            for sobject in self._schema
            for one in sobject.fields.values()
            if is_permissionable(one)
        )


def is_permissionable(field: Field) -> bool:
    """Whether a field has permissions of its own; a part of a compound field has not."""
    return field.permissionable and field.compound is None
