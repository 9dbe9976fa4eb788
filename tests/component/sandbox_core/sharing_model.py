"""Sharing as its documentation tells it, written down slowly and plainly: what the simulated org must agree with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

Level = str
"""read, edit or full."""

ORDER = ("read", "edit", "full")
BY_DEFAULT = {"Private": None, "Read": "read", "ReadWrite": "edit", "ReadWriteTransfer": "edit", "FullAccess": "full"}
NAMED = {"Read": "read", "Edit": "edit"}


@dataclass
class Group:
    """A public group or queue: users, groups and roles by name."""

    users: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    with_bosses: bool = True


@dataclass
class Rule:
    """Rows of certain owners, or with a certain colour, shared with a group, a role, or a role and those below."""

    kind: str
    to: str
    level: str
    owners: str | None = None
    """A group whose members' rows are shared."""
    colour: str | None = None
    children: str | None = None
    """Of a rule on accounts: what it gives on the opportunities."""


@dataclass
class Row:
    """A row of Account, Opportunity or Thing__c; a part has no owner."""

    owner: str
    colour: str = ""
    parent: str | None = None
    shares: list[tuple[str, str, str]] = field(default_factory=list)
    """user or group, its name, Read or Edit."""


@dataclass
class World:
    """Everything that decides."""

    above: dict[str, str | None]
    """Role to the role above it."""
    users: dict[str, str | None]
    """User to role."""
    role_access: dict[str, str]
    """Role to what it gives its users on the opportunities of their accounts: None, Read or Edit."""
    groups: dict[str, Group]
    defaults: dict[str, str]
    hierarchies: bool
    """Of Thing__c."""
    rules: dict[str, list[Rule]]
    accounts: dict[str, Row]
    opportunities: dict[str, Row]
    things: dict[str, Row]

    def bosses(self, user: str) -> set[str]:
        """Everybody with a role above the user's."""
        roles, role = set(), self.users[user]
        while role is not None and (role := self.above[role]) is not None:
            roles.add(role)
        return {one for one, own in self.users.items() if own in roles}

    def in_role(self, role: str) -> set[str]:
        return {one for one, own in self.users.items() if own == role}

    def in_role_and_below(self, role: str) -> set[str]:
        def is_below(one: str | None) -> bool:
            return one is not None and (one == role or is_below(self.above[one]))

        return {user for user, own in self.users.items() if is_below(own)}

    def members(self, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """The users in a group, through groups and roles."""
        if name in seen:
            return set()
        group = self.groups[name]
        found = set(group.users)
        for role in group.roles:
            found |= self.in_role(role)
        for inner in group.groups:
            found |= self.members(inner, seen | {name})
        return found

    def nested(self, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """A group and the groups in it."""
        found = {name}
        for inner in self.groups[name].groups - seen:
            found |= self.nested(inner, seen | {name})
        return found

    def reached_by(self, kind: str, name: str, *, hierarchies: bool) -> set[str]:
        """Who gets what is given to somebody."""
        if kind == "user":
            direct, up = {name}, True
        elif kind == "group":
            direct, up = self.members(name), self.groups[name].with_bosses
        elif kind == "role":
            direct, up = self.in_role(name), True
        else:
            direct, up = self.in_role_and_below(name), True
        return direct | ({boss for one in direct for boss in self.bosses(one)} if up and hierarchies else set())

    def owner_kind(self, owner: str) -> str:
        return "user" if owner in self.users else "group"

    def explicit(self, name: str, row: Row, *, hierarchies: bool) -> Iterator[tuple[set[str], Level]]:
        """What owner, shares and rules give."""
        yield self.reached_by(self.owner_kind(row.owner), row.owner, hierarchies=hierarchies), "full"
        for kind, whom, level in row.shares:
            yield self.reached_by(kind, whom, hierarchies=hierarchies), NAMED[level]
        for rule in self.rules.get(name, ()):
            if self.meets(row, rule):
                yield self.reached_by(rule.kind, rule.to, hierarchies=hierarchies), NAMED[rule.level]

    def meets(self, row: Row, rule: Rule) -> bool:
        if rule.owners is not None:
            return row.owner in self.members(rule.owners) | self.nested(rule.owners)
        return row.colour == rule.colour

    def allowed(self, user: str, name: str, row: Row, level: Level) -> bool:
        """Whether the user has the level on a row of an object."""
        default = BY_DEFAULT[self.defaults[name]]
        given = [({user}, default)] if default else []
        given += self.explicit(name, row, hierarchies=self.hierarchies if name == "Thing__c" else True)
        if name == "Account":
            given += self.through_opportunities(row)
        if name == "Opportunity" and row.parent is not None:
            given += self.through_account(self.accounts[row.parent])
        return any(user in people and ORDER.index(has) >= ORDER.index(level) for people, has in given)

    def through_opportunities(self, account: Row) -> Iterator[tuple[set[str], Level]]:
        for child in self.opportunities.values():
            if child.parent is not None and self.accounts[child.parent] is account:
                for people, _ in self.explicit("Opportunity", child, hierarchies=True):
                    yield people, "read"

    def through_account(self, account: Row) -> Iterator[tuple[set[str], Level]]:
        if account.owner in self.users:
            role = self.users[account.owner]
            level = self.role_access.get(role or "", "None")
            if level != "None":
                yield self.reached_by("user", account.owner, hierarchies=True), NAMED[level]
        for rule in self.rules.get("Account", ()):
            if rule.children and self.meets(account, rule):
                yield self.reached_by(rule.kind, rule.to, hierarchies=True), NAMED[rule.children]

    def part_allowed(self, user: str, thing: Row, level: Level) -> bool:
        """A detail: reading needs the master to be read, everything else needs it to be edited."""
        return self.allowed(user, "Thing__c", thing, "read" if level == "read" else "edit")
