"""What a check and a compared operation leave behind: plain data, journaled and reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_serializer

NO_RECORD = "NO_RECORD"
"""Our own error code for an operation that found no record to work on."""


class Result(BaseModel):
    """The base of every result: immutable, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Asked(Result):
    """A question put to the org, and its answer."""

    principal: Literal["admin", "source", "target"]
    username: str
    request: str
    """What was asked, in words or as the request line."""
    status: int | None = None
    """HTTP status."""
    error_code: str | None = None
    message: str | None = None
    rows: int | None = None


Grade = Literal["describe", "tables", "error", "rolled-back", "committed"]
"""How something was found out, weakest first: the org's description of itself, its access tables, an error that tells
"not permitted" from "permitted but invalid" (of a read, the answer itself), a real write that the org rolled back, a
write that stayed."""


class CheckResult(Result):
    """A check and its answer. The record's key is the check's id, such as `grants[Account: read]`."""

    kind: Literal["grant", "denial"]
    title: str
    place: str
    """`file:line`."""
    expected: str
    """In words."""
    passed: bool
    made: bool = True
    """False when it could not be made: that is not a pass."""
    answer: Asked | None = None
    control: Asked | None = None
    """With a denial: the same asked as the admin."""
    grade: Grade | None = None
    """How it was found out. None: it was not."""
    reason: str | None = None
    """With a failure: why."""
    remedy: str | None = None


class Answered(Result):
    """What one user got when it ran one operation of the workload."""

    username: str
    error_code: str | None = None
    message: str | None = None
    rows: int | None = None
    fields: tuple[str, ...] = ()
    """The fields that came back, or that a describe shows: `Account.Name`, `Account.Name: edit`."""
    filled: Mapping[str, int] = {}
    """With a query: in how many rows each field held a value."""
    failed_rows: int = 0
    made: int = 0
    """How many rows there are more of, or less, through it."""
    created: Mapping[str, str] = {}
    """One of the rows it created, read back: what the org gave it unasked, such as RecordTypeId and OwnerId."""


class OldAnswer(Result):
    """What the old user got before it was changed: what the new one is held against.

    The record's key is the operation's id.
    """

    first: Answered
    again: Answered | None = None
    """The second time; None in a run that only rehearses a rollback."""


class Comparison(Result):
    """One operation of the workload, as the old and as the new user.

    The record's key is its id, such as `workload[2: upsert Account]`.
    """

    title: str
    place: str
    old: Answered | None = None
    """None in cut-over, where only the new user works."""
    again: Answered | None = None
    """The old user once more: what differs from `old` says nothing about the new one."""
    new: Answered
    equal: bool
    differences: tuple[str, ...] = ()
    """Each a sentence."""
    noise: tuple[str, ...] = ()
    """What differed between the old user's two answers, each a sentence."""
    remedy: str | None = None


# --- what the new user may do, proven three ways ----------------------------------------------------------------------


class Cell(Result):
    """One kind of access to one object or field, as three derivations have it. None: that one could not be made."""

    name: str
    """`Account`, `Account.Name`, or a system permission or setup entity such as `ApexClass:LegacySync`."""
    access: str
    """`read`, `create`, `edit`, `delete`, `view-all`...; `held` for what is only held or not."""
    computed: bool | None = None
    """What this tool works out from the sets that the user holds."""
    platform: bool | None = None
    """What the platform says: UserEntityAccess, UserFieldAccess, UserRecordAccess, UserPermissionAccess."""
    probed: bool | None = None
    """What the org did when it was asked as the user."""
    grade: Grade
    """The strongest way in which it was found out."""
    answer: str | None = None
    """The org's words, where a probe was refused."""

    @property
    def agreed(self) -> bool:
        """Whether the derivations that were made say the same."""
        return len({one for one in (self.computed, self.platform, self.probed) if one is not None}) <= 1


class Probes(Result):
    """What was found out about one object and its fields. The record's key is the object's name.

    What is held beside objects (system permissions, setup entities) has the key `(beside objects)`.
    """

    object: str
    cells: tuple[Cell, ...]


class Counterexample(Result):
    """One access that the new user lost or gained and should not have."""

    direction: Literal["lost", "gained"]
    kind: str
    name: str
    access: tuple[str, ...] = ()
    given_by: tuple[str, ...] = ()
    """The sets that gave it to the old user, or give it to the new one."""


class Disagreement(Result):
    """A cell about which the derivations differ: a finding of its own."""

    cell: Cell
    explanation: str
    """Why, where it is known; else what to look at."""
    explained: bool


class AccessVerdict(Result):
    """Whether no access was lost beyond the accepted losses, and none gained. The record's key is `access`."""

    passed: bool
    counterexamples: tuple[Counterexample, ...] = ()
    accepted: int
    """Losses that the scenario accepts or declares."""
    disagreements: tuple[Disagreement, ...] = ()
    objects: int
    """How many objects the three derivations were made for."""
    fields: int
    cells: int
    agreed: int
    """Cells about which all derivations that were made agree."""
    calls: int
    """API calls it took."""


# --- silent loss: what both users see of one object -------------------------------------------------------------------


class Finding(Result):
    """One thing that is otherwise for the new user, with what to do about it."""

    kind: Literal[
        "object-vanished",
        "field-vanished",
        "field-read-only",
        "object-right",
        "record-type",
        "default-record-type",
        "picklist-value",
        "default-value",
        "rows-missing",
        "row-differs",
        "owner",
        "more",
    ]
    """`more`: the new user sees or may do what the old one does not."""
    name: str
    """The object, field, record type or row it is about."""
    text: str
    """In a sentence."""
    remedy: str | None = None
    accepted: str | None = None
    """`file:line` of what accepts it, if anything does."""


class SampledRow(Result):
    """One row of an object as a user sees it, without its values."""

    key: str
    """What people know it by: an external id and its value, else its id."""
    owner: str | None = None
    record_type: str | None = None
    empty: frozenset[str] = frozenset()
    """The fields that hold nothing."""
    may: tuple[str, ...] | None = None
    """Of edit and delete, what the org says the user may do with this row; None: it was not told."""

    @field_serializer("empty", when_used="json")
    def _in_order(self, held: frozenset[str]) -> list[str]:
        return sorted(held)


class Look(Result):
    """One object as one user sees it."""

    object: str
    listed: bool
    """Whether it is in the describe global."""
    described: bool
    """Whether its describe is answered."""
    rights: tuple[str, ...] = ()
    """Of create, edit and delete, what the describe shows."""
    fields: Mapping[str, tuple[str, ...]] = {}
    """Of create and edit, what may be done with each field, beside reading it."""
    picklists: Mapping[str, tuple[str, ...]] = {}
    """The active values of each picklist."""
    defaults: Mapping[str, str] = {}
    """The default value of each field that has one."""
    record_types: tuple[str, ...] = ()
    """The record types it may use, by DeveloperName."""
    default_record_type: str | None = None
    rows: int | None = None
    """None: they could not be counted."""
    refused: str | None = None
    """The org's refusal to count or to read the rows."""
    sample: Mapping[str, SampledRow] = {}
    """Some rows, by id."""


class OldLook(Result):
    """One object as the old user saw it, twice, before it was changed. The record's key is the object's name."""

    first: Look
    again: Look


class SideBySide(Result):
    """One object as the old user, the old user again, and the new one see it. The record's key is the object's name."""

    object: str
    findings: tuple[Finding, ...] = ()
    noise: tuple[str, ...] = ()
    """What differed between the old user's two looks, and so says nothing."""
    fields_old: int
    fields_new: int
    rows_old: int | None = None
    """None: the rows could not be counted."""
    rows_new: int | None = None
    sampled: int = 0
    """Rows that were compared field by field."""


# --- tests of the tests -----------------------------------------------------------------------------------------------


class Mutant(Result):
    """The access with one grant removed or one forbidden grant added, and the checks that turned red."""

    kind: Literal["removed", "added"]
    what: str
    """Such as `field Account.ERP_Key__c: edit`."""
    because: str = ""
    """Why this one is tried: `carried`, `expect.denials`, `lost: license-ceiling`, `neighbour`..."""
    with_it: tuple[str, ...] = ()
    """What else was taken away, or given, because the platform does not let one be without the other."""
    own: tuple[str, ...] = ()
    """The ids of the scenario's own grants, denials and operations of the workload that went red."""
    caught_by: tuple[str, ...] = ()
    """Whatever went red, `own` first; empty when nothing noticed."""
    refused: str | None = None
    """The org's words, where it does not let this change be made at all: there is nothing to notice then."""
    suggestion: str | None = None
    """Where none of the scenario's own noticed: the line of YAML that would, tried on this very change."""


class Mutation(Result):
    """How well the checks of a scenario notice a change of access. The record's key is `mutation`."""

    scenario_digest: str
    tool_version: str
    mutants: tuple[Mutant, ...]
    idle: tuple[str, ...] = ()
    """The scenario's own grants, denials and operations that no change turned red."""

    @property
    def made(self) -> tuple[Mutant, ...]:
        """Those that the org let be made: the score is out of these."""
        return tuple(each for each in self.mutants if each.refused is None)

    @property
    def caught_by_own(self) -> int:
        """How many the scenario's own checks and workload noticed."""
        return sum(1 for each in self.made if each.own)

    @property
    def caught(self) -> int:
        """How many were noticed."""
        return sum(1 for each in self.mutants if each.caught_by)

    @property
    def missed(self) -> tuple[Mutant, ...]:
        """Those that no check noticed."""
        return tuple(each for each in self.made if not each.caught_by)
