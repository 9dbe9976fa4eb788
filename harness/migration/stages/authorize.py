"""authorize: the app is pre-authorized for the new user, and client credentials run as it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import StageFailed
from harness.migration.apps import App, set_run_as
from harness.migration.others.meant import made
from harness.migration.others.three_way import Difference
from harness.migration.stages import Stage, Steps
from harness.migration.state import RUNS_AS_FLOW, find_scenario_app
from harness.migration.writing import writes
from harness.migration.writing.writes import Write
from harness.org.reply import Answer

if TYPE_CHECKING:
    from harness.migration.context import Context


def _authorize(context: Context) -> Steps:
    app = find_scenario_app(context)
    if app is None:
        return f"{context.scenario.to.sign_in.flow} needs no app"
    done = []
    if app.needs_approval:
        _pre_authorize(context, app)
        done.append(f"pre-authorized for {context.scenario.permission_set_label}")
        yield
    if context.scenario.to.sign_in.flow == RUNS_AS_FLOW:
        _run_as(context, app)
        done.append(f"runs as {context.scenario.target_username}")
        yield
    return f"{app.name}: {' and '.join(done) or 'every user may use it'}"


def _pre_authorize(context: Context, app: App) -> None:
    """Let the permission set use the app (facts 4.6)."""
    set_id = made(context, "grant/permission-set")  # by its id: another set may have its name by now
    if set_id is None:
        raise StageFailed(f"this run made no {context.scenario.permission_set_label}", stage=context.stage)
    row = {"ParentId": set_id, "SetupEntityId": app.id}
    write = Write(
        key="authorize/app",
        operation="create",
        sobject="SetupEntityAccess",
        summary=f"pre-authorize {app.name} for {context.scenario.permission_set_label}",
        natural_key=row,
        after=row,
        inverse="goes with the permission set",
    )
    writes.create_or_find(context, write)


def _run_as(context: Context, app: App) -> None:
    username = context.scenario.target_username
    write = Write(
        key="authorize/run-as",
        operation="update",
        sobject=app.policy_kind,
        summary=f"let {app.name} run as {username}",
        natural_key={"app": app.name},
        before={"run_as": app.run_as},
        after={"run_as": username},
        inverse=f"let it run as {app.run_as or 'nobody'} again",
        remedy="allow client credentials in the app's policies, and the new user as its execution user",
    )
    if app.run_as == username and not context.records(key=write.key):
        writes.found(context, write, [app.id])
        return

    _still_runs_as_before(context, app)

    def look() -> list[str | None]:
        now = find_scenario_app(context)
        return [app.id if now and now.run_as == username else None]

    def send(_rows: object) -> list[Answer]:
        return [set_run_as(context.admin, app, username)]

    writes.perform(context, write, [{}], send=send, look=look)


def _still_runs_as_before(context: Context, app: App) -> None:
    """Raise StageFailed where somebody else let the app run as another user than at the snapshot, and than ours."""
    ours, now = context.scenario.target_username, app.run_as or "nobody"
    before = context.snapshot.parts.get(f"app {app.name}: runs as", now)
    if now not in (before, ours):
        changed = Difference(f"the user {app.name} runs as", before, ours, now)
        raise StageFailed(
            f"somebody else changed what this run relies on: {changed}",
            stage=context.stage,
            remedy="find out who uses the app; let it run as before, and `rehearse resume` goes on",
        )


AUTHORIZE = Stage(name="authorize", writes=True, run=_authorize)
