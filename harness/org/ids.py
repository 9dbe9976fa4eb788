"""Record ids: 15 characters that tell upper from lower case, or 18 of which the last three are a checksum of that."""

from __future__ import annotations

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def to_18(record_id: str) -> str:
    """The 18-character form of an id of 15 or 18 characters; anything else is returned as it is."""
    return record_id + _checksum(record_id) if len(record_id) == 15 else record_id


def is_id_18(record_id: str, prefix: str = "") -> bool:
    """Whether this is a well-formed 18-character id whose checksum fits, with this key prefix."""
    return (
        len(record_id) == 18
        and record_id.isascii()
        and record_id.isalnum()
        and record_id.startswith(prefix)
        and _checksum(record_id[:15]) == record_id[15:].upper()
    )


def _checksum(id_15: str) -> str:
    """One letter for each five characters: bit n of its number says whether character n is upper case."""
    fives = (id_15[start : start + 5] for start in (0, 5, 10))
    return "".join(_LETTERS[sum(char.isupper() << bit for bit, char in enumerate(five))] for five in fives)
