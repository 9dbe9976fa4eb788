"""Ending the old sign-in where the old and the new user are one: only what the old sign-in alone uses is taken away.

A user that goes on working cannot be frozen. What ends its old credential depends on how that one signs in; where
nothing can end it without harm, that is said plainly and nothing is pretended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.access.soql import equals, select
from harness.errors import SignInRefused
from harness.migration.apps import App, find_app, set_run_as
from harness.migration.state import find_scenario_app
from harness.migration.strategies import ANY_API_AUTH, Ending, ending_of, strategy_of
from harness.migration.writing import writes
from harness.migration.writing.writes import Write
from harness.org.reply import Answer

if TYPE_CHECKING:
    from harness.migration.context import Context

_NOBODY = "nobody"


def find_old_app(context: Context) -> App | None:
    """The app of the old sign-in with its policies, where the strategy keeps the user; None elsewhere."""
    name = getattr(context.scenario.from_.sign_in, "app", None)
    if name is None or not strategy_of(context.scenario).one_user:
        return None
    return find_app(context.admin, name, policy=True)


def end_old_sign_in(context: Context) -> Ending:
    """End it, as far as it can be ended and given back; how."""
    old = find_old_app(context)
    ending = ending_of(context.scenario, old, find_scenario_app(context), context.carried)
    match ending.how:
        case "pre-authorization" if old is not None:
            _withdraw(context, old)
        case "run-as" if old is not None:
            _run_as_nobody(context, old)
        case "any-api-auth":
            _take_any_api_auth(context)
    return ending


def try_old_sign_in(context: Context) -> str | None:
    """Sign in anew with the old credential: the org's refusal in its own words, or None when it lets the user in."""
    try:
        context.world.sign_in("source", context.scenario.from_.sign_in.flow)
    except SignInRefused as refusal:
        return f"{refusal.code}: {refusal.description}"
    return None


def _withdraw(context: Context, app: App) -> None:
    """Take the leave to use the old app from the run's permission set."""
    set_id = _set_id(context)
    where = f"{equals('ParentId', set_id)} AND {equals('SetupEntityId', app.id)}"
    rows = context.admin.query(select("SetupEntityAccess", ("Id",), where=where, order="Id"))
    row = {"ParentId": set_id, "SetupEntityId": app.id}
    write = Write(
        key="cut-over/pre-authorization",
        operation="delete",
        sobject="SetupEntityAccess",
        summary=f"withdraw {app.name} from {context.scenario.permission_set_label}",
        natural_key=row,
        before=row,
        inverse="pre-authorize it again",
    )
    if rows or context.records(key=write.key):
        writes.delete(context, write, [str(each["Id"]) for each in rows])


def _run_as_nobody(context: Context, app: App) -> None:
    """Take the user from the old app, where it runs as the user."""
    username = context.scenario.from_.username
    write = Write(
        key="cut-over/run-as",
        operation="update",
        sobject=app.policy_kind,
        summary=f"let {app.name} run as {_NOBODY}",
        natural_key={"app": app.name},
        before={"run_as": username},
        after={"run_as": None},
        inverse=f"let it run as {username} again",
    )
    if app.run_as != username and not context.records(key=write.key):
        return

    def look() -> list[str | None]:
        now = find_app(context.admin, app.name, policy=True)
        return [app.id if now and now.run_as is None else None]

    def send(_rows: object) -> list[Answer]:
        return [set_run_as(context.admin, app, None)]

    writes.perform(context, write, [{}], send=send, look=look)


def _take_any_api_auth(context: Context) -> None:
    """Take the permission that SOAP login() needs from the run's permission set; OAuth does not need it."""
    column = f"Permissions{ANY_API_AUTH}"
    set_id = _set_id(context)
    write = Write(
        key="cut-over/any-api-auth",
        operation="update",
        sobject="PermissionSet",
        summary=f"take {ANY_API_AUTH} from {context.scenario.permission_set_label}",
        natural_key={"Id": set_id},
        before={column: True},
        after={column: False},
        inverse="give it back",
    )
    writes.update(context, write, set_id)


def _set_id(context: Context) -> str:
    where = equals("Name", context.scenario.permission_set_name)
    return str(context.admin.query(select("PermissionSet", ("Id",), where=where))[0]["Id"])
