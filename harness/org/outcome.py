"""How certain it is that a write took effect, read from the org's answer.

One table: an answer is APPLIED when the org says so, NOT_APPLIED when its error is listed here, and UNKNOWN otherwise.
What is UNKNOWN is settled by reading the org back, never by sending it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.org.reply import Answer, ApiError, Certainty, Reply, errors_in

NOTHING_HAPPENED = frozenset(
    {
        # the caller (facts 4.7, 5.3)
        "API_CURRENTLY_DISABLED",
        "API_DISABLED_FOR_ORG",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INVALID_AUTH_HEADER",
        "INVALID_SESSION_ID",
        # the request
        "INVALID_FIELD",
        "INVALID_TYPE",
        "JSON_PARSER_ERROR",
        "MALFORMED_ID",
        "MALFORMED_QUERY",
        "METHOD_NOT_ALLOWED",
        "NOT_FOUND",
        "UNSUPPORTED_MEDIA_TYPE",
        # the row (facts 1.6, 5.3)
        "DELETE_FAILED",
        "DEPENDENCY_EXISTS",
        "DUPLICATE_DEVELOPER_NAME",
        "DUPLICATE_EXTERNAL_ID",
        "DUPLICATE_USERNAME",
        "DUPLICATE_VALUE",
        "DUPLICATES_DETECTED",
        "ENTITY_IS_DELETED",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        "FIELD_INTEGRITY_EXCEPTION",
        "INVALID_CROSS_REFERENCE_KEY",
        "INVALID_EMAIL_ADDRESS",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_ID_FIELD",
        "INVALID_NEW_PASSWORD",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_STATUS",
        "MISSING_ARGUMENT",
        "MIXED_DML_OPERATION",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
        # limits and locks
        "LICENSE_LIMIT_EXCEEDED",
        "LIMIT_EXCEEDED",
        "REQUEST_LIMIT_EXCEEDED",
        "STORAGE_LIMIT_EXCEEDED",
        "UNABLE_TO_LOCK_ROW",
        # the transaction around it (facts 5.5)
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "BATCH_PROCESSING_HALTED",
        "PROCESSING_HALTED",
    }
)
"""The error codes after which it is certain that the row was not written."""

NOT_SENT = "NOT_SENT"
"""Our own code for a row that was never sent, since an earlier part of the same work got no answer."""
NO_ANSWER = "NO_ANSWER"
"""Our own code for a row whose answer was lost."""


def certainty_of(status: int | None, errors: Sequence[ApiError]) -> Certainty:
    """How certain it is. `status` is None when the org did not answer.

    A refusal is certain only when the org knew what it refused: a status below 500 and nothing but listed codes.
    """
    if status is None:
        return "UNKNOWN"
    if status < 300 and not errors:
        return "APPLIED"
    known = bool(errors) and all(error.code in NOTHING_HAPPENED for error in errors)
    return "NOT_APPLIED" if known and status < 500 else "UNKNOWN"


def answer_of(reply: Reply, *, record_id: str | None = None) -> Answer:
    """The Answer for a single-row write; `record_id` is the row's id where the answer does not carry it."""
    body = reply.body if isinstance(reply.body, Mapping) else {}
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
