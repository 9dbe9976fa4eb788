"""The population file: strict, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.population import read_population

GOOD = """\
users:
  - {username: admin@acme.example, name: Ada Admin, profile: System Administrator, as: admin}
records:
  - object: Order
    rows:
      first: {EffectiveDate: 2026-01-05, AccountId: {ref: acme}}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sandbox.yaml"
    path.write_text(text)
    return path


def test_dates_stay_what_was_written(tmp_path: Path) -> None:
    population = read_population(written(tmp_path, GOOD))
    assert population.records[0].rows["first"]["EffectiveDate"] == "2026-01-05"
    assert population.users[0].as_ == "admin"
    assert population.settings.soap_login


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        (GOOD.replace("as: admin", "ass: admin"), 2, "users.0.ass: Extra inputs are not permitted"),
        (GOOD.replace("    rows:", "    row:"), 5, "records.0.row: Extra inputs"),
        (GOOD + "users: []\n", 7, "the key users is there twice"),
        (GOOD.replace("admin@acme.example", "admin"), 2, "users.0.username: String should match"),
        ("users: &all []\nrecords: *all\n", 1, "aliases are not allowed"),
        ("users: !!python/none []\n", 1, "tags such as"),
        ("users: []\n", 1, "users: Tuple should have at least 1 item"),
        (GOOD.replace("as: admin", "as: boss"), 1, "one of the users must be `as: admin`"),
        (GOOD + "licenses: {Salesforce: -1}\n", 7, "licenses.Salesforce: Input should be greater than or equal to 0"),
        ("users: [", 1, "parsing|expected"),
        ("[1, 2]", 1, "should be a valid dictionary"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint) as caught:
        read_population(written(tmp_path, text))
    if complaint != "parsing|expected":
        assert str(caught.value).startswith(f"{tmp_path / 'sandbox.yaml'}:{line}:")


def test_two_users_may_not_have_one_name(tmp_path: Path) -> None:
    twice = GOOD.replace("records:", "  - {username: b@acme.example, name: B, profile: X, as: admin}\nrecords:")
    with pytest.raises(SourceError, match="two users are called admin"):
        read_population(written(tmp_path, twice))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_population(tmp_path / "none.yaml")
