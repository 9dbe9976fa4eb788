"""The file an external system reads its Salesforce credential from, and switching it so that it can be put back.

A switch keeps the old file byte for byte in the run's own folder, notes what it will write (as keyed digests, never as
values), and then replaces the file in one step. Interrupted anywhere, the file is the old one or the new one, and
`restore` knows which. Values are secrets: messages name keys and files.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from harness.credentials import dotenv, json_file
from harness.credentials.errors import ContentError
from harness.credentials.files import clear_leftovers, read_if_there, replace, unlink
from harness.errors import UsageError
from harness.org.secret import Secret
from harness.scenario.model import Credentials

LOCK_SECONDS = 10.0
_BACKUP = "credential.before"
_NOTE = "credential.json"
_KEY = "credential.key"


class Format(Protocol):
    """How a kind of file holds values."""

    def read(self, content: bytes, keys: tuple[str, ...]) -> dict[str, str]:
        """The values of those of `keys` that are there."""

    def write(self, content: bytes, values: Mapping[str, str | None]) -> bytes:
        """The content with other values; None takes a key out."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` did. `drift` names the keys whose value is neither the old one nor ours: they were left alone."""

    changed: bool
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Note:
    """What this run wrote: to which file, whether it existed before, and keyed digests of the file and its values."""

    path: str
    existed: bool
    file: str
    wrote: dict[str, str]


class CredentialStore:
    """One credential file. `keys` are the variables (or dotted members) of it that hold the credential."""

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        keys: tuple[str, ...],
        file_format: Format,
        folder: Path,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.name = name
        self.path = path
        self.keys = keys
        self._format = file_format
        self._folder = folder
        self._random_bytes = random_bytes

    def current(self) -> Mapping[str, Secret]:
        """The credential as it stands in the file, by key; a key that is not there is absent. Raises UsageError."""
        return {key: Secret(value) for key, value in self._values(self._content()).items()}

    def fingerprint(self) -> str:
        """A digest of the bytes, 64 hexadecimal digits, or `absent`; equal within a run when the bytes are equal.

        It is an HMAC-SHA256 under a key that stays in the run's folder (mode 0600), so it may be journaled and
        reported: without that key, not even a short password can be guessed from it.
        """
        content = read_if_there(self.path)
        return "absent" if content is None else self._digest(content)

    def holds(self, values: Mapping[str, Secret]) -> bool:
        """Whether the file holds exactly these values under these keys."""
        now = self._values(self._content())
        return all(now.get(key) == secret.reveal() for key, secret in values.items())

    def switch(self, values: Mapping[str, Secret]) -> bool:
        """Put `values` into the file, by key, and return whether it had to be written.

        The old file is kept for `restore` first. Done again after an interruption, it finishes what was begun.
        Raises UsageError when the file cannot be read or written, or is locked by another run.
        """
        new = {key: secret.reveal() for key, secret in values.items()}
        with _locked(self.path):
            old = read_if_there(self.path)
            if all(self._values(old or b"").get(key) == value for key, value in new.items()):
                return False
            content = self._changed(old or b"", new)
            if self._values(content) != {**self._values(old or b""), **new}:
                raise UsageError(f"{self.path}: these values cannot be written as {self.name} so that they read back")
            self._keep(old, content, new)
            replace(self.path, content)
            return True

    @property
    def is_switched(self) -> bool:
        """Whether the file holds what this run put there, and the run's folder what was there before."""
        note, standing = self._note(), self._values(self._content())
        return note is not None and all(self._digest_of(standing.get(k)) == digest for k, digest in note.wrote.items())

    def remember(self, before: bytes | None, values: Mapping[str, Secret]) -> None:
        """Keep what the file was before a switch that put `values` there, for `restore`: the run's folder was lost."""
        with _locked(self.path):
            new = {key: secret.reveal() for key, secret in values.items()}
            self._keep(before, read_if_there(self.path) or b"", new)

    def move_here(self) -> bool | None:
        """The run's folder was carried here: from now on its switch is about the file that stands here.

        Whether that file holds what the run wrote, so that `restore` can put the old credential back; None where the
        run switched nothing.
        """
        content = read_if_there(self._folder / _NOTE)
        if content is None:
            return None
        note = _Note(**{**json.loads(content), "path": str(self.path)})
        replace(self._folder / _NOTE, (json.dumps(asdict(note), indent=2) + "\n").encode())
        now = self._values(self._content())
        return all(self._digest_of(now.get(key)) == digest for key, digest in note.wrote.items())

    def restore(self) -> Restored:
        """Put the old credential back where ours still stands.

        When nothing else in the file changed it is the old file again, byte for byte; else only our keys are put back.
        When one of our keys was changed by somebody else, the whole credential is left alone and the drift is named.
        """
        note = self._note()
        if note is None:
            return Restored(changed=False)
        with _locked(self.path):
            old = read_if_there(self._folder / _BACKUP) if note.existed else None
            now = read_if_there(self.path)
            if now == old:
                return Restored(changed=False)
            standing, before = self._values(now or b""), self._values(old or b"")
            if all(standing.get(key) == before.get(key) for key in note.wrote):
                return Restored(changed=False)
            drift = tuple(key for key, digest in note.wrote.items() if self._digest_of(standing.get(key)) != digest)
            if drift:
                return Restored(changed=False, drift=drift)
            if self._digest(now or b"") != note.file:
                replace(self.path, self._changed(now or b"", {key: before.get(key) for key in note.wrote}))
            elif old is None:
                unlink(self.path)
            else:
                replace(self.path, old)
            return Restored(changed=True)

    def _keep(self, old: bytes | None, content: bytes, new: Mapping[str, str]) -> None:
        """Keep the old file and note what will be written; a switch of this run that still stands keeps its own."""
        note = self._note()
        standing = self._values(old or b"")
        if note is not None and all(self._digest_of(standing.get(k)) == digest for k, digest in note.wrote.items()):
            existed = note.existed
        else:
            existed = old is not None
            if old is not None:
                replace(self._folder / _BACKUP, old)
        wrote = {key: self._digest(_as_value(value)) for key, value in new.items()}
        record = _Note(path=str(self.path), existed=existed, file=self._digest(content), wrote=wrote)
        replace(self._folder / _NOTE, (json.dumps(asdict(record), indent=2) + "\n").encode())

    def _note(self) -> _Note | None:
        content = read_if_there(self._folder / _NOTE)
        if content is None:
            return None
        note = _Note(**json.loads(content))
        if note.path != str(self.path):
            raise UsageError(
                f"this run switched {note.path}, and the scenario now names {self.path}",
                remedy="put the scenario's credentials.path back as it was, then resume or roll back; a run that was "
                "begun elsewhere is carried with `rehearse carry`",
            )
        return note

    def _content(self) -> bytes:
        return read_if_there(self.path) or b""

    def _values(self, content: bytes) -> dict[str, str]:
        try:
            return self._format.read(content, self.keys)
        except ContentError as error:
            raise UsageError(f"{self.path}: {error}") from None

    def _changed(self, content: bytes, values: Mapping[str, str | None]) -> bytes:
        try:
            return self._format.write(content, values)
        except ContentError as error:
            raise UsageError(f"{self.path}: {error}") from None

    def _digest_of(self, value: str | None) -> str | None:
        return None if value is None else self._digest(_as_value(value))

    def _digest(self, content: bytes) -> str:
        path = self._folder / _KEY
        key = read_if_there(path)
        if key is None:
            key = self._random_bytes(32)
            replace(path, key)
        return hmac.new(key, content, "sha256").hexdigest()


def _as_value(value: str) -> bytes:
    """A value as it is digested, so that no value has the digest of a whole file."""
    return b"value:" + value.encode("utf-8", "surrogateescape")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file's own lock, beside it, so that two runs with the same file meet there."""
    lock = FileLock(path.with_name(f".{path.name}.rehearse.lock"), timeout=LOCK_SECONDS, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(
            f"{path} is being switched by another run", remedy="wait for that run to end, then resume this one"
        ) from None
    except OSError as error:
        raise UsageError(f"{path.parent} cannot be written to: {error.strerror}") from error
    try:
        clear_leftovers(path)
        yield
    finally:
        lock.release()


def open_store(
    credentials: Credentials,
    *,
    base: Path,
    folder: Path,
    stand_in: bool,
    old: Mapping[str, Secret] | None = None,
) -> CredentialStore:
    """The store of a scenario's `credentials`, a path relative to `base`, with its backups in the run's own `folder`.

    With `stand_in` a file in `folder` takes the place of the real one, as in a simulated org: it is made there from
    `old`, the old sign-in's parts by name (`username`, `consumer_secret`, ...), when it is not there. The real file is
    then neither read nor written. Symbolic links are followed, so that the file they lead to is the one replaced.
    Raises UsageError when the real file's folder does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = base / Path(credentials.path).expanduser()
    if stand_in:
        path = folder / f"stand-in-{path.name}"
    try:
        path = path.resolve()
    except (OSError, RuntimeError) as error:  # a loop of symbolic links
        raise UsageError(f"{path} cannot be followed: {error}") from error
    if not path.parent.is_dir():
        raise UsageError(
            f"{path.parent} does not exist", remedy="name the external system's credential file in credentials.path"
        )
    file_format: Format = dotenv if credentials.store == "dotenv" else json_file
    store = CredentialStore(
        path, name=credentials.path, keys=tuple(credentials.keys), file_format=file_format, folder=folder
    )
    if stand_in and not path.exists():
        parts = old or {}
        values = {key: parts[part].reveal() if part in parts else "" for key, part in credentials.keys.items()}
        replace(path, file_format.write(b"", values))
    return store


def values_for(credentials: Credentials, parts: Mapping[str, Secret]) -> Mapping[str, Secret]:
    """What `switch` takes: each key of the file with the part of the new sign-in that it holds.

    `parts` are by name (`username`, `app`, `flow`, `instance_url`, `consumer_key`, ...). Raises UsageError for a part
    that the new sign-in does not have.
    """
    for key, part in credentials.keys.items():
        if part not in parts:
            raise UsageError(
                f"credentials.keys.{key} is to hold the {part}, and the new sign-in has none",
                remedy=f"possible are {', '.join(sorted(parts))}",
            )
    return {key: parts[part] for key, part in credentials.keys.items()}
