"""A connection that answers from a table: what is asked is looked up by its text, and noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote_plus

from harness.checks.check import make_check
from harness.checks.results import CheckResult
from harness.checks.spec import CheckSpec, OperationSpec, check_specs, operation_specs
from harness.checks.values import Values
from harness.errors import RequestRefused
from harness.org.connection import Connection
from harness.org.reply import Answer, ApiError, BulkResult, Reply
from harness.scenario.loader import ScenarioFile, read

HALTED = Reply(400, [], (ApiError("PROCESSING_HALTED", "The transaction was rolled back"),))
NEVER = Reply(400, [], (ApiError("INVALID_TYPE", "sObject type 'RehearsalRollsThisBack__c' is not supported."),))


class FakeClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, tzinfo=UTC)


def rows(*records: Mapping[str, Any]) -> Reply:
    return Reply(200, {"totalSize": len(records), "done": True, "records": [dict(record) for record in records]})


def no(code: str, message: str = "no", status: int = 400) -> Reply:
    return Reply(status, [], (ApiError(code, message),))


def described(**fields: str) -> Reply:
    """A describe whose fields are `read` or `edit`."""
    entries = [
        {"name": name, "createable": right == "edit", "updateable": right == "edit"} for name, right in fields.items()
    ]
    return Reply(200, {"fields": entries, "createable": True, "updateable": True, "deletable": False})


class FakeConnection:
    """`answers` maps what is asked (SOQL, `describe X`, `POST sobjects/X`, `ui`, `apex GET /x`) to a Reply."""

    def __init__(self, principal: str = "target", answers: Mapping[str, Reply] | None = None) -> None:
        self.principal = principal
        self.user_id = f"005-{principal}"
        self.username = f"{principal}@acme.example"
        self.answers = dict(answers or {})
        self.asked: list[str] = []
        self.sent: list[Any] = []
        self.written: Callable[[Sequence[Any]], list[Answer]] = lambda given: [
            Answer("APPLIED", 201, f"{self.principal}-{number}") for number, _ in enumerate(given)
        ]
        self.bulk = BulkResult("750", "JobComplete")

    def _answer(self, asked: str) -> Reply:
        self.asked.append(asked)
        return self.answers[asked]

    def try_query(self, soql: str) -> Reply:
        return self._answer(soql)

    def query(self, soql: str) -> list[dict[str, Any]]:
        reply = self._answer(soql)
        if not reply.ok:
            error = reply.errors[0]
            raise RequestRefused(
                str(error), asked=soql, status=reply.status, code=error.code, description=error.message
            )
        return list(reply.body["records"])

    def describe(self, sobject: str) -> Reply:
        return self._answer(f"describe {sobject}")

    def user_interface_allowed(self) -> Reply:
        return self._answer("ui")

    def apex_rest(self, method: str, path: str, body: Any = None) -> Reply:
        self.sent.append(body)
        return self._answer(f"apex {method} {path}")

    def composite(self, subrequests: Sequence[Mapping[str, Any]], *, all_or_none: bool) -> list[Reply]:
        if all(each["method"] == "GET" for each in subrequests):
            return [self._read(each["url"]) for each in subrequests]
        self.sent += subrequests
        if not all_or_none:
            return [self._answer(f"{each['method']} {each['url']}") for each in subrequests]
        *writes, last = subrequests
        assert "RehearsalRollsThisBack__c" in last["url"]
        replies = [self.answers.get(f"{each['method']} {each['url']}", HALTED) for each in writes]
        return [*replies, NEVER if all(reply is HALTED for reply in replies) else HALTED]

    def _read(self, url: str) -> Reply:
        """A query, a describe, or a row; one that no test is about is not there."""
        kind, _, rest = url.partition("?q=")
        name = kind.removeprefix("sobjects/").removesuffix("/describe")
        asked = unquote_plus(rest) or (f"describe {name}" if url.endswith("/describe") else f"GET {url}")
        return self._answer(asked) if asked in self.answers else no("NOT_FOUND", status=404)

    def create_many(self, sobject: str, made: Sequence[Any]) -> list[Answer]:
        self.asked.append(f"create {len(made)} {sobject}")
        self.sent += made
        return self.written(made)

    def update_many(self, sobject: str, made: Sequence[Any]) -> list[Answer]:
        self.asked.append(f"update {len(made)} {sobject}")
        self.sent += made
        return self.written(made)

    def delete_many(self, ids: Sequence[str]) -> list[Answer]:
        self.asked.append(f"delete {len(ids)}")
        self.sent += ids
        return self.written(ids)

    def bulk_query(self, soql: str) -> BulkResult:
        self.asked.append(f"bulk {soql}")
        return self.bulk

    def bulk_ingest(
        self, operation: str, sobject: str, made: Sequence[Any], *, external_id: str | None = None
    ) -> BulkResult:
        self.asked.append(f"bulk {operation} {len(made)} {sobject} by {external_id}")
        self.sent += made
        return self.bulk

    def real(self) -> Connection:
        """Itself, for those who ask for a Connection."""
        return cast("Connection", self)


HEAD = """\
rehearse: 1
system: ERP
purpose: Order Sync
from: {username: old@acme.example, sign_in: {flow: soap-login, password: "env:OLD"}}
to: {username: new@acme.example, sign_in: {flow: soap-login, password: "env:NEW"}}
credentials: {store: dotenv, path: .env, keys: {SF_PASSWORD: password}}
dual_auth: {for: 14d, old_user_quiet_for: 48h}
"""


def scenario(*, workload: str = "- describe: Account", grants: str = "", denials: str = "") -> ScenarioFile:
    """A scenario with these items, each a line of YAML that starts with `- `."""
    text = HEAD + "workload:\n" + _indented(workload)
    if grants or denials:
        text += "expect:\n"
        text += "  grants:\n" + _indented(grants) if grants else ""
        text += "  denials:\n" + _indented(denials) if denials else ""
    return read(text.encode(), path=Path("erp.scenario.yaml"), shown="erp.scenario.yaml")


def _indented(items: str) -> str:
    return "".join(f"    {line}\n" for line in items.strip().splitlines())


def operations(*items: str) -> tuple[OperationSpec, ...]:
    return operation_specs(scenario(workload="\n".join(f"- {item}" for item in items)))


def grant(item: str) -> CheckSpec:
    return check_specs(scenario(grants=f"- {item}"))[0]


def denial(item: str) -> CheckSpec:
    return check_specs(scenario(denials=f"- {item}"))[0]


def values() -> Values:
    return Values(seed="erp", clock=cast("Any", FakeClock()))


def made(
    spec: CheckSpec,
    target: Mapping[str, Reply],
    admin: Mapping[str, Reply] | None = None,
    *,
    sign_in: Callable[[str], None] = lambda _: None,
) -> CheckResult:
    """The result of a check where the target and the admin get these answers."""
    return make_check(
        spec,
        target=FakeConnection("target", target).real(),
        admin=FakeConnection("admin", admin).real(),
        values=values(),
        sign_in=sign_in,
    )
