"""The weakest probe: what the describes that a user gets say about its rights. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.access.effective import Key, ObjectFacts
from harness.checks.proof.witnesses import Probed

_OBJECT_FLAGS = {"create": "createable", "edit": "updateable", "delete": "deletable"}
_FIELD_FLAGS = {"create": "createable", "edit": "updateable"}


def by_describe(schema: Mapping[str, ObjectFacts], described: Mapping[str, Mapping[str, Any]]) -> dict[Key, Probed]:
    """What the describes that the user gets say; an object or field that is not in them cannot be read.

    The describe of User always says that users can be created, so it tells nothing about that (REST API guide).
    """
    found: dict[Key, Probed] = {}
    for name, facts in schema.items():
        shown = described.get(name, {})
        may = {right: bool(shown.get(flag)) for right, flag in _OBJECT_FLAGS.items()}
        found |= {(name, right): Probed(value, "describe") for right, value in {"read": bool(shown), **may}.items()}
        fields = {str(each["name"]): each for each in shown.get("fields", ())}
        for field in facts.fields:
            entry = fields.get(field)
            found[f"{name}.{field}", "read"] = Probed(entry is not None, "describe")
            for kind, flag in _FIELD_FLAGS.items():
                found[f"{name}.{field}", kind] = Probed(bool(entry and may[kind] and entry[flag]), "describe")
    return {key: probe for key, probe in found.items() if not _untold(key)}


def _untold(key: Key) -> bool:
    return key[1] == "create" and key[0].partition(".")[0] == "User"
