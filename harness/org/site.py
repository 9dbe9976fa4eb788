"""One org, as the configuration names it: where it is, and which one it must be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.org.hosts import is_loopback
from harness.org.ids import is_id_18, to_18

DEFAULT_API_VERSION = "67.0"


@dataclass(frozen=True, slots=True)
class Site:
    """One org. Raises UsageError where a value cannot be right.

    `url` is its My Domain URL, or that of a simulated one on the loopback; only the latter may be plain http. `org_id`
    is the 18-character id that every sign-in is compared with.
    """

    name: str
    url: str
    org_id: str
    api_version: str = DEFAULT_API_VERSION
    ca_bundle: Path | None = None
    simulated: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise UsageError(
                f"org {self.name}: {self.url!r} is not the URL of an org",
                remedy="write its My Domain URL, such as https://acme--dev.sandbox.my.salesforce.com",
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))
        if parts.scheme == "http" and not self.on_loopback:
            raise UsageError(
                f"org {self.name}: plain http is only for a simulated org on this machine", remedy="write https://"
            )
        if not is_id_18(self.org_id, "00D"):
            raise UsageError(
                f"org {self.name}: {self.org_id!r} is not an 18-character organization id",
                remedy=_remedy_for_id(self.org_id),
            )
        if not re.fullmatch(r"\d{2,3}\.0", self.api_version):
            raise UsageError(f"org {self.name}: {self.api_version!r} is no API version", remedy='write "67.0"')

    @property
    def host(self) -> str:
        """Host and port, as in the URL."""
        return urlsplit(self.url).netloc

    @property
    def is_plain(self) -> bool:
        """Whether it is spoken to without TLS."""
        return self.url.startswith("http://")

    @property
    def on_loopback(self) -> bool:
        """Whether it is on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def data_path(self) -> str:
        """The path of the REST API: `/services/data/vXX.0`."""
        return f"/services/data/v{self.api_version}"


def _remedy_for_id(org_id: str) -> str:
    """Of 15 characters the case counts, which is easily lost; the last three of 18 prove that it was not."""
    where = "sf org display shows it as Id; in Setup it is under Company Information"
    if is_id_18(to_18(org_id), "00D"):
        return f"15 characters differ by case alone; if these are right, the whole id is {to_18(org_id)} ({where})"
    return where
