"""What the evidence cannot see, in words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.access.model import Access
from harness.access.use.deeds import Seen, Touched
from harness.access.use.governed import LEAVE_NO_TRACE
from harness.access.use.needs import Needs
from harness.access.use.permission_set import not_in_metadata
from harness.words import few

_NAMED = 8
_UNSEEN_SETUP = ("CustomPermission", "FlowDefinition", "ExternalCredentialParameter", "CustomEntityDefinition")


def blind_spots(seen: Seen, needs: Needs, granted: Access, *, days: int | None) -> Iterator[str]:
    """Each in a sentence, what weighs most first."""
    yield _window(seen)
    yield "What runs less often than that, such as a month-end or year-end job or a repair by hand, was not seen."
    yield from _logs(needs, days)
    if needs.whole.keys() - needs.logged:
        yield (
            f"All fields were asked for of {_few(needs.whole.keys() - needs.logged)}: every field held there is kept, "
            "used or not."
        )
    if any(isinstance(use.deed, Touched) and not use.deed.log for use in seen.uses):
        yield "A describe shows every field that is readable; which of them the client uses, it does not tell."
    yield (
        "A lookup that is written implies Read on the object it points to; a lookup that is only read gives an id, and "
        "no access to the record behind it."
    )
    if needs.polymorphic:
        yield (
            f"Behind {_few(needs.polymorphic)} stand records of several objects: where no answer showed which, those "
            "that are held are kept."
        )
    yield (
        "Whose rows a query brought is not seen: View All and Modify All stay on every object that is used and not "
        "open to everybody, object by object; View All Data and Modify All Data do not."
    )
    yield (
        "Triggers, flows and Apex that a write sets off were not seen: in system context they need nothing of the "
        "user, in user context and in formulas they may need more."
    )
    kept = {need.name for need in (*needs.firm, *needs.soft)}
    traceless = {name for name in granted.setup if name.partition(":")[0] in _UNSEEN_SETUP}
    if unseen := (traceless | granted.system & LEAVE_NO_TRACE) - kept:
        yield (
            f"No traffic shows the use of {_few(unseen)}: what of it is needed is kept by name, under "
            "permissions.evidence.keep."
        )
    if lacking := not_in_metadata(granted):
        yield f"A permission set as metadata cannot hold {_few(lacking)}: the app's own policies name the set."
    yield from sorted(seen.blind)
    yield from _unknown(seen)


def _window(seen: Seen) -> str:
    if not seen.moments:
        return "Nothing dated was read: workload and expected grants stand for all that the integration does."
    first, last = seen.moments[0], seen.moments[-1]
    return (
        f"The recordings and event logs reach from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, and no further."
    )


def _logs(needs: Needs, days: int | None) -> Iterator[str]:
    if days is not None:
        yield (
            "The event logs are those of the org that the rehearsal is made in: what runs in production only is not in "
            "them. Logs saved there can be given as recordings."
        )
    if days is None and not needs.from_logs:
        return
    yield (
        "Event logs name objects and not fields, of a composite request only the request around it, and of a bulk job "
        "not what it did."
    )
    if needs.logged:
        yield f"Only event logs name {_few(needs.logged)}: every field held there is kept. A recording narrows it."


def _unknown(seen: Seen) -> Iterator[str]:
    """What was not understood: how many, and each kind of it once."""
    if not seen.unknown:
        return
    yield f"{len(seen.unknown)} requests or names were not understood, and grant nothing."
    reasons = Counter(each.partition(": ")[2] for each in seen.unknown)
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        first = next(each for each in seen.unknown if each.partition(": ")[2] == reason)
        yield f"Not understood: {first}" + (f", and {count - 1} more like it." if count > 1 else ".")


def _few(names: Iterable[str]) -> str:
    return few(sorted(names), _NAMED)
