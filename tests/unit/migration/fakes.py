"""An engine's world without an org: a clock that ticks, and an admin whose rows are a dictionary."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from harness.errors import OrgUnreachable
from harness.migration.context import Context
from harness.migration.engine import Engine
from harness.migration.journal import Journal
from harness.migration.records import RunStarted
from harness.migration.stages import Stage
from harness.migration.writing.lock import OrgLock
from harness.org.clock import SystemClock
from harness.org.guard import WriteGuard
from harness.org.meter import Meter
from harness.org.reply import Answer, ApiError, Reply

STAGES = ("preflight", "snapshot", "plan", "provision")


class Ticking(SystemClock):
    """One second passes at each look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def header(**changes: Any) -> RunStarted:
    return RunStarted.model_validate(
        {
            "run_id": "run1",
            "tool_version": "0",
            "purpose": "migration",
            "system": "ERP",
            "scenario_purpose": "Sync",
            "scenario_file": "erp.scenario.yaml",
            "scenario_digest": "a" * 64,
            "source_username": "old@acme.example",
            "target_username": "new@acme.example",
            "strategy": "new-user",
            "stages": STAGES,
            "sign_off_expected": "granted",
            "org_name": "simulated",
            "cassettes": "off",
            "by": "admin@acme.example",
            **changes,
        }
    )


def engine(journal: Journal, table: Mapping[str, Stage], **changes: Any) -> Engine:
    """An engine over stages that need no org. `changes` are of the header, but for `plan_from` and `around`."""
    own = {name: changes.pop(name) for name in ("plan_from", "around") if name in changes}
    world: Any = SimpleNamespace(name="erp")
    head = header(**changes)
    return Engine(
        file=world,
        journal=journal,
        run_id=head.run_id,
        header=head,
        site=world,
        guard=WriteGuard(),
        meter=Meter(),
        connect=_no_org,
        sign_in=lambda principal, _flow: _no_org(principal),
        store=world,
        resolve=_no_org,
        clock=Ticking(),
        table=table,
        **own,
    )


def _no_org(asked: str) -> Any:
    raise AssertionError(f"{asked} was asked for, and there is no org")


class Table:
    """An admin's connection whose org is a few rows in memory. `script` says how the next writes go wrong."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.sent: list[Any] = []
        self.script: list[Callable[[Callable[[], Answer]], Answer]] = []
        self.locks: list[str] = []

    def _step(self, act: Callable[[], Answer]) -> Answer:
        return self.script.pop(0)(act) if self.script else act()

    def create(self, sobject: str, values: Mapping[str, Any]) -> Answer:
        if str(values["Name"]).startswith("Rehearsal_Lock_"):
            self.locks.append(f"lock{len(self.locks) + 1}")
            return Answer("APPLIED", 201, self.locks[-1], created=True)
        self.sent.append(("create", dict(values)))
        return self._step(lambda: self._insert(sobject, values))

    def create_many(self, sobject: str, rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
        self.sent.append(("create_many", [dict(row) for row in rows]))
        return [self._step(lambda row=row: self._insert(sobject, row)) for row in rows]

    def _insert(self, sobject: str, values: Mapping[str, Any]) -> Answer:
        if any(row["Name"] == values["Name"] for row in self.rows.values()):
            return Answer("NOT_APPLIED", 400, errors=(ApiError("DUPLICATE_VALUE", "there is one"),))
        record_id = f"{sobject}{len(self.rows) + 1}"
        self.rows[record_id] = {"Id": record_id, **values}
        return Answer("APPLIED", 201, record_id, created=True)

    def update(self, _sobject: str, record_id: str, values: Mapping[str, Any]) -> Answer:
        self.sent.append(("update", dict(values)))

        def act() -> Answer:
            self.rows[record_id].update(values)
            return Answer("APPLIED", 204, record_id)

        return self._step(act)

    def delete(self, _sobject: str, record_id: str) -> Answer:
        if record_id in self.locks:
            self.locks[self.locks.index(record_id)] = "deleted"
            return Answer("APPLIED", 204, record_id)
        self.sent.append(("delete", record_id))
        return self._step(lambda: self._delete(record_id))

    def composite(self, parts: Sequence[Mapping[str, Any]], *, all_or_none: bool) -> list[Reply]:
        """The parts behind the first, which is the lock's: all or none."""
        assert all_or_none
        fence, *rest = parts
        if str(fence["url"]).rpartition("/")[2] not in self.locks:
            return [_told(Answer("NOT_APPLIED", 404, errors=(ApiError("NOT_FOUND", "gone"),))), *[_HALTED] * len(rest)]
        before, replies = dict(self.rows), []
        for part in rest:
            _, sobject, *record_id = str(part["url"]).split("/")
            if part["method"] == "POST":
                answer = self.create(sobject, part["body"])
            elif part["method"] == "PATCH":
                answer = self.update(sobject, record_id[0], part["body"])
            else:
                answer = self.delete(sobject, record_id[0])
            replies.append(_told(answer))
            if not answer.ok:
                self.rows = before
                done = [_HALTED if each.ok else each for each in replies]
                return [_HALTED, *done, *[_HALTED] * (len(rest) - len(done))]
        return [Reply(204), *replies]

    def delete_many(self, ids: Sequence[str]) -> list[Answer]:
        self.sent.append(("delete_many", list(ids)))
        return [self._step(lambda one=one: self._delete(one)) for one in ids]

    def _delete(self, record_id: str) -> Answer:
        if self.rows.pop(record_id, None) is None:
            return Answer("NOT_APPLIED", 404, errors=(ApiError("ENTITY_IS_DELETED", "entity is deleted"),))
        return Answer("APPLIED", 204, record_id)

    def query(self, soql: str) -> list[dict[str, Any]]:
        """Rows that meet the equalities and IN lists of a query, locks not among them."""
        rows = list(self.rows.values())
        for column, value in re.findall(r"(\w+) = '([^']*)'", soql):
            rows = [row for row in rows if str(row.get(column)) == value]
        for column, values in re.findall(r"(\w+) IN \(([^)]*)\)", soql):
            wanted = re.findall(r"'([^']*)'", values)
            rows = [row for row in rows if str(row.get(column)) in wanted]
        return [dict(row) for row in rows]


_HALTED = Reply(400, errors=(ApiError("PROCESSING_HALTED", "rolled back"),))


def _told(answer: Answer) -> Reply:
    """How the org tells it. Raises OrgUnreachable where it does not."""
    if answer.certainty == "UNKNOWN":
        raise OrgUnreachable("no answer in time", asked="it", may_have_happened=True)
    body = {"id": answer.id, "success": True} if answer.status == 201 else None
    return Reply(answer.status or 400, body, answer.errors)


def lost(act: Callable[[], Answer]) -> Answer:
    """It is done, and the answer is lost."""
    act()
    return Answer("UNKNOWN", errors=(ApiError("NO_ANSWER", "no answer in time"),))


def swallowed(_act: Callable[[], Answer]) -> Answer:
    """It is not done, and nobody knows."""
    return Answer("UNKNOWN", errors=(ApiError("NO_ANSWER", "no answer in time"),))


def refused(_act: Callable[[], Answer]) -> Answer:
    """The org says no."""
    return Answer("NOT_APPLIED", 400, errors=(ApiError("FIELD_INTEGRITY_EXCEPTION", "no seat"),))


def interrupted(_act: Callable[[], Answer]) -> Answer:
    """The process dies before it is sent."""
    raise KeyboardInterrupt


def interrupted_after(act: Callable[[], Answer]) -> Answer:
    """The process dies when it is done."""
    act()
    raise KeyboardInterrupt


def context(journal: Journal, table: Table, *, stage: str = "grant") -> Context:
    """A stage's context over that table."""
    scenario = SimpleNamespace(from_=SimpleNamespace(username="old@acme.example"))
    file = SimpleNamespace(name="erp", scenario=scenario)
    world: Any = SimpleNamespace(
        connect=lambda _principal: table,
        clock=Ticking(),
        file=file,
        meter=Meter(),
        guard=SimpleNamespace(granted="leave to write"),
    )
    lock = OrgLock(host="here")
    made = Context(
        world=world,
        journal=journal,
        run_id="run1",
        stage=stage,
        plan_from=None,
        prove=lambda: _no_org("a proof"),
        lock=lock,
    )
    lock.take(made)
    return made
