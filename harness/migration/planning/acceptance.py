"""Losses are accepted by name, with a reason: what the scenario writes under `permissions.accept`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.migration.records import Loss
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import lost_parts


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One line of a scenario that agrees to a loss."""

    kind: str
    name: str
    rights: frozenset[str]
    """The kinds of access it is about. Empty: all of them."""
    because: str
    place: str
    """`file:line` of it."""

    @property
    def line(self) -> str:
        """As it is written."""
        rights = f": {', '.join(sorted(self.rights))}" if self.rights else ""
        return f"{self.kind} {self.name}{rights}"

    def meets(self, loss: Loss) -> bool:
        """Whether it agrees to some of a loss. Who lets a whole object go lets the fields go that fall with it."""
        if (self.kind, self.name) == (loss.kind, loss.name):
            return not self.rights or bool(self.rights & set(loss.access))
        whole = self.kind == "object" and not self.rights
        return whole and loss.falls_with == f"object {self.name}"


@dataclass(frozen=True, slots=True)
class Agreed:
    """The losses, each accepted or not, and the lines that agree to nothing."""

    losses: tuple[Loss, ...]
    idle: tuple[Acceptance, ...] = field(default=())


def acceptances(file: ScenarioFile) -> tuple[Acceptance, ...]:
    """What a scenario accepts, line by line."""
    return tuple(
        Acceptance(*lost_parts(line), entry.because, str(file.place("permissions", "accept", number, "lost", index)))
        for number, entry in enumerate(file.scenario.permissions.accept)
        for index, line in enumerate(entry.lost)
    )


def agree(losses: Iterable[Loss], accepted: Sequence[Acceptance]) -> Agreed:
    """Accept what the scenario accepts. A loss of several rights of which it accepts some becomes two."""
    by_name: dict[str, list[Acceptance]] = {}
    for each in accepted:
        by_name.setdefault(f"{each.kind} {each.name}", []).append(each)
    met: set[Acceptance] = set()
    found: list[Loss] = []
    for loss in losses:
        about = [*by_name.get(f"{loss.kind} {loss.name}", ()), *by_name.get(loss.falls_with or "", ())]
        found += [loss] if loss.accepted else _agreed(loss, about, met)
    # a line about something that was dropped as well does no harm, and yet says nothing
    idle = tuple(each for each in accepted if each not in met)
    return Agreed(tuple(found), idle)


def _agreed(loss: Loss, accepted: Sequence[Acceptance], met: set[Acceptance]) -> Iterator[Loss]:
    rest = list(loss.access)
    for each in accepted:
        if not each.meets(loss) or (loss.access and not rest):
            continue
        met.add(each)
        rights = [right for right in rest if not each.rights or right in each.rights or each.kind != loss.kind]
        rest = [right for right in rest if right not in rights]
        agreed = {"accepted": True, "accepted_because": each.because, "place": each.place, "access": tuple(rights)}
        yield loss.model_copy(update=agreed)
        if not loss.access:
            return
    if rest or not loss.access:
        yield loss.model_copy(update={"access": tuple(rest)})


def to_paste(losses: Iterable[Loss]) -> str:
    """The YAML that accepts what nobody agreed to yet: grouped by why it is lost, the reasons left to write."""
    refused = [loss for loss in losses if not loss.accepted]
    along = {loss.falls_with for loss in refused} & {f"{loss.kind} {loss.name}" for loss in refused}
    groups: dict[tuple[str, str], list[str]] = {}
    for loss in refused:
        if loss.falls_with not in along:
            whole = f"{loss.kind} {loss.name}"
            groups.setdefault((loss.cause, loss.kind), []).append(whole if whole in along else loss.line)
    lines = ["permissions:", "  accept:"] if groups else []
    for (cause, _), names in groups.items():
        lines += ["    - lost:", *(f"        - {_quoted(name)}" for name in sorted(names))]
        lines += [f"      because:   # {_CAUSES[cause]}"]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A YAML scalar: plain where it can be."""
    if not any(sign in text for sign in (": ", " #", '"')):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_CAUSES = {
    "license-ceiling": "no license of this org would carry it to the new user",
    "other-license": "another permission set license would carry it: or list that under permissions.licenses",
    "declared-drop": "it falls with something that is dropped",
    "not-needed-api-only": "a user that only uses the API has no use for it",
    "not-copyable": "it stays with the old user, or with its profile",
    "not-used": "nothing uses it",
}
