"""The `{{...}}` of a scenario's values: which names there are, and what they stand for.

Values must be the same in each run, or a recording would not replay. So Faker is seeded, and its providers that count
from today's date are not offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.errors import ScenarioError
from harness.scenario.loader import ScenarioFile

if TYPE_CHECKING:
    from faker import Faker

TEMPLATE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
OWN = ("today", "now", "row", "unique")
_SCALARS = (str, int, float, bool, Decimal, date)
_MODULES_WITH_A_CLOCK = frozenset({"date_time", "passport", "user_agent"})
_NAMES_WITH_A_CLOCK = frozenset({"credit_card_expire", "credit_card_full", "uuid1", "uuid6", "uuid7"})
"""Providers whose values depend on when they are made, by module or by name."""
_REMEDY = (
    "use today, now, row, unique, or a Faker provider that needs no argument and does not depend on the time, "
    "such as company"
)


def make_faker() -> Faker:
    """A Faker, to be seeded. It takes 70 ms to import, which a scenario without templates need not spend."""
    from faker import Faker  # noqa: PLC0415 - see above

    return Faker("en_US", use_weighting=False)


@cache
def _trial_faker() -> Faker:
    return make_faker()


def provider(faker: Faker, name: str) -> Callable[[], Any]:
    """The provider of that name. Raises ScenarioError for one that there is not."""
    if not is_provider(name):
        raise ScenarioError(_message(name), remedy=_REMEDY)
    found: Callable[[], Any] = getattr(faker, name)
    return found


def check_templates(file: ScenarioFile) -> None:
    """Raise ScenarioError for the first template of the scenario that names nothing, with its place and the nearest.

    Imports Faker, so it is for preflight rather than for loading.
    """
    for name, path in _templates(file):
        if name not in OWN and not is_provider(name):
            raise ScenarioError(_message(name), place=file.place(*path), remedy=_REMEDY)


@cache
def is_provider(name: str) -> bool:
    """Whether Faker has a provider of that name that makes one value from nothing but the seed."""
    if name not in _provider_names():
        return False
    faker = _trial_faker()
    faker.seed_instance(0)
    try:
        return isinstance(getattr(faker, name)(), _SCALARS)
    except Exception:  # providers raise anything when they need an argument or an optional library
        return False


@cache
def _provider_names() -> frozenset[str]:
    """The names of the providers that do not depend on the time."""
    return frozenset(
        name
        for each in _trial_faker().get_providers()
        if _MODULES_WITH_A_CLOCK.isdisjoint(type(each).__module__.split("."))
        for name in dir(each)
        if not name.startswith("_") and name not in _NAMES_WITH_A_CLOCK
    )


def _message(name: str) -> str:
    near = [each for each in get_close_matches(name, [*OWN, *_provider_names()]) if each in OWN or is_provider(each)]
    return f"{{{{{name}}}}} is no template" + (f": did you mean {{{{{near[0]}}}}}?" if near else "")


def _templates(file: ScenarioFile) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Each template's name and where it stands."""
    scenario = file.scenario
    groups = {
        ("workload",): scenario.workload,
        ("expect", "grants"): scenario.expect.grants,
        ("expect", "denials"): scenario.expect.denials,
    }
    for path, items in groups.items():
        for index, item in enumerate(items):
            fields = getattr(getattr(item, item.kind), "fields", None) or {}
            for field, value in fields.items():
                for name in TEMPLATE.findall(value) if isinstance(value, str) else ():
                    yield name, (*path, index, item.kind, "fields", field)
