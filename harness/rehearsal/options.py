"""What a front was asked for: which org, which cassettes, which folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from harness.errors import UsageError

WARN_DAYS, MAX_DAYS = 60, 120
"""The age from which the recording of a live org is warned of, and from which it is refused."""
CassetteMode = Literal["replay", "record", "off", "compare"]
TierName = Literal["critical", "error", "warning", "information"]
MUTATION = "mutation.json"
"""Beside the recordings of a scenario: how well its checks notice a change of access."""


@dataclass(frozen=True)
class Options:
    """What a front was asked for; paths are absolute."""

    root: Path
    """Where `rehearse.toml` is looked for, upwards."""
    org: str
    """`simulated`, or the name of a configured org."""
    sandbox: Path | None
    """The ready file of a simulated sandbox that already runs."""
    cassettes: CassetteMode
    cassette_folder: Path
    report_folder: Path
    state_folder: Path
    keep_state: bool = False
    """Whether a simulated org and its journal outlive this process, as the command wants it."""
    warn_days: int = WARN_DAYS
    """The age in days from which the recording of a live org is warned of; 0: never."""
    max_days: int = MAX_DAYS
    """And from which it is not replayed; 0: never."""
    update: str | None = None
    """While recording: the one stage whose cassette is replaced."""
    fail_at: TierName = "error"
    """While comparing: from which tier on a difference is a failure."""
    compare_json: Path | None = None
    """While comparing: the file that the differences are written to."""
    dry: bool = False
    """Whether nothing is to be left behind, not even a journal."""

    @classmethod
    def build(
        cls,
        *,
        root: Path,
        org: str | None,
        sandbox: Path | None,
        cassettes: CassetteMode | None,
        cassette_folder: Path,
        report_folder: Path,
        state_folder: Path,
        keep_state: bool = False,
        dry: bool = False,
        warn_days: int = WARN_DAYS,
        max_days: int = MAX_DAYS,
        update: str | None = None,
        fail_at: TierName = "error",
        compare_json: Path | None = None,
    ) -> Self:
        """Fill in the defaults; raises UsageError for a combination that says two things."""
        if org is not None and sandbox is not None:
            raise UsageError("--org and --sandbox both name an org", remedy="give one of them")
        real = sandbox is not None or org not in (None, "simulated")
        if real and cassettes is None:
            raise UsageError(
                "an org is named, but cassettes are replayed by default and a replay touches no org",
                remedy="add --cassettes off to rehearse in that org, --cassettes record to record it as well, or "
                "--cassettes compare to ask it what was recorded, and write nothing",
            )
        return cls(
            root=root,
            org=org or "simulated",
            sandbox=sandbox,
            cassettes=cassettes or "replay",
            cassette_folder=cassette_folder,
            report_folder=report_folder,
            state_folder=state_folder,
            keep_state=keep_state,
            dry=dry,
            warn_days=warn_days,
            max_days=max_days,
            update=update,
            fail_at=fail_at,
            compare_json=compare_json,
        )

    @classmethod
    def simulated(cls, root: Path) -> Self:
        """A simulated org of this process alone, with nothing recorded or replayed, and the folders where they are."""
        return cls.build(
            root=root,
            org=None,
            sandbox=None,
            cassettes="off",
            cassette_folder=root / "cassettes",
            report_folder=root / "reports",
            state_folder=root / ".rehearse",
        )

    @property
    def where(self) -> str:
        """The org as messages name it."""
        return f"the sandbox of {shown(self.sandbox)}" if self.sandbox else f"org {self.org}"

    @property
    def as_typed(self) -> str:
        """The options that name the org, to be put behind a command."""
        if self.sandbox is not None:
            return f" --sandbox {shown(self.sandbox)}"
        return "" if self.org == "simulated" else f" --org {self.org}"

    @property
    def org_folder(self) -> Path:
        """Where what belongs to the org is kept between processes."""
        return self.state_folder / (f"sandbox-{self.sandbox.stem}" if self.sandbox else self.org)

    @property
    def replays(self) -> bool:
        """Whether cassettes stand in for the org."""
        return self.cassettes in ("replay", "compare")

    @property
    def compares(self) -> bool:
        """Whether what was recorded is asked again after the replay."""
        return self.cassettes == "compare"

    @property
    def durable(self) -> bool:
        """Whether the journal is a file: whenever the org outlives this process."""
        outlives = self.keep_state or self.sandbox is not None or self.org != "simulated"
        return outlives and not (self.replays or self.dry)


def shown(path: Path) -> Path:
    """A path as messages name it: relative to the current folder where it is below it."""
    folder = Path.cwd()
    return path.relative_to(folder) if path.is_relative_to(folder) else path
