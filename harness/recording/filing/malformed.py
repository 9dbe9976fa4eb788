"""What is wrong with the text of a cassette, and in which line: the error that all its readers raise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 60
_NOT_SHOWN = re.compile(r"[^ -~]")


class Malformed(Exception):
    """A text is no cassette. `line` counts from 1 in the text, unpacked where it was packed; None for the whole."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@contextmanager
def at_line(line: int) -> Iterator[None]:
    """Within it, what is wrong is wrong in this line, unless it says another."""
    try:
        yield
    except Malformed as error:
        raise Malformed(error.message, error.line or line) from None


def shown(name: object) -> str:
    """A name out of a file that anybody may have written: short, and without what a terminal would obey."""
    text = _NOT_SHOWN.sub("?", str(name))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
