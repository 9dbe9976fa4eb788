"""What the org, a guard or the command itself says no to: one message, the documented exit code, nothing written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.component.plugin.example import Example, Ran

SCENARIO = "scenarios/mulesoft.scenario.yaml"
NEW_USER = "mulesoft.integration@lumen.example"


def wrote_nothing(project: Example) -> bool:
    org = open_org(project.org, state=project.folder / ".rehearse" / "simulated" / "mulesoft" / "org.db")
    try:
        return not org.rows("User", Username=NEW_USER) and not org.rows("PermissionSet", Name="Integration_MuleSoft")
    finally:
        org.close()


def is_clear(ran: Ran) -> bool:
    return "Traceback" not in ran.output and "remedy:" in ran.output


def test_a_production_org_is_refused_by_the_guard(project: Example) -> None:
    project.change(project.org / "sandbox.yaml", "{name: Lumen Energy}", "{name: Lumen Energy, sandbox: false}")
    ran = project.rehearse("run", SCENARIO)
    assert ran.code == 4, ran.output
    assert "production" in ran.output
    assert is_clear(ran)
    assert wrote_nothing(project)
    assert project.rehearse("plan", SCENARIO).code == 4


@pytest.mark.long
def test_without_a_free_seat_the_license_is_named_and_a_freed_one_lets_it_go_on(project: Example) -> None:
    project.change(project.org / "sandbox.yaml", "SalesforceAPIIntegrationPsl: 3", "SalesforceAPIIntegrationPsl: 0")
    ran = project.rehearse("run", SCENARIO)
    assert ran.code == 1, ran.output
    assert "Salesforce API Integration" in ran.output
    assert is_clear(ran)
    assert wrote_nothing(project)
    again = project.rehearse("run", SCENARIO)
    assert again.code == 1, again.output
    assert "is under way" not in again.output, "a run that wrote nothing is in nobody's way"
    undone = project.rehearse("rollback", SCENARIO)
    assert undone.code == 0, undone.output
    once_more = project.rehearse("run", SCENARIO)
    assert once_more.code == 1, "a new run gets an id of its own"
    assert "Salesforce API Integration" in once_more.output


def test_an_app_that_refuses_the_old_user_is_an_answer_of_the_org(project: Example) -> None:
    app = "    flows: [jwt-bearer]\n    profiles: [MuleSoft API]\n"
    project.change(project.org / "sandbox.yaml", app, "    flows: [jwt-bearer]\n")
    ran = project.rehearse("run", SCENARIO)
    assert ran.code == 1, ran.output
    assert "mulesoft.api@lumen.example" in ran.output
    assert is_clear(ran)


def test_an_app_that_is_not_there_is_named_with_those_that_are(project: Example) -> None:
    project.change(project.scenario, "    app: MuleSoft Integration\n", "    app: MuleSoft Integrator\n")
    ran = project.rehearse("plan", SCENARIO)
    assert ran.code == 2, ran.output
    assert "MuleSoft Integration" in ran.output
    assert is_clear(ran)


def test_a_wrong_password_is_the_orgs_answer_with_a_remedy(example: Callable[[str], Example]) -> None:
    project = example("erp")
    (project.scenario.parent / "erp").mkdir()
    (project.scenario.parent / "erp" / ".env").write_text("SF_USERNAME=erp.sync@nordwind.example\n")
    org = open_org(project.org)
    try:
        with SandboxServer(org) as server:
            ready = server.ready
            admin, app = ready.users["admin"], ready.apps["Rehearsal Admin"]
            project.environ = dict.fromkeys(re.findall(r"env:(\w+)", project.scenario.read_text()), "any")
            project.environ |= {
                "KEY": app["consumer_key"],
                "SECRET": app["consumer_secret"],
                "PASSWORD": "not this one",
            }
            values = {"my_domain": ready.instance_url, "org_id": ready.org_id}
            sign_in = {"username": admin["username"], "flow": "username-password", "app": "Rehearsal Admin"}
            sign_in |= {"consumer_key": "env:KEY", "consumer_secret": "env:SECRET", "password": "env:PASSWORD"}
            lines = ["[orgs.uat]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
            lines += ["[orgs.uat.admin]", *(f"{key} = {json.dumps(value)}" for key, value in sign_in.items())]
            (project.folder / "rehearse.toml").write_text("\n".join(lines))
            ran = project.rehearse("plan", "scenarios/erp.scenario.yaml", "--org", "uat")
    finally:
        org.close()
    assert ran.code == 1, ran.output
    assert "invalid_grant" in ran.output
    assert admin["username"] in ran.output
    assert "not this one" not in ran.output
    assert is_clear(ran)


def test_a_plan_says_which_acceptances_meet_nothing(project: Example) -> None:
    project.change(project.scenario, "system ViewHelpLink]", "system ViewHelpLnk, system ModifyAllData]")
    ran = project.rehearse("plan", SCENARIO)
    assert ran.code == 4, ran.output
    idle = [line for line in ran.output.splitlines() if line.startswith(f"! {SCENARIO}:43:")]
    assert [line.partition("nothing is lost")[2] for line in idle] == [
        " that is called `system ViewHelpLnk`; did you mean `system ViewHelpLink`?",
        " that is called `system ModifyAllData`",
    ]


@pytest.mark.parametrize("command", ["resume", "rollback"])
def test_what_never_began_cannot_be_taken_up(project: Example, command: str) -> None:
    ran = project.rehearse(command, SCENARIO)
    assert ran.code == 2
    assert f"rehearse run {SCENARIO}" in ran.output
    assert not (project.folder / ".rehearse").exists()


def test_the_status_of_an_unknown_org_is_a_usage_error(project: Example) -> None:
    ran = project.rehearse("status", SCENARIO, "--org", "uat")
    assert ran.code == 2
    assert "no org named 'uat'" in ran.output
    assert project.rehearse("status", SCENARIO).output.startswith(f"{SCENARIO}: nothing was run in org simulated yet")
