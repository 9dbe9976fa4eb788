"""`rehearse cassette verify`: what was recorded is clean, and whatever is planted in it is found."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import GuardRefused, UsageError
from harness.recording.filing import as_json
from harness.recording.filing.files import load, pack
from tests.component.inspecting.conftest import cassette

ROOT = Path(__file__).parents[3]


def test_what_a_recording_wrote_is_clean(folder: Path) -> None:
    verified = cassette("verify")
    assert (verified.return_value, verified.output) == (0, "1 file, 6 interactions, 0 findings\n")
    pack_it(folder)
    for paths in ([], [folder], [folder / "erp"], [folder / "erp" / "verify.json.gz"]):
        verified = cassette("verify", *paths)
        assert (verified.return_value, verified.output) == (0, "1 file, 6 interactions, 0 findings\n")


def pack_it(folder: Path) -> Path:
    """Keep the recording in the other format."""
    path = folder / "erp" / "verify.yaml"
    loaded = load(path)
    text = as_json.write({"version": 1, "metadata": loaded.metadata, "interactions": loaded.interactions()})
    path.unlink()
    packed = path.with_name("verify.json.gz")
    packed.write_bytes(pack(text))
    return packed


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIzTVZHOSJ9.c2lnbmF0dXJlLWhlcmU"
SESSION = f"00D5f000000abcd!AQ{secrets.token_hex(20)}"
PLANTED: dict[str, tuple[str, str, str, int | None]] = {
    # what is planted: the text it is put in place of, what is put there, what is found, in which interaction
    "token": ("'Nmae' on entity", f"{SESSION} on entity", "holds what looks like a session id", 3),
    "web-token": ("'Nmae' on entity", f"{JWT} on entity", "holds what looks like a JSON Web Token", 3),
    "address": ('"InstanceName": "CS1"', '"InstanceName": "eva.weber@acme.com"', "holds an e-mail address outside", 4),
    "ip": ('"InstanceName": "CS1"', '"InstanceName": "81.14.202.7"', "holds an IP address outside the ranges", 4),
    "host": ('"InstanceName": "CS1"', '"InstanceName": "acme--uat.sandbox.my.salesforce.com"', "the host of an org", 4),
    "in-base-64": (
        '"InstanceName": "CS1"',
        '"InstanceName": "MDBENWYwMDAwMDBhYmNkIUFRRUFRSjBsVDN4S3o5cVZuQjdtVzJyWWM4dUhzNmRGZzQ="',
        "holds what looks like a session id",
        4,
    ),
    "token-not-blanked": (
        '"access_token": "REDACTED"',
        '"access_token": "opaque"',
        "is not as a recording keeps it",
        1,
    ),
    "unknown-key": ('"totalSize": 2,', '"totalSize": 2, "mobile": "x",', "mobile is not on the allow-list", 2),
    "more-in-a-sign-in": (
        '"token_type": "Bearer"',
        '"token_type": "Bearer", "x": 1',
        "is not as a recording keeps it",
        1,
    ),
    "password-not-blanked": ("password=REDACTED", "password=sesame", "the request is not as a recording keeps it", 1),
    "unknown-resource": (
        "/query/?q=SELECT+Nmae",
        "/vault/?q=SELECT+Nmae",
        "is a resource that is not on the allow-list",
        3,
    ),
    "in-the-path": ("/query/?q=SELECT+Nmae", "/vault/eva.weber@acme.com?q=x", "holds an e-mail address", 3),
    "object-in-row": (
        '"InstanceName": "CS1"',
        '"InstanceName": {"deep": 1}',
        "whose keys are not on the allow-list",
        4,
    ),
    "more-of-a-describe": (
        '"keyPrefix": "001",',
        '"keyPrefix": "001", "urls": {"x": "y"},',
        "is not as a recording keeps",
        6,
    ),
    "metadata": ("org_name: simulated", "org_name: eva.weber@acme.com", "the metadata holds an e-mail address", None),
    "comment": (
        "interactions:\n",
        f"interactions:\n# {SESSION}\n",
        "the text holds what looks like a session id",
        None,
    ),
    "unknown-fact": ("  live: 'no'\n", "  live: 'no'\n  note: hello\n", "nothing is known of its note", None),
    "another-host": (
        "https://org.my.salesforce.example/services/data/v67.0/composite\n",
        "https://evil.example/x\n",
        "the URI",
        None,
    ),
    "damaged": ("method: GET", "method: [GET", "it is no YAML", None),
}


NO_SUCH = {("comment", "packed"), ("another-host", "packed"), ("damaged", "packed")}
"""There is no such thing in JSON, or it is refused before it could be packed."""


@pytest.mark.parametrize(
    ("what", "form"), [(what, form) for what in PLANTED for form in ("yaml", "packed") if (what, form) not in NO_SUCH]
)
def test_what_is_planted_is_found_and_not_repeated(folder: Path, what: str, form: str) -> None:
    path = folder / "erp" / "verify.yaml"
    old, new, message, interaction = PLANTED[what]
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    if form == "packed":
        path = pack_it(folder)
    found = cassette("verify")
    assert found.return_value == GuardRefused.exit_code == 4
    [line, *_] = found.output.splitlines()
    number = rf"interaction {interaction} \((?:GET|POST) /services/\S+\): " if interaction else ""
    assert re.match(rf"{re.escape(str(path))}:\d+: {number}", line), line
    assert message in found.output
    assert line_holds(path, line, new) if form == "yaml" and interaction else True
    for value in (SESSION, JWT, "eva.weber", "81.14", "acme--uat", "sesame", "opaque", "MDBE"):
        assert value not in found.output


def line_holds(path: Path, told: str, planted: str) -> bool:
    """Whether the line is the planted one, or that of the beginning of its interaction."""
    line = path.read_text("utf-8").splitlines()[int(told.split(":")[1]) - 1]
    return planted.splitlines()[0] in line or line == "- request:"


def test_addresses_that_the_scenario_names_are_public(folder: Path) -> None:
    path = folder / "erp" / "verify.yaml"
    path.write_text(path.read_text("utf-8").replace("admin@acme.example", "admin@acme.com.uat"), "utf-8")
    assert "holds an e-mail address" in cassette("verify").output
    Path("deep").mkdir()
    Path("deep/erp.scenario.yaml").write_text("from: {username: admin@acme.com.uat}\n")
    assert cassette("verify").return_value == 0


def test_what_should_not_lie_there_is_found(folder: Path) -> None:
    (folder / "erp" / ".plan.yaml.0a1b2c3d").write_text("half")
    assert "erp/.plan.yaml.0a1b2c3d: a recording that was killed left this file; remove it" in cassette("verify").output
    (folder / "erp" / ".plan.yaml.0a1b2c3d").unlink()
    (folder / "erp" / "verify.json.gz").write_bytes(b"")
    assert cassette("verify").output.count("two cassettes for one stage: verify.yaml and verify.json.gz") == 2
    (folder / "erp" / "verify.json.gz").unlink()
    (folder / "allow.yaml").write_text("allow: 1\nresurces: []\n")
    found = cassette("verify", folder)
    assert found.return_value == 4
    assert found.output.count(f"{folder}/allow.yaml:2: resurces: unknown key 'resurces'") == 1


def test_what_the_users_list_allows_is_allowed(folder: Path) -> None:
    path = folder / "erp" / "verify.yaml"
    path.write_text(path.read_text("utf-8").replace("/query/?q=SELECT+Nmae", "/vault/?q=SELECT+Nmae"), "utf-8")
    assert cassette("verify").return_value == 4
    (folder / "allow.yaml").write_text("allow: 1\nresources:\n  - path: /services/data/{version}/vault\n    json: {}\n")
    listed = cassette("verify")
    (folder / "allow.yaml").write_text(
        "allow: 1\nresources:\n  - path: /services/data/{version}/vault/\n    json: {}\n"
    )
    assert (listed.return_value, cassette("verify").return_value) == (4, 0)


def test_the_findings_as_json(folder: Path) -> None:
    path = folder / "erp" / "verify.yaml"
    path.write_text(path.read_text("utf-8").replace('"CS1"', '"eva.weber@acme.com"'), "utf-8")
    found = cassette("verify", "--json")
    told = json.loads(found.output)
    assert found.return_value == 4
    assert (told["files"], told["interactions"]) == (1, 6)
    [finding] = told["findings"]
    assert finding.pop("line") > 100
    assert finding == {
        "file": "cassettes/erp/verify.yaml",
        "what": "holds an e-mail address outside the domains for examples",
        "interaction": 4,
        "request": "GET /services/data/v67.0/query/",
    }


@pytest.mark.parametrize("name", ["nowhere", "mutation.json", "notes.txt"])
def test_what_is_no_cassette_is_a_mistake_of_usage(folder: Path, name: str) -> None:
    if name != "nowhere":
        (folder / name).touch()
    error = cassette("verify", folder / name).exception
    assert isinstance(error, UsageError)
    assert name in str(error)


def test_the_hook_runs_this_command_on_files_that_it_takes(folder: Path) -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["entry"], hook["language"]) == ("rehearse-cassettes", "rehearse cassette verify", "python")
    takes: Callable[[str], Any] = re.compile(hook["files"]).search
    packed = pack_it(folder)
    (folder / "allow.yaml").write_text("allow: 1\n")
    for path in (packed, folder / "allow.yaml", folder / "erp" / "verify.yaml"):
        assert takes(path.as_posix())
    for name in (
        "cassettes/erp/mutation.json",
        "scenarios/erp.scenario.yaml",
        "docs/cassettes.md",
        "cassettes/.x.yaml",
    ):
        assert not takes(name)
    assert cassette("verify", packed, folder / "allow.yaml").return_value == 0
