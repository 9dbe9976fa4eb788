"""Record ids: 15 characters, case-sensitive, or 18 with a checksum of the case (SOAP API guide, "ID Field Type")."""

from __future__ import annotations

import string

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKSUM = string.ascii_uppercase + "012345"
_CASE = str.maketrans(_BASE62, "0" * 10 + "1" * 26 + "0" * 26)
_CHARACTER = {f"{bits:05b}"[::-1]: char for bits, char in enumerate(_CHECKSUM)}
"""Of five characters, by which of them are upper case."""
_POD = "Rh0"
"""Characters 4 to 6 of every id: the pod and a reserved character."""


def checksum(id15: str) -> str:
    """The three characters that make 18 of 15: of each five characters, which are upper case."""
    case = id15.translate(_CASE)
    return _CHARACTER[case[:5]] + _CHARACTER[case[5:10]] + _CHARACTER[case[10:15]]


def long_id(value: str) -> str | None:
    """The id with 18 characters, or None where it is no id. A long id in a wrong case is set right by its checksum."""
    if len(value) not in (15, 18) or not (value.isascii() and value.isalnum()):
        return None
    if len(value) == 18 and checksum(value[:15]) == value[15:]:
        return value
    if len(value) == 15:
        return value + checksum(value)
    suffix = value[15:].upper()
    if any(char not in _CHECKSUM for char in suffix):
        return None
    repaired = "".join(
        char.upper() if _CHECKSUM.index(suffix[place // 5]) >> place % 5 & 1 else char.lower()
        for place, char in enumerate(value[:15])
    )
    return repaired + suffix if checksum(repaired) == suffix else None


def make_id(prefix: str, number: int) -> str:
    """The id of the `number`-th record of a key prefix, 18 characters."""
    digits = ""
    for _ in range(9):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    id15 = prefix + _POD + digits
    return id15 + checksum(id15)


def number_of(record_id: str) -> int | None:
    """Which record of its prefix an id made here is; None for an id from elsewhere."""
    if record_id[3:6] != _POD:
        return None
    number = 0
    for char in record_id[6:15]:
        number = number * 62 + _BASE62.index(char)
    return number


class IdSequence:
    """Ids in sequence for each key prefix, the same in every run."""

    def __init__(self, counters: dict[str, int] | None = None) -> None:
        self.counters: dict[str, int] = dict(counters or {})

    def next(self, prefix: str) -> str:
        """The next id of the prefix."""
        number = self.counters.get(prefix, 0) + 1
        self.counters[prefix] = number
        return make_id(prefix, number)

    def was_given(self, record_id: str) -> bool:
        """Whether this id was handed out before."""
        number = number_of(record_id)
        return number is not None and 0 < number <= self.counters.get(record_id[:3], 0)

    def keep_clear_of(self, record_id: str) -> None:
        """Never hand out an id that somebody chose."""
        number = number_of(record_id)
        if number is not None:
            self.counters[record_id[:3]] = max(number, self.counters.get(record_id[:3], 0))
