"""Counts and lists in a sentence, the same way wherever one is told."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5


def several(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 check`, `2 checks`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def few(names: Sequence[str], shown: int = SHOWN, *, between: str = ", ") -> str:
    """The first few of a list, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return between.join(names[:shown]) + more
