"""What a host says about the org behind it."""

from __future__ import annotations

import pytest

from harness.org.hosts import IN_WORDS, MAY_BE_WRITTEN, Claim, claim_of, in_words

MAY_BE = {
    "https://acme--dev.sandbox.my.salesforce.com": {"sandbox"},
    "https://ACME--Dev.Sandbox.My.Salesforce.Com": {"sandbox"},
    "https://acme--dev.sandbox.my.salesforce.com.": {"sandbox"},
    "https://acme--dev.sandbox.my.salesforce.mil": {"sandbox"},
    "https://acme--dev.my.salesforce.com": {"sandbox"},
    "https://acme--dev.cs42.my.salesforce.com": {"sandbox"},
    "https://brave-otter-1-dev-ed.scratch.my.salesforce.com": {"scratch"},
    "https://brave-otter-1-dev-ed.cs42.my.salesforce.com": {"sandbox", "scratch"},
    "https://test.salesforce.com/id/00D/005": {"sandbox", "scratch"},
    "http://127.0.0.1:8080": {"simulated"},
    "http://[::1]:8080": {"simulated"},
    "http://localhost": {"simulated"},
    "https://org.my.salesforce.example": set(MAY_BE_WRITTEN),
}
NEVER = (
    "https://acme.my.salesforce.com",
    "https://acme-dev-ed.develop.my.salesforce.com",
    "https://clever-fox.trailblaze.my.salesforce.com",
    "https://acme.demo.my.salesforce.com",
    "https://acme.free.my.salesforce.com",
    "https://acme.patch.my.salesforce.com",
    "https://acme.na139.my.salesforce.com",
    "https://acme--dev.na139.my.salesforce.com",
    "https://acme--dev.unheard.my.salesforce.com",
    "https://login.salesforce.com/id/00D/005",
    "https://acme--dev.sandbox.my.salesforce.com.evil.io",
    "https://acme--dev.sandbox.my-salesforce.com",
    "https://test.salesforce.com.evil.io",
    "https://acme.lightning.force.com",
    "https://acme--dev.sandbox.lightning.force.com",
    "https://127.0.0.1.evil.io",
    "https://10.0.0.1",
    "https://example",
    "/id/00D/005",
    "",
)


@pytest.mark.parametrize("url", MAY_BE)
def test_a_host_that_may_be_written_to(url: str) -> None:
    assert claim_of(url) == MAY_BE[url]


@pytest.mark.parametrize("url", NEVER)
def test_a_host_that_may_not(url: str) -> None:
    assert not claim_of(url) & MAY_BE_WRITTEN


def test_every_kind_has_words() -> None:
    assert in_words(frozenset(IN_WORDS)).endswith("or a patch org")
    assert in_words(frozenset()) == "no org of Salesforce"
    one: Claim = frozenset({"trial"})
    assert in_words(one) == "a trial org"
