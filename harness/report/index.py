"""Writing the reports: for each scenario an HTML file with its JSON beside it, and an index that lists all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from harness.report.evidence import most_complete, to_json
from harness.report.html import render, render_index
from harness.report.model import Evidence


def write_reports(evidences: Sequence[Evidence], folder: Path, *, partial: Collection[str] = ()) -> Path:
    """Write `NAME.html` and `NAME.json` for each scenario and `index.html` into `folder`; return the index's path.

    Of several evidences of one scenario the most complete is reported. `partial` names the scenario files of which
    only a part was asked for: they never replace a report that is there. The index also lists the reports that earlier
    runs left. Each file is replaced in one step, the index last, so that a reader never meets half a report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        (name, evidence)
        for name, evidence in _named(most_complete(evidences))
        if evidence.header.scenario_file not in partial or not (folder / f"{name}.html").exists()
    ]
    for name, evidence in entries:
        _replace(folder / f"{name}.json", to_json(evidence))
        _replace(folder / f"{name}.html", render(evidence, json_name=f"{name}.json"))
    earlier = _left_by_earlier_runs(folder, {name for name, _ in entries})
    index = folder / "index.html"
    _replace(index, render_index([*entries, *earlier], earlier=[name for name, _ in earlier]))
    return index


def _left_by_earlier_runs(folder: Path, written: Collection[str]) -> list[tuple[str, Evidence]]:
    """The reports in the folder that this run did not write; what is no evidence of ours is passed over."""
    found = []
    for path in sorted(folder.glob("*.json")):
        if path.stem not in written and path.with_suffix(".html").is_file():
            with suppress(ValueError, OSError):
                found.append((path.stem, Evidence.model_validate_json(path.read_bytes())))
    return found


def _named(evidences: Sequence[Evidence]) -> list[tuple[str, Evidence]]:
    """A file name for each: the scenario's, with a number where two scenarios share one. None is `index`."""
    entries: dict[str, Evidence] = {}
    for evidence in evidences:
        plain = re.sub(r"[^\w.-]+", "-", evidence.name).strip(".-")[:80] or "scenario"
        name, count = plain, 1
        while name.casefold() in {"index", *map(str.casefold, entries)}:
            count += 1
            name = f"{plain}-{count}"
        entries[name] = evidence
    return list(entries.items())


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
