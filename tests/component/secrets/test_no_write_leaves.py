"""A production or trial org gets no write: not one request beyond the sign-ins and the question what it is."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.component.secrets.conftest import SCENARIO, Watched

READ_BY_POST = {"/services/oauth2/token"}


def writes(watched: Watched) -> list[str]:
    """Every request the org got that is not known to be a read."""
    request = urllib.request.Request(
        watched.ready.control["url"] + "/requests",
        headers={"Authorization": f"Bearer {watched.ready.control['token']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        asked = json.load(answer)["requests"]
    assert asked, "the org was asked nothing at all"
    return [
        f"{each['method']} {each['path']}"
        for each in asked
        if each["method"] != "GET" and each["path"] not in READ_BY_POST
    ]


@pytest.mark.parametrize("trial", [None, "2026-02-01T10:00:00.000+0000"], ids=["production", "trial"])
def test_an_org_that_is_no_sandbox_gets_no_write(live: Watched, trial: str | None) -> None:
    (row,) = live.org.rows("Organization")
    live.org.update_row("Organization", row["Id"], {"IsSandbox": False, "TrialExpirationDate": trial})
    ran = live.project.rehearse("run", SCENARIO, "--org", "uat")
    assert ran.code == 4, ran.output
    assert "is not a sandbox" in ran.output
    items = live.project.pytest("scenarios", "--org", "uat", "--cassettes", "off")
    assert items.code == 1
    assert "is not a sandbox" in items.output
    assert "passed" not in items.outcomes
    assert writes(live) == []
