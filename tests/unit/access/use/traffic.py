"""Exchanges as a recording holds them, and what is read of them."""

from __future__ import annotations

import json
from typing import Any

from harness.access.use.deeds import Deed, Seen
from harness.access.use.exchange import Exchange
from harness.access.use.session import Session

DATA = "https://acme.my.salesforce.com/services/data/v67.0"


def exchange(method: str, path: str, body: Any = None, answer: Any = None, **more: Any) -> Exchange:
    """One exchange; bodies are JSON unless they are bytes."""
    url = path if path.startswith(("http", "/services")) else f"{DATA}/{path}"
    return Exchange(method, url, body=_bytes(body), answer=_bytes(answer), **more)


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()


def read(*exchanges: Exchange) -> Seen:
    """What some exchanges of one recording show."""
    seen = Seen()
    session = Session(seen)
    for number, each in enumerate(exchanges, start=1):
        session.take(each, f"t:{number}")
    return seen


def deeds(*exchanges: Exchange) -> list[Deed]:
    """The deeds of exchanges, all of which must be understood."""
    seen = read(*exchanges)
    assert seen.unknown == []
    return [use.deed for use in seen.uses]
