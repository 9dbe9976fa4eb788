"""What reaches the org and takes effect, by who sent it, and whether whoever wrote held the lock at that moment.

Told from requests and answers alone, and from the org's own rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from harness.org.guard import is_write
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg

from .memory import Memory, revised

_LOCK = "Rehearsal_Lock_"
_STALE = timedelta(minutes=10)


@dataclass
class Watch:
    """What was seen since it began."""

    lock: str | None = None
    holder: str | None = None
    wrote: list[tuple[str, str]] = field(default_factory=list)
    """Who wrote what, in order: only what took effect, and without what is about the lock alone."""
    takes: list[str] = field(default_factory=list)
    """Who took the lock, in order."""
    violations: list[str] = field(default_factory=list)


class Witness(InProcess):
    """The wire of several processes; `who` is the one that sends now."""

    def __init__(self, org: SandboxOrg) -> None:
        super().__init__(org)
        self.who = ""
        self.watch = Watch()
        self.memory: Memory | None = None
        """Remembers answers to reads, where much is explored and nobody but the tool writes."""
        self._revision = ""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Carry it, and see what came of it."""
        body = request.body if isinstance(request.body, (bytes, str)) else None
        if not is_write(str(request.method), str(request.url), request.headers, body):
            return self._read(request, *args, **options)
        touched = self._touched(request)
        self._revision = revised(self._revision, request)
        response = super().send(request, *args, **options)
        if response.ok and "/oauth2/" not in str(request.url):
            self._see(request, response, touched)
        return response

    def _read(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        key = self.memory.key(self._revision, request, self._org.clock.peek()) if self.memory is not None else None
        if key is None or self.memory is None:
            return super().send(request, *args, **options)
        known = self.memory.recall(key, request)
        if known is None:
            known = super().send(request, *args, **options)
            self.memory.keep(key, known)
        return known

    def begin(self, revision: str = "") -> None:
        """Begin anew, with the lock as it stands in the org, whose state has that name."""
        self._revision = revision
        rows = [row for row in self._org.rows("PermissionSet") if str(row["Name"]).startswith(_LOCK)]
        self.watch = Watch(lock=rows[0]["Id"] if rows else None, holder="somebody before" if rows else None)

    def _see(self, request: requests.PreparedRequest, response: requests.Response, touched: datetime | None) -> None:
        watch, path = self.watch, str(request.path_url)
        what = _effect(request, response)
        if not what:
            return
        if path.endswith("/sobjects/PermissionSet") and _LOCK in what:
            if watch.holder is not None:
                watch.violations.append(f"{self.who} took a lock that {watch.holder} holds")
            watch.lock, watch.holder = response.json()["id"], self.who
            watch.takes.append(self.who)
        elif touched is not None:
            if watch.holder != self.who and self._org.clock.peek() - touched < _STALE:
                watch.violations.append(f"{self.who} deleted the lock of {watch.holder}, touched at {touched}")
            watch.lock = watch.holder = None
        else:
            watch.wrote.append((self.who, what))
            if watch.holder != self.who:
                watch.violations.append(f"{self.who} wrote while {watch.holder or 'nobody'} held the lock: {what}")

    def _touched(self, request: requests.PreparedRequest) -> datetime | None:
        """When the lock that is about to be deleted was last changed; None where none is."""
        lock = self.watch.lock
        if request.method != "DELETE" or lock is None or not str(request.path_url).endswith(lock):
            return None
        row = self._org.row("PermissionSet", lock)
        return datetime.strptime(row["LastModifiedDate"], "%Y-%m-%dT%H:%M:%S.%f%z") if row else None


def _effect(request: requests.PreparedRequest, response: requests.Response) -> str:
    """What a request wrote, in a few words; empty where it wrote nothing."""
    path, body = str(request.path_url), _text(request.body)
    if path.endswith("/composite"):
        return _of_composite(json.loads(body), response.json()["compositeResponse"])
    if "/composite/" in path:
        rows = response.json()
        return f"{request.method} {path}: {sum(row['success'] for row in rows)} rows" if rows else ""
    if "/Soap/" in path:
        is_read = any(word in body for word in ("readMetadata>", "retrieve>", "describe", ":query>", "<query>"))
        return "" if is_read or "<success>true" not in response.text else f"SOAP {_between(body, 'Body>')}"
    return f"{request.method} {path.rpartition('/sobjects/')[2]} {body[:300]}"


def _of_composite(asked: Any, answers: Any) -> str:
    """The parts that wrote; a change of the lock that comes first is part of each such request, and does not count."""
    wrote = [
        f"{part['method']} {part['url'].rpartition('/sobjects/')[2]}"
        for part, answer in zip(asked["compositeRequest"], answers, strict=True)
        if part["method"] != "GET" and answer["httpStatusCode"] < 300
    ]
    is_fenced = "heartbeat=" in json.dumps(asked["compositeRequest"][0].get("body", {}))
    return "; ".join(wrote[1:] if is_fenced else wrote)


def _between(text: str, mark: str) -> str:
    return text.partition(mark)[2][:120]


def _text(body: Any) -> str:
    return body.decode("utf-8") if isinstance(body, bytes) else str(body or "")
