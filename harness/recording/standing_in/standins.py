"""Stand-ins for personal values, each of the kind of what it stands for: an invented name, an example's e-mail address.

Names are Faker's, with a word of four made-up syllables, so that no two values become one and a reader sees that nobody
is called so. Domains are those of RFC 2606, addresses those of RFC 5737 and 3849, telephone numbers those that 555-01
keeps for stories.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faker import Faker


class Kind(StrEnum):
    """What a value is."""

    ID = "id"
    NAME = "name"
    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    EMAIL = "e-mail address"
    USERNAME = "username"
    PHONE = "telephone number"
    STREET = "street"
    CITY = "city"
    POSTAL_CODE = "postal code"
    COMPANY = "company"
    IP = "IP address"
    URL = "URL"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "date and time"


_V4 = tuple(ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
_V6 = ipaddress.IPv6Network("2001:db8::/32")
_CONSONANTS, _VOWELS = "bdfgjklmnprstvwz", "aeiou"
_MOST_WORDS = 12
ATTEMPTS_OF_V4 = 200
"""After so many an IPv4 address has one of IPv6 for its stand-in: there are but 762 for documentation."""


def standin(kind: Kind, value: str, chance: int, attempt: int) -> str:
    """A stand-in for a value that is no id, number or date; `chance` is a number by chance, another in each attempt."""
    random = Random(chance)  # noqa: S311 - the number comes from a keyed hash; this spreads it
    if kind is Kind.IP:
        return _ip(value, random, attempt) or _text(value, random, chance)
    return _MAKE.get(kind, _text)(value, random, chance)


@cache
def _names() -> Faker:
    from faker import Faker  # noqa: PLC0415 - takes a quarter of a second: only where something is recorded

    return Faker("en_US", use_weighting=False)


def _faker(chance: int) -> Any:
    generator = _names()
    generator.seed_instance(chance)
    return generator


def _coined(random: Random) -> str:
    """A word that is none: `bokitadu`."""
    return "".join(random.choice(_CONSONANTS) + random.choice(_VOWELS) for _ in range(4))


def _first_name(_: str, random: Random, chance: int) -> str:
    return f"{_faker(chance).first_name()}-{_coined(random).title()}"


def _last_name(_: str, random: Random, chance: int) -> str:
    return f"{_faker(chance).last_name()}-{_coined(random).title()}"


def _name(_: str, random: Random, chance: int) -> str:
    faker = _faker(chance)
    return f"{faker.first_name()} {faker.last_name()}-{_coined(random).title()}"


def _address_at(domain: str) -> Callable[[str, Random, int], str]:
    def make(_: str, random: Random, chance: int) -> str:
        faker = _faker(chance)
        return f"{faker.first_name()}.{faker.last_name()}.{_coined(random)}@{domain}".lower()

    return make


def _phone(_: str, random: Random, chance: int) -> str:  # noqa: ARG001 - as the others
    area, line, extension = random.randint(201, 989), random.randint(100, 199), random.randint(10**6, 10**7 - 1)
    return f"+1 {area} 555 0{line} ext. {extension}"


def _street(_: str, random: Random, chance: int) -> str:
    return f"{random.randint(1, 999)} {_coined(random).title()} {_faker(chance).street_suffix()}"


def _city(_: str, random: Random, chance: int) -> str:
    return f"{_faker(chance).city()}-{_coined(random).title()}"


def _postal_code(_: str, random: Random, chance: int) -> str:  # noqa: ARG001 - as the others
    return f"{random.randint(0, 99999):05}-{random.randint(0, 9999):04}"


def _company(_: str, random: Random, chance: int) -> str:
    return f"{_coined(random).title()} {_faker(chance).company()}"


def _ip(value: str, random: Random, attempt: int) -> str | None:
    try:
        version = ipaddress.ip_address(value).version
    except ValueError:
        return None
    if version == 4 and attempt < ATTEMPTS_OF_V4:
        return str(random.choice(_V4)[random.randint(1, 254)])
    return str(_V6[random.getrandbits(96)])


def _url(value: str, random: Random, chance: int) -> str:  # noqa: ARG001 - as the others
    if value.startswith("/"):
        return f"/{_coined(random)}/{_coined(random)}"
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value)
    return f"{scheme[0] if scheme else ''}{_coined(random)}.example.com/{_coined(random)}"


def _text(value: str, random: Random, chance: int) -> str:
    words = min(len(value.split()), _MOST_WORDS)
    return " ".join([*(_faker(chance).words(words - 1) if words > 1 else ()), _coined(random) + _coined(random)[:4]])


_MAKE: dict[Kind, Callable[[str, Random, int], str]] = {
    Kind.NAME: _name,
    Kind.FIRST_NAME: _first_name,
    Kind.LAST_NAME: _last_name,
    Kind.EMAIL: _address_at("example.com"),
    Kind.USERNAME: _address_at("example.org"),
    Kind.PHONE: _phone,
    Kind.STREET: _street,
    Kind.CITY: _city,
    Kind.POSTAL_CODE: _postal_code,
    Kind.COMPANY: _company,
    Kind.URL: _url,
}
