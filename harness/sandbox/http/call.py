"""One REST request below `/services/data/vXX.X`, whether it came by itself or inside a composite one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.sandbox.errors import ApiError, not_found

if TYPE_CHECKING:
    from harness.sandbox.http.desk import Desk
    from harness.sandbox.org import SandboxOrg

NEWEST = 67
"""The newest API version served: Summer '26."""
OLDEST = 31
"""The oldest that is not retired (SOAP API guide, end-of-life policy)."""

RETIRED = range(7, 31)
"""Versions that answer 410."""

_SEASONS = ("Winter", "Spring", "Summer")


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked, by whom, in which version."""

    org: SandboxOrg
    desk: Desk
    user_id: str
    version: str
    """`67.0`"""
    method: str
    path: str
    """Below the version, percent-encoded, without slashes at its ends: `sobjects/Account/001...`."""
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    body: bytes = b""
    data: Any = None
    """The body of a part of a composite request, which is JSON data already."""

    @property
    def base(self) -> str:
        """The path of the version: `/services/data/v67.0`."""
        return f"/services/data/v{self.version}"

    def may(self, *permissions: str) -> bool:
        """Whether the user has one of these system permissions."""
        access = self.org.permissions_of(self.user_id)
        return any(access.has(permission) for permission in permissions)

    def json(self) -> Any:
        """The body as JSON data. Raises ApiError JSON_PARSER_ERROR."""
        if self.data is not None:
            return self.data
        try:
            data = json.loads(self.body, parse_constant=_finite, parse_float=_finite)
            if b"\\ud" in self.body.lower():
                json.dumps(data, ensure_ascii=False).encode()  # half a character is an error here, and not in JSON
        except (ValueError, RecursionError) as error:
            raise parser_error(str(error)) from error
        return data

    def json_object(self) -> dict[str, Any]:
        """The body as one JSON object. Raises ApiError JSON_PARSER_ERROR."""
        data = self.json()
        if not isinstance(data, dict):
            raise parser_error("The HTTP entity body is required to be a JSON object")
        return data


def check_version(version: str) -> None:
    """Raises ApiError when a version (`67.0`) is retired or was never there."""
    number, _, minor = version.partition(".")
    if minor != "0" or not number.isdigit():
        raise not_found()
    if int(number) in RETIRED:
        raise ApiError(410, "GONE", f"API version {version} is no longer supported")
    if not OLDEST <= int(number) <= NEWEST:
        raise not_found()


def parser_error(reason: str) -> ApiError:
    """What a body that cannot be understood gets."""
    return ApiError(400, "JSON_PARSER_ERROR", reason)


def versions() -> list[dict[str, str]]:
    """The answer to `GET /services/data`: three releases a year, Winter '27 being 68."""
    return [
        {"label": _label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST, NEWEST + 1)
    ]


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number that JSON has")
    return value


def _label(number: int) -> str:
    years, season = divmod(number - 2, 3)
    return f"{_SEASONS[season]} '{years + 5:02d}"
