"""A site that cannot be right is refused when it is made."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.org.ids import is_id_18, to_18
from harness.org.site import Site

ORG_ID = to_18("00D000000000001")
MY_DOMAIN = "https://acme--dev.sandbox.my.salesforce.com"


def test_ids_carry_a_checksum_of_their_upper_case_letters() -> None:
    assert to_18("00D1w0000007ukY") == "00D1w0000007ukYEAQ"
    assert to_18("00e1a000000MWaT") == "00e1a000000MWaTAAW"
    assert to_18("00e1a000000MWaTAAW") == "00e1a000000MWaTAAW"
    assert is_id_18("00e1a000000MWaTAAW", "00e")
    assert not is_id_18("00e1a000000MWatAAW")
    assert not is_id_18("00e1a000000MWaTAAW", "00D")


def test_a_sandbox() -> None:
    site = Site("dev", f"{MY_DOMAIN}/", ORG_ID)
    assert site.url == MY_DOMAIN
    assert site.host == "acme--dev.sandbox.my.salesforce.com"
    assert site.data_path == "/services/data/v67.0"
    assert not site.on_loopback
    assert not site.is_plain


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_plain_http_is_for_the_loopback(url: str) -> None:
    assert Site("simulated", url, ORG_ID).is_plain


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": "http://acme.my.salesforce.com"}, "plain http"),
        ({"url": "http://127.0.0.1.example.com"}, "plain http"),
        ({"url": "acme.my.salesforce.com"}, "not the URL of an org"),
        ({"url": f"{MY_DOMAIN}/lightning"}, "not the URL of an org"),
        ({"org_id": "00D000000000001"}, "18-character"),
        ({"org_id": "00D000000000001EAB"}, "18-character"),
        ({"api_version": "67"}, "no API version"),
    ],
)
def test_what_cannot_be_right(changed: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Site(**{"name": "dev", "url": MY_DOMAIN, "org_id": ORG_ID, **changed})
    assert "dev" in str(caught.value)
    assert caught.value.remedy
