from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.rehearsal.options import CassetteMode, Options, shown


def build(tmp_path: Path, **chosen: Any) -> Options:
    folders = {name: tmp_path / name for name in ("cassette_folder", "report_folder", "state_folder")}
    return Options.build(**{"root": tmp_path, "org": None, "sandbox": None, "cassettes": None, **folders, **chosen})


def test_by_default_the_simulated_org_is_replayed(tmp_path: Path) -> None:
    options = build(tmp_path)
    assert (options.org, options.cassettes, options.replays, options.durable) == ("simulated", "replay", True, False)


def test_two_orgs_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give one of them"):
        build(tmp_path, org="uat", sandbox=tmp_path / "ready.json", cassettes="off")


@pytest.mark.parametrize("named", [{"org": "uat"}, {"sandbox": Path("ready.json")}])
def test_a_named_org_needs_a_word_about_cassettes(tmp_path: Path, named: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--cassettes off"):
        build(tmp_path, **named)


@pytest.mark.parametrize(
    ("chosen", "durable"),
    [
        ({"cassettes": "off"}, False),
        ({"cassettes": "record"}, False),
        ({"cassettes": "off", "keep_state": True}, True),
        ({"cassettes": "off", "keep_state": True, "dry": True}, False),
        ({"cassettes": "off", "org": "uat"}, True),
        ({"cassettes": "record", "sandbox": Path("ready.json")}, True),
        ({"cassettes": "replay", "org": "uat"}, False),
    ],
)
def test_a_journal_is_kept_where_the_org_outlives_the_process(
    tmp_path: Path, chosen: dict[str, Any], durable: bool
) -> None:
    assert build(tmp_path, **chosen).durable is durable


def test_a_sandbox_does_not_share_a_folder_with_an_org_of_its_name(tmp_path: Path) -> None:
    mode: CassetteMode = "off"
    sandbox = build(tmp_path, sandbox=tmp_path / "uat.json", cassettes=mode)
    org = build(tmp_path, org="uat", cassettes=mode)
    assert sandbox.org_folder != org.org_folder
    assert sandbox.where == f"the sandbox of {tmp_path / 'uat.json'}"
    assert org.where == "org uat"


def test_paths_are_shown_as_the_user_would_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "reports" / "index.html") == Path("reports/index.html")
    assert shown(tmp_path.parent) == tmp_path.parent
