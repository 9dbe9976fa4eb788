"""Who a token belongs to: userinfo and the identity URL.

Salesforce Help: "User Info Endpoint", "Identity URLs" (its keys and response codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.sandbox import identity
from harness.sandbox.http.wire import HTML_TYPE, Answer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

INTEGRATION_LICENSE = "Salesforce Integration"


def userinfo(org: SandboxOrg, instance_url: str, token: str) -> Answer:
    """`GET /services/oauth2/userinfo`."""
    session = identity.session_of(org, token) if token else None
    if session is None:
        return _bad_token(token)
    user = org.row("User", session.user_id) or {}
    photos = _photos(instance_url)
    return Answer(
        200,
        {
            "sub": identity_url(org, instance_url, session.user_id),
            "user_id": session.user_id,
            "organization_id": org.org_id,
            "preferred_username": user.get("Username"),
            "nickname": user.get("CommunityNickname") or user.get("Alias"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "zoneinfo": user.get("TimeZoneSidKey"),
            "photos": photos,
            "profile": f"{instance_url}/{session.user_id}",
            "picture": photos["picture"],
            "address": _address(user),
            "urls": _urls(org, instance_url, session.user_id),
            "active": user.get("IsActive"),
            "user_type": "STANDARD",
            "language": user.get("LanguageLocaleKey"),
            "locale": user.get("LocaleSidKey"),
            "utcOffset": _utc_offset(user),
            "updated_at": _seconds(user.get("LastModifiedDate")),
            "is_app_installed": True,
            "is_salesforce_integration_user": _is_integration_user(org, session.user_id),
        },
    )


def identify(org: SandboxOrg, instance_url: str, token: str, org_id: str, user_id: str) -> Answer:
    """`GET /id/ORG/USER`: the identity URL of a token answer.

    Another user of the org can be asked for with a session that may use the API.
    """
    session = identity.session_of(org, token) if token else None
    if session is None:
        return _bad_token(token)
    if org_id[:15] != org.org_id[:15]:
        return _refused(403, "Wrong_Org")
    own = user_id[:15] == session.user_id[:15]
    user = org.row("User", user_id)
    if user is None:
        return _refused(404, "Bad_Id")
    if not own and not _may_ask_for_others(org, session):
        return _refused(404, "No_Access")
    if not user["IsActive"]:
        return _refused(404, "Inactive")
    return Answer(200, _identity(org, instance_url, user))


def identity_url(org: SandboxOrg, instance_url: str, user_id: str) -> str:
    """The address that stands for a user."""
    return f"{instance_url}/id/{org.org_id}/{user_id}"


def _identity(org: SandboxOrg, instance_url: str, user: Mapping[str, Any]) -> dict[str, Any]:
    user_id = str(user["Id"])
    return {
        "id": identity_url(org, instance_url, user_id),
        "asserted_user": True,
        "user_id": user_id,
        "organization_id": org.org_id,
        "username": user.get("Username"),
        "nick_name": user.get("CommunityNickname") or user.get("Alias"),
        "display_name": user.get("Name"),
        "email": user.get("Email"),
        "email_verified": True,
        "first_name": user.get("FirstName"),
        "last_name": user.get("LastName"),
        "timezone": user.get("TimeZoneSidKey"),
        "photos": _photos(instance_url),
        "addr_street": user.get("Street"),
        "addr_city": user.get("City"),
        "addr_state": user.get("State"),
        "addr_country": user.get("Country"),
        "addr_zip": user.get("PostalCode"),
        "mobile_phone": user.get("MobilePhone"),
        "mobile_phone_verified": False,
        "is_lightning_login_user": False,
        "status": {"created_date": None, "body": None},
        "urls": _urls(org, instance_url, user_id),
        "active": user.get("IsActive"),
        "user_type": "STANDARD",
        "language": user.get("LanguageLocaleKey"),
        "locale": user.get("LocaleSidKey"),
        "utcOffset": _utc_offset(user),
        "last_modified_date": _seconds(user.get("LastModifiedDate")),
        "is_app_installed": True,
    }


def _may_ask_for_others(org: SandboxOrg, session: identity.Session) -> bool:
    scopes = set(session.scope.split())
    return bool(not scopes or scopes & {"api", "full"}) and org.permissions_of(session.user_id).has("ApiEnabled")


def _is_integration_user(org: SandboxOrg, user_id: str) -> bool:
    access = org.permissions_of(user_id)
    if org.switches.integration_user_by == "api-only":
        return access.has("ApiUserOnly")
    return access.user_license == INTEGRATION_LICENSE


def _photos(instance_url: str) -> dict[str, str]:
    """The pictures of a user who has none."""
    return {"picture": f"{instance_url}/profilephoto/005/F", "thumbnail": f"{instance_url}/profilephoto/005/T"}


def _address(user: Mapping[str, Any]) -> dict[str, Any]:
    parts = {"street_address": "Street", "locality": "City", "region": "State", "postal_code": "PostalCode"}
    known = {name: user.get(column) for name, column in (parts | {"country": "Country"}).items()}
    return {name: value for name, value in known.items() if value is not None}


def _urls(org: SandboxOrg, instance_url: str, user_id: str) -> dict[str, str]:
    soap, data = f"{instance_url}/services/Soap", f"{instance_url}/services/data/v{{version}}"
    return {
        "enterprise": f"{soap}/c/{{version}}/{org.org_id[:15]}",
        "metadata": f"{soap}/m/{{version}}/{org.org_id[:15]}",
        "partner": f"{soap}/u/{{version}}/{org.org_id[:15]}",
        "rest": f"{data}/",
        "sobjects": f"{data}/sobjects/",
        "search": f"{data}/search/",
        "query": f"{data}/query/",
        "recent": f"{data}/recent/",
        "tooling_soap": f"{soap}/T/{{version}}/{org.org_id[:15]}",
        "tooling_rest": f"{data}/tooling/",
        "profile": f"{instance_url}/{user_id}",
        "feeds": f"{data}/chatter/feeds",
        "groups": f"{data}/chatter/groups",
        "users": f"{data}/chatter/users",
        "feed_items": f"{data}/chatter/feed-items",
        "feed_elements": f"{data}/chatter/feed-elements",
        "custom_domain": instance_url,
    }


def _utc_offset(user: Mapping[str, Any]) -> int:
    """Milliseconds from UTC to the user's time, in winter: what the platform shows is without daylight saving."""
    try:
        zone = ZoneInfo(str(user.get("TimeZoneSidKey") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    moment = datetime(2026, 1, 1, tzinfo=UTC).astimezone(zone)
    offset, saving = moment.utcoffset(), moment.dst()
    return int(((offset.total_seconds() if offset else 0) - (saving.total_seconds() if saving else 0)) * 1000)


def _seconds(moment: str | None) -> str | None:
    """A time as the identity service writes it: `2026-01-05T09:00:00Z`."""
    return None if moment is None else f"{moment[:19]}Z"


def _bad_token(token: str) -> Answer:
    return _refused(403, "Bad_OAuth_Token" if token else "Missing_OAuth_Token")


def _refused(status: int, word: str) -> Answer:
    return Answer(status, word, media_type=HTML_TYPE)
