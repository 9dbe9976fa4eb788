"""The requests of a run as a cassette holds them: what an org answered first is replaced, the rest is known from then.

A replay is given stand-ins for answers, and sends exactly what stands here.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from harness.recording.text import pretty_json, readable_query

_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LEAF = re.compile(r"(<(?:[\w-]+:)?([\w-]+)(?:\s[^<>]*)?(?<!/)>)([^<>]+)(?=</)")
_SPOKEN = frozenset({"q", "query"})
"""Names of what holds SOQL."""
_TECHNICAL = frozenset({"referenceId", "method", "httpHeaders", "allOrNone", "haltOnError"})
_URLS = frozenset({"url", "richInput"})


class Replaces(Protocol):
    """What becomes of the values in a request."""

    def asked(self, name: str, value: Any) -> Any:
        """A scalar; `name` is that of its key, column or element."""

    def in_text(self, text: str) -> str:
        """What stands within a text."""


class Asking:
    """Cleans the parts of one request after another."""

    def __init__(self, values: Replaces) -> None:
        self._values = values

    def path(self, path: str) -> str:
        """The path of a URL, segment by segment."""
        return "/".join(map(self._segment, path.split("/")))

    def query(self, query: str) -> str:
        """A query string that is already in its readable form."""
        found = _pairs(query)
        kept = [(name, self.soql(value) if name in _SPOKEN else self._one(name, value)) for name, value in found]
        return query if kept == found else readable_query(kept)

    def url(self, url: str) -> str:
        """The URL of a request within a request; only what must be is written anew."""
        parts = urlsplit(url)
        query = "&".join(self._pair(pair) for pair in parts.query.split("&"))
        return urlunsplit(("", "", self.path(parts.path), query, ""))

    def _pair(self, pair: str) -> str:
        """A parameter of a URL, `name=value`, encoded as it was."""
        name, equals, encoded = pair.partition("=")
        value = unquote_plus(encoded)
        kept = self.soql(value) if name in _SPOKEN else self._one(name, value)
        if kept == value:
            return pair
        alike = self._values.in_text(encoded)
        return f"{name}{equals}{alike if unquote_plus(alike) == kept else quote_plus(kept)}"

    def soql(self, soql: str) -> str:
        """A query: its literals one by one."""

        def literal(found: re.Match[str]) -> str:
            text = _ESCAPED.sub(r"\1", found[1])
            kept = self._one("", text)
            if kept == text:
                return found[0]
            escaped = kept.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{escaped}'"

        return self._values.in_text(_LITERAL.sub(literal, soql))

    def body(self, content_type: str, body: str) -> str:
        """A body, already without secrets."""
        cleaners = {"json": self._json_text, "xml": self._xml, "csv": self._csv, "form": self._form}
        clean = next((each for kind, each in cleaners.items() if kind in content_type), self._plain)
        try:
            return clean(body) if body else ""
        except (ValueError, csv.Error):
            return self._plain(body)

    def caller(self, value: str) -> str:
        """The header that names the user who asks: `client=rehearse/USERNAME`."""
        before, slash, name = value.rpartition("/")
        return f"{before}{slash}{self._one('', name)}"

    def _one(self, name: str, value: str) -> str:
        return str(self._values.asked(name, value))

    def _segment(self, text: str) -> str:
        plain = unquote(text)
        kept = self._one("", plain)
        return text if kept == plain else quote(kept, safe="")

    def _plain(self, body: str) -> str:
        return self._one("", body)

    def _json_text(self, body: str) -> str:
        return pretty_json(self._json("", json.loads(body)))

    def _xml(self, body: str) -> str:
        return _LEAF.sub(self._leaf, body)

    def _form(self, body: str) -> str:
        return readable_query([(name, self._one(name, value)) for name, value in _pairs(body)])

    def _json(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._member(key, each, value) for key, each in value.items()}
        if isinstance(value, list):
            return [self._json(name, each) for each in value]
        if isinstance(value, str) and name in _SPOKEN:
            return self.soql(value)
        return self._values.asked(name, value)

    def _member(self, key: str, value: Any, of: Mapping[str, Any]) -> Any:
        if "method" in of:  # a request within a request
            if key in _URLS and isinstance(value, str):
                return self.url(value)
            if key in _TECHNICAL:
                return value
        return self._json(key, value)

    def _leaf(self, leaf: re.Match[str]) -> str:
        tag, name, text = leaf.groups()
        plain = html.unescape(text)
        kept = self._one(name, plain)
        return f"{tag}{text if kept == plain else escape(kept)}"

    def _csv(self, body: str) -> str:
        header, *lines = csv.reader(io.StringIO(body, newline=""), strict=True)
        kept = [[self._one(name, cell) for name, cell in zip(header, line, strict=False)] for line in lines]
        if kept == lines:
            return body
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows([header, *kept])
        return written.getvalue()


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)
