"""The words and signs of the reports: how moments, spans, results and causes are said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from harness.checks.results import Asked
from harness.migration.records import Person
from harness.report.changes import ObjectChange
from harness.report.model import Facts, StageRun

Tone = Literal["good", "bad", "amber", "plain"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How a result is shown: a tone, and for those who see no colour a symbol and a word."""

    tone: Tone
    symbol: str
    word: str


MARKS: Mapping[str, Mark] = {
    "passed": Mark("good", "✓", "passed"),
    "failed": Mark("bad", "✕", "failed"),
    "not-made": Mark("amber", "○", "not made"),
    "skipped": Mark("amber", "○", "skipped"),
    "stopped": Mark("amber", "\u2016", "stopped"),
    "interrupted": Mark("bad", "✕", "interrupted"),
    "refused": Mark("bad", "✕", "refused"),
    "not-tested": Mark("amber", "○", "not tested"),
    "warning": Mark("amber", "!", "note"),
    "as-expected": Mark("plain", "=", "as expected"),
    "unexpected": Mark("bad", "≠", "not as expected"),
    "lost": Mark("bad", "\u2212", "lost"),
    "gained": Mark("amber", "+", "gained"),
    "lost and gained": Mark("bad", "±", "lost and gained"),
    "kept": Mark("plain", "=", "kept"),
    "accepted": Mark("plain", "✓", "accepted"),
    "unaccepted": Mark("bad", "✕", "not accepted"),
    "equal": Mark("good", "=", "equal"),
    "different": Mark("bad", "≠", "different"),
    "proven": Mark("good", "✓", "proven"),
    "not proven": Mark("bad", "✕", "not proven"),
    "active again": Mark("good", "✓", "active again"),
    "not restored": Mark("bad", "✕", "not restored"),
    "signs in": Mark("good", "✓", "signs in"),
    "does not sign in": Mark("bad", "✕", "does not sign in"),
    "drift": Mark("amber", "!", "drift"),
    "found": Mark("plain", "=", "already so"),
    "APPLIED": Mark("good", "✓", "applied"),
    "NOT_APPLIED": Mark("bad", "✕", "not applied"),
    "UNKNOWN": Mark("bad", "?", "not known"),
    "no outcome": Mark("bad", "?", "no outcome"),
    "plan-refused": Mark("bad", "✕", "plan refused"),
    "check-failed": Mark("bad", "✕", "check failed"),
    "workload-differs": Mark("bad", "≠", "workload differs"),
    "stage-failed": Mark("bad", "✕", "stage failed"),
    "access-missing": Mark("bad", "\u2212", "access missing"),
    "access-differs": Mark("bad", "≠", "access differs"),
    "derivations-disagree": Mark("bad", "≠", "derivations disagree"),
    "silent-loss": Mark("bad", "\u2212", "silent loss"),
    "reference-open": Mark("bad", "!", "reference open"),
    "used": Mark("good", "✓", "used"),
    "never-used": Mark("plain", "○", "never used"),
    "missing": Mark("bad", "\u2212", "missing"),
    "explained": Mark("plain", "✓", "explained"),
    "finding": Mark("bad", "\u2212", "finding"),
    "open": Mark("bad", "!", "open"),
    "write-unknown": Mark("bad", "?", "write not known"),
    "rollback-failed": Mark("bad", "✕", "rollback failed"),
    "not-finished": Mark("amber", "○", "not finished"),
    "not-recorded": Mark("amber", "○", "not recorded"),
    "drifted": Mark("bad", "✗", "drifted"),
}

CAUSES: Mapping[str, str] = {
    "license-ceiling": "Beyond the license",
    "declared-drop": "Dropped on purpose",
    "not-needed-api-only": "Not needed by an API-only user",
    "not-copyable": "Cannot be copied",
    "other-license": "Needs another license",
    "not-used": "Not used",
}

KINDS: Mapping[str, str] = {
    "object": "object",
    "field": "field",
    "system": "system permission",
    "setup": "setup access",
    "record-type": "record type",
    "default-record-type": "default record type",
    "tab": "tab",
    "app": "app",
    "login-hours": "login hours",
    "login-ip-ranges": "login IP range",
    "role": "role",
    "group": "group",
    "queue": "queue",
    "team": "team",
    "territory": "territory",
    "share": "manual share",
    "sharing-rule": "sharing rule",
    "feature-license": "feature license",
    "package-license": "package license",
    "permission-set-license": "permission set license",
}

APP_KINDS: Mapping[str, str] = {
    "ConnectedApplication": "connected app",
    "ExternalClientApplication": "External Client App",
}

PRINCIPALS: Mapping[str, str] = {"admin": "the admin", "source": "the old user", "target": "the new user"}

GRADES: Mapping[str, str] = {
    "describe": "the org's description of itself",
    "tables": "its access tables",
    "error": "an answer that tells “not permitted” from “permitted”, the request being one that changes nothing",
    "rolled-back": "a real write that the org rolled back",
    "committed": "a write that stayed",
}

CHANGES: Mapping[str, str] = {
    "new-user": "another user works",
    "profile-change": "the profile changes",
    "freeze": "the old user is frozen",
    "deactivate": "the old user is deactivated",
}

STRATEGIES: Mapping[str, str] = {
    "new-user": "a new user beside the old one",
    "in-place": "the same user, moved in place",
    "temporary-full-license": "a new user, set up on a full license and then moved",
}

TITLES: Mapping[str, str] = {
    "rehearsal": "The rehearsal",
    "losses": "The plan and its losses",
    "access": "Access before and after",
    "proof": "Proof of access",
    "checks": "Checks",
    "untested": "What was not tested",
    "workload": "Old against new workload",
    "both-eyes": "What both users see",
    "usage": "What the integration uses",
    "references": "What else names the old user",
    "mutation": "Tests of the tests",
    "drift": "The org today against the recording",
    "sign-ins": "Sign-ins observed",
    "timeline": "Time line",
    "rollback": "Rollback proof",
    "sign-off": "Sign-off",
}


def moment(at: datetime) -> str:
    """A moment as `5 January 2026, 09:00:03 UTC`."""
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"


def clock(at: datetime) -> str:
    """A moment in a table whose heading says UTC: `5 Jan 2026, 09:00:03`."""
    return f"{at.day} {at:%b %Y, %H:%M:%S}"


def login_time(text: str | None) -> str | None:
    """LoginTime as the API writes it, in the same form; what is no time stays as it is."""
    try:
        return clock(datetime.fromisoformat(text).astimezone(UTC)) if text else None
    except ValueError:
        return text


def number(count: int) -> str:
    """A count with thousands set apart: `7,000`."""
    return f"{count:,}"


def span(seconds: float) -> str:
    """A span of time in its two largest units: `14 d 2 h`, `3 min 20 s`, `4.2 s`, `85 ms`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    least = 3_600 if seconds >= 86_400 else 60 if seconds >= 3_600 else 1
    rest, parts = round(seconds / least) * least, []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def took(stage: StageRun) -> str:
    """How long a stage took."""
    if stage.started_at is None or stage.finished_at is None:
        return "\u2013"
    return span((stage.finished_at - stage.started_at).total_seconds())


def lasted(facts: Facts) -> str:
    """How long the run took, from its first record to its last."""
    return span((facts.ended_at - facts.started_at) / timedelta(seconds=1))


def answer_words(answer: Asked) -> str:
    """The org's answer without its error: `HTTP 200, 10 rows`.

    A write that was refused with no error of its own was tried in a transaction that the check rolled back.
    """
    rows = "" if answer.rows is None else f"{answer.rows:,} {'row' if answer.rows == 1 else 'rows'}"
    if answer.error_code is None and answer.status is not None and answer.status >= 400:
        return f"accepted{f': {rows}' if rows else ''}, then rolled back"
    return ", ".join(part for part in (f"HTTP {answer.status}" if answer.status else "", rows) if part)


def blocks(digest: str) -> str:
    """A digest in blocks of eight, to be compared by eye."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


def without(name: str, prefix: str) -> str:
    """A name without what the heading says already: `Name` of `Account.Name`, `Sync` of `ApexClass:Sync`."""
    return name[len(prefix) + 1 :] if prefix and name[: len(prefix)] == prefix and len(name) > len(prefix) else name


def place(where: str) -> str:
    """A place in the scenario file without its folders: `erp.scenario.yaml:40`."""
    return where.replace("\\", "/").rpartition("/")[2]


def state(person: Person) -> str:
    """Whether a user is active and not frozen."""
    return ("active" if person.is_active else "inactive") + (", frozen" if person.is_frozen else "")


def tone(status: str) -> Tone:
    """The tone of a result."""
    return MARKS[status].tone


def field_words(item: ObjectChange) -> str:
    """What became of an object's fields: `243 fields: 3 lost, 240 kept`."""
    counts = item.counts
    total = sum(counts.values())
    said = f"{total:,} {'field' if total == 1 else 'fields'}" if total else "no fields"
    if counts["kept"] == total:
        return said
    parts = [f"{counts[key]:,} {key}" for key in ("lost", "gained", "kept") if counts[key]]
    return f"{said}: {', '.join(parts)}"


def org_words(facts: Facts) -> str:
    """Which org it was: `the simulated sandbox`, or its name and kind."""
    kind = facts.preflight.org.kind if facts.preflight else ""
    if "simulated" in (kind, facts.header.org_name):
        return "the simulated sandbox"
    return f"{facts.header.org_name} ({kind or 'not proven to be a sandbox'})"


def recording_words(facts: Facts) -> str:
    """Where the answers came from."""
    header = facts.header
    if header.cassettes == "replay":
        source = f" from a {header.recorded_from}" if header.recorded_from else ""
        at = f" {moment(header.recorded_at)}" if header.recorded_at else ""
        return f"replayed; recorded{at}{source}"
    if header.cassettes == "record":
        return f"asked of {_live(facts)}, and recorded"
    return f"no recording: asked of {_live(facts)}"


def _live(facts: Facts) -> str:
    return "the simulated sandbox" if facts.header.org_name == "simulated" else "the org itself"
