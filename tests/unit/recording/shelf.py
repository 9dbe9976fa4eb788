"""A shelf, and small cassettes to put on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vcr.request import Request

from harness.org.secret import Secret
from harness.recording.filing.files import Shelf
from harness.recording.hosts import CANONICAL_URL

METADATA = {
    "live": "no",
    "api_version": "67.0",
    "tool_version": "0.1.0",
    "scenario": "0123456789abcdef",
    "org_name": "simulated",
    "org_id": "00D000000000001MAA"[:18],
    "admin_flow": "client-credentials",
    "admin_username": "admin@acme.example",
    "before": ["id 0123456789ab"],
    "tape": ["now 2026-01-05T09:00:00+00:00", "passed yes"],
}
WHO = {"sforce-call-options": "client=rehearse/admin@acme.example", "content-type": "application/json"}


def asked(name: str = "Account", method: str = "GET", body: str | None = None) -> Request:
    return Request(method, f"{CANONICAL_URL}/services/data/v67.0/query/?q=SELECT+Id+FROM+{name}", body, dict(WHO))


def told(body: Any = None, code: int = 200) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body or {"totalSize": 0, "done": True, "records": []})
    headers = {"content-type": ["application/json;charset=UTF-8"]}
    return {"status": {"code": code, "message": "OK"}, "headers": headers, "body": {"string": text}}


def conversation(*pairs: tuple[Request, dict[str, Any]], **metadata: Any) -> dict[str, Any]:
    """What vcrpy gives to a persister."""
    return {
        "requests": [request for request, _ in pairs],
        "responses": [response for _, response in pairs],
        "metadata": {**METADATA, **metadata},
    }


def put(path: Path, *pairs: tuple[Request, dict[str, Any]], secrets: tuple[Secret, ...] = ()) -> None:
    """Write a cassette as a recording does, of one request if no other is given."""
    shelf = Shelf(secrets=lambda: secrets, hosts=["acme.my.salesforce.com"], remedy="record it: pytest")
    shelf.save_cassette(path, conversation(*(pairs or [(asked(), told())])), None)


def large(count: int = 30) -> list[tuple[Request, dict[str, Any]]]:
    """More than a reviewer reads."""
    return [(asked(f"Object{number}__c"), told({"records": ["x" * 10_000]})) for number in range(count)]
