"""A real org's metadata: the places that test `$Profile.Name` are found, and nothing else is taken for one."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from harness.references.model import Subject
from harness.references.project import ProjectScan, scan_project

ORG = Path(__file__).parents[4] / "shared" / "orgs" / "gsa-workspace"
PLACES = 14

pytestmark = pytest.mark.skipif(not ORG.is_dir(), reason="the real org's metadata does not lie beside the project")


def scan(profile: str) -> ProjectScan:
    subject = Subject(username="grex.sync@agency.example", profile=profile, new_profile="Minimum Access")
    return scan_project(ORG, subject, shown="gsa")


def by_reading() -> list[str]:
    """The places as a plain search of the text finds them, one for each time that it stands there."""
    found = []
    for file in sorted(ORG.rglob("*.xml")):
        lines = file.read_text("utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            places = len(re.findall(r"\$Profile\.Name", line))
            found += [f"gsa/{file.relative_to(ORG).as_posix()}:{number}"] * places
    return found


def test_every_test_of_the_profiles_name_is_found_in_its_line() -> None:
    started = time.process_time()
    found = scan("G-REX Integration")
    assert time.process_time() - started < 10, "thousands of files take a second or two"
    expected = by_reading()
    assert len(expected) == PLACES
    assert sorted(hit.where for hit in found.hits if hit.says.startswith("$Profile")) == sorted(expected)
    assert found.not_read == ()
    assert found.looked_at["ValidationRule"] == 164
    assert sum(found.looked_at.values()) > 7000


def test_they_break_for_who_has_a_profile_that_they_name_and_for_nobody_else() -> None:
    """A third rule names that profile and is switched off."""
    own = [hit for hit in scan("G-REX Integration").hits if hit.says.startswith("$Profile")]
    assert {hit.when for hit in own} == {()}
    named = [hit for hit in scan("AAAP Customer Portal").hits if "AAAP Customer Portal" in hit.says and hit.when]
    assert {hit.line for hit in named} == {
        "ValidationRule Account.Lock_Account_Name_Changes_via_Community",
        "CustomField PBS_AAAP_RLP__c.RLP_NAME__c",
    }
