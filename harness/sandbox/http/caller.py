"""Where a request comes from, as LoginHistory tells it."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from starlette.requests import Request

from harness.sandbox import identity
from harness.sandbox.identity import Caller
from harness.sandbox.identity.history import LOOPBACK

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_BROWSERS = (
    ("Edge", r"Edg/(\d+)"),
    ("Chrome", r"Chrome/(\d+)"),
    ("Firefox", r"Firefox/(\d+)"),
    ("Safari", r"Version/(\d+)"),
)
_PLATFORMS = (("Windows", "Windows"), ("Mac OSX", "Mac OS X"), ("Android", "Android"), ("Linux", "Linux"))


def caller_of(org: SandboxOrg, request: Request) -> Caller:
    """The caller of a request. X-Forwarded-For counts only where the org's policy says so."""
    agent = request.headers.get("user-agent", "")
    forwarded = request.headers.get("x-forwarded-for", "")[:255] or None
    ip = request.client.host if request.client else LOOPBACK
    if forwarded and identity.policy_of(org).trusts_forwarded_for:
        ip = _address(forwarded.partition(",")[0].strip()) or ip
    return Caller(
        ip=ip,
        forwarded_for=forwarded,
        browser=_browser(agent),
        platform=next((name for name, mark in _PLATFORMS if mark in agent), "Unknown"),
        tls="TLS 1.3" if request.url.scheme == "https" else None,
        method=request.method,
    )


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _browser(agent: str) -> str:
    for name, pattern in _BROWSERS:
        if (found := re.search(pattern, agent)) is not None:
            return f"{name} {found[1]}"[:64]
    return "Unknown"
