"""Permission sets that will not do what their author means, told before anybody is moved to them. Pure.

Every rule is a function from what is known to findings; a finding says which set, at which line, what is wrong and what
to do. A rule that needs to know the org or the whole project is silent where that is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from harness.access.algebra import FIELD_NEEDS, NEEDS, Atom, Dependencies, atoms, minus, requirements, union, walk
from harness.access.model import Access, ObjectRight
from harness.words import few

Level = Literal["error", "warning"]

INTEGRATION = "Salesforce Integration"
"""The user license (facts 1.1)."""
INTEGRATION_PSL = "SalesforceAPIIntegrationPsl"
"""The permission set license, by its DeveloperName, which metadata writes (facts 1.5)."""
_LABEL = "Salesforce API Integration"
_EVERYTHING: Mapping[str, frozenset[ObjectRight]] = {
    "ModifyAllData": frozenset({"read", "create", "edit", "delete", "view-all", "modify-all"}),
    "ViewAllData": frozenset({"read", "view-all"}),
}
"""What these system permissions give on every object (Object Reference, ObjectPermissions)."""
_CHANGES: frozenset[ObjectRight] = frozenset({"create", "edit", "delete", "modify-all"})
_LETTERS: Mapping[str, ObjectRight] = {"C": "create", "R": "read", "E": "edit", "D": "delete"}
_SHOWN = 4
_SHARED: Mapping[str, str] = {"Task": "Activity", "Event": "Activity"}
"""Custom fields of activities are those of one object (facts 3.6)."""


@dataclass(frozen=True, slots=True)
class LintedSet:
    """One permission set or muting permission set, and where each thing it says stands."""

    name: str
    label: str
    file: str
    access: Access
    license: str | None = None
    """As it is written: a user license's name, or a permission set license's DeveloperName."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """The line of `license`, and of each permission as `object Account`, `field Account.Name`, `system ViewSetup`."""
    muting: bool = False

    def line(self, key: str) -> int:
        """The line of one thing it says; 1 where that is not known, 0 where there are none."""
        return self.lines.get(key, 1) if self.lines else 0


@dataclass(frozen=True, slots=True)
class LintedGroup:
    """One permission set group: the names of its sets and of its muting sets."""

    name: str
    sets: tuple[str, ...]
    muting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the sets themselves."""

    groups: tuple[LintedGroup, ...] = ()
    sets: Mapping[str, LintedSet] = field(default_factory=dict)
    """Every set by name, to resolve the groups."""
    objects: frozenset[str] = frozenset()
    """The custom objects there are. Empty: not known."""
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The custom fields of the objects whose fields are known."""
    where: str = "this project"
    """Where these were looked up: a project may hold only a part of the org."""
    whole: bool = False
    """Whether that is all there is: then what is not among it is nowhere."""
    masters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The masters of each detail object."""
    dependencies: Dependencies = field(default_factory=dict)
    """What the org says each permission needs."""
    permission_set_licenses: Mapping[str, str] = field(default_factory=dict)
    """The org's permission set licenses: the DeveloperName of each, by its label."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong."""

    file: str
    line: int
    rule: str
    text: str
    remedy: str
    level: Level

    @property
    def place(self) -> str:
        """`file:line`; a set of an org has no lines."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}: {self.text}; {self.remedy}"


Rule = Callable[[LintedSet, Known], Iterator[Finding]]


def lint(sets: Iterable[LintedSet], known: Known) -> list[Finding]:
    """What is wrong with some sets, in order of file and line."""
    return sorted(found for each in sets for rule in RULES for found in rule(each, known))


def license_not_assignable(one: LintedSet, known: Known) -> Iterator[Finding]:
    """A set bound to another user license cannot be assigned to an integration user (facts 1.5)."""
    name = one.license
    if name is None or name == INTEGRATION or name in known.permission_set_licenses.values():
        return
    if name == _LABEL or name in known.permission_set_licenses:
        right = known.permission_set_licenses.get(name, INTEGRATION_PSL)
        text = f"{name} is the label of a permission set license, which metadata names by its DeveloperName"
        yield _finding(one, "license", "license-by-label", text, f"write {right}, or no license")
    elif " " in name or name == "Salesforce":  # a DeveloperName has no blanks
        text = f"it is bound to the user license {name}, so nobody on the {INTEGRATION} license can be assigned it"
        remedy = "if an integration user is to have it, make a set without a license"
        yield _finding(one, "license", "license-not-assignable", text, remedy, level="warning")


def license_grants_nothing(one: LintedSet, _known: Known) -> Iterator[Finding]:
    """Under the user license itself standard objects vanish from a set (facts 1.5, 7.3)."""
    if one.license == INTEGRATION:
        standard = [name for name in sorted(one.access.objects) if "__" not in name]
        what = (
            f"what it says of {few(standard, _SHOWN)} grants nothing"
            if standard
            else "standard objects cannot be granted"
        )
        text = f"it is bound to the user license {INTEGRATION}, under which {what}"
        yield _finding(one, "license", "license-grants-nothing", text, f"write {INTEGRATION_PSL}, or no license")


def dependency_missing(one: LintedSet, known: Known) -> Iterator[Finding]:
    """A permission without what it needs is refused when the set is deployed (facts 3.5, 3.6)."""
    if one.muting:
        return
    everywhere = frozenset[ObjectRight]().union(*(_EVERYTHING.get(name, ()) for name in one.access.system))
    for name, rights in sorted(one.access.objects.items()):
        lacking = {need for right in rights for need in NEEDS[right]} - rights - everywhere
        if lacking:
            text = f"{', '.join(_in_order(rights))} on {name} needs {', '.join(_in_order(lacking))} on it"
            yield _finding(one, f"object {name}", "dependency-missing", text, _grant(lacking))
        for master in known.masters.get(name, ()):
            if "read" not in one.access.objects.get(master, ()) and "read" not in everywhere:
                text = f"{name} is a detail of {master}, and any permission on it needs read on {master}"
                yield _finding(one, f"object {name}", "dependency-missing", text, f"grant read on {master}")
    for name, held in sorted(one.access.fields.items()):
        if {need for right in held for need in FIELD_NEEDS[right]} - held:
            text = f"edit on {name} needs read on it"
            yield _finding(one, f"field {name}", "dependency-missing", text, "make it readable")
    yield from _told_dependencies(one, known, everywhere)


def _told_dependencies(one: LintedSet, known: Known, everywhere: frozenset[ObjectRight]) -> Iterator[Finding]:
    held = atoms(one.access)
    for atom in sorted(held):
        told = requirements(atom, known.dependencies) if not atom.object else frozenset[Atom]()
        lacking = [need for need in sorted(told - held) if not (need.object and need.right in everywhere)]
        if lacking:
            text = f"{atom.right} needs {few([str(need) for need in lacking], _SHOWN)}"
            yield _finding(one, f"system {atom.right}", "dependency-missing", text, "grant that, too")


def not_there(one: LintedSet, known: Known) -> Iterator[Finding]:
    """A permission for what is not there does not deploy. Only what is custom and of no package is judged.

    An admin is not told of every field, and a project may hold a part of an org: only a missing object of an org is
    certain.
    """
    gone = {name for name in one.access.objects if _is_own(name) and known.objects and name not in known.objects}
    for name in sorted(gone):
        text = f"there is no object {name} in {known.where}"
        remedy = "take the permission out, or bring the object"
        yield _finding(
            one, f"object {name}", "no-such-object", text, remedy, level="error" if known.whole else "warning"
        )
    for name in sorted(one.access.fields):
        owner, _, own = name.partition(".")
        if owner in gone or not _is_own(own):
            continue
        here = known.fields.get(owner)
        if here is not None and own not in here | known.fields.get(_SHARED.get(owner, ""), frozenset()):
            text = f"there is no field {name} in {known.where}"
            remedy = "take the permission out, or bring the field"
            yield _finding(one, f"field {name}", "no-such-field", text, remedy, level="warning")


def broader_than_its_name(one: LintedSet, _known: Known) -> Iterator[Finding]:
    """A set whose name promises less than it grants is assigned in good faith to whom it should not be."""
    promised = promised_rights(one.name) or promised_rights(one.label)
    if promised is None or one.muting:
        return
    said, allowed = promised
    everywhere = sorted(name for name in one.access.system if _EVERYTHING.get(name, frozenset()) & _CHANGES - allowed)
    for name in everywhere:
        text = f"its name says {said}, and {name} lets its users change every record"
        yield _finding(one, f"system {name}", "broader-than-its-name", text, _RENAME, level="warning")
    excess = {name: rights & _CHANGES - allowed for name, rights in sorted(one.access.objects.items())}
    beyond = {name: rights for name, rights in excess.items() if rights}
    if beyond:
        first = next(iter(beyond))
        many = few([f"{name} ({', '.join(_in_order(rights))})" for name, rights in beyond.items()], _SHOWN)
        text = f"its name says {said}, and it also grants {many}"
        yield _finding(one, f"object {first}", "broader-than-its-name", text, _RENAME, level="warning")


_RENAME = "take that out, or name the set for what it does"


def promised_rights(name: str) -> tuple[str, frozenset[ObjectRight]] | None:
    """What a name promises: its words, and the rights on objects it stands for. None: it promises nothing.

    `Read Only`, `ReadOnly`, `View Only`, `Viewer`; or at the end of an API name the letters of create, read, edit and
    delete: `_R`, `_CR`, `_RE`, `_CRE`, `_CRED`.
    """
    words = [word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    pairs = set(pairwise(words))
    if {("read", "only"), ("view", "only")} & pairs or "viewer" in words or "readonly" in words:
        return "read only", frozenset({"read"})
    suffix = re.search(r"_(R|CR|RE|CRE|CRED)$", name)
    if suffix:
        allowed = frozenset(_LETTERS[letter] for letter in suffix[1])
        return ", ".join(_in_order(allowed)), allowed | (_CHANGES if "D" in suffix[1] else frozenset())
    return None


def named_for_one_object(one: LintedSet, _known: Known) -> Iterator[Finding]:
    """A set that is named for one of its objects and opens all records of the org."""
    stems = {_stem(name): name for name in sorted(one.access.objects) if len(_stem(name)) > _SHORT}
    said = [name for stem, name in stems.items() if stem in _stem(one.name) or stem in _stem(one.label)]
    given = sorted(one.access.system & _EVERYTHING.keys())
    if len(said) == 1 and given and not one.muting:
        every = "change" if "ModifyAllData" in given else "see"
        text = f"it is named for {said[0]}, and {given[0]} lets its users {every} the records of every object"
        remedy = f"grant what it needs on {said[0]}, or name it for what it does"
        yield _finding(one, f"system {given[0]}", "broader-than-its-name", text, remedy, level="warning")


_SHORT = 3


def muting_without_effect(one: LintedSet, known: Known) -> Iterator[Finding]:
    """What is muted and granted by no set of the group is muted in vain (facts 3.4)."""
    groups = [group for group in known.groups if one.name in group.muting] if one.muting else []
    for group in groups:
        members = [known.sets.get(name) for name in group.sets]
        if not members or None in members:
            continue  # a set that is not at hand may grant it
        given = union(each.access for each in members if each is not None)
        if {*_EVERYTHING} & given.system:
            continue
        for kind, name, rights in walk(minus(one.access, given)):
            if given.objects.get(name) or given.fields.get(name):
                continue  # to mute read is to mute edit, too: the two are said together
            what = f"{', '.join(rights)} on {name}" if rights else name
            text = f"it mutes {what}, which no set of the group {group.name} grants"
            yield _finding(one, f"{kind} {name}", "muting-without-effect", text, "take it out", level="warning")


RULES: Sequence[Rule] = (
    license_not_assignable,
    license_grants_nothing,
    dependency_missing,
    not_there,
    broader_than_its_name,
    named_for_one_object,
    muting_without_effect,
)


def _finding(one: LintedSet, key: str, rule: str, text: str, remedy: str, *, level: Level = "error") -> Finding:
    return Finding(one.file, one.line(key), rule, f"{one.label}: {text}", remedy, level)


def _grant(rights: Iterable[ObjectRight]) -> str:
    return f"grant {' and '.join(_in_order(rights))} as well"


def _in_order(rights: Iterable[ObjectRight]) -> list[ObjectRight]:
    held = set(rights)
    return [right for right in NEEDS if right in held]


def _is_own(name: str) -> bool:
    """Whether an object or field is custom, and of no package."""
    return bool(re.fullmatch(r"(?!\w+__\w+__)\w+__c", name))


def _stem(name: str) -> str:
    """A name in small letters and digits alone, without the end of a custom object's name."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"__\w$", "", name).casefold())
