"""Rollback: everything a run wrote, undone in reverse, and proven by comparing fingerprints.

Reverse order keeps the external system working throughout: the old user is let in again, then the old credential comes
back, and only then does the new user lose what it has. What was found and not written is left alone, and so is what
somebody else changed since: that is drift, and the proof says so. Users cannot be deleted; the new one stays behind,
inactive and with nothing assigned.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.access.fingerprint import differences
from harness.errors import OrgUnreachable, SignInRefused, StageFailed
from harness.migration.apps import find_app, set_run_as
from harness.migration.others.audit import compare_with_audit_trail
from harness.migration.others.three_way import Difference
from harness.migration.place import give_back_place
from harness.migration.record_types import KIND
from harness.migration.records import Intent, Outcome, RollbackProof, Snapshot
from harness.migration.stages import Stage, Steps
from harness.migration.state import read_state
from harness.migration.undoing.committed import COMMITTED, undo_committed_write
from harness.migration.undoing.giving_back import authorize_again, check_way_back, convert_back, give_back
from harness.migration.undoing.own_things import deactivate, delete_memberships, delete_set
from harness.migration.undoing.parts import STAGE, Done, Findings, inverse_of, put_back, standing_ids
from harness.migration.undoing.seats import give_back_seats
from harness.migration.undoing.trial import TRIAL, undo_trial_write
from harness.migration.writing import writes
from harness.migration.writing.waiting import wait_out
from harness.org.reply import Answer

if TYPE_CHECKING:
    from harness.migration.context import Context

WITH_THE_SET = frozenset({"ObjectPermissions", "FieldPermissions", "SetupEntityAccess"})
"""Rows under the run's own permission set, which go when it is deleted."""


def _rollback(context: Context) -> Steps:
    done = writes_of(context)
    check_way_back(context, done)
    _wait_out(context, done)
    findings = Findings()
    for each in reversed(done):
        _undo(context, each, findings)
        yield
    snapshot = context.find(Snapshot)
    if snapshot is None:
        return "nothing was written, nothing is to be undone"
    proof = _prove(context, snapshot, findings, done)
    context.record("proof", STAGE, proof)
    compare_with_audit_trail(context)
    yield
    if proof.drift or not (proof.equal and proof.credential_restored and proof.old_user_signs_in):
        raise StageFailed(
            f"the org is not as it was: {'; '.join(_complaints(context, proof))}",
            stage=context.stage,
            remedy="put that back by hand, then prove it with `rehearse rollback`",
        )
    left = f"; left behind: {', '.join(proof.residue)}" if proof.residue else ""
    undone = f"{len(done)} writes undone" if done else "nothing was written"
    return f"{undone}, the fingerprint is that of the snapshot{left}"


def _wait_out(context: Context, done: Sequence[Done]) -> None:
    """Wait for what may still land: what was sent behind a lock cannot, since the lock is another now."""
    for each in done:
        if not each.certain and writes.may_land_late(each.intent):
            wait_out(context, each.intent.summary, since=each.at)


def writes_of(context: Context) -> list[Done]:
    """What this run wrote, or may have written, in order: not what it found, and not what was refused whole."""
    found: dict[str, Done] = {}
    for record in context.records():
        if record.stage == STAGE:
            continue
        if isinstance(record.body, Intent):
            if record.body.undoes is not None:
                continue  # a stage that undid its own writes
            before = found.get(record.key)
            ids = before.ids if before else ()
            found[record.key] = Done(record.key, record.stage, record.body, ids, certain=False, at=record.at)
        elif isinstance(record.body, Outcome) and record.key in found:
            one, outcome = found[record.key], record.body
            ids = tuple(dict.fromkeys((*one.ids, *outcome.ids)))
            if outcome.certainty == "NOT_APPLIED" and not ids:
                del found[record.key]
            else:
                found[record.key] = replace(one, ids=ids, certain=outcome.certainty != "UNKNOWN")
    return [each for each in found.values() if not each.intent.found]


def undo_stage(context: Context, stage: str) -> Generator[None, None, Findings]:
    """Undo what one stage of this run wrote, in reverse: for a stage that leaves nothing behind by itself."""
    findings, done = Findings(), [one for one in writes_of(context) if one.stage == stage]
    _wait_out(context, done)
    for each in reversed(done):
        _undo(context, each, findings)
        yield
    return findings


def _undo(context: Context, done: Done, findings: Findings) -> None:
    if done.stage == TRIAL:
        undo_trial_write(context, done, findings)
        return
    if done.key.startswith(COMMITTED):
        undo_committed_write(context, done, findings)
        return
    by_object = _INVERSES.get((done.intent.operation, done.intent.sobject))
    undo = _BY_KEY.get(done.key) or by_object or _BY_OPERATION[done.intent.operation]
    undo(context, done, findings)


def _nothing(_context: Context, _done: Done, _findings: Findings) -> None:
    """It goes with something else."""


def _delete_rows(context: Context, done: Done, findings: Findings) -> None:
    """Delete the rows of a create that are still there. Some go by themselves, as a license does with its last set."""
    standing = standing_ids(context, done, findings)
    if standing:
        writes.delete(context, inverse_of(done, operation="delete", summary=f"undo: {done.intent.summary}"), standing)


def _reactivate(context: Context, done: Done, findings: Findings) -> None:
    """Activate the old user again, and give back the memberships and seats that deactivation took."""
    if put_back(context, done, findings):
        give_back_place(context, undoes=done.key)
        give_back_seats(context, undoes=done.key)


def _run_as_before(context: Context, done: Done, findings: Findings) -> None:
    """Let the app run as the user it ran as before."""
    name = str(done.intent.natural_key["app"])
    app = find_app(context.admin, name, policy=True)
    before, after = dict(done.intent.before or {}), dict(done.intent.after or {})
    if app is None or app.run_as not in (after["run_as"], before["run_as"]):
        found = app.run_as if app else "gone"
        findings.leave(Difference(f"the user that {name} runs as", before["run_as"], after["run_as"], found))
        return
    if app.run_as == before["run_as"]:
        return
    old = before["run_as"]

    def look() -> list[str | None]:
        now = find_app(context.admin, name, policy=True)
        return [app.id if now and now.run_as == old else None]

    def send(_rows: object) -> list[Answer]:
        return [set_run_as(context.admin, app, old)]

    write = inverse_of(done, operation="update", summary=f"let {app.name} run as {old or 'nobody'} again")
    writes.perform(context, write, [{}], send=send, look=look)


def _restore_file(context: Context, done: Done, findings: Findings) -> None:
    """Put the old credential back, where ours still stands."""
    store = context.world.store

    def send(_rows: object) -> list[Answer]:
        restored = store.restore()
        findings.drift.extend(f"{store.name}: {key} was changed by somebody else: left alone" for key in restored.drift)
        return [Answer("APPLIED", id=store.name)]

    write = inverse_of(done, operation="file", summary=f"put the old credential back into {store.name}")
    writes.perform(context, write, [{}], send=send, look=lambda: [None])


Undo = Callable[["Context", Done, Findings], object]

_BY_OPERATION: Mapping[str, Undo] = {
    "create": _delete_rows,
    "update": put_back,
    "delete": _nothing,
    "file": _restore_file,
}
_BY_KEY: Mapping[str, Undo] = {
    "retire/deactivate": _reactivate,
    "provision/move": _nothing,  # goes with the user
    "provision/profile": convert_back,
    "provision/role": _nothing,  # what the org had taken: the user's own
    "provision/memberships": _nothing,
}
_INVERSES: Mapping[tuple[str, str], Undo] = {
    ("create", "User"): deactivate,
    ("create", "PermissionSet"): delete_set,
    ("create", "GroupMember"): delete_memberships,
    ("update", "User password"): _nothing,
    ("update", KIND): _nothing,  # goes with the permission set
    ("delete", "PermissionSetAssignment"): give_back,
    ("delete", "PermissionSetLicenseAssign"): give_back,
    ("delete", "SetupEntityAccess"): authorize_again,
    ("update", "ConnectedApp"): _run_as_before,
    ("update", "ExtlClntAppOauthConfigurablePolicies"): _run_as_before,
    **{("create", sobject): _nothing for sobject in WITH_THE_SET},
}


def _prove(context: Context, snapshot: Snapshot, findings: Findings, done: Sequence[Done]) -> RollbackProof:
    now = read_state(context)
    return RollbackProof(
        from_stage=_reached(context),
        fingerprint_before=snapshot.fingerprint,
        fingerprint_after=now.fingerprint,
        equal=now.fingerprint == snapshot.fingerprint,
        residue=tuple(findings.residue),
        drift=tuple(findings.drift),
        differences=differences(snapshot.parts, now.parts) if now.fingerprint != snapshot.fingerprint else (),
        credential_restored=_credential_restored(context, done),
        old_user_signs_in=_old_user_signs_in(context),
    )


def _reached(context: Context) -> str:
    stages = [record.stage for record in context.records(kind="stage.started") if record.stage != STAGE]
    return stages[-1] if stages else "preflight"


def _credential_restored(context: Context, done: Sequence[Done]) -> bool:
    """Whether the credential file holds the old credential; true when this run never switched it."""
    switched = any(each.intent.operation == "file" for each in done)
    return not switched or not context.world.store.restore().drift


def _old_user_signs_in(context: Context) -> bool:
    try:
        context.world.sign_in("source", context.scenario.from_.sign_in.flow)
    except (SignInRefused, OrgUnreachable) as refusal:
        context.warn("old user", f"the old user could not sign in: {refusal.message}")
        return False
    return True


def _complaints(context: Context, proof: RollbackProof) -> list[str]:
    complaints = [*proof.differences]
    if not proof.credential_restored:
        complaints.append(f"{context.world.store.name} does not hold the old credential")
    if not proof.old_user_signs_in:
        complaints.append(f"{context.scenario.from_.username} cannot sign in")
    return [*complaints, *proof.drift]


ROLLBACK = Stage(name=STAGE, writes=True, run=_rollback)
