"""What may leave this process while a cassette is open: in a replay nothing, in a recording one thread's requests.

vcrpy is not thread-safe: what another thread asks meanwhile goes to the network, in silence. So an audit hook (PEP 578)
watches the process. It sees each connect, each datagram, each look-up of a name, each program that is started and each
request that http.client sends, in every thread and whoever holds a reference to the function; and once it is there,
nothing can take it out. A send on a connection that is open already raises no event: in a replay these connections are
set aside, and a socket stands in their place that cannot send. Out of reach is native code that calls the system.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from harness.errors import RecordingError

ONE_THREAD = "ask the org from the thread that opened the stage, and from no other"
_OFFLINE = "a replay needs no network; to talk to an org, add --cassettes off or --cassettes record"
_REQUEST_LINE = re.compile(rb"(?!CONNECT )[A-Z]+ (\S+) HTTP/1\.[01]\r\n")
_TO_AN_ADDRESS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_SHOWN = 10
_OPEN_FILES = next((folder for folder in (Path("/proc/self/fd"), Path("/dev/fd")) if folder.is_dir()), None)


@dataclass
class Watch:
    """What was seen while a cassette was open."""

    replays: bool
    counted: Callable[[str, str], bool]
    """Whether a request to this host (with its port) and this path counts."""
    thread: int = field(default_factory=threading.get_ident)
    refused: list[str] = field(default_factory=list)
    """What was refused, each in words; whoever asked may have swallowed the error."""
    sent: int = 0
    """Recording: the HTTP requests that count and left through http.client, as requests and urllib3 do."""

    def only_own_thread(self, deed: str) -> None:
        """Raise RecordingError in every other thread than the one that set the watch."""
        if threading.get_ident() != self.thread:
            message = f"thread {threading.current_thread().name} {deed}, and is not the thread that opened the cassette"
            self.refused.append(message)
            raise RecordingError(message, remedy=ONE_THREAD)

    def check(self) -> None:
        """Raise RecordingError where something was refused, even if whoever asked did not mind."""
        if self.refused:
            found = list(dict.fromkeys(self.refused))
            more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
            raise RecordingError("\n  ".join(found[:_SHOWN] + more), remedy=_OFFLINE if self.replays else ONE_THREAD)


def _no_host(_host: str, _path: str) -> bool:
    return False


def _make_watcher() -> Callable[[Watch], AbstractContextManager[Watch]]:
    """The way to set a watch. What decides is enclosed here with what is watched: it cannot be exchanged."""
    watches: list[Watch] = []
    hooked: list[bool] = []
    look_ups = {f"socket.{name}" for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")}
    programs = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile"}
    sends = {*_TO_AN_ADDRESS, "http.client.send"}
    seen = look_ups | programs | sends
    this_thread, thread_of_now, refusal = threading.get_ident, threading.current_thread, RecordingError
    unix = getattr(socket, "AF_UNIX", None)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if watches and event in seen:
            for watch in reversed(tuple(watches)):  # the innermost first: it is its stage that fails
                see_in_replay(watch, event, args) if watch.replays else see_in_recording(watch, event, args)

    def see_in_replay(watch: Watch, event: str, args: tuple[Any, ...]) -> None:
        if event not in sends or not is_local(args[0]):
            refuse(watch, event, args, "while a cassette was replayed", _OFFLINE)

    def see_in_recording(watch: Watch, event: str, args: tuple[Any, ...]) -> None:
        if event not in sends or is_local(args[0]) or may_be_an_answer(event, args):
            return
        if this_thread() != watch.thread:
            refuse(watch, event, args, "from another thread than the one that records", ONE_THREAD)
        if event == "http.client.send" and _counts(watch, *args):
            watch.sent += 1

    def is_local(way: Any) -> bool:
        """Whether a socket, or what stands on one, is a Unix socket: pytest's and editors' own go over these."""
        family = getattr(getattr(way, "sock", way), "family", None)
        return family is not None and family == unix

    def may_be_an_answer(event: str, args: tuple[Any, ...]) -> bool:
        """Whether a server in this process may answer: on a connection which it did not open."""
        return event in ("socket.sendto", "socket.sendmsg") and args[1] is None

    def refuse(watch: Watch, event: str, args: tuple[Any, ...], when: str, remedy: str) -> NoReturn:
        message = f"something tried to {_deed(event, args)} {when}"
        if this_thread() != watch.thread:
            message += f" (thread {thread_of_now().name})"
        watch.refused.append(message)
        if event == "socket.connect":  # who expects an OSError would not close it
            args[0].close()
        raise refusal(message, remedy=remedy)

    @contextmanager
    def watched(watch: Watch) -> Iterator[Watch]:
        if not hooked:
            sys.addaudithook(hook)
            hooked.append(True)
        watches.append(watch)
        try:
            yield watch
        finally:
            watches.remove(watch)

    return watched


_watched = _make_watcher()


def _counts(watch: Watch, connection: Any, data: Any) -> bool:
    line = _REQUEST_LINE.match(data) if isinstance(data, (bytes, bytearray)) else None
    if line is None:
        return False
    asked = urlsplit(line[1].decode("latin-1"))  # a proxy is given the whole URL
    return watch.counted(asked.netloc or _netloc(connection), asked.path)


def _netloc(connection: Any) -> str:
    tunnel = getattr(connection, "_tunnel_host", None)
    host, port = (tunnel, connection._tunnel_port) if tunnel else (connection.host, connection.port)
    return host if port in (None, connection.default_port) else f"{host}:{port}"


def _deed(event: str, args: tuple[Any, ...]) -> str:
    if event == "subprocess.Popen" or event.startswith("os."):
        return "start a program"
    if event == "http.client.send":
        return f"reach {_netloc(args[0])}"
    return f"reach {args[1] if event in _TO_AN_ADDRESS else args[0]}"


@contextmanager
def no_network() -> Iterator[Watch]:
    """Within it, whatever would reach a network raises RecordingError, in every thread; Unix sockets still work.

    Connections that are open already cannot send (BrokenPipeError); afterwards they are as they were. It may be nested.
    Raises RecordingError at its end where something was refused, and whoever asked did not mind.
    """
    with _watched(Watch(replays=True, counted=_no_host)) as watch, _open_connections_aside():
        yield watch
    watch.check()


@contextmanager
def one_thread(counted: Callable[[str, str], bool] = _no_host) -> Iterator[Watch]:
    """Within it, no other thread can reach a network: RecordingError, then and at its end. What leaves is counted."""
    with _watched(Watch(replays=False, counted=counted)) as watch:
        yield watch
    watch.check()


# --- connections that are open already --------------------------------------------------------------------------------


@contextmanager
def _open_connections_aside() -> Iterator[None]:
    with ExitStack() as stack:
        for number in _open_connections():
            stack.enter_context(_aside(number))
        yield


def _open_connections() -> list[int]:
    """The file descriptors of connections to other processes or hosts, or to a server of this one."""
    numbers = [] if _OPEN_FILES is None else [int(each) for each in os.listdir(_OPEN_FILES)]  # noqa: PTH208 - numbers
    return [number for number in numbers if _is_connection(number)]


def _is_connection(number: int) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return False
        with socket.socket(fileno=os.dup(number)) as twin:
            return twin.family != socket.AF_UNIX and bool(twin.getpeername())
    except OSError:  # closed meanwhile, or not connected
        return False


@contextmanager
def _aside(number: int) -> Iterator[None]:
    """In the place of a connection, one on which nothing arrives and nothing can be sent.

    It is exchanged below Python, so that whoever holds the socket, its number or a method of it has the mute one.
    """
    kept = os.dup(number)
    mute, silent = socket.socketpair()
    with mute, silent:
        mute.shutdown(socket.SHUT_WR)
        os.set_blocking(mute.fileno(), os.get_blocking(number))
        os.dup2(mute.fileno(), number, os.get_inheritable(number))
        try:
            yield
        finally:
            with suppress(OSError):  # closed meanwhile: then the number is nobody's, or another's
                if os.path.sameopenfile(mute.fileno(), number):
                    os.dup2(kept, number, os.get_inheritable(number))
            os.close(kept)
