"""One REST request below `/services/data/vXX.X`, whether it came by itself or inside a composite one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http import json_text, xml_text

if TYPE_CHECKING:
    from harness.sandbox.http.desk import Desk
    from harness.sandbox.org import SandboxOrg

NEWEST = 67
"""The newest API version served: Summer '26."""
OLDEST = 31
"""The oldest that is not retired (SOAP API guide, end-of-life policy)."""

RETIRED = range(7, 31)
"""Versions that answer 410."""

parser_error = json_text.parser_error
_JSON_TYPES = frozenset({"", "application/json", "text/json"})
_XML_TYPES = frozenset({"application/xml", "text/xml"})
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
    is_part: bool = False
    """Whether this came inside a composite request."""
    all_or_none: bool = False
    """Whether the composite request around it is all or none, which collections in it then are too."""

    @property
    def base(self) -> str:
        """The path of the version: `/services/data/v67.0`."""
        return f"/services/data/v{self.version}"

    def may(self, *permissions: str) -> bool:
        """Whether the user has one of these system permissions."""
        access = self.org.permissions_of(self.user_id)
        return any(access.has(permission) for permission in permissions)

    @property
    def number(self) -> int:
        """The version as a number: 67."""
        return int(self.version.partition(".")[0])

    @property
    def media_type(self) -> str:
        """What the body says it is, in lower case and without parameters; empty where nothing is said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON data. Raises ApiError JSON_PARSER_ERROR, XML_PARSER_ERROR or UNSUPPORTED_MEDIA_TYPE."""
        if self.data is not None:
            return self.data
        if self.is_part:
            raise parser_error(json_text.NO_BODY)
        if self.media_type in _XML_TYPES:
            return xml_text.read(self.body)
        if self.media_type not in _JSON_TYPES:
            raise unsupported_media_type(self.media_type)
        return json_text.parse(self.body)

    def json_object(self) -> dict[str, Any]:
        """The body as one JSON object. Raises ApiError JSON_PARSER_ERROR."""
        data = self.json()
        if not isinstance(data, dict):
            token = json_text.token_of(data)
            raise parser_error(f"Can not deserialize SObject out of {token} token at [line:1, column:1]")
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


def unsupported_media_type(media_type: str) -> ApiError:
    """What a body of a kind gets that the resource does not read."""
    text = f"MediaType of '{media_type}' is not supported by this resource"
    return ApiError(415, "UNSUPPORTED_MEDIA_TYPE", text)


def versions() -> list[dict[str, str]]:
    """The answer to `GET /services/data`: three releases a year, Winter '27 being 68."""
    return [
        {"label": _label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST, NEWEST + 1)
    ]


def _label(number: int) -> str:
    years, season = divmod(number - 2, 3)
    return f"{_SEASONS[season]} '{years + 5:02d}"
