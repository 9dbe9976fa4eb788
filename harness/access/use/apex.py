"""Which Apex class answers a call, as far as the org tells: the mapping stands in the class itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from harness.access.model import Access
from harness.access.reading.asking import try_ask
from harness.access.soql import among, batches, select
from harness.access.use.deeds import ApexCalled, Seen
from harness.access.use.needs import Need, Needs

if TYPE_CHECKING:
    from harness.org.connection import Connection

KIND = "ApexClass:"
_MAPPING = re.compile(r"@RestResource\s*\(\s*urlMapping\s*=\s*'([^']*)'", re.IGNORECASE)


def classes_of_paths(admin: Connection, needs: Needs, granted: Access, seen: Seen) -> None:
    """Add the class behind each call of Apex. Where the org hides the class, every one it may be is kept, and named."""
    if not needs.apex:
        return
    held = sorted(name.removeprefix(KIND) for name in granted.setup if name.startswith(KIND))
    bodies = _bodies(admin, held)
    for called, places in needs.apex.items():
        names, certain = _classes(called, held, bodies)
        into = needs.firm if certain else needs.soft
        for name in names:
            into.setdefault(Need("setup", f"{KIND}{name}", "held"), {}).update(places)
        if not certain:
            kept = f"every class it may be is kept: {', '.join(names)}" if names else "none that it may be is held"
            what = f"/services/apexrest{called.path}" if called.path else called.name
            seen.blind.add(f"Which Apex class answers {what} the org does not tell: {kept}.")


def _classes(called: ApexCalled, held: list[str], bodies: Mapping[str, str]) -> tuple[list[str], bool]:
    """The classes that may answer, and whether that is certain."""
    if called.name:
        return [called.name], True
    answering = [
        name for name in held if any(_fits(each, called.path) for each in _MAPPING.findall(bodies.get(name, "")))
    ]
    if answering:
        return answering, True
    return [name for name in held if not bodies.get(name)], False


def _fits(mapping: str, path: str) -> bool:
    """Whether a path falls under a mapping; both have a case (Apex Developer Guide, "RestResource Annotation")."""
    path = path.partition("?")[0]
    if mapping.endswith("*"):
        return path.startswith(mapping[:-1]) or path == mapping[:-1].rstrip("/")
    return path == mapping


def _bodies(admin: Connection, names: Iterable[str]) -> dict[str, str]:
    """The source of each class that the org shows; that of a managed package is hidden."""
    queries = [
        select("ApexClass", ("Name", "Body"), where=among("Name", batch), order="Name")
        for batch in batches(list(names))
    ]
    found = {
        str(row["Name"]): str(row["Body"] or "")
        for rows in (try_ask(admin, queries) if names else ())
        for row in rows or ()
    }
    return {name: body for name, body in found.items() if body and body != "(hidden)"}
