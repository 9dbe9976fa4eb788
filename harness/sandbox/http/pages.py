"""The few web pages that sign-in needs: log in, allow an app, and the page that keeps API-only users out."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from harness.sandbox.http.wire import HTML_TYPE, Answer

CHECK_PASSWORD = (
    "Please check your username and password. If you still can't log in, contact your Salesforce administrator."  # noqa: S105 - a sentence
)


def login_page(action: str, hidden: Mapping[str, str], *, problem: str = "", username: str = "") -> Answer:
    """The form that asks for `username` and `pw`, posted to `action` together with hidden fields."""
    note = f'<p id="error">{escape(problem)}</p>' if problem else ""
    form = (
        f'{note}<form method="post" action="{escape(action)}">{_hidden(hidden)}'
        f'<label>Username <input name="username" value="{escape(username)}" autocomplete="username"></label>'
        '<label>Password <input name="pw" type="password" autocomplete="current-password"></label>'
        '<button name="Login">Log In</button></form>'
    )
    return _page("Login | Salesforce", form)


def consent_page(action: str, hidden: Mapping[str, str], *, app: str, user: str, scope: str) -> Answer:
    """The form that asks a user to `allow` or `deny` an app, posted as `decision`."""
    form = (
        f"<h1>Allow Access?</h1><p>{escape(app)} is asking for: {escape(scope)}. You are {escape(user)}.</p>"
        f'<form method="post" action="{escape(action)}">{_hidden(hidden)}'
        '<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>'
    )
    return _page("Allow Access?", form)


def restricted_page() -> Answer:
    """What an API-only user sees instead of the UI."""
    title = "Access Restricted for API Only Users"
    text = "The user ID and password you entered is valid, but you can access only the API with this account."
    return _page(title, f"<h1>{title}</h1><p>{text}</p>")


def home_page(user: str) -> Answer:
    """What stands for the whole user interface."""
    return _page("Home | Salesforce", f"<h1>Home</h1><p>You are {escape(user)}.</p>")


def sorry_page(error: str, description: str) -> Answer:
    """An error of the web server flow that is told to the user and not to the app."""
    return _page("OAuth Error", f"<p>{escape(error)} : {escape(description)}</p>")


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def _page(title: str, body: str) -> Answer:
    html = f'<!DOCTYPE html>\n<html lang="en"><head><title>{escape(title)}</title></head><body>{body}</body></html>\n'
    return Answer(200, html, {"Content-Security-Policy": "default-src 'none'"}, media_type=HTML_TYPE)
