"""Fill PermissionDependency: which permission needs which other (Tooling API Reference, PermissionDependency)."""

from __future__ import annotations

from collections.abc import Iterator

from harness.sandbox.source.loading import Loading

_USER = "User Permission"
_OBJECT = "Object Permission"
_RIGHTS = {"read": "read", "create": "create", "edit": "update", "delete": "delete"}


def load_dependencies(loading: Loading) -> None:
    """One row for each dependency of a system permission, and of a detail object's rights on its master."""
    for permission, kind, needed, needed_kind in _rows(loading):
        loading.insert(
            "PermissionDependency",
            {
                "DurableId": f"{permission}-{needed}",
                "Permission": permission,
                "PermissionType": kind,
                "RequiredPermission": needed,
                "RequiredPermissionType": needed_kind,
            },
        )


def _rows(loading: Loading) -> Iterator[tuple[str, str, str, str]]:
    schema = loading.org.schema
    for one in schema.system_permissions.values():
        yield from ((one.name, _USER, needed, _USER) for needed in one.implies)
        yield from ((one.name, _USER, f"{name}<{_RIGHTS[right]}>", _OBJECT) for name, right in one.grants)
    for sobject in schema:
        masters = sorted({name for one in sobject.fields.values() if one.master_detail for name in one.reference_to})
        yield from ((f"{sobject.name}<read>", _OBJECT, f"{master}<read>", _OBJECT) for master in masters)
