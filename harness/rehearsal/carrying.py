"""Carrying a run elsewhere: everything that belongs to it in one file, taken apart again in another folder.

The file is a zip archive (mode 0600) of a manifest and, each with its digest, a sealed copy of the journal, what the
runs keep of the credential file (the old one, in clear), the file that postpones the cut-over, and, where the org is a
simulated one of the command itself, that org. A run is taken up at one place: a mark stays where it was carried from.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.credentials.files import replace
from harness.errors import UsageError
from harness.migration.filing.journal_file import set_aside
from harness.migration.journal import Journal
from harness.migration.postponing import FILE_NAME as POSTPONED

JOURNAL, ORG, MARK = "journal.db", "org.db", "carried.json"
_MANIFEST = "manifest.json"
_RUNS = "runs"
_NAME = re.compile(rf"journal\.db|org\.db|{re.escape(POSTPONED)}|{_RUNS}/[A-Za-z0-9-]+/(?!\.+$)[^/\\\0]+")
_UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, struct.error, KeyError, ValueError, RuntimeError, EOFError)
"""What reading a damaged archive, or one that is none, may raise."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(_Model):
    """What a run is about: it is taken up for the same scenario and the same org."""

    scenario: str
    scenario_digest: str
    org: Literal["simulated", "sandbox", "configured"]
    """A simulated org of the command itself, a simulated sandbox that runs, or an org of `rehearse.toml`."""
    org_id: str | None = None
    """With a configured org: the id it is pinned to. With a sandbox that runs: what tells it from any other."""


class Manifest(_Model):
    """What a pack holds, and from where it comes."""

    rehearse: Literal[1] = 1
    about: About
    tool_version: str
    packed_at: datetime
    packed_by: str
    """The host and the folder."""
    runs: tuple[str, ...]
    records: int
    files: Mapping[str, str]
    """The SHA-256 of each file, by name."""


class Mark(_Model):
    """That the run was carried away from here."""

    to: str
    at: datetime


def pack(folder: Path, target: Path, *, about: About, tool_version: str, at: datetime, host: str) -> Manifest:
    """Pack what `folder` keeps of a scenario into `target`, and leave a mark that it was carried away.

    Nobody may be at work in the folder. Raises UsageError for a target that is there or cannot be written.
    """
    if target.exists():
        raise UsageError(f"{target} is there already", remedy="name another file, or move that one away")
    with TemporaryDirectory(prefix="rehearse-") as temporary:
        copies = dict(_copies(folder, Path(temporary)))
        with closing(Journal(copies[JOURNAL])) as journal:
            runs, records = tuple(each.run_id for each in journal.runs()), len(journal.dump())
        manifest = Manifest(
            about=about,
            tool_version=tool_version,
            packed_at=at,
            packed_by=f"{host}:{folder.resolve()}",
            runs=runs,
            records=records,
            files={name: _digest(path.read_bytes()) for name, path in sorted(copies.items())},
        )
        mark = Mark(to=str(target.resolve()), at=at)
        replace(folder / MARK, mark.model_dump_json(indent=1).encode())  # first: never are there two without a mark
        _write(target, manifest, copies)
    return manifest


def unpack(source: Path, folder: Path, *, about: About) -> Manifest:
    """Put what a pack holds into `folder`, in the place of an older state of the same runs.

    Raises UsageError for what is no pack, was damaged, is about something else, or older than what is there.
    """
    manifest, files = _read(source)
    _must_be_about(manifest.about, about, source)
    with TemporaryDirectory(prefix="rehearse-") as temporary:
        arrived = Path(temporary) / JOURNAL
        arrived.write_bytes(files[JOURNAL])
        _must_go_on(folder / JOURNAL, arrived, source)
    set_aside(folder / JOURNAL)
    for name in sorted(files, key=lambda name: name == JOURNAL):  # the journal last: with it the run is here
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(path, files[name])
    if POSTPONED not in files:
        (folder / POSTPONED).unlink(missing_ok=True)
    (folder / MARK).unlink(missing_ok=True)
    return manifest


def mark_of(folder: Path) -> Mark | None:
    """The mark that the runs of a folder were carried away, or None. Raises UsageError when it cannot be read."""
    path = folder / MARK
    if not path.is_file():
        return None
    try:
        return Mark.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(f"{path} cannot be read", remedy="if nothing was carried away from here, remove it") from error


# --- packing ----------------------------------------------------------------------------------------------------------


def _copies(folder: Path, temporary: Path) -> Iterator[tuple[str, Path]]:
    """What is to be carried, by its name in the pack: databases as consistent copies, all else as it is."""
    with closing(Journal(folder / JOURNAL)) as journal:
        journal.copy(temporary / JOURNAL)
    yield JOURNAL, temporary / JOURNAL
    if (folder / ORG).is_file():
        _copy_database(folder / ORG, temporary / ORG)
        yield ORG, temporary / ORG
    if (folder / POSTPONED).is_file():
        yield POSTPONED, folder / POSTPONED
    for path in sorted((folder / _RUNS).glob("*/*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and _NAME.fullmatch(name):
            yield name, path


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as copy:
        there.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _write(target: Path, manifest: Manifest, copies: Mapping[str, Path]) -> None:
    partial = target.with_name(f"{target.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(zipfile.ZipInfo(_MANIFEST, _EPOCH), manifest.model_dump_json(indent=1))
                for name, path in sorted(copies.items()):
                    archive.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error


# --- taking up --------------------------------------------------------------------------------------------------------


def _read(source: Path) -> tuple[Manifest, dict[str, bytes]]:
    """What a pack holds, each file as it was packed. Raises UsageError."""
    remedy = "copy it again, whole, from where `rehearse carry --to` wrote it"
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = Manifest.model_validate_json(archive.read(_MANIFEST))
            files = {name: archive.read(name) for name in manifest.files}
    except _UNREADABLE as error:
        raise UsageError(f"{source} is not a run that was packed, or it is damaged", remedy=remedy) from error
    for name, content in files.items():
        if not _NAME.fullmatch(name) or _digest(content) != manifest.files[name]:
            raise UsageError(f"{source}: {name} is not what was packed", remedy=remedy)
    if JOURNAL not in files:
        raise UsageError(f"{source} holds no journal", remedy=remedy)
    return manifest, files


def _must_be_about(packed: About, here: About, source: Path) -> None:
    if packed.scenario_digest != here.scenario_digest:
        raise UsageError(
            f"{source} is of {packed.scenario} as it was when the run began, and {here.scenario} is not the same",
            remedy="carry the scenario file along as it was",
        )
    if (packed.org, packed.org_id) != (here.org, here.org_id):
        raise UsageError(
            f"{source} is of another org: {_named(packed)}, and here it is {_named(here)}",
            remedy="name the org that the run began in with --org or --sandbox",
        )


def _named(about: About) -> str:
    return f"{about.org} {about.org_id}" if about.org_id else about.org


def _must_go_on(here: Path, arrived: Path, source: Path) -> None:
    """Raise UsageError unless the journal that arrived goes on where the one here ends, or there is none."""
    with closing(Journal(arrived)) as journal:
        new = journal.dump()
    if not here.is_file():
        return
    with closing(Journal(here)) as journal:
        old = journal.dump()
    if new[: len(old)] == old:
        return
    if old[: len(new)] == new:
        raise UsageError(
            f"{source} is older than what is here: {len(new)} records of {len(old)}",
            remedy="nothing is to be taken up: `rehearse status` says where the run stands",
        )
    raise UsageError(
        f"{source} and {here} are two histories: runs were made at both places",
        remedy=f"finish or roll back what is here first, then move {here.parent} away",
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
