"""No network while a cassette is replayed: every attempt to reach one raises."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn
from unittest import mock

from harness.errors import RecordingError

_WAYS_OUT = ("connect", "connect_ex", "sendto")


@contextmanager
def no_network() -> Iterator[None]:
    """Within it, connecting, sending a datagram and looking up a name raise RecordingError; Unix sockets still work."""
    with ExitStack() as stack:
        for name in _WAYS_OUT:
            refuse = _refuse_but_unix(getattr(socket.socket, name))
            stack.enter_context(mock.patch.object(socket.socket, name, refuse))
        stack.enter_context(mock.patch.object(socket, "getaddrinfo", _refuse_lookup))
        yield


def _refuse_but_unix(real: Any) -> Any:
    def guarded(self: socket.socket, *args: Any) -> Any:
        if self.family == getattr(socket, "AF_UNIX", None):
            return real(self, *args)
        _refuse(args[-1] if args else "?")

    return guarded


def _refuse_lookup(host: object, *_: object, **__: object) -> NoReturn:
    _refuse(host)


def _refuse(target: object) -> NoReturn:
    raise RecordingError(
        f"something tried to reach {target} while a cassette was replayed",
        remedy="a replay needs no network; to talk to an org, add --cassettes off or --cassettes record",
    )
