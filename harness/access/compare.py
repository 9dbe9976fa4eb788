"""Comparing the access a user was to get with the access it has."""

from __future__ import annotations

from dataclasses import dataclass

from harness.access.algebra import minus, union, walk
from harness.access.model import Access
from harness.words import few


@dataclass(frozen=True, slots=True)
class Difference:
    """What is missing, and what is there beyond what was meant."""

    missing: Access
    extra: Access


def compare(*, expected: Access, baseline: Access, actual: Access) -> Difference:
    """Compare: `expected` must be there, and nothing beyond it but what the `baseline` gives anyway."""
    return Difference(missing=minus(expected, actual), extra=minus(actual, union((expected, baseline))))


def in_words(access: Access) -> str:
    """An access in a line: the first few entries by name, and how many more there are."""
    entries = [f"{name} ({', '.join(rights)})" if rights else name for _, name, rights in walk(access)]
    return few(entries)
