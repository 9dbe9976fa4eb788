"""Who may know whom: the rule that keeps the rooms apart, held against the imports in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "harness"

MAY_KNOW = {
    "errors": set(),
    "words": set(),
    "scenario": {"errors"},
    "org": {"errors", "scenario"},
    "access": {"errors", "words", "scenario", "org"},
    "references": {"errors", "words", "scenario", "org", "access"},
    "credentials": {"errors", "scenario", "org"},
    "checks": {"errors", "words", "scenario", "org", "access", "credentials"},
    "migration": {"errors", "words", "scenario", "org", "access", "credentials", "checks", "references"},
    "recording": {"errors", "org"},
    "capture": {"errors", "org"},
    "report": {"errors", "words", "scenario", "access", "checks", "migration"},
    "sandbox": set(),
    "rehearsal": {
        "errors",
        "scenario",
        "org",
        "credentials",
        "checks",
        "migration",
        "recording",
        "report",
        "sandbox",
    },
}
"""For each room or module of the package: what else of the package it may import. The plugin's side may import all."""

FRONT = {
    "adopting",
    "plugin",
    "collection",
    "scheduling",
    "terminal",
    "cli",
    "front",
    "serving",
    "capturing",
    "comparing",
    "mutating",
    "searching",
    "linting",
    "inspecting",
    "drift_table",
    "using",
    "standing",
    "observing",
    "carrying",
}
PURE = (
    "access/model.py",
    "access/algebra.py",
    "access/effective.py",
    "checks/proof/verdict.py",
    *sorted(str(file.relative_to(HARNESS)) for file in (HARNESS / "migration" / "planning").glob("*.py")),
    "scenario/model.py",
)
"""Modules that must not be able to do anything but compute."""
IMPURE = {"requests", "socket", "time", "random", "os", "subprocess", "sqlite3", "pathlib", "urllib", "secrets"}


def imports(file: Path) -> Iterator[str]:
    """The full names of what a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides who knows whom"
            yield node.module or ""
            if node.module == "harness":
                yield from (f"harness.{alias.name}" for alias in node.names)


def rooms_known(file: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(file) if name.startswith("harness.")}


def room_of(file: Path) -> str:
    return file.relative_to(HARNESS).parts[0].removesuffix(".py")


MODULES = sorted(HARNESS.rglob("*.py"))


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(HARNESS)))
def test_a_room_knows_only_the_rooms_below_it(file: Path) -> None:
    room = room_of(file)
    if room in FRONT or room == "__init__":
        return
    known = rooms_known(file) - {room, "__version__"}
    assert known <= MAY_KNOW[room], f"{room} must not know {sorted(known - MAY_KNOW[room])}"


@pytest.mark.parametrize("path", PURE)
def test_pure_modules_do_no_input_or_output(path: str) -> None:
    file = HARNESS / path
    assert not {name.split(".")[0] for name in imports(file)} & IMPURE


def test_the_rule_would_notice(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from harness.migration.engine import Engine\n    return Engine\n")
    assert rooms_known(wrong) == {"migration"}
