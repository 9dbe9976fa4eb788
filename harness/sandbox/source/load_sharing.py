"""Fill an org with what sharing needs beside metadata: members of public groups, and rows shared by hand."""

from __future__ import annotations

from harness.sandbox.objects.sharing import level_column, parent_column, share_of
from harness.sandbox.schema import Schema
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.loading import Loading
from harness.sandbox.source.population import Share, SharingSettings


def apply_settings(schema: Schema, settings: SharingSettings, origin: str) -> None:
    """Settings of objects. Raises SourceError for one that cannot have them."""
    for name in settings.without_hierarchies:
        sobject = schema.get(name)
        if sobject is None or not sobject.custom:
            raise SourceError(f"{origin}: sharing.without_hierarchies: there is no custom object {name!r}")
        sobject.hierarchies = False


def load_group_members(loading: Loading) -> None:
    """The roles and groups within public groups."""
    for name, members in sorted(loading.population.sharing.groups.items()):
        asked_by = f"group {name}"
        group = loading.id_of("Group", f"Regular {name}", asked_by=asked_by)
        wanted = [f"Role {one}" for one in members.roles]
        wanted += [f"RoleAndSubordinates {one}" for one in members.roles_and_subordinates]
        wanted += [f"Regular {one}" for one in members.groups]
        for member in loading.ids_of("Group", wanted, asked_by=asked_by):
            loading.insert("GroupMember", {"GroupId": group, "UserOrGroupId": member})


def load_shares(loading: Loading) -> None:
    """The manual shares."""
    for one in loading.population.sharing.shares:
        _insert_share(loading, one)


def _insert_share(loading: Loading, one: Share) -> None:
    asked_by = f"share of {one.row}"
    row_id = loading.id_of("row", one.row, asked_by=asked_by)
    schema = loading.org.schema
    sobject = schema.of_prefix(row_id[:3])
    share = share_of(schema, sobject) if sobject is not None else None
    if sobject is None or share is None or not share.createable:
        raise SourceError(f"{loading.origin}: {asked_by}: rows of this object cannot be shared by hand")
    values = {parent_column(sobject): row_id, "UserOrGroupId": _receiver(loading, one, asked_by), "RowCause": "Manual"}
    if sobject.name == "Account":
        values |= {"CaseAccessLevel": "None", "ContactAccessLevel": "None", "OpportunityAccessLevel": "None"}
    loading.insert(share.name, values | {level_column(sobject): one.access})


def _receiver(loading: Loading, one: Share, asked_by: str) -> str:
    if one.user is not None:
        return loading.id_of("User", one.user, asked_by=asked_by)
    for kind, name in (("Regular", one.group), ("Role", one.role), ("RoleAndSubordinates", one.role_and_subordinates)):
        if name is not None:
            return loading.id_of("Group", f"{kind} {name}", asked_by=asked_by)
    raise AssertionError("the population has been checked")
