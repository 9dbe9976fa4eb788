"""Zip files that lie about themselves, lead away or cannot be read."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from harness.sandbox.metadata import archive
from harness.sandbox.metadata.archive import Archive, ArchiveError
from harness.sandbox.metadata.errors import RequestError


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def test_files_are_read_when_they_are_asked_for() -> None:
    found = Archive(packed({"package.xml": b"<a/>", "permissionsets/": b"", "x/y.z": b"nested"}))
    assert found.names == ["package.xml", "x/y.z"]
    assert found.read("x/y.z") == b"nested"


def test_a_zip_in_a_zip_is_a_file() -> None:
    inner = packed({"package.xml": b"<a/>"})
    assert Archive(packed({"inner.zip": inner})).read("inner.zip") == inner


@pytest.mark.parametrize(
    "content",
    [b"", b"no zip", b"PK\x05\x06", b"PK\x03\x04" + b"\0" * 100, packed({"a": b"b"})[:-10]],
    ids=["nothing", "text", "an end", "a beginning", "cut short"],
)
def test_what_is_no_zip(content: bytes) -> None:
    with pytest.raises(ArchiveError, match="not a readable zip file"):
        Archive(content)


@pytest.mark.parametrize("name", ["../a.xml", "x/../../a", "/etc/a", "x\\a", "C:a", ".."])
def test_paths_that_lead_away(name: str) -> None:
    with pytest.raises(ArchiveError, match="invalid path") as refused:
        Archive(packed({name: b"x"}))
    assert refused.value.name == name


def test_a_name_with_a_nul() -> None:
    content = packed({"package_xml": b"x"}).replace(b"package_xml", b"package\0xml")
    with pytest.raises(ArchiveError, match="invalid path"):
        Archive(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("package.xml", "a")
        made.writestr("package.xml", "b")
    with pytest.raises(ArchiveError, match="twice"):
        Archive(buffer.getvalue())


def test_an_encrypted_file() -> None:
    content = bytearray(packed({"package.xml": b"x"}))
    entry = content.index(b"PK\x01\x02")
    content[entry + 8] |= 1
    with pytest.raises(ArchiveError, match="encrypted"):
        Archive(bytes(content))


def test_a_wrong_checksum() -> None:
    content = bytearray(packed({"package.xml": b"x" * 100}))
    entry = content.index(b"PK\x01\x02")
    content[entry + 16 : entry + 20] = b"\1\2\3\4"
    found = Archive(bytes(content))
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        found.read("package.xml")


def test_a_file_that_is_larger_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(packed({"package.xml": b"\0" * 5_000_000}))
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 10)
    found = Archive(bytes(content))
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        found.read("package.xml")
    monkeypatch.setattr(archive, "_MOST_IN_FILE", 1000)
    with pytest.raises(ArchiveError, match="larger than 1000 bytes"):
        Archive(packed({"package.xml": b"\0" * 5_000})).read("package.xml")


def test_more_than_a_deploy_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(packed({"a": b"x", "b": b"y"}))
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", archive.MOST_UNPACKED)
    with pytest.raises(ArchiveError, match="when it is unpacked"):
        Archive(bytes(content))
    monkeypatch.setattr(archive, "MOST_FILES", 1)
    with pytest.raises(ArchiveError, match="more than 1 files"):
        Archive(packed({"a": b"x", "b": b"y"}))
    monkeypatch.setattr(archive, "MOST_BYTES", 10)
    with pytest.raises(RequestError, match="Maximum size of request reached"):
        Archive(packed({"a": b"x"}))
