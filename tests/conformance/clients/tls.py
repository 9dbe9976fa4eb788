"""TLS with a throw-away authority, and the way to the simulated org for those who insist on salesforce.com."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import trustme
from requests.adapters import HTTPAdapter


@dataclass(frozen=True)
class Certificates:
    """PEM files: the server's certificate with its key, and the authority that clients are told to trust."""

    server: Path
    authority: Path


def certificates(folder: Path) -> Certificates:
    """New ones, for the loopback."""
    authority = trustme.CA()
    found = Certificates(folder / "server.pem", folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(found.server))
    authority.cert_pem.write_to_path(str(found.authority))
    return found


class Detour(HTTPAdapter):
    """Sends what is meant for `*.salesforce.com` to the simulated org, the way a hosts file would."""

    def __init__(self, instance_url: str) -> None:
        super().__init__()
        self._netloc = urlsplit(instance_url).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        if parts.hostname and parts.hostname.endswith(".salesforce.com"):
            request.headers["Host"] = parts.netloc
            request.url = urlunsplit(parts._replace(netloc=self._netloc))
        return super().send(request, *args, **kwargs)


@contextmanager
def session(instance_url: str, known: Certificates) -> Iterator[requests.Session]:
    """A session that trusts the authority and takes the detour."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(known.authority)
        session.mount("https://", Detour(instance_url))
        yield session
