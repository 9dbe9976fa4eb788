"""`rehearse cassette show`: a recording as people read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import rehearse
from harness.errors import RecordingError, UsageError
from harness.recording.filing import as_json
from harness.recording.filing.files import load, pack
from tests.component.inspecting.conftest import cassette
from tests.unit.recording.shelf import asked, put, told

GOLD = """\
cassettes/erp/verify.yaml
  from a: simulated sandbox
  of an org that lives: no
  API version: 67.0
  org: simulated
  org id: 00DRiS1ciJKHSs3MRH
  admin: admin@acme.example
  signed in by: username-password
  recorded by rehearse: 0.1.0
  scenario digest: 5f25494de87d5f25494de87d5f25494de87d5f25494de87d5f25494de87d
  depends on: expect.denials[0], from.username
  6 interactions, 0 readings of the clock

  1  admin@acme.example
     POST /services/oauth2/token
       client_id=REDACTED client_secret=REDACTED grant_type=password password=REDACTED username=admin@ac...
     200 signed in

  2  admin@acme.example
     GET /services/data/v67.0/query/
       SELECT Id, Username
       FROM User
       WHERE IsActive = true
       ORDER BY Username
       LIMIT 2
     200 2 rows: 005RiS1ciJKHSs3IRH, 005RiS1ciJKHSs6IRH

  3  admin@acme.example
     GET /services/data/v67.0/query/
       SELECT Nmae
       FROM Account
     400 INVALID_FIELD: SELECT Nmae FROM Account ^ ERROR at Row:1:Column:8 No such column 'Nmae' on entity...

  4  admin@acme.example
     GET /services/data/v67.0/query/
       SELECT Id, Name, InstanceName, IsSandbox, OrganizationType, TrialExpirationDate
       FROM Organization
     200 1 row: 00DRiS1ciJKHSs3MRH

  5  admin@acme.example
     POST /services/data/v67.0/composite
       r0
         POST /services/data/v67.0/composite/sobjects
           {"allOrNone": false, "records": [{"attributes": {"type": "Account"}, "Name": "Weber Steel"}, {"at...
         200 1 row saved: 001RiS1ciJKHSs3IRH; 1 row refused: INVALID_FIELD
     200 1 answer

  6  admin@acme.example
     POST /services/data/v67.0/composite
       r0
         GET /services/data/v67.0/sobjects/Account/describe
         200 Account with 16 fields
       r1
         GET /services/data/v67.0/sobjects/Nothing__c/describe
         404 NOT_FOUND: The requested resource does not exist
     200 2 answers
"""


def test_a_recording_reads_as_a_conversation(folder: Path) -> None:
    shown = cassette("show", folder / "erp" / "verify.yaml")
    assert shown.return_value == 0
    assert shown.output == GOLD


def test_both_formats_and_a_folder_show_the_same(folder: Path) -> None:
    path = folder / "erp" / "verify.yaml"
    loaded = load(path)
    text = as_json.write({"version": 1, "metadata": loaded.metadata, "interactions": loaded.interactions()})
    (folder / "erp" / "grant.json.gz").write_bytes(pack(text))
    packed = GOLD.replace("verify.yaml", "grant.json.gz")
    assert cassette("show", folder / "erp" / "grant.json.gz").output == packed
    assert cassette("show", folder).output == f"{packed}\n{GOLD}"
    assert cassette("show", folder / "erp", "--stage", "grant").output == packed


def test_one_interaction_is_shown_whole(folder: Path) -> None:
    shown = cassette("show", folder / "erp" / "verify.yaml", "--only", "5", "--body", "full").output
    assert shown.startswith(GOLD.partition("\n\n")[0])
    lines = shown.partition("\n\n")[2].splitlines()
    assert lines[:2] == ["  5  admin@acme.example", "     POST /services/data/v67.0/composite"]
    assert '     |  "compositeRequest": [' in lines
    assert lines.index("     200 1 answer") < lines.index('     |  "compositeResponse": [')
    assert "  4  admin" not in shown


def test_what_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(UsageError, match="has 6 interactions, and none has the number 7"):
        cassette_("show", folder / "erp", "--only", "7")
    with pytest.raises(UsageError, match=r"cassettes/erp/retire.yaml is no cassette"):
        cassette_("show", folder / "erp", "--stage", "retire")
    with pytest.raises(UsageError, match="nowhere is no cassette"):
        cassette_("show", folder / "nowhere")
    (folder / "erp" / "verify.yaml").write_text("version: 1\nmetadata: 5\n")
    with pytest.raises(RecordingError, match=r"cassettes/erp/verify.yaml:2: the cassette cannot be read"):
        cassette_("show", folder)


def cassette_(*arguments: str | Path) -> None:
    error = cassette(*arguments).exception
    assert error is not None
    raise error


def test_a_terminal_obeys_nothing_that_a_cassette_says(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2Jx\u202etxt.exe\u2066\r"
    put(tmp_path / "plan.yaml", (asked(body=hostile), told(f"[{hostile}")), (asked("%1B[2J%E2%80%AEx"), told()))
    for body in ("short", "full"):
        shown = cassette("show", tmp_path / "plan.yaml", "--body", body).output
        assert "]0;owned[2Jxtxt.exe" in shown
        assert "FROM [2Jx" in shown
        assert [each for each in shown if not each.isprintable() and each != "\n"] == []


def test_colour_is_for_terminals(folder: Path) -> None:
    command = ["cassette", "show", str(folder / "erp" / "verify.yaml")]
    assert "\x1b[32m200\x1b[0m signed in" in CliRunner().invoke(rehearse, command, color=True).output
    assert "\x1b" not in CliRunner().invoke(rehearse, command).output
