"""Bodies as text that reads well in a diff, and as text that compares."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

LINE = 160
"""What fits into a line stays on it."""


def pretty_json(value: Any, indent: str = "") -> str:
    """JSON with one item a line, except for what fits into one line whole."""
    compact = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(compact) <= LINE or not isinstance(value, (dict, list)) or not value:
        return compact
    deeper = indent + " "
    if isinstance(value, dict):
        items = [f"{json.dumps(str(k), ensure_ascii=False)}: {pretty_json(v, deeper)}" for k, v in value.items()]
    else:
        items = [pretty_json(each, deeper) for each in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    inner = ",\n".join(deeper + item for item in items)
    return f"{opening}\n{inner}\n{indent}{closing}"


def canonical(body: str) -> str:
    """A body in the form in which it is compared: JSON without regard to blanks and the order of keys."""
    if body[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
        except ValueError:
            return body
    return body


def sorted_query(query: str) -> list[tuple[str, str]]:
    """The parameters of a query string or form, sorted."""
    return sorted(parse_qsl(query, keep_blank_values=True))


def readable_query(pairs: list[tuple[str, str]]) -> str:
    """A query string or form in which SOQL can still be read."""
    return urlencode(pairs, safe=",()'*:/<>!")


def as_text(body: object) -> str | None:
    """A body as text; empty for none, and None for one that is not text."""
    if body is None:
        return ""
    if isinstance(body, (bytes, bytearray)):
        try:
            return bytes(body).decode("utf-8")
        except UnicodeDecodeError:
            return None
    return body if isinstance(body, str) else None
