"""Record ids, moved by a constant: what an id is in a text, and the shift that hides it and can be undone.

An id has 3 characters of key prefix and 12 of a number to the base 62; a form of 18 has a checksum behind. Added to the
number is a constant, so that prefix, length and order stay, and no two ids become one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from harness.org.ids import to_18

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In the order of ASCII, so that ids sort as their numbers do."""
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_NUMBERS = 62**12
_SMALLEST, _LARGEST = 62**10, 62**11
"""The shift is beyond what an org counts to, and moves its instance; and only a number that begins with `z` wraps."""

_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{15,26}(?![0-9A-Za-z])")
"""An id, perhaps with what an encoding leaves in front of it."""
_LEAD = re.compile(
    r"%(?:25)*[0-9A-Fa-f]{2}"  # behind a quote in a URL: %27005...
    r"|\\[nrtbf]|\\u[0-9A-Fa-f]{4}"  # behind an escape in JSON
)
_PREFIX = re.compile(r"[0-9a-z]")
"""Key prefixes begin with a digit or, those of an org's own objects, with a small letter."""
_SHAPE_OF_15 = re.compile(r"(?=\d*[A-Za-z])[0-9A-Za-z]{5,6}000[0-9A-Za-z]{6,7}$", re.ASCII)
"""Prefix, instance, and a count that has not come far: real ones have zeros there. A number or a word has not."""


def is_id(value: str) -> bool:
    """Whether a value that stands where an id is expected is one: 15 characters, or 18 of which the checksum fits."""
    return len(value) in (15, 18) and value.isascii() and value.isalnum() and to_18(value[:15]).startswith(value)


def looks_like_15(token: str) -> bool:
    """Whether 15 letters and digits have the shape of an id."""
    return _SHAPE_OF_15.match(token) is not None


def ids_replaced(text: str, replace: Callable[[str], str], is_15: Callable[[str], bool] = looks_like_15) -> str:
    """The text with every id in it replaced.

    An id of 18 characters is told from a word by its checksum (one word in 32,768 would pass by chance, and those of
    English do not end in capitals). One of 15 has none: whether it is an id says `is_15`.
    """

    def replaced(found: re.Match[str]) -> str:
        run = found[0]
        for length in (18, 15):
            lead, token = run[:-length], run[-length:]
            if len(token) < length or not _PREFIX.match(token) or not (is_id if length == 18 else is_15)(token):
                continue
            if not lead or _may_lead(text, found.start(), lead, token):
                return lead + replace(token)
        return run

    return _RUN.sub(replaced, text)


def ids_in(text: str, ids_15: Collection[str]) -> list[str]:
    """The ids in a text: those of 18 characters, and of those of 15 what looks like one or is in `ids_15`."""
    found: list[str] = []

    def note(token: str) -> str:
        found.append(token)
        return token

    ids_replaced(text, note, lambda token: token in ids_15 or looks_like_15(token))
    return found


def _may_lead(text: str, start: int, lead: str, token: str) -> bool:
    """Whether `lead`, at `start`, is an encoding's, and the id begins behind it."""
    if lead == "X":  # the permission set of a profile is named for it: X00e..._128_09
        return token.startswith("00e")
    return _LEAD.fullmatch(text, max(0, start - 1), start + len(lead)) is not None


class Shift:
    """A constant that is added to ids; what is in `kept` (forms of 15 characters) stays as it is."""

    def __init__(self, chance: int, kept: Collection[str]) -> None:
        """`chance` is a large number by chance; the constant follows from it."""
        self._by = _SMALLEST + chance % (_LARGEST - _SMALLEST)
        self._kept = kept

    def there(self, value: str) -> str:
        """The stand-in of an id."""
        return self._moved(value, self._by)

    def back(self, value: str) -> str:
        """The id of a stand-in."""
        return self._moved(value, -self._by)

    def stays(self, id_15: str) -> bool:
        """Whether an id is the same in every org, as that of the master record type is, or is kept."""
        return id_15.endswith("000000000000") or id_15 in self._kept

    def _moved(self, value: str, by: int) -> str:
        """Step past those that stay, so that nothing else becomes one of them."""
        id_15 = value[:15]
        if self.stays(id_15):
            return value
        number = _number(id_15[3:])
        while True:
            number = (number + by) % _NUMBERS
            moved = id_15[:3] + _text(number)
            if not self.stays(moved):
                return to_18(moved)[: len(value)]


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 62 + _VALUES[digit]
    return number


def _text(number: int) -> str:
    digits = ""
    for _ in range(12):
        number, value = divmod(number, 62)
        digits = _DIGITS[value] + digits
    return digits
