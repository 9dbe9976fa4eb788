"""What happens to one value on its way into a cassette: it is kept, replaced, blanked, or reduced to known words.

What was said first decides. What the scenario or the tool said before an org answered it is known, and kept; what was
answered first is learned, and replaced wherever it comes back. Numbers and dates come back as something else too often
for that: for each field it is remembered which were replaced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from harness.recording.cleaning.allowlist import Treatment
from harness.recording.redaction import BLANK, blank_shapes, is_secret_name
from harness.recording.standing_in.identifiers import is_id, looks_like_15
from harness.recording.standing_in.pseudonyms import Pseudonyms
from harness.recording.standing_in.standins import Kind

DOTS = "…"
"""What stands for the words that are not known."""
LONGEST_NAME = 16
"""Words that are looked up together."""

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?.{0,12})?", re.ASCII)
_NUMBER = re.compile(r"-?(?:\d{1,4}|\d+\.\d+)", re.ASCII)
"""A number in a text. A longer whole one is rather a number that somebody or something goes by."""
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+|/services/\S+", re.IGNORECASE)
_OURS = re.compile(r"rehearse \S")
_WORD = re.compile(r"\w+")
_SCALARS = frozenset({"true", "false"})


class Values:
    """The values of one scenario's conversations, stage after stage."""

    def __init__(self, pseudonyms: Pseudonyms, known: Iterable[str] = ()) -> None:
        self._pseudonyms = pseudonyms
        self._words: set[str] = set()
        self._kept: set[str] = set()
        self._literals: set[str] = set()
        self._moved: set[tuple[str, str]] = set()
        """Numbers and dates that were replaced, each with the name of its field."""
        self._sent: set[tuple[str, str]] = set()
        for word in known:
            self.know(word)
            self._literals.add(_canonical(word))

    def know(self, word: str) -> None:
        """Keep this from now on, unless it was learned before. An id is never known by being sent."""
        if word not in self._pseudonyms.learned and not _is_surely_id(word):
            self._words.add(word.casefold())
            self._pseudonyms.know(word)

    # --- what was answered -----------------------------------------------------------------------------------------

    def answered(self, treatment: Treatment | Kind, name: str, value: Any) -> Any:
        """A scalar of an answer, as it is kept; `name` is that of its key, column or element."""
        if value is None or isinstance(value, bool) or value in ("", BLANK):
            return value
        if treatment == Treatment.BLANK or (is_secret_name(name) and isinstance(value, str)):
            return BLANK
        if isinstance(value, str):
            return blank_shapes(self._text(treatment, name, value))
        return value if treatment == Treatment.KEEP else self._number(name, value)

    def _text(self, treatment: Treatment | Kind, name: str, text: str) -> str:  # noqa: PLR0911 - one for each
        match treatment:
            case Treatment.KEEP:
                return self.kept(text)
            case Treatment.REPLACE:
                return self._by_shape(name, text)
            case Treatment.WORDS:
                return self._known_words(text)
            case Treatment.MESSAGE:
                return self.message(text)
            case Treatment.MARK:
                return self.kept(text) if _OURS.match(text) else self._of(Kind.TEXT, name, text)
            case Treatment.ID:
                return self._pseudonyms.of(Kind.ID, text)
            case Kind():
                return self._of(treatment, name, text)
        raise AssertionError(f"{treatment} is no treatment of a text")

    def kept(self, text: str) -> str:
        """A text that stays, but for ids and addresses in it; a person's that was learned does not stay."""
        if text in self._pseudonyms.personal:
            return self._pseudonyms.again(text)
        self._kept.add(text)
        self.know(text)
        return self.in_text(text)

    def not_public(self, values: Iterable[str]) -> Iterator[str]:
        """Those that are not part of a name that stays, as where a user is called like a part of a permission set."""
        kept = "\n".join(self._kept).casefold()
        for value in values:
            told = value.casefold()
            if told not in kept or not re.search(rf"(?<!\w){re.escape(told)}(?!\w)", kept):
                yield value

    def message(self, text: str) -> str:
        """A text for people, without ids, addresses and what was learned."""
        told = self._pseudonyms.in_message(text)
        return _EMAIL.sub(lambda found: self._pseudonyms.of(Kind.EMAIL, found[0]), told)

    def _by_shape(self, name: str, text: str) -> str:
        if text in _SCALARS:
            return text
        if _is_surely_id(text):
            return self._pseudonyms.of(Kind.ID, text)
        for kind, shape in ((Kind.DATE, _MOMENT), (Kind.IP, _ADDRESS), (Kind.NUMBER, _NUMBER), (Kind.EMAIL, _EMAIL)):
            if shape.fullmatch(text):
                return self._of(kind, name, text)
        return self._of(Kind.URL if _URL.fullmatch(text) else Kind.TEXT, name, text)

    def _of(self, kind: Kind, name: str, text: str) -> str:
        plain = kind in (Kind.DATE, Kind.DATETIME, Kind.NUMBER)
        if plain and self._is_known(name, text):
            return text
        other = self._pseudonyms.of(kind, text)
        if plain:
            self._moved.add((name, _canonical(text)))
        return other

    def _number(self, name: str, number: Any) -> Any:
        text = json.dumps(number)
        if self._is_known(name, text):
            return number
        self._moved.add((name, _canonical(text)))
        return self._pseudonyms.number(number)

    def _is_known(self, name: str, text: str) -> bool:
        canonical = _canonical(text)
        return canonical in self._literals or (name, canonical) in self._sent

    def _known_words(self, text: str) -> str:
        """The text with dots for all words but those that are known, and the stand-ins of those that were learned."""
        found, done = "", 0
        tokens = list(_WORD.finditer(text))
        number = 0
        while number < len(tokens):
            length, words = self._longest_known(text, tokens[number : number + LONGEST_NAME])
            found += text[done : tokens[number].start()] + words
            done = tokens[number + length - 1].end()
            number += length
        return found + text[done:]

    def _longest_known(self, text: str, tokens: list[re.Match[str]]) -> tuple[int, str]:
        """How many tokens are known, or were learned, together, and what stands for them."""
        for length in range(len(tokens), 0, -1):
            span = text[tokens[0].start() : tokens[length - 1].end()]
            if span in self._pseudonyms.learned:
                return length, self._pseudonyms.again(span)
            if span.casefold() in self._words:
                return length, self.in_text(span)
        alone = tokens[0][0]
        other = self._pseudonyms.in_text(alone)
        return 1, other if other != alone else DOTS

    # --- what is asked ---------------------------------------------------------------------------------------------

    def asked(self, name: str, value: Any) -> Any:
        """A scalar of a request: what was learned is replaced, all else is known from now on."""
        if value is None or isinstance(value, bool) or value in ("", BLANK):
            return value
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(value, str) and text in self._pseudonyms.learned and text not in self._kept:
            return self._pseudonyms.again(text)
        canonical = _canonical(text)
        if (name, canonical) in self._moved and canonical not in self._literals:
            return self._moved_again(value)
        self._sent.add((name, canonical))
        if not isinstance(value, str):
            return value
        self.know(text)
        return self.in_text(text)

    def _moved_again(self, value: Any) -> Any:
        if not isinstance(value, str):
            return self._pseudonyms.number(value)
        return self._pseudonyms.of(Kind.NUMBER if _NUMBER.fullmatch(value) else Kind.DATE, value)

    def in_text(self, text: str) -> str:
        """Ids, and the addresses of people that were learned, wherever they stand."""
        told = self._pseudonyms.in_text(text)
        return _EMAIL.sub(lambda found: self._pseudonyms.again(found[0]), told) if "@" in told else told


def _is_surely_id(text: str) -> bool:
    """Whether a text is an id wherever it stands: any word of 15 letters could be one."""
    return is_id(text) and (len(text) == 18 or looks_like_15(text))


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    """A number without regard to how it is written: 10, 10.0 and 1e1; any other text as it is."""
    try:
        return str(Decimal(text).normalize()) if text[:1] in "-0123456789" and len(text) < 40 else text
    except InvalidOperation:
        return text
