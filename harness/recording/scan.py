"""The last look before a cassette is written: no secret of the run, nothing shaped like one, no host of the org."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus
from xml.sax.saxutils import escape

from harness.org.secret import Secret
from harness.recording.redaction import BLANK, TOKEN_SHAPES

SHORTEST_SECRET = 4
"""Characters. What is shorter is no secret, and would be found everywhere."""
_WHOLE_WORD_BELOW = 8


def leaks(raw: str, data: Any, *, secrets: Iterable[Secret], hosts: Iterable[str]) -> list[str]:
    """What must not be in the file `raw`, whose decoded content is `data`: descriptions, never values."""
    needles = [_needle(secret.reveal()) for secret in secrets if len(secret.reveal().strip()) >= SHORTEST_SECRET]
    found = dict.fromkeys(_in_text("the file", raw, needles, hosts))
    for place, text in _texts(data):
        found.update(dict.fromkeys(_in_text(place, text, needles, hosts)))
    return list(found)


def _in_text(place: str, text: str, needles: Iterable[re.Pattern[str]], hosts: Iterable[str]) -> Iterator[str]:
    for needle in needles:
        if needle.search(text):
            yield f"{place} holds a secret of this run"
    for what, shape in TOKEN_SHAPES:
        if shape.search(text):
            yield f"{place} holds what looks like {what}"
    for host in hosts:
        if host in text:
            yield f"{place} names the host {host}"


def _needle(secret: str) -> re.Pattern[str]:
    """A pattern for a secret in every way it may be written; a short one counts only as a whole word."""
    plain = secret.strip()
    unbroken = plain.replace("\r\n", "\n")
    ways = {
        plain,
        unbroken,
        json.dumps(unbroken)[1:-1],
        json.dumps(unbroken, ensure_ascii=False)[1:-1],
        quote(plain, safe=""),
        quote(plain),
        quote_plus(plain),
        escape(plain),
        escape(plain, {'"': "&quot;", "'": "&apos;"}),
        base64.b64encode(plain.encode()).decode().rstrip("="),
    }
    either = "|".join(re.escape(way) for way in sorted(ways, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)" if len(plain) < _WHOLE_WORD_BELOW else either)


def _texts(data: Any) -> Iterator[tuple[str, str]]:
    """Every text in a cassette with its place, also as it reads once its JSON or URL encoding is undone."""
    for number, interaction in enumerate(data.get("interactions", []), start=1):
        request = interaction["request"]
        place = f"interaction {number} ({request['method']} {str(request['uri']).partition('?')[0]})"
        for text in _strings(interaction):
            yield place, text
            if "%" in text or "+" in text:
                yield place, unquote_plus(text)
            if text[:1] in ("{", "["):
                try:
                    yield from ((place, each) for each in _strings(json.loads(text)))
                except ValueError:
                    continue
    for text in _strings(data.get("metadata")):
        yield "the metadata", text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value != BLANK:
            yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _strings(key)
            yield from _strings(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _strings(each)
