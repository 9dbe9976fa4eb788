"""One host name for every org, so that a cassette does not say where it was recorded and replays anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

CANONICAL_URL = "https://org.my.salesforce.example"
CANONICAL_HOST = urlsplit(CANONICAL_URL).netloc


class Hosts:
    """The hosts of one org: those given, and every other host of the same My Domain."""

    def __init__(self, urls: Iterable[str]) -> None:
        """`urls` are the org's URLs or host names."""
        self.names = frozenset(urlsplit(url).netloc or url for url in urls) - {CANONICAL_HOST}
        alternatives = [re.escape(name) for name in sorted(self.names, key=len, reverse=True)]
        alternatives += [re.escape(quote(name, safe="")) for name in sorted(self.names) if ":" in name]
        for name in sorted(self.names):
            domain, salesforce, _ = name.partition(".sandbox.my.salesforce.com")
            if not salesforce:
                domain, salesforce, _ = name.partition(".my.salesforce.com")
            if salesforce:
                alternatives.append(rf"\b{re.escape(domain)}(--\w+)?(\.[\w-]+)*\.(com|force\.com|salesforce\.com)\b")
        host = "|".join(alternatives)
        self._url = re.compile(rf"https?://(?:{host})", re.IGNORECASE) if host else None
        self._bare = re.compile(host, re.IGNORECASE) if host else None

    def is_ours(self, netloc: str) -> bool:
        """Whether a request to this host is to the org."""
        return netloc == CANONICAL_HOST or netloc in self.names

    def normalise(self, text: str) -> str:
        """The text with the canonical host in place of the org's."""
        if self._url is None or self._bare is None:
            return text
        return self._bare.sub(CANONICAL_HOST, self._url.sub(CANONICAL_URL, text))
