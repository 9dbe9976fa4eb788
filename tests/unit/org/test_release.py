"""Which release an org runs: the label of its newest API version, where it says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.org.release import release_of
from tests.unit.fake_org import FakeOrg, Told

VERSIONS = [
    {"label": "Winter '26", "url": "/services/data/v65.0", "version": "65.0"},
    {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"},
    {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"},
]


def test_the_newest_version_s_label_is_the_release_and_nobody_signs_in(fake_org: FakeOrg) -> None:
    fake_org.on("GET", "/services/data/", lambda _: Told(200, VERSIONS))
    assert release_of(fake_org.site) == "Winter '27"
    [asked] = fake_org.asked
    assert "authorization" not in {name.lower() for name in asked.headers}


@pytest.mark.parametrize(
    "told",
    [
        Told(404, [{"errorCode": "NOT_FOUND", "message": "no"}]),
        Told(200, []),
        Told(200, {"versions": VERSIONS}),
        Told(200, [{"version": "next"}, "Winter"]),
        Told(503, VERSIONS),
    ],
    ids=["refused", "none", "another shape", "no versions", "down"],
)
def test_an_org_that_does_not_say_has_none(fake_org: FakeOrg, told: Told) -> None:
    fake_org.on("GET", "/services/data/", lambda _: told)
    assert release_of(fake_org.site) is None


def test_an_org_that_does_not_answer_has_none(fake_org: FakeOrg) -> None:
    assert release_of(replace(fake_org.site, url="http://127.0.0.1:1")) is None
