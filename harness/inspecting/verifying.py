"""What `rehearse cassette verify` does: look through what is committed, or about to be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.console import Console

from harness.errors import EXIT_AS_EXPECTED, GuardRefused, RecordingError, UsageError
from harness.recording.facts import Facts
from harness.recording.files import (
    JSON,
    YAML,
    Loaded,
    cassette_paths,
    is_cassette,
    left_overs,
    load,
    path_of,
    stage_of,
    text_of,
)
from harness.recording.malformed import shown
from harness.recording.scan import leaks
from harness.words import several

FOLDER = Path("cassettes")
_PLACE = re.compile(r"^(?:the (?:file|metadata)|interaction \d+ \([^)]*\)) ")
_REMEDY = "do not commit them; record them again, and report what a recording should not have let through"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a cassette, and where: `line` and `interaction` count from 1. It never holds a value."""

    file: str
    what: str
    line: int | None = None
    interaction: int | None = None
    request: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        number = "" if self.interaction is None else f"interaction {self.interaction} ({self.request}): "
        return f"{place}: {number}{self.what}"


def verify(paths: Sequence[Path], *, as_json: bool) -> int:
    """Print the findings of some files and folders; 4 where there are any. Raises UsageError for what is not there."""
    wanted = list(_cassettes(paths or [FOLDER]))
    findings: list[Finding] = []
    counted = 0
    with Console(stderr=True).status("reading the cassettes") as status:
        for number, path in enumerate(wanted, start=1):
            status.update(f"{number:,} of {len(wanted):,}: {click.unstyle(str(path))}")
            found, interactions = findings_of(path)
            findings += found
            counted += interactions
    _say(findings, len(wanted), counted, as_json=as_json)
    return GuardRefused.exit_code if findings else EXIT_AS_EXPECTED


def _cassettes(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that are meant: of a folder its cassettes, and what a killed recording left among them."""
    for path in paths:
        if path.is_dir():
            yield from sorted([*cassette_paths(path), *left_overs(path)])
        elif not path.exists():
            raise UsageError(f"there is no {path}", remedy="name cassettes, or a folder of cassettes")
        elif not is_cassette(path):
            raise UsageError(f"{path} is no cassette", remedy=f"a cassette ends in {YAML} or {JSON}")
        else:
            yield path


def findings_of(path: Path) -> tuple[list[Finding], int]:
    """What is wrong with one file, and how many interactions it has."""
    if not is_cassette(path):
        return [Finding(str(path), "a recording that was killed left this file; remove it")], 0
    try:
        path_of(path.parent, stage_of(path))
        loaded = load(path)
        Facts.of_metadata(loaded.metadata, path)
    except RecordingError as error:
        place = error.place
        return [Finding(place.file if place else str(path), error.message, place.line if place else None)], 0
    found = [*_in_head(path, loaded), *_in_interactions(path, loaded)]
    return found or list(_beside(path)), len(loaded.requests)


def _in_interactions(path: Path, loaded: Loaded) -> Iterator[Finding]:
    for number, (line, data) in enumerate(zip(loaded.lines, loaded.interactions(), strict=True), start=1):
        asked = f"{data['request']['method']} {shown(urlsplit(data['request']['uri']).path)}"
        for what in _scanned("", {"interactions": [data]}):
            yield Finding(str(path), what, line, number, asked)


def _in_head(path: Path, loaded: Loaded) -> Iterator[Finding]:
    for what in _scanned("", {"metadata": loaded.metadata}):
        yield Finding(str(path), f"the metadata {what}", 1)


def _beside(path: Path) -> Iterator[Finding]:
    """What stands in none of the values, such as in a comment."""
    text = text_of(path)
    if _scanned(text, {}):
        for number, line in enumerate(text.split("\n"), start=1):
            for what in _scanned(line, {}):
                yield Finding(str(path), f"the line {what}", number)


def _scanned(raw: str, data: Mapping[str, Any]) -> list[str]:
    """What looks like a secret in a text, or in the content of a cassette; each without the place."""
    found = leaks(raw, data, secrets=(), hosts=())
    return list(dict.fromkeys(_PLACE.sub("", each) for each in found))


def _say(findings: Sequence[Finding], files: int, interactions: int, *, as_json: bool) -> None:
    if as_json:
        told = {"cassettes": files, "interactions": interactions, "findings": [asdict(each) for each in findings]}
        click.echo(json.dumps(told, indent=2))
        return
    for each in findings:
        click.secho(str(each), fg="red")
    counted = (
        f"{several(files, 'cassette')}, {several(interactions, 'interaction')}, {several(len(findings), 'finding')}"
    )
    click.echo(f"{counted}\n  remedy: {_REMEDY}" if findings else counted)
