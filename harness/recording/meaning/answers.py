"""Two answers to one request, compared by meaning: first whether it was granted, then what was granted.

Answers are as vcrpy keeps them: `{"status": {"code"}, "headers", "body": {"string"}}`. Nothing here reads, writes or
asks anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.org import front_door
from harness.org.describe import is_describe, is_global_describe
from harness.org.errors import says_nothing
from harness.org.reply import Reply, errors_in
from harness.org.soap import local_name, payload, text_of
from harness.recording.meaning import describes, rows, texts
from harness.recording.meaning.model import Drift, People, Question, Tier
from harness.recording.meaning.questions import parts_of, question_of
from harness.recording.text import as_text

Response = Mapping[str, Any]

_HALTED = "PROCESSING_HALTED"
"""What the other parts of a composite are told when one of them fails: it says nothing of themselves."""
_FAILED_JOBS = frozenset({"Failed", "Aborted"})
_NO_ANSWER = frozenset({"INVALID_SESSION_ID"})
"""Errors of the session, not of the question."""


def drifts(request: Any, recorded: Response, now: Response, people: People | None = None) -> list[Drift]:
    """The differences in meaning of two answers to one request, the heaviest first.

    `people` says who the admin is, for whom more access is information and no more.
    """
    question = question_of(request, people or People())
    parts = parts_of(question)
    before, after = _said(question, recorded), _said(question, now)
    if parts is not None and before.granted and after.granted:
        found = list(_of_parts(parts, before.body, after.body))
    else:
        found = list(_of_answers(question, before, after))
    return sorted(found, key=lambda drift: -drift.tier.weight)


def refusal_of(request: Any, response: Response) -> str:
    """The error code that a request was answered with; empty where it was granted."""
    return _said(question_of(request, People()), response).code


@dataclass(frozen=True, slots=True)
class _Said:
    """What an answer says: a code and a text for a refusal, else a body."""

    code: str
    message: str
    body: Any

    @property
    def granted(self) -> bool:
        return not self.code

    @property
    def words(self) -> str:
        message = " ".join(self.message.removeprefix(f"{self.code}:").split())[:160]
        return f"{self.code}: {message}" if message and message != self.code else self.code


def _said(question: Question, response: Response) -> _Said:
    text = as_text(response["body"].get("string")) or ""
    status = int(response["status"]["code"])
    if question.path == "/secur/frontdoor.jsp":
        headers = {str(name).lower(): _first(value) for name, value in response["headers"].items()}
        return _refusal(front_door.read(Reply(status, text, headers=headers)))
    if question.path.startswith("/services/Soap/"):
        return _soap(text, status)
    return _of_body(_decoded(text), status)


def _of_body(body: Any, status: int) -> _Said:
    if status >= 300:
        errors = errors_in(body, status)
        return _Said(errors[0].code, errors[0].message, body)
    if isinstance(body, Mapping) and body.get("state") in _FAILED_JOBS:
        return _Said(f"job {body['state']}", str(body.get("errorMessage") or ""), body)
    return _Said("", "", body)


def _refusal(reply: Reply) -> _Said:
    if reply.errors:
        return _Said(reply.errors[0].code, reply.errors[0].message, reply.body)
    return _Said("", "", "") if reply.status < 400 else _of_body(reply.body, reply.status)


def _soap(text: str, status: int) -> _Said:
    answer = payload(text)
    if answer is not None and local_name(answer) == "Fault":
        code = text_of(answer, "exceptionCode") or text_of(answer, "faultcode") or "fault"
        return _Said(code.rpartition(":")[2], text_of(answer, "faultstring") or "", text)
    return _Said(f"HTTP_{status}", "", text) if status >= 300 else _Said("", "", text)


def _of_answers(question: Question, before: _Said, after: _Said) -> Iterator[Drift]:
    if before.granted and after.granted:
        yield from _of_granted(question, before.body, after.body)
    elif before.granted:
        tier = Tier.WARNING if _is_no_answer(after) else Tier.ERROR
        yield question.drift(tier, "what was granted is refused", "granted", after.words)
    elif after.granted:
        tier = Tier.INFORMATION if _is_no_answer(before) else question.more
        yield question.drift(tier, "what was refused is granted", before.words, "granted")
    elif before.code != after.code:
        yield question.drift(Tier.WARNING, "refused with another error code", before.words, after.words)
    elif " ".join(before.message.split()) != " ".join(after.message.split()):
        yield question.drift(Tier.INFORMATION, f"{before.code} has another text", before.message, after.message)


def _of_granted(question: Question, before: Any, after: Any) -> Iterator[Drift]:
    if question.path == "/services/oauth2/token" or before is None or after is None:
        return
    if rows.has_rows(before) and rows.has_rows(after):
        yield from rows.of_query(question, before, after)
    elif is_describe(before) and is_describe(after):
        yield from describes.of_describe(question, before, after)
    elif is_global_describe(before) and is_global_describe(after):
        yield from describes.of_all_objects(question, before, after)
    elif _are(before, after, "attributes"):
        yield from rows.of_record(question, before, after)
    elif _are(before, after, "state"):
        yield from texts.of_job(question, before, after)
    elif _is_rows_written(before) and _is_rows_written(after):
        yield from _of_written(question, before, after)
    elif isinstance(before, str) and isinstance(after, str):
        of_text = texts.of_xml if "/Soap/" in question.path else texts.of_csv
        yield from (
            () if before == after or question.path == "/secur/frontdoor.jsp" else of_text(question, before, after)
        )
    else:
        yield from texts.of_json(question, before, after)


def _of_written(question: Question, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Drift]:
    """Rows that were written, one by one: granted or refused each."""
    for number, (one, other) in enumerate(zip(before, after, strict=False), start=1):
        said = [_row_said(row) for row in (one, other)]
        for drift in _of_answers(question, *said):
            yield question.drift(drift.tier, f"row {number}: {drift.text}", drift.recorded, drift.now)


def _row_said(row: Mapping[str, Any]) -> _Said:
    if row.get("success", True) and not row.get("errors"):
        return _Said("", "", {})
    error: Mapping[str, Any] = next(iter(row.get("errors") or ()), {})
    return _Said(str(error.get("statusCode", "refused")), str(error.get("message", "")), {})


def _of_parts(parts: Mapping[str, Question], before: Any, after: Any) -> Iterator[Drift]:
    """A composite, part by part: what was only halted by another part says nothing where it was never come to."""
    old, new = _parts_said(before), _parts_said(after)
    for reference, question in parts.items():
        one, other = old.get(reference), new.get(reference)
        if one is not None and other is not None:
            yield from _of_answers(question, one, other)


def _parts_said(body: Any) -> dict[str, _Said]:
    """What each part was answered; without those that another part's failure kept from being come to.

    A part before the failing one was rolled back: by itself it was granted.
    """
    listed = body.get("compositeResponse") or body.get("results") if isinstance(body, Mapping) else None
    found: dict[str, _Said] = {}
    failed = False
    for number, part in enumerate(listed or ()):
        status = int(part.get("httpStatusCode") or part.get("statusCode") or 200)
        said = _of_body(part.get("body", part.get("result")), status)
        if said.code != _HALTED:
            found[str(part.get("referenceId", number))] = said
            failed = failed or not said.granted
        elif not failed:
            found[str(part.get("referenceId", number))] = _Said("", "", None)
    return found


def _is_no_answer(said: _Said) -> bool:
    """Whether a refusal says nothing of what was asked, such as a server that is busy."""
    return said.code in _NO_ANSWER or says_nothing(said.code, said.message)


def _are(before: Any, after: Any, key: str) -> bool:
    return all(isinstance(each, Mapping) and key in each for each in (before, after))


def _is_rows_written(body: Any) -> bool:
    return (
        isinstance(body, list) and bool(body) and all(isinstance(each, Mapping) and "success" in each for each in body)
    )


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None


def _first(value: Any) -> str:
    return str(value[0]) if isinstance(value, (list, tuple)) and value else str(value)
