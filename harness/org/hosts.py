"""What the name of a host says about the org behind it.

A My Domain names the kind of org in its suffix since enhanced domains (enforced in Winter '24): `.sandbox.`,
`.scratch.`, `.develop.`, `.trailblaze.` and so on; what has none is a production org. Before that, only `--` told a
sandbox, and a `csNN` instance a sandbox or scratch org. Identity URLs name `test.salesforce.com` for sandboxes and
scratch orgs and `login.salesforce.com` for all others, or the org's own My Domain (facts 4.1; recorded token answers).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal
from urllib.parse import urlsplit

OrgKind = Literal[
    "sandbox", "scratch", "simulated", "production", "developer", "trial", "trailhead", "demo", "free", "patch"
]
Claim = frozenset[OrgKind]
"""The kinds of org that something said is true of."""

MAY_BE_WRITTEN: Claim = frozenset({"sandbox", "scratch", "simulated"})
_REAL: Claim = frozenset({"production", "developer", "trial", "trailhead", "demo", "free", "patch"})
_DOMAIN = re.compile(r"(?P<name>[a-z0-9-]+)(\.(?P<part>[a-z0-9]+))?\.my\.(salesforce|salesforce-setup)\.(com|mil)")
_PARTITIONS: dict[str, Claim] = {
    "sandbox": frozenset({"sandbox"}),
    "scratch": frozenset({"scratch"}),
    "develop": frozenset({"developer"}),
    "trailblaze": frozenset({"trailhead"}),
    "demo": frozenset({"demo"}),
    "free": frozenset({"free"}),
    "patch": frozenset({"patch"}),
}
_LOGIN: dict[str, Claim] = {
    "test.salesforce.com": frozenset({"sandbox", "scratch"}),
    "login.salesforce.com": _REAL,
}

IN_WORDS: dict[OrgKind, str] = {
    "sandbox": "a sandbox",
    "scratch": "a scratch org",
    "simulated": "a simulated sandbox",
    "production": "a production org",
    "developer": "a Developer Edition org",
    "trial": "a trial org",
    "trailhead": "a Trailhead Playground",
    "demo": "a demo org",
    "free": "a Free Edition org",
    "patch": "a patch org",
}


def claim_of(url: str) -> Claim:
    """What the host of a URL says; the empty claim where it is no host of a Salesforce org.

    `.example` is reserved and never resolves (RFC 2606): what answers there is a recording.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if is_loopback(host):
        return frozenset({"simulated"})
    if host.endswith(".example"):
        return MAY_BE_WRITTEN
    found = _DOMAIN.fullmatch(host)
    if found is None:
        return _LOGIN.get(host, frozenset())
    return _of_my_domain(found["name"], found["part"])


def _of_my_domain(name: str, part: str | None) -> Claim:
    if part in _PARTITIONS:
        return _PARTITIONS[part]
    if part is None:
        return frozenset({"sandbox"}) if "--" in name else frozenset({"production", "developer", "trial"})
    if re.fullmatch(r"cs\d+", part):
        return frozenset({"sandbox"}) if "--" in name else frozenset({"sandbox", "scratch"})
    return frozenset()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def in_words(claim: Claim) -> str:
    """A claim as messages tell it: `a production org, a Developer Edition org or a trial org`."""
    names = [words for kind, words in IN_WORDS.items() if kind in claim]
    if not names:
        return "no org of Salesforce"
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
