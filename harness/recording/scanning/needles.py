"""What is known of a run and must not be in its cassettes: secrets, hosts, real ids, and personal values that were met.

The patterns are for text in which encodings have been undone (`decoding.py`); a secret is also found in the middle of a
base64 or hex run whose other content is no text.
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from harness.org.secret import Secret
from harness.recording.standing_in.identifiers import ids_in

SHORTEST_SECRET = 4
"""Characters. What is shorter is no secret, and would be found everywhere."""
SHORTEST_PERSONAL = 5
"""Characters. A shorter value stands in too many other texts."""
_WHOLE_WORD_BELOW = 8
_LINE_OF_A_KEY = 16
"""Characters. A secret of several lines is found by any line of that length: it may be wrapped anew."""
_WORD = re.compile(r"\w+")


class Needles:
    """What to look for, prepared once for many texts."""

    def __init__(
        self,
        *,
        secrets: Iterable[Secret] = (),
        hosts: Iterable[str] = (),
        ids: Iterable[str] = (),
        personal: Iterable[str] = (),
    ) -> None:
        """`ids` are real ones of 15 characters; `personal` values are looked for as whole words, in any case."""
        parts = {part for secret in secrets for part in _parts(secret.reveal())}
        self._long = sorted({form for part in parts if len(part) >= _WHOLE_WORD_BELOW for form in _forms(part)})
        short = {form for part in parts if len(part) < _WHOLE_WORD_BELOW for form in _whole_forms(part)}
        self._short = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(short))) or '(?!)'})(?!\w)")
        self._hosts = tuple(hosts)
        self._ids = frozenset(each[:15] for each in ids)
        self._personal: dict[str, list[str]] = defaultdict(list)
        for value in {each.strip().casefold() for each in personal}:
            if len(value) >= SHORTEST_PERSONAL and (first := _WORD.search(value)):
                self._personal[first[0]].append(value)

    def found_in(self, text: str) -> Iterator[str]:
        """What a decoded text holds of them, in words, never the value."""
        # no variable holds a form, since Ctrl-C may come at any time, and pytest's -l prints them
        if any(map(text.__contains__, self._long)) or self._short.search(text):
            yield "holds a secret of this run"
        for host in self._hosts:
            if host in text:
                yield f"names the host {host}"
        if self._ids and any(each[:15] in self._ids for each in ids_in(text, self._ids)):
            yield "holds a real record id"
        if self._personal and self._has_personal(text.casefold()):
            yield "holds a personal value that is replaced elsewhere"

    def _has_personal(self, text: str) -> bool:
        return any(
            self._stands_at(value, text, word.start())
            for word in _WORD.finditer(text)
            for value in self._personal.get(word[0], ())
        )

    @staticmethod
    def _stands_at(value: str, text: str, word: int) -> bool:
        first = _WORD.search(value)
        assert first is not None
        start = word - first.start()
        end = start + len(value)
        return (
            start >= 0 and text.startswith(value, start) and not (text[end : end + 1].isalnum() and value[-1].isalnum())
        )


def _parts(secret: str) -> set[str]:
    """What to look for: the whole of a secret, of one with several lines the long ones, without a key's frame."""
    plain = secret.strip()
    lines = [line.strip() for line in plain.splitlines()]
    if len(lines) > 1:
        long = {line for line in lines if len(line) >= _LINE_OF_A_KEY and not line.startswith("-----")}
        return long or {line for line in lines if len(line) >= SHORTEST_SECRET}
    return {plain} if len(plain) >= SHORTEST_SECRET else set()


def _forms(part: str) -> Iterator[str]:
    """A part of a secret in the ways that no decoding undoes where there is other content around it."""
    yield part
    yield from (quote(part, safe=""), quote_plus(part), quote(part).lower())
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        content = part.encode(encoding, "surrogatepass")
        yield from (content.hex(), content.hex().upper())
        for encode in (b64encode, urlsafe_b64encode):
            yield from (_at(start, content, encode(bytes(start) + content).decode()) for start in range(3))


def _at(start: int, content: bytes, encoded: str) -> str:
    """What is the same in base64 whatever stands before and behind, with `start` bytes before in its group of three."""
    left = (0, 2, 3)[start]
    right = (start + len(content)) * 8 // 6
    return encoded[left:right]


def _whole_forms(part: str) -> Iterator[str]:
    yield from (part, quote(part, safe=""), b64encode(part.encode()).decode().rstrip("="), part.encode().hex())
