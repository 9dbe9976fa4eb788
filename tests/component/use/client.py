"""A client of the simulated org that is not ours, and its traffic as a HAR file and as a cassette."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import vcr

from tests.component.migration.conftest import Bench


class Client:
    """The old user, signed in by SOAP login() or a password, as an integration would."""

    def __init__(self, bench: Bench) -> None:
        ready = bench.server.ready
        user, app = ready.users["erp"], ready.apps["ERP Legacy"]
        self.url = ready.instance_url
        self.session = requests.Session()
        self.kept: list[requests.Response] = []
        self.session.hooks["response"].append(self._keep)
        form = {
            "grant_type": "password",
            "client_id": app["consumer_key"],
            "client_secret": app["consumer_secret"],
            "username": user["username"],
            "password": user["password"] + user["security_token"],
        }
        token = self.session.post(f"{self.url}/services/oauth2/token", data=form, timeout=30).json()["access_token"]
        self.token = token
        self.session.headers["Authorization"] = f"Bearer {token}"

    def _keep(self, response: requests.Response, **_options: Any) -> None:
        self.kept.append(response)

    def ask(self, method: str, path: str, *, ok: bool = True, **more: Any) -> Any:
        """One request, whose answer must be good unless it is said otherwise."""
        url = self.url + (path if path.startswith("/") else f"/services/data/v67.0/{path}")
        response = self.session.request(method, url, timeout=30, **more)
        assert response.ok == ok, response.text
        return response.json() if response.content and "json" in response.headers["Content-Type"] else response.text

    def query(self, soql: str) -> Any:
        """The answer to a query."""
        return self.ask("GET", "query", params={"q": soql})

    def soap(self, call: str) -> Any:
        """A call of the partner API."""
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com" '
            'xmlns:s="urn:sobject.partner.soap.sforce.com"><e:Header><u:SessionHeader>'
            f"<u:sessionId>{self.token}</u:sessionId></u:SessionHeader></e:Header><e:Body>{call}</e:Body></e:Envelope>"
        )
        headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
        return self.ask("POST", "/services/Soap/u/67.0", data=body.encode(), headers=headers)

    def write_har(self, path: Path) -> None:
        """What was sent and answered so far, as a HAR file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = [_entry(response) for response in self.kept]
        log = {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}
        path.write_text(json.dumps({"log": log}))


def _entry(response: requests.Response) -> dict[str, Any]:
    request = response.request
    body = request.body.encode() if isinstance(request.body, str) else request.body
    posted = (
        {"postData": {"mimeType": "", "text": base64.b64encode(body).decode(), "encoding": "base64"}} if body else {}
    )
    return {
        "startedDateTime": "2026-02-03T04:05:06.000Z",
        "time": 1,
        "request": {
            "method": request.method,
            "url": request.url,
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": name, "value": str(value)} for name, value in request.headers.items()],
            **posted,
        },
        "response": {
            "status": response.status_code,
            "headers": [{"name": name, "value": value} for name, value in response.headers.items()],
            "content": {"mimeType": response.headers.get("Content-Type", ""), "text": response.text},
        },
    }


@contextmanager
def recorded(path: Path, *, serializer: str = "yaml") -> Iterator[None]:
    """Record with vcrpy, as it comes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with vcr.VCR(serializer=serializer, record_mode="all").use_cassette(str(path)):
        yield
