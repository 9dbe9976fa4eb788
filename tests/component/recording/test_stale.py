"""A scenario that changed since it was recorded: which stage must be recorded again, and for what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.component.plugin.example import Example

pytestmark = pytest.mark.xdist_group("recorded")  # one worker records what all of these look at

Make = Callable[[], Example]


def test_a_comment_needs_no_new_recording(project: Make) -> None:
    made = project()
    made.scenario.write_text(f"# A comment.\n{made.scenario.read_text()}# Another.\n")
    ran = made.pytest("scenarios")
    assert ran.code == 0, ran.output
    assert "changed since" not in ran.output


@pytest.mark.long
def test_what_fails_for_a_change_leads_with_it_and_names_line_and_remedy(project: Make) -> None:
    made = project()
    before = made.scenario.read_text()
    line = next(number for number, text in enumerate(before.splitlines(), 1) if text.startswith("system:"))
    made.scenario.write_text(before.replace("system: Warehouse", "system: Depot"))
    ran = made.pytest("scenarios")
    assert ran.code == pytest.ExitCode.TESTS_FAILED
    assert f"the scenario changed since stage preflight was recorded (system, line {line})" in ran.output
    assert (
        "remedy: record it again: pytest scenarios/warehouse.scenario.yaml --cassettes update preflight" in ran.output
    )
    assert "CassetteWarning: the scenario changed since stage preflight" in ran.output
