"""How certain it is that a write took effect, read from the org's answer.

An answer is APPLIED when the org says so, NOT_APPLIED when the table of errors is certain of it, and UNKNOWN otherwise.
What is UNKNOWN is settled by reading the org back, never by sending it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.org.errors import NO_ANSWER, NOT_SENT, NOT_THE_ORG, known
from harness.org.reply import Answer, ApiError, Certainty, Reply, errors_in

__all__ = ["NOT_SENT", "NO_ANSWER", "answer_of", "answer_of_row", "certainty_of", "lost", "not_sent"]


def certainty_of(status: int | None, errors: Sequence[ApiError]) -> Certainty:
    """How certain it is. `status` is None when the org did not answer.

    A refusal is certain only when the org knew what it refused: a status below 500 and nothing but errors that the
    table is certain of.
    """
    if status is None:
        return "UNKNOWN"
    if status < 300 and not errors:
        return "APPLIED"
    certain = bool(errors) and all(one is not None and one.is_certain for one in known(errors))
    return "NOT_APPLIED" if certain and status < 500 else "UNKNOWN"


def answer_of(reply: Reply, *, record_id: str | None = None) -> Answer:
    """The Answer for a single-row write; `record_id` is the row's id where the answer does not carry it.

    A success that is not one of the platform's shapes, such as a page that something on the way gave, is UNKNOWN: it
    answers with nothing (204), or with the row's id (facts 5.3).
    """
    body = reply.body if isinstance(reply.body, Mapping) else {}
    if reply.ok and not (reply.body is None if reply.status == 204 else body.get("success") is True):
        return Answer("UNKNOWN", reply.status, errors=(ApiError(NOT_THE_ORG, "the answer names no row"),))
    return Answer(
        certainty_of(reply.status, reply.errors),
        reply.status,
        body.get("id") or record_id,
        body.get("created"),
        reply.errors,
    )


def answer_of_row(row: Any, status: int) -> Answer:
    """The Answer for one row of a collections call: `{id, success, errors, created}` (facts 5.5)."""
    if not isinstance(row, Mapping) or "success" not in row:
        return Answer("UNKNOWN", status)
    errors = () if row["success"] else errors_in(list(row.get("errors") or []), status)
    return Answer(certainty_of(status, errors), status, row.get("id"), row.get("created"), errors)


def lost(message: str, count: int) -> list[Answer]:
    """The Answers for `count` rows that were sent and got no answer."""
    return [Answer("UNKNOWN", errors=(ApiError(NO_ANSWER, message),))] * count


def not_sent(count: int) -> list[Answer]:
    """The Answers for `count` rows that were never sent."""
    error = ApiError(NOT_SENT, "not sent, since an earlier part got no answer")
    return [Answer("NOT_APPLIED", errors=(error,))] * count
