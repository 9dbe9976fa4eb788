"""Whose is what was seen, and what was there before: judged by marks, makers and digests. Pure.

Three answers are possible of each thing: it is the run's, it was there before or is somebody else's, or it is not
known. What is not known is asked for, all at once; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.access.fingerprint import CLEAN, digest
from harness.migration.adopting.audit_words import by, changed_by_others, last_switch, taken_from
from harness.migration.adopting.before import HELD, Names, held_before, listed, options_of, with_licenses
from harness.migration.adopting.seen import Seen, SeenSet, SeenUser
from harness.migration.planning.marks import NOBODY, Mark, held_digest, is_run_as

Whose = Literal["ours", "not ours", "not known"]


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that was looked at."""

    what: str
    whose: Whose
    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value before that no read-back can tell, and how a person finds it out."""

    key: str
    what: str
    how: str

    def __str__(self) -> str:
        return f"--before '{self.key}=...': {self.what}. {self.how}"


@dataclass(frozen=True, slots=True)
class Case:
    """What the judgement is about: a run of a scenario, as seen by an admin."""

    run_id: str
    admin_id: str
    source: str
    """The usernames."""
    target: str
    trial: str
    own_set: str
    """The names of the permission sets."""
    trial_set: str
    one_user: bool
    licenses: frozenset[str]
    """The permission set licenses that a run assigns."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What a person told."""


@dataclass(slots=True)
class Judgement:
    """What came of it."""

    things: list[Thing] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    """The parts of the fingerprint before the run."""
    contradicted: bool = False
    """Whether what a person told is not what the mark's digest was made of."""
    fingerprint: str | None = None
    """Of the snapshot, as the mark has it; None: the run did not come as far as to leave it."""
    proven: bool = False
    """Whether all of `before` has that fingerprint."""
    froze: bool = False
    deactivated: bool = False
    converted: bool = False
    """Whether anything was taken from the one user."""
    runs_as_ours: bool = False

    def say(self, what: str, whose: Whose, why: str) -> None:
        """Note one thing."""
        self.things.append(Thing(what, whose, why))

    def ask(self, key: str, what: str, how: str) -> None:
        """Note a value that a person must tell."""
        self.unknown.append(Unknown(key, what, how))


def judge(seen: Seen, case: Case, names: Names) -> Judgement:
    """Judge all of it."""
    found = Judgement(before=dict(seen.parts))
    mark = mark_of_run(seen, case.run_id)
    _own_things(seen, case, found)
    _trial_things(seen, case, found)
    _app(seen, case, mark, found)
    _switches(seen, case, found)
    _held(seen, case, mark, names, found)
    found.fingerprint = mark.fingerprint if mark else None
    found.proven = found.fingerprint == digest(found.before)
    return found


def mark_of_run(seen: Seen, run_id: str) -> Mark | None:
    """The mark of a run on one of its sets: that of the trial is as good."""
    marks = [one.mark for one in (seen.own_set, seen.trial_set) if one and one.mark and one.mark.run_id == run_id]
    told = [mark for mark in marks if mark.fingerprint]
    return told[0] if told else marks[0] if marks else None


def is_own(one: SeenSet | None, run_id: str, admin_id: str) -> bool:
    """Whether a permission set bears a run's mark and was made by its admin."""
    return one is not None and one.mark is not None and one.mark.run_id == run_id and one.made.id == admin_id


def _own_things(seen: Seen, case: Case, found: Judgement) -> None:
    if not case.one_user:
        _user(seen.target, case.target, case, found)
    found.before[f"permission set {case.own_set}"] = "not there"
    one = seen.own_set
    if one is None:
        return
    if one.mark is None:
        found.say(f"permission set {one.name}", "not ours", "it bears no mark of this scenario")
        found.before[f"permission set {case.own_set}"] = seen.parts[f"permission set {case.own_set}"]
    elif one.mark.run_id != case.run_id:
        found.say(f"permission set {one.name}", "not ours", f"it bears the mark of run {one.mark.run_id}")
    elif not is_own(one, case.run_id, case.admin_id):
        why = f"it bears the run's mark, and {one.made} made it: where the run was that admin's, sign in as it"
        found.say(f"permission set {one.name}", "not ours", why)
        found.before[f"permission set {case.own_set}"] = seen.parts[f"permission set {case.own_set}"]
    else:
        rows = sum(len(each) for each in one.rows.values())
        found.say(f"permission set {one.name}", "ours", f"by its mark; {rows} rows in it")
        for text in changed_by_others(seen.audit, str(one.row["Label"]), case.admin_id):
            found.say(f"in {one.name}", "not ours", text)
        own = {case.target.casefold()}
        for username in sorted(set(one.assignees.values())):
            whose: Whose = "ours" if username.casefold() in own else "not ours"
            why = "it goes with the set" if whose == "ours" else "somebody else gave it"
            found.say(f"its assignment to {username}", whose, why)


def _user(user: SeenUser | None, username: str, case: Case, found: Judgement) -> None:
    if user is None:
        return
    if user.run_id == case.run_id:
        found.say(f"user {username}", "ours", "by its nickname")
        found.before[f"user {username}"] = CLEAN
        for row in user.licenses:
            name = row["PermissionSetLicense"]["DeveloperName"]
            whose: Whose = "ours" if name in case.licenses else "not ours"
            found.say(f"its license {name}", whose, "the run assigns it" if whose == "ours" else "no run assigns it")
        for row in user.assignments:
            if row["PermissionSet"]["Name"] not in (case.own_set, case.trial_set):
                found.say(f"its permission set {row['PermissionSet']['Name']}", "not ours", "the run did not make it")
    elif user.stands:
        why = f"it bears the mark of run {user.run_id}" if user.run_id else "it bears no mark of this scenario"
        found.say(f"user {username}", "not ours", why)


def _trial_things(seen: Seen, case: Case, found: Judgement) -> None:
    if seen.trial and seen.trial.stands:
        _user(seen.trial, case.trial, case, found)
    one = seen.trial_set
    if one is None:
        return
    ours = is_own(one, case.run_id, case.admin_id)
    why = "by its mark" if ours else "it does not bear this run's mark"
    found.say(f"permission set {one.name}", "ours" if ours else "not ours", why)
    if ours:
        found.before[f"permission set {one.name}"] = "not there"


def _app(seen: Seen, case: Case, mark: Mark | None, found: Judgement) -> None:
    """Who may use the app and whom it runs as."""
    for name, value in seen.parts.items():
        own = seen.own_set.id if seen.own_set and seen.own_set.mark else None
        if name.startswith("app ") and name.endswith(": authorized for") and own in listed(value):
            left = [each for each in value.split(", ") if each != own]
            found.before[name] = ", ".join(left) or "none"
            found.say(name.removesuffix(": authorized for"), "ours", "pre-authorized for the run's permission set")
        if is_run_as(name) and value.casefold() == case.target.casefold():
            _ran_as(name, case, mark, found)


def _ran_as(part: str, case: Case, mark: Mark | None, found: Judgement) -> None:
    told = case.told.get("runs-as", mark.ran_as if mark else None)
    if told is None:
        found.say(part, "not known", f"it runs as {case.target}; as whom it ran before, no mark tells")
        how = "The app's policies may be in your version control; its owner may know; `nobody` if nobody"
        found.ask("runs-as", f"the username that {part.removesuffix(': runs as')} ran as before", how)
        return
    found.before[part] = told
    found.runs_as_ours = told.casefold() != case.target.casefold()
    why = f"before it ran as {told}" if found.runs_as_ours else "it ran so before"
    found.say(f"{part} {case.target}", "ours" if found.runs_as_ours else "not ours", why)


def _switches(seen: Seen, case: Case, found: Judgement) -> None:
    """Whether the old user was frozen or deactivated by this run."""
    user, audit = seen.source, by(seen.audit or (), case.admin_id, None)
    if user.is_frozen:
        ours = seen.source_login.get("LastModifiedById") == case.admin_id
        who = (seen.source_login.get("LastModifiedBy") or {}).get("Username", "somebody else")
        found.say(f"{user.username} is frozen", "ours" if ours else "not ours", f"by {who}")
        found.froze = ours
        if ours:  # preflight takes no user that is frozen
            found.before[f"user {user.username}: frozen"] = "False"
    if user.is_active:
        return
    entry = last_switch(audit, user)
    told = case.told.get("deactivated")
    if told is None and entry is None:
        found.say(f"{user.username} is inactive", "not known", "the audit trail does not tell who deactivated it")
        how = "See View Setup Audit Trail; answer `ours` if this migration did, `theirs` if somebody else"
        found.ask("deactivated", f"who deactivated {user.username}", how)
        return
    found.deactivated = told == "ours" if told else bool(entry and entry.action.startswith("deactivated"))
    found.say(f"{user.username} is inactive", "ours" if found.deactivated else "not ours", "by the audit trail")
    if found.deactivated:
        found.before[f"user {user.username}: active"] = "True"


def _held(seen: Seen, case: Case, mark: Mark | None, names: Names, found: Judgement) -> None:
    """What the source user held: as it is, unless the run took from it."""
    taken = taken_from(by(seen.audit or (), case.admin_id, None), seen.source)
    same = mark is not None and mark.held == held_digest(found.before)
    may_have_taken = found.deactivated or (case.one_user and seen.own_set is not None and seen.own_set.mark is not None)
    if same or not may_have_taken:
        return
    options = options_of(
        found.before,
        source=seen.source,
        taken=taken,
        names=names,
        beside=seen.target.user if seen.target else None,
        wanted=case.licenses,
        own_set=seen.own_set.id if seen.own_set else None,
    )
    told = {HELD[key][0]: [text] for key, text in case.told.items() if key in HELD}
    held = mark.held if mark else None
    for each in with_licenses({**options, **told}, names):
        if (parts := held_before(found.before, source=seen.source, held=held, options=each)) is not None:
            found.before |= parts
            found.converted = case.one_user
            why = "taken by the run; the digest in its mark proves what it was"
            found.say(f"what {seen.source.username} held", "ours", why)
            return
    _ask_held(seen, case, held, told, found)


def _ask_held(seen: Seen, case: Case, held: str | None, told: Mapping[str, list[str]], found: Judgement) -> None:
    found.contradicted = held is not None and len(told) == len(HELD)
    found.converted = case.one_user
    if held is None and len(told) == len(HELD):
        prefix = f"user {seen.source.username}: "
        found.before |= {f"{prefix}{name}": texts[0] for name, texts in told.items()}
        found.say(f"what {seen.source.username} held", "ours", "as you say; no mark proves it")
        return
    found.say(f"what {seen.source.username} held", "not known", "what the audit trail tells is not all of it")
    how = "See View Setup Audit Trail, an older report of this tool, or your version control"
    for key, (part, what) in HELD.items():
        if part not in told:
            found.ask(key, f"of {seen.source.username}: {what}", how)


def run_as_value(found: Judgement) -> str | None:
    """Whom the app ran as before: a username, or None for nobody."""
    value = next((text for name, text in found.before.items() if is_run_as(name)), NOBODY)
    return None if value == NOBODY else value


def own_licenses(found: Judgement, source: str) -> set[str]:
    """The permission set licenses that the source user held before."""
    return listed(found.before.get(f"user {source}: permission set licenses", ""))


def sentences(found: Judgement) -> Iterator[str]:
    """What is not the run's, each in a sentence."""
    yield from (f"{each.what}: {each.why}" for each in found.things if each.whose != "ours")
