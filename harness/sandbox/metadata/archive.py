"""Zip files of deploys: read without trusting a word of what they say about themselves."""

from __future__ import annotations

import io
import zipfile
import zlib

from harness.sandbox.metadata.errors import RequestError

MOST_BYTES = 39 * 2**20
MOST_UNPACKED = 600 * 2**20
MOST_FILES = 10_000
"""Metadata API guide, "Metadata Limits": deploying and retrieving."""
_MOST_IN_FILE = 50 * 2**20
_ENCRYPTED = 0x1


class ArchiveError(Exception):
    """A zip file, or a file in it, that cannot be used."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.name = name


class Archive:
    """The files of a zip, read when they are asked for. Raises RequestError beyond the limits, ArchiveError."""

    def __init__(self, content: bytes) -> None:
        if len(content) > MOST_BYTES:
            text = "Maximum size of request reached. Maximum size of request is 52428800 bytes."
            raise RequestError("LIMIT_EXCEEDED", text)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise ArchiveError(f"The file is not a readable zip file: {error}") from error
        self._files = {one.filename: one for one in self._zip.infolist() if not one.is_dir()}
        self._check()

    @property
    def names(self) -> list[str]:
        """The paths of the files, in order."""
        return list(self._files)

    def read(self, name: str) -> bytes:
        """The content of a file. Raises ArchiveError."""
        try:
            with self._zip.open(self._files[name]) as file:
                content = file.read(_MOST_IN_FILE + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
            raise ArchiveError(f"The file cannot be unpacked: {error}", name) from error
        if len(content) > _MOST_IN_FILE:
            raise ArchiveError(f"The file is larger than {_MOST_IN_FILE} bytes", name)
        return content

    def _check(self) -> None:
        entries = self._zip.infolist()
        if len(entries) > MOST_FILES:
            raise ArchiveError(f"The zip file has more than {MOST_FILES} files")
        if sum(one.file_size for one in entries) > MOST_UNPACKED:
            raise ArchiveError(f"The zip file is larger than {MOST_UNPACKED} bytes when it is unpacked")
        seen = set()
        for one in entries:
            name = one.orig_filename
            if name in seen:
                raise ArchiveError("The zip file has this file twice", name)
            seen.add(name)
            if _leads_away(name):
                raise ArchiveError("The zip file has a file with an invalid path", name)
            if one.flag_bits & _ENCRYPTED:
                raise ArchiveError("The zip file has an encrypted file", name)


def _leads_away(name: str) -> bool:
    return name.startswith("/") or "\\" in name or "\0" in name or ":" in name or ".." in name.split("/")
