"""The rows that give the target user its access: one permission set, and what hangs under it. Pure.

Rows are in an order in which each can be written: masters before their details (facts 3.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from harness.access.model import FIELD_RIGHTS, OBJECT_RIGHTS, Access

Row = dict[str, Any]
Item = TypeVar("Item")

ROWS_PER_CALL = 1000
"""What one composite of five collections carries (facts 5.5)."""


def permission_set(*, name: str, label: str, description: str, carried: Access) -> Row:
    """The permission set. It is bound to no license: the user's own licenses are its only ceiling (facts 1.5)."""
    system = {f"Permissions{permission}": True for permission in sorted(carried.system)}
    return {"Name": name, "Label": label, "Description": description, **system}


def object_permissions(
    carried: Access, masters: Mapping[str, Sequence[str]], columns: Mapping[Any, str] = OBJECT_RIGHTS
) -> list[Row]:
    """The object permissions, without their parent, in the `columns` that the org has."""
    return [
        {"SobjectType": name, **{column: right in carried.objects[name] for right, column in columns.items()}}
        for name in masters_first(sorted(carried.objects), masters)
    ]


def field_permissions(carried: Access) -> list[Row]:
    """The field permissions, without their parent."""
    return [
        {
            "SobjectType": name.split(".")[0],
            "Field": name,
            **{column: right in rights for right, column in FIELD_RIGHTS.items()},
        }
        for name, rights in sorted(carried.fields.items())
    ]


def setup_access(carried: Access, ids: Mapping[str, str]) -> list[Row]:
    """The setup entity access, without its parent."""
    return [{"SetupEntityId": ids[name]} for name in sorted(carried.setup)]


def masters_first(names: Sequence[str], masters: Mapping[str, Sequence[str]]) -> list[str]:
    """The names with every master before its details; otherwise in the order given."""
    placed: dict[str, None] = {}

    def place(name: str, above: tuple[str, ...]) -> None:
        for master in masters.get(name, ()):
            if master in names and master not in above:
                place(master, (*above, name))
        placed[name] = None

    for name in names:
        place(name, (name,))
    return list(placed)


def numbered(key: str, rows: Sequence[Item]) -> Iterator[tuple[str, Sequence[Item]]]:
    """The rows of one kind in runs that one call carries, each with the key of its write."""
    for number, start in enumerate(range(0, len(rows), ROWS_PER_CALL), start=1):
        yield f"{key}/{number}", rows[start : start + ROWS_PER_CALL]
