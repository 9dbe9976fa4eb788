"""Where what belongs to one scenario and org is kept between processes, and who may work on it."""

from __future__ import annotations

import hashlib
import platform
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from harness.errors import UsageError
from harness.migration.postponing import FILE_NAME, Postponement, read_postponement
from harness.rehearsal.carrying import mark_of
from harness.rehearsal.options import Options, shown
from harness.rehearsal.worlds import identity_of
from harness.scenario.loader import ScenarioFile


class Keeping:
    """The folder of one scenario and org; what is kept for one process alone goes when `closing` is closed."""

    def __init__(self, file: ScenarioFile, options: Options, closing: ExitStack) -> None:
        self._file = file
        self._options = options
        self._closing = closing
        self._locked = False

    @property
    def folder(self) -> Path:
        """The folder, which need not be there."""
        folder = self._options.org_folder
        if self._options.sandbox is not None:  # one that was started anew is another org, though its ids are the same
            folder = folder.with_name(f"{folder.name}-{identity_of(self._options.sandbox)}")
        return folder / self._file.name

    @property
    def journal(self) -> Path | None:
        """The file of the journal; None where the org does not outlive this process."""
        return self.folder / "journal.db" if self._options.durable else None

    @property
    def postponing(self) -> Path | None:
        """The file that postpones the cut-over while it is there; None where nothing outlives this process."""
        return self.folder / FILE_NAME if self._options.durable else None

    @property
    def host(self) -> str:
        """The name of this place, as other admins are told it."""
        place = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:6]
        return f"{platform.node() or 'unknown'}:{place}"

    def postponed(self) -> Postponement | None:
        """Whether the cut-over is to wait, and until when. Raises UsageError for a file that holds something else."""
        path = self.postponing
        return None if path is None else read_postponement(path, shown=str(shown(path)))

    def org_state(self) -> Path | None:
        """Where the simulated org of the command is kept; None where it is not."""
        state = self.folder / "org.db"
        if not self._options.keep_state or (self._options.dry and not state.exists()):
            return None
        state.parent.mkdir(parents=True, exist_ok=True)
        return state

    def run_folder(self, run_id: str) -> Path:
        """Where a run keeps the old credential file."""
        if self._options.durable:
            return self.folder / "runs" / run_id
        return Path(self._closing.enter_context(TemporaryDirectory(prefix="rehearse-"))) / run_id

    def update_folder(self) -> Path:
        """Where a stage is recorded again before it replaces the one there is."""
        if self._options.durable:
            return self.folder / "update"
        return Path(self._closing.enter_context(TemporaryDirectory(prefix="rehearse-update-")))

    def lock(self) -> None:
        """Hold off every other process that would work on the same migration. Raises UsageError where one does."""
        if not self._options.durable or self._locked:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._closing.enter_context(FileLock(self.folder / "lock", timeout=0))
        except Timeout as error:
            raise UsageError(
                f"another process is at work on {self._file.shown} in {self._options.where}",
                remedy="wait for it to end; `rehearse status` says how far it is",
            ) from error
        self._locked = True

    def must_be_here(self) -> None:
        """Raise UsageError where the runs were carried away: they are taken up at one place."""
        mark = mark_of(self.folder) if self._options.durable else None
        if mark is not None:
            raise UsageError(
                f"the runs of {self._file.shown} were carried away at {mark.at:%Y-%m-%d %H:%M} UTC, in {mark.to}",
                remedy=f"take them up there, or take them back here: rehearse carry {self._file.shown}"
                f"{self._options.as_typed} --from PACK",
            )
