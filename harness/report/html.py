"""The report as one HTML file: no script, no external resource, fit for print."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.migration.records import ReferenceHit
from harness.report import words
from harness.report.changes import AccessChanges, access_changes
from harness.report.model import Evidence
from harness.report.proof import (
    GRADE_LETTERS,
    answer_of,
    changes_made,
    grades,
    matrix,
    missed_changes,
    otherwise,
    uses,
)
from harness.report.view import (
    Card,
    anchors,
    by_letter,
    cards,
    check_groups,
    contents,
    grouped,
    loss_groups,
    operation_rows,
    powers,
)

ROWS = 40
"""So many rows of changes or losses a table shows at once; a browser is slow where thousands are open."""

SIGNERS = ("System owner", "Salesforce administrator", "Security reviewer")

LOGIN_COLUMNS = {
    "LoginTime": "Time (UTC)",
    "Username": "User",
    "LoginType": "Type",
    "LoginSubType": "Subtype",
    "Application": "Application",
    "Status": "Status",
}


def render(evidence: Evidence, *, json_name: str | None = None) -> str:
    """The report on one scenario. `json_name` is the file beside it that holds the evidence."""
    changes = access_changes(evidence)
    recorded = {check.id for check in evidence.checks}
    proven = {rollback.from_stage for rollback in evidence.rollbacks}
    shown: list[Card] = cards(evidence, changes)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            e=evidence,
            changes=changes,
            changed=[item for item in changes.objects if item.is_changed],
            unchanged=[item for item in changes.objects if not item.is_changed],
            anchors=anchors(item.name for item in changes.objects),
            letters=by_letter(changes.objects),
            cards=shown,
            powers=powers(evidence),
            contents=contents(evidence, shown),
            loss_groups=loss_groups(evidence),
            check_groups=check_groups(evidence),
            silent_checks=[name for name in evidence.header.checks or () if name not in recorded],
            silent_rollbacks=[name for name in evidence.header.rollback_stages or () if name not in proven],
            operations=operation_rows(evidence),
            proofs=matrix(evidence.probes),
            grades=grades(evidence.probes),
            otherwise=otherwise(evidence.side_by_side),
            uses=uses(evidence.usage.permissions) if evidence.usage else [],
            hits=_hits(evidence),
            changes_made=[words.CHANGES[change] for change in sorted(changes_made(evidence.header))],
            missed_changes=missed_changes(evidence.mutation),
            rehearsal_calls=sum(rollback.calls for rollback in evidence.rollbacks if not rollback.own),
            json_name=json_name or f"{evidence.name}.json",
        )
    )


def _hits(evidence: Evidence) -> list[ReferenceHit]:
    """The places that name the old user: those that nobody agreed to first."""
    scan = evidence.references
    return [*scan.open, *(hit for hit in scan.hits if hit not in scan.open)] if scan else []


def render_index(entries: Sequence[tuple[str, Evidence]], *, earlier: Collection[str] = ()) -> str:
    """The page that lists all reports; each entry is a file name without its suffix, and the evidence.

    `earlier` are the names of those that an earlier run left.
    """
    changes: dict[str, AccessChanges] = {name: access_changes(evidence) for name, evidence in entries}
    page = _environment().get_template("index.html.j2")
    return page.render(entries=entries, changes=changes, earlier=set(earlier))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        moment=words.moment,
        clock=words.clock,
        login_time=words.login_time,
        answer_words=words.answer_words,
        span=words.span,
        number=words.number,
        blocks=words.blocks,
        without=words.without,
        state=words.state,
        place=words.place,
        took=words.took,
        lasted=words.lasted,
        tone=words.tone,
        field_words=words.field_words,
        org_words=words.org_words,
        recording_words=words.recording_words,
        grouped=grouped,
        cell_answer=answer_of,
    )
    environment.globals.update(
        MARKS=words.MARKS,
        CAUSES=words.CAUSES,
        KINDS=words.KINDS,
        PRINCIPALS=words.PRINCIPALS,
        APP_KINDS=words.APP_KINDS,
        TITLES=words.TITLES,
        GRADES=words.GRADES,
        LETTERS=GRADE_LETTERS,
        CHANGES=words.CHANGES,
        STRATEGIES=words.STRATEGIES,
        ROWS=ROWS,
        SIGNERS=SIGNERS,
        LOGIN_COLUMNS=LOGIN_COLUMNS,
    )
    return environment
