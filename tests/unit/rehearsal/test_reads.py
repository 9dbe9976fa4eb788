"""Which recordings a change of a scenario makes out of date, and which it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from harness.recording.facts import changed
from harness.rehearsal.reads import READS, REASON, SAID, line_of, reads, stages_in, stages_of
from harness.scenario.loader import ScenarioFile, read
from harness.scenario.model import STAGES, Scenario

SCENARIOS = Path(__file__).parents[3] / "scenarios"


def keys(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every key of a model and of those within it, with dots."""
    for name, field in model.model_fields.items():
        key = f"{path}.{field.alias or name}".strip(".")
        yield key
        for inner in models(field.annotation):
            yield from keys(inner, key)


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from models(each)


def test_every_key_of_the_language_is_read_by_a_stage_or_said_to_be_read_by_none() -> None:
    for key in keys(Scenario):
        below = any(name.startswith(f"{key}.") for name in (*READS, *SAID))
        assert below or stages_of(key) or key.rpartition(".")[2] == REASON or is_said(key), key


def is_said(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in SAID)


def test_a_key_without_an_entry_would_be_noticed() -> None:
    with pytest.raises(KeyError):
        stages_of("colour.of[0]")


def test_the_table_names_keys_and_stages_that_there_are() -> None:
    known = set(keys(Scenario))
    assert {*READS, *SAID} <= known
    assert {stage for stages in READS.values() for stage in stages} <= {*STAGES}
    assert not READS.keys() & SAID.keys()


def scenario(name: str, *changes: tuple[str, str]) -> ScenarioFile:
    path = SCENARIOS / f"{name}.scenario.yaml"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return read(text.encode(), path=path, shown=path.name)


def outdated(before: ScenarioFile, after: ScenarioFile) -> dict[str, list[str]]:
    """Which recordings the change makes out of date, and for what."""
    *others, own = after.scenario.rollback_stages
    names = [*after.scenario.stages, *(f"rollback-from-{stage}" for stage in (own, *others))]
    found = {}
    for name in names:
        stages = stages_in(name, after.scenario, own=own)
        if parts := changed(reads(before, stages), reads(after, stages)):
            found[name] = parts
    return found


ERP = scenario("erp")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rehearse: 1", "# a comment\nrehearse: 1"),
        ("because: ", "because: Really. "),
        ("env:ERP_CONSUMER_KEY", "env:OTHER_KEY"),
        ("path: ", "path: other/"),
    ],
    ids=["comment", "reason", "where a secret is", "where the credential file is"],
)
def test_what_no_request_depends_on_makes_nothing_out_of_date(old: str, new: str) -> None:
    assert outdated(ERP, scenario("erp", (old, new))) == {}


def test_a_changed_denial_asks_for_what_verifies_and_names_its_line() -> None:
    denial = ERP.scenario.expect.denials[1]
    line = line_of(ERP, "expect.denials[1]")
    assert line is not None
    written = (SCENARIOS / "erp.scenario.yaml").read_text("utf-8").splitlines()[line - 1]
    after = scenario("erp", (written, written.replace("SELECT", "SELECT Name,")))
    assert after.scenario.expect.denials[1] != denial
    found = outdated(ERP, after)
    assert set(found) == {
        "verify",
        "rollback-from-verify",
        "rollback-from-switch",
        "rollback-from-dual-auth",
    }
    assert {part for parts in found.values() for part in parts} == {"expect.denials[1]"}


def test_another_user_asks_for_everything() -> None:
    after = scenario("erp", (ERP.scenario.target_username, "another@nordwind.example"))
    *others, own = ERP.scenario.rollback_stages
    assert len(outdated(ERP, after)) == len(ERP.scenario.stages) + len(others) + len([own])


def test_what_is_granted_follows_from_the_workload_only_where_what_is_used_is_copied() -> None:
    stages = ("grant",)
    assert not [key for key in reads(ERP, stages) if key.startswith("workload")]
    used = scenario("erp", ("copy: everything", "copy: used")) if ERP.scenario.permissions.copy_ != "used" else ERP
    assert [key for key in reads(used, stages) if key.startswith("workload")]


CODE = Path(__file__).parents[3] / "harness"
READ_BY = {
    **{f"migration/stages/{stage.replace('-', '_')}.py": (stage,) for stage in STAGES},
    "migration/stages/workload.py": ("dual-auth", "cut-over"),
    "migration/observing.py": ("dual-auth",),
    "migration/time_box.py": ("cut-over",),
    "migration/proving.py": ("verify",),
    "migration/naming.py": ("snapshot",),
    "checks/scope.py": ("verify", "dual-auth"),
}
"""Modules, and the stages that work with them."""


@pytest.mark.parametrize("module", READ_BY)
def test_what_a_stage_s_code_reads_of_the_scenario_is_in_the_table(module: str) -> None:
    for key in read_in((CODE / module).read_text("utf-8")):
        below = [name for name in READS if name.startswith(f"{key}.")]
        depending = {stage for name in below or [key] for stage in stages_of(name)}
        missing = {*READ_BY[module]} - depending
        assert not missing or is_said(key), f"{module} reads {key}, and the table says that {missing} do not"


def read_in(code: str) -> set[str]:
    """The keys of the scenario that code names: `expect.grants`, or `workload`."""
    known = set(keys(Scenario))
    found = set()
    for first, second in re.findall(r"\bscenario\.(\w+)(?:\.(\w+))?", code):
        inner = f"{first.rstrip('_')}.{second.rstrip('_')}"
        found |= {inner if inner in known else first.rstrip("_")} & known
    return found


def test_code_that_read_more_would_be_noticed() -> None:
    assert read_in("context.scenario.expect.denials, scenario.copy_, scenario.from_.username, scenario.stages") == {
        "expect.denials",
        "from.username",
    }
    assert "authorize" not in stages_of("expect.denials")
