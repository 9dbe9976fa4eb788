"""Every kind of mistake in `rehearse.toml` is said with its file, its line and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.rehearsal.config import find_org

FIRST = """\
[orgs.dev]
my_domain = "https://acme--dev.sandbox.my.salesforce.com"
org_id = "00D000000000002EAA"

[orgs.dev.admin]
username = "admin@acme.example.dev"
flow = "soap-login"
password = "env:DEV_PASSWORD"

"""
SECOND = """\
[orgs.uat]
my_domain = "https://acme--uat.sandbox.my.salesforce.com"
org_id = "00D000000000001EAA"

[orgs.uat.admin]
username = "admin@acme.example.uat"
flow = "jwt-bearer"
app = "Rehearsal Admin"
consumer_key = "env:UAT_CONSUMER_KEY"
private_key = "file:~/keys/uat.pem"
"""
UAT = FIRST.count("\n") + 1
"""The line of `[orgs.uat]`: what is said of this org must not name a line of the first."""


def refusal(folder: Path, text: str, *, name: str = "uat", file: str = "rehearse.toml") -> UsageError:
    (folder / file).write_text(text)
    with pytest.raises(UsageError) as caught:
        find_org(name, folder)
    assert caught.value.remedy
    assert caught.value.place
    assert caught.value.place.file == str(folder / file)
    return caught.value


def test_an_org_is_read_with_its_admin_from_a_folder_above(tmp_path: Path) -> None:
    text = FIRST + SECOND.replace("\n\n", '\nca_bundle = "keys/ca.pem"\n\n')
    (tmp_path / "rehearse.toml").write_text(text)
    (tmp_path / "a" / "b").mkdir(parents=True)
    org = find_org("uat", tmp_path / "a" / "b")
    assert (org.name, org.admin_username, org.admin_sign_in.flow) == ("uat", "admin@acme.example.uat", "jwt-bearer")
    assert org.org.api_version == "67.0"
    assert org.ca_bundle == (tmp_path / "keys" / "ca.pem").resolve()
    assert org.folder == tmp_path


def test_an_org_is_read_from_pyproject_unless_that_has_none(tmp_path: Path) -> None:
    (tmp_path / "rehearse.toml").write_text(FIRST)
    below = tmp_path / "below"
    below.mkdir()
    project = below / "pyproject.toml"
    project.write_text("[project]\nname = 'x'\n")
    assert find_org("dev", below).file == tmp_path / "rehearse.toml"
    project.write_text(FIRST.replace("[orgs.", "[tool.rehearse.orgs."))
    assert find_org("dev", below).file == project


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            "https://acme--uat.sandbox.my.salesforce.com",
            "http://acme.my.salesforce.com",
            1,
            "my_domain: is no My Domain",
        ),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://acme.example/services", 1, "nothing after it"),
        ("00D000000000001EAA", "00D000000000001", 2, "all 18 characters"),
        ('"00D000000000001EAA"', "5", 2, "org_id: Input should be a valid string"),
        ('org_id = "00D000000000001EAA"\n', "", 0, "org_id: is missing"),
        ("org_id", "org_di", 2, "did you mean 'org_id'?"),
        ("org_id =", "zzz = 1\norg_id =", 2, "known keys: my_domain"),
        ("org_id =", 'api_version = "67"\norg_id =', 2, 'api_version = "67.0"'),
        ("org_id =", "ca_bundle = 5\norg_id =", 2, "a PEM file"),
        ("[orgs.uat.admin]", "[orgs.uat.admn]", 4, "did you mean 'admin'?"),
        ('username = "admin@acme.example.uat"\n', "", 4, "username is missing"),
        ("admin@acme.example.uat", "admin", 5, "a Salesforce username"),
        ('flow = "jwt-bearer"\n', "", 4, "flow: is missing"),
        ("jwt-bearer", "jwt", 6, "jwt-bearer, username-password"),
        ('"Rehearsal Admin"', "5", 7, "app: Input should be a valid string"),
        ("env:UAT_CONSUMER_KEY", "a-plain-value", 8, "env:NAME, file:PATH or keyring:SERVICE/NAME"),
        ("private_key", "private_ky", 9, "did you mean 'private_key'?"),
        ('private_key = "file:~/keys/uat.pem"\n', "", 4, "private_key: is missing"),
    ],
)
def test_a_mistake_is_said_where_it_stands(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert SECOND.count(old) == 1
    error = refusal(tmp_path, FIRST + SECOND.replace(old, new))
    assert error.place
    assert error.place.line == UAT + line
    assert words in str(error)
    assert "[orgs.uat" in str(error)
    assert "a-plain-value" not in str(error), "what was written for a secret may be one"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("org_id = = 1\n", 1, "not valid TOML: Invalid value"),
        ("x = 1\n", 1, "unknown key 'x'"),
        ("\norgs = 1\n", 2, "`orgs` must be a table of orgs"),
        ("[orgs]\nuat = 3\n", 2, "[orgs.uat] must be a table"),
        ("[orgs.uta]\n", None, "did you mean 'uta'?"),
        ("[orgs.production]\n", None, "configured are: production"),
        ("", None, "configured are: none"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    error = refusal(tmp_path, text)
    assert error.place
    assert error.place.line == line
    assert words in str(error)


@pytest.mark.parametrize("text", ["[tool.rehearse]\nx = 1\n", "[tool]\nrehearse = 1\n", "[tool.rehearse]\norgs = 1\n"])
def test_a_table_of_pyproject_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    error = refusal(tmp_path, text, file="pyproject.toml")
    assert "[tool.rehearse.orgs.NAME]" in str(error)
    assert error.place
    assert error.place.line == 2


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rehearse.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        find_org("uat", tmp_path)


def test_without_a_configuration_it_is_said_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"write \[orgs.uat\] into rehearse.toml"):
        find_org("uat", tmp_path)
