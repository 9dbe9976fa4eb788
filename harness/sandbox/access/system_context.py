"""The access that Apex has in system context: every object, field and row, whoever runs it (Apex Developer Guide)."""

from __future__ import annotations

from dataclasses import replace

from harness.sandbox.access.contents import OBJECT_RIGHTS
from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.schema import Schema


def in_system_context(access: EffectiveAccess, schema: Schema) -> EffectiveAccess:
    """What a user's code may do there. The user stays the one who runs it; the serial is that of no user's access."""
    fields = frozenset(
        f"{sobject.name}.{field.name}".lower() for sobject in schema for field in sobject.fields.values()
    )
    return replace(
        access,
        serial=-access.serial,
        system=frozenset(schema.system_permissions),
        objects={sobject.name.lower(): frozenset(OBJECT_RIGHTS) for sobject in schema},
        readable=fields,
        editable=fields,
        custom_settings=None,
    )
