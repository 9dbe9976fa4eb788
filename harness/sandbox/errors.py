"""The one exception of the simulated org: a refusal as the REST API words it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry of an error body. `fields` is None where the platform leaves the key out."""

    code: str
    message: str
    fields: tuple[str, ...] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """What an error body has beside: the duplicates that were found."""


class ApiError(Exception):
    """A request the org refuses: an HTTP status and refusals (REST guide, "Status Codes and Error Responses")."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.errors: list[Refusal] = [Refusal(code, message, None if fields is None else tuple(fields))]

    @property
    def code(self) -> str:
        """The code of the first refusal."""
        return self.errors[0].code

    @property
    def message(self) -> str:
        """The message of the first refusal."""
        return self.errors[0].message

    @property
    def fields(self) -> tuple[str, ...] | None:
        """The fields of the first refusal."""
        return self.errors[0].fields


def not_found() -> ApiError:
    """What an address answers that does not exist, or not for this user."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def entity_is_deleted() -> ApiError:
    """What a row answers that is gone."""
    return ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def invalid(code: str, message: str, *fields: str) -> ApiError:
    """A refusal of a row, status 400, naming its fields."""
    return ApiError(400, code, message, fields)
