"""Whether a cassette holds only what may be kept: its conversation is cleaned again, and nothing must change.

Stand-ins do not show that they are, so values are left alone: what counts is which resources, keys and kinds of content
there are, and that what must be blank is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from harness.errors import RecordingError
from harness.inspecting.words import clipped, path_of_names
from harness.recording import redaction
from harness.recording.cleaning.allowlist import AllowList, Treatment
from harness.recording.cleaning.answers import Answers, Asked
from harness.recording.cleaning.unknown import Unknown
from harness.recording.cleaning.values import Values
from harness.recording.redaction import BLANK, is_secret_name
from harness.recording.standing_in.pseudonyms import Pseudonyms
from harness.recording.standing_in.standins import Kind

_LONG = 300


class _AsTheyAre(Values):
    """Values that stay, but for secrets."""

    def __init__(self) -> None:
        super().__init__(Pseudonyms(org_id="", scenario=""))

    def answered(self, treatment: Treatment | Kind, name: str, value: Any) -> Any:
        secret = isinstance(value, str) and value and is_secret_name(name)
        return BLANK if secret or treatment == Treatment.BLANK else value

    def kept(self, text: str) -> str:
        return text

    def message(self, text: str) -> str:
        return text


class Listed:
    """Holds the interactions of one scenario against an allow-list, one after another: answers tell of earlier ones."""

    def __init__(self, allow: AllowList) -> None:
        self._unknown: list[Unknown] = []
        self._fine: set[tuple[Asked, int, str, str]] = set()
        """Questions and answers in which nothing was found: stages ask much alike."""
        self._answers = Answers(allow, _AsTheyAre(), self._unknown.append)

    def unlisted(self, interaction: Mapping[str, Any]) -> Iterator[str]:
        """What an interaction holds that a recording would not have kept, each in words and without values."""
        request, response = interaction["request"], interaction["response"]
        yield from _in_request(request)
        asked = Asked.of(request["method"], request["uri"], request["body"] or "")
        told = (response["status"]["code"], _content_type(response), response["body"]["string"])
        if (asked, *told) not in self._fine:
            yield from self._in_answer(asked, *told)

    def _in_answer(self, asked: Asked, status: int, content_type: str, body: str) -> Iterator[str]:
        kept = self._answers.clean(asked, status, content_type, body)
        if "/jobs/" in asked.path:
            self._answers.learn_job(body)
        found, self._unknown[:] = list(self._unknown), []
        told = (replace(each, path=path_of_names(each.path)) for each in found)
        yield from dict.fromkeys(f"the answer: {clipped(each, _LONG)}" for each in told)
        if not found and kept != body:
            yield "the answer is not as a recording keeps it: something is left out or blanked there"
        elif not found and "/jobs/" not in asked.path:
            self._fine.add((asked, status, content_type, body))


def _in_request(request: Mapping[str, Any]) -> Iterator[str]:
    url = urlsplit(request["uri"])
    body = request["body"] or ""
    try:
        same = (redaction.query(url.query), redaction.request_body(url.path, _content_type(request), body))
    except RecordingError as error:
        yield f"the request: {clipped(error.message, _LONG)}"
        return
    if same != (url.query, body):
        yield "the request is not as a recording keeps it: something is left out or blanked there"


def _content_type(message: Mapping[str, Any]) -> str:
    return str(message["headers"].get("content-type", [""])[0])
