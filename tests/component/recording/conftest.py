"""A scenario that was recorded from the simulated sandbox: the one whose recording takes least time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.component.plugin.example import Example

NAME = "warehouse"


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the scenario's cassettes, recorded here and now."""
    project = Example(tmp_path_factory.mktemp("recorded"), NAME)
    shutil.rmtree(project.folder / "cassettes", ignore_errors=True)
    ran = project.pytest("scenarios", "--cassettes", "record")
    assert ran.code == 0, ran.output
    return project.folder / "cassettes" / NAME


@pytest.fixture
def project(tmp_path: Path, recorded: Path) -> Callable[[], Example]:
    """Make a project with that recording."""

    def make() -> Example:
        made = Example(tmp_path, NAME)
        shutil.rmtree(tmp_path / "cassettes", ignore_errors=True)
        shutil.copytree(recorded, tmp_path / "cassettes" / NAME)
        return made

    return make
