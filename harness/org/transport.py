"""The one way out: every request of every principal goes through this adapter, under simple-salesforce.

It refuses what the guard refuses before a connection is opened, counts HTTP requests, always has a timeout, follows no
redirect and keeps no cookie. What passes by itself is ridden out, where it is certain that nothing happened or the call
only reads: a write whose fate is unknown is never sent again.
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
from urllib3.util import parse_url

from harness.errors import OrgUnreachable, UsageError
from harness.org.clock import Clock
from harness.org.errors import NOT_THE_ORG, is_used_up, passes
from harness.org.guard import WriteGuard, is_write
from harness.org.hearing import errors_of, wrote_nothing
from harness.org.meter import LimitReached, Meter
from harness.org.outcome import certainty_of
from harness.org.patience import Patience, Tell, Waiting, silent
from harness.org.reply import ApiError
from harness.org.site import Site

__all__ = ["Meter", "Transport", "caller"]

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 120.0
CALLER = "Sforce-Call-Options"
"""The header in which a client names itself. The username stands in it, so that traffic shows who asked."""


def caller(username: str) -> dict[str, str]:
    """The header by which one user's requests are told from another's."""
    return {CALLER: f"client=rehearse/{username}"}


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
        patience: Patience | None = None,
        tell: Tell = silent,
    ) -> None:
        """`wire` carries what the guard lets through, in place of the network: an org in this process.

        `tell` is given a line before each pause of more than two seconds.
        """
        self.site = site
        self.guard = guard
        self.meter = meter or Meter()
        self.waiting = Waiting(clock, self.meter, patience=patience, tell=tell)
        self.session: requests.Session = _Session(site)
        adapter = _Adapter(site, guard, self.waiting, (connect_timeout, read_timeout), wire)
        for scheme in list(self.session.adapters):
            self.session.mount(scheme, adapter)

    def close(self) -> None:
        """Close the connections it holds open."""
        self.session.close()


def session_for(site: Site) -> requests.Session:
    """A session that trusts what the site trusts, and keeps nothing; without a guard: it is for reading only."""
    return _Session(site)


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
            _check_proxies(self.proxies)
        if site.ca_bundle:
            self.verify = str(site.ca_bundle)
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        return None


def _check_proxies(proxies: Mapping[str, str]) -> None:
    """Raise UsageError for a proxy that is no URL: what `requests` would raise shows parts of the password in it."""
    for scheme in ("http", "https", "all"):
        url = proxies.get(scheme) or "http://unset"
        try:
            whole = url if "://" in url else f"http://{url}"
            host = parse_url(whole).host and urlsplit(whole).hostname
        except (urllib3.exceptions.LocationParseError, ValueError):
            host = None
        if not host:
            raise UsageError(
                f"the environment's proxy for {scheme} is no URL",
                remedy="write http://HOST:PORT; in a user name or a password, %XX for what is no letter and no digit",
            ) from None


@dataclass(frozen=True, slots=True)
class _Failure:
    """A try that came to nothing: what stands in the way, and whether it may be made again."""

    words: str
    harmless: bool
    """Whether nothing happened, for certain, or the call only reads."""
    passes: bool
    """Whether it may be otherwise after a while."""
    seconds: float = 0.0
    """For how long an answer was waited for in vain."""
    answer: requests.Response | None = None
    """What the caller is given all the same, where no more is tried."""
    cause: Exception | None = None


class _Adapter(HTTPAdapter):
    def __init__(
        self,
        site: Site,
        guard: WriteGuard,
        waiting: Waiting,
        timeout: tuple[float, float],
        wire: HTTPAdapter | None,
    ) -> None:
        super().__init__()
        self._carry = super().send if wire is None else wire.send
        self._site = site
        self._guard = guard
        self._waiting = waiting
        self._meter = waiting.meter
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
        if reads and not _is_sign_in(request):  # what writes has asked before it journaled that it would
            self._meter.check()
        options: dict[str, Any] = {
            "stream": stream,
            "timeout": timeout or self._timeout,
            "verify": verify,
            "cert": cert,
            "proxies": proxies,
        }
        tries = self._waiting.call()
        while True:
            got = self._try(request, options, reads=reads)
            if isinstance(got, requests.Response):
                return self._heard(request, got, reads=reads)
            if not (got.passes and got.harmless and tries.again(got.words, took=got.seconds)):
                return self._heard(request, self._give_up(f"{method} {urlsplit(url).path}", got), reads=reads)

    def _heard(
        self, request: requests.PreparedRequest, response: requests.Response, *, reads: bool
    ) -> requests.Response:
        """The answer; the guard is told of a write of which nothing was done."""
        if not reads and wrote_nothing(request, response):
            self._guard.wrote_nothing(method=request.method or "", url=request.url or "", body=_bytes(request.body))
        return response

    def _try(
        self, request: requests.PreparedRequest, options: Mapping[str, Any], *, reads: bool
    ) -> requests.Response | _Failure:
        """One try: an answer, or why there is none."""
        self._meter.calls += 1
        try:
            response = self._carry(request, **options)
            _ = response.content  # an answer that breaks off is met here, not by the caller
        except requests.exceptions.RequestException as error:
            return _Failure(
                _in_words(error),
                harmless=reads or _never_sent(error),
                passes=not _is_untrusted(error),
                seconds=_seconds_of(error, options["timeout"]),
                cause=error,
            )
        self._meter.note(response.headers)
        errors = errors_of(request, response, reads=reads)
        if is_used_up(errors) and reads:
            raise LimitReached.of(errors[0])
        return _failure(errors, response, reads=reads) if passes(errors) else response

    def _give_up(self, asked: str, failure: _Failure) -> requests.Response:
        """The answer of the last try, if it had one. Raises OrgUnreachable."""
        if failure.answer is not None:
            return failure.answer
        lost = "" if failure.harmless else "; it may have taken effect all the same"
        raise OrgUnreachable(
            f"org {self._site.name} ({self._site.url}) did not answer {asked}: {failure.words}{lost}",
            asked=asked,
            may_have_happened=not failure.harmless,
            remedy="check the URL, the network and the proxy (HTTPS_PROXY), or try again later",
        ) from failure.cause


_ANSWERS = frozenset({"UNKNOWN_EXCEPTION", "QUERY_TIMEOUT"})
"""Errors that some questions always get: where one stays, it is what the org has to say."""


def _failure(errors: tuple[ApiError, ...], response: requests.Response, *, reads: bool) -> _Failure:
    """The failure that an answer is, all of whose errors pass by themselves."""
    status = response.status_code if response.status_code >= 300 else 400  # of a part, where the composite has 200
    codes = {error.code for error in errors}
    told = codes & _ANSWERS if reads else codes - {NOT_THE_ORG}
    signs_in = _is_sign_in(response.request)  # whoever signs in says best what is no answer to that
    return _Failure(
        str(errors[0]),
        harmless=reads or certainty_of(status, errors) == "NOT_APPLIED",
        passes=True,
        answer=response if told or signs_in else None,
    )


def _is_sign_in(request: requests.PreparedRequest) -> bool:
    return urlsplit(request.url or "").path.startswith(("/services/oauth2/", "/services/Soap/u/"))


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


def _seconds_of(error: Exception, timeout: tuple[float, float]) -> float:
    """For how long an answer, or a connection, was waited for."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return timeout[0]
    return timeout[1] if isinstance(error, requests.exceptions.ReadTimeout) else 0.0
