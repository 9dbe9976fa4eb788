"""Counts of rows are asked in addresses of a length that orgs take, and what is not told is not made up."""

from __future__ import annotations

from typing import Any, cast

from harness.capture.reading import _counts
from harness.org.connection import Connection
from harness.org.reply import Reply

LONGEST_ADDRESS = 16_384
NAMES = [f"A_Custom_Object_With_A_Rather_Long_Name_{number}__c" for number in range(1000)]


class Org:
    """Answers counts, or refuses every second question."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[str] = []
        self._refuses = refuses

    def request(self, _method: str, path: str) -> Reply:
        self.asked.append(path)
        if self._refuses and len(self.asked) % 2:
            return Reply(403, [], ())
        told: list[dict[str, Any]] = [{"name": NAMES[-1], "count": 7}] if NAMES[-1] in path else []
        return Reply(200, {"sObjects": told}, ())


def test_a_thousand_objects_are_counted() -> None:
    org = Org()
    counts = _counts(cast("Connection", org), NAMES)
    assert counts == dict.fromkeys(NAMES, 0) | {NAMES[-1]: 7}
    assert max(map(len, org.asked)) < LONGEST_ADDRESS - 1000


def test_what_the_org_does_not_tell_is_unknown_and_not_zero() -> None:
    counts = _counts(cast("Connection", Org(refuses=True)), NAMES)
    assert counts[NAMES[0]] is None
    assert counts[NAMES[200]] == 0
