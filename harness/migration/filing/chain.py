"""The chain of a journal's records: the digest of each covers the digest of the one before it.

So no record can be altered, left out, put in or moved without every later digest being wrong. What a chain cannot tell
is that its end is missing: for that there is the head (`harness.migration.filing.head`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

GENESIS = hashlib.sha256(b"rehearse journal, format 2").hexdigest()
"""What the first record's digest covers in place of a digest before it."""


class Row(NamedTuple):
    """One record as it is kept: the number counts from 1, `at` is ISO 8601, `body` is JSON."""

    seq: int
    run: str
    at: str
    kind: str
    stage: str
    key: str
    body: str
    digest: str


def digest_of(before: str, row: Row) -> str:
    """The digest of a row that follows the one with the digest `before`; the digest in `row` itself does not matter.

    The lengths stand in front, so that nothing can be moved from one column into its neighbour.
    """
    seq, run, at, kind, stage, key, body, _ = row
    lengths = f"{len(run)} {len(at)} {len(kind)} {len(stage)} {len(key)}"
    return hashlib.sha256(f"{before} {seq} {lengths} {run}{at}{kind}{stage}{key}{body}".encode()).hexdigest()


def first_broken(rows: Iterable[Row], *, before: str = GENESIS, count: int = 0) -> int | None:
    """The number of the first record that does not fit, or None where all do.

    `count` and `before` are the number and the digest of the record that `rows` follow.
    """
    for number, row in enumerate(rows, count + 1):
        # a damaged file may hold anything: what is no text cannot be hashed
        if (
            row.seq != number
            or not all(isinstance(text, str) for text in row[1:])
            or row.digest != digest_of(before, row)
        ):
            return number
        before = row.digest
    return None
