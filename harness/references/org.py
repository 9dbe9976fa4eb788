"""Searching an org through its admin's connection: rows, metadata and code that name the user. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import Rows, ask_each
from harness.access.soql import among, batches, select
from harness.errors import RequestRefused
from harness.references.finding import Component, find, find_in_code
from harness.references.meanings import GONE
from harness.references.model import Change, ReferenceHit, Subject
from harness.references.probes import PROBES, Probe
from harness.references.project import split
from harness.references.tree import Node, tree_of
from harness.words import several

if TYPE_CHECKING:
    from harness.org.connection import Connection

KINDS_PER_LIST = 3
NAMES_PER_READ = 10
"""Limits of listMetadata and readMetadata (Metadata API guide)."""
_PRESENT_BY_FEATURE = "INVALID_TYPE"
"""What an org says of an object that it does not have, or that it hides."""
_CODE = {"ApexClass": "Status = 'Active'", "ApexTrigger": "Status = 'Active'"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A metadata type that may name a user, and which of its components are read."""

    name: str
    in_scope: bool = False
    """Whether only components of the objects in scope are read: their names begin with the object's."""
    optional: bool = False
    """Whether an org need not have it."""


KINDS: tuple[Kind, ...] = (
    Kind("ValidationRule", in_scope=True),
    Kind("Workflow", in_scope=True),
    Kind("ApprovalProcess", in_scope=True),
    Kind("Flow"),
    Kind("AssignmentRules"),
    Kind("AutoResponseRules"),
    Kind("EscalationRules"),
    Kind("DuplicateRule", in_scope=True),
    Kind("ConnectedApp"),
    Kind("ExtlClntAppOauthConfigurablePolicies", optional=True),
    Kind("NamedCredential"),
)
SETTINGS = {"CaseSettings": "Case"}
"""Kinds with one component, and its name."""
UNREADABLE = (
    "No API tells the default owner of leads (Setup, Lead Settings).",
    "No API tells the default workflow user (Setup, Process Automation Settings).",
    "No API tells on whose behalf others subscribed to reports.",
    "Filters of reports and list views that name the user are not read from the org; a project that holds them is.",
)
"""What cannot be searched in any org."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of the user already, so that it need not be asked again."""

    objects: Sequence[str]
    """The objects in scope."""
    formulas: Mapping[str, str] = field(default_factory=dict)
    """The formulas of their fields, by `Object.Field`."""
    owned: Mapping[str, int] = field(default_factory=dict)
    """How many rows of each object the user owns."""
    confined: Sequence[str] = ()
    """The login hours and IP ranges of its profile, in words."""
    apps: Sequence[str] = ()
    """The apps that its profile permits."""


class OrgSearch:
    """One search: what was found so far, what was looked at, what could not be read."""

    def __init__(self, admin: Connection, subject: Subject, around: Known) -> None:
        self._admin = admin
        self._subject = subject
        self._around = around
        self.hits: list[ReferenceHit] = []
        self.looked_at: dict[str, int] = {}
        self.not_read: list[str] = list(UNREADABLE)

    def run(self) -> None:
        """Search everything. Raises OrgUnreachable."""
        self._tell_what_is_known()
        self._ask_rows([each for each in PROBES if not each.tooling])
        self._ask_tooling([each for each in PROBES if each.tooling])
        self._ask_custom_settings()
        self._ask_owned()
        self._read_code()
        self._search_formulas()
        for kind, names in self._listed():
            self._read_components(kind, names)
        for setting, name in SETTINGS.items():
            self._read_components(Kind(setting), [name])

    # --- rows --------------------------------------------------------------------------------------------------------

    def _ask_rows(self, probes: Sequence[Probe]) -> None:
        for probe, answer in zip(probes, self._ask([each.query(self._subject) for each in probes]), strict=True):
            self._note(probe, answer)

    def _ask_tooling(self, probes: Sequence[Probe]) -> None:
        for probe in probes:
            try:
                self._note(probe, self._admin.tooling_query(probe.query(self._subject)))
            except RequestRefused as refusal:
                self._note(probe, refusal)

    def _note(self, probe: Probe, answer: Rows | RequestRefused) -> None:
        if isinstance(answer, RequestRefused):
            self._unread(probe.sobject, answer, optional=probe.optional)
            return
        self.looked_at[probe.kind] = self.looked_at.get(probe.kind, 0) + len(answer)
        self.hits.extend(probe.hits(answer))

    def _ask_custom_settings(self) -> None:
        """Hierarchy custom settings with a value for the user or its profile."""
        listing = select("EntityDefinition", ("QualifiedApiName",), where="IsCustomSetting = true")
        [found] = self._ask([listing])
        if isinstance(found, RequestRefused):
            self._unread("custom settings", found, optional=False)
            return
        names = sorted(str(row["QualifiedApiName"]) for row in found)
        owners = [one for one in (self._subject.id, self._subject.profile_id) if one]
        queries = [select(name, ("Id", "SetupOwnerId"), where=among("SetupOwnerId", owners)) for name in names]
        self.looked_at["CustomSetting"] = len(names)
        for name, rows in zip(names, self._ask(queries), strict=True):
            if isinstance(rows, RequestRefused):
                if rows.code != "INVALID_FIELD":  # a list setting belongs to nobody
                    self._unread(name, rows, optional=False)
                continue
            for row in rows:
                self.hits.append(self._setting(name, of_user=str(row["SetupOwnerId"]) == self._subject.id))

    def _setting(self, name: str, *, of_user: bool) -> ReferenceHit:
        whose = "the user" if of_user else "its profile"
        when: tuple[Change, ...] = ("new-user",) if of_user else ("new-user", "profile-change")
        return ReferenceHit(
            kind="CustomSetting",
            name=name,
            where=f"{name}.SetupOwnerId",
            says=f"a value for {whose}",
            breaks=f"The setting has a value of its own for {whose}: the integration gets the org's default.",
            when=when,
            remedy="enter the same value for the new user",
        )

    def _ask_owned(self) -> None:
        """Rows the user owns, and whether ownership decides who sees them."""
        owned = {name: count for name, count in sorted(self._around.owned.items()) if count}
        self.looked_at["RecordOwner"] = len(self._around.owned)
        if not owned:
            return
        columns = ("QualifiedApiName", "InternalSharingModel")
        [found] = self._ask([select("EntityDefinition", columns, where=among("QualifiedApiName", owned))])
        rows = [] if isinstance(found, RequestRefused) else found
        models = {str(row["QualifiedApiName"]): row.get("InternalSharingModel") for row in rows}
        self.hits.extend(_owned(name, count, str(models.get(name) or "unknown")) for name, count in owned.items())

    def _tell_what_is_known(self) -> None:
        for says in self._around.confined:
            self.hits.append(_held("LoginRestriction", says, "The old profile confines its sign-ins"))
        for app in self._around.apps:
            self.hits.append(_held("AppPolicy", app, "The app is permitted by the old profile"))

    # --- metadata and code -------------------------------------------------------------------------------------------

    def _search_formulas(self) -> None:
        self.looked_at["CustomField"] = len(self._around.formulas)
        for name, formula in sorted(self._around.formulas.items()):
            node = Node("CustomField", children=[Node("formula", formula)])
            self.hits.extend(find(Component("CustomField", name, f"org: {name}", node, in_file=False), self._subject))

    def _read_code(self) -> None:
        queries = [
            select(kind, ("Id", "Name", "Body"), where=f"{where} AND NamespacePrefix = null", order="Id")
            for kind, where in _CODE.items()
        ]
        for kind, rows in zip(_CODE, self._ask(queries), strict=True):
            if isinstance(rows, RequestRefused):
                self._unread(kind, rows, optional=False)
                continue
            self.looked_at[kind] = len(rows)
            for row in rows:
                self._search_code(kind, str(row["Name"]), str(row.get("Body") or ""))

    def _search_code(self, kind: str, name: str, body: str) -> None:
        component = Component(kind, name, f"org: {kind} {name}", Node(kind, body, 1, marks=[(0, 1)]))
        self.hits.extend(find_in_code(component, self._subject))

    def _listed(self) -> Iterator[tuple[Kind, list[str]]]:
        for kinds in batches(KINDS, KINDS_PER_LIST):
            names = self._list(kinds)
            for kind in kinds:
                found = [name for name in names.get(kind.name, ()) if not kind.in_scope or self._is_in_scope(name)]
                if kind.name in names:
                    yield kind, found

    def _list(self, kinds: Sequence[Kind]) -> dict[str, list[str]]:
        """The names of the components of some kinds: together, or one by one where the org does not know one."""
        try:
            return self._admin.list_metadata([kind.name for kind in kinds])
        except RequestRefused as refusal:
            if len(kinds) == 1:
                self._unread(kinds[0].name, refusal, optional=kinds[0].optional)
                return {}
        return {name: names for kind in kinds for name, names in self._list([kind]).items()}

    def _is_in_scope(self, name: str) -> bool:
        return name.partition(".")[0] in self._around.objects

    def _read_components(self, kind: Kind, names: Sequence[str]) -> None:
        read = 0
        for some in batches(names, NAMES_PER_READ):
            try:
                found = self._admin.read_metadata(kind.name, some)
            except RequestRefused as refusal:
                self._unread(kind.name, refusal, optional=kind.optional)
                return
            read += len(found)
            for each in found:
                self._search_component(kind.name, each)
        self.looked_at[kind.name] = read
        if read < len(names) and not kind.optional:
            self.not_read.append(f"{kind.name}: the org lists {len(names)} and shows {read}.")

    def _search_component(self, kind: str, found: Mapping[str, Any]) -> None:
        name = str(found["fullName"])
        component = Component(kind, name, f"org: {kind} {name}", tree_of(kind, found), in_file=False)
        for each in split(component):
            self.hits.extend(find(each, self._subject))

    # --- asking ------------------------------------------------------------------------------------------------------

    def _ask(self, queries: Sequence[str]) -> list[Rows | RequestRefused]:
        return ask_each(self._admin, queries)

    def _unread(self, what: str, refusal: RequestRefused, *, optional: bool) -> None:
        if not (optional and refusal.code.endswith(_PRESENT_BY_FEATURE)):
            self.not_read.append(f"{what}: the org answers {refusal.code}: {_brief(refusal.description)}")


def _brief(text: str) -> str:
    """The last line of what an org says, up to the end of its first sentence."""
    return text.strip().rpartition("\n")[2].partition(". ")[0]


def _owned(name: str, count: int, model: str) -> ReferenceHit:
    decides = model not in ("Read", "ReadWrite", "ReadWriteTransfer", "FullAccess", "ControlledByParent")
    sees = " The new user does not see them by ownership." if decides else ""
    return ReferenceHit(
        kind="RecordOwner",
        name=name,
        where=f"{name}.OwnerId",
        says=f"{several(count, 'row')}, sharing {model}",
        breaks=f"The rows belong to the old user, also when it is inactive; rules on the owner mean it.{sees}",
        when=(("new-user", *GONE) if decides else GONE),
        remedy="transfer the rows, or share what the old user owns with the new one",
    )


def _held(kind: str, name: str, what: str) -> ReferenceHit:
    return ReferenceHit(
        kind=kind,
        name=name,
        where="org: the profile of the old user",
        says=name,
        breaks=f"{what}; the plan says what becomes of it.",
        when=(),
        remedy="see the plan's losses",
    )
