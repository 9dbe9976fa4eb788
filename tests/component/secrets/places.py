"""Every place the tool and what runs it write to, and which files are there to hold secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PLACES: Mapping[str, str] = {
    "cassettes": r"cassettes/[^/]+/[^/.][^/]*\.(yaml|json|json\.gz)(?<!mutation\.json)",
    "temporary file of a cassette": r"cassettes/[^/]+/\.[^/]+",
    "score of the checks": r"cassettes/[^/]+/mutation\.json",
    "journal": r"\.rehearse/.*journal\.db",
    "journal's log": r"\.rehearse/.*journal\.db-(wal|shm)",
    "plan": r".*\.plan\.json",
    "report, HTML": r"reports/.*\.html",
    "report, JSON": r"reports/.*\.json",
    "JUnit XML": r"junit\.xml",
    "log file": r"debug\.log",
    "reports of items": r"heard/reports\.\d+",
    "warnings": r"heard/warnings\.\d+",
    "channel of xdist": r"heard/channel\.\d+",
    "pytest's cache": r"\.pytest_cache/.*",
    "temporary files": r"tmp/.*",
}
"""By name, which files of a project's folder it is."""
STREAMS = ("terminal", "errors", "process list", "temporary files while it runs", "packed run")
_USERS_OWN = re.compile(r"home/(keys/\w+\.pem|\.netrc)|project/scenarios/wrong.*|project/wrong\.toml/.*")
_PRIVATE = re.compile(
    r"project/(scenarios/erp\.env|.*\.pack|\.rehearse/.*/runs/.*credential.*|\.rehearse/.*org\.db.*|tmp/rehearse-.*)"
)


@dataclass
class Left:
    """What a run left, by place: the name of each piece, and its bytes."""

    by_place: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bytes] = field(default_factory=dict)
    """Of the files that are there to hold secrets, those that nobody else may read."""

    def add(self, place: str, name: str, content: bytes) -> None:
        """Add a piece, unless it is empty."""
        if content:
            self.by_place.setdefault(place, {})[name] = content

    def pieces(self) -> Iterator[tuple[str, str, bytes]]:
        """Place, name and content of each."""
        for place, pieces in self.by_place.items():
            for name, content in pieces.items():
                yield place, name, content


def collect(root: Path) -> Left:
    """Every file below a world's folder, but for what the user wrote there."""
    left = Left()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or path.is_symlink() or not name.startswith(("project/", "home/")) or _is_users(name):
            continue
        content = path.read_bytes()
        if _PRIVATE.fullmatch(name) and path.stat().st_mode & 0o077 == 0:
            left.private[name] = content
        else:
            left.add(place_of(name.removeprefix("project/")), name, content)
    return left


def place_of(name: str) -> str:
    """The place that a file of the project is."""
    return next((place for place, files in _PLACES.items() if re.fullmatch(files, name)), "elsewhere")


def _is_users(name: str) -> bool:
    return _USERS_OWN.fullmatch(name) is not None
