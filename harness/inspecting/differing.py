"""What `rehearse cassette diff` does: say how two recordings differ in what they mean."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from harness.drift_table import STYLES, drift_table
from harness.errors import EXIT_AS_EXPECTED, StageFailed, UsageError
from harness.recording.differing import Difference, difference
from harness.recording.filing.files import Loaded, cassette_paths, load, stage_of
from harness.recording.meaning import Tier
from harness.words import several

_SHOWN = 20


def diff(first: Path, second: Path, *, fail_at: str, as_json: bool) -> int:
    """Print how the second differs from the first; 1 where it does, from this tier on. Raises UsageError."""
    pairs = list(_pairs(first, second))
    differences = {stage: difference(*pair) for stage, pair in pairs}
    if as_json:
        click.echo(json.dumps({stage: asdict(each) for stage, each in differences.items()}, indent=2))
    else:
        _print(differences)
    failing = any(_fails(each, Tier(fail_at)) for each in differences.values())
    return StageFailed.exit_code if failing else EXIT_AS_EXPECTED


def _fails(found: Difference, tier: Tier) -> bool:
    """Whether a difference weighs as much as this; requests that come and go weigh as much as a warning."""
    if (found.gone or found.new) and tier.weight <= Tier.WARNING.weight:
        return True
    worst = max((drift.tier.weight for drift in found.drifts), default=0)
    return worst >= tier.weight or (found.moved > 0 and tier is Tier.INFORMATION)


def _pairs(first: Path, second: Path) -> Iterator[tuple[str, tuple[Loaded, Loaded]]]:
    """What is compared with what: two files, or the files of two folders by their names."""
    for path in (first, second):
        if not path.exists():
            raise UsageError(f"there is no {path}", remedy="name two cassettes, or two folders of cassettes")
    if first.is_dir() != second.is_dir():
        raise UsageError("a folder cannot be compared with a file", remedy="name two of a kind")
    if not first.is_dir():
        yield stage_of(second if os.fspath(second) != os.devnull else first), (_load(first), _load(second))
        return
    ours, theirs = (
        {os.fspath(path.parent.relative_to(folder) / stage_of(path)): path for path in cassette_paths(folder)}
        for folder in (first, second)
    )
    if not ours and not theirs:
        raise UsageError(f"neither {first} nor {second} holds a cassette")
    for name in sorted(ours.keys() | theirs.keys()):
        yield name, (_load(ours.get(name)), _load(theirs.get(name)))


def _load(path: Path | None) -> Loaded:
    """A cassette; an empty one for what is not there, as git shows a file that was added or removed."""
    return Loaded({}) if path is None or os.fspath(path) == os.devnull else load(path)


def _print(differences: Mapping[str, Difference]) -> None:
    console = Console(highlight=False)
    for stage, found in differences.items():
        if found.is_empty:
            continue
        console.print(stage, style="bold", markup=False, soft_wrap=True)
        for sign, style, lines in (("-", "red", found.gone), ("+", "green", found.new)):
            for line in lines[:_SHOWN]:
                console.print(f"{sign} {line}", style=style, markup=False, soft_wrap=True)
            if len(lines) > _SHOWN:
                console.print(f"{sign} and {several(len(lines) - _SHOWN, 'request')} more", style=style)
        if found.moved:
            console.print(f"{several(found.moved, 'request')} asked in another order")
        if found.drifts:
            console.print(drift_table(found.drifts))
    counted = [
        f"{several(sum(drift.tier is tier for each in differences.values() for drift in each.drifts), 'difference')} "
        f"{tier}"
        for tier in Tier
    ]
    if all(each.is_empty for each in differences.values()):
        console.print(f"{several(len(differences), 'cassette')}: they mean the same", style=STYLES["same"])
    else:
        console.print(f"{several(len(differences), 'cassette')}: {', '.join(counted)}")
