"""What stands in a cassette for what an org answered: the same for the same value, and never the value.

A stand-in follows from the org, the scenario and the value alone, so that two cassettes agree on it wherever they were
recorded. Only where two values would have one stand-in, or a stand-in is a known word or a real value, the later one
takes the next of its own sequence; the words that are coined for names make that a matter of IPv4 addresses, of which
there are 762 for documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b, scrypt
from types import MappingProxyType

from harness.recording.standing_in.identifiers import Shift, ids_replaced, is_id, looks_like_15
from harness.recording.standing_in.permutation import Permutation
from harness.recording.standing_in.standins import Kind, standin

__all__ = ["Kind", "Pseudonyms"]

_DISTINCT = frozenset({Kind.EMAIL, Kind.USERNAME, Kind.PHONE, Kind.STREET, Kind.IP})
"""Kinds whose values are nothing else wherever they stand."""
_ROLE = re.compile(
    r"(?<!\w)(?:admin|administrator|analytics|api|automated|bot|chatter|cloud|connector|data|external|guest|insights"
    r"|integration|internal|manager|platform|process|profile|salesforce|security|service|site|standard|support|sync"
    r"|system|test|user)(?!\w)",
    re.IGNORECASE,
)
"""Words of names that are no person's: `Integration User` is a user of every org, and part of a profile's name."""


def is_personal(kind: Kind, value: str) -> bool:
    """Whether a value must be nowhere in a cassette, not even in a text about something else.

    That is so for what cannot be anything else: an address, a full name. A first or a last name alone (`Integration`)
    is only replaced where it is the whole of a value.
    """
    return kind in _DISTINCT or (kind is Kind.NAME and len(value.split()) > 1 and not _ROLE.search(value))


class Pseudonyms:
    """The stand-ins of one scenario in one org.

    Strings are learned: what was replaced once is replaced wherever it comes back (`again`). Numbers, dates and times
    are not, since `7` and today come back as something else too often; for them there is one permutation, which needs
    no memory. A stand-in that is met again stays, unless it is a number or a date, which do not show that they are.
    """

    def __init__(self, *, org_id: str, scenario: str, known: Iterable[str] = ()) -> None:
        """`org_id` is the real one, of 15 or 18 characters; `known` are the words that are public."""
        self._key = _key(org_id[:15], scenario)
        self._known: set[str] = set()
        self._kept_ids: set[str] = set()
        self._seen_ids: set[str] = set()
        """Real ids, of 15 characters."""
        self._given_ids: set[str] = set()
        """Their stand-ins."""
        self._learned: dict[str, str] = {}
        self._given: set[str] = set()
        self._personal: set[str] = set()
        self._in_messages: tuple[int, re.Pattern[str] | None] = (0, None)
        self._shift = Shift(self._chance("ids", "", 0), self._kept_ids)
        self._permutation = Permutation(self._key)
        self.know(*known)

    # --- what is public ------------------------------------------------------------------------------------------

    def know(self, *words: str) -> None:
        """Keep these words as they are from now on, in upper and lower case, unless they were learned before."""
        for word in words:
            if is_id(word) and word[:15] not in self._seen_ids:
                self._kept_ids.add(word[:15])
            if is_id(word) and (len(word) == 18 or looks_like_15(word)):
                continue  # it is nothing but an id, in which case matters; any word of 15 letters could be one
            if word not in self._learned:
                self._known.add(word.casefold())

    @property
    def learned(self) -> Mapping[str, str]:
        """Real values, ids among them, and their stand-ins."""
        return MappingProxyType(self._learned)

    @property
    def personal(self) -> frozenset[str]:
        """Real values that must be nowhere in a file; what is the stand-in of another by chance is not among them."""
        return frozenset(self._personal - self._given)

    @property
    def real_identifiers(self) -> frozenset[str]:
        """The real ids that were met, in 15 characters; none of them may be in a file."""
        return frozenset(self._seen_ids - self._given_ids)

    # --- stand-ins -----------------------------------------------------------------------------------------------

    def of(self, kind: Kind, value: str) -> str:
        """The stand-in of a value, which is learned with it; a value has one, whichever kind asked first.

        A value that is not of its kind (an id of 12 characters, a date in words) is a text.
        """
        stand_in = self._learned.get(value)
        if stand_in is not None:
            return stand_in
        if value in self._given or not value.strip() or value.casefold() in self._known:
            return value
        match kind:
            case Kind.ID if is_id(value):
                return self.identifier(value)
            case Kind.NUMBER:
                other = self._permutation.number_text(value)
            case Kind.DATE | Kind.DATETIME:
                other = self._permutation.moment_text(value)
            case _:
                other = None
        return self._learn(kind, value) if other is None else other

    def number(self, value: int | float | Decimal) -> int | float | Decimal:
        """Another number of the same type, sign, scale and count of digits. 0 stays 0, and so may one of few digits."""
        return self._permutation.number(value)

    def identifier(self, value: str) -> str:
        """The stand-in of an id of 15 or 18 characters. Raises ValueError for what is none."""
        stand_in = self._learned.get(value)
        if stand_in is not None:
            return stand_in
        if not is_id(value):
            raise ValueError("an id has 15 characters, or 18 with a checksum that fits")
        id_15 = value[:15]
        if self._shift.stays(id_15) or (id_15 in self._given_ids and id_15 not in self._seen_ids):
            return value
        stand_in = self._shift.there(value)
        self._seen_ids.add(id_15)
        self._given_ids.add(stand_in[:15])
        self._learned[value] = stand_in
        return stand_in

    def real_identifier(self, value: str) -> str:
        """The id that a stand-in stands for."""
        return self._shift.back(value)

    def again(self, value: str) -> str:
        """The stand-in of a whole value that was learned; any other value as it is."""
        return self._learned.get(value, value)

    # --- texts ---------------------------------------------------------------------------------------------------

    def in_text(self, text: str) -> str:
        """A text with the ids in it replaced, also those behind a quote in a URL or an escape in JSON.

        One of 18 characters is known by its checksum; one of 15 by the zeros of its count, or since it was met before.
        """
        return ids_replaced(text, self.identifier, lambda token: token in self._seen_ids or looks_like_15(token))

    def in_message(self, text: str) -> str:
        """A text for people with the ids in it replaced, and what was learned wherever it stands as a word."""
        return self._message_words().sub(lambda found: self._learned[found[0]], self.in_text(text))

    def real_text(self, text: str) -> str:
        """A text from a cassette with the real ids in it, as the org knows them: the inverse of `in_text`."""
        back = self._shift.back
        return ids_replaced(text, back, lambda token: looks_like_15(back(token)))

    def _message_words(self) -> re.Pattern[str]:
        count, words = self._in_messages
        if words is None or count != len(self._learned):
            words_alone = (each for each in self._learned if each[:15] not in self._seen_ids)
            longest_first = sorted(words_alone, key=len, reverse=True)
            either = "|".join(map(re.escape, longest_first)) or r"(?!)"
            words = re.compile(rf"(?<!\w)(?:{either})(?!\w)")
            self._in_messages = (len(self._learned), words)
        return words

    def _learn(self, kind: Kind, value: str) -> str:
        attempt = 0
        while not self._is_free(stand_in := standin(kind, value, self._chance(kind, value, attempt), attempt)):
            attempt += 1
        self._learned[value] = stand_in
        self._given.add(stand_in)
        if is_personal(kind, value):
            self._personal.add(value)
        return stand_in

    def _is_free(self, word: str) -> bool:
        return word not in self._given and word not in self._learned and word.casefold() not in self._known

    def _chance(self, use: str, value: str, attempt: int) -> int:
        told = blake2b(f"{use}\0{attempt}\0{value}".encode("utf-8", "surrogatepass"), key=self._key, digest_size=16)
        return int.from_bytes(told.digest(), "big")


@lru_cache(maxsize=8)
def _key(org_id: str, scenario: str) -> bytes:
    """32 bytes. It is slow to make (30 ms), so that one who has a cassette cannot try all orgs."""
    return scrypt(org_id.encode(), salt=b"pseudonyms\0" + scenario.encode(), n=2**13, r=8, p=1, dklen=32)
