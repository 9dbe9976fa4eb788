"""From a scenario file to a Scenario, or to an error that says where and what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.errors import Place, ScenarioError
from harness.scenario import document
from harness.scenario.document import Key, Mark, Problem
from harness.scenario.model import Scenario
from harness.scenario.problems import explain

MAX_BYTES = 256 * 1024
SUFFIX = ".scenario.yaml"
_SHOWN_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A scenario and the file it came from.

    `digest` is the SHA-256 of the file's bytes in hexadecimal; `name` is `erp` for `erp.scenario.yaml`; `shown` is the
    file as messages and reports name it.
    """

    path: Path
    scenario: Scenario
    digest: str
    name: str
    shown: str
    marks: Mapping[tuple[Key, ...], Mark] = field(repr=False)

    def place(self, *keys: Key) -> Place:
        """Where `keys` stand in the file, such as `("expect", "grants", 0)`; else where their nearest parent stands.

        Keys are those of the file (`from`, not `from_`), and indexes of lists from 0.
        """
        for length in range(len(keys), 0, -1):
            mark = self.marks.get(keys[:length])
            if mark:
                return Place(self.shown, *mark)
        return Place(self.shown, 1, 1)


def load(path: Path, *, shown: str | None = None) -> ScenarioFile:
    """Read the scenario file at `path`.

    `shown` is how messages name the file: by default its path, relative to the current folder when it is below it.
    Raises ScenarioError with file, line and column; all problems are in it, the first one first.
    """
    name = shown or _shown(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError(f"the file cannot be read: {error.strerror}", place=Place(name)) from error
    return read(content, path=path, shown=name)


def read(content: bytes, *, path: Path, shown: str) -> ScenarioFile:
    """Make a ScenarioFile of the bytes of a scenario file; raises ScenarioError like `load`."""
    parsed = document.parse(_text(content, shown))
    _raise_any(parsed.problems, shown)
    return ScenarioFile(
        path=path,
        scenario=_scenario(parsed, shown),
        digest=hashlib.sha256(content).hexdigest(),
        name=path.name.removesuffix(SUFFIX) if path.name.endswith(SUFFIX) else path.stem,
        shown=shown,
        marks=parsed.keys,
    )


def _scenario(parsed: document.Document, shown: str) -> Scenario:
    try:
        return Scenario.model_validate(parsed.data, strict=True)
    except ValidationError as error:
        problems = explain(error, parsed)
    _raise_any(problems, shown)
    raise AssertionError("pydantic found a problem, and nothing is left of it")


def _shown(path: Path) -> str:
    absolute = path.absolute()
    folder = Path.cwd()
    return str(absolute.relative_to(folder) if absolute.is_relative_to(folder) else path)


def _text(content: bytes, shown: str) -> str:
    if len(content) > MAX_BYTES:
        raise ScenarioError(f"the file is larger than {MAX_BYTES // 1024} KiB", place=Place(shown))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise ScenarioError(
            f"the byte 0x{content[error.start]:02x} is not UTF-8",
            place=Place(shown, line, column),
            remedy="save the file as UTF-8",
        ) from None


def _raise_any(problems: list[Problem], shown: str) -> None:
    if not problems:
        return
    first, *others = sorted(problems, key=lambda problem: problem.mark or (0, 0))
    lines = [first.message]
    lines += [f"{Place(shown, *(other.mark or ()))}: {other.message}" for other in others[: _SHOWN_AT_MOST - 1]]
    if len(others) >= _SHOWN_AT_MOST:
        lines.append(f"... and {len(others) - _SHOWN_AT_MOST + 1} more problems")
    raise ScenarioError("\n".join(lines), place=Place(shown, *(first.mark or ())))
