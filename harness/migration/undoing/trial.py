"""What undoes a trial: the same at the end of its stage, and in a rollback after it was interrupted.

The assignment goes first, then every license of the throw-away user: a license is not taken away while a set that needs
it is assigned (Salesforce Help, "Remove a Permission Set License from a User").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from harness.access.soql import equals, select
from harness.migration.trial_user import trial_username
from harness.migration.undoing.own_things import deactivate_standing, delete_set
from harness.migration.undoing.parts import Done, Findings, inverse_of, put_back, standing_ids
from harness.migration.writing import writes

if TYPE_CHECKING:
    from harness.migration.context import Context

TRIAL = "trial"
"""The stage."""


def undo_trial_write(context: Context, done: Done, findings: Findings) -> None:
    """Undo one write of a trial; what goes with the permission set or the license is left to them."""
    undo = _UNDO.get(done.key)
    if undo is not None:
        undo(context, done, findings)


def _deactivate(context: Context, done: Done, findings: Findings) -> None:
    """The throw-away user cannot be deleted: it is deactivated, and that is declared."""
    username = trial_username(context.scenario)
    if done.intent.operation == "update":
        put_back(context, done, findings)
    else:
        deactivate_standing(context, done, findings)
    findings.residue.append(f"the inactive user {username}, on which the license was tried")


def _unlicense(context: Context, done: Done, _findings: Findings) -> None:
    """Take every permission set license from the throw-away user: it has none but those of the trial."""
    where = equals("AssigneeId", str(done.intent.natural_key["AssigneeId"]))
    rows = context.admin.query(select("PermissionSetLicenseAssign", ("Id",), where=where, order="Id"))
    _delete(context, done, [str(row["Id"]) for row in rows])


def _delete_standing(context: Context, done: Done, findings: Findings) -> None:
    _delete(context, done, standing_ids(context, done, findings))


def _delete(context: Context, done: Done, ids: list[str]) -> None:
    if ids:
        writes.delete(context, inverse_of(done, operation="delete", summary=f"undo: {done.intent.summary}"), ids)


_UNDO: Mapping[str, Callable[[Context, Done, Findings], None]] = {
    "trial/user": _deactivate,
    "trial/license": _unlicense,
    "trial/permission-set": delete_set,
    "trial/assignment": _delete_standing,
}
