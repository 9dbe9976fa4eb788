"""What `rehearse cassette show` does: print a recording as a conversation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from harness.errors import EXIT_AS_EXPECTED, UsageError
from harness.inspecting.conversation import Said, said_in
from harness.inspecting.words import clipped
from harness.recording.facts import IN_WORDS
from harness.recording.filing.contents import TAPES
from harness.recording.filing.files import Loaded, cassette_paths, is_cassette, load, path_of
from harness.words import several

_WORDS = {
    "recorded_at": "recorded",
    "kind": "from a",
    "live": "of an org that lives",
    "release": "release",
    "api_version": "API version",
    "org_name": "org",
    "org_id": "org id",
    "admin_username": "admin",
    "admin_flow": "signed in by",
    "tool_version": "recorded by rehearse",
    "scenario": "scenario digest",
    "access": "access seen",
    "reads": "depends on",
}
"""The metadata that is shown, in this order; what has another name comes behind, by that."""
_INDENT = "     "


def show(path: Path, *, stage: str | None, only: Collection[int], full: bool) -> int:
    """Print one cassette, or each of a folder. Raises UsageError, and RecordingError for what is none."""
    for number, each in enumerate(_chosen(path, stage)):
        if number:
            click.echo()
        _show(each, load(each), only, full=full)
    return EXIT_AS_EXPECTED


def _chosen(path: Path, stage: str | None) -> list[Path]:
    found = [path]
    if path.is_dir():
        found = cassette_paths(path) if stage is None else [path_of(path, stage)]
    if not found or not is_cassette(found[0]) or not found[0].is_file():
        raise UsageError(f"{found[0] if found else path} is no cassette", remedy="name a cassette, or a folder of them")
    return found


def _show(path: Path, loaded: Loaded, only: Collection[int], *, full: bool) -> None:
    count = len(loaded.requests)
    beyond = [number for number in only if number > count]
    if beyond:
        raise UsageError(f"{path} has {several(count, 'interaction')}, and none has the number {beyond[0]}")
    click.secho(str(path), bold=True)
    for line in _about(loaded):
        click.echo(f"  {line}")
    for number, interaction in enumerate(loaded.interactions(), start=1):
        if not only or number in only:
            click.echo()
            _print(said_in(number, interaction), full=full)


def _about(loaded: Loaded) -> Iterator[str]:
    """The metadata, in words."""
    told = loaded.metadata
    for name in [*(each for each in _WORDS if each in told), *(each for each in told if each not in _WORDS)]:
        if name not in TAPES:
            value = IN_WORDS.get(told[name], told[name]) if name == "kind" else told[name]
            yield f"{_WORDS.get(name, name)}: {clipped(_in_words(value))}"
    readings = several(sum(len(told.get(name, ())) for name in TAPES), "reading")
    yield f"{several(len(loaded.requests), 'interaction')}, {readings} of the clock"


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(sorted(value))
    return ", ".join(value) if isinstance(value, list) else str(value)


def _print(said: Said, *, full: bool) -> None:
    click.echo(f"{said.name:>3}  {click.style(said.who, fg='cyan')}")
    _print_question(said, _INDENT)
    if full and said.sent:
        _print_body(said.sent)
    for part in said.parts:
        click.echo(f"{_INDENT}  {click.style(part.name, bold=True)}")
        _print_question(part, f"{_INDENT}    ")
        _print_answer(part, f"{_INDENT}    ")
    _print_answer(said, _INDENT)
    if full and said.received:
        _print_body(said.received)


def _print_question(said: Said, indent: str) -> None:
    first, *rest = said.asked
    click.echo(f"{indent}{first}")
    for line in rest:
        click.echo(f"{indent}  {line}")


def _print_answer(said: Said, indent: str) -> None:
    status = click.style(str(said.status or "no status"), fg="green" if 0 < said.status < 400 else "red")
    click.echo(f"{indent}{status} {said.answer}")


def _print_body(body: str) -> None:
    for line in body.split("\n"):
        click.echo(f"{_INDENT}| {line}")
