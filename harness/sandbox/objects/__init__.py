"""What every simulated org is made of before its own metadata comes in: objects, fields, permissions and licenses.

The data is in the YAML files beside this module, in a notation described at the top of `sales.yaml`; it is read once.
"""

from __future__ import annotations

from copy import copy
from functools import cache
from importlib import resources
from typing import Any

import yaml

from harness.sandbox.objects.licenses import License, Licenses, StandardProfile, apply_terms, read_licenses
from harness.sandbox.objects.notation import read_object
from harness.sandbox.schema import Schema, SObject, SystemPermission

__all__ = ["License", "Licenses", "StandardProfile", "apply_terms", "standard_licenses", "standard_schema"]

_OBJECT_FILES = ("setup.yaml", "sales.yaml", "service.yaml", "work.yaml", "reference.yaml", "automation.yaml")


def standard_schema() -> Schema:
    """A new schema with the setup objects, the standard objects, the system permissions and the license terms.

    The objects are copies, so that custom fields may be added; the fields themselves are shared and immutable.
    """
    schema = Schema()
    schema.system_permissions.update(_permissions())
    for prototype in _prototypes():
        sobject = copy(prototype)
        sobject.fields = dict(prototype.fields)
        sobject.record_types = {}
        schema.add(sobject)
    apply_terms(schema, standard_licenses())
    return schema


@cache
def standard_licenses() -> Licenses:
    """The licenses and profiles that every org has."""
    return read_licenses(_load("licenses.yaml"), frozenset(_permissions()))


@cache
def _permissions() -> dict[str, SystemPermission]:
    data = _load("permissions.yaml")
    grants = {
        name: tuple((sobject, right) for sobject, rights in objects.items() for right in rights)
        for name, objects in data["grants"].items()
    }
    return {
        name: SystemPermission(name, label, tuple(data["implies"].get(name, ())), grants.get(name, ()))
        for name, label in data["labels"].items()
    }


@cache
def _prototypes() -> tuple[SObject, ...]:
    permissions = tuple(_permissions().values())
    found = []
    for file in _OBJECT_FILES:
        data = _load(file)
        defaults = data.pop("defaults")
        found += [read_object(name, {**defaults, **body}, permissions) for name, body in data.items()]
    return tuple(found)


def _load(file: str) -> dict[str, Any]:
    text = (resources.files(__package__) / file).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=_loader())  # noqa: S506 - a safe loader, the C one where there is one
    return loaded


def _loader() -> type[yaml.SafeLoader] | type[yaml.CSafeLoader]:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
