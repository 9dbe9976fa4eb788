"""What an org answered that no allow-list names, and what to write so that it is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

Section = Literal["json", "xml", "csv", "objects", "metadata", ""]
Keys = tuple[str, ...]
ITEM = "[]"
"""Among keys: any item of a list."""
_ID = re.compile(r"(?<=/)(?:[0-9a-zA-Z]{15}|[0-9a-zA-Z]{18})(?=/|$)")
_VERSION = re.compile(r"(?<=/)v?\d{2,3}\.0(?=/|$)")
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Unknown:
    """One thing that is not listed. It holds no value of the answer, only names."""

    method: str
    path: str
    why: str
    section: Section = ""
    """Where in an allow-list it would stand; empty where nothing can allow it."""
    keys: Keys = ()
    """The path of its key; of `objects` and `metadata` the object, or the type, and the column or element."""

    @property
    def resource(self) -> str:
        """The path as an allow-list would have it."""
        return _VERSION.sub("{version}", _ID.sub("{id}", self.path))

    def __str__(self) -> str:
        where = f": {'.'.join(self.keys)}" if self.keys else ""
        return f"{self.method} {self.resource}{where} {self.why}"


def report(found: Iterable[Unknown]) -> str:
    """All of it, in lines."""
    lines = list(dict.fromkeys(f"  {each}" for each in found))
    more = [f"  ... and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])


def snippet(found: Iterable[Unknown]) -> str:
    """The allow-list that would allow it, to be pasted: every value replaced. Empty where nothing can."""
    resources: dict[str, dict[str, Any]] = {}
    sections: dict[str, dict[str, Any]] = {}
    for each in found:
        if each.section in ("objects", "metadata"):
            _add(sections.setdefault(each.section, {}), each.keys)
        elif each.section:
            _add(resources.setdefault(each.resource, {}), (each.section, *each.keys))
    told: dict[str, Any] = {"allow": 1}
    if resources:
        told["resources"] = [{"path": path, **_lists(shape)} for path, shape in resources.items()]
    told |= {name: _lists(section) for name, section in sections.items()}
    if len(told) == 1:
        return ""
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


def _add(shape: dict[str, Any], keys: Keys) -> None:
    for key in keys[:-1]:
        below = shape.get(key)
        shape[key] = shape = below if isinstance(below, dict) else {}
    if keys and not shape.get(keys[-1]):
        shape[keys[-1]] = "replace" if keys[-1] not in ("json", "xml", "csv") or len(keys) > 1 else {}


def _lists(shape: Any) -> Any:
    """Where a key says any item, a list of one."""
    if not isinstance(shape, Mapping):
        return shape
    if ITEM in shape:
        return [_lists(shape[ITEM])]
    return {key: _lists(value) for key, value in shape.items()}
