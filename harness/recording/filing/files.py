"""Cassette files: vcrpy's format as YAML where people read it, as packed JSON where it is large.

They are written so that they are there whole or not at all, and read as what anybody may have sent in a pull request:
`load` believes nothing. `Shelf` is what vcrpy calls a persister.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import secrets as chance
import stat
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from vcr.request import Request
from vcr.serialize import serialize

from harness.errors import Place, RecordingError
from harness.org.secret import Secret
from harness.recording.filing import as_json, as_yaml
from harness.recording.filing.contents import check_head, read_interaction
from harness.recording.filing.malformed import Malformed, at_line
from harness.recording.scanning.scan import leaks

YAML, JSON = ".yaml", ".json.gz"
ALLOW_LIST = "allow.yaml"
"""The file beside cassettes that is none: what their recording may keep."""
LARGEST_READABLE = 200_000
"""Characters of YAML; what is larger nobody reads, and is kept as JSON."""
LARGEST = {YAML: 16 << 20, JSON: 128 << 20}
"""Bytes of text, unpacked, that a cassette may have. A recording of a large org has some 10 MiB."""
_PRIVATE = re.compile(r"\.(?P<stage>.+)(?:\.yaml|\.json\.gz)\.[0-9a-f]{8}")
_CHUNK = 1 << 20
_LEVEL = 9
_GZIP = bytes.fromhex("1f8b08 00 00000000 02 ff")
"""The beginning of a packed cassette: no name, comment or time, level 9, no system (RFC 1952, 2.3)."""
_REMEDY = "take it back from version control, or record it again"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A cassette that was read: `lines` says where each interaction begins, in the text as it is unpacked."""

    metadata: dict[str, Any]
    requests: list[Request] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def interactions(self) -> list[dict[str, Any]]:
        """The interactions as they stand in the file, all of it text."""
        return [
            {"request": _as_text(request._to_dict()), "response": {**response, "body": _as_text(response["body"])}}
            for request, response in zip(self.requests, self.responses, strict=True)
        ]


def _as_text(mapping: dict[str, Any]) -> dict[str, Any]:
    return {name: each.decode("utf-8") if isinstance(each, bytes) else each for name, each in mapping.items()}


# --- where they are ---------------------------------------------------------------------------------------------------


def cassette_paths(folder: Path) -> list[Path]:
    """Every cassette below a folder, in order; files that begin with a dot and allow-lists are none."""
    found = (path for suffix in (YAML, JSON) for path in folder.rglob(f"*{suffix}"))
    return sorted(path for path in found if is_cassette(path))


def is_cassette(path: Path) -> bool:
    """Whether a file is one, by its name."""
    return path.name.endswith((YAML, JSON)) and not path.name.startswith(".") and path.name != ALLOW_LIST


def path_of(folder: Path, name: str) -> Path:
    """The file of a stage, whichever there is; the one in YAML where there is none. Raises RecordingError for two."""
    paths = [folder / f"{name}{suffix}" for suffix in (YAML, JSON)]
    if paths[0].parent != folder or name.startswith("."):
        raise RecordingError(f"{name!r} is no name of a stage, and has no cassette")
    there = [path for path in paths if os.path.lexists(path)]
    if len(there) > 1:
        raise RecordingError(
            f"{folder} has two cassettes for one stage: {there[0].name} and {there[1].name}",
            remedy=f"record {name} again, which leaves one; or remove the older one",
        )
    return there[0] if there else paths[0]


def stage_of(path: Path) -> str:
    """The name of the stage whose cassette a file is."""
    return path.name.removesuffix(YAML).removesuffix(JSON)


def left_overs(folder: Path, stage: str | None = None) -> list[Path]:
    """The private files that a recording left which was killed, of one stage or of every one below the folder."""
    paths = folder.rglob(".*") if stage is None else folder.glob(".*")
    found = ((path, _PRIVATE.fullmatch(path.name)) for path in paths)
    return sorted(path for path, name in found if name and stage in (None, name["stage"]))


# --- reading ----------------------------------------------------------------------------------------------------------


def load(path: Path, *, remedy: str = _REMEDY) -> Loaded:
    """All of a cassette. Raises RecordingError, with file and line, for what is none."""
    try:
        return _loaded(_parts(path))
    except Malformed as error:
        raise _refusal(path, error, remedy) from None


def _loaded(parts: Iterator[tuple[int, Any]]) -> Loaded:
    line, head = next(parts)
    with at_line(line):
        loaded = Loaded(check_head(head))
    for line, part in parts:
        with at_line(line):
            request, response = read_interaction(part)
        loaded.requests.append(request)
        loaded.responses.append(response)
        loaded.lines.append(line)
    return loaded


def head_of(path: Path, *, remedy: str = _REMEDY) -> dict[str, Any]:
    """The metadata of a cassette, without reading its interactions. Raises RecordingError."""
    try:
        line, head = next(_parts(path, head_only=True))
        with at_line(line):
            return check_head(head)
    except Malformed as error:
        raise _refusal(path, error, remedy) from None


def text_of(path: Path) -> str:
    """The text of a cassette, unpacked. Raises RecordingError."""
    try:
        return _decoded(_content(path))
    except Malformed as error:
        raise _refusal(path, error, _REMEDY) from None


def _parts(path: Path, *, head_only: bool = False) -> Iterator[tuple[int, Any]]:
    return _parts_of(_decoded(_content(path, head_only=head_only)), JSON if path.name.endswith(JSON) else YAML)


def _parts_of(text: str, suffix: str) -> Iterator[tuple[int, Any]]:
    return as_json.parts(text) if suffix == JSON else as_yaml.parts(text)


def _refusal(path: Path, error: Malformed, remedy: str) -> RecordingError:
    place = Place(str(path), error.line)
    return RecordingError(f"the cassette cannot be read: {error.message}", place=place, remedy=remedy)


def _content(path: Path, *, head_only: bool = False) -> bytes:
    """The bytes of the text of a cassette: of a plain file within its folder, and of no more than `LARGEST`."""
    suffix = JSON if path.name.endswith(JSON) else YAML
    if path.is_symlink() and path.resolve().parent != path.parent.resolve():
        raise Malformed("it is a link that leads out of its folder")
    try:
        content = _read(path, LARGEST[suffix] + 1)
    except OSError as error:
        raise Malformed(error.strerror or "it cannot be opened") from None
    if suffix == JSON:
        content = _unpacked(content, LARGEST[suffix], head_only=head_only)
    if len(content) > LARGEST[suffix]:
        raise Malformed(f"it is larger than {LARGEST[suffix] >> 20} MiB")
    return content


def _read(path: Path, most: int) -> bytes:
    """At most so many bytes of a file that is no device, pipe or folder."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Malformed("it is no plain file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(handle)


def _unpacked(content: bytes, largest: int, *, head_only: bool) -> bytes:
    """At most one byte more than `largest`; of the head, which is the first line, no more than it needs."""
    if content[: len(_GZIP)] != _GZIP:
        raise Malformed("it cannot be unpacked: it was not packed by a recording")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    pieces, size, rest = [], 0, content
    try:
        while size <= largest and not unpacker.eof and rest:
            pieces.append(unpacker.decompress(rest, min(_CHUNK, largest + 1 - size)))
            size += len(pieces[-1])
            if head_only and b"\n" in pieces[-1]:
                return b"".join(pieces).partition(b"\n")[0]
            rest = unpacker.unconsumed_tail
    except zlib.error as error:
        raise Malformed(f"it cannot be unpacked: {error}") from None
    if size <= largest and not unpacker.eof:
        raise Malformed("it cannot be unpacked: it ends too early")
    if unpacker.unused_data:
        raise Malformed("it cannot be unpacked: there is something behind its end")
    return b"".join(pieces)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("it is no UTF-8", content.count(b"\n", 0, error.start) + 1) from None


# --- writing ----------------------------------------------------------------------------------------------------------


class _AsItIs:
    """vcrpy's serializer that leaves the choice of a format to us."""

    @staticmethod
    def serialize(data: dict[str, Any]) -> dict[str, Any]:
        return data


class Private(Protocol):
    """What was replaced by stand-ins while a scenario was recorded."""

    @property
    def real_identifiers(self) -> Collection[str]:
        """Ids, in 15 characters."""

    @property
    def personal(self) -> Collection[str]:
        """Values that name people."""


class Shelf:
    """Reads cassettes, and writes those that hold no secret. Raises RecordingError for every other."""

    def __init__(
        self,
        *,
        secrets: Callable[[], Iterable[Secret]],
        hosts: Iterable[str],
        remedy: str,
        known: Iterable[str] = (),
        private: Private | None = None,
    ) -> None:
        """`known` words are public, and may stand in a cassette; what is `private` may not."""
        self._secrets = secrets
        self._hosts = tuple(hosts)
        self._remedy = remedy
        self._known = tuple(known)
        self._private = private

    def load_cassette(self, path: str | Path, serializer: Any) -> Any:  # noqa: ARG002 - the name tells the format
        """Requests, responses and metadata of a cassette."""
        if not os.path.lexists(path):
            raise RecordingError(f"there is no cassette {path}", remedy=self._remedy)
        loaded = load(Path(path), remedy=self._remedy)
        return loaded.requests, loaded.responses, loaded.metadata

    def save_cassette(self, path: str | Path, cassette: dict[str, Any], serializer: Any) -> None:  # noqa: ARG002
        """Write a cassette in the format of its size, unless it holds what it must not; the other one is removed."""
        folder, stage = Path(path).parent, stage_of(Path(path))
        data = {"metadata": {}, **serialize(cassette, _AsItIs)}
        text, suffix = _written(data)
        _check(Path(path), text, suffix)
        self._refuse_leaks(path, text, data)
        for old in left_overs(folder, stage):
            old.unlink(missing_ok=True)
        _put(folder / f"{stage}{suffix}", text, suffix)
        (folder / f"{stage}{JSON if suffix == YAML else YAML}").unlink(missing_ok=True)

    def _refuse_leaks(self, path: str | Path, text: str, data: Any) -> None:
        found = leaks(
            text,
            data,
            secrets=self._secrets(),
            hosts=self._hosts,
            known=self._known,
            ids=self._private.real_identifiers if self._private else (),
            personal=self._private.personal if self._private else (),
        )
        if found:
            listed = "\n".join(f"  {each}" for each in found[:10])
            raise RecordingError(
                f"the cassette {path} was not written, since it would hold what it must not:\n{listed}",
                remedy="rehearse with data that holds no secrets; if this is our omission, please report it",
            )


def _written(data: dict[str, Any]) -> tuple[str, str]:
    """The text of a cassette, and the suffix of its format."""
    bodies = sum(len(each["response"]["body"]["string"]) for each in data["interactions"])
    text = as_yaml.write(data) if bodies <= LARGEST_READABLE else ""
    return (text, YAML) if 0 < len(text) <= LARGEST_READABLE else (as_json.write(data), JSON)


def _check(path: Path, text: str, suffix: str) -> None:
    """Raise RecordingError for a recording that could not be read again."""
    try:
        _loaded(_parts_of(text, suffix))
    except Malformed as error:
        raise RecordingError(
            f"the cassette {path} was not written, since it could not be read again: {error.message}",
            remedy="rehearse without recording this (--cassettes off), and please report it",
        ) from None


def _put(path: Path, text: str, suffix: str) -> None:
    """Write a text in its format; a packed file that holds it already stays, since another zlib packs it otherwise."""
    if suffix == YAML:
        write_at_once(path, text)
    elif not path.is_file() or text_of(path) != text:
        write_at_once(path, pack(text))


def pack(text: str) -> bytes:
    """A text as gzip, without time, name or system: the same bytes every time."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=packed, mtime=0) as file:
        file.write(text.encode("utf-8"))
    return packed.getvalue()


def write_at_once(path: Path, content: str | bytes) -> None:
    """Write a file so that it is there whole or not at all; it is private until it is complete, then mode 0644."""
    path.parent.mkdir(parents=True, exist_ok=True)
    private = path.parent / f".{path.name}.{chance.token_hex(4)}"
    try:
        handle = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(handle)
        private.chmod(0o644)
        private.replace(path)
    except BaseException:
        private.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename last, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
