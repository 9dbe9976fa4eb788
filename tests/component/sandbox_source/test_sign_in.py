"""What a project and a population say about sign-in: ranges and hours of profiles, policies of apps, the org's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox import apps, identity
from harness.sandbox.app_policies import ip_relaxation, oauth_scope, refresh_policy
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import SourceError, open_org
from harness.sandbox.source.load_sign_in import LOOPBACK

from .projects import ADMIN_ONLY, write_project

PROFILE = """Profile:<custom>true</custom><userLicense>Salesforce</userLicense>
<loginHours><mondayStart>480</mondayStart><mondayEnd>1080</mondayEnd></loginHours>
<loginIpRanges><startAddress>203.0.113.0</startAddress><endAddress>203.0.113.9</endAddress></loginIpRanges>"""
CONNECTED = """ConnectedApp:<label>Desktop</label>
<ipRanges><end>10.0.0.9</end><start>10.0.0.1</start></ipRanges>
<oauthConfig><callbackUrl>http://localhost:1717/OauthRedirect
https://acme.example/done</callbackUrl><isPkceRequired>true</isPkceRequired>
<scopes>Api</scopes><scopes>RefreshToken</scopes><scopes>OpenID</scopes></oauthConfig>
<oauthPolicy><ipRelaxation>BYPASS_2FACTOR</ipRelaxation>
<refreshTokenPolicy>specific_lifetime:24:HOURS</refreshTokenPolicy></oauthPolicy>"""
EXTERNAL = {
    "externalClientApps/Cloud.eca-meta.xml": "ExternalClientApplication:<label>Cloud</label>",
    "extlClntAppGlobalOauthSets/Cloud_g.ecaGlblOauth-meta.xml": "ExtlClntAppGlobalOauthSettings:"
    "<callbackUrl>https://acme.example/done</callbackUrl><externalClientApplication>Cloud</externalClientApplication>"
    "<isPkceRequired>true</isPkceRequired><isRefreshTokenRotationEnabled>true</isRefreshTokenRotationEnabled>",
    "extlClntAppOauthSettings/Cloud_o.ecaOauth-meta.xml": "ExtlClntAppOauthSettings:"
    "<commaSeparatedOauthScopes>Api, RefreshToken</commaSeparatedOauthScopes>"
    "<externalClientApplication>Cloud</externalClientApplication>",
    "extlClntAppOauthPolicies/Cloud_p.ecaOauthPlcy-meta.xml": "ExtlClntAppOauthConfigurablePolicies:"
    "<externalClientApplication>Cloud</externalClientApplication>"
    "<ipRelaxationPolicyType>Enforce_RelaxRefresh</ipRelaxationPolicyType>"
    "<refreshTokenPolicyType>SpecificInactivity</refreshTokenPolicyType>"
    "<refreshTokenValidityPeriod>7</refreshTokenValidityPeriod>"
    "<refreshTokenValidityUnit>Days</refreshTokenValidityUnit>",
}
SECURITY = """
security:
  most_failed_logins: 3
  session_minutes: 15
  trusted_ip_ranges: [10.0.0.0 - 10.0.0.255, "::1"]
  login_ip_ranges: {System Administrator: [198.51.100.7]}
  login_hours: {System Administrator: {friday: "09:30-17:00"}}
"""


def opened(tmp_path: Path, files: dict[str, str], more: str = "") -> SandboxOrg:
    return open_org(write_project(tmp_path / "project", files, population=ADMIN_ONLY + more))


def test_login_ranges_and_hours_of_profiles(tmp_path: Path) -> None:
    org = opened(tmp_path, {"profiles/Clerk.profile-meta.xml": PROFILE}, SECURITY)
    clerk, admin = (org.rows("Profile", Name=name)[0]["Id"] for name in ("Clerk", "System Administrator"))
    assert identity.restrictions_of(org, clerk) == identity.ProfileRestrictions(
        (("203.0.113.0", "203.0.113.9"), LOOPBACK), {"monday": (480, 1080)}
    )
    assert identity.restrictions_of(org, admin) == identity.ProfileRestrictions(
        (("198.51.100.7", "198.51.100.7"),), {"friday": (570, 1020)}
    )
    policy = identity.policy_of(org)
    assert (policy.most_failures, policy.session_seconds, policy.password_days) == (3, 900, 0)
    assert policy.trusted_ranges == (("10.0.0.0", "10.0.0.255"), ("::1", "::1"))
    org.close()


def test_a_range_that_was_made_unreadable_is_put_in_order(tmp_path: Path) -> None:
    swapped = PROFILE.replace("203.0.113.0", "x").replace("203.0.113.9", "203.0.113.0").replace("x", "203.0.113.9")
    org = opened(tmp_path, {"profiles/Clerk.profile-meta.xml": swapped})
    clerk = org.rows("Profile", Name="Clerk")[0]["Id"]
    assert identity.restrictions_of(org, clerk).ip_ranges == (("203.0.113.0", "203.0.113.9"), LOOPBACK)
    org.close()


def test_policies_of_apps(tmp_path: Path) -> None:
    own = "\napps:\n  - {name: Cloud, flows: [web-server], pkce_required: false, scopes: [api]}\n"
    org = opened(tmp_path, EXTERNAL | {"connectedApps/Desktop.connectedApp-meta.xml": CONNECTED}, own)
    desktop = apps.app_named(org, "Desktop", kind="ConnectedApplication")
    assert desktop is not None
    assert desktop.scopes == ("api", "refresh_token", "openid")
    assert desktop.callback_urls == ("http://localhost:1717/OauthRedirect", "https://acme.example/done")
    assert (desktop.pkce_required, desktop.ip_relaxation) == (True, "Bypass_2factor")
    assert desktop.ip_ranges == (("10.0.0.1", "10.0.0.9"),)
    assert (desktop.refresh_lifetime_seconds, desktop.refresh_idle_seconds) == (86_400, None)
    assert "web-server" in desktop.flows
    cloud = apps.app_named(org, "Cloud", kind="ExternalClientApplication")
    assert cloud is not None
    assert (cloud.scopes, cloud.pkce_required) == (("api",), False), "the population's word counts"
    assert (cloud.rotates_refresh_tokens, cloud.ip_relaxation) == (True, "Enforce_RelaxRefresh")
    assert (cloud.refresh_lifetime_seconds, cloud.refresh_idle_seconds) == (None, 7 * 86_400)
    org.close()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("security: {trusted_ip_ranges: [10.0.0.9-10.0.0.1]}", "is no range of addresses"),
        ("security: {login_ip_ranges: {Nobody: [10.0.0.1]}}", "Nobody"),
        ("security: {login_hours: {System Administrator: {monday: '18:00-08:00'}}}", "login hours are minutes"),
        ("security: {login_hours: {System Administrator: {monday: always}}}", "should match pattern"),
        ("security: {session_minutes: 0}", "greater than or equal to 1"),
    ],
)
def test_rules_that_are_none(tmp_path: Path, more: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        opened(tmp_path, {}, more)


def test_words_of_metadata_files() -> None:
    assert [oauth_scope(one) for one in ("Api", "RefreshToken", "OpenID", "Basic", "Web", "CustomPermissions")] == [
        *("api", "refresh_token", "openid", "id", "web", "custom_permissions"),
    ]
    assert [ip_relaxation(one) for one in ("ENFORCE", "BYPASS", "Bypass_2factor", "ENFORCE_RELAXREFRESH", None)] == [
        *("Enforce", "Bypass", "Bypass_2factor", "Enforce_RelaxRefresh", "Enforce"),
    ]
    assert refresh_policy("zero") == (0, None)
    assert refresh_policy("infinite") == (None, None)
    assert refresh_policy("SpecificLifetime", 2, "Months") == (60 * 86_400, None)
    assert refresh_policy("specific_inactivity:3:DAYS") == (None, 3 * 86_400)
