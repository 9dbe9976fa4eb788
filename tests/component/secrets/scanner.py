"""Looking for secrets in everything a run left, in every way they may be written."""

from __future__ import annotations

import base64
import html
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

SHORTEST_LINE = 40
"""Characters. A line of a private key's body that is this long is a secret by itself."""


def parts_of(secret: str) -> Iterator[str]:
    """What of a secret must not be seen: all of it, and of a private key each line of its body."""
    yield secret.strip()
    if "PRIVATE KEY" in secret:
        yield from (line for line in secret.splitlines() if len(line) >= SHORTEST_LINE)


def ways(secret: str) -> frozenset[str]:
    """A secret as it may be written: plain, escaped, quoted, encoded; in base64 wherever in a longer text it begins."""
    content = secret.encode()
    in_base64 = []
    for before in range(3):
        text = base64.b64encode(b"x" * before + content).decode()
        first, last = -(-before * 4 // 3), len(text) - 4  # without the characters that its neighbours share
        in_base64.append(text[first:last])
    written = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(content)[2:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        escape(secret),
        escape(secret, {'"': "&quot;", "'": "&apos;"}),
        html.escape(secret),
        content.hex(),
        *in_base64,
        *(text.replace("+", "-").replace("/", "_") for text in in_base64),
    }
    return frozenset(written | {json.dumps(way)[1:-1] for way in written})


class Scanner:
    """Knows every secret of a run by what it is."""

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        self._ways = {
            what: frozenset(way for value in values for part in parts_of(value) for way in ways(part))
            for what, values in secrets.items()
        }
        assert all(len(way) > 7 for found in self._ways.values() for way in found), "a secret is too short to look for"

    def in_text(self, text: str) -> set[str]:
        """What is in a text."""
        return {what for what, found in self._ways.items() if any(way in text for way in found)}

    def in_file(self, path: Path) -> set[str]:
        """What is in a file, and, if it is a database, in its values."""
        content = path.read_bytes()
        found = self.in_text(content.decode("utf-8", "replace"))
        if content.startswith(b"SQLite format 3\0"):
            with closing(sqlite3.connect(path)) as database:
                found |= self.in_text("\n".join(database.iterdump()))
        return found

    def in_folder(self, folder: Path) -> dict[str, set[str]]:
        """The files below a folder that hold a secret, and what."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found = {str(path.relative_to(folder)): self.in_file(path) for path in files}
        return {name: what for name, what in found.items() if what}
