"""The one way out: every request of every principal goes through this adapter, under simple-salesforce.

It refuses what the guard refuses before a connection is opened, counts HTTP requests, always has a timeout, follows no
redirect, keeps no cookie, and tries again only where nothing can have happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from harness.errors import OrgUnreachable
from harness.org.clock import Clock
from harness.org.guard import WriteGuard, is_write
from harness.org.site import Site

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 120.0
CALLER = "Sforce-Call-Options"
"""The header in which a client names itself. The username stands in it, so that traffic shows who asked."""
PAUSES = (0.5, 1.0, 2.0)
"""Seconds before the second, third and fourth try."""


def caller(username: str) -> dict[str, str]:
    """The header by which one user's requests are told from another's."""
    return {CALLER: f"client=rehearse/{username}"}


@dataclass(slots=True)
class Meter:
    """Counts HTTP requests, repeated ones included."""

    calls: int = 0


class Transport:
    """The `requests.Session` for one org. `session` is what simple-salesforce is given."""

    def __init__(
        self,
        site: Site,
        *,
        guard: WriteGuard,
        clock: Clock,
        meter: Meter | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        wire: HTTPAdapter | None = None,
    ) -> None:
        """`wire` carries what the guard lets through, in place of the network: an org in this process."""
        self.site = site
        self.meter = meter or Meter()
        self.session: requests.Session = _Session(site)
        adapter = _Adapter(site, guard, clock, self.meter, (connect_timeout, read_timeout), wire)
        for scheme in list(self.session.adapters):
            self.session.mount(scheme, adapter)

    def close(self) -> None:
        """Close the connections it holds open."""
        self.session.close()


class _Session(requests.Session):
    """A session without memory: no cookies, no redirects, no credentials from a netrc file.

    The environment is read once: its proxies and its certificates (HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE), of which
    the site's own `ca_bundle` takes precedence.
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if not site.on_loopback:
            surroundings = self.merge_environment_settings(site.url, {}, None, None, None)
            self.proxies, self.verify = surroundings["proxies"], surroundings["verify"]
        if site.ca_bundle:
            self.verify = str(site.ca_bundle)
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        return None


class _Adapter(HTTPAdapter):
    def __init__(  # noqa: PLR0917 - private, made in one place
        self,
        site: Site,
        guard: WriteGuard,
        clock: Clock,
        meter: Meter,
        timeout: tuple[float, float],
        wire: HTTPAdapter | None,
    ) -> None:
        super().__init__()
        self._carry = super().send if wire is None else wire.send
        self._site = site
        self._guard = guard
        self._clock = clock
        self._meter = meter
        self._timeout = timeout

    def send(  # noqa: PLR0917 - the signature of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        method, url = request.method or "GET", request.url or ""
        if self._site.is_plain and url.startswith(f"https://{self._site.host}/"):
            # simple-salesforce knows only https; this site is on the loopback and speaks plain http
            request.url = url = "http" + url.removeprefix("https")
        body = _bytes(request.body)
        self._guard.check(site=self._site, method=method, url=url, headers=request.headers, body=body)
        reads = not is_write(method, url, request.headers, body)
        options: dict[str, Any] = {
            "stream": stream,
            "timeout": timeout or self._timeout,
            "verify": verify,
            "cert": cert,
            "proxies": proxies,
        }
        for pause in (*PAUSES, None):
            self._meter.calls += 1
            try:
                response = self._carry(request, **options)
                if not stream:
                    _ = response.content  # an answer that breaks off is met here, not by the caller
            except requests.exceptions.RequestException as error:
                harmless = reads or _never_sent(error)
                if pause is None or not harmless or _is_untrusted(error):
                    raise self._unreachable(method, url, error, may_have_happened=not harmless) from error
            else:
                if pause is None or response.status_code != 503 or method != "GET":
                    return response
                response.close()
            self._clock.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _unreachable(self, method: str, url: str, error: Exception, *, may_have_happened: bool) -> OrgUnreachable:
        asked = f"{method} {urlsplit(url).path}"
        lost = "; it may have taken effect all the same" if may_have_happened else ""
        return OrgUnreachable(
            f"org {self._site.name} ({self._site.url}) did not answer {asked}: {_in_words(error)}{lost}",
            asked=asked,
            may_have_happened=may_have_happened,
            remedy="check the URL, the network and the proxy (HTTPS_PROXY), or try again later",
        )


def _bytes(body: object) -> bytes | str | None:
    """A body the guard can read; a stream is not one, and counts as unknown."""
    return body if isinstance(body, (bytes, str)) else None


def _never_sent(error: Exception) -> bool:
    """Whether no connection was made, so that no byte of the request left."""
    if isinstance(error, requests.exceptions.ConnectTimeout) or _is_untrusted(error):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _is_untrusted(error: Exception) -> bool:
    """Whether the certificate was not accepted: trying again will not change that."""
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def _in_words(error: Exception) -> str:
    match error:
        case requests.exceptions.ConnectTimeout():
            return "no connection in time"
        case requests.exceptions.ReadTimeout():
            return "no answer in time"
        case _ if _is_untrusted(error):
            return "its certificate is not trusted (set ca_bundle if it is signed by your own authority)"
        case requests.exceptions.ProxyError():
            return "the proxy refused"
        case _ if _never_sent(error):
            return "no connection"
        case _:
            return "the connection broke"
