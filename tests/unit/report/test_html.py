"""The report as HTML: complete, escaped, self-contained, and of a size a browser likes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from harness.migration.journal import Journal
from harness.report.evidence import Evidence, gather
from harness.report.html import render
from tests import report_journals as made
from tests import report_proofs as proofs

GOLD = Path(__file__).parent / "gold"
VOID = {"meta", "link", "br", "wbr", "img"}
BLOCKS = {"p", "li", "dt", "dd", "tr", "h1", "h2", "h3", "h4", "h5", "summary", "caption", "section", "div", "article"}

SCRUBBERS = {
    "digests of evidence, which change with every change of its model": (r"\b[0-9a-f]{8}( [0-9a-f]{8}){7}\b", "DIGEST"),
    "beginnings of digests": (r"\b[0-9a-f]{16,64}\b", "HASH"),
}


class Page(HTMLParser):
    """A page as its tags, the text of its blocks, and what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.lines: list[str] = [""]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in BLOCKS:
            self.lines.append("")
        elif tag in ("td", "th", "br"):
            self.lines[-1] += " "

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} is closed out of order"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.lines[-1] += data

    @property
    def text(self) -> str:
        lines = (" ".join(line.split()) for line in self.lines)
        return "\n".join(line for line in lines if line) + "\n"

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


def read(build: Callable[[], Journal]) -> Evidence:
    journal = build()
    try:
        return gather(journal)
    finally:
        journal.close()


def hostile_proof() -> Journal:
    return proofs.found_wanting(made.HOSTILE)


ALL = (
    made.signed_off,
    made.refused_plan,
    made.failed_verify,
    made.partial,
    made.large,
    made.hostile,
    proofs.proven,
    proofs.found_wanting,
    hostile_proof,
)


@pytest.fixture(scope="module", params=ALL, ids=lambda build: build.__name__)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render(read(request.param)))


def test_it_is_well_formed(page: Page) -> None:
    assert page.open == []
    assert page.tags[0] == ("html", {"lang": "en"})
    ids = page.values("id")
    assert len(ids) == len(set(ids))


def test_every_link_leads_somewhere(page: Page) -> None:
    ids = set(page.values("id"))
    inside = {href.removeprefix("#") for href in page.values("href") if href.startswith("#")}
    assert inside <= ids
    outside = {href for href in page.values("href") if not href.startswith("#")}
    assert all(re.fullmatch(r"data:,|index\.html|[^/:]+\.json", href) for href in outside), outside


def test_it_needs_no_script_and_nothing_from_elsewhere(page: Page) -> None:
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"script", "img", "iframe", "object", "embed", "form", "base", "svg"})
    assert page.values("src") == []
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


def test_headings_descend_one_step_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels


def test_every_table_has_a_caption_and_scoped_headers(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption")
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in page.tags if tag == "th")


@pytest.mark.parametrize("build", [made.signed_off, made.refused_plan, proofs.proven], ids=lambda build: build.__name__)
def test_it_reads_as_it_did(build: Callable[[], Journal], tmp_path: Path) -> None:
    actual = Page(render(read(build))).text
    for pattern, name in SCRUBBERS.values():
        actual = re.sub(pattern, name, actual)
    gold, written = GOLD / f"{build.__name__}.txt", tmp_path / f"{build.__name__}.txt"
    written.write_text(actual, encoding="utf-8")
    expected = gold.read_text(encoding="utf-8") if gold.exists() else ""
    assert actual == expected, f"the report reads otherwise; if that is right: cp {written} {gold}"


def test_the_verdict_comes_first() -> None:
    text = Page(render(read(made.refused_plan))).text.splitlines()
    assert text.index("✕ Not signed off") < text.index("Contents")


def test_the_first_reasons_are_the_gravest() -> None:
    text = Page(render(read(made.failed_verify))).text
    reasons = text[text.index("\nWhy it is not signed off\n✕") :]
    assert reasons.index("check failed") < reasons.index("access missing") < reasons.index("not finished")
    assert "What to do: Grant read on Account.ERP_Key__c to the permission set." in reasons
    assert "INVALID_FIELD HTTP 400 No such column 'ERP_Key__c' on entity 'Account'." in text


def test_a_partial_run_shows_its_gaps() -> None:
    text = Page(render(read(made.partial))).text
    assert "The new user gets 47 rows, the old one 50." in text
    assert "TotalAmount does not come back." in text
    assert "3 not made by this rehearsal" in text
    assert "Waits until 7 January 2026, 09:00:00 UTC." in text
    assert "○ not made denials[sign in: ui]" in text
    assert "? no outcome" in text
    assert "no recording: asked of the org itself" in text


def test_hostile_names_are_text() -> None:
    html = render(read(made.hostile))
    assert made.HOSTILE not in html
    assert made.HOSTILE in Page(html).text
    assert made.LONG in Page(html).text
    title = html[html.index("<title>") : html.index("</title>")]
    assert "<script" not in title


def test_seven_thousand_fields_stay_small_and_all_are_there() -> None:
    evidence = read(made.large)
    began = time.process_time()
    html = render(evidence)
    assert time.process_time() - began < 5, "it takes a quarter of a second on a slow machine"
    assert len(html.encode()) < 3_000_000
    text = Page(html).text
    assert evidence.snapshot is not None
    for name in evidence.snapshot.effective.objects:
        assert f'id="object-{name}"' in html
    assert text.count("Field_Number_099__c") >= 70
    assert html.count("<details") < 300


def test_an_evidence_with_next_to_nothing_renders() -> None:
    journal = Journal(None)
    made.Writer(journal).begin()
    text = Page(render(gather(journal))).text
    journal.close()
    assert "There is no plan: the run ended before one was made." in text
    assert "Not known: the run ended before the old user's access was read." in text
    assert "No rollback was rehearsed." in text


def test_very_many_losses_are_folded_and_all_there() -> None:
    evidence = read(made.signed_off)
    assert evidence.plan is not None
    said = tuple(made.loss("system", f"Permission{n}", (), "declared-drop", f"Reason {n}.") for n in range(45))
    text = Page(render(evidence.model_copy(update={"plan": evidence.plan.model_copy(update={"losses": said})}))).text
    before, _, after = text.partition("\n5 more rows of losses\n")
    assert before.count("Dropped on purpose. Reason ") == 40
    assert after.count("Dropped on purpose. Reason ") == 5


def test_the_proof_of_access_names_each_way_and_each_grade() -> None:
    text = Page(render(read(proofs.proven))).text
    assert "79 of 80 accesses agreed" in text
    assert "No access is lost beyond 8 declared or accepted losses, and none is gained." in text
    assert "R a real write that the org rolled back (2)" in text
    assert "13 alike" in text
    assert "the object itself yes D yes R no E" in text
    assert "The table is a day old." in text
    assert "paging alone needs 3" in text
    assert "What the license carries was tried on the throw-away user trial@acme.example" in text
    assert "Login hours Monday 08:00 to 18:00 at any time" in text


def test_what_both_users_see_what_is_used_and_who_names_the_old_user() -> None:
    text = Page(render(read(proofs.proven))).text
    assert "Account.ERP_Key__c is in the old user's describe and not in the new one's. erp.scenario.yaml:33" in text
    assert "Account.Seen_At__c" in text
    assert "Needed and missing 1" in text
    assert "<label>ERP &amp; Co</label>" in text
    assert "41 ValidationRule" in text
    assert "The release rewrites it. erp.scenario.yaml:30" in text
    assert "Flows: the Tooling API refused." in text


def test_tests_of_the_tests_show_what_no_check_would_miss() -> None:
    journal = proofs.proven()
    text = Page(render(gather(journal, mutation=proofs.MUTATION))).text
    journal.close()
    assert "2 of 4 changes were noticed by something, 1 by what the scenario itself asks" in text
    assert re.search(r"Grants that no check would miss 1\n.*removed system RunReports", text, re.DOTALL)
    assert re.search(r"Forbidden grants that no check would notice 1\n.*added object Case: read", text, re.DOTALL)
    assert "added system ModifyAllData - describe: Case" in text
    assert "removed system ApiEnabled" not in text


def test_a_score_of_an_older_scenario_is_not_shown() -> None:
    journal = proofs.proven()
    stale = proofs.MUTATION.model_copy(update={"scenario_digest": "0" * 64})
    evidence = gather(journal, mutation=stale)
    journal.close()
    text = Page(render(evidence)).text
    assert "system RunReports" not in text
    assert any(each.what == "The checks themselves" for each in evidence.untested)


def test_access_found_wanting_is_no_sign_off() -> None:
    evidence = read(proofs.found_wanting)
    assert [each.kind for each in evidence.verdict.reasons[:5]] == [
        "access-differs",
        "access-differs",
        "derivations-disagree",
        "silent-loss",
        "reference-open",
    ]
    text = Page(render(evidence)).text
    assert "1 access gained that nobody agreed to: ModifyAllData." in text
    assert "\u2212 lost field Account.Field_01__c edit ERP Sync Profile" in text
    assert "! open ValidationRule Account.Field_01__c" in text
    assert "not touched ValidationRule Case.Frozen" in text


def test_a_reference_that_this_migration_does_not_touch_is_no_reason() -> None:
    journal = proofs.proven()
    journal.write(
        run="a1b2c3d4e5f6",
        at=proofs.START,
        kind="references",
        stage="snapshot",
        key="references",
        body=proofs.scan(proofs.hit(when=("deactivate",), matters=False)),
    )
    kinds = [each.kind for each in gather(journal).verdict.reasons]
    journal.close()
    assert "reference-open" not in kinds


def test_what_one_acceptance_covers_is_told_once() -> None:
    evidence = read(made.signed_off)
    assert evidence.plan is not None
    said = tuple(
        made.loss("system", name, (), "not-needed-api-only", f"About {name}.", place=f"{made.FILE}:53:{column}")
        for column, name in enumerate(("ActivitiesAccess", "ViewHelpLink"), start=14)
    )
    agreed = tuple(each.model_copy(update={"accepted_because": "Nobody signs in to the screen."}) for each in said)
    plan = evidence.plan.model_copy(update={"losses": agreed})
    text = Page(render(evidence.model_copy(update={"plan": plan}))).text
    assert text.count("Nobody signs in to the screen.") == 1
    assert "ActivitiesAccess, ViewHelpLink" in text


def test_what_differs_between_the_old_users_own_runs_is_told_as_noise() -> None:
    evidence = read(made.signed_off)
    first, *others = evidence.operations
    noisy = first.result.model_copy(update={"noise": ("rows: 47, then 48",)})
    changed = evidence.model_copy(update={"operations": (first.model_copy(update={"result": noisy}), *others)})
    assert "Noise, since the old user's own two runs differ: rows: 47, then 48" in Page(render(changed)).text


def test_a_check_says_how_its_answer_is_known() -> None:
    evidence = read(made.signed_off)
    first, *others = evidence.checks
    graded = first.model_copy(update={"result": first.result.model_copy(update={"grade": "rolled-back"})})
    assert "(grade: rolled-back)" in Page(render(evidence.model_copy(update={"checks": (graded, *others)}))).text


def test_a_user_that_moves_in_place_is_one_user() -> None:
    evidence = read(made.signed_off)
    header = evidence.header.model_copy(update={"strategy": "in-place", "target_username": made.OLD})
    text = Page(render(evidence.model_copy(update={"header": header}))).text
    assert f"{made.OLD} in place" in text
    assert "The user before and after" in text


def test_what_the_new_profile_gives_beyond_the_old_user_is_told() -> None:
    evidence = read(made.signed_off)
    assert evidence.plan is not None
    baseline = made.access({}, {}, ("ApiEnabled", "ApiUserOnly"), ())
    text = Page(
        render(evidence.model_copy(update={"plan": evidence.plan.model_copy(update={"baseline": baseline})}))
    ).text
    assert "The profile of the new license gives what the old user did not have: ApiUserOnly." in text
