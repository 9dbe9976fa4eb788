"""What an answer to a write proves."""

from __future__ import annotations

import pytest

from harness.org.errors import TABLE
from harness.org.outcome import answer_of, answer_of_row, certainty_of
from harness.org.reply import ApiError, Reply, errors_in, reply_of

CERTAIN = [pytest.param(one.code, one.text, id=f"{one.at}-{one.code}-{one.text}") for one in TABLE if one.is_certain]


@pytest.mark.parametrize(("code", "text"), CERTAIN)
def test_a_listed_refusal_is_certain_below_500_only(code: str, text: str) -> None:
    error = ApiError(code, text)
    assert certainty_of(400, [error]) == "NOT_APPLIED"
    assert certainty_of(500, [error]) == "UNKNOWN"
    assert certainty_of(400, [error, ApiError("SOMETHING_NEW", "")]) == "UNKNOWN"


def test_what_certainly_changed_nothing_was_counted_by_hand() -> None:
    """A code more or less is a decision, not an accident: see the facts before this number is changed."""
    assert len({one.code for one in TABLE if one.is_certain and one.at in ("request", "row")}) == 49


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (None, []),
        (400, []),
        (400, ["SOMETHING_NEW"]),
        (500, ["UNKNOWN_EXCEPTION"]),
        (503, ["SERVER_UNAVAILABLE"]),
        (302, []),
        (200, ["SOMETHING_NEW"]),
        (409, ["CONFLICT"]),
    ],
)
def test_what_is_not_listed_is_unknown(status: int | None, codes: list[str]) -> None:
    assert certainty_of(status, [ApiError(code, "") for code in codes]) == "UNKNOWN"


def test_a_row_without_a_verdict_is_unknown() -> None:
    assert answer_of_row(None, 200).certainty == "UNKNOWN"
    assert answer_of_row({"id": "1"}, 200).certainty == "UNKNOWN"
    assert answer_of_row({"success": False, "errors": []}, 200).certainty == "UNKNOWN"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>Please sign in to the hotel's network</html>"),
        Reply(200, {"welcome": "yes"}),
        Reply(201, None),
        Reply(200, []),
        Reply(204, "something"),
    ],
    ids=["page", "other data", "nothing", "list", "text where there is none"],
)
def test_a_success_that_no_org_gives_is_unknown(reply: Reply) -> None:
    assert answer_of(reply, record_id="1").certainty == "UNKNOWN"


def test_an_upsert_says_whether_it_created() -> None:
    made = answer_of(Reply(201, {"id": "1", "success": True, "errors": [], "created": True}))
    assert (made.ok, made.id, made.created) == (True, "1", True)
    assert answer_of(Reply(204), record_id="2").id == "2"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([{"message": "m", "errorCode": "C", "fields": ["F"]}], ApiError("C", "m", ("F",))),
        ([{"statusCode": "C", "message": "m", "fields": []}], ApiError("C", "m")),
        ({"error": "invalid_grant", "error_description": "d"}, ApiError("invalid_grant", "d")),
        ("  a   page\nof text ", ApiError("HTTP_418", "a page of text")),
        (None, ApiError("HTTP_418", "")),
        ([{"unknown": 1}], ApiError("HTTP_418", "")),
    ],
)
def test_errors_in_every_envelope(body: object, expected: ApiError) -> None:
    assert errors_in(body, 418) == (expected,)


def test_a_reply_of_bytes() -> None:
    assert reply_of(200, b'{"a": 1}').body == {"a": 1}
    assert reply_of(204, b"").body is None
    assert reply_of(200, b"a,b\n", {"Content-Type": "text/csv"}).headers == {"content-type": "text/csv"}
    assert str(ApiError("C", "m")) == "C: m"
