"""Which stages of a scenario can be recorded again by themselves, and how the command line names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.plugin import pytest_load_initial_conftests
from harness.rehearsal.reads import cassette_names
from harness.scenario.loader import load
from harness.terminal import check_stage

SCENARIOS = Path(__file__).parents[3] / "scenarios"


def test_every_recording_of_a_scenario_can_be_named_and_no_other() -> None:
    erp, warehouse = (load(SCENARIOS / f"{name}.scenario.yaml") for name in ("erp", "warehouse"))
    for name in cassette_names(erp.scenario):
        check_stage(erp, name)
    check_stage(erp, "dual-auth")
    for file, stage in ((erp, "dual-auht"), (warehouse, "verify"), (erp, "rollback-from-plan"), (erp, "../plan")):
        with pytest.raises(pytest.UsageError, match=f"{file.name} has no stage '{stage}' to record again; it has: pre"):
            check_stage(file, stage)


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        (["f", "--cassettes", "update", "dual-auth", "-q"], ["f", "--cassettes=update:dual-auth", "-q"]),
        (["--cassettes=update", "verify", "f"], ["--cassettes=update:verify", "f"]),
        (["--cassettes=update:verify", "f"], ["--cassettes=update:verify", "f"]),
        (["--cassettes", "record", "f"], ["--cassettes", "record", "f"]),
        (["f", "--cassettes", "update"], ["f", "--cassettes", "update"]),
        (["update", "verify"], ["update", "verify"]),
        ([], []),
    ],
    ids=["two words", "with an equals sign", "one word", "another mode", "no stage", "files", "nothing"],
)
def test_the_two_words_are_joined_and_nothing_else(typed: list[str], understood: list[str]) -> None:
    pytest_load_initial_conftests(typed)
    assert typed == understood
