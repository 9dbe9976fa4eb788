"""What `rehearse cassette verify` does: look through what is committed, or about to be."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from harness.errors import EXIT_AS_EXPECTED, GuardRefused, RecordingError, UsageError
from harness.inspecting.listed import Listed
from harness.inspecting.words import clipped, path_of_names
from harness.recording.cleaning.allowlist import allow_list
from harness.recording.facts import Facts
from harness.recording.filing.files import (
    ALLOW_LIST,
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
from harness.recording.scanning import scan
from harness.words import several

FOLDER = Path("cassettes")
SCENARIO = ".scenario.yaml"
_ADDRESS = re.compile(r"[\w.+'-]+@[\w.-]+\w")
_REMEDY = "do not commit these; record them again, and report what a recording should not have let through"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a cassette, and where: `line` and `interaction` count from 1. It never holds a value.

    The line is that of the text, unpacked where it is packed.
    """

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
    wanted = list(_meant(paths or [FOLDER]))
    findings: list[Finding] = []
    counted = 0
    verifier = Verifier()
    with Console(stderr=True).status("reading the cassettes") as status:
        for number, path in enumerate(wanted, start=1):
            status.update(f"{number:,} of {len(wanted):,}: {clipped(path)}")
            found, interactions = verifier.look_at(path)
            findings += [each for each in found if each not in findings]
            counted += interactions
    _say(findings, len(wanted), counted, as_json=as_json)
    return GuardRefused.exit_code if findings else EXIT_AS_EXPECTED


def _meant(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that are meant: of a folder its cassettes and allow-list, and what a killed recording left there."""
    for path in paths:
        if path.is_dir():
            lists = [each for each in (path / ALLOW_LIST, path.parent / ALLOW_LIST) if each.is_file()]
            yield from sorted([*cassette_paths(path), *left_overs(path), *lists])
        elif not os.path.lexists(path):
            raise UsageError(f"there is no {path}", remedy="name cassettes, or a folder of cassettes")
        elif not is_cassette(path) and path.name != ALLOW_LIST:
            raise UsageError(f"{path} is no cassette", remedy=f"a cassette ends in {YAML} or {JSON}")
        else:
            yield path


class Verifier:
    """Looks at one file after another. Those of one scenario belong together: one list, and jobs that go on."""

    def __init__(self) -> None:
        self._listed: dict[Path, Listed] = {}
        self._public: dict[str, frozenset[str]] = {}
        self._clean: set[str] = set()
        """Bodies of which files without a finding consist: stages are often answered alike."""

    def look_at(self, path: Path) -> tuple[list[Finding], int]:
        """What is wrong with one file, and how many interactions it has."""
        try:
            if path.name == ALLOW_LIST:
                allow_list(path.parent)
                return [], 0
            if not is_cassette(path):
                return [Finding(str(path), "a recording that was killed left this file; remove it")], 0
            path_of(path.parent, stage_of(path))
            loaded = load(path)
            Facts.of_metadata(loaded.metadata, path)
            return [*self._shapes(path, loaded), *self._unlisted(path, loaded)], len(loaded.requests)
        except RecordingError as error:
            place = error.place
            return [Finding(place.file if place else str(path), error.message, place.line if place else None)], 0

    def _unlisted(self, path: Path, loaded: Loaded) -> Iterator[Finding]:
        folder = path.parent
        if folder not in self._listed:
            self._listed[folder] = Listed(allow_list(folder.parent))
        for number, (line, data) in enumerate(zip(loaded.lines, loaded.interactions(), strict=True), start=1):
            asked = _asked(data)
            for what in self._listed[folder].unlisted(data):
                yield Finding(str(path), what, line, number, asked)

    def _shapes(self, path: Path, loaded: Loaded) -> Iterator[Finding]:
        """What looks as if it must not be there. Addresses that the scenario names are public beside the cassette."""
        text = text_of(path) if path.name.endswith(YAML) else ""  # JSON has nothing beside its values
        interactions = [self._new(each) for each in loaded.interactions()]
        data = {"metadata": loaded.metadata, "interactions": interactions}
        found = scan.by_shape(text, data, lines=loaded.lines)
        if not found:
            self._clean.update(each["response"]["body"]["string"] for each in interactions)
        else:
            name = path.parent.name
            self._public[name] = self._public.get(name) or _public(name)
            found = scan.by_shape(text, data, lines=loaded.lines, known=self._public[name])
        for each in found:
            place = {0: "the metadata ", None: "the text "}.get(each.interaction, "")
            asked = _asked(interactions[each.interaction - 1]) if each.interaction else ""
            yield Finding(str(path), f"{place}{each.what}", each.line or 1, each.interaction or None, asked)

    def _new(self, interaction: dict[str, Any]) -> dict[str, Any]:
        """An interaction without a body that was looked through before."""
        response = interaction["response"]
        if response["body"]["string"] not in self._clean:
            return interaction
        return {**interaction, "response": {**response, "body": {"string": ""}}}


def _asked(interaction: dict[str, Any]) -> str:
    return f"{interaction['request']['method']} {path_of_names(interaction['request']['uri'])}"


def _public(name: str) -> frozenset[str]:
    """The e-mail addresses in the scenario whose cassettes have this name, wherever below this folder it is."""
    found: set[str] = set()
    for folder, below, files in os.walk("."):
        below[:] = [each for each in below if not each.startswith(".") and each != "node_modules"]
        if name + SCENARIO in files:
            found.update(_ADDRESS.findall((Path(folder) / (name + SCENARIO)).read_text("utf-8", "replace")))
    return frozenset(found)


def _say(findings: Sequence[Finding], files: int, interactions: int, *, as_json: bool) -> None:
    if as_json:
        told = {"files": files, "interactions": interactions, "findings": [asdict(each) for each in findings]}
        click.echo(json.dumps(told, indent=2))
        return
    for each in findings:
        click.secho(str(each), fg="red")
    counts = several(files, "file"), several(interactions, "interaction"), several(len(findings), "finding")
    click.echo(", ".join(counts) + (f"\n  remedy: {_REMEDY}" if findings else ""))
