"""The limits of the org: what it says it may have, and what happens beyond it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import requests

from harness.sandbox import identity
from harness.sandbox.clock import START
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.usage import RollingCount, daily_requests
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.sandbox.switches import Switches, set_switches

from .conftest import API, Client


def test_what_is_used_is_gone_a_day_later(org: SandboxOrg) -> None:
    desk = Desk("http://x", daily_requests=2)
    desk.spend(org)
    org.clock.advance(23 * 3600)
    desk.spend(org)
    with pytest.raises(Exception, match=r"REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded\."):
        desk.spend(org)
    assert desk.spent(org) == 2
    org.clock.advance(2 * 3600)
    assert desk.spent(org) == 1
    desk.spend(org)


def test_a_rolling_count_loses_nothing() -> None:
    count = RollingCount()
    moments = [START + timedelta(minutes=number * 7) for number in range(1000)]
    for number, moment in enumerate(moments):
        count.add(moment)
        within = [one for one in moments[: number + 1] if one > moment - timedelta(hours=24, minutes=1)]
        assert abs(count.count(moment) - len(within)) <= 1


@pytest.mark.parametrize(
    ("edition", "expected"),
    [
        ("Developer Edition", 15_000),
        ("Enterprise Edition", 120_000),
        ("Unlimited Edition", 200_000),
        ("Team Edition", 100_000),
    ],
)
def test_editions_and_licenses_make_the_limit(org: SandboxOrg, edition: str, expected: int) -> None:
    org.update_row("Organization", org.org_id, {"OrganizationType": edition})
    assert daily_requests(org) == expected


def test_integration_licenses_count_if_the_switch_says_so(org: SandboxOrg) -> None:
    org.switches = set_switches(Switches(), ["integration-licenses-add-requests=on"])
    assert daily_requests(org) == 140_000


def test_no_request_is_answered_beyond_the_limit(
    org: SandboxOrg, connect: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Desk, "allowed", lambda _desk, _org: 10)
    admin = connect("admin")
    shown = [admin.get("recent").headers["Sforce-Limit-Info"] for _ in range(10)]
    assert shown == [f"api-usage={number}/10" for number in range(1, 11)]
    refused = admin.get("limits")
    assert refused.status_code == 403
    assert refused.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=10/10"
    assert admin.get("/services/data").status_code == 200
    org.clock.advance(25 * 3600)
    assert connect("admin").get("limits").json()["DailyApiRequests"] == {"Max": 10, "Remaining": 9}


def test_batches_count_every_part(admin: Client) -> None:
    def left() -> int:
        return int(admin.get("limits").json()["DailyApiRequests"]["Remaining"])

    before = left()
    parts = [{"method": "GET", "url": "v67.0/limits"}] * 3
    shown = admin.post("composite/batch", {"batchRequests": parts}).json()["results"]
    assert [one["result"]["DailyApiRequests"]["Remaining"] for one in shown] == [before - 2, before - 3, before - 4]
    assert left() == before - 5
    composite = [{"method": "GET", "url": "/services/data/v67.0/sobjects", "referenceId": f"r{one}"} for one in "abc"]
    admin.post("composite", {"compositeRequest": composite})
    assert left() == before - 7


def test_limits_depend_on_the_version_and_move(admin: Client) -> None:
    now = admin.get("limits").json()
    assert list(now) == sorted(now)
    assert {"DailyBulkV2QueryJobs", "DataStorageMB", "SingleEmail", "DailyAsyncApexTests"} <= set(now)
    assert all(set(one) >= {"Max", "Remaining"} for one in now.values())
    old = admin.get("/services/data/v43.0/limits").json()
    assert "DailyBulkApiRequests" in old
    assert not {"DailyBulkApiBatches", "DailyBulkV2QueryJobs", "DailyAsyncApexTests"} & set(old)
    before = now["PermissionSets"]
    admin.post("sobjects/PermissionSet", {"Name": "P", "Label": "P"})
    after = admin.get("limits").json()["PermissionSets"]
    assert after["Remaining"] == before["Remaining"] - 1
    assert after["CreateCustom"]["Remaining"] == before["CreateCustom"]["Remaining"] - 1


def test_a_desk_knows_its_limit_once_asked(org: SandboxOrg) -> None:
    desk = Desk("http://x")
    assert (desk.allowed(org), desk.spent(org)) == (120_000, 0)
    assert isinstance(org.clock.peek(), datetime)


def test_somebody_else_says_what_the_limit_is(org: SandboxOrg, user_ids: dict[str, str]) -> None:
    token = identity.sign_in(
        org, org.rows("User", Id=user_ids["erp"])[0], identity.Login(type="T", application="T")
    ).token
    adapter = InProcess(org, daily_requests=1)
    with requests.Session() as http:
        http.mount(adapter.instance_url, adapter)
        http.headers["Authorization"] = f"Bearer {token}"
        statuses = [http.get(f"{adapter.instance_url}{API}").status_code for _ in range(2)]
    assert statuses == [200, 403]
