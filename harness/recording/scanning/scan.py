"""The last look before a cassette is written, and what is committed is held against: nothing in it that must not be.

`by_shape` needs to know nothing; `of_run` looks for what is known. Both look at the text of the file and at what its
values say, with every encoding undone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.org.secret import Secret
from harness.recording.scanning.decoding import readings
from harness.recording.scanning.needles import SHORTEST_SECRET, Needles
from harness.recording.scanning.shapes import BLANK, shapes_in

__all__ = ["SHORTEST_SECRET", "Finding", "by_shape", "leaks", "of_run"]

Look = Callable[[str], Iterable[str]]
"""What a decoded text holds that it must not, each in words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a cassette holds that it must not, and where. It never holds the value.

    `what` is the rest of a sentence (`holds what looks like a session id`). `interaction` and `line` count from 1; an
    interaction of 0 is the metadata, None what stands in no value, such as a comment. `line` is None where the text was
    not given, or it takes several lines.
    """

    what: str
    interaction: int | None = None
    request: str = ""
    line: int | None = None

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        if self.interaction is None:
            return f"the file {f'({line}) ' if line else ''}{self.what}"
        if self.interaction == 0:
            return f"the metadata {f'({line}) ' if line else ''}{self.what}"
        return f"interaction {self.interaction} ({', '.join(filter(None, (self.request, line)))}) {self.what}"


def by_shape(
    raw: str, data: Mapping[str, Any], *, known: Iterable[str] = (), lines: Sequence[int] = ()
) -> list[Finding]:
    """What looks as if it must not be in the file `raw`, whose content is `data`.

    `known` e-mail addresses may stay, and `lines` are those at which the interactions begin in `raw`.
    """
    stay = frozenset(each.lower() for each in known)
    return _findings(raw, data, lines, lambda text: shapes_in(text, stay))


def of_run(
    raw: str,
    data: Mapping[str, Any],
    *,
    secrets: Iterable[Secret] = (),
    hosts: Iterable[str] = (),
    ids: Iterable[str] = (),
    personal: Iterable[str] = (),
    lines: Sequence[int] = (),
) -> list[Finding]:
    """What is known of the run and must not be in the file: its secrets, hosts, real ids and personal values."""
    needles = Needles(secrets=secrets, hosts=hosts, ids=ids, personal=personal)
    return _findings(raw, data, lines, needles.found_in)


def leaks(
    raw: str,
    data: Mapping[str, Any],
    *,
    secrets: Iterable[Secret],
    hosts: Iterable[str],
    ids: Iterable[str] = (),
    personal: Iterable[str] = (),
    known: Collection[str] = (),
) -> list[str]:
    """What must not be in the file, by shape and by what is known of the run: sentences, without a value."""
    needles = Needles(secrets=secrets, hosts=hosts, ids=ids, personal=personal)
    stay = frozenset(each.lower() for each in known)

    def look(text: str) -> Iterator[str]:
        yield from needles.found_in(text)
        yield from shapes_in(text, stay)

    return [str(finding) for finding in _findings(raw, data, (), look)]


def _findings(raw: str, data: Mapping[str, Any], lines: Sequence[int], look: Look) -> list[Finding]:
    """All at once first, since there is nothing to find as a rule; only then place by place."""
    whole = _found([raw, *_texts(data)], look)
    if not whole:
        return []
    findings = [*_in_data(data, raw.split("\n") if raw else [], lines, look)]
    elsewhere = whole - {finding.what for finding in findings}
    return findings + list(_in_text(raw, elsewhere, look))


def _found(texts: Iterable[str], look: Look) -> set[str]:
    return {what for reading in readings(texts) for what in look(reading)}


def _in_data(data: Mapping[str, Any], raw: Sequence[str], lines: Sequence[int], look: Look) -> Iterator[Finding]:
    for what in sorted(_found(_texts(data.get("metadata")), look)):
        end = lines[0] - 1 if lines else 0
        yield Finding(what, 0, line=_line(raw, 1, end, what, look))
    for number, interaction in enumerate(data.get("interactions", ()), start=1):
        found = _found(_texts(interaction), look)
        if found:
            request = interaction["request"]
            asked = f"{request['method']} {str(request['uri']).partition('?')[0]}"
            start, end = _range(number, lines, len(raw))
            yield from (
                Finding(what, number, asked, _line(raw, start, end, what, look) or start or None)
                for what in sorted(found)
            )


def _range(number: int, lines: Sequence[int], last: int) -> tuple[int, int]:
    """The first and the last line of an interaction; nothing where its line is not known."""
    if number > len(lines):
        return 0, 0
    return lines[number - 1], lines[number] - 1 if number < len(lines) else last


def _line(raw: Sequence[str], start: int, end: int, what: str, look: Look) -> int | None:
    numbers = range(start, min(end, len(raw)) + 1)
    return next((number for number in numbers if number and what in _found([raw[number - 1]], look)), None)


def _in_text(raw: str, elsewhere: Collection[str], look: Look) -> Iterator[Finding]:
    """What stands in the text and in no value of it, such as in a comment; without a line where it takes several."""
    left = set(elsewhere)
    for number, line in enumerate(raw.split("\n"), start=1):
        if not left:
            return
        for what in sorted(_found([line], look) & left):
            left.discard(what)
            yield Finding(what, line=number)
    yield from (Finding(what) for what in sorted(left))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value but those that were blanked."""
    if isinstance(value, str):
        if value != BLANK:
            yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
