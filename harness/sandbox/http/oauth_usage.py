"""Which apps hold tokens of whom, and taking them back: the OAuth usage resources.

Connect REST API guide, "OAuth Usage Resources" (API version 59.0 and later).
"""

from __future__ import annotations

from typing import Any

from harness.sandbox import apps
from harness.sandbox.apps import App
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import oauth_tokens
from harness.sandbox.ids import long_id

_FIRST_VERSION = 59.0
_PAGE_SIZE = 100
_LARGEST_PAGE = 1000
_NEEDS = ("CustomizeApplication", "ManageUsers")


def app_list(call: Call) -> Answer:
    """`GET apps/oauth/usage`: the apps with tokens."""
    _check(call)
    used = {row["AppId"] for row in _token_rows(call)}
    known = [_shown_app(call, app) for app in apps.all_apps(call.org) if app.id in used]
    return _page(call, "apps", known)


def users(call: Call, app_id: str) -> Answer:
    """`GET apps/oauth/usage/APP/users`: who uses an app."""
    app = _app(call, app_id)
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in _token_rows(call, app=app):
        rows.setdefault(str(row["UserId"]), []).append(row)
    return _page(call, "users", [_shown_user(call, app, user_id, held) for user_id, held in rows.items()])


def tokens(call: Call, app_id: str, user_id: str) -> Answer:
    """`GET apps/oauth/usage/APP/USER/tokens`: the tokens of one user."""
    app = _app(call, app_id)
    held = _token_rows(call, app=app, user_id=user_id)
    return Answer(200, {"tokens": [_shown_token(call, app, row) for row in held]})


def revoke_of_user(call: Call, app_id: str, user_id: str) -> Answer:
    """`DELETE apps/oauth/usage/APP/USER/tokens`."""
    return _revoke(call, _token_rows(call, app=_app(call, app_id), user_id=user_id))


def revoke_of_app(call: Call, app_id: str) -> Answer:
    """`DELETE apps/oauth/usage/APP/tokens`."""
    return _revoke(call, _token_rows(call, app=_app(call, app_id)))


def revoke_one(call: Call, token_id: str) -> Answer:
    """`DELETE apps/oauth/usage/tokens/TOKEN`."""
    _check(call)
    known = long_id(token_id)
    rows = [row for row in _token_rows(call) if row["Id"] == known]
    if not rows:
        raise not_found()
    return _revoke(call, rows)


def _check(call: Call) -> None:
    if float(call.version) < _FIRST_VERSION:
        raise not_found()
    if not call.may(*_NEEDS):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "You do not have access to OAuth usage.")


def _app(call: Call, app_id: str) -> App:
    _check(call)
    app = apps.app_of_id(call.org, long_id(app_id))
    if app is None:
        raise not_found()
    return app


def _token_rows(call: Call, *, app: App | None = None, user_id: str | None = None) -> list[dict[str, Any]]:
    """OauthToken rows with the id of their app as AppId."""
    rows = call.org.rows("OauthToken", UserId=long_id(user_id) or user_id) if user_id else call.org.rows("OauthToken")
    known = [row | {"AppId": oauth_tokens.app_of_row(call.org, row["Id"])} for row in rows]
    return [row for row in known if app is None or row["AppId"] == app.id]


def _revoke(call: Call, rows: list[dict[str, Any]]) -> Answer:
    with call.org.transaction():
        for row in rows:
            oauth_tokens.revoke_row(call.org, row["Id"])
    return Answer(204)


def _shown_app(call: Call, app: App) -> dict[str, Any]:
    return {
        "accessTokenFormat": "Opaque",
        "availableActions": ["Block", "Revoke"],
        "developerName": app.developer_name,
        "identifier": app.id,
        "isFromPackage": False,
        "usageDetailsUrl": f"{call.base}/apps/oauth/usage/{app.id}/users",
    }


def _shown_user(call: Call, app: App, user_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    user = call.org.row("User", user_id) or {}
    return {
        "initialConnectionAt": min(row["CreatedDate"] for row in rows),
        "lastUsedAt": max(row["LastUsedDate"] for row in rows),
        "revocationUrl": f"{call.base}/apps/oauth/usage/{app.id}/{user_id}/tokens",
        "tokensUrl": f"{call.base}/apps/oauth/usage/{app.id}/{user_id}/tokens",
        "useCount": sum(int(row["UseCount"] or 0) for row in rows),
        "userIdentifier": user_id,
        "username": user.get("Username"),
    }


def _shown_token(call: Call, app: App, row: dict[str, Any]) -> dict[str, Any]:
    user = call.org.row("User", row["UserId"]) or {}
    return {
        "accessTokenFormat": "Opaque",
        "appDeveloperName": app.developer_name,
        "appIdentifier": app.id,
        "initialConnectionAt": row["CreatedDate"],
        "lastUsedAt": row["LastUsedDate"],
        "revocationUrl": f"{call.base}/apps/oauth/usage/tokens/{row['Id']}",
        "useCount": row["UseCount"],
        "userIdentifier": row["UserId"],
        "username": user.get("Username"),
    }


def _page(call: Call, name: str, items: list[dict[str, Any]]) -> Answer:
    """One page; a next one is named even after the last, and is empty."""
    number, size = _number(call, "page", 0, 10**6), _number(call, "pageSize", _PAGE_SIZE, _LARGEST_PAGE) or _PAGE_SIZE
    address = f"{call.base}/{call.path}?page={{}}&pageSize={size}"
    shown = items[number * size : (number + 1) * size]
    return Answer(
        200, {name: shown, "currentPageUrl": address.format(number), "nextPageUrl": address.format(number + 1)}
    )


def _number(call: Call, name: str, default: int, most: int) -> int:
    text = call.params.get(name, "") or str(default)
    if not text.isdecimal() or int(text[:9]) > most:
        raise ApiError(400, "ILLEGAL_QUERY_PARAMETER_VALUE", f"{name} must be a number from 0 to {most}.")
    return int(text[:9])
