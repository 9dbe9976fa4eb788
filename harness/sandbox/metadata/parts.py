"""Components on their way out: elements as plain pairs, written in the platform's order, indented or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Union
from xml.sax.saxutils import escape

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"

Value = Union[str, bool, int, "Parts"]
Parts = list[tuple[str, Value]]
"""Elements in order; one that repeats is there several times, one that holds others has them as its value."""

_QUOTES = {"'": "&apos;", '"': "&quot;"}


def present(pairs: Iterable[tuple[str, Value | None]]) -> Parts:
    """The pairs that have a value."""
    return [(name, value) for name, value in pairs if value is not None]


def by_name(parts: Sequence[tuple[str, Value]]) -> Parts:
    """The elements in alphabetical order, as retrieved files have them; the same ones stay in their order."""
    return sorted(parts, key=lambda one: one[0])


def document(root: str, parts: Parts) -> bytes:
    """A metadata file."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root} xmlns="{NAMESPACE}">']
    lines += _lines(parts, "    ")
    return "\n".join([*lines, f"</{root}>", ""]).encode()


def compact(parts: Parts) -> str:
    """The elements on one line, as SOAP answers have them."""
    return "".join(_compact(name, value) for name, value in parts)


def text_of(value: Value) -> str:
    """A value as its element's text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compact(name: str, value: Value) -> str:
    return f"<{name}>{compact(value) if isinstance(value, list) else escape(text_of(value))}</{name}>"


def _lines(parts: Parts, margin: str) -> Iterable[str]:
    for name, value in parts:
        if isinstance(value, list):
            yield f"{margin}<{name}>"
            yield from _lines(value, f"{margin}    ")
            yield f"{margin}</{name}>"
        else:
            yield f"{margin}<{name}>{escape(text_of(value), _QUOTES)}</{name}>"
