"""The licenses and profiles that every simulated org has, and what a license may carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.sandbox.schema import LicenseTerms, Schema


@dataclass(frozen=True, slots=True)
class License:
    """A user license or a permission set license, as a row; `name` is UserLicense.Name or the DeveloperName."""

    name: str
    label: str
    key: str
    seats: int
    permissions: frozenset[str] | None
    objects: tuple[str, ...] | None
    """As written: `standard` and `*__c` stand for many."""
    features: frozenset[str] | None = None
    """Feature licenses; None: all."""


@dataclass(frozen=True, slots=True)
class StandardProfile:
    """A profile that every org has."""

    name: str
    license: str
    permissions: frozenset[str]
    everything: bool
    """Every right on every object and field, beside the permissions."""


@dataclass(frozen=True, slots=True)
class Licenses:
    """What `licenses.yaml` says."""

    user: tuple[License, ...]
    permission_set: tuple[License, ...]
    profiles: tuple[StandardProfile, ...]
    apart: frozenset[str]
    """Standard objects that only a license of their own carries."""


def read_licenses(data: Mapping[str, Any], all_permissions: frozenset[str]) -> Licenses:
    """The licenses and profiles of `licenses.yaml`."""
    return Licenses(
        user=tuple(_license(name, body) for name, body in data["user_licenses"].items()),
        permission_set=tuple(_license(name, body) for name, body in data["permission_set_licenses"].items()),
        profiles=tuple(_profile(name, body, all_permissions) for name, body in data["profiles"].items()),
        apart=frozenset(data["apart"]),
    )


def apply_terms(schema: Schema, licenses: Licenses) -> None:
    """Set the terms of all licenses in the schema; to be called again when objects were added to it."""
    standard = {one.name for one in schema if not one.custom and not one.setup} - licenses.apart
    for one in licenses.user:
        schema.user_licenses[one.name] = _terms(one, standard)
    for one in licenses.permission_set:
        schema.permission_set_licenses[one.name] = _terms(one, standard)


def _license(name: str, body: Mapping[str, Any]) -> License:
    return License(
        name=name,
        label=body.get("label", name),
        key=body.get("key", name),
        seats=body["seats"],
        permissions=frozenset(body["permissions"]) if "permissions" in body else None,
        objects=tuple(body["objects"]) if "objects" in body else None,
        features=frozenset(body["features"]) if "features" in body else None,
    )


def _profile(name: str, body: Mapping[str, Any], all_permissions: frozenset[str]) -> StandardProfile:
    everything = bool(body.get("everything"))
    permissions = all_permissions - frozenset(body.get("except", ())) if everything else frozenset(body["permissions"])
    return StandardProfile(name=name, license=body["license"], permissions=permissions, everything=everything)


def _terms(license_: License, standard: set[str]) -> LicenseTerms:
    objects = license_.objects
    if objects is None:
        return LicenseTerms(license_.name, license_.permissions, features=license_.features)
    named = frozenset(objects) - {"standard"}
    allowed = named | standard if "standard" in objects else named
    return LicenseTerms(license_.name, license_.permissions, allowed, license_.features)
