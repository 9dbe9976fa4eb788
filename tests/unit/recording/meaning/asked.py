"""Requests and answers as a cassette holds them, for the tests of what they mean."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from vcr.request import Request

from harness.recording.meaning import Drift, People, drifts

ADMIN = "admin@acme.example"
TARGET = "erp.integration@acme.example"
PEOPLE = People(admin=ADMIN)
DATA = "https://org.my.salesforce.example/services/data/v67.0"


def ask(path: str, *, method: str = "GET", body: Any = None, who: str = TARGET, url: str = DATA) -> Any:
    """A request; `path` is under /services/data/v67.0 unless `url` says otherwise."""
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return Request(method, url + path, text, {"sforce-call-options": f"client=rehearse/{who}"})


def query(soql: str, who: str = TARGET) -> Any:
    """A query."""
    return ask(f"/query/?{urlencode({'q': soql})}", who=who)


def answer(body: Any = None, status: int = 200, **headers: str) -> dict[str, Any]:
    """An answer whose body is text or JSON."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return {
        "status": {"code": status, "message": ""},
        "headers": {name: [value] for name, value in headers.items()},
        "body": {"string": text},
    }


def rows(kind: str, *found: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    """The answer to a query."""
    records = [{"attributes": {"type": kind, "url": "/x"}, **row} for row in found]
    return answer({"totalSize": len(found) if total is None else total, "done": True, "records": records})


def refused(code: str, message: str = "", status: int = 400) -> dict[str, Any]:
    """A refusal."""
    return answer([{"errorCode": code, "message": message}], status)


def told(request: Any, recorded: dict[str, Any], now: dict[str, Any], people: People = PEOPLE) -> list[str]:
    """The differences, each as `tier: text`."""
    return [f"{drift.tier}: {drift.text}" for drift in differences(request, recorded, now, people)]


def differences(request: Any, recorded: dict[str, Any], now: dict[str, Any], people: People = PEOPLE) -> list[Drift]:
    """The differences."""
    return drifts(request, recorded, now, people)
