"""The demo org, and the desk from which its users are asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.sandbox.source import open_org

from .desk import Desk

ADMIN = "admin@acme.example"


@pytest.fixture(scope="module")
def demo() -> Iterator[Desk]:
    """The demo org, made once for each module: `desk` takes back what a test does to it."""
    org = open_org("demo")
    made = Desk(org, ADMIN)
    yield made
    made.close()
    org.close()


@pytest.fixture
def desk(demo: Desk) -> Iterator[Desk]:
    """The demo org as it was."""
    before = demo.org.snapshot()
    yield demo
    demo.org.restore(before)
    demo.forget()
