"""Which release of Salesforce an org runs: one request, for which nobody need sign in.

`GET /services/data/` lists the API versions with their labels, the newest last (facts 0; REST API Developer Guide,
Versions): `{"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}`. The newest is the org's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from harness.org.transport import CONNECT_TIMEOUT, session_for

if TYPE_CHECKING:
    from harness.org.site import Site

_SECONDS = 20.0


def release_of(site: Site) -> str | None:
    """The label of the newest API version, such as `Winter '27`; None where the org does not say."""
    with session_for(site) as session:
        try:
            answer = session.get(
                f"{site.url}/services/data/",
                headers={"Accept": "application/json"},
                timeout=(CONNECT_TIMEOUT, _SECONDS),
            )
            told = answer.json() if answer.ok else None
        except (requests.exceptions.RequestException, ValueError):
            return None
    return _newest(told)


def _newest(told: object) -> str | None:
    labels: dict[float, str] = {}
    for each in told if isinstance(told, list) else ():
        try:
            labels[float(each["version"])] = str(each["label"])[:40]
        except (TypeError, KeyError, ValueError):
            continue
    return labels[max(labels)] if labels else None
