"""A proxy that wants a password, and leads every host to one port of this machine."""

from __future__ import annotations

import contextlib
import socket
import threading

_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy:
    """Takes CONNECT, notes what was asked of it, and lets bytes through. A context manager."""

    def __init__(self, target: int) -> None:
        self.heard: list[bytes] = []
        """The head of each request."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = client.recv(4096)
            if not more:
                client.close()
                return
            head += more
        self.heard.append(head)
        server = socket.create_connection(("127.0.0.1", self._target))
        client.sendall(_OPEN)
        back = threading.Thread(target=_pour, args=(server, client), daemon=True)
        back.start()
        _pour(client, server)
        back.join()
        for end in (client, server):
            end.close()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while some := source.recv(65536):
            sink.sendall(some)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
