"""Whatever roles, groups, rules and shares there are, the org shows and refuses what the slow model does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sandbox.objects import standard_schema
from harness.sandbox.objects.sharing import level_column, parent_column, share_name
from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Criterion, Field, GroupName, SharingRule, SObject
from harness.sandbox.sharing import Level
from tests.component.sandbox_core.conftest import SYSTEM, custom_objects, furnish
from tests.component.sandbox_core.desk import Desk, user_values
from tests.component.sandbox_core.sharing_model import Group, Row, Rule, World

LEVELS: tuple[Level, ...] = ("read", "edit", "full")
USERS = [f"u{number}" for number in range(5)]
ROLES = [f"R{number}" for number in range(4)]
GROUPS = [f"G{number}" for number in range(3)]
COLOURS = ["red", "blue", ""]

ACCESS = st.sampled_from(["Read", "Edit"])
WHOM = st.one_of(
    st.tuples(st.just("user"), st.sampled_from(USERS)),
    st.tuples(st.just("group"), st.sampled_from(GROUPS)),
    st.tuples(st.sampled_from(["role", "below"]), st.sampled_from(ROLES)),
)
SHARES = st.lists(st.tuples(WHOM, ACCESS).map(lambda one: (*one[0], one[1])), max_size=2, unique_by=lambda one: one[:2])
OWNERS = st.sampled_from([*USERS, *GROUPS])


@st.composite
def rules(draw: st.DrawFn, *, on_accounts: bool) -> Rule:
    kind, to = draw(
        st.one_of(
            st.tuples(st.just("group"), st.sampled_from(GROUPS)),
            st.tuples(st.sampled_from(["role", "below"]), st.sampled_from(ROLES)),
        )
    )
    rule = Rule(kind, to, draw(ACCESS))
    if draw(st.booleans()):
        rule.owners = draw(st.sampled_from(GROUPS))
    else:
        rule.colour = draw(st.sampled_from(["red", "blue"]))
    if on_accounts:
        rule.children = draw(st.none() | ACCESS)
    return rule


def some(names: list[str]) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from(names), max_size=2)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    above = {
        role: draw(st.none() | st.sampled_from(ROLES[:place])) if place else None for place, role in enumerate(ROLES)
    }
    some = lambda names: st.sets(st.sampled_from(names), max_size=2)  # noqa: E731 - a name for a strategy
    groups = {
        name: Group(draw(some(USERS)), draw(some(GROUPS)) - {name}, draw(some(ROLES)), draw(st.booleans()))
        for name in GROUPS
    }
    accounts = {
        f"a{n}": Row(draw(st.sampled_from(USERS)), draw(st.sampled_from(COLOURS)), shares=draw(SHARES))
        for n in range(2)
    }
    opportunities = {
        f"o{n}": Row(
            draw(st.sampled_from(USERS)),
            draw(st.sampled_from(COLOURS)),
            draw(st.none() | st.sampled_from(["a0", "a1"])),
            draw(SHARES),
        )
        for n in range(2)
    }
    return World(
        above=above,
        users={user: draw(st.sampled_from([*ROLES, None])) for user in USERS},
        role_access={role: draw(st.sampled_from(["None", "Read", "Edit"])) for role in ROLES},
        groups=groups,
        defaults={
            "Account": draw(st.sampled_from(["Private", "Read", "ReadWrite"])),
            "Opportunity": draw(st.sampled_from(["Private", "Read"])),
            "Thing__c": draw(st.sampled_from(["Private", "Read", "ReadWrite", "FullAccess"])),
        },
        hierarchies=draw(st.booleans()),
        rules={
            name: draw(st.lists(rules(on_accounts=name == "Account"), max_size=2))
            for name in ("Account", "Opportunity", "Thing__c")
        },
        accounts=accounts,
        opportunities=opportunities,
        things={f"t{n}": Row(draw(OWNERS), draw(st.sampled_from(COLOURS)), shares=draw(SHARES)) for n in range(3)},
    )


def things() -> Iterator[SObject]:
    """Thing__c, which is owned, and Part__c, its detail."""
    thing = SObject("Thing__c", "Thing", "Things", "a11", custom=True, sharing="Private")
    owner = Field("OwnerId", "reference", "Owner ID", permissionable=False, reference_to=("User", "Group"))
    for one in (
        Field("Id", "id", "Record ID", nillable=False, **SYSTEM),
        owner,
        Field("Name", "string", "Thing Name", length=80, name_field=True, permissionable=False),
        Field("Colour__c", "string", "Colour", length=10, permissionable=False),
    ):
        thing.add(one)
    yield thing
    part = SObject("Part__c", "Part", "Parts", "a12", custom=True, sharing="ControlledByParent")
    part.add(Field("Id", "id", "Record ID", nillable=False, **SYSTEM))
    part.add(
        Field("Thing__c", "reference", "Thing", reference_to=("Thing__c",), master_detail=True, permissionable=False)
    )
    yield part


@dataclass
class Built:
    """A world as rows of an org, and the ids of what is in it by name."""

    org: SandboxOrg
    ids: dict[str, str]

    def seen(self, name: str, rows: list[str], user: str, level: Level) -> set[str]:
        sobject = self.org.schema.get(name)
        assert sobject is not None
        access = self.org.permissions_of(self.ids[user])
        found = self.org.sharing.reached(sobject, [self.ids[one] for one in rows], access, level=level)
        return {one for one in rows if self.ids[one] in found}


@pytest.fixture(scope="module")
def office() -> Iterator[Desk]:
    schema = standard_schema()
    custom_objects(schema)
    for one in things():
        schema.add(one)
    desk = Desk(SandboxOrg(schema))
    with desk.org.transaction():
        furnish(desk)
        for name in ("Account", "Opportunity", "Thing__c", "Part__c"):
            desk.grant("Sales", name, "Read", "Edit", "Delete")
    yield desk
    desk.org.close()


class Undo(Exception):
    """Ends the transaction of a world."""


@contextmanager
def built(desk: Desk, world: World) -> Iterator[Built]:
    """The world as rows of the org, as long as the block lasts."""
    try:
        with desk.org.transaction():
            yield build(desk, world)
            raise Undo
    except Undo:
        pass


def build(desk: Desk, world: World) -> Built:
    org = desk.org
    ids: dict[str, str] = {}
    schema = org.schema
    for name, default in world.defaults.items():
        sobject = schema.get(name)
        assert sobject is not None
        sobject.sharing = default
    thing = schema.get("Thing__c")
    assert thing is not None
    thing.hierarchies = world.hierarchies
    schema.sharing_rules = {
        name.lower(): [rule_of(name, one) for one in found] for name, found in world.rules.items() if found
    }
    people(desk, world, ids)
    records(org, world, ids)
    return Built(org, ids)


def rule_of(name: str, rule: Rule) -> SharingRule:
    kinds = {"group": "Regular", "role": "Role", "below": "RoleAndSubordinates"}
    colour = "Name" if name == "Opportunity" else "Colour__c" if name == "Thing__c" else "Site"
    criteria = (Criterion(colour, "equals", rule.colour),) if rule.colour else ()
    owners = (GroupName("Regular", rule.owners),) if rule.owners else ()
    children = (("Opportunity", rule.children),) if rule.children else ()
    to = (GroupName(kinds[rule.kind], rule.to),)
    return SharingRule("r", rule.level, to, shared_from=owners, criteria=criteria, children=children)


def people(desk: Desk, world: World, ids: dict[str, str]) -> None:
    org = desk.org
    for role, above in world.above.items():
        values = {"Name": role, "DeveloperName": role, "ParentRoleId": ids[above] if above else None}
        access = {"OpportunityAccessForAccountOwner": world.role_access[role], "CaseAccessForAccountOwner": "None"}
        ids[role] = org.insert_row("UserRole", values | access)
    for user, role in world.users.items():
        values = user_values(f"{user}@acme.example", desk.ids["Sales"]) | {"UserRoleId": ids[role] if role else None}
        ids[user] = org.insert_row("User", values)
    org.complete()
    for role in world.above:
        for row in org.rows("Group", RelatedId=ids[role]):
            ids[f"{row['Type']} {role}"] = row["Id"]
    for name, group in world.groups.items():
        values = {"Name": name, "DeveloperName": name, "Type": "Regular", "DoesIncludeBosses": group.with_bosses}
        ids[name] = org.insert_row("Group", values)
    for name, group in world.groups.items():
        for member in (*group.users, *group.groups, *(f"Role {role}" for role in group.roles)):
            org.insert_row("GroupMember", {"GroupId": ids[name], "UserOrGroupId": ids[member]})


def records(org: SandboxOrg, world: World, ids: dict[str, str]) -> None:
    for name, row in world.accounts.items():
        ids[name] = org.insert_row("Account", {"Name": name, "Site": row.colour, "OwnerId": ids[row.owner]})
        share(org, "Account", ids[name], row, ids)
    for name, row in world.opportunities.items():
        values = {"Name": row.colour, "OwnerId": ids[row.owner], "AccountId": ids[row.parent] if row.parent else None}
        ids[name] = org.insert_row("Opportunity", values)
        share(org, "Opportunity", ids[name], row, ids)
    for name, row in world.things.items():
        ids[name] = org.insert_row("Thing__c", {"Name": name, "Colour__c": row.colour, "OwnerId": ids[row.owner]})
        ids[f"part of {name}"] = org.insert_row("Part__c", {"Thing__c": ids[name]})
        if world.defaults["Thing__c"] in ("Private", "Read"):
            share(org, "Thing__c", ids[name], row, ids)
        else:
            row.shares.clear()


def share(org: SandboxOrg, name: str, target: str, row: Row, ids: dict[str, str]) -> None:
    kinds = {"role": "Role ", "below": "RoleAndSubordinates "}
    sobject = org.schema.get(name)
    assert sobject is not None
    for kind, whom, level in row.shares:
        values = {parent_column(sobject): target, "UserOrGroupId": ids[kinds.get(kind, "") + whom]}
        org.insert_row(share_name(sobject), values | {"RowCause": "Manual", level_column(sobject): level})


@given(world=worlds())
@settings(max_examples=50, deadline=None)
def test_the_org_agrees_with_the_model(office: Desk, world: World) -> None:
    with built(office, world) as found:
        for user in USERS:
            for name, rows in (
                ("Account", world.accounts),
                ("Opportunity", world.opportunities),
                ("Thing__c", world.things),
            ):
                for level in LEVELS:
                    wanted = {one for one, row in rows.items() if world.allowed(user, name, row, level)}
                    assert found.seen(name, list(rows), user, level) == wanted, (user, name, level)
                records = found.org.query(f"SELECT Id FROM {name}", as_user=found.ids[user]).records
                wanted = {found.ids[one] for one, row in rows.items() if world.allowed(user, name, row, "read")}
                assert {one["Id"] for one in records} == wanted, (user, name)
            parts = [f"part of {one}" for one in world.things]
            for level in LEVELS:
                wanted = {f"part of {one}" for one, row in world.things.items() if world.part_allowed(user, row, level)}
                assert found.seen("Part__c", parts, user, level) == wanted, (user, "Part__c", level)
