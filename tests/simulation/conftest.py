"""Worlds to simulate in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .bench import World, make_world
from .lost import Ran
from .scenarios import CASES

MakeWorld = Callable[[str], World]


@pytest.fixture
def world_of(tmp_path: Path) -> Iterator[MakeWorld]:
    """Make the world of a case, by its name."""
    made: list[World] = []

    def make(case: str) -> World:
        made.append(make_world(tmp_path / case, CASES[case]))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Worlds in which a whole run was made, shared by the tests of a file."""
    worlds = Ran(tmp_path_factory.mktemp("ran"))
    yield worlds
    worlds.close()
