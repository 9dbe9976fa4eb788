"""Fixtures for all unit tests: a fake org and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.fake_org import Bench, FakeOrg


@pytest.fixture
def fake_org() -> Iterator[FakeOrg]:
    with FakeOrg() as org:
        yield org


@pytest.fixture
def bench(fake_org: FakeOrg) -> Iterator[Bench]:
    made = Bench.of(fake_org)
    yield made
    made.close()
