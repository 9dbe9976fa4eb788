"""The rules before every session: lockout, addresses, hours, rates, expired passwords, and what the history says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from harness.sandbox import apps, identity
from harness.sandbox.http.oauth import JWT_GRANT
from harness.sandbox.identity import Login, LoginRefused
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer

from .conftest import USERNAMES, Client
from .sign_in_desk import Browser, password_form, refusal, sign, statuses

FAILURE = ("invalid_grant", "authentication failure")
RESTRICTED = ("invalid_grant", "ip restricted or invalid login hours")
LOGIN = """<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{username}</n1:username>
<n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"""


@pytest.fixture
def browser(server: SandboxServer) -> Iterator[Browser]:
    made = Browser(server)
    yield made
    made.close()


def soap_login(
    browser: Browser, server: SandboxServer, *, ip: str = "", kind: str = "u", password: str = ""
) -> requests.Response:
    user = server.ready.users["erp"]
    content = LOGIN.format(username=user["username"], password=password or user["password"] + user["security_token"])
    headers = {"Content-Type": "text/xml", "SOAPAction": "login"} | ({"X-Forwarded-For": ip} if ip else {})
    return browser.http.post(f"{browser.url}/services/Soap/{kind}/64.0", data=content, headers=headers, timeout=10)


def code_of(response: requests.Response) -> str:
    return response.text.partition("<sf:exceptionCode>")[2].partition("<")[0]


def profile_of(org: SandboxOrg, user_id: str) -> str:
    return str((org.row("User", user_id) or {})["ProfileId"])


def test_wrong_passwords_lock_out_for_a_while(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    identity.set_policy(org, most_failures=3, lockout_minutes=15)
    form = password_form(server, "erp")
    modified = org.row("User", user_ids["erp"])["LastModifiedDate"]
    for _ in range(3):
        assert refusal(browser.token(**form | {"password": "wrong"})) == FAILURE
    assert org.row("User", user_ids["erp"])["NumberOfFailedLogins"] == 3
    assert org.rows("UserLogin", UserId=user_ids["erp"])[0]["IsPasswordLocked"] is True
    assert refusal(browser.token(**form)) == FAILURE
    assert code_of(soap_login(browser, server)) == "INVALID_LOGIN"
    org.clock.advance(15 * 60 + 1)
    assert browser.token(**form).status_code == 200
    user = org.row("User", user_ids["erp"])
    assert (user["NumberOfFailedLogins"], user["LastModifiedDate"]) == (0, modified)
    assert org.rows("UserLogin", UserId=user_ids["erp"])[0]["IsPasswordLocked"] is False
    assert statuses(org) == [*["Invalid Password"] * 3, *["Password lockout"] * 2, "Success"]


def test_an_administrator_unlocks(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    identity.set_policy(org, most_failures=2, lockout_minutes=0)
    form = password_form(server, "erp")
    for _ in range(2):
        browser.token(**form | {"password": "wrong"})
    org.clock.advance(30 * 24 * 3600)
    assert refusal(browser.token(**form)) == FAILURE
    client = Client(browser.url, identity.sign_in(org, org.row("User", user_ids["admin"]), Login("x", "x")).token)
    login_id = org.rows("UserLogin", UserId=user_ids["erp"])[0]["Id"]
    assert client.ask("PATCH", f"sobjects/UserLogin/{login_id}", json={"IsPasswordLocked": False}).status_code == 204
    client.http.close()
    assert refusal(browser.token(**form | {"password": "wrong"})) == FAILURE
    assert org.rows("UserLogin", UserId=user_ids["erp"])[0]["IsPasswordLocked"] is False, "the count begins anew"
    assert browser.token(**form).status_code == 200


def test_a_lockout_does_not_concern_flows_without_a_password(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    identity.set_policy(org, most_failures=1)
    app = apps.add_app(org, name="Mule", flows={"jwt-bearer"}, consented={user_ids["erp"]})
    browser.token(**password_form(server, "erp") | {"password": "wrong"})
    assert refusal(browser.token(**password_form(server, "erp"))) == FAILURE
    assert browser.token(grant_type=JWT_GRANT, assertion=sign(org, server, app)).status_code == 200


def test_a_forwarded_address_counts_only_where_the_policy_says_so(
    org: SandboxOrg, server: SandboxServer, browser: Browser
) -> None:
    form = password_form(server, "erp")
    browser.token(**form, ip="198.51.100.7")
    identity.set_policy(org, trusts_forwarded_for=True)
    browser.token(**form, ip="198.51.100.7, 10.0.0.1")
    browser.token(**form, ip="no address")
    found = [(row["SourceIp"], row["ForwardedForIp"]) for row in org.rows("LoginHistory")]
    assert found == [("127.0.0.1", None), ("198.51.100.7", None), ("127.0.0.1", None)]


def test_login_ip_ranges_of_the_profile(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    identity.set_policy(org, trusts_forwarded_for=True)
    identity.restrict_profile(
        org,
        profile_of(org, user_ids["erp"]),
        ip_ranges=[("203.0.113.0", "203.0.113.255"), ("2001:db8::", "2001:db8::f")],
    )
    form = password_form(server, "erp")
    assert refusal(browser.token(**form)) == RESTRICTED
    fault = soap_login(browser, server)
    assert "LOGIN_DURING_RESTRICTED_DOMAIN: cannot log in from current domain" in fault.text
    for inside in ("203.0.113.9", "2001:db8::3"):
        assert browser.token(**form, ip=inside).status_code == 200
    for outside in ("203.0.114.0", "2001:db8::1f"):
        assert refusal(browser.token(**form, ip=outside)) == RESTRICTED
    assert statuses(org) == [*["Restricted IP"] * 2, *["Success"] * 2, *["Restricted IP"] * 2]


@pytest.mark.parametrize(
    ("policies", "good"),
    [
        ({"ip_relaxation": "Enforce"}, False),
        ({"ip_relaxation": "Bypass"}, True),
        ({"ip_relaxation": "Bypass_2factor"}, False),
        ({"ip_relaxation": "Bypass_2factor", "ip_ranges": (("127.0.0.0", "127.0.0.9"),)}, True),
        ({"ip_relaxation": "Enforce_RelaxRefresh"}, False),
    ],
)
def test_an_app_may_relax_them(
    org: SandboxOrg, browser: Browser, user_ids: dict[str, str], policies: dict[str, object], *, good: bool
) -> None:
    identity.restrict_profile(org, profile_of(org, user_ids["integration"]), ip_ranges=[("203.0.113.0", "203.0.113.9")])
    app = apps.add_app(org, name="ERP", flows={"client-credentials"}, run_as=user_ids["integration"], **policies)
    response = browser.token(auth=(app.consumer_key, app.consumer_secret), grant_type="client_credentials")
    assert (response.status_code == 200) is good
    if not good:
        assert refusal(response) == RESTRICTED


def test_from_a_trusted_address_a_password_needs_no_security_token(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    bare = {"password": server.ready.users["erp"]["password"]}
    form = password_form(server, "erp")
    assert refusal(browser.token(**form | bare)) == FAILURE
    assert code_of(soap_login(browser, server, password=bare["password"])) == "LOGIN_MUST_USE_SECURITY_TOKEN"
    identity.set_policy(org, trusted_ranges=(("127.0.0.1", "127.0.0.1"),))
    assert browser.token(**form | bare).status_code == 200
    assert soap_login(browser, server, password=bare["password"]).status_code == 200
    assert browser.token(**form).status_code == 200, "the token may follow all the same"
    identity.set_policy(org, trusted_ranges=())
    identity.restrict_profile(org, profile_of(org, user_ids["erp"]), ip_ranges=[("127.0.0.1", "127.0.0.1")])
    assert browser.token(**form | bare).status_code == 200
    assert statuses(org)[:2] == ["Failed: API security token required"] * 2


def test_login_hours_are_in_the_time_zone_of_the_org(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    organization = org.rows("Organization")[0]
    org.update_row("Organization", organization["Id"], {"TimeZoneSidKey": "Europe/Berlin"})
    identity.restrict_profile(org, profile_of(org, user_ids["erp"]), hours={"monday": (8 * 60, 18 * 60)})
    form = password_form(server, "erp")
    for moment, good in (
        (datetime(2026, 1, 5, 6, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 5, 7, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 5, 17, 1, tzinfo=UTC), False),
        (datetime(2026, 1, 6, 3, 0, tzinfo=UTC), True),
    ):
        org.clock.set(moment)
        response = browser.token(**form)
        assert (response.status_code == 200) is good, moment
        if not good:
            assert refusal(response) == RESTRICTED
    org.clock.set(datetime(2026, 1, 5, 6, 59, tzinfo=UTC))
    assert code_of(soap_login(browser, server)) == "LOGIN_DURING_RESTRICTED_TIME"
    assert statuses(org)[-1] == "Restricted time"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ip_ranges": [("10.0.0.9", "10.0.0.1")]},
        {"ip_ranges": [("10.0.0.1", "::1")]},
        {"ip_ranges": [("here", "there")]},
        {"hours": {"Monday": (0, 60)}},
        {"hours": {"monday": (60, 0)}},
        {"hours": {"monday": (0, 1441)}},
    ],
)
def test_restrictions_that_are_none(org: SandboxOrg, wrong: dict[str, object]) -> None:
    profile_id = org.rows("Profile")[0]["Id"]
    with pytest.raises(ValueError, match=r"address|day|hours|IPv4"):
        identity.restrict_profile(org, profile_id, **wrong)
    assert identity.restrictions_of(org, profile_id) == identity.ProfileRestrictions()


def test_logins_have_a_rate(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    identity.set_policy(org, logins_per_hour=2)
    form = password_form(server, "erp")
    assert [browser.token(**form).status_code for _ in range(3)] == [200, 200, 400]
    assert refusal(browser.token(**form)) == ("rate_limit_exceeded", "number of logins exceeded")
    assert code_of(soap_login(browser, server)) == "LOGIN_RATE_EXCEEDED"
    assert browser.token(**password_form(server, "admin")).status_code == 200
    org.clock.advance(3601)
    assert browser.token(**form).status_code == 200


def test_an_expired_password_lets_in_and_no_further(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    identity.set_policy(org, password_days=90)
    org.clock.advance(91 * 24 * 3600)
    token = browser.token(**password_form(server, "erp")).json()["access_token"]
    client = Client(browser.url, token)
    refused = client.get("sobjects")
    assert refused.status_code == 403
    assert refused.json() == [
        {
            "message": "The users password has expired, you must call SetPassword before attempting any other API "
            "operations",
            "errorCode": "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        }
    ]
    assert "<passwordExpired>true</passwordExpired>" in soap_login(browser, server).text
    path = f"sobjects/User/{user_ids['erp']}/password"
    assert client.get(path).json() == {"isExpired": True}
    assert client.post(path, {"NewPassword": "another-horse-1"}).status_code == 204
    assert client.get("sobjects").status_code == 200
    client.http.close()


def test_a_password_that_never_expires(org: SandboxOrg, user_ids: dict[str, str]) -> None:
    identity.set_policy(org, password_days=90)
    for role in ("admin", "erp"):
        identity.set_password(org, user_ids[role])
    org.clock.advance(91 * 24 * 3600)
    assert identity.password_expired(org, user_ids["erp"])
    assert not identity.password_expired(org, user_ids["admin"])
    identity.expire_password(org, user_ids["admin"])
    assert identity.password_expired(org, user_ids["admin"])


def test_the_last_login_moves_by_the_minute(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    form = password_form(server, "erp")

    def last() -> str:
        browser.token(**form)
        return str(org.row("User", user_ids["erp"])["LastLoginDate"])

    first = last()
    org.clock.advance(30)
    assert last() == first
    org.clock.advance(31)
    assert last() > first


def test_unknown_usernames_leave_no_trace(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    assert refusal(browser.token(**password_form(server, "erp") | {"username": "nobody@acme.example"})) == FAILURE
    assert org.rows("LoginHistory") == []


def test_the_history_tells_browser_and_platform(org: SandboxOrg, server: SandboxServer, browser: Browser) -> None:
    user = server.ready.users["erp"]
    agents = {
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36": ("Chrome 120", "Windows"),
        "python-requests/2.34.2": ("Unknown", "Unknown"),
    }
    for agent in agents:
        browser.post("/", {"username": user["username"], "pw": user["password"]}, headers={"User-Agent": agent})
    rows = org.rows("LoginHistory")
    assert [(row["Browser"], row["Platform"]) for row in rows] == list(agents.values())
    assert {row["LoginType"] for row in rows} == {"Application"}
    assert {row["OptionsIsPost"] for row in rows} == {True}


def test_everybody_reads_the_own_history_and_nobody_filters_by_status(
    server: SandboxServer, browser: Browser, admin: Client, erp: Client
) -> None:
    browser.token(**password_form(server, "erp"))
    soql = "SELECT UserId, Status, Application, LoginType FROM LoginHistory ORDER BY LoginTime DESC"
    assert {row["UserId"] for row in erp.query(soql)} == {erp.query("SELECT Id FROM User WHERE Name = 'Erp'")[0]["Id"]}
    assert len({row["UserId"] for row in admin.query(soql)}) == 2
    assert erp.query(soql)[0]["Application"] == "Rehearsal Admin"
    for name in ("Status", "Application"):
        refused = erp.get("query", params={"q": f"SELECT Id FROM LoginHistory WHERE {name} = 'Success'"})
        assert refused.status_code == 400
        assert refused.json()[0]["errorCode"] == "INVALID_FIELD"
    assert erp.query("SELECT Id FROM LoginHistory WHERE LoginType = 'Remote Access 2.0'")


def test_a_refused_sign_in_raises_its_status(org: SandboxOrg, user_ids: dict[str, str]) -> None:
    with pytest.raises(LoginRefused, match="Invalid Password"):
        identity.sign_in(org, org.row("User", user_ids["erp"]), Login("Test", "Test"), password="wrong")
    assert USERNAMES["erp"] not in str(org.rows("LoginHistory"))
