"""Numbers, dates and times in other places of their own ranges: a permutation that only who has the key can undo.

A number keeps its sign, its scale and the count of its digits; a date stays a date within four years, in its format.
Two values never become one, and nothing is remembered: the same key gives the same permutation on any machine. In a
small range a value may stay where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from hashlib import blake2b

_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?([eE][+-]?\d+)?", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:([T ])(\d\d:\d\d(?::\d\d)?)(.*))?", re.ASCII | re.DOTALL)
_FOUR_YEARS = 1461
_ROUNDS = 6


class Permutation:
    """Permutations of ranges of numbers, one for each size and use, by a key of at most 64 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def number(self, value: int | float | Decimal) -> int | float | Decimal:
        """Another number of the same type, sign, scale and count of digits. Zero, infinity and truth stay."""
        if isinstance(value, bool) or not value or not _NUMBER.fullmatch(str(value)):
            return value
        kind = type(value)
        return kind(self._digits(str(value), lambda text: kind is not float or str(float(text)) == text))

    def number_text(self, text: str) -> str | None:
        """The same for a number in a text; None where the text is no number."""
        return self._digits(text, lambda _: True) if _NUMBER.fullmatch(text) else None

    def moment_text(self, text: str) -> str | None:
        """Another date, or date and time, in the same format; None where the text is in none that is known."""
        found = _MOMENT.fullmatch(text)
        if found is None:
            return None
        day, between, time, rest = found.groups(default="")
        try:
            other = self._day(date.fromisoformat(day)).isoformat()
            return other + between + (self._time(time) if time else "") + rest
        except ValueError:
            return None

    def _digits(self, text: str, fits: Callable[[str], bool]) -> str:
        found = _NUMBER.fullmatch(text)
        assert found is not None
        sign, whole, fraction, exponent = found.groups(default="")
        digits = whole + fraction
        if not digits.strip("0"):
            return text

        def written(number: int) -> str:
            other = f"{number:0{len(digits)}d}"
            point = f".{other[len(whole) :]}" if fraction else ""
            return f"{sign}{other[: len(whole)]}{point}{exponent}"

        def alike(number: int) -> bool:
            """As long as the other, also once it is written without zeros in front and at the end."""
            other = f"{number:0{len(digits)}d}"
            ends = (other[0] == "0") == (digits[0] == "0") and (other[-1] == "0") == (digits[-1] == "0")
            return bool(number) and (ends or len(digits) == 1) and fits(written(number))

        number = int(digits)
        while not alike(number := self._permuted(number, 10 ** len(digits), "digits")):
            pass
        return written(number)

    def _day(self, day: date) -> date:
        block, number = divmod(day.toordinal() - 1, _FOUR_YEARS)
        last = date.max.toordinal()
        while (ordinal := block * _FOUR_YEARS + (number := self._permuted(number, _FOUR_YEARS, "day")) + 1) > last:
            pass
        return date.fromordinal(ordinal)

    def _time(self, time: str) -> str:
        """Raises ValueError for one that is none."""
        hours, minutes, *seconds = map(int, time.split(":"))
        if hours > 23 or minutes > 59 or any(each > 59 for each in seconds):
            raise ValueError(time)
        number = hours * 60 + minutes
        if not seconds:
            return "{:02}:{:02}".format(*divmod(self._permuted(number, 1440, "minute"), 60))
        rest, second = divmod(self._permuted(number * 60 + seconds[0], 86400, "second"), 60)
        return "{:02}:{:02}:{:02}".format(*divmod(rest, 60), second)

    def _permuted(self, number: int, size: int, use: str) -> int:
        """A Feistel network over the next even count of bits, walked until it comes back into the range."""
        bits = max(1, (size.bit_length() + 1) // 2)
        mask = (1 << bits) - 1
        while True:
            left, right = number >> bits, number & mask
            for turn in range(_ROUNDS):
                told = blake2b(f"{use} {size} {turn} {right}".encode(), key=self._key, digest_size=bits // 8 + 1)
                left, right = right, left ^ (int.from_bytes(told.digest(), "big") & mask)
            number = left << bits | right
            if number < size:
                return number
