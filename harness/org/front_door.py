"""What the front door answers to a session: into the user interface, or not (facts 4.7)."""

from __future__ import annotations

from harness.org.reply import ApiError, Reply

API_ONLY_PAGE = "Access Restricted for API Only Users"
"""The heading of the page on which a sign-in of an API-only user ends."""


def read(reply: Reply) -> Reply:
    """The reply with an error where the user interface is closed: an error status, that page, or back to the login."""
    if reply.status >= 400:
        return reply
    page = reply.body if isinstance(reply.body, str) else ""
    target = reply.headers.get("location", "").casefold()
    if "api only" in page.casefold() or "apionly" in target:
        return _closed(reply, ApiError("API_ONLY_USER", API_ONLY_PAGE))
    if "ec=" in target or "login" in target or "logout" in target:
        return _closed(reply, ApiError("UI_LOGIN_REFUSED", "sent back to the login page"))
    return Reply(200, reply.body, headers=reply.headers)


def _closed(reply: Reply, error: ApiError) -> Reply:
    return Reply(reply.status, reply.body, (error,), reply.headers)
