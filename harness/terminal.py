"""The rehearsals of one pytest run: which there are, how their evidence is gathered, and what is said at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from harness.errors import RehearseError, UsageError
from harness.rehearsal.options import CassetteMode, Options, shown
from harness.rehearsal.reads import cassette_names
from harness.scenario.loader import ScenarioFile

if TYPE_CHECKING:
    from harness.rehearsal.rehearsal import Rehearsal
    from harness.report.drift import OrgDrift
    from harness.report.evidence import Evidence


class Rehearsals:
    """Every scenario that was collected, by its file, and what came back from pytest-xdist's workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options = _options(config)
        self._files: dict[Path, tuple[ScenarioFile, int]] = {}
        self._by_file: dict[Path, Rehearsal] = {}
        self._partial: set[str] = set()
        self._received: list[Evidence] = []
        self._index: Path | None = None
        self._evidence: list[Evidence] = []
        self._bugs: list[str] = []
        self._drift: dict[Path, OrgDrift | RehearseError] = {}
        self._shown = False

    def add(self, file: ScenarioFile, *, items: int) -> None:
        """Take up a scenario that has so many items; nothing is imported or opened before the first of them runs."""
        self._files[file.path] = (file, items)

    def of(self, file: ScenarioFile) -> Rehearsal:
        """The rehearsal of a scenario."""
        from harness.rehearsal.rehearsal import Rehearsal

        if file.path not in self._by_file:
            self._by_file[file.path] = rehearsal = Rehearsal(file, self.options)
            rehearsal.show = self._show
        return self._by_file[file.path]

    def drift(self, file: ScenarioFile) -> OrgDrift:
        """How an org answers what the recording of a scenario asked, asked once. Raises what asking raises."""
        if file.path not in self._drift:
            from harness.rehearsal.reasking import Reasking

            try:
                self._drift[file.path] = Reasking(file, self.options, tell=self._show).run()
            except RehearseError as error:
                self._drift[file.path] = error
        found = self._drift[file.path]
        if isinstance(found, RehearseError):
            raise found
        self.of(file).drift = found
        return found

    def _show(self, line: str) -> None:
        """Print a line now, whatever is captured."""
        capture = self.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            sys.stdout.write(f"{'' if self._shown else chr(10)}{line}\n")
            sys.stdout.flush()
        self._shown = True

    def check_collection(self, session: pytest.Session) -> None:
        """Note of which scenarios only a part is selected, and refuse to record one of those.

        Raises pytest.UsageError that says why and what to do.
        """
        chosen = Counter(item.path for item in session.items)
        for path, (file, items) in self._files.items():
            if chosen[path] and self.options.update is not None:
                check_stage(file, self.options.update)
            if 0 < chosen[path] < items:
                self._partial.add(file.shown)
                if self.options.cassettes == "record":
                    raise pytest.UsageError(
                        f"{file.name}: only {chosen[path]} of {items} items are selected, and a recording needs them "
                        "all. Leave out -k, -m and node ids while recording."
                    )

    def receive(self, evidence: Sequence[str], partial: Sequence[str], bugs: Sequence[str]) -> None:
        """Take the evidence of a worker, each as JSON, which scenarios only a part was selected of, and its bugs."""
        from harness.report.evidence import Evidence

        self._bugs.extend(bugs)
        self._received.extend(Evidence.model_validate_json(text) for text in evidence)
        self._partial.update(partial)

    def finish(self) -> bool:
        """Close every rehearsal, then hand its evidence to the controller or write the reports.

        False where that broke off, here or in a worker: the summary says why. pytest itself would show an exception
        with the locals of every frame, if asked to, and there are secrets in those.
        """
        try:
            self._finish()
        except Exception as error:
            from harness.recording.scanning.discretion import discreet, traceback_of

            self._bugs.append(discreet(str(error)) if isinstance(error, RehearseError) else traceback_of(error))
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output["sf_rehearsal_bugs"] = self._bugs
        return not self._bugs

    def _finish(self) -> None:
        if not (self._by_file or self._received):
            return
        from harness.report.evidence import most_complete
        from harness.report.index import write_reports

        for rehearsal in self._by_file.values():
            evidence = rehearsal.finish()
            if evidence is not None:
                self._received.append(evidence)
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output["sf_rehearsal"] = [one.model_dump_json() for one in self._received]
            output["sf_rehearsal_partial"] = sorted(self._partial)
            return
        self._evidence = most_complete(self._received)
        if self._evidence:
            self._index = write_reports(self._evidence, self.options.report_folder, partial=self._partial)
        self._write_drift()

    def _write_drift(self) -> None:
        """Write what differs as JSON, where that was asked for."""
        if self.options.compare_json is None:
            return
        import json

        found = {one.header.scenario_file: one.drift.model_dump(mode="json") for one in self._evidence if one.drift}
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        self.options.compare_json.parent.mkdir(parents=True, exist_ok=True)
        self.options.compare_json.write_text(text, encoding="utf-8")

    def summarize(self, terminal: pytest.TerminalReporter) -> None:
        """Print a few lines for each scenario, where the reports are, and what broke off."""
        for bug in self._bugs:
            terminal.section("the rehearsals could not be finished", red=True)
            terminal.write_line(bug)
        if not self._evidence or self._index is None:
            return
        from harness.report.text import summarize

        terminal.section("migration rehearsals")
        buffer = StringIO()
        summarize(self._evidence, buffer, colour=terminal.hasmarkup)
        terminal.write(buffer.getvalue())
        for evidence in self._evidence:
            if evidence.drift is not None:
                from harness.drift_table import write_drift

                write_drift(evidence.drift, terminal, evidence.name)
        for rehearsal in self._by_file.values():
            if left := rehearsal.left_behind():
                terminal.write_line(left, yellow=True)
        terminal.write_line(f"reports: {shown(self._index)}")


def check_stage(file: ScenarioFile, stage: str) -> None:
    """Raise pytest.UsageError where a scenario has no recording of that name."""
    names = cassette_names(file.scenario)
    if stage not in names:
        raise pytest.UsageError(f"{file.name} has no stage {stage!r} to record again; it has: {', '.join(names)}")


def _days(config: pytest.Config, kind: str) -> int:
    """An age in days, from the command line or the ini file. Raises UsageError."""
    given = config.getoption(f"--cassette-{kind}-days")
    if given is not None:
        return int(given)
    written = str(config.getini(f"cassette_{kind}_days"))
    if not (written.isascii() and written.isdigit()):
        raise UsageError(f"cassette_{kind}_days is {written!r}", remedy="write a number of days, or 0 for never")
    return int(written)


def _options(config: pytest.Config) -> Options:
    root = config.rootpath
    option = config.getoption
    mode = option("--cassettes") or ""
    try:
        return Options.build(
            warn_days=_days(config, "warn"),
            max_days=_days(config, "max"),
            root=root,
            org=option("--org"),
            sandbox=option("--sandbox"),
            cassettes=cast("CassetteMode | None", "record" if mode.startswith("update") else mode or None),
            update=mode.partition(":")[2] or None,
            fail_at=option("--compare-fail-at"),
            compare_json=option("--compare-json"),
            cassette_folder=option("--cassette-folder") or root / "cassettes",
            report_folder=option("--report-folder") or root / "reports",
            state_folder=option("--state-folder") or root / ".rehearse",
        )
    except RehearseError as error:
        raise pytest.UsageError(str(error)) from None
