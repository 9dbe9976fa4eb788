"""The plugin as a pytest user meets it, on recorded rehearsals."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from tests.component.plugin.example import Example

Make = Callable[[str], Example]


def test_collecting_names_every_stage_and_check_in_order(example: Make) -> None:
    ran = example("mulesoft").pytest("scenarios", "--collect-only", "-q")
    names = [line.partition("::mulesoft::")[2] for line in ran.output.splitlines() if "::mulesoft::" in line]
    stages = [name.partition("::")[0] for name in names]
    assert ran.code == 0
    assert list(dict.fromkeys(stages))[:11] == [
        "preflight",
        "snapshot",
        "plan",
        "provision",
        "grant",
        "authorize",
        "verify",
        "switch",
        "dual-auth",
        "cut-over",
        "rollback[from cut-over]",
    ]
    assert names[-1] == "sign-off"
    assert any(name.startswith("verify::grants[") for name in names)
    assert any(name.startswith("verify::denials[") for name in names)
    assert any(name.startswith("dual-auth::workload[1: ") for name in names)
    assert len(names) == len(set(names))


def test_a_replay_passes_and_leaves_reports(example: Make) -> None:
    project = example("mulesoft")
    ran = project.pytest("scenarios", "--junitxml=junit.xml")
    assert ran.code == 0, ran.output
    assert set(ran.outcomes) == {"passed"}
    assert "SIGNED OFF" in ran.output
    assert "reports/index.html" in ran.output
    for name in ("index.html", "mulesoft.html", "mulesoft.json"):
        assert (project.folder / "reports" / name).is_file()
    cases = ElementTree.parse(project.folder / "junit.xml").getroot().iter("testcase")
    named = {case.get("name") for case in cases}
    assert {"preflight", "completed", "sign-off", "rollback[from cut-over]"} <= named
    assert not (project.folder / ".rehearse").exists()


def test_one_selected_check_brings_the_stages_it_needs(example: Make) -> None:
    ran = example("mulesoft").pytest("scenarios", "-k", "denials and ui")
    assert ran.outcomes["passed"] == 1
    assert "failed" not in ran.outcomes


@pytest.mark.parametrize(
    "spread",
    [("--dist", "loadgroup"), *(pytest.param(each, marks=pytest.mark.long) for each in (("--dist", "loadfile"), ()))],
)
def test_workers_replay_however_the_items_are_spread(example: Make, spread: tuple[str, ...]) -> None:
    project = example("mulesoft")
    ran = project.pytest("scenarios", "-n", "2", *spread)
    assert ran.code == 0, ran.output
    assert set(ran.outcomes) == {"passed"}
    assert "SIGNED OFF" in ran.output
    assert (project.folder / "reports" / "mulesoft.html").is_file()


@pytest.mark.parametrize("touching", [("--org", "uat", "--cassettes", "off"), ("--cassettes", "record")])
def test_spread_workers_may_not_touch_an_org(example: Make, touching: tuple[str, ...]) -> None:
    ran = example("mulesoft").pytest("scenarios", "-n", "2", *touching)
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "--dist loadgroup" in ran.output
    assert "Traceback" not in ran.output


def test_without_a_cassette_nothing_is_asked_and_the_command_is_named(example: Make) -> None:
    project = example("mulesoft")
    (project.folder / "cassettes" / "mulesoft" / "grant.yaml").unlink()
    ran = project.pytest("scenarios")
    assert ran.code == pytest.ExitCode.TESTS_FAILED
    assert "no cassette for grant" in ran.output
    assert "pytest scenarios/mulesoft.scenario.yaml --cassettes record" in ran.output
    assert "Traceback" not in ran.output
    assert ran.outcomes["failed"] == 1
    assert ran.outcomes["skipped"] > 10


def test_an_org_needs_a_word_about_cassettes(example: Make) -> None:
    ran = example("mulesoft").pytest("scenarios", "--org", "uat")
    assert ran.code != 0
    assert "--cassettes off" in ran.output


def test_a_recording_is_never_partial(example: Make) -> None:
    ran = example("mulesoft").pytest("scenarios", "--cassettes", "record", "-k", "preflight")
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "a recording needs them all" in ran.output


def test_a_typo_is_named_with_its_place_and_the_right_key(example: Make) -> None:
    project = example("mulesoft")
    project.change(project.scenario, "dual_auth:", "dual_aut:")
    ran = project.pytest("scenarios")
    line = next(n for n, text in enumerate(project.scenario.read_text().splitlines(), 1) if "dual_aut:" in text)
    assert ran.code == pytest.ExitCode.INTERRUPTED
    assert f"scenarios/mulesoft.scenario.yaml:{line}:" in ran.output
    assert "dual_auth" in ran.output
    assert "Traceback" not in ran.output


def test_a_refused_plan_passes_where_it_is_expected_and_says_so(example: Make) -> None:
    project = example("warehouse")
    ran = project.pytest("scenarios", "-rs")
    assert ran.code == 0, ran.output
    assert "NOT SIGNED OFF" in ran.output
    assert "the plan was refused as the scenario expects" in ran.output
    assert "AuthorApex" in (project.folder / "reports" / "warehouse.html").read_text()


def test_a_refusal_that_is_not_expected_fails(example: Make) -> None:
    project = example("warehouse")
    text = project.scenario.read_text()
    before, _, after = text.partition("sign_off: refused")
    project.scenario.write_text(before + "sign_off: granted" + after)
    ran = project.pytest("scenarios", "--cassettes", "off")
    assert ran.code == pytest.ExitCode.TESTS_FAILED
    assert "AuthorApex" in ran.output
    assert "permissions.accept" in ran.output
    assert "Traceback" not in ran.output


def test_an_unused_plugin_imports_nothing_of_ours(example: Make) -> None:
    project = example("mulesoft")
    (project.folder / "test_modules.py").write_text(
        "import sys\n\n\ndef test_modules():\n"
        "    ours = {name for name in sys.modules if name.partition('.')[0] == 'harness'}\n"
        "    heavy = {'vcr', 'simple_salesforce', 'pydantic', 'requests', 'yaml'} & set(sys.modules)\n"
        "    assert ours == {'harness', 'harness.plugin'}\n"
        "    assert not heavy\n"
    )
    ran = project.pytest("test_modules.py", "-p", "no:hypothesispytest", "-p", "no:playwright")
    assert ran.outcomes == {"passed": 1}, ran.output
