from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.component.plugin.example import Example


@pytest.fixture
def project(tmp_path: Path) -> Example:
    """A project with the MuleSoft scenario and its simulated org."""
    return Example(tmp_path, "mulesoft")


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], Example]:
    """Make an example project from a shipped scenario."""
    return lambda name: Example(tmp_path, name)
