"""Undoing what a run made: its user, its permission set, its memberships.

Only what the run made goes: by id, with its mark and its maker checked in the call that finds it. Where somebody else
has taken it up meanwhile, renamed it, given it to others or put something into it, their work would be lost: then it
is left alone and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.access.soql import among, equals, select
from harness.migration.others.authorship import first_intended, made_by_run
from harness.migration.others.own_set import assigned_to_others, others_work, set_query
from harness.migration.others.three_way import CREATOR, LAST_WRITER, Difference, creator, last_writer
from harness.migration.undoing.parts import CHANGED_MEANWHILE, MARK, Done, Findings, inverse_of, restore
from harness.migration.writing import writes
from harness.migration.writing.writes import WriteRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.migration.context import Context


def deactivate(context: Context, done: Done, findings: Findings) -> None:
    """A user cannot be deleted: it is deactivated, and that is declared."""
    username = str(done.intent.natural_key.get("Username", context.scenario.target_username))
    if deactivate_standing(context, done, findings):
        findings.residue.append(f"the inactive user {username}, with nothing assigned")


def deactivate_standing(context: Context, done: Done, findings: Findings) -> bool:
    """Deactivate the user that a write made; whether there is one of ours, which then is inactive."""
    try:
        return _deactivate(context, done, findings)
    except WriteRefused as refused:
        if all(error.code != CHANGED_MEANWHILE for _, error in refused.refused):
            raise
    return _deactivate(context, done, findings)


def _deactivate(context: Context, done: Done, findings: Findings) -> bool:
    columns = ("Id", "Username", MARK, "IsActive", *CREATOR, *LAST_WRITER)
    rows = context.admin.query(select("User", columns, where=_found_by(done), order="Id"))
    ours = [row for row in rows if _is_ours(context, done, row, findings)]
    for row in ours:
        write = inverse_of(done, operation="update", summary=f"deactivate {row['Username']}")
        before = {"IsActive": row["IsActive"]}
        restore(context, write, str(row["Id"]), before, {"IsActive": False}, author=last_writer(row))
    return bool(ours)


def delete_set(context: Context, done: Done, findings: Findings) -> None:
    """Delete the permission set with what is in it, unless somebody else's work would go with it. One call to look.

    An org does not delete a set that somebody was given between the look and the deletion: then it is looked at again.
    """
    ours = _sets_alone(context, done, findings)
    try:
        _delete(context, done, ours)
    except WriteRefused:
        if left := _sets_alone(context, done, findings):
            _delete(context, done, left)


def _delete(context: Context, done: Done, ids: Sequence[str]) -> None:
    if ids:
        writes.delete(context, inverse_of(done, operation="delete", summary=f"undo: {done.intent.summary}"), ids)


def _sets_alone(context: Context, done: Done, findings: Findings) -> list[str]:
    rows = context.admin.query(set_query(_found_by(done)))
    ours = [row for row in rows if _is_ours(context, done, row, findings, by=())]
    return [str(row["Id"]) for row in ours if _is_alone(context, done, row, findings)]


def _is_alone(context: Context, done: Done, row: Mapping[str, Any], findings: Findings) -> bool:
    """Whether nobody else has a part in a set of ours. Our own assignment of it was undone before."""
    label = str((done.intent.after or {}).get("Label"))
    work = list(others_work(context, row, done.intent))
    if others := assigned_to_others(row, ()):
        work.append(f"{label} was assigned to {', '.join(others)} too")
    findings.drift.extend(f"{text}: the permission set {row['Id']} is left alone" for text in work)
    return not work


def _is_ours(
    context: Context, done: Done, row: Mapping[str, Any], findings: Findings, by: tuple[str, ...] = ("Username", MARK)
) -> bool:
    """Whether this run made a row that was found, and it still has our mark on it; else what it is, is told."""
    author = creator(row)
    if not made_by_run(context, author, since=first_intended(context, done.key)):
        text = f"the {done.intent.sobject} {row['Id']} of '{done.intent.summary}' was made by {author}, not by this run"
        findings.drift.append(f"{text}: left alone")
        return False
    other = [name for name in by if row[name] != done.intent.natural_key.get(name, row[name])]
    for name in other:
        ours, now = done.intent.natural_key[name], row[name]
        what = f"{done.intent.sobject}.{name} ({done.intent.summary})"
        findings.leave(Difference(what, None, ours, now, last_writer(row)))
    return not other


def delete_memberships(context: Context, done: Done, _findings: Findings) -> None:
    """Take our user out of the groups that this run put it into, and out of no other."""
    if done.ids:
        where = among("Id", done.ids)
    else:
        names = str((done.intent.after or {}).get("groups", "")).split(", ")
        user_id = str(done.intent.natural_key["UserOrGroupId"])
        where = f"{equals('UserOrGroupId', user_id)} AND {among('Group.DeveloperName', names)}"
    rows = context.admin.query(select("GroupMember", ("Id",), where=where, order="Id"))
    _delete(context, done, [str(row["Id"]) for row in rows])


def _found_by(done: Done) -> str:
    if done.ids:
        return among("Id", done.ids)
    return " AND ".join(equals(name, str(value)) for name, value in done.intent.natural_key.items())
