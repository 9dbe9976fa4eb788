"""What a client did, before an org's describes say what its names stand for. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

PLACES = 3
"""So many places of each use are kept."""
Path = tuple[str, ...]
"""A field as a query writes it: `("Account", "Owner", "Name")`; a field of the object itself has one part."""


@dataclass(frozen=True, slots=True)
class Typed:
    """One branch of a TYPEOF: the fields asked of one type behind a polymorphic relationship."""

    relationship: Path
    type: str | None
    """None for its ELSE."""
    fields: frozenset[Path]


@dataclass(frozen=True, slots=True)
class Selected:
    """A query of one object, with everything it names. Names are as written, in any case."""

    source: str
    """The object; with `children`, of an outer query, the child relationship."""
    paths: frozenset[Path] = frozenset()
    every_field: bool = False
    """FIELDS(ALL) and the like: which fields are used is not told."""
    typed: tuple[Typed, ...] = ()
    children: tuple[Selected, ...] = ()
    """Sub-queries in its SELECT."""
    inner: tuple[Selected, ...] = ()
    """Semi-joins and anti-joins in its WHERE."""
    seen: frozenset[tuple[Path, str]] = frozenset()
    """Which types an answer held behind which relationship."""

    def seeing(self, seen: Iterable[tuple[Path, str]]) -> Selected:
        """The same, knowing which types an answer held."""
        return replace(self, seen=self.seen | frozenset(seen))


Right = Literal["read", "create", "edit", "delete"]


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one object, written, deleted or looked at by id."""

    object: str
    rights: frozenset[Right]
    fields: frozenset[Path] = frozenset()
    """The fields written; `("Account__r", "ERP_Key__c")` names a parent by its external id."""
    key: str | None = None
    """The external id field by which rows are found."""
    ids: frozenset[tuple[str, str]] = frozenset()
    """Ids written, by field: they tell the object behind a polymorphic lookup, and the record type."""


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is only held or not: a system permission or a setup entity as `TYPE:NAME`."""

    kind: Literal["system", "setup"]
    name: str
    firm: bool = True
    """False: it is of use where it is held, and nobody can say that it is needed."""


@dataclass(frozen=True, slots=True)
class ApexCalled:
    """A call of Apex: a REST resource by its path under /services/apexrest, or a web service by its class."""

    path: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Touched:
    """An object used in a way that tells no field: a describe, or a line of an event log."""

    object: str
    rights: frozenset[Right]
    log: bool = False
    """True for a line of an event log, which would not tell the fields even where there were some."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What hangs at a row by a name: a parent, child rows, or the content of a field."""

    object: str
    name: str
    fields: frozenset[Path] = frozenset()
    """The fields asked for; none means all."""
    written: bool = False
    """True for child rows that are created below their parent."""


Deed = Selected | Written | Held | ApexCalled | Touched | Followed


@dataclass(frozen=True, slots=True)
class Use:
    """One deed, and where it was seen, such as `night.har:41`."""

    deed: Deed
    where: str


@dataclass(slots=True)
class Seen:
    """Everything that the evidence shows."""

    uses: list[Use] = field(default_factory=list)
    requests: int = 0
    moments: list[datetime] = field(default_factory=list)
    """The first and the last moment observed, in order; one where they are the same."""
    unknown: list[str] = field(default_factory=list)
    """What was not understood, each as `where: why`."""
    blind: set[str] = field(default_factory=set)
    """What the evidence could not see, each a sentence."""

    _times: Counter[Deed] = field(default_factory=Counter, repr=False)

    def add(self, where: str, deeds: Iterable[Deed]) -> None:
        """Take up what one request did. Of a deed that is done over and over, the first few places are kept."""
        for deed in deeds:
            self._times[deed] += 1
            if self._times[deed] <= PLACES:
                self.uses.append(Use(deed, where))

    def observe(self, moment: datetime | None) -> None:
        """Note when a request was made, where that is known."""
        if moment is not None:
            moments = {*self.moments, moment}
            self.moments = sorted({min(moments), max(moments)})

    def miss(self, where: str, why: str) -> None:
        """Count a request as not understood."""
        self.unknown.append(f"{where}: {why}")


class NotUnderstood(ValueError):
    """A request, or a query in it, that this tool cannot read. The message says why, and repeats no value."""
