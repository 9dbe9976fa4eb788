"""Finding everything that is refused, where a refusal names only the first. Pure.

A group that is accepted is settled whole. One that is refused is split, and so on down to single items. Many groups are
asked about in one call, so a refused group is not halved but split into as many parts as the call still carries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def refused_of(
    groups: Iterable[Sequence[Item]], accepts: Callable[[Sequence[Sequence[Item]]], Sequence[bool]], *, at_once: int
) -> list[Item]:
    """The items of some groups that are refused, in the order in which that was found.

    `accepts` is asked about at most `at_once` groups and says of each whether it was accepted. An item that is accepted
    by itself must be accepted in company, too: a group is refused because of an item in it.
    """
    refused: list[Item] = []
    groups = [group for group in groups if group]
    while groups:
        failing: list[Sequence[Item]] = []
        for start in range(0, len(groups), at_once):
            some = groups[start : start + at_once]
            failing += [group for group, fine in zip(some, accepts(some), strict=True) if not fine]
        refused += [group[0] for group in failing if len(group) == 1]
        large = [group for group in failing if len(group) > 1]
        groups = [part for group in large for part in _parts(group, max(2, at_once // len(large)))]
    return refused


def _parts(group: Sequence[Item], number: int) -> Iterator[Sequence[Item]]:
    """A group in about so many parts, none of them empty."""
    size = max(1, -(-len(group) // number))
    for start in range(0, len(group), size):
        yield group[start : start + size]
