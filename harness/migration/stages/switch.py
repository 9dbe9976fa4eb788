"""switch: the file the external system reads its credential from gets the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.credentials.store import values_for
from harness.migration.stages import Stage, Steps
from harness.migration.writing import writes
from harness.migration.writing.writes import Write
from harness.org.reply import Answer
from harness.org.secret import Secret
from harness.org.sign_in import credential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.migration.context import Context


def _switch(context: Context) -> Steps:
    store = context.world.store
    values = new_values(context)
    write = Write(
        key="switch/credential",
        operation="file",
        sobject=store.name,
        summary=f"replace the credential in {store.name}",
        natural_key={"file": store.name},
        before={"fingerprint": store.fingerprint()},
        after={"keys": ", ".join(values)},
        inverse="put the old file back",
    )
    if store.holds(values) and not context.records(key=write.key):
        writes.found(context, write, [store.name])
        return f"{store.name} held the new credential already"

    def send(_rows: object) -> list[Answer]:
        store.switch(values)
        return [Answer("APPLIED", id=store.name)]

    def look() -> list[str | None]:
        return [store.name if store.holds(values) else None]

    writes.perform(context, write, [{}], send=send, look=look)
    yield
    stand_in = " in a stand-in; a simulated org leaves the file itself alone" if context.world.site.simulated else ""
    return f"{store.name}: {', '.join(values)} replaced{stand_in}; the old file is kept for a rollback"


def new_values(context: Context) -> Mapping[str, Secret]:
    """What the file is to hold, by key. Raises UsageError."""
    return values_for(context.scenario.credentials, _parts(context))


def _parts(context: Context) -> Mapping[str, Secret]:
    """Everything the new credential consists of, by the names that `credentials.keys` uses."""
    to, site = context.scenario.to, context.world.site
    new = credential(to.sign_in, context.scenario.target_username, context.world.resolve)
    plain = {"flow": new.flow, "username": new.username, "app": new.app or "", "instance_url": site.url}
    return {**{name: Secret(value) for name, value in plain.items() if value}, **new.parts}


SWITCH = Stage(name="switch", writes=False, run=_switch)
