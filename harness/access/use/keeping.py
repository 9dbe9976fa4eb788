"""What the scenario keeps by name although no traffic shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from harness.access.model import Access
from harness.access.use.needs import Kind, Need, Needs
from harness.scenario.model import Keep


def keep_by_name(keeps: Iterable[Keep], granted: Access, needs: Needs) -> None:
    """Add what is kept, seen in the scenario's own reason. Without kinds of access, all that are held are meant."""
    for keep in keeps:
        for line in keep.held:
            for need in _needs(line, granted):
                needs.firm.setdefault(need, {})[f"kept: {keep.because}"] = None


def _needs(line: str, granted: Access) -> Iterator[Need]:
    kind, _, rest = line.partition(" ")
    if kind in ("system", "setup", "record-type"):
        yield Need(cast("Kind", kind), rest.strip(), "held")
        return
    name, _, rights = rest.partition(": ")
    held = granted.objects.get(name) if kind == "object" else granted.fields.get(name)
    for right in rights.split(", ") if rights else sorted(held or {"read"}):
        yield Need(cast("Kind", kind), name, right)
