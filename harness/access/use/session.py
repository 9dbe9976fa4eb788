"""Which API of Salesforce each request is about, and what it did. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from harness.access.use import bulk, rest, soap
from harness.access.use.deeds import ApexCalled, Deed, NotUnderstood, Seen
from harness.access.use.exchange import SETUP_APIS, Exchange, Job

MAX_DEPTH = 40
"""Composites within each other."""


class Session:
    """Reads the exchanges of recordings, in their order, into `seen`."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.jobs: dict[str, Job] = {}
        self._where = ""
        self._depth = 0

    def take(self, exchange: Exchange, where: str) -> None:
        """Take up one exchange. What is not understood is counted and named; nothing of its body is repeated."""
        self._where, self._depth = where, 0
        self.seen.observe(exchange.at)
        try:
            self.seen.add(where, self._deeds(exchange))
        except NotUnderstood as error:
            self.seen.miss(where, str(error))
        except RecursionError:
            self.seen.miss(where, "it is nested too deep")

    def inner(self, exchange: Exchange) -> list[Deed]:
        """What a request within a composite did; one that is not understood does not take the others with it."""
        self._depth += 1
        try:
            return self._deeds(exchange)
        except NotUnderstood as error:
            self.seen.miss(self._where, f"in a composite: {error}")
            return []
        finally:
            self._depth -= 1

    def cannot_see(self, what: str) -> None:
        """Note a blind spot, a sentence."""
        self.seen.blind.add(what)

    def _deeds(self, exchange: Exchange) -> list[Deed]:
        if self._depth > MAX_DEPTH:
            raise NotUnderstood("it is nested too deep")
        path = _path(exchange)
        for pattern, read in _APIS:
            if match := pattern.match(path):
                return read(self, exchange, match[1])
        raise NotUnderstood("it is no request to an API of Salesforce that this tool knows")


def _path(exchange: Exchange) -> str:
    try:
        return exchange.path
    except ValueError:
        raise NotUnderstood("its URL is none") from None


def _parts(rest_of_path: str) -> list[str]:
    return [unquote(part) for part in rest_of_path.split("/") if part]


def _setup(session: Session, _exchange: Exchange, kind: str) -> list[Deed]:
    session.cannot_see(SETUP_APIS[kind])
    return []


Read = Callable[[Session, Exchange, str], list[Deed]]

_NO_USE: Read = lambda _session, _exchange, _path: []  # noqa: E731 - one of a table
_PATHS: Mapping[str, Read] = {
    # Signing in, and asking which versions there are, takes nothing but API Enabled.
    r"(?i)^/services/(oauth2/.*|data/?|authcallback/.*)$": _NO_USE,
    r"(?i)^/(id|\.well-known|secur)/": _NO_USE,
    r"(?i)^/services/data/v[\w.]+/?(.*)$": lambda session, exchange, path: rest.deeds(session, exchange, _parts(path)),
    r"(?i)^/services/async/[\w.]+/(.*)$": lambda session, exchange, path: bulk.deeds_of_async(
        session, exchange, _parts(path)
    ),
    r"(?i)^/services/Soap/([uc])(?:/|$)": lambda _session, exchange, _kind: soap.deeds(exchange),
    r"(?i)^/services/Soap/class/(.+)$": lambda _session, _exchange, name: [
        ApexCalled(name=unquote(name).replace("/", "__"))
    ],
    r"^/services/Soap/([mTs])(?:/|$)": _setup,
    r"(?i)^/services/apexrest(/.*)$": lambda _session, _exchange, path: [ApexCalled(path=unquote(path))],
}
_APIS: Sequence[tuple[re.Pattern[str], Read]] = [(re.compile(pattern), read) for pattern, read in _PATHS.items()]
"""The paths of each API, and what reads its requests."""
