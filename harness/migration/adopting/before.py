"""What the source user held before a run changed it: found, and proven by the digest in the run's mark. Pure.

What was taken is tried from what the org tells: the audit trail, the new user's memberships. None of it is believed.
Only values whose digest is that of the mark are taken, and the digest leaves no room for luck.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.access.reading.people import User
from harness.migration.adopting.audit_words import Taken
from harness.migration.planning.marks import held_digest, held_parts

NONE = "none"
_MOST = 20_000
"""So many combinations are tried at most."""


@dataclass(frozen=True, slots=True)
class Names:
    """What names stand for in the org."""

    profiles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For each profile its id and its user license."""
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The ids of the permission sets of each label or API name."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Those of the permission set groups."""
    licenses: Mapping[str, str] = field(default_factory=dict)
    """The DeveloperName of each permission set license, by that and by its label."""
    license_ids: Mapping[str, str] = field(default_factory=dict)
    """The id of each, by DeveloperName."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """The DeveloperName of each role, by its label."""
    public_groups: Mapping[str, str] = field(default_factory=dict)
    """The DeveloperName of public groups, by label."""
    queues: Mapping[str, str] = field(default_factory=dict)


HELD: Mapping[str, tuple[str, str]] = {
    "profile": ("profile", "the name of its profile before"),
    "role": ("role", "the DeveloperName of its role before, or none"),
    "groups": ("groups", "the DeveloperNames of its public groups before, with commas, or none"),
    "queues": ("queues", "the DeveloperNames of its queues before, with commas, or none"),
    "licenses": ("permission set licenses", "the DeveloperNames of its permission set licenses before, or none"),
    "features": ("feature licenses", "its feature licenses before, such as MarketingUser, or none"),
    "packages": ("package licenses", "the namespaces of its managed packages before, or none"),
    "assignments": (
        "assignments",
        "the API names of its permission sets and groups before, or none; one that expires as NAME until MOMENT",
    ),
}
"""For each key of what a person may tell: the part of the fingerprint, and what is asked."""


def held_before(
    now: Mapping[str, str],
    *,
    source: User,
    held: str | None,
    options: Mapping[str, Sequence[str]],
) -> dict[str, str] | None:
    """The parts about the source user before the run, proven by the digest `held` of its mark; None: not found.

    `options` are the values that a part may have had, by the end of its name (`profile`, `assignments`, ...).
    """
    if held is None:
        return None
    parts = held_parts(now)
    prefix = f"user {source.username}: "
    names = [f"{prefix}{each}" for each in options]
    for values in itertools.islice(itertools.product(*options.values()), _MOST):
        tried = {**parts, **dict(zip(names, values, strict=True))}
        if held_digest(tried) == held:
            return tried
    return None


def options_of(
    now: Mapping[str, str],
    *,
    source: User,
    taken: Taken,
    names: Names,
    beside: User | None,
    wanted: frozenset[str],
    own_set: str | None,
) -> dict[str, list[str]]:
    """What each part may have been.

    `beside` is the new user, which is put where the old one is; `wanted` the licenses that the run assigns, which a
    user converted in place may have had before; `own_set` the id of the run's set.
    """
    prefix = f"user {source.username}: "
    value = {name.removeprefix(prefix): text for name, text in now.items() if name.startswith(prefix)}
    licenses = listed(value["permission set licenses"])
    took = {names.licenses[label] for label in taken.licenses if label in names.licenses}
    again = _assigned_before(value["assignments"], taken, names, own_set)
    beside_groups = set(beside.names("Regular")) if beside else set()
    beside_queues = set(beside.names("Queue")) if beside else set()
    circles = {names.public_groups[each] for each in taken.circles if each in names.public_groups}
    queues = {names.queues[each] for each in taken.circles if each in names.queues}
    found = {
        "profile": [value["profile"], *(each for each in taken.profiles if each in names.profiles)],
        "role": [value["role"], *filter(None, [beside.role if beside else None, *_roles(taken, names)])],
        "groups": _unions(listed(value["groups"]), beside_groups, circles),
        "queues": _unions(listed(value["queues"]), beside_queues, queues),
        "permission set licenses": list(_licenses(licenses, took, wanted)),
        "assignments": [value["assignments"], *again],
    }
    return {name: list(dict.fromkeys(values)) for name, values in found.items()}


def with_licenses(options: Mapping[str, Sequence[str]], names: Names) -> Iterator[dict[str, list[str]]]:
    """The same, once for each profile: the user license is the profile's."""
    for profile in options["profile"]:
        license_ = names.profiles.get(profile, ("", ""))[1]
        rest = {name: list(values) for name, values in options.items() if name != "profile"}
        yield {"profile": [profile], "user license": [license_], **rest}


def listed(text: str) -> set[str]:
    """The names in a part."""
    return set() if text in (NONE, "") else {each.strip() for each in text.split(",")}


def joined(names: Iterable[str]) -> str:
    """Names as a part has them."""
    return ", ".join(sorted(names)) or NONE


def _unions(now: set[str], *more: set[str]) -> list[str]:
    return [joined(now), *(joined(now | each) for each in more if each), joined(now.union(*more))]


def _licenses(now: set[str], took: set[str], wanted: frozenset[str]) -> Iterator[str]:
    ours = sorted(wanted)
    for count in range(len(ours) + 1):
        for some in itertools.combinations(ours, count):
            yield joined((now | took) - wanted | set(some))
    yield joined(now)


def _roles(taken: Taken, names: Names) -> list[str | None]:
    return [names.roles.get(each) for each in taken.roles]


def _assigned_before(now: str, taken: Taken, names: Names, own_set: str | None) -> Iterator[str]:
    """The assignments with what was taken put back, where each label names one thing alone."""
    standing = {each for each in listed(now) if each.partition(" ")[0] != own_set}
    sets = [names.sets.get(label, ()) for label in taken.sets]
    groups = [names.groups.get(label, ()) for label in taken.groups]
    if all(sets) and all(groups):
        for ids in itertools.islice(itertools.product(*sets, *groups), _MOST):
            yield joined(standing | {*ids})
    yield joined(standing)
