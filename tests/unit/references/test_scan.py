"""What matters to a migration, what the scenario agrees to, and agreements that meet nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.references.model import Change, ReferenceHit, ReferenceScan
from harness.references.scan import changes_of, judged
from harness.scenario.loader import ScenarioFile, load

SCENARIO = """\
rehearse: 1
system: ERP
purpose: Order Sync
from:
  username: sync@acme.example
  sign_in: {{flow: username-password, app: ERP, consumer_key: "env:A", consumer_secret: "env:B", password: "env:C"}}
to:
  strategy: {strategy}
  {username}
  sign_in: {{flow: client-credentials, app: New, consumer_key: "env:D", consumer_secret: "env:E"}}
credentials: {{store: dotenv, path: .env, keys: {{SF_USER: username}}}}
workload:
  - query: SELECT Id FROM Account
dual_auth: {{for: 1d, old_user_quiet_for: 1h}}
finish: {finish}
references:
  accept:
    - named: [{accepted}]
      because: It is rewritten in the next release.
"""


def scenario(
    folder: Path, *, strategy: str = "new-user", finish: str = "freeze", accepted: str = "Flow Route"
) -> ScenarioFile:
    username = "" if strategy == "in-place" else "username: new@acme.example"
    file = folder / "erp.scenario.yaml"
    file.write_text(SCENARIO.format(strategy=strategy, username=username, finish=finish, accepted=accepted), "utf-8")
    return load(file, shown="erp.scenario.yaml")


def hit(*when: Change, kind: str = "Flow", name: str = "Route") -> ReferenceHit:
    return ReferenceHit(kind=kind, name=name, where="x", says="x", breaks="It breaks.", when=when, remedy="mend it")


def scan_of(*hits: ReferenceHit) -> ReferenceScan:
    return ReferenceScan(hits=hits, looked_at={})


@pytest.mark.parametrize(
    ("strategy", "finish", "changes"),
    [
        ("new-user", "freeze", {"new-user", "freeze"}),
        ("new-user", "retire", {"new-user", "freeze", "deactivate"}),
        ("temporary-full-license", "freeze", {"new-user", "freeze"}),
        ("in-place", "freeze", {"profile-change"}),
    ],
)
def test_a_migration_makes_the_changes_of_its_strategy(
    tmp_path: Path, strategy: str, finish: str, changes: set[str]
) -> None:
    assert changes_of(scenario(tmp_path, strategy=strategy, finish=finish).scenario) == changes


@pytest.mark.parametrize(
    ("when", "finish", "matters"),
    [
        (("deactivate",), "freeze", False),
        (("deactivate",), "retire", True),
        (("profile-change",), "freeze", False),
        (("new-user", "profile-change"), "freeze", True),
        ((), "retire", False),
    ],
)
def test_a_hit_matters_where_the_migration_makes_its_change(
    tmp_path: Path, when: tuple[Change, ...], finish: str, matters: bool
) -> None:
    found = judged(scan_of(hit(*when, name="Other")), scenario(tmp_path, finish=finish))
    assert [each.matters for each in found.hits] == [matters]
    assert len(found.open) == matters


def test_what_the_scenario_names_is_accepted_with_its_reason_and_place(tmp_path: Path) -> None:
    found = judged(scan_of(hit("new-user"), hit("new-user", name="Other")), scenario(tmp_path))
    accepted, other = found.hits
    assert accepted.accepted == "It is rewritten in the next release."
    assert accepted.place == "erp.scenario.yaml:18"
    assert other.accepted is None
    assert [each.line for each in found.open] == ["Flow Other"]
    assert found.unmet == ()


def test_an_acceptance_that_meets_nothing_is_told_with_its_line(tmp_path: Path) -> None:
    file = scenario(tmp_path, accepted="Flow Route, ValidationRule Account.Gone")
    found = judged(scan_of(hit("new-user")), file)
    assert found.unmet == (
        "erp.scenario.yaml:18: references.accept names 'ValidationRule Account.Gone', which was not found",
    )
