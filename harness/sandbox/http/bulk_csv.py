"""CSV as the Bulk APIs read and write it: a strict reader with the platform's complaints, a writer that quotes all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


class BadBatch(Exception):
    """The data of a batch or job cannot be worked on; the text is what `errorMessage` or `stateMessage` says."""


def decode(content: bytes) -> str:
    """UTF-8 as text. A byte order mark stays, as the first character of the first column, and spoils it there.

    Raises BadBatch for what is no UTF-8.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadBatch("InvalidBatch : Failed to parse CSV. The data is not encoded in UTF-8") from error


def read_table(text: str, *, delimiter: str = ",", line_ending: str | None = None) -> list[list[str]]:
    """All lines, the header first; lines of empty cells only are left out, as the platform's reader does.

    `line_ending` is the one that must stand between lines, None for any. Raises BadBatch in the words that the
    platform's reader has for quotes that are wrong, and for line endings that are not the job's.
    """
    table: list[list[str]] = []
    line: list[str] = []
    place, end = 0, len(text)
    cell_of = _cell(delimiter).match
    while place < end:
        found = cell_of(text, place)
        if found is None:
            raise BadBatch(f"InvalidBatch : Failed to parse CSV. {_complaint(text, place)}")
        quoted, plain, stop = found.groups()
        line.append(plain if quoted is None else quoted.replace('""', '"'))
        place = found.end()
        if stop == delimiter:
            if place < end:
                continue
            line.append("")
        elif stop and line_ending and stop != line_ending:
            raise _wrong_ending(line_ending)
        if any(line):
            table.append(line)
        line = []
    return table


def write_table(
    header: Sequence[str], lines: Iterable[Sequence[str]], *, delimiter: str = ",", line_ending: str = "\n"
) -> str:
    """Lines as CSV, every value in quotes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_ending, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


@lru_cache
def _cell(delimiter: str) -> re.Pattern[str]:
    """One cell and what ends it: the delimiter, the end of a line, or of the text."""
    mark = re.escape(delimiter)
    return re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)"|([^"{mark}\r\n]*))({mark}|\r\n|\n|\r|\Z)')


def _complaint(text: str, place: int) -> str:
    if text[place] != '"':
        return "Found unescaped quote. A value with quote should be within a quote"
    closed = re.compile(r'"[^"]*+(?:""[^"]*+)*+"').match(text, place)
    return "Not expecting more text after end quote" if closed else "EOF reached before closing an opened quote"


def _wrong_ending(line_ending: str) -> BadBatch:
    name = next(name for name, ending in LINE_ENDINGS.items() if ending == line_ending)
    return BadBatch(f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {name}")
