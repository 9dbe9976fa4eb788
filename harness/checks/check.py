"""Making a check: a question to the org as the target user, and whether its answer is the one that was expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness.checks import remedies
from harness.checks.committing import Diary, NoDiary
from harness.checks.probe import Ask, Said, question
from harness.checks.results import CheckResult, Grade
from harness.checks.spec import CheckSpec, about, name
from harness.checks.values import NoRecord, Values
from harness.errors import OrgUnreachable, RequestRefused, SignInRefused
from harness.org.errors import says_nothing
from harness.scenario.model import Denial, FieldAccess, Grant

if TYPE_CHECKING:
    from harness.org.connection import Connection

SignIn = Callable[[str], None]
"""Signs in as the target user with a flow; raises SignInRefused or OrgUnreachable."""


def make_check(
    spec: CheckSpec,
    *,
    target: Connection,
    admin: Connection,
    values: Values,
    sign_in: SignIn,
    diary: Diary | None = None,
) -> CheckResult:
    """Make one check and say how it went.

    A write is tried and rolled back by the org, or with `commit` done and then undone as the admin, so the transport
    needs a capability for it: GuardRefused is raised without one. What is committed is put down in `diary` before it is
    sent. What the org says, or that it says nothing, is in the result and is not raised.
    """
    item = spec.item
    seen_by = (target,) if isinstance(item, Grant) else (target, admin)
    try:
        ask = question(
            item,
            spec_id=spec.id,
            values=values,
            seen_by=seen_by,
            sign_in=sign_in,
            cleaner=admin,
            diary=diary or NoDiary(),
        )
        if isinstance(item, Grant):
            return _grant(spec, item, target, ask)
        return _denial(spec, item, target, admin, ask)
    except NoRecord as error:
        remedy = "name a record that the user sees with where, or let the scenario's org have one"
        return _not_made(spec, str(error), remedy)
    except (OrgUnreachable, RequestRefused, SignInRefused) as error:
        return _not_made(spec, error.message, error.remedy)


def _grant(spec: CheckSpec, item: Grant, target: Connection, ask: Ask) -> CheckResult:
    said = ask(target)
    few = said.done and item.at_least is not None and (said.rows or 0) < item.at_least
    reason: str | None = None
    remedy: str | None = None
    if said.conflict:
        reason, remedy = said.conflict, "two answers of the org contradict each other: ask its administrator"
    elif not said.done:
        reason, remedy = _refusal(said), _remedy_for_refusal(item, said)
    elif few:
        reason = f"{said.rows} rows came back, and at least {item.at_least} are expected"
        remedy = f"look at the sharing of {about(item)}: owner, View All, groups and queues, role"
    return _result(spec, passed=reason is None, answer=said.asked(target), reason=reason, remedy=remedy)


def _denial(spec: CheckSpec, item: Denial, target: Connection, admin: Connection, ask: Ask) -> CheckResult:
    said = ask(target)
    if item.error is None and says_nothing(said.code or "", said.message or ""):
        return _not_made(spec, f"the org did not answer: {_refusal(said)}", "make it again when the org answers")
    reason, remedy = _not_the_refusal(item, said)
    if reason or (item.kind == "sign_in" and item.sign_in != "ui"):  # a sign-in has no counterpart as the admin
        return _result(spec, passed=reason is None, answer=said.asked(target), reason=reason, remedy=remedy)
    control = ask(admin)
    reason = None if control.done else _same_as_admin(item, said, control)
    if reason:
        remedy = "check the spelling, and whether the admin may do it: no access and does not exist look the same"
    return _result(
        spec,
        passed=reason is None,
        answer=said.asked(target),
        control=control.asked(admin),
        reason=reason,
        remedy=remedy,
    )


def _not_the_refusal(item: Denial, said: Said) -> tuple[str | None, str | None]:
    """Why the answer is not the refusal that was expected, and what to do; nothing when it is."""
    if said.conflict:
        return said.conflict, "two answers of the org contradict each other: ask its administrator"
    if said.done:
        return "it was not refused", _remedy_for_grant(item)
    if item.error is not None and said.code != item.error:
        remedy = f"if {said.code} is the right refusal, write error: {said.code}; else look at what was asked"
        return f"it was refused, but with {_refusal(said)}", remedy
    return None, None


def _same_as_admin(item: Denial, said: Said, control: Said) -> str | None:
    """Why the denial proves nothing, if the admin's answer says so."""
    if control.conflict:
        return f"as the admin: {control.conflict}"
    if control.code == said.code:
        what = name(item)
        return f"the admin gets the same answer ({_refusal(control)}): {what} fails for everyone, or does not exist"
    return None


def _not_made(spec: CheckSpec, reason: str, remedy: str | None) -> CheckResult:
    return _result(spec, passed=False, made=False, reason=f"it could not be made: {reason}", remedy=remedy)


def _result(spec: CheckSpec, **parts: Any) -> CheckResult:
    return CheckResult(
        kind=spec.kind,
        title=name(spec.item),
        place=f"{spec.place.file}:{spec.place.line}",
        expected=_expected(spec.item),
        grade=grade_of(spec.item) if "answer" in parts else None,
        **parts,
    )


def grade_of(item: Grant | Denial) -> Grade:
    """How strongly a check tells what it tells. An Apex call that does not only read is carried out, and stays."""
    if item.apex:
        return "error" if item.apex.method == "GET" else "committed"
    if item.insert or item.update or item.upsert or item.delete:
        return "committed" if isinstance(item, Grant) and item.commit else "rolled-back"
    if isinstance(item, Denial) and item.field and item.field.access == "edit":
        return "rolled-back" if item.error else "describe"
    if item.describe or (item.field and item.field.access == "edit"):
        return "describe"
    return "error"


def _expected(item: Grant | Denial) -> str:
    if isinstance(item, Denial):
        if item.error:
            return f"refused with {item.error}"
        return f"the field cannot be {_participle(item.field)}" if item.field else "refused"
    if item.field:
        return f"the field can be {_participle(item.field)}"
    if item.at_least is not None:
        return f"answered, with at least {item.at_least} rows"
    return "answered"


def _participle(field: FieldAccess) -> str:
    return "read" if field.access == "read" else "edited"


def _refusal(said: Said) -> str:
    """The org's answer in a line: its code and the last line of its message, which is the one that says why."""
    last = (said.message or "").strip().rpartition("\n")[2]
    return ": ".join(part for part in (said.code, last) if part) or f"HTTP {said.status}"


def _remedy_for_refusal(item: Grant | Denial, said: Said) -> str | None:
    if item.field and said.code is None:
        return f"look for field-level security (Edit) on {item.field.name} in the permission set"
    return remedies.for_refusal(said.code, kind=item.kind, sobject=about(item), message=said.message)


def _remedy_for_grant(item: Denial) -> str:
    field = item.field
    return remedies.for_grant(
        kind=item.kind,
        sobject=about(item),
        field=field.name if field else None,
        access=field.access if field else "read",
    )
