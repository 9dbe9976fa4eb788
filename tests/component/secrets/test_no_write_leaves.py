"""A production or trial org gets no write: not one request beyond the sign-ins and the question what it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import trustme

from tests.component.secrets import commands
from tests.component.secrets.world import FILE, open_world

READS_BY_POST = {"POST /services/oauth2/token"}


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(None, id="production"),
        pytest.param("2026-02-01T10:00:00.000+0000", id="trial", marks=pytest.mark.long),
    ],
)
def test_an_org_that_is_no_sandbox_gets_no_write(tmp_path: Path, trial: str | None) -> None:
    with open_world(tmp_path, trustme.CA()) as world:
        (row,) = world.org.rows("Organization")
        world.org.update_row("Organization", row["Id"], {"IsSandbox": False, "TrialExpirationDate": trial})
        given = [["run", FILE, "--org", "uat"], ["pytest", FILE, "--org", "uat", "--cassettes", "off"]]
        world.environ["PIECES"] = json.dumps({})
        ran = world.run(commands.__file__, json.dumps(given))
    as_command, as_tests = ran.text.split("$ pytest")
    assert "exit code 4" in as_command
    assert "is not a sandbox" in ran.err.decode()
    assert "exit code 1" in as_tests
    assert "is not a sandbox" in as_tests
    assert not re.search(r"\d passed", as_tests)
    assert world.witness.asked, "the org was asked nothing at all"
    writes = [each for each in world.witness.asked if not each.startswith("GET ") and each not in READS_BY_POST]
    assert writes == []
