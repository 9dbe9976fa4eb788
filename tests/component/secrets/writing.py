"""The ways in which a secret may be written, each around the text that stands before and after it."""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import json
import quopri
import shlex
import textwrap
import zipfile
import zlib
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import escape

Way = Callable[[str], bytes]


def _text(write: Callable[[str], str]) -> Way:
    return lambda secret: write(secret).encode()


def _each(pattern: str) -> Way:
    """Every character by its number."""
    return _text(lambda secret: "".join(pattern.format(ord(character)) for character in secret))


def _bytewise(pattern: str) -> Way:
    return _text(lambda secret: "".join(pattern.format(byte) for byte in secret.encode()))


def _wrapped(between: str, width: int) -> Way:
    return _text(lambda secret: between.join(secret[at : at + width] for at in range(0, len(secret), width)))


def _zipped(secret: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("inside.txt", f"before {secret} after" * 3)
    return archive.getvalue()


def _base64(secret: str, before: str = "", *, encode: Callable[[bytes], bytes] = base64.b64encode) -> bytes:
    return encode(f"{before}{secret} and more".encode())


WAYS: Mapping[str, Way] = {
    "plain": _text(str),
    "JSON": _text(json.dumps),
    "JSON in JSON": _text(lambda secret: json.dumps(json.dumps({"token": secret}))),
    "JSON, as it is": _text(lambda secret: json.dumps(secret, ensure_ascii=False)),
    "\\u escapes": _each("\\u{:04x}"),
    "\\U escapes": _each("\\u{:04X}"),
    "\\x escapes": _bytewise("\\x{:02x}"),
    "URL": _text(lambda secret: quote(secret, safe="")),
    "URL, every character": _bytewise("%{:02X}"),
    "URL, small": _bytewise("%{:02x}"),
    "URL in URL": _text(lambda secret: quote(quote(secret, safe=""), safe="")),
    "URL in URL, every character": _bytewise("%25{:02X}"),
    "form": _text(lambda secret: urlencode({"password": secret, "more": "1"})),
    "plus": _text(quote_plus),
    "XML": _text(lambda secret: f"<password>{escape(secret)}</password>"),
    "HTML": _text(html.escape),
    "HTML, by number": _each("&#{};"),
    "HTML, by hexadecimal number": _each("&#x{:x};"),
    "base64": _base64,
    "base64, one further": lambda secret: _base64(secret, "u"),
    "base64, two further": lambda secret: _base64(secret, "us"),
    "base64 in base64": lambda secret: base64.b64encode(b"Basic " + _base64(secret, "user:")),
    "base64url": lambda secret: _base64(secret, encode=base64.urlsafe_b64encode).rstrip(b"="),
    "base64 in lines": lambda secret: _base64(secret, "a line that is longer " * 4, encode=base64.encodebytes),
    "base64 in short lines": lambda secret: "\n".join(textwrap.wrap(_base64(secret).decode(), 11)).encode(),
    "hexadecimal": lambda secret: secret.encode().hex().encode(),
    "HEXADECIMAL": lambda secret: secret.encode().hex().upper().encode(),
    "hexadecimal with colons": lambda secret: binascii.hexlify(secret.encode(), ":"),
    "repr": _text(repr),
    "repr of bytes": _text(lambda secret: repr(secret.encode())),
    "UTF-16": lambda secret: secret.encode("utf-16-le"),
    "UTF-16, big end first": lambda secret: secret.encode("utf-16-be"),
    "UTF-32": lambda secret: secret.encode("utf-32"),
    "quoted-printable": lambda secret: quopri.encodestring(secret.encode()),
    "quoted-printable, every character": _bytewise("={:02X}"),
    "shell": _text(shlex.quote),
    "in lines": _wrapped("\n", 5),
    "in lines of a box": _wrapped(" │\n│ ", 7),
    "in lines of a string": _wrapped('\\\n  "', 7),
    "gzip": lambda secret: gzip.compress(f"before {secret} after".encode(), mtime=0),
    "zlib": lambda secret: zlib.compress(f"before {secret} after".encode()),
    "zip": _zipped,
    "gzip in base64": lambda secret: base64.b64encode(gzip.compress(f"before {secret} after".encode(), mtime=0)),
}
"""By name: the bytes that stand in a file for a secret."""
