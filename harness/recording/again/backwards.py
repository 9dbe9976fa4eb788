"""A recorded request as an org knows it: the real ids and values in place of the stand-ins.

The ids can be counted back. Of other values only those are known that the org gave again while it is compared: what
was asked about them comes behind what told of them, as it did in the recording.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from vcr.request import Request

from harness.recording.again.counterparts import Counterparts
from harness.recording.cleaning.asking import Asking
from harness.recording.standing_in.identifiers import ids_replaced, is_id, looks_like_15
from harness.recording.standing_in.pseudonyms import Pseudonyms
from harness.recording.text import as_text


class Backwards:
    """The inverse of what was done to requests. It passes for `recording.values.Values` where a request is asked."""

    def __init__(self, pseudonyms: Pseudonyms, counterparts: Counterparts) -> None:
        self._pseudonyms = pseudonyms
        self._counterparts = counterparts
        self._real: dict[str, str] = {}
        self._learned = 0
        self._made_real: set[str] = set()
        self._asking = Asking(self)

    def request(self, recorded: Any) -> Any:
        """The request with what is real in this org."""
        parts = urlsplit(recorded.uri)
        path, query = self._asking.path(parts.path), self._asking.query(parts.query)
        headers = {str(name).lower(): _one(value) for name, value in recorded.headers.items()}
        body = self._asking.body(headers.get("content-type", ""), as_text(recorded.body) or "")
        uri = urlunsplit((parts.scheme, parts.netloc, path, query, ""))
        return Request(recorded.method, uri, body or None, headers)

    def asked(self, name: str, value: Any) -> Any:  # noqa: ARG002 - what a field is called makes no difference here
        """A scalar of a request."""
        if not isinstance(value, str):
            return value
        return self.in_text(value) if is_id(value) else self._stood_for().get(value) or self.in_text(value)

    def in_text(self, text: str) -> str:
        """The ids in a text. What was made real before stays: a literal of a query is looked at more than once."""
        return ids_replaced(text, self._real_id, self._is_15)

    def _real_id(self, recorded: str) -> str:
        if recorded[:15] in self._made_real:
            return recorded
        real = self._pseudonyms.real_identifier(self._counterparts.now(recorded))
        self._made_real.add(real[:15])
        return real

    def _is_15(self, token: str) -> bool:
        return token in self._made_real or looks_like_15(self._pseudonyms.real_identifier(token))

    def _stood_for(self) -> dict[str, str]:
        """The values that this org gave, by their stand-ins; ids can be counted back without."""
        learned = self._pseudonyms.learned
        if len(learned) != self._learned:
            self._learned = len(learned)
            self._real = {stand_in: real for real, stand_in in learned.items()}
        return self._real


def _one(value: object) -> str:
    return str(value[0]) if isinstance(value, (list, tuple)) and value else str(value)
