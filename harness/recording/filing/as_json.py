"""A large cassette as text: vcrpy's JSON, the head in the first line, then each interaction in a line of its own.

So the head can be read without the rest, and an interaction that is wrong has a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from harness.recording.filing.malformed import Malformed, shown

LONG = 1_000_000
"""Characters. A line beyond it is first looked at for what it would become in memory."""
MOST_STRUCTURE = 1_000_000
"""Characters beside the texts themselves that a line may have: an interaction needs some 300, a line of tape two."""
_TEXTS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_OPENING, _CLOSING = '"interactions": [', "]}"


def write(data: dict[str, Any]) -> str:
    """The text of `{version, metadata, interactions}`."""
    head = json.dumps({"version": data["version"], "metadata": data["metadata"]}, ensure_ascii=False)
    lines = [_compact(each) for each in data["interactions"]]
    return f"{head[:-1]}, {_OPENING}\n" + ",\n".join(lines) + ("\n" if lines else "") + f"{_CLOSING}\n"


def parts(text: str) -> Iterator[tuple[int, Any]]:
    """The head, `{version, metadata}`, then each interaction, all of them with their lines. Raises Malformed."""
    first, *lines = text.split("\n")
    yield 1, _head(first)
    if lines[-2:] != [_CLOSING, ""]:
        raise Malformed("it does not end as a cassette does", len(lines) + 1)
    last = len(lines) - 2
    for number, line in enumerate(lines[:last], start=1):
        if number < last and not line.endswith(","):
            raise Malformed("the line is no interaction with a comma behind it", number + 1)
        yield number + 1, _parsed(line[:-1] if number < last else line, number + 1)


def _head(line: str) -> Any:
    if not line.endswith(_OPENING):
        raise Malformed("its first line is not version, metadata and the beginning of the interactions", 1)
    head = _parsed(line + _CLOSING, 1)
    if list(head) != ["version", "metadata", "interactions"]:
        raise Malformed("it does not begin with version, metadata and interactions", 1)
    del head["interactions"]
    return head


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _parsed(line: str, number: int) -> Any:
    if len(line) > LONG and len(_TEXTS.sub("", line)) > MOST_STRUCTURE:
        raise Malformed("the line holds more than an interaction could", number)
    try:
        return _DECODER.decode(line)
    except json.JSONDecodeError as error:
        raise Malformed(f"it is no JSON at column {error.colno}: {error.msg}", number) from None
    except Malformed as error:
        raise Malformed(error.message, number) from None
    except (RecursionError, ValueError):
        raise Malformed("it is no JSON that a cassette may hold", number) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"the key {shown(twice)} is there twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise Malformed(f"{shown(text)} is no value that a cassette may hold")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_no_number)
